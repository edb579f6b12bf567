//! The law of sessions.

use super::*;
use crate::Change;
use crate::accounts::{AccountRejection, ChangePassword, PasswordChanged};
use crate::audience::Audience;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Origin, Personal, Recorded, Timestamp};

const ANN: u8 = 1;
const BOB: u8 = 2;

fn id(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn opening(n: u8, device: &str) -> OpenSession {
    let client = Client { device: device.to_owned(), ..Client::default() };
    OpenSession {
        session_id: id(n),
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    }
}

fn refresh(n: u8, generation: u64) -> RefreshSession {
    RefreshSession { session_id: id(n), generation }
}

fn refreshed(n: u8, generation: u64) -> crate::Event {
    SessionRefreshed { session_id: id(n), generation: Long(generation) }.into()
}

fn ended(n: u8, reason: EndReason) -> crate::Event {
    SessionEnded { session_id: id(n), reason, origin: Some(Origin::default()) }.into()
}

fn session(world: &Given, n: u8) -> Session {
    world.document::<Session>(id(n)).unwrap()
}

fn signed_in() -> Given {
    given().person(ANN, "ann").and(account(ANN), opening(ANN, "phone"))
}

#[test]
fn a_session_opens_on_a_device() {
    let opened = SessionOpened {
        session_id: id(ANN),
        account_id: account(ANN),
        device: Personal::new("phone".to_owned()),
        app: None,
        platform: None,
        place: None,
        factor: false,
        limited: false,
        application_id: None,
        access: Vec::new(),
        allowed: false,
        by_mail: false,
        origin: Some(Origin::default()),
    };
    let world =
        given().person(ANN, "ann").when(account(ANN), opening(ANN, "phone")).then([opened.into()]);
    let session = session(&world, ANN);
    assert_eq!(open(&session.device).as_deref(), Some("phone"));
    assert_eq!((session.generation, session.ended), (0, false));
    assert_eq!((session.opened_at, session.refreshed_at), (NOW, NOW));
}

#[test]
fn a_device_name_is_at_most_64_characters() {
    let ann = || given().person(ANN, "ann");
    ann().when(account(ANN), opening(ANN, &"é".repeat(64))).then_allowed();
    ann().when(account(ANN), opening(ANN, "")).then_allowed();
    ann()
        .when(account(ANN), opening(ANN, &"é".repeat(65)))
        .then_rejected(SessionRejection::DeviceInvalid);
}

#[test]
fn refreshing_moves_to_the_next_generation() {
    let world = signed_in()
        .later(5)
        .when(account(ANN), refresh(ANN, 0))
        .then([refreshed(ANN, 1)])
        .when(account(ANN), refresh(ANN, 1))
        .then([refreshed(ANN, 2)]);
    let session = session(&world, ANN);
    assert_eq!((session.generation, session.refreshed_at.0), (2, NOW.0 + 5));
}

#[test]
fn the_token_before_may_be_used_again_for_a_moment() {
    signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .later(GRACE_MS)
        .when(account(ANN), refresh(ANN, 0))
        .then([]);
}

#[test]
fn a_token_used_again_later_ends_the_session() {
    let world = signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .later(GRACE_MS + 1)
        .when(account(ANN), refresh(ANN, 0))
        .then([ended(ANN, EndReason::TokenReused)]);
    world.when(account(ANN), refresh(ANN, 1)).then_rejected(SessionRejection::Ended);
}

#[test]
fn an_older_token_ends_the_session_at_once() {
    signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .and(account(ANN), refresh(ANN, 1))
        .when(account(ANN), refresh(ANN, 0))
        .then([ended(ANN, EndReason::TokenReused)]);
}

#[test]
fn a_session_that_is_not_used_ends() {
    signed_in().later(IDLE_MS).when(account(ANN), refresh(ANN, 0)).then([refreshed(ANN, 1)]);
    signed_in()
        .later(IDLE_MS + 1)
        .when(account(ANN), refresh(ANN, 0))
        .then_rejected(SessionRejection::Ended);
}

#[test]
fn a_session_that_never_was_has_ended() {
    given().when(account(ANN), refresh(ANN, 0)).then_rejected(SessionRejection::Ended);
}

#[test]
fn nobody_refreshes_or_ends_the_session_of_another() {
    let world =
        signed_in().when(account(BOB), refresh(ANN, 0)).then_rejected(SessionRejection::Ended);
    world
        .when(account(BOB), EndSession { session_id: id(ANN) })
        .then_rejected(SessionRejection::NotFound);
}

#[test]
fn signing_out_ends_the_session_once() {
    let end = EndSession { session_id: id(ANN) };
    let world = signed_in()
        .when(account(ANN), end.clone())
        .then([ended(ANN, EndReason::SignedOut)])
        .when(account(ANN), end)
        .then([]);
    assert!(session(&world, ANN).ended);
    world.when(account(ANN), refresh(ANN, 0)).then_rejected(SessionRejection::Ended);
}

#[test]
fn a_session_that_is_used_still_ends_after_a_year() {
    let step = IDLE_MS / 2;
    let (mut world, mut generation) = (signed_in(), 0);
    for _ in 0..ABSOLUTE_MS / step {
        world = world.later(step).and(account(ANN), refresh(ANN, generation));
        generation += 1;
    }
    world
        .later(step)
        .when(account(ANN), refresh(ANN, generation))
        .then_rejected(SessionRejection::Ended);
}

#[test]
fn only_an_account_opens_sessions_and_with_the_credential_of_now_only() {
    let failed = SessionRejection::SignInFailed;
    given().when(account(ANN), opening(ANN, "phone")).then_rejected(failed);
    let password = "other".to_owned();
    let change = ChangePassword { password, credential: 0, end_others: false, notice: None };
    signed_in()
        .and(account(ANN), change)
        .when(account(ANN), opening(BOB, "desk"))
        .then_rejected(failed)
        .when(account(ANN), OpenSession { credential: Some(1), ..opening(BOB, "desk") })
        .then_allowed();
}

fn together(ids: &[u8], cause: EndCause) -> crate::Event {
    let session_ids = ids.iter().map(|it| id(*it)).collect();
    let origin = Some(Origin::default());
    SessionsEnded { account_id: account(ANN), session_ids, cause, origin }.into()
}

fn with_sessions(ids: impl Iterator<Item = u8>) -> Given {
    let opens = |world: Given, n| world.later(1).and(account(ANN), opening(n, ""));
    ids.fold(given().person(ANN, "ann"), opens)
}

#[test]
fn one_session_more_than_allowed_ends_the_one_used_longest_ago() {
    let full = u8::try_from(SESSIONS_MAX).unwrap();
    let world = with_sessions(0..full).later(1).and(account(ANN), refresh(0, 0));
    let then = world.when(account(ANN), opening(200, ""));
    assert_eq!(then.outcome.as_ref().unwrap()[0], together(&[1], EndCause::TooMany));
    let world = then.then_allowed();
    assert!(session(&world, 1).ended && !session(&world, 0).ended);
    let open = world.document::<OpenSessions>(account(ANN)).unwrap().open;
    assert_eq!(open.len(), SESSIONS_MAX);
    let before = with_sessions(0..full - 1).when(account(ANN), opening(200, ""));
    assert_eq!(before.outcome.unwrap().len(), 1, "the last that has room ends none");
}

#[test]
fn sessions_that_have_run_out_are_ended_when_another_opens() {
    let world = with_sessions(0..2).later(IDLE_MS).and(account(ANN), refresh(1, 0)).later(1);
    let then = world.when(account(ANN), opening(9, ""));
    assert_eq!(then.outcome.unwrap()[0], together(&[0], EndCause::Expired));
}

#[test]
fn signing_out_everywhere_takes_back_what_was_allowed_before_and_not_what_is_after() {
    let by = |world: &Given, ahead: i64| {
        let at = Timestamp(world.last_context(account(ANN)).now.0 + ahead);
        let allowed = Some(Allowed { at, application: None });
        OpenSession { allowed, ..opening(9, "device") }
    };
    let world = with_sessions(0..1).later(5);
    let early = by(&world, 0);
    let world = world.and(account(ANN), EndSessions { keep_current: true }).later(1);
    let failed = SessionRejection::SignInFailed;
    let after = by(&world, 0);
    let world = world.when(account(ANN), early.clone()).then_rejected(failed);
    world.when(account(ANN), after).then_allowed();
    let one = with_sessions(0..2).later(5).and(account(ANN), EndSession { session_id: id(1) });
    one.when(account(ANN), early).then_allowed();
}

#[test]
fn a_link_by_mail_alone_is_no_proof_for_sensitive_changes() {
    let world = given().person(ANN, "ann");
    let world = world.and(account(ANN), OpenSession { by_mail: true, ..opening(1, "phone") });
    assert_eq!(session(&world, 1).confirmed_at, None);
}

#[test]
fn all_sessions_end_or_all_but_the_one_that_asks() {
    let end = |keep_current| EndSessions { keep_current };
    with_sessions(0..3)
        .when(account(ANN), end(true))
        .then([together(&[0, 1, 2], EndCause::SignedOut)]);
    let from = Origin { session_id: Some(id(1)), address: None };
    let others = together(&[0, 2], EndCause::SignedOut);
    let then = with_sessions(0..3).from(from).when(account(ANN), end(true));
    let crate::Event::SessionEvent(SessionEvent::SessionsEnded(ended)) =
        &then.outcome.as_ref().unwrap()[0]
    else {
        panic!("{:?}", then.outcome)
    };
    let without_origin = SessionsEnded { origin: Some(Origin::default()), ..ended.clone() };
    assert_eq!(crate::Event::from(without_origin), others);
    let world = then.then_allowed();
    assert!(session(&world, 0).ended && session(&world, 2).ended && !session(&world, 1).ended);
    let told = world.history().last().unwrap().meaning();
    assert_eq!(told.1, Effect::SessionsEnded(vec![id(0).0, id(2).0]));
}

#[test]
fn a_changed_password_ends_the_other_sessions_if_wanted() {
    let change = |credential, end_others| ChangePassword {
        password: "other".to_owned(),
        credential,
        end_others,
        notice: None,
    };
    let changed: crate::Event = PasswordChanged {
        account_id: account(ANN),
        password: Personal::new("other".to_owned()),
        origin: Some(Origin::default()),
    }
    .into();
    with_sessions(0..2)
        .when(account(ANN), change(0, false))
        .then([changed.clone()])
        .when(account(ANN), change(1, true))
        .then([changed, together(&[0, 1], EndCause::PasswordChanged)])
        .when(account(ANN), change(1, true))
        .then_rejected(AccountRejection::PasswordWrong);
}

#[test]
fn a_proof_keeps_a_session_fresh_for_ten_minutes() {
    let confirm = ConfirmSession { session_id: id(ANN), credential: Some(0), factor: None };
    let fresh = |world: &Given, ms: i64| {
        session(world, ANN).is_fresh(account(ANN), Timestamp(NOW.0 + ms), None)
    };
    let world = signed_in();
    assert!(fresh(&world, FRESH_MS) && !fresh(&world, FRESH_MS + 1));
    let world = world.later(FRESH_MS + 1).and(account(ANN), confirm.clone());
    assert!(fresh(&world, 2 * FRESH_MS) && !fresh(&world, 2 * FRESH_MS + 2));
    let stale = ConfirmSession { credential: Some(1), ..confirm.clone() };
    world
        .when(account(ANN), stale)
        .then_rejected(SessionRejection::ConfirmFailed)
        .and(account(ANN), EndSession { session_id: id(ANN) })
        .when(account(ANN), confirm.clone())
        .then_rejected(SessionRejection::Ended)
        .when(account(BOB), confirm)
        .then_rejected(SessionRejection::Ended);
}

#[test]
fn an_ended_session_is_listed_no_more_and_seen_by_its_owner_only() {
    let world = signed_in();
    let listed = format!("{}/{}", account(ANN), id(ANN));
    assert_eq!(Document::index_keys(&session(&world, ANN)), [Some(listed)]);
    assert_eq!(session(&world, ANN).audience(), Audience::Account(account(ANN)));
    let world = world.and(account(ANN), EndSession { session_id: id(ANN) });
    assert_eq!(Document::index_keys(&session(&world, ANN)), [None]);
}

#[test]
fn only_an_end_is_told_to_the_sockets() {
    let world = signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .and(account(ANN), EndSession { session_id: id(ANN) });
    let meanings: Vec<_> = world.history()[3..].iter().map(Recorded::meaning).collect();
    let none = (Change::None, Effect::None);
    let end = (Change::None, Effect::SessionEnded(id(ANN).0));
    assert_eq!(meanings, [none.clone(), none, end]);
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_one_answer() {
    use crate::kernel::Reject;
    let listed = |it: SessionRejection| it.listed().rejection;
    for rejection in [SessionRejection::SignInFailed, SessionRejection::Compromised] {
        assert_eq!(listed(rejection).kind.http_status(), 401);
    }
    assert!(listed(SessionRejection::SignInFailed).message.contains("username or password"));
}
