//! Who is asking: a token becomes a viewer here, and nowhere else.

use std::sync::Arc;

use ports::documents::Documents;

use super::{Session, Tokens};
use crate::applications::Application;
use crate::kernel::graphql::Viewer;
use crate::kernel::{Keyring, Reader};

/// A viewer and when the token that proved it ends, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy)]
pub struct Proved {
    pub viewer: Viewer,
    pub until_ms: i64,
}

/// Why a token is not good enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// It is forged, expired or its session has ended.
    Token,
    /// The sessions can't be read now.
    Unavailable,
}

/// The token of a header or of a socket's first message.
pub fn bearer(value: &str) -> Option<&str> {
    value.strip_prefix("Bearer ").map(str::trim)
}

/// Checks a token and that its session goes on.
///
/// # Errors
/// Why it is not good enough; every fault of the token is the same.
pub async fn prove(
    tokens: &Tokens,
    documents: &Arc<dyn Documents>,
    keyring: &Arc<Keyring>,
    now_ms: i64,
    token: &str,
) -> Result<Proved, Refused> {
    let claims = tokens.check(token, now_ms).ok_or(Refused::Token)?;
    let reader = Reader::new(Arc::clone(documents), Arc::clone(keyring));
    let session = reader.load::<Session>(claims.sid.to_string()).await;
    let session = session.map_err(|_| Refused::Unavailable)?;
    // A session that was just opened may not have been projected yet; one that ended has been.
    if session.as_ref().is_some_and(|it| it.ended || it.account_id != claims.sub) {
        return Err(Refused::Token);
    }
    let limited = session.as_ref().map_or(claims.lim, |it| it.limited);
    let scopes = claims.granted().ok_or(Refused::Token)?;
    if let Some((application, _)) = scopes {
        let found = reader.load::<Application>(application.to_string()).await;
        if found.map_err(|_| Refused::Unavailable)?.is_none_or(|it| it.removed) {
            return Err(Refused::Token);
        }
    }
    // A token for everything is never good in an application's session, nor the other way round.
    if session.as_ref().is_some_and(|it| it.application.is_some() != scopes.is_some()) {
        return Err(Refused::Token);
    }
    let scopes = scopes.map(|it| it.1);
    let viewer = Viewer { account: claims.sub, session: claims.sid.0, limited, scopes };
    Ok(Proved { viewer, until_ms: claims.exp * 1_000 })
}
