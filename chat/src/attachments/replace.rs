//! A newer version of a file: who puts it in the place of the one before.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    AttachmentRejection, AttachmentReplaced, ConversationStorage, VERSIONS_MAX, may_be_sent,
};
use crate::Event;
use crate::conversations::ConversationId;
use crate::files::{File, FileId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::messages::{ContentKind, Editing, MessageId, Unsent};

/// Puts a newer file in the place of one of a message of one's own: what it is taken for and what
/// is said beside it stay, and the earlier one can be looked at like earlier texts.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReplaceAttachment {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// What the message shows now.
    pub file_id: FileId,
    /// What it is to show instead: a file that whoever replaces it has uploaded.
    pub new_file_id: FileId,
}

impl Command for ReplaceAttachment {
    const NAME: &'static str = "ReplaceAttachment";
    const SEALS: bool = false;
    type State = (Editing, (Slot<File>, Slot<File>), Slot<ConversationStorage>);
    type Rejection = Unsent<AttachmentRejection>;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, Self::Rejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let editing = Editing::new(self.conversation_id, self.message_id, context);
        let own = StreamId::Account(context.actor);
        let file = |it: FileId| Slot::new(it.to_string(), own);
        let files = (file(self.file_id), file(self.new_file_id));
        (editing, files, ConversationStorage::of(self.conversation_id))
    }

    fn decide(
        self,
        (editing, (before, file), storage): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection> {
        let message = editing.allowed(context)?;
        let no = |why| Err(Unsent::Content(why));
        if message.view_once {
            return no(AttachmentRejection::ViewOnce);
        }
        let holds = message.content == Some(ContentKind::Attachments);
        let placed = message.placed(message.revision);
        let place = placed.iter().position(|it| holds && it.file_id == self.file_id);
        let Some(place) = place else { return no(AttachmentRejection::NotHeld) };
        if message.files.contains(&self.new_file_id) {
            return no(AttachmentRejection::Repeated);
        }
        if placed[place].version >= VERSIONS_MAX {
            return no(AttachmentRejection::TooManyVersions);
        }
        // What was sent on without saying so may hold a file of somebody else.
        if before.get().is_some_and(|it| it.account_id != context.actor) {
            return no(AttachmentRejection::NotOwner);
        }
        let file = file.get().filter(|it| may_be_sent(it, context));
        let Some(file) = file else { return no(AttachmentRejection::FileNotFound) };
        // One that is put back is held already.
        let more = if message.showed(file.id) { 0 } else { file.size_bytes };
        if !ConversationStorage::has_room(storage, more, context) {
            return no(AttachmentRejection::StorageFull);
        }
        let shown = message.shown_bytes().map_or(0, |it| it.0);
        // Nobody knows the size of what was discarded and swept; alone it is all that is shown.
        let alone = if placed.len() == 1 { shown } else { 0 };
        let less = before.get().map_or(alone, |it| it.size_bytes);
        let replaced = AttachmentReplaced {
            message_id: message.id,
            conversation_id: message.conversation_id,
            number: Long(message.number),
            revision: Long(message.revision + 1),
            place: Long(place as u64),
            file_id: self.file_id,
            new_file_id: self.new_file_id,
            file_bytes: (more > 0).then_some(Long(more)),
            shown_bytes: Long(shown.saturating_sub(less) + file.size_bytes),
        };
        Ok(vec![replaced.into()])
    }
}
