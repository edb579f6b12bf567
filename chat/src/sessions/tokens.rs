//! Access tokens (RFC 9068, signed with Ed25519) and refresh tokens.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::keys::{Secret, crypto};

use super::{ACCESS_MS, SessionId};
use crate::accounts::AccountId;

/// What an access token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    pub sub: AccountId,
    pub sid: SessionId,
    /// Seconds since the epoch.
    pub iat: i64,
    /// Seconds since the epoch.
    pub exp: i64,
}

/// What a refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refresh {
    pub account: AccountId,
    pub session: SessionId,
    pub generation: u64,
}

/// Makes and checks tokens.
pub struct Tokens {
    issuer: String,
    key_id: String,
    signing: EncodingKey,
    verifying: DecodingKey,
    public: Vec<u8>,
    refresh: Secret,
}

/// Audience of access tokens.
const AUDIENCE: &str = "parlance";
/// Type of access tokens (RFC 9068).
const TYPE: &str = "at+jwt";
/// What a refresh token begins with.
const REFRESH_PREFIX: &str = "plr_";
/// Longest token that is looked at.
const TOKEN_BYTES_MAX: usize = 2_048;

impl Tokens {
    /// Tokens signed with keys derived from the instance's secrets.
    pub fn new(issuer: &str, signing_seed: &Secret, refresh: Secret) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(signing_seed)
            .expect("32 bytes are a seed of Ed25519");
        let public = pair.public_key().as_ref().to_vec();
        let document = pair.to_pkcs8().expect("a key pair can be written");
        let digest = crypto::mac(&[0; 32], &[&public]);
        Self {
            issuer: issuer.to_owned(),
            key_id: URL_SAFE_NO_PAD.encode(&digest[..8]),
            signing: EncodingKey::from_ed_der(document.as_ref()),
            verifying: DecodingKey::from_ed_der(&public),
            public,
            refresh,
        }
    }

    /// An access token for a session.
    pub fn access(&self, account: AccountId, session: SessionId, now_ms: i64) -> String {
        self.access_for(account, session, now_ms, ACCESS_MS)
    }

    /// An access token for a session that is good for another time.
    pub fn access_for(
        &self,
        account: AccountId,
        session: SessionId,
        now_ms: i64,
        good_for_ms: i64,
    ) -> String {
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: AUDIENCE.to_owned(),
            sub: account,
            sid: session,
            iat: now_ms / 1_000,
            exp: (now_ms + good_for_ms) / 1_000,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some(TYPE.to_owned());
        header.kid = Some(self.key_id.clone());
        jsonwebtoken::encode(&header, &claims, &self.signing).expect("claims can be signed")
    }

    /// Checks an access token; every fault is the same answer.
    pub fn check(&self, token: &str, now_ms: i64) -> Option<Claims> {
        if token.len() > TOKEN_BYTES_MAX {
            return None;
        }
        let header = jsonwebtoken::decode_header(token).ok()?;
        let ours = header.typ.as_deref() == Some(TYPE)
            && header.kid.as_deref() == Some(self.key_id.as_str())
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
            jsonwebtoken::decode::<Claims>(token, &self.verifying, &validation).ok()?.claims;
        let now = now_ms / 1_000;
        let current = claims.exp > now && claims.iat <= now + 30;
        (ours && current).then_some(claims)
    }

    /// The public key as a JSON Web Key Set (RFC 7517).
    pub fn jwks(&self) -> serde_json::Value {
        serde_json::json!({ "keys": [{
            "kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA",
            "kid": self.key_id, "x": URL_SAFE_NO_PAD.encode(&self.public),
        }] })
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

fn body(it: &Refresh) -> [u8; 40] {
    let mut bytes = [0; 40];
    bytes[..16].copy_from_slice(it.account.0.as_bytes());
    bytes[16..32].copy_from_slice(it.session.0.as_bytes());
    bytes[32..].copy_from_slice(&it.generation.to_be_bytes());
    bytes
}
