//! What no token gets away with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::accounts::AccountId;
use crate::kernel::testing::{NOW, account};

const ANN: u8 = 1;
const BOB: u8 = 2;

fn id(n: u8) -> SessionId {
    SessionId(account(n).0)
}

const ISSUER: &str = "https://chat.example";
const SEED: [u8; 32] = [1; 32];
const REFRESH: [u8; 32] = [2; 32];
const MINUTE_MS: i64 = 60_000;

fn tokens() -> Tokens {
    Tokens::new(ISSUER, SEED, REFRESH)
}

fn access() -> String {
    tokens().access(account(ANN), id(ANN), NOW.0)
}

fn key_id() -> String {
    tokens().jwks(NOW.0)["keys"][0]["kid"].as_str().unwrap().to_owned()
}

fn claims() -> Value {
    let seconds = NOW.0 / 1_000;
    json!({
        "iss": ISSUER, "aud": "parlance", "sub": account(ANN), "sid": id(ANN),
        "iat": seconds, "exp": seconds + 600,
    })
}

fn header() -> Header {
    let mut header = Header::new(Algorithm::EdDSA);
    header.typ = Some("at+jwt".to_owned());
    header.kid = Some(key_id());
    header
}

/// A token signed with our key, whatever it says.
fn signed(header: &Header, claims: &Value) -> String {
    let seed = signing_seed(&SEED, NOW.0);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let key = EncodingKey::from_ed_der(pair.to_pkcs8().unwrap().as_ref());
    jsonwebtoken::encode(header, claims, &key).unwrap()
}

fn checked(token: &str) -> Option<AccountId> {
    tokens().check(token, NOW.0).map(|it| it.sub)
}

fn encoded(part: &Value) -> String {
    URL_SAFE_NO_PAD.encode(part.to_string())
}

#[test]
fn an_access_token_is_good_for_ten_minutes() {
    let good = |ms| tokens().check(&access(), NOW.0 + ms).is_some();
    assert!(good(0) && good(ACCESS_MS - 1_000));
    assert!(!good(ACCESS_MS) && !good(ACCESS_MS + MINUTE_MS));
    let claims = tokens().check(&access(), NOW.0).unwrap();
    assert_eq!((claims.sub, claims.sid), (account(ANN), id(ANN)));
}

#[test]
fn keys_follow_each_other_and_each_is_known_before_it_signs() {
    let turn = (NOW.0.div_euclid(ROTATION_MS) + 1) * ROTATION_MS;
    let tokens = tokens();
    let (old, new) = (
        tokens.access(account(ANN), id(ANN), turn - 1_000),
        tokens.access(account(ANN), id(ANN), turn),
    );
    let kid = |token: &str| jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    assert_ne!(kid(&old), kid(&new));
    let published = |now_ms| tokens.jwks(now_ms).to_string();
    assert!(published(turn - 1_000).contains(&kid(&new)), "the next is announced");
    assert!(published(turn + ACCESS_MS).contains(&kid(&old)), "the last is still good");
    assert!(!published(turn + ROTATION_MS).contains(&kid(&old)));
    assert!(tokens.check(&old, turn).is_some());
    assert!(tokens.check(&new, turn - 1_000).is_some(), "from a node whose clock is ahead");
    // Whatever its claims say, a key signs nothing once two periods have passed.
    let long = tokens.access_for(account(ANN), id(ANN), turn, 10 * ROTATION_MS);
    assert!(tokens.check(&long, turn + ROTATION_MS).is_some());
    assert!(tokens.check(&long, turn + 2 * ROTATION_MS).is_none());
}

#[test]
fn a_token_that_says_what_ours_says_is_ours() {
    assert_eq!(checked(&signed(&header(), &claims())), Some(account(ANN)));
}

#[test]
fn a_token_without_a_signature_is_refused() {
    let (_, rest) = access().split_once('.').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let (body, _) = rest.split_once('.').unwrap();
    for algorithm in ["none", "None", "NONE", "nOnE"] {
        let head = encoded(&json!({ "alg": algorithm, "typ": "at+jwt", "kid": key_id() }));
        for token in [format!("{head}.{body}."), format!("{head}.{body}"), format!("{head}.{rest}")]
        {
            assert_eq!(checked(&token), None, "{token}");
        }
    }
}

#[test]
fn a_token_signed_with_the_public_key_as_a_secret_is_refused() {
    let jwks = tokens().jwks(NOW.0);
    let text = jwks["keys"][0]["x"].as_str().unwrap();
    let public = URL_SAFE_NO_PAD.decode(text).unwrap();
    for secret in [public.as_slice(), text.as_bytes()] {
        for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
            let header = Header { alg: algorithm, ..header() };
            let key = EncodingKey::from_secret(secret);
            let token = jsonwebtoken::encode(&header, &claims(), &key).unwrap();
            assert_eq!(checked(&token), None, "{algorithm:?}");
        }
    }
}

