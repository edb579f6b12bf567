//! What can happen to applications, and between them and people.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::{Effect, Origin, Recorded};

crate::id! {
    /// Identifies an application.
    ApplicationId, "app"
}

crate::events! {
    /// Applications live in the instance's stream; what somebody allows them, in that account's.
    ApplicationEvent {
        ApplicationRegistered [],
        ApplicationRemoved [],
        ApplicationAllowed [],
    }
}

/// What somebody may allow an application.
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
#[avro(namespace = "chat.applications")]
pub enum Access {
    // To know who they are.
    OpenId,
    // To know their names.
    Profile,
    // To know the mail address that they have proved.
    Email,
    // To go on while they are away.
    OfflineAccess,
    // To read and follow their conversations.
    ChatRead,
    // To write in their name, and act on their conversations.
    ChatWrite,
}

/// An application may ask people for access.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.applications")]
pub struct ApplicationRegistered {
    pub application_id: ApplicationId,
    /// What people are told it is called.
    pub application_name: String,
    /// Where it may send people back to.
    pub redirect_uris: Vec<String>,
    /// Keyed digest of its secret; none for one that can keep no secret.
    pub secret_digest: Option<String>,
    pub origin: Option<Origin>,
}

/// An application may ask nobody any more, and what it was allowed is void.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.applications")]
pub struct ApplicationRemoved {
    pub application_id: ApplicationId,
    pub origin: Option<Origin>,
}

/// Somebody allowed an application to act for them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.applications")]
pub struct ApplicationAllowed {
    pub account_id: AccountId,
    pub application_id: ApplicationId,
    pub access: Vec<Access>,
    pub origin: Option<Origin>,
}

impl ApplicationEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }
}
