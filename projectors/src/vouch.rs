//! Signs where the fold of each partition stands, and keeps that apart from the log: whoever cuts
//! or rewrites the log later can't make it agree with what was signed before.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use tokio::sync::Mutex;

use chat::kernel::Keyring;
use ports::blobs::{BlobKey, Blobs, LIST_MAX, Put, Span};
use ports::event_log::signed::{SIGNED_BYTES_MAX, SignedCheckpoint, Signer};
use ports::event_log::{Identity, Partition};
use ports::keys::Keys;
use ports::{Error, Ports};

use crate::progress::Progress;

/// Batches after which a partition is signed at once.
const BATCHES: usize = 1_024;

/// How long a partition that has moved waits for its signature at most, and how often it is looked
/// whether one is due.
const WAIT_MS: i64 = 60_000;
const TICK: Duration = Duration::from_secs(1);

/// Checkpoints kept of a partition; of more, every second of the older half is let go.
const KEPT_MAX: usize = 256;

/// The signer of an instance's checkpoints.
pub fn signer(identity: &Identity, keys: &dyn Keys) -> Signer {
    Signer::new(identity, &keys.secret("checkpoints"))
}

/// What the names of all kept checkpoints of a partition begin with.
fn prefix(partition: Partition) -> String {
    format!("checkpoints.{partition:04x}.")
}

/// What is known of a partition's checkpoints.
struct Place {
    /// Signed up to this ordinal; unknown until one is due.
    signed: Option<u64>,
    at_ms: i64,
}

/// Signs the partitions that are folded here.
pub struct Vouching {
    ports: Ports,
    signer: Signer,
    progress: Arc<Progress>,
    places: Mutex<Vec<Place>>,
}

impl Vouching {
    pub fn new(ports: &Ports, keyring: &Keyring, progress: &Arc<Progress>) -> Arc<Self> {
        let identity = ports.event_log.identity();
        let signer = Signer::new(&identity, &keyring.secret("checkpoints"));
        let place = |_| Place { signed: None, at_ms: 0 };
        let places = Mutex::new((0..identity.partitions).map(place).collect());
        let (ports, progress) = (ports.clone(), Arc::clone(progress));
        Arc::new(Self { ports, signer, progress, places })
    }

    /// Signs from now on whatever is due.
    pub fn start(self: &Arc<Self>) {
        let own = Arc::clone(self);
        ports::spawn("checkpoints", async move {
            loop {
                tokio::time::sleep(TICK).await;
                own.sign(false).await;
            }
        });
    }

    /// Signs everything that has moved, due or not.
    pub async fn finish(&self) {
        self.sign(true).await;
    }

    async fn sign(&self, all: bool) {
        let mut places = self.places.lock().await;
        for (partition, place) in (0..).zip(places.iter_mut()) {
            let Some((batches, ordinal)) = self.progress.trails.waiting(partition) else {
                // Others may sign it from now on.
                place.signed = None;
                continue;
            };
            let waited = self.ports.clock.now_ms() - place.at_ms;
            let due = all || batches >= BATCHES || !(0..WAIT_MS).contains(&waited);
            if due
                && place.signed.is_none_or(|it| it < ordinal)
                && let Err(error) = self.sign_one(partition, place).await
            {
                tracing::warn!(partition, error = %error, "a checkpoint waits");
                metrics::counter!("parlance_checkpoint_failures_total").increment(1);
                return;
            }
        }
    }

    async fn sign_one(&self, partition: Partition, place: &mut Place) -> Result<(), Error> {
        let identity = self.ports.event_log.identity();
        let Some(trail) = self.progress.trails.get(partition) else { return Ok(()) };
        let start = format!("{}{:08x}.", prefix(partition), identity.epoch);
        let mut kept = keys(&*self.ports.blobs, partition).await?;
        let ordinal = |it: &BlobKey| {
            let ordinal = it.as_str().strip_prefix(&start)?;
            u64::from_str_radix(ordinal, 16).ok()
        };
        let signed = kept.last().and_then(ordinal).unwrap_or(0);
        let now = self.ports.clock.now_ms();
        *place = Place { signed: Some(signed.max(trail.fold.ordinal)), at_ms: now };
        if signed < trail.fold.ordinal {
            let checkpoint = SignedCheckpoint {
                log: identity.log,
                epoch: identity.epoch,
                partition,
                fold: trail.fold.clone(),
                at_ms: now,
                after: trail.after,
                links: trail.links.clone(),
            };
            let note = Bytes::from(self.signer.sign(&checkpoint));
            let key = BlobKey::new(&format!("{start}{:016x}", trail.fold.ordinal));
            let key = key.expect("it is a plain name");
            if let Err(error) = put(&*self.ports.blobs, &key, &note).await {
                place.signed = None;
                return Err(error);
            }
            metrics::counter!("parlance_checkpoints_total").increment(1);
            kept.push(key);
        }
        self.progress.trails.cut(partition, &trail);
        thin_out(&*self.ports.blobs, &kept).await
    }
}

async fn put(blobs: &dyn Blobs, key: &BlobKey, note: &Bytes) -> Result<(), Error> {
    match blobs.put(key, note.clone().into()).await? {
        Put::Stored { .. } => Ok(()),
        Put::Differs | Put::TooLarge => Err(Error::unavailable("blobs", "a checkpoint is refused")),
    }
}

async fn thin_out(blobs: &dyn Blobs, kept: &[BlobKey]) -> Result<(), Error> {
    if kept.len() > KEPT_MAX {
        for key in kept[..kept.len() / 2].iter().skip(1).step_by(2) {
            blobs.delete(key).await?;
        }
    }
    Ok(())
}

/// The keys of a partition's checkpoints, oldest first.
async fn keys(blobs: &dyn Blobs, partition: Partition) -> Result<Vec<BlobKey>, Error> {
    let listed = blobs.list(&prefix(partition), None, LIST_MAX).await?;
    Ok(listed.into_iter().map(|it| it.key).collect())
}

async fn read(blobs: &dyn Blobs, key: &BlobKey) -> Result<Option<String>, Error> {
    let bytes_max = SIGNED_BYTES_MAX as u64 + 1;
    let Some(found) = blobs.get(key, Span::From { offset: 0, bytes_max }).await? else {
        return Ok(None);
    };
    let bytes = found.bytes.try_fold(Vec::new(), async |mut all, it| {
        all.extend_from_slice(&it);
        Ok(all)
    });
    Ok(Some(String::from_utf8_lossy(&bytes.await?).into_owned()))
}

/// The newest checkpoint of a partition as it was signed.
///
/// # Errors
/// When the blobs can't be reached.
pub async fn newest(blobs: &dyn Blobs, partition: Partition) -> Result<Option<String>, Error> {
    match keys(blobs, partition).await?.last() {
        Some(key) => read(blobs, key).await,
        None => Ok(None),
    }
}

/// Every checkpoint that is kept of a partition, oldest first.
///
/// # Errors
/// When the blobs can't be reached.
pub async fn kept(blobs: &dyn Blobs, partition: Partition) -> Result<Vec<String>, Error> {
    let mut notes = Vec::new();
    for key in keys(blobs, partition).await? {
        notes.extend(read(blobs, &key).await?);
    }
    Ok(notes)
}
