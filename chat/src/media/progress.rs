//! How far jobs have come that take long: told to the owner's devices in passing, and forgotten.

use async_graphql::{ID, Object};
use serde::{Deserialize, Serialize};

use ports::bus::{Announcement as OnBus, Topic};

use super::graphql::MediaJobKind;
use super::{JobKind, Media, MediaFormat};
use crate::files::FileId;
use crate::kernel::ephemeral::Ephemeral;
use crate::timeline::Announcement;

const PROGRESS: &str = "MediaProgress";

/// How far a job for a file of the viewer's has come.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MediaProgressObject {
    file_id: FileId,
    kind: JobKind,
    percent: u8,
}

impl MediaProgressObject {
    /// As it goes over the bus.
    pub fn told(media: &Media, kind: JobKind, percent: u8) -> OnBus {
        let told = Self { file_id: media.file_id, kind, percent };
        let passing = Ephemeral {
            kind: PROGRESS.to_owned(),
            account_id: media.account_id,
            conversation_id: None,
            detail: serde_json::to_value(told).expect("it is plain data"),
        };
        let payload = Announcement::Ephemeral(passing).to_bytes();
        OnBus { topic: Topic::Ephemeral, payload }
    }

    /// As it was told.
    pub fn read(it: &Ephemeral) -> Option<Self> {
        let is_own = it.kind == PROGRESS && it.conversation_id.is_none();
        Self::deserialize(&it.detail).ok().filter(|_| is_own)
    }
}

/// How far a job for a file of the viewer's has come; it is told once a second at most, and
/// forgotten. Of its end an event tells.
#[Object(name = "MediaProgress")]
impl MediaProgressObject {
    async fn file_id(&self) -> ID {
        self.file_id.into()
    }

    async fn kind(&self) -> Option<MediaJobKind> {
        MediaJobKind::of(self.kind).map(|(kind, _)| kind)
    }

    /// Of a conversion.
    async fn format(&self) -> Option<MediaFormat> {
        MediaJobKind::of(self.kind).and_then(|(_, format)| format)
    }

    /// 1 to 100.
    async fn percent(&self) -> i32 {
        self.percent.into()
    }
}
