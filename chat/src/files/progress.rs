//! How far uploads have come: told to their owner's devices in passing, and forgotten.

use async_graphql::{ID, Object};
use serde::{Deserialize, Serialize};

use ports::cache::Admission;

use super::{File, FileId, PROGRESS_EVERY_MS};
use crate::kernel::ephemeral::Ephemeral;
use crate::kernel::graphql::Scope;
use crate::kernel::time::Long;
use crate::presence::tell;

const PROGRESS: &str = "UploadProgress";

/// How far an upload of the viewer's has come.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UploadProgressObject {
    file_id: FileId,
    received_bytes: u64,
    size_bytes: u64,
}

impl UploadProgressObject {
    /// As it goes over the bus.
    pub(super) fn passing(file: &File, received_bytes: u64) -> Ephemeral {
        let told = Self { file_id: file.id, received_bytes, size_bytes: file.size_bytes };
        Ephemeral {
            kind: PROGRESS.to_owned(),
            account_id: file.account_id,
            conversation_id: None,
            detail: serde_json::to_value(told).expect("it is plain data"),
        }
    }

    /// As it was told.
    pub fn read(it: &Ephemeral) -> Option<Self> {
        let is_own = it.kind == PROGRESS && it.conversation_id.is_none();
        Self::deserialize(&it.detail).ok().filter(|_| is_own)
    }
}

/// How far an upload of the viewer's has come; it is told once a second at most, and forgotten.
#[Object(name = "UploadProgress")]
impl UploadProgressObject {
    async fn file_id(&self) -> ID {
        self.file_id.into()
    }

    /// What has come, also what is being stored yet: an upload that is cut off goes on from where
    /// its offset says.
    async fn received_bytes(&self) -> Long {
        Long(self.received_bytes)
    }

    async fn size_bytes(&self) -> Long {
        Long(self.size_bytes)
    }
}

/// Tells the owner's devices that listen now, unless they were told of the upload a moment ago.
/// What passes may be lost: an upload never fails by it.
pub async fn tell_progress(scope: &Scope, file: &File, received_bytes: u64) {
    let key = format!("upload-progress/{}", file.id);
    let taken = scope.cache.take(&key, 1, PROGRESS_EVERY_MS).await;
    if taken.is_ok_and(|it| it == Admission::Admitted) {
        let _ = tell(scope, UploadProgressObject::passing(file, received_bytes)).await;
    }
}
