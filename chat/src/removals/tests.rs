//! The law of removals.

use super::*;
use crate::Event;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::{Conversation, ConversationId, CreateGroup};
use crate::expiry::ExpireMessage;
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Command, Document, Effect, Origin, Recorded, Timestamp};
use crate::members::{ChangeRole, LeaveConversation, Role};
use crate::messages::{
    DeleteMessage, EditMessage, Mention, Message, MessageDeleted, MessageHidden, MessageId,
    MessageRejection, SendMessage, destroy_body,
};
use crate::timers::{Purpose, Timer};

pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;
pub(super) const EVE: u8 = 3;

/// Ann's group with Bob and Eve.
pub(super) fn lunch() -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let member_ids = vec![account(BOB), account(EVE)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn says(world: Given, n: u8, send: SendMessage) -> (Given, MessageId) {
    let world = world.and(account(n), send.clone());
    let id = send.message_id(&world.last_context(account(n)));
    (world, id)
}

/// What Bob has said there, which mentions Ann.
pub(super) fn said() -> (Given, ConversationId, MessageId) {
    let (world, id) = lunch();
    let (world, message) = says(world, BOB, SendMessage::new(id, "hi @ann"));
    (world, id, message)
}

/// What Bob has said, removed by Ann.
pub(super) fn removed() -> (Given, ConversationId, MessageId) {
    let (world, id, message) = said();
    (world.and(account(ANN), delete(id, message)), id, message)
}

pub(super) fn delete(conversation_id: ConversationId, message_id: MessageId) -> DeleteMessage {
    DeleteMessage { conversation_id, message_id }
}

fn many(conversation_id: ConversationId, message_ids: &[MessageId]) -> DeleteMessages {
    DeleteMessages { conversation_id, which: Which::Ids, message_ids: message_ids.to_vec() }
}

fn hide(conversation_id: ConversationId, message_ids: &[MessageId]) -> HideMessages {
    HideMessages { conversation_id, which: Which::Ids, message_ids: message_ids.to_vec() }
}

pub(super) fn restore(id: ConversationId, message_ids: &[MessageId]) -> RestoreMessages {
    RestoreMessages { conversation_id: id, message_ids: message_ids.to_vec() }
}

pub(super) fn destroy(
    conversation_id: ConversationId,
    message_id: MessageId,
    from: i64,
) -> DestroyMessage {
    let restorable_until = Timestamp(NOW.0 + from + RESTORABLE_MS);
    DestroyMessage { conversation_id, message_id, restorable_until }
}

fn message(world: &Given, id: MessageId) -> Message {
    world.document::<Message>(id).expect("its place stays")
}

fn timer(world: &Given, message: MessageId) -> Option<Timer> {
    world.document::<Timer>(format!("removal-ends/{}", message.0.simple()))
}

fn gone_count(world: &Given, id: ConversationId) -> u64 {
    world.document::<Conversation>(id).expect("it is there").absent_count
}

fn mention(world: &Given, id: ConversationId) -> Option<Mention> {
    world.document::<Mention>(Mention::id(id, account(ANN), 1))
}

fn removal(id: ConversationId, message_id: MessageId, by: AccountId) -> Event {
    Event::from(MessageRemoved {
        message_id,
        conversation_id: id,
        number: Long(1),
        author_id: account(BOB),
        mentions: vec![account(ANN)],
        moderator_id: by,
        restorable_until: Timestamp(NOW.0 + RESTORABLE_MS),
        origin: Some(Origin::default()),
        everyone: None,
        thread: None,
        file_bytes: None,
    })
}

fn restored(id: ConversationId, message_id: MessageId, by: AccountId) -> Event {
    Event::from(MessageRestored {
        message_id,
        conversation_id: id,
        number: Long(1),
        author_id: account(BOB),
        mentions: vec![account(ANN)],
        moderator_id: by,
        origin: Some(Origin::default()),
        everyone: None,
        thread: None,
        file_bytes: None,
    })
}

fn destruction(id: ConversationId, message_id: MessageId) -> Event {
    Event::from(MessageDestroyed {
        message_id,
        conversation_id: id,
        number: Long(1),
        author_id: account(BOB),
        leaf: Long(3),
        files: None,
    })
}

#[test]
fn what_a_moderator_deletes_of_another_is_out_of_everybodys_sight_at_once() {
    let (world, id, it) = said();
    assert!(mention(&world, id).is_some());
    let world = world.when(account(ANN), delete(id, it)).then([removal(id, it, account(ANN))]);
    let gone = message(&world, it);
    assert!(gone.is_gone(NOW) && gone.body.is_none() && gone.original.is_none());
    assert_eq!((gone.aside.is_some(), mention(&world, id)), (true, None));
    assert_eq!((Document::index_keys(&gone), gone_count(&world, id)), (vec![None; 3], 1));
    let said = |it: Removal| (it.audience(), it.moderator_id, it.removed_at);
    assert_eq!(world.document(it).map(said), Some((Audience::Managers(id), account(ANN), NOW)));
    world.when(account(ANN), delete(id, it)).then([]);
}

#[test]
fn what_is_restored_is_as_it_was() {
    let (world, conversation_id, message_id) = said();
    let text = "ho @ann".to_owned();
    let world = world.and(account(BOB), EditMessage { conversation_id, message_id, text }).later(5);
    let before = message(&world, message_id);
    let world = world
        .and(account(ANN), delete(conversation_id, message_id))
        .when(account(ANN), restore(conversation_id, &[message_id, message_id]))
        .then([restored(conversation_id, message_id, account(ANN))]);
    let after = message(&world, message_id);
    assert_eq!(after.changed_seq, before.changed_seq + 2);
    assert_eq!(Message { changed_seq: before.changed_seq, ..after }, before);
    assert_eq!(mention(&world, conversation_id), Some(Mention { message_id, moved: false }));
    assert_eq!(gone_count(&world, conversation_id), 0);
    assert_eq!(world.document::<Removal>(message_id), None);
    world.when(account(ANN), restore(conversation_id, &[message_id])).then([]);
}

#[test]
fn any_who_manage_the_group_restore_and_nobody_else() {
    let (world, id, it) = removed();
    let admin = ChangeRole { conversation_id: id, account_id: account(EVE), role: Role::Admin };
    let elsewhere = CreateGroup { title: "B".to_owned(), member_ids: Vec::new(), open: false };
    let world = world
        .when(account(BOB), restore(id, &[it]))
        .then_rejected(RemovalRejection::Forbidden)
        .when(account(9), restore(id, &[it]))
        .then_rejected(RemovalRejection::NotFound)
        .when(account(ANN), restore(id, &[it, MessageId(account(9).0)]))
        .then_rejected(RemovalRejection::NotFound)
        .and(account(BOB), elsewhere);
    let other = CreateGroup::conversation_id(&world.last_context(account(BOB)));
    world
        .when(account(BOB), restore(other, &[it]))
        .then_rejected(RemovalRejection::NotFound)
        .and(account(ANN), admin)
        .when(account(EVE), restore(id, &[it]))
        .then([restored(id, it, account(EVE))]);
}

#[test]
fn it_is_restored_for_24_hours_and_not_a_millisecond_longer() {
    let (world, id, it) = removed();
    world.later(RESTORABLE_MS - 1).when(account(ANN), restore(id, &[it])).then_allowed();
    let (world, id, it) = removed();
    world
        .later(RESTORABLE_MS)
        .when(account(ANN), restore(id, &[it]))
        .then_rejected(RemovalRejection::TooLate);
}

#[test]
fn nothing_is_restored_that_its_author_deleted_or_whose_time_has_come() {
    let (world, id, it) = said();
    let world = world.and(account(BOB), delete(id, it));
    let world =
        world.when(account(ANN), restore(id, &[it])).then_rejected(RemovalRejection::TooLate);
    let short = SendMessage { expires_in: Some(60), ..SendMessage::new(id, "short") };
    let (world, it) = says(world, BOB, short);
    world
        .and(account(ANN), delete(id, it))
        .later(60_000)
        .when(account(ANN), restore(id, &[it]))
        .then_rejected(RemovalRejection::TooLate);
}

#[test]
fn the_server_destroys_what_nobody_restores_once_and_with_its_key() {
    let (world, id, it) = removed();
    let due = timer(&world, it).expect("it ends");
    let until = Timestamp(NOW.0 + RESTORABLE_MS);
    assert_eq!((due.purpose, due.due_at), (Purpose::RemovalEnds, until));
    let world = world
        .later(RESTORABLE_MS)
        .when(account(ANN), destroy(id, it, 0))
        .then([destruction(id, it)])
        .when(account(ANN), destroy(id, it, 0))
        .then([]);
    let gone = message(&world, it);
    assert_eq!((gone.body, gone.aside, gone.mentions), (None, None, Vec::new()));
    assert_eq!((world.document::<Removal>(it), timer(&world, it)), (None, None));
    assert_eq!(gone_count(&world, id), 1, "it was counted when it was removed");
    let both = |it: &Recorded| [destroy_removed(it), destroy_body(it)].concat();
    let reactions: Vec<_> = world.history().iter().flat_map(both).collect();
    let tree =
        ports::keys::TreeId { author: account(BOB).0.into_bytes(), stream: id.0.into_bytes() };
    assert_eq!(reactions, [Reaction::DestroyKey { tree, leaf: 3 }]);
    assert_eq!(world.history().last().and_then(|it| it.actor), None);
}

#[test]
fn what_is_removed_again_has_another_day() {
    let (world, id, it) = removed();
    let world = world.and(account(ANN), restore(id, &[it])).later(7);
    assert_eq!(timer(&world, it), None);
    let world = world.and(account(ANN), delete(id, it));
    assert_eq!(timer(&world, it).expect("it ends").due_at.0, NOW.0 + 7 + RESTORABLE_MS);
    world
        .when(account(ANN), destroy(id, it, 0))
        .then([])
        .when(account(ANN), destroy(id, it, 7))
        .then([destruction(id, it)]);
}

#[test]
fn its_author_or_its_own_time_ends_it_earlier() {
    let (world, id, it) = removed();
    world
        .when(account(EVE), delete(id, it))
        .then_rejected(MessageRejection::Forbidden)
        .when(account(BOB), delete(id, it))
        .then([destruction(id, it)])
        .when(account(BOB), delete(id, it))
        .then([]);
    let (world, id) = lunch();
    let short = SendMessage { expires_in: Some(60), ..SendMessage::new(id, "short @ann") };
    let (world, message_id) = says(world, BOB, short);
    let world = world
        .and(account(ANN), delete(id, message_id))
        .later(60_000)
        .when(account(BOB), ExpireMessage { conversation_id: id, message_id })
        .then([destruction(id, message_id)]);
    let expires = format!("message-expires/{}", message_id.0.simple());
    assert_eq!((world.document::<Timer>(expires), timer(&world, message_id)), (None, None));
}

#[test]
fn many_are_deleted_in_the_order_of_their_numbers_ones_own_for_good() {
    let (world, id, first) = said();
    let (world, own) = says(world, ANN, SendMessage::new(id, "mine"));
    let deleted = MessageDeleted {
        message_id: own,
        conversation_id: id,
        number: Long(2),
        author_id: account(ANN),
        leaf: Long(4),
        mentions: Vec::new(),
        everyone: None,
        thread: None,
        files: None,
        file_bytes: None,
    };
    let world = world
        .when(account(ANN), many(id, &[own, first, own]))
        .then([removal(id, first, account(ANN)), deleted.into()])
        .when(account(ANN), many(id, &[own, first]))
        .then([]);
    assert_eq!(gone_count(&world, id), 2);
}

#[test]
fn all_that_are_named_are_deleted_or_none() {
    let (world, id, bobs) = said();
    let (world, eves) = says(world, EVE, SendMessage::new(id, "mine"));
    let world = world
        .when(account(EVE), many(id, &[eves, bobs]))
        .then_rejected(RemovalRejection::Forbidden)
        .when(account(ANN), many(id, &[eves, MessageId(account(9).0)]))
        .then_rejected(RemovalRejection::NotFound)
        .when(account(9), many(id, &[eves]))
        .then_rejected(RemovalRejection::NotFound)
        .when(account(EVE), many(id, &[eves]))
        .then_allowed()
        .and(account(BOB), LeaveConversation { conversation_id: id });
    assert!(message(&world, bobs).body.is_some());
    world.when(account(BOB), many(id, &[bobs])).then_rejected(RemovalRejection::NotFound);
}

#[test]
fn one_to_a_hundred_are_named_at_once() {
    let (world, id) = lunch();
    let mut all = Vec::new();
    let world = (0..=DELETED_MAX).fold(world, |world, _| {
        let (world, message) = says(world, BOB, SendMessage::new(id, "hi"));
        all.push(message);
        world
    });
    let invalid = RemovalRejection::CountInvalid;
    let world = world
        .when(account(ANN), many(id, &all))
        .then_rejected(invalid)
        .when(account(ANN), many(id, &[]))
        .then_rejected(invalid)
        .when(account(ANN), hide(id, &all))
        .then_rejected(invalid)
        .when(account(ANN), restore(id, &all))
        .then_rejected(invalid)
        .when(account(ANN), restore(id, &[]))
        .then_rejected(invalid)
        .and(account(ANN), hide(id, &all[1..]))
        .and(account(ANN), many(id, &all[1..]));
    assert_eq!(gone_count(&world, id), 100);
    let world = world.and(account(ANN), restore(id, &all[1..]));
    assert_eq!(gone_count(&world, id), 0);
}

#[test]
fn what_was_asked_is_the_same_whatever_was_found() {
    let (_, id, it) = said();
    let which = Which::Those { from: Some(Long(1)), to: None, account_id: Some(account(BOB)) };
    let found = |message_ids: &[MessageId]| DeleteMessages {
        conversation_id: id,
        which,
        message_ids: message_ids.to_vec(),
    };
    assert_eq!(Command::body(&found(&[it])), Command::body(&found(&[])));
    assert_ne!(Command::body(&many(id, &[it])), Command::body(&many(id, &[])));
    assert_ne!(Command::body(&found(&[])), Command::body(&many(id, &[])));
}

#[test]
fn what_nothing_is_found_of_changes_nothing() {
    let (world, id, _) = said();
    let which = Which::Those { from: Some(Long(9)), to: None, account_id: None };
    let none = DeleteMessages { conversation_id: id, which, message_ids: Vec::new() };
    world
        .when(account(BOB), none.clone())
        .then([])
        .when(account(9), none)
        .then_rejected(RemovalRejection::NotFound);
}

#[test]
fn anyone_hides_many_from_themselves() {
    let (world, id, first) = said();
    let (world, second) = says(world, ANN, SendMessage::new(id, "mine"));
    let hidden = |message_id, number| MessageHidden {
        message_id,
        conversation_id: id,
        number: Long(number),
        account_id: account(EVE),
        thread_id: None,
    };
    let world = world
        .when(account(EVE), hide(id, &[second, first]))
        .then([hidden(first, 1).into(), hidden(second, 2).into()])
        .when(account(9), hide(id, &[first]))
        .then_rejected(RemovalRejection::NotFound);
    assert!(message(&world, first).body.is_some());
}

#[test]
fn listeners_count_a_removal_as_a_deletion_once() {
    let (world, id, it) = removed();
    let world = world.and(account(ANN), restore(id, &[it])).and(account(ANN), delete(id, it));
    let world = world.and(account(ANN), destroy(id, it, 0));
    let effects = world.history().iter().rev().take(4).rev().map(|it| it.meaning().1);
    let deleted = Effect::Deleted { number: 1 };
    assert!(effects.eq([deleted.clone(), Effect::Restored, deleted, Effect::None]));
}
