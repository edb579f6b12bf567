//! Applications: being registered, being allowed, acting for somebody, and what none gets away
//! with.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tests::bridge::{ALL, Bridge, HOME, VERIFIER, form, sent, text};
use tests::{Person, Reply, World, at_once};

fn error(reply: &Reply) -> (u16, String) {
    (reply.status, text(&reply.json()["error"]))
}

fn refused(kind: &str) -> (u16, String) {
    (400, kind.to_owned())
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).expect("a token has three parts");
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).expect("base64")).expect("JSON")
}

#[test]
fn an_application_acts_for_somebody_within_its_scopes() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, true);
    let tokens = bridge.tokens(&ann, "openid profile chat:read");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(600)));
    assert!(tokens.get("refresh_token").is_none(), "it did not ask to go on");
    let id = claims(tokens["id_token"].as_str().expect("an id token"));
    assert_eq!((&id["aud"], &id["nonce"]), (&json!(bridge.id), &json!("a nonce")));
    assert_eq!((&id["sub"], &id["preferred_username"]), (&json!(ann.id), &json!("ann")));
    let token = text(&tokens["access_token"]);
    assert_eq!(claims(&token)["scope"], "openid profile chat:read");
    bridge.asks(&token, "{ viewer { username } conversations { edges { cursor } } }").data();
    bridge.asks(&token, "query A { ...B } fragment B on Query { viewer { id } }").data();
    let missing = "APPLICATIONS_SCOPE_MISSING";
    for query in [
        "{ sessions { id } }",
        "{ viewer { id } passkeys { id } }",
        "query A { ...B } fragment B on Query { ... on Query { addresses { id } } }",
        "{ staff { role } }",
        "mutation { beginPasskeyRegistration { options } }",
        "{ __schema { queryType { name } } }",
    ] {
        assert_eq!(bridge.asks(&token, query).code(), missing, "{query}");
    }
    let write = json!({ "title": "Lunch", "memberIds": [] });
    let made =
        world.client.change(Some(&token), "createGroup", write.clone(), "conversation { id }");
    assert_eq!(made.code(), missing);
    let app = Person { token, ..ann.on_another_device() };
    let over_http = app.commands("CreateGroup", &tests::fresh_id(), &write);
    assert_eq!((over_http.status, &over_http.json()["code"]), (403, &json!(missing)));
    let writer = text(&bridge.tokens(&ann, "chat:write")["access_token"]);
    let group = json!({ "title": "Lunch", "memberIds": [], "isOpen": false });
    let made = world.client.change(Some(&writer), "createGroup", group, "position");
    assert_ne!(made.failure(), Some(missing));
    assert_eq!(bridge.asks(&writer, "{ viewer { id } }").code(), missing);
    let own = world.client.change(Some(&writer), "signOutAll", json!({}), "position");
    assert_eq!(own.code(), missing);
    let mut socket = app.greeted_socket();
    socket.say(
        &json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ sessions { id } }" } }),
    );
    let tests::Heard::Message(heard) = socket.hear() else { panic!("it is closed") };
    assert_eq!(heard["payload"][0]["extensions"]["code"], missing);
    app.subscribes();
}

#[test]
fn an_application_hears_nothing_of_what_somebody_keeps_to_themselves() {
    let world = World::new();
    let owner = world.owner("owner");
    let [ann, bob] = world.people(["ann", "bob"]);
    let bridge = Bridge::registered(&world, &owner, true);
    let direct = ann.opens_direct(&bob);
    let token = text(&bridge.tokens(&ann, "chat:read")["access_token"]);
    let (app, own) = (Person { token, ..ann.on_another_device() }, ann.on_another_device());
    let (mut app, mut own) = (app.subscribes(), own.subscribes());
    ann.does("addContact", json!({ "accountId": bob.id }), "");
    ann.does("setPrivacy", json!({ "setting": "BIO", "rules": [] }), "");
    ann.does("saveDraft", json!({ "conversationId": direct, "text": "he" }), "");
    let at = world.in_seconds(3_600);
    let later = json!({ "conversationId": direct, "text": "later", "at": at });
    ann.does("scheduleMessage", later, "");
    ann.does("archiveConversation", json!({ "conversationId": direct }), "");
    ann.does("pinConversation", json!({ "conversationId": direct }), "");
    for event in [
        "ContactAdded",
        "PrivacySet",
        "DraftSaved",
        "MessageScheduled",
        "ConversationArchived",
        "ConversationsPinned",
    ] {
        let (theirs, hers) = (app.next(), own.next());
        assert_eq!([theirs.event(), hers.event()], [event; 2]);
        assert_eq!(theirs.change(), &Value::Null, "{event}");
        assert_ne!(hers.change(), &Value::Null, "{event}");
    }
    let message = bob.sends(&direct, "hello");
    ann.reads(&direct, message.number);
    for event in ["MessageSent", "ReadMoved"] {
        let (theirs, hers) = (app.next(), own.next());
        assert_eq!((theirs.event(), theirs.change()), (event, hers.change()));
    }
}

