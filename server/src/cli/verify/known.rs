//! The signed checkpoints that a log is checked against: those beside it, and those kept elsewhere.

use std::collections::{BTreeMap, VecDeque};
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use ports::blobs::Blobs;
use ports::event_log::signed::{PublicKey, SignedCheckpoint, Unsigned, notes};
use ports::event_log::{EventLog, Identity, Partition, Standing};

use super::super::OutOfOrder;

/// Bytes of a file of checkpoints at most.
const FILE_BYTES_MAX: u64 = 512 << 20;

/// Where checkpoints are, and the key for them.
pub(super) struct Keeping {
    identity: Identity,
    key: Option<PublicKey>,
    blobs: Arc<dyn Blobs>,
    elsewhere: BTreeMap<Partition, Vec<SignedCheckpoint>>,
}

/// The checkpoints of one partition that hold for it, by their ordinals.
pub(super) struct Known {
    pub(super) checkpoints: VecDeque<SignedCheckpoint>,
    /// Those of what this log has left behind.
    pub(super) left: u64,
    /// Whether they may come after the end of the log, which is a copy.
    pub(super) of_copy: bool,
}

impl Keeping {
    /// Opens what lies beside the log; without a key given it is the instance's own.
    pub(super) async fn open(
        ports: &ports::Config,
        identity: &Identity,
        key: Option<PublicKey>,
    ) -> anyhow::Result<Self> {
        let own = async {
            let keys = ports::open_keys_to_read(ports).await.ok()?;
            Some(projectors::signer(identity, &*keys).public())
        };
        let key = match key {
            Some(it) => Some(it),
            None => own.await,
        };
        let blobs = ports::open_blobs(ports).await?;
        Ok(Self { identity: identity.clone(), key, blobs, elsewhere: BTreeMap::new() })
    }

    /// Adds those of a file, or of every file of a folder.
    pub(super) fn add(&mut self, path: &Path) -> anyhow::Result<()> {
        if !path.is_dir() {
            return self.add_file(path);
        }
        for entry in std::fs::read_dir(path)? {
            let path = entry?.path();
            if path.is_file() {
                self.add_file(&path)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> anyhow::Result<()> {
        let mut text = String::new();
        std::fs::File::open(path)?.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        for note in notes(&text) {
            let checkpoint = self.read(&note, &path.display().to_string())?;
            self.elsewhere.entry(checkpoint.partition).or_default().push(checkpoint);
        }
        Ok(())
    }

    fn read(&self, note: &str, place: &str) -> anyhow::Result<SignedCheckpoint> {
        let key = self.key.as_ref();
        let key = key.ok_or_else(|| anyhow::anyhow!("the instance's keys are not here: --key"))?;
        let told = |why: Unsigned| OutOfOrder(format!("a checkpoint of {place}: {why}"));
        let checkpoint = key.open(note).map_err(told)?;
        let own = checkpoint.log == self.identity.log;
        let other = || OutOfOrder(format!("a checkpoint of {place} is of another log"));
        own.then_some(checkpoint).ok_or_else(|| other().into())
    }

    /// Those of a partition.
    pub(super) async fn of(
        &mut self,
        log: &dyn EventLog,
        partition: Partition,
    ) -> anyhow::Result<Known> {
        let mut all = self.elsewhere.remove(&partition).unwrap_or_default();
        for note in projectors::kept(&*self.blobs, partition).await? {
            all.push(self.read(&note, &format!("partition {partition}"))?);
        }
        let count = all.len();
        all.retain(|it| it.partition == partition && self.holds(it));
        let left = (count - all.len()) as u64;
        all.sort_by_key(|it| (it.fold.ordinal, it.after));
        all.dedup();
        let of_copy = log.standing() == Standing::Copy;
        Ok(Known { checkpoints: all.into(), left, of_copy })
    }

    /// Whether a checkpoint is of this epoch, or of what restores have kept of an earlier one.
    fn holds(&self, checkpoint: &SignedCheckpoint) -> bool {
        if checkpoint.epoch >= self.identity.epoch {
            return true;
        }
        let restore = self.identity.restores.iter().find(|it| it.epoch == checkpoint.epoch);
        let survived =
            restore.and_then(|it| it.survived.get(usize::from(checkpoint.partition)).copied());
        survived.is_some_and(|it| checkpoint.fold.ordinal <= it)
    }
}
