//! The law of tokens of providers.

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _,
};
use base64::engine::general_purpose::STANDARD;
use jsonwebtoken::{EncodingKey, Header};
use serde_json::json;

use super::*;

const NOW_MS: i64 = 1_700_000_000_000;
const NOW_S: i64 = NOW_MS / 1_000;

/// A key pair: what signs, and what others know of it.
struct Pair {
    signing: EncodingKey,
    jwk: Value,
    alg: Algorithm,
}

fn base64(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn ed() -> Pair {
    let pair = Ed25519KeyPair::generate().unwrap();
    let x = base64(pair.public_key().as_ref());
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "ed", "use": "sig" });
    let document = pair.to_pkcs8().unwrap();
    Pair { signing: EncodingKey::from_ed_der(document.as_ref()), jwk, alg: Algorithm::EdDSA }
}

fn ec() -> Pair {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    let point = pair.public_key().as_ref().to_vec();
    let (x, y) = (base64(&point[1..33]), base64(&point[33..]));
    let jwk = json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "ec", "alg": "ES256" });
    let document = pair.to_pkcs8v1().unwrap();
    Pair { signing: EncodingKey::from_ec_der(document.as_ref()), jwk, alg: Algorithm::ES256 }
}

fn rsa(size: KeySize) -> Pair {
    let pair = RsaKeyPair::generate(size).unwrap();
    let (n, e) = (pair.public_key().modulus(), pair.public_key().exponent());
    let (n, e) =
        (base64(n.big_endian_without_leading_zero()), base64(e.big_endian_without_leading_zero()));
    let jwk = json!({ "kty": "RSA", "n": n, "e": e, "kid": "rsa" });
    let document: Pkcs8V1Der<'_> = pair.as_der().unwrap();
    let body = STANDARD.encode(document.as_ref());
    let pem = format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let signing = EncodingKey::from_rsa_pem(pem.as_bytes()).unwrap();
    Pair { signing, jwk, alg: Algorithm::RS256 }
}

impl Pair {
    fn head(&self) -> Header {
        let mut head = Header::new(self.alg);
        head.kid = self.jwk["kid"].as_str().map(str::to_owned);
        head
    }

    fn signs(&self, claims: &Value) -> String {
        jsonwebtoken::encode(&self.head(), claims, &self.signing).unwrap()
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "sub": "ann", "aud": "parlance", "nonce": "nonce",
        "iat": NOW_S, "exp": NOW_S + 300, "preferred_username": "ann",
    })
}

