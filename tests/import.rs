//! A public channel's log goes through the commands once, and comes out whole.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

/// The program beside the tests; `make test` builds it first.
fn parlance() -> Command {
    let test = std::env::current_exe().expect("a test has a file");
    let folder = test.parent().and_then(Path::parent).expect("it lies in target/<profile>/deps");
    Command::new(folder.join("parlance"))
}

/// A folder that the program works in.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a temporary folder"))
    }

    fn run(&self, arguments: &[&str]) -> String {
        let output = parlance().args(arguments).arg("--data-dir").arg(self.0.path()).output();
        let output = output.expect("the program starts");
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).expect("it prints text")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.run(arguments)).expect("it prints JSON")
    }
}

fn sample() -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/irc");
    folder.to_str().expect("the path is text").to_owned()
}

fn import(folder: &Folder) -> Value {
    folder.json(&["import", "irc", &sample(), "--conversation", "#harbour", "--json"])
}

#[test]
fn every_line_is_accounted_for_and_a_second_import_adds_nothing() {
    let folder = Folder::new();
    let first = import(&folder);
    let wrote = &first["wrote"];
    assert!(wrote["messages"]["added"].as_u64() > Some(10), "{first}");
    assert_eq!(wrote["messages"]["present"], 0);
    let second = import(&folder);
    for kind in ["accounts", "joins", "leaves", "messages"] {
        assert_eq!(second["wrote"][kind]["added"], 0, "{kind}: {second}");
        assert_eq!(second["wrote"][kind]["present"], wrote[kind]["added"], "{kind}");
    }
    assert_eq!(second["wrote"]["conversationId"], wrote["conversationId"]);
    let replayed = folder.run(&["replay", "--event", "MessageSent"]);
    let lines = replayed.lines().count() as u64;
    assert_eq!(Some(lines), wrote["messages"]["added"].as_u64());
}

#[test]
fn a_rebuild_gives_the_same_state_and_the_log_is_in_order() {
    let folder = Folder::new();
    import(&folder);
    let before = folder.json(&["state-hash", "--json"]);
    folder.run(&["rebuild", "--all"]);
    assert_eq!(folder.json(&["state-hash", "--json"]), before);
    let verified = folder.json(&["verify", "--json"]);
    assert_eq!(verified["ignored"], serde_json::json!({}));
}

/// A server that ends with its test.
struct Served(Child, String);

impl Served {
    fn start(folder: &Folder) -> Self {
        let mut child = parlance()
            .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(folder.0.path())
            .env("PARLANCE_RATE_PER_ACCOUNT", "1000000")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut line = Vec::new();
        let out = child.stdout.as_mut().expect("its output is read");
        let mut byte = [0];
        while out.read(&mut byte).expect("it prints where it is") == 1 && byte[0] != b'\n' {
            line.push(byte[0]);
        }
        let line = String::from_utf8(line).expect("it prints text");
        let address = line.split("http://").nth(1).and_then(|it| it.split(' ').next());
        Self(child, address.expect("it prints its address").to_owned())
    }

    fn ask(&self, token: Option<&str>, query: &str, variables: &Value) -> Value {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let mut socket = TcpStream::connect(&self.1).expect("it listens");
        socket.set_read_timeout(Some(Duration::from_secs(30))).expect("a timeout");
        let authorization =
            token.map(|it| format!("authorization: Bearer {it}\r\n")).unwrap_or_default();
        write!(
            socket,
            "POST /graphql HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n{authorization}\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.1,
            body.len()
        )
        .expect("a request");
        let mut answer = String::new();
        socket.read_to_string(&mut answer).expect("an answer");
        let (_, body) = answer.split_once("\r\n\r\n").expect("a body");
        let answer: Value = serde_json::from_str(body).expect("JSON");
        assert!(answer.get("errors").is_none(), "{query}: {answer}");
        answer["data"].clone()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn client_id() -> Uuid {
    chat::kernel::id::fresh(
        ports::clock::Clock::now_ms(&ports::clock::System),
        &ports::entropy::System,
    )
}

#[test]
fn the_conversation_read_page_by_page_yields_every_message_once_in_order() {
    let folder = Folder::new();
    let outcome = import(&folder);
    let conversation = outcome["wrote"]["conversationId"].as_str().expect("an id").to_owned();
    let served = Served::start(&folder);
    let register = "mutation($id: ID!) { register(input: {clientId: $id, username: \"reader\",
        displayName: \"Reader\", password: \"a good password\"}) { accessToken } }";
    let registered = served.ask(None, register, &json!({ "id": client_id() }));
    let token = registered["register"]["accessToken"].as_str().expect("a token").to_owned();
    let join = "mutation($id: ID!, $c: ID!) { joinGroup(input: {clientId: $id, conversationId: $c})
        { conversation { id } } }";
    served.ask(Some(&token), join, &json!({ "id": client_id(), "c": conversation }));
    let page = "query($c: ID!, $after: String) { conversation(id: $c) { lastNumber
        messages(first: 7, after: $after) { edges { cursor node { number text sentAt } }
        pageInfo { hasNextPage endCursor } } } }";
    let mut numbers: Vec<u64> = Vec::new();
    let mut after = Value::Null;
    loop {
        let variables = json!({ "c": conversation, "after": after });
        let found = served.ask(Some(&token), page, &variables);
        let messages = &found["conversation"]["messages"];
        for edge in messages["edges"].as_array().expect("edges") {
            let number = edge["node"]["number"].as_str().expect("a number");
            numbers.push(number.parse().expect("digits"));
            assert!(edge["node"]["text"].is_string());
        }
        if messages["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = messages["pageInfo"]["endCursor"].clone();
    }
    let count = outcome["wrote"]["messages"]["added"].as_u64().expect("a count");
    assert_eq!(numbers, (1..=count).collect::<Vec<_>>());
}
