//! Crossing: pages of other sites do nothing in anybody's name, nobody is sent elsewhere, and
//! nobody chooses the session that others get.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::bridge::{Bridge, form};
use tests::{PASSWORD, Person, Reply, World, fresh_id};

/// What a browser says of a page of another site.
const EVIL: (&str, &str) = ("origin", "https://evil.example");

fn posts(world: &World, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    let reply = world.client.http.request("POST", path, headers, body.as_bytes());
    reply.expect("an answer")
}

/// A mutation as a body.
fn body(name: &str, kind: &str, input: Value, wanted: &str) -> String {
    let query = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ {wanted} }} }}");
    json!({ "query": query, "variables": { "input": input } }).to_string()
}

fn registers(name: &str) -> String {
    let input = json!({
        "clientId": fresh_id(), "username": name, "displayName": name, "password": PASSWORD,
    });
    body("register", "RegisterInput", input, "accessToken refreshToken")
}

#[test]
fn no_door_sets_a_cookie() {
    let world = World::new();
    let owner = world.owner("owner");
    let bridge = Bridge::registered(&world, &owner, true);
    let authorize = format!("/oauth/authorize?{}", bridge.request(&[]));
    let back = format!("/oauth/authorize?{}", bridge.request(&[("scope", "admin")]));
    let paths = [
        "/",
        "/graphql",
        "/setup",
        "/reset",
        "/device",
        "/healthz",
        "/nothing",
        "/v1/openapi.json",
        "/.well-known/openid-configuration",
        "/oauth/userinfo",
        &authorize,
        &back,
    ];
    let mut replies: Vec<_> = paths.iter().map(|it| world.client.http.get(it)).collect();
    let json = [("content-type", "application/json"), ("cookie", "session=1")];
    let signs_in = |password: &str| {
        let input = json!({ "username": "owner", "password": password });
        posts(&world, "/graphql", &json, &body("signIn", "SignInInput", input, "accessToken"))
    };
    replies.extend([signs_in(PASSWORD), signs_in("wrong horse")]);
    replies.push(posts(&world, "/graphql", &json, &registers("ann")));
    let refresh = json!({ "clientId": fresh_id(), "refreshToken": owner.refresh_token });
    let refresh = body("refresh", "RefreshInput", refresh, "accessToken");
    replies.push(posts(&world, "/graphql", &json, &refresh));
    replies.push(bridge.exchanges(&bridge.code(&owner, "openid offline_access")));
    let fields = [("x", "y")];
    for path in ["token", "revoke", "introspect", "par", "device", "register"] {
        replies.push(bridge.posts(&format!("/oauth/{path}"), &fields));
    }
    replies.push(owner.commands("UpdateProfile", &fresh_id(), &json!({ "bio": "hello" })));
    for reply in replies {
        assert_eq!(reply.header("set-cookie"), None, "{reply:?}");
    }
}

#[test]
fn a_form_of_another_site_does_nothing() {
    let world = World::new();
    let _ann = world.person("ann");
    // What a form may send without asking first (Fetch, "simple" content types), or nothing at all.
    let kinds = [
        "text/plain",
        "text/plain; charset=utf-8; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "",
    ];
    for (at, kind) in kinds.iter().enumerate() {
        let name = format!("somebody{at}");
        let headers = [EVIL, ("content-type", kind)];
        let headers = if kind.is_empty() { &headers[..1] } else { &headers[..] };
        let reply = posts(&world, "/graphql", headers, &registers(&name));
        assert_eq!(reply.status, 415, "{kind}");
        assert_eq!(reply.json()["errors"][0]["extensions"]["code"], "INVALID", "{kind}");
        assert_eq!(reply.header("access-control-allow-origin"), None, "{kind}");
        Person::registers(&world.client, &fresh_id(), &name, PASSWORD).data();
        let told = [EVIL, ("content-type", kind), ("cookie", "session=1")];
        let command = posts(&world, "/v1/commands/EndSessions", &told, "{}");
        assert_eq!(command.status, 401, "{kind}");
    }
    let text = form(&[("query", "mutation { beginPasskey { ceremony } }")]);
    let page = world.client.http.get(&format!("/graphql?{text}"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"), "the explorer");
    assert!(!String::from_utf8_lossy(&page.body).contains("ceremony"));
    let kept = json!({ "query": "{ position }" }).to_string();
    for good in ["application/json", "Application/JSON; charset=utf-8"] {
        assert_eq!(posts(&world, "/graphql", &[("content-type", good)], &kept).status, 200);
    }
}

#[test]
fn no_page_sends_one_elsewhere() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), false);
    let get = |path: &str| world.client.http.get(path);
    let names = ["next", "redirect", "redirect_uri", "return_to", "url", "continue", "code"];
    for page in ["/setup", "/reset", "/device"] {
        let plain = get(page).body;
        for name in names {
            for to in ["https://evil.example/", "//evil.example", "javascript:alert(1)"] {
                let reply = get(&format!("{page}?{}", form(&[(name, to)])));
                assert_eq!((reply.status, reply.header("location")), (200, None), "{page} {name}");
                assert_eq!(reply.body, plain, "{page} {name} {to}");
            }
        }
    }
    for path in ["//evil.example", "//evil.example/..", "/%2f%2fevil.example", "/\\evil.example"] {
        for path in [path.to_owned(), format!("{path}/"), format!("/graphql{path}")] {
            let reply = get(&path);
            assert!(!(300..400).contains(&reply.status), "{path}");
            assert_eq!(reply.header("location"), None, "{path}");
        }
    }
    for name in ["next", "url", "return_to"] {
        let query = bridge.request(&[(name, "https://evil.example/"), ("scope", "admin")]);
        let reply = get(&format!("/oauth/authorize?{query}"));
        let to = reply.header("location").expect("it is sent back");
        assert!(to.starts_with(tests::bridge::HOME) && !to.contains("evil"), "{to}");
    }
}

