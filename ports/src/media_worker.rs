//! The program that looks into files, run once for each of them, and the folders that it works in.
//!
//! It is given a folder: `input` and `job.json` are there, it leaves `output/` and a line of JSON
//! (ADR 38), and before that it may say how far it has come. What lies there is clear, so the
//! folder is its user's alone and goes as soon as the job is over; those of a process that was
//! killed go when the next one starts.

#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, BufReader};
use tokio::process::Command;
use tokio::sync::{Semaphore, SemaphorePermit, watch};

use crate::Error;
use crate::entropy::Entropy;

const PORT: &str = "media_worker";

/// What the names of our folders begin with.
const PREFIX: &str = "parlance-media-";

/// The file in each of them that is locked as long as its process lives.
const LOCK: &str = "lock";

/// Bytes that a worker says at most.
pub const SAID_BYTES_MAX: u64 = 4 << 20;

/// How long a job may take that ends by itself sooner: the worker has limits of its own.
pub const WALL_MAX: Duration = Duration::from_secs(20 * 60);

/// The same of one that takes long: an hour of processor for half an hour of video.
const LONG_WALL_MAX: Duration = Duration::from_secs(70 * 60);

/// How often it is tried whether a worker works that did not.
const CHECK_EVERY: Duration = Duration::from_secs(30);

/// The exit code of a job that was done.
const DONE: i32 = 0;

/// Where the program is, and how much it may have.
#[derive(Debug, Clone)]
pub struct Settings {
    pub program: PathBuf,
    /// Where the folders are made.
    pub folder: PathBuf,
    /// Files that are looked into at once.
    pub at_once: usize,
    /// How long one may take.
    pub wall: Duration,
}

/// What a job takes of whoever does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Load {
    /// A few seconds.
    Small,
    /// A large file is read.
    Large,
    /// Minutes, of which nothing else has to wait.
    Long,
}

/// A program that looks into files.
pub struct MediaWorker {
    settings: Settings,
    /// Our own, in the folder of all.
    folder: PathBuf,
    next: AtomicU64,
    all: Semaphore,
    /// Large files leave a place to small ones, where there are two.
    large: Semaphore,
    /// What takes long has places of its own: whoever waits to see something does not wait for it.
    long: Semaphore,
    works: watch::Sender<bool>,
    /// The version that it says it has.
    tool: AtomicU32,
    _lock: File,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ended {
    /// With a code, unless a signal ended it; and what it said.
    Itself { code: Option<i32>, said: Vec<u8> },
    /// It took too long and was killed.
    TooLong,
}

/// A place at which a file is looked into.
pub struct Place<'a> {
    _first: SemaphorePermit<'a>,
    _second: Option<SemaphorePermit<'a>>,
}

/// A folder for one job, which goes with this.
pub struct Scratch(PathBuf);

impl Scratch {
    /// Where the file is put.
    pub fn input(&self) -> PathBuf {
        self.0.join("input")
    }

    /// Where something lies that was made of it.
    pub fn output(&self, name: &str) -> PathBuf {
        self.0.join("output").join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, "the folder of a job stays until the next start");
        }
    }
}

fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(folder)
}

