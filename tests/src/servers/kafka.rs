//! Kafka as the tests start it: one broker, or several that copy each other's records.

use std::fs::File;
use std::io::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use ports::Address;
use rdkafka::admin::{AdminClient, AdminOptions};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::{LOOPBACK, Server, free_port, installed, listens};
use crate::Authority;

/// How long a broker may take to answer.
const CALL_MAX: Duration = Duration::from_secs(30);

/// One broker.
pub struct Kafka(Cluster);

/// Brokers of one cluster, numbered from 0; any two of three go on without the third.
pub struct Cluster {
    nodes: Vec<Node>,
}

/// What a broker has beside its plain listener.
struct Doors {
    /// Certificates, as [`Authority::folder`] has them.
    certificates: PathBuf,
    tls: u16,
    sasl: u16,
    password: String,
}

struct Node {
    /// 1 for the first one.
    number: usize,
    /// Numbers and addresses of all that vote, as Kafka writes them.
    voters: String,
    controller: u16,
    count: usize,
    doors: Option<Doors>,
    server: Option<Server>,
}

impl Kafka {
    /// Starts it.
    pub fn start() -> Self {
        Self(Cluster::start(LOOPBACK, 1))
    }

    /// The address of a log on it.
    pub fn address(&self, prefix: &str) -> Address {
        self.0.address(prefix)
    }

    /// Where a client of one's own finds it.
    pub fn hosts(&self) -> String {
        self.0.hosts()
    }

    /// The keys and values of every record of a log and its topics, as brokers give them out.
    pub fn records(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let mut config = config(&self.hosts());
        // A consumer has a group, though it takes no part in one.
        config.set("group.id", "tests").set("enable.auto.commit", "false");
        config.set("enable.partition.eof", "true");
        let consumer: BaseConsumer = config.create().expect("a client");
        let mut found = Vec::new();
        for topic in self.topics(prefix) {
            let told = consumer.fetch_metadata(Some(&topic), CALL_MAX).expect("metadata");
            for partition in told.topics().iter().flat_map(|it| it.partitions()) {
                let id = partition.id();
                let marks = consumer.fetch_watermarks(&topic, id, CALL_MAX).expect("its ends");
                let mut list = TopicPartitionList::new();
                list.add_partition_offset(&topic, id, Offset::Beginning).expect("an offset");
                consumer.assign(&list).expect("an assignment");
                let mut next = marks.0;
                while next < marks.1 {
                    match consumer.poll(CALL_MAX).expect("more records, in time") {
                        Ok(record) => {
                            next = record.offset() + 1;
                            let parts = [record.key(), record.payload()];
                            let bytes = parts.map(|it| it.unwrap_or_default()).concat();
                            found.push((format!("{topic}/{id}"), bytes));
                        }
                        // What follows its last record belongs to nobody: a mark of a transaction.
                        Err(KafkaError::PartitionEOF(_)) => next = marks.1,
                        Err(error) => panic!("{topic}: {error}"),
                    }
                }
            }
        }
        found
    }

    /// The topics of a log.
    fn topics(&self, prefix: &str) -> Vec<String> {
        let told = client(&self.hosts()).fetch_metadata(None, CALL_MAX).expect("metadata");
        let names = told.topics().iter().map(|it| it.name());
        names.filter(|it| it.split('.').next() == Some(prefix)).map(str::to_owned).collect()
    }

    /// Deletes the topics of a log that nobody uses any more: a broker holds three files open for
    /// each partition, and may hold only so many.
    pub fn forget(&self, prefix: &str) {
        let topics = self.topics(prefix);
        let names: Vec<_> = topics.iter().map(String::as_str).collect();
        let admin: AdminClient<DefaultClientContext> =
            config(&self.hosts()).create().expect("a client");
        let options = AdminOptions::new().operation_timeout(Some(CALL_MAX));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let deleted = runtime.block_on(admin.delete_topics(&names, &options));
        for topic in deleted.expect("an answer") {
            topic.expect("a deleted topic");
        }
    }

