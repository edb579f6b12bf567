//! The law of rights: whatever people try, in whatever order, whoever did something held the right
//! to do it by what had happened before, and nobody came to hold a right that its giver lacked.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::secure::{generation, proof};
use super::{Attempt, attempts, beginning, world};
use crate::accounts::{AccountEvent, AccountId};
use crate::applications::ApplicationEvent;
use crate::conversations::{ConversationEvent, ConversationId, RenameGroup};
use crate::edit_policy::EditPolicyEvent;
use crate::expiry::ExpiryEvent;
use crate::instance::{
    ChangeSettings, GrantRole, Instance, InstanceEvent, InvitePeople, ReinstateAccount, RevokeRole,
    Right, RoleGranted, ServerRole, SuspendAccount,
};
use crate::kernel::testing::{Given, account};
use crate::kernel::{Origin, Recorded, StreamId};
use crate::locations::LocationEvent;
use crate::members::{
    AddMembers, ChangeRole, JoinGroup, LeaveConversation, Member, MemberEvent, RemoveMember, Role,
    RoleChanged,
};
use crate::messages::MessageEvent;
use crate::pins::PinEvent;
use crate::polls::PollEvent;
use crate::reactions::ReactionEvent;
use crate::removals::RemovalEvent;
use crate::schedule::ScheduleEvent;
use crate::sessions::{Client, OpenSession, SessionId};
use crate::threads::ThreadEvent;

/// Who may do what, recomputed from events alone.
#[derive(Default)]
struct Held {
    open: BTreeMap<ConversationId, bool>,
    roles: BTreeMap<(ConversationId, AccountId), Role>,
    staff: BTreeMap<AccountId, ServerRole>,
}

impl Held {
    fn role(&self, conversation: ConversationId, account: AccountId) -> Option<Role> {
        self.roles.get(&(conversation, account)).copied()
    }

    fn manages(&self, conversation: ConversationId, account: AccountId) -> bool {
        self.role(conversation, account).is_some_and(Role::manages)
    }

    fn holds(&self, account: AccountId, right: Right) -> bool {
        self.staff.get(&account).is_some_and(|it| it.holds(right))
    }

    fn owners(&self) -> usize {
        self.staff.values().filter(|it| **it == ServerRole::Owner).count()
    }

    /// Whether an account holds every right that a role holds.
    fn covers(&self, account: AccountId, role: ServerRole) -> bool {
        self.staff.get(&account).is_some_and(|it| it.covers(role))
    }

    /// Takes an event in; whether whoever did it held the right to.
    fn takes(&mut self, event: &Recorded) -> bool {
        let Some(actor) = event.actor else { return true };
        self.takes_conversation(event, actor)
            && self.takes_members(event, actor)
            && self.takes_instance(event, actor)
            && self.allows(event, actor)
    }

    fn takes_conversation(&mut self, event: &Recorded, actor: AccountId) -> bool {
        match ConversationEvent::of(&event.event) {
            Some(ConversationEvent::GroupCreated(it)) => {
                self.open.insert(it.conversation_id, it.open);
                self.roles.insert((it.conversation_id, it.owner_id), Role::Owner);
                it.owner_id == actor
            }
            Some(ConversationEvent::DirectOpened(it)) => {
                let keys = it.account_ids.iter().map(|who| (it.conversation_id, *who));
                self.roles.extend(keys.map(|it| (it, Role::Member)));
                it.account_ids.contains(&actor)
            }
            Some(ConversationEvent::GroupRenamed(it)) => self.manages(it.conversation_id, actor),
            None => true,
        }
    }

