//! Words that occur nowhere else, deleted for everyone: nothing that is stored holds them, and no
//! client that was away is sent them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use ports::keys::Tree;
use serde_json::json;
use tests::canary::{forms, holds};
use tests::{Dice, Person, TOO_LONG, World, fresh_id, within};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Messages of each person.
const EACH: usize = 20;

/// What all canaries begin with, and nothing else.
const WORD: &str = "canaryword";

/// A word that occurs nowhere else.
fn canary() -> String {
    format!("{WORD}{}", fresh_id().replace('-', "x"))
}

/// What is stored that holds a text in any form.
fn holding(stored: &[(PathBuf, Vec<u8>)], text: &str) -> BTreeSet<String> {
    let forms = forms(text);
    let found = stored.iter().filter(|(_, bytes)| holds(bytes, &forms));
    found.map(|(place, _)| place.display().to_string()).collect()
}

fn says(person: &Person, group: &str) -> [String; 2] {
    let [first, second] = [(); 2].map(|()| canary());
    let sent = person.sends(group, &format!("**{first}** it is"));
    person.edits(&sent.id, &format!("rather _{second}_"));
    [first, second]
}

/// What holds something else than text.
fn shows(person: &Person, group: &str) -> [String; 4] {
    let all = [(); 4].map(|()| canary());
    let poll = json!({ "conversationId": group, "question": all[0], "options": [all[1], "no"] });
    person.does("sendPoll", poll, "message { id }");
    let emails = [format!("{}@example.org", all[3])];
    let card = json!({ "conversationId": group, "name": all[2], "emails": emails });
    person.does("sendContact", card, "message { id }");
    all
}

#[test]
fn what_was_deleted_is_in_no_file_and_reaches_nobody_who_was_away() {
    let mut world = World::new();
    let owner = world.owner("owner");
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let away = bob.position();
    let mut canaries = Vec::new();
    for who in [&ann, &bob] {
        canaries.extend((0..EACH).flat_map(|_| says(who, &group)));
        canaries.extend(shows(who, &group));
    }
    // What somebody reads is in memory for a while.
    for who in [&ann, &bob] {
        let page = who.sees(&group, "messages(first: 50) { nodes { text versions { text } } }");
        assert!(canaries.iter().any(|it| page.to_string().contains(it)));
    }
    let all = json!({ "conversationId": group, "fromNumber": "1", "forEveryone": true });
    ann.does("deleteMessages", all, "more");
    world.passes(DAY);
    let [ann, bob, owner] = [&ann, &bob, &owner].map(Person::on_another_device);
    let removed = "removedMessages(first: 1) { nodes { messageId } }";
    within(3 * TOO_LONG, || {
        let left = ann.sees(&group, removed)["removedMessages"]["nodes"].clone();
        if left == json!([]) { Ok(()) } else { Err("something can be restored still".to_owned()) }
    });
    world.passes(Duration::from_secs(60));
    let stored = world.stored();
    assert_eq!(holding(&stored, WORD), BTreeSet::new());
    // Documents and public topics name the group: what is in use is looked through.
    let seen = holding(&stored, &group);
    let together = std::env::var_os("PARLANCE_TEST_MODE").is_some();
    let topics = seen.iter().any(|it| it.contains("conversation-events"));
    let documents = seen.contains("members");
    assert!(!seen.is_empty() && [topics, documents] == [together; 2], "{seen:?}");
    let mut feed = bob.resumes(&away);
    let last = ann.sends(&group, "the last").seq;
    loop {
        let frame = feed.next_of(&group);
        let text = frame.0.to_string();
        assert!(!canaries.iter().any(|it| text.contains(it)), "{text}");
        if frame.seq() == last {
            break;
        }
    }
    let bearer = format!("Bearer {}", owner.token);
    let headers = [("authorization", bearer.as_str())];
    let reply = owner.client.http.request("GET", "/audit.ndjson", &headers, b"");
    let exported = String::from_utf8(reply.expect("an answer").body).expect("text");
    assert!(exported.contains("GroupMessageRemoved"));
    assert!(!canaries.iter().any(|it| exported.contains(it)));
    world.restarts();
    let page = ann.sees(&group, "messages(first: 100) { nodes { text } }");
    assert_eq!(page["messages"]["nodes"], json!([{ "text": "the last" }]));
}

/// A search that finds nothing proves nothing.
#[test]
fn what_is_there_is_found_in_every_form() {
    let word = canary();
    let inside = [b"\"", word.as_bytes(), b"!\""].concat();
    let units: Vec<u16> = format!("a{word}b").encode_utf16().collect();
    let mut planted = vec![inside.clone()];
    planted.push(units.iter().flat_map(|it| it.to_le_bytes()).collect());
    planted.push(units.iter().flat_map(|it| it.to_be_bytes()).collect());
    for before in 0..3 {
        let bytes = [&b"xyz"[..before], &inside].concat();
        planted.push(STANDARD_NO_PAD.encode(&bytes).into_bytes());
        planted.push(URL_SAFE_NO_PAD.encode(&bytes).into_bytes());
    }
    for bytes in planted {
        assert!(holds(&bytes, &forms(WORD)), "{bytes:?}");
        assert!(!holds(&bytes, &forms("canarysword")));
    }
}

/// Sending takes no room among the keys, and deleting a bounded one.
#[test]
fn keys_grow_by_what_is_deleted_and_not_by_what_is_sent() {
    const SENT: u64 = 1_000_000;
    let mut tree = Tree::new([7; 32]);
    let before = tree.to_bytes().len();
    for leaf in (1..=SENT).step_by(1_000) {
        assert!(tree.leaf(leaf).is_some());
    }
    assert_eq!(tree.to_bytes().len(), before);
    let mut dice = Dice::new(30);
    let some: Vec<u64> = (0..1_000).map(|_| 1 + dice.number() % SENT).collect();
    some.iter().for_each(|it| tree.puncture(*it));
    let scattered = tree.to_bytes().len() - before;
    let mut dense = Tree::new([7; 32]);
    (1..=1_000).for_each(|it| dense.puncture(it));
    let together = dense.to_bytes().len() - before;
    eprintln!("keys: {before} bytes a conversation and author, with any number of messages");
    eprintln!("keys: {} bytes a deletion, of 1,000 among a million", scattered / 1_000);
    eprintln!("keys: {} bytes a deletion, of 1,000 in a row", together / 1_000);
    assert!(scattered / 1_000 < 16 * 15 * 41);
    assert!(together < scattered);
    assert_eq!(some.iter().filter_map(|it| tree.leaf(*it)).count(), 0);
}
