//! When a device may wait, and who answers it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CODE_MS, DeviceAllowed, DeviceCode, DeviceDenied, DeviceRequested};
use crate::Event;
use crate::accounts::NameId;
use crate::applications::{ApplicationId, Scopes};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::sessions::{Fresh, SessionId};

crate::rejections! {
    /// Why devices wait in vain.
    DeviceRejection {
        Taken: Conflict, "DEVICES_CODE_TAKEN",
            "that code stands for another device now", "Draw another.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        NotFresh: Forbidden, "SESSIONS_CONFIRM_FIRST",
            "this needs that you have just proved yourself", "Give `confirm`, then try again.";
        Pending: Conflict, "DEVICES_PENDING",
            "nobody has answered yet", "Ask again in five seconds.";
        Denied: Forbidden, "DEVICES_DENIED", "the device was refused", "Begin again.";
        Expired: Forbidden, "DEVICES_EXPIRED",
            "the code is not good, or not any more", "Begin again.";
    }
}

fn code(code_id: NameId) -> Slot<DeviceCode> {
    Slot::new(code_id.to_string(), StreamId::Name(code_id))
}

/// Has a code stand for a device.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RequestDevice {
    pub code_id: NameId,
    pub application: Option<(ApplicationId, Scopes)>,
}

impl Command for RequestDevice {
    const NAME: &'static str = "RequestDevice";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<DeviceCode>;
    type Rejection = DeviceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, DeviceRejection> {
        Ok(StreamId::Name(self.code_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<DeviceCode> {
        code(self.code_id)
    }

    fn decide(
        self,
        known: &Slot<DeviceCode>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, DeviceRejection> {
        if known.get().is_some_and(|it| context.now < it.good_until) {
            return Err(DeviceRejection::Taken);
        }
        let requested = DeviceRequested {
            code_id: self.code_id,
            application_id: self.application.map(|it| it.0),
            access: self.application.map(|it| it.1.list()).unwrap_or_default(),
            good_until: Timestamp(context.now.0 + CODE_MS),
            origin: Some(context.origin.clone()),
        };
        Ok(vec![requested.into()])
    }
}

/// Answers a device: lets it in for the person who asks, or refuses it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AnswerDevice {
    pub code_id: NameId,
    /// The session that it opens, and the credential of now; none to refuse it.
    pub allowed: Option<(SessionId, u64)>,
}

impl Command for AnswerDevice {
    const NAME: &'static str = "AnswerDevice";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Slot<DeviceCode>, Fresh);
    type Rejection = DeviceRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, DeviceRejection> {
        Ok(StreamId::Name(self.code_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (code(self.code_id), Fresh::of(context))
    }

    fn decide(
        self,
        (known, fresh): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, DeviceRejection> {
        let open = known.get().filter(|it| it.is_open(context.now));
        open.ok_or(DeviceRejection::NotFound)?;
        let (code_id, account_id) = (self.code_id, context.actor);
        let origin = Some(context.origin.clone());
        let Some((session_id, credential)) = self.allowed else {
            return Ok(vec![DeviceDenied { code_id, account_id, origin }.into()]);
        };
        // What is let in stays longer than an access token that was stolen.
        fresh.session(context).ok_or(DeviceRejection::NotFresh)?;
        let credential = Long(credential);
        let allowed = DeviceAllowed { code_id, account_id, session_id, credential, origin };
        Ok(vec![allowed.into()])
    }

    /// Without the session, which is drawn anew each time.
    fn body(&self) -> Vec<u8> {
        format!("{} {}", self.code_id, self.allowed.is_some()).into_bytes()
    }
}
