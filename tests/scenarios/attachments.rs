//! Attachments: files in messages, loaded by whoever may read them and for as long as they may.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tests::canary::{forms, holds};
use tests::files::sha256;
use tests::{Dice, Person, World, fresh_id, until};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Longer than files are kept after the message that held them was deleted.
const RELEASED: Duration = Duration::from_secs(61);

fn deletes(person: &Person, message: &str) {
    let input = json!({ "messageId": message, "forEveryone": true });
    person.does("deleteMessage", input, "position");
}

fn forwards(person: &Person, message: &str, to: &str) -> tests::Answer {
    let input = json!({ "conversationId": to, "messageIds": [message] });
    person.tries("forwardMessages", input, "messages { id }")
}

/// The contents of the files of a message as somebody loads them.
fn loads(person: &Person, message: &str) -> Vec<Vec<u8>> {
    let links = person.attached_links(message);
    let links = links.into_iter().map(|it| it.expect("a link"));
    links.map(|it| person.follows(&it, &[]).body).collect()
}

#[test]
fn an_album_arrives_in_one_frame_and_is_loaded_by_every_member() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let mut feed = bob.hears(
        "viewerUnreadCount change { ... on Message { text content { \
         ... on Attachments { attachments { kind file { name url } } } } } }",
    );
    let files = ["one.png", "two.mp4"].map(|it| ann.uploads(it, "image/png", it.as_bytes()));
    let kinds = [(&*files[0], "PHOTO"), (&*files[1], "VIDEO")];
    let message = ann.attaches(&group, &kinds, json!({ "text": "**cats**" }));
    let frame = feed.expect_for("own", "next")["payload"]["data"]["updates"].clone();
    assert_eq!(
        (&frame["viewerUnreadCount"], &frame["change"]["text"]),
        (&json!(1), &json!("cats"))
    );
    let told = |kind, name| json!({ "kind": kind, "file": { "name": name, "url": null } });
    let all = json!([told("PHOTO", "one.png"), told("VIDEO", "two.mp4")]);
    assert_eq!(frame["change"]["content"]["attachments"], all);
    for person in [&ann, &bob] {
        assert_eq!(loads(person, &message), [b"one.png", b"two.mp4"]);
    }
    let link = bob.attached_links(&message)[0].clone().expect("a link");
    assert_eq!(eve.follows(&link.replace(&bob.id, &eve.id), &[]).status, 404);
    let query = "query($id: ID!) { message(id: $id) { id } }";
    assert_eq!(eve.asks(query, json!({ "id": message })).data()["message"], Value::Null);
    assert_eq!(bob.file(&files[0]), Value::Null, "it is its owner's alone but for the message");
}

#[test]
fn the_same_request_again_is_the_same_message() {
    let world = World::new();
    let ([ann, _bob], group) = world.group("Lunch", ["ann", "bob"]);
    let file = ann.uploads("a.txt", "text/plain", b"text");
    let again = || ann.attaches(&group, &[(&file, "DOCUMENT")], json!({ "clientId": ID }));
    assert_eq!(again(), again());
    let ids: Vec<_> = ann.all_messages(&group).into_values().collect();
    assert_eq!(ids.len(), 1);
}

/// The id of one command.
const ID: &str = "019ac000-0000-7000-8000-000000000001";

#[test]
fn whoever_was_removed_or_signed_out_loads_nothing_a_minute_later() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let file = ann.uploads("a.txt", "text/plain", b"text");
    let message = ann.attaches(&group, &[(&file, "DOCUMENT")], json!({}));
    let phone = bob.on_another_device();
    let links = [&bob, &phone].map(|it| it.attached_links(&message)[0].clone().expect("a link"));
    phone.does("signOut", json!({}), "sessionId");
    let status = |link: &str| bob.follows(link, &[]).status;
    assert_eq!((status(&links[0]), status(&links[1])), (200, 404));
    let input = json!({ "conversationId": group, "accountId": bob.id });
    ann.does("removeMember", input, "position");
    let query = "query($id: ID!) { message(id: $id) { id } }";
    assert_eq!(bob.asks(query, json!({ "id": message })).data()["message"], Value::Null);
    world.passes(Duration::from_secs(51));
    assert_eq!(status(&links[0]), 404);
}

