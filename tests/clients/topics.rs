//! Public topics, as a consumer of somebody else's making reads them.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::event_log::{self, Fold, Identity, Purpose};
use serde_json::{Value, json};
use tests::{Client, Http, Person, Processes, Program, fresh_id};

use super::{MESSAGES, python, run, sources};

/// An event's stream and its place there.
type Place = (String, u64);

fn place(event: &Value) -> Place {
    let stream = event["meta"]["stream_id"].as_str().expect("a stream").to_owned();
    (stream, event["meta"]["seq"].as_u64().expect("a number"))
}

/// What `parlance replay` gives: full name, fields and public bytes of each event.
fn replayed(processes: &Processes) -> BTreeMap<Place, (String, Value, Vec<u8>)> {
    let lines = processes.run(&["replay", "--format", "ndjson"]).stdout;
    let frames = processes.run(&["replay", "--format", "confluent"]).stdout;
    let mut frames = &frames[..];
    let mut events = BTreeMap::new();
    for line in String::from_utf8(lines).expect("text").lines() {
        let mut event: Value = serde_json::from_str(line).expect("a line is an event");
        let fields = event.as_object_mut().expect("an object");
        let name = fields.remove("event").expect("a name");
        for other in ["partition", "ordinal"] {
            fields.remove(other).expect("a number");
        }
        let (length, rest) = frames.split_first_chunk().expect("as many frames as lines");
        let (frame, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        frames = rest;
        let name = name.as_str().expect("text").to_owned();
        let known = events.insert(place(&event), (name, event, frame.to_vec()));
        assert!(known.is_none(), "replay repeats nothing");
    }
    assert!(frames.is_empty(), "as many lines as frames");
    events
}

/// Things that people do, on streams of every kind.
fn much_happens(ann: &Person, bob: &Person) -> String {
    let group = ann.creates_group("Lunch", &[bob]);
    let sent: Vec<_> = (0..10).map(|_| ann.sends(&group, "**hello** @bob")).collect();
    ann.edits(&sent[0].id, "goodbye");
    ann.deletes(&sent[1].id);
    bob.hides(&sent[2].id);
    bob.reads(&group, 9);
    ann.makes(&group, bob, "ADMIN").data();
    ann.opens_direct(bob);
    let open = bob.creates_open_group("Anyone");
    ann.joins(&open).data();
    bob.removes(&open, ann).data();
    bob.on_another_device();
    bob.leaves(&group).data();
    group
}

/// Keeps an older checkpoint for each partition, as a node does that was cut off from the others.
fn all_is_to_be_published_again(processes: &Processes) {
    let address = processes.servers.kafka().address(Processes::PREFIX);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let kinds = chat::kernel::StreamId::KINDS;
        let born = Identity::new(ports::PARTITIONS, &ports::entropy::System);
        let log = event_log::connect(&address, &born, Purpose::Read).await.expect("the log");
        let late = ports::publication::connect(&address, kinds, &log.identity()).await;
        let late = late.expect("public topics");
        for partition in 0..ports::PARTITIONS {
            let kept = late.publish(partition, Vec::new(), Fold::default()).await;
            kept.expect("a kept checkpoint");
        }
    });
}

/// A number that a process shows to operators.
fn metric(program: &Program, name: &str) -> f64 {
    let metrics = Http::new(program.address).request("GET", "/metrics", &[], b"");
    let metrics = String::from_utf8(metrics.expect("an answer").body).expect("text");
    let number = metrics.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
    number.expect("a metric").parse().expect("a number")
}

#[test]
fn an_unmodified_consumer_reads_every_accepted_event_from_the_public_topics() {
    let python = python();
    let processes = Processes::new();
    let _commands = processes.start("command-api");
    let first = processes.start("projectors");
    let queries = processes.start("query-api");
    let client = Arc::new(Client::new(Http::new(queries.address)));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = much_happens(&ann, &bob);
    let (told, acknowledged) = std::sync::mpsc::channel();
    let projectors = std::thread::scope(|scope| {
        let (ann, group) = (&ann, &group);
        scope.spawn(move || {
            for _ in 0..MESSAGES {
                let id = fresh_id();
                while ann.tries_hard_to_send(group, &id, "on and on").is_err() {}
                let _ = told.send(());
            }
        });
        // The only one who publishes dies while there is much to publish, and another follows.
        acknowledged.iter().take(MESSAGES / 4).for_each(drop);
        first.kill();
        processes.start("projectors")
    });
    let expected = replayed(&processes);
    projectors.terminate();
    all_is_to_be_published_again(&processes);
    let projectors = processes.start("projectors");
    while metric(&projectors, "parlance_events_published_total") < expected.len() as f64 {}
    let kinds = ["account", "conversation", "name"];
    let topics = kinds.map(|it| format!("{}.{it}-events.v1", Processes::PREFIX));
    let mut consume = Command::new(python);
    consume.arg(sources().join("consume.py")).arg(processes.servers.kafka().hosts());
    consume.arg(queries.address.to_string()).arg(expected.len().to_string()).args(&topics);
    let output = String::from_utf8(run(&mut consume).stdout).expect("text");
    let mut heads: BTreeMap<String, (u64, Value, Value)> = BTreeMap::new();
    let mut repeats = 0;
    for line in output.lines() {
        let record: Value = serde_json::from_str(line).expect("a line is a record");
        let at = place(&record["event"]);
        let (name, event, bytes) = &expected[&at];
        assert_eq!(record["event"], *event);
        assert_eq!(record["headers"], json!({ "event": name }));
        assert_eq!(record["bytes"], STANDARD.encode(bytes));
        assert_eq!(record["key"], at.0.as_str());
        let (topic, partition) = (record["topic"].clone(), record["partition"].clone());
        let head = heads.entry(at.0).or_insert((0, topic.clone(), partition.clone()));
        assert_eq!((&head.1, &head.2), (&topic, &partition), "a stream has one place");
        if at.1 <= head.0 {
            repeats += 1;
            continue;
        }
        assert_eq!(at.1, head.0 + 1, "a reader who knows the last seq has all before it");
        head.0 = at.1;
    }
    let read: u64 = heads.values().map(|it| it.0).sum();
    assert_eq!(read, expected.len() as u64);
    for topic in &topics {
        assert!(heads.values().any(|it| it.1 == topic.as_str()), "{topic} is empty");
    }
    assert!(repeats >= expected.len(), "{repeats} repeats");
    assert!(metric(&projectors, "parlance_publication_lag_records") < 1.0);
}
