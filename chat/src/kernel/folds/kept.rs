//! How people keep their conversations, what they have seen of reactions, and their files.

use super::uploads::upload;
use crate::accounts::AccountId;
use crate::chat_list::{
    ArchiveConversation, ChatListEvent, MarkUnread, MuteConversation, OrderPinnedConversations,
    PinConversation, PinnedConversations, UnarchiveConversation, UnmuteConversation,
    UnpinConversation,
};
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Timestamp;
use crate::kernel::testing::{Given, Then};
use crate::kernel::time::Long;
use crate::receipts::{MarkRead, ReadPointer};
use crate::seen_reactions::MarkReactionsSeen;

/// Mutes, marks, archives or pins, takes that back, looks at reactions, or uploads.
pub(super) fn keep(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    which: u8,
) -> Then {
    match which % 10 {
        0 => {
            let now = world.last_context(actor).now.0;
            let until = (which > 60).then_some(Timestamp(now + i64::from(which) * 500));
            world.when(actor, MuteConversation { conversation_id, until })
        }
        1 => {
            let muted = last(&world, |it| matches!(it, ChatListEvent::ConversationMuted(_)));
            let (actor, conversation_id) = muted.unwrap_or((actor, conversation_id));
            world.when(actor, UnmuteConversation { conversation_id })
        }
        2 => world.when(actor, MarkUnread { conversation_id }),
        3 => {
            let marked = last(&world, |it| matches!(it, ChatListEvent::MarkedUnread(_)));
            let (actor, conversation_id) = marked.unwrap_or((actor, conversation_id));
            let pointer = ReadPointer::id(actor, conversation_id);
            let number = world.document::<ReadPointer>(pointer).map_or(0, |it| it.number);
            world.when(actor, MarkRead { conversation_id, number: Long(number) })
        }
        4 => world.when(actor, ArchiveConversation { conversation_id }),
        5 => upload(world, actor, which / 10),
        6 => {
            let archived = last(&world, |it| matches!(it, ChatListEvent::ConversationArchived(_)));
            let (actor, conversation_id) = archived.unwrap_or((actor, conversation_id));
            world.when(actor, UnarchiveConversation { conversation_id })
        }
        7 => world.when(actor, PinConversation { conversation_id }),
        9 => see(world, actor, conversation_id, which / 10),
        _ if which < 128 => world.when(actor, UnpinConversation { conversation_id }),
        _ => {
            let pinned = world.document::<PinnedConversations>(actor);
            let mut conversation_ids = pinned.map(|it| it.conversation_ids).unwrap_or_default();
            conversation_ids.reverse();
            world.when(actor, OrderPinnedConversations { conversation_ids })
        }
    }
}

/// Whose conversation the last such event is about.
fn last(
    world: &Given,
    such: impl Fn(&ChatListEvent) -> bool,
) -> Option<(AccountId, ConversationId)> {
    let all = world.history().iter().rev().filter_map(|it| ChatListEvent::of(&it.event));
    all.filter(|it| such(it)).find_map(ChatListEvent::listed)
}

/// Marks reactions as seen, up to one of the last events.
fn see(world: Given, actor: AccountId, conversation_id: ConversationId, which: u8) -> Then {
    let seq = world.document::<Conversation>(conversation_id).map_or(0, |it| it.seq);
    let seq = Long(seq.saturating_sub(u64::from(which % 5)));
    world.when(actor, MarkReactionsSeen { conversation_id, seq })
}
