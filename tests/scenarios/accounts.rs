//! Accounts: registering, and what others see of a person.

use serde_json::json;
use tests::{PASSWORD, Person, World, fresh_id};

#[test]
fn registering_again_with_the_same_client_id_and_password_is_the_same_account() {
    let world = World::new();
    let id = fresh_id();
    let first = Person::registers(&world.client, &id, "ann", "correct horse");
    let again = Person::registers(&world.client, &id, "ann", "correct horse");
    let account = |it: &tests::Answer| it.data()["register"]["account"]["id"].clone();
    assert_eq!(account(&first), account(&again));
    let token = again.data()["register"]["accessToken"].as_str().expect("a token").to_owned();
    let viewer = world.client.ask(Some(&token), "{ viewer { id username } }", json!({}));
    assert_eq!(viewer.data()["viewer"]["username"], "ann");
    assert_eq!(viewer.data()["viewer"]["id"], account(&first));
}

#[test]
fn registering_again_with_another_password_or_name_is_a_mismatch() {
    let world = World::new();
    let id = fresh_id();
    Person::registers(&world.client, &id, "ann", "correct horse").data();
    let other = Person::registers(&world.client, &id, "ann", "another horse");
    assert_eq!(other.code(), "IDEMPOTENCY_MISMATCH");
    let other = Person::registers(&world.client, &id, "bea", "correct horse");
    assert_eq!(other.code(), "IDEMPOTENCY_MISMATCH");
    let bea = world.client.ask(None, "{ viewer { id } }", json!({}));
    assert_eq!(bea.code(), "UNAUTHENTICATED");
}

#[test]
fn a_username_is_one_persons_in_any_case() {
    let world = World::new();
    let ann = world.person("ann");
    for name in ["ann", "ANN", "Ann"] {
        let other = Person::registers(&world.client, &fresh_id(), name, "another horse");
        assert_eq!(other.code(), "ACCOUNTS_USERNAME_TAKEN", "{name}");
    }
    let found = ann.asks("{ account(username: \"Ann\") { id } }", json!({}));
    assert_eq!(found.data()["account"]["id"], json!(ann.id));
}

#[test]
fn many_who_want_a_name_at_once_get_it_once() {
    let world = World::new();
    let register = || {
        let id = fresh_id();
        move |client| Person::registers(client, &id, "ann", "correct horse")
    };
    let jobs = (0..4).map(|_| register());
    let client: &tests::Client = &world.client;
    let answers = tests::at_once(jobs.map(|job| move || job(client)));
    let taken = answers.iter().filter_map(tests::Answer::failure).collect::<Vec<_>>();
    assert_eq!(taken, ["ACCOUNTS_USERNAME_TAKEN"; 3]);
}

#[test]
fn a_new_display_name_is_seen_by_others_and_arrives_in_ones_own_feed() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let mut seen = ann.subscribes();
    ann.does("updateProfile", json!({ "displayName": "Ann B.", "bio": "here" }), "");
    let query = "query($id: ID!) { account(id: $id) { displayName bio username } }";
    let account = bob.asks(query, json!({ "id": ann.id })).data()["account"].clone();
    assert_eq!(account, json!({ "displayName": "Ann B.", "bio": "here", "username": "ann" }));
    let frame = seen.next();
    assert_eq!(frame.event(), "ProfileUpdated");
    assert_eq!(frame.change()["displayName"], "Ann B.");
}

/// A service of ranges that knows one password.
fn ranges(known: &str) -> std::net::SocketAddr {
    use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
    let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, known.as_bytes());
    let hex: String = sha1.as_ref().iter().map(|it| format!("{it:02X}")).collect();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).expect("a request");
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let range = request.split(' ').nth(1).and_then(|it| it.rsplit('/').next());
            assert_eq!(range.map(str::len), Some(5), "no more than a range is told: {request}");
            let known = range == Some(&hex[..5]);
            let line = if known { format!("{}:7\r\n", &hex[5..]) } else { String::new() };
            let body = format!("{}:0\r\n{line}", "0".repeat(35));
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n", body.len());
            let answer = format!("{head}connection: close\r\n\r\n{body}");
            stream.write_all(answer.as_bytes()).expect("an answer");
        }
    });
    address
}

#[test]
fn a_password_that_was_published_is_refused_and_a_service_that_is_away_keeps_nobody_out() {
    let published = "a horse that thieves know";
    let address = ranges(published);
    let world = World::with(|it| {
        it.breached_passwords = Some(format!("http://{address}/range").as_str().into());
    });
    let refused = Person::registers(&world.client, &fresh_id(), "ann", published);
    assert_eq!(refused.code(), "ACCOUNTS_PASSWORD_BREACHED");
    let ann = world.person("ann");
    let input = json!({ "currentPassword": PASSWORD, "newPassword": published });
    assert_eq!(ann.tries("changePassword", input, "").code(), "ACCOUNTS_PASSWORD_BREACHED");
    let away = World::with(|it| it.breached_passwords = Some("http://127.0.0.1:9/range".into()));
    Person::registers(&away.client, &fresh_id(), "ann", published).data();
}
