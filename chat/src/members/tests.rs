//! The law of memberships.

use super::*;
use crate::accounts::{AbandonClaim, AccountId};
use crate::audience::Audience;
use crate::conversations::{Conversation, ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::testing::{Given, account, given, name};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Origin, Recorded};
use crate::messages::SendMessage;
use crate::{Change, Event};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;
const DAN: u8 = 4;

/// A group that Ann owns and that Bob belongs to.
fn group(open: bool) -> (Given, ConversationId) {
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids: vec![account(BOB)], open };
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let world = people.person(DAN, "dan").and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn add(id: ConversationId, accounts: &[u8]) -> AddMembers {
    let account_ids = accounts.iter().map(|it| account(*it)).collect();
    AddMembers { conversation_id: id, account_ids }
}

fn remove(id: ConversationId, n: u8) -> RemoveMember {
    RemoveMember { conversation_id: id, account_id: account(n) }
}

fn leave(id: ConversationId) -> LeaveConversation {
    LeaveConversation { conversation_id: id }
}

fn join(id: ConversationId) -> JoinGroup {
    JoinGroup { conversation_id: id }
}

fn make(id: ConversationId, n: u8, role: Role) -> ChangeRole {
    ChangeRole { conversation_id: id, account_id: account(n), role }
}

fn send(id: ConversationId) -> SendMessage {
    SendMessage::new(id, "hi")
}

fn added(id: ConversationId, accounts: &[u8], last_number: u64) -> Event {
    let mut account_ids: Vec<AccountId> = accounts.iter().map(|it| account(*it)).collect();
    account_ids.sort();
    let last_number = Long(last_number);
    MembersAdded { conversation_id: id, account_ids, role: Role::Member, last_number }.into()
}

fn member(world: &Given, id: ConversationId, n: u8) -> Option<Member> {
    world.document::<Member>(Member::id(id, account(n)))
}

fn full(world: Given, id: ConversationId) -> Given {
    let head = world.document::<Conversation>(id).unwrap();
    world.with(id.to_string(), Conversation { member_count: MEMBERS_MAX, ..head })
}

#[test]
fn owners_and_admins_add_members() {
    let (world, id) = group(false);
    world
        .when(account(ANN), add(id, &[EVE]))
        .then([added(id, &[EVE], 0)])
        .and(account(ANN), make(id, BOB, Role::Admin))
        .when(account(BOB), add(id, &[DAN]))
        .then([added(id, &[DAN], 0)]);
}

#[test]
fn a_plain_member_adds_nobody() {
    let (world, id) = group(false);
    world.when(account(BOB), add(id, &[EVE])).then_rejected(MemberRejection::Forbidden);
}

#[test]
fn members_and_those_who_do_not_exist_are_left_out() {
    let (world, id) = group(false);
    world
        .and(account(8), AbandonClaim { account_id: account(8), name_id: name("nobody") })
        .when(account(ANN), add(id, &[EVE, BOB, 8, 9, EVE]))
        .then([added(id, &[EVE], 0)])
        .when(account(ANN), add(id, &[EVE, BOB]))
        .then([]);
}

#[test]
fn one_to_500_are_added_at_once() {
    let (world, id) = group(false);
    let crowd = AddMembers { conversation_id: id, account_ids: vec![account(EVE); ADDED_MAX + 1] };
    let rejected = MemberRejection::TooManyAtOnce;
    let world = world.when(account(ANN), add(id, &[])).then_rejected(rejected);
    let world = world.when(account(ANN), crowd).then_rejected(rejected);
    let crowd = AddMembers { conversation_id: id, account_ids: vec![account(EVE); ADDED_MAX] };
    world.when(account(ANN), crowd).then([added(id, &[EVE], 0)]);
}

#[test]
fn a_group_has_at_most_200_000_members() {
    let (world, id) = group(true);
    let world = full(world, id);
    let world = world.when(account(ANN), add(id, &[EVE])).then_rejected(MemberRejection::Full);
    world.when(account(EVE), join(id)).then_rejected(MemberRejection::Full);
}

#[test]
fn a_new_member_has_read_what_came_before() {
    let (world, id) = group(false);
    let world = world
        .and(account(BOB), send(id))
        .and(account(BOB), send(id))
        .when(account(ANN), add(id, &[EVE]))
        .then([added(id, &[EVE], 2)]);
    assert_eq!(member(&world, id, EVE).map(|it| it.read_number), Some(2));
}

#[test]
fn sending_moves_what_one_has_read() {
    let (world, id) = group(false);
    let world = world.and(account(BOB), send(id)).and(account(ANN), send(id));
    assert_eq!(member(&world, id, BOB).map(|it| it.read_number), Some(1));
    assert_eq!(member(&world, id, ANN).map(|it| it.read_number), Some(2));
}

