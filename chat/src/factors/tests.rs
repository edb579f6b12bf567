//! The law of second factors.

use super::codes::{digest, fresh_codes, fresh_secret, totp};
use super::*;
use crate::instance::{ChangeSettings, ClaimSetup};
use crate::kernel::Origin;
use crate::kernel::testing::{Given, account, given};
use crate::sessions::{
    Client, ConfirmSession, FRESH_MS, OpenSession, Session, SessionId, SessionRejection,
};

pub(super) const ANN: u8 = 1;

fn factor(n: u8) -> FactorId {
    FactorId(account(n).0)
}

pub(super) fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

pub(super) fn at(n: u8) -> Origin {
    Origin { session_id: Some(session(n)), address: None }
}

pub(super) fn opening(n: u8, factor: Option<FactorProof>) -> OpenSession {
    OpenSession {
        session_id: session(n),
        client: Client::default(),
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor,
        allowed: None,
    }
}

fn code(step: u64) -> Option<FactorProof> {
    Some(FactorProof::Totp { factor_id: factor(ANN), step })
}

fn backup(index: usize) -> Option<FactorProof> {
    Some(FactorProof::BackupCode { index, digest: format!("{index:032x}") })
}

pub(super) fn digests() -> Vec<String> {
    (0..BACKUP_CODES).map(|it| format!("{it:032x}")).collect()
}

pub(super) fn enrol() -> EnrolTotp {
    EnrolTotp { factor_id: factor(ANN), secret: "JBSWY3DPEHPK3PXP".to_owned() }
}

pub(super) fn confirm(step: u64) -> ConfirmTotp {
    ConfirmTotp { factor_id: factor(ANN), step, digests: digests(), notice: None }
}

pub(super) fn signed_in() -> Given {
    given().person(ANN, "ann").from(at(1)).and(account(ANN), opening(1, None))
}

fn set_up() -> Given {
    signed_in().and(account(ANN), enrol()).and(account(ANN), confirm(100))
}

pub(super) fn factors(world: &Given) -> Factors {
    world.document::<Factors>(account(ANN)).unwrap_or_default()
}

#[test]
fn one_time_passwords_are_asked_for_once_the_first_was_shown() {
    let world = signed_in().and(account(ANN), enrol());
    assert!(!factors(&world).are_asked_for());
    let world = world.and(account(ANN), opening(2, None));
    let world = world.and(account(ANN), confirm(100));
    assert!(factors(&world).are_asked_for());
    assert_eq!(factors(&world).codes_left(), BACKUP_CODES);
    world
        .when(account(ANN), opening(3, None))
        .then_rejected(SessionRejection::FactorNeeded)
        .when(account(ANN), opening(3, code(101)))
        .then_allowed();
}

#[test]
fn a_code_is_taken_once_and_none_that_is_older() {
    let invalid = SessionRejection::CodeInvalid;
    set_up()
        .when(account(ANN), opening(2, code(100)))
        .then_rejected(invalid)
        .and(account(ANN), opening(2, code(101)))
        .when(account(ANN), opening(3, code(101)))
        .then_rejected(invalid)
        .when(account(ANN), opening(3, code(99)))
        .then_rejected(invalid)
        .when(account(ANN), opening(3, code(102)))
        .then_allowed();
}

#[test]
fn a_code_of_a_secret_that_was_replaced_is_taken_no_more() {
    let again = EnrolTotp { factor_id: factor(2), ..enrol() };
    let world = set_up().and(account(ANN), again);
    let world = world.and(account(ANN), ConfirmTotp { factor_id: factor(2), ..confirm(200) });
    world.when(account(ANN), opening(2, code(300))).then_rejected(SessionRejection::CodeInvalid);
}

#[test]
fn a_backup_code_is_taken_once() {
    let world = set_up().and(account(ANN), opening(2, backup(3)));
    assert_eq!(factors(&world).codes_left(), BACKUP_CODES - 1);
    let invalid = SessionRejection::CodeInvalid;
    world
        .when(account(ANN), opening(3, backup(3)))
        .then_rejected(invalid)
        .when(account(ANN), opening(3, backup(BACKUP_CODES)))
        .then_rejected(invalid)
        .and(account(ANN), opening(3, backup(4)))
        .and(account(ANN), MakeBackupCodes { digests: digests() })
        .when(account(ANN), opening(4, backup(3)))
        .then_allowed();
}

