//! What a socket may do, and the code that it is closed with otherwise.

use serde_json::json;
use tests::{Heard, Person, Socket, UPDATES, World};

fn stranger(world: &World) -> Socket {
    Socket::open(world.client.http.address)
}

#[test]
fn whoever_says_nothing_for_10_seconds_is_closed() {
    let world = World::new();
    let watch = ports::clock::Stopwatch::start();
    let mut silent = stranger(&world);
    assert_eq!(silent.close_code(), Some(4408));
    assert!((9.5..15.0).contains(&watch.seconds()), "after {} s", watch.seconds());
}

#[test]
fn nothing_is_started_before_the_init_was_acknowledged() {
    let world = World::new();
    let mut early = stranger(&world);
    early.subscribe("1", "{ position }", json!({}));
    assert_eq!(early.close_code(), Some(4401));
}

#[test]
fn an_init_without_a_good_token_is_refused() {
    let world = World::new();
    let ann = world.person("ann");
    let payloads = [
        json!(null),
        json!({}),
        json!({ "authorization": "" }),
        json!({ "authorization": ann.token }),
        json!({ "authorization": "Bearer nonsense" }),
        json!({ "authorization": format!("Bearer {}x", ann.token) }),
    ];
    for payload in payloads {
        let mut socket = stranger(&world);
        socket.say(&json!({ "type": "connection_init", "payload": payload }));
        assert_eq!(socket.close_code(), Some(4403), "{payload}");
    }
    let mut socket = stranger(&world);
    socket.say(&json!({ "type": "connection_init" }));
    assert_eq!(socket.close_code(), Some(4403));
}

#[test]
fn a_second_init_is_one_too_many() {
    let world = World::new();
    let ann = world.person("ann");
    let mut socket = ann.greeted_socket();
    socket.greet(&ann.token);
    assert_eq!(socket.close_code(), Some(4429));
}

#[test]
fn an_id_in_use_is_not_used_again_and_a_completed_one_is() {
    let world = World::new();
    let ann = world.person("ann");
    let mut socket = ann.greeted_socket();
    for _ in 0..3 {
        socket.subscribe("1", "{ position }", json!({}));
        socket.expect_for("1", "next");
        socket.expect_for("1", "complete");
    }
    socket.subscribe("2", UPDATES, json!({}));
    socket.subscribe("2", UPDATES, json!({}));
    assert_eq!(socket.close_code(), Some(4409));
}

#[test]
fn what_the_protocol_does_not_know_is_malformed() {
    let world = World::new();
    let ann = world.person("ann");
    let long_id = "x".repeat(129);
    let texts = [
        "".to_owned(),
        "hello".to_owned(),
        "{}".to_owned(),
        "[]".to_owned(),
        json!({ "type": "start", "id": "1" }).to_string(),
        json!({ "type": "subscribe", "payload": { "query": "{ position }" } }).to_string(),
        json!({ "type": "subscribe", "id": "", "payload": { "query": "{ position }" } })
            .to_string(),
        json!({ "type": "subscribe", "id": long_id, "payload": { "query": "{ position }" } })
            .to_string(),
        json!({ "type": "subscribe", "id": 1, "payload": { "query": "{ position }" } }).to_string(),
        json!({ "type": "subscribe", "id": "1" }).to_string(),
        json!({ "type": "connection_ack" }).to_string(),
        json!({ "type": "complete" }).to_string(),
    ];
    for text in texts {
        let mut socket = ann.greeted_socket();
        socket.say_text(&text);
        assert_eq!(socket.close_code(), Some(4400), "{text:.60}");
    }
    let mut socket = ann.greeted_socket();
    socket.say_bytes(b"{\"type\":\"ping\"}");
    assert_eq!(socket.close_code(), Some(4400));
}

#[test]
fn a_message_from_a_socket_has_65536_bytes() {
    let world = World::new();
    let ann = world.person("ann");
    let padded = |bytes: usize| {
        let mut text = json!({ "type": "ping" }).to_string();
        text.extend(std::iter::repeat_n(' ', bytes - text.len()));
        text
    };
    let mut socket = ann.greeted_socket();
    socket.say_text(&padded(65_536));
    socket.expect("pong");
    socket.say_text(&padded(65_537));
    assert_eq!(socket.close_code(), Some(1009));
}

#[test]
fn a_socket_has_50_subscriptions_however_fast_they_come() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let after = json!({ "after": ann.position() });
    ann.sends(&group, "hello");
    let mut socket = ann.greeted_socket();
    for at in 0..51 {
        socket.subscribe(&at.to_string(), UPDATES, after.clone());
    }
    let mut errors = Vec::new();
    for _ in 0..51 {
        let Heard::Message(message) = socket.hear() else { panic!("the socket is closed") };
        if message["type"] == "error" {
            errors.push(message["payload"][0]["extensions"]["code"].clone());
        }
    }
    assert_eq!(errors, ["RATE_LIMITED"]);
    socket.say(&json!({ "type": "ping" }));
    socket.expect("pong");
}

