//! What can happen to the log of audit: it is read.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded, Timestamp};

crate::events! {
    /// Everything that can happen to the log of audit; it stands in the instance's stream.
    AuditEvent {
        AuditRead [],
        AuditExported [],
    }
}

/// Somebody looked through a page of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.audit")]
pub struct AuditRead {
    /// Only what this account did.
    pub actor_id: Option<AccountId>,
    /// Only what concerns this id.
    pub target_id: Option<String>,
    /// Only what is called so.
    pub action: Option<String>,
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// The entry after which the page begins.
    pub after: Option<String>,
    /// How many entries were shown.
    pub entries: Long,
    pub origin: Option<Origin>,
}

/// Somebody took all of it, or a stretch of time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.audit")]
pub struct AuditExported {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub origin: Option<Origin>,
}

impl AuditEvent {
    /// What it means to those who listen: nothing yet.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }
}
