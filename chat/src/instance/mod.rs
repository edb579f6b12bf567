//! The instance: who runs it, who may register, and whose account is suspended.
//!
//! Everything that concerns the whole server stands in one stream, so "the last owner stays" and
//! "an invitation is used as often as it says" are decided exactly. The first owner is whoever
//! registers with the setup link, which is printed at start until it has been used.
//!
//! A server role is a set of rights ([`Right`]). Nobody gives or takes a role that holds a right
//! they lack, or acts on somebody who holds one. Every change asks for a fresh proof
//! ([`crate::sessions::FRESH_MS`]).
//!
//! Limits: [`STAFF_MAX`], [`USES_MAX`], [`INVITATION_MS_MAX`], [`REASON_CHARS_MAX`].

mod admit;
mod decide;
mod events;
mod graphql;
mod objects;
mod suspend;
#[cfg(test)]
mod tests;
mod view;

pub use admit::{admit, claim_setup, setup_token};
pub use decide::{
    Actor, ChangeSettings, ClaimSetup, GrantRole, InstanceRejection, InvitePeople,
    RevokeInvitation, RevokeRole, UseInvitation,
};
pub(crate) use decide::{actor, allowed, instance_slot};
pub use events::{
    InstanceEvent, InvitationId, InvitationMade, InvitationRevoked, InvitationUsed,
    RegistrationMode, RoleGranted, RoleRevoked, ServerRole, Settings, SettingsChanged,
};
pub(crate) use graphql::demand;
pub use graphql::{InstanceMutation, InstanceQuery};
pub use suspend::{DeactivateAccount, ReinstateAccount, SuspendAccount};
pub use view::{Instance, Invitation, InvitationUse, Right};

/// Accounts with a server role at most.
pub const STAFF_MAX: usize = 100;
/// Accounts that one invitation lets in at most.
pub const USES_MAX: u32 = 10_000;
/// How long an invitation is good at most.
pub const INVITATION_MS_MAX: i64 = 366 * 24 * 3_600 * 1_000;
/// Most characters of the reason of a suspension.
pub const REASON_CHARS_MAX: usize = 500;
