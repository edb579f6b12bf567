//! What the log on Kafka does where the embedded one has nothing to do: it refuses topics that
//! lose records, and outlives its brokers.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::event_log::{self, EventLog, Purpose};
use ports::{Address, Error, ErrorKind};
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};
use tests::servers::kafka::{Cluster, Kafka};
use tests::servers::{LOOPBACK, Servers};

use crate::event_log::{PARTITIONS, born};
use crate::trial;

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let shared = |name, run: fn(Arc<Servers>) -> futures_util::future::BoxFuture<'static, ()>| {
        let servers = Arc::clone(servers);
        trial("event_log::kafka", name, move |_| run(servers))
    };
    vec![
        shared("a_topic_that_loses_records_is_refused", |it| refused(it).boxed()),
        shared("racing_nodes_agree_which_log_it_is", |it| racing(it).boxed()),
        shared("a_log_without_its_topic_is_refused", |it| without_topic(it).boxed()),
        shared("what_was_deleted_does_not_look_empty", |it| deleted(it).boxed()),
        shared("a_log_that_was_made_anew_is_told_to_who_waits", |it| anew(it).boxed()),
        shared("nobody_at_the_address_is_unavailable", |_| nobody().boxed()),
        shared("a_broker_that_is_back_goes_on_where_it_was", |_| restarted().boxed()),
        shared("a_cluster_goes_on_without_one_broker", |_| without_one().boxed()),
    ]
}

async fn connect(address: &Address) -> Result<Arc<dyn EventLog>, Error> {
    event_log::connect(address, &born(), Purpose::Serve).await
}

pub(crate) fn admin(kafka: &Kafka) -> AdminClient<DefaultClientContext> {
    ClientConfig::new().set("bootstrap.servers", kafka.hosts()).create().expect("a client")
}

pub(crate) async fn make(kafka: &Kafka, topic: &str, partitions: i32, settings: &[(&str, &str)]) {
    let mut new = NewTopic::new(topic, partitions, TopicReplication::Fixed(1));
    new.config.extend(settings);
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    let made = admin(kafka).create_topics([&new], &options).await.expect("an answer");
    made[0].as_ref().expect("a new topic");
}

/// Deletes a topic, until the broker does not know it any more.
pub(crate) async fn delete(kafka: &Kafka, topic: &str) {
    let options = AdminOptions::new().operation_timeout(Some(Duration::from_secs(10)));
    let admin = admin(kafka);
    let gone = admin.delete_topics(&[topic], &options).await.expect("an answer");
    gone[0].as_ref().expect("a topic that was there");
    let there = || {
        let told = admin.inner().fetch_metadata(None, Duration::from_secs(10));
        told.expect("an answer").topics().iter().any(|it| it.name() == topic)
    };
    while there() {}
}

async fn append(log: &Arc<dyn EventLog>, record: String) -> Result<u64, Error> {
    log.append(0, record.into()).await.map(|it| it.expect("the log tells the offset"))
}

/// Appends until that is acknowledged, as one does who has an idempotency key.
async fn append_at_last(log: &Arc<dyn EventLog>, record: &str) -> u64 {
    loop {
        if let Ok(offset) = append(log, record.to_owned()).await {
            return offset;
        }
    }
}

async fn refused(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let keeping = [("retention.ms", "-1"), ("retention.bytes", "-1")];
    let partitions = i32::from(PARTITIONS);
    for (prefix, partitions, setting, reason) in [
        ("expires", partitions, ("retention.ms", "1000"), "retention.ms=1000, not -1"),
        ("overflows", partitions, ("retention.bytes", "1000"), "retention.bytes=1000, not -1"),
        ("compacts", partitions, ("cleanup.policy", "compact"), "cleanup.policy=compact"),
        ("small", partitions, ("max.message.bytes", "9000"), "max.message.bytes=9000, below"),
        (
            "unclean",
            partitions,
            ("unclean.leader.election.enable", "true"),
            "unclean.leader.election.enable=true, not false",
        ),
        ("narrow", 3, ("retention.ms", "-1"), "has 3 partitions, not 8"),
    ] {
        let mut settings = keeping.to_vec();
        settings.retain(|it| it.0 != setting.0);
        settings.push(setting);
        make(kafka, &format!("{prefix}.log.v1"), partitions, &settings).await;
        let error = connect(&kafka.address(prefix)).await.err().expect("a refusal");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.to_string().contains(reason), "{error}");
    }
    let address = kafka.address("insync").to_string();
    drop(connect(&Address::from(address.as_str())).await.expect("a log"));
    let asked = address.replace("replication=1&min_insync=1", "replication=3&min_insync=2");
    let error = connect(&Address::from(asked.as_str())).await.err().expect("a refusal");
    assert!(error.to_string().contains("has replication 1, not 3"), "{error}");
}

async fn racing(servers: Arc<Servers>) {
    let address = servers.kafka().address("racing");
    let (one, two, three) = tokio::join!(connect(&address), connect(&address), connect(&address));
    let one = one.expect("a log").identity();
    assert_eq!(one, two.expect("a log").identity());
    assert_eq!(one, three.expect("a log").identity());
}

