//! Versions: a newer file takes the place of one in a message, and earlier ones are looked at by
//! whoever may see what the message said before.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tests::files::Shown;
use tests::{Dice, Person, Socket, World, fresh_id};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Longer than files are kept after the message that held them was deleted.
const RELEASED: Duration = Duration::from_secs(61);

/// Which versions the files of a message are, and since when, as somebody sees it.
const SHOWN: &str = "editedAt content { ... on Attachments { \
                     attachments { kind version replacedAt file { name } } } }";

/// The contents of the files of a message as somebody loads them.
fn loads(person: &Person, message: &str) -> Vec<Vec<u8>> {
    let links = person.attached_links(message).into_iter();
    links.map(|it| person.follows(&it.expect("a link"), &[]).body).collect()
}

fn uploads(person: &Person, contents: &str) -> String {
    person.uploads(&format!("{contents}.txt"), "text/plain", contents.as_bytes())
}

/// What was said and shown after each edit.
fn history(all: &[(&str, &str, &[&str])]) -> Option<Vec<Shown>> {
    let bytes = |all: &[&str]| all.iter().map(|it| it.as_bytes().to_vec()).collect();
    let version = |it: &(&str, &str, &[&str])| (it.0.to_owned(), it.1.to_owned(), bytes(it.2));
    Some(all.iter().map(version).collect())
}

/// The next frame that somebody hears, and what it is of.
fn heard(feed: &mut Socket) -> (Value, Value) {
    let frame = feed.expect_for("own", "next")["payload"]["data"]["updates"].clone();
    (frame["eventName"].clone(), frame)
}

#[test]
fn a_newer_file_is_everybodys_and_the_earlier_one_is_in_the_history() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let selection =
        format!("eventName viewerUnreadCount change {{ ... on Message {{ id {SHOWN} }} }}");
    let mut feed = bob.hears(&selection);
    let [one, two, other] = ["one", "two", "other"].map(|it| uploads(&ann, it));
    let files = [(&*other, "DOCUMENT"), (&*one, "DOCUMENT")];
    let message = ann.attaches(&group, &files, json!({ "text": "the plan" }));
    assert_eq!(heard(&mut feed).0, "MessageSent");
    let at = (group.as_str(), message.as_str());
    let replaced = ann.replaces(at, &one, &two);
    assert_eq!(replaced["text"], "the plan");
    let (event, frame) = heard(&mut feed);
    assert_eq!((event, &frame["viewerUnreadCount"]), (json!("AttachmentReplaced"), &json!(1)));
    let (change, at_last) = (&frame["change"], &replaced["editedAt"]);
    assert_eq!((&change["id"], &change["editedAt"]), (&json!(message), at_last));
    let kept = json!({ "kind": "DOCUMENT", "version": 1, "replacedAt": null,
        "file": { "name": "other.txt" } });
    let newer = json!({ "kind": "DOCUMENT", "version": 2, "replacedAt": at_last,
        "file": { "name": "two.txt" } });
    assert_eq!(change["content"]["attachments"], json!([kept, newer]));
    assert_eq!(bob.unread(&group), 1);
    for person in [&ann, &bob] {
        assert_eq!(loads(person, &message), [b"other".to_vec(), b"two".to_vec()]);
    }
    ann.edits(&message, "the new plan");
    let three = uploads(&ann, "three");
    ann.replaces(at, &two, &three);
    let before = history(&[
        ("0", "the plan", &["other", "one"]),
        ("1", "the plan", &["other", "two"]),
        ("2", "the new plan", &["other", "two"]),
        ("3", "the new plan", &["other", "three"]),
    ]);
    assert_eq!((bob.history(&message), ann.history(&message)), (before.clone(), before));
    let fields = "versions(after: 2) { revision text attachments { version replacedAt } }";
    let versions = bob.sees_message(&message, fields)["versions"].clone();
    assert_eq!(versions.as_array().map(Vec::len), Some(1));
    let attachments = &versions[0]["attachments"];
    assert_eq!((&attachments[0]["version"], &attachments[1]["version"]), (&json!(1), &json!(3)));
    assert_eq!(versions[0]["text"], "the new plan");
    let text = ann.sends(&group, "hello").id;
    let fields = "versions { attachments { version } }";
    assert_eq!(bob.sees_message(&text, fields)["versions"], json!([{ "attachments": [] }]));
}

