//! Who may register: everybody, those with an invitation, nobody, or the first owner.

use async_graphql::Result;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ports::keys::{Secret, crypto};
use uuid::Uuid;

use super::graphql::instance;
use super::{ClaimSetup, InstanceRejection, InvitationId, RegistrationMode, UseInvitation};
use crate::accounts::AccountId;
use crate::kernel::graphql::{Scope, failed, rejected};
use crate::kernel::{Accepted, id as ids};

/// What the setup link holds: good on this instance only, until it has an owner.
pub fn setup_token(secret: &Secret) -> String {
    URL_SAFE_NO_PAD.encode(crypto::mac(secret, &[b"setup"]))
}

/// An invitation's code: its id under a keyed digest, so that no code is stored.
pub(super) fn code(invitation: InvitationId, secret: &Secret) -> String {
    let mac = crypto::mac(secret, &[b"invitation", invitation.0.as_bytes()]);
    URL_SAFE_NO_PAD.encode([invitation.0.as_bytes().as_slice(), &mac[..16]].concat())
}

fn read_code(text: &str, secret: &Secret) -> Option<InvitationId> {
    let bytes = URL_SAFE_NO_PAD.decode(text.get(..43).filter(|it| it.len() == text.len())?).ok()?;
    let invitation = InvitationId(Uuid::from_slice(bytes.get(..16)?).ok()?);
    let fits = crypto::equal(text.as_bytes(), code(invitation, secret).as_bytes());
    fits.then_some(invitation)
}

/// Whether the setup link was shown.
///
/// # Errors
/// `INSTANCE_SETUP_INVALID` for another token.
fn is_setup(scope: &Scope, token: &str) -> Result<()> {
    let ours = setup_token(&scope.reader.keyring.secret("setup"));
    let fits = crypto::equal(token.as_bytes(), ours.as_bytes());
    fits.then_some(()).ok_or_else(|| rejected(InstanceRejection::SetupInvalid))
}

/// Lets somebody register, or says why not; an invitation is counted for the account.
///
/// # Errors
/// The instance's rejections.
pub async fn admit(
    scope: &Scope,
    account: AccountId,
    client_id: Uuid,
    invitation: Option<&str>,
    setup: Option<&str>,
) -> Result<()> {
    let instance = instance(scope).await?;
    if let Some(token) = setup {
        is_setup(scope, token)?;
        let done = instance.owners() > 0;
        return (!done).then_some(()).ok_or_else(|| rejected(InstanceRejection::SetupDone));
    }
    match instance.settings.registration {
        RegistrationMode::Open => return Ok(()),
        RegistrationMode::Closed => return Err(rejected(InstanceRejection::RegistrationClosed)),
        RegistrationMode::Invitation => (),
    }
    let code = invitation.ok_or_else(|| rejected(InstanceRejection::InvitationNeeded))?;
    let invitation_id = read_code(code, &scope.reader.keyring.secret("invitations"));
    let invitation_id =
        invitation_id.ok_or_else(|| rejected(InstanceRejection::InvitationInvalid))?;
    let client_id = ids::derive(client_id, &[b"invitation", account.0.as_bytes()]);
    let used = scope.submit_for(account, client_id, UseInvitation { invitation_id }).await;
    used.map(drop).map_err(failed)
}

/// Makes an account that registered with the setup link the first owner.
///
/// # Errors
/// `INSTANCE_SETUP_INVALID`, `INSTANCE_SETUP_DONE`.
pub async fn claim_setup(
    scope: &Scope,
    account: AccountId,
    client_id: Uuid,
    token: &str,
) -> Result<Accepted> {
    is_setup(scope, token)?;
    let client_id = ids::derive(client_id, &[b"setup", account.0.as_bytes()]);
    scope.submit_for(account, client_id, ClaimSetup {}).await.map_err(failed)
}
