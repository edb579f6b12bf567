//! What must be so at the end, as operators see it: the log is whole, what zombies appended is in
//! it and ignored, and documents that were lost altogether are folded again to the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;
use tests::Stand;

use crate::load::{GROUPS, Load};
use crate::public;

/// Checks the log and the documents; nobody sends any more. `before` is a position from before the
/// first fault.
pub(crate) fn check(stand: &mut Stand, load: &Load, before: &str) {
    replayed(stand, load);
    public::check(stand);
    for node in 0..stand.nodes.len() {
        stand.terminate(node);
    }
    let verified: Value = serde_json::from_str(&stand.asks(&["verify", "--json"])).expect("JSON");
    eprintln!("verify: {verified}");
    let hash = stand.asks(&["state-hash"]);
    stand.mongo.kill();
    stand.mongo.wipe();
    stand.mongo.start_again();
    let rebuilt = stand.asks(&["rebuild", "--all"]);
    assert_eq!(stand.asks(&["state-hash"]), hash, "rebuilt-is-live");
    eprintln!("all documents lost, rebuilt: {}", rebuilt.trim());
    for node in 0..stand.nodes.len() {
        stand.start_again(node);
    }
    resumes(load, before);
}

/// Replay shows every acknowledged message once, in streams without a hole, and nothing of a
/// zombie.
fn replayed(stand: &Stand, load: &Load) {
    let mut seqs: BTreeMap<String, u64> = BTreeMap::new();
    let mut sent: BTreeSet<String> = BTreeSet::new();
    for line in stand.asks(&["replay", "--format", "ndjson"]).lines() {
        let event: Value = serde_json::from_str(line).expect("a line is JSON");
        let stream = event["meta"]["stream_id"].as_str().expect("a stream").to_owned();
        let seq = event["meta"]["seq"].as_u64().expect("a seq");
        let last = seqs.entry(stream).or_default();
        assert_eq!(seq, *last + 1, "dense-and-ordered: {event}");
        *last = seq;
        if event["event"].as_str().is_some_and(|it| it.ends_with(".MessageSent")) {
            let id = event["message_id"].as_str().expect("an id").to_owned();
            assert!(sent.insert(id), "twice: {event}");
        }
    }
    for group in 0..GROUPS {
        for (id, _) in load.acknowledged(group, 0).values() {
            assert!(sent.remove(id), "acknowledged-is-recorded: {id}");
        }
    }
    assert_eq!(sent.len(), GROUPS, "what nobody was told of is the first message of each group");
}

/// An old position still leads to everything after it.
fn resumes(load: &Load, before: &str) {
    let (person, group) = (&load.people[0], &load.groups[0]);
    let last = person.sends(group, "the end");
    let mut after = before.to_owned();
    let mut seq = None;
    while seq != Some(last.seq) {
        let mut feed = person.resumes(&after);
        while let Some(frame) = feed.try_next() {
            if frame.conversation() == group {
                assert!(seq.is_none_or(|it| it == frame.previous_seq()), "{}", frame.0);
                seq = Some(frame.seq());
            }
            after = frame.position().to_owned();
            if seq == Some(last.seq) {
                break;
            }
        }
    }
}
