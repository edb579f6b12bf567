//! The law of addresses.

use super::*;
use crate::accounts::{AccountId, NameId};
use crate::kernel::testing::{Given, account, given, name, open};
use crate::kernel::{Origin, Recorded};
use crate::outbox::{Channel, Fields, OutboxEvent};
use crate::sessions::{Client, FRESH_MS, OpenSession, SessionId};

const ANN: u8 = 1;

fn ann() -> AccountId {
    account(ANN)
}

fn at() -> Origin {
    Origin { session_id: Some(SessionId(ann().0)), address: None }
}

fn signed_in() -> Given {
    let (session_id, client) = (SessionId(ann().0), Client::default());
    let opening = OpenSession {
        session_id,
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    };
    given().person(ANN, "ann").from(at()).and(ann(), opening)
}

fn claim(address: &str) -> NameId {
    name(&format!("mail:{address}"))
}

fn propose(address: &str) -> ProposeAddress {
    ProposeAddress {
        channel: Channel::Mail,
        address: address.to_owned(),
        claim_id: claim(address),
        code: "123456".to_owned(),
        locale: "en".to_owned(),
        name: "Ann".to_owned(),
        server: "chat.example".to_owned(),
    }
}

fn addresses(world: &Given) -> Addresses {
    world.document::<Addresses>(ann()).unwrap_or_default()
}

/// A world in which an address is proposed, and the id of the proposal.
fn proposed(world: Given, address: &str) -> (Given, AddressId) {
    let world = world.and(ann(), propose(address));
    let id = addresses(&world).pending.unwrap().id;
    (world, id)
}

fn proved(world: Given, address: &str) -> Given {
    let (world, address_id) = proposed(world, address);
    world.and(ann(), ConfirmAddress { address_id })
}

#[test]
fn a_proposal_sends_its_code_to_the_address() {
    let (world, _) = proposed(signed_in(), "ann@example.org");
    let queued = world.history().iter().find_map(|it: &Recorded| {
        let OutboxEvent::MessageQueued(it) = OutboxEvent::of(&it.event)? else { return None };
        Some(it.clone())
    });
    let queued = queued.unwrap();
    assert_eq!(open(&queued.to).as_deref(), Some("ann@example.org"));
    let fields: Fields = open(&queued.fields).unwrap();
    assert_eq!((fields["code"].as_str(), fields["name"].as_str()), ("123456", "Ann"));
    assert_eq!(addresses(&world).confirmed, []);
}

#[test]
fn an_address_is_ones_own_once_it_is_confirmed() {
    let (world, address_id) = proposed(signed_in(), "ann@example.org");
    let world = world
        .and(ann(), ConfirmAddress { address_id })
        .when(ann(), ConfirmAddress { address_id })
        .then([]);
    let known = addresses(&world);
    assert_eq!((known.confirmed.len(), known.pending), (1, None));
    assert_eq!(known.confirmed[0].claim_id, claim("ann@example.org"));
}

#[test]
fn a_proposal_is_good_for_ten_minutes_and_five_tries() {
    let invalid = AddressRejection::CodeInvalid;
    let (world, address_id) = proposed(signed_in(), "ann@example.org");
    let tried = || TryAddress { address_id };
    let world = (0..TRIES_MAX).fold(world, |world, _| world.and(ann(), tried()));
    world.when(ann(), tried()).then_rejected(invalid);
    let (world, address_id) = proposed(signed_in(), "ann@example.org");
    let confirm = ConfirmAddress { address_id };
    let world = world.later(CODE_MS);
    world.when(ann(), confirm.clone()).then_rejected(invalid);
    let (world, _) = proposed(signed_in(), "ann@example.org");
    world.later(CODE_MS - 1).when(ann(), confirm).then_allowed();
    let (world, address_id) = proposed(signed_in(), "ann@example.org");
    let (world, _) = proposed(world, "other@example.org");
    world.when(ann(), TryAddress { address_id }).then_rejected(invalid);
}

#[test]
fn five_addresses_are_proved_and_not_one_more() {
    let address = |n: usize| format!("ann{n}@example.org");
    let world = (0..ADDRESSES_MAX).fold(signed_in(), |world, n| proved(world, &address(n)));
    let world = world
        .when(ann(), propose(&address(ADDRESSES_MAX)))
        .then_rejected(AddressRejection::TooMany);
    // One that is the person's already takes no further place.
    let world = proved(world, &address(0));
    assert_eq!(addresses(&world).confirmed.len(), ADDRESSES_MAX);
}

#[test]
fn changing_addresses_asks_for_a_fresh_proof() {
    let stale = AddressRejection::NotFresh;
    let late = || proved(signed_in(), "ann@example.org").later(FRESH_MS + 1);
    let address_id = addresses(&late()).confirmed[0].id;
    late().when(ann(), propose("other@example.org")).then_rejected(stale);
    late().when(ann(), RemoveAddress { address_id }).then_rejected(stale);
    let world = proved(signed_in(), "ann@example.org");
    let world = world.and(ann(), RemoveAddress { address_id });
    assert_eq!(addresses(&world).confirmed, []);
    world.when(ann(), RemoveAddress { address_id }).then_rejected(AddressRejection::NotFound);
}

#[test]
fn addresses_are_one_however_they_are_written() {
    assert_eq!(mail(" Ann@Example.ORG").as_deref(), Ok("ann@example.org"));
    assert_eq!(phone("+49 (151) 123-45.678").as_deref(), Ok("+4915112345678"));
    let longest = format!("{}@{}.org", "a".repeat(64), "b".repeat(63));
    assert!(mail(&longest).is_ok());
    for bad in ["", "ann", "@b.c", "a@", "A <a@b.c>", "a@b.c, d@e.f", "a@b.c\r\nBcc: x@y.z"] {
        assert_eq!(mail(bad), Err(AddressRejection::Invalid), "{bad:?}");
    }
    for bad in ["", "123", "+0123456789", "+1234567", "+1234567890123456", "+12345678x"] {
        assert_eq!(phone(bad), Err(AddressRejection::Invalid), "{bad:?}");
    }
}
