//! The bus on Redis: sharded publish and subscribe, heard on one connection of the process and
//! handed out to its listeners here.
//!
//! Partitions share a fixed number of channels, `{prefix}.events.{partition mod 16}`, so that a
//! process listens to few whatever the number of partitions, and a cluster still spreads them over
//! its servers; `{prefix}.ephemeral` is one more. Each frame says what it is about.
//!
//! Before a listener is made, a mark goes through every channel and back: what was announced
//! before it has then been handed out, and every channel is known to be heard.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use ::redis::{PushInfo, PushKind, Value, cmd};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::future::try_join_all;
use tokio::sync::{Notify, broadcast, oneshot, watch};
use tokio::task::JoinHandle;

use super::{Announcement, Bus, Subscription, Topic};
use crate::entropy::{self, Entropy};
use crate::redis::{Ear, Link, Place, Question};
use crate::{Address, Error};

const PORT: &str = "bus";

/// Channels that the partitions share.
const CHANNELS: u16 = 16;

/// Announcements a listener may be behind before it loses some.
const BEHIND_MAX: usize = 8_192;

/// How long an announcement may take until the server has it.
const PUBLISH_MAX: Duration = Duration::from_secs(1);

/// How long a listener waits until every channel is heard.
const SUBSCRIBE_MAX: Duration = Duration::from_secs(5);

/// How often listeners look elsewhere while the server is away; that is work for the documents.
const AWAY: Duration = Duration::from_millis(800);

/// Pause before a lost subscription is made again.
const PAUSE: Duration = Duration::from_millis(200);

/// How often a silent connection is asked whether it still is one.
const PULSE: Duration = Duration::from_secs(5);

/// Names one round of marks.
type Mark = [u8; 16];

const EVENTS: u8 = 0;
const EPHEMERAL: u8 = 1;
const MARK: u8 = 2;

/// What is sent through a channel.
#[derive(Debug, PartialEq)]
enum Frame {
    Said(Announcement),
    Mark(Mark),
}

impl Frame {
    fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Said(Announcement { topic: Topic::Events(partition), payload }) => {
                let [high, low] = partition.to_be_bytes();
                [&[EVENTS, high, low], &payload[..]].concat()
            }
            Self::Said(Announcement { topic: Topic::Ephemeral, payload }) => {
                [&[EPHEMERAL], &payload[..]].concat()
            }
            Self::Mark(mark) => [&[MARK], &mark[..]].concat(),
        }
    }

    /// `None` when a later version sent it: what is not understood counts as lost.
    fn of(bytes: Bytes) -> Option<Self> {
        let topic = match *bytes.first()? {
            EVENTS => Topic::Events(u16::from_be_bytes(bytes.get(1..3)?.try_into().ok()?)),
            EPHEMERAL => Topic::Ephemeral,
            MARK => return bytes[1..].try_into().ok().map(Self::Mark),
            _ => return None,
        };
        let payload = bytes.slice(if topic == Topic::Ephemeral { 1.. } else { 3.. });
        Some(Self::Said(Announcement { topic, payload }))
    }
}

struct Redis {
    place: Arc<Place>,
    link: Link,
    hall: Arc<Hall>,
    /// Listens for as long as there is a bus, from the first listener on.
    listening: OnceLock<JoinHandle<()>>,
}

/// Where what was heard is handed out.
struct Hall {
    channels: Vec<String>,
    sender: broadcast::Sender<Option<Announcement>>,
    marks: Mutex<HashMap<Mark, Awaited>>,
    /// Whether every channel is heard.
    heard: watch::Sender<bool>,
}

/// Those who wait for a mark to come back.
struct Awaited {
    channels: usize,
    done: oneshot::Sender<()>,
}

pub(super) async fn connect(address: &Address) -> Result<Arc<dyn Bus>, Error> {
    let place = Arc::new(Place::of(PORT, address)?);
    let link = place.link().await?;
    let events = (0..CHANNELS).map(|it| format!("{}.events.{it}", place.prefix));
    let hall = Hall {
        channels: events.chain([format!("{}.ephemeral", place.prefix)]).collect(),
        sender: broadcast::channel(BEHIND_MAX).0,
        marks: Mutex::default(),
        heard: watch::channel(false).0,
    };
    Ok(Arc::new(Redis { place, link, hall: Arc::new(hall), listening: OnceLock::new() }))
}

impl Hall {
    fn channel(&self, topic: Topic) -> &str {
        match topic {
            Topic::Events(partition) => &self.channels[usize::from(partition % CHANNELS)],
            Topic::Ephemeral => &self.channels[usize::from(CHANNELS)],
        }
    }

    fn hand_out(&self, frame: Frame) {
        match frame {
            // Nobody listening is no failure.
            Frame::Said(announcement) => drop(self.sender.send(Some(announcement))),
            Frame::Mark(mark) => {
                let mut marks = self.marks.lock().expect("no holder of the lock panics");
                // Other processes send marks too.
                let Some(awaited) = marks.get_mut(&mark) else { return };
                awaited.channels -= 1;
                if awaited.channels == 0
                    && let Some(awaited) = marks.remove(&mark)
                {
                    let _ = awaited.done.send(());
                }
            }
        }
    }
}

impl Redis {
    async fn publish(&self, channel: &str, frame: &Frame) -> Result<(), Error> {
        let mut publish = cmd("SPUBLISH");
        publish.arg(channel).arg(frame.to_bytes());
        self.link.ask::<Value>(PUBLISH_MAX, Question::Command(&publish)).await.map(drop)
    }

