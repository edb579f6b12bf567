//! Public topics on a real Kafka: whoever reads them from the beginning and drops repeats has
//! everything in order, whatever becomes of those who publish.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use libtest_mimic::Trial;
use ports::event_log::{Fold, Identity};
use ports::publication::{self, Event, Publication};
use ports::{Address, Error, ErrorKind};
use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::message::{Headers, Message};
use rdkafka::producer::{FutureProducer, FutureRecord};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tests::Dice;
use tests::servers::Servers;
use tests::servers::kafka::Kafka;

use crate::event_log::PARTITIONS;
use crate::kafka::{admin, delete, make};
use crate::trial;

const KINDS: &[&str] = &["account", "conversation"];

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let shared = |name, run: fn(Arc<Servers>) -> BoxFuture<'static, ()>| {
        let servers = Arc::clone(servers);
        trial("publication::kafka", name, move |_| run(servers))
    };
    vec![
        shared("events_are_read_as_published", |it| read_back(it).boxed()),
        shared("who_comes_next_goes_on_from_the_checkpoint", |it| resumed(it).boxed()),
        shared("a_topic_that_loses_events_is_refused", |it| refused(it).boxed()),
        shared("a_topic_that_was_made_anew_is_filled_from_the_beginning", |it| anew(it).boxed()),
        shared("two_who_publish_at_once_only_repeat", |it| two(it).boxed()),
        shared("nothing_stands_before_an_event_that_was_refused", |it| refusing(it).boxed()),
        shared("who_is_cut_off_anywhere_leaves_no_gap", |it| cut_off(it).boxed()),
        shared("a_broker_that_is_away_is_waited_for", |_| away().boxed()),
    ]
}

async fn connect(address: &Address) -> Result<Arc<dyn Publication>, Error> {
    publication::connect(address, KINDS, &identity()).await
}

fn identity() -> Identity {
    Identity { log: [7; 16], epoch: 0, partitions: PARTITIONS, restores: Arc::new([]) }
}

fn event(kind: &'static str, number: u64) -> Event {
    let bytes = number.to_string().into_bytes();
    Event { kind, stream: format!("{kind}_1"), name: "chat.tests.Numbered", bytes }
}

/// Events that alternate between the topics.
fn events(numbers: std::ops::Range<u64>) -> Vec<Event> {
    numbers.map(|it| event(KINDS[(it % 2) as usize], it)).collect()
}

/// The checkpoint after that many events.
fn after(ordinal: u64) -> Fold {
    Fold { ordinal, pos: ordinal, ..Fold::default() }
}

/// A record as a reader sees it: key, name, number.
type Read = (String, String, u64);

/// All records of a partition of a topic.
fn read(kafka: &Kafka, topic: &str, partition: i32) -> Vec<Read> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.hosts()).set("group.id", "reader");
    let reader: BaseConsumer = config.create().expect("a client");
    let patience = Duration::from_secs(20);
    let (_, end) = reader.fetch_watermarks(topic, partition, patience).expect("an answer");
    let mut from = TopicPartitionList::new();
    from.add_partition_offset(topic, partition, Offset::Beginning).expect("a place");
    reader.assign(&from).expect("an assignment");
    let mut records = Vec::new();
    while records.len() < usize::try_from(end).expect("a count") {
        let record = reader.poll(patience).expect("a record").expect("no failure");
        let text = |it: &[u8]| String::from_utf8(it.to_vec()).expect("text");
        let headers = record.headers().expect("headers");
        assert_eq!((headers.count(), headers.get(0).key), (1, "event"));
        let name = text(headers.get(0).value.expect("a name"));
        let payload = record.payload().expect("bytes");
        let number = payload.split(|it| *it == b' ').next().expect("a first word");
        let number = text(number).parse().expect("a number");
        records.push((text(record.key().expect("a key")), name, number));
    }
    records
}

/// What is left of both topics for a reader who keeps the last number of each stream, as all
/// numbers together; fails if that reader would have to go back.
fn without_repeats(kafka: &Kafka, prefix: &str) -> Vec<u64> {
    let mut seen = Vec::new();
    for kind in KINDS {
        let mut last = None;
        for (_, _, number) in read(kafka, &format!("{prefix}.{kind}-events.v1"), 3) {
            if last.is_none_or(|it| number > it) {
                let next = last.map_or(number, |it| it + 2);
                assert_eq!(number, next, "{kind}: {number} comes before {next}");
                last = Some(number);
                seen.push(number);
            }
        }
    }
    seen.sort_unstable();
    seen
}