#[test]
fn the_same_request_again_is_the_same_version_and_others_are_refused() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let [one, two, three] = ["one", "two", "three"].map(|it| uploads(&ann, it));
    let message = ann.attaches(&group, &[(&one, "DOCUMENT")], json!({}));
    let id = fresh_id();
    let again = |new: &str| {
        let input = json!({ "clientId": id, "conversationId": group, "messageId": message,
            "fileId": one, "newFileId": new });
        ann.tries("replaceAttachment", input, "position")
    };
    assert_eq!(again(&two).data(), again(&two).data());
    assert_eq!(again(&three).code(), "IDEMPOTENCY_MISMATCH");
    let at = (group.as_str(), message.as_str());
    let code = |who: &Person, file: &str, new: &str| {
        who.tries_to_replace(at, (file, new), "position").code().to_owned()
    };
    assert_eq!(code(&ann, &one, &three), "ATTACHMENTS_NOT_HELD", "it was replaced");
    assert_eq!(code(&ann, &two, &two), "ATTACHMENTS_REPEATED");
    let his = uploads(&bob, "his");
    assert_eq!(code(&ann, &two, &his), "ATTACHMENTS_FILE_NOT_FOUND");
    assert_eq!(code(&bob, &two, &his), "MESSAGES_NOT_AUTHOR");
    let eve = world.person("eve");
    assert_eq!(code(&eve, &two, &uploads(&eve, "hers")), "NOT_FOUND");
    let policy = json!({ "conversationId": group, "minutes": 0, "historyVisible": true });
    ann.does("setEditPolicy", policy, "position");
    assert_eq!(code(&ann, &two, &three), "MESSAGES_TOO_LATE");
    assert_eq!(loads(&bob, &message), [b"two"]);
}

#[test]
fn who_may_not_see_the_history_is_given_no_earlier_file() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let [one, two] = ["one", "two"].map(|it| uploads(&bob, it));
    let message = bob.attaches(&group, &[(&one, "DOCUMENT")], json!({ "text": "plan" }));
    let saved = cat.opens_direct(&cat);
    let forward = |conversation: &str| {
        let input = json!({ "conversationId": conversation, "messageIds": [message] });
        let sent = cat.does("forwardMessages", input, "messages { id }");
        sent["messages"][0]["id"].as_str().expect("an id").to_owned()
    };
    let before = forward(&saved);
    bob.replaces((&group, &message), &one, &two);
    let all = history(&[("0", "plan", &["one"]), ("1", "plan", &["two"])]);
    let link = "versions { attachments { file { url } } }";
    let link = cat.sees_message(&message, link)["versions"][0]["attachments"][0].clone();
    let link = link["file"]["url"].as_str().expect("a link").to_owned();
    let policy = json!({ "conversationId": group, "minutes": null, "historyVisible": false });
    ann.does("setEditPolicy", policy, "position");
    // The owner manages the group, Bob is the author.
    for (who, seen) in [(&ann, &all), (&bob, &all), (&cat, &None)] {
        assert_eq!((&who.history(&message), loads(who, &message)), (seen, vec![b"two".to_vec()]));
    }
    world.passes(Duration::from_secs(51));
    assert_eq!(cat.follows(&link, &[]).status, 404);
    // What was sent on before is what was sent on, and what is sent on now is what is shown.
    let cat = cat.on_another_device();
    let after = forward(&saved);
    assert_eq!(
        (loads(&cat, &before), loads(&cat, &after)),
        (vec![b"one".to_vec()], vec![b"two".to_vec()])
    );
    assert_eq!(cat.history(&after), history(&[("0", "plan", &["two"])]));
    let policy = json!({ "conversationId": group, "minutes": null, "historyVisible": true });
    ann.on_another_device().does("setEditPolicy", policy, "position");
    assert_eq!(cat.history(&message), all);
    let input = json!({ "conversationId": group, "accountId": cat.id });
    ann.on_another_device().does("removeMember", input, "position");
    assert_eq!(cat.sees_message(&message, "versions { text }"), Value::Null);
}