#[test]
fn a_token_of_another_key_is_refused() {
    let other = Tokens::new(ISSUER, [3; 32], REFRESH);
    assert_eq!(checked(&other.access(account(ANN), id(ANN), NOW.0)), None);
}

#[test]
fn a_token_with_another_header_is_refused() {
    let with = |change: fn(&mut Header)| {
        let mut header = header();
        change(&mut header);
        checked(&signed(&header, &claims()))
    };
    assert_eq!(with(|it| it.kid = Some("other".to_owned())), None);
    assert_eq!(with(|it| it.kid = None), None);
    assert_eq!(with(|it| it.typ = Some("JWT".to_owned())), None);
    assert_eq!(with(|it| it.typ = None), None);
    assert_eq!(with(|it| it.jku = Some("https://evil.example".to_owned())), None);
    assert_eq!(with(|it| it.x5u = Some("https://evil.example".to_owned())), None);
}

#[test]
fn a_token_with_other_claims_is_refused() {
    let seconds = NOW.0 / 1_000;
    let cases = [
        ("iss", json!("https://evil.example")),
        ("iss", Value::Null),
        ("aud", json!("another")),
        ("aud", Value::Null),
        ("sub", json!("nobody")),
        ("sub", json!(id(ANN))),
        ("sid", json!("nothing")),
        ("sid", Value::Null),
        ("exp", json!(seconds)),
        ("exp", json!(seconds - 1)),
        ("exp", Value::Null),
        ("iat", json!(seconds + 31)),
        ("iat", Value::Null),
    ];
    for (claim, value) in cases {
        let mut claims = claims();
        claims[claim] = value.clone();
        assert_eq!(checked(&signed(&header(), &claims)), None, "{claim}: {value}");
    }
}

#[test]
fn a_token_from_a_clock_a_little_ahead_is_good() {
    let mut claims = claims();
    claims["iat"] = json!(NOW.0 / 1_000 + 30);
    assert_eq!(checked(&signed(&header(), &claims)), Some(account(ANN)));
}

#[test]
fn a_tampered_token_is_refused() {
    let token = access();
    let parts: Vec<&str> = token.split('.').collect();
    let mut other = claims();
    other["sub"] = json!(account(BOB));
    assert_eq!(checked(&format!("{}.{}.{}", parts[0], encoded(&other), parts[2])), None);
    for at in 0..token.len() {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(bytes).unwrap();
        // The last character of a part has bits that decode to nothing.
        let last = at + 1 == token.len() || token.as_bytes()[at + 1] == b'.';
        assert!(last || checked(&changed).is_none(), "{at}");
    }
    assert_eq!(checked(&format!("{token}{}", "A".repeat(3_000))), None);
    assert_eq!(checked(""), None);
    assert_eq!(checked(".."), None);
}

#[test]
fn a_refresh_token_names_its_session_and_generation() {
    let refresh = Refresh { account: account(ANN), session: id(ANN), generation: 7 };
    assert_eq!(tokens().read_refresh(&tokens().refresh(&refresh)), Some(refresh));
}

#[test]
fn a_refresh_token_that_was_changed_or_made_elsewhere_is_refused() {
    let refresh = Refresh { account: account(ANN), session: id(ANN), generation: 7 };
    let other = Tokens::new(ISSUER, SEED, [4; 32]);
    assert_eq!(tokens().read_refresh(&other.refresh(&refresh)), None);
    let token = tokens().refresh(&refresh);
    let bytes = URL_SAFE_NO_PAD.decode(token.strip_prefix("plr_").unwrap()).unwrap();
    for at in 0..bytes.len() {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let changed = format!("plr_{}", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(tokens().read_refresh(&changed), None, "{at}");
    }
    for text in ["", "plr_", "plr_AAAA", &token[4..], &token[..token.len() - 4]] {
        assert_eq!(tokens().read_refresh(text), None, "{text}");
    }
}

#[test]
fn a_refresh_token_is_no_access_token_nor_the_reverse() {
    let refresh = Refresh { account: account(ANN), session: id(ANN), generation: 0 };
    let token = tokens().refresh(&refresh);
    assert_eq!(checked(&token), None);
    assert_eq!(checked(&token[4..]), None);
    assert_eq!(tokens().read_refresh(&access()), None);
    assert_eq!(tokens().read_refresh(&format!("plr_{}", access())), None);
}
