//! What can happen to messages that go outside; they live in their account's stream.

use std::collections::BTreeMap;

use apache_avro::AvroSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::{Effect, Personal, Recorded, Timestamp};

crate::id! {
    /// Identifies a message that goes outside.
    OutgoingId, "out"
}

crate::events! {
    /// Everything that can happen to messages that go outside.
    OutboxEvent {
        MessageQueued [to, fields],
        MessageAttempted [],
    }
}

/// How a message travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema, JsonSchema)]
#[avro(namespace = "chat.outbox")]
pub enum Channel {
    Mail,
    Sms,
}

/// What is filled into a template.
pub type Fields = BTreeMap<String, String>;

/// A message is to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.outbox")]
pub struct MessageQueued {
    pub outgoing_id: OutgoingId,
    pub account_id: AccountId,
    pub channel: Channel,
    /// Name of what it says, such as `address-code`.
    pub template: String,
    /// A language that we speak, by its tag.
    pub locale: String,
    pub to: Personal<String>,
    pub fields: Personal<Fields>,
    /// When it is of no more use.
    pub good_until: Timestamp,
}

/// What became of an attempt to send a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema, JsonSchema)]
#[avro(namespace = "chat.outbox")]
pub enum Delivery {
    // Its carrier has it.
    Taken,
    // Its carrier will never take it.
    Refused,
    // It was not taken, or may have been; it is tried again while it is of use.
    Failed,
    // It came to be of no more use before anybody took it.
    Expired,
}

/// An attempt to send a message has ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.outbox")]
pub struct MessageAttempted {
    pub outgoing_id: OutgoingId,
    pub delivery: Delivery,
}

impl OutboxEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        (Change::None, Effect::None)
    }
}