    /// Starts one that also speaks TLS, to anybody and to `ann` with a password.
    pub fn secure(authority: &Authority, password: &str) -> Self {
        let controller = free_port(LOOPBACK);
        let doors = Doors {
            certificates: authority.folder().to_owned(),
            tls: free_port(LOOPBACK),
            sasl: free_port(LOOPBACK),
            password: password.to_owned(),
        };
        let voters = format!("1@{LOOPBACK}:{controller}");
        let (number, count, doors) = (1, 1, Some(doors));
        let node = Node { number, voters, controller, count, doors, server: None };
        let kafka = Self(Cluster::of(LOOPBACK, vec![node]));
        // PLAIN reads passwords from the settings, SCRAM from the cluster.
        let mut command = Command::new("java");
        command.args(["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp"]);
        command.arg(installed("kafka").join("libs/*")).arg("kafka.admin.ConfigCommand");
        command.args(["--bootstrap-server", &kafka.hosts(), "--alter"]);
        command.args(["--entity-type", "users", "--entity-name", "ann", "--add-config"]);
        command.arg(format!("SCRAM-SHA-512=[password={password}]"));
        let told = command.output().expect("java runs");
        assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        kafka
    }

    /// Where it speaks TLS to anybody, and where to those who sign in.
    pub fn doors(&self) -> [SocketAddr; 2] {
        let doors = self.0.nodes[0].doors.as_ref().expect("a secure broker");
        [doors.tls, doors.sasl].map(|port| SocketAddr::new(LOOPBACK, port))
    }

    /// Kills it as the kernel does; what it has written stays.
    pub fn kill(&mut self) {
        self.0.kill(0);
    }

    /// Starts it once more where it was.
    pub fn start_again(&mut self) {
        self.0.start_again(0);
    }
}

impl Cluster {
    /// Starts that many brokers, at most three, on one host.
    pub fn start(host: IpAddr, count: usize) -> Self {
        let controllers: Vec<u16> = (0..count).map(|_| free_port(host)).collect();
        let voter = |(number, port)| format!("{number}@{host}:{port}");
        let voters: Vec<_> = (1..).zip(&controllers).map(voter).collect();
        let voters = voters.join(",");
        let node = |(number, controller)| Node {
            number,
            voters: voters.clone(),
            controller,
            count,
            doors: None,
            server: None,
        };
        Self::of(host, (1..).zip(controllers).map(node).collect())
    }

    fn of(host: IpAddr, mut nodes: Vec<Node>) -> Self {
        // None answers before most of them run.
        std::thread::scope(|scope| {
            for node in &mut nodes {
                scope.spawn(|| {
                    let command = |address, folder: &Path| node.command(address, folder);
                    let server = Server::start(host, command, serves);
                    node.server = Some(server);
                });
            }
        });
        Self { nodes }
    }

    /// The address of a log of which every broker has a copy, and all but one must have it.
    pub fn address(&self, prefix: &str) -> Address {
        let (count, hosts) = (self.nodes.len(), self.hosts());
        let min_insync = (count - 1).max(1);
        let options = format!("replication={count}&min_insync={min_insync}");
        Address::from(format!("kafka://{hosts}/{prefix}?{options}").as_str())
    }

    /// Where a client of one's own finds it.
    pub fn hosts(&self) -> String {
        let servers = self.nodes.iter().filter_map(|it| it.server.as_ref());
        servers.map(|it| it.address().to_string()).collect::<Vec<_>>().join(",")
    }

    /// Whether a broker was started and not killed since.
    pub fn runs(&self, node: usize) -> bool {
        self.nodes[node].server.as_ref().is_some_and(Server::runs)
    }

    /// The broker that leads a partition of a topic.
    pub fn leader(&self, topic: &str, partition: u16) -> usize {
        let client = client(&self.hosts());
        let told = client.fetch_metadata(Some(topic), Duration::from_secs(10)).expect("metadata");
        let mut partitions = told.topics().iter().flat_map(|it| it.partitions());
        let found = partitions.find(|it| it.id() == i32::from(partition)).expect("a partition");
        usize::try_from(found.leader()).expect("a leader") - 1
    }

    /// Leaves a broker no room on its disk: a small one of its own, which takes root.
    pub fn fill(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        let mut server = node.server.take().expect("a started broker");
        server.kill();
        let data = server.folder().join("data");
        let before = server.folder().join("before");
        std::fs::rename(&data, &before).expect("a moved folder");
        std::fs::create_dir(&data).expect("a folder");
        run(Command::new("mount").args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(&data));
        run(Command::new("cp").arg("-rT").arg("--sparse=always").arg(&before).arg(&data));
        server.start_again(|address, folder| node.command(address, folder), serves);
        let filled =
            File::create(data.join("filler")).and_then(|mut it| it.write_all(&[1; 1 << 26]));
        assert!(filled.is_err(), "the disk is larger than it should be");
        node.server = Some(server);
    }

    /// Gives it room again, and starts it if it has ended.
    pub fn empty(&mut self, node: usize) {
        let data =
            self.nodes[node].server.as_ref().expect("a started broker").folder().join("data");
        std::fs::remove_file(data.join("filler")).expect("a file");
        self.kill(node);
        self.start_again(node);
    }

