//! Sends what is due to people outside, and notes what became of it, one task a partition.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use chat::kernel::document::Document;
use chat::kernel::{Caller, Failure, Reader, Timestamp, id};
use chat::outbox::{Channel, Delivery, Fields, Outgoing, OutgoingId, RecordDelivery, write};
use lru::LruCache;
use ports::Error;
use ports::documents::{Order, Scan};
use ports::event_log::Partition;
use ports::outbound::{Handed, Message};

use crate::acting::Acting;
use crate::progress::Progress;

/// How often it is looked whether something has come to be due again.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How often it is looked whether the documents have caught up.
const CATCH_UP_EVERY: Duration = Duration::from_millis(50);

/// Messages taken in hand at once.
const AT_ONCE: usize = 32;

/// Attempts remembered until the documents tell them.
const NOTED_MAX: NonZeroUsize = NonZeroUsize::new(1_024).expect("it is not zero");

/// An attempt that was made.
#[derive(Clone, Copy)]
struct Attempt {
    attempt: u32,
    delivery: Delivery,
    /// Whether the log knows what became of it.
    noted: bool,
}

/// The last attempt of each message.
type Noted = LruCache<OutgoingId, Attempt>;

impl Acting {
    pub(crate) async fn send_outbox(self, partition: Partition, progress: Arc<Progress>) {
        let mut noted = LruCache::new(NOTED_MAX);
        self.catch_up(partition, &progress).await;
        loop {
            if let Err(error) = self.send_due(partition, &mut noted).await {
                tracing::warn!(partition, %error, "what is due can't be sent now");
            }
            let changed = progress.outbox[usize::from(partition)].notified();
            // Whether it was told or the time has passed: it is looked either way.
            let _ = tokio::time::timeout(LOOK_EVERY, changed).await;
        }
    }

    /// Waits until the documents know everything that was noted before this node came to send.
    async fn catch_up(&self, partition: Partition, progress: &Progress) {
        let end = loop {
            match self.ports.event_log.end(partition).await {
                Ok(end) => break end,
                Err(_) => tokio::time::sleep(LOOK_EVERY).await,
            }
        };
        while !progress.documents.has_reached(partition, end) {
            tokio::time::sleep(CATCH_UP_EVERY).await;
        }
    }

    async fn send_due(&self, partition: Partition, noted: &mut Noted) -> Result<(), Error> {
        let now = Timestamp(self.ports.clock.now_ms());
        let (name, from) = (Outgoing::COLLECTION.name, Outgoing::due(partition));
        let mut scan = Scan::prefix(name, Some("due"), &from, Order::Ascending, AT_ONCE);
        scan.to = Outgoing::due_until(partition, now);
        let reader = Reader::new(Arc::clone(&self.ports.documents), Arc::clone(&self.keyring));
        for (_, outgoing) in reader.scan::<Outgoing>(scan).await? {
            // The documents may not tell yet what became of it: no attempt is made twice.
            let known = noted.get(&outgoing.id).filter(|it| it.attempt >= outgoing.attempts);
            let mut attempt = match known.copied() {
                Some(attempt) => attempt,
                None => self.attempt(&reader, &outgoing, now).await,
            };
            if !attempt.noted {
                attempt.noted = self.note(&outgoing, attempt.delivery).await;
                noted.put(outgoing.id, attempt);
            }
        }
        Ok(())
    }

    /// Makes one attempt, whatever comes of it.
    async fn attempt(&self, reader: &Reader, outgoing: &Outgoing, now: Timestamp) -> Attempt {
        let delivery = match now.0 < outgoing.good_until.0 {
            true => self.send(reader, outgoing).await.unwrap_or_else(|error| {
                tracing::warn!(id = %outgoing.id, %error, "a message can't be opened now");
                Delivery::Failed
            }),
            false => Delivery::Expired,
        };
        metrics::counter!("parlance_messages_sent_total", "delivery" => label(delivery))
            .increment(1);
        Attempt { attempt: outgoing.attempts, delivery, noted: false }
    }

    /// Sends a message; what was erased, or is of a template that we don't know, is refused.
    async fn send(&self, reader: &Reader, outgoing: &Outgoing) -> Result<Delivery, Error> {
        let (to, fields) = (reader.open(&outgoing.to).await?, reader.open(&outgoing.fields).await?);
        let fields: Option<Fields> = fields;
        let written = fields.and_then(|it| write(&outgoing.template, &outgoing.locale, &it));
        let (Some(to), Some(written)) = (to, written) else { return Ok(Delivery::Refused) };
        let (subject, text) = (written.subject, written.text);
        let message = Message { id: outgoing.id.0, to, subject, text };
        let carrier = match outgoing.channel {
            Channel::Mail => &self.ports.mail,
            Channel::Sms => &self.ports.sms,
        };
        Ok(match carrier.send(&message).await {
            Ok(Handed::Taken) => Delivery::Taken,
            Ok(Handed::Refused) => Delivery::Refused,
            Err(error) => {
                // What the carrier said may name the person.
                let kind = error.kind;
                let (id, port) = (outgoing.id, error.port);
                tracing::warn!(%id, port, %kind, "a message was not taken");
                Delivery::Failed
            }
        })
    }

    /// Notes what became of an attempt. The command's id tells the attempt, so that it is noted
    /// once; where that fails, the message is sent again under its id.
    async fn note(&self, outgoing: &Outgoing, delivery: Delivery) -> bool {
        let parts = [b"attempt".as_slice(), &outgoing.attempts.to_be_bytes(), &[delivery as u8]];
        let client_id = id::derive(outgoing.id.0, &parts);
        let caller = Caller::from(outgoing.account_id);
        let command = RecordDelivery { outgoing_id: outgoing.id, delivery };
        let submitted = self.door.submit(caller, client_id, Box::new(command)).await;
        if let Err(failure) = &submitted {
            tracing::warn!(id = %outgoing.id, ?failure, "what became of a message is not noted");
        }
        // Who says no has nothing to be noted.
        matches!(submitted, Ok(_) | Err(Failure::Rejected(_)))
    }
}

fn label(delivery: Delivery) -> &'static str {
    match delivery {
        Delivery::Taken => "taken",
        Delivery::Refused => "refused",
        Delivery::Failed => "failed",
        Delivery::Expired => "expired",
    }
}
