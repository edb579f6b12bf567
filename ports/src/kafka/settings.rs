//! What an address of Kafka says, and how the clients of it are set up.
//!
//! `kafka[+ssl]://[user:password@]host:9092[,host:9092]/prefix`, where the prefix of the topics'
//! names may be empty, with the options
//! - `replication` and `min_insync`: copies of a record, and how many of them an append waits for;
//!   new topics get them, and one that has less is refused; 1 and 1 by default;
//! - `ca`: file of the authorities that TLS trusts, instead of the system's;
//! - `sasl`: `SCRAM-SHA-512` unless it says `SCRAM-SHA-256` or `PLAIN`.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rdkafka::ClientContext;
use rdkafka::client::DefaultClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};

use super::{PORT, unavailable};
use crate::address::Parts;
use crate::{Address, Error};

/// How long one call to the brokers may take.
pub(crate) const CALL_MAX: Duration = Duration::from_secs(10);

/// Largest batch that a broker must take; a record is smaller, and what frames it fits in between.
pub(super) const BATCH_BYTES_MAX: usize = 1_000_000;

#[derive(Clone)]
pub(crate) struct Settings {
    /// Topic of the log's records.
    pub(crate) log: String,
    /// Topic whose first record says which log this is.
    pub(crate) identity: String,
    /// Copies of each record that a topic is made with.
    pub(crate) replication: u16,
    /// Copies that must exist before an append is acknowledged.
    pub(crate) min_insync: u16,
    /// What the names of all topics begin with; may be empty.
    prefix: String,
    client: ClientConfig,
}

impl Settings {
    /// Reads an address, of which nothing may be left over.
    pub(crate) fn new(address: &Address) -> Result<Self, Error> {
        let mut parts = address.parts(PORT)?;
        let replication = number(&mut parts.options, "replication")?;
        let min_insync = number(&mut parts.options, "min_insync")?;
        if min_insync > replication {
            return Err(Error::unavailable(PORT, "min_insync is above replication"));
        }
        let client = client(&mut parts)?;
        parts.read_up(PORT)?;
        let legal = |it: char| it.is_ascii_alphanumeric() || "._-".contains(it);
        if !parts.path.chars().all(legal) {
            return Err(Error::unavailable(PORT, "the prefix is not part of a topic's name"));
        }
        let prefix = parts.path;
        let (log, identity) = (topic(&prefix, "log.v1"), topic(&prefix, "log-identity.v1"));
        Ok(Self { log, identity, replication, min_insync, prefix, client })
    }

    /// The topic of this instance that has a name.
    pub(crate) fn topic(&self, name: &str) -> String {
        topic(&self.prefix, name)
    }

    /// A client that asks about topics.
    pub(crate) fn client(&self) -> ClientConfig {
        self.client.clone()
    }

    /// A client that appends.
    pub(crate) fn producer(&self) -> ClientConfig {
        let mut config = self.client.clone();
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("max.in.flight.requests.per.connection", "5")
            .set("linger.ms", "0")
            .set("compression.codec", "zstd")
            .set("message.max.bytes", BATCH_BYTES_MAX.to_string())
            .set("message.timeout.ms", CALL_MAX.as_millis().to_string());
        config
    }

    /// A client that reads partitions assigned by hand, each from a given offset.
    pub(crate) fn consumer(&self) -> ClientConfig {
        // The client wants a group though it never joins one.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let group = format!("parlance.reader.{}.{number}", std::process::id());
        let mut config = self.client.clone();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            // A record that is gone must be an error, never a place to go on from.
            .set("auto.offset.reset", "error")
            .set("fetch.wait.max.ms", "100")
            .set("fetch.queue.backoff.ms", "1")
            .set("fetch.error.backoff.ms", "100");
        config
    }
}

fn topic(prefix: &str, name: &str) -> String {
    match prefix {
        "" => name.to_owned(),
        prefix => format!("{prefix}.{name}"),
    }
}

fn number(options: &mut BTreeMap<String, String>, name: &str) -> Result<u16, Error> {
    let Some(text) = options.remove(name) else { return Ok(1) };
    let number = u16::from_str(&text).ok().filter(|it| (1..=99).contains(it));
    number.ok_or_else(|| Error::unavailable(PORT, format!("the option {name} is not a number")))
}

fn client(parts: &mut Parts) -> Result<ClientConfig, Error> {
    let tls = parts.scheme == "kafka+ssl";
    let mut config = ClientConfig::new();
    config
        .set("bootstrap.servers", &parts.hosts)
        .set("client.id", "parlance")
        // An acknowledged record is readable: nobody writes transactions here.
        .set("isolation.level", "read_uncommitted")
        .set("socket.nagle.disable", "true")
        .set("socket.timeout.ms", CALL_MAX.as_millis().to_string())
        .set("socket.connection.setup.timeout.ms", "5000")
        // Brokers that are back are found again within a second.
        .set("reconnect.backoff.max.ms", "1000")
        .set_log_level(RDKafkaLogLevel::Info);
    config.set(
        "security.protocol",
        match (tls, parts.user.is_some()) {
            (false, false) => "plaintext",
            (false, true) => "sasl_plaintext",
            (true, false) => "ssl",
            (true, true) => "sasl_ssl",
        },
    );
    if let Some(authorities) = parts.ca(PORT, tls)? {
        let authorities = String::from_utf8(authorities);
        let authorities = authorities.map_err(|_| Error::unavailable(PORT, "ca is not in PEM"))?;
        config.set("ssl.ca.pem", authorities);
    }
    let mechanism = parts.options.remove("sasl");
    if let (Some(user), Some(password)) = (&parts.user, &parts.password) {
        let mechanism = mechanism.as_deref().unwrap_or("SCRAM-SHA-512");
        if !["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"].contains(&mechanism) {
            return Err(Error::unavailable(PORT, "the option sasl is no known mechanism"));
        }
        config.set("sasl.mechanism", mechanism);
        config.set("sasl.username", user).set("sasl.password", password);
    } else if mechanism.is_some() {
        return Err(Error::unavailable(PORT, "the option sasl is without a user"));
    }
    Ok(config)
}

