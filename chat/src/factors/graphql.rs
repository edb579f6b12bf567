//! Second factors as their owner sees them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    ConfirmTotp, EnrolTotp, FactorId, FactorProof, FactorRejection, Factors, MakeBackupCodes,
    RemoveTotp, Shown, codes, prove,
};
use crate::accounts::{AccountId, AccountObject};
use crate::instance::Instance;
use crate::kernel::graphql::{Scope, invalid, outage, rejected, scope, uuid};
use crate::kernel::{Timestamp, id as ids, qr};
use crate::passkeys::PasskeyInput;

async fn factors(scope: &Scope, account: AccountId) -> Result<Arc<Factors>> {
    let found = scope.reader.load::<Factors>(account.to_string()).await.map_err(outage)?;
    Ok(found.unwrap_or_default())
}

/// What proves the viewer beside the password.
#[derive(SimpleObject)]
struct SecondFactors {
    /// Since when one-time passwords are asked for; null when they are not.
    totp_since: Option<Timestamp>,
    /// Backup codes that have not been used, of ten.
    backup_codes_left: i32,
    /// Whether this server demands a second factor of the viewer.
    demanded: bool,
}

/// Reads of this room.
#[derive(Default)]
pub struct FactorQuery;

#[Object]
impl FactorQuery {
    /// The viewer's second factors.
    async fn second_factors(&self, context: &Context<'_>) -> Result<SecondFactors> {
        let scope = scope(context);
        let account = scope.viewer_at_door()?.account;
        let factors = factors(scope, account).await?;
        let instance = scope.reader.load::<Instance>(Instance::ID.to_owned()).await;
        let demanded = instance.map_err(outage)?.is_some_and(|it| it.demands_factor(account));
        Ok(SecondFactors {
            totp_since: factors.totp.as_ref().map(|it| it.since),
            backup_codes_left: i32::try_from(factors.codes_left()).unwrap_or_default(),
            demanded,
        })
    }
}

/// A way to prove a second factor, one at most.
#[derive(InputObject)]
pub struct ShownInput {
    /// A one-time password.
    code: Option<String>,
    /// A backup code, in place of a one-time password.
    backup_code: Option<String>,
    /// A passkey, in place of a code.
    passkey: Option<PasskeyInput>,
}

impl ShownInput {
    /// The one way that was given, if any was.
    ///
    /// # Errors
    /// `INVALID` when several were.
    pub fn read(self) -> Result<Option<Shown>> {
        let code = self.code.map(Shown::Code);
        let backup_code = self.backup_code.map(Shown::BackupCode);
        let passkey = self.passkey.map(|it| Shown::Passkey(it.into()));
        let mut given = code.into_iter().chain(backup_code).chain(passkey);
        let first = given.next();
        let one = given.next().is_none();
        one.then_some(first).ok_or_else(|| rejected(invalid("give one second factor, not several")))
    }

    /// Looks at what was given, if anything was.
    ///
    /// # Errors
    /// When it proves nothing.
    pub async fn prove(self, scope: &Scope, account: AccountId) -> Result<Option<FactorProof>> {
        match self.read()? {
            Some(shown) => prove(scope, account, &shown).await.map(Some),
            None => Ok(None),
        }
    }
}

#[derive(InputObject)]
struct EnrolTotpInput {
    client_id: ID,
}

#[derive(SimpleObject)]
struct EnrolTotpPayload {
    /// In base32, to be typed.
    secret: String,
    /// As programs for one-time passwords read it.
    uri: String,
    /// The same as a picture to be scanned.
    qr_svg: String,
    position: String,
}

#[derive(InputObject)]
struct ConfirmTotpInput {
    client_id: ID,
    /// The code that the program shows.
    code: String,
}

#[derive(InputObject)]
struct MakeBackupCodesInput {
    client_id: ID,
}

#[derive(SimpleObject)]
struct BackupCodesPayload {
    /// Shown this once; each is good once, in place of a one-time password.
    backup_codes: Vec<String>,
    position: String,
}

#[derive(InputObject)]
struct RemoveTotpInput {
    client_id: ID,
}

#[derive(SimpleObject)]
struct RemoveTotpPayload {
    position: String,
}

