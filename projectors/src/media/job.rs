//! One job: the contents in the clear to the worker, and what it made sealed to the blobs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use chat::files::{File, FileDetails, key_of, variant_blob, variants_prefix};
use chat::kernel::{Accepted, AnyCommand, Failure, Reader, id};
use chat::media::{
    ATTEMPTS_MAX, FailMedia, Job, JobId, JobKind, Media, MediaFailure, MediaOutcome,
    MediaProgressObject, RecordMedia, StartMedia, Told, job_id, told,
};
use ports::Error;
use ports::blobs::BlobKey;
use ports::clock::Stopwatch;
use ports::keys::Secret;
use ports::media_worker::{Ended, Load, MediaWorker, Place, Scratch};

use super::lease;
use super::sealing::{seal, unseal};
use crate::acting::Acting;

/// What the worker is asked for. What somebody calls a file never says what it is.
fn asked(kind: JobKind, details: &FileDetails) -> Vec<u8> {
    let job = match kind {
        JobKind::Previews => serde_json::json!({ "kind": "previews", "name": details.name }),
        JobKind::Conversion(to) => serde_json::json!({ "kind": "convert", "to": to.name() }),
        JobKind::Avatars => serde_json::json!({ "kind": "avatar" }),
        JobKind::Renditions | JobKind::Later => serde_json::json!({ "kind": kind.name() }),
    };
    job.to_string().into_bytes()
}

/// How long is rested after something outside did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// How often it is asked whose outcome counts, when somebody else's may.
const ASKED_MAX: usize = 50;
const ASKED_EVERY: Duration = Duration::from_millis(200);

impl Acting {
    /// Looks into a file; gives the `seq` from which on its document tells of it, or nothing when
    /// it is to be tried again.
    pub(super) async fn look_into(
        self,
        worker: Arc<MediaWorker>,
        media: Arc<Media>,
    ) -> Option<u64> {
        let todo = media.next()?.clone();
        let place = worker.place(todo.load(media.size_bytes)).await;
        let held = lease(&self.ports, media.file_id).await?;
        // Somebody else may have had its turn since the document was read.
        let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
        let now = reader.load::<Media>(media.file_id.to_string()).await;
        let same = match &now {
            Ok(Some(it)) => it.seq == media.seq,
            Ok(None) => false,
            Err(error) => {
                tracing::warn!(id = %media.file_id, %error, "a file can't be looked into now");
                return None;
            }
        };
        if !same {
            return Some(media.seq + 1);
        }
        let job = Attempt { acting: &self, media: &media, job: &todo, tool: worker.tool() };
        let tried = held.during(&self.ports, job.make(&worker, place)).await;
        tried.unwrap_or_else(|error| {
            tracing::warn!(id = %media.file_id, %error, "a file can't be looked into now");
            None
        })
    }
}

/// A try of a job, as its document was when it began.
struct Attempt<'a> {
    acting: &'a Acting,
    media: &'a Media,
    job: &'a Job,
    tool: u32,
}

