//! The law of drafts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use ports::keys::TreeId;

use super::*;
use crate::Change;
use crate::audience::Audience;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Personal, Recorded, Timestamp};
use crate::members::LeaveConversation;
use crate::messages::{DeleteMessage, MessageId, SendMessage, TEXT_BYTES_MAX};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn id() -> ConversationId {
    direct_id(account(ANN), account(BOB))
}

/// Ann and Bob talk, and Ann has sent a message.
fn talk() -> (Given, MessageId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let world = people.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let text = "hi".to_owned();
    let send = SendMessage::new(id(), text);
    let world = world.and(account(ANN), send.clone());
    let message = send.message_id(&world.last_context(account(ANN)));
    (world, message)
}

fn save(text: &str) -> SaveDraft {
    SaveDraft { conversation_id: id(), text: text.to_owned(), reply_to: None }
}

fn clear() -> ClearDraft {
    ClearDraft { conversation_id: id(), saved_until: None }
}

fn saved(text: &str, replaced: Option<u64>) -> crate::Event {
    DraftSaved {
        account_id: account(BOB),
        conversation_id: id(),
        text: Personal::new(text.to_owned()),
        reply_to: None,
        replaced: replaced.map(Long),
    }
    .into()
}

fn cleared(leaf: u64) -> crate::Event {
    let (account_id, conversation_id) = (account(BOB), id());
    DraftCleared { account_id, conversation_id, leaf: Long(leaf) }.into()
}

fn draft(world: &Given, who: u8) -> Option<Draft> {
    world.document::<Draft>(Draft::id(account(who), id()))
}

fn text(world: &Given, who: u8) -> Option<String> {
    draft(world, who).and_then(|it| open(&it.text))
}

/// The `seq` of the last event, which is the leaf of its key in tests.
fn last(world: &Given) -> u64 {
    world.history().last().expect("something happened").seq
}

#[test]
fn the_last_to_save_wins() {
    let (world, _) = talk();
    let world = world.when(account(BOB), save("he")).then([saved("he", None)]);
    let leaf = last(&world);
    let world = world.when(account(BOB), save("hello")).then([saved("hello", Some(leaf))]);
    assert_eq!(text(&world, BOB).as_deref(), Some("hello"));
    assert_eq!(draft(&world, BOB).map(|it| it.saved_at), Some(NOW));
}

#[test]
fn saving_nothing_clears_and_clearing_what_is_not_there_is_nothing() {
    let (world, _) = talk();
    let world = world
        .when(account(BOB), save(" \n"))
        .then([])
        .when(account(BOB), clear())
        .then([])
        .and(account(BOB), save("one"));
    let leaf = last(&world);
    let world = world.when(account(BOB), save("")).then([cleared(leaf)]);
    let world = world.and(account(BOB), save("two"));
    let leaf = last(&world);
    let world = world
        .when(account(BOB), clear())
        .then([cleared(leaf)])
        .when(account(BOB), clear())
        .then([]);
    assert_eq!(draft(&world, BOB), None);
}

#[test]
fn each_has_their_own() {
    let (world, _) = talk();
    let world = world.and(account(ANN), save("of Ann")).and(account(BOB), save("of Bob"));
    let world = world.and(account(ANN), clear());
    assert_eq!((text(&world, ANN), text(&world, BOB)), (None, Some("of Bob".to_owned())));
    assert_eq!(draft(&world, BOB).map(|it| it.audience()), Some(Audience::Account(account(BOB))));
}

#[test]
fn a_draft_answers_a_message_of_its_conversation_that_is_there() {
    let (world, message) = talk();
    let answer = |text: &str| SaveDraft { reply_to: Some(message), ..save(text) };
    let nothing = SaveDraft { reply_to: Some(MessageId(account(9).0)), ..save("x") };
    let delete = DeleteMessage { conversation_id: id(), message_id: message };
    let world = world
        .and(account(BOB), answer(""))
        .when(account(BOB), nothing)
        .then_rejected(DraftRejection::ReplyNotFound);
    assert_eq!(draft(&world, BOB).and_then(|it| it.reply_to), Some(message));
    world
        .and(account(ANN), delete)
        .when(account(BOB), answer("x"))
        .then_rejected(DraftRejection::ReplyNotFound);
}

