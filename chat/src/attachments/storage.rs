//! What the files of a conversation's messages take, together.

use async_graphql::{Result, SimpleObject};
use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::AttachmentEvent;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::files::File;
use crate::kernel::graphql::{Scope, outage};
use crate::kernel::time::Long;
use crate::kernel::{Context, Document, Recorded, Slot, StreamId};
use crate::messages::MessageEvent;
use crate::removals::RemovalEvent;

/// Bytes of the files that the messages of a conversation hold, earlier versions too; a file that
/// several hold counts for each, while it is there. Stickers belong to their packs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConversationStorage {
    pub bytes: u64,
}

impl ConversationStorage {
    /// That of a conversation, for a decision in its stream.
    pub(crate) fn of(conversation: ConversationId) -> Slot<Self> {
        Slot::new(conversation.to_string(), StreamId::Conversation(conversation))
    }

    /// Whether so many bytes more may be held; nothing more always may.
    pub(crate) fn has_room(storage: &Slot<Self>, bytes: u64, context: &Context<'_>) -> bool {
        let held = storage.get().map_or(0, |it| it.bytes);
        bytes == 0 || held.saturating_add(bytes) <= context.conversation_bytes_max
    }
}

/// What some files take.
pub(super) fn bytes(files: &[Slot<File>]) -> u64 {
    files.iter().filter_map(Slot::get).map(|it| it.size_bytes).sum()
}

/// A conversation, and what a message of it takes or took.
enum Told {
    Begin(ConversationId, u64),
    End(ConversationId, u64),
}

fn told(event: &Recorded) -> Option<Told> {
    match RemovalEvent::of(&event.event) {
        Some(RemovalEvent::MessageRemoved(it)) => {
            return Some(Told::End(it.conversation_id, it.file_bytes?.0));
        }
        Some(RemovalEvent::MessageRestored(it)) => {
            return Some(Told::Begin(it.conversation_id, it.file_bytes?.0));
        }
        // It was removed before.
        Some(RemovalEvent::MessageDestroyed(_)) => return None,
        None => (),
    }
    if let Some(AttachmentEvent::AttachmentReplaced(it)) = AttachmentEvent::of(&event.event) {
        return Some(Told::Begin(it.conversation_id, it.file_bytes?.0));
    }
    match MessageEvent::of(&event.event)? {
        MessageEvent::MessageSent(it) => Some(Told::Begin(it.conversation_id, it.file_bytes?.0)),
        MessageEvent::MessageDeleted(it) => Some(Told::End(it.conversation_id, it.file_bytes?.0)),
        MessageEvent::MessageEdited(_) | MessageEvent::MessageHidden(_) => None,
    }
}

impl Document for ConversationStorage {
    const COLLECTION: Collection = Collection { name: "conversation_storage", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(Told::Begin(id, _) | Told::End(id, _)) = told(event) else { return Vec::new() };
        vec![id.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let storage = document.get_or_insert_default();
        match told(event) {
            Some(Told::Begin(_, bytes)) => storage.bytes += bytes,
            Some(Told::End(_, bytes)) => storage.bytes = storage.bytes.saturating_sub(bytes),
            None => (),
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}

/// What the files of a conversation take.
#[derive(SimpleObject)]
#[graphql(name = "ConversationStorage")]
pub struct ConversationStorageObject {
    /// A file that several messages hold counts for each.
    used_bytes: Long,
    /// What they may take together.
    limit_bytes: Long,
}

impl ConversationStorageObject {
    /// That of a conversation that the viewer may see.
    pub async fn of(scope: &Scope, conversation: ConversationId) -> Result<Self> {
        let found = scope.reader.load::<ConversationStorage>(conversation.to_string()).await;
        Ok(Self {
            used_bytes: Long(found.map_err(outage)?.map_or(0, |it| it.bytes)),
            limit_bytes: Long(scope.limits.conversation_bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{ANN, BOB, lunch, photo, said};
    use super::super::{AttachmentRejection, ConversationStorage};
    use crate::conversations::{ConversationId, OpenDirect, direct_id};
    use crate::forwards::{ForwardMessages, ForwardRejection, Source};
    use crate::kernel::testing::{CONVERSATION_BYTES_MAX, Given, account};
    use crate::messages::{DeleteMessage, MessageId};
    use crate::removals::RestoreMessages;

    fn held(world: &Given, id: ConversationId) -> u64 {
        world.document::<ConversationStorage>(id).map_or(0, |it| it.bytes)
    }

    /// Bob sends a file of so many bytes.
    fn sent(world: Given, id: ConversationId, bytes: u64) -> (Given, MessageId) {
        let (world, file) = world.uploads(BOB, bytes);
        let world = world.and(account(BOB), photo(id, file));
        let message_id = photo(id, file).message_id(&world.last_context(account(BOB)));
        (world, message_id)
    }

    #[test]
    fn the_files_of_a_conversation_take_what_they_may_and_no_byte_more() {
        let (world, id) = lunch();
        let (world, message_id) = sent(world, id, CONVERSATION_BYTES_MAX - 10);
        let (world, more) = world.uploads(BOB, 11);
        let full = AttachmentRejection::StorageFull;
        let world = world.when(account(BOB), photo(id, more)).then_rejected(full);
        let (world, last) = sent(world, id, 10);
        assert_eq!(held(&world, id), CONVERSATION_BYTES_MAX);
        let world = world.and(account(BOB), DeleteMessage { conversation_id: id, message_id });
        assert_eq!(held(&world, id), 10);
        let world = world.when(account(BOB), photo(id, more)).then_allowed();
        assert_eq!(held(&world, id), 21);
        // What a moderator removes gives its room back at once, and takes it when it is restored.
        let removal = DeleteMessage { conversation_id: id, message_id: last };
        let world = world.and(account(ANN), removal.clone());
        assert_eq!(held(&world, id), 11);
        let restore = RestoreMessages { conversation_id: id, message_ids: vec![last] };
        let world = world.and(account(ANN), restore);
        assert_eq!(held(&world, id), 21);
        let world = world.and(account(ANN), removal.clone()).and(account(BOB), removal);
        assert_eq!(held(&world, id), 11);
    }

    #[test]
    fn what_is_sent_on_takes_its_room_there_too() {
        let (world, id) = lunch();
        let (world, message_id) = sent(world, id, CONVERSATION_BYTES_MAX / 2);
        let world = world.and(account(BOB), OpenDirect { account_id: account(ANN) });
        let to = direct_id(account(ANN), account(BOB));
        let body = Some(said(&world, message_id));
        let forward = |count| ForwardMessages {
            conversation_id: to,
            thread_id: None,
            messages: vec![Source { conversation_id: id, message_id, body: body.clone() }; count],
            attributed: true,
        };
        let full = ForwardRejection::StorageFull;
        let world = world.when(account(BOB), forward(3)).then_rejected(full);
        let world = world.when(account(BOB), forward(2)).then_allowed();
        assert_eq!(held(&world, to), CONVERSATION_BYTES_MAX);
        world.when(account(BOB), forward(1)).then_rejected(full);
    }
}
