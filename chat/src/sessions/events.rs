//! What can happen to a session.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded};

crate::id! {
    /// Identifies a session.
    SessionId, "sess"
}

crate::events! {
    /// Everything that can happen to sessions; they live in their account's stream.
    SessionEvent {
        SessionOpened [device],
        SessionRefreshed [],
        SessionEnded [],
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
}

/// The refresh token was exchanged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub struct SessionRefreshed {
    pub session_id: SessionId,
    /// Generation of the token that is good from here on.
    pub generation: Long,
}

/// The session ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sessions")]
pub struct SessionEnded {
    pub session_id: SessionId,
    pub reason: EndReason,
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
            Self::SessionOpened(_) | Self::SessionRefreshed(_) => Effect::None,
        };
        (Change::None, effect)
    }
}
