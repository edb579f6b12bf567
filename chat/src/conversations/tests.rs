//! The law of conversations.

use super::*;
use crate::accounts::{AbandonClaim, AccountId};
use crate::audience::Audience;
use crate::kernel::testing::{Given, NOW, account, given, name, open};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Personal, Recorded};
use crate::members::{ChangeRole, JoinGroup, Member, MembersAdded, Role};
use crate::messages::{DeleteMessage, SendMessage};
use crate::{Change, Event};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

fn create(title: &str, members: &[u8]) -> CreateGroup {
    let member_ids = members.iter().map(|it| account(*it)).collect();
    CreateGroup { title: title.to_owned(), member_ids, open: false }
}

fn direct(n: u8) -> OpenDirect {
    OpenDirect { account_id: account(n) }
}

fn rename(id: ConversationId, title: &str) -> RenameGroup {
    RenameGroup { conversation_id: id, title: title.to_owned() }
}

/// A world with a group of Ann's and Bob's.
fn lunch() -> (Given, ConversationId) {
    let world = people().and(account(ANN), create("Lunch", &[BOB]));
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn head(world: &Given, id: ConversationId) -> Conversation {
    world.document(id).unwrap()
}

fn sorted(accounts: &[u8]) -> Vec<AccountId> {
    let mut ids: Vec<_> = accounts.iter().map(|it| account(*it)).collect();
    ids.sort();
    ids
}

#[test]
fn a_group_is_created_with_its_first_members() {
    let then = people().when(account(ANN), create(" Lunch ", &[BOB, EVE, BOB, ANN]));
    let id = CreateGroup::conversation_id(&then.world.last_context(account(ANN)));
    let created = GroupCreated {
        conversation_id: id,
        owner_id: account(ANN),
        title: Personal::new("Lunch".to_owned()),
        open: false,
    };
    let added = MembersAdded {
        conversation_id: id,
        account_ids: sorted(&[BOB, EVE]),
        role: Role::Member,
        last_number: Long(0),
    };
    let world = then.then([created.into(), added.into()]);
    let group = head(&world, id);
    assert_eq!(open(group.title.as_ref().unwrap()).as_deref(), Some("Lunch"));
    assert_eq!((group.kind, group.member_count, group.seq), (Kind::Group, 3, 2));
    assert_eq!((group.last_number, group.created_at, group.active_at), (0, NOW, NOW));
}

#[test]
fn a_group_of_one_has_one_event() {
    let then = people().when(account(ANN), create("Me", &[ANN]));
    assert_eq!(then.outcome.as_ref().map(Vec::len), Ok(1));
    let id = CreateGroup::conversation_id(&then.world.last_context(account(ANN)));
    let owner = then.world.document::<Member>(Member::id(id, account(ANN))).unwrap();
    assert_eq!((owner.role, owner.active), (Role::Owner, true));
}

#[test]
fn two_groups_of_the_same_title_are_two() {
    let (world, first) = lunch();
    let world = world.and(account(ANN), create("Lunch", &[BOB]));
    let second = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    assert_ne!(first, second);
}

#[test]
fn a_title_is_1_to_128_characters_without_control() {
    let (whole, long) = ("é".repeat(128), "é".repeat(129));
    people().when(account(ANN), create(&whole, &[])).then_allowed();
    for bad in ["", "  ", "a\nb", "a\u{0}", long.as_str()] {
        people()
            .when(account(ANN), create(bad, &[]))
            .then_rejected(ConversationRejection::TitleInvalid);
        let (world, id) = lunch();
        world
            .when(account(ANN), rename(id, bad))
            .then_rejected(ConversationRejection::TitleInvalid);
    }
}

#[test]
fn a_group_is_created_with_at_most_500_members() {
    let create = CreateGroup {
        title: "Crowd".to_owned(),
        member_ids: vec![account(BOB); FOUNDERS_MAX + 1],
        open: false,
    };
    let rejected = ConversationRejection::TooManyFounders;
    people().when(account(ANN), create).then_rejected(rejected);
    let create = CreateGroup {
        title: "Crowd".to_owned(),
        member_ids: vec![account(BOB); FOUNDERS_MAX],
        open: false,
    };
    people().when(account(ANN), create).then_allowed();
}

#[test]
fn nobody_is_a_founder_who_does_not_exist() {
    let rejected = ConversationRejection::AccountNotFound;
    people().when(account(ANN), create("Lunch", &[BOB, 9])).then_rejected(rejected);
    people()
        .and(account(9), AbandonClaim { account_id: account(9), name_id: name("nobody") })
        .when(account(ANN), create("Lunch", &[9]))
        .then_rejected(rejected);
}

#[test]
fn both_sides_meet_in_one_direct_conversation() {
    let id = direct_id(account(ANN), account(BOB));
    assert_eq!(id, direct_id(account(BOB), account(ANN)));
    let opened = DirectOpened { conversation_id: id, account_ids: sorted(&[ANN, BOB]) };
    let world = people()
        .when(account(ANN), direct(BOB))
        .then([opened.into()])
        .when(account(BOB), direct(ANN))
        .then([]);
    let it = head(&world, id);
    assert_eq!((it.kind, it.member_count, it.pair), (Kind::Direct, 2, sorted(&[ANN, BOB])));
}

#[test]
fn a_conversation_with_oneself_holds_saved_messages() {
    let id = direct_id(account(ANN), account(ANN));
    let opened = DirectOpened { conversation_id: id, account_ids: vec![account(ANN)] };
    let world = people().when(account(ANN), direct(ANN)).then([opened.into()]);
    let it = head(&world, id);
    assert_eq!((it.kind, it.member_count), (Kind::Saved, 1));
}

#[test]
fn no_direct_conversation_is_opened_with_nobody() {
    people().when(account(ANN), direct(9)).then_rejected(ConversationRejection::AccountNotFound);
}

#[test]
fn owners_and_admins_rename_a_group() {
    let (world, id) = lunch();
    let renamed = |title: &str| -> Event {
        GroupRenamed { conversation_id: id, title: Personal::new(title.to_owned()) }.into()
    };
    let admin = ChangeRole { conversation_id: id, account_id: account(BOB), role: Role::Admin };
    let world = world
        .when(account(ANN), rename(id, " Dinner "))
        .then([renamed("Dinner")])
        .and(account(ANN), admin)
        .when(account(BOB), rename(id, "Brunch"))
        .then([renamed("Brunch")]);
    assert_eq!(open(head(&world, id).title.as_ref().unwrap()).as_deref(), Some("Brunch"));
}

#[test]
fn a_plain_member_does_not_rename_a_group() {
    let (world, id) = lunch();
    world.when(account(BOB), rename(id, "Mine")).then_rejected(ConversationRejection::Forbidden);
}

#[test]
fn a_stranger_does_not_learn_that_a_group_exists() {
    let (world, id) = lunch();
    let nowhere = ConversationId(account(99).0);
    let world =
        world.when(account(EVE), rename(id, "Mine")).then_rejected(ConversationRejection::NotFound);
    world
        .when(account(EVE), rename(nowhere, "Mine"))
        .then_rejected(ConversationRejection::NotFound);
}

#[test]
fn a_direct_conversation_has_no_title() {
    let id = direct_id(account(ANN), account(BOB));
    people()
        .and(account(ANN), direct(BOB))
        .when(account(ANN), rename(id, "Us"))
        .then_rejected(ConversationRejection::NotAGroup);
}

#[test]
fn the_head_follows_messages_and_members() {
    let (world, id) = lunch();
    let send = |text: &str| SendMessage::new(id, text);
    let world = world.later(10).and(account(BOB), send("one"));
    let first = send("one").message_id(&world.last_context(account(BOB)));
    let world = world.later(10).and(account(ANN), send("two"));
    let second = send("two").message_id(&world.last_context(account(ANN)));
    let world =
        world.later(10).and(account(ANN), DeleteMessage { conversation_id: id, message_id: first });
    let group = head(&world, id);
    assert_eq!((group.last_number, group.last_message), (2, Some(second)));
    assert_eq!((group.active_at.0, group.absent_count), (NOW.0 + 20, 1));
    assert_eq!((group.seq, group.member_count), (5, 2));
}

#[test]
fn an_open_group_says_so() {
    let world = people().and(account(ANN), CreateGroup { open: true, ..create("Open", &[]) });
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    assert!(head(&world, id).open);
    let world = world.and(account(EVE), JoinGroup { conversation_id: id });
    assert_eq!(head(&world, id).member_count, 2);
}

#[test]
fn a_conversation_is_seen_by_its_members() {
    let (world, id) = lunch();
    assert_eq!(head(&world, id).audience(), Audience::Members(id));
}

#[test]
fn those_who_join_are_told_to_the_feed() {
    let (world, id) = lunch();
    let world = world.and(account(ANN), rename(id, "Dinner")).and(account(ANN), direct(EVE));
    let meanings: Vec<_> =
        world.history().iter().rev().take(4).rev().map(Recorded::meaning).collect();
    let direct = direct_id(account(ANN), account(EVE));
    let expected = [
        (Change::Conversation(id), Effect::Joined(vec![account(ANN)])),
        (Change::Member((id, account(BOB))), Effect::Joined(vec![account(BOB)])),
        (Change::Conversation(id), Effect::None),
        (Change::Conversation(direct), Effect::Joined(sorted(&[ANN, EVE]))),
    ];
    assert_eq!(meanings, expected);
}
