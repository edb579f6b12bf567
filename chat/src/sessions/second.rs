//! What is asked for beside a password: the second factor, and the challenge that waits for it.

use async_graphql::{Enum, Result, SimpleObject};

use super::{CHALLENGE_MS, Challenge, Client, Proven, Purpose, SignedIn, sign_in_at};
use crate::accounts::AccountId;
use crate::factors::{Factors, is_asked_for};
use crate::identities::read_factor_challenge;
use crate::instance::Instance;
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Scope, outage};
use crate::lost_factors::FactorRecovery;
use crate::outbox::Channel;
use crate::passkeys::Passkeys;

/// A way to prove a second factor.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum FactorMethod {
    Totp,
    BackupCode,
    Passkey,
    /// A code by mail: `sendFactorCode` sends it.
    Email,
    /// A code by text message: `sendFactorCode` sends it.
    Sms,
}

/// What is asked for beside the password.
#[derive(SimpleObject)]
struct SecondFactor {
    /// To be given to `completeSignIn` within five minutes.
    challenge: String,
    methods: Vec<FactorMethod>,
    /// From when on `recover` can be given, where somebody has asked for it.
    recovery_at: Option<Timestamp>,
}

/// The tokens of a session, or what is asked for before there is one.
#[derive(SimpleObject)]
pub struct SignInPayload {
    access_token: Option<String>,
    refresh_token: Option<String>,
    /// Null where none is asked for; else the tokens are null.
    second_factor: Option<SecondFactor>,
    position: String,
}

impl From<SignedIn> for SignInPayload {
    fn from(it: SignedIn) -> Self {
        Self {
            access_token: Some(it.access_token),
            refresh_token: Some(it.refresh_token),
            second_factor: None,
            position: it.outcome.position,
        }
    }
}

/// How an account may prove its second factor, where one is asked for beside the password.
async fn asked_for(
    scope: &Scope,
    account: AccountId,
    by_mail: bool,
) -> Result<Option<Vec<FactorMethod>>> {
    let reader = &scope.reader;
    let factors = reader.load::<Factors>(account.to_string()).await.map_err(outage)?;
    let passkeys = reader.load::<Passkeys>(account.to_string()).await.map_err(outage)?;
    let instance = reader.load::<Instance>(Instance::ID.to_owned()).await.map_err(outage)?;
    let demanded = instance.is_some_and(|it| it.demands_factor(account));
    if !is_asked_for(factors.as_deref(), passkeys.as_deref(), demanded) {
        return Ok(None);
    }
    let mut methods = Vec::new();
    if let Some(factors) = factors {
        let by = |channel| factors.by(channel).is_some();
        let asked = [
            (FactorMethod::Totp, factors.totp.is_some()),
            (FactorMethod::Email, by(Channel::Mail) && !by_mail),
            (FactorMethod::Sms, by(Channel::Sms)),
            (FactorMethod::BackupCode, factors.codes_left() > 0),
        ];
        methods.extend(asked.into_iter().filter(|it| it.1).map(|it| it.0));
    }
    methods.extend(passkeys.filter(|it| !it.held.is_empty()).map(|_| FactorMethod::Passkey));
    Ok(Some(methods))
}

/// Asks for the second factor where an account has one; the challenge carries what was proved.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn second_factor(
    scope: &Scope,
    account: AccountId,
    by_mail: bool,
    challenge: impl FnOnce() -> String,
) -> Result<Option<SignInPayload>> {
    let Some(methods) = asked_for(scope, account, by_mail).await? else { return Ok(None) };
    let recovery_at = FactorRecovery::of(scope, account).await?.map(|it| it.due_at());
    Ok(Some(SignInPayload {
        access_token: None,
        refresh_token: None,
        second_factor: Some(SecondFactor { challenge: challenge(), methods, recovery_at }),
        position: scope.progress.position().to_string(),
    }))
}

/// Opens a session for somebody who has proved the password, or a mailbox in its place; or says
/// what is asked for beside it.
///
/// # Errors
/// When a name is refused or the command fails.
pub(crate) async fn proceed(
    scope: &Scope,
    (account, credential): (AccountId, u64),
    client: Client,
    by_mail: bool,
) -> Result<SignInPayload> {
    let challenge = || {
        let until_ms = scope.clock.now_ms() + CHALLENGE_MS;
        let purpose = if by_mail { Purpose::SecondFactorAfterMail } else { Purpose::SecondFactor };
        scope.tokens.challenge(purpose, &Challenge { account, credential, until_ms })
    };
    if let Some(asked) = second_factor(scope, account, by_mail, challenge).await? {
        return Ok(asked);
    }
    let credential = Some(credential);
    let proven = Proven { account, credential, identity: None, by_mail, factor: None };
    Ok(sign_in_at(scope, proven, client).await?.into())
}

/// What a challenge says was proved: a password, a mailbox or what a provider told.
pub(super) fn proven_before(scope: &Scope, challenge: &str) -> Option<Proven> {
    let read = |purpose| read(scope, purpose, challenge);
    let by_identity = || {
        let (account, proof) = read_factor_challenge(scope, challenge)?;
        let (credential, identity) = (None, Some(proof));
        Some(Proven { account, credential, identity, by_mail: false, factor: None })
    };
    read(Purpose::SecondFactor)
        .or_else(|| read(Purpose::SecondFactorAfterMail))
        .or_else(by_identity)
}

/// The same, or what a link to a new password says.
pub(crate) fn proven_but_factor(scope: &Scope, challenge: &str) -> Option<Proven> {
    let link = || read(scope, Purpose::PasswordReset, challenge);
    proven_before(scope, challenge).or_else(link)
}

fn read(scope: &Scope, purpose: Purpose, challenge: &str) -> Option<Proven> {
    let read = scope.tokens.read_challenge(purpose, challenge, scope.clock.now_ms());
    let Challenge { account, credential, .. } = read?;
    let by_mail = matches!(purpose, Purpose::SecondFactorAfterMail | Purpose::PasswordReset);
    let credential = Some(credential);
    Some(Proven { account, credential, identity: None, by_mail, factor: None })
}
