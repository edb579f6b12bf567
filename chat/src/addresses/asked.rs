//! Mail that anybody may ask for by naming an address: whether an account has proved it is told by
//! the mail alone.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::{Context, Result};

use super::{AddressId, addresses, claim, holder, mail};
use crate::accounts::AccountId;
use crate::kernel::graphql::{Scope, rejected, scope};
use crate::outbox::Channel;

/// What is asked for is looked at after 1 to 256 of these.
const PAUSE: Duration = Duration::from_millis(2);

/// An account and the address by which somebody named it.
pub(crate) struct Named {
    pub account: AccountId,
    pub address_id: AddressId,
    pub address: String,
    pub locale: String,
}

/// Sends something to whoever has proved an address. Nobody waits for it, and it begins at any
/// time once the answer is out, so that nobody can tell by the time of this answer or of the next
/// whether there is such an account.
///
/// # Errors
/// When the text is no mail address, and beyond the limits of an address and of the caller's.
pub(crate) async fn send_to_holder<F>(
    context: &Context<'_>,
    (what, email): (&'static str, &str),
    send: impl FnOnce(Arc<Scope>, Named) -> F + Send + 'static,
) -> Result<()>
where
    F: Future<Output = Result<()>> + Send,
{
    let scope = scope(context);
    let address = mail(email).map_err(rejected)?;
    let limit = scope.limits.codes;
    let from = format!("{what}/from/{}", scope.address());
    scope.take_hourly(&from, limit.saturating_mul(10)).await?;
    let claim_id = claim(scope, Channel::Mail, &address);
    scope.take_hourly(&format!("{what}/to/{claim_id}"), limit).await?;
    let scope = Arc::clone(context.data_unchecked::<Arc<Scope>>());
    ports::spawn(what, async move {
        let [later] = scope.entropy.bytes::<1>();
        tokio::time::sleep(PAUSE * (u32::from(later) + 1)).await;
        let sent = async {
            let Some(account) = holder(&scope, &address).await? else { return Ok(()) };
            let known = addresses(&scope, account).await?;
            let Some(found) = known.confirmed.iter().find(|it| it.claim_id == claim_id) else {
                return Ok(());
            };
            let (address_id, locale) = (found.id, found.locale.clone());
            send(Arc::clone(&scope), Named { account, address_id, address, locale }).await
        };
        if let Err(error) = sent.await {
            tracing::warn!(?error, what, "what was asked for by mail was not sent");
        }
    });
    Ok(())
}
