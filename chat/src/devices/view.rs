//! Requests of devices as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::DeviceEvent;
use crate::accounts::AccountId;
use crate::applications::{ApplicationId, Scopes};
use crate::audience::Audience;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::sessions::SessionId;

/// The request that a code stands for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeviceCode {
    pub application: Option<(ApplicationId, Scopes)>,
    pub good_until: Timestamp,
    pub answer: Option<DeviceAnswer>,
}

/// What somebody has answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum DeviceAnswer {
    Allowed { account: AccountId, session: SessionId, credential: u64, at: Timestamp },
    Denied,
}

impl DeviceCode {
    /// Whether somebody may still answer.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.answer.is_none() && now < self.good_until
    }
}

impl Document for DeviceCode {
    const COLLECTION: Collection = Collection { name: "device_codes", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let event = DeviceEvent::of(&event.event);
        event.map(|it| it.code_id().to_string()).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (document.as_mut(), DeviceEvent::of(&event.event)) {
            (_, Some(DeviceEvent::DeviceRequested(it))) => {
                let scopes = it.access.iter().copied().collect();
                *document = Some(Self {
                    application: it.application_id.map(|id| (id, scopes)),
                    good_until: it.good_until,
                    answer: None,
                });
            }
            (Some(code), Some(DeviceEvent::DeviceAllowed(it))) => {
                code.answer = Some(DeviceAnswer::Allowed {
                    account: it.account_id,
                    session: it.session_id,
                    credential: it.credential.0,
                    at: event.occurred_at,
                });
            }
            (Some(code), Some(DeviceEvent::DeviceDenied(_))) => {
                code.answer = Some(DeviceAnswer::Denied);
            }
            (None, Some(DeviceEvent::DeviceAllowed(_) | DeviceEvent::DeviceDenied(_)))
            | (_, None) => (),
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}
