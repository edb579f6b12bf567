//! The process outside: starts the decoder, ends it in time and believes little of what it says.

use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::job::{INPUT_BYTES_MAX, JOB_BYTES_MAX, Job, Limits};
use crate::outcome::{Failure, Line, Outcome};
use crate::output::{FILES_MAX, PARTS_SUFFIX, media_type, slot_name};
use crate::{code, exit, inner, progress};

/// A decoder says no more than this.
pub(crate) const SAID_BYTES_MAX: u64 = 4 << 20;

/// Its HTML is no longer than this: each character of a code in a colour of its own.
const HTML_BYTES_MAX: u64 = 16 << 20;

/// What it complains of is read as far as this, to tell one end from another.
const COMPLAINT_BYTES_MAX: u64 = 16 << 10;

/// Does the job in a folder.
pub(crate) fn run(folder: &Path) -> ExitCode {
    let job = match read_job(folder) {
        Ok(job) => job,
        Err(detail) => {
            eprintln!("{detail}");
            return ExitCode::from(exit::ASKED_WRONGLY);
        }
    };
    let output = folder.join("output");
    let line = match decode(folder, &job) {
        Ok(Line::Done(outcome)) => {
            keep(&output, *outcome).map_or_else(Line::Failed, |it| Line::Done(Box::new(it)))
        }
        Ok(other) => other,
        Err(failure) => Line::Failed(failure),
    };
    if !matches!(line, Line::Done(_)) {
        // Nothing half made is left. What can't be removed goes with the folder.
        let _ = fs::remove_dir_all(&output);
    }
    say(&line)
}

/// Prints the line, and tells the exit code that goes with it.
pub(crate) fn say(line: &Line) -> ExitCode {
    let text = match line {
        Line::Done(outcome) => serde_json::to_string(outcome),
        Line::Failed(_) | Line::Refused { .. } => serde_json::to_string(line),
    };
    let text = text.expect("an outcome is plain");
    if writeln!(io::stdout(), "{text}").is_err() {
        return ExitCode::FAILURE;
    }
    match line {
        Line::Done(_) => ExitCode::SUCCESS,
        Line::Failed(_) => ExitCode::from(exit::FAILED),
        Line::Refused { .. } => ExitCode::from(exit::REFUSED),
    }
}

fn read_job(folder: &Path) -> Result<Job, String> {
    let job = inner::read_bounded(&folder.join("job.json"), JOB_BYTES_MAX);
    let job = job.map_err(|it| format!("job.json: {it}"))?;
    serde_json::from_slice(&job).map_err(|it| format!("job.json: {it}"))
}

fn decode(folder: &Path, job: &Job) -> Result<Line, Failure> {
    let input = fs::symlink_metadata(folder.join("input")).map_err(Failure::corrupt)?;
    if !input.is_file() {
        return Err(Failure::corrupt("the input is no file"));
    }
    if input.len() > INPUT_BYTES_MAX {
        return Err(Failure::too_large("the input is larger than any upload"));
    }
    fs::create_dir(folder.join("output"))
        .map_err(|it| Failure::corrupt(format_args!("output: {it}")))?;
    let mut command = Command::new(own_path().map_err(Failure::corrupt)?);
    command.arg("--inside").arg(".").current_dir(folder);
    let said = if job.is_long() { Said::OfProgress } else { Said::Last };
    let ended = run_inside(command, job.limits(), said).map_err(Failure::corrupt)?;
    ended.read(job.limits())
}

pub(crate) fn own_path() -> io::Result<std::path::PathBuf> {
    std::env::current_exe()
}

/// How a decoder ended, and what it said until then.
pub(crate) struct Ended {
    status: ExitStatus,
    in_time: bool,
    pub(crate) said: Vec<u8>,
    complaint: Vec<u8>,
}

/// What a decoder may say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// Nothing but what comes of its job, or has come of it so far.
    Last,
    /// How far it is, before that.
    OfProgress,
}

