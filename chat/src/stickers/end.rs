//! The end of a picture that was taken out of its pack: its file is kept for the pack no more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PackId, Sticker, StickerRejection, StickerReleased};
use crate::Event;
use crate::attachments::FileUse;
use crate::files::FileId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};

/// Notes that the file of a picture that was removed is not kept for its pack any more; nothing
/// when that was noted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NoteStickerReleased {
    pub pack_id: PackId,
    pub number: Long,
    pub file_id: FileId,
}

impl Command for NoteStickerReleased {
    const NAME: &'static str = "NoteStickerReleased";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<FileUse>;
    type Rejection = StickerRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, StickerRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<FileUse> {
        let holder = Sticker::holder(self.pack_id, self.number.0);
        Slot::new(FileUse::id(self.file_id, holder), StreamId::Account(context.actor))
    }

    fn decide(
        self,
        used: &Slot<FileUse>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, StickerRejection> {
        let over = used.get().is_some_and(|it| it.over);
        let released = StickerReleased {
            pack_id: self.pack_id,
            owner_id: context.actor,
            number: self.number,
            file_id: self.file_id,
        };
        Ok(over.then(|| released.into()).into_iter().collect())
    }
}
