//! The law of recovery.

use super::*;
use crate::accounts::{AccountId, Credential};
use crate::addresses::{Addresses, ConfirmAddress, ProposeAddress};
use crate::factors::{BACKUP_CODES, ConfirmTotp, EnrolTotp, FactorId, FactorProof};
use crate::kernel::Origin;
use crate::kernel::testing::{Given, account, given, name, open};
use crate::outbox::{Channel, Fields};
use crate::sessions::{Client, OpenSession, Session, SessionId};

fn ann() -> AccountId {
    account(1)
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
    let at = Origin { session_id: Some(session_id), address: None };
    given().person(1, "ann").from(at).and(ann(), opening)
}

fn reset(credential: u64, factor: Option<FactorProof>) -> ResetPassword {
    ResetPassword { password: "new".to_owned(), credential, factor, notice: None }
}

#[test]
fn a_password_is_reset_once_for_its_generation_and_ends_every_session() {
    let invalid = RecoveryRejection::LinkInvalid;
    let world = signed_in().and(ann(), reset(0, None));
    let credential = world.document::<Credential>(ann()).unwrap();
    assert_eq!(open(&credential.password.unwrap()).as_deref(), Some("new"));
    assert!(world.document::<Session>(SessionId(ann().0)).unwrap().ended);
    world.when(ann(), reset(0, None)).then_rejected(invalid);
    given().when(ann(), reset(0, None)).then_rejected(invalid);
}

#[test]
fn a_reset_takes_the_second_factor_too() {
    let factor_id = FactorId(ann().0);
    let digests = vec!["digest".to_owned(); BACKUP_CODES];
    let world = signed_in()
        .and(ann(), EnrolTotp { factor_id, secret: "secret".to_owned() })
        .and(ann(), ConfirmTotp { factor_id, step: 1, digests, notice: None });
    let code = |step| Some(FactorProof::Totp { factor_id, step });
    world
        .when(ann(), reset(0, None))
        .then_rejected(RecoveryRejection::FactorNeeded)
        .when(ann(), reset(0, code(1)))
        .then_rejected(RecoveryRejection::CodeInvalid)
        .when(ann(), reset(0, code(2)))
        .then_allowed();
}

#[test]
fn a_link_goes_to_a_proved_address_only() {
    let propose = ProposeAddress {
        channel: Channel::Mail,
        address: "ann@example.org".to_owned(),
        claim_id: name("mail:ann@example.org"),
        code: "123456".to_owned(),
        locale: "en".to_owned(),
        name: "Ann".to_owned(),
        server: "chat.example".to_owned(),
    };
    let world = signed_in().and(ann(), propose);
    let address_id = world.document::<Addresses>(ann()).unwrap().pending.unwrap().id;
    let world = world.and(ann(), ConfirmAddress { address_id });
    let notice =
        Notice { to: "ann@example.org".to_owned(), locale: "en".to_owned(), fields: Fields::new() };
    let request = RequestReset { address_id, notice };
    world.when(ann(), request.clone()).then_allowed();
    signed_in().when(ann(), request).then_rejected(RecoveryRejection::NotFound);
}