#[test]
fn it_is_listed_and_ended_like_any_session() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, false);
    let tokens = bridge.tokens(&ann, ALL);
    let token = text(&tokens["access_token"]);
    let listed = ann.asks("{ sessions { id application { name } access } }", json!({}));
    let sessions = listed.data()["sessions"].as_array().expect("a list").clone();
    let own =
        sessions.iter().find(|it| it["application"]["name"] == "Bridge").expect("it is listed");
    assert_eq!(own["access"].as_array().map(Vec::len), Some(6));
    let mut socket = Person { token: token.clone(), ..ann.on_another_device() }.greeted_socket();
    ann.does("signOut", json!({ "sessionId": own["id"] }), "sessionId");
    assert_eq!(socket.close_code(), Some(4401));
    assert_eq!(bridge.asks(&token, "{ viewer { id } }").code(), "UNAUTHENTICATED");
    let refresh = text(&tokens["refresh_token"]);
    assert_eq!(error(&bridge.refreshes(&refresh, &[])), refused("invalid_grant"));
    let token = text(&bridge.tokens(&ann, "chat:read")["access_token"]);
    owner.does("removeApplication", json!({ "applicationId": bridge.id }), "position");
    assert_eq!(bridge.asks(&token, "{ viewer { id } }").code(), "UNAUTHENTICATED");
    assert_eq!(error(&bridge.exchanges("x")).1, "invalid_client");
}

#[test]
fn a_code_is_exchanged_once_by_whom_it_was_made_for() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, true);
    let other = Bridge::registered(&world, &owner, true);
    let code = bridge.code(&ann, ALL);
    let invalid = refused("invalid_grant");
    assert_eq!(error(&other.exchanges(&code)), invalid, "another's");
    let with = |verifier: &str, redirect: &str| {
        let grant = ("grant_type", "authorization_code");
        let rest =
            [("code", code.as_str()), ("code_verifier", verifier), ("redirect_uri", redirect)];
        error(&bridge.posts("/oauth/token", &[&[grant][..], &rest].concat()))
    };
    assert_eq!(with("", HOME), invalid);
    assert_eq!(with(&VERIFIER.replace('a', "b"), HOME), invalid);
    assert_eq!(with(VERIFIER, "https://bridge.example/other"), invalid);
    for bad in ["", "x", &code[1..], &format!("{code}A")] {
        assert_eq!(error(&bridge.exchanges(bad)), invalid);
    }
    let replies = at_once((0..4).map(|_| || bridge.exchanges(&code)));
    let good: Vec<_> = replies.iter().filter(|it| it.status == 200).collect();
    assert_eq!(good.len(), 1);
    let token = text(&good[0].json()["access_token"]);
    let asked = bridge.asks(&token, "{ viewer { id } }");
    assert_eq!(asked.code(), "UNAUTHENTICATED", "used twice, it is ended");
    let late = bridge.code(&ann, ALL);
    world.passes(Duration::from_secs(60));
    assert_eq!(error(&bridge.exchanges(&late)), invalid);
}

#[test]
fn refresh_tokens_follow_each_other_and_one_used_twice_ends_them() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, true);
    let other = Bridge::registered(&world, &owner, true);
    let first = text(&bridge.tokens(&ann, "offline_access chat:read")["refresh_token"]);
    assert_eq!(error(&other.refreshes(&first, &[])), refused("invalid_grant"));
    let input = json!({ "refreshToken": first });
    let around = world.client.change(None, "refresh", input, "accessToken");
    assert_eq!(around.code(), "SESSIONS_ENDED", "an application proves who it is");
    let wider = [("scope", "chat:read chat:write")];
    assert_eq!(error(&bridge.refreshes(&first, &wider)), refused("invalid_scope"));
    let second = bridge.refreshes(&first, &[("scope", "chat:read")]).json();
    assert_eq!(second["scope"], "chat:read");
    let third = bridge.refreshes(&text(&second["refresh_token"]), &[]).json();
    assert_eq!(third["scope"], "offline_access chat:read");
    world.passes(Duration::from_secs(11));
    assert_eq!(error(&bridge.refreshes(&first, &[])), refused("invalid_grant"));
    let last = text(&third["refresh_token"]);
    assert_eq!(error(&bridge.refreshes(&last, &[])), refused("invalid_grant"));
}

