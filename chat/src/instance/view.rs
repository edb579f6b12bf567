//! The instance as it is remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{InstanceEvent, InvitationId, RegistrationMode, ServerRole, Settings};
use crate::accounts::AccountId;
use crate::kernel::{Document, Recorded, Timestamp};

/// What one may do to the whole server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Right {
    /// Act on owners, and make more of them.
    OwnInstance,
    GrantRoles,
    ChangeSettings,
    SuspendAccounts,
    InvitePeople,
    ReadAudit,
}

impl ServerRole {
    /// The rights that it holds.
    pub fn rights(self) -> &'static [Right] {
        use Right::{
            ChangeSettings, GrantRoles, InvitePeople, OwnInstance, ReadAudit, SuspendAccounts,
        };
        match self {
            Self::Owner => {
                &[OwnInstance, GrantRoles, ChangeSettings, SuspendAccounts, InvitePeople, ReadAudit]
            }
            Self::Admin => &[GrantRoles, ChangeSettings, SuspendAccounts, InvitePeople, ReadAudit],
            Self::Moderator => &[SuspendAccounts, InvitePeople],
            Self::Auditor => &[ReadAudit],
        }
    }

    /// Whether it holds a right.
    pub fn holds(self, right: Right) -> bool {
        self.rights().contains(&right)
    }

    /// Whether it holds every right of another role.
    pub fn covers(self, other: Self) -> bool {
        other.rights().iter().all(|it| self.holds(*it))
    }
}

impl Default for Settings {
    fn default() -> Self {
        let registration = RegistrationMode::Open;
        Self { registration, staff_second_factor: false, second_factor: false }
    }
}

/// The instance: its settings and who runs it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    pub settings: Settings,
    /// At most [`super::STAFF_MAX`].
    pub staff: Vec<(AccountId, ServerRole)>,
}

impl Instance {
    /// Its only id.
    pub const ID: &'static str = "instance";

    /// The role of an account.
    pub fn role(&self, account: AccountId) -> Option<ServerRole> {
        self.staff.iter().find(|it| it.0 == account).map(|it| it.1)
    }

    /// How many own it.
    pub fn owners(&self) -> usize {
        self.staff.iter().filter(|it| it.1 == ServerRole::Owner).count()
    }

    /// Whether an account needs a second factor.
    pub fn demands_factor(&self, account: AccountId) -> bool {
        let staff = self.settings.staff_second_factor && self.role(account).is_some();
        self.settings.second_factor || staff
    }
}

impl Document for Instance {
    const COLLECTION: Collection = Collection { name: "instance", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match InstanceEvent::of(&event.event) {
            Some(
                InstanceEvent::RoleGranted(_)
                | InstanceEvent::RoleRevoked(_)
                | InstanceEvent::SettingsChanged(_),
            ) => vec![Self::ID.to_owned()],
            Some(_) | None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event) = InstanceEvent::of(&event.event) else { return };
        let instance = document.get_or_insert_default();
        match event {
            InstanceEvent::RoleGranted(it) => {
                instance.staff.retain(|(account, _)| *account != it.account_id);
                instance.staff.push((it.account_id, it.role));
            }
            InstanceEvent::RoleRevoked(it) => {
                instance.staff.retain(|(account, _)| *account != it.account_id);
            }
            InstanceEvent::SettingsChanged(it) => instance.settings = it.after,
            InstanceEvent::InvitationMade(_)
            | InstanceEvent::InvitationUsed(_)
            | InstanceEvent::InvitationRevoked(_) => (),
        }
    }
}

/// An invitation to register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Invitation {
    pub id: InvitationId,
    pub made_by: Option<AccountId>,
    pub made_at: Timestamp,
    pub expires_at: Timestamp,
    pub uses: u64,
    pub used: u64,
    pub revoked: bool,
}

impl Invitation {
    /// Whether it lets one more in.
    pub fn is_good(&self, now: Timestamp) -> bool {
        !self.revoked && self.used < self.uses && now.0 < self.expires_at.0
    }
}

impl Document for Invitation {
    const COLLECTION: Collection = Collection { name: "invitations", indexes: &["made"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = match InstanceEvent::of(&event.event) {
            Some(InstanceEvent::InvitationMade(it)) => it.invitation_id,
            Some(InstanceEvent::InvitationUsed(it)) => it.invitation_id,
            Some(InstanceEvent::InvitationRevoked(it)) => it.invitation_id,
            Some(_) | None => return Vec::new(),
        };
        vec![id.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (document.as_mut(), InstanceEvent::of(&event.event)) {
            (_, Some(InstanceEvent::InvitationMade(it))) => {
                *document = Some(Self {
                    id: it.invitation_id,
                    made_by: event.actor,
                    made_at: event.occurred_at,
                    expires_at: it.expires_at,
                    uses: it.uses.0,
                    used: 0,
                    revoked: false,
                });
            }
            (Some(invitation), Some(InstanceEvent::InvitationUsed(_))) => invitation.used += 1,
            (Some(invitation), Some(InstanceEvent::InvitationRevoked(_))) => {
                invitation.revoked = true;
            }
            (None | Some(_), _) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        vec![Some(format!("made/{}", self.id))]
    }
}

/// That an account was let in by an invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InvitationUse {
    pub account_id: AccountId,
}

impl InvitationUse {
    /// Its id.
    pub fn id(invitation: InvitationId, account: AccountId) -> String {
        format!("{invitation}/{account}")
    }
}

impl Document for InvitationUse {
    const COLLECTION: Collection = Collection { name: "invitation_uses", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match InstanceEvent::of(&event.event) {
            Some(InstanceEvent::InvitationUsed(it)) => {
                vec![Self::id(it.invitation_id, it.account_id)]
            }
            Some(_) | None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(InstanceEvent::InvitationUsed(it)) = InstanceEvent::of(&event.event) {
            *document = Some(Self { account_id: it.account_id });
        }
    }
}
