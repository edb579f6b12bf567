//! What a client carries for us from one request to the next: sealed, for one purpose, for a time.
//!
//! Nothing is stored for it, so a flood of first requests fills nothing. That it is used once is
//! for the decision that it leads to.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use ports::keys::{Secret, crypto};

use super::graphql::Scope;

/// Longest text that is read, in bytes.
const TEXT_BYTES_MAX: usize = 8_192;
/// Bytes that tell one seal from another.
const SALT_BYTES: usize = 16;

#[derive(Serialize, Deserialize)]
struct Carried<S> {
    until_ms: i64,
    state: S,
}

/// A key for each seal, so that no nonce comes twice.
fn key(scope: &Scope, salt: &[u8]) -> Secret {
    crypto::derive(&scope.reader.keyring.secret("carried"), &[salt])
}

/// Seals something until a time, in milliseconds since the epoch.
pub fn seal<S: Serialize>(scope: &Scope, purpose: &str, until_ms: i64, state: S) -> String {
    let plain = serde_json::to_vec(&Carried { until_ms, state }).expect("it is plain data");
    let salt = scope.entropy.bytes::<SALT_BYTES>();
    let (key, nonce) = (key(scope, &salt), [0; crypto::NONCE_BYTES]);
    let sealed = crypto::seal(&key, nonce, purpose.as_bytes(), &plain);
    URL_SAFE_NO_PAD.encode([&salt[..], &sealed].concat())
}

/// Reads what was sealed here for this purpose and is still good.
pub fn unseal<S: DeserializeOwned>(scope: &Scope, purpose: &str, text: &str) -> Option<S> {
    let text = Some(text).filter(|it| it.len() <= TEXT_BYTES_MAX)?;
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (salt, sealed) = bytes.split_at_checked(SALT_BYTES)?;
    let plain = crypto::unseal(&key(scope, salt), purpose.as_bytes(), sealed)?;
    let carried: Carried<S> = serde_json::from_slice(&plain).ok()?;
    (scope.clock.now_ms() < carried.until_ms).then_some(carried.state)
}
