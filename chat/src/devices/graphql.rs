//! Devices that wait, as those who let them in see them, and signing in as one.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::codes::code_id;
use super::{
    AnswerDevice, CODE_MS, Come, DeviceCode, DeviceRejection, INTERVAL_S, come, request, written,
};
use crate::accounts::{Credential, NameId};
use crate::applications::{Access, ApplicationObject};
use crate::kernel::graphql::{Scope, failed, outage, rejected, scope, uuid};
use crate::kernel::{Failure, Timestamp, id as ids, qr};
use crate::sessions::{ClientInput, SessionId, SessionRejection, SignInPayload, opened};

/// A device that waits to be let in.
#[derive(SimpleObject)]
struct DeviceRequest {
    /// Null for a device of the viewer's own, which may then do everything.
    application: Option<ApplicationObject>,
    access: Vec<Access>,
    /// Until when it may be answered.
    until: Timestamp,
}

/// Reads of this room.
#[derive(Default)]
pub struct DeviceQuery;

/// The stream of a code that somebody typed; tries are counted, so nobody guesses.
async fn typed(scope: &Scope, code: &str) -> Result<NameId> {
    scope.take_proof(scope.viewer()?.account).await?;
    let letters = written(code).ok_or_else(|| rejected(DeviceRejection::NotFound))?;
    Ok(code_id(scope, &letters))
}

#[Object]
impl DeviceQuery {
    /// The device that shows this code; null when none does.
    async fn device_request(
        &self,
        context: &Context<'_>,
        code: String,
    ) -> Result<Option<DeviceRequest>> {
        let scope = scope(context);
        let id = typed(scope, &code).await?;
        let found = scope.reader.load::<DeviceCode>(id.to_string()).await.map_err(outage)?;
        let now = Timestamp(scope.clock.now_ms());
        let Some(found) = found.filter(|it| it.is_open(now)) else { return Ok(None) };
        let application = match found.application {
            Some((id, _)) => ApplicationObject::find(context, id).await?,
            None => None,
        };
        let access = found.application.map(|it| it.1.list()).unwrap_or_default();
        Ok(Some(DeviceRequest { application, access, until: found.good_until }))
    }
}

#[derive(InputObject)]
struct AnswerDeviceInput {
    client_id: ID,
    /// As the device shows it.
    code: String,
    /// Whether it is let in.
    allow: bool,
}

#[derive(SimpleObject)]
struct AnswerDevicePayload {
    position: String,
}

#[derive(SimpleObject)]
struct RequestDevicePayload {
    /// To be shown: eight letters and a hyphen.
    code: String,
    /// Where a person who has signed in lets the device in.
    uri: String,
    /// The same as a picture to be scanned.
    qr_svg: String,
    /// To be given to `signInWithDevice`; it must not be shown.
    device_code: String,
    until: Timestamp,
    /// How long to wait before asking again, in seconds.
    interval: u32,
}

#[derive(InputObject)]
struct SignInWithDeviceInput {
    device_code: String,
    #[graphql(flatten)]
    client: ClientInput,
}

/// Changes of this room.
#[derive(Default)]
pub struct DeviceMutation;

#[Object]
impl DeviceMutation {
    /// Has this device wait to be let in by its owner, who has signed in elsewhere.
    async fn request_device(&self, context: &Context<'_>) -> Result<RequestDevicePayload> {
        let scope = scope(context);
        let (code, device_code) = request(scope, None).await.map_err(failed)?;
        let uri = format!("{}?code={code}", scope.tokens.link("device"));
        let until = Timestamp(scope.clock.now_ms() + CODE_MS);
        let (qr_svg, interval) = (qr::svg(&uri), INTERVAL_S);
        Ok(RequestDevicePayload { code, uri, qr_svg, device_code, until, interval })
    }

    /// Lets a device in that waits, or refuses it. For one of the viewer's own they must have
    /// proved themselves lately.
    async fn answer_device(
        &self,
        context: &Context<'_>,
        input: AnswerDeviceInput,
    ) -> Result<AnswerDevicePayload> {
        let scope = scope(context);
        let client_id = uuid(&input.client_id)?;
        let code_id = typed(scope, &input.code).await?;
        let account = scope.viewer()?.account;
        let credential = scope.reader.load::<Credential>(account.to_string()).await;
        let generation = credential.map_err(outage)?.map_or(0, |it| it.generation);
        let session = SessionId(ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref()));
        let allowed = input.allow.then_some((session, generation));
        let answer = AnswerDevice { code_id, allowed };
        let accepted = scope.submit_for(account, client_id, answer).await.map_err(failed)?;
        let outcome = scope.outcome(accepted).await?;
        Ok(AnswerDevicePayload { position: outcome.position })
    }

    /// Opens the session of a device that was let in; until then `DEVICES_PENDING`.
    async fn sign_in_with_device(
        &self,
        context: &Context<'_>,
        input: SignInWithDeviceInput,
    ) -> Result<SignInPayload> {
        let scope = scope(context);
        let client = input.client.read()?;
        match come(scope, &input.device_code, None, client).await.map_err(failed)? {
            Come::TooSoon => {
                let retry_after_ms = u64::from(INTERVAL_S) * 1_000;
                Err(failed(Failure::RateLimited { retry_after_ms }))
            }
            Come::Not(why) => Err(rejected(why)),
            // Whoever comes second is not told what the first was.
            Come::In { accepted, .. } if accepted.repeated => {
                Err(rejected(SessionRejection::SignInFailed))
            }
            Come::In { account, session, accepted, .. } => {
                Ok(opened(scope, account, session, accepted).await?.into())
            }
        }
    }
}
