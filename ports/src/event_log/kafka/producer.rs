//! Appends: queued in call order, resolved by what the brokers answer.

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use rdkafka::ClientContext;
use rdkafka::config::{ClientConfig, FromClientConfigAndContext, RDKafkaLogLevel};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, Producer as _, ProducerContext};
use tokio::sync::oneshot;

use super::PORT;
use super::recent::Recent;
use crate::Error;
use crate::event_log::{Ack, Partition};
use crate::kafka::{CALL_MAX, Logs, Settings, unavailable};

/// How soon a client that nobody holds any more ends.
const POLL: Duration = Duration::from_millis(100);

type Client = BaseProducer<Deliveries>;
type Answer = Result<Ack, Error>;

pub(super) struct Producer {
    config: ClientConfig,
    topic: String,
    recent: Arc<Recent>,
    current: Mutex<Arc<Client>>,
}

/// What a client hears about the records that it was given.
struct Deliveries {
    recent: Arc<Recent>,
    logs: Logs,
}

struct Append {
    partition: Partition,
    record: Bytes,
    done: oneshot::Sender<Answer>,
}

impl Producer {
    pub(super) fn new(settings: &Settings, recent: Arc<Recent>) -> Result<Self, Error> {
        let config = settings.producer();
        let current = Mutex::new(client(&config, Arc::clone(&recent))?);
        Ok(Self { config, topic: settings.log.clone(), recent, current })
    }

    /// Queues a record before it returns; fails when it has queued nothing.
    pub(super) fn append(
        &self,
        partition: Partition,
        record: Bytes,
    ) -> Result<oneshot::Receiver<Answer>, Error> {
        let (done, answer) = oneshot::channel();
        let append = Box::new(Append { partition, record: record.clone(), done });
        let record = BaseRecord::<(), [u8], _>::with_opaque_to(&self.topic, append)
            .partition(partition.into())
            .payload(&record[..]);
        let mut current = self.current.lock().expect("no holder of the lock panics");
        let queued = current.send(record).or_else(|(error, record)| {
            if error.rdkafka_error_code() != Some(RDKafkaErrorCode::Fatal) {
                return Err(unavailable(error));
            }
            let reason = current.client().fatal_error().map(|it| it.1);
            tracing::error!(reason, "the log's producer has failed for good and is replaced");
            // The old one answers what it still has as unknown, then ends by itself.
            *current = client(&self.config, Arc::clone(&self.recent))?;
            current.send(record).map_err(|(error, _)| unavailable(error))
        });
        queued?;
        Ok(answer)
    }
}

/// Starts a client, and the thread that hears its answers until nobody else holds it.
fn client(config: &ClientConfig, recent: Arc<Recent>) -> Result<Arc<Client>, Error> {
    let context = Deliveries { recent, logs: Logs::default() };
    let client = Client::from_config_and_context(config, context).map_err(unavailable)?;
    let client = Arc::new(client);
    let held = Arc::clone(&client);
    let serve = move || {
        while Arc::strong_count(&held) > 1 {
            held.poll(POLL);
        }
        // What was queued may still land; what does not is answered as unknown.
        let _ = held.flush(CALL_MAX);
    };
    let thread = thread::Builder::new().name("log-producer".into()).spawn(serve);
    thread.map_err(|it| Error::unavailable(PORT, it))?;
    Ok(client)
}

impl ClientContext for Deliveries {
    fn log(&self, level: RDKafkaLogLevel, place: &str, text: &str) {
        self.logs.log(level, place, text);
    }

    fn error(&self, error: KafkaError, reason: &str) {
        self.logs.error(error, reason);
    }
}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = Box<Append>;

    fn delivery(&self, result: &DeliveryResult<'_>, append: Box<Append>) {
        let answer = match result {
            Ok(message) => {
                metrics::counter!("parlance_log_appends_total").increment(1);
                // Whatever was appended twice is there once, at an offset that nobody tells.
                let offset = u64::try_from(message.offset()).ok();
                if let Some(offset) = offset {
                    self.recent.acknowledged(append.partition, offset, append.record);
                }
                Ok(offset)
            }
            Err((error, _)) => Err(Error::unknown(PORT, error.clone())),
        };
        // A caller that has gone away learns the outcome from the log.
        let _ = append.done.send(answer);
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::mocking::MockCluster;
    use rdkafka::producer::DefaultProducerContext;
    use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};

    use super::*;
    use crate::{Address, ErrorKind};

    /// A broker inside the client's library: no real one gives these answers when asked to.
    fn broker() -> (MockCluster<'static, DefaultProducerContext>, Producer) {
        let broker = MockCluster::new(1).unwrap();
        let address = format!("kafka://{}/told", broker.bootstrap_servers());
        let settings = Settings::new(&Address::from(address.as_str())).unwrap();
        broker.create_topic(&settings.log, 1, 1).unwrap();
        let producer = Producer::new(&settings, Arc::new(Recent::new(&[0]))).unwrap();
        (broker, producer)
    }

    fn append(producer: &Producer) -> Result<Ack, ErrorKind> {
        let answer = producer.append(0, Bytes::from_static(b"record"));
        answer.and_then(|it| it.blocking_recv().unwrap()).map_err(|it| it.kind)
    }

    #[test]
    fn a_record_that_was_there_already_is_acknowledged_without_its_offset() {
        let (broker, producer) = broker();
        assert_eq!(append(&producer), Ok(Some(0)));
        let duplicate = RDKafkaRespErr::RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER;
        broker.request_errors(RDKafkaApiKey::Produce, &[duplicate]);
        assert_eq!(append(&producer), Ok(None));
    }

    #[test]
    fn a_client_that_failed_for_good_is_replaced() {
        let (broker, producer) = broker();
        assert_eq!(append(&producer), Ok(Some(0)));
        let lost = RDKafkaRespErr::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
        broker.request_errors(RDKafkaApiKey::Produce, &[lost]);
        assert_eq!(append(&producer), Err(ErrorKind::Unknown));
        assert_eq!(append(&producer), Ok(Some(1)));
    }
}
