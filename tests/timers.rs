//! Timers under kill -9: what is due meanwhile happens once, and soon after the program is back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chat::kernel::Timestamp;
use ports::clock::{Clock, System};
use serde_json::{Value, json};
use tests::{Client, Dice, Http, Person, Program, until};

/// Messages that are scheduled.
const SCHEDULED: i64 = 60;

/// Milliseconds from now in which they are due.
const FIRST_MS: i64 = 10_000;
const LAST_MS: i64 = 20_000;

/// Messages that expire after a minute.
const EXPIRING: usize = 20;

/// How late what is due may come once the program is back, in milliseconds.
const LATE_MS_MAX: i64 = 2_000;

fn messages(person: &Person, group: &str) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = "0".to_owned();
    loop {
        let fields = format!(
            "messages(first: 100, after: \"{after}\") {{ \
             nodes {{ text occurredAt }} pageInfo {{ hasNextPage endCursor }} }}"
        );
        let page = person.sees(group, &fields)["messages"].clone();
        all.extend(page["nodes"].as_array().expect("a list").iter().cloned());
        if page["pageInfo"]["hasNextPage"] != true {
            return all;
        }
        after = page["pageInfo"]["endCursor"].as_str().expect("a cursor").to_owned();
    }
}

/// Waits until the clock says so.
fn waits_until(ms: i64) {
    while System.now_ms() < ms {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn over_kills_scheduled_messages_are_sent_once_and_expired_ones_are_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::serve(folder.path(), 0);
    let port = program.address.port();
    let client = Arc::new(Client::new(Http::new(program.address)));
    let ann = Person::register(&client, "ann");
    let (group, short) = (ann.creates_group("Plans", &[]), ann.creates_group("Short", &[]));
    let start = System.now_ms() + 2_000;
    let due = |n: i64| start + FIRST_MS + n * (LAST_MS - FIRST_MS) / SCHEDULED;
    for n in 0..SCHEDULED {
        let at = Timestamp(due(n)).rfc3339();
        let input = json!({ "conversationId": group, "text": n.to_string(), "at": at });
        ann.does("scheduleMessage", input, "scheduled { id }");
    }
    for n in 0..EXPIRING {
        let input = json!({ "conversationId": short, "text": n.to_string(), "expiresIn": 60 });
        ann.does("sendMessage", input, "message { id }");
    }
    let expired = System.now_ms() + 60_000;
    let (mut dice, mut kills, mut back) = (Dice::new(25), 0, vec![start]);
    while System.now_ms() < start + LAST_MS {
        waits_until(System.now_ms() + dice.below(1_500) as i64);
        program.kill();
        program = Program::serve(folder.path(), port);
        client.http.lets_go();
        back.push(System.now_ms());
        kills += 1;
    }
    until("some are not sent", || messages(&ann, &group).len() >= SCHEDULED as usize);
    let mut sent = BTreeMap::new();
    for message in messages(&ann, &group) {
        let at = Timestamp::parse(message["occurredAt"].as_str().expect("a time"));
        let n: i64 = message["text"].as_str().and_then(|it| it.parse().ok()).expect("a number");
        assert!(sent.insert(n, at.expect("a time").0).is_none(), "{n} was sent twice");
    }
    let mut latest = 0;
    for (n, at) in &sent {
        // It may be due while the program is away; it may be killed again before it is sent.
        let serves = back.iter().rev().find(|it| **it <= *at).expect("it was sent");
        let late = at - due(*n).max(*serves);
        assert!(at - due(*n) >= 0 && late <= LATE_MS_MAX, "{n} came {late} ms late");
        latest = latest.max(late);
    }
    waits_until(expired - 500);
    program.kill();
    waits_until(expired);
    let program = Program::serve(folder.path(), port);
    client.http.lets_go();
    let back = System.now_ms();
    let shown = messages(&ann, &short);
    assert!(shown.iter().all(|it| it["text"].is_null()), "{shown:?}");
    while !messages(&ann, &short).is_empty() {
        assert!(System.now_ms() - back <= LATE_MS_MAX, "expired messages are still there");
        std::thread::sleep(Duration::from_millis(20));
    }
    let seq = ann.sees(&short, "seq")["seq"].clone();
    assert_eq!(tests::long(&seq), 1 + 2 * EXPIRING as u64, "each was deleted once");
    program.terminate();
    eprintln!("{SCHEDULED} sent over {kills} kills, at most {latest} ms late");
}
