//! Which messages use which files, as it is remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::AttachmentEvent;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::{Document, Recorded};
use crate::messages::{MessageEvent, MessageId};
use crate::removals::RemovalEvent;

/// That a message uses a file; once the message is gone, until its files are released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileUse {
    pub file_id: FileId,
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Whether the message is gone.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub over: bool,
}

impl FileUse {
    /// The id of the use of a file by a message.
    pub fn id(file: FileId, message: MessageId) -> String {
        format!("{}{message}", Self::of(file))
    }

    /// Ids of the uses of a file begin with this.
    pub fn of(file: FileId) -> String {
        format!("{file}/")
    }

    /// Where the uses are that are over with a message.
    pub fn over_with(message: MessageId) -> String {
        format!("{message}/")
    }
}

/// What an event says of uses.
enum Told {
    Begin(ConversationId),
    Over,
    End,
}

fn told(event: &Recorded) -> Option<(MessageId, &[FileId], Told)> {
    if let Some(AttachmentEvent::FilesReleased(it)) = AttachmentEvent::of(&event.event) {
        return Some((it.message_id, &it.file_ids, Told::End));
    }
    if let Some(RemovalEvent::MessageDestroyed(it)) = RemovalEvent::of(&event.event) {
        return Some((it.message_id, it.files.as_deref()?, Told::Over));
    }
    match MessageEvent::of(&event.event)? {
        MessageEvent::MessageSent(it) => {
            Some((it.message_id, it.files.as_deref()?, Told::Begin(it.conversation_id)))
        }
        MessageEvent::MessageDeleted(it) => Some((it.message_id, it.files.as_deref()?, Told::Over)),
        MessageEvent::MessageEdited(_) | MessageEvent::MessageHidden(_) => None,
    }
}

/// The message whose files are to be released, because it is gone by this event.
pub(super) fn over(event: &Recorded) -> Option<MessageId> {
    match told(event) {
        Some((message, _, Told::Over)) => Some(message),
        Some((_, _, Told::Begin(_) | Told::End)) | None => None,
    }
}

impl Document for FileUse {
    const COLLECTION: Collection = Collection { name: "file_uses", indexes: &["used", "over"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some((message, files, _)) = told(event) else { return Vec::new() };
        files.iter().map(|it| Self::id(*it, message)).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(told(event), Some((_, _, Told::Begin(_))))
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        match told(event) {
            Some((message_id, files, Told::Begin(conversation_id))) => {
                let file = files.iter().find(|it| Self::id(**it, message_id) == id);
                let used =
                    |it: &FileId| Self { file_id: *it, message_id, conversation_id, over: false };
                *document = file.map(used);
            }
            Some((_, _, Told::Over)) => {
                if let Some(it) = document {
                    it.over = true;
                }
            }
            Some((_, _, Told::End)) => *document = None,
            None => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let (used, over) = (Self::id(self.file_id, self.message_id), self.message_id);
        let over = format!("{}{}", Self::over_with(over), self.file_id);
        vec![(!self.over).then_some(used), self.over.then_some(over)]
    }
}
