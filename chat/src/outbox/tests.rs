//! The law of the outbox.

use super::templates::Template;
use super::*;
use crate::accounts::AccountId;
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::{Document, Personal, StreamId, Timestamp};

const ANN: u8 = 1;

fn ann() -> AccountId {
    account(ANN)
}

fn outgoing() -> OutgoingId {
    OutgoingId(account(9).0)
}

fn queued_message() -> Given {
    let queued = MessageQueued {
        outgoing_id: outgoing(),
        account_id: ann(),
        channel: Channel::Mail,
        template: Template::AddressCode.name().to_owned(),
        locale: "en".to_owned(),
        to: Personal::new("ann@example.org".to_owned()),
        fields: Personal::new(Fields::new()),
        good_until: Timestamp(NOW.0 + 600_000),
    };
    given().person(ANN, "ann").happened(StreamId::Account(ann()), ann(), queued.into())
}

fn tried(delivery: Delivery) -> RecordDelivery {
    RecordDelivery { outgoing_id: outgoing(), delivery }
}

fn due(world: &Given) -> Option<i64> {
    world.document::<Outgoing>(outgoing()).unwrap().due_at.map(|it| it.0 - NOW.0)
}

#[test]
fn a_message_is_due_at_once_and_after_pauses_that_grow() {
    let mut world = queued_message();
    assert_eq!(due(&world), Some(0));
    for pause in [2_000, 4_000, 8_000, 16_000, 32_000, 64_000, 128_000, 256_000, 512_000] {
        world = world.and(ann(), tried(Delivery::Failed));
        assert_eq!(due(&world), Some(pause));
    }
    for _ in 0..60 {
        world = world.and(ann(), tried(Delivery::Failed));
        assert_eq!(due(&world), Some(PAUSE_MS_MAX));
    }
}

#[test]
fn what_is_settled_is_due_no_more_and_stays_as_it_is() {
    for settled in [Delivery::Taken, Delivery::Refused, Delivery::Expired] {
        let world = queued_message().and(ann(), tried(settled));
        assert_eq!(due(&world), None);
        let world = world.when(ann(), tried(Delivery::Failed)).then([]);
        let outgoing = world.document::<Outgoing>(outgoing()).unwrap();
        assert_eq!((outgoing.delivery, outgoing.index_keys()), (Some(settled), vec![None]));
    }
}

#[test]
fn what_is_due_is_found_by_partition_and_time() {
    let world = queued_message();
    let outgoing = world.document::<Outgoing>(outgoing()).unwrap();
    let key = outgoing.index_keys().remove(0).unwrap();
    let until = |ms| Outgoing::due_until(outgoing.partition, Timestamp(NOW.0 + ms));
    assert!(key.starts_with(&Outgoing::due(outgoing.partition)));
    assert!(key > until(-1) && key < until(0) && key < until(1));
}

#[test]
fn every_language_says_everything_and_fills_it_in() {
    let names = ["code", "name", "server", "link", "provider", "time"];
    let fields: Fields =
        names.iter().map(|it| ((*it).to_owned(), format!("<{it}> {{link}}"))).collect();
    for locale in ["en", "de", "de-AT", "DE_ch", "xx", ""] {
        for template in Template::ALL {
            let written = write(template.name(), locale, &fields).unwrap();
            assert!(!written.subject.is_empty() && written.text.len() > 80);
            let left = written.text.replace("{link}", "");
            assert!(!left.contains(['{', '}', '[']), "{locale}: {}", written.text);
        }
    }
    let german = write("address-code", "de-AT", &fields).unwrap();
    assert!(german.text.starts_with("Hallo <name>"));
    assert_eq!(write("nothing", "en", &fields), None);
}

#[test]
fn a_subject_is_one_line_whatever_a_name_holds() {
    let fields: Fields = [("server".to_owned(), "a\r\nBcc: eve@example.org".to_owned())].into();
    let written = write("password-reset", "en", &fields).unwrap();
    assert_eq!(written.subject, "Set a new password for aBcc: eve@example.org");
}