    fn takes_members(&mut self, event: &Recorded, actor: AccountId) -> bool {
        match MemberEvent::of(&event.event) {
            Some(MemberEvent::MembersAdded(it)) => {
                let group = it.conversation_id;
                let joins = self.open.get(&group) == Some(&true) && it.account_ids == [actor];
                let new = it.account_ids.iter().all(|who| self.role(group, *who).is_none());
                let allowed = self.manages(group, actor) || joins;
                self.roles.extend(it.account_ids.iter().map(|who| ((group, *who), it.role)));
                allowed && new && it.role == Role::Member
            }
            Some(MemberEvent::MemberLeft(it)) => {
                let was = self.roles.remove(&(it.conversation_id, it.account_id));
                was.is_some() && it.account_id == actor
            }
            Some(MemberEvent::MemberRemoved(it)) => {
                let above = self.role(it.conversation_id, actor);
                let manages = self.manages(it.conversation_id, actor);
                let was = self.roles.remove(&(it.conversation_id, it.account_id));
                manages && was.is_some() && above > was
            }
            Some(MemberEvent::RoleChanged(it)) => {
                let owns = self.role(it.conversation_id, actor) == Some(Role::Owner);
                let before = self.roles.insert((it.conversation_id, it.account_id), it.role);
                let below = before.is_some_and(|it| it < Role::Owner) && it.role < Role::Owner;
                owns && below
            }
            None => true,
        }
    }

    fn takes_instance(&mut self, event: &Recorded, actor: AccountId) -> bool {
        match InstanceEvent::of(&event.event) {
            Some(InstanceEvent::RoleGranted(it)) => {
                let first = self.owners() == 0 && it.account_id == actor;
                let grants = self.holds(actor, Right::GrantRoles) && self.covers(actor, it.role);
                let above = it.before.is_none_or(|it| self.covers(actor, it));
                let before = self.staff.insert(it.account_id, it.role);
                (first || grants && above) && before == it.before && self.owners() > 0
            }
            Some(InstanceEvent::RoleRevoked(it)) => {
                let grants = self.holds(actor, Right::GrantRoles) && self.covers(actor, it.before);
                let before = self.staff.remove(&it.account_id);
                let allowed = grants || it.account_id == actor;
                allowed && before == Some(it.before) && self.owners() > 0
            }
            Some(InstanceEvent::SettingsChanged(_)) => self.holds(actor, Right::ChangeSettings),
            Some(InstanceEvent::InvitationMade(_) | InstanceEvent::InvitationRevoked(_)) => {
                self.holds(actor, Right::InvitePeople)
            }
            Some(InstanceEvent::InvitationUsed(it)) => it.account_id == actor,
            None => true,
        }
    }

    /// What changes no right, but asks for one.
    fn allows(&self, event: &Recorded, actor: AccountId) -> bool {
        let suspends = |other: AccountId| {
            let own = self.staff.get(&actor).filter(|it| it.holds(Right::SuspendAccounts));
            let theirs = self.staff.get(&other);
            own.is_some_and(|own| theirs.is_none_or(|it| own.covers(*it) && !it.covers(*own)))
        };
        let account = match AccountEvent::of(&event.event) {
            Some(AccountEvent::AccountSuspended(it)) => suspends(it.account_id),
            Some(AccountEvent::AccountReinstated(it)) => suspends(it.account_id),
            Some(AccountEvent::AccountDeactivated(it)) => it.account_id == actor,
            Some(AccountEvent::PasswordChanged(it)) => it.account_id == actor,
            Some(_) | None => true,
        };
        let message = match MessageEvent::of(&event.event) {
            Some(MessageEvent::MessageSent(it)) => {
                it.author_id == actor && self.role(it.conversation_id, actor).is_some()
            }
            Some(MessageEvent::MessageDeleted(it)) => it.author_id == actor,
            Some(MessageEvent::MessageEdited(_) | MessageEvent::MessageHidden(_)) | None => true,
        };
        let removal = match RemovalEvent::of(&event.event) {
            Some(RemovalEvent::MessageRemoved(it)) => {
                it.author_id != actor && self.manages(it.conversation_id, actor)
            }
            Some(RemovalEvent::MessageRestored(it)) => self.manages(it.conversation_id, actor),
            Some(RemovalEvent::MessageDestroyed(it)) => it.author_id == actor,
            None => true,
        };
        let application = match ApplicationEvent::of(&event.event) {
            Some(ApplicationEvent::ApplicationRemoved(_)) => {
                self.holds(actor, Right::ChangeSettings)
            }
            Some(_) | None => true,
        };
        let own = match ScheduleEvent::of(&event.event) {
            Some(ScheduleEvent::MessageScheduled(it)) => it.account_id == actor,
            Some(ScheduleEvent::ScheduledChanged(it)) => it.account_id == actor,
            Some(ScheduleEvent::ScheduledCancelled(it)) => it.account_id == actor,
            Some(_) | None => true,
        };
        account
            && message
            && removal
            && application
            && own
            && self.allows_in_talk(event, actor)
            && self.allows_poll(event, actor)
            && self.allows_location(event, actor)
    }

