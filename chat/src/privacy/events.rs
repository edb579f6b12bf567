//! What can happen to privacy; it lives in its account's stream.

use apache_avro::AvroSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::{Effect, Origin, Recorded};

crate::events! {
    /// Everything that can happen to privacy.
    PrivacyEvent {
        PrivacySet [],
    }
}

/// What others may see of a person, or do with them: whether they are about and when they were
/// last, what they say of themselves, their first mail address and phone number; find them by an
/// address, open a direct conversation with them, add them to groups; how far they have read and
/// received, that a message forwarded from them is theirs, and their picture.
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
    JsonSchema,
    async_graphql::Enum,
)]
#[avro(namespace = "chat.privacy")]
#[graphql(name = "PrivacySettingKind")]
pub enum Setting {
    LastSeen,
    Bio,
    Email,
    Phone,
    FindByEmail,
    FindByPhone,
    DirectMessages,
    GroupInvites,
    ReadReceipts,
    Forwards,
    Photo,
}

/// Whom a rule names: everyone, the person's contacts, the accounts that it lists, or the members
/// of its conversation.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    AvroSchema,
    JsonSchema,
    async_graphql::Enum,
)]
#[avro(namespace = "chat.privacy")]
#[graphql(name = "PrivacyRuleWho")]
pub enum Who {
    Everyone,
    Contacts,
    Accounts,
    Members,
}

/// Allows or denies something to those whom it names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, AvroSchema, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[avro(namespace = "chat.privacy")]
pub struct Rule {
    pub allow: bool,
    pub who: Who,
    /// For `Accounts`, and empty otherwise.
    #[serde(default)]
    pub account_ids: Vec<AccountId>,
    /// For `Members`, and absent otherwise.
    #[serde(default)]
    pub conversation_id: Option<ConversationId>,
}

/// A person has said who may see or do something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.privacy")]
pub struct PrivacySet {
    pub account_id: AccountId,
    pub setting: Setting,
    /// All rules of the setting, in their order.
    pub rules: Vec<Rule>,
    pub origin: Option<Origin>,
}

impl PrivacyEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::PrivacySet(it) => (Change::Privacy(it.account_id), Effect::None),
        }
    }
}
