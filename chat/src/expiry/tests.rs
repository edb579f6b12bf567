//! The law of expiry.

use super::*;
use crate::conversations::{Conversation, ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Origin, Timestamp};
use crate::messages::{
    EditMessage, Message, MessageDeleted, MessageId, MessageRejection, SendMessage, destroy_body,
};
use crate::timers::{Purpose, Timer};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

/// Ann's group with Bob.
fn lunch() -> (Given, ConversationId) {
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people().and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn direct() -> (Given, ConversationId) {
    let world = people().and(account(ANN), OpenDirect { account_id: account(BOB) });
    (world, direct_id(account(ANN), account(BOB)))
}

fn set(conversation_id: ConversationId, expires_in: Option<u32>) -> SetExpiry {
    SetExpiry { conversation_id, expires_in }
}

fn send(conversation_id: ConversationId, expires_in: Option<u32>) -> SendMessage {
    SendMessage { expires_in, ..SendMessage::new(conversation_id, "hi @ann") }
}

fn expire(conversation_id: ConversationId, message_id: MessageId) -> ExpireMessage {
    ExpireMessage { conversation_id, message_id }
}

/// Bob sends; the message and the world in which it is.
fn sent(world: Given, id: ConversationId, expires_in: Option<u32>) -> (Given, Message) {
    let world = world.and(account(BOB), send(id, expires_in));
    let message = send(id, expires_in).message_id(&world.last_context(account(BOB)));
    let message = world.document::<Message>(message).expect("it was sent");
    (world, message)
}

fn timer(world: &Given, message: MessageId) -> Option<Timer> {
    world.document::<Timer>(format!("message-expires/{}", message.0.simple()))
}

fn seconds(message: &Message) -> Option<i64> {
    message.expires_at.map(|it| (it.0 - NOW.0) / 1_000)
}

#[test]
fn a_message_is_there_for_a_minute_to_a_year() {
    let (world, id) = lunch();
    let rejected = MessageRejection::ExpiryInvalid;
    let world = world
        .when(account(BOB), send(id, Some(SECONDS_MIN - 1)))
        .then_rejected(rejected)
        .when(account(BOB), send(id, Some(SECONDS_MAX + 1)))
        .then_rejected(rejected);
    let (world, message) = sent(world, id, Some(SECONDS_MIN));
    assert_eq!(seconds(&message), Some(60));
    let (world, message) = sent(world, id, Some(SECONDS_MAX));
    assert_eq!(seconds(&message), Some(365 * 24 * 3_600));
    let (_, message) = sent(world, id, None);
    assert_eq!(seconds(&message), None);
}

#[test]
fn a_conversations_time_is_for_what_is_sent_from_then_on_and_the_shorter_one_counts() {
    let (world, id) = lunch();
    let (world, before) = sent(world, id, None);
    let world = world.and(account(ANN), set(id, Some(600)));
    assert_eq!(seconds(&world.document::<Message>(before.id).expect("it is there")), None);
    let (world, plain) = sent(world, id, None);
    let (world, shorter) = sent(world, id, Some(60));
    let (world, longer) = sent(world, id, Some(6_000));
    assert_eq!([plain, shorter, longer].map(|it| seconds(&it)), [Some(600), Some(60), Some(600)]);
    let (_, after) = sent(world.and(account(ANN), set(id, None)), id, None);
    assert_eq!(seconds(&after), None);
}

#[test]
fn the_time_is_a_minute_to_a_year_and_setting_it_again_changes_nothing() {
    let (world, id) = lunch();
    let expected = |expires_in: Option<u64>, before: Option<u64>| ExpirySet {
        conversation_id: id,
        expires_in: expires_in.map(Long),
        before: before.map(Long),
        origin: Some(Origin::default()),
    };
    let world = world
        .when(account(ANN), set(id, Some(59)))
        .then_rejected(ExpiryRejection::OutOfRange)
        .when(account(ANN), set(id, Some(SECONDS_MAX + 1)))
        .then_rejected(ExpiryRejection::OutOfRange)
        .when(account(ANN), set(id, Some(60)))
        .then([expected(Some(60), None).into()])
        .when(account(ANN), set(id, Some(60)))
        .then([])
        .when(account(ANN), set(id, Some(SECONDS_MAX)))
        .then([expected(Some(SECONDS_MAX.into()), Some(60)).into()]);
    assert_eq!(world.document::<Conversation>(id).expect("it is").expires_in, Some(SECONDS_MAX));
}

#[test]
fn admins_of_a_group_and_both_of_a_direct_conversation_set_it() {
    let (world, id) = lunch();
    world
        .when(account(BOB), set(id, Some(60)))
        .then_rejected(ExpiryRejection::Forbidden)
        .when(account(EVE), set(id, Some(60)))
        .then_rejected(ExpiryRejection::NotFound);
    let (world, id) = direct();
    let expected = |expires_in: u64, before: Option<u64>| ExpirySet {
        conversation_id: id,
        expires_in: Some(Long(expires_in)),
        before: before.map(Long),
        origin: None,
    };
    world
        .when(account(BOB), set(id, Some(60)))
        .then([expected(60, None).into()])
        .when(account(ANN), set(id, Some(61)))
        .then([expected(61, Some(60)).into()])
        .when(account(EVE), set(id, Some(60)))
        .then_rejected(ExpiryRejection::NotFound);
}

#[test]
fn what_is_over_is_deleted_once_by_nobody_and_its_key_destroyed() {
    let (world, id) = lunch();
    let (world, message) = sent(world, id, Some(60));
    let deleted = MessageDeleted {
        message_id: message.id,
        conversation_id: id,
        number: Long(1),
        author_id: account(BOB),
        leaf: Long(3),
        mentions: vec![account(ANN)],
        everyone: None,
        thread: None,
        files: None,
        file_bytes: None,
    };
    let world = world
        .later(60_000)
        .when(account(BOB), expire(id, message.id))
        .then([deleted.into()])
        .when(account(BOB), expire(id, message.id))
        .then([]);
    let gone = world.document::<Message>(message.id).expect("its place stays");
    assert_eq!((gone.body, gone.mentions), (None, Vec::new()));
    let last = world.history().last().expect("it was deleted");
    assert_eq!(last.actor, None);
    let destroyed = destroy_body(last);
    assert!(matches!(destroyed[..], [Reaction::DestroyKey { leaf: 3, .. }]));
}

#[test]
fn only_what_expires_is_deleted_by_the_server() {
    let (world, id) = lunch();
    let (world, message) = sent(world, id, None);
    world
        .when(account(BOB), expire(id, message.id))
        .then_rejected(ExpiryRejection::NotFound)
        .when(account(BOB), expire(direct_id(account(ANN), account(BOB)), message.id))
        .then_rejected(ExpiryRejection::NotFound);
}

#[test]
fn a_message_has_a_timer_until_it_is_gone() {
    let (world, id) = lunch();
    let (world, stays) = sent(world, id, None);
    assert_eq!(timer(&world, stays.id), None);
    let (world, message) = sent(world, id, Some(60));
    let set = timer(&world, message.id).expect("it has one");
    assert_eq!((set.purpose, set.account_id), (Purpose::MessageExpires, account(BOB)));
    assert_eq!(set.due_at, Timestamp(NOW.0 + 60_000));
    let world = world.later(60_000).and(account(BOB), expire(id, message.id));
    assert_eq!(timer(&world, message.id), None);
}

#[test]
fn what_is_over_and_still_there_is_neither_edited_nor_answered() {
    let (world, id) = lunch();
    let (world, message) = sent(world, id, Some(60));
    let edit = |text: &str| {
        let (conversation_id, message_id) = (id, message.id);
        EditMessage { conversation_id, message_id, text: text.to_owned() }
    };
    let answer = || SendMessage { reply_to: Some(message.id), ..send(id, None) };
    world
        .later(59_999)
        .and(account(BOB), edit("ho"))
        .and(account(ANN), answer())
        .later(1)
        .when(account(BOB), edit("hu"))
        .then_rejected(MessageRejection::Gone)
        .when(account(ANN), answer())
        .then_rejected(MessageRejection::ReplyNotFound);
}
