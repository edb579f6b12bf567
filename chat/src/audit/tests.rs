//! The law of the log of audit.

use super::*;
use crate::Event;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::{CreateGroup, OpenDirect, direct_id};
use crate::edit_policy::SetEditPolicy;
use crate::expiry::SetExpiry;
use crate::instance::{
    ChangeSettings, ClaimSetup, GrantRole, InvitePeople, RegistrationMode, RevokeRole, ServerRole,
    SuspendAccount,
};
use crate::kernel::testing::{Given, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Document, Origin, StreamId, Timestamp};
use crate::members::{ChangeRole, RemoveMember, Role};
use crate::messages::SendMessage;
use crate::pins::{PinMessage, UnpinAll};
use crate::reactions::LimitReactions;
use crate::sessions::{Client, OpenSession, SessionId};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

fn session(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn from(n: u8) -> Origin {
    Origin { session_id: Some(session(n)), address: Some("digest".to_owned()) }
}

/// Ann owns the instance and acts from her session.
fn owned() -> Given {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let (session_id, client) = (session(ANN), Client::default());
    let (credential, factor, allowed) = (Some(0), None, None);
    let opening = OpenSession {
        session_id,
        client,
        credential,
        identity: None,
        by_mail: false,
        factor,
        allowed,
    };
    let world = people.and(account(ANN), opening).and(account(ANN), ClaimSetup {});
    world.from(from(ANN))
}

fn grant(n: u8, role: ServerRole) -> GrantRole {
    GrantRole { account_id: account(n), role }
}

fn read() -> ReadAudit {
    ReadAudit { filter: Filter::default(), after: None, entries: Long(3) }
}

fn entries(world: &Given) -> Vec<AuditEntry> {
    let ids = world.history().iter().flat_map(AuditEntry::ids);
    ids.filter_map(|it| world.document(it)).collect()
}

/// The last entry: what was done, by whom, to whom and to what besides.
fn last(world: &Given) -> AuditEntry {
    entries(world).pop().expect("there is one")
}

fn change(field: &str, before: Option<&str>, after: Option<&str>) -> AuditChange {
    let text = |it: Option<&str>| it.map(str::to_owned);
    AuditChange { field: field.to_owned(), before: text(before), after: text(after) }
}

#[test]
fn an_entry_says_who_did_what_to_whom_from_where_and_what_was_before() {
    let world = owned().and(account(ANN), grant(BOB, ServerRole::Moderator)).later(7);
    let world = world.and(account(ANN), grant(BOB, ServerRole::Admin));
    let entry = last(&world);
    let event = world.history().last().expect("an event");
    assert_eq!(entry.action, AuditAction::RoleGranted);
    assert_eq!((entry.actor_id, entry.target_id), (Some(account(ANN)), Some(account(BOB))));
    assert_eq!(entry.session_id, Some(session(ANN)));
    assert_eq!(entry.address.as_deref(), Some("digest"));
    assert_eq!(entry.changes, [change("role", Some("MODERATOR"), Some("ADMIN"))]);
    assert_eq!((entry.stream, entry.seq), (StreamId::Instance, event.seq));
    assert_eq!(entry.occurred_at, event.occurred_at);
    assert_eq!(entry.audience(), Audience::Nobody, "it is shown by its own query alone");
    let world = world.and(account(ANN), RevokeRole { account_id: account(BOB) });
    assert_eq!(last(&world).changes, [change("role", Some("ADMIN"), None)]);
}

#[test]
fn of_settings_those_are_told_that_changed() {
    let registration = Some(RegistrationMode::Closed);
    let settings =
        ChangeSettings { registration, staff_second_factor: None, second_factor: Some(false) };
    let entry = last(&owned().and(account(ANN), settings));
    assert_eq!(entry.changes, [change("registration", Some("OPEN"), Some("CLOSED"))]);
    assert_eq!(entry.target_id, None);
}

#[test]
fn what_is_done_to_an_account_names_it_and_nothing_personal() {
    let suspend = SuspendAccount { account_id: account(BOB), reason: "a secret".to_owned() };
    let entry = last(&owned().and(account(ANN), suspend));
    assert_eq!(entry.action, AuditAction::AccountSuspended);
    assert_eq!(entry.target_id, Some(account(BOB)));
    assert!(!serde_json::to_string(&entry).expect("plain data").contains("secret"));
}

#[test]
fn roles_removal_and_limits_in_groups_are_entries_about_the_group() {
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = owned().and(account(ANN), create);
    let conversation_id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    let count = entries(&world).len();
    let account_id = account(BOB);
    let change_role = ChangeRole { conversation_id, account_id, role: Role::Admin };
    let world = world.and(account(ANN), change_role);
    let entry = last(&world);
    assert_eq!(entry.action, AuditAction::GroupRoleChanged);
    assert_eq!(entry.subject_id, Some(conversation_id.to_string()));
    assert_eq!(entry.changes, [change("role", Some("MEMBER"), Some("ADMIN"))]);
    assert_eq!(entry.session_id, Some(session(ANN)));
    let world = world.and(account(ANN), RemoveMember { conversation_id, account_id });
    assert_eq!(last(&world).action, AuditAction::GroupMemberRemoved);
    let allowed = Some(vec!["👍".to_owned(), "❤".to_owned()]);
    let world = world.and(account(ANN), LimitReactions { conversation_id, allowed });
    let entry = last(&world);
    assert_eq!(entry.action, AuditAction::GroupReactionsLimited);
    assert_eq!(entry.subject_id, Some(conversation_id.to_string()));
    assert_eq!(entry.changes, [change("allowedReactions", None, Some("👍 ❤️"))]);
    let expiry = SetExpiry { conversation_id, expires_in: Some(60) };
    let world = world.and(account(ANN), expiry);
    let entry = last(&world);
    assert_eq!(entry.action, AuditAction::GroupExpirySet);
    assert_eq!(entry.changes, [change("expiresIn", None, Some("60 s"))]);
    assert_eq!(entries(&world).len(), count + 4, "creating a group is no entry");
    let set =
        |conversation_id| SetEditPolicy { conversation_id, minutes: None, history_visible: false };
    let world = world.and(account(ANN), set(conversation_id));
    let entry = last(&world);
    assert_eq!(entry.action, AuditAction::GroupEditPolicySet);
    assert_eq!(entry.subject_id, Some(conversation_id.to_string()));
    let expected = [
        change("editMinutes", Some("2880"), Some("no end")),
        change("editHistoryVisible", Some("true"), Some("false")),
    ];
    assert_eq!(entry.changes, expected);
    let world = world.and(account(ANN), OpenDirect { account_id });
    let conversation_id = direct_id(account(ANN), account_id);
    let world = world.and(account(ANN), set(conversation_id));
    let expiry = SetExpiry { conversation_id, expires_in: Some(60) };
    let world = world.and(account(ANN), expiry);
    assert_eq!(entries(&world).len(), count + 5, "what two agree on is theirs");
}

#[test]
fn what_admins_pin_in_groups_is_an_entry_and_elsewhere_it_is_none() {
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids: Vec::new(), open: false };
    let world = owned().and(account(ANN), create);
    let group = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    let world = world.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let direct = direct_id(account(ANN), account(BOB));
    let pinned = |world: Given, conversation_id| {
        let text = "hello".to_owned();
        let send = SendMessage::new(conversation_id, text);
        let world = world.and(account(ANN), send.clone());
        let message_id = send.message_id(&world.last_context(account(ANN)));
        let pin = PinMessage { conversation_id, message_id, silent: true };
        (world.and(account(ANN), pin), message_id)
    };
    let (world, message_id) = pinned(world, group);
    let (entry, count) = (last(&world), entries(&world).len());
    let id = message_id.to_string();
    assert_eq!(entry.action, AuditAction::GroupMessagePinned);
    assert_eq!(entry.subject_id, Some(group.to_string()));
    assert_eq!(entry.changes, [change("pinned", None, Some(&id))]);
    let world = world.and(account(ANN), UnpinAll { conversation_id: group });
    assert_eq!(last(&world).changes, [change("pins", Some("1"), None)]);
    let (world, _) = pinned(world, direct);
    let world = world.and(account(ANN), UnpinAll { conversation_id: direct });
    assert_eq!(entries(&world).len(), count + 1);
}

