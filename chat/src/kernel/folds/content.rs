//! What somebody may send that is not text, and what follows from it.

use super::packs::pack;
use super::pictures::picture;
use super::uploads::attach;
use crate::accounts::AccountId;
use crate::contact_cards::SendContact;
use crate::conversations::ConversationId;
use crate::kernel::Timestamp;
use crate::kernel::testing::{Given, NOW, Then};
use crate::kernel::time::Long;
use crate::locations::{
    CHECKPOINT_MS, LIVE_MS_MIN, LocationEvent, MoveLiveLocation, Point, SendLocation,
    ShareLiveLocation, StopLiveLocation,
};
use crate::messages::MessageId;
use crate::polls::{ClosePoll, PollEvent, PollRules, SendPoll, VotePoll};

/// The nth poll that was opened, going round.
fn poll(world: &Given, n: u8) -> Option<(ConversationId, MessageId)> {
    let opened = world.history().iter().filter_map(|it| match PollEvent::of(&it.event) {
        Some(PollEvent::PollOpened(it)) => Some((it.conversation_id, it.message_id)),
        Some(PollEvent::VoteCast(_) | PollEvent::PollClosed(_)) | None => None,
    });
    let opened: Vec<_> = opened.collect();
    opened.get(usize::from(n) % opened.len().max(1)).copied()
}

fn asks(conversation_id: ConversationId, which: u8) -> SendPoll {
    let quiz = which % 16 > 12;
    let rules = PollRules {
        multiple: !quiz && which % 4 == 1,
        public: which.is_multiple_of(3),
        hidden_until_closed: which > 200,
        revotable: !quiz && which < 128,
        correct_option: quiz.then_some(1),
        closes_at: (which > 240).then_some(Timestamp(NOW.0 + 1_000_000)),
    };
    SendPoll {
        conversation_id,
        question: format!("{which}?"),
        options: vec!["yes".to_owned(), "no".to_owned(), "perhaps".to_owned()],
        rules,
        explanation: quiz.then(|| "so it is".to_owned()),
        reply_to: None,
        thread_id: None,
        sent_at: None,
    }
}

/// The nth live location that was shared, going round.
fn live(world: &Given, n: u8) -> Option<(ConversationId, MessageId)> {
    let shared = world.history().iter().filter_map(|it| match LocationEvent::of(&it.event) {
        Some(LocationEvent::LiveLocationStarted(it)) => Some((it.conversation_id, it.message_id)),
        Some(LocationEvent::LiveLocationMoved(_) | LocationEvent::LiveLocationStopped(_))
        | None => None,
    });
    let shared: Vec<_> = shared.collect();
    shared.get(usize::from(n) % shared.len().max(1)).copied()
}

fn point(which: u8) -> Point {
    let latitude = f64::from(which % 100);
    Point { latitude, longitude: 0.0, accuracy_m: (which > 99).then_some(1.0) }
}

fn shares(conversation_id: ConversationId, which: u8) -> ShareLiveLocation {
    let duration_ms = Long(LIVE_MS_MIN);
    ShareLiveLocation {
        conversation_id,
        point: point(which),
        duration_ms,
        reply_to: None,
        thread_id: None,
    }
}

/// Shares, moves or stops a location, or sends what needs nothing after.
fn place(world: Given, actor: AccountId, conversation_id: ConversationId, which: u8) -> Then {
    let world = match live(&world, which) {
        Some(_) => world,
        None => world.when(actor, shares(conversation_id, which)).world,
    };
    let (reply_to, thread_id, sent_at) = (None, None, None);
    match (which / 4 % 5, live(&world, which / 16)) {
        (0 | 1, Some((there, message_id))) => {
            let point = point(which);
            let moving = MoveLiveLocation { conversation_id: there, message_id, point };
            world.later(CHECKPOINT_MS).when(actor, moving)
        }
        (2, Some((there, message_id))) => {
            world.when(actor, StopLiveLocation { conversation_id: there, message_id })
        }
        (3, _) => {
            let point = point(which);
            world.when(actor, SendLocation { conversation_id, point, reply_to, thread_id, sent_at })
        }
        (4.., _) => {
            let (name, account_id) = (format!("card {which}"), Some(actor));
            let (phones, emails) = (Vec::new(), vec!["card@example.org".to_owned()]);
            let card = SendContact {
                conversation_id,
                name,
                phones,
                emails,
                account_id,
                reply_to,
                thread_id,
                sent_at,
            };
            world.when(actor, card)
        }
        (0..=2, None) => world.when(actor, shares(conversation_id, which)),
    }
}

/// Sends a message with content, or does something with one; what is not there is sent first.
pub(super) fn content(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    which: u8,
) -> Then {
    if which % 8 == 6 {
        return pack(world, actor, conversation_id, which / 8);
    }
    match which % 32 {
        15 => return attach(world, actor, conversation_id, which / 32),
        31 => return picture(world, actor, conversation_id, which / 32),
        _ => (),
    }
    if which.is_multiple_of(2) {
        return place(world, actor, conversation_id, which);
    }
    let world = match poll(&world, which) {
        Some(_) => world,
        None => world.when(actor, asks(conversation_id, which)).world,
    };
    let Some((there, message_id)) = poll(&world, which / 8) else {
        return world.when(actor, asks(conversation_id, which));
    };
    match which / 2 % 4 {
        0 | 1 => {
            let options = if which > 230 { Vec::new() } else { vec![i32::from(which % 3)] };
            world.when(actor, VotePoll { conversation_id: there, message_id, options })
        }
        2 => world.when(actor, asks(conversation_id, which)),
        _ => world.when(actor, ClosePoll { conversation_id: there, message_id }),
    }
}
