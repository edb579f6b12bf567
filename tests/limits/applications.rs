//! Sizes and rates of what applications send.

use tests::bridge::{Bridge, form, text};
use tests::{Reply, World};

fn error(reply: &Reply) -> (u16, String) {
    (reply.status, text(&reply.json()["error"]))
}

/// A request for authorization of so many bytes.
fn request(bridge: &Bridge<'_>, bytes: usize) -> Reply {
    let least = bridge.request(&[("state", "")]).len();
    let query = bridge.request(&[("state", &"x".repeat(bytes - least))]);
    assert_eq!(query.len(), bytes);
    bridge.world.client.http.get(&format!("/oauth/authorize?{query}"))
}

#[test]
fn a_request_for_authorization_has_8_kib() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), true);
    assert_eq!(request(&bridge, 8_192).status, 200);
    assert_eq!(request(&bridge, 8_193).status, 400);
}

#[test]
fn a_nonce_has_256_characters() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), true);
    let asks = |nonce: &str| {
        let query = bridge.request(&[("nonce", nonce)]);
        world.client.http.get(&format!("/oauth/authorize?{query}")).status
    };
    assert_eq!(asks(&"ü".repeat(256)), 200);
    assert_eq!(asks(&"ü".repeat(257)), 303, "it is sent back");
}

#[test]
fn a_form_has_16_kib() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), false);
    let sends = |path: &str, bytes: usize| {
        let least = form(&[("x", ""), ("client_id", &bridge.id)]).len();
        bridge.posts(path, &[("x", &"x".repeat(bytes - least))])
    };
    for path in ["token", "revoke", "introspect", "par", "device"] {
        let path = format!("/oauth/{path}");
        assert_eq!(sends(&path, 16_384).status, 400, "{path} reads it");
        let too_large = error(&sends(&path, 16_385));
        assert_eq!(too_large, (413, "invalid_request".to_owned()), "{path}");
    }
    let said = "x".repeat(16_385);
    let http = &world.client.http;
    let reply = http.request("POST", "/oauth/register", &[], said.as_bytes()).expect("an answer");
    assert_eq!(error(&reply), (413, "invalid_request".to_owned()));
}

#[test]
fn a_pushed_request_can_be_asked_for_or_is_refused() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), true);
    let pushes = |state: usize, scope: &str| {
        let query = bridge.request(&[("state", &"x".repeat(state)), ("scope", scope)]);
        let fields: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let fields: Vec<_> = fields.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
        bridge.posts("/oauth/par", &fields)
    };
    let mut largest = 0;
    for state in (0..7_400).step_by(200) {
        let reply = pushes(state, "openid");
        if reply.status != 201 {
            assert_eq!(error(&reply), (400, "invalid_request".to_owned()));
            break;
        }
        let uri = text(&reply.json()["request_uri"]);
        let query = form(&[("client_id", &bridge.id), ("request_uri", &uri)]);
        assert_eq!(world.client.http.get(&format!("/oauth/authorize?{query}")).status, 200);
        largest = state;
    }
    assert!((4_000..7_000).contains(&largest), "{largest}");
    assert_eq!(error(&pushes(0, "admin")), (400, "invalid_scope".to_owned()));
}

#[test]
fn applications_of_one_address_are_held_to_a_rate() {
    let world = World::new();
    let id = Bridge::registered(&world, &world.owner("owner"), false).id;
    drop(world);
    let world = World::with(|it| it.rate_per_account = 3);
    let stranger = Bridge { world: &world, id, secret: None };
    let replies: Vec<_> = (0..4).map(|_| stranger.exchanges("x")).collect();
    for reply in &replies[..3] {
        assert_eq!(error(reply).0, 401, "nobody knows it here");
    }
    assert_eq!(error(&replies[3]), (429, "temporarily_unavailable".to_owned()));
    assert!(replies[3].header("retry-after").is_some());
}

#[test]
fn applications_register_themselves_at_a_rate() {
    let world = World::with(|it| {
        it.oauth_registration = true;
        it.rate_register = 2;
    });
    let registers = || {
        let said = br#"{ "client_name": "Bridge", "redirect_uris": ["https://bridge.example/"] }"#;
        world.client.http.request("POST", "/oauth/register", &[], said).expect("an answer").status
    };
    assert_eq!([registers(), registers(), registers()], [201, 201, 429]);
}
