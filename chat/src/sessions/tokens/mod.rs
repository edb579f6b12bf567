//! Access tokens (RFC 9068, signed with Ed25519) and refresh tokens.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::keys::{Secret, crypto};

use super::{ACCESS_MS, SessionId};
use crate::accounts::AccountId;
use crate::applications::{ApplicationId, Scopes};

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: AccountId,
    pub sid: SessionId,
    /// Whether the session could only set up a second factor when the token was made.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lim: bool,
    /// The application that it was made for (RFC 9068).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// What the application was allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    pub exp: i64,
}

impl Claims {
    /// The application and its scopes, where there are any; nothing when they make no sense.
    pub(super) fn granted(&self) -> Option<Option<(ApplicationId, Scopes)>> {
        match (&self.client_id, &self.scope) {
            (None, None) => Some(None),
            (Some(id), Some(scope)) => Some(Some((id.parse().ok()?, Scopes::parse(scope)?))),
            (Some(_), None) | (None, Some(_)) => None,
        }
    }
}

/// What an access token is made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Granted {
    pub account: AccountId,
    pub session: SessionId,
    /// Whether the session can only set up a second factor.
    pub limited: bool,
    pub application: Option<(ApplicationId, Scopes)>,
}

impl Granted {
    /// For a person.
    pub fn to_person(account: AccountId, session: SessionId) -> Self {
        Self { account, session, limited: false, application: None }
    }

    /// For an application that acts for somebody.
    pub fn to_application(
        account: AccountId,
        session: SessionId,
        application: ApplicationId,
        scopes: Scopes,
    ) -> Self {
        let application = Some((application, scopes));
        Self { application, ..Self::to_person(account, session) }
    }

    /// What the application may.
    pub fn scopes(&self) -> Scopes {
        self.application.map(|it| it.1).unwrap_or_default()
    }
}

/// What a refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    pub account: AccountId,
    pub session: SessionId,
    pub generation: u64,
}

/// What a challenge is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The password was proved; a second factor is asked for.
    SecondFactor,
    /// A proved address was shown; the password is set anew.
    PasswordReset,
    /// A link by mail was shown in place of the password; a second factor is asked for.
    SecondFactorAfterMail,
    /// A recovery from the loss of every second factor is cancelled.
    CancelRecovery,
    /// A link by mail signs in.
    SignInLink,
}

/// What was proved of an account, on its way to the next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Challenge {
    pub account: AccountId,
    /// Generation of the credential that was proved; of a link, what tells it from others.
    pub credential: u64,
    pub until_ms: i64,
}

/// Makes and checks tokens.
///
/// Keys of access tokens follow each other every [`ROTATION_MS`]. Each is derived from the
/// instance's secret and the number of its period, so all nodes have the same without a word.
pub struct Tokens {
    issuer: String,
    root: Secret,
    /// Those that were in use lately.
    keys: Mutex<BTreeMap<i64, Arc<Key>>>,
    refresh: Secret,
    challenge: Secret,
}

/// The key of one period.
struct Key {
    id: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Vec<u8>,
}

/// How long a key signs.
const ROTATION_MS: i64 = 30 * 24 * 3_600 * 1_000;

/// The seed of the key that signs at a time.
pub fn signing_seed(root: &Secret, now_ms: i64) -> Secret {
    let period = now_ms.div_euclid(ROTATION_MS);
    crypto::derive(root, &[b"access token key", &period.to_be_bytes()])
}

impl Key {
    fn new(seed: &Secret) -> Self {
        let pair =
            Ed25519KeyPair::from_seed_unchecked(seed).expect("32 bytes are a seed of Ed25519");
        let public = pair.public_key().as_ref().to_vec();
        let document = pair.to_pkcs8().expect("a key pair can be written");
        let digest = crypto::mac(&[0; 32], &[&public]);
        Self {
            id: URL_SAFE_NO_PAD.encode(&digest[..8]),
            signing: EncodingKey::from_ed_der(document.as_ref()),
            verifying: DecodingKey::from_ed_der(&public),
            public,
        }
    }

