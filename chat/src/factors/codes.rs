//! What a person types, looked at: one-time passwords and backup codes.

use async_graphql::Result;
use ports::entropy::Entropy;
use ports::keys::{Secret, crypto};
use totp_rs::{Builder, Totp};

use super::view::Totp as Enrolled;
use super::{BACKUP_CODES, FactorProof, FactorRejection, Factors, STEP_SECONDS, TryFactor};
use crate::accounts::AccountId;
use crate::kernel::graphql::{Scope, failed, outage, rejected};
use crate::kernel::{Timestamp, id as ids};
use crate::outbox::Channel;
use crate::passkeys::{Signed, prove_of};

/// What was shown of a second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// A one-time password.
    Code(String),
    /// A backup code, however it is written.
    BackupCode(String),
    /// A passkey.
    Passkey(Signed),
    /// A code that was sent.
    Sent(Channel, String),
}

/// Bytes of a secret for one-time passwords, as RFC 4226 recommends.
const SECRET_BYTES: usize = 20;
/// Letters of backup codes: Crockford's base32, in which none is taken for another.
const LETTERS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Letters of one backup code: 50 bits.
const LETTERS_MAX: usize = 10;

/// A new secret.
pub(super) fn fresh_secret(entropy: &dyn Entropy) -> totp_rs::Secret {
    totp_rs::Secret::from(entropy.bytes::<SECRET_BYTES>().to_vec())
}

/// The one-time passwords of a secret, named for the programs that make them.
pub(super) fn totp(secret: totp_rs::Secret, issuer: &str, account: &str) -> Totp {
    let named = Builder::new().with_secret(secret).with_step_duration(STEP_SECONDS);
    let named = named.with_issuer(Some(issuer.replace(':', " "))).with_account_name(account);
    named.build().expect("the secret has 160 bits, and no name a colon")
}

/// The time step whose code this is, at most one away from now.
pub(super) async fn step(scope: &Scope, enrolled: &Enrolled, code: &str) -> Result<Option<u64>> {
    let secret = scope.reader.open(&enrolled.secret).await.map_err(outage)?;
    let secret = secret.and_then(|it| totp_rs::Secret::try_from_base32(it).ok());
    let Some(secret) = secret else { return Ok(None) };
    let seconds = u64::try_from(scope.clock.now_ms() / 1_000).unwrap_or_default();
    Ok(totp(secret, "", "account").check(code.trim(), seconds))
}

/// New backup codes.
pub(super) fn fresh_codes(entropy: &dyn Entropy) -> Vec<String> {
    let code = || {
        let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 32)]);
        let letters: String = entropy.bytes::<LETTERS_MAX>().into_iter().map(letter).collect();
        format!("{}-{}", &letters[..5], &letters[5..])
    };
    (0..BACKUP_CODES).map(|_| code()).collect()
}

/// What is remembered of a backup code.
pub(super) fn digest(account: AccountId, code: &str, key: &Secret) -> String {
    let plain = |it: char| match it.to_ascii_lowercase() {
        'o' => '0',
        'i' | 'l' => '1',
        other => other,
    };
    let letters = code.chars().filter(char::is_ascii_alphanumeric).map(plain);
    let letters: String = letters.take(LETTERS_MAX + 1).collect();
    crypto::fingerprint(key, &[account.0.as_bytes(), letters.as_bytes()])
}

/// What is remembered of a code that is sent.
pub(super) fn sent_digest(
    account: AccountId,
    channel: Channel,
    code: &str,
    key: &Secret,
) -> String {
    crypto::fingerprint(key, &[account.0.as_bytes(), &[channel as u8], code.trim().as_bytes()])
}

pub(super) async fn count_try(scope: &Scope, account: AccountId, enrolling: bool) -> Result<()> {
    let client_id = ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
    let tried = scope.submit_for(account, client_id, TryFactor { enrolling }).await;
    scope.outcome(tried.map_err(failed)?).await.map(drop)
}

/// Looks at what was shown; a code of six digits, which can be guessed, once the try is counted.
/// Nobody who tries those keeps the owner from showing a passkey or a backup code.
///
/// # Errors
/// `FACTORS_TOO_MANY_TRIES`, `FACTORS_CODE_INVALID`, `PASSKEYS_INVALID`.
pub async fn prove(scope: &Scope, account: AccountId, shown: &Shown) -> Result<FactorProof> {
    if let Shown::Passkey(signed) = shown {
        return prove_of(scope, account, signed).await;
    }
    if !matches!(shown, Shown::BackupCode(_)) {
        count_try(scope, account, false).await?;
    }
    let factors = scope.reader.load::<Factors>(account.to_string()).await.map_err(outage)?;
    let factors = factors.unwrap_or_default();
    let proof = match (shown, &factors.totp) {
        (Shown::Code(code), Some(totp)) => {
            let step = step(scope, totp, code).await?;
            step.map(|step| FactorProof::Totp { factor_id: totp.id, step })
        }
        (Shown::Code(_), None) | (Shown::Passkey(_), _) => None,
        (Shown::Sent(channel, code), _) => {
            let key = scope.reader.keyring.secret("factor codes");
            let digest = sent_digest(account, *channel, code, &key);
            let now = Timestamp(scope.clock.now_ms());
            let open = factors.by(*channel).and_then(|it| it.open.as_ref());
            let open = open.filter(|it| now.0 < it.good_until.0);
            let fits =
                open.is_some_and(|it| crypto::equal(it.digest.as_bytes(), digest.as_bytes()));
            fits.then_some(FactorProof::Sent { channel: *channel, digest })
        }
        (Shown::BackupCode(code), _) => {
            let key = scope.reader.keyring.secret("backup codes");
            let digest = digest(account, code, &key);
            let same = |it: &Option<String>| {
                it.as_ref().is_some_and(|it| crypto::equal(it.as_bytes(), digest.as_bytes()))
            };
            let index = factors.codes.iter().position(same);
            index.map(|index| FactorProof::BackupCode { index, digest })
        }
    };
    proof.ok_or_else(|| rejected(FactorRejection::CodeInvalid))
}
