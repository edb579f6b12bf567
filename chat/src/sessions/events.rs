//! What can happen to a session.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::applications::{Access, ApplicationId};
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Personal, Recorded};

crate::id! {
    /// Identifies a session.
    SessionId, "sess"
}

crate::events! {
    /// Everything that can happen to sessions; they live in their account's stream.
    SessionEvent {
        SessionOpened [device, app, platform, place],
        SessionRefreshed [],
        SessionConfirmed [],
        SessionEnded [],
        SessionsEnded [],
    }
}

/// Somebody signed in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub struct SessionOpened {
    pub session_id: SessionId,
    pub account_id: AccountId,
    /// What the person calls the device.
    pub device: Personal<String>,
    /// The program that signed in, as it calls itself.
    pub app: Option<Personal<String>>,
    /// What it runs on, as it says.
    pub platform: Option<Personal<String>>,
    /// Country and city that the address belongs to; none where nobody knows.
    pub place: Option<Personal<String>>,
    /// Whether a second factor was proved too.
    #[avro(default = "false")]
    #[serde(default)]
    pub factor: bool,
    /// Whether it can only set up a second factor, which the server demands.
    #[avro(default = "false")]
    #[serde(default)]
    pub limited: bool,
    /// The application that it is for; none for a person's own.
    pub application_id: Option<ApplicationId>,
    /// What the application was allowed.
    #[avro(default = "[]")]
    #[serde(default)]
    pub access: Vec<Access>,
    /// Whether it was allowed in another session, so that nobody has proved themselves in this one.
    #[avro(default = "false")]
    #[serde(default)]
    pub allowed: bool,
    /// Whether a link by mail stood for the password, and no factor was shown beside it.
    #[avro(default = "false")]
    #[serde(default)]
    pub by_mail: bool,
    pub origin: Option<Origin>,
}

/// The refresh token was exchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub struct SessionRefreshed {
    pub session_id: SessionId,
    /// Generation of the token that is good from here on.
    pub generation: Long,
}

/// The person proved themselves once more in this session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub struct SessionConfirmed {
    pub session_id: SessionId,
    /// Whether a second factor was proved too.
    pub factor: bool,
    pub origin: Option<Origin>,
}

/// The session ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub struct SessionEnded {
    pub session_id: SessionId,
    pub reason: EndReason,
    pub origin: Option<Origin>,
}

/// Several sessions of one account ended together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub struct SessionsEnded {
    pub account_id: AccountId,
    /// At most 100.
    pub session_ids: Vec<SessionId>,
    pub cause: EndCause,
    pub origin: Option<Origin>,
}

/// Why sessions ended together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub enum EndCause {
    // The person signed out elsewhere.
    SignedOut,
    // One more was opened than an account may have.
    TooMany,
    // They had not been used for too long.
    Expired,
    // The password was changed, and others were to be signed out.
    PasswordChanged,
    // The password was set anew by somebody who had forgotten it.
    PasswordReset,
    // A second factor was recovered.
    FactorReset,
    // The account was suspended.
    Suspended,
    // The person deactivated the account.
    Deactivated,
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub enum EndReason {
    // The person signed out.
    SignedOut,
    // A refresh token was used that had been exchanged before.
    TokenReused,
}

impl SessionEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let effect = match self {
            Self::SessionEnded(it) => Effect::SessionEnded(it.session_id.0),
            Self::SessionsEnded(it) => {
                Effect::SessionsEnded(it.session_ids.iter().map(|it| it.0).collect())
            }
            Self::SessionOpened(_) | Self::SessionRefreshed(_) | Self::SessionConfirmed(_) => {
                Effect::None
            }
        };
        (Change::None, effect)
    }
}
