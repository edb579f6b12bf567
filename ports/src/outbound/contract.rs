//! What every way to people outside promises, as cases to be run against an adapter.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use uuid::Uuid;

use super::{Handed, Message, Outbound, TEXT_BYTES_MAX};
use crate::promise::cases;

/// A message as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    pub id: String,
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
}

/// A way to people, one of their addresses, and what has arrived there.
pub struct Place {
    pub outbound: Arc<dyn Outbound>,
    pub address: &'static str,
    pub arrived: Box<dyn Fn() -> BoxFuture<'static, Vec<Arrived>> + Send + Sync>,
    /// Whether subjects arrive.
    pub subjects: bool,
}

cases! {
    Place:
    a_message_arrives_as_it_was_written
    the_same_id_is_the_same_message
    nothing_in_a_message_becomes_a_header
    what_is_to_no_address_is_refused
    a_text_is_as_long_as_it_may_be_and_no_longer
}

fn message(n: u128, place: &Place, text: &str) -> Message {
    let (to, subject) = (place.address.to_owned(), "Your code: grün".to_owned());
    Message { id: Uuid::from_u128(n), to, subject, text: text.to_owned() }
}

/// What has arrived; on its way a text may come to end in a line break.
async fn seen(place: &Place) -> Vec<Arrived> {
    let all = (place.arrived)().await.into_iter();
    let mut all: Vec<_> =
        all.map(|it| Arrived { text: it.text.trim_end().to_owned(), ..it }).collect();
    all.sort_by(|left, right| left.id.cmp(&right.id));
    all
}

fn arrived(message: &Message, place: &Place) -> Arrived {
    Arrived {
        id: message.id.to_string(),
        to: message.to.clone(),
        subject: place.subjects.then(|| message.subject.clone()),
        text: message.text.trim_end().to_owned(),
    }
}

async fn taken(place: &Place, message: &Message) {
    assert_eq!(place.outbound.send(message).await.expect("an answer"), Handed::Taken);
}

async fn a_message_arrives_as_it_was_written(place: Place) {
    let sent = message(1, &place, "Your code is 123 456.\nIt is good for ten minutes — ünïcode 🌊");
    taken(&place, &sent).await;
    assert_eq!(seen(&place).await, [arrived(&sent, &place)]);
}

async fn the_same_id_is_the_same_message(place: Place) {
    let (one, other) = (message(1, &place, "one"), message(2, &place, "other"));
    for it in [&one, &other, &one, &one] {
        taken(&place, it).await;
    }
    let mut seen = seen(&place).await;
    seen.dedup();
    assert_eq!(seen, [arrived(&one, &place), arrived(&other, &place)]);
}

async fn nothing_in_a_message_becomes_a_header(place: Place) {
    let mut sent =
        message(1, &place, "Bcc: eve@example.org\r\n\r\n.\r\nMAIL FROM:<eve@example.org>");
    sent.subject = "one\r\nBcc: eve@example.org\r\n\r\nbody".to_owned();
    let _ = place.outbound.send(&sent).await;
    for it in seen(&place).await {
        assert_eq!((it.id, it.to), (sent.id.to_string(), sent.to.clone()));
        assert!(it.text.contains("Bcc: eve"), "{:?}", it.text);
    }
    let hostile = format!("{}\r\nBcc: eve@example.org", place.address);
    let refused = place.outbound.send(&Message { to: hostile, ..sent }).await;
    assert_eq!(refused.expect("an answer"), Handed::Refused);
}

async fn what_is_to_no_address_is_refused(place: Place) {
    for nowhere in ["", "nobody", "@", "a@", "@b", "+", "+12a", "a@b\nc", "a b@c"] {
        let sent = Message { to: nowhere.to_owned(), ..message(1, &place, "text") };
        let answer = place.outbound.send(&sent).await;
        assert_eq!(answer.expect("an answer"), Handed::Refused, "{nowhere:?}");
    }
    assert_eq!(seen(&place).await, []);
}

async fn a_text_is_as_long_as_it_may_be_and_no_longer(place: Place) {
    let line = "a line of a long text\n";
    let mut text = line.repeat(TEXT_BYTES_MAX / line.len());
    text.push_str(&"x".repeat(TEXT_BYTES_MAX - text.len()));
    let whole = message(1, &place, &text);
    taken(&place, &whole).await;
    text.push('x');
    let more = place.outbound.send(&message(2, &place, &text)).await;
    assert_eq!(more.expect("an answer"), Handed::Refused);
    assert_eq!(seen(&place).await, [arrived(&whole, &place)]);
}