#[test]
fn a_draft_has_16384_bytes_and_no_control_characters() {
    let (world, _) = talk();
    let most = "é".repeat(TEXT_BYTES_MAX / 2);
    world
        .when(account(BOB), save(&most))
        .then_allowed()
        .when(account(BOB), save(&format!("{most}a")))
        .then_rejected(DraftRejection::TooLong)
        .when(account(BOB), save("a\u{0}"))
        .then_rejected(DraftRejection::TextInvalid)
        .when(account(BOB), save("a\n\tb"))
        .then_allowed();
}

#[test]
fn members_write_drafts_and_who_left_can_still_clear_theirs() {
    let (world, _) = talk();
    let world = world
        .when(account(EVE), save("x"))
        .then_rejected(DraftRejection::NotFound)
        .when(account(EVE), clear())
        .then_rejected(DraftRejection::NotFound);
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = world.and(account(ANN), create);
    let conversation_id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    let there = SaveDraft { conversation_id, ..save("x") };
    world
        .and(account(BOB), there.clone())
        .and(account(BOB), LeaveConversation { conversation_id })
        .when(account(BOB), there)
        .then_rejected(DraftRejection::NotFound)
        .when(account(BOB), ClearDraft { conversation_id, saved_until: None })
        .then_allowed()
        .when(account(BOB), ClearDraft { conversation_id, saved_until: None })
        .then_rejected(DraftRejection::NotFound);
}

#[test]
fn what_was_begun_later_is_left() {
    let (world, _) = talk();
    let until = |ms| ClearDraft { saved_until: Some(Timestamp(ms)), ..clear() };
    let world = world.and(account(BOB), save("later"));
    let world = world.when(account(BOB), until(NOW.0 - 1)).then([]);
    assert_eq!(text(&world, BOB).as_deref(), Some("later"));
    let world = world.and(account(BOB), until(NOW.0));
    assert_eq!(text(&world, BOB), None);
}

#[test]
fn what_is_replaced_or_cleared_loses_its_key() {
    let (world, _) = talk();
    let world = world.and(account(BOB), save("one"));
    let first = last(&world);
    let world = world.and(account(BOB), save("two"));
    let second = last(&world);
    let world = world.and(account(BOB), clear());
    let own = account(BOB).0.into_bytes();
    let tree = TreeId { author: own, stream: own };
    let destroyed: Vec<_> = world.history().iter().flat_map(crate::reactions).collect();
    let expected = [first, second].map(|leaf| Reaction::DestroyKey { tree, leaf });
    assert_eq!(destroyed, expected);
}

#[test]
fn the_persons_own_devices_are_told() {
    let (world, _) = talk();
    let world = world.and(account(BOB), save("one")).and(account(BOB), clear());
    let meanings: Vec<_> = world.history().iter().rev().take(2).map(Recorded::meaning).collect();
    let draft = (Change::Draft(id()), Effect::None);
    assert_eq!(meanings, [draft.clone(), draft]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn whatever_people_and_devices_save_the_last_stands_and_every_other_key_is_gone(
        steps in prop::collection::vec((0..2_u8, 0..4_u8, 0..6_u8), 0..60),
    ) {
        let (mut world, _) = talk();
        let mut expected: BTreeMap<u8, (String, u64)> = BTreeMap::new();
        let mut gone = Vec::new();
        for (who, what, which) in steps {
            let who = [ANN, BOB][usize::from(who)];
            let said = if what == 0 { String::new() } else { format!("text {which}") };
            world = match what {
                0 | 1 if which == 0 => world.and(account(who), clear()),
                _ => world.and(account(who), save(&said)),
            };
            let clears = said.is_empty() || (what <= 1 && which == 0);
            let before = match clears {
                true => expected.remove(&who),
                false => expected.insert(who, (said, last(&world))),
            };
            gone.extend(before.map(|(_, leaf)| (who, leaf)));
        }
        for who in [ANN, BOB] {
            let (found, wanted) = (text(&world, who), expected.get(&who).map(|it| it.0.clone()));
            prop_assert_eq!(found, wanted);
        }
        let destroyed: Vec<_> = world.history().iter().flat_map(crate::reactions).collect();
        let gone: Vec<_> = gone.into_iter().map(|(who, leaf)| {
            let own = account(who).0.into_bytes();
            Reaction::DestroyKey { tree: TreeId { author: own, stream: own }, leaf }
        }).collect();
        prop_assert_eq!(destroyed, gone);
    }
}
