//! The law of the instance.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::accounts::{Account, AccountDeactivated, AccountEvent, AccountReactivated};
use crate::kernel::testing::{Given, account, given, open};
use crate::kernel::{Origin, Recorded};
use crate::sessions::{
    Client, EndCause, FRESH_MS, OpenSession, Session, SessionId, SessionRejection, SessionsEnded,
};

const ANN: u8 = 1;
const BOB: u8 = 2;
const CAT: u8 = 3;

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

/// From whose session the next commands come.
fn at(n: u8) -> Origin {
    Origin { session_id: Some(session(n)), address: None }
}

fn signs_in(n: u8) -> OpenSession {
    OpenSession {
        session_id: session(n),
        client: Client::default(),
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    }
}

fn people() -> Given {
    let names = [(ANN, "ann"), (BOB, "bob"), (CAT, "cat")];
    names
        .into_iter()
        .fold(given(), |it, (n, name)| it.person(n, name).from(at(n)).and(account(n), signs_in(n)))
}

fn owned() -> Given {
    people().from(at(ANN)).and(account(ANN), ClaimSetup {})
}

fn grant(n: u8, role: ServerRole) -> GrantRole {
    GrantRole { account_id: account(n), role }
}

fn revoke(n: u8) -> RevokeRole {
    RevokeRole { account_id: account(n) }
}

fn suspend(n: u8) -> SuspendAccount {
    SuspendAccount { account_id: account(n), reason: " spam ".to_owned() }
}

fn instance(world: &Given) -> Instance {
    world.document::<Instance>(Instance::ID).unwrap_or_default()
}

#[test]
fn the_setup_link_makes_one_owner() {
    let granted =
        |n, role, before| RoleGranted { account_id: account(n), role, before, origin: Some(at(n)) };
    people()
        .from(at(ANN))
        .when(account(ANN), ClaimSetup {})
        .then([granted(ANN, ServerRole::Owner, None).into()])
        .when(account(ANN), ClaimSetup {})
        .then([])
        .when(account(BOB), ClaimSetup {})
        .then_rejected(InstanceRejection::SetupDone);
}

#[test]
fn roles_are_given_by_those_who_hold_all_their_rights() {
    let world = owned()
        .and(account(ANN), grant(BOB, ServerRole::Admin))
        .from(at(BOB))
        .when(account(BOB), grant(CAT, ServerRole::Owner))
        .then_rejected(InstanceRejection::Forbidden)
        .and(account(BOB), grant(CAT, ServerRole::Moderator))
        .when(account(BOB), revoke(ANN))
        .then_rejected(InstanceRejection::Forbidden)
        .from(at(CAT))
        .when(account(CAT), grant(CAT, ServerRole::Admin))
        .then_rejected(InstanceRejection::Forbidden);
    assert_eq!(instance(&world).role(account(CAT)), Some(ServerRole::Moderator));
    world
        .from(at(BOB))
        .when(account(BOB), grant(9, ServerRole::Auditor))
        .then_rejected(InstanceRejection::NotFound);
}

#[test]
fn the_last_owner_stays() {
    owned()
        .when(account(ANN), revoke(ANN))
        .then_rejected(InstanceRejection::LastOwner)
        .when(account(ANN), grant(ANN, ServerRole::Admin))
        .then_rejected(InstanceRejection::LastOwner)
        .when(account(ANN), DeactivateAccount {})
        .then_rejected(InstanceRejection::LastOwner)
        .and(account(ANN), grant(BOB, ServerRole::Owner))
        .when(account(ANN), revoke(ANN))
        .then_allowed();
}

#[test]
fn what_concerns_everybody_asks_for_a_fresh_proof() {
    let stale = InstanceRejection::NotFresh;
    let settings = ChangeSettings {
        registration: Some(RegistrationMode::Closed),
        staff_second_factor: None,
        second_factor: None,
    };
    let late = || owned().later(FRESH_MS + 1);
    late().when(account(ANN), grant(BOB, ServerRole::Admin)).then_rejected(stale);
    late().when(account(ANN), settings.clone()).then_rejected(stale);
    late().when(account(ANN), suspend(BOB)).then_rejected(stale);
    late().when(account(ANN), DeactivateAccount {}).then_rejected(stale);
    owned().from(Origin::default()).when(account(ANN), settings.clone()).then_rejected(stale);
    owned().from(at(BOB)).when(account(ANN), settings.clone()).then_rejected(stale);
    owned().later(FRESH_MS).when(account(ANN), settings.clone()).then_allowed();
    let forbidden = InstanceRejection::Forbidden;
    owned().from(at(BOB)).when(account(BOB), settings).then_rejected(forbidden);
}

