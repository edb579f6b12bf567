//! The law of removals: what they mean to what other rooms keep of a message.

use super::tests::{ANN, BOB, EVE, delete, destroy, lunch, removed, restore, said};
use crate::kernel::testing::{Given, account};
use crate::messages::{EditMessage, MessageRejection, SendMessage};
use crate::pins::{PinMessage, PinRejection, Pins};
use crate::polls::{Poll, PollRejection, PollRules, SendPoll, VotePoll};
use crate::reactions::{AddReaction, ReactionRejection, Tally};

#[test]
fn nothing_is_done_with_what_is_removed() {
    let (world, conversation_id, message_id) = removed();
    let (text, emoji) = ("x".to_owned(), "👍".to_owned());
    let reply =
        SendMessage { reply_to: Some(message_id), ..SendMessage::new(conversation_id, "x") };
    world
        .when(account(BOB), EditMessage { conversation_id, message_id, text })
        .then_rejected(MessageRejection::Gone)
        .when(account(BOB), reply)
        .then_rejected(MessageRejection::ReplyNotFound)
        .when(account(BOB), AddReaction::new(conversation_id, message_id, emoji))
        .then_rejected(ReactionRejection::Gone)
        .when(account(ANN), PinMessage { conversation_id, message_id, silent: false })
        .then_rejected(PinRejection::Gone);
}

#[test]
fn what_it_was_given_is_kept_unseen_until_it_is_destroyed_and_it_is_not_pinned_again() {
    let (world, conversation_id, message_id) = said();
    let emoji = "👍".to_owned();
    let world = world
        .and(account(BOB), AddReaction::new(conversation_id, message_id, emoji))
        .and(account(ANN), PinMessage { conversation_id, message_id, silent: false })
        .and(account(ANN), delete(conversation_id, message_id));
    let tally = |world: &Given| world.document::<Tally>(message_id).expect("it was given some");
    let pins = |world: &Given| world.document::<Pins>(conversation_id).expect("some were").pins;
    assert_eq!((tally(&world).removed, tally(&world).counts.len()), (true, 1));
    assert_eq!(pins(&world), []);
    let world = world.and(account(ANN), restore(conversation_id, &[message_id]));
    assert_eq!((tally(&world).removed, tally(&world).counts.len()), (false, 1));
    assert_eq!(pins(&world), []);
    let world = world
        .and(account(ANN), delete(conversation_id, message_id))
        .and(account(ANN), destroy(conversation_id, message_id, 0));
    assert_eq!(tally(&world).counts, []);
}

#[test]
fn a_poll_that_is_removed_takes_no_votes_and_is_gone_when_it_is_destroyed() {
    let (world, conversation_id) = lunch();
    let ask = SendPoll {
        conversation_id,
        question: "soup?".to_owned(),
        options: vec!["yes".to_owned(), "no".to_owned()],
        rules: PollRules::default(),
        explanation: None,
        reply_to: None,
        thread_id: None,
        sent_at: None,
    };
    let world = world.and(account(BOB), ask);
    let context = world.last_context(account(BOB));
    let message_id = SendMessage::new(conversation_id, "").message_id(&context);
    let vote = || VotePoll { conversation_id, message_id, options: vec![0] };
    let world = world
        .and(account(EVE), vote())
        .and(account(ANN), delete(conversation_id, message_id))
        .when(account(EVE), vote())
        .then_rejected(PollRejection::Gone)
        .and(account(ANN), restore(conversation_id, &[message_id]));
    assert_eq!(world.document::<Poll>(message_id).map(|it| it.voters), Some(1));
    let world = world
        .and(account(ANN), delete(conversation_id, message_id))
        .and(account(ANN), destroy(conversation_id, message_id, 0));
    assert_eq!(world.document::<Poll>(message_id), None);
}