#[test]
fn tokens_are_told_of_and_revoked_by_their_own_application() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, true);
    let other = Bridge::registered(&world, &owner, true);
    let tokens = bridge.tokens(&ann, ALL);
    let told = |bridge: &Bridge<'_>, kind: &str| {
        let token = text(&tokens[kind]);
        bridge.posts("/oauth/introspect", &[("token", &token)]).json()
    };
    for kind in ["access_token", "refresh_token"] {
        let told_ = told(&bridge, kind);
        assert_eq!((&told_["active"], &told_["sub"]), (&json!(true), &json!(ann.id)));
        assert_eq!((&told_["scope"], &told_["client_id"]), (&json!(ALL), &json!(bridge.id)));
        assert_eq!(told(&other, kind), json!({ "active": false }));
    }
    let token = text(&tokens["refresh_token"]);
    assert_eq!(other.posts("/oauth/revoke", &[("token", &token)]).status, 200);
    assert_eq!(told(&bridge, "access_token")["active"], true, "nobody revokes another's");
    assert_eq!(bridge.posts("/oauth/revoke", &[("token", &token)]).status, 200);
    assert_eq!(bridge.posts("/oauth/revoke", &[("token", "x")]).status, 200);
    for kind in ["access_token", "refresh_token"] {
        assert_eq!(told(&bridge, kind), json!({ "active": false }));
    }
}

#[test]
fn who_has_a_secret_shows_it() {
    let world = World::new();
    let owner = world.owner("owner");
    let real = Bridge::registered(&world, &owner, true);
    let code = real.code(&owner, "openid");
    for secret in [None, Some("pls_x".to_owned()), Some(String::new())] {
        let fake = Bridge { secret, id: real.id.clone(), world: &world };
        let reply = fake.exchanges(&code);
        assert_eq!(error(&reply), (401, "invalid_client".to_owned()));
        assert!(reply.header("www-authenticate").is_some());
    }
    let secret = real.secret.clone().expect("a secret");
    let fields = [
        ("grant_type", "authorization_code"),
        ("client_secret", &secret),
        ("code", &code),
        ("code_verifier", VERIFIER),
    ];
    let posted = Bridge { secret: None, id: real.id.clone(), world: &world };
    assert_eq!(posted.posts("/oauth/token", &fields).status, 200);
    let public = Bridge::registered(&world, &owner, false);
    let shows = Bridge { secret: Some("x".to_owned()), id: public.id.clone(), world: &world };
    assert_eq!(error(&shows.exchanges("x")).1, "invalid_client");
}

#[test]
fn nobody_is_sent_anywhere_by_a_request_that_is_not_good() {
    let world = World::new();
    let owner = world.owner("owner");
    let bridge = Bridge::registered(&world, &owner, true);
    let asks = |changes: &[(&str, &str)]| {
        let path = format!("/oauth/authorize?{}", bridge.request(changes));
        world.client.http.get(&path)
    };
    let page = asks(&[]);
    assert_eq!(page.status, 200);
    assert!(
        page.header("content-security-policy").is_some_and(|it| it.contains("script-src 'self'"))
    );
    for bad in [
        ("redirect_uri", "https://bridge.example/back/"),
        ("redirect_uri", "https://bridge.example/back?x"),
        ("redirect_uri", "https://bridge.example.evil/back"),
        ("redirect_uri", "https://bridge.example@evil.example/back"),
        ("redirect_uri", "http://bridge.example/back"),
        ("redirect_uri", "//evil.example"),
        ("client_id", "app_00000000000000000000000000"),
        ("client_id", "<script>"),
        ("request_uri", "urn:ietf:params:oauth:request_uri:x"),
        ("request_uri", "https://evil.example/"),
    ] {
        let reply = asks(&[bad]);
        assert_eq!((reply.status, reply.header("location")), (400, None), "{bad:?}");
        assert!(!String::from_utf8_lossy(&reply.body).contains("<script>"));
    }
    let twice = format!("/oauth/authorize?{}&scope=openid", bridge.request(&[]));
    assert_eq!(world.client.http.get(&twice).status, 400);
    for (bad, why) in [
        (("response_type", "token"), "unsupported_response_type"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("code_challenge", "short"), "invalid_request"),
        (("scope", "openid admin"), "invalid_scope"),
        (("scope", ""), "invalid_scope"),
        (("prompt", "none"), "login_required"),
        (("request", "x.y.z"), "request_not_supported"),
    ] {
        let reply = asks(&[bad]);
        let to = reply.header("location").expect("it is sent back");
        assert_eq!(reply.status, 303);
        assert!(to.starts_with(HOME), "{to}");
        assert_eq!(sent(to, "error").as_deref(), Some(why));
        assert_eq!(sent(to, "state").as_deref(), Some("a state"));
        let input = json!({ "request": bridge.request(&[bad]) });
        let allowed = owner.tries("allowApplication", input, "redirectUri");
        assert_eq!(allowed.code(), "APPLICATIONS_REQUEST_INVALID");
    }
    let pushed = bridge.posts("/oauth/par", &[("x", "y")]);
    assert_eq!(error(&pushed), refused("invalid_request"));
}