    fn jwk(&self) -> serde_json::Value {
        serde_json::json!({
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.id, "x": URL_SAFE_NO_PAD.encode(&self.public),
        })
    }
}

/// Audience of access tokens.
const AUDIENCE: &str = "parlance";
/// Type of access tokens (RFC 9068).
const TYPE: &str = "at+jwt";
/// Keys kept at hand; a node uses three.
const KEYS_HELD_MAX: usize = 4;
/// What a refresh token begins with.
const REFRESH_PREFIX: &str = "plr_";
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 2_048;

impl Tokens {
    /// Tokens signed with keys derived from the instance's secrets.
    pub fn new(issuer: &str, root: Secret, refresh: Secret) -> Self {
        let challenge = crypto::derive(&refresh, &[b"challenge"]);
        Self { issuer: issuer.to_owned(), root, keys: Mutex::default(), refresh, challenge }
    }

    fn key(&self, period: i64) -> Arc<Key> {
        let mut keys = self.keys.lock().expect("no holder of the lock panics");
        let found = keys
            .entry(period)
            .or_insert_with(|| Key::new(&signing_seed(&self.root, period * ROTATION_MS)).into());
        let found = Arc::clone(found);
        while keys.len() > KEYS_HELD_MAX {
            keys.pop_first();
        }
        found
    }

    /// The keys that may have signed what is good now: the period's own, the one before, and the
    /// one after for a node whose clock is ahead.
    fn current(&self, now_ms: i64) -> [Arc<Key>; 3] {
        let period = now_ms.div_euclid(ROTATION_MS);
        [period, period - 1, period + 1].map(|it| self.key(it))
    }

    /// An access token for a session.
    pub fn access(&self, account: AccountId, session: SessionId, now_ms: i64) -> String {
        self.access_for(account, session, now_ms, ACCESS_MS)
    }

    /// An access token for a session that can only set up a second factor.
    pub fn limited(&self, account: AccountId, session: SessionId, now_ms: i64) -> String {
        let granted = Granted { limited: true, ..Granted::to_person(account, session) };
        self.issue(granted, now_ms, ACCESS_MS)
    }

    /// An access token for a session that is good for another time.
    pub fn access_for(
        &self,
        account: AccountId,
        session: SessionId,
        now_ms: i64,
        good_for_ms: i64,
    ) -> String {
        self.issue(Granted::to_person(account, session), now_ms, good_for_ms)
    }