fn with(changes: Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn looked_at(token: &str, keys: &[Value]) -> Result<Claims, Fault> {
    let expected = Expected {
        issuer: "https://id.example",
        client_id: "parlance",
        nonce: "nonce",
        now_ms: NOW_MS,
    };
    check(token, keys, expected)
}

#[test]
fn a_token_of_each_kind_of_key_is_good() {
    for pair in [ed(), ec(), rsa(KeySize::Rsa2048)] {
        let token = pair.signs(&claims());
        let told = looked_at(&token, std::slice::from_ref(&pair.jwk)).unwrap();
        assert_eq!((told.sub.as_str(), told.preferred_username.as_deref()), ("ann", Some("ann")));
        let odd = json!({ "kty": "new", "kid": "odd" });
        looked_at(&token, &[odd, json!(7), pair.jwk.clone()]).unwrap();
        let mut nameless = pair.head();
        nameless.kid = None;
        let nameless = jsonwebtoken::encode(&nameless, &claims(), &pair.signing).unwrap();
        looked_at(&nameless, std::slice::from_ref(&pair.jwk)).unwrap();
        let two = looked_at(&nameless, &[pair.jwk.clone(), pair.jwk.clone()]);
        assert_eq!(two, Err(Fault::Key), "nobody guesses which");
    }
}

#[test]
fn what_it_says_must_be_what_was_asked_for() {
    let pair = ed();
    let right = [
        with(json!({ "aud": ["parlance"] })),
        with(json!({ "azp": "parlance" })),
        with(json!({ "aud": ["parlance", "other"], "azp": "parlance" })),
        with(json!({ "exp": NOW_S - 59 })),
        with(json!({ "iat": NOW_S + 60 })),
        with(json!({ "exp": (NOW_S + 1) as f64 + 0.5 })),
        with(json!({ "sub": "x".repeat(255) })),
    ];
    for claims in right {
        let looked_at = looked_at(&pair.signs(&claims), std::slice::from_ref(&pair.jwk));
        assert!(looked_at.is_ok(), "{claims}");
    }
    let wrong = [
        with(json!({ "iss": "https://id.example/" })),
        with(json!({ "iss": "https://evil.example" })),
        with(json!({ "aud": "other" })),
        with(json!({ "aud": [] })),
        with(json!({ "aud": ["parlance", "other"] })),
        with(json!({ "aud": ["other"], "azp": "parlance" })),
        with(json!({ "azp": "other" })),
        with(json!({ "nonce": "another" })),
        without("nonce"),
        with(json!({ "exp": NOW_S - 60 })),
        with(json!({ "iat": NOW_S + 61 })),
        with(json!({ "nbf": NOW_S + 61 })),
        with(json!({ "sub": "" })),
        with(json!({ "sub": "x".repeat(256) })),
        with(json!({ "sub": 7 })),
        without("sub"),
        without("iss"),
        without("aud"),
        without("exp"),
        without("iat"),
    ];
    for claims in wrong {
        let looked_at = looked_at(&pair.signs(&claims), std::slice::from_ref(&pair.jwk));
        assert_eq!(looked_at, Err(Fault::Token), "{claims}");
    }
}

#[test]
fn only_the_providers_own_key_has_signed_it() {
    let (pair, thief) = (ed(), ed());
    let token = thief.signs(&claims());
    assert_eq!(looked_at(&token, std::slice::from_ref(&pair.jwk)), Err(Fault::Token));
    assert_eq!(looked_at(&token, &[]), Err(Fault::Key));
    assert_eq!(looked_at(&token, &[ec().jwk]), Err(Fault::Key));
    let own = pair.signs(&claims());
    let (head, rest) = own.split_once('.').unwrap();
    let other = thief.signs(&with(json!({ "sub": "eve" })));
    let mixed = format!("{head}.{}", other.split_once('.').unwrap().1);
    assert_eq!(looked_at(&mixed, std::slice::from_ref(&pair.jwk)), Err(Fault::Token));
    for cut in ["", ".", "..", head, rest, "x.y.z"] {
        assert_eq!(looked_at(cut, std::slice::from_ref(&pair.jwk)), Err(Fault::Token), "{cut}");
    }
    let mut encrypting = pair.jwk.clone();
    encrypting["use"] = "enc".into();
    assert_eq!(looked_at(&own, &[encrypting]), Err(Fault::Key));
}

#[test]
fn a_token_that_is_not_signed_by_a_key_pair_is_none() {
    let pair = rsa(KeySize::Rsa2048);
    let body = base64(claims().to_string().as_bytes());
    for alg in ["none", "None", "NONE", ""] {
        let head = base64(json!({ "alg": alg, "kid": "rsa" }).to_string().as_bytes());
        for signature in ["", "AAAA"] {
            let token = format!("{head}.{body}.{signature}");
            assert_eq!(looked_at(&token, std::slice::from_ref(&pair.jwk)), Err(Fault::Token));
        }
    }
    // What everybody knows of a key is no secret, whatever a token says.
    for known in [pair.jwk["n"].as_str().unwrap().as_bytes(), pair.jwk.to_string().as_bytes()] {
        let mut head = Header::new(Algorithm::HS256);
        head.kid = Some("rsa".to_owned());
        let token = jsonwebtoken::encode(&head, &claims(), &EncodingKey::from_secret(known));
        let octets = json!({ "kty": "oct", "kid": "rsa", "k": base64(known) });
        for keys in [vec![pair.jwk.clone()], vec![octets]] {
            assert_eq!(looked_at(token.as_ref().unwrap(), &keys), Err(Fault::Token));
        }
    }
}

#[test]
fn another_kind_of_token_is_not_taken_for_it() {
    let pair = ed();
    let typed = |kind: &str| {
        let mut head = pair.head();
        head.typ = Some(kind.to_owned());
        let token = jsonwebtoken::encode(&head, &claims(), &pair.signing).unwrap();
        looked_at(&token, std::slice::from_ref(&pair.jwk)).is_ok()
    };
    assert!(typed("JWT") && typed("jwt"));
    assert!(!typed("at+jwt") && !typed("logout+jwt"));
}

#[test]
fn a_token_has_16_kib() {
    let pair = ed();
    let least = pair.signs(&with(json!({ "x": "" }))).len();
    let about = (TOKEN_BYTES_MAX - least) * 3 / 4;
    let mut lengths = Vec::new();
    for filling in about - 8..about + 8 {
        let token = pair.signs(&with(json!({ "x": "x".repeat(filling) })));
        let good = looked_at(&token, std::slice::from_ref(&pair.jwk)).is_ok();
        assert_eq!(good, token.len() <= TOKEN_BYTES_MAX, "{}", token.len());
        lengths.push(token.len());
    }
    let near = |it: &usize| it.abs_diff(TOKEN_BYTES_MAX) <= 2;
    assert!(lengths.iter().filter(|it| near(it)).count() >= 2, "{lengths:?}");
}