fn all(count: u64) -> Vec<u64> {
    (0..count).collect()
}

async fn read_back(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let publication = connect(&kafka.address("public")).await.expect("public topics");
    publication.publish(3, events(0..500), after(500)).await.expect("published");
    publication.publish(3, Vec::new(), after(501)).await.expect("a kept checkpoint");
    publication.publish(4, vec![event("account", 7)], after(1)).await.expect("published");
    for (at, kind) in (0..).zip(KINDS) {
        let expected: Vec<Read> = (0..500)
            .filter(|it| it % 2 == at)
            .map(|it| (format!("{kind}_1"), "chat.tests.Numbered".to_owned(), it))
            .collect();
        assert_eq!(read(kafka, &format!("public.{kind}-events.v1"), 3), expected);
    }
    let other = read(kafka, "public.account-events.v1", 4);
    assert_eq!(other.iter().map(|it| it.2).collect::<Vec<_>>(), [7]);
}

async fn resumed(servers: Arc<Servers>) {
    let address = servers.kafka().address("resumed");
    let one = connect(&address).await.expect("public topics");
    assert_eq!(one.checkpoint(3).await.expect("an answer"), None);
    for n in 0..20 {
        one.publish(3, events(n..n + 1), after(n + 1)).await.expect("published");
        assert_eq!(one.checkpoint(3).await.expect("an answer"), Some(after(n + 1)));
    }
    drop(one);
    let two = connect(&address).await.expect("public topics");
    assert_eq!(two.checkpoint(3).await.expect("an answer"), Some(after(20)));
    assert_eq!(two.checkpoint(4).await.expect("an answer"), None);
    let restored = identity().restored(&[20; PARTITIONS as usize], 1);
    let other = publication::connect(&address, KINDS, &restored).await.expect("public topics");
    let error = other.checkpoint(3).await.expect_err("a refusal");
    assert_eq!(error.kind, ErrorKind::Corrupt);
}

