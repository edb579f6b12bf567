//! The law of threads.

use super::*;
use crate::Event;
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Origin, Timestamp};
use crate::members::{ChangeRole, JoinGroup, LeaveConversation, Member, Role};
use crate::messages::{
    DeleteMessage, EditMessage, Mention, Message, MessageId, MessageRejection, SendMessage,
};
use crate::removals::RestoreMessages;

pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;
pub(super) const EVE: u8 = 3;

/// Ann's open group with Bob and Eve.
pub(super) fn lunch() -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let member_ids = vec![account(BOB), account(EVE)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: true };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn says(world: Given, n: u8, send: SendMessage) -> (Given, MessageId) {
    let world = world.and(account(n), send.clone());
    let id = send.message_id(&world.last_context(account(n)));
    (world, id)
}

fn answer(id: ConversationId, thread: MessageId, text: &str) -> SendMessage {
    SendMessage { thread_id: Some(thread), ..SendMessage::new(id, text) }
}

/// What Ann has said, and what Bob has answered in its thread.
fn answered() -> (Given, ConversationId, MessageId, MessageId) {
    let (world, id) = lunch();
    let (world, root) = says(world, ANN, SendMessage::new(id, "soup?"));
    let (world, reply) = says(world, BOB, answer(id, root, "@ann yes"));
    (world, id, root, reply)
}

fn moves(id: ConversationId, to: Option<MessageId>, these: &[MessageId]) -> MoveToThread {
    MoveToThread { conversation_id: id, thread_id: to, message_ids: these.to_vec() }
}

fn marks(id: ConversationId, thread_id: MessageId, number: u64) -> MarkThreadRead {
    MarkThreadRead { conversation_id: id, thread_id, number: Long(number) }
}

fn message(world: &Given, id: MessageId) -> Message {
    world.document(id).expect("it is there")
}

fn thread(world: &Given, id: MessageId) -> Thread {
    world.document(id).expect("it is there")
}

fn head(world: &Given, id: ConversationId) -> Conversation {
    world.document(id).expect("it is there")
}

fn mentions(world: &Given, line: impl std::fmt::Display, who: u8, number: u64) -> bool {
    world.document::<Mention>(Mention::id(line, account(who), number)).is_some()
}

#[test]
fn a_reply_has_the_next_number_and_belongs_to_the_thread_alone() {
    let (world, id, root, reply) = answered();
    let found = message(&world, reply);
    assert_eq!((found.number, found.thread), (2, Some(Threaded { thread_id: root, moved: false })));
    assert_eq!(found.index_keys()[0].as_deref(), Some(&*format!("{root}/{:016x}", 2)));
    let (group, thread) = (head(&world, id), thread(&world, root));
    assert_eq!((group.last_number, group.last_message, group.absent_count), (2, Some(root), 1));
    assert_eq!((thread.conversation_id, thread.reply_count, thread.last_number), (id, 1, 2));
    let bob = world.document::<Member>(Member::id(id, account(BOB))).expect("a member");
    assert_eq!(bob.read_number, 0, "who writes in a thread has read nothing else");
    let part = world.document::<Participant>(Participant::id(root, account(BOB)));
    assert_eq!(part, Some(Participant { number: 2 }));
    let effects: Vec<_> = world.history().iter().map(|it| it.meaning().1).collect();
    assert_eq!(effects.last(), Some(&Effect::InThread));
}

#[test]
fn a_thread_begins_at_a_message_that_is_there_and_in_no_thread() {
    let (world, id, root, reply) = answered();
    let (world, gone) = says(world, ANN, SendMessage::new(id, "oops"));
    let world = world.and(account(ANN), DeleteMessage { conversation_id: id, message_id: gone });
    let nobody = MessageId(account(9).0);
    let not_found = MessageRejection::ThreadNotFound;
    let world = world
        .when(account(EVE), answer(id, reply, "x"))
        .then_rejected(MessageRejection::ThreadNested)
        .when(account(EVE), answer(id, gone, "x"))
        .then_rejected(not_found)
        .when(account(EVE), answer(id, nobody, "x"))
        .then_rejected(not_found)
        .and(account(ANN), OpenDirect { account_id: account(BOB) });
    let direct = direct_id(account(ANN), account(BOB));
    world.when(account(BOB), answer(direct, root, "x")).then_rejected(not_found);
}

#[test]
fn a_thread_whose_root_is_gone_goes_on() {
    let (world, id, root, _) = answered();
    let world = world.and(account(ANN), DeleteMessage { conversation_id: id, message_id: root });
    let world = world.when(account(EVE), answer(id, root, "still")).then_allowed();
    assert_eq!(thread(&world, root).reply_count, 2);
}