#[test]
fn five_codes_may_be_tried_and_then_one_waits_ten_minutes() {
    let mut world = set_up();
    for _ in 0..TRIES_MAX {
        world = world.later(1).and(account(ANN), TryFactor { enrolling: false });
    }
    let many = FactorRejection::TooManyTries;
    let world = world.when(account(ANN), TryFactor { enrolling: false }).then_rejected(many);
    let world = world
        .later(TRIES_MS - 1)
        .when(account(ANN), TryFactor { enrolling: false })
        .then_rejected(many);
    world.later(1).when(account(ANN), TryFactor { enrolling: false }).then_allowed();
}

#[test]
fn the_wait_doubles_with_every_five_that_fail_up_to_a_day() {
    let guess = || TryFactor { enrolling: false };
    let many = FactorRejection::TooManyTries;
    let mut world = set_up();
    let mut wait = TRIES_MS;
    for _ in 0..10 {
        for _ in 0..TRIES_MAX {
            world = world.and(account(ANN), guess());
        }
        world = world.later(wait - 1).when(account(ANN), guess()).then_rejected(many).later(1);
        wait = (2 * wait).min(TRIES_MS_MAX);
    }
    assert_eq!(wait, TRIES_MS_MAX);
    let world = world.and(account(ANN), guess()).and(account(ANN), opening(2, code(101)));
    assert_eq!(factors(&world).wait_ms(world.last_context(account(ANN)).now), None);
}

#[test]
fn who_may_set_up_nothing_spends_no_tries() {
    let guess = || TryFactor { enrolling: true };
    let world = set_up();
    let world = world.when(account(ANN), guess());
    let world = world.then_rejected(FactorRejection::NothingPending);
    let world = world.and(account(ANN), enrol()).when(account(ANN), guess()).then_allowed();
    let stale = world.later(FRESH_MS + 1).when(account(ANN), guess());
    stale.then_rejected(FactorRejection::NotFresh);
}

#[test]
fn a_code_that_fits_begins_the_count_anew() {
    let mut world = set_up();
    for step in 101..120 {
        world = world
            .and(account(ANN), TryFactor { enrolling: false })
            .and(account(ANN), opening(2, code(step)));
    }
    assert_eq!(factors(&world).tries, 0);
}

#[test]
fn setting_up_and_removing_ask_for_a_fresh_proof() {
    let stale = FactorRejection::NotFresh;
    let late = || signed_in().and(account(ANN), enrol()).later(FRESH_MS + 1);
    late().when(account(ANN), enrol()).then_rejected(stale);
    late().when(account(ANN), confirm(1)).then_rejected(stale);
    let late = || set_up().later(FRESH_MS + 1);
    late().when(account(ANN), RemoveTotp {}).then_rejected(stale);
    late().when(account(ANN), MakeBackupCodes { digests: digests() }).then_rejected(stale);
    set_up().from(Origin::default()).when(account(ANN), RemoveTotp {}).then_rejected(stale);
}

#[test]
fn a_fresh_proof_takes_the_second_factor_too() {
    let prove = |factor| ConfirmSession { session_id: session(1), credential: Some(0), factor };
    let world = set_up().later(FRESH_MS + 1);
    let world = world
        .when(account(ANN), prove(None))
        .then_rejected(SessionRejection::FactorNeeded)
        .and(account(ANN), prove(code(101)))
        .when(account(ANN), prove(code(101)))
        .then_rejected(SessionRejection::CodeInvalid);
    world.when(account(ANN), RemoveTotp {}).then_allowed();
}

#[test]
fn a_session_that_was_proved_without_the_factor_of_now_changes_nothing() {
    let stale = FactorRejection::NotFresh;
    let world = signed_in().and(account(ANN), opening(2, None));
    let world = world.and(account(ANN), enrol()).and(account(ANN), confirm(100));
    let others = world.from(at(2));
    let others = others.when(account(ANN), RemoveTotp {}).then_rejected(stale);
    let others = others.when(account(ANN), enrol()).then_rejected(stale);
    let make = MakeBackupCodes { digests: digests() };
    let others = others.when(account(ANN), make.clone()).then_rejected(stale);
    let prove = ConfirmSession { session_id: session(2), credential: Some(0), factor: code(101) };
    others.and(account(ANN), prove).when(account(ANN), make).then_allowed();
}