#[test]
fn one_with_a_lower_role_is_removed() {
    let (world, id) = group(false);
    let removed = MemberRemoved {
        conversation_id: id,
        account_id: account(BOB),
        joined_seq: Long(2),
        role: Some(Role::Member),
        origin: Some(Origin::default()),
    };
    let world = world.when(account(ANN), remove(id, BOB)).then([removed.into()]);
    let bob = member(&world, id, BOB).unwrap();
    assert_eq!((bob.active, bob.role), (false, Role::Member));
    assert_eq!(Document::index_keys(&bob), [None, None, None]);
}

#[test]
fn nobody_removes_an_equal_or_higher_role() {
    let (world, id) = group(false);
    let world = world
        .and(account(ANN), add(id, &[EVE, DAN]))
        .and(account(ANN), make(id, BOB, Role::Admin))
        .and(account(ANN), make(id, EVE, Role::Admin));
    let forbidden = MemberRejection::Forbidden;
    world
        .when(account(BOB), remove(id, ANN))
        .then_rejected(forbidden)
        .when(account(BOB), remove(id, EVE))
        .then_rejected(forbidden)
        .when(account(DAN), remove(id, BOB))
        .then_rejected(forbidden)
        .when(account(ANN), remove(id, ANN))
        .then_rejected(forbidden)
        .when(account(BOB), remove(id, DAN))
        .then_allowed();
}

#[test]
fn nobody_is_removed_who_is_no_member() {
    let (world, id) = group(false);
    world
        .when(account(ANN), remove(id, EVE))
        .then_rejected(MemberRejection::NotFound)
        .and(account(ANN), remove(id, BOB))
        .when(account(ANN), remove(id, BOB))
        .then_rejected(MemberRejection::NotFound);
}

#[test]
fn anyone_leaves() {
    let (world, id) = group(false);
    let left = MemberLeft { conversation_id: id, account_id: account(BOB), joined_seq: Long(2) };
    let world = world.when(account(BOB), leave(id)).then([left.into()]);
    assert_eq!(member(&world, id, BOB).map(|it| it.active), Some(false));
    assert_eq!(world.document::<Conversation>(id).unwrap().member_count, 1);
    world.when(account(BOB), leave(id)).then_rejected(MemberRejection::NotFound);
}

#[test]
fn the_owner_leaves_last() {
    let (world, id) = group(false);
    let left = MemberLeft { conversation_id: id, account_id: account(ANN), joined_seq: Long(1) };
    world
        .when(account(ANN), leave(id))
        .then_rejected(MemberRejection::OwnerStays)
        .and(account(BOB), leave(id))
        .when(account(ANN), leave(id))
        .then([left.into()]);
}

#[test]
fn anyone_joins_an_open_group_once() {
    let (world, id) = group(true);
    world
        .when(account(EVE), join(id))
        .then([added(id, &[EVE], 0)])
        .when(account(EVE), join(id))
        .then([]);
}

#[test]
fn nobody_joins_a_group_that_is_not_open() {
    let (world, id) = group(false);
    world
        .when(account(EVE), join(id))
        .then_rejected(MemberRejection::NotFound)
        .when(account(BOB), join(id))
        .then([]);
}

#[test]
fn nobody_joins_what_is_no_group() {
    let (world, _) = group(false);
    let direct = direct_id(account(ANN), account(BOB));
    world
        .when(account(EVE), join(direct))
        .then_rejected(MemberRejection::NotFound)
        .and(account(ANN), OpenDirect { account_id: account(BOB) })
        .when(account(EVE), join(direct))
        .then_rejected(MemberRejection::NotFound);
}

#[test]
fn only_the_owner_changes_roles() {
    let (world, id) = group(false);
    let changed = |role| -> Event {
        let before = Some(if role == Role::Admin { Role::Member } else { Role::Admin });
        let (conversation_id, account_id) = (id, account(BOB));
        let origin = Some(Origin::default());
        RoleChanged { conversation_id, account_id, role, before, origin }.into()
    };
    let world = world
        .and(account(ANN), add(id, &[EVE]))
        .when(account(ANN), make(id, BOB, Role::Admin))
        .then([changed(Role::Admin)])
        .when(account(ANN), make(id, BOB, Role::Admin))
        .then([])
        .when(account(BOB), make(id, EVE, Role::Admin))
        .then_rejected(MemberRejection::Forbidden)
        .when(account(EVE), make(id, EVE, Role::Admin))
        .then_rejected(MemberRejection::Forbidden);
    assert_eq!(member(&world, id, BOB).map(|it| it.role), Some(Role::Admin));
    world.when(account(ANN), make(id, BOB, Role::Member)).then([changed(Role::Member)]);
}

