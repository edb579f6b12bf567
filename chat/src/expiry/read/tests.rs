//! The law of what expires after it is read.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::*;
use super::*;
use crate::conversations::{CreateGroup, OpenDirect, direct_id};
use crate::forwards::{ForwardMessages, Source};
use crate::kernel::testing::{Given, NOW, Then, account, given, open};
use crate::locations::{Point, SendLocation};
use crate::messages::{
    DeleteMessage, Message, MessageEvent, MessageId, MessageRejection, SendMessage,
};
use crate::receipts::{MarkRead, ReadMoved, ReceiptEvent};
use crate::schedule::SendScheduled;
use crate::threads::{MoveToThread, ThreadRejection};
use crate::timers::{Purpose, Timer};

const ANN: u8 = 1;
const BOB: u8 = 2;

fn id() -> ConversationId {
    direct_id(account(ANN), account(BOB))
}

fn direct() -> Given {
    let people = given().person(ANN, "ann").person(BOB, "bob");
    people.and(account(ANN), OpenDirect { account_id: account(BOB) })
}

fn plain() -> SendMessage {
    SendMessage::new(id(), "hi")
}

fn secret(seconds: u32) -> SendMessage {
    SendMessage { expires_after_read: Some(seconds), ..plain() }
}

/// Ann sends; the message and the world in which it is.
fn sent(world: Given, message: SendMessage) -> (Given, MessageId) {
    let world = world.and(account(ANN), message.clone());
    let id = message.message_id(&world.last_context(account(ANN)));
    (world, id)
}

fn mark(number: u64) -> MarkRead {
    MarkRead { conversation_id: id(), number: Long(number) }
}

fn begin(number: u64, after_ms: i64) -> BeginExpiry {
    let read_at = Timestamp(NOW.0 + after_ms);
    BeginExpiry { conversation_id: id(), number: Long(number), read_at }
}

/// Milliseconds from the beginning after which a message is gone.
fn gone_at(world: &Given, message: MessageId) -> Option<i64> {
    let message = world.document::<Message>(message).expect("it was sent");
    message.expires_at.map(|it| it.0 - NOW.0)
}

/// What is to be told to conversations.
fn readings(world: &Given) -> Vec<ReadingId> {
    let moved = world.history().iter().filter_map(|it| {
        let moved = ReceiptEvent::of(&it.event);
        moved.map(|ReceiptEvent::ReadMoved(it)| {
            Reading::id(it.account_id, it.conversation_id, it.number.0)
        })
    });
    moved.filter(|it| world.document::<Reading>(*it).is_some()).collect()
}

#[test]
fn after_reading_a_message_is_there_for_a_second_to_seven_days() {
    assert_eq!((AFTER_READ_SECONDS_MIN, AFTER_READ_SECONDS_MAX), (1, 604_800));
    let rejected = MessageRejection::ExpiryAfterReadInvalid;
    let world = direct()
        .when(account(ANN), secret(0))
        .then_rejected(rejected)
        .when(account(ANN), secret(604_801))
        .then_rejected(rejected);
    let (world, short) = sent(world, secret(1));
    let (world, long) = sent(world, secret(604_800));
    assert_eq!((gone_at(&world, short), gone_at(&world, long)), (None, None));
    let world = world.and(account(BOB), begin(2, 0));
    assert_eq!(gone_at(&world, short), Some(1_000));
    assert_eq!(gone_at(&world, long), Some(604_800_000));
}

#[test]
fn only_what_is_said_to_one_other_person_expires_after_it_is_read() {
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = direct().and(account(ANN), create);
    let group = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    let saved = direct_id(account(ANN), account(ANN));
    let world = world.and(account(ANN), OpenDirect { account_id: account(ANN) });
    [group, saved].into_iter().fold(world, |world, conversation_id| {
        world
            .when(account(ANN), SendMessage { conversation_id, ..secret(1) })
            .then_rejected(MessageRejection::ExpiryNotDirect)
    });
}