/// Starts a process with nothing but its arguments, and waits no longer than it may take.
pub(crate) fn run_inside(mut command: Command, limits: Limits, may_say: Said) -> io::Result<Ended> {
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    let pid = Pid::from_child(&child);
    let said = collect(child.stdout.take(), SAID_BYTES_MAX, move |pipe| match may_say {
        Said::Last => Vec::new(),
        Said::OfProgress => progress::hand_on(pipe, &mut io::stdout()),
    });
    let complaint = collect(child.stderr.take(), COMPLAINT_BYTES_MAX, |_| Vec::new());
    let end = wait(child);
    let wall = Duration::from_secs(limits.wall_s);
    let (in_time, status) = match end.recv_timeout(wall) {
        Ok(status) => (true, status?),
        Err(_) => {
            // It is not waited for yet, so this is its number and nobody else's.
            let _ = kill_process(pid, Signal::KILL);
            (false, end.recv().map_err(io::Error::other)??)
        }
    };
    let said = said.join().unwrap_or_default();
    Ok(Ended { status, in_time, said, complaint: complaint.join().unwrap_or_default() })
}

fn wait(mut child: Child) -> mpsc::Receiver<io::Result<ExitStatus>> {
    let (tell, end) = mpsc::channel();
    thread::spawn(move || tell.send(child.wait()));
    end
}

/// Reads to the end and keeps the beginning, so that nobody waits for a full pipe. Somebody else
/// may hear what is said first, and give back what is to be kept of it.
fn collect<T: Read + Send + 'static>(
    pipe: Option<T>,
    most: u64,
    hear: impl FnOnce(&mut BufReader<T>) -> Vec<u8> + Send + 'static,
) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut kept = Vec::new();
        if let Some(mut pipe) = pipe.map(BufReader::new) {
            kept = hear(&mut pipe);
            // An error is an end: what counts is what was said until then.
            let _ = pipe.by_ref().take(most).read_to_end(&mut kept);
            let _ = io::copy(&mut pipe, &mut io::sink());
        }
        kept
    })
}

impl Ended {
    /// Whether it came to its own end.
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code().filter(|_| self.in_time)
    }

    fn read(self, limits: Limits) -> Result<Line, Failure> {
        if !self.in_time {
            let over = || Failure::timeout(format_args!("over {} s", limits.wall_s));
            return self.so_far().ok_or_else(over);
        }
        if let Some(signal) = self.status.signal() {
            return self.so_far().ok_or_else(|| self.killed(signal));
        }
        let last = self.said.trim_ascii_end().rsplit(|it| *it == b'\n').next();
        let line = serde_json::from_slice(last.unwrap_or_default());
        line.map_err(|_| Failure::corrupt("the decoder said nothing that makes sense"))
    }

    /// What a decoder had done, and said on a whole line, before it came to another end than its
    /// own.
    fn so_far(&self) -> Option<Line> {
        let end = self.said.iter().rposition(|it| *it == b'\n')?;
        let last = self.said[..end].rsplit(|it| *it == b'\n').next()?;
        let line = serde_json::from_slice(last).ok();
        line.filter(|it| matches!(it, Line::Done(_)))
    }

    fn killed(&self, signal: i32) -> Failure {
        let complaint = String::from_utf8_lossy(&self.complaint);
        match signal {
            libc::SIGXCPU => Failure::timeout("over its time of processor"),
            libc::SIGXFSZ => Failure::too_large("over the size of a file"),
            // Past the soft limit of time comes the hard one; nobody else kills it in time but a
            // machine that is out of memory.
            libc::SIGKILL => Failure::too_large("killed"),
            libc::SIGABRT
                if ["memory allocation of", "bad_alloc"]
                    .iter()
                    .any(|it| complaint.contains(it)) =>
            {
                Failure::too_large("over its memory")
            }
            other => Failure::corrupt(format_args!("the decoder died of signal {other}")),
        }
    }
}

