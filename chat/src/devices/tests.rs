//! The law of devices that wait.

use super::*;
use crate::applications::{ApplicationId, Scopes};
use crate::kernel::Origin;
use crate::kernel::testing::{Given, account, given, name};
use crate::sessions::{Client, FRESH_MS, OpenSession, SessionId};

const ANN: u8 = 1;
const DEVICE: u8 = 50;

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn requests(application: Option<(ApplicationId, Scopes)>) -> RequestDevice {
    RequestDevice { code_id: name("device:BCDFGHJK"), application }
}

fn answers(allow: bool) -> AnswerDevice {
    let allowed = allow.then_some((session(9), 0));
    AnswerDevice { code_id: name("device:BCDFGHJK"), allowed }
}

fn signed_in() -> Given {
    let (session_id, client) = (session(ANN), Client::default());
    let opening = OpenSession {
        session_id,
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    };
    let from = Origin { session_id: Some(session_id), address: None };
    given().person(ANN, "ann").from(from).and(account(ANN), opening)
}

fn found(world: &Given) -> Option<DeviceAnswer> {
    world.document::<DeviceCode>(name("device:BCDFGHJK")).and_then(|it| it.answer)
}

#[test]
fn a_device_that_waits_is_answered_once() {
    let world = signed_in().and(account(DEVICE), requests(None));
    assert_eq!(found(&world), None);
    let world = world.and(account(ANN), answers(true));
    assert!(matches!(found(&world), Some(DeviceAnswer::Allowed { .. })));
    let gone = DeviceRejection::NotFound;
    let world = world.when(account(ANN), answers(false)).then_rejected(gone);
    let world = world.when(account(ANN), answers(true)).then_rejected(gone);
    world.when(account(DEVICE), requests(None)).then_rejected(DeviceRejection::Taken);
    let world = signed_in().and(account(DEVICE), requests(None)).and(account(ANN), answers(false));
    assert_eq!(found(&world), Some(DeviceAnswer::Denied));
}

#[test]
fn a_code_stands_for_a_device_for_ten_minutes_and_then_for_another() {
    let world = signed_in().when(account(ANN), answers(true));
    let world = world.then_rejected(DeviceRejection::NotFound);
    let world = world.and(account(DEVICE), requests(None)).later(CODE_MS - 1);
    let world = world.when(account(DEVICE), requests(None)).then_rejected(DeviceRejection::Taken);
    let world = world.later(1).when(account(ANN), answers(false));
    let world = world.then_rejected(DeviceRejection::NotFound);
    world.when(account(DEVICE), requests(None)).then_allowed();
}

#[test]
fn letting_a_device_in_asks_for_a_fresh_proof() {
    let late = || signed_in().later(FRESH_MS + 1);
    let world = late().and(account(DEVICE), requests(None));
    let world = world.when(account(ANN), answers(true)).then_rejected(DeviceRejection::NotFresh);
    world.when(account(ANN), answers(false)).then_allowed();
    let application = Some((ApplicationId(account(3).0), Scopes::default()));
    let world = late().and(account(DEVICE), requests(application));
    world.when(account(ANN), answers(true)).then_rejected(DeviceRejection::NotFresh);
}

#[test]
fn a_code_is_read_however_it_is_written() {
    let code = fresh_code(&ports::entropy::System);
    assert_eq!(code.len(), CODE_LETTERS + 1);
    let letters = code.replace('-', "");
    for way in [code.to_lowercase(), letters.clone(), format!(" {code} "), code.replace('-', " ")] {
        assert_eq!(written(&way), Some(letters.clone()));
    }
    for bad in ["", "BCDF", "BCDF-GHJKL", "ACDF-GHJK", "BCDF_GHJK", "ÄCDF-GHJK"] {
        assert_eq!(written(bad), None, "{bad}");
    }
}
