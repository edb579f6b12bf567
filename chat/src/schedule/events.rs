//! What can happen to a scheduled message.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use ports::keys::TreeId;

use crate::Change;
use crate::accounts::AccountId;
use crate::attachments::Attachments;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::event::Reaction;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded, Timestamp};
use crate::messages::MessageId;

crate::id! {
    /// Identifies a scheduled message.
    ScheduledId, "sched"
}

crate::events! {
    /// Everything that can happen to scheduled messages; they live in their author's stream.
    ScheduleEvent {
        MessageScheduled [text, attachments],
        ScheduledChanged [text],
        ScheduledCancelled [],
        ScheduledSending [],
        ScheduledSent [],
        ScheduledFailed [],
        ScheduledReleased [],
    }
}

/// A message is to be sent at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.schedule")]
pub struct MessageScheduled {
    pub scheduled_id: ScheduledId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Markdown.
    pub text: Personal<String>,
    pub reply_to: Option<MessageId>,
    pub silent: bool,
    /// Seconds from when it is sent.
    pub expires_in: Option<Long>,
    pub due_at: Timestamp,
    /// The message that begins the thread it goes to; null for the conversation.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
    /// The files that it holds, so that they are kept; null for none.
    #[serde(default)]
    pub files: Option<Vec<FileId>>,
    /// What they are taken for, in their order.
    #[serde(default)]
    pub attachments: Option<Personal<Attachments>>,
}

/// It says something else, or is to be sent at another time; what is null stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.schedule")]
pub struct ScheduledChanged {
    pub scheduled_id: ScheduledId,
    pub account_id: AccountId,
    /// Under the key of the first text.
    pub text: Option<Personal<String>>,
    pub due_at: Option<Timestamp>,
}

/// Its author took it back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.schedule")]
pub struct ScheduledCancelled {
    pub scheduled_id: ScheduledId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// The leaf of the author's key tree that sealed its texts.
    pub leaf: Long,
    /// The files that it held.
    #[serde(default)]
    pub files: Option<Vec<FileId>>,
}

/// Its time has come: it is not changed any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.schedule")]
pub struct ScheduledSending {
    pub scheduled_id: ScheduledId,
    pub account_id: AccountId,
    pub due_at: Timestamp,
}

/// It was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.schedule")]
pub struct ScheduledSent {
    pub scheduled_id: ScheduledId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// The leaf of the author's key tree that sealed its texts.
    pub leaf: Long,
    /// The files that it held: the message holds them now.
    #[serde(default)]
    pub files: Option<Vec<FileId>>,
}

/// It could not be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.schedule")]
pub struct ScheduledFailed {
    pub scheduled_id: ScheduledId,
    pub account_id: AccountId,
    /// The code of the rejection.
    pub code: String,
}

/// Files are not kept for it any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.schedule")]
pub struct ScheduledReleased {
    pub scheduled_id: ScheduledId,
    pub account_id: AccountId,
    pub file_ids: Vec<FileId>,
}

impl ScheduleEvent {
    /// The message that it is about.
    pub(crate) fn scheduled_id(&self) -> ScheduledId {
        match self {
            Self::MessageScheduled(it) => it.scheduled_id,
            Self::ScheduledChanged(it) => it.scheduled_id,
            Self::ScheduledCancelled(it) => it.scheduled_id,
            Self::ScheduledSending(it) => it.scheduled_id,
            Self::ScheduledSent(it) => it.scheduled_id,
            Self::ScheduledFailed(it) => it.scheduled_id,
            Self::ScheduledReleased(it) => it.scheduled_id,
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let seen = !matches!(self, Self::ScheduledReleased(_));
        let change =
            if seen { Change::ScheduledMessage(self.scheduled_id()) } else { Change::None };
        (change, Effect::None)
    }
}

/// What was sent, or taken back, is not kept where it waited.
pub fn destroy_text(event: &Recorded) -> Vec<Reaction> {
    let (account, leaf) = match ScheduleEvent::of(&event.event) {
        Some(ScheduleEvent::ScheduledCancelled(it)) => (it.account_id, it.leaf),
        Some(ScheduleEvent::ScheduledSent(it)) => (it.account_id, it.leaf),
        Some(
            ScheduleEvent::MessageScheduled(_)
            | ScheduleEvent::ScheduledChanged(_)
            | ScheduleEvent::ScheduledSending(_)
            | ScheduleEvent::ScheduledFailed(_)
            | ScheduleEvent::ScheduledReleased(_),
        )
        | None => return Vec::new(),
    };
    let account = account.0.into_bytes();
    let tree = TreeId { author: account, stream: account };
    vec![Reaction::DestroyKey { tree, leaf: leaf.0 }]
}