#[test]
fn a_flood_is_closed_and_what_is_allowed_is_not() {
    let world = World::with(|it| it.rate_per_socket = 5);
    let ann = world.person("ann");
    let mut socket = ann.greeted_socket();
    for _ in 0..4 {
        socket.say(&json!({ "type": "ping" }));
        socket.expect("pong");
    }
    for _ in 0..20 {
        socket.say(&json!({ "type": "ping" }));
    }
    assert_eq!(socket.close_code(), Some(4429));
}

#[test]
fn a_subscription_that_can_not_be_is_an_error_and_the_socket_goes_on() {
    let world = World::new();
    let ann = world.person("ann");
    let mut socket = ann.greeted_socket();
    let code = |socket: &mut Socket, query: &str| {
        socket.subscribe("1", query, json!({}));
        socket.expect_for("1", "error")["payload"][0]["extensions"]["code"].clone()
    };
    assert_eq!(code(&mut socket, "subscription { nothing }"), "INVALID");
    assert_eq!(code(&mut socket, "subscription {"), "INVALID");
    assert_eq!(code(&mut socket, "subscription { updates { seq } b: updates { seq } }"), "INVALID");
    assert_eq!(
        code(&mut socket, "subscription { updates(after: \"x\") { seq } }"),
        "POSITION_INVALID"
    );
    let deep = "change { ... on Message { replyTo { replyTo { replyTo { replyTo { replyTo { \
        replyTo { replyTo { replyTo { replyTo { replyTo { replyTo { id } } } } } } } } } } } } }";
    assert_eq!(
        code(&mut socket, &format!("subscription {{ updates {{ {deep} }} }}")),
        "QUERY_TOO_DEEP"
    );
    let long = format!("subscription {{ updates {{ seq }} }}{}", " ".repeat(16_384));
    assert_eq!(code(&mut socket, &long), "TOO_LARGE");
    let page = "messages(first: 100) { edges { node { versions { text } sender { id username } \
        replyTo { versions { text } } entities { kind offset length url language } } } }";
    let pages = ["", "a: ", "b: "].map(|it| format!("{it}{page} ")).concat();
    let costly =
        &format!("subscription {{ updates {{ change {{ ... on Conversation {{ {pages} }} }} }} }}");
    assert_eq!(code(&mut socket, costly), "QUERY_TOO_COMPLEX");
    let aliases: String = (0..16).map(|it| format!("s{it}: seq ")).collect();
    assert_eq!(
        code(&mut socket, &format!("subscription {{ updates {{ {aliases} }} }}")),
        "TOO_MANY_ALIASES"
    );
    socket.subscribe("1", "{ viewer { username } }", json!({}));
    let answer = socket.expect_for("1", "next");
    assert_eq!(answer["payload"]["data"]["viewer"]["username"], "ann");
}

#[test]
fn an_upgrade_names_the_protocol_and_comes_from_our_own_pages() {
    let world = World::new();
    let http = &world.client.http;
    let host = format!("http://{}", http.address);
    let upgrade = |more: &[(&str, &str)]| {
        let mut headers = vec![
            ("connection", "upgrade"),
            ("upgrade", "websocket"),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ];
        headers.extend_from_slice(more);
        tests::Http::new(http.address)
            .request("GET", "/graphql", &headers, b"")
            .expect("an answer")
            .status
    };
    let protocol = ("sec-websocket-protocol", "graphql-transport-ws");
    assert_eq!(upgrade(&[]), 400);
    assert_eq!(upgrade(&[("sec-websocket-protocol", "graphql-ws")]), 400);
    assert_eq!(upgrade(&[protocol]), 101);
    assert_eq!(upgrade(&[protocol, ("origin", &host)]), 101);
    assert_eq!(upgrade(&[protocol, ("origin", "http://evil.example")]), 403);
    assert_eq!(upgrade(&[protocol, ("origin", "null")]), 403);
}

#[test]
fn a_mutation_over_a_socket_is_counted_against_its_account() {
    let world = World::with(|it| it.rate_per_account = 3);
    let ann: Person = world.person("ann");
    let mut socket = ann.greeted_socket();
    let update =
        "mutation($input: UpdateProfileInput!) { updateProfile(input: $input) { position } }";
    let mut codes = Vec::new();
    for at in 0..4 {
        let input = json!({ "clientId": tests::fresh_id(), "bio": at.to_string() });
        socket.subscribe("1", update, json!({ "input": input }));
        let Heard::Message(message) = socket.hear() else { panic!("the socket is closed") };
        let error = match message["type"].as_str() {
            Some("error") => &message["payload"][0],
            _ => {
                socket.expect_for("1", "complete");
                &message["payload"]["errors"][0]
            }
        };
        codes.push(error["extensions"]["code"].clone());
    }
    assert_eq!(codes, [json!(null), json!(null), json!(null), json!("RATE_LIMITED")]);
}
