//! What can happen to links that sign in; they live in their account's stream.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded, Timestamp};

crate::events! {
    /// Everything that can happen to links that sign in.
    SignInLinkEvent {
        SignInLinkSent [],
        SignInLinkUsed [],
    }
}

/// A link is on its way; those before are good no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sign_in_links")]
pub struct SignInLinkSent {
    pub account_id: AccountId,
    /// What tells it from others.
    pub nonce: Long,
    pub good_until: Timestamp,
    pub origin: Option<Origin>,
}

/// The link was shown; it is good no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.sign_in_links")]
pub struct SignInLinkUsed {
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

impl SignInLinkEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }
}