#[test]
fn what_is_gone_counts_in_no_thread_and_what_is_restored_again() {
    let (world, id, root, reply) = answered();
    let delete = DeleteMessage { conversation_id: id, message_id: reply };
    let world = world.later(5).and(account(ANN), delete.clone());
    let after = thread(&world, root);
    assert_eq!((after.reply_count, after.last_number, after.active_at), (0, 2, NOW));
    assert_eq!(after.index_keys(), [None], "nothing is left of it to be listed");
    assert!(!mentions(&world, root, ANN, 2));
    assert_eq!(head(&world, id).absent_count, 1, "it was absent before");
    let restore = RestoreMessages { conversation_id: id, message_ids: vec![reply] };
    let world = world.and(account(ANN), restore);
    assert_eq!((thread(&world, root).reply_count, mentions(&world, root, ANN, 2)), (1, true));
    let world = world.and(account(BOB), delete);
    assert_eq!((thread(&world, root).reply_count, head(&world, id).absent_count), (0, 1));
}

#[test]
fn mentions_in_a_thread_are_found_there_and_follow_an_edit() {
    let (world, id, root, reply) = answered();
    assert_eq!((mentions(&world, root, ANN, 2), mentions(&world, id, ANN, 2)), (true, false));
    let text = "@eve yes".to_owned();
    let edit = EditMessage { conversation_id: id, message_id: reply, text };
    let world = world.and(account(BOB), edit);
    assert_eq!((mentions(&world, root, ANN, 2), mentions(&world, root, EVE, 2)), (false, true));
}

/// What comes of a move by Ann.
fn moved(
    id: ConversationId,
    (message_id, number, author): (MessageId, u64, u8),
    mentions: &[AccountId],
    (from, to): (Option<MessageId>, Option<MessageId>),
) -> Event {
    MessageMoved {
        message_id,
        conversation_id: id,
        number: Long(number),
        author_id: account(author),
        mentions: mentions.to_vec(),
        everyone: None,
        from_thread_id: from,
        to_thread_id: to,
        account_id: account(ANN),
        origin: Some(Origin::default()),
    }
    .into()
}

#[test]
fn what_is_moved_keeps_its_place_and_goes_on_and_back() {
    let (world, id, root, reply) = answered();
    let (world, aside) = says(world, BOB, SendMessage::new(id, "@ann aside"));
    let (world, other) = says(world, EVE, SendMessage::new(id, "tea?"));
    let ann = [account(ANN)];
    let step = |from, to| moved(id, (aside, 3, BOB), &ann, (from, to));
    let world = world
        .later(5)
        .when(account(ANN), moves(id, Some(root), &[aside, aside]))
        .then([step(None, Some(root))])
        .when(account(ANN), moves(id, Some(root), &[aside, reply]))
        .then([]);
    let found = message(&world, aside);
    assert_eq!((found.number, found.thread), (3, Some(Threaded { thread_id: root, moved: true })));
    let (one, group) = (thread(&world, root), head(&world, id));
    assert_eq!((one.reply_count, one.last_number, one.active_at), (2, 3, Timestamp(NOW.0 + 5)));
    assert_eq!((group.absent_count, group.active_at), (2, NOW));
    assert_eq!((mentions(&world, root, ANN, 3), mentions(&world, id, ANN, 3)), (true, false));
    let world = world
        .when(account(ANN), moves(id, Some(other), &[aside]))
        .then([step(Some(root), Some(other))]);
    assert_eq!((thread(&world, root).reply_count, thread(&world, other).reply_count), (1, 1));
    let world = world
        .when(account(ANN), moves(id, None, &[aside]))
        .then([step(Some(other), None)])
        .when(account(ANN), moves(id, None, &[aside]))
        .then([]);
    assert_eq!((message(&world, aside).thread, thread(&world, other).reply_count), (None, 0));
    assert_eq!((mentions(&world, other, ANN, 3), mentions(&world, id, ANN, 3)), (false, true));
    assert_eq!(head(&world, id).absent_count, 1);
    let effects: Vec<_> = world.history().iter().rev().map(|it| it.meaning().1).take(3).collect();
    assert_eq!(effects, [Effect::Restored, Effect::InThread, Effect::Deleted { number: 3 }]);
}

#[test]
fn many_are_moved_in_the_order_of_their_numbers_all_or_none() {
    let (world, id, root, _) = answered();
    let (world, first) = says(world, BOB, SendMessage::new(id, "one"));
    let (world, second) = says(world, EVE, SendMessage::new(id, "two"));
    let (world, gone) = says(world, EVE, SendMessage::new(id, "three"));
    let world = world.and(account(EVE), DeleteMessage { conversation_id: id, message_id: gone });
    let to = (None, Some(root));
    let world = world
        .when(account(ANN), moves(id, Some(root), &[second, first, gone]))
        .then_rejected(ThreadRejection::Gone)
        .when(account(ANN), moves(id, Some(root), &[second, MessageId(account(9).0)]))
        .then_rejected(ThreadRejection::NotFound)
        .when(account(ANN), moves(id, Some(root), &[second, first]))
        .then([moved(id, (first, 3, BOB), &[], to), moved(id, (second, 4, EVE), &[], to)]);
    assert_eq!(thread(&world, root).reply_count, 3);
}

