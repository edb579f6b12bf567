//! How far the documents of a partition have come: what a new owner starts from.

use serde::{Deserialize, Serialize};

use ports::Error;
use ports::documents::{Documents, Mark};
use ports::event_log::{Fold, Partition};

use crate::kernel::Recorded;
use crate::kernel::id::time_ms;

/// The fold at the last saved event, and the latest time that a command's id named so far.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Checkpoint {
    pub fold: Fold,
    /// Ids above this are new for certain; milliseconds since the epoch.
    pub highest_client_ms: i64,
}

impl Checkpoint {
    /// Reads a partition's checkpoint; the beginning when there is none.
    ///
    /// # Errors
    /// When the documents can't be reached or the checkpoint can't be read.
    pub async fn load(documents: &dyn Documents, partition: Partition) -> Result<Self, Error> {
        match documents.checkpoint(partition).await? {
            Some(bytes) => {
                serde_json::from_slice(&bytes).map_err(|it| Error::corrupt("documents", it))
            }
            None => Ok(Self::default()),
        }
    }

    /// The checkpoint as it is stored.
    pub fn mark(&self) -> Mark {
        let bytes = serde_json::to_vec(self).expect("a checkpoint is plain data");
        Mark { pos: self.fold.pos, checkpoint: bytes.into() }
    }

    /// Notes an event that is covered by it.
    pub fn cover(&mut self, event: &Recorded) {
        let time = time_ms(event.command.client_id);
        self.highest_client_ms = self.highest_client_ms.max(time);
    }
}
