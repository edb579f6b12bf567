//! The law of privacy.

use super::*;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::contacts::{AddContact, BlockAccount};
use crate::conversations::{ConversationId, ConversationRejection, CreateGroup, OpenDirect};
use crate::kernel::testing::{Given, account, given};
use crate::kernel::{Document, Origin};
use crate::members::{AddMembers, LeaveConversation, Member};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

fn rule(allow: bool, who: Who) -> Rule {
    Rule { allow, who, account_ids: Vec::new(), conversation_id: None }
}

fn accounts(allow: bool, account_ids: Vec<AccountId>) -> Rule {
    Rule { account_ids, ..rule(allow, Who::Accounts) }
}

fn members(allow: bool, conversation_id: ConversationId) -> Rule {
    Rule { conversation_id: Some(conversation_id), ..rule(allow, Who::Members) }
}

fn set(setting: Setting, rules: Vec<Rule>) -> SetPrivacy {
    SetPrivacy { setting, rules }
}

/// Ann has made a group with Bob.
fn in_a_group() -> (Given, ConversationId) {
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people().and(account(ANN), create);
    let group = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, group)
}

/// What the rules say to everyone who may ask: Ann herself, a contact, a stranger, whom Ann has
/// blocked, somebody whom rules list, and a member of the conversation that rules name.
fn asked(rules: &[Rule], conversation: ConversationId) -> [bool; 6] {
    let world = people();
    let world = world.happened(
        crate::kernel::StreamId::Account(account(ANN)),
        account(ANN),
        PrivacySet {
            account_id: account(ANN),
            setting: Setting::Bio,
            rules: rules.to_vec(),
            origin: None,
        }
        .into(),
    );
    let privacy = world.document::<Privacy>(account(ANN)).expect("privacy");
    let stranger = Asking { other: Some(account(9)), ..Asking::default() };
    let asking = [
        Asking::default(),
        Asking { contact: true, ..stranger.clone() },
        stranger.clone(),
        Asking { blocked: true, ..stranger.clone() },
        Asking { other: Some(account(BOB)), ..stranger.clone() },
        Asking { member_of: [conversation].into(), shared: [conversation].into(), ..stranger },
    ];
    asking.map(|it| privacy.admits(Setting::Bio, &it))
}

#[test]
fn the_first_rule_that_names_whoever_asks_decides() {
    const YES: bool = true;
    const NO: bool = false;
    let there = ConversationId(account(7).0);
    let (everyone, nobody) = (rule(true, Who::Everyone), rule(false, Who::Everyone));
    let contacts = |allow| rule(allow, Who::Contacts);
    let bob = |allow| accounts(allow, vec![account(BOB)]);
    let group = |allow| members(allow, there);
    // Oneself, a contact, a stranger, somebody blocked, Bob, a member.
    let table = [
        (vec![], [YES, NO, NO, NO, NO, NO]),
        (vec![everyone.clone()], [YES, YES, YES, NO, YES, YES]),
        (vec![nobody.clone()], [YES, NO, NO, NO, NO, NO]),
        (vec![contacts(true)], [YES, YES, NO, NO, NO, NO]),
        (vec![bob(true)], [YES, NO, NO, NO, YES, NO]),
        (vec![group(true)], [YES, NO, NO, NO, NO, YES]),
        (vec![contacts(false), everyone.clone()], [YES, NO, YES, NO, YES, YES]),
        (vec![bob(false), everyone.clone()], [YES, YES, YES, NO, NO, YES]),
        (vec![group(false), everyone.clone()], [YES, YES, YES, NO, YES, NO]),
        (vec![everyone.clone(), bob(false)], [YES, YES, YES, NO, YES, YES]),
        (vec![bob(true), contacts(true), nobody.clone()], [YES, YES, NO, NO, YES, NO]),
        (vec![nobody, everyone], [YES, NO, NO, NO, NO, NO]),
    ];
    for (rules, expected) in table {
        assert_eq!(asked(&rules, there), expected, "{rules:?}");
    }
}

#[test]
fn what_nobody_has_set_is_as_it_begins() {
    let privacy = Privacy::default();
    let stranger = Asking { other: Some(account(BOB)), ..Asking::default() };
    let contact = Asking { contact: true, ..stranger.clone() };
    for it in Setting::ALL {
        let open = match it {
            Setting::LastSeen
            | Setting::Bio
            | Setting::DirectMessages
            | Setting::GroupInvites
            | Setting::ReadReceipts
            | Setting::Forwards
            | Setting::Photo => true,
            Setting::Email | Setting::Phone | Setting::FindByEmail | Setting::FindByPhone => false,
        };
        assert_eq!(privacy.admits(it, &stranger), open, "{it:?}");
        assert!(privacy.admits(it, &contact), "{it:?}");
    }
    assert_eq!(privacy.audience(), Audience::Nobody);
}

