//! The law of identities.

use super::*;
use crate::accounts::{AccountEvent, ClaimName, CreateAccount};
use crate::factors::{BACKUP_CODES, ConfirmTotp, EnrolTotp, FactorId, FactorProof};
use crate::kernel::Origin;
use crate::kernel::testing::{Given, account, given, name, open};
use crate::passkeys::{AddPasskey, PasskeyId, PasskeyRejection, RemovePasskey};
use crate::sessions::{Client, FRESH_MS, OpenSession, Session, SessionId, SessionRejection};
use crate::{Event, accounts::AccountRejection};

const ANN: u8 = 1;
const BOB: u8 = 2;

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn identity(n: u8, ceremony: usize) -> NewIdentity {
    NewIdentity {
        claim_id: name(&format!("identity:{n}")),
        provider_id: format!("provider-{n}"),
        issuer: "https://id.example".to_owned(),
        subject: format!("subject {n}"),
        label: Some("ann".to_owned()),
        ceremony: format!("{ceremony:032x}"),
    }
}

fn link(n: u8, ceremony: usize) -> LinkIdentity {
    LinkIdentity { identity: identity(n, ceremony), notice: None }
}

fn unlink(n: u8) -> UnlinkIdentity {
    UnlinkIdentity { provider_id: format!("provider-{n}"), notice: None }
}

fn opening(n: u8, of: u8, ceremony: usize, factor: Option<FactorProof>) -> OpenSession {
    let NewIdentity { claim_id, ceremony, .. } = identity(of, ceremony);
    OpenSession {
        session_id: session(n),
        client: Client::default(),
        credential: None,
        identity: Some(IdentityProof { claim_id, ceremony }),
        by_mail: false,
        factor,
        allowed: None,
    }
}

fn by_password(n: u8) -> OpenSession {
    OpenSession { credential: Some(0), identity: None, ..opening(n, 0, 0, None) }
}

/// Ann has signed in.
fn signed_in() -> Given {
    let from = Origin { session_id: Some(session(1)), address: None };
    given().person(ANN, "ann").from(from).and(account(ANN), by_password(1))
}

/// Bob has registered by an identity, and signed in with it.
fn registered() -> Given {
    let (account_id, name_id) = (account(BOB), name("bob"));
    let from = Origin { session_id: Some(session(1)), address: None };
    given()
        .and(account_id, ClaimName { name_id, account_id })
        .from(from)
        .and(account_id, create())
        .and(account_id, opening(1, 1, 1, None))
}

fn create() -> CreateAccount {
    CreateAccount {
        account_id: account(BOB),
        name_id: name("bob"),
        look_id: None,
        username: "bob".to_owned(),
        display_name: "Bob".to_owned(),
        password: None,
        identity: Some(identity(1, 0)),
    }
}

fn held(world: &Given, n: u8) -> usize {
    world.document::<Identities>(account(n)).map_or(0, |it| it.held.len())
}

#[test]
fn what_is_linked_signs_in_until_it_is_unlinked() {
    let world = signed_in();
    let world = world
        .when(account(ANN), opening(2, 1, 1, None))
        .then_rejected(SessionRejection::IdentityInvalid)
        .and(account(ANN), link(1, 0))
        .and(account(ANN), opening(2, 1, 1, None));
    let opened = world.document::<Session>(session(2)).unwrap();
    assert!(opened.confirmed_at.is_some() && !opened.factor);
    world
        .and(account(ANN), unlink(1))
        .when(account(ANN), opening(3, 1, 2, None))
        .then_rejected(SessionRejection::IdentityInvalid);
}

#[test]
fn issuer_and_subject_are_kept_sealed() {
    let world = signed_in().and(account(ANN), link(1, 0));
    let Some(Event::IdentityEvent(IdentityEvent::IdentityLinked(it))) =
        world.history().last().map(|it| &it.event)
    else {
        panic!("it was linked")
    };
    assert_eq!(open(&it.issuer).as_deref(), Some("https://id.example"));
    assert_eq!(open(&it.subject).as_deref(), Some("subject 1"));
    let stored = world.stored();
    assert!(stored.values().all(|it| !it.contains("subject 1")));
}

#[test]
fn a_ceremony_ends_once() {
    let invalid = SessionRejection::IdentityInvalid;
    let world = signed_in().and(account(ANN), link(1, 0));
    world
        .when(account(ANN), opening(2, 1, 0, None))
        .then_rejected(invalid)
        .and(account(ANN), opening(2, 1, 1, None))
        .when(account(ANN), opening(3, 1, 1, None))
        .then_rejected(invalid)
        .when(account(ANN), link(2, 1))
        .then_rejected(IdentityRejection::Invalid)
        .when(account(ANN), opening(3, 1, 2, None))
        .then_allowed();
}