/// New backup codes and what is remembered of them.
fn fresh_codes(scope: &Scope, account: AccountId) -> (Vec<String>, Vec<String>) {
    let key = scope.reader.keyring.secret("backup codes");
    let made = codes::fresh_codes(scope.entropy.as_ref());
    let digests = made.iter().map(|it| codes::digest(account, it, &key)).collect();
    (made, digests)
}

/// Changes of this room.
#[derive(Default)]
pub struct FactorMutation;

#[Object]
impl FactorMutation {
    /// Hands out a secret for one-time passwords; they are asked for once `confirmTotp` has shown
    /// the first. The viewer must have proved themselves lately.
    async fn enrol_totp(
        &self,
        context: &Context<'_>,
        input: EnrolTotpInput,
    ) -> Result<EnrolTotpPayload> {
        let scope = scope(context);
        let viewer = scope.viewer_at_door()?;
        let client_id = uuid(&input.client_id)?;
        let factor_id = FactorId(ids::derive(client_id, &[b"totp", viewer.account.0.as_bytes()]));
        let secret = codes::fresh_secret(scope.entropy.as_ref()).to_base32();
        let command = EnrolTotp { factor_id, secret };
        let outcome = scope.submit_at_door(&input.client_id, command).await?;
        // Who asks again gets what was handed out the first time.
        let factors = factors(scope, viewer.account).await?;
        let pending = factors.pending.as_ref().filter(|it| it.id == factor_id);
        let pending = pending.ok_or_else(|| rejected(FactorRejection::NothingPending))?;
        let secret = scope.reader.open(&pending.secret).await.map_err(outage)?;
        let secret = secret.and_then(|it| totp_rs::Secret::try_from_base32(it).ok());
        let secret = secret.ok_or_else(|| rejected(FactorRejection::NotFound))?;
        let name = AccountObject::label(context, viewer.account).await?;
        let issuer = scope.tokens.host();
        let totp = codes::totp(secret, issuer, &name);
        let uri = totp.to_url().expect("it has an account name");
        let qr_svg = qr::svg(&uri);
        let secret = totp.secret().to_base32();
        Ok(EnrolTotpPayload { secret, uri, qr_svg, position: outcome.position })
    }

    /// Asks for one-time passwords from here on, and hands out ten backup codes. Repeated, it hands
    /// out none: then `makeBackupCodes` makes others.
    async fn confirm_totp(
        &self,
        context: &Context<'_>,
        input: ConfirmTotpInput,
    ) -> Result<BackupCodesPayload> {
        let scope = scope(context);
        let account = scope.viewer_at_door()?.account;
        codes::count_try(scope, account).await?;
        let factors = factors(scope, account).await?;
        let pending = factors.pending.as_ref();
        let pending = pending.ok_or_else(|| rejected(FactorRejection::NothingPending))?;
        let step = codes::step(scope, pending, &input.code).await?;
        let step = step.ok_or_else(|| rejected(FactorRejection::CodeInvalid))?;
        let (backup_codes, digests) = fresh_codes(scope, account);
        let command = ConfirmTotp { factor_id: pending.id, step, digests };
        let outcome = scope.submit_at_door(&input.client_id, command).await?;
        let backup_codes = if outcome.accepted.repeated { Vec::new() } else { backup_codes };
        Ok(BackupCodesPayload { backup_codes, position: outcome.position })
    }

    /// Makes ten new backup codes in place of those before. Repeated, it makes none: then the
    /// list is empty.
    async fn make_backup_codes(
        &self,
        context: &Context<'_>,
        input: MakeBackupCodesInput,
    ) -> Result<BackupCodesPayload> {
        let scope = scope(context);
        let (made, digests) = fresh_codes(scope, scope.viewer()?.account);
        let outcome = scope.submit(&input.client_id, MakeBackupCodes { digests }).await?;
        let backup_codes = if outcome.accepted.repeated { Vec::new() } else { made };
        Ok(BackupCodesPayload { backup_codes, position: outcome.position })
    }

    /// Asks for one-time passwords no more, where the server does not demand them. The viewer
    /// must have proved themselves lately.
    async fn remove_totp(
        &self,
        context: &Context<'_>,
        input: RemoveTotpInput,
    ) -> Result<RemoveTotpPayload> {
        let outcome = scope(context).submit(&input.client_id, RemoveTotp {}).await?;
        Ok(RemoveTotpPayload { position: outcome.position })
    }
}
