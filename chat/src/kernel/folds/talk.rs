//! What people do with the messages of a conversation beside sending them.

use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::drafts::{ClearDraft, SaveDraft};
use crate::forwards::{ForwardMessages, Source};
use crate::kernel::testing::{Given, Then, open};
use crate::kernel::time::Long;
use crate::messages::{Message, MessageEvent, MessageId, SendMessage};
use crate::pins::{PinEvent, PinMessage, UnpinAll, UnpinMessage};
use crate::previews::{LinkPreview, Preview, RecordPreview};
use crate::removals::{
    DeleteMessages, DestroyMessage, HideMessages, RemovalEvent, RestoreMessages, Which,
};
use crate::threads::{MarkThreadRead, MoveToThread};

/// A message that was sent, with its number.
pub(super) type Found = (ConversationId, MessageId, u64);

/// A message that mentions somebody or everyone, and perhaps expires, in a direct conversation also
/// after it is read.
pub(super) fn said(conversation_id: ConversationId, which: u8, direct: bool) -> SendMessage {
    let text = format!("{which} @{}", super::MENTIONED[usize::from(which % 5)]);
    let seconds = u32::from(which);
    SendMessage {
        silent: which > 127,
        expires_in: which.is_multiple_of(5).then_some(60 + seconds),
        expires_after_read: (direct && which.is_multiple_of(3)).then_some(1 + seconds),
        ..SendMessage::new(conversation_id, text)
    }
}

/// What somebody does with a message beside answering it.
pub(super) fn beside(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    (what, which): (u8, u8),
    found: Found,
) -> Then {
    match what {
        super::PIN => pin(world, actor, found, which),
        super::DRAFT => draft(world, actor, found, which),
        super::FORWARD => forward(world, actor, conversation_id, found),
        super::THREAD => thread(world, actor, found, which),
        _ => remove(world, actor, found, which),
    }
}

fn pin(world: Given, actor: AccountId, (conversation_id, message_id, _): Found, which: u8) -> Then {
    let pinned = world.history().iter().rev().find_map(|it| match PinEvent::of(&it.event) {
        Some(PinEvent::MessagePinned(it)) => Some(it.clone()),
        Some(_) | None => None,
    });
    match (which / 8 % 4, pinned) {
        (0 | 1, _) | (_, None) => {
            let silent = which.is_multiple_of(2);
            world.when(actor, PinMessage { conversation_id, message_id, silent })
        }
        (2, _) => world.when(actor, UnpinMessage { conversation_id, message_id }),
        (_, Some(it)) => {
            let conversation_id = it.conversation_id;
            world.when(it.account_id, UnpinAll { conversation_id })
        }
    }
}

fn draft(
    world: Given,
    actor: AccountId,
    (conversation_id, message_id, _): Found,
    which: u8,
) -> Then {
    let reply_to = which.is_multiple_of(2).then_some(message_id);
    let thread_id = (which / 16).is_multiple_of(3).then_some(message_id);
    match which % 3 {
        0 | 1 => {
            let text = format!("draft {which}");
            world.when(actor, SaveDraft { conversation_id, text, reply_to, thread_id })
        }
        _ => world.when(actor, ClearDraft { conversation_id, saved_until: None, thread_id }),
    }
}

fn forward(
    world: Given,
    actor: AccountId,
    to: ConversationId,
    (conversation_id, message_id, number): Found,
) -> Then {
    let message = world.document::<Message>(message_id);
    let body = message.and_then(|it| open(&it.body?));
    let messages = vec![Source { conversation_id, message_id, body }; 2];
    let attributed = number.is_multiple_of(2);
    world
        .when(actor, ForwardMessages { conversation_id: to, thread_id: None, messages, attributed })
}

/// Deletes, hides or restores some, or what was removed ends.
fn remove(
    world: Given,
    actor: AccountId,
    (conversation_id, message_id, _): Found,
    which: u8,
) -> Then {
    let removed = world.history().iter().rev().find_map(|it| match RemovalEvent::of(&it.event) {
        Some(RemovalEvent::MessageRemoved(it)) => Some(it.clone()),
        Some(_) | None => None,
    });
    let (by, message_ids) = (Which::Ids, vec![message_id, message_id]);
    match (which / 8 % 6, removed) {
        (3, Some(it)) => {
            let (conversation_id, message_ids) = (it.conversation_id, vec![it.message_id]);
            world.when(it.moderator_id, RestoreMessages { conversation_id, message_ids })
        }
        (4, Some(it)) => {
            let (conversation_id, message_id) = (it.conversation_id, it.message_id);
            let restorable_until = it.restorable_until;
            let ends = DestroyMessage { conversation_id, message_id, restorable_until };
            world.when(it.moderator_id, ends)
        }
        (5, _) => world.when(actor, HideMessages { conversation_id, which: by, message_ids }),
        _ => world.when(actor, DeleteMessages { conversation_id, which: by, message_ids }),
    }
}

/// Answers in a thread, moves a message there or back, or reads one.
fn thread(world: Given, actor: AccountId, found: Found, which: u8) -> Then {
    let (conversation_id, message_id, number) = found;
    let message = world.document::<Message>(message_id);
    let own = message.and_then(|it| it.thread).map_or(message_id, |it| it.thread_id);
    let last = world.history().iter().rev().find_map(|it| match MessageEvent::of(&it.event) {
        Some(MessageEvent::MessageSent(it)) if it.conversation_id == conversation_id => {
            it.thread.map(|thread| (thread.thread_id, it.number))
        }
        Some(_) | None => None,
    });
    match (which % 6, last) {
        (3, Some((thread_id, _))) => {
            let (thread_id, message_ids) = ((which < 200).then_some(thread_id), vec![message_id]);
            world.when(actor, MoveToThread { conversation_id, thread_id, message_ids })
        }
        (4, _) => {
            let number = Long(number);
            world.when(actor, MarkThreadRead { conversation_id, thread_id: own, number })
        }
        (5, Some((thread_id, number))) => {
            world.when(actor, MarkThreadRead { conversation_id, thread_id, number })
        }
        _ => {
            let text = SendMessage::new(conversation_id, format!("@ann {which}"));
            world.when(actor, SendMessage { thread_id: Some(own), ..text })
        }
    }
}

/// Sends a link, or says what became of looking one up.
pub(super) fn preview(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    which: u8,
) -> Then {
    let linked = world.history().iter().rev().find_map(|it| match MessageEvent::of(&it.event) {
        Some(MessageEvent::MessageSent(it)) => it.preview.map(|_| it.clone()),
        Some(_) | None => None,
    });
    let Some(sent) = linked.filter(|_| !which.is_multiple_of(4)) else {
        let text = format!("https://example.org/{which}");
        let send = SendMessage::new(conversation_id, text);
        return world.when(actor, SendMessage { link_preview: true, ..send });
    };
    let known = world.document::<LinkPreview>(sent.message_id);
    let url = "https://example.org/".to_owned();
    let found = which.is_multiple_of(2).then(|| Preview {
        url: url.clone(),
        canonical_url: url,
        title: format!("page {which}"),
        description: None,
        site_name: None,
        image_url: None,
    });
    let record = RecordPreview {
        conversation_id: sent.conversation_id,
        message_id: sent.message_id,
        revision: known.map_or(0, |it| it.revision),
        found,
    };
    world.when(sent.author_id, record)
}
