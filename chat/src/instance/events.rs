//! What can happen to the instance as a whole.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded, Timestamp};

crate::id! {
    /// Identifies an invitation to register.
    InvitationId, "inv"
}

crate::events! {
    /// Everything that can happen to the instance; each says what was before.
    InstanceEvent {
        RoleGranted [],
        RoleRevoked [],
        SettingsChanged [],
        InvitationMade [],
        InvitationUsed [],
        InvitationRevoked [],
    }
}

/// What somebody may do to the whole server.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    AvroSchema,
    schemars::JsonSchema,
    async_graphql::Enum,
)]
#[avro(namespace = "chat.instance")]
pub enum ServerRole {
    // Everything.
    Owner,
    // Everything but what concerns owners.
    Admin,
    // Suspends accounts and invites people.
    Moderator,
    // Reads the log of audit, and changes nothing.
    Auditor,
}

/// An account was given a server role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.instance")]
pub struct RoleGranted {
    pub account_id: AccountId,
    pub role: ServerRole,
    pub before: Option<ServerRole>,
    pub origin: Option<Origin>,
}

/// An account lost its server role.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.instance")]
pub struct RoleRevoked {
    pub account_id: AccountId,
    pub before: ServerRole,
    pub origin: Option<Origin>,
}

/// Who may register.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    AvroSchema,
    schemars::JsonSchema,
    async_graphql::Enum,
)]
#[avro(namespace = "chat.instance")]
pub enum RegistrationMode {
    // Everybody.
    Open,
    // Those with an invitation.
    Invitation,
    // Nobody.
    Closed,
}

/// What holds for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.instance")]
pub struct Settings {
    pub registration: RegistrationMode,
    /// Whether those with a server role need a second factor.
    pub staff_second_factor: bool,
    /// Whether everybody needs a second factor.
    pub second_factor: bool,
}

/// What holds for everybody was changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.instance")]
pub struct SettingsChanged {
    pub before: Settings,
    pub after: Settings,
    pub origin: Option<Origin>,
}

/// Somebody made an invitation to register.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.instance")]
pub struct InvitationMade {
    pub invitation_id: InvitationId,
    /// Accounts that it lets in.
    pub uses: Long,
    pub expires_at: Timestamp,
    pub origin: Option<Origin>,
}

/// An account is being registered with an invitation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.instance")]
pub struct InvitationUsed {
    pub invitation_id: InvitationId,
    pub account_id: AccountId,
}

/// An invitation lets nobody in any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.instance")]
pub struct InvitationRevoked {
    pub invitation_id: InvitationId,
    pub origin: Option<Origin>,
}

impl InstanceEvent {
    /// What it means to those who listen: nothing yet.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }
}