    /// Sends a mark through every channel and waits until it has come back through each.
    async fn mark(&self) -> Result<(), Error> {
        let mark: Mark = (&entropy::System as &dyn Entropy).bytes();
        let (done, back) = oneshot::channel();
        let awaited = Awaited { channels: self.hall.channels.len(), done };
        let marks = || self.hall.marks.lock().expect("no holder of the lock panics");
        marks().insert(mark, awaited);
        let frame = Frame::Mark(mark);
        let sent = self.hall.channels.iter().map(|it| self.publish(it, &frame));
        let outcome = async {
            try_join_all(sent).await?;
            back.await.map_err(|it| Error::unavailable(PORT, it))
        };
        let outcome = tokio::time::timeout(SUBSCRIBE_MAX, outcome).await;
        marks().remove(&mark);
        outcome.unwrap_or_else(|_| Err(Error::unavailable(PORT, "a channel is not heard")))
    }
}

#[async_trait]
impl Bus for Redis {
    async fn publish(&self, announcement: Announcement) -> Result<(), Error> {
        let channel = self.hall.channel(announcement.topic);
        Self::publish(self, channel, &Frame::Said(announcement)).await
    }

    async fn subscribe(&self) -> Result<Box<dyn Subscription>, Error> {
        self.listening.get_or_init(|| {
            let (place, hall) = (Arc::clone(&self.place), Arc::clone(&self.hall));
            crate::spawn("bus", listen(place, hall))
        });
        let mut heard = self.hall.heard.subscribe();
        let subscribed = heard.wait_for(|it| *it);
        if tokio::time::timeout(SUBSCRIBE_MAX, subscribed).await.is_err() {
            return Err(Error::unavailable(PORT, "the channels can't be subscribed to"));
        }
        self.mark().await?;
        Ok(Box::new(Listener { receiver: self.hall.sender.subscribe() }))
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some(listening) = self.listening.get() {
            listening.abort();
        }
    }
}

/// One subscription of the process to all channels, until it is lost.
struct Hearing {
    hall: Arc<Hall>,
    /// Nothing more is taken from a connection that was given up.
    over: AtomicBool,
    lost: Notify,
}

impl Hearing {
    /// Runs where the connection is read, so that what it read first is handed out first.
    fn hear(&self, push: PushInfo) {
        if push.kind == PushKind::SMessage && !self.over.load(Ordering::Acquire) {
            if let Some(Value::BulkString(frame)) = push.data.into_iter().nth(1)
                && let Some(frame) = Frame::of(frame.into())
            {
                self.hall.hand_out(frame);
            }
        } else if matches!(push.kind, PushKind::Disconnection | PushKind::SUnsubscribe) {
            // A channel that moves to another server of a cluster is unsubscribed by the old one.
            self.lost.notify_one();
        }
    }
}

/// Keeps the subscription for ever.
async fn listen(place: Arc<Place>, hall: Arc<Hall>) {
    let mut was_heard = false;
    loop {
        let hearing = Arc::new(Hearing {
            hall: Arc::clone(&hall),
            over: AtomicBool::new(false),
            lost: Notify::new(),
        });
        match subscribe(&place, &hearing).await {
            Ok(ear) => {
                if was_heard {
                    // What was announced while nobody listened is lost.
                    let _ = hall.sender.send(None);
                }
                was_heard = true;
                hall.heard.send_replace(true);
                stay(ear, &hearing).await;
                hall.heard.send_replace(false);
                tracing::warn!("the subscription to the bus is lost");
            }
            Err(error) => {
                tracing::warn!(error = %error, "the bus can't be subscribed to");
                // Whoever listens finds out by other ways what is announced meanwhile.
                let _ = hall.sender.send(None);
                tokio::time::sleep(AWAY).await;
            }
        }
        hearing.over.store(true, Ordering::Release);
        tokio::time::sleep(PAUSE).await;
    }
}

async fn subscribe(place: &Place, hearing: &Arc<Hearing>) -> Result<Ear, Error> {
    let heard = Arc::clone(hearing);
    let hear = move |push| {
        heard.hear(push);
        Ok::<_, std::convert::Infallible>(())
    };
    let mut ear = place.ear(hear).await?;
    for channel in &hearing.hall.channels {
        let subscribed = ear.listen(channel).await;
        subscribed.map_err(|it| Error::unavailable(PORT, it.to_string()))?;
    }
    Ok(ear)
}

/// Stays until the connection is lost or does not answer.
async fn stay(mut ear: Ear, hearing: &Hearing) {
    while tokio::time::timeout(PULSE, hearing.lost.notified()).await.is_err() {
        if !ear.answers().await {
            return;
        }
    }
}

struct Listener {
    receiver: broadcast::Receiver<Option<Announcement>>,
}

#[async_trait]
impl Subscription for Listener {
    async fn next(&mut self) -> Option<Announcement> {
        match self.receiver.recv().await {
            Ok(heard) => heard,
            Err(broadcast::error::RecvError::Lagged(_)) => None,
            Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_reads_back_as_sent() {
        for payload in ["", "text"] {
            for topic in [Topic::Ephemeral, Topic::Events(0), Topic::Events(1_023)] {
                let said = Announcement { topic, payload: payload.into() };
                let bytes = Frame::Said(said.clone()).to_bytes();
                assert_eq!(Frame::of(bytes.into()), Some(Frame::Said(said)));
            }
        }
        let mark = Frame::Mark([7; 16]);
        assert_eq!(Frame::of(mark.to_bytes().into()), Some(mark));
    }

    #[test]
    fn what_is_no_frame_is_not_heard() {
        for bytes in [&[][..], &[EVENTS, 1], &[MARK, 1], &[9, 9, 9]] {
            assert_eq!(Frame::of(Bytes::copy_from_slice(bytes)), None);
        }
    }
}