#[test]
fn a_hundred_of_an_author_wait_to_be_read() {
    let (world, first) = sent(direct(), secret(1));
    let world = (1..100).fold(world, |world, _| world.and(account(ANN), secret(1)));
    let full = MessageRejection::TooManyUnread;
    let delete = DeleteMessage { conversation_id: id(), message_id: first };
    let world = world
        .when(account(ANN), secret(1))
        .then_rejected(full)
        .and(account(ANN), plain())
        .and(account(ANN), delete)
        .and(account(ANN), secret(1))
        .when(account(ANN), secret(1))
        .then_rejected(full)
        .and(account(BOB), begin(2, 0))
        .and(account(ANN), secret(1))
        .when(account(ANN), secret(1))
        .then_rejected(full);
    // The other's are their own, and sending reads all of these.
    let world = world.and(account(BOB), secret(1));
    let begun = |it: &&crate::kernel::Recorded| {
        matches!(ExpiryEvent::of(&it.event), Some(ExpiryEvent::ExpiryBegun(_)))
    };
    assert_eq!(world.history().iter().filter(begun).count(), 101);
    let head = world.document::<Conversation>(id()).expect("it is there");
    assert_eq!(head.unbegun.len(), 1);
}

#[test]
fn the_conversation_is_told_once_of_what_was_marked() {
    let (world, message) = sent(direct(), secret(10));
    let (world, _) = sent(world, plain());
    let moved = |number, expiring| {
        let (account_id, conversation_id) = (account(BOB), id());
        ReadMoved { account_id, conversation_id, number: Long(number), expiring }
    };
    let world = world
        .when(account(ANN), mark(2))
        .then([])
        .later(5_000)
        .when(account(BOB), mark(1))
        .then([moved(1, Some(true)).into()])
        .later(500);
    let [reading_id] = readings(&world)[..] else { panic!("it is to be told") };
    let timer = |world: &Given, name: &str, id: uuid::Uuid| {
        world.document::<Timer>(format!("{name}/{}", id.simple()))
    };
    let set = timer(&world, "reading-noted", reading_id.0).expect("it has a timer");
    assert_eq!((set.purpose, set.account_id), (Purpose::ReadingNoted, account(BOB)));
    assert_eq!(set.due_at, Timestamp(NOW.0 + 5_000));
    let begun = ExpiryBegun {
        message_id: message,
        conversation_id: id(),
        number: Long(1),
        author_id: account(ANN),
        expires_at: Timestamp(NOW.0 + 15_000),
        opened: None,
    };
    let noted = ReadingNoted { reading_id, account_id: account(BOB) };
    let world = world
        .when(account(BOB), begin(1, 5_000))
        .then([begun.into()])
        .when(account(BOB), begin(1, 5_000))
        .then([])
        .when(account(BOB), NoteReading { reading_id })
        .then([noted.into()])
        .when(account(BOB), NoteReading { reading_id })
        .then([]);
    assert!(world.history().iter().rev().take(2).all(|it| it.actor.is_none()));
    assert_eq!((readings(&world), timer(&world, "reading-noted", reading_id.0)), (vec![], None));
    let set = timer(&world, "message-expires", message.0).expect("it expires");
    assert_eq!((set.due_at, set.account_id), (Timestamp(NOW.0 + 15_000), account(ANN)));
    assert_eq!(set.conversation(), id());
    let message = world.document::<Message>(message).expect("it is there");
    assert!(!message.is_over(Timestamp(NOW.0 + 14_999)));
    assert!(message.is_over(Timestamp(NOW.0 + 15_000)));
    world.when(account(BOB), mark(2)).then([moved(2, None).into()]);
}

