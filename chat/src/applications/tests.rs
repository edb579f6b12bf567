//! The law of applications.

use super::*;
use crate::instance::ClaimSetup;
use crate::kernel::Origin;
use crate::kernel::testing::{Given, NOW, account, given};
use crate::sessions::{
    Allowed, Client, FRESH_MS, OpenSession, Session, SessionId, SessionRejection,
};

const ANN: u8 = 1;
const BOB: u8 = 2;

fn id(n: u8) -> ApplicationId {
    ApplicationId(account(n).0)
}

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn opening(n: u8, allowed: Option<Allowed>) -> OpenSession {
    let (session_id, client) = (session(n), Client::default());
    OpenSession {
        session_id,
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed,
    }
}

fn register(n: u8, redirect: &str) -> RegisterApplication {
    RegisterApplication {
        application_id: id(n),
        name: "Bridge".to_owned(),
        redirect_uris: vec![redirect.to_owned()],
        secret_digest: None,
        by_itself: false,
    }
}

const HOME: &str = "https://bridge.example/back";

/// Ann owns the instance, Bob does not, and both have just signed in.
fn staffed() -> Given {
    let from = |n| Origin { session_id: Some(session(n)), address: None };
    given()
        .person(BOB, "bob")
        .and(account(BOB), opening(BOB, None))
        .person(ANN, "ann")
        .from(from(ANN))
        .and(account(ANN), opening(ANN, None))
        .and(account(ANN), ClaimSetup {})
}

#[test]
fn staff_register_applications_and_others_do_not() {
    let from = Origin { session_id: Some(session(BOB)), address: None };
    let world = staffed().and(account(ANN), register(1, HOME));
    assert!(world.document::<Application>(id(1)).is_some_and(|it| !it.removed));
    let forbidden = ApplicationRejection::Forbidden;
    let world = world.from(from).when(account(BOB), register(2, HOME)).then_rejected(forbidden);
    let remove = RemoveApplication { application_id: id(1) };
    world.when(account(BOB), remove).then_rejected(forbidden);
    let late = staffed().later(FRESH_MS + 1);
    late.when(account(ANN), register(1, HOME)).then_rejected(ApplicationRejection::NotFresh);
}

#[test]
fn one_that_registers_itself_needs_nobody() {
    let itself = RegisterApplication { by_itself: true, ..register(3, HOME) };
    given().when(account(3), itself).then_allowed();
}

#[test]
fn people_are_sent_back_only_where_no_other_program_listens() {
    for good in [
        HOME,
        "https://bridge.example/back?x=1",
        "http://127.0.0.1/back",
        "http://[::1]:8000/",
        "http://localhost:3000/back",
        "com.example.bridge:/back",
    ] {
        staffed().when(account(ANN), register(1, good)).then_allowed();
    }
    let long = format!("https://bridge.example/{}", "x".repeat(REDIRECT_BYTES_MAX));
    for bad in [
        "",
        "bridge",
        "http://bridge.example/back",
        "https://bridge.example/#here",
        "https://ann:secret@bridge.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "bridge:/back",
        &long,
    ] {
        let refused = staffed().when(account(ANN), register(1, bad));
        refused.then_rejected(ApplicationRejection::RedirectInvalid);
    }
    let many = |count| RegisterApplication {
        redirect_uris: vec![HOME.to_owned(); count],
        ..register(1, HOME)
    };
    let invalid = ApplicationRejection::RedirectInvalid;
    staffed().when(account(ANN), many(REDIRECTS_MAX)).then_allowed();
    staffed().when(account(ANN), many(REDIRECTS_MAX + 1)).then_rejected(invalid);
    staffed().when(account(ANN), many(0)).then_rejected(invalid);
}

#[test]
fn a_name_fits_on_a_line() {
    let named = |name: &str| RegisterApplication { name: name.to_owned(), ..register(1, HOME) };
    let invalid = ApplicationRejection::NameInvalid;
    staffed().when(account(ANN), named(&"x".repeat(NAME_CHARS_MAX))).then_allowed();
    for bad in ["", "a\nb", "a\u{202e}b", "a\u{200b}", &"x".repeat(NAME_CHARS_MAX + 1)] {
        staffed().when(account(ANN), named(bad)).then_rejected(invalid);
    }
}

#[test]
fn a_server_has_a_thousand_applications() {
    let ids = (0..APPLICATIONS_MAX).map(|_| id(9)).collect();
    let world = staffed().with(Applications::ID, Applications { ids });
    let world = world.when(account(ANN), register(1, HOME));
    let world = world.then_rejected(ApplicationRejection::TooMany);
    let ids = (1..APPLICATIONS_MAX).map(|_| id(9)).collect();
    let world = world.with(Applications::ID, Applications { ids });
    let world = world.when(account(ANN), register(1, HOME)).then_allowed();
    let itself = RegisterApplication { by_itself: true, ..register(3, HOME) };
    world.when(account(3), itself).then_rejected(ApplicationRejection::TooMany);
}

#[test]
fn an_application_that_was_removed_is_allowed_nothing() {
    let allow = || AllowApplication { application_id: id(1), scopes: Scopes::default() };
    let gone = ApplicationRejection::NotFound;
    let world = staffed().when(account(ANN), allow()).then_rejected(gone);
    let world = world.and(account(ANN), register(1, HOME)).and(account(ANN), allow());
    let remove = || RemoveApplication { application_id: id(1) };
    let late = ApplicationRejection::NotFresh;
    let world = world.when(account(BOB), allow()).then_rejected(late);
    let world = world.and(account(ANN), remove());
    let world = world.when(account(ANN), allow()).then_rejected(gone);
    world.when(account(ANN), remove()).then_rejected(gone);
}

#[test]
fn a_session_of_an_application_keeps_its_scopes_and_is_never_fresh() {
    let scopes: Scopes = [Access::ChatRead, Access::OpenId].into_iter().collect();
    let allowed = Some(Allowed { at: NOW, application: Some((id(1), scopes)) });
    let world = staffed().and(account(ANN), opening(7, allowed));
    let opened = world.document::<Session>(session(7)).unwrap();
    assert_eq!(opened.application, Some((id(1), scopes)));
    let world = world.from(Origin { session_id: Some(session(7)), address: None });
    let world = world.when(account(ANN), register(1, HOME));
    let world = world.then_rejected(ApplicationRejection::NotFresh);
    let changed = OpenSession { credential: Some(1), ..opening(8, allowed) };
    world.when(account(ANN), changed).then_rejected(SessionRejection::SignInFailed);
}

#[test]
fn scopes_are_read_as_they_are_written() {
    for access in Access::ALL {
        let one: Scopes = [access].into_iter().collect();
        assert_eq!(Scopes::parse(access.name()), Some(one));
        assert_eq!((one.list(), one.text().as_str()), (vec![access], access.name()));
    }
    let all = Scopes::parse("chat:write openid  profile email offline_access chat:read").unwrap();
    assert_eq!(all.list(), Access::ALL);
    let few = Scopes::parse("openid chat:read").unwrap();
    assert!(few.is_within(all) && !all.is_within(few));
    assert_eq!(Scopes::parse(""), Some(Scopes::default()));
    for bad in ["admin", "openid,profile", "OPENID", "chat:read\tchat:write"] {
        assert_eq!(Scopes::parse(bad), None, "{bad}");
    }
}
