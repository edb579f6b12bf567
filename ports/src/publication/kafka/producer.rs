//! Appends records so that none lands after one that is missing.

use std::pin::pin;
use std::sync::Mutex;
use std::thread;

use futures_util::future::join_all;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::KafkaError;
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use tokio::sync::watch;

use super::PORT;
use crate::Error;
use crate::kafka::{Logs, Settings, unavailable};

/// Where a record landed, when the brokers say so.
type Offset = Option<u64>;

pub(super) struct Producer {
    config: ClientConfig,
    current: Mutex<Option<Client>>,
}

/// A client that fails for good with the first record that is refused.
#[derive(Clone)]
struct Client {
    client: FutureProducer<Troubles>,
    /// Changes with each of its troubles, of which one may be its last.
    troubles: watch::Receiver<()>,
}

/// Hears of a client's troubles.
struct Troubles {
    told: watch::Sender<()>,
    logs: Logs,
}

impl Producer {
    pub(super) fn new(settings: &Settings) -> Result<Self, Error> {
        let mut config = settings.producer();
        config
            .set("linger.ms", "5")
            // A record that was given up would be missing before those after it: none ever is,
            // and one that the brokers refuse is the client's last.
            .set("message.timeout.ms", "0")
            .set("enable.gapless.guarantee", "true")
            // As many as there are partitions to publish, within its limit of bytes.
            .set("queue.buffering.max.messages", "0");
        let current = Mutex::new(Some(Client::start(&config)?));
        Ok(Self { config, current })
    }

    /// Appends records in their order and resolves when all are durable. After an error some of
    /// the first of them may be there, and none that comes after one that is not.
    pub(super) async fn append<'a>(
        &self,
        records: impl Iterator<Item = FutureRecord<'a, str, [u8]>>,
    ) -> Result<Vec<Offset>, Error> {
        let client = self.client()?;
        let mut refused = None;
        let mut sent = Vec::new();
        for record in records {
            match client.client.send_result(record) {
                Ok(delivery) => sent.push(delivery),
                Err((error, _)) => {
                    refused = Some(unavailable(error));
                    break;
                }
            }
        }
        // All are waited for, so that nothing of this attempt lands in the middle of the next.
        let mut offsets = Vec::with_capacity(sent.len());
        for delivered in client.wait(join_all(sent)).await {
            match delivered {
                // Whatever was appended twice is there once, at an offset that nobody tells.
                Ok(Ok(delivered)) => offsets.push(u64::try_from(delivered.offset).ok()),
                Ok(Err((error, _))) => refused = Some(Error::unknown(PORT, error)),
                Err(gone) => refused = Some(Error::unknown(PORT, gone)),
            }
        }
        refused.map_or(Ok(offsets), Err)
    }

    /// The client, or another one if it has failed for good. An attempt keeps to the one that it
    /// was begun with.
    fn client(&self) -> Result<Client, Error> {
        let mut current = self.current.lock().expect("no holder of the lock panics");
        if let Some(client) = current.as_ref().filter(|it| !it.failed()) {
            return Ok(client.clone());
        }
        tracing::error!("the publishing client has failed for good and is replaced");
        let client = Client::start(&self.config)?;
        end(current.replace(client.clone()));
        Ok(client)
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        end(self.current.lock().expect("no holder of the lock panics").take());
    }
}

/// Clients end slowly, and one may be dropped where nothing may block.
fn end(client: Option<Client>) {
    let _ = thread::Builder::new().name("publication-end".into()).spawn(move || drop(client));
}

impl Client {
    fn start(config: &ClientConfig) -> Result<Self, Error> {
        let (told, troubles) = watch::channel(());
        let context = Troubles { told, logs: Logs::default() };
        let client = FutureProducer::from_config_and_context(config, context);
        Ok(Self { client: client.map_err(unavailable)?, troubles })
    }

    /// Whether it has failed for good.
    fn failed(&self) -> bool {
        self.client.client().fatal_error().is_some()
    }

    /// Waits for what was sent; a client that fails for good would keep it for ever.
    async fn wait<T>(&self, sent: impl Future<Output = T>) -> T {
        let mut sent = pin!(sent);
        let mut troubles = self.troubles.clone();
        while !self.failed() {
            tokio::select! {
                it = &mut sent => return it,
                told = troubles.changed() => told.expect("the client lives"),
            }
        }
        self.client.purge(PurgeConfig::default().queue().inflight());
        sent.await
    }
}

impl ClientContext for Troubles {
    fn log(&self, level: RDKafkaLogLevel, place: &str, text: &str) {
        self.logs.log(level, place, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.told.send_replace(());
        self.logs.error(error, reason);
    }
}
