//! Passwords: argon2id (RFC 9106) with 19 MiB, two passes and one lane, as OWASP advises. New ones
//! must be hard to guess by zxcvbn's estimate, which knows common passwords, keyboards and dates.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use ports::Error;
use ports::entropy::Entropy;
use zxcvbn::Score;

use super::{AccountId, AccountRejection, Credential, PASSWORD_CHARS_MAX, PASSWORD_CHARS_MIN};
use crate::kernel::Reader;
use crate::kernel::graphql::{Scope, rejected};

/// Hashes computed at the same time; each takes 19 MiB and a core.
static PLACES: Semaphore = Semaphore::const_new(2);

/// What is verified for an account that does not exist, so that the answer takes as long.
static NOBODY: LazyLock<String> =
    LazyLock::new(|| digest("no password of anybody", &ports::entropy::System));

fn argon2() -> Argon2<'static> {
    let params = Params::new(19 * 1024, 2, 1, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn digest(password: &str, entropy: &dyn Entropy) -> String {
    let salt = SaltString::encode_b64(&entropy.bytes::<16>()).expect("16 bytes are a salt");
    let hash = argon2().hash_password(password.as_bytes(), &salt);
    hash.expect("the password's length was checked").to_string()
}

/// Checks a new password, away from the threads that serve; `known` is what others know of its
/// owner, which makes a poor password.
///
/// # Errors
/// `PasswordInvalid` outside the limits, `PasswordWeak` when fewer than a million guesses find it.
pub async fn check(password: &str, known: &[&str]) -> Result<(), AccountRejection> {
    let allowed = PASSWORD_CHARS_MIN..=PASSWORD_CHARS_MAX;
    if !allowed.contains(&password.chars().count()) {
        return Err(AccountRejection::PasswordInvalid);
    }
    let (password, known) = (password.to_owned(), known.join("\n"));
    let guessing = tokio::task::spawn_blocking(move || {
        zxcvbn::zxcvbn(&password, &known.lines().collect::<Vec<_>>()).score()
    });
    let score = guessing.await.expect("guessing does not panic");
    (score >= Score::Two).then_some(()).ok_or(AccountRejection::PasswordWeak)
}

/// Checks a new password, also against those that thieves have published. Where that can't be told
/// now, it does not keep anybody from going on.
///
/// # Errors
/// As [`check`], and `PasswordBreached`.
pub async fn admit(scope: &Scope, password: &str, known: &[&str]) -> async_graphql::Result<()> {
    check(password, known).await.map_err(rejected)?;
    match scope.breaches.holds(password).await {
        Ok(false) => Ok(()),
        Ok(true) => Err(rejected(AccountRejection::PasswordBreached)),
        Err(error) => {
            tracing::warn!(%error, "whether a password was published can't be told");
            Ok(())
        }
    }
}

/// Hashes a password, away from the threads that serve.
pub async fn hash(password: String, entropy: std::sync::Arc<dyn Entropy>) -> String {
    let _place = PLACES.acquire().await.expect("the places are never closed");
    let hashing = tokio::task::spawn_blocking(move || digest(&password, entropy.as_ref()));
    hashing.await.expect("hashing does not panic")
}

/// Verifies a password; without a hash it takes as long and says no.
async fn verify(password: String, hash: Option<String>) -> bool {
    if password.chars().count() > PASSWORD_CHARS_MAX {
        return false;
    }
    let _place = PLACES.acquire().await.expect("the places are never closed");
    let verifying = tokio::task::spawn_blocking(move || {
        let stored = hash.as_deref().unwrap_or(NOBODY.as_str());
        let stored = PasswordHash::new(stored).ok();
        let fits =
            stored.is_some_and(|it| argon2().verify_password(password.as_bytes(), &it).is_ok());
        fits && hash.is_some()
    });
    verifying.await.expect("verifying does not panic")
}

/// Proves a password of an account; without an account it takes as long. Gives the generation of
/// the credential that was proved.
///
/// # Errors
/// When documents or keys can't be reached.
pub async fn prove(
    reader: &Reader,
    account: Option<AccountId>,
    given: String,
) -> Result<Option<u64>, Error> {
    let credential = match account {
        Some(account) => reader.load::<Credential>(account.to_string()).await?,
        None => None,
    };
    let hash = match credential.as_ref().and_then(|it| it.password.as_ref()) {
        Some(password) => reader.open(password).await?,
        None => None,
    };
    let fits = verify(given, hash).await;
    Ok(credential.filter(|_| fits).map(|it| it.generation))
}