/// Makes a consumer whose client tells its troubles as everything here does.
pub(crate) fn consumer(config: &ClientConfig) -> Result<Consumer, Error> {
    Consumer::from_config_and_context(config, Logs::default()).map_err(unavailable)
}

pub(crate) type Consumer = BaseConsumer<Logs>;

/// Where clients tell what happens to their connections.
#[derive(Default)]
pub(crate) struct Logs {
    trouble: Mutex<Option<String>>,
}

impl Logs {
    /// A call's failure where nothing can have happened. A call that found no broker says only
    /// that; what became of the connections tells whether it was a wrong password.
    pub(crate) fn explained(&self, error: KafkaError) -> Error {
        let trouble = self.trouble.lock().expect("noting a trouble does not panic").clone();
        match (error.rdkafka_error_code(), trouble) {
            (
                Some(
                    RDKafkaErrorCode::BrokerTransportFailure
                    | RDKafkaErrorCode::OperationTimedOut
                    | RDKafkaErrorCode::AllBrokersDown,
                ),
                Some(trouble),
            ) => Error::unavailable(PORT, format!("{error}: {trouble}")),
            _ => unavailable(error),
        }
    }
}

impl ClientContext for Logs {
    fn log(&self, level: RDKafkaLogLevel, place: &str, text: &str) {
        let failure = matches!(
            level,
            RDKafkaLogLevel::Emerg
                | RDKafkaLogLevel::Alert
                | RDKafkaLogLevel::Critical
                | RDKafkaLogLevel::Error
                | RDKafkaLogLevel::Warning
        );
        if failure {
            tracing::warn!(place, "kafka client: {text}");
            let mut trouble = self.trouble.lock().expect("noting a trouble does not panic");
            *trouble = Some(text.to_owned());
        } else {
            tracing::debug!(place, "kafka client: {text}");
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        // The end of a partition is told as an error, too.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::PartitionEOF) {
            tracing::debug!(error = %error, "kafka client: {reason}");
        }
    }
}

impl ConsumerContext for Logs {}

/// A context for calls whose failures their results tell.
pub(super) type Quiet = DefaultClientContext;

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Settings, String> {
        Settings::new(&Address::from(text)).map_err(|it| it.to_string())
    }

    #[test]
    fn an_address_says_where_and_how() {
        let settings = read("kafka://one:9092,two:9092/chat?replication=3&min_insync=2").unwrap();
        assert_eq!(settings.log, "chat.log.v1");
        assert_eq!(settings.identity, "chat.log-identity.v1");
        assert_eq!((settings.replication, settings.min_insync), (3, 2));
        let client = settings.client();
        assert_eq!(client.get("bootstrap.servers"), Some("one:9092,two:9092"));
        assert_eq!(client.get("security.protocol"), Some("plaintext"));
        let bare = read("kafka://one:9092").unwrap();
        assert_eq!((bare.log.as_str(), bare.replication, bare.min_insync), ("log.v1", 1, 1));
    }

    #[test]
    fn a_user_and_a_certificate_are_passed_on() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "authorities").unwrap();
        let address = format!("kafka+ssl://ann:secret@one:9093/?ca={}", file.path().display());
        let client = read(&address).unwrap().client();
        assert_eq!(client.get("security.protocol"), Some("sasl_ssl"));
        assert_eq!(client.get("sasl.mechanism"), Some("SCRAM-SHA-512"));
        assert_eq!(client.get("sasl.username"), Some("ann"));
        assert_eq!(client.get("ssl.ca.pem"), Some("authorities"));
        let client = read("kafka://ann:secret@one:9092/?sasl=PLAIN").unwrap().client();
        assert_eq!(client.get("security.protocol"), Some("sasl_plaintext"));
        assert_eq!(client.get("sasl.mechanism"), Some("PLAIN"));
    }

    #[test]
    fn what_an_address_can_not_mean_is_refused() {
        for (text, reason) in [
            ("kafka://one/?color=red", "the option color is unknown"),
            ("kafka://one/?replication=0", "the option replication is not a number"),
            ("kafka://one/?min_insync=2", "min_insync is above replication"),
            ("kafka://one/?ca=/etc/ca.pem", "the option ca means nothing to kafka://"),
            ("kafka+ssl://one/?ca=/nowhere", "the file /nowhere of ca"),
            ("kafka://one/?sasl=PLAIN", "the option sasl is without a user"),
            ("kafka://ann:secret@one/?sasl=GSSAPI", "the option sasl is no known mechanism"),
            ("kafka://one/a/b", "the prefix is not part of a topic's name"),
        ] {
            let refused = read(text).err().unwrap();
            assert!(refused.contains(reason), "{text}: {refused}");
        }
    }
}
