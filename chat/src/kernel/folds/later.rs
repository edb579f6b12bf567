//! What somebody may do for later, and what happens then.

use super::message;
use super::uploads::uploaded;
use crate::accounts::AccountId;
use crate::attachments::{Attach, AttachmentKind, SendAttachments};
use crate::conversations::ConversationId;
use crate::expiry::{BeginExpiry, ExpireMessage, NoteReading, Reading, SetExpiry};
use crate::files::FileId;
use crate::kernel::Timestamp;
use crate::kernel::testing::{Given, Then};
use crate::kernel::time::Long;
use crate::messages::SendMessage;
use crate::receipts::{MarkRead, ReceiptEvent};
use crate::schedule::{
    BeginScheduled, CancelScheduled, ChangeScheduled, FinishScheduled, NoteScheduledReleased,
    ScheduleEvent, ScheduleMessage, Scheduled, ScheduledId, ScheduledState, SendScheduled,
    SendScheduledFiles, SendScheduledNow,
};

/// Somebody reads, or the server tells the conversation what they have read.
pub(super) fn read(
    world: Given,
    actor: AccountId,
    (conversation_id, number): (ConversationId, u64),
    which: u8,
) -> Then {
    let mut readings = world.history().iter().filter_map(|it| match ReceiptEvent::of(&it.event) {
        Some(ReceiptEvent::ReadMoved(moved)) if moved.expiring.is_some() => {
            let id = Reading::id(moved.account_id, moved.conversation_id, moved.number.0);
            Some((id, moved.clone(), it.occurred_at))
        }
        Some(_) | None => None,
    });
    let found = readings.next_back().filter(|_| which.is_multiple_of(2));
    match (which / 2 % 2, found) {
        (0, Some((_, it, read_at))) => {
            let (conversation_id, number) = (it.conversation_id, it.number);
            world.when(it.account_id, BeginExpiry { conversation_id, number, read_at })
        }
        (_, Some((reading_id, it, _))) => world.when(it.account_id, NoteReading { reading_id }),
        (_, None) => world.when(actor, MarkRead { conversation_id, number: Long(number) }),
    }
}

fn document(file_id: FileId) -> Attach {
    Attach { file_id, kind: AttachmentKind::Document }
}

/// Somebody uploads what they send later.
fn files(world: Given, actor: AccountId, which: u8) -> (Given, Vec<Attach>) {
    let (world, file_id) = uploaded(world, actor, which);
    (world, vec![document(file_id)])
}

/// The files that something held when it was scheduled.
fn held(world: &Given, id: ScheduledId) -> Vec<FileId> {
    let files = world.history().iter().find_map(|it| match ScheduleEvent::of(&it.event) {
        Some(ScheduleEvent::MessageScheduled(it)) if it.scheduled_id == id => it.files.clone(),
        Some(_) | None => None,
    });
    files.unwrap_or_default()
}

/// What is to happen at a time.
pub(super) fn later(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    which: u8,
) -> Then {
    let scheduled =
        world.history().iter().rev().find_map(|it| match ScheduleEvent::of(&it.event) {
            Some(ScheduleEvent::MessageScheduled(it)) if it.account_id == actor => {
                world.document::<Scheduled>(it.scheduled_id)
            }
            Some(_) | None => None,
        });
    let at = Timestamp(world.last_context(actor).now.0 + 20_000);
    let (text, sent) = (format!("{which} @everyone"), message(&world, which));
    if let (Some(it), Some((_, message_id, _))) = (&scheduled, sent)
        && it.state == ScheduledState::Sending
        && which % 10 > 4
    {
        let sent = if which > 127 { Ok(message_id) } else { Err("NOT_FOUND".to_owned()) };
        return world.when(actor, FinishScheduled { scheduled_id: it.id, sent });
    }
    match (which % 10, scheduled, sent) {
        (0, ..) => {
            let expires_in = (which > 127).then_some(600);
            world.when(actor, SetExpiry { conversation_id, expires_in })
        }
        (1, _, Some((conversation_id, message_id, _))) => {
            world.when(actor, ExpireMessage { conversation_id, message_id })
        }
        (2, Some(it), _) => {
            let (text, at) = (Some(text), (which > 127).then_some(at));
            world.when(actor, ChangeScheduled { scheduled_id: it.id, text, at })
        }
        (3, Some(it), _) => world.when(actor, CancelScheduled { scheduled_id: it.id }),
        (5, Some(it), _) if which > 127 && it.state == ScheduledState::Sending => {
            let Some(files) = it.files else {
                let message = SendMessage::new(it.conversation_id, text);
                return world.when(actor, SendScheduled { message });
            };
            let all = files.into_iter().map(document).collect();
            let message = SendAttachments::new(it.conversation_id, all);
            world.when(actor, SendScheduledFiles { message })
        }
        (8, Some(it), _) if it.files.is_none() && which > 127 => {
            let file_ids = held(&world, it.id);
            world.when(actor, NoteScheduledReleased { scheduled_id: it.id, file_ids })
        }
        (4, Some(it), _) => world.when(actor, SendScheduledNow { scheduled_id: it.id }),
        (5..=7, Some(it), _) => {
            world.when(actor, BeginScheduled { scheduled_id: it.id, due_at: it.due_at })
        }
        _ => {
            let (reply_to, silent, expires_in) = (None, which > 127, None);
            let (world, attachments) = match which % 3 {
                0 => files(world, actor, which),
                _ => (world, Vec::new()),
            };
            let wish = ScheduleMessage {
                conversation_id,
                text,
                attachments,
                reply_to,
                thread_id: None,
                silent,
                expires_in,
                at,
            };
            world.when(actor, wish)
        }
    }
}
