//! Providers that lie, are late, or say too much; and how much we ask of them.

use serde_json::{Value, json};
use tests::bridge::{sent, text};
use tests::{Answer, Http, Provider, Said, World, at_once};

fn trusting(providers: &[&Provider]) -> World {
    World::with(|it| {
        for (n, provider) in providers.iter().enumerate() {
            let id = format!("p{n}");
            let mut known = server::config::Provider::new(&id, &provider.issuer, "parlance");
            known.registers = true;
            known.client_secret = Some("a secret & more".into());
            it.identity_providers.push(known);
        }
    })
}

fn starts(world: &World, id: &str) -> Answer {
    let query = "mutation($input: StartInput!) { startSignInWith(input: $input) { url ceremony } }";
    world.client.ask(None, query, json!({ "input": { "provider": id } }))
}

/// What is sent back from a provider, and where it had been sent.
fn comes_back(world: &World) -> (String, Value) {
    let started = starts(world, "p0");
    let begun = &started.data()["startSignInWith"];
    let url = text(&begun["url"]);
    let state = sent(&url, "state");
    (url, json!({ "ceremony": begun["ceremony"], "code": "a code", "state": state }))
}

fn finishes(world: &World, answer: &Value) -> Answer {
    let wanted = "signIn { accessToken } newcomer { ticket username }";
    world.client.change(None, "finishSignInWith", json!({ "answer": answer }), wanted)
}

/// What comes of a token that says something else than it should.
fn told(world: &World, provider: &Provider, change: impl FnOnce(&mut Value)) -> Option<String> {
    let (url, answer) = comes_back(world);
    let mut claims = provider.claims(&url, "ann");
    change(&mut claims);
    provider.gives(&provider.signed(&claims));
    finishes(world, &answer).failure().map(str::to_owned)
}

const INVALID: &str = "IDENTITIES_INVALID";

#[test]
fn what_is_asked_is_bound_by_pkce_nonce_and_state_and_proves_who_asks() {
    let provider = Provider::new();
    let world = trusting(&[&provider]);
    let (url, answer) = comes_back(&world);
    let asked = |name: &str| sent(&url, name).expect("a field");
    assert_eq!((asked("response_type"), asked("scope")), ("code".into(), "openid profile".into()));
    assert_eq!(asked("code_challenge_method"), "S256");
    assert_eq!(asked("redirect_uri"), "http://localhost:8080/signed-in");
    for name in ["state", "nonce", "code_challenge"] {
        assert_eq!(asked(name).len(), 43, "{name}");
    }
    provider.gives(&provider.signed(&provider.claims(&url, "ann")));
    finishes(&world, &answer).data();
    let (form, proof) = provider.asked().expect("a code was exchanged");
    let fields: Vec<_> = url::form_urlencoded::parse(form.as_bytes()).into_owned().collect();
    let names: Vec<_> = fields.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(names, ["grant_type", "code", "code_verifier", "redirect_uri"]);
    assert_eq!(proof.as_deref(), Some("Basic cGFybGFuY2U6YStzZWNyZXQrJTI2K21vcmU="));
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, fields[2].1.as_bytes());
    use base64::Engine as _;
    let digest = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(digest);
    assert_eq!(digest, asked("code_challenge"));
}

