//! A token that tells who somebody is, checked as OpenID Connect Core 1.0 section 3.1.3.7 says.
//!
//! Only signatures by a key pair count: nobody else could have made one. Other audiences than us
//! are let pass where the token names us as the party that it was made for.

#[cfg(test)]
mod tests;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;

use super::TOKEN_BYTES_MAX;

/// Seconds that clocks may differ.
const LEEWAY_S: f64 = 60.0;
/// Most characters of a subject (OpenID Connect Core 1.0 section 2).
const SUBJECT_CHARS_MAX: usize = 255;

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) issuer: &'a str,
    pub(super) client_id: &'a str,
    pub(super) nonce: &'a str,
    pub(super) now_ms: i64,
}

/// What it says of somebody.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct Claims {
    iss: String,
    pub(super) sub: String,
    aud: Audiences,
    azp: Option<String>,
    exp: f64,
    iat: f64,
    nbf: Option<f64>,
    nonce: Option<String>,
    pub(super) preferred_username: Option<String>,
    pub(super) name: Option<String>,
    pub(super) email: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
enum Audiences {
    One(String),
    Many(Vec<String>),
}

impl Audiences {
    fn all(&self) -> &[String] {
        match self {
            Self::One(it) => std::slice::from_ref(it),
            Self::Many(it) => it,
        }
    }
}

/// Why a token proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    Token,
    /// It names a key that is not among those given; the provider may have a newer one.
    Key,
}

/// The head of a token.
#[derive(Deserialize)]
struct Head {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<Value>,
}

fn algorithm(name: &str) -> Option<Algorithm> {
    match name {
        "RS256" => Some(Algorithm::RS256),
        "ES256" => Some(Algorithm::ES256),
        "EdDSA" => Some(Algorithm::EdDSA),
        _ => None,
    }
}

/// Whether a key is one that signs so.
fn signs(key: &Jwk, algorithm: Algorithm, name: &str) -> bool {
    let kind = match (&key.algorithm, algorithm) {
        (AlgorithmParameters::RSA(_), Algorithm::RS256) => true,
        (AlgorithmParameters::EllipticCurve(it), Algorithm::ES256) => {
            it.curve == EllipticCurve::P256
        }
        (AlgorithmParameters::OctetKeyPair(it), Algorithm::EdDSA) => {
            it.curve == EllipticCurve::Ed25519
        }
        _ => false,
    };
    let signing =
        key.common.public_key_use.as_ref().is_none_or(|it| *it == PublicKeyUse::Signature);
    let own = key.common.key_algorithm.is_none_or(|it| it.to_string() == name);
    kind && signing && own
}

/// The key that a token names; where it names none, the only one that could have signed it.
fn find(keys: &[Value], head: &Head, algorithm: Algorithm) -> Option<Jwk> {
    let keys = keys.iter().filter_map(|it| serde_json::from_value::<Jwk>(it.clone()).ok());
    let mut fit = keys.filter(|it| signs(it, algorithm, &head.alg));
    match &head.kid {
        Some(kid) => fit.find(|it| it.common.key_id.as_ref() == Some(kid)),
        None => fit.next().filter(|_| fit.next().is_none()),
    }
}

/// Checks a token and gives what it says.
pub(super) fn check(token: &str, keys: &[Value], expected: Expected<'_>) -> Result<Claims, Fault> {
    if token.len() > TOKEN_BYTES_MAX {
        return Err(Fault::Token);
    }
    let head = token.split('.').next().and_then(|it| URL_SAFE_NO_PAD.decode(it).ok());
    let head = head.and_then(|it| serde_json::from_slice::<Head>(&it).ok()).ok_or(Fault::Token)?;
    let plain = head.typ.as_ref().is_none_or(|it| it.eq_ignore_ascii_case("jwt"));
    let algorithm = algorithm(&head.alg).filter(|_| plain && head.crit.is_none());
    let algorithm = algorithm.ok_or(Fault::Token)?;
    let key = find(keys, &head, algorithm).ok_or(Fault::Key)?;
    let key = DecodingKey::from_jwk(&key).map_err(|_| Fault::Token)?;
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    // These are looked at below, times by the clock that everything else goes by.
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let read = jsonwebtoken::decode::<Claims>(token, &key, &validation);
    let claims = read.map_err(|_| Fault::Token)?.claims;
    is_right(&claims, expected).then_some(claims).ok_or(Fault::Token)
}

fn is_right(claims: &Claims, expected: Expected<'_>) -> bool {
    let (now, audiences) = (expected.now_ms as f64 / 1_000.0, claims.aud.all());
    let meant = audiences.iter().any(|it| it == expected.client_id);
    let party = match &claims.azp {
        Some(it) => it == expected.client_id,
        None => audiences.len() == 1,
    };
    let begun = claims.iat <= now + LEEWAY_S && claims.nbf.is_none_or(|it| it <= now + LEEWAY_S);
    let lasts = claims.exp > now - LEEWAY_S;
    let named = (1..=SUBJECT_CHARS_MAX).contains(&claims.sub.chars().count());
    claims.iss == expected.issuer
        && claims.nonce.as_deref() == Some(expected.nonce)
        && (meant && party)
        && (begun && lasts)
        && named
}
