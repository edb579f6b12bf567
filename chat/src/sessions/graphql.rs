//! Signing in, staying signed in and signing out.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::{Order, Scan};

use super::objects::SessionObject;
use super::second::proven_before;
use super::sign_in::named;
use super::{
    Client, ConfirmSession, EndSession, EndSessions, FRESH_MS, Refresh, RefreshSession,
    SESSIONS_MAX, Session, SessionId, SessionRejection, SignInPayload, proceed, sign_in_at,
};
use crate::accounts::password;
use crate::factors::{FactorProof, Shown, ShownInput, prove};
use crate::kernel::Timestamp;
use crate::kernel::document::Document;
use crate::kernel::graphql::{failed, id, outage, rejected, scope};
use crate::lost_factors::alerts;

/// Reads of this room.
#[derive(Default)]
pub struct SessionQuery;

#[Object]
impl SessionQuery {
    /// The viewer's devices that are signed in, newest first, at most 100.
    async fn sessions(&self, context: &Context<'_>) -> Result<Vec<SessionObject>> {
        let scope = scope(context);
        let prefix = format!("{}/", scope.viewer()?.account);
        let name = Session::COLLECTION.name;
        let scan = Scan::prefix(name, Some("by_account"), &prefix, Order::Descending, SESSIONS_MAX);
        let found = scope.reader.scan::<Session>(scan).await.map_err(outage)?;
        let now = Timestamp(scope.clock.now_ms());
        let open = found.into_iter().filter(|(_, it)| !it.is_over(now));
        Ok(open.map(|(_, it)| SessionObject(it)).collect())
    }
}

/// What signs in, as it says.
#[derive(InputObject)]
pub struct ClientInput {
    /// Names this device in the list of sessions.
    #[graphql(default = "")]
    device: String,
    /// Names the program in the list of sessions.
    app: Option<String>,
    /// Names what the program runs on in the list of sessions.
    platform: Option<String>,
}

impl ClientInput {
    /// Checks the names.
    ///
    /// # Errors
    /// `SESSIONS_DEVICE_INVALID`.
    pub fn read(self) -> Result<Client> {
        Client::new(self.device, self.app, self.platform).map_err(rejected)
    }
}

#[derive(InputObject)]
struct SignInInput {
    username: String,
    password: String,
    #[graphql(flatten)]
    client: ClientInput,
}

#[derive(InputObject)]
struct CompleteSignInInput {
    challenge: String,
    /// Whether every second factor is lost and a recovery has come due: then this completes it.
    #[graphql(default = false)]
    recover: bool,
    #[graphql(flatten)]
    shown: ShownInput,
    #[graphql(flatten)]
    client: ClientInput,
}

#[derive(InputObject)]
struct RefreshInput {
    client_id: ID,
    refresh_token: String,
}

#[derive(SimpleObject)]
struct RefreshPayload {
    access_token: String,
    refresh_token: String,
    position: String,
}

#[derive(InputObject)]
struct SignOutInput {
    client_id: ID,
    /// The session to end; the one that asks when absent.
    session_id: Option<ID>,
}

#[derive(SimpleObject)]
struct SignOutPayload {
    session_id: ID,
    position: String,
}

#[derive(InputObject)]
struct SignOutAllInput {
    client_id: ID,
    /// Whether the session that asks goes on.
    #[graphql(default = true)]
    keep_current: bool,
}

#[derive(SimpleObject)]
struct SignOutAllPayload {
    position: String,
}

#[derive(InputObject)]
struct ConfirmInput {
    client_id: ID,
    /// Not needed beside a passkey.
    password: Option<String>,
    #[graphql(flatten)]
    shown: ShownInput,
}

#[derive(SimpleObject)]
struct ConfirmPayload {
    /// Sensitive changes are open in this session until then.
    until: Timestamp,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Opens a session. The answer is the same, and takes as long, whether the account does not
    /// exist or the password is wrong.
    async fn sign_in(&self, context: &Context<'_>, input: SignInInput) -> Result<SignInPayload> {
        let scope = scope(context);
        let limit = scope.limits.sign_in;
        scope.take(&format!("sign-in/{}", scope.address()), limit.saturating_mul(6)).await?;
        let name = input.username.trim().to_lowercase();
        let account = named(scope, &name).await?;
        // However an account is named, its tries are counted together.
        let whom = account.map_or_else(|| format!("{name:.64}"), |it| it.to_string());
        scope.take(&format!("sign-in/{}/{whom}", scope.address()), limit).await?;
        // Who goes on guessing waits longer, from wherever the guesses come.
        let (few, many) = (limit.saturating_mul(3), limit.saturating_mul(60));
        scope.take_hourly(&format!("sign-in-hour/{}/{whom}", scope.address()), few).await?;
        scope.take_hourly(&format!("sign-in-hour//{whom}"), many).await?;
        let credential = password::prove(&scope.reader, account, input.password).await;
        let proved = account.zip(credential.map_err(outage)?);
        let (account, credential) =
            proved.ok_or_else(|| rejected(SessionRejection::SignInFailed))?;
        let client = input.client.read()?;
        proceed(scope, (account, credential), client, false).await
    }

