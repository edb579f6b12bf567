//! What consumers of the public topics have after every fault: each accepted event, none before
//! one that stands before it in its stream.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use chat::kernel::StreamId;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::{Message, Offset, TopicPartitionList};
use serde_json::Value;
use tests::Stand;

use crate::load::until;

/// The bytes of the events of each stream, in order.
type Streams = BTreeMap<String, Vec<Vec<u8>>>;

/// Checks the topics while the nodes run and nobody sends any more.
pub(crate) fn check(stand: &Stand) {
    let accepted = replayed(stand);
    let all: usize = accepted.values().map(Vec::len).sum();
    until(60.0, "all events to be published", || {
        let (published, repeats) = consumed(stand);
        let whole = published == accepted;
        if whole {
            eprintln!("public topics: {all} events, {repeats} repeats");
        }
        whole
    });
}

fn replayed(stand: &Stand) -> Streams {
    let lines = stand.asks(&["replay", "--format", "ndjson"]);
    let frames = stand.tells(&["replay", "--format", "confluent"]);
    let mut frames = &frames[..];
    let mut streams = Streams::new();
    for line in lines.lines() {
        let event: Value = serde_json::from_str(line).expect("a line is an event");
        let stream = event["meta"]["stream_id"].as_str().expect("a stream");
        let (length, rest) = frames.split_first_chunk().expect("as many frames as lines");
        let (frame, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        frames = rest;
        streams.entry(stream.to_owned()).or_default().push(frame.to_vec());
    }
    streams
}

/// The first copy of each event in the order in which they came, and how many came again.
fn consumed(stand: &Stand) -> (Streams, usize) {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", stand.brokers.hosts());
    config.set("group.id", "nobody").set("enable.partition.eof", "true");
    let consumer: BaseConsumer = config.create().expect("a consumer");
    let mut all = TopicPartitionList::new();
    for kind in StreamId::KINDS {
        for partition in 0..stand.partitions {
            let topic = stand.topic(&format!("{kind}-events.v1"));
            all.add_partition_offset(&topic, partition.into(), Offset::Beginning)
                .expect("a place to start at");
        }
    }
    consumer.assign(&all).expect("an assignment");
    let (mut ends, mut repeats) = (0, 0);
    let (mut streams, mut known) = (Streams::new(), HashSet::new());
    while ends < all.count() {
        match consumer.poll(Duration::from_secs(30)).expect("a record or an end") {
            Ok(record) => {
                let key = record.key().map(String::from_utf8_lossy).expect("a key").into_owned();
                let bytes = record.payload().expect("an event").to_vec();
                match known.insert(bytes.clone()) {
                    true => streams.entry(key).or_default().push(bytes),
                    false => repeats += 1,
                }
            }
            Err(KafkaError::PartitionEOF(_)) => ends += 1,
            Err(error) => eprintln!("{error}"),
        }
    }
    (streams, repeats)
}
