//! Second factors as their owner sees them.

use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, SimpleObject};

use super::{
    ConfirmTotp, DisableCodeFactor, EnableCodeFactor, EnrolTotp, FactorId, FactorRejection,
    Factors, MakeBackupCodes, RemoveTotp, SendFactorCode, codes,
};
use crate::accounts::{AccountId, AccountObject};
use crate::addresses::{AddressId, addresses, fields, fresh_code};
use crate::instance::Instance;
use crate::kernel::graphql::{Scope, failed, id, outage, rejected, scope, uuid};
use crate::kernel::{Timestamp, id as ids, qr};
use crate::lost_factors::FactorRecovery;
use crate::outbox::Channel;
use crate::recovery::notice;
use crate::sessions::{SessionRejection, proven_but_factor};

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
    /// Since when codes by mail are asked for; null when they are not.
    email_since: Option<Timestamp>,
    /// Since when codes by text message are asked for; null when they are not.
    sms_since: Option<Timestamp>,
    /// Whether this server demands a second factor of the viewer.
    demanded: bool,
    /// That somebody says they are lost, while it can be cancelled or completed; else null.
    recovery: Option<FactorRecovery>,
}

/// How a code is sent.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
enum CodeMethod {
    Email,
    Sms,
}

impl From<CodeMethod> for Channel {
    fn from(it: CodeMethod) -> Self {
        match it {
            CodeMethod::Email => Self::Mail,
            CodeMethod::Sms => Self::Sms,
        }
    }
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
            email_since: factors.by(Channel::Mail).map(|it| it.since),
            sms_since: factors.by(Channel::Sms).map(|it| it.since),
            demanded,
            recovery: FactorRecovery::of(scope, account).await?,
        })
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

#[derive(InputObject)]
struct EnableCodeFactorInput {
    client_id: ID,
    /// An address that the viewer has proved.
    address_id: ID,
}

#[derive(SimpleObject)]
struct EnableCodeFactorPayload {
    /// Shown this once, with the first factor of codes; each is good once.
    backup_codes: Vec<String>,
    position: String,
}

#[derive(InputObject)]
struct DisableCodeFactorInput {
    client_id: ID,
    method: CodeMethod,
}

#[derive(SimpleObject)]
struct DisableCodeFactorPayload {
    position: String,
}

#[derive(InputObject)]
struct SendFactorCodeInput {
    client_id: ID,
    /// As `signIn` or `signInWithLink` gave it, or what a link to a new password holds; not needed
    /// by who has signed in.
    challenge: Option<String>,
    method: CodeMethod,
}

#[derive(SimpleObject)]
struct SendFactorCodePayload {
    /// Until when the code is good.
    until: Timestamp,
    position: String,
}

/// Whose code is sent: who has signed in, or who has proved all but the second factor.
fn asking(scope: &Scope, challenge: Option<&str>, channel: Channel) -> Result<AccountId> {
    let Some(challenge) = challenge else { return Ok(scope.viewer_at_door()?.account) };
    let invalid = || rejected(SessionRejection::ChallengeInvalid);
    let proven = proven_but_factor(scope, challenge).ok_or_else(invalid)?;
    let twice = proven.shows_mailbox() && channel == Channel::Mail;
    (!twice).then_some(proven.account).ok_or_else(|| rejected(FactorRejection::MailTwice))
}

/// A code for an account and where it goes.
async fn code_for(scope: &Scope, account: AccountId, channel: Channel) -> Result<SendFactorCode> {
    let not_found = || rejected(FactorRejection::NotFound);
    let factors = factors(scope, account).await?;
    let claim_id = factors.by(channel).ok_or_else(not_found)?.claim_id;
    let limit = scope.limits.codes;
    scope.take_hourly(&format!("factor-codes/to/{claim_id}"), limit).await?;
    scope.take_hourly(&format!("factor-codes/by/{account}"), limit.saturating_mul(2)).await?;
    let known = addresses(scope, account).await?;
    let found = known.confirmed.iter().find(|it| it.claim_id == claim_id);
    let found = found.ok_or_else(not_found)?;
    let to = scope.reader.open(&found.address).await.map_err(outage)?.ok_or_else(not_found)?;
    let code = fresh_code(scope.entropy.as_ref());
    let key = scope.reader.keyring.secret("factor codes");
    let digest = codes::sent_digest(account, channel, &code, &key);
    let fields = fields(scope, account, &[("code", code)]).await?;
    let locale = found.locale.clone();
    Ok(SendFactorCode { channel, claim_id, digest, to, locale, fields })
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
        codes::count_try(scope, account, true).await?;
        let factors = factors(scope, account).await?;
        let pending = factors.pending.as_ref();
        let pending = pending.ok_or_else(|| rejected(FactorRejection::NothingPending))?;
        let step = codes::step(scope, pending, &input.code).await?;
        let step = step.ok_or_else(|| rejected(FactorRejection::CodeInvalid))?;
        let (backup_codes, digests) = fresh_codes(scope, account);
        let notice = notice(scope, account).await?;
        let command = ConfirmTotp { factor_id: pending.id, step, digests, notice };
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

    /// Asks for codes to a proved address from here on, in place of another one of its kind. The
    /// viewer must have proved themselves lately, and then proves themselves by a code.
    async fn enable_code_factor(
        &self,
        context: &Context<'_>,
        input: EnableCodeFactorInput,
    ) -> Result<EnableCodeFactorPayload> {
        let scope = scope(context);
        let address_id: AddressId = id(&input.address_id)?;
        let account = scope.viewer_at_door()?.account;
        let (made, digests) = fresh_codes(scope, account);
        let kept: Vec<_> = digests.iter().cloned().map(Some).collect();
        let notice = notice(scope, account).await?;
        let command = EnableCodeFactor { address_id, digests, notice };
        let outcome = scope.submit_at_door(&input.client_id, command).await?;
        let handed_out = factors(scope, account).await?.codes == kept;
        let backup_codes = if handed_out { made } else { Vec::new() };
        Ok(EnableCodeFactorPayload { backup_codes, position: outcome.position })
    }

    /// Asks for codes of a kind no more, where the server does not demand them. The viewer must
    /// have proved themselves lately.
    async fn disable_code_factor(
        &self,
        context: &Context<'_>,
        input: DisableCodeFactorInput,
    ) -> Result<DisableCodeFactorPayload> {
        let command = DisableCodeFactor { channel: input.method.into() };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        Ok(DisableCodeFactorPayload { position: outcome.position })
    }

    /// Sends a code of six digits, in place of those before: to whoever has proved all but the
    /// second factor, or to the viewer.
    async fn send_factor_code(
        &self,
        context: &Context<'_>,
        input: SendFactorCodeInput,
    ) -> Result<SendFactorCodePayload> {
        let scope = scope(context);
        let client_id = uuid(&input.client_id)?;
        let limit = scope.limits.sign_in.saturating_mul(6);
        scope.take(&format!("factor-codes/from/{}", scope.address()), limit).await?;
        let channel = input.method.into();
        let account = asking(scope, input.challenge.as_deref(), channel)?;
        let command = code_for(scope, account, channel).await?;
        let accepted = scope.submit_for(account, client_id, command).await.map_err(failed)?;
        let outcome = scope.outcome(accepted).await?;
        let after = factors(scope, account).await?;
        let open = after.by(channel).and_then(|it| it.open.as_ref());
        let until = open.map_or(Timestamp(scope.clock.now_ms()), |it| it.good_until);
        Ok(SendFactorCodePayload { until, position: outcome.position })
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
