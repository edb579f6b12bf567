//! Looks into files of strangers, behind walls: it sniffs, decodes and makes previews.
//!
//! `parlance-media-worker <folder>` reads `<folder>/input` and `<folder>/job.json`, writes to
//! `<folder>/output/` and prints one line of JSON, before which a job that takes long says on lines
//! how far it is. It ends with 0 when the job is done, 3 when it failed, 4 when it was refused
//! since no wall stands here, 2 when it was asked wrongly.
//! `parlance-media-worker --check` prints which walls stand, as a program behind them finds them.

mod archives;
mod code;
mod decoders;
mod documents;
mod fragments;
mod images;
mod inner;
mod job;
mod outcome;
mod outer;
mod output;
mod probe;
mod progress;
mod shown;
mod sniff;
mod sounds;
mod videos;
mod walls;

use std::path::Path;
use std::process::ExitCode;

/// What the exit code says to whoever started the program.
pub(crate) mod exit {
    pub(crate) const ASKED_WRONGLY: u8 = 2;
    pub(crate) const FAILED: u8 = 3;
    pub(crate) const REFUSED: u8 = 4;
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["--check"] => probe::check(),
        ["--inside", "--check", which] => probe::inside(which),
        ["--inside", folder] => inner::run(Path::new(folder)),
        [folder] if !folder.starts_with('-') => outer::run(Path::new(folder)),
        _ => {
            eprintln!("usage: parlance-media-worker <folder> | --check");
            ExitCode::from(exit::ASKED_WRONGLY)
        }
    }
}
