//! Where a decoder writes: files that were opened before the walls went up.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::fragments::Fragments;
use crate::outcome::{Failure, Line, Outcome, Produced};
use crate::progress::Progress;

/// No job makes more files.
pub(crate) const FILES_MAX: usize = 32;

/// What is made, under which names. A decoder has no say in what a name means.
const MEDIA_TYPES: [(&str, &str); 13] = [
    ("webp", "image/webp"),
    ("jpg", "image/jpeg"),
    ("png", "image/png"),
    ("gif", "image/gif"),
    ("opus", "audio/ogg"),
    ("mp3", "audio/mpeg"),
    ("m4a", "audio/mp4"),
    ("flac", "audio/flac"),
    ("wav", "audio/wav"),
    ("txt", "text/plain; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("json", "application/json"),
    ("mp4", "video/mp4"),
];

/// What a produced file is, by its name; nothing if no such file is made.
pub(crate) fn media_type(name: &str) -> Option<&'static str> {
    let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
    let (stem, ending) = name.split_once('.')?;
    if stem.is_empty() || stem.len() > 40 || !stem.chars().all(plain) {
        return None;
    }
    MEDIA_TYPES.iter().find(|it| it.0 == ending).map(|it| it.1)
}

/// How the name of a video ends that lies in parts: it says where.
pub(crate) const PARTS_SUFFIX: &str = "-hls.mp4";

/// What a slot is called until it is known what is in it.
pub(crate) fn slot_name(slot: usize) -> String {
    format!("slot-{slot:02}")
}

/// Which of the files it is that somebody writes to.
#[derive(Debug)]
pub(crate) struct Slot(usize);

/// The files of a job, each to be taken once, and how far it is.
pub(crate) struct Output {
    slots: Vec<File>,
    pub(crate) produced: Vec<Produced>,
    pub(crate) progress: Progress,
}

impl Output {
    /// Opens all that may be written; nothing is opened after that.
    pub(crate) fn open(folder: &Path) -> io::Result<Output> {
        let open = |slot| {
            let path = folder.join(slot_name(slot));
            OpenOptions::new().read(true).write(true).create_new(true).open(path)
        };
        // The last is taken first.
        let slots = (0..FILES_MAX).rev().map(open).collect::<Result<_, _>>()?;
        Ok(Output { slots, produced: Vec::new(), progress: Progress::default() })
    }

    /// A file to write to, which is to be called so.
    pub(crate) fn take(&mut self, name: &str, size: Option<(u32, u32)>) -> Result<File, Failure> {
        let (slot, file) = self.open_slot()?;
        self.name(slot, name, size, None);
        Ok(file)
    }

    /// A file that is gone afterwards.
    pub(crate) fn scratch(&mut self) -> Result<File, Failure> {
        self.open_slot().map(|it| it.1)
    }

    /// A file that is gone afterwards, but if it is given a name.
    pub(crate) fn open_slot(&mut self) -> Result<(Slot, File), Failure> {
        let slot = Slot(FILES_MAX - self.slots.len());
        let file = self.slots.pop().ok_or_else(|| Failure::too_large("too many files"))?;
        Ok((slot, file))
    }

    /// Keeps what was written under a name.
    pub(crate) fn name(
        &mut self,
        slot: Slot,
        name: &str,
        size: Option<(u32, u32)>,
        fragments: Option<Fragments>,
    ) {
        self.produced.push(Produced {
            slot: Some(slot.0),
            name: name.to_owned(),
            media_type: String::new(),
            width: size.map(|it| it.0),
            height: size.map(|it| it.1),
            bytes: 0,
            fragments,
        });
    }

    /// Says what comes of the job if nothing else does: whatever follows may end the process.
    pub(crate) fn said_so_far(&mut self, mut outcome: Outcome) -> Result<Outcome, Failure> {
        outcome.files = std::mem::take(&mut self.produced);
        let line = Line::Done(Box::new(outcome));
        let text = serde_json::to_string(&line).expect("an outcome is plain") + "\n";
        let mut to = io::stdout().lock();
        to.write_all(text.as_bytes()).and_then(|()| to.flush()).map_err(Failure::corrupt)?;
        let Line::Done(mut outcome) = line else { unreachable!("it was done") };
        self.produced = std::mem::take(&mut outcome.files);
        Ok(*outcome)
    }

    pub(crate) fn write(
        &mut self,
        name: &str,
        size: Option<(u32, u32)>,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        let mut file = self.take(name, size)?;
        file.write_all(bytes).map_err(|it| Failure::too_large(format_args!("{name}: {it}")))
    }
}

#[cfg(test)]
mod tests {
    use super::media_type;

    #[test]
    fn a_name_is_plain_and_ends_with_what_is_made() {
        assert_eq!(media_type("96.webp"), Some("image/webp"));
        for name in ["", ".webp", "96", "../96.webp", "a/b.webp", "96.exe", "96.jpg.webp", "Ä.jpg"]
        {
            assert_eq!(media_type(name), None, "{name}");
        }
        assert!(media_type(&format!("{}.jpg", "a".repeat(40))).is_some());
        assert!(media_type(&format!("{}.jpg", "a".repeat(41))).is_none());
    }
}
