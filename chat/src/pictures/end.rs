//! What nobody asks for: that squares were made of a picture is told, and that the file of one that
//! was removed is kept for it no more.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Picture, PictureId, PictureReady, PictureRejection, PictureReleased, Subject};
use crate::Event;
use crate::attachments::FileUse;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::{Command, Context, Slot, StreamId};

/// Notes that the file of a picture that was removed is not kept for that any more; nothing when
/// that was noted. It is given for whoever had set it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NotePictureReleased {
    pub picture_id: PictureId,
    /// Whose picture it was; absent when it was the account's own.
    pub conversation_id: Option<ConversationId>,
    pub file_id: FileId,
}

impl Command for NotePictureReleased {
    const NAME: &'static str = "NotePictureReleased";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<FileUse>;
    type Rejection = PictureRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, PictureRejection> {
        Ok(Subject::new(context.actor, self.conversation_id).stream())
    }

    fn state(&self, context: &Context<'_>) -> Slot<FileUse> {
        let subject = Subject::new(context.actor, self.conversation_id);
        Slot::new(FileUse::id(self.file_id, self.picture_id.0), subject.stream())
    }

    fn decide(
        self,
        used: &Slot<FileUse>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PictureRejection> {
        let over = used.get().is_some_and(|it| it.over);
        let released = PictureReleased {
            picture_id: self.picture_id,
            account_id: context.actor,
            conversation_id: self.conversation_id,
            file_id: self.file_id,
        };
        Ok(over.then(|| released.into()).into_iter().collect())
    }
}

/// Tells those who see a picture that there is more of it; nothing when it is one no more. It is
/// given for whoever has set it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NotePictureReady {
    pub picture_id: PictureId,
    /// Whose picture it is; absent when it is the account's own.
    pub conversation_id: Option<ConversationId>,
}

impl Command for NotePictureReady {
    const NAME: &'static str = "NotePictureReady";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    const BY_SERVER: bool = true;
    type State = Slot<Picture>;
    type Rejection = PictureRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, PictureRejection> {
        Ok(Subject::new(context.actor, self.conversation_id).stream())
    }

    fn state(&self, context: &Context<'_>) -> Slot<Picture> {
        Subject::new(context.actor, self.conversation_id).slot()
    }

    fn decide(
        self,
        picture: &Slot<Picture>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PictureRejection> {
        let ready = PictureReady {
            picture_id: self.picture_id,
            account_id: context.actor,
            conversation_id: self.conversation_id,
        };
        let shown = picture.get().is_some_and(|it| it.id == self.picture_id);
        Ok(shown.then(|| ready.into()).into_iter().collect())
    }
}
