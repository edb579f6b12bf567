//! The law of read pointers.

use super::others::{Said, are_told, passing};
use super::*;
use crate::Change;
use crate::audience::Audience;
use crate::conversations::{ConversationId, OpenDirect, direct_id};
use crate::kernel::testing::{Given, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Recorded};
use crate::messages::SendMessage;

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn id() -> ConversationId {
    direct_id(account(ANN), account(BOB))
}

/// Ann has sent Bob so many messages.
fn sent(count: usize) -> Given {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let world = people.and(account(ANN), OpenDirect { account_id: account(BOB) });
    (0..count).fold(world, |world, _| world.and(account(ANN), send()))
}

fn send() -> SendMessage {
    SendMessage::new(id(), "hi")
}

fn mark(number: u64) -> MarkRead {
    MarkRead { conversation_id: id(), number: Long(number) }
}

fn moved(number: u64) -> crate::Event {
    let number = Long(number);
    let (account_id, conversation_id) = (account(BOB), id());
    ReadMoved { account_id, conversation_id, number, expiring: None }.into()
}

fn pointer(world: &Given) -> Option<u64> {
    let id = ReadPointer::id(account(BOB), id());
    world.document::<ReadPointer>(id).map(|it| it.number)
}

#[test]
fn reading_moves_the_pointer_forward() {
    let world = sent(3)
        .when(account(BOB), mark(1))
        .then([moved(1)])
        .when(account(BOB), mark(3))
        .then([moved(3)]);
    assert_eq!(pointer(&world), Some(3));
}

#[test]
fn the_pointer_never_moves_back() {
    let world = sent(3)
        .and(account(BOB), mark(2))
        .when(account(BOB), mark(2))
        .then([])
        .when(account(BOB), mark(1))
        .then([])
        .when(account(BOB), mark(0))
        .then([]);
    assert_eq!(pointer(&world), Some(2));
}

#[test]
fn what_was_read_by_sending_is_not_marked_again() {
    sent(1).and(account(BOB), send()).when(account(BOB), mark(2)).then([]);
    sent(1).when(account(ANN), mark(1)).then([]);
}

#[test]
fn nobody_reads_ahead() {
    sent(1).when(account(BOB), mark(2)).then_rejected(ReceiptRejection::Ahead);
    sent(0).when(account(BOB), mark(1)).then_rejected(ReceiptRejection::Ahead);
}

#[test]
fn a_stranger_has_nothing_to_read() {
    sent(1).when(account(EVE), mark(1)).then_rejected(ReceiptRejection::NotFound);
    given().when(account(EVE), mark(0)).then_rejected(ReceiptRejection::NotFound);
}

#[test]
fn one_who_left_reads_no_more() {
    use crate::conversations::CreateGroup;
    use crate::members::LeaveConversation;
    let people = given().person(ANN, "ann").person(BOB, "bob");
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    world
        .and(account(ANN), SendMessage { conversation_id: id, ..send() })
        .and(account(BOB), LeaveConversation { conversation_id: id })
        .when(account(BOB), MarkRead { conversation_id: id, number: Long(1) })
        .then_rejected(ReceiptRejection::NotFound);
}

#[test]
fn a_pointer_is_its_owners_own() {
    let world = sent(1).and(account(BOB), mark(1));
    let pointer = world.document::<ReadPointer>(ReadPointer::id(account(BOB), id())).unwrap();
    assert_eq!(pointer.audience(), Audience::Account(account(BOB)));
    let meaning = world.history().last().map(Recorded::meaning);
    assert_eq!(meaning, Some((Change::ReadState(id()), Effect::Read(id()))));
}

#[test]
fn who_has_read_is_listed_for_seven_days_among_two_hundred() {
    let (most, longest) = (READERS_LISTED_MAX, READERS_LISTED_MS);
    assert_eq!((most, longest), (200, 7 * 24 * 3_600_000));
    assert_eq!(Said::of(most, longest), Said::Who);
    assert_eq!(Said::of(most, longest + 1), Said::HowMany);
    assert_eq!(Said::of(most + 1, longest), Said::HowManyAtLeast);
    assert_eq!(Said::of(most + 1, longest + 1), Said::HowManyAtLeast);
}

#[test]
fn the_others_are_told_among_twenty() {
    assert_eq!([19, 20, 21].map(are_told), [true, true, false]);
}

#[test]
fn what_is_told_in_passing_reads_back_as_this_room_s_own() {
    for (read, delivered) in [(Some(7), None), (None, Some(7))] {
        let told = passing(account(BOB), id(), read, delivered);
        assert!(is_told(&told) && ReceiptObject::read(&told).is_some());
        assert!(crate::presence::TypingObject::read(&told).is_none());
        assert!(crate::presence::PresenceObject::read(&told).is_none());
    }
}
