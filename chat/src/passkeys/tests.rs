//! The law of passkeys.

use super::*;
use crate::factors::FactorProof;
use crate::instance::{ChangeSettings, ClaimSetup};
use crate::kernel::Origin;
use crate::kernel::testing::{Given, account, given};
use crate::recovery::{RecoveryRejection, ResetPassword};
use crate::sessions::{
    Client, ConfirmSession, FRESH_MS, OpenSession, Session, SessionId, SessionRejection,
};

const ANN: u8 = 1;

fn id(n: u8) -> PasskeyId {
    PasskeyId(account(n).0)
}

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn opening(n: u8, credential: Option<u64>, factor: Option<FactorProof>) -> OpenSession {
    OpenSession {
        session_id: session(n),
        client: Client::default(),
        credential,
        identity: None,
        by_mail: false,
        factor,
        allowed: None,
    }
}

fn add(n: u8) -> AddPasskey {
    AddPasskey {
        passkey_id: id(n),
        name: "phone".to_owned(),
        credential: "{}".to_owned(),
        notice: None,
    }
}

fn shown(n: u8, ceremony: usize, counter: u32) -> Option<FactorProof> {
    let ceremony = format!("{ceremony:032x}");
    Some(FactorProof::Passkey(PasskeyProof { passkey_id: id(n), ceremony, counter }))
}

fn signed_in() -> Given {
    let from = Origin { session_id: Some(session(1)), address: None };
    given().person(ANN, "ann").from(from).and(account(ANN), opening(1, Some(0), None))
}

fn held(world: &Given) -> usize {
    world.document::<Passkeys>(account(ANN)).map_or(0, |it| it.held.len())
}

#[test]
fn a_passkey_opens_a_session_without_a_password_and_nothing_else_does() {
    let world = signed_in().and(account(ANN), add(1));
    let world = world
        .when(account(ANN), opening(2, None, None))
        .then_rejected(SessionRejection::SignInFailed)
        .when(account(ANN), opening(2, None, shown(2, 1, 0)))
        .then_rejected(SessionRejection::PasskeyInvalid)
        .and(account(ANN), opening(2, None, shown(1, 1, 0)));
    assert!(world.document::<Session>(session(2)).unwrap().factor);
}

#[test]
fn a_ceremony_ends_once() {
    let world = signed_in().and(account(ANN), add(1));
    let world = world.and(account(ANN), opening(2, None, shown(1, 1, 0)));
    let again = SessionRejection::PasskeyInvalid;
    world
        .when(account(ANN), opening(3, None, shown(1, 1, 0)))
        .then_rejected(again)
        .later(2 * CEREMONY_MS)
        .when(account(ANN), opening(3, None, shown(1, 1, 0)))
        .then_rejected(again)
        .when(account(ANN), opening(3, None, shown(1, 2, 0)))
        .then_allowed();
}

#[test]
fn a_hundred_ceremonies_end_in_four_minutes() {
    let mut world = signed_in().and(account(ANN), add(1));
    for ceremony in 0..SPENT_MAX {
        world = world.and(account(ANN), opening(2, None, shown(1, ceremony, 0)));
    }
    let full = || opening(2, None, shown(1, SPENT_MAX, 0));
    let world = world.when(account(ANN), full()).then_rejected(SessionRejection::PasskeyInvalid);
    world.later(2 * CEREMONY_MS).when(account(ANN), full()).then_allowed();
}

#[test]
fn adding_one_twice_adds_one_and_the_twenty_first_is_one_too_many() {
    let mut world = signed_in().and(account(ANN), add(1));
    world = world.when(account(ANN), add(1)).then([]);
    for n in 2..=20 {
        world = world.and(account(ANN), add(n));
    }
    assert_eq!(held(&world), PASSKEYS_MAX);
    let world = world.when(account(ANN), add(21)).then_rejected(PasskeyRejection::TooMany);
    world.when(account(ANN), add(20)).then([]);
}

#[test]
fn adding_and_removing_ask_for_a_fresh_proof() {
    let stale = PasskeyRejection::NotFresh;
    let world = signed_in().and(account(ANN), add(1)).later(FRESH_MS + 1);
    let remove = RemovePasskey { passkey_id: id(1) };
    let world = world.when(account(ANN), add(2)).then_rejected(stale);
    world.when(account(ANN), remove).then_rejected(stale);
}

#[test]
fn where_a_factor_is_demanded_the_last_one_stays() {
    let demand =
        ChangeSettings { registration: None, staff_second_factor: None, second_factor: Some(true) };
    let world = signed_in().and(account(ANN), ClaimSetup {}).and(account(ANN), demand);
    let world = world.and(account(ANN), add(1)).and(account(ANN), add(2));
    let remove = |n| RemovePasskey { passkey_id: id(n) };
    world
        .when(account(ANN), opening(2, Some(0), None))
        .then_rejected(SessionRejection::FactorNeeded)
        .and(account(ANN), remove(1))
        .when(account(ANN), remove(1))
        .then_rejected(PasskeyRejection::NotFound)
        .when(account(ANN), remove(2))
        .then_rejected(PasskeyRejection::Demanded);
}

#[test]
fn where_a_factor_is_demanded_a_passkey_is_part_of_every_proof() {
    let demand =
        ChangeSettings { registration: None, staff_second_factor: None, second_factor: Some(true) };
    let world = signed_in().and(account(ANN), ClaimSetup {}).and(account(ANN), demand);
    let world = world.and(account(ANN), add(1));
    let confirm = |factor| ConfirmSession { session_id: session(1), credential: Some(0), factor };
    let reset = |factor| {
        let (password, notice) = ("new".to_owned(), None);
        ResetPassword { password, credential: 0, factor, notice }
    };
    world
        .when(account(ANN), confirm(None))
        .then_rejected(SessionRejection::FactorNeeded)
        .and(account(ANN), confirm(shown(1, 1, 0)))
        .when(account(ANN), reset(None))
        .then_rejected(RecoveryRejection::FactorNeeded)
        .when(account(ANN), reset(shown(1, 2, 0)))
        .then_allowed();
}

#[test]
fn a_session_that_can_only_set_up_a_factor_is_whole_once_a_passkey_was_made_in_it() {
    let demand =
        ChangeSettings { registration: None, staff_second_factor: None, second_factor: Some(true) };
    let world = signed_in().and(account(ANN), ClaimSetup {}).and(account(ANN), demand);
    let world = world.and(account(ANN), opening(2, Some(0), None));
    let limited = |world: &Given| world.document::<Session>(session(2)).unwrap().limited;
    assert!(limited(&world));
    let world = world.from(Origin { session_id: Some(session(2)), address: None });
    let world = world.and(account(ANN), add(1));
    assert!(!limited(&world));
}
