//! Tokens: only those that this server signed, for now, for itself.

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chat::sessions::{Tokens, signing_seed};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use tests::{Answer, Person, World, fresh_id};

fn part(token: &str, at: usize) -> Value {
    let part = token.split('.').nth(at).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

fn written(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// The server's own key.
fn pair(world: &World) -> Ed25519KeyPair {
    let root = world.app().keyring.secret("access tokens");
    let seed = signing_seed(&root, world.now_ms());
    Ed25519KeyPair::from_seed_unchecked(&seed).expect("a key")
}

/// Signs as the server would, whatever the header and the claims say.
fn signed(pair: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let message = format!("{}.{}", written(header), written(claims));
    let signature = pair.sign(message.as_bytes());
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
}

fn changed(value: &Value, name: &str, to: Value) -> Value {
    let mut value = value.clone();
    value[name] = to;
    value
}

/// Checks that every door answers a token alike.
fn is_refused(world: &World, token: &str, why: &str) {
    let asked = world.client.ask(Some(token), "{ viewer { id } }", json!({}));
    assert_eq!(asked.code(), "UNAUTHENTICATED", "{why}");
    let body = json!({ "query": "{ position }" }).to_string();
    let reply = world.client.post(Some(token), None, body.as_bytes());
    let answer = Answer(reply.json());
    assert_eq!((reply.status, answer.code()), (401, "UNAUTHENTICATED"), "{why}");
    assert_eq!(answer.0["errors"][0]["extensions"]["kind"], "UNAUTHENTICATED", "{why}");
    let bearer = format!("Bearer {token}");
    let key = fresh_id();
    let headers = [("authorization", bearer.as_str()), ("idempotency-key", key.as_str())];
    let path = "/v1/commands/UpdateProfile";
    let reply = world.client.http.request("POST", path, &headers, b"{}").expect("an answer");
    assert_eq!(reply.status, 401, "{why}");
    let mut socket = tests::Socket::open(world.client.http.address);
    socket.greet(token);
    assert_eq!(socket.close_code(), Some(4403), "{why}");
}

fn header_and_claims(person: &Person) -> (Value, Value) {
    (part(&person.token, 0), part(&person.token, 1))
}

#[test]
fn a_token_is_as_the_documentation_says() {
    let world = World::new();
    let ann = world.person("ann");
    let (header, claims) = header_and_claims(&ann);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    assert_eq!((&claims["sub"], &claims["iss"]), (&json!(ann.id), &json!(world.config.public_url)));
    let lifetime = claims["exp"].as_i64().zip(claims["iat"].as_i64()).map(|(to, from)| to - from);
    assert_eq!(lifetime, Some(600));
    let keys = world.client.http.get("/.well-known/jwks.json").json();
    let key = &keys["keys"][0];
    assert_eq!(key["kid"], header["kid"]);
    let public = URL_SAFE_NO_PAD.encode(pair(&world).public_key().as_ref());
    assert_eq!(key["x"], json!(public));
    let again = signed(&pair(&world), &header, &claims);
    world.client.ask(Some(&again), "{ viewer { id } }", json!({})).data();
}

#[test]
fn an_unsigned_token_is_refused() {
    let world = World::new();
    let ann = world.person("ann");
    let (header, claims) = header_and_claims(&ann);
    for alg in ["none", "None", "NONE", ""] {
        let header = changed(&header, "alg", json!(alg));
        is_refused(&world, &format!("{}.{}.", written(&header), written(&claims)), alg);
        let signature = ann.token.rsplit('.').next().expect("a signature");
        is_refused(&world, &format!("{}.{}.{signature}", written(&header), written(&claims)), alg);
    }
    let (body, _) = ann.token.rsplit_once('.').expect("a signature");
    is_refused(&world, &format!("{body}."), "no signature");
    is_refused(&world, body, "two parts");
}

#[test]
fn a_token_signed_with_the_public_key_as_a_secret_is_refused() {
    let world = World::new();
    let ann = world.person("ann");
    let (header, _) = header_and_claims(&ann);
    let claims = part(&ann.token, 1);
    let public = pair(&world).public_key().as_ref().to_vec();
    let text = URL_SAFE_NO_PAD.encode(&public).into_bytes();
    for secret in [public, text] {
        for algorithm in [Algorithm::HS256, Algorithm::HS512] {
            let mut forged = Header::new(algorithm);
            forged.typ = Some("at+jwt".to_owned());
            forged.kid = header["kid"].as_str().map(str::to_owned);
            let key = EncodingKey::from_secret(&secret);
            let token = jsonwebtoken::encode(&forged, &claims, &key).expect("a token");
            is_refused(&world, &token, "signed with the public key");
        }
    }
}

#[test]
fn a_token_of_another_key_is_refused_even_when_it_brings_the_key() {
    let world = World::new();
    let ann = world.person("ann");
    let (header, claims) = header_and_claims(&ann);
    let other = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    is_refused(&world, &signed(&other, &header, &claims), "another key");
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519",
        "x": URL_SAFE_NO_PAD.encode(other.public_key().as_ref()) });
    let bringing = changed(&header, "jwk", jwk);
    is_refused(&world, &signed(&other, &bringing, &claims), "its own key in the header");
    let naming = changed(&header, "jku", json!("http://evil.example/jwks.json"));
    is_refused(&world, &signed(&pair(&world), &naming, &claims), "a place of keys in the header");
}