#[test]
fn a_change_of_settings_says_what_was_before() {
    let change = |second_factor| ChangeSettings {
        registration: Some(RegistrationMode::Invitation),
        staff_second_factor: None,
        second_factor,
    };
    let before = Settings::default();
    let after = Settings { registration: RegistrationMode::Invitation, ..before };
    let changed = SettingsChanged { before, after, origin: Some(at(ANN)) };
    owned()
        .when(account(ANN), change(None))
        .then([changed.into()])
        .when(account(ANN), change(None))
        .then([])
        .when(account(ANN), change(Some(true)))
        .then_allowed();
}

fn invited(world: &Given) -> InvitationId {
    let made = world.history().iter().rev().find_map(|it| {
        let InstanceEvent::InvitationMade(it) = InstanceEvent::of(&it.event)? else { return None };
        Some(it.invitation_id)
    });
    made.unwrap()
}

#[test]
fn an_invitation_lets_in_as_many_as_it_says() {
    let invite = |uses, good_for_ms| InvitePeople { uses, good_for_ms };
    let world = owned().and(account(ANN), invite(2, 1_000));
    let invitation_id = invited(&world);
    let take = UseInvitation { invitation_id };
    let invalid = InstanceRejection::InvitationInvalid;
    let world = world
        .and(account(7), take.clone())
        .when(account(7), take.clone())
        .then([])
        .and(account(8), take.clone())
        .when(account(9), take.clone())
        .then_rejected(invalid);
    assert_eq!(world.document::<Invitation>(invitation_id).unwrap().used, 2);
    let fresh = || owned().and(account(ANN), invite(2, 1_000));
    let good = fresh();
    let take = UseInvitation { invitation_id: invited(&good) };
    good.later(999).when(account(7), take.clone()).then_allowed();
    fresh().later(1_000).when(account(7), take.clone()).then_rejected(invalid);
    let revoke = RevokeInvitation { invitation_id: take.invitation_id };
    fresh()
        .and(account(ANN), revoke.clone())
        .when(account(ANN), revoke)
        .then([])
        .when(account(7), take)
        .then_rejected(invalid);
}

#[test]
fn an_invitation_has_1_to_10_000_uses_and_lasts_up_to_366_days() {
    let invite = |uses, good_for_ms| InvitePeople { uses, good_for_ms };
    for good in [invite(1, 1), invite(USES_MAX, INVITATION_MS_MAX)] {
        owned().when(account(ANN), good).then_allowed();
    }
    let bad = [
        invite(0, 1),
        invite(USES_MAX + 1, 1),
        invite(1, 0),
        invite(1, -1),
        invite(1, INVITATION_MS_MAX + 1),
    ];
    for bad in bad {
        let rejected = InstanceRejection::InvitationOutOfRange;
        owned().when(account(ANN), bad).then_rejected(rejected);
    }
}

#[test]
fn a_suspended_account_is_signed_out_and_can_not_sign_in() {
    let again = OpenSession { session_id: session(9), ..signs_in(BOB) };
    let world = owned().when(account(ANN), suspend(BOB)).then_allowed();
    assert!(world.document::<Session>(session(BOB)).unwrap().ended);
    assert!(world.document::<Account>(account(BOB)).unwrap().suspended);
    let last = world.history().last().unwrap();
    assert!(matches!(
        crate::sessions::SessionEvent::of(&last.event),
        Some(crate::sessions::SessionEvent::SessionsEnded(SessionsEnded {
            cause: EndCause::Suspended,
            ..
        }))
    ));
    world
        .when(account(ANN), suspend(BOB))
        .then([])
        .when(account(BOB), again.clone())
        .then_rejected(SessionRejection::Suspended)
        .and(account(ANN), ReinstateAccount { account_id: account(BOB) })
        .when(account(BOB), again)
        .then_allowed();
}

