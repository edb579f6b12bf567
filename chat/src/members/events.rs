//! What can happen to a membership.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded};

crate::events! {
    /// Everything that can happen to memberships.
    MemberEvent {
        MembersAdded [],
        MemberLeft [],
        MemberRemoved [],
        RoleChanged [],
    }
}

/// What a member may do.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    AvroSchema,
    schemars::JsonSchema,
    async_graphql::Enum,
)]
#[avro(namespace = "chat.members")]
pub enum Role {
    Member,
    Admin,
    Owner,
}

impl Role {
    /// Whether the role manages the group.
    pub fn manages(self) -> bool {
        self >= Self::Admin
    }
}

/// Accounts became members: added by somebody, or one that joined by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.members")]
pub struct MembersAdded {
    pub conversation_id: ConversationId,
    /// At most 500.
    pub account_ids: Vec<AccountId>,
    pub role: Role,
    /// Number of the last message then: what came before counts as read.
    pub last_number: Long,
}

/// A member left.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.members")]
pub struct MemberLeft {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    /// `seq` of the event that began this membership.
    pub joined_seq: Long,
}

/// A member was removed by somebody else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.members")]
pub struct MemberRemoved {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    /// `seq` of the event that began this membership.
    pub joined_seq: Long,
    /// Absent in events from before this was noted.
    pub role: Option<Role>,
    pub origin: Option<Origin>,
}

/// A member may do more, or less, than before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.members")]
pub struct RoleChanged {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    pub role: Role,
    /// Absent in events from before this was noted.
    pub before: Option<Role>,
    pub origin: Option<Origin>,
}

impl MemberEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::MembersAdded(it) => {
                let change = match it.account_ids.as_slice() {
                    [one] => Change::Member((it.conversation_id, *one)),
                    _ => Change::Conversation(it.conversation_id),
                };
                (change, Effect::Joined(it.account_ids.clone()))
            }
            Self::MemberLeft(it) => {
                (Change::Member((it.conversation_id, it.account_id)), Effect::Left(it.account_id))
            }
            Self::MemberRemoved(it) => {
                (Change::Member((it.conversation_id, it.account_id)), Effect::Left(it.account_id))
            }
            Self::RoleChanged(it) => {
                (Change::Member((it.conversation_id, it.account_id)), Effect::None)
            }
        }
    }
}