#[test]
fn sending_anything_reads_and_what_is_sent_at_a_time_does_not() {
    let (world, message) = sent(direct(), secret(10));
    let scheduled = SendScheduled { message: plain() };
    let world = world.later(1_000).and(account(BOB), scheduled);
    assert_eq!(gone_at(&world, message), None);
    let body = world.document::<Message>(message).and_then(|it| open(&it.body?));
    let reply = |then: Then| {
        let (world, events) = (then.world, then.outcome.expect("it is sent"));
        assert_eq!(events.len(), 2);
        assert_eq!(gone_at(&world, message), Some(11_000));
        assert!(matches!(events[1], Event::MessageEvent(MessageEvent::MessageSent(_))));
    };
    let again = || sent(direct(), secret(10)).0.later(1_000);
    reply(world.when(account(BOB), plain()));
    let point = Point { latitude: 1.0, longitude: 1.0, accuracy_m: None };
    let (conversation_id, reply_to, thread_id, sent_at) = (id(), None, None, None);
    let place = SendLocation { conversation_id, point, reply_to, thread_id, sent_at };
    reply(again().when(account(BOB), place));
    let messages = vec![Source { conversation_id, message_id: message, body }];
    let forward = ForwardMessages { conversation_id, messages, attributed: false, thread_id };
    reply(again().when(account(BOB), forward));
    let (world, other) = sent(again(), plain());
    let within = || SendMessage { thread_id: Some(other), ..plain() };
    let world = world.and(account(BOB), within());
    assert_eq!(gone_at(&world, message), None, "who writes in a thread has read nothing else");
    let there = SendMessage { thread_id: Some(other), ..secret(1) };
    world.when(account(ANN), there).then_rejected(MessageRejection::ExpiryNotDirect);
}

#[test]
fn what_was_read_without_a_mark_is_begun_by_the_next_one() {
    let (world, message) = sent(direct(), secret(10));
    // More is sent at a time than is remembered as not having been there.
    let scheduled = || SendScheduled { message: plain() };
    let world = (0..101).fold(world, |world, _| world.and(account(BOB), scheduled()));
    assert_eq!(gone_at(&world, message), None);
    let world = world.when(account(BOB), mark(1)).then([]);
    let then = world.when(account(BOB), mark(102));
    let events = then.outcome.as_ref().map(Vec::len);
    assert_eq!((events, readings(&then.world).len()), (Ok(1), 1));
    let world = then.world.when(account(BOB), mark(102)).then([]);
    let world = world.and(account(BOB), begin(102, 0));
    world.when(account(BOB), mark(102)).then([]);
}

#[test]
fn what_comes_first_of_its_times_counts() {
    let set = SetExpiry { conversation_id: id(), expires_in: Some(600) };
    let (world, short) = sent(direct().and(account(ANN), set), secret(60));
    let (world, long) = sent(world, secret(6_000));
    let (world, own) = sent(world, SendMessage { expires_in: Some(90), ..secret(60) });
    let messages = [short, long, own];
    let at = |world: &Given| messages.map(|it| gone_at(world, it));
    assert_eq!(at(&world), [600_000, 600_000, 90_000].map(Some));
    let world = world.later(40_000).and(account(BOB), begin(3, 40_000));
    assert_eq!(at(&world), [100_000, 600_000, 90_000].map(Some));
}

/// What happens in a direct conversation: who, what and when.
fn happenings() -> impl Strategy<Value = Vec<(bool, u8, u8)>> {
    prop::collection::vec((any::<bool>(), 0..6_u8, any::<u8>()), 0..60)
}