impl Attempt<'_> {
    async fn make(&self, worker: &MediaWorker, place: Place<'_>) -> Result<Option<u64>, Error> {
        let (media, job) = (self.media, self.job);
        let over = media.seq + 1;
        if let Some(id) = job.id.filter(|_| job.attempts >= ATTEMPTS_MAX) {
            // Nobody has heard what came of the last attempt.
            let left = self.made().await?;
            let fail = self.failing((id, job.attempts), MediaFailure::Broken);
            let Some(noted) = self.note("fail", fail).await else { return Ok(None) };
            if noted.is_new() {
                self.forget(&left).await;
            }
            return Ok(noted.seq());
        }
        let reader = self.reader();
        let file = reader.load::<File>(media.file_id.to_string()).await?;
        let Some(file) = file.filter(|it| it.has_contents()) else {
            return Ok(Some(over));
        };
        let Some(key) = key_of(&self.acting.keyring, &file).await? else { return Ok(Some(over)) };
        let Some(details) = reader.open(&file.details).await? else { return Ok(Some(over)) };
        let scratch = worker.scratch()?;
        unseal(&self.acting.ports, &file, &key, &scratch.input()).await?;
        let attempt = job.attempts + 1;
        let (file_id, kind, tool) = (media.file_id, job.kind, self.tool);
        let job_id = job_id(file_id, kind, tool, job.asked);
        // What earlier attempts have made counts no more once this one has begun; what a later one
        // makes may.
        let left = if attempt > 1 { self.made().await? } else { Vec::new() };
        if !worker.works() {
            return Ok(None);
        }
        let start = StartMedia { file_id, kind, tool, attempt, seq: media.seq };
        // One that was begun long ago, as documents show that are folded again, is not begun now.
        let started = self.note("start", start).await.filter(Noted::is_new);
        if started.and_then(|it| it.seq()).is_none() {
            return Ok(Some(over));
        }
        self.forget(&left).await;
        let watch = Stopwatch::start();
        let load = job.load(media.size_bytes);
        let ended = self.run(worker, &scratch, (&asked(kind, &details), load)).await;
        drop(place);
        let made = kind.name();
        metrics::histogram!("parlance_media_seconds", "kind" => made).record(watch.seconds());
        let told = match ended {
            Ok(Ended::Itself { code, said }) => told(code, &said),
            Ok(Ended::TooLong) => Told::Failed(MediaFailure::Timeout),
            Err(error) => {
                tracing::warn!(%error, "the media worker does not start");
                Told::Refused
            }
        };
        let (outcome, came) = match told {
            Told::Done(outcome) => {
                let came = self.keep(&key, (job_id, attempt), &scratch, outcome).await;
                let outcome = if came.is_ok() { "done" } else { "failed" };
                (outcome, came)
            }
            Told::Failed(failure) => ("failed", Err(failure)),
            Told::Refused => {
                worker.fails();
                return Ok(None);
            }
        };
        metrics::counter!("parlance_media_jobs_total", "outcome" => outcome).increment(1);
        match came {
            Ok(seq) => Ok(seq.or(Some(over))),
            Err(failure) => Ok(self.note_failure((job_id, attempt), failure).await.or(Some(over))),
        }
    }

    /// Runs the worker, and tells the owner's devices how far it has come.
    async fn run(
        &self,
        worker: &MediaWorker,
        scratch: &Scratch,
        (asked, load): (&[u8], Load),
    ) -> Result<Ended, Error> {
        let (told, mut tells) = watch::channel(0);
        let heard = |percent: u8| {
            told.send_replace(percent);
        };
        let telling = async {
            while tells.changed().await.is_ok() {
                let percent = *tells.borrow_and_update();
                let progress = MediaProgressObject::told(self.media, self.job.kind, percent);
                // What passes is told again or forgotten.
                let _ = self.acting.ports.bus.publish(progress).await;
                tokio::time::sleep(PAUSE).await;
            }
        };
        tokio::select! {
            ended = worker.run(scratch, asked, load, &heard) => ended,
            () = telling => unreachable!("who hears it is there"),
        }
    }

    /// What was made and no document names.
    async fn made(&self) -> Result<Vec<BlobKey>, Error> {
        let file = self.media.file_id;
        let (prefix, made) = (variants_prefix(file), self.media.jobs.iter());
        let counts = made.filter_map(|it| it.made.as_ref()).flat_map(|it| &it.blobs);
        let counts: Vec<_> = counts.map(|it| variant_blob(file, *it)).collect();
        self.acting.beginning(&prefix, &counts).await
    }

    /// A reader that has read nothing yet.
    fn reader(&self) -> Reader {
        let acting = self.acting;
        Reader::new(Arc::clone(&acting.ports.documents), Arc::clone(&acting.keyring))
    }

    /// Stores what was made and notes it; what is not as the worker says is its failure.
    async fn keep(
        &self,
        key: &Secret,
        (job_id, attempt): (JobId, u64),
        scratch: &Scratch,
        outcome: MediaOutcome,
    ) -> Result<Option<u64>, MediaFailure> {
        let media = self.media;
        let mut kept: Vec<BlobKey> = Vec::new();
        let mut blobs = Vec::new();
        for variant in &outcome.variants {
            let path = scratch.output(&variant.name);
            let found = tokio::fs::symlink_metadata(&path).await;
            let good = found.is_ok_and(|it| it.is_file() && it.len() == variant.size_bytes);
            // It stands in an event, where numbers are longs.
            let blob = u64::from_be_bytes(self.acting.ports.entropy.bytes()) >> 1;
            let own = variant_blob(media.file_id, blob);
            let stored = good
                && seal(&self.acting.ports, (key, blob), &path, &own, variant.size_bytes).await;
            if !stored {
                self.forget(&kept).await;
                return Err(MediaFailure::Broken);
            }
            kept.push(own);
            blobs.push(blob);
        }
        let file_id = media.file_id;
        let record = RecordMedia { file_id, job_id, attempt, blobs: blobs.clone(), outcome };
        match self.note("record", record).await {
            // Or by a try that was not heard of; or something else was.
            Some(noted) => {
                self.settle(&blobs, &kept).await;
                Ok(noted.seq())
            }
            None => {
                self.forget(&kept).await;
                Ok(None)
            }
        }
    }

    /// Deletes what was made unless the documents come to name it, and then what they named before.
    async fn settle(&self, blobs: &[u64], kept: &[BlobKey]) {
        let media = self.media;
        for _ in 0..ASKED_MAX {
            let reader = self.reader();
            let found = reader.load::<Media>(media.file_id.to_string()).await;
            match found {
                Ok(found) => match found.as_ref().and_then(|it| it.job(self.job.kind)) {
                    Some(it) if it.made.as_ref().is_some_and(|it| it.blobs == blobs) => {
                        let old = self.job.made.iter().flat_map(|it| &it.blobs);
                        let old: Vec<_> = old.map(|it| variant_blob(media.file_id, *it)).collect();
                        return self.forget(&old).await;
                    }
                    Some(it) if it.is_due() => (),
                    Some(_) | None => return self.forget(kept).await,
                },
                Err(error) => tracing::warn!(%error, "whose outcome counts is unknown"),
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
        tracing::warn!(id = %media.file_id, "what was made may be left until its file is over");
    }

    async fn forget(&self, kept: &[BlobKey]) {
        for key in kept {
            if let Err(error) = self.acting.ports.blobs.delete(key).await {
                tracing::warn!(%error, "what was made is left until its file is over");
            }
        }
    }

    fn failing(&self, (job_id, attempt): (JobId, u64), failure: MediaFailure) -> FailMedia {
        FailMedia { file_id: self.media.file_id, job_id, attempt, failure }
    }

    /// Notes that an attempt has failed.
    async fn note_failure(&self, tried: (JobId, u64), failure: MediaFailure) -> Option<u64> {
        self.note("fail", self.failing(tried, failure)).await.and_then(|it| it.seq())
    }

    /// Gives a command until it was decided; nothing when it was refused.
    async fn note(&self, what: &str, command: impl AnyCommand + Clone + 'static) -> Option<Noted> {
        let media = self.media;
        let parts = [b"media".as_slice(), what.as_bytes(), &media.seq.to_be_bytes()];
        let (client_id, mut doubtful) = (id::derive(media.file_id.0, &parts), false);
        loop {
            let caller = media.account_id.into();
            match self.acting.door.submit(caller, client_id, Box::new(command.clone())).await {
                Ok(accepted) => return Some(Noted { accepted, doubtful }),
                Err(
                    failure @ (Failure::Rejected(_)
                    | Failure::IdempotencyMismatch
                    | Failure::ClientIdInvalid
                    | Failure::TooLarge),
                ) => {
                    tracing::warn!(id = %media.file_id, ?failure, what, "a job can't be noted");
                    return None;
                }
                // What was made lies here and nowhere else.
                Err(failure) => {
                    doubtful |= failure == Failure::Unknown;
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }
}

/// What a command came to.
struct Noted {
    accepted: Accepted,
    /// Whether an earlier try of ours may have been accepted.
    doubtful: bool,
}

impl Noted {
    /// Whether it was accepted now, and not long ago.
    fn is_new(&self) -> bool {
        self.doubtful || !self.accepted.repeated
    }

    /// The `seq` of its event, or of nothing.
    fn seq(&self) -> Option<u64> {
        (self.accepted.first_seq > 0).then_some(self.accepted.first_seq)
    }
}