    /// An access token.
    pub fn issue(&self, granted: Granted, now_ms: i64, good_for_ms: i64) -> String {
        let application = granted.application;
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: granted.account,
            sid: granted.session,
            lim: granted.limited,
            client_id: application.map(|it| it.0.to_string()),
            scope: application.map(|it| it.1.text()),
            iat: now_ms / 1_000,
            exp: (now_ms + good_for_ms) / 1_000,
        };
        self.signed(TYPE, &claims, now_ms)
    }

    /// A token that tells an application who somebody is (OpenID Connect Core 2); issuer and times
    /// are added to the claims.
    pub fn id_token(&self, mut claims: serde_json::Value, now_ms: i64) -> String {
        claims["iss"] = self.issuer.clone().into();
        claims["iat"] = (now_ms / 1_000).into();
        claims["exp"] = ((now_ms + ACCESS_MS) / 1_000).into();
        self.signed("JWT", &claims, now_ms)
    }

    fn signed(&self, kind: &str, claims: &impl Serialize, now_ms: i64) -> String {
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(kind.to_owned());
        let [key, ..] = self.current(now_ms);
        header.kid = Some(key.id.clone());
        jsonwebtoken::encode(&header, claims, &key.signing).expect("claims can be signed")
    }

    /// Checks an access token; every fault is the same answer.
    pub fn check(&self, token: &str, now_ms: i64) -> Option<Claims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        let keys = self.current(now_ms);
        let key = keys.iter().find(|it| header.kid.as_deref() == Some(it.id.as_str()))?;
        let ours = header.typ.as_deref() == Some(TYPE)
            && header.alg == Algorithm::EdDSA
            && header.jku.is_none()
            && header.jwk.is_none()
            && header.x5u.is_none()
            && header.x5c.is_none();
        let mut validation = Validation::new(Algorithm::EdDSA);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Time is checked below, by the clock that everything else goes by.
        validation.validate_exp = false;
        let claims =
            jsonwebtoken::decode::<Claims>(token, &key.verifying, &validation).ok()?.claims;
        let now = now_ms / 1_000;
        let current = claims.exp > now && claims.iat <= now + 30;
        (ours && current).then_some(claims)
    }

    /// The public keys as a JSON Web Key Set (RFC 7517), the next one among them, so that it is
    /// known before it signs.
    pub fn jwks(&self, now_ms: i64) -> serde_json::Value {
        let keys: Vec<_> = self.current(now_ms).iter().map(|it| it.jwk()).collect();
        serde_json::json!({ "keys": keys })
    }

    /// Our public address.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// The name that people know this server by.
    pub fn host(&self) -> &str {
        self.issuer.split_once("://").map_or(self.issuer.as_str(), |it| it.1)
    }

    /// The address of one of our pages.
    pub fn link(&self, page: &str) -> String {
        format!("{}/{page}", self.issuer.trim_end_matches('/'))
    }

    /// A challenge.
    pub fn challenge(&self, purpose: Purpose, it: &Challenge) -> String {
        let body = challenge_body(it);
        let mac = crypto::mac(&self.challenge, &[&[purpose as u8], &body]);
        URL_SAFE_NO_PAD.encode([&body[..], &mac].concat())
    }

    /// Reads a challenge that was made here and is still good.
    pub fn read_challenge(&self, purpose: Purpose, text: &str, now_ms: i64) -> Option<Challenge> {
        let bytes = URL_SAFE_NO_PAD.decode(text.get(..CHALLENGE_CHARS)?).ok()?;
        let (body, _) = bytes.split_at_checked(32)?;
        let challenge = Challenge {
            account: AccountId(Uuid::from_slice(&body[..16]).ok()?),
            credential: u64::from_be_bytes(body[16..24].try_into().ok()?),
            until_ms: i64::from_be_bytes(body[24..].try_into().ok()?),
        };
        let ours = self.challenge(purpose, &challenge);
        let fits = crypto::equal(text.as_bytes(), ours.as_bytes()) && now_ms < challenge.until_ms;
        fits.then_some(challenge)
    }

    /// A refresh token.
    pub fn refresh(&self, it: &Refresh) -> String {
        let mut bytes = body(it).to_vec();
        bytes.extend_from_slice(&crypto::mac(&self.refresh, &[&body(it)]));
        format!("{REFRESH_PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// Reads a refresh token that was made here.
    pub fn read_refresh(&self, token: &str) -> Option<Refresh> {
        let text = token.strip_prefix(REFRESH_PREFIX).filter(|it| it.len() < 200)?;
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let (body_bytes, mac) = bytes.split_at_checked(40)?;
        if !crypto::equal(mac, &crypto::mac(&self.refresh, &[body_bytes])) {
            return None;
        }
        Some(Refresh {
            account: AccountId(Uuid::from_slice(&body_bytes[..16]).ok()?),
            session: SessionId(Uuid::from_slice(&body_bytes[16..32]).ok()?),
            generation: u64::from_be_bytes(body_bytes[32..].try_into().ok()?),
        })
    }
}

/// Characters of a challenge.
const CHALLENGE_CHARS: usize = 86;

fn challenge_body(it: &Challenge) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes[..16].copy_from_slice(it.account.0.as_bytes());
    bytes[16..24].copy_from_slice(&it.credential.to_be_bytes());
    bytes[24..].copy_from_slice(&it.until_ms.to_be_bytes());
    bytes
}

fn body(it: &Refresh) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..16].copy_from_slice(it.account.0.as_bytes());
    bytes[16..32].copy_from_slice(it.session.0.as_bytes());
    bytes[32..].copy_from_slice(&it.generation.to_be_bytes());
    bytes
}