#[test]
fn a_request_can_be_pushed_first() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, true);
    let request = bridge.request(&[]);
    let fields: Vec<_> = url::form_urlencoded::parse(request.as_bytes()).into_owned().collect();
    let fields: Vec<_> = fields.iter().map(|it| (it.0.as_str(), it.1.as_str())).collect();
    let pushed = bridge.posts("/oauth/par", &fields);
    assert_eq!(pushed.status, 201);
    let uri = text(&pushed.json()["request_uri"]);
    let request = form(&[("client_id", &bridge.id), ("request_uri", &uri)]);
    let code = sent(&bridge.is_allowed(&ann, &request), "code").expect("a code");
    assert_eq!(bridge.exchanges(&code).status, 200);
    let other = Bridge::registered(&world, &owner, true);
    let stolen = form(&[("client_id", &other.id), ("request_uri", &uri)]);
    let input = json!({ "request": stolen });
    assert_eq!(ann.tries("allowApplication", input, "").code(), "APPLICATIONS_REQUEST_INVALID");
}

#[test]
fn an_application_registers_itself_where_that_is_open() {
    let said = json!({ "client_name": "Bridge", "redirect_uris": [HOME] }).to_string();
    let registers = |world: &World, said: &str| {
        let headers = [("content-type", "application/json")];
        let http = &world.client.http;
        http.request("POST", "/oauth/register", &headers, said.as_bytes()).expect("an answer")
    };
    let closed = World::new();
    assert_eq!(error(&registers(&closed, &said)), (403, "access_denied".to_owned()));
    let world = World::with(|it| it.oauth_registration = true);
    let owner = world.owner("owner");
    let made = registers(&world, &said);
    assert_eq!(made.status, 201);
    let (id, secret) = (text(&made.json()["client_id"]), text(&made.json()["client_secret"]));
    let bridge = Bridge { world: &world, id, secret: Some(secret) };
    bridge.tokens(&owner, ALL);
    let evil = said.replace("https", "http");
    assert_eq!(error(&registers(&world, &evil)), refused("invalid_redirect_uri"));
    assert_eq!(error(&registers(&world, "{}")), refused("invalid_client_metadata"));
    let listed = owner.asks("{ applications { name confidential } }", json!({}));
    assert_eq!(listed.data()["applications"][0]["name"], "Bridge");
    let ann = world.person("ann");
    assert_eq!(ann.asks("{ applications { name } }", json!({})).code(), "INSTANCE_FORBIDDEN");
}

#[test]
fn who_may_know_of_somebody_is_told() {
    let world = World::new();
    let (owner, ann) = (world.owner("owner"), world.person("ann"));
    let bridge = Bridge::registered(&world, &owner, true);
    let told = |token: Option<&str>| {
        let bearer = token.map(|it| format!("Bearer {it}"));
        let headers: Vec<_> = bearer.iter().map(|it| ("authorization", it.as_str())).collect();
        world.client.http.request("GET", "/oauth/userinfo", &headers, b"").expect("an answer")
    };
    let token = text(&bridge.tokens(&ann, "openid email profile")["access_token"]);
    let known = told(Some(&token)).json();
    let expected = json!({ "sub": ann.id, "preferred_username": "ann", "name": "ann" });
    assert_eq!(known, expected, "no address was proved");
    let token = text(&bridge.tokens(&ann, "openid")["access_token"]);
    assert_eq!(told(Some(&token)).json(), json!({ "sub": ann.id }));
    let token = text(&bridge.tokens(&ann, "chat:read")["access_token"]);
    assert_eq!(error(&told(Some(&token))), (403, "insufficient_scope".to_owned()));
    assert_eq!(error(&told(Some(&ann.token))), (403, "insufficient_scope".to_owned()));
    assert_eq!(error(&told(Some("x"))), (401, "invalid_token".to_owned()));
    assert_eq!(error(&told(None)), (401, "invalid_token".to_owned()));
}