#[test]
fn owners_admins_and_auditors_read_it_and_nobody_else() {
    let world = owned()
        .and(account(ANN), grant(BOB, ServerRole::Auditor))
        .and(account(ANN), grant(EVE, ServerRole::Moderator))
        .when(account(EVE), read())
        .then_rejected(AuditRejection::Forbidden)
        .when(account(9), read())
        .then_rejected(AuditRejection::Forbidden)
        .when(account(EVE), ExportAudit { from: None, to: None })
        .then_rejected(AuditRejection::Forbidden)
        .and(account(ANN), grant(EVE, ServerRole::Admin));
    [ANN, BOB, EVE].into_iter().fold(world, |world, n| world.and(account(n), read()));
}

#[test]
fn reading_and_exporting_are_entries_too() {
    let world = owned();
    let filter = Filter { actor_id: Some(account(BOB)), ..Filter::default() };
    let command = ReadAudit { filter, after: None, entries: Long(3) };
    let world = world.and(account(ANN), command);
    let entry = last(&world);
    assert_eq!((entry.action, entry.actor_id), (AuditAction::AuditRead, Some(account(ANN))));
    let bob = account(BOB).to_string();
    let expected = [change("actorId", None, Some(&bob)), change("entries", None, Some("3"))];
    assert_eq!(entry.changes, expected);
    let world = world.and(account(ANN), ExportAudit { from: Some(Timestamp(0)), to: None });
    let entry = last(&world);
    assert_eq!(entry.action, AuditAction::AuditExported);
    assert_eq!(entry.changes, [change("from", None, Some("1970-01-01T00:00:00Z"))]);
}

