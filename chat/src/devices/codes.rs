//! Codes that a device shows and a person types, and what the device comes back with.

use ports::entropy::Entropy;
use serde::{Deserialize, Serialize};

use super::{
    CODE_LETTERS, CODE_MS, DeviceAnswer, DeviceCode, DeviceRejection, POLLS_MAX, RequestDevice,
};
use crate::accounts::{AccountId, NameId};
use crate::applications::{ApplicationId, Scopes};
use crate::kernel::command::name_id;
use crate::kernel::graphql::Scope;
use crate::kernel::sealed::{seal, unseal};
use crate::kernel::{Accepted, Failure, id as ids};
use crate::sessions::{Allowed, Client, OpenSession, SessionId};

/// Letters that make no words, as RFC 8628 recommends: 34 bits in eight of them.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";

/// A new code, as it is shown.
pub fn fresh_code(entropy: &dyn Entropy) -> String {
    // 240 is the largest multiple of twenty that a byte holds; what is above would favour some.
    let mut letters = String::new();
    while letters.len() < CODE_LETTERS {
        let fair = entropy.bytes::<16>().into_iter().filter(|it| *it < 240);
        letters.extend(fair.map(|it| char::from(LETTERS[usize::from(it % 20)])));
    }
    format!("{}-{}", &letters[..4], &letters[4..CODE_LETTERS])
}

/// The letters of a code, however it is written; nothing when it is none.
pub fn written(code: &str) -> Option<String> {
    let letters: String =
        code.chars().filter(|it| !matches!(it, '-' | ' ')).take(CODE_LETTERS + 1).collect();
    let letters = letters.to_ascii_uppercase();
    let known = letters.bytes().all(|it| LETTERS.contains(&it));
    (known && letters.len() == CODE_LETTERS).then_some(letters)
}

/// The stream of a code: no username holds a colon.
pub(super) fn code_id(scope: &Scope, letters: &str) -> NameId {
    name_id(&scope.reader.keyring.secret("names"), &format!("device:{letters}"))
}

/// What a device carries while it waits.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceState {
    code_id: NameId,
    application: Option<ApplicationId>,
    until_ms: i64,
}

const WAITING: &str = "device that waits";

/// Has a new code stand for a device; gives the code and what the device comes back with.
///
/// # Errors
/// When it can't be noted.
pub(crate) async fn request(
    scope: &Scope,
    application: Option<(ApplicationId, Scopes)>,
) -> Result<(String, String), Failure> {
    let limit = scope.limits.sign_in.saturating_mul(6);
    scope.admit(&format!("devices/{}", scope.address()), limit).await?;
    let now = scope.clock.now_ms();
    let code = fresh_code(scope.entropy.as_ref());
    let letters = written(&code).expect("it was just made");
    let code_id = code_id(scope, &letters);
    let client_id = ids::fresh(now, scope.entropy.as_ref());
    // It acts for nobody yet: the id of the request stands for whoever asks.
    let nobody = AccountId(client_id);
    let accepted = scope.submit_for(nobody, client_id, RequestDevice { code_id, application });
    // What can't be read in time will be when somebody has typed the code.
    let _ = scope.outcome(accepted.await?).await;
    let application = application.map(|it| it.0);
    let until_ms = now + CODE_MS;
    let state = DeviceState { code_id, application, until_ms };
    // A device that comes late is told so.
    Ok((code, seal(scope, WAITING, until_ms + CODE_MS, state)))
}

/// How a device that came back stands.
pub(crate) enum Come {
    /// It asks too often.
    TooSoon,
    Not(DeviceRejection),
    /// It opened its session.
    In {
        account: AccountId,
        session: SessionId,
        scopes: Scopes,
        accepted: Accepted,
        proved_ms: i64,
    },
}

/// Looks at what a device came back with, and opens its session once somebody has let it in.
///
/// # Errors
/// When it can't be decided.
pub(crate) async fn come(
    scope: &Scope,
    carried: &str,
    application: Option<ApplicationId>,
    client: Client,
) -> Result<Come, Failure> {
    let state = unseal::<DeviceState>(scope, WAITING, carried);
    let Some(state) = state.filter(|it| it.application == application) else {
        return Ok(Come::Not(DeviceRejection::Expired));
    };
    let polled = scope.admit(&format!("device/{}", state.code_id), POLLS_MAX).await;
    if let Err(Failure::RateLimited { .. }) = polled {
        return Ok(Come::TooSoon);
    }
    let found = scope.reader.load::<DeviceCode>(state.code_id.to_string()).await;
    let found = found.map_err(|_| Failure::Unavailable)?;
    let late = scope.clock.now_ms() >= state.until_ms;
    let scopes = found.as_ref().and_then(|it| it.application).map(|it| it.1).unwrap_or_default();
    let asked = found.as_ref().and_then(|it| it.application);
    match found.as_ref().and_then(|it| it.answer.as_ref()) {
        _ if late => Ok(Come::Not(DeviceRejection::Expired)),
        None => Ok(Come::Not(DeviceRejection::Pending)),
        Some(DeviceAnswer::Denied) => Ok(Come::Not(DeviceRejection::Denied)),
        Some(DeviceAnswer::Allowed { account, session, credential, at }) => {
            let (account, session, at) = (*account, *session, *at);
            let command = OpenSession {
                session_id: session,
                client: client.at(scope.place()),
                credential: Some(*credential),
                identity: None,
                by_mail: false,
                factor: None,
                allowed: Some(Allowed { at, application: asked }),
            };
            let accepted = scope.submit_for(account, session.0, command).await?;
            Ok(Come::In { account, session, scopes, accepted, proved_ms: at.0 })
        }
    }
}
