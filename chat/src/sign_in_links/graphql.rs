//! Signing in by a link.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{LINK_MS, RequestSignInLink, SignInLinkRejection, UseSignInLink};
use crate::accounts::Credential;
use crate::addresses::{Named, fields, send_to_holder};
use crate::kernel::graphql::{Scope, failed, outage, rejected, scope, uuid};
use crate::kernel::id as ids;
use crate::sessions::{Challenge, ClientInput, Purpose, SignInPayload, proceed};

#[derive(InputObject)]
struct RequestSignInLinkInput {
    client_id: ID,
    /// A mail address that the account has proved.
    email: String,
}

#[derive(SimpleObject)]
struct RequestSignInLinkPayload {
    /// Always: whether there is such an account is not told.
    ok: bool,
}

#[derive(InputObject)]
struct SignInWithLinkInput {
    /// What the link holds.
    token: String,
    #[graphql(flatten)]
    client: ClientInput,
}

fn demand_allowed(scope: &Scope) -> Result<()> {
    let allowed = scope.ways.sign_in_links;
    allowed.then_some(()).ok_or_else(|| rejected(SignInLinkRejection::Off))
}

/// Changes of this room.
#[derive(Default)]
pub struct SignInLinkMutation;

#[Object]
impl SignInLinkMutation {
    /// Sends a link that signs in, if an account has proved the address and the operator allows
    /// such links. The answer is the same, and comes as fast, whether it has.
    async fn request_sign_in_link(
        &self,
        context: &Context<'_>,
        input: RequestSignInLinkInput,
    ) -> Result<RequestSignInLinkPayload> {
        demand_allowed(scope(context))?;
        let client_id = uuid(&input.client_id)?;
        let named = ("sign-in-links", input.email.as_str());
        send_to_holder(context, named, async move |scope, named| {
            send(&scope, named, client_id).await
        })
        .await?;
        Ok(RequestSignInLinkPayload { ok: true })
    }

    /// Opens a session by a link, or says what is asked for beside it; the link is good once.
    async fn sign_in_with_link(
        &self,
        context: &Context<'_>,
        input: SignInWithLinkInput,
    ) -> Result<SignInPayload> {
        let scope = scope(context);
        demand_allowed(scope)?;
        let limit = scope.limits.sign_in;
        scope.take(&format!("sign-in/{}", scope.address()), limit.saturating_mul(6)).await?;
        let client = input.client.read()?;
        let now = scope.clock.now_ms();
        let link = scope.tokens.read_challenge(Purpose::SignInLink, &input.token, now);
        let invalid = || rejected(SignInLinkRejection::LinkInvalid);
        let Challenge { account, credential: nonce, .. } = link.ok_or_else(invalid)?;
        let client_id = ids::fresh(now, scope.entropy.as_ref());
        let used = scope.submit_for(account, client_id, UseSignInLink { nonce }).await;
        scope.outcome(used.map_err(failed)?).await?;
        let credential = scope.reader.load::<Credential>(account.to_string()).await;
        let credential = credential.map_err(outage)?.ok_or_else(invalid)?.generation;
        proceed(scope, (account, credential), client, true).await
    }
}

async fn send(scope: &Scope, named: Named, client_id: uuid::Uuid) -> Result<()> {
    let Named { account, address_id, address, locale } = named;
    // A signed number in the log.
    let nonce = u64::from_be_bytes(scope.entropy.bytes()) >> 1;
    let until_ms = scope.clock.now_ms() + LINK_MS;
    let challenge = Challenge { account, credential: nonce, until_ms };
    let token = scope.tokens.challenge(Purpose::SignInLink, &challenge);
    let link = format!("{}#{token}", scope.tokens.link("sign-in"));
    let fields = fields(scope, account, &[("link", link)]).await?;
    let command = RequestSignInLink { address_id, nonce, to: address, locale, fields };
    scope.submit_for(account, client_id, command).await.map(drop).map_err(failed)
}