    /// Kills a broker as the kernel does; what it has written stays.
    pub fn kill(&mut self, node: usize) {
        self.nodes[node].server.as_mut().expect("a started broker").kill();
    }

    /// Starts a killed broker once more where it was.
    pub fn start_again(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        let mut server = node.server.take().expect("a started broker");
        server.start_again(|address, folder| node.command(address, folder), serves);
        node.server = Some(server);
    }
}

impl Node {
    fn command(&self, address: SocketAddr, folder: &Path) -> Command {
        let kafka = installed("kafka");
        let data = folder.join("data");
        if !data.exists() {
            copy(&kafka.join("formatted").join(self.number.to_string()), &data);
        }
        let properties = folder.join("server.properties");
        let settings = self.properties(address, &data)
            + &self.doors.as_ref().map_or_else(String::new, Doors::properties);
        std::fs::write(&properties, settings).expect("a file of settings");
        let mut command = Command::new("java");
        command
            .args(["-Xmx256m", "-Xms64m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"])
            .arg(format!("-XX:SharedArchiveFile={}", kafka.join("kafka.jsa").display()))
            .arg("-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")
            .arg("-cp")
            .arg(kafka.join("libs/*"))
            .arg("kafka.Kafka")
            .arg(properties);
        command
    }

    fn properties(&self, address: SocketAddr, data: &Path) -> String {
        let Self { number, voters, controller, count, doors, .. } = self;
        let (more, protocols) = match doors {
            None => (String::new(), ""),
            Some(Doors { tls, sasl, .. }) => (
                format!(",TLS://{LOOPBACK}:{tls},SASL://{LOOPBACK}:{sasl}"),
                ",TLS:SSL,SASL:SASL_SSL",
            ),
        };
        let (data, host) = (data.display(), address.ip());
        let min_insync = (count - 1).max(1);
        // How soon the others go on without a broker that was killed, and how late it is itself
        // let in again.
        let session = 5_000;
        format!(
            "process.roles=broker,controller\n\
             node.id={number}\n\
             controller.quorum.voters={voters}\n\
             listeners=BROKER://{address},CONTROLLER://{host}:{controller}{more}\n\
             listener.security.protocol.map=\
             BROKER:PLAINTEXT,CONTROLLER:PLAINTEXT{protocols}\n\
             controller.listener.names=CONTROLLER\n\
             inter.broker.listener.name=BROKER\n\
             log.dirs={data}\n\
             auto.create.topics.enable=false\n\
             default.replication.factor={count}\n\
             min.insync.replicas={min_insync}\n\
             offsets.topic.num.partitions=1\n\
             offsets.topic.replication.factor={count}\n\
             broker.session.timeout.ms={session}\n\
             broker.heartbeat.interval.ms=500\n\
             replica.lag.time.max.ms={session}\n\
             log.segment.delete.delay.ms=1000\n\
             log.cleaner.dedupe.buffer.size=4194304\n\
             log.index.size.max.bytes=1048576\n"
        )
    }
}

impl Doors {
    fn properties(&self) -> String {
        let Self { certificates, password, .. } = self;
        let place = certificates.display();
        let module = "org.apache.kafka.common.security";
        format!(
            "ssl.keystore.type=PEM\n\
             ssl.keystore.location={place}/both.pem\n\
             ssl.client.auth=none\n\
             sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512\n\
             listener.name.sasl.plain.sasl.jaas.config=\
             {module}.plain.PlainLoginModule required user_ann=\"{password}\";\n\
             listener.name.sasl.scram-sha-512.sasl.jaas.config=\
             {module}.scram.ScramLoginModule required;\n"
        )
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).expect("a folder");
    for file in std::fs::read_dir(from).expect("a folder") {
        let file = file.expect("an entry");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("a copied file");
    }
}

fn client(hosts: &str) -> BaseConsumer {
    config(hosts).create().expect("a client")
}

fn config(hosts: &str) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", hosts);
    config
}

fn run(command: &mut Command) {
    assert!(command.status().expect("the program starts").success(), "{command:?}");
}

/// Whether the broker there takes part in its cluster.
fn serves(address: SocketAddr) -> bool {
    if !listens(address) {
        return false;
    }
    let answer = client(&address.to_string()).fetch_metadata(None, Duration::from_secs(2));
    let here = i32::from(address.port());
    answer.is_ok_and(|it| it.brokers().iter().any(|it| it.port() == here))
}