#[test]
fn what_is_used_stays_and_what_nothing_uses_any_more_leaves_no_blob() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let other = bob.creates_group("Other", &[]);
    let file = ann.uploads("a.txt", "text/plain", b"text");
    let message = ann.attaches(&group, &[(&file, "DOCUMENT")], json!({}));
    world.passes(DAY * 2);
    let [ann, bob] = [ann, bob].map(|it| it.on_another_device());
    assert_eq!(loads(&bob, &message), [b"text"]);
    until("it is said to go", || ann.file(&file)["until"].is_null());
    let sent_on = forwards(&bob, &message, &other).data()["forwardMessages"]["messages"].clone();
    let sent_on = sent_on[0]["id"].as_str().expect("an id").to_owned();
    deletes(&ann, &message);
    assert_eq!(ann.attached(&message), Value::Null);
    world.passes(RELEASED);
    assert_eq!(loads(&bob, &sent_on), [b"text"]);
    assert_eq!(ann.attached(&sent_on), Value::Null, "she is not there");
    assert_eq!(ann.file(&file)["until"], Value::Null);
    deletes(&bob, &sent_on);
    world.passes_until_gone(&file);
    assert_eq!(ann.storage(), (0, 0, 0));
}

#[test]
fn what_a_moderator_removed_comes_back_with_its_files() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let file = bob.uploads("a.txt", "text/plain", b"text");
    let message = bob.attaches(&group, &[(&file, "DOCUMENT")], json!({}));
    deletes(&ann, &message);
    assert_eq!(bob.attached(&message), Value::Null);
    world.passes(RELEASED);
    let input = json!({ "conversationId": group, "messageIds": [message] });
    ann.does("restoreMessages", input, "position");
    assert_eq!(loads(&bob, &message), [b"text"]);
    deletes(&ann, &message);
    world.passes(DAY);
    world.passes_until_gone(&file);
}

#[test]
fn what_is_said_beside_files_is_edited_and_sent_on_with_them() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let file = ann.uploads("a.txt", "text/plain", b"text");
    let message = ann.attaches(&group, &[(&file, "DOCUMENT")], json!({ "text": "first" }));
    ann.edits(&message, "second");
    assert_eq!(loads(&bob, &message), [b"text"]);
    let saved = bob.opens_direct(&bob);
    let sent_on = forwards(&bob, &message, &saved).data()["forwardMessages"]["messages"].clone();
    let sent_on = sent_on[0]["id"].as_str().expect("an id");
    assert_eq!(bob.sees_message(sent_on, "text")["text"], "second");
    assert_eq!(loads(&bob, sent_on), [b"text"]);
}

#[test]
fn what_is_opened_once_is_gone_for_both_soon_after() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    let file = ann.uploads("a.png", "image/png", b"secret");
    let message = ann.attaches(&direct, &[(&file, "PHOTO")], json!({ "viewOnce": true }));
    for person in [&ann, &bob] {
        assert_eq!(person.attached_links(&message), [None]);
        let seen = person.attached(&message);
        assert_eq!((&seen["viewOnce"], &seen["opened"]), (&json!(true), &json!(false)));
    }
    let input = |id: &str| json!({ "clientId": id, "messageId": message });
    let wanted = "attachments { file { url } }";
    let opens = |who: &Person, id: &str| who.tries("openAttachment", input(id), wanted);
    assert_eq!(opens(&ann, &fresh_id()).code(), "ATTACHMENTS_NOT_VIEW_ONCE");
    let id = fresh_id();
    let link = |it: &tests::Answer| {
        let it = &it.data()["openAttachment"]["attachments"][0]["file"]["url"];
        it.as_str().expect("a link").to_owned()
    };
    let opened = opens(&bob, &id);
    assert_eq!(bob.follows(&link(&opened), &[]).body, b"secret");
    assert_eq!(
        bob.follows(&link(&opens(&bob, &id)), &[]).body,
        b"secret",
        "it is the same command"
    );
    assert_eq!(opens(&bob, &fresh_id()).code(), "ATTACHMENTS_OPENED");
    assert_eq!(
        (ann.attached(&message)["opened"].clone(), bob.attached_links(&message)),
        (json!(true), vec![None])
    );
    let saved = bob.opens_direct(&bob);
    assert_eq!(forwards(&bob, &message, &saved).code(), "FORWARDS_VIEW_ONCE");
    world.passes(Duration::from_secs(60));
    for person in [&ann, &bob] {
        assert_eq!(person.attached(&message), Value::Null);
    }
    assert_eq!(bob.follows(&link(&opened), &[]).status, 404);
    world.passes_until_gone(&file);
}

