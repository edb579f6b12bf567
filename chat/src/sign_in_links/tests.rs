//! The law of sign-in links.

use super::*;
use crate::accounts::{AccountId, ChangePassword};
use crate::addresses::{AddressId, Addresses, ConfirmAddress, ProposeAddress, RemoveAddress};
use crate::instance::{ClaimSetup, SuspendAccount};
use crate::kernel::Origin;
use crate::kernel::testing::{Given, account, given, name};
use crate::outbox::{Channel, Fields};
use crate::sessions::{Client, OpenSession, SessionId};

fn ann() -> AccountId {
    account(1)
}

fn at(n: u8) -> Origin {
    Origin { session_id: Some(SessionId(account(n).0)), address: None }
}

fn opening(n: u8) -> OpenSession {
    let (session_id, client) = (SessionId(account(n).0), Client::default());
    OpenSession {
        session_id,
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    }
}

fn proposing() -> ProposeAddress {
    ProposeAddress {
        channel: Channel::Mail,
        address: "ann@example.org".to_owned(),
        claim_id: name("mail:ann@example.org"),
        code: "123456".to_owned(),
        locale: "en".to_owned(),
        name: "Ann".to_owned(),
        server: "chat.example".to_owned(),
    }
}

/// Ann, who has proved an address.
fn proved() -> (Given, AddressId) {
    let world = given().person(1, "ann").from(at(1)).and(ann(), opening(1));
    let world = world.and(ann(), proposing());
    let address_id = world.document::<Addresses>(ann()).unwrap().pending.unwrap().id;
    (world.and(ann(), ConfirmAddress { address_id }), address_id)
}

fn asking(address_id: AddressId, nonce: u64) -> RequestSignInLink {
    let (to, locale) = ("ann@example.org".to_owned(), "en".to_owned());
    RequestSignInLink { address_id, nonce, to, locale, fields: Fields::new() }
}

fn sent() -> (Given, AddressId) {
    let (world, address_id) = proved();
    (world.and(ann(), asking(address_id, 7)), address_id)
}

const INVALID: SignInLinkRejection = SignInLinkRejection::LinkInvalid;

#[test]
fn a_link_is_taken_once() {
    let (world, _) = sent();
    world
        .when(ann(), UseSignInLink { nonce: 8 })
        .then_rejected(INVALID)
        .and(ann(), UseSignInLink { nonce: 7 })
        .when(ann(), UseSignInLink { nonce: 7 })
        .then_rejected(INVALID);
}

#[test]
fn a_link_is_good_for_a_quarter_of_an_hour_and_not_a_moment_more() {
    let late = |ms| sent().0.later(ms).when(ann(), UseSignInLink { nonce: 7 });
    late(LINK_MS - 1).then_allowed();
    late(LINK_MS).then_rejected(INVALID);
}

#[test]
fn only_the_link_that_was_asked_for_last_is_taken() {
    let (world, address_id) = sent();
    let world = world.and(ann(), asking(address_id, 9));
    let world = world.when(ann(), UseSignInLink { nonce: 7 }).then_rejected(INVALID);
    world.when(ann(), UseSignInLink { nonce: 9 }).then_allowed();
}

#[test]
fn a_changed_password_or_address_voids_it() {
    let (world, _) = sent();
    let (password, notice) = ("new".to_owned(), None);
    let change = ChangePassword { password, credential: 0, end_others: false, notice };
    let world = world.and(ann(), change);
    world.when(ann(), UseSignInLink { nonce: 7 }).then_rejected(INVALID);
    let (world, address_id) = sent();
    let world = world.and(ann(), RemoveAddress { address_id });
    world.when(ann(), UseSignInLink { nonce: 7 }).then_rejected(INVALID);
    let (world, _) = sent();
    let world = world.and(ann(), ProposeAddress { claim_id: name("mail:b"), ..proposing() });
    let address_id = world.document::<Addresses>(ann()).unwrap().pending.unwrap().id;
    let world = world.and(ann(), ConfirmAddress { address_id });
    world.when(ann(), UseSignInLink { nonce: 7 }).then_rejected(INVALID);
}

#[test]
fn a_link_goes_to_a_proved_address_of_an_account_in_use_only() {
    let not_found = SignInLinkRejection::NotFound;
    let (world, _) = proved();
    world.when(ann(), asking(AddressId(account(9).0), 1)).then_rejected(not_found);
    let (world, address_id) = proved();
    let world = world.person(2, "bob").from(at(2)).and(account(2), opening(2));
    let world = world.and(account(2), ClaimSetup {});
    let suspend = SuspendAccount { account_id: ann(), reason: "spam".to_owned() };
    let world = world.and(account(2), suspend);
    world.when(ann(), asking(address_id, 1)).then_rejected(not_found);
}