    /// Opens the session for which `signIn` has asked for a second factor.
    async fn complete_sign_in(
        &self,
        context: &Context<'_>,
        input: CompleteSignInInput,
    ) -> Result<SignInPayload> {
        let scope = scope(context);
        let limit = scope.limits.sign_in;
        scope.take(&format!("sign-in/{}", scope.address()), limit.saturating_mul(6)).await?;
        let mut proven = proven_before(scope, &input.challenge)
            .ok_or_else(|| rejected(SessionRejection::ChallengeInvalid))?;
        let client = input.client.read()?;
        let account = proven.account;
        let factor = match (input.recover, proven.shows_mailbox()) {
            (true, _) => Some(FactorProof::Lost { alerts: alerts(scope, account, &[]).await? }),
            (false, true) => input.shown.prove_beside_mail(scope, account).await?,
            (false, false) => input.shown.prove(scope, account).await?,
        };
        proven.factor = Some(factor.ok_or_else(|| rejected(SessionRejection::FactorNeeded))?);
        Ok(sign_in_at(scope, proven, client).await?.into())
    }

    /// Exchanges a refresh token for a new pair.
    async fn refresh(&self, context: &Context<'_>, input: RefreshInput) -> Result<RefreshPayload> {
        let scope = scope(context);
        let client_id = crate::kernel::graphql::uuid(&input.client_id)?;
        let shown = scope.tokens.read_refresh(&input.refresh_token);
        let shown = shown.ok_or_else(|| rejected(SessionRejection::Ended))?;
        scope.take(&format!("refresh/{}", shown.session), scope.limits.per_account).await?;
        let known =
            scope.reader.load::<Session>(shown.session.to_string()).await.map_err(outage)?;
        if known.is_some_and(|it| it.application.is_some()) {
            // An application proves who it is where it exchanges its tokens.
            return Err(rejected(SessionRejection::Ended));
        }
        let command = RefreshSession { session_id: shown.session, generation: shown.generation };
        let accepted = scope.submit_for(shown.account, client_id, command).await;
        let outcome = scope.outcome(accepted.map_err(failed)?).await?;
        let session = scope.reader.load::<Session>(shown.session.to_string()).await;
        let session = session.map_err(outage)?;
        let own = session.filter(|it| !it.ended && it.application.is_none());
        let alive = own.filter(|it| it.generation == shown.generation + 1);
        let alive = alive.ok_or_else(|| rejected(SessionRejection::Compromised))?;
        let now = scope.clock.now_ms();
        let next = Refresh { generation: alive.generation, ..shown };
        Ok(RefreshPayload {
            access_token: match alive.limited {
                true => scope.tokens.limited(shown.account, shown.session, now),
                false => scope.tokens.access(shown.account, shown.session, now),
            },
            refresh_token: scope.tokens.refresh(&next),
            position: outcome.position,
        })
    }

    /// Ends a session; its sockets are closed and its tokens are no longer good.
    async fn sign_out(&self, context: &Context<'_>, input: SignOutInput) -> Result<SignOutPayload> {
        let scope = scope(context);
        let session = match &input.session_id {
            Some(it) => id(it)?,
            None => SessionId(scope.viewer_at_door()?.session),
        };
        let outcome =
            scope.submit_at_door(&input.client_id, EndSession { session_id: session }).await?;
        Ok(SignOutPayload { session_id: session.into(), position: outcome.position })
    }

    /// Ends all sessions of the viewer, or all others.
    async fn sign_out_all(
        &self,
        context: &Context<'_>,
        input: SignOutAllInput,
    ) -> Result<SignOutAllPayload> {
        let command = EndSessions { keep_current: input.keep_current };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        Ok(SignOutAllPayload { position: outcome.position })
    }

    /// Proves the viewer once more, for ten minutes of sensitive changes in this session.
    async fn confirm(&self, context: &Context<'_>, input: ConfirmInput) -> Result<ConfirmPayload> {
        let scope = scope(context);
        let viewer = scope.viewer_at_door()?;
        scope.take_proof(viewer.account).await?;
        let shown = input.shown.read()?;
        let passkey = matches!(shown, Some(Shown::Passkey(_)));
        if input.password.is_none() && !passkey {
            // No code is looked at, or counted, for whoever has proved nothing else.
            return Err(rejected(SessionRejection::ConfirmFailed));
        }
        let credential = match input.password {
            Some(password) => {
                let proved = password::prove(&scope.reader, Some(viewer.account), password).await;
                let failed = || rejected(SessionRejection::ConfirmFailed);
                Some(proved.map_err(outage)?.ok_or_else(failed)?)
            }
            None => None,
        };
        let factor = match shown {
            Some(shown) => Some(prove(scope, viewer.account, &shown).await?),
            None => None,
        };
        let session_id = SessionId(viewer.session);
        let command = ConfirmSession { session_id, credential, factor };
        let outcome = scope.submit_at_door(&input.client_id, command).await?;
        let until = Timestamp(scope.clock.now_ms() + FRESH_MS);
        Ok(ConfirmPayload { until, position: outcome.position })
    }
}
