//! The law of activity.

use super::*;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::instance::{ClaimSetup, SuspendAccount};
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::{Document, Origin, Timestamp};
use crate::sessions::{Client, EndSession, OpenSession, RefreshSession, SessionId};

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn signs_in(n: u8) -> OpenSession {
    let client = Client::default();
    OpenSession {
        session_id: session(n),
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    }
}

fn activity(world: &Given, who: AccountId) -> Vec<Activity> {
    let own = world.history().iter().flat_map(Activity::ids);
    let own = own.filter(|it| it.starts_with(&Activity::prefix(who)));
    own.filter_map(|it| world.document(it)).collect()
}

#[test]
fn what_concerns_an_accounts_security_is_remembered_and_the_rest_is_not() {
    let world = given().person(1, "ann").and(account(1), signs_in(1)).later(5);
    let refresh = RefreshSession { session_id: session(1), generation: 0 };
    let world = world.and(account(1), refresh);
    let world = world.later(5).and(account(1), EndSession { session_id: session(1) });
    let seen = activity(&world, account(1));
    let kinds: Vec<_> = seen.iter().map(|it| (it.kind, it.occurred_at, it.by_staff)).collect();
    let expected = [
        (ActivityKind::SignedIn, NOW, false),
        (ActivityKind::SignedOut, Timestamp(NOW.0 + 10), false),
    ];
    assert_eq!(kinds, expected);
    assert!(seen.iter().all(|it| it.session_id == Some(session(1))));
    assert!(seen.iter().all(|it| it.audience() == Audience::Account(account(1))));
}

#[test]
fn what_staff_did_is_told_as_such() {
    let at = Origin { session_id: Some(session(2)), address: None };
    let world = given().person(1, "ann").person(2, "bob").and(account(2), signs_in(2));
    let world = world.from(at).and(account(2), ClaimSetup {});
    let suspend = SuspendAccount { account_id: account(1), reason: "spam".to_owned() };
    let world = world.and(account(2), suspend);
    let seen = activity(&world, account(1));
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].kind, seen[0].by_staff), (ActivityKind::Suspended, true));
}
