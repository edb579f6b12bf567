//! Log lines: whatever others say, a line of the log stays one line, and none is of their making.

use std::path::Path;

use serde_json::{Value, json};
use tests::servers::{LOOPBACK, free_port};
use tests::{Client, Http, Person, Program, Socket};

/// What would be a line of its own.
const INJECTED: &str = "2026-01-01T00:00:00.000000Z ERROR injected: all is lost";

/// Texts that try to begin a line, or to colour one.
fn hostile() -> [String; 5] {
    ["\n", "\r\n", "\r", "\u{2028}", "\u{1b}[2K\u{1b}[1A"].map(|it| format!("x{it}{INJECTED}"))
}

/// Says hostile texts wherever somebody may say something.
fn speaks(program: &Program) {
    let client = std::sync::Arc::new(Client::new(Http::new(program.address)));
    let ann = Person::register(&client, "ann");
    for text in hostile() {
        let named = json!({ "username": text, "password": text, "device": text, "app": text });
        client.change(None, "signIn", named, "accessToken");
        let device = json!({ "username": "ann", "password": tests::PASSWORD, "device": text });
        client.change(None, "signIn", device, "accessToken").data();
        Person::registers(&client, &text, &text, &text);
        ann.tries("updateProfile", json!({ "displayName": text, "bio": text }), "");
        ann.tries("createGroup", json!({ "title": text, "clientId": text }), "position");
        ann.tries("proposeAddress", json!({ "email": text }), "addressId");
        ann.tries("no such thing\n", json!({ "x": text }), &text);
        client.change(None, "refresh", json!({ "refreshToken": text }), "");
        client.ask(None, &text, json!({ text.as_str(): text }));
        client.post(None, None, text.as_bytes());
        heads(&client, &ann, &text);
        let mut socket = Socket::open(program.address);
        socket.greet(&text);
        assert_eq!(socket.close_code(), Some(4403));
    }
}

/// Says a text in headers and in paths, as far as HTTP lets it.
fn heads(client: &Client, ann: &Person, text: &str) {
    let escaped = url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let plain = text.replace(['\r', '\n'], " ");
    let bearer = format!("Bearer {}", ann.token);
    let heads = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
        ("user-agent", &plain),
        ("x-forwarded-for", &plain),
        ("parlance-after", &plain),
        ("idempotency-key", &plain),
        ("traceparent", &plain),
    ];
    for path in ["graphql", "v1/commands/UpdateProfile", "oauth/register"] {
        // A head that is none is answered by closing the connection.
        let _ = client.http.request("POST", &format!("/{path}"), &heads, b"{}");
        let place = format!("/{path}/{escaped}?x={escaped}");
        client.http.request("POST", &place, &[], text.as_bytes()).expect("an answer");
    }
    client.http.get(&format!("/oauth/authorize?client_id={escaped}&redirect_uri={escaped}"));
}

/// Every line that the program writes while others say hostile things, as it was told to.
fn lines(format: &str, dir: &Path) -> Vec<String> {
    let complaints = dir.join("complaints");
    let options = [("PARLANCE_LOG_FORMAT", format), ("PARLANCE_LOG_FILTER", "trace")];
    let options = options.map(|(name, it)| (name, it.to_owned()));
    let address = (LOOPBACK, free_port(LOOPBACK)).into();
    let place = ("serve", address);
    let program = Program::start_at(&[], place, &dir.join("data"), &options, &complaints);
    speaks(&program);
    program.terminate();
    let told = std::fs::read_to_string(complaints).expect("the log is text");
    told.lines().map(str::to_owned).collect()
}

#[test]
fn a_line_of_the_log_is_one_object() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines = lines("json", folder.path());
    assert!(lines.len() > 100, "it says a lot: {} lines", lines.len());
    for line in lines {
        let value: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("{line}"));
        assert!(value["timestamp"].is_string() && value["level"].is_string(), "{line}");
        assert_ne!(value["target"], "injected", "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
    }
}

#[test]
fn a_line_of_the_log_begins_with_its_own_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let lines = lines("text", folder.path());
    assert!(lines.len() > 100, "it says a lot: {} lines", lines.len());
    for line in lines {
        assert!(!line.starts_with(INJECTED), "{line}");
        assert!(!line.contains("\u{1b}[1A"), "{line}");
    }
}
