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
    SaveDraft { conversation_id: id(), text: text.to_owned(), reply_to: None, thread_id: None }
}

fn clear() -> ClearDraft {
    ClearDraft { conversation_id: id(), saved_until: None, thread_id: None }
}

fn saved(text: &str, replaced: Option<u64>) -> crate::Event {
    DraftSaved {
        account_id: account(BOB),
        conversation_id: id(),
        text: Personal::new(text.to_owned()),
        reply_to: None,
        replaced: replaced.map(Long),
        thread_id: None,
    }
    .into()
}

fn cleared(leaf: u64) -> crate::Event {
    let (account_id, conversation_id) = (account(BOB), id());
    DraftCleared { account_id, conversation_id, leaf: Long(leaf), thread_id: None }.into()
}

/// The draft for the conversation's own line.
fn draft(world: &Given, who: u8) -> Option<Draft> {
    draft_for(world, who, None)
}

fn draft_for(world: &Given, who: u8, thread: Option<MessageId>) -> Option<Draft> {
    world.document::<Draft>(Draft::id(account(who), DraftLine::new(id(), thread)))
}

fn text_for(world: &Given, who: u8, thread: Option<MessageId>) -> Option<String> {
    draft_for(world, who, thread).and_then(|it| open(&it.text))
}

fn text(world: &Given, who: u8) -> Option<String> {
    text_for(world, who, None)
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
        .when(account(BOB), ClearDraft { conversation_id, ..clear() })
        .then_allowed()
        .when(account(BOB), ClearDraft { conversation_id, ..clear() })
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
    let draft = (Change::Draft(DraftLine::Conversation(id())), Effect::None);
    assert_eq!(meanings, [draft.clone(), draft]);
}

#[test]
fn each_thread_has_a_draft_of_its_own_also_one_that_has_not_begun() {
    let (world, root) = talk();
    let thread_id = Some(root);
    let there = |text: &str| SaveDraft { thread_id, ..save(text) };
    let world = world.and(account(BOB), save("here")).and(account(BOB), there("one"));
    let leaf = last(&world);
    let world = world.and(account(ANN), SendMessage { thread_id, ..SendMessage::new(id(), "x") });
    let world = world.and(account(BOB), there("two"));
    let both = |it: &Given| [None, thread_id].map(|line| text_for(it, BOB, line));
    assert_eq!(both(&world), ["here", "two"].map(|it| Some(it.to_owned())));
    let told = world.history().last().map(Recorded::meaning);
    assert_eq!(told, Some((Change::Draft(DraftLine::Thread(id(), root)), Effect::None)));
    let own = account(BOB).0.into_bytes();
    let tree = TreeId { author: own, stream: own };
    let destroyed: Vec<_> = world.history().iter().flat_map(crate::reactions).collect();
    assert_eq!(destroyed, [Reaction::DestroyKey { tree, leaf }]);
    let world = world.and(account(BOB), clear());
    assert_eq!(both(&world), [None, Some("two".to_owned())]);
}

#[test]
fn a_draft_is_for_a_thread_that_a_message_could_go_to_and_is_cleared_when_none_can() {
    let (world, root) = talk();
    let there = |thread: MessageId| SaveDraft { thread_id: Some(thread), ..save("x") };
    let clear = |thread: MessageId| ClearDraft { thread_id: Some(thread), ..clear() };
    let reply = SendMessage { thread_id: Some(root), ..SendMessage::new(id(), "y") };
    let world = world.and(account(ANN), reply.clone());
    let reply = reply.message_id(&world.last_context(account(ANN)));
    let lonely = SendMessage::new(id(), "z");
    let world = world.and(account(ANN), lonely.clone());
    let lonely = lonely.message_id(&world.last_context(account(ANN)));
    let world = world
        .when(account(BOB), there(MessageId(account(9).0)))
        .then_rejected(DraftRejection::ThreadNotFound)
        .when(account(BOB), clear(MessageId(account(9).0)))
        .then_rejected(DraftRejection::ThreadNotFound)
        .when(account(BOB), there(reply))
        .then_rejected(DraftRejection::ThreadNested)
        .when(account(EVE), there(root))
        .then_rejected(DraftRejection::NotFound)
        .and(account(BOB), there(root))
        .and(account(BOB), there(lonely));
    let gone = |message_id| DeleteMessage { conversation_id: id(), message_id };
    world
        .and(account(ANN), gone(root))
        .and(account(ANN), gone(lonely))
        .when(account(BOB), there(root))
        .then_allowed()
        .when(account(BOB), there(lonely))
        .then_rejected(DraftRejection::ThreadNotFound)
        .when(account(BOB), clear(lonely))
        .then_allowed()
        .when(account(BOB), clear(lonely))
        .then_rejected(DraftRejection::ThreadNotFound);
}

#[test]
fn what_named_a_conversation_alone_is_its_own_line() {
    let old = serde_json::to_string(&id()).expect("plain data");
    let line: DraftLine = serde_json::from_str(&old).expect("it is read");
    assert_eq!(line, DraftLine::Conversation(id()));
    assert_eq!(serde_json::to_string(&line).expect("plain data"), old);
    let thread = DraftLine::Thread(id(), MessageId(account(9).0));
    let again = serde_json::to_string(&thread).expect("plain data");
    assert_eq!(serde_json::from_str::<DraftLine>(&again).expect("it is read"), thread);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn whatever_people_and_devices_save_the_last_stands_and_every_other_key_is_gone(
        steps in prop::collection::vec((0..4_u8, 0..4_u8, 0..6_u8), 0..60),
    ) {
        let (mut world, root) = talk();
        let mut expected: BTreeMap<(u8, Option<MessageId>), (String, u64)> = BTreeMap::new();
        let mut gone = Vec::new();
        for (who, what, which) in steps {
            let thread_id = (who > 1).then_some(root);
            let who = [ANN, BOB][usize::from(who % 2)];
            let place = (who, thread_id);
            let said = if what == 0 { String::new() } else { format!("text {which}") };
            world = match what {
                0 | 1 if which == 0 => {
                    world.and(account(who), ClearDraft { thread_id, ..clear() })
                }
                _ => world.and(account(who), SaveDraft { thread_id, ..save(&said) }),
            };
            let clears = said.is_empty() || (what <= 1 && which == 0);
            let before = match clears {
                true => expected.remove(&place),
                false => expected.insert(place, (said, last(&world))),
            };
            gone.extend(before.map(|(_, leaf)| (who, leaf)));
        }
        for place in [ANN, BOB].into_iter().flat_map(|it| [(it, None), (it, Some(root))]) {
            let wanted = expected.get(&place).map(|it| it.0.clone());
            prop_assert_eq!(text_for(&world, place.0, place.1), wanted);
        }
        let destroyed: Vec<_> = world.history().iter().flat_map(crate::reactions).collect();
        let gone: Vec<_> = gone.into_iter().map(|(who, leaf)| {
            let own = account(who).0.into_bytes();
            Reaction::DestroyKey { tree: TreeId { author: own, stream: own }, leaf }
        }).collect();
        prop_assert_eq!(destroyed, gone);
    }
}
