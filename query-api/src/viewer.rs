//! Who is asking, by a token.

pub(crate) use chat::sessions::proof::{Proved, Refused, bearer};

use crate::schema::Parts;

/// Checks a token and that its session goes on.
pub(crate) async fn prove(parts: &Parts, token: &str) -> Result<Proved, Refused> {
    let ports = &parts.ports;
    let now = ports.clock.now_ms();
    chat::sessions::proof::prove(&parts.tokens, &ports.documents, &parts.keyring, now, token).await
}