async fn without_topic(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    for (prefix, topic, reason) in [
        ("forgot", "forgot.log-identity.v1", "there are records and no identity"),
        ("emptied", "emptied.log.v1", "there is an identity and no topic of records"),
    ] {
        let address = kafka.address(prefix);
        let log = connect(&address).await.expect("a log");
        append(&log, "lost".to_owned()).await.expect("an append");
        drop(log);
        delete(kafka, topic).await;
        let error = connect(&address).await.err().expect("a refusal");
        assert_eq!(error.kind, ErrorKind::Corrupt);
        assert!(error.to_string().contains(reason), "{error}");
    }
}

async fn deleted(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let address = kafka.address("deleted");
    let log = connect(&address).await.expect("a log");
    for n in 0..10 {
        append(&log, n.to_string()).await.expect("an append");
    }
    drop(log);
    let mut places = TopicPartitionList::new();
    places.add_partition_offset("deleted.log.v1", 0, Offset::Offset(5)).expect("a place");
    admin(kafka).delete_records(&places, &AdminOptions::new()).await.expect("deleted records");
    let log = connect(&address).await.expect("a log");
    assert_eq!(log.read(0, 5, 10).await.expect("what is left").len(), 5);
    let error = log.read(0, 0, 10).await.expect_err("a failure");
    assert_eq!(error.kind, ErrorKind::Corrupt);
    assert_eq!(log.read(0, 5, 10).await.expect("what is left").len(), 5);
}

async fn anew(servers: Arc<Servers>) {
    let kafka = servers.kafka();
    let log = connect(&kafka.address("anew")).await.expect("a log");
    for n in 0..10 {
        append(&log, n.to_string()).await.expect("an append");
    }
    delete(kafka, "anew.log.v1").await;
    let keeping = [("retention.ms", "-1"), ("retention.bytes", "-1")];
    make(kafka, "anew.log.v1", PARTITIONS.into(), &keeping).await;
    let error = log.wait(0, 10).await.expect_err("a failure");
    assert_eq!(error.kind, ErrorKind::Corrupt);
}

async fn nobody() {
    let address = Address::from("kafka://127.0.0.1:1/nobody");
    let error = connect(&address).await.err().expect("a refusal");
    assert_eq!(error.kind, ErrorKind::Unavailable);
}

async fn restarted() {
    let mut kafka = Kafka::start();
    let address = kafka.address("restarted");
    let (reader, writer) = (connect(&address).await, connect(&address).await);
    let (reader, writer) = (reader.expect("a log"), writer.expect("a log"));
    let mut written = Vec::new();
    for n in 0..100 {
        written.push((append(&writer, n.to_string()).await.expect("an append"), n.to_string()));
    }
    let (last, _) = *written.last().expect("records");
    reader.wait(0, last).await.expect("a wait");
    kafka.kill();
    let (old, recent, sent) =
        tokio::join!(reader.read(0, 0, 10), reader.read(0, last, 10), append(&writer, "?".into()));
    assert_eq!(old.err().map(|it| it.kind), Some(ErrorKind::Unavailable));
    assert_eq!(recent.expect("what is at hand").len(), 1);
    assert_eq!(sent.err().map(|it| it.kind), Some(ErrorKind::Unknown));
    kafka.start_again();
    let offset = append_at_last(&writer, "again").await;
    written.push((offset, "again".to_owned()));
    reader.wait(0, offset).await.expect("a wait");
    everything_is_there(&reader, &written).await;
}

async fn without_one() {
    let mut cluster = Cluster::start(LOOPBACK, 3);
    let address = cluster.address("without-one");
    let (reader, writer) = (connect(&address).await, connect(&address).await);
    let (reader, writer) = (reader.expect("a log"), writer.expect("a log"));
    let mut written = Vec::new();
    for leader in [true, false] {
        let node = leader.then(|| leader_of(&cluster.hosts(), "without-one.log.v1"));
        node.into_iter().for_each(|it| cluster.kill(it));
        for n in 0..100 {
            let record = format!("{leader}/{n}");
            written.push((append_at_last(&writer, &record).await, record));
        }
        let (last, _) = *written.last().expect("records");
        reader.wait(0, last).await.expect("a wait");
        everything_is_there(&reader, &written).await;
        node.into_iter().for_each(|it| cluster.start_again(it));
    }
}

/// The broker that leads partition 0.
fn leader_of(hosts: &str, topic: &str) -> usize {
    let client: BaseConsumer =
        ClientConfig::new().set("bootstrap.servers", hosts).create().expect("a client");
    let told = client.fetch_metadata(Some(topic), Duration::from_secs(10)).expect("an answer");
    let partitions = told.topics()[0].partitions();
    let leader = partitions.iter().find(|it| it.id() == 0).expect("a partition").leader();
    usize::try_from(leader - 1).expect("brokers are numbered from 1")
}

/// Each acknowledged record is where it was acknowledged; others may be there, too.
async fn everything_is_there(log: &Arc<dyn EventLog>, written: &[(u64, String)]) {
    let entries = log.read(0, 0, 10_000).await.expect("a read");
    for (offset, record) in written {
        let found = entries.iter().find(|it| it.offset == *offset).map(|it| &it.bytes);
        assert_eq!(found, Some(&Bytes::from(record.clone())), "{offset}");
    }
}
