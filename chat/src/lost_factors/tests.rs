//! The law of lost factors.

use super::*;
use crate::accounts::{AccountId, ChangePassword, PasswordChanged};
use crate::factors::{BACKUP_CODES, ConfirmTotp, EnrolTotp, FactorId, FactorProof, Factors};
use crate::identities::{IdentityProof, LinkIdentity, NewIdentity};
use crate::kernel::testing::{Given, account, given, name};
use crate::kernel::{Origin, Personal, StreamId};
use crate::outbox::{Channel, Fields};
use crate::passkeys::{AddPasskey, PasskeyId, Passkeys};
use crate::recovery::ResetPassword;
use crate::sessions::{
    Client, ConfirmSession, EndSessions, OpenSession, OpenSessions, Session, SessionId,
    SessionRejection,
};

const DELAY_MS: i64 = 72 * 3_600 * 1_000;

fn ann() -> AccountId {
    account(1)
}

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn at(n: u8) -> Origin {
    Origin { session_id: Some(session(n)), address: None }
}

fn opening(n: u8, factor: Option<FactorProof>) -> OpenSession {
    let client = Client::default();
    OpenSession {
        session_id: session(n),
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor,
        allowed: None,
    }
}

fn code(step: u64) -> Option<FactorProof> {
    Some(FactorProof::Totp { factor_id: FactorId(ann().0), step })
}

fn lost() -> Option<FactorProof> {
    Some(FactorProof::Lost { alerts: alerts() })
}

fn alerts() -> Vec<Alert> {
    let alert = |channel, to: &str| Alert {
        channel,
        to: to.to_owned(),
        locale: "en".to_owned(),
        fields: Fields::new(),
    };
    vec![alert(Channel::Mail, "ann@example.org"), alert(Channel::Sms, "+4915112345678")]
}

/// Ann with a one-time password and a passkey.
fn set_up() -> Given {
    let (factor_id, digests) = (FactorId(ann().0), vec!["digest".to_owned(); BACKUP_CODES]);
    let (name, credential) = ("phone".to_owned(), "credential".to_owned());
    given()
        .person(1, "ann")
        .from(at(1))
        .and(ann(), opening(1, None))
        .and(ann(), EnrolTotp { factor_id, secret: "secret".to_owned() })
        .and(ann(), ConfirmTotp { factor_id, step: 100, digests, notice: None })
        .and(ann(), AddPasskey { passkey_id: PasskeyId(ann().0), name, credential, notice: None })
}

fn asking(nonce: u64) -> RequestFactorRecovery {
    RequestFactorRecovery {
        credential: Some(0),
        identity: None,
        nonce,
        delay_ms: DELAY_MS,
        alerts: alerts(),
    }
}

fn asked() -> Given {
    set_up().and(ann(), asking(7))
}

fn kinds(world: &Given) -> Vec<&'static str> {
    world.history().iter().map(|it| it.event.name()).collect()
}

fn waits(world: &Given) -> bool {
    world.document::<LostFactor>(ann()).is_some_and(|it| it.waiting.is_some())
}

const NOT_DUE: SessionRejection = SessionRejection::NotRecovered;

#[test]
fn asking_changes_nothing_and_tells_every_address() {
    let before = kinds(&set_up()).len();
    let world = asked();
    let told = ["MessageQueued", "MessageQueued"];
    assert_eq!(kinds(&world)[before..], [&["FactorRecoveryRequested"][..], &told].concat());
    assert!(waits(&world));
    assert!(!world.document::<Session>(session(1)).unwrap().ended);
    world
        .when(ann(), opening(2, None))
        .then_rejected(SessionRejection::FactorNeeded)
        .when(ann(), opening(2, lost()))
        .then_rejected(NOT_DUE)
        .when(ann(), opening(2, code(101)))
        .then_allowed();
}

#[test]
fn it_is_due_after_its_delay_and_not_a_moment_before_and_lapses() {
    let late = |ms| asked().later(ms).when(ann(), opening(2, lost()));
    late(DELAY_MS - 1).then_rejected(NOT_DUE);
    late(DELAY_MS).then_allowed();
    late(DELAY_MS + USABLE_MS - 1).then_allowed();
    late(DELAY_MS + USABLE_MS).then_rejected(NOT_DUE);
}

#[test]
fn completing_it_removes_every_factor_ends_the_other_sessions_and_is_told_again() {
    let world = asked().later(DELAY_MS).and(ann(), opening(2, lost()));
    let factors = world.document::<Factors>(ann()).unwrap();
    assert!(!factors.are_asked_for() && factors.codes_left() == 0);
    assert_eq!(world.document::<Passkeys>(ann()).unwrap().held, []);
    assert!(world.document::<Session>(session(1)).unwrap().ended);
    let open = world.document::<OpenSessions>(ann()).unwrap();
    assert_eq!(open.others(None), [session(2)]);
    assert_eq!(kinds(&world).iter().filter(|it| **it == "MessageQueued").count(), 4);
    assert!(!world.document::<Session>(session(2)).unwrap().factor);
    world
        .when(ann(), opening(3, lost()))
        .then_rejected(NOT_DUE)
        .when(ann(), opening(3, None))
        .then_allowed();
}

#[test]
fn a_session_or_the_link_cancels_it_for_good() {
    let link = LostFactorRejection::LinkInvalid;
    for nonce in [None, Some(7)] {
        let world = asked().when(ann(), CancelFactorRecovery { nonce: Some(8) });
        let world = world.then_rejected(link).and(ann(), CancelFactorRecovery { nonce });
        assert!(!waits(&world));
        let world = world.when(ann(), CancelFactorRecovery { nonce: None }).then([]);
        let world = world.when(ann(), CancelFactorRecovery { nonce: Some(7) });
        let world = world.then_rejected(link).later(DELAY_MS);
        world.when(ann(), opening(2, lost())).then_rejected(NOT_DUE);
    }
}