#[test]
fn a_setting_is_set_once_and_each_by_itself() {
    let (ann, origin) = (account(ANN), Some(Origin::default()));
    let rules = vec![rule(true, Who::Contacts)];
    let event = PrivacySet { account_id: ann, setting: Setting::Bio, rules: rules.clone(), origin };
    let world = people().when(ann, set(Setting::Bio, rules.clone())).then([event.into()]);
    let world = world.when(ann, set(Setting::Bio, rules.clone())).then([]);
    let privacy = world.document::<Privacy>(ann).expect("privacy");
    assert_eq!(privacy.rules(Setting::Bio), rules);
    assert_eq!(privacy.rules(Setting::LastSeen), [rule(true, Who::Everyone)]);
}

#[test]
fn rules_are_few_and_whole() {
    let ann = account(ANN);
    let many = |count| vec![rule(true, Who::Contacts); count];
    let naming = |count| vec![accounts(true, vec![account(BOB); count])];
    let bio = |rules| set(Setting::Bio, rules);
    let world = people().and(ann, bio(many(RULES_MAX))).and(ann, bio(naming(ACCOUNTS_MAX)));
    let world = world
        .when(ann, bio(many(RULES_MAX + 1)))
        .then_rejected(PrivacyRejection::TooManyRules)
        .when(ann, bio(naming(ACCOUNTS_MAX + 1)))
        .then_rejected(PrivacyRejection::TooManyAccounts);
    let broken = [
        accounts(true, Vec::new()),
        rule(true, Who::Members),
        Rule { account_ids: vec![account(BOB)], ..rule(true, Who::Everyone) },
        Rule { conversation_id: Some(ConversationId(ann.0)), ..rule(true, Who::Contacts) },
    ];
    broken.into_iter().fold(world, |world, it| {
        world.when(ann, bio(vec![it])).then_rejected(PrivacyRejection::RuleInvalid)
    });
}

#[test]
fn only_members_name_a_conversation() {
    let (world, group) = in_a_group();
    let of_group = || set(Setting::Bio, vec![members(true, group)]);
    world
        .when(account(EVE), of_group())
        .then_rejected(PrivacyRejection::NotFound)
        .and(account(BOB), of_group())
        .and(account(BOB), LeaveConversation { conversation_id: group })
        .when(account(BOB), set(Setting::Bio, vec![members(false, group)]))
        .then_rejected(PrivacyRejection::NotFound);
}

#[test]
fn whoever_is_denied_opens_no_direct_conversation() {
    let (world, group) = in_a_group();
    let rules = vec![members(false, group), rule(true, Who::Everyone)];
    let world = world.and(account(ANN), set(Setting::DirectMessages, rules));
    let open = || OpenDirect { account_id: account(ANN) };
    let world = world.when(account(BOB), open()).then_rejected(ConversationRejection::Refused);
    let world = world.and(account(EVE), open());
    // Who is in no such group any more is denied no more.
    let world = world.and(account(BOB), LeaveConversation { conversation_id: group });
    world.and(account(BOB), open());
}

#[test]
fn who_has_left_a_conversation_allows_its_members_nothing_any_more() {
    let (ann, bob) = (account(ANN), account(BOB));
    let (world, group) = in_a_group();
    let rules = vec![members(true, group)];
    let world = world.and(bob, set(Setting::GroupInvites, rules));
    let invite = || CreateGroup { title: "Dinner".to_owned(), member_ids: vec![bob], open: false };
    let world = world.and(ann, invite()).and(bob, LeaveConversation { conversation_id: group });
    world.when(ann, invite()).then_rejected(ConversationRejection::Refused);
}

#[test]
fn whoever_is_denied_adds_nobody_to_groups() {
    let (ann, bob, eve) = (account(ANN), account(BOB), account(EVE));
    let (world, group) = in_a_group();
    let closed = set(Setting::GroupInvites, vec![rule(true, Who::Contacts)]);
    let world = world.and(eve, closed);
    let add = || AddMembers { conversation_id: group, account_ids: vec![eve] };
    let world = world.when(ann, add()).then([]);
    let member_ids = vec![bob, eve];
    let create = CreateGroup { title: "Dinner".to_owned(), member_ids, open: false };
    let world = world.when(ann, create.clone()).then_rejected(ConversationRejection::Refused);
    let world = world.and(eve, AddContact { account_id: ann }).and(ann, create).and(ann, add());
    let member = world.document::<Member>(Member::id(group, eve));
    assert!(member.is_some_and(|it| it.active));
}

#[test]
fn whoever_is_blocked_is_denied_whatever_the_rules_say() {
    let (ann, bob) = (account(ANN), account(BOB));
    let rules = vec![accounts(true, vec![bob]), rule(true, Who::Everyone)];
    let world = people().and(ann, set(Setting::GroupInvites, rules));
    let world = world.and(ann, BlockAccount { account_id: bob });
    let create = CreateGroup { title: "Trap".to_owned(), member_ids: vec![ann], open: false };
    world.when(bob, create).then_rejected(ConversationRejection::Refused);
}