#[test]
fn a_well_signed_token_of_another_kind_is_refused() {
    let world = World::new();
    let ann = world.person("ann");
    let (header, claims) = header_and_claims(&ann);
    let own = pair(&world);
    for (name, value) in
        [("kid", json!("another")), ("typ", json!("JWT")), ("typ", json!("at+JWT2"))]
    {
        is_refused(&world, &signed(&own, &changed(&header, name, value.clone()), &claims), name);
    }
    let now = world.now_ms() / 1_000;
    let wrong = [
        ("iss", json!("https://other.example")),
        ("aud", json!("other")),
        ("aud", json!(null)),
        ("sub", json!("acc_01h455vb4pex5vsknk084sn02q")),
        ("sub", json!("nobody")),
        ("sid", json!(null)),
        ("exp", json!(now - 1)),
        ("exp", json!(null)),
        ("iat", json!(now + 3_600)),
    ];
    for (name, value) in wrong {
        let why = format!("{name} is {value}");
        is_refused(&world, &signed(&own, &header, &changed(&claims, name, value)), &why);
    }
    let seed = world.app().keyring.secret("access tokens");
    let other = Tokens::new("https://other.example", seed, [0; 32]);
    let (account, session) =
        (ann.id.parse().expect("an id"), claims["sid"].as_str().expect("a text").parse());
    let token = other.access(account, session.expect("an id"), world.now_ms());
    is_refused(&world, &token, "another issuer");
}

#[test]
fn a_token_that_is_none_is_refused() {
    let world = World::new();
    let ann = world.person("ann");
    let long = format!("{}{}", ann.token, "x".repeat(4_000));
    let swapped: String = ann.token.chars().rev().collect();
    for token in ["x", "..", "a.b.c", &ann.refresh_token, &long, &swapped] {
        is_refused(&world, token, token);
    }
    let body = json!({ "query": "{ position }" }).to_string();
    for scheme in ["", "Basic YW5u", "Bearer", &ann.token, &format!("bearer{}", ann.token)] {
        let headers = [("authorization", scheme), ("content-type", "application/json")];
        let reply = world.client.http.request("POST", "/graphql", &headers, body.as_bytes());
        assert_eq!(reply.expect("an answer").status, 401, "{scheme:.20}");
    }
}

#[test]
fn a_refresh_token_that_was_changed_is_refused_and_ends_nothing() {
    let world = World::new();
    let ann = world.person("ann");
    let refreshes = |token: &str| {
        let input = json!({ "refreshToken": token });
        world.client.change(None, "refresh", input, "accessToken")
    };
    let bytes = URL_SAFE_NO_PAD.decode(&ann.refresh_token[4..]).expect("base64");
    for at in [0, 16, 39, 40, bytes.len() - 1] {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        let forged = format!("plr_{}", URL_SAFE_NO_PAD.encode(bytes));
        assert_eq!(refreshes(&forged).code(), "SESSIONS_ENDED", "byte {at}");
    }
    for token in ["", "plr_", "plr_x", &ann.token, &ann.refresh_token[4..]] {
        assert_eq!(refreshes(token).code(), "SESSIONS_ENDED", "{token:.20}");
    }
    refreshes(&ann.refresh_token).data();
}