    fn allows_in_talk(&self, event: &Recorded, actor: AccountId) -> bool {
        let pinned = match PinEvent::of(&event.event) {
            Some(PinEvent::MessagePinned(it)) => Some((it.conversation_id, it.account_id)),
            Some(PinEvent::MessageUnpinned(it)) => Some((it.conversation_id, it.account_id)),
            Some(PinEvent::AllUnpinned(it)) => Some((it.conversation_id, it.account_id)),
            None => None,
        };
        let policy = EditPolicyEvent::of(&event.event);
        let policy = policy.map(|EditPolicyEvent::EditPolicySet(it)| it.conversation_id);
        let expiry = ExpiryEvent::of(&event.event);
        let expiry = expiry.map(|ExpiryEvent::ExpirySet(it)| it.conversation_id);
        let set = policy.or(expiry).map(|it| (it, actor));
        let moved = ThreadEvent::moved(event).map(|it| (it.conversation_id, it.account_id));
        let Some((conversation, account)) = pinned.or(set).or(moved) else {
            return self.allows_reaction(event, actor);
        };
        let may = match self.open.contains_key(&conversation) {
            true => self.manages(conversation, actor),
            false => self.role(conversation, actor).is_some(),
        };
        account == actor && may
    }

    fn allows_location(&self, event: &Recorded, actor: AccountId) -> bool {
        let conversation = match LocationEvent::of(&event.event) {
            Some(LocationEvent::LiveLocationStarted(it)) => it.conversation_id,
            Some(LocationEvent::LiveLocationMoved(it)) => it.conversation_id,
            Some(LocationEvent::LiveLocationStopped(it)) => it.conversation_id,
            None => return true,
        };
        self.role(conversation, actor).is_some()
    }

    fn allows_poll(&self, event: &Recorded, actor: AccountId) -> bool {
        let (conversation, account) = match PollEvent::of(&event.event) {
            Some(PollEvent::PollOpened(it)) => (it.conversation_id, it.author_id),
            Some(PollEvent::VoteCast(it)) => (it.conversation_id, it.account_id),
            Some(PollEvent::PollClosed(it)) => {
                return self.role(it.conversation_id, actor).is_some();
            }
            None => return true,
        };
        account == actor && self.role(conversation, actor).is_some()
    }

    fn allows_reaction(&self, event: &Recorded, actor: AccountId) -> bool {
        let (conversation, account) = match ReactionEvent::of(&event.event) {
            Some(ReactionEvent::ReactionAdded(it)) => (it.conversation_id, it.account_id),
            Some(ReactionEvent::ReactionRemoved(it)) => (it.conversation_id, it.account_id),
            Some(ReactionEvent::ReactionsLimited(it)) => {
                return self.manages(it.conversation_id, actor);
            }
            None => return true,
        };
        account == actor && self.role(conversation, actor).is_some()
    }

    /// Whether documents say the same.
    fn is_what(&self, world: &Given) -> bool {
        let staff: BTreeMap<_, _> = world
            .document::<Instance>(Instance::ID)
            .unwrap_or_default()
            .staff
            .into_iter()
            .collect();
        let people = (0..4).map(account);
        let role = |group: ConversationId, who: AccountId| {
            let member = world.document::<Member>(Member::id(group, who));
            member.filter(|it| it.active).map(|it| it.role)
        };
        let mut places = people.flat_map(|who| self.open.keys().map(move |group| (*group, who)));
        staff == self.staff && places.all(|it| role(it.0, it.1) == self.role(it.0, it.1))
    }
}