#[test]
fn a_suspension_has_a_reason_of_1_to_500_characters() {
    let with =
        |reason: &str| SuspendAccount { account_id: account(BOB), reason: reason.to_owned() };
    owned().when(account(ANN), with(&"é".repeat(500))).then_allowed();
    for bad in ["", "   ", "é".repeat(501).as_str()] {
        let invalid = InstanceRejection::ReasonInvalid;
        owned().when(account(ANN), with(bad)).then_rejected(invalid);
    }
    let world = owned().and(account(ANN), suspend(BOB));
    let reason = world.history().iter().find_map(|it: &Recorded| {
        let AccountEvent::AccountSuspended(it) = AccountEvent::of(&it.event)? else { return None };
        open(&it.reason)
    });
    assert_eq!(reason.as_deref(), Some("spam"));
}

#[test]
fn nobody_suspends_themselves_or_their_equals() {
    let forbidden = InstanceRejection::Forbidden;
    owned()
        .when(account(ANN), suspend(ANN))
        .then_rejected(forbidden)
        .and(account(ANN), grant(BOB, ServerRole::Moderator))
        .and(account(ANN), grant(CAT, ServerRole::Moderator))
        .from(at(BOB))
        .when(account(BOB), suspend(CAT))
        .then_rejected(forbidden)
        .when(account(BOB), suspend(ANN))
        .then_rejected(forbidden);
}

#[test]
fn who_leaves_comes_back_by_signing_in() {
    let deactivated = AccountDeactivated { account_id: account(BOB), origin: Some(at(BOB)) };
    let then = people().from(at(BOB)).when(account(BOB), DeactivateAccount {});
    assert_eq!(then.outcome.as_ref().unwrap()[0], deactivated.into());
    let world = then.then_allowed();
    let gone = world.document::<Account>(account(BOB)).unwrap();
    assert!(gone.deactivated && !gone.is_shown());
    let back = AccountReactivated { account_id: account(BOB), origin: Some(at(BOB)) };
    let then = world.when(account(BOB), OpenSession { session_id: session(9), ..signs_in(BOB) });
    assert_eq!(then.outcome.as_ref().unwrap()[0], back.into());
    assert!(then.then_allowed().document::<Account>(account(BOB)).unwrap().is_shown());
}

fn any_role() -> impl Strategy<Value = ServerRole> {
    use ServerRole::{Admin, Auditor, Moderator, Owner};
    prop_oneof![Just(Owner), Just(Admin), Just(Moderator), Just(Auditor)]
}

proptest! {
    /// Whatever people try, nobody comes to hold a right that whoever gave it lacked, nobody loses
    /// a role to somebody who lacks its rights, and an owner remains.
    #[test]
    fn no_sequence_of_commands_gives_a_right_its_granter_lacked(
        tries in proptest::collection::vec(
            (1_u8..=3, 1_u8..=3, proptest::option::of(any_role())), 0..40,
        )
    ) {
        let mut world = owned();
        let mut expected: BTreeMap<_, _> = [(account(ANN), ServerRole::Owner)].into();
        for (who, whom, role) in tries {
            let own = expected.get(&account(who)).copied();
            let before = expected.get(&account(whom)).copied();
            world = world.from(at(who));
            let then = match role {
                Some(role) => world.when(account(who), grant(whom, role)),
                None => world.when(account(who), revoke(whom)),
            };
            let changed = then.outcome.as_ref().is_ok_and(|it| !it.is_empty());
            world = then.world;
            if changed {
                let holds = |it: ServerRole| own.is_some_and(|own| own.covers(it));
                prop_assert!(role.is_none_or(holds));
                prop_assert!(before.is_none_or(holds));
                prop_assert!(own.is_some_and(|it| it.holds(Right::GrantRoles)) || who == whom);
                match role {
                    Some(role) => expected.insert(account(whom), role),
                    None => expected.remove(&account(whom)),
                };
            }
            let staff: BTreeMap<_, _> = instance(&world).staff.into_iter().collect();
            prop_assert_eq!(&staff, &expected);
            prop_assert!(instance(&world).owners() > 0);
        }
    }
}

#[test]
fn a_new_instance_is_open_and_has_no_staff() {
    let new = instance(&given());
    assert_eq!((new.settings.registration, new.staff.len()), (RegistrationMode::Open, 0));
}