async fn refused(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let keeping = [("retention.ms", "-1"), ("retention.bytes", "-1")];
    let partitions = i32::from(PARTITIONS);
    for (prefix, topic, partitions, setting, reason) in [
        (
            "public-expires",
            "conversation-events.v1",
            partitions,
            ("retention.ms", "1000"),
            "conversation-events.v1 has retention.ms=1000, not -1",
        ),
        (
            "public-overflows",
            "account-events.v1",
            partitions,
            ("retention.bytes", "1000"),
            "account-events.v1 has retention.bytes=1000, not -1",
        ),
        (
            "public-compacts",
            "account-events.v1",
            partitions,
            ("cleanup.policy", "compact"),
            "cleanup.policy=compact, not delete",
        ),
        (
            "public-narrow",
            "account-events.v1",
            3,
            ("cleanup.policy", "delete"),
            "has 3 partitions, not 8",
        ),
        (
            "checkpoints-expire",
            "publication-checkpoints.v1",
            partitions,
            ("cleanup.policy", "delete"),
            "cleanup.policy=delete, not compact",
        ),
    ] {
        let mut settings = keeping.to_vec();
        settings.retain(|it| it.0 != setting.0);
        settings.push(setting);
        make(kafka, &format!("{prefix}.{topic}"), partitions, &settings).await;
        let error = connect(&kafka.address(prefix)).await.err().expect("a refusal");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

async fn anew(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let address = kafka.address("public-anew");
    let one = connect(&address).await.expect("public topics");
    one.publish(3, events(0..10), after(10)).await.expect("published");
    one.publish(4, vec![event("account", 7)], after(1)).await.expect("published");
    drop(one);
    delete(kafka, "public-anew.conversation-events.v1").await;
    let two = connect(&address).await.expect("public topics");
    assert_eq!(two.checkpoint(3).await.expect("an answer"), None);
    assert_eq!(two.checkpoint(4).await.expect("an answer"), Some(after(1)), "it had nothing there");
    two.publish(3, events(0..12), after(12)).await.expect("published");
    assert_eq!(two.checkpoint(3).await.expect("an answer"), Some(after(12)));
    assert_eq!(without_repeats(kafka, "public-anew"), all(12));
}

/// Publishes up to a number from the checkpoint on, a few events at a time.
async fn catches_up(publication: &dyn Publication, count: u64) -> Result<(), Error> {
    let mut at = publication.checkpoint(3).await?.map_or(0, |it| it.ordinal);
    while at < count {
        let next = (at + 7).min(count);
        publication.publish(3, events(at..next), after(next)).await?;
        at = next;
    }
    Ok(())
}

async fn two(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let address = kafka.address("public-two");
    let one = connect(&address).await.expect("public topics");
    let two = connect(&address).await.expect("public topics");
    let late = async {
        catches_up(&*one, 50).await.expect("published");
        // It has not heard that another has gone on, and does the same again.
        one.publish(3, events(0..50), after(50)).await.expect("published");
    };
    let other = async { catches_up(&*two, 1_000).await.expect("published") };
    tokio::join!(late, other);
    assert_eq!(without_repeats(kafka, "public-two"), all(1_000));
    catches_up(&*one, 1_010).await.expect("published");
    assert_eq!(without_repeats(kafka, "public-two"), all(1_010));
}

async fn cut_off(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let address = kafka.address("public-cut");
    let mut begun = BTreeSet::new();
    for steps in 1.. {
        let publication = connect(&address).await.expect("public topics");
        begun
            .insert(publication.checkpoint(3).await.expect("an answer").map_or(0, |it| it.ordinal));
        let published = within(steps, catches_up(&*publication, 60)).await;
        if let Some(published) = published {
            published.expect("published");
            break;
        }
    }
    assert!(begun.len() > 2, "it began at {begun:?} only");
    assert_eq!(without_repeats(kafka, "public-cut"), all(60));
}

/// What a future gives if it goes on at most that many times; else it is dropped where it waits.
async fn within<T>(steps: u32, future: impl Future<Output = T>) -> Option<T> {
    let mut future = Box::pin(future);
    let mut gone = 0;
    poll_fn(move |context| {
        gone += 1;
        match future.as_mut().poll(context) {
            Poll::Ready(it) => Poll::Ready(Some(it)),
            Poll::Pending if gone >= steps => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

/// An event that can't be made smaller; two of them don't fit into one batch.
fn large(number: u64, bytes: usize) -> Event {
    let mut dice = Dice::new(number);
    let mut event = event("account", number);
    event.bytes.push(b' ');
    while event.bytes.len() < bytes {
        event.bytes.extend_from_slice(&dice.number().to_be_bytes());
    }
    event
}

async fn refusing(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let publication = connect(&kafka.address("public-refusing")).await.expect("public topics");
    let topic = "public-refusing.account-events.v1";
    let (small, refused) = (600_000, 900_000);
    limit(kafka, topic, "700000").await;
    let mut probe = ClientConfig::new();
    probe.set("bootstrap.servers", kafka.hosts()).set("message.max.bytes", "1000000");
    let probe: FutureProducer = probe.create().expect("a client");
    let payload = large(0, refused).bytes;
    let probed = || FutureRecord::<str, _>::to(topic).partition(0).payload(&payload);
    while probe.send(probed(), Duration::from_secs(10)).await.is_ok() {}
    let size = |it| if it == 6 { refused } else { small };
    let numbers = (0..24).step_by(2);
    let events: Vec<_> = numbers.map(|it| large(it, size(it))).collect();
    let error = publication.publish(3, events.clone(), after(1)).await.expect_err("a refusal");
    assert_eq!(error.kind, ErrorKind::Unknown);
    assert_eq!(publication.checkpoint(3).await.expect("an answer"), None);
    limit(kafka, topic, "1000000").await;
    while probe.send(probed(), Duration::from_secs(10)).await.is_err() {}
    publication.publish(3, events, after(1)).await.expect("published");
    assert_eq!(without_repeats(kafka, "public-refusing"), (0..24).step_by(2).collect::<Vec<_>>());
}

/// Sets the largest batch that a topic takes.
async fn limit(kafka: &Kafka, topic: &str, bytes: &str) {
    let config = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", bytes);
    let changed = admin(kafka).alter_configs([&config], &AdminOptions::new()).await;
    changed.expect("an answer")[0].as_ref().expect("a changed topic");
}

async fn away() {
    let mut kafka = Kafka::start();
    let publication = connect(&kafka.address("away")).await.expect("public topics");
    publication.publish(3, events(0..100), after(100)).await.expect("published");
    kafka.kill();
    let publishing = publication.publish(3, events(100..200), after(200));
    let again = tokio::task::spawn_blocking(move || {
        kafka.start_again();
        kafka
    });
    let (published, kafka) = tokio::join!(publishing, again);
    published.expect("published");
    let kafka = kafka.expect("a broker");
    assert_eq!(without_repeats(&kafka, "away"), all(200));
    assert_eq!(publication.checkpoint(3).await.expect("an answer"), Some(after(200)));
}