fn happens(world: Given, (anns, what, which): (bool, u8, u8)) -> Given {
    let who = account(if anns { ANN } else { BOB });
    let world = world.later(i64::from(which) * 10);
    let last = world.document::<Conversation>(id()).expect("it is there").last_number;
    let some = readings(&world);
    let some = some.get(usize::from(which) % some.len().max(1));
    let told = some.and_then(|it| world.document::<Reading>(*it));
    match (what, told) {
        (0 | 1, _) => world.when(who, secret(1 + u32::from(which))).world,
        (2, _) => world.when(who, SendScheduled { message: secret(1 + u32::from(which)) }).world,
        (3, Some(it)) => {
            let (number, read_at) = (Long(it.number), it.read_at);
            let conversation_id = it.conversation_id;
            let begin = BeginExpiry { conversation_id, number, read_at };
            let world = world.and(it.account_id, begin);
            // The program may end in between.
            match which % 4 {
                0 => world,
                _ => world.and(it.account_id, NoteReading { reading_id: it.id }),
            }
        }
        (4, _) if which % 8 == 0 => world.when(who, plain()).world,
        _ => world.when(who, mark(u64::from(which) % (last + 1))).world,
    }
}

/// When a message was read, as the whole history says: by marking or by sending.
fn read_at(world: &Given, author: crate::accounts::AccountId, number: u64) -> Vec<i64> {
    let read = world.history().iter().filter(|it| {
        let moved = match ReceiptEvent::of(&it.event) {
            Some(ReceiptEvent::ReadMoved(it)) => it.account_id != author && it.number.0 >= number,
            None => false,
        };
        let sent = match MessageEvent::of(&it.event) {
            Some(MessageEvent::MessageSent(it)) => {
                it.author_id != author && it.number.0 > number && it.unseen.is_none()
            }
            Some(_) | None => false,
        };
        moved || sent
    });
    read.map(|it| it.occurred_at.0 - NOW.0).collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(200)
    })]

    #[test]
    fn whatever_happens_the_time_begins_once_and_when_it_was_read(all in happenings()) {
        let mut world = all.into_iter().fold(direct(), happens);
        while let Some(reading_id) = readings(&world).first().copied() {
            let it = world.document::<Reading>(reading_id).expect("it is to be told");
            let (number, read_at) = (Long(it.number), it.read_at);
            let begin = BeginExpiry { conversation_id: id(), number, read_at };
            let world_after = world.and(it.account_id, begin);
            world = world_after.and(it.account_id, NoteReading { reading_id });
        }
        let mut begun = BTreeMap::new();
        for it in world.history() {
            if let Some(ExpiryEvent::ExpiryBegun(it)) = ExpiryEvent::of(&it.event) {
                let first = begun.insert(it.message_id, it.expires_at.0 - NOW.0);
                prop_assert_eq!(first, None, "it began twice");
            }
        }
        for it in world.history() {
            let Some(MessageEvent::MessageSent(sent)) = MessageEvent::of(&it.event) else {
                continue;
            };
            let Some(seconds) = sent.expires_after_read else { continue };
            let read = read_at(&world, sent.author_id, sent.number.0);
            let begins = begun.get(&sent.message_id).copied();
            prop_assert_eq!(begins, gone_at(&world, sent.message_id));
            prop_assert_eq!(begins.is_some(), !read.is_empty(), "{}", sent.number.0);
            let after = seconds.0 as i64 * 1_000;
            prop_assert!(begins.is_none_or(|at| read.iter().any(|it| it + after == at)));
        }
    }
}

#[test]
fn a_time_begins_no_later_than_the_conversation_hears_of_it() {
    let (world, message) = sent(direct(), secret(10));
    let world = world.later(2_000).and(account(BOB), begin(1, 3_600_000));
    assert_eq!(gone_at(&world, message), Some(12_000), "a clock that was ahead stretches nothing");
}

#[test]
fn what_expires_after_it_is_read_is_moved_to_a_thread_once_it_has_begun() {
    let (world, message) = sent(direct(), secret(10));
    let (world, root) = sent(world, plain());
    let to_thread = || MoveToThread {
        conversation_id: id(),
        thread_id: Some(root),
        message_ids: vec![message],
    };
    let world = world.when(account(BOB), to_thread()).then_rejected(ThreadRejection::NotBegun);
    let world = world.and(account(BOB), begin(1, 0));
    world.when(account(BOB), to_thread()).then_allowed();
}