#[test]
fn nobody_becomes_or_ceases_to_be_the_owner() {
    let (world, id) = group(false);
    world
        .when(account(ANN), make(id, BOB, Role::Owner))
        .then_rejected(MemberRejection::Forbidden)
        .when(account(ANN), make(id, ANN, Role::Member))
        .then_rejected(MemberRejection::Forbidden)
        .when(account(ANN), make(id, EVE, Role::Admin))
        .then_rejected(MemberRejection::NotFound);
}

#[test]
fn a_stranger_learns_nothing_of_a_group() {
    let (world, id) = group(false);
    let not_found = MemberRejection::NotFound;
    world
        .when(account(EVE), add(id, &[DAN]))
        .then_rejected(not_found)
        .when(account(EVE), remove(id, BOB))
        .then_rejected(not_found)
        .when(account(EVE), leave(id))
        .then_rejected(not_found)
        .when(account(EVE), make(id, BOB, Role::Admin))
        .then_rejected(not_found);
}

#[test]
fn a_direct_conversation_has_its_two_members_for_ever() {
    let (world, _) = group(false);
    let id = direct_id(account(ANN), account(BOB));
    let rejected = MemberRejection::NotAGroup;
    world
        .and(account(ANN), OpenDirect { account_id: account(BOB) })
        .when(account(ANN), add(id, &[EVE]))
        .then_rejected(rejected)
        .when(account(ANN), remove(id, BOB))
        .then_rejected(rejected)
        .when(account(ANN), leave(id))
        .then_rejected(rejected)
        .when(account(ANN), make(id, BOB, Role::Admin))
        .then_rejected(rejected);
}

#[test]
fn one_who_returns_is_a_plain_member_again() {
    let (world, id) = group(true);
    let world = world
        .and(account(ANN), make(id, BOB, Role::Admin))
        .and(account(BOB), leave(id))
        .and(account(ANN), send(id))
        .and(account(BOB), join(id));
    let bob = member(&world, id, BOB).unwrap();
    assert_eq!((bob.role, bob.active, bob.joined_seq, bob.read_number), (Role::Member, true, 6, 1));
}

#[test]
fn every_stretch_of_membership_is_remembered_with_its_ends() {
    let (world, id) = group(true);
    let world = world.and(account(BOB), leave(id)).and(account(BOB), join(id));
    let stint = |seq: u64| {
        let key = format!("{id}/{}/{seq:016x}", account(BOB));
        world.document::<Stint>(key).map(|it| (it.joined_seq, it.left.map(|(seq, _)| seq)))
    };
    assert_eq!(stint(2), Some((2, Some(3))));
    assert_eq!(stint(4), Some((4, None)));
    assert_eq!(stint(3), None);
}

#[test]
fn members_are_listed_by_role_and_then_by_time() {
    let (world, id) = group(false);
    let world =
        world.and(account(ANN), add(id, &[EVE])).and(account(ANN), make(id, EVE, Role::Admin));
    let mut listed: Vec<_> = [ANN, BOB, EVE]
        .iter()
        .map(|n| (Document::index_keys(&member(&world, id, *n).unwrap())[1].clone(), *n))
        .collect();
    listed.sort();
    let order: Vec<u8> = listed.into_iter().map(|(_, n)| n).collect();
    assert_eq!(order, [ANN, EVE, BOB]);
}

#[test]
fn a_membership_is_seen_by_the_members() {
    let (world, id) = group(false);
    assert_eq!(member(&world, id, BOB).unwrap().audience(), Audience::Members(id));
}

#[test]
fn the_feed_is_told_who_comes_and_goes() {
    let (world, id) = group(false);
    let world = world
        .and(account(ANN), add(id, &[EVE, DAN]))
        .and(account(ANN), make(id, EVE, Role::Admin))
        .and(account(ANN), remove(id, DAN))
        .and(account(BOB), leave(id));
    let meanings: Vec<_> =
        world.history().iter().rev().take(4).rev().map(Recorded::meaning).collect();
    let mut both = vec![account(EVE), account(DAN)];
    both.sort();
    let expected = [
        (Change::Conversation(id), Effect::Joined(both)),
        (Change::Member((id, account(EVE))), Effect::None),
        (Change::Member((id, account(DAN))), Effect::Left(account(DAN))),
        (Change::Member((id, account(BOB))), Effect::Left(account(BOB))),
    ];
    assert_eq!(meanings, expected);
}
