//! What can happen to a device's request; each lives in a stream of its code.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::{AccountId, NameId};
use crate::applications::{Access, ApplicationId};
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded, Timestamp};
use crate::sessions::SessionId;

crate::events! {
    /// Everything that can happen to requests of devices.
    DeviceEvent {
        DeviceRequested [],
        DeviceAllowed [],
        DeviceDenied [],
    }
}

/// A device shows a code and waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.devices")]
pub struct DeviceRequested {
    pub code_id: NameId,
    /// None for a device of the person's own.
    pub application_id: Option<ApplicationId>,
    pub access: Vec<Access>,
    pub good_until: Timestamp,
    pub origin: Option<Origin>,
}

/// Somebody let the device in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.devices")]
pub struct DeviceAllowed {
    pub code_id: NameId,
    pub account_id: AccountId,
    /// The session that it opens.
    pub session_id: SessionId,
    /// Generation of the credential at that time.
    pub credential: Long,
    pub origin: Option<Origin>,
}

/// Somebody refused the device.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.devices")]
pub struct DeviceDenied {
    pub code_id: NameId,
    pub account_id: AccountId,
    pub origin: Option<Origin>,
}

impl DeviceEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }

    /// Which code it is about.
    pub fn code_id(&self) -> NameId {
        match self {
            Self::DeviceRequested(it) => it.code_id,
            Self::DeviceAllowed(it) => it.code_id,
            Self::DeviceDenied(it) => it.code_id,
        }
    }
}