/// Removes what processes of our user have left that are not there any more. Where everybody may
/// make folders, those of others are not touched, whatever they are called.
fn remove_left(folder: &Path, own: &Path) -> io::Result<()> {
    let us = fs::symlink_metadata(own)?.uid();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let named = entry.file_name().to_str().is_some_and(|it| it.starts_with(PREFIX));
        let ours = named && entry.metadata().is_ok_and(|it| it.is_dir() && it.uid() == us);
        if !ours {
            continue;
        }
        // One that is being made has no lock yet.
        let Ok(lock) = File::open(entry.path().join(LOCK)) else { continue };
        if lock.try_lock().is_ok() {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

impl MediaWorker {
    /// Makes a folder for this process and removes those that others have left.
    ///
    /// # Errors
    /// When the folder can't be made.
    pub fn open(settings: Settings, entropy: &dyn Entropy) -> Result<Arc<Self>, Error> {
        let failed = |it| Error::unavailable(PORT, it);
        fs::create_dir_all(&settings.folder).map_err(failed)?;
        let own = format!("{PREFIX}{:016x}", u64::from_be_bytes(entropy.bytes()));
        let folder = settings.folder.join(own);
        make_private(&folder).map_err(failed)?;
        let lock = File::create_new(folder.join(LOCK)).map_err(failed)?;
        lock.try_lock().map_err(|it| Error::unavailable(PORT, it))?;
        // Another process may be doing the same: the next start tries again.
        if let Err(error) = remove_left(&settings.folder, &folder) {
            tracing::warn!(%error, "what is left of earlier jobs can't be removed now");
        }
        let at_once = settings.at_once.max(1);
        Ok(Arc::new(Self {
            folder,
            next: AtomicU64::new(0),
            all: Semaphore::new(at_once),
            large: Semaphore::new((at_once - 1).max(1)),
            long: Semaphore::new((at_once / 2).max(1)),
            works: watch::Sender::new(false),
            tool: AtomicU32::new(FIRST_TOOL),
            _lock: lock,
            settings,
        }))
    }

    /// Tries from now on whether it works, as long as it does not.
    pub fn watch(self: &Arc<Self>) {
        let worker = Arc::clone(self);
        // What is not known to work is told not to.
        self.set_works(false);
        crate::spawn("media worker", async move {
            let mut told = None;
            loop {
                if !*worker.works.borrow() {
                    let found = worker.check().await;
                    worker.tell(found.as_ref().err().map(ToString::to_string), &mut told);
                }
                tokio::time::sleep(CHECK_EVERY).await;
            }
        });
    }

    /// Says what has changed, once.
    fn tell(&self, trouble: Option<String>, told: &mut Option<String>) {
        let program = self.settings.program.display();
        match &trouble {
            None => tracing::info!(%program, "files are looked into"),
            Some(why) if told.as_ref() == Some(why) => (),
            Some(why) => tracing::warn!(%program, why, "no file is looked into: they wait"),
        }
        self.set_works(trouble.is_none());
        *told = trouble;
    }

    fn set_works(&self, works: bool) {
        metrics::gauge!("parlance_media_worker_up").set(if works { 1.0 } else { 0.0 });
        self.works.send_replace(works);
    }

    /// Whether it works, as far as is known.
    pub fn works(&self) -> bool {
        *self.works.borrow()
    }

    /// The version of what it makes, once it was seen to work.
    pub fn tool(&self) -> u32 {
        self.tool.load(Ordering::Relaxed)
    }

    /// It was refused, or did not start: nothing is given to it until it was seen to work.
    pub fn fails(&self) {
        self.set_works(false);
    }

    /// Whether it does what it is to do with a file of which nothing is to be made.
    async fn check(&self) -> Result<(), Error> {
        let scratch = self.scratch()?;
        fs::write(scratch.input(), b"-").map_err(|it| Error::unavailable(PORT, it))?;
        match self.run(&scratch, br#"{"kind":"previews"}"#, Load::Small, &|_| ()).await? {
            Ended::Itself { code: Some(DONE), said } => {
                let versioned = serde_json::from_slice::<Versioned>(&said);
                self.tool.store(versioned.map_or(FIRST_TOOL, |it| it.tool), Ordering::Relaxed);
                Ok(())
            }
            Ended::Itself { code, said } => {
                let said = String::from_utf8_lossy(&said[..said.len().min(200)]).into_owned();
                Err(Error::unavailable(PORT, format!("it ended with {code:?}: {}", said.trim())))
            }
            Ended::TooLong => Err(Error::unavailable(PORT, "it did not end")),
        }
    }

    /// Waits until it works, and there is a place for a file.
    pub async fn place(&self, load: Load) -> Place<'_> {
        let mut works = self.works.subscribe();
        loop {
            // The sender is ours: it does not end before this.
            let _ = works.wait_for(|it| *it).await;
            let (first, second) = match load {
                Load::Small => (&self.all, None),
                Load::Large => (&self.large, Some(&self.all)),
                Load::Long => (&self.long, None),
            };
            let first = first.acquire().await.expect("it is never closed");
            let second = match second {
                Some(it) => Some(it.acquire().await.expect("it is never closed")),
                None => None,
            };
            // Whoever had it before may have found that it does not work any more.
            if self.works() {
                return Place { _first: first, _second: second };
            }
        }
    }

    /// A folder for one job.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn scratch(&self) -> Result<Scratch, Error> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let folder = self.folder.join(number.to_string());
        // Whoever tidies a folder for temporary files may have taken ours away.
        let made = DirBuilder::new().mode(0o700).recursive(true).create(&folder);
        made.map_err(|it| Error::unavailable(PORT, it))?;
        Ok(Scratch(folder))
    }

    /// Runs the program on what lies in a folder, and hears how many per cent it has done; dropping
    /// this kills it.
    ///
    /// # Errors
    /// When it can't be started.
    pub async fn run(
        &self,
        scratch: &Scratch,
        job: &[u8],
        load: Load,
        heard: &(dyn Fn(u8) + Sync),
    ) -> Result<Ended, Error> {
        let failed = |it| Error::unavailable(PORT, it);
        fs::write(scratch.0.join("job.json"), job).map_err(failed)?;
        let mut command = Command::new(&self.settings.program);
        command.arg(&scratch.0).env_clear().kill_on_drop(true);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(failed)?;
        let out = child.stdout.take().expect("its output is piped");
        let ending = async { tokio::join!(read(out, heard), child.wait()) };
        let wall = match load {
            Load::Small | Load::Large => self.settings.wall,
            Load::Long => self.settings.wall.max(LONG_WALL_MAX),
        };
        match tokio::time::timeout(wall, ending).await {
            Ok((said, ended)) => Ok(Ended::Itself {
                code: ended.map_err(failed)?.code(),
                said: said.map_err(failed)?,
            }),
            Err(_) => {
                child.kill().await.map_err(failed)?;
                Ok(Ended::TooLong)
            }
        }
    }
}

impl Drop for MediaWorker {
    fn drop(&mut self) {
        // What can't be removed now is by the next that starts.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The version of a worker that says none.
const FIRST_TOOL: u32 = 1;

/// What stands in a worker's line beside other things.
#[derive(Deserialize)]
struct Versioned {
    #[serde(default = "first_tool")]
    tool: u32,
}

fn first_tool() -> u32 {
    FIRST_TOOL
}

/// A line that a worker may say before its last.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Underway {
    progress: u8,
}

/// Reads to the end and keeps the beginning of what is no progress, so that nobody waits for a full
/// pipe.
async fn read(out: impl AsyncRead + Unpin, heard: &(dyn Fn(u8) + Sync)) -> io::Result<Vec<u8>> {
    let mut out = BufReader::new(out);
    let (mut said, mut done) = (Vec::new(), 0);
    loop {
        let left = SAID_BYTES_MAX - said.len() as u64;
        let mut line = Vec::new();
        if (&mut out).take(left).read_until(b'\n', &mut line).await? == 0 {
            break;
        }
        match serde_json::from_slice::<Underway>(&line) {
            // Each of a hundred once.
            Ok(Underway { progress }) if progress > done && progress <= 100 => {
                done = progress;
                heard(progress);
            }
            Ok(_) => (),
            Err(_) => said.extend(line),
        }
    }
    tokio::io::copy(&mut out, &mut tokio::io::sink()).await?;
    Ok(said)
}