#[test]
fn a_filter_covers_what_meets_every_condition() {
    let invite = InvitePeople { uses: 1, good_for_ms: 60_000 };
    let world = owned().and(account(ANN), grant(BOB, ServerRole::Admin)).later(5);
    let world = world.and(account(ANN), invite);
    let all = entries(&world);
    let count = |filter: Filter| all.iter().filter(|it| filter.covers(it)).count();
    let none = Filter::default();
    let invitation = last(&world);
    let target_id = invitation.subject_id.clone();
    assert_eq!(count(none.clone()), all.len());
    assert_eq!(count(Filter { target_id, ..none.clone() }), 1);
    let target_id = Some(account(BOB).to_string());
    assert_eq!(count(Filter { target_id: target_id.clone(), ..none.clone() }), 2);
    let action = Some(AuditAction::RoleGranted);
    assert_eq!(count(Filter { target_id, action, ..none.clone() }), 1);
    assert_eq!(count(Filter { from: Some(invitation.occurred_at), ..none.clone() }), 1);
    let to = Some(invitation.occurred_at);
    assert_eq!(count(Filter { to, ..none.clone() }), all.len() - 1);
    assert_eq!(count(Filter { actor_id: Some(account(EVE)), ..none }), 1, "she registered");
}

#[test]
fn every_action_is_named_like_its_event() {
    let group = |it: &str| it.strip_prefix("Group").map_or(it.to_owned(), str::to_owned);
    let world = owned().and(account(ANN), read());
    for (entry, event) in entries(&world).iter().zip(told_events(&world)) {
        assert_eq!(group(&format!("{:?}", entry.action)), event);
    }
}

fn told_events(world: &Given) -> Vec<&'static str> {
    let told = world.history().iter().filter(|it| !AuditEntry::ids(it).is_empty());
    told.map(|it| Event::name(&it.event)).collect()
}

#[test]
fn keys_sort_by_time_and_lead_to_actor_target_and_action() {
    let world = owned().and(account(ANN), grant(BOB, ServerRole::Admin));
    let entry = last(&world);
    let keys = entry.index_keys();
    let of = |it: AccountId| format!("{it}/{}", entry.place);
    assert_eq!(keys[0], Some(format!("at/{}", entry.place)));
    assert_eq!((&keys[1], &keys[2]), (&Some(of(account(ANN))), &Some(of(account(BOB)))));
    assert_eq!((&keys[3], &keys[4]), (&None, &Some(format!("ROLE_GRANTED/{}", entry.place))));
    let places: Vec<_> = entries(&world).into_iter().map(|it| it.place).collect();
    assert!(places.iter().all(|it| it.len() == 36));
}

#[test]
fn a_page_goes_on_only_after_a_place() {
    let filter = Filter { to: Some(Timestamp(5)), ..Filter::default() };
    let place = "0".repeat(36);
    for bad in ["", "x", &place[1..], &format!("{place}0"), &"g".repeat(36), &"F".repeat(36)] {
        assert!(filter.scan_after(Some(bad), 1).is_none(), "{bad}");
    }
    let scan = filter.scan_after(Some(&place), 1).expect("a place");
    assert_eq!(scan.to, format!("at/{place}"));
    let late = "f".repeat(36);
    let scan = filter.scan_after(Some(&late), 1).expect("a place");
    assert_eq!(scan.to, "at/0000000000000005", "a place beyond the range widens nothing");
}