/// Whatever people do with their files, and though the server stops in between: in the end those
/// blobs are stored whose files a message holds that is there, and no others; and what somebody has
/// uploaded several times is one.
#[test]
fn stored_blobs_are_those_of_files_that_messages_hold() {
    let mut world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut dice = Dice::new(11);
    let mut held: BTreeMap<String, u32> = BTreeMap::new();
    let mut alike: BTreeMap<(usize, usize), Vec<String>> = BTreeMap::new();
    let mut messages: Vec<(usize, String, String)> = Vec::new();
    let mut deleted: Vec<(usize, String)> = Vec::new();
    for step in 0..60 {
        let who = dice.below(2);
        let person = [&ann, &bob][who];
        match dice.below(5) {
            0 | 1 => {
                let contents = dice.below(4);
                let text = format!("text {contents}");
                let file = person.uploads(&format!("{step}.txt"), "text/plain", text.as_bytes());
                alike.entry((who, contents)).or_default().push(file.clone());
                if dice.below(3) > 0 {
                    let kinds = [(&*file, "DOCUMENT")];
                    let more = json!({ "expiresIn": (dice.below(3) == 0).then_some(3_600) });
                    let lasting = more["expiresIn"].is_null();
                    let message = person.attaches(&group, &kinds, more);
                    held.insert(file.clone(), u32::from(lasting));
                    if lasting {
                        messages.push((who, message, file));
                    }
                } else {
                    held.insert(file, 0);
                }
            }
            2 if !messages.is_empty() => {
                let (author, message, file) = messages[dice.below(messages.len())].clone();
                // What somebody keeps for themselves nobody else sees.
                let person = [&ann, &bob][author];
                let to = person.opens_direct(person);
                let answer = forwards(person, &message, &to);
                let sent = answer.data()["forwardMessages"]["messages"][0]["id"].clone();
                *held.get_mut(&file).expect("a file") += 1;
                messages.push((author, sent.as_str().expect("an id").to_owned(), file));
            }
            3 if !messages.is_empty() => {
                let (author, message, file) = messages.swap_remove(dice.below(messages.len()));
                deletes([&ann, &bob][author], &message);
                *held.get_mut(&file).expect("a file") -= 1;
                deleted.push((author, file));
            }
            4 if step % 20 == 19 => world.restarts(),
            _ => (),
        }
    }
    // What was deleted is over before a day passes at once: a file ends a minute after its release
    // began, which must be noted by then.
    for (author, file) in deleted.iter().filter(|(_, file)| held[file] == 0) {
        world.passes_until_over(&[&ann, &bob][*author].on_another_device(), file);
    }
    world.passes(DAY + Duration::from_secs(3_600));
    let gone: Vec<_> = held.iter().filter(|(_, uses)| **uses == 0).map(|(it, _)| it).collect();
    assert!(!gone.is_empty() && gone.len() < held.len(), "{held:?}");
    let people = [&ann, &bob];
    let is_gone = |it: &String| held[it] == 0;
    assert!(alike.values().any(|it| it.iter().any(is_gone) && !it.iter().all(is_gone)));
    for ((who, _), files) in &alike {
        let over = files.iter().filter(|it| is_gone(it));
        over.for_each(|it| world.passes_until_over(&people[*who].on_another_device(), it));
        world.waits_for_blobs_of(files, usize::from(!files.iter().all(is_gone)));
    }
    let storage: u64 = people.iter().map(|it| it.on_another_device().storage().1).sum();
    assert_eq!(storage, (held.len() - gone.len()) as u64);
}

#[test]
fn nothing_that_is_stored_holds_what_was_said_beside_or_inside_of_files() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let canary = |it: &str| format!("canaryword{it}{}", fresh_id().replace('-', "x"));
    let [name, inside, beside] = ["n", "i", "b"].map(canary);
    let file = ann.uploads(&format!("{name}.txt"), "text/plain", inside.as_bytes());
    let message = ann.attaches(&group, &[(&file, "DOCUMENT")], json!({ "text": beside }));
    assert_eq!(sha256(&loads(&bob, &message)[0]), sha256(inside.as_bytes()));
    let found = |word: &str| {
        let forms = forms(word);
        let stored = world.stored();
        let found = stored.iter().filter(|(_, it)| holds(it, &forms));
        found.map(|it| it.0.display().to_string()).collect::<Vec<_>>()
    };
    let all = [&name, &inside, &beside, &sha256(inside.as_bytes())];
    assert_eq!(all.map(|it| found(it)), [const { Vec::<String>::new() }; 4]);
}
