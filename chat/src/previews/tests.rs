//! The law of previews.

use super::*;
use crate::conversations::{ConversationId, CreateGroup};
use crate::kernel::event::StreamId;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Command, Document, Personal, Timestamp};
use crate::messages::{DeleteMessage, EditMessage, Message, MessageId, SendMessage, parse};

const ANN: u8 = 1;
const BOB: u8 = 2;

const TEXT: &str = "see https://news.example/a";

/// Ann's group with Bob.
fn lunch() -> (Given, ConversationId) {
    let world = given().person(ANN, "ann").person(BOB, "bob");
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = world.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn send(conversation_id: ConversationId, text: &str) -> SendMessage {
    SendMessage { link_preview: true, ..SendMessage::new(conversation_id, text) }
}

/// Bob sends something; its preview, as it is remembered.
fn sent(send: SendMessage, world: Given) -> (Given, MessageId, Option<LinkPreview>) {
    let world = world.and(account(BOB), send.clone());
    let message = send.message_id(&world.last_context(account(BOB)));
    let preview = world.document::<LinkPreview>(message);
    (world, message, preview)
}

fn page(title: &str) -> Preview {
    Preview {
        url: "https://news.example/a".to_owned(),
        canonical_url: "https://news.example/a".to_owned(),
        title: title.to_owned(),
        description: None,
        site_name: None,
        image_url: None,
    }
}

fn record(
    conversation_id: ConversationId,
    message_id: MessageId,
    revision: u64,
    title: Option<&str>,
) -> RecordPreview {
    RecordPreview { conversation_id, message_id, revision, found: title.map(page) }
}

#[test]
fn a_message_with_a_link_is_looked_up_if_its_author_wants_it() {
    let (world, id) = lunch();
    let (world, message, preview) = sent(send(id, TEXT), world);
    let preview = preview.expect("it is looked up");
    assert_eq!((preview.message_id, preview.author_id), (message, account(BOB)));
    assert_eq!((preview.due_at, preview.found.is_none()), (Some(NOW), true));
    assert!(preview.awaits(0) && !preview.awaits(1));
    let due = preview.index_keys().remove(0).expect("it is due");
    assert!(due.starts_with(&LinkPreview::due(preview.partition)));
    let without = [
        SendMessage::new(id, TEXT),
        send(id, "no link"),
        send(id, "||https://news.example/a||"),
        // History from elsewhere.
        SendMessage { sent_at: Some(Timestamp(1)), ..send(id, TEXT) },
    ];
    without.into_iter().fold(world, |world, it| {
        let (world, _, preview) = sent(it, world);
        assert_eq!(preview, None);
        world
    });
}

#[test]
fn the_first_link_to_the_web_counts() {
    let first = |text: &str| first_link(&parse(text, |_| None)).map(str::to_owned);
    let link = |it: &str| Some(it.to_owned());
    assert_eq!(first("https://a.example and https://b.example"), link("https://a.example"));
    assert_eq!(first("[b](https://b.example) https://a.example"), link("https://b.example"));
    assert_eq!(first("mailto:x@a.example <tel:1> http://c.example"), link("http://c.example"));
    assert_eq!(first("||https://a.example|| http://b.example"), link("http://b.example"));
    assert_eq!(first("`https://a.example`"), None);
    assert_eq!(first("[x](ftp://a.example) @ann"), None);
}

#[test]
fn a_retry_with_another_wish_is_the_same_message() {
    let (_, id) = lunch();
    let (with, without) = (send(id, TEXT), SendMessage::new(id, TEXT));
    assert_eq!(Command::body(&with), Command::body(&without));
}

#[test]
fn what_was_found_is_sealed_beside_the_text_and_noted_once() {
    let (world, id) = lunch();
    let (world, message, _) = sent(send(id, TEXT), world);
    let leaf = world.document::<Message>(message).and_then(|it| it.body?.leaf());
    let found = PreviewFound {
        message_id: message,
        conversation_id: id,
        number: Long(1),
        revision: Long(0),
        preview: Personal::beside(page("Bread"), leaf.expect("it is sealed")),
    };
    let world =
        world.when(account(BOB), record(id, message, 0, Some("Bread"))).then([found.into()]);
    let preview = world.document::<LinkPreview>(message).expect("it is there");
    let sealed = preview.found.as_ref().expect("it was found");
    assert_eq!((open(sealed), sealed.leaf()), (Some(page("Bread")), leaf));
    assert_eq!((preview.due_at, preview.index_keys()), (None, vec![None]));
    [Some("Other"), None].into_iter().fold(world, |world, title| {
        world.when(account(BOB), record(id, message, 0, title)).then([])
    });
}

#[test]
fn a_page_that_is_not_had_is_not_looked_up_again() {
    let (world, id) = lunch();
    let (world, message, _) = sent(send(id, TEXT), world);
    let missed = PreviewMissed {
        message_id: message,
        conversation_id: id,
        number: Long(1),
        revision: Long(0),
    };
    let world = world.when(account(BOB), record(id, message, 0, None)).then([missed.into()]);
    let preview = world.document::<LinkPreview>(message).expect("it is remembered");
    assert_eq!((preview.due_at, preview.found.is_none()), (None, true));
    world.when(account(BOB), record(id, message, 0, Some("Late"))).then([]);
}

#[test]
fn an_edit_takes_the_preview_away_and_it_is_looked_up_again() {
    let (world, id) = lunch();
    let (world, message, _) = sent(send(id, TEXT), world);
    let world = world.and(account(BOB), record(id, message, 0, Some("Old")));
    let text = "see https://news.example/b".to_owned();
    let edit = EditMessage { conversation_id: id, message_id: message, text };
    let world = world.and(account(BOB), edit);
    let preview = world.document::<LinkPreview>(message).expect("it is awaited");
    assert!(preview.found.is_none() && preview.awaits(1) && !preview.awaits(0));
    // What comes of the text before says nothing of this one.
    let world = world.when(account(BOB), record(id, message, 0, Some("Old"))).then([]);
    let world = world.and(account(BOB), record(id, message, 1, Some("New")));
    let found = world.document::<LinkPreview>(message).and_then(|it| it.found);
    assert_eq!(found.and_then(|it| open(&it)).map(|it| it.title), Some("New".to_owned()));
}

#[test]
fn of_a_message_that_is_gone_nothing_is_looked_up_or_kept() {
    for found in [false, true] {
        let (world, id) = lunch();
        let (world, message, _) = sent(send(id, TEXT), world);
        let world = match found {
            true => world.and(account(BOB), record(id, message, 0, Some("Bread"))),
            false => world,
        };
        let delete = DeleteMessage { conversation_id: id, message_id: message };
        let world = world.and(account(BOB), delete);
        assert_eq!(world.document::<LinkPreview>(message), None);
        world.when(account(BOB), record(id, message, 0, Some("Bread"))).then([]);
    }
}

#[test]
fn a_message_whose_time_has_come_gets_no_preview() {
    let (world, id) = lunch();
    let expires = SendMessage { expires_in: Some(60), ..send(id, TEXT) };
    let (world, message, _) = sent(expires, world);
    let world = world.later(60_000);
    world.when(account(BOB), record(id, message, 0, Some("Bread"))).then([]);
}

#[test]
fn nothing_is_sealed_for_another_than_the_author_and_elsewhere_nothing_is_found() {
    let (world, id) = lunch();
    let (world, message, _) = sent(send(id, TEXT), world);
    let world = world.when(account(ANN), record(id, message, 0, Some("Bread"))).then([]);
    let other = ConversationId(uuid::Uuid::from_u128(7));
    let refused = record(other, message, 0, Some("Bread"));
    world.when(account(BOB), refused).then_rejected(PreviewRejection::NotFound);
}

#[test]
fn a_preview_is_the_servers_and_a_miss_changes_nothing_that_is_shown() {
    for title in [Some("Bread"), None] {
        let (world, id) = lunch();
        let (world, message, _) = sent(send(id, TEXT), world);
        let world = world.and(account(BOB), record(id, message, 0, title));
        let last = world.history().last().expect("something happened");
        let told = title.map_or(crate::Change::None, |_| crate::Change::Message(message));
        assert_eq!((last.meaning().0, last.actor), (told, None));
        assert_eq!(last.stream, StreamId::Conversation(id));
    }
}