#[test]
fn line_breaks_do_not_leave_the_header_that_they_stand_in() {
    let world = World::new();
    let bridge = Bridge::registered(&world, &world.owner("owner"), false);
    for bad in ["x\r\nset-cookie: a=b", "x\nset-cookie: a=b", "x\r\n\r\n<script>", "x\u{85}y: z"] {
        let query = bridge.request(&[("state", bad), ("scope", "admin")]);
        let reply = world.client.http.get(&format!("/oauth/authorize?{query}"));
        let to = reply.header("location").expect("it is sent back");
        assert_eq!(tests::bridge::sent(to, "state").as_deref(), Some(bad));
        assert_eq!((reply.status, reply.header("set-cookie")), (303, None), "{bad:?}");
        assert!(reply.headers.iter().all(|it| it.0 != "y"), "{bad:?}");
        for path in ["setup", "oauth/authorize", "v1/commands"] {
            let text = form(&[("", bad)]);
            let reply = world.client.http.get(&format!("/{path}/{}", text.trim_start_matches('=')));
            assert_eq!(reply.header("set-cookie"), None, "{path} {bad:?}");
        }
    }
    let ann = world.person("ann");
    for bad in ["a@b.example\r\nBcc: c@d.example", "a@b.example\nSubject: x", "a\r@b.example"] {
        let refused = ann.tries("proposeAddress", json!({ "email": bad }), "addressId");
        assert_eq!(refused.code(), "ADDRESSES_INVALID", "{bad:?}");
    }
}

/// The session that an access token is for.
fn session(token: &str) -> Value {
    let claims = token.split('.').nth(1).expect("a token has three parts");
    let claims = URL_SAFE_NO_PAD.decode(claims).expect("base64");
    serde_json::from_slice::<Value>(&claims).expect("JSON")["sid"].clone()
}

#[test]
fn nobody_chooses_the_session_that_somebody_gets() {
    let world = World::new();
    let [ann, eve] = world.people(["ann", "eve"]);
    let mut seen = vec![session(&ann.token), session(&eve.token)];
    // Who signs in with another's token, or with an own old one, gets neither's session.
    for planted in [&eve.token, &ann.token] {
        let input = json!({ "username": "ann", "password": PASSWORD });
        let answer = world.client.change(Some(planted), "signIn", input, "accessToken");
        let token = answer.data()["signIn"]["accessToken"].as_str().expect("a token").to_owned();
        let opened = session(&token);
        assert!(!seen.contains(&opened), "it is a new one");
        seen.push(opened);
        let viewer = world.client.ask(Some(&token), "{ viewer { id } }", json!({}));
        assert_eq!(viewer.data()["viewer"]["id"], ann.id.as_str());
    }
    let planted = eve.asks("{ viewer { id } sessions { id } }", json!({}));
    assert_eq!(planted.data()["viewer"]["id"], eve.id.as_str(), "hers is still hers");
    assert_eq!(planted.data()["sessions"].as_array().map(Vec::len), Some(1));
    // Opening a session is no command of others, whatever id they give it.
    let chosen = json!({ "sessionId": seen[0], "client": { "device": "x" } });
    let command = eve.commands("OpenSession", &fresh_id(), &chosen);
    assert_eq!(command.status, 404, "{:?}", command.json());
    let input = json!({
        "username": "ann", "password": PASSWORD, "sessionId": session(&eve.token),
    });
    let query = body("signIn", "SignInInput", input, "accessToken");
    let reply = world.client.post(None, None, query.as_bytes());
    assert!(reply.json()["errors"].is_array(), "there is no such field");
}
