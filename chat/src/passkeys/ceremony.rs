//! The two ceremonies: a device makes a passkey, and a device uses one.

use async_graphql::Result;
use serde::de::DeserializeOwned;
use url::Url;
use webauthn_rs::prelude::{
    DiscoverableAuthentication, Passkey as Credential, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential,
};
use webauthn_rs::{Webauthn, WebauthnBuilder};

use ports::keys::crypto;

use super::{CEREMONY_MS, PasskeyId, PasskeyProof, PasskeyRejection, Passkeys, RESPONSE_BYTES_MAX};
use crate::accounts::AccountId;
use crate::factors::FactorProof;
use crate::kernel::graphql::{Scope, outage, rejected};
use crate::kernel::id as ids;
use crate::kernel::sealed::{seal, unseal};

/// A ceremony that was begun: what the device is asked, and what is to be shown at the end.
pub struct Ceremony {
    /// As WebAuthn's `PublicKeyCredentialCreationOptionsJSON` or `…RequestOptionsJSON` say it.
    pub options: String,
    pub token: String,
}

/// How a device ended a ceremony.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub ceremony: String,
    /// As WebAuthn's `RegistrationResponseJSON` or `AuthenticationResponseJSON` say it.
    pub response: String,
}

/// Purposes of what is sealed.
const MAKING: &str = "making a passkey";
const USING: &str = "using a passkey";

/// For whom a passkey is made, and what the library remembers.
type Making = (AccountId, PasskeyRegistration);

/// Us, as devices know us: the host of our public address.
fn relying_party(scope: &Scope) -> Result<Webauthn> {
    let made = || {
        let origin = Url::parse(scope.tokens.issuer()).ok()?;
        let host = origin.domain()?.to_owned();
        WebauthnBuilder::new(&host, &origin).ok()?.rp_name(&host).build().ok()
    };
    made().ok_or_else(|| rejected(PasskeyRejection::NoHost))
}

fn parsed<T: DeserializeOwned>(text: &str) -> Result<T> {
    let short = Some(text).filter(|it| it.len() <= RESPONSE_BYTES_MAX);
    short.and_then(|it| serde_json::from_str(it).ok()).ok_or_else(invalid)
}

fn invalid() -> async_graphql::Error {
    rejected(PasskeyRejection::Invalid)
}

fn passkey_id(scope: &Scope, credential_id: &[u8]) -> PasskeyId {
    let key = scope.reader.keyring.secret("passkey ids");
    PasskeyId(ids::from_digest(&crypto::mac(&key, &[credential_id])))
}

/// Begins to make a passkey. The device keeps it with the account's id, by which it is found.
pub(super) async fn begin_making(
    scope: &Scope,
    account: AccountId,
    name: &str,
    known: &Passkeys,
) -> Result<Ceremony> {
    let mut others = Vec::new();
    for passkey in &known.held {
        let credential = scope.reader.open(&passkey.credential).await.map_err(outage)?;
        let credential = credential.and_then(|it| serde_json::from_str::<Credential>(&it).ok());
        others.extend(credential.map(|it| it.cred_id().clone()));
    }
    let party = relying_party(scope)?;
    let begun = party.start_passkey_registration(account.0, name, name, Some(others));
    let (asked, state) = begun.map_err(|_| invalid())?;
    let mut options = serde_json::to_value(asked.public_key).expect("options are plain data");
    // The library leaves it to the device whether it will know whose the passkey is.
    options["authenticatorSelection"]["residentKey"] = "required".into();
    options["authenticatorSelection"]["requireResidentKey"] = true.into();
    let until_ms = scope.clock.now_ms() + CEREMONY_MS;
    let token = seal(scope, MAKING, until_ms, (account, state));
    Ok(Ceremony { options: options.to_string(), token })
}

/// Ends it: the id of what was made, and what verifies it, in JSON.
pub(super) fn end_making(
    scope: &Scope,
    account: AccountId,
    signed: &Signed,
) -> Result<(PasskeyId, String)> {
    let begun = unseal::<Making>(scope, MAKING, &signed.ceremony);
    let state = begun.filter(|it| it.0 == account).map(|it| it.1);
    let response: RegisterPublicKeyCredential = parsed(&signed.response)?;
    let state = state.ok_or_else(invalid)?;
    let made = relying_party(scope)?.finish_passkey_registration(&response, &state);
    let made = made.map_err(|_| invalid())?;
    let json = serde_json::to_string(&made).expect("a credential is plain data");
    Ok((passkey_id(scope, made.cred_id().as_ref()), json))
}

/// Begins to use a passkey, of whomever the device knows.
pub(super) fn begin_using(scope: &Scope) -> Result<Ceremony> {
    let begun = relying_party(scope)?.start_discoverable_authentication();
    let (asked, state) = begun.map_err(|_| invalid())?;
    let options = serde_json::to_string(&asked.public_key).expect("options are plain data");
    let token = seal(scope, USING, scope.clock.now_ms() + CEREMONY_MS, state);
    Ok(Ceremony { options, token })
}

/// Looks at how a device has used a passkey: whose it is, and what is to be decided.
///
/// # Errors
/// `PASSKEYS_INVALID`, whatever is wrong with it.
pub async fn prove(scope: &Scope, signed: &Signed) -> Result<(AccountId, PasskeyProof)> {
    let state = unseal::<DiscoverableAuthentication>(scope, USING, &signed.ceremony);
    let state = state.ok_or_else(invalid)?;
    let response: PublicKeyCredential = parsed(&signed.response)?;
    let party = relying_party(scope)?;
    let found = party.identify_discoverable_authentication(&response);
    let (account, credential_id) = found.map_err(|_| invalid())?;
    let (account, id) = (AccountId(account), passkey_id(scope, credential_id));
    let passkeys = scope.reader.load::<Passkeys>(account.to_string()).await.map_err(outage)?;
    let passkey = passkeys.as_ref().and_then(|it| it.find(id)).ok_or_else(invalid)?;
    let credential = scope.reader.open(&passkey.credential).await.map_err(outage)?;
    let credential: Credential = parsed(&credential.ok_or_else(invalid)?)?;
    let used = party.finish_discoverable_authentication_v2(&response, state, &credential);
    let used = used.ok().filter(|it| it.user_verified()).ok_or_else(invalid)?;
    let ceremony = crypto::fingerprint(&[0; 32], &[signed.ceremony.as_bytes()]);
    Ok((account, PasskeyProof { passkey_id: id, ceremony, counter: used.counter() }))
}

/// Looks at how a device has used a passkey that must be this account's.
///
/// # Errors
/// `PASSKEYS_INVALID`.
pub(crate) async fn prove_of(
    scope: &Scope,
    account: AccountId,
    signed: &Signed,
) -> Result<FactorProof> {
    let (whose, proof) = prove(scope, signed).await?;
    let own = (whose == account).then_some(FactorProof::Passkey(proof));
    own.ok_or_else(|| rejected(PasskeyRejection::Invalid))
}
