//! Registering applications, and allowing them to act for oneself.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use url::Url;

use super::asked::{Asked, Refusal, ask};
use super::endpoints::{CODE, Code};
use super::objects::{ApplicationObject, Authorization};
use super::registration::{fresh_secret, secret_digest};
use super::{
    AllowApplication, ApplicationId, ApplicationRejection, Applications, CODE_MS,
    RegisterApplication, RemoveApplication,
};
use crate::accounts::Credential;
use crate::instance::{Right, demand};
use crate::kernel::graphql::{Scope, failed, id, outage, rejected, scope, uuid};
use crate::kernel::sealed::seal;
use crate::kernel::{Failure, Timestamp, id as ids};
use crate::sessions::{Session, SessionId};

async fn read(scope: &Scope, request: &str) -> Result<Asked> {
    ask(scope, request).await.map_err(|it| match it {
        Refusal::Unavailable => failed(Failure::Unavailable),
        Refusal::Told(_) | Refusal::Sent { .. } => rejected(ApplicationRejection::RequestInvalid),
    })
}

/// Reads of this room.
#[derive(Default)]
pub struct ApplicationQuery;

#[Object]
impl ApplicationQuery {
    /// What the page at `/oauth/authorize` asks a person, by its own query; told to anybody, since
    /// the application tells it too.
    async fn authorization(&self, context: &Context<'_>, request: String) -> Result<Authorization> {
        let scope = scope(context);
        let asked = read(scope, &request).await?;
        let url = Url::parse(&asked.redirect_uri).expect("a registered address is one");
        let redirect_host = url.host_str().map_or_else(|| url.scheme().to_owned(), str::to_owned);
        let deny_uri = asked.back(scope.tokens.issuer(), &[("error", "access_denied")]);
        let access = asked.scopes.list();
        let application = ApplicationObject(asked.application);
        Ok(Authorization { application, access, redirect_host, deny_uri })
    }

    /// Every application of this server, oldest first, at most 1,000; for staff who may change
    /// settings.
    async fn applications(&self, context: &Context<'_>) -> Result<Vec<ApplicationObject>> {
        demand(context, Right::ChangeSettings).await?;
        let reader = &scope(context).reader;
        let list = reader.load::<Applications>(Applications::ID.to_owned()).await;
        let ids = list.map_err(outage)?.map(|it| it.ids.clone()).unwrap_or_default();
        let mut all = Vec::with_capacity(ids.len());
        for id in ids {
            all.extend(ApplicationObject::find(context, id).await?);
        }
        Ok(all)
    }
}

#[derive(InputObject)]
struct RegisterApplicationInput {
    client_id: ID,
    /// 1 to 64 characters, which people are told.
    name: String,
    /// 1 to 10 addresses that people are sent back to.
    redirect_uris: Vec<String>,
    /// Whether it can keep a secret: a server can, a program that people install can't.
    #[graphql(default = true)]
    confidential: bool,
}

#[derive(SimpleObject)]
struct RegisterApplicationPayload {
    application: Option<ApplicationObject>,
    /// Its `client_secret`, shown this once; null when it keeps none, and in a repetition.
    secret: Option<String>,
    position: String,
}

#[derive(InputObject)]
struct RemoveApplicationInput {
    client_id: ID,
    application_id: ID,
}

#[derive(SimpleObject)]
struct RemoveApplicationPayload {
    position: String,
}

#[derive(InputObject)]
struct AllowApplicationInput {
    client_id: ID,
    /// The query of `/oauth/authorize`.
    request: String,
}

#[derive(SimpleObject)]
struct AllowApplicationPayload {
    /// Where the person goes from here, with a code that is good for a minute.
    redirect_uri: String,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct ApplicationMutation;

#[Object]
impl ApplicationMutation {
    /// Registers an application; for staff who may change settings and have just proved
    /// themselves.
    async fn register_application(
        &self,
        context: &Context<'_>,
        input: RegisterApplicationInput,
    ) -> Result<RegisterApplicationPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let client_id = uuid(&input.client_id)?;
        let derived = ids::derive(client_id, &[b"application", viewer.0.as_bytes()]);
        let application_id = ApplicationId(derived);
        let secret = input.confidential.then(|| fresh_secret(scope));
        let command = RegisterApplication {
            application_id,
            name: input.name,
            redirect_uris: input.redirect_uris,
            secret_digest: secret.as_ref().map(|it| secret_digest(scope, it)),
            by_itself: false,
        };
        let outcome = scope.submit(&input.client_id, command).await?;
        let application = ApplicationObject::find(context, application_id).await?;
        let secret = secret.filter(|_| !outcome.accepted.repeated);
        Ok(RegisterApplicationPayload { application, secret, position: outcome.position })
    }

    /// Removes an application; its tokens are no longer good.
    async fn remove_application(
        &self,
        context: &Context<'_>,
        input: RemoveApplicationInput,
    ) -> Result<RemoveApplicationPayload> {
        let command = RemoveApplication { application_id: id(&input.application_id)? };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        Ok(RemoveApplicationPayload { position: outcome.position })
    }

    /// Allows an application what it has asked for, and gives where to go with the code.
    async fn allow_application(
        &self,
        context: &Context<'_>,
        input: AllowApplicationInput,
    ) -> Result<AllowApplicationPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?;
        let asked = read(scope, &input.request).await?;
        let account = viewer.account;
        let (application_id, scopes) = (asked.application.id, asked.scopes);
        let command = AllowApplication { application_id, scopes };
        let outcome = scope.submit(&input.client_id, command).await?;
        let reader = &scope.reader;
        let credential = reader.load::<Credential>(account.to_string()).await.map_err(outage)?;
        let own = reader.load::<Session>(SessionId(viewer.session).to_string()).await;
        let now = scope.clock.now_ms();
        let code = Code {
            account,
            application: application_id,
            scopes,
            session: SessionId(ids::fresh(now, scope.entropy.as_ref())),
            credential: credential.map(|it| it.generation),
            redirect_uri: asked.redirect_uri.clone(),
            challenge: asked.challenge.clone(),
            nonce: asked.nonce.clone(),
            allowed_at: Timestamp(now),
            proved_ms: own.map_err(outage)?.and_then(|it| it.confirmed_at).map_or(now, |it| it.0),
        };
        let code = seal(scope, CODE, now + CODE_MS, code);
        let redirect_uri = asked.back(scope.tokens.issuer(), &[("code", &code)]);
        Ok(AllowApplicationPayload { redirect_uri, position: outcome.position })
    }
}