/// HTML is the one thing made here that could act: a decoder that was taken over has written it.
fn is_ours(path: &Path) -> bool {
    let html = inner::read_bounded(path, HTML_BYTES_MAX).ok();
    html.and_then(|it| String::from_utf8(it).ok()).is_some_and(|it| code::is_ours(&it))
}

/// Gives the files their names and measures them.
fn keep(output: &Path, mut outcome: Outcome) -> Result<Outcome, Failure> {
    let refused = |what: &str| Failure::corrupt(format_args!("the decoder said {what}"));
    let mut names = Vec::new();
    for file in &mut outcome.files {
        let slot = file.slot.take().filter(|it| *it < FILES_MAX);
        let slot = slot.ok_or_else(|| refused("a file that isn't there"))?;
        let kind = media_type(&file.name).ok_or_else(|| refused("a name that isn't one"))?;
        if names.contains(&file.name) {
            return Err(refused("a name twice"));
        }
        names.push(file.name.clone());
        file.media_type = kind.to_owned();
        let path = output.join(&file.name);
        fs::rename(output.join(slot_name(slot)), &path).map_err(Failure::corrupt)?;
        if file.name.ends_with(".html") && !is_ours(&path) {
            return Err(refused("HTML that isn't ours"));
        }
        file.bytes = fs::symlink_metadata(&path).map_err(Failure::corrupt)?.len();
        let fits = file.fragments.as_ref().map(|it| it.fits(file.bytes));
        if fits != file.name.ends_with(PARTS_SUFFIX).then_some(true) {
            return Err(refused("parts that aren't there"));
        }
    }
    for slot in 0..FILES_MAX {
        // Those that were given a name are no longer there.
        let _ = fs::remove_file(output.join(slot_name(slot)));
    }
    outcome.tool = TOOL;
    Ok(outcome)
}

/// It is raised when something else, or more, is made of files that were looked into before.
const TOOL: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::Job;

    /// What is read of a decoder that ended so: by a signal, or not.
    fn read(said: &str, signal: i32, in_time: bool) -> Result<Line, Failure> {
        let (said, status) = (said.as_bytes().to_vec(), ExitStatus::from_raw(signal));
        Ended { status, in_time, said, complaint: Vec::new() }.read(Job::Avatar.limits())
    }

    fn pages(read: Result<Line, Failure>) -> Option<u64> {
        match read {
            Ok(Line::Done(it)) => it.pages,
            Ok(Line::Failed(_) | Line::Refused { .. }) | Err(_) => None,
        }
    }

    fn done(pages: u64) -> String {
        let outcome = Outcome { pages: Some(pages), ..Outcome::default() };
        serde_json::to_string(&Line::Done(Box::new(outcome))).expect("plain")
    }

    #[test]
    fn what_was_done_counts_whatever_came_then() {
        let (one, two) = (done(1), done(2));
        assert_eq!(pages(read(&two, 0, true)), Some(2));
        assert_eq!(pages(read(&format!("{one}\n{two}"), 0, true)), Some(2));
        assert_eq!(pages(read(&format!("{one}\n"), 0, true)), Some(1), "it ended itself");
        for (signal, in_time) in [(libc::SIGKILL, true), (libc::SIGSEGV, true), (0, false)] {
            assert_eq!(pages(read(&format!("{one}\n"), signal, in_time)), Some(1));
            assert_eq!(pages(read(&format!("{one}\n{two}"), signal, in_time)), Some(1));
            assert_eq!(pages(read(&one, signal, in_time)), None, "it may be half a line");
            assert_eq!(pages(read("", signal, in_time)), None);
            assert_eq!(pages(read("x\n", signal, in_time)), None);
        }
    }

    #[test]
    fn a_failure_is_nothing_that_was_done() {
        let failed = serde_json::to_string(&Line::Failed(Failure::corrupt("x"))).expect("plain");
        let read = read(&format!("{}\n{failed}", done(1)), 0, true);
        assert!(matches!(read, Ok(Line::Failed(_))));
    }
}
