//! The law of edit policies.

use super::*;
use crate::Event;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::testing::{Given, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Origin, Timestamp};
use crate::members::{ChangeRole, LeaveConversation, Role};
use crate::messages::{EditMessage, MessageRejection, SendMessage};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;
const MINUTE_MS: i64 = 60_000;

fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

/// A group of Ann's with Bob in it.
fn group() -> (Given, ConversationId) {
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people().and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn set(conversation_id: ConversationId, minutes: Option<u32>) -> SetEditPolicy {
    SetEditPolicy { conversation_id, minutes, history_visible: true }
}

/// Bob sends a message; how he edits it.
fn sent(world: Given, conversation_id: ConversationId) -> (Given, EditMessage) {
    let text = "hello".to_owned();
    let send = SendMessage::new(conversation_id, text);
    let world = world.and(account(BOB), send.clone());
    let message_id = send.message_id(&world.last_context(account(BOB)));
    (world, EditMessage { conversation_id, message_id, text: "hallo".to_owned() })
}

#[test]
fn a_message_is_edited_within_48_hours_unless_somebody_says_otherwise() {
    let (world, id) = group();
    let (world, edit) = sent(world, id);
    world
        .later(i64::from(DEFAULT_MINUTES) * MINUTE_MS)
        .when(account(BOB), edit.clone())
        .then_allowed()
        .later(1)
        .when(account(BOB), edit)
        .then_rejected(MessageRejection::TooLate);
}

#[test]
fn what_counts_is_the_policy_at_the_time_of_the_edit() {
    let (world, id) = group();
    let (world, edit) = sent(world, id);
    world
        .later(2 * MINUTE_MS)
        .and(account(ANN), set(id, Some(2)))
        .when(account(BOB), edit.clone())
        .then_allowed()
        .and(account(ANN), set(id, Some(1)))
        .when(account(BOB), edit.clone())
        .then_rejected(MessageRejection::TooLate)
        .and(account(ANN), set(id, Some(0)))
        .when(account(BOB), edit.clone())
        .then_rejected(MessageRejection::TooLate)
        .and(account(ANN), set(id, None))
        .later(i64::from(MINUTES_MAX) * 10 * MINUTE_MS)
        .when(account(BOB), edit)
        .then_allowed();
}

#[test]
fn never_is_not_even_at_once() {
    let (world, id) = group();
    let (world, edit) = sent(world.and(account(ANN), set(id, Some(0))), id);
    world.when(account(BOB), edit).then_rejected(MessageRejection::TooLate);
    let never = EditPolicy { minutes: Some(0), ..EditPolicy::default() };
    assert!(!never.allows(Timestamp(5), Timestamp(5)));
}

#[test]
fn the_owner_and_admins_of_a_group_set_it() {
    let (world, conversation_id) = group();
    let command = set(conversation_id, Some(5));
    let admin = ChangeRole { conversation_id, account_id: account(BOB), role: Role::Admin };
    let event: Event = EditPolicySet {
        conversation_id,
        minutes: Some(Long(5)),
        history_visible: true,
        minutes_before: Some(Long(2_880)),
        history_visible_before: true,
        origin: Some(Origin { session_id: None, address: None }),
    }
    .into();
    world
        .when(account(BOB), command.clone())
        .then_rejected(EditPolicyRejection::Forbidden)
        .when(account(EVE), command.clone())
        .then_rejected(EditPolicyRejection::NotFound)
        .and(account(ANN), admin)
        .when(account(BOB), command.clone())
        .then([event])
        .when(account(ANN), command.clone())
        .then([])
        .and(account(BOB), LeaveConversation { conversation_id })
        .when(account(BOB), set(conversation_id, None))
        .then_rejected(EditPolicyRejection::NotFound);
}

#[test]
fn either_of_a_direct_conversation_sets_it() {
    let world = people().and(account(ANN), OpenDirect { account_id: account(BOB) });
    let id = direct_id(account(ANN), account(BOB));
    let world = [(ANN, Some(1)), (BOB, None)]
        .into_iter()
        .fold(world, |it, (who, minutes)| it.and(account(who), set(id, minutes)));
    let policy = world.document::<EditPolicy>(id);
    assert_eq!(policy.map(|it| (it.minutes, it.history_visible)), Some((None, true)));
}

#[test]
fn a_time_with_an_end_is_a_year_at_most() {
    let (world, id) = group();
    world
        .when(account(ANN), set(id, Some(MINUTES_MAX)))
        .then_allowed()
        .when(account(ANN), set(id, Some(MINUTES_MAX + 1)))
        .then_rejected(EditPolicyRejection::TooLong);
}
