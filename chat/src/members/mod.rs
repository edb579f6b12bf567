//! Members: who belongs to a conversation, since when, and what they may do.
//!
//! Owners and admins add and remove; anyone leaves; anyone who knows the id joins an open group.
//! Only the owner changes roles, and the owner leaves last. Members see the whole history while
//! they are members, and nothing afterwards.
//!
//! Limits: [`MEMBERS_MAX`], [`ADDED_MAX`].

mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{
    AddMembers, ChangeRole, JoinGroup, LeaveConversation, MemberRejection, RemoveMember,
};
pub use events::{MemberEvent, MemberLeft, MemberRemoved, MembersAdded, Role, RoleChanged};
pub use graphql::{MemberMutation, MemberObject, MemberQuery, members};
pub use view::{Member, Stint};

/// Most members of a group.
pub const MEMBERS_MAX: u64 = 200_000;
/// Most members added by one command.
pub const ADDED_MAX: usize = 500;
