//! An entry of the log of audit, and which of them are asked for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use ports::documents::{Collection, Order, Scan};

use super::told::told;
use crate::accounts::AccountId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded, StreamId, Timestamp};
use crate::sessions::SessionId;

/// What was done: the event that says so.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, async_graphql::Enum,
)]
pub enum AuditAction {
    AccountRegistered,
    PasswordChanged,
    UsernameChanged,
    AccountSuspended,
    AccountReinstated,
    AccountDeactivated,
    AccountReactivated,
    SessionOpened,
    SessionConfirmed,
    SessionEnded,
    SessionsEnded,
    TotpEnrolled,
    TotpConfirmed,
    TotpUsed,
    TotpRemoved,
    BackupCodesMade,
    BackupCodeUsed,
    FactorTried,
    CodeFactorEnabled,
    CodeFactorDisabled,
    FactorCodeSent,
    FactorCodeUsed,
    FactorRecoveryRequested,
    FactorRecoveryCancelled,
    FactorRecoveryCompleted,
    SignInLinkSent,
    SignInLinkUsed,
    PasskeyAdded,
    PasskeyUsed,
    PasskeyRemoved,
    IdentityLinked,
    IdentityUsed,
    IdentityUnlinked,
    AddressProposed,
    AddressTried,
    AddressConfirmed,
    AddressRemoved,
    ApplicationRegistered,
    ApplicationRemoved,
    ApplicationAllowed,
    DeviceRequested,
    DeviceAllowed,
    DeviceDenied,
    RoleGranted,
    RoleRevoked,
    SettingsChanged,
    InvitationMade,
    InvitationUsed,
    InvitationRevoked,
    GroupRoleChanged,
    GroupMemberRemoved,
    GroupReactionsLimited,
    GroupEditPolicySet,
    GroupMessagePinned,
    GroupMessageUnpinned,
    GroupAllUnpinned,
    GroupExpirySet,
    GroupMessageRemoved,
    GroupMessageRestored,
    GroupMessageMoved,
    AuditRead,
    AuditExported,
}

impl AuditAction {
    /// Its name, as clients write it.
    pub fn shown(self) -> String {
        super::told::shown(self)
    }
}

/// Something that is another than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, async_graphql::SimpleObject)]
pub struct AuditChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

/// One thing that somebody did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditEntry {
    pub action: AuditAction,
    /// Nobody when the server did it, or whoever was not signed in.
    pub actor_id: Option<AccountId>,
    /// The account that it was done to.
    pub target_id: Option<AccountId>,
    /// What it was done to besides: a session, a group, an invitation.
    pub subject_id: Option<String>,
    /// The session that it came from.
    pub session_id: Option<SessionId>,
    /// Keyed digest of the address that it came from.
    pub address: Option<String>,
    pub changes: Vec<AuditChange>,
    pub occurred_at: Timestamp,
    pub stream: StreamId,
    pub seq: u64,
    /// Where it stands among all, by time.
    pub place: String,
}

/// Digits of a place: those of time, partition and ordinal.
const PLACE_DIGITS: usize = 36;

/// Above every digit.
const BEYOND: &str = "g";

fn time_digits(at: Timestamp) -> String {
    padded(u64::try_from(at.0).unwrap_or(0))
}

impl Document for AuditEntry {
    const COLLECTION: Collection =
        Collection { name: "audit", indexes: &["at", "actor", "target", "subject", "action"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = || format!("{:04x}{}", event.partition, padded(event.ordinal));
        told(&event.event).map(|_| id()).into_iter().collect()
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let Some(told) = told(&event.event) else { return };
        *document = Some(Self {
            action: told.action,
            actor_id: event.actor,
            target_id: told.target.or(match event.stream {
                StreamId::Account(it) => Some(it),
                StreamId::Conversation(_) | StreamId::Name(_) | StreamId::Instance => None,
            }),
            subject_id: told.subject,
            session_id: told.origin.and_then(|it| it.session_id),
            address: told.origin.and_then(|it| it.address.clone()),
            changes: told.changes,
            occurred_at: event.occurred_at,
            stream: event.stream,
            seq: event.seq,
            place: format!("{}{id}", time_digits(event.occurred_at)),
        });
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let place = &self.place;
        vec![
            Some(format!("at/{place}")),
            self.actor_id.map(|it| format!("{it}/{place}")),
            self.target_id.map(|it| format!("{it}/{place}")),
            self.subject_id.as_ref().map(|it| format!("{it}/{place}")),
            Some(format!("{}/{place}", self.action.shown())),
        ]
    }
}

/// Which entries are asked for: those that meet every condition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Filter {
    pub actor_id: Option<AccountId>,
    /// An account, or what else it was done to.
    pub target_id: Option<String>,
    pub action: Option<AuditAction>,
    /// From here on.
    pub from: Option<Timestamp>,
    /// Before this.
    pub to: Option<Timestamp>,
}

impl Filter {
    /// Whether an entry meets it.
    pub fn covers(&self, entry: &AuditEntry) -> bool {
        let actor = self.actor_id.is_none_or(|it| entry.actor_id == Some(it));
        let target = self.target_id.as_ref().is_none_or(|it| {
            let account = entry.target_id.map(|it| it.to_string());
            Some(it) == account.as_ref() || Some(it) == entry.subject_id.as_ref()
        });
        let action = self.action.is_none_or(|it| entry.action == it);
        let from = self.from.is_none_or(|it| entry.occurred_at >= it);
        let to = self.to.is_none_or(|it| entry.occurred_at < it);
        actor && target && action && from && to
    }

    /// The range of one index that has all that meet it, and others.
    pub(super) fn scan(&self, order: Order, limit: usize) -> Scan {
        let (index, prefix) = match (&self.target_id, self.actor_id, self.action) {
            (Some(it), ..) => {
                let account = it.parse::<AccountId>().is_ok();
                (if account { "target" } else { "subject" }, format!("{it}/"))
            }
            (None, Some(it), _) => ("actor", format!("{it}/")),
            (None, None, Some(it)) => ("action", format!("{}/", it.shown())),
            (None, None, None) => ("at", "at/".to_owned()),
        };
        let from = self.from.map(time_digits).unwrap_or_default();
        let to = self.to.map_or_else(|| BEYOND.to_owned(), time_digits);
        Scan {
            collection: AuditEntry::COLLECTION.name,
            index: Some(index),
            from: format!("{prefix}{from}"),
            to: format!("{prefix}{to}"),
            order,
            limit,
        }
    }

    /// Goes on after an entry, towards older ones; nothing when it names none.
    pub(super) fn scan_after(&self, after: Option<&str>, limit: usize) -> Option<Scan> {
        let mut scan = self.scan(Order::Descending, limit);
        if let Some(after) = after {
            let digits = |it: u8| it.is_ascii_digit() || (b'a'..=b'f').contains(&it);
            if after.len() != PLACE_DIGITS || !after.bytes().all(digits) {
                return None;
            }
            let prefix = scan.to.split_once('/').map(|it| it.0).unwrap_or_default();
            scan.to = scan.to.clone().min(format!("{prefix}/{after}"));
        }
        Some(scan)
    }
}