#[test]
fn a_token_that_was_made_for_something_else_proves_nothing() {
    let provider = Provider::new();
    let world = trusting(&[&provider]);
    assert_eq!(told(&world, &provider, |_| ()), None);
    type Change = fn(&mut Value);
    let changes: [(&str, Change); 7] = [
        ("issuer", |it| it["iss"] = "https://evil.example".into()),
        ("audience", |it| it["aud"] = "another".into()),
        ("audiences", |it| it["aud"] = json!(["parlance", "another"])),
        ("party", |it| it["azp"] = "another".into()),
        ("nonce", |it| it["nonce"] = "another".into()),
        ("time", |it| it["exp"] = 1.into()),
        ("subject", |it| it["sub"] = "".into()),
    ];
    for (what, change) in changes {
        assert_eq!(told(&world, &provider, change).as_deref(), Some(INVALID), "{what}");
    }
    let thief = Provider::new();
    let (url, answer) = comes_back(&world);
    provider.gives(&thief.signed(&provider.claims(&url, "ann")));
    assert_eq!(finishes(&world, &answer).code(), INVALID, "another's key");
    use base64::Engine as _;
    let part = |it: Value| base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(it.to_string());
    let (url, answer) = comes_back(&world);
    let claims = part(provider.claims(&url, "ann"));
    provider.gives(&format!("{}.{claims}.", part(json!({ "alg": "none" }))));
    assert_eq!(finishes(&world, &answer).code(), INVALID, "no signature");
    let (_, answer) = comes_back(&world);
    provider.says("/token", Said::Raw(400, br#"{ "error": "invalid_grant" }"#.to_vec()));
    assert_eq!(finishes(&world, &answer).code(), INVALID, "the code is not good");
}

#[test]
fn a_new_key_of_a_provider_is_asked_for_and_an_unknown_provider_is_none() {
    let provider = Provider::new();
    let world = trusting(&[&provider]);
    assert_eq!(told(&world, &provider, |_| ()), None);
    provider.signs_with("two");
    assert_eq!(told(&world, &provider, |_| ()), None);
    let unknown = World::with(|_| ());
    assert_eq!(starts(&unknown, "p0").code(), "IDENTITIES_NO_PROVIDER");
}

#[test]
fn a_provider_that_says_something_else_is_away() {
    for said in [
        Said::Raw(200, b"<html>".to_vec()),
        Said::Raw(200, Vec::new()),
        Said::Raw(500, b"{}".to_vec()),
        Said::Raw(302, b"{}".to_vec()),
        Said::Json(json!({})),
        Said::Json(json!([])),
        Said::Json(json!({ "id_token": 7 })),
        Said::Raw(401, br#"{ "error": "invalid_client" }"#.to_vec()),
    ] {
        let provider = Provider::new();
        let world = trusting(&[&provider]);
        let (_, answer) = comes_back(&world);
        provider.says("/token", said.clone());
        assert_eq!(finishes(&world, &answer).code(), "UNAVAILABLE");
        let (url, answer) = comes_back(&world);
        provider.gives(&provider.signed(&provider.claims(&url, "ann")));
        provider.says("/keys", said);
        assert_eq!(finishes(&world, &answer).code(), "UNAVAILABLE");
    }
}

#[test]
fn a_provider_says_who_it_is_and_is_asked_over_tls() {
    let changes = [
        ("issuer", json!("http://127.0.0.1:1")),
        ("issuer", Value::Null),
        ("token_endpoint", json!("http://id.example/token")),
        ("token_endpoint", json!("https://user:password@id.example/token")),
        ("jwks_uri", json!("file:///etc/passwd")),
        ("jwks_uri", json!("//id.example/keys")),
        ("authorization_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", Value::Null),
    ];
    for (name, value) in changes {
        let provider = Provider::new();
        let world = trusting(&[&provider]);
        let mut discovery = provider.discovery();
        discovery[name] = value.clone();
        provider.says("/.well-known/openid-configuration", Said::Json(discovery));
        assert_eq!(starts(&world, "p0").code(), "UNAVAILABLE", "{name} {value}");
    }
}

#[test]
fn an_answer_has_256_kib_and_five_seconds() {
    let providers = [(); 4].map(|()| Provider::new());
    let [fits, large, nothing, half] = &providers;
    let world = trusting(&[fits, large, nothing, half]);
    let filled = |provider: &Provider, bytes: usize| {
        let mut discovery = provider.discovery();
        discovery["x"] = "".into();
        let least = discovery.to_string().len();
        discovery["x"] = "x".repeat(bytes - least).into();
        provider.says("/.well-known/openid-configuration", Said::Json(discovery));
    };
    filled(fits, 262_144);
    filled(large, 262_145);
    nothing.says("/.well-known/openid-configuration", Said::Nothing);
    half.says("/.well-known/openid-configuration", Said::Half);
    starts(&world, "p0").data();
    assert_eq!(starts(&world, "p1").code(), "UNAVAILABLE");
    let world = &world;
    let waits = |id: &'static str| {
        move || {
            let started = ports::clock::Stopwatch::start();
            (starts(world, id).code().to_owned(), started.seconds())
        }
    };
    for (code, seconds) in at_once([waits("p2"), waits("p3")]) {
        assert_eq!(code, "UNAVAILABLE");
        assert!((4.5..8.0).contains(&seconds), "{seconds}");
    }
}

#[test]
fn a_provider_has_64_keys() {
    for (others, expected) in [(63, None), (64, Some("UNAVAILABLE"))] {
        let provider = Provider::new();
        let world = trusting(&[&provider]);
        let address = provider.issuer.strip_prefix("http://").expect("a scheme");
        let mut keys = Http::new(address.parse().expect("an address")).get("/keys").json();
        let own = keys["keys"][0].take();
        let all: Vec<_> =
            (0..others).map(|n| json!({ "kty": "x", "kid": n })).chain([own]).collect();
        provider.says("/keys", Said::Json(json!({ "keys": all })));
        assert_eq!(told(&world, &provider, |_| ()).as_deref(), expected, "{others}");
    }
}

#[test]
fn many_who_wait_for_a_provider_are_refused_beyond_32() {
    let provider = Provider::new();
    provider.says("/.well-known/openid-configuration", Said::Nothing);
    let world = trusting(&[&provider]);
    let world = &world;
    let waits = (0..33).map(|_| {
        move || {
            let started = ports::clock::Stopwatch::start();
            starts(world, "p0");
            started.seconds()
        }
    });
    let quick = at_once(waits).into_iter().filter(|it| *it < 4.0).count();
    let per_node = std::env::var_os("PARLANCE_TEST_MODE").is_some_and(|it| it == "cluster");
    assert_eq!(quick, usize::from(!per_node), "each node counts its own");
}

#[test]
fn providers_are_asked_at_a_rate() {
    let provider = Provider::new();
    let issuer = provider.issuer.clone();
    let world = World::with(|it| {
        it.rate_sign_in = 1;
        it.identity_providers.push(server::config::Provider::new("p0", &issuer, "parlance"));
    });
    let refused = |it: &Answer| it.failure() == Some("RATE_LIMITED");
    let starts: Vec<_> = (0..7).map(|_| refused(&starts(&world, "p0"))).collect();
    assert_eq!(starts, [false, false, false, false, false, false, true]);
    let answer = json!({ "ceremony": "x", "code": "x", "state": "x" });
    let ends: Vec<_> = (0..7).map(|_| refused(&finishes(&world, &answer))).collect();
    assert_eq!(ends, [false, false, false, false, false, false, true]);
}

#[test]
fn what_an_operator_says_of_providers_is_checked() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("parlance.toml");
    let secret = folder.path().join("secret");
    std::fs::write(&secret, "hidden word\n").expect("a written file");
    let reads = |said: &str| {
        std::fs::write(&file, said).expect("a written file");
        server::config::Config::of_file(&file)
    };
    let one = |id: &str, more: &str| {
        format!(
            "[[identity_providers]]\nid = \"{id}\"\nlabel = \"Corp\"\nclient_id = \"x\"\n{more}\n"
        )
    };
    let issuer = "issuer = \"https://id.example\"";
    let good = one("corp", &format!("{issuer}\nclient_secret_file = {secret:?}"));
    let config = reads(&good).expect("it is right");
    assert!(!format!("{config:?}").contains("hidden"), "nobody sees it");
    assert!(!serde_json::to_string(&config).expect("JSON").contains("hidden"));
    assert!(!format!("{:?}", config.ports()).contains("hidden"));
    let all = |count: usize| (0..count).map(|n| one(&format!("p{n}"), issuer)).collect::<String>();
    reads(&all(20)).expect("twenty are right");
    let long = "x".repeat(33);
    for wrong in [
        all(21),
        one("corp", issuer) + &one("corp", issuer),
        one("Corp", issuer),
        one("", issuer),
        one(&long, issuer),
        one("corp", ""),
        one("corp", "issuer = \"http://id.example\""),
        one("corp", "issuer = \"id.example\""),
        one("corp", &format!("{issuer}\nclient_secret = \"\"")),
        one("corp", &format!("{issuer}\nclient_secret_file = \"/nothing\"")),
        one("corp", &format!("{issuer}\nclient_secret = \"x\"\nclient_secret_file = {secret:?}")),
        one("corp", &format!("{issuer}\nscopes = [\"openid\"]")),
        one("corp", &format!("{issuer}\nscopes = [\"a b\"]")),
        one("corp", &format!("{issuer}\nother = 1")),
    ] {
        assert!(reads(&wrong).is_err(), "{wrong}");
    }
}