#[test]
fn a_backup_code_that_was_replaced_is_taken_no_more() {
    let others: Vec<_> = (0..BACKUP_CODES).map(|it| format!("{:032x}", it + 100)).collect();
    let world = set_up().and(account(ANN), MakeBackupCodes { digests: others });
    world.when(account(ANN), opening(2, backup(3))).then_rejected(SessionRejection::CodeInvalid);
}

#[test]
fn once_removed_a_code_is_not_asked_for_and_backup_codes_are_gone() {
    let world = set_up().and(account(ANN), RemoveTotp {});
    assert_eq!(factors(&world).codes_left(), 0);
    world
        .when(account(ANN), RemoveTotp {})
        .then([])
        .when(account(ANN), opening(2, backup(0)))
        .then_rejected(SessionRejection::CodeInvalid)
        .when(account(ANN), opening(2, None))
        .then_allowed()
        .when(account(ANN), MakeBackupCodes { digests: digests() })
        .then_rejected(FactorRejection::NotFound);
}

#[test]
fn a_code_without_a_pending_secret_sets_nothing_up() {
    let nothing = FactorRejection::NothingPending;
    signed_in().when(account(ANN), confirm(1)).then_rejected(nothing);
    set_up().when(account(ANN), confirm(101)).then_rejected(nothing);
}

#[test]
fn where_the_server_demands_a_factor_a_session_without_is_limited_until_one_is_set_up() {
    let demand =
        ChangeSettings { registration: None, staff_second_factor: None, second_factor: Some(true) };
    let world = signed_in().and(account(ANN), ClaimSetup {}).and(account(ANN), demand);
    let limited = |world: &Given, n| world.document::<Session>(session(n)).unwrap().limited;
    let world = world.and(account(ANN), opening(2, None)).from(at(2));
    assert!(!limited(&world, 1) && limited(&world, 2));
    let world = world.and(account(ANN), enrol()).and(account(ANN), confirm(100));
    assert!(!limited(&world, 2));
    let world = world.and(account(ANN), opening(3, code(101)));
    assert!(!limited(&world, 3));
    world.when(account(ANN), RemoveTotp {}).then_rejected(FactorRejection::Demanded);
}

#[test]
fn codes_are_those_of_rfc_6238() {
    let secret = totp_rs::Secret::from(b"12345678901234567890".to_vec());
    let totp = totp(secret, "chat.example:8080", "ann");
    for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (2_000_000_000, "279037")] {
        assert_eq!(totp.check(code, seconds), Some(seconds / STEP_SECONDS));
        assert_eq!(totp.check(code, seconds + STEP_SECONDS), Some(seconds / STEP_SECONDS));
        assert_eq!(totp.check(code, seconds + 2 * STEP_SECONDS), None);
    }
    for bad in ["", "28708", "2870820", "28708x", "２87082"] {
        assert_eq!(totp.check(bad, 59), None);
    }
    assert!(totp.to_url().unwrap().starts_with("otpauth://totp/chat.example%208080:ann?secret="));
}

#[test]
fn a_backup_code_is_read_however_it_is_written() {
    let made = fresh_codes(&ports::entropy::System);
    assert_eq!(made.len(), BACKUP_CODES);
    let of = |code: &str| digest(account(ANN), code, &[1; 32]);
    assert_eq!(of("ab0c1-deFgh"), of(" ABoCl deFGH "));
    assert_ne!(of("ab0c1-deFgh"), of("ab0c1-deFghx"));
    assert_ne!(of("ab0c1-deFgh"), digest(account(2), "ab0c1-deFgh", &[1; 32]));
    for code in &made {
        assert_eq!(code.len(), 11);
        assert_eq!(made.iter().filter(|it| of(it) == of(code)).count(), 1);
    }
    assert_eq!(fresh_secret(&ports::entropy::System).as_bytes().len(), 20);
}
