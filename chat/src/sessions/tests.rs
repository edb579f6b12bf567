//! The law of sessions, and what no token gets away with.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::Change;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Personal, Recorded};

const ANN: u8 = 1;
const BOB: u8 = 2;

fn id(n: u8) -> SessionId {
    SessionId(account(n).0)
}

fn opening(n: u8, device: &str) -> OpenSession {
    OpenSession { session_id: id(n), device: device.to_owned() }
}

fn refresh(n: u8, generation: u64) -> RefreshSession {
    RefreshSession { session_id: id(n), generation }
}

fn refreshed(n: u8, generation: u64) -> crate::Event {
    SessionRefreshed { session_id: id(n), generation: Long(generation) }.into()
}

fn ended(n: u8, reason: EndReason) -> crate::Event {
    SessionEnded { session_id: id(n), reason }.into()
}

fn session(world: &Given, n: u8) -> Session {
    world.document::<Session>(id(n)).unwrap()
}

fn signed_in() -> Given {
    given().and(account(ANN), opening(ANN, "phone"))
}

#[test]
fn a_session_opens_on_a_device() {
    let opened = SessionOpened {
        session_id: id(ANN),
        account_id: account(ANN),
        device: Personal::new("phone".to_owned()),
    };
    let world = given().when(account(ANN), opening(ANN, "phone")).then([opened.into()]);
    let session = session(&world, ANN);
    assert_eq!(open(&session.device).as_deref(), Some("phone"));
    assert_eq!((session.generation, session.ended), (0, false));
    assert_eq!((session.opened_at, session.refreshed_at), (NOW, NOW));
}

#[test]
fn a_device_name_is_at_most_64_characters() {
    given().when(account(ANN), opening(ANN, &"é".repeat(64))).then_allowed();
    given().when(account(ANN), opening(ANN, "")).then_allowed();
    given()
        .when(account(ANN), opening(ANN, &"é".repeat(65)))
        .then_rejected(SessionRejection::DeviceInvalid);
}

#[test]
fn refreshing_moves_to_the_next_generation() {
    let world = signed_in()
        .later(5)
        .when(account(ANN), refresh(ANN, 0))
        .then([refreshed(ANN, 1)])
        .when(account(ANN), refresh(ANN, 1))
        .then([refreshed(ANN, 2)]);
    let session = session(&world, ANN);
    assert_eq!((session.generation, session.refreshed_at.0), (2, NOW.0 + 5));
}

#[test]
fn the_token_before_may_be_used_again_for_a_moment() {
    signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .later(GRACE_MS)
        .when(account(ANN), refresh(ANN, 0))
        .then([]);
}

#[test]
fn a_token_used_again_later_ends_the_session() {
    let world = signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .later(GRACE_MS + 1)
        .when(account(ANN), refresh(ANN, 0))
        .then([ended(ANN, EndReason::TokenReused)]);
    world.when(account(ANN), refresh(ANN, 1)).then_rejected(SessionRejection::Ended);
}

#[test]
fn an_older_token_ends_the_session_at_once() {
    signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .and(account(ANN), refresh(ANN, 1))
        .when(account(ANN), refresh(ANN, 0))
        .then([ended(ANN, EndReason::TokenReused)]);
}

#[test]
fn a_session_that_is_not_used_ends() {
    signed_in().later(IDLE_MS).when(account(ANN), refresh(ANN, 0)).then([refreshed(ANN, 1)]);
    signed_in()
        .later(IDLE_MS + 1)
        .when(account(ANN), refresh(ANN, 0))
        .then_rejected(SessionRejection::Ended);
}

#[test]
fn a_session_that_never_was_has_ended() {
    given().when(account(ANN), refresh(ANN, 0)).then_rejected(SessionRejection::Ended);
}

#[test]
fn nobody_refreshes_or_ends_the_session_of_another() {
    let world =
        signed_in().when(account(BOB), refresh(ANN, 0)).then_rejected(SessionRejection::Ended);
    world
        .when(account(BOB), EndSession { session_id: id(ANN) })
        .then_rejected(SessionRejection::NotFound);
}

#[test]
fn signing_out_ends_the_session_once() {
    let end = EndSession { session_id: id(ANN) };
    let world = signed_in()
        .when(account(ANN), end.clone())
        .then([ended(ANN, EndReason::SignedOut)])
        .when(account(ANN), end)
        .then([]);
    assert!(session(&world, ANN).ended);
    world.when(account(ANN), refresh(ANN, 0)).then_rejected(SessionRejection::Ended);
}

#[test]
fn an_ended_session_is_listed_no_more_and_seen_by_its_owner_only() {
    let world = signed_in();
    let listed = format!("{}/{}", account(ANN), id(ANN));
    assert_eq!(Document::index_keys(&session(&world, ANN)), [Some(listed)]);
    assert_eq!(session(&world, ANN).audience(), Audience::Account(account(ANN)));
    let world = world.and(account(ANN), EndSession { session_id: id(ANN) });
    assert_eq!(Document::index_keys(&session(&world, ANN)), [None]);
}

#[test]
fn only_an_end_is_told_to_the_sockets() {
    let world = signed_in()
        .and(account(ANN), refresh(ANN, 0))
        .and(account(ANN), EndSession { session_id: id(ANN) });
    let meanings: Vec<_> = world.history().iter().map(Recorded::meaning).collect();
    let none = (Change::None, Effect::None);
    let end = (Change::None, Effect::SessionEnded(id(ANN).0));
    assert_eq!(meanings, [none.clone(), none, end]);
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_one_answer() {
    use crate::kernel::Reject;
    let listed = |it: SessionRejection| it.listed().rejection;
    for rejection in [SessionRejection::SignInFailed, SessionRejection::Compromised] {
        assert_eq!(listed(rejection).kind.http_status(), 401);
    }
    assert!(listed(SessionRejection::SignInFailed).message.contains("username or password"));
}

const ISSUER: &str = "https://chat.example";
const SEED: [u8; 32] = [1; 32];
const REFRESH: [u8; 32] = [2; 32];
const MINUTE_MS: i64 = 60_000;

fn tokens() -> Tokens {
    Tokens::new(ISSUER, &SEED, REFRESH)
}

fn access() -> String {
    tokens().access(account(ANN), id(ANN), NOW.0)
}

fn key_id() -> String {
    tokens().jwks()["keys"][0]["kid"].as_str().unwrap().to_owned()
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
    let pair = aws_lc_rs::signature::Ed25519KeyPair::from_seed_unchecked(&SEED).unwrap();
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
    let jwks = tokens().jwks();
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
    let other = Tokens::new(ISSUER, &[3; 32], REFRESH);
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
    let other = Tokens::new(ISSUER, &SEED, [4; 32]);
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
