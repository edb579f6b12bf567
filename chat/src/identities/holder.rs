//! Whose an identity is: the stream of the claim on it, as the addresses have it.

use async_graphql::Result;
use ports::keys::crypto;

use super::{Identities, IdentityRejection};
use crate::accounts::{
    AbandonClaim, AccountId, AccountRejection, CLAIM_MS_MAX, ClaimName, FreeName, Name, NameId,
    NameState,
};
use crate::kernel::command::name_id;
use crate::kernel::graphql::{Scope, failed, outage, rejected};
use crate::kernel::{Failure, id as ids};

/// The stream of the claim on an identity: no username holds a colon. Issuers and subjects differ
/// by case too, which a name does not.
pub(super) fn claim(scope: &Scope, issuer: &str, subject: &str) -> NameId {
    let length = (issuer.len() as u64).to_be_bytes();
    let digest = crypto::fingerprint(&[0; 32], &[&length, issuer.as_bytes(), subject.as_bytes()]);
    name_id(&scope.reader.keyring.secret("names"), &format!("identity:{digest}"))
}

async fn holds(scope: &Scope, account: AccountId, claim_id: NameId) -> Result<bool> {
    let known = scope.reader.load::<Identities>(account.to_string()).await.map_err(outage)?;
    Ok(known.is_some_and(|it| it.find(claim_id).is_some()))
}

/// The account that an identity signs in to.
pub(super) async fn holder(scope: &Scope, claim_id: NameId) -> Result<Option<AccountId>> {
    let name = scope.reader.load::<Name>(claim_id.to_string()).await.map_err(outage)?;
    let account = name.filter(|it| it.state != NameState::Released).map(|it| it.account_id);
    match account {
        Some(account) if holds(scope, account, claim_id).await? => Ok(Some(account)),
        Some(_) | None => Ok(None),
    }
}

/// Claims an identity for an account. A claim that somebody left open is given back first, once
/// nobody can be on the way to what it was made for.
///
/// # Errors
/// `IDENTITIES_TAKEN`.
pub(crate) async fn take_claim(scope: &Scope, account: AccountId, claim_id: NameId) -> Result<()> {
    let fresh = || ids::fresh(scope.clock.now_ms(), scope.entropy.as_ref());
    let claim = ClaimName { name_id: claim_id, account_id: account };
    let taken = Failure::Rejected(AccountRejection::UsernameTaken.into());
    let Err(failure) = scope.submit_for(account, fresh(), claim.clone()).await else {
        return Ok(());
    };
    if failure != taken {
        return Err(failed(failure));
    }
    let held = scope.reader.load::<Name>(claim_id.to_string()).await.map_err(outage)?;
    let old = |it: &Name| scope.clock.now_ms() - it.claimed_at.0 > CLAIM_MS_MAX;
    let ours = || rejected(IdentityRejection::Taken);
    let held = held.as_deref().filter(|it| old(it)).ok_or_else(ours)?.account_id;
    if holds(scope, held, claim_id).await? {
        return Err(ours());
    }
    // An account that was to be registered by it will never be; one that exists has let it go.
    let given_up =
        scope.submit_for(held, fresh(), AbandonClaim { account_id: held, name_id: claim_id }).await;
    match given_up {
        Ok(_) | Err(Failure::Rejected(_)) => (),
        Err(failure) => return Err(failed(failure)),
    }
    let free = FreeName { name_id: claim_id, account_id: held };
    scope.submit_for(held, fresh(), free).await.map_err(failed)?;
    let again = scope.submit_for(account, fresh(), claim).await;
    again.map(drop).map_err(|it| if it == taken { ours() } else { failed(it) })
}
