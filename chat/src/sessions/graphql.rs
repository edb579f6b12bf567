//! Signing in, staying signed in and signing out.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::{Order, Scan};

use super::{
    EndSession, OpenSession, Refresh, RefreshSession, Session, SessionId, SessionRejection,
};
use crate::accounts::{AccountId, Credential, Name, NameState, password, username};
use crate::kernel::command::name_id;
use crate::kernel::document::Document;
use crate::kernel::graphql::{Outcome, Scope, failed, id, outage, rejected, scope};
use crate::kernel::{Timestamp, id as ids};

/// The tokens of a session that was opened.
pub struct SignedIn {
    pub access_token: String,
    pub refresh_token: String,
    pub outcome: Outcome,
}

/// Opens a session for an account whose password was proved.
///
/// # Errors
/// When the device's name is refused or the command fails.
pub async fn sign_in_at(scope: &Scope, account: AccountId, device: &str) -> Result<SignedIn> {
    let now = scope.clock.now_ms();
    let session = SessionId(ids::fresh(now, scope.entropy.as_ref()));
    let command = OpenSession { session_id: session, device: device.to_owned() };
    let accepted = scope.door.submit(account, session.0, Box::new(command)).await;
    let outcome = scope.outcome(accepted.map_err(failed)?).await?;
    let tokens = &scope.tokens;
    Ok(SignedIn {
        access_token: tokens.access(account, session, now),
        refresh_token: tokens.refresh(&Refresh { account, session, generation: 0 }),
        outcome,
    })
}

async fn proved(scope: &Scope, name: &str, given: String) -> Result<Option<AccountId>> {
    let reader = &scope.reader;
    let found = match username(name) {
        Ok(name) => {
            let id = name_id(&reader.keyring.secret("names"), &name);
            let name = reader.load::<Name>(id.to_string()).await.map_err(outage)?;
            name.filter(|it| it.state == NameState::Confirmed).map(|it| it.account_id)
        }
        Err(_) => None,
    };
    let credential = match found {
        Some(account) => reader.load::<Credential>(account.to_string()).await.map_err(outage)?,
        None => None,
    };
    let hash = match credential {
        Some(it) => reader.open(&it.password).await.map_err(outage)?,
        None => None,
    };
    let fits = password::verify(given, hash).await;
    Ok(found.filter(|_| fits))
}

/// A device that is signed in.
struct SessionObject(Arc<Session>);

#[Object(name = "Session")]
impl SessionObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What the device was called; null once erased.
    async fn device(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.0.device).await.map_err(outage)
    }

    async fn opened_at(&self) -> Timestamp {
        self.0.opened_at
    }

    async fn refreshed_at(&self) -> Timestamp {
        self.0.refreshed_at
    }

    /// Whether this request comes from it.
    async fn current(&self, context: &Context<'_>) -> Result<bool> {
        Ok(scope(context).viewer()?.session == self.0.id.0)
    }
}

/// Sessions listed at most.
const LISTED_MAX: usize = 100;

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
        let scan = Scan::prefix(name, Some("by_account"), &prefix, Order::Descending, LISTED_MAX);
        let found = scope.reader.scan::<Session>(scan).await.map_err(outage)?;
        Ok(found.into_iter().map(|(_, it)| SessionObject(it)).collect())
    }
}

#[derive(InputObject)]
struct SignInInput {
    username: String,
    password: String,
    /// Names this device in the list of sessions.
    #[graphql(default = "")]
    device: String,
}

/// What a second factor would be asked by.
#[derive(SimpleObject)]
struct SecondFactor {
    challenge: String,
    methods: Vec<String>,
}

#[derive(SimpleObject)]
struct SignInPayload {
    access_token: Option<String>,
    refresh_token: Option<String>,
    /// Null: the account has no second factor.
    second_factor: Option<SecondFactor>,
    position: String,
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

/// Changes of this room.
#[derive(Default)]
pub struct SessionMutation;

#[Object]
impl SessionMutation {
    /// Opens a session. The answer is the same, and takes as long, whether the account does not
    /// exist or the password is wrong.
    async fn sign_in(&self, context: &Context<'_>, input: SignInInput) -> Result<SignInPayload> {
        let scope = scope(context);
        let name = input.username.to_lowercase();
        let limit = scope.limits.sign_in;
        scope.take(&format!("sign-in/{}", scope.address()), limit.saturating_mul(6)).await?;
        scope.take(&format!("sign-in/{}/{name:.64}", scope.address()), limit).await?;
        let account = proved(scope, &name, input.password).await?;
        let account = account.ok_or_else(|| rejected(SessionRejection::SignInFailed))?;
        let signed_in = sign_in_at(scope, account, &input.device).await?;
        Ok(SignInPayload {
            access_token: Some(signed_in.access_token),
            refresh_token: Some(signed_in.refresh_token),
            second_factor: None,
            position: signed_in.outcome.position,
        })
    }

    /// Exchanges a refresh token for a new pair.
    async fn refresh(&self, context: &Context<'_>, input: RefreshInput) -> Result<RefreshPayload> {
        let scope = scope(context);
        let client_id = crate::kernel::graphql::uuid(&input.client_id)?;
        let shown = scope.tokens.read_refresh(&input.refresh_token);
        let shown = shown.ok_or_else(|| rejected(SessionRejection::Ended))?;
        scope.take(&format!("refresh/{}", shown.session), scope.limits.per_account).await?;
        let command = RefreshSession { session_id: shown.session, generation: shown.generation };
        let accepted = scope.door.submit(shown.account, client_id, Box::new(command)).await;
        let outcome = scope.outcome(accepted.map_err(failed)?).await?;
        let session = scope.reader.load::<Session>(shown.session.to_string()).await;
        let session = session.map_err(outage)?;
        let alive = session.filter(|it| !it.ended && it.generation == shown.generation + 1);
        let alive = alive.ok_or_else(|| rejected(SessionRejection::Compromised))?;
        let now = scope.clock.now_ms();
        let next = Refresh { generation: alive.generation, ..shown };
        Ok(RefreshPayload {
            access_token: scope.tokens.access(shown.account, shown.session, now),
            refresh_token: scope.tokens.refresh(&next),
            position: outcome.position,
        })
    }

    /// Ends a session; its sockets are closed and its tokens are no longer good.
    async fn sign_out(&self, context: &Context<'_>, input: SignOutInput) -> Result<SignOutPayload> {
        let scope = scope(context);
        let session = match &input.session_id {
            Some(it) => id(it)?,
            None => SessionId(scope.viewer()?.session),
        };
        let outcome = scope.submit(&input.client_id, EndSession { session_id: session }).await?;
        Ok(SignOutPayload { session_id: session.into(), position: outcome.position })
    }
}