#[test]
fn a_hundred_ceremonies_end_in_twenty_minutes() {
    let mut world = signed_in().and(account(ANN), link(1, 0));
    for ceremony in 1..SPENT_MAX {
        world = world.and(account(ANN), opening(2, 1, ceremony, None));
    }
    let full = || opening(2, 1, SPENT_MAX, None);
    let world = world.when(account(ANN), full()).then_rejected(SessionRejection::IdentityInvalid);
    world.later(2 * CEREMONY_MS).when(account(ANN), full()).then_allowed();
}

#[test]
fn a_second_factor_is_asked_for_beside_it() {
    let (factor_id, digests) = (FactorId(account(ANN).0), vec!["x".to_owned(); BACKUP_CODES]);
    let world = signed_in()
        .and(account(ANN), link(1, 0))
        .and(account(ANN), EnrolTotp { factor_id, secret: "secret".to_owned() })
        .and(account(ANN), ConfirmTotp { factor_id, step: 1, digests, notice: None });
    let world = world
        .when(account(ANN), opening(2, 1, 1, None))
        .then_rejected(SessionRejection::FactorNeeded)
        .and(account(ANN), opening(2, 1, 1, Some(FactorProof::Totp { factor_id, step: 2 })));
    assert!(world.document::<Session>(session(2)).unwrap().factor);
}

#[test]
fn one_identity_a_provider_and_linking_it_twice_links_it_once() {
    let other = NewIdentity { claim_id: name("identity:9"), ..identity(1, 1) };
    let world = signed_in()
        .and(account(ANN), link(1, 0))
        .when(account(ANN), link(1, 1))
        .then([])
        .when(account(ANN), LinkIdentity { identity: other, notice: None })
        .then_rejected(IdentityRejection::AlreadyLinked);
    assert_eq!(held(&world, ANN), 1);
}

#[test]
fn the_twenty_first_is_one_too_many() {
    let mut world = signed_in();
    for n in 0..20 {
        world = world.and(account(ANN), link(n, usize::from(n)));
    }
    assert_eq!(held(&world, ANN), IDENTITIES_MAX);
    world.when(account(ANN), link(20, 20)).then_rejected(IdentityRejection::TooMany);
}

#[test]
fn linking_and_unlinking_ask_for_a_fresh_proof() {
    let stale = IdentityRejection::NotFresh;
    let world = signed_in().and(account(ANN), link(1, 0)).later(FRESH_MS + 1);
    let world = world.when(account(ANN), link(2, 1)).then_rejected(stale);
    world.when(account(ANN), unlink(1)).then_rejected(stale);
}

#[test]
fn an_account_is_registered_with_its_identity_or_not_at_all() {
    let world = registered();
    let kinds: Vec<_> = world.history().iter().map(|it| it.event.name()).collect();
    let together = kinds.windows(2).any(|it| it == ["AccountRegistered", "IdentityLinked"]);
    assert!(together, "{kinds:?}");
    let registered = world.history().iter().find_map(|it| {
        let Event::AccountEvent(AccountEvent::AccountRegistered(it)) = &it.event else {
            return None;
        };
        Some(it.password.is_none())
    });
    assert_eq!(registered, Some(true));
    world.when(account(BOB), create()).then([]);
}

#[test]
fn the_last_way_to_sign_in_stays() {
    let passkey_id = PasskeyId(account(1).0);
    let (name, credential) = ("phone".to_owned(), "{}".to_owned());
    let add = AddPasskey { passkey_id, name, credential, notice: None };
    let remove = || RemovePasskey { passkey_id };
    registered()
        .when(account(BOB), unlink(2))
        .then_rejected(IdentityRejection::NotFound)
        .when(account(BOB), unlink(1))
        .then_rejected(IdentityRejection::LastWay)
        .and(account(BOB), add)
        .and(account(BOB), unlink(1))
        .when(account(BOB), remove())
        .then_rejected(PasskeyRejection::LastWay)
        .and(account(BOB), link(2, 7))
        .when(account(BOB), remove())
        .then_allowed();
}

#[test]
fn an_identity_has_one_account() {
    let claim = |n| ClaimName { name_id: name("identity:1"), account_id: account(n) };
    given()
        .and(account(ANN), claim(ANN))
        .when(account(BOB), claim(BOB))
        .then_rejected(AccountRejection::UsernameTaken);
}