#[test]
fn whoever_shows_a_factor_has_not_lost_it() {
    let world = asked().and(ann(), opening(2, code(101)));
    assert!(!waits(&world) && kinds(&world).contains(&"FactorRecoveryCancelled"));
    let prove = ConfirmSession { session_id: session(1), credential: Some(0), factor: code(101) };
    assert!(!waits(&asked().and(ann(), prove.clone())));
    let late = asked().later(DELAY_MS);
    let prove = ConfirmSession { factor: lost(), ..prove };
    late.when(ann(), prove).then_rejected(SessionRejection::ConfirmFailed);
}

#[test]
fn a_changed_password_or_a_new_factor_voids_it() {
    let (password, notice) = ("new".to_owned(), None);
    let change = ChangePassword { password, credential: 0, end_others: false, notice };
    let world = asked().and(ann(), change).later(DELAY_MS);
    let reopening = OpenSession { credential: Some(1), ..opening(2, lost()) };
    world.when(ann(), reopening).then_rejected(NOT_DUE);
    let (factor_id, digests) = (FactorId(account(9).0), vec!["digest".to_owned(); BACKUP_CODES]);
    let world = asked()
        .and(ann(), EnrolTotp { factor_id, secret: "secret".to_owned() })
        .and(ann(), ConfirmTotp { factor_id, step: 1, digests, notice: None })
        .later(DELAY_MS);
    world.when(ann(), opening(2, lost())).then_rejected(NOT_DUE);
    let (passkey_id, name) = (PasskeyId(account(9).0), "desk".to_owned());
    let credential = "credential".to_owned();
    let add = AddPasskey { passkey_id, name, credential, notice: None };
    assert!(!waits(&asked().and(ann(), add)));
}

#[test]
fn somebody_must_be_told() {
    let nobody = || RequestFactorRecovery { alerts: Vec::new(), ..asking(7) };
    set_up().when(ann(), nobody()).then_allowed();
    let alone = set_up().and(ann(), EndSessions { keep_current: false });
    let alone = alone.when(ann(), nobody()).then_rejected(LostFactorRejection::NobodyTold);
    alone.when(ann(), asking(7)).then_allowed();
}

#[test]
fn an_identity_proves_enough_to_ask_and_is_not_used_up() {
    let identity = NewIdentity {
        claim_id: name("corp:ann"),
        provider_id: "corp".to_owned(),
        issuer: "https://corp.example".to_owned(),
        subject: "ann".to_owned(),
        label: None,
        ceremony: "linking".to_owned(),
    };
    let (claim_id, ceremony) = (identity.claim_id, "signing in".to_owned());
    let identity_proof = |claim_id| Some(IdentityProof { claim_id, ceremony: ceremony.clone() });
    let by = |identity| RequestFactorRecovery { credential: None, identity, ..asking(7) };
    let stranger = set_up().when(ann(), by(identity_proof(claim_id)));
    let world = stranger.then_rejected(LostFactorRejection::ChallengeInvalid);
    let world = world.and(ann(), LinkIdentity { identity, notice: None });
    let world = world.and(ann(), by(identity_proof(claim_id))).later(DELAY_MS);
    let proof = identity_proof(claim_id);
    let open = OpenSession { credential: None, identity: proof, ..opening(2, lost()) };
    world.when(ann(), open).then_allowed();
}

#[test]
fn one_waits_at_a_time_and_three_may_be_asked_for_in_a_day() {
    let world = asked().when(ann(), asking(8)).then([]);
    let cancel = || CancelFactorRecovery { nonce: None };
    let mut world = world.and(ann(), cancel());
    for nonce in 8..10 {
        world = world.later(1).and(ann(), asking(nonce)).and(ann(), cancel());
    }
    let many = LostFactorRejection::TooMany;
    let world = world.when(ann(), asking(10)).then_rejected(many);
    let world = world.later(REQUESTS_MS - 3).when(ann(), asking(10)).then_rejected(many);
    let world = world.later(1).and(ann(), asking(10)).and(ann(), cancel());
    world.when(ann(), asking(11)).then_rejected(many);
}

#[test]
fn it_takes_the_password_of_now_and_something_to_lose() {
    let stale = RequestFactorRecovery { credential: Some(1), ..asking(1) };
    set_up().when(ann(), stale).then_rejected(LostFactorRejection::ChallengeInvalid);
    let bare = given().person(1, "ann");
    bare.when(ann(), asking(1)).then_rejected(LostFactorRejection::NothingLost);
}

#[test]
fn a_new_password_by_mail_completes_it_too() {
    let reset =
        |factor| ResetPassword { password: "new".to_owned(), credential: 0, factor, notice: None };
    let needed = crate::recovery::RecoveryRejection::NotRecovered;
    let world = asked().later(DELAY_MS - 1);
    let world = world.when(ann(), reset(lost())).then_rejected(needed);
    let world = world.later(1).and(ann(), reset(lost()));
    assert!(!world.document::<Factors>(ann()).unwrap().are_asked_for());
    assert!(world.document::<Session>(session(1)).unwrap().ended);
}

#[test]
fn a_password_that_changed_before_anything_was_asked_for_is_no_matter() {
    let changed = PasswordChanged {
        account_id: ann(),
        password: Personal::new("hash".to_owned()),
        origin: None,
    };
    let world = given().happened(StreamId::Account(ann()), ann(), changed.into());
    assert_eq!(world.document::<LostFactor>(ann()), None);
}
