//! The law of codes that are sent.

use super::super::tests::{ANN, at, confirm, digests, enrol, factors, opening, session, signed_in};
use super::super::{BACKUP_CODES, FactorProof, RemoveTotp};
use super::*;
use crate::addresses::{AddressRejection, ConfirmAddress, ProposeAddress, RemoveAddress};
use crate::instance::{ChangeSettings, ClaimSetup};
use crate::kernel::testing::{Given, account, name};
use crate::sessions::{ConfirmSession, Session, SessionRejection};

/// Ann, who has proved a mail address.
fn with_mail() -> (Given, AddressId) {
    let propose = ProposeAddress {
        channel: Channel::Mail,
        address: "ann@example.org".to_owned(),
        claim_id: name("mail:ann@example.org"),
        code: "123456".to_owned(),
        locale: "en".to_owned(),
        name: "Ann".to_owned(),
        server: "chat.example".to_owned(),
    };
    let world = signed_in().and(account(ANN), propose);
    let address_id = world.document::<Addresses>(account(ANN)).unwrap().pending.unwrap().id;
    (world.and(account(ANN), ConfirmAddress { address_id }), address_id)
}

fn send(digest: &str) -> SendFactorCode {
    SendFactorCode {
        channel: Channel::Mail,
        claim_id: name("mail:ann@example.org"),
        digest: digest.to_owned(),
        to: "ann@example.org".to_owned(),
        locale: "en".to_owned(),
        fields: Fields::new(),
    }
}

fn shown(digest: &str) -> Option<FactorProof> {
    Some(FactorProof::Sent { channel: Channel::Mail, digest: digest.to_owned() })
}

/// Ann, to whom a code was sent.
fn sent() -> (Given, AddressId) {
    let (world, address_id) = with_mail();
    let world =
        world.and(account(ANN), EnableCodeFactor { address_id, digests: digests(), notice: None });
    (world.and(account(ANN), send("one")), address_id)
}

const DISABLE: DisableCodeFactor = DisableCodeFactor { channel: Channel::Mail };

#[test]
fn a_code_that_was_sent_is_asked_for_and_taken_once() {
    let invalid = SessionRejection::CodeInvalid;
    let (world, _) = sent();
    world
        .when(account(ANN), opening(2, None))
        .then_rejected(SessionRejection::FactorNeeded)
        .when(account(ANN), opening(2, shown("two")))
        .then_rejected(invalid)
        .and(account(ANN), opening(2, shown("one")))
        .when(account(ANN), opening(3, shown("one")))
        .then_rejected(invalid)
        .and(account(ANN), send("two"))
        .later(RESEND_MS)
        .and(account(ANN), send("three"))
        .when(account(ANN), opening(3, shown("two")))
        .then_rejected(invalid)
        .when(account(ANN), opening(3, shown("three")))
        .then_allowed();
}

#[test]
fn another_code_is_sent_once_the_last_is_a_minute_old_or_was_taken() {
    let world = sent().0.later(RESEND_MS - 1).when(account(ANN), send("two")).then([]);
    world.later(1).when(account(ANN), send("two")).then_allowed();
    let world = sent().0.and(account(ANN), opening(2, shown("one")));
    world.when(account(ANN), send("two")).then_allowed();
}

#[test]
fn backup_codes_come_with_the_first_factor_of_codes() {
    assert_eq!(factors(&sent().0).codes_left(), BACKUP_CODES);
    let (world, address_id) = with_mail();
    let world = world.and(account(ANN), enrol()).and(account(ANN), confirm(100));
    let enable = EnableCodeFactor { address_id, digests: Vec::new(), notice: None };
    let world = world.and(account(ANN), enable);
    assert_eq!(factors(&world).codes_left(), BACKUP_CODES, "those there are stay");
}

#[test]
fn a_code_that_was_sent_is_good_for_ten_minutes_and_not_a_moment_more() {
    let late = |ms| sent().0.later(ms).when(account(ANN), opening(2, shown("one")));
    late(CODE_MS - 1).then_allowed();
    late(CODE_MS).then_rejected(SessionRejection::CodeInvalid);
}

#[test]
fn codes_go_to_the_proved_address_that_was_chosen_and_nowhere_else() {
    let not_found = FactorRejection::NotFound;
    let (world, _) = with_mail();
    let foreign =
        EnableCodeFactor { address_id: AddressId(account(9).0), digests: digests(), notice: None };
    world
        .when(account(ANN), foreign)
        .then_rejected(not_found)
        .when(account(ANN), send("one"))
        .then_rejected(not_found);
    let (world, _) = sent();
    let other = SendFactorCode { claim_id: name("mail:b"), ..send("two") };
    world.when(account(ANN), other).then_rejected(not_found);
}

#[test]
fn an_address_that_codes_go_to_is_not_given_up_before_the_codes_are() {
    let (world, address_id) = sent();
    let prove =
        ConfirmSession { session_id: session(1), credential: Some(0), factor: shown("one") };
    let world = world
        .when(account(ANN), RemoveAddress { address_id })
        .then_rejected(AddressRejection::NotFresh)
        .and(account(ANN), prove)
        .when(account(ANN), RemoveAddress { address_id })
        .then_rejected(AddressRejection::IsFactor)
        .and(account(ANN), DISABLE)
        .when(account(ANN), DISABLE)
        .then([]);
    assert!(!factors(&world).are_asked_for());
    world.when(account(ANN), RemoveAddress { address_id }).then_allowed();
}

#[test]
fn backup_codes_go_with_the_last_factor() {
    let (world, address_id) = with_mail();
    let world = world
        .and(account(ANN), enrol())
        .and(account(ANN), confirm(100))
        .and(account(ANN), EnableCodeFactor { address_id, digests: digests(), notice: None })
        .when(account(ANN), EnableCodeFactor { address_id, digests: digests(), notice: None })
        .then([])
        .and(account(ANN), RemoveTotp {});
    assert_eq!(factors(&world).codes_left(), BACKUP_CODES);
    let world = world.and(account(ANN), DISABLE);
    assert_eq!(factors(&world).codes_left(), 0);
}

#[test]
fn a_code_that_was_sent_is_enough_where_the_server_demands_a_factor() {
    let demand =
        ChangeSettings { registration: None, staff_second_factor: None, second_factor: Some(true) };
    let (world, address_id) = with_mail();
    let world = world.and(account(ANN), ClaimSetup {}).and(account(ANN), demand);
    let limited = |world: &Given| world.document::<Session>(session(2)).unwrap().limited;
    let world = world.and(account(ANN), opening(2, None)).from(at(2));
    let world =
        world.and(account(ANN), EnableCodeFactor { address_id, digests: digests(), notice: None });
    assert!(limited(&world), "no code was shown yet");
    let world = world.and(account(ANN), send("one"));
    let prove =
        ConfirmSession { session_id: session(2), credential: Some(0), factor: shown("one") };
    let world = world.and(account(ANN), prove);
    assert!(!limited(&world));
    world.when(account(ANN), DISABLE).then_rejected(FactorRejection::Demanded);
}

#[test]
fn a_code_belongs_to_one_account_and_one_channel() {
    let of = |account_, channel, code| {
        super::super::codes::sent_digest(account_, channel, code, &[1; 32])
    };
    let one = of(account(ANN), Channel::Mail, "123456");
    assert_eq!(one, of(account(ANN), Channel::Mail, " 123456 "));
    assert_ne!(one, of(account(2), Channel::Mail, "123456"));
    assert_ne!(one, of(account(ANN), Channel::Sms, "123456"));
    assert_ne!(one, of(account(ANN), Channel::Mail, "123457"));
}