/// Tries what gives, takes or needs a role; `which` says whom it concerns and which role.
fn attempt(world: Given, places: &[ConversationId; 3], it: Attempt) -> Given {
    use ServerRole::{Admin, Auditor, Moderator, Owner};
    let (who, what, which, place) = it;
    let (actor, account_id) = (account(who), account(which % 4));
    let conversation_id = places[usize::from(place)];
    let session_id = SessionId(actor.0);
    let rank = usize::from(which / 4);
    let role = [Role::Member, Role::Admin, Role::Owner][rank % 3];
    let server_role = [Owner, Admin, Moderator, Auditor][rank % 4];
    let world = world.from(Origin { session_id: Some(session_id), address: None });
    let then = match what {
        0 => world.when(actor, JoinGroup { conversation_id }),
        1 => world.when(actor, LeaveConversation { conversation_id }),
        2 => world.when(actor, AddMembers { conversation_id, account_ids: vec![account_id] }),
        3 => world.when(actor, RemoveMember { conversation_id, account_id }),
        4 | 5 => world.when(actor, ChangeRole { conversation_id, account_id, role }),
        6 => world.when(actor, RenameGroup { conversation_id, title: "mine".to_owned() }),
        7 | 8 => world.when(actor, GrantRole { account_id, role: server_role }),
        9 => world.when(actor, RevokeRole { account_id }),
        10 => world.when(actor, SuspendAccount { account_id, reason: "spam".to_owned() }),
        11 => world.when(actor, ReinstateAccount { account_id }),
        12 => world.when(actor, InvitePeople { uses: 1, good_for_ms: 60_000 }),
        13 => {
            let (registration, staff_second_factor) = (None, None);
            let second_factor = Some(which > 240);
            world.when(actor, ChangeSettings { registration, staff_second_factor, second_factor })
        }
        _ => {
            let credential = Some(generation(&world, actor));
            let (factor, client) = (proof(&world, actor, which), Client::default());
            let opening = OpenSession {
                session_id,
                client,
                credential,
                identity: None,
                by_mail: false,
                factor,
                allowed: None,
            };
            world.when(actor, opening)
        }
    };
    then.world
}

fn struggles() -> impl Strategy<Value = Vec<Attempt>> {
    prop::collection::vec((0..4_u8, 0..15_u8, any::<u8>(), 0..3_u8), 0..160)
}

fn struggle(attempts: Vec<Attempt>) -> Given {
    let (world, places) = beginning();
    attempts.into_iter().fold(world, |world, it| attempt(world, &places, it))
}

/// Recounts a history; what somebody did without the right to, if anybody did.
fn usurped(world: &Given) -> Option<&Recorded> {
    let mut held = Held::default();
    let usurped = world.history().iter().find(|it| !held.takes(it));
    assert!(usurped.is_some() || held.is_what(world), "documents say something else");
    usurped
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(256)
    })]

    #[test]
    fn nobody_who_struggles_for_roles_gets_a_right_that_its_giver_lacked(it in struggles()) {
        let world = struggle(it);
        prop_assert_eq!(usurped(&world), None);
    }

    #[test]
    fn nothing_that_anybody_tries_is_done_without_the_right_to(it in attempts()) {
        let (world, _) = world(it);
        prop_assert_eq!(usurped(&world), None);
    }
}

/// The law says something about every event that gives, takes or needs a role.
#[test]
fn struggles_change_roles_of_every_kind() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut seen = BTreeSet::new();
    for _ in 0..64 {
        let attempts = struggles().new_tree(&mut runner).expect("a tree").current();
        seen.extend(struggle(attempts).history().iter().map(|it| it.event.name()));
    }
    for name in [
        "MembersAdded",
        "MemberLeft",
        "MemberRemoved",
        "RoleChanged",
        "GroupRenamed",
        "RoleGranted",
        "RoleRevoked",
        "SettingsChanged",
        "InvitationMade",
        "AccountSuspended",
        "AccountReinstated",
    ] {
        assert!(seen.contains(name), "{name}");
    }
}

/// An oracle that finds nothing wrong proves nothing.
#[test]
fn what_is_done_without_the_right_to_is_found() {
    let (world, [open, ..]) = beginning();
    let role = |role| RoleChanged {
        conversation_id: open,
        account_id: account(1),
        role,
        before: None,
        origin: None,
    };
    let stream = StreamId::Conversation(open);
    let world = world.happened(stream, account(1), role(Role::Admin).into());
    assert_eq!(usurped(&world).map(|it| it.event.name()), Some("RoleChanged"));
    let (world, _) = beginning();
    let granted =
        RoleGranted { account_id: account(2), role: ServerRole::Owner, before: None, origin: None };
    let world = world.happened(StreamId::Instance, account(1), granted.into());
    assert_eq!(usurped(&world).map(|it| it.event.name()), Some("RoleGranted"));
}
