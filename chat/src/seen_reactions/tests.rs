//! The law of seen reactions.

use super::*;
use crate::Change;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::{ConversationId, OpenDirect, direct_id};
use crate::kernel::counts::reading;
use crate::kernel::testing::{Given, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Recorded, StreamId};
use crate::messages::{DeleteMessage, MessageEvent, MessageId, SendMessage};
use crate::reactions::{AddReaction, Emoji, ReactionAdded};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn id() -> ConversationId {
    direct_id(account(ANN), account(BOB))
}

/// Ann has sent Bob a message, to which he has reacted: the third event of the conversation.
fn reacted() -> (Given, MessageId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let world = people.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let send = SendMessage::new(id(), "hi");
    let world = world.and(account(ANN), send.clone());
    let message_id = send.message_id(&world.last_context(account(ANN)));
    let emoji = "👍".to_owned();
    let add = AddReaction::new(id(), message_id, emoji);
    (world.and(account(BOB), add), message_id)
}

fn mark(seq: u64) -> MarkReactionsSeen {
    MarkReactionsSeen { conversation_id: id(), seq: Long(seq) }
}

fn seen(seq: u64) -> crate::Event {
    let (account_id, conversation_id) = (account(ANN), id());
    ReactionsSeen { account_id, conversation_id, seq: Long(seq) }.into()
}

fn pointer(world: &Given) -> Option<SeenReactions> {
    world.document::<SeenReactions>(SeenReactions::id(account(ANN), id()))
}

#[test]
fn what_is_seen_moves_forward_and_never_back() {
    let (world, _) = reacted();
    let world = world
        .when(account(ANN), mark(2))
        .then([seen(2)])
        .when(account(ANN), mark(3))
        .then([seen(3)])
        .when(account(ANN), mark(3))
        .then([])
        .when(account(ANN), mark(2))
        .then([]);
    assert_eq!(pointer(&world).map(|it| it.seq), Some(3));
    assert_eq!(pointer(&world).map(|it| it.audience()), Some(Audience::Account(account(ANN))));
}

#[test]
fn what_was_before_joining_is_seen_already() {
    let (world, _) = reacted();
    world.when(account(ANN), mark(1)).then([]).when(account(ANN), mark(0)).then([]);
}

#[test]
fn what_has_not_happened_is_not_seen() {
    let (world, _) = reacted();
    world.when(account(ANN), mark(4)).then_rejected(SeenReactionRejection::Ahead);
}

#[test]
fn a_stranger_has_seen_nothing() {
    let (world, _) = reacted();
    world.when(account(EVE), mark(3)).then_rejected(SeenReactionRejection::NotFound);
}

#[test]
fn the_persons_own_devices_are_told() {
    let (world, _) = reacted();
    let world = world.and(account(ANN), mark(3));
    let last = world.history().last().map(Recorded::meaning);
    assert_eq!(last, Some((Change::SeenReactions(id()), Effect::None)));
}

/// Ann's message with a number.
fn message(world: &Given, number: u64) -> MessageId {
    let sent = world.history().iter().find_map(|it| match MessageEvent::of(&it.event) {
        Some(MessageEvent::MessageSent(it)) if it.number.0 == number => Some(it.message_id),
        Some(_) | None => None,
    });
    sent.expect("it was sent")
}

fn counted(world: &Given) -> usize {
    let ann: AccountId = account(ANN);
    reading(world, async |reader| unseen(&reader, ann, id()).await.expect("a count"))
}

/// Ann's message is gone.
fn without(world: Given, number: u64) -> Given {
    let (conversation_id, message_id) = (id(), message(&world, number));
    world.and(account(ANN), DeleteMessage { conversation_id, message_id })
}

#[test]
fn the_newest_thousand_are_counted() {
    let people = given().person(ANN, "ann").person(BOB, "bob");
    let mut world = people.and(account(ANN), OpenDirect { account_id: account(BOB) });
    for number in 1..=UNSEEN_COUNTED_MAX as u64 {
        world = reacts(world, number);
    }
    assert_eq!(counted(&world), UNSEEN_COUNTED_MAX);
    let world = reacts(world, UNSEEN_COUNTED_MAX as u64 + 1);
    assert_eq!(counted(&world), UNSEEN_COUNTED_MAX, "one more is not counted");
    let world = without(world, 1);
    assert_eq!(counted(&world), UNSEEN_COUNTED_MAX, "the oldest was not");
    let world = without(world, UNSEEN_COUNTED_MAX as u64 + 1);
    assert_eq!(counted(&world), UNSEEN_COUNTED_MAX - 1, "what is gone takes its place");
}

/// Ann sends the message with a number, and Bob reacts to it.
fn reacts(world: Given, number: u64) -> Given {
    let world = world.and(account(ANN), SendMessage::new(id(), "hi"));
    let added = ReactionAdded {
        message_id: message(&world, number),
        conversation_id: id(),
        number: Long(number),
        author_id: account(ANN),
        account_id: account(BOB),
        emoji: Emoji::parse("👍").expect("an emoji"),
    };
    world.happened(StreamId::Conversation(id()), account(BOB), added.into())
}

#[test]
fn what_was_given_to_a_reply_is_unseen_too() {
    let (world, root) = reacted();
    let reply = SendMessage { thread_id: Some(root), ..SendMessage::new(id(), "ho") };
    let world = world.and(account(ANN), reply.clone());
    let message_id = reply.message_id(&world.last_context(account(ANN)));
    let add = AddReaction::new(id(), message_id, "👍".to_owned());
    let world = world.and(account(BOB), add);
    assert_eq!(counted(&world), 2);
    let world = world.and(account(ANN), DeleteMessage { conversation_id: id(), message_id });
    assert_eq!(counted(&world), 1);
}