#[test]
fn every_version_counts_for_its_owner_until_the_message_ends() {
    let world = World::with(|it| it.account_storage_bytes_max = 8);
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let [one, two] = ["one!", "two!"].map(|it| ann.uploads(it, "text/plain", it.as_bytes()));
    let message = ann.attaches(&group, &[(&one, "DOCUMENT")], json!({}));
    ann.replaces((&group, &message), &one, &two);
    world.passes(DAY * 2);
    let [ann, bob] = [ann, bob].map(|it| it.on_another_device());
    let all = history(&[("0", "", &["one!"]), ("1", "", &["two!"])]);
    assert_eq!((bob.history(&message), ann.storage()), (all, (8, 2, 0)));
    let full = ann.tries_to_upload("3", "", b"3");
    assert_eq!(full.json()["code"], "FILES_STORAGE_FULL");
    ann.deletes(&message);
    assert_eq!((bob.history(&message), bob.attached(&message)), (Some(vec![]), Value::Null));
    world.passes(RELEASED);
    [&one, &two].iter().for_each(|it| world.passes_until_gone(it));
    assert_eq!(ann.on_another_device().storage(), (0, 0, 0));
}

#[test]
fn what_a_moderator_removed_comes_back_with_every_version() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let [one, two] = ["one", "two"].map(|it| uploads(&bob, it));
    let message = bob.attaches(&group, &[(&one, "DOCUMENT")], json!({ "text": "plan" }));
    bob.replaces((&group, &message), &one, &two);
    ann.deletes(&message);
    assert_eq!((bob.history(&message), ann.history(&message)), (Some(vec![]), Some(vec![])));
    world.passes(RELEASED);
    let input = json!({ "conversationId": group, "messageIds": [message] });
    ann.does("restoreMessages", input, "position");
    let all = history(&[("0", "plan", &["one"]), ("1", "plan", &["two"])]);
    assert_eq!((bob.history(&message), loads(&ann, &message)), (all, vec![b"two".to_vec()]));
    ann.deletes(&message);
    world.passes(DAY);
    [&one, &two].iter().for_each(|it| world.passes_until_gone(it));
}

/// Whatever is sent, replaced and deleted, and though the server stops in between: those files are
/// there that a message holds, whichever version they are, and no others.
#[test]
fn what_is_stored_is_what_messages_hold() {
    let mut world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut dice = Dice::new(5);
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut gone: Vec<String> = Vec::new();
    for step in 0..40 {
        let ids: Vec<String> = messages.keys().cloned().collect();
        let some = (!ids.is_empty()).then(|| ids[dice.below(ids.len().max(1))].clone());
        match (dice.below(6), some) {
            (0 | 1, _) | (_, None) => {
                let file = uploads(&ann, &format!("{step}"));
                let message = ann.attaches(&group, &[(&file, "DOCUMENT")], json!({}));
                messages.insert(message, vec![file]);
            }
            (2..=4, Some(message)) => {
                let held = messages.get_mut(&message).expect("a message");
                let shown = held.last().expect("a file").clone();
                let newer = uploads(&ann, &format!("{step}"));
                ann.replaces((&group, &message), &shown, &newer);
                held.push(newer);
            }
            (_, Some(message)) => {
                ann.deletes(&message);
                gone.extend(messages.remove(&message).expect("a message"));
            }
        }
        if step % 20 == 19 {
            world.restarts();
        }
    }
    let both = !gone.is_empty() && messages.values().any(|it| it.len() > 1);
    assert!(both, "{messages:?} {gone:?}");
    gone.iter().for_each(|it| world.passes_until_over(&ann.on_another_device(), it));
    world.passes(DAY + Duration::from_secs(3_600));
    gone.iter().for_each(|it| world.passes_until_gone(it));
    let bob = bob.on_another_device();
    for (message, files) in &messages {
        assert_eq!(bob.history(message).map(|it| it.len()), Some(files.len()));
        files.iter().for_each(|it| world.waits_for_blobs(it, 1));
    }
}
