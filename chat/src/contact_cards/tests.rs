//! The law of contact cards.

use super::vcard::vcard;
use super::*;
use crate::conversations::{ConversationId, CreateGroup};
use crate::kernel::testing::{Given, account, given, open};
use crate::messages::{Body, Content, Message, MessageRejection};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn lunch() -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let create =
        CreateGroup { title: "Lunch".to_owned(), member_ids: vec![account(BOB)], open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn send(conversation_id: ConversationId) -> SendContact {
    SendContact {
        conversation_id,
        name: " Eve Example ".to_owned(),
        phones: vec!["+49 (151) 123-45.678".to_owned(), "+4915112345678".to_owned()],
        emails: vec!["Eve@Example.org".to_owned()],
        account_id: Some(account(EVE)),
        reply_to: None,
        thread_id: None,
        sent_at: None,
    }
}

#[test]
fn a_card_is_sealed_in_its_message_and_its_name_is_the_text() {
    let (world, id) = lunch();
    let world = world.and(account(BOB), send(id));
    let message = send(id).message_id(&world.last_context(account(BOB)));
    let body: Body = open(&world.document::<Message>(message).unwrap().body.unwrap()).unwrap();
    assert_eq!(body.text, "Eve Example");
    let card = Card {
        name: "Eve Example".to_owned(),
        phones: vec!["+4915112345678".to_owned()],
        emails: vec!["eve@example.org".to_owned()],
        account_id: Some(account(EVE)),
    };
    assert_eq!(body.content, Some(Content::Contact(card)));
}

#[test]
fn only_members_send_cards() {
    let (world, id) = lunch();
    world.when(account(EVE), send(id)).then_rejected(MessageRejection::NotFound);
}

#[test]
fn a_name_has_1_to_128_characters() {
    let (world, id) = lunch();
    let named = |name: String| SendContact { name, ..send(id) };
    let world = world.when(account(ANN), named("é".repeat(NAME_CHARS_MAX))).then_allowed();
    let bad = ["é".repeat(NAME_CHARS_MAX + 1), String::new(), " ".to_owned(), "a\nb".to_owned()];
    bad.into_iter().fold(world, |world, it| {
        world.when(account(ANN), named(it)).then_rejected(ContactCardRejection::NameInvalid)
    });
}

#[test]
fn a_card_holds_10_phone_numbers_and_10_mail_addresses_that_are_some() {
    let (world, id) = lunch();
    let phones = |count: usize| (0..count).map(|it| format!("+49151123456{it:02}")).collect();
    let emails = |count: usize| (0..count).map(|it| format!("eve{it}@example.org")).collect();
    let with = |phones, emails| SendContact { phones, emails, ..send(id) };
    let (too_many, invalid) = (ContactCardRejection::TooMany, ContactCardRejection::AddressInvalid);
    world
        .when(account(ANN), with(phones(PHONES_MAX), emails(EMAILS_MAX)))
        .then_allowed()
        .when(account(ANN), with(phones(PHONES_MAX + 1), emails(0)))
        .then_rejected(too_many)
        .when(account(ANN), with(phones(0), emails(EMAILS_MAX + 1)))
        .then_rejected(too_many)
        .when(account(ANN), with(vec!["112".to_owned()], emails(0)))
        .then_rejected(invalid)
        .when(account(ANN), with(phones(0), vec!["eve".to_owned()]))
        .then_rejected(invalid);
}

#[test]
fn a_card_tells_a_way_to_reach_somebody() {
    let (world, id) = lunch();
    let none = SendContact { phones: Vec::new(), emails: Vec::new(), ..send(id) };
    world
        .when(account(ANN), none.clone())
        .then_allowed()
        .when(account(ANN), SendContact { account_id: None, ..none.clone() })
        .then_rejected(ContactCardRejection::Empty)
        .when(account(ANN), SendContact { account_id: Some(account(99)), ..none })
        .then_rejected(ContactCardRejection::AccountNotFound);
}

#[test]
fn a_vcard_is_escaped_and_folded() {
    let name = "Eve, the; \\ one".to_owned();
    let emails = vec!["eve@example.org".to_owned()];
    let card = Card { name, phones: vec!["+4915112345678".to_owned()], emails, account_id: None };
    let lines = [
        "BEGIN:VCARD",
        "VERSION:4.0",
        "FN:Eve\\, the\\; \\\\ one",
        "TEL;VALUE=uri:tel:+4915112345678",
        "EMAIL:eve@example.org",
        "END:VCARD\r\n",
    ];
    assert_eq!(vcard(&card), lines.join("\r\n"));
    let card = Card { name: "é".repeat(100), ..card };
    let told = vcard(&card);
    assert!(told.split("\r\n").all(|it| it.len() <= 75));
    assert!(told.replace("\r\n ", "").contains(&"é".repeat(100)));
}