#[test]
fn threads_are_not_nested_by_moving_and_what_was_sent_there_stays() {
    let (world, id, root, reply) = answered();
    let (world, other) = says(world, EVE, SendMessage::new(id, "tea?"));
    let (world, aside) = says(world, EVE, SendMessage::new(id, "aside"));
    let nested = ThreadRejection::Nested;
    let world = world
        .when(account(ANN), moves(id, Some(other), &[root]))
        .then_rejected(nested)
        .when(account(ANN), moves(id, Some(other), &[other]))
        .then_rejected(nested)
        .when(account(ANN), moves(id, Some(reply), &[aside]))
        .then_rejected(nested)
        .when(account(ANN), moves(id, Some(other), &[reply]))
        .then_rejected(ThreadRejection::SentThere)
        .when(account(ANN), moves(id, None, &[reply]))
        .then_rejected(ThreadRejection::SentThere)
        .when(account(ANN), moves(id, Some(MessageId(account(9).0)), &[aside]))
        .then_rejected(ThreadRejection::NoThread)
        .and(account(ANN), moves(id, Some(root), &[aside]));
    world
        .when(account(EVE), answer(id, aside, "x"))
        .then_rejected(MessageRejection::ThreadNested)
        .and(account(ANN), DeleteMessage { conversation_id: id, message_id: reply })
        .and(account(ANN), moves(id, None, &[aside]))
        .when(account(ANN), moves(id, Some(other), &[root]))
        .then_rejected(nested);
}

#[test]
fn those_who_manage_a_group_move_and_either_of_two() {
    let (world, id, root, _) = answered();
    let (world, aside) = says(world, EVE, SendMessage::new(id, "aside"));
    let admin = ChangeRole { conversation_id: id, account_id: account(BOB), role: Role::Admin };
    let world = world
        .when(account(EVE), moves(id, Some(root), &[aside]))
        .then_rejected(ThreadRejection::Forbidden)
        .when(account(9), moves(id, Some(root), &[aside]))
        .then_rejected(ThreadRejection::NotFound)
        .and(account(ANN), admin)
        .when(account(BOB), moves(id, Some(root), &[aside]))
        .then_allowed()
        .and(account(ANN), OpenDirect { account_id: account(BOB) });
    let direct = direct_id(account(ANN), account(BOB));
    let (world, one) = says(world, ANN, SendMessage::new(direct, "one"));
    let (world, two) = says(world, ANN, SendMessage::new(direct, "two"));
    world
        .and(account(BOB), moves(direct, Some(one), &[two]))
        .and(account(ANN), moves(direct, None, &[two]));
}

#[test]
fn one_to_a_hundred_are_moved_at_once() {
    let (world, id, root, _) = answered();
    let mut all = Vec::new();
    let world = (0..=MOVED_MAX).fold(world, |world, _| {
        let (world, message) = says(world, BOB, SendMessage::new(id, "hi"));
        all.push(message);
        world
    });
    let invalid = ThreadRejection::CountInvalid;
    let world = world
        .when(account(ANN), moves(id, Some(root), &all))
        .then_rejected(invalid)
        .when(account(ANN), moves(id, Some(root), &[]))
        .then_rejected(invalid)
        .when(account(ANN), moves(id, Some(root), &all[1..]))
        .then_allowed();
    assert_eq!(thread(&world, root).reply_count, 1 + MOVED_MAX as u64);
}

#[test]
fn a_read_pointer_moves_forward_within_its_thread() {
    let (world, id, root, _) = answered();
    let (world, _) = says(world, EVE, SendMessage::new(id, "elsewhere"));
    let read = |number| ThreadReadMoved {
        account_id: account(ANN),
        conversation_id: id,
        thread_id: root,
        number: Long(number),
    };
    let pointer = |world: &Given, n: u8| {
        let pointer = world.document::<ThreadPointer>(ThreadPointer::id(account(n), root));
        pointer.map(|it| it.number)
    };
    let world = world
        .when(account(ANN), marks(id, root, 3))
        .then_rejected(ThreadRejection::Ahead)
        .when(account(9), marks(id, root, 2))
        .then_rejected(ThreadRejection::NotFound)
        .when(account(ANN), marks(id, MessageId(account(9).0), 2))
        .then_rejected(ThreadRejection::NotFound)
        .when(account(ANN), marks(id, root, 1))
        .then([read(1).into()])
        .when(account(ANN), marks(id, root, 2))
        .then([read(2).into()])
        .when(account(ANN), marks(id, root, 1))
        .then([])
        .when(account(BOB), marks(id, root, 2))
        .then([]);
    assert_eq!((pointer(&world, ANN), pointer(&world, BOB)), (Some(2), None));
    let world = world
        .and(account(EVE), LeaveConversation { conversation_id: id })
        .when(account(EVE), marks(id, root, 2))
        .then_rejected(ThreadRejection::NotFound)
        .and(account(EVE), JoinGroup { conversation_id: id });
    world.when(account(EVE), marks(id, root, 2)).then([]);
}
