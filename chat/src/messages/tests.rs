//! The law of messages.

use super::*;
use crate::audience::Audience;
use crate::conversations::{ConversationId, CreateGroup};
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Command, Document, Effect, Personal, Recorded, Timestamp};
use crate::members::{ChangeRole, LeaveConversation, Role};
use crate::{Change, Event};

pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;
const EVE: u8 = 3;

pub(super) fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

/// A group that Ann owns and that Bob belongs to.
pub(super) fn lunch() -> (Given, ConversationId) {
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people().and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

pub(super) fn send(conversation_id: ConversationId, text: &str) -> SendMessage {
    SendMessage::new(conversation_id, text)
}

/// Bob has sent a message.
fn sent(text: &str) -> (Given, ConversationId, MessageId) {
    let (world, id) = lunch();
    let world = world.and(account(BOB), send(id, text));
    let message = send(id, text).message_id(&world.last_context(account(BOB)));
    (world, id, message)
}

pub(super) fn edit(
    conversation_id: ConversationId,
    message_id: MessageId,
    text: &str,
) -> EditMessage {
    EditMessage { conversation_id, message_id, text: text.to_owned() }
}

pub(super) fn delete(conversation_id: ConversationId, message_id: MessageId) -> DeleteMessage {
    DeleteMessage { conversation_id, message_id }
}

fn hide(conversation_id: ConversationId, message_id: MessageId) -> HideMessage {
    HideMessage { conversation_id, message_id }
}

fn text(world: &Given, message: MessageId) -> Option<String> {
    let body = world.document::<Message>(message).unwrap().body?;
    open(&body).map(|it| it.text)
}

#[test]
fn a_member_sends_a_message() {
    let (world, id) = lunch();
    let then = world.when(account(BOB), send(id, "hi **@Ann** @eve @nobody"));
    let message_id = send(id, "").message_id(&then.world.last_context(account(BOB)));
    let known = |name: &str| match name {
        "ann" => Some(account(ANN)),
        "eve" => Some(account(EVE)),
        _ => None,
    };
    let mut mentions = vec![account(ANN), account(EVE)];
    mentions.sort();
    let expected = MessageSent {
        forwarded: None,
        message_id,
        conversation_id: id,
        number: Long(1),
        author_id: account(BOB),
        body: Personal::new(parse("hi **@Ann** @eve @nobody", known)),
        reply_to: None,
        mentions: mentions.clone(),
        sent_at: None,
        silent: None,
        unseen: None,
        expires_at: None,
        content: None,
        preview: None,
        everyone: None,
        expires_after_read: None,
        thread: None,
        quote: None,
        files: None,
        file_bytes: None,
        view_once: None,
    };
    let world = then.then([expected.into()]);
    let message = world.document::<Message>(message_id).unwrap();
    assert_eq!((message.number, message.seq, message.changed_seq), (1, 3, 3));
    assert_eq!((message.sent_at, message.occurred_at, message.mentions), (NOW, NOW, mentions));
    let mention = world.document::<Mention>(Mention::id(id, account(ANN), 1));
    assert_eq!(mention, Some(Mention { message_id, moved: false }));
}

#[test]
fn messages_are_numbered_without_gaps() {
    let (world, id, _) = sent("one");
    let world = world.and(account(ANN), send(id, "two")).and(account(BOB), send(id, "three"));
    let numbers = world.history().iter().filter_map(|it| {
        let Event::MessageEvent(MessageEvent::MessageSent(it)) = &it.event else { return None };
        Some(it.number.0)
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn a_stranger_and_one_who_left_are_told_nothing() {
    let (world, id, message) = sent("hi");
    let not_found = MessageRejection::NotFound;
    let world = world.and(account(BOB), LeaveConversation { conversation_id: id });
    [EVE, BOB].into_iter().fold(world, |world, n| {
        world
            .when(account(n), send(id, "hi"))
            .then_rejected(not_found)
            .when(account(n), edit(id, message, "ho"))
            .then_rejected(not_found)
            .when(account(n), delete(id, message))
            .then_rejected(not_found)
            .when(account(n), hide(id, message))
            .then_rejected(not_found)
    });
}

#[test]
fn a_message_has_text() {
    let (mut world, id, message) = sent("hi");
    for empty in ["", "  \n", "<u></u>", "||||", "[](https://x.example)", "```\n```"] {
        world = world.when(account(BOB), send(id, empty)).then_rejected(MessageRejection::Empty);
        world = world
            .when(account(BOB), edit(id, message, empty))
            .then_rejected(MessageRejection::Empty);
    }
}

#[test]
fn a_text_is_at_most_16_384_bytes_without_control() {
    let (world, id) = lunch();
    let (whole, long) = ("é".repeat(8_192), "é".repeat(8_193));
    let mut world = world
        .when(account(BOB), send(id, &whole))
        .then_allowed()
        .when(account(BOB), send(id, &long))
        .then_rejected(MessageRejection::TooLong);
    for bad in ["a\u{0}b", "a\u{1b}[2J", "a\rb", "a\u{85}b"] {
        let rejected = MessageRejection::TextInvalid;
        world = world.when(account(BOB), send(id, bad)).then_rejected(rejected);
    }
    world.when(account(BOB), send(id, "a\tb\nc")).then_allowed();
}

#[test]
fn a_reply_answers_a_message_that_is_there() {
    let (world, id, message) = sent("hi");
    let reply = |to| SendMessage { reply_to: Some(to), ..send(id, "ho") };
    let elsewhere = CreateGroup { title: "B".to_owned(), member_ids: Vec::new(), open: false };
    let rejected = MessageRejection::ReplyNotFound;
    let world = world
        .when(account(ANN), reply(message))
        .then_allowed()
        .when(account(ANN), reply(MessageId(account(9).0)))
        .then_rejected(rejected)
        .and(account(ANN), elsewhere);
    let other = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    world
        .when(account(ANN), SendMessage { conversation_id: other, ..reply(message) })
        .then_rejected(rejected)
        .and(account(BOB), delete(id, message))
        .when(account(ANN), reply(message))
        .then_rejected(rejected);
}

#[test]
fn a_claimed_time_has_passed_and_orders_nothing() {
    let (world, id) = lunch();
    let at = |ms| SendMessage { sent_at: Some(Timestamp(ms)), ..send(id, "old") };
    let rejected = MessageRejection::SentAtInvalid;
    let world = world
        .when(account(BOB), at(NOW.0 + 1))
        .then_rejected(rejected)
        .when(account(BOB), at(-1))
        .then_rejected(rejected)
        .and(account(BOB), send(id, "new"))
        .when(account(BOB), at(5))
        .then_allowed();
    let message = at(5).message_id(&world.last_context(account(BOB)));
    let message = world.document::<Message>(message).unwrap();
    assert_eq!((message.number, message.sent_at, message.occurred_at), (2, Timestamp(5), NOW));
}

#[test]
fn only_the_author_edits() {
    let (world, id, message) = sent("hi");
    let world = world
        .when(account(ANN), edit(id, message, "ho"))
        .then_rejected(MessageRejection::NotAuthor)
        .when(account(BOB), edit(id, MessageId(account(9).0), "ho"))
        .then_rejected(MessageRejection::NotFound)
        .later(7)
        .when(account(BOB), edit(id, message, "ho"))
        .then_allowed();
    assert_eq!(text(&world, message).as_deref(), Some("ho"));
    let message = world.document::<Message>(message).unwrap();
    assert_eq!((message.revision, message.edited_at), (1, Some(Timestamp(NOW.0 + 7))));
    assert_eq!(open(&message.original.unwrap()).map(|it: Body| it.text).as_deref(), Some("hi"));
}

#[test]
fn an_edit_is_sealed_beside_the_message_and_keeps_every_version() {
    let (world, id, message) = sent("@ann");
    let edited = |revision, text: &str, mentions: &[u8], gone: &[u8]| MessageEdited {
        message_id: message,
        conversation_id: id,
        number: Long(1),
        revision: Long(revision),
        body: Personal::beside(parse(text, |it| (it == "eve").then(|| account(EVE))), 3),
        mentions: mentions.iter().map(|it| account(*it)).collect(),
        no_longer_mentioned: gone.iter().map(|it| account(*it)).collect(),
        everyone: None,
        thread: None,
    };
    let world = world
        .when(account(BOB), edit(id, message, "@eve"))
        .then([edited(1, "@eve", &[EVE], &[ANN]).into()])
        .when(account(BOB), edit(id, message, "*none*"))
        .then([edited(2, "*none*", &[], &[EVE]).into()]);
    for n in [ANN, EVE] {
        assert_eq!(world.document::<Mention>(Mention::id(id, account(n), 1)), None);
    }
    let version = |n: u64| {
        let version = world.document::<Version>(Version::id(message, n));
        open(&version.unwrap().body).map(|it: Body| it.text)
    };
    assert_eq!((version(1).as_deref(), version(2).as_deref()), (Some("@eve"), Some("none")));
    let original = world.document::<Message>(message).unwrap().original.unwrap();
    assert_eq!(open(&original).map(|it| it.text).as_deref(), Some("@ann"));
}

#[test]
fn the_author_deletes_for_everyone_once() {
    let deleted = |id, message| MessageDeleted {
        message_id: message,
        conversation_id: id,
        number: Long(1),
        author_id: account(BOB),
        leaf: Long(3),
        mentions: vec![account(ANN)],
        everyone: None,
        thread: None,
        files: None,
        file_bytes: None,
    };
    let (world, id, message) = sent("@ann");
    let world = world
        .when(account(BOB), delete(id, message))
        .then([deleted(id, message).into()])
        .when(account(BOB), delete(id, message))
        .then([]);
    let gone = world.document::<Message>(message).unwrap();
    assert_eq!((gone.body, gone.original, gone.mentions), (None, None, Vec::new()));
    assert_eq!(gone.number, 1);
    assert_eq!(world.document::<Mention>(Mention::id(id, account(ANN), 1)), None);
    world.when(account(BOB), edit(id, message, "ho")).then_rejected(MessageRejection::Gone);
}

#[test]
fn a_plain_member_deletes_only_own_messages() {
    let (world, id) = lunch();
    let world = world.and(account(ANN), send(id, "hi"));
    let message = send(id, "hi").message_id(&world.last_context(account(ANN)));
    let admin = ChangeRole { conversation_id: id, account_id: account(BOB), role: Role::Admin };
    world
        .when(account(BOB), delete(id, message))
        .then_rejected(MessageRejection::Forbidden)
        .and(account(ANN), admin)
        .when(account(BOB), delete(id, message))
        .then_allowed();
}

#[test]
fn a_deletion_destroys_the_key_of_the_body_and_nothing_else_does() {
    let (world, id, message) = sent("hi");
    let world = world.and(account(ANN), hide(id, message)).and(account(BOB), delete(id, message));
    let reactions: Vec<_> = world.history().iter().flat_map(destroy_body).collect();
    let tree =
        ports::keys::TreeId { author: account(BOB).0.into_bytes(), stream: id.0.into_bytes() };
    assert_eq!(reactions, [Reaction::DestroyKey { tree, leaf: 3 }]);
}

#[test]
fn anyone_hides_a_message_from_themselves() {
    let (world, id, message) = sent("hi");
    let hidden = MessageHidden {
        message_id: message,
        conversation_id: id,
        number: Long(1),
        account_id: account(ANN),
        thread_id: None,
    };
    let world = world.when(account(ANN), hide(id, message)).then([hidden.into()]);
    assert_eq!(text(&world, message).as_deref(), Some("hi"));
    world
        .when(account(ANN), hide(id, MessageId(account(9).0)))
        .then_rejected(MessageRejection::NotFound);
}

#[test]
fn a_message_is_seen_by_members_and_listed_while_it_is_there() {
    let (world, id, message) = sent("hi");
    let found = world.document::<Message>(message).unwrap();
    assert_eq!(found.audience(), Audience::Members(id));
    assert!(Document::index_keys(&found).iter().all(Option::is_some));
    let world = world.and(account(BOB), delete(id, message));
    let gone = world.document::<Message>(message).unwrap();
    assert_eq!(Document::index_keys(&gone), [None, None, None]);
}

#[test]
fn the_feed_is_told_of_messages_and_hiding_only_its_owner() {
    let (world, id, message) = sent("hi");
    let world = world
        .and(account(BOB), edit(id, message, "ho"))
        .and(account(ANN), hide(id, message))
        .and(account(BOB), delete(id, message));
    let meanings: Vec<_> =
        world.history().iter().rev().take(4).rev().map(Recorded::meaning).collect();
    let changed = Change::Message(message);
    let expected = [
        (changed, Effect::Sent { number: 1, author: account(BOB), unseen: false }),
        (changed, Effect::None),
        (Change::ReadState(id), Effect::Read(id)),
        (changed, Effect::Deleted { number: 1 }),
    ];
    assert_eq!(meanings, expected);
}

#[test]
fn a_quote_is_a_place_in_a_text_of_the_message_replied_to() {
    let (world, id, message) = sent("what is quoted");
    let quote = |revision, offset, length| {
        Some(Quote { revision: Long(revision), offset: Long(offset), length: Long(length) })
    };
    let answer = |quote| SendMessage { reply_to: Some(message), quote, ..send(id, "ho") };
    let invalid = MessageRejection::QuoteInvalid;
    let world = world
        .when(account(BOB), answer(quote(0, 0, 0)))
        .then_rejected(invalid)
        .when(account(BOB), answer(quote(0, 0, QUOTE_UNITS_MAX + 1)))
        .then_rejected(invalid)
        .when(account(BOB), answer(quote(1, 0, 4)))
        .then_rejected(MessageRejection::QuoteNotFound)
        .when(account(BOB), answer(quote(0, TEXT_BYTES_MAX as u64, 1)))
        .then_rejected(invalid)
        .when(account(BOB), SendMessage { reply_to: None, ..answer(quote(0, 0, 4)) })
        .then_rejected(invalid)
        .when(account(BOB), answer(quote(0, 0, QUOTE_UNITS_MAX)))
        .then_allowed()
        .and(account(BOB), answer(quote(0, 5, 2)));
    let command = answer(quote(0, 5, 2));
    let quoting = command.message_id(&world.last_context(account(BOB)));
    let found = world.document::<Message>(quoting).expect("it is there");
    assert_eq!(found.quote, quote(0, 5, 2));
    let same = Command::body(&answer(quote(3, 5, 2)));
    assert_eq!(Command::body(&command), same, "which text is the last may have changed");
    let world = world
        .and(account(BOB), edit(id, message, "another text"))
        .when(account(BOB), answer(quote(0, 0, 1)))
        .then_rejected(MessageRejection::QuoteNotFound)
        .and(account(BOB), delete(id, quoting));
    assert_eq!(world.document::<Message>(quoting).and_then(|it| it.quote), None);
}
