//! What can happen to a poll.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Recorded, Timestamp};
use crate::messages::MessageId;

crate::events! {
    /// Everything that can happen to polls; they live in their conversation's stream.
    PollEvent {
        PollOpened [],
        VoteCast [],
        PollClosed [],
    }
}

/// A message that was just sent asks a question; options are counted from 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.polls")]
pub struct PollOpened {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    pub author_id: AccountId,
    /// Number of options.
    pub options: i32,
    /// Whether several may be chosen.
    pub multiple: bool,
    /// Whether members see who has chosen what.
    pub public: bool,
    /// Whether results are told only once it is closed.
    pub hidden_until_closed: bool,
    /// Whether a ballot may be changed and taken back.
    pub revotable: bool,
    /// The option that is correct, in a quiz.
    pub correct_option: Option<i32>,
    /// When it closes by itself.
    pub closes_at: Option<Timestamp>,
}

/// A member chose, chose otherwise, or took the ballot back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.polls")]
pub struct VoteCast {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Who has chosen.
    pub account_id: AccountId,
    /// What is chosen now, in order; nothing when it was taken back.
    pub options: Vec<i32>,
    /// What the same member had chosen before.
    pub before: Vec<i32>,
    /// Whether the poll is public.
    pub public: bool,
}

/// Nobody votes any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.polls")]
pub struct PollClosed {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
}

impl PollEvent {
    /// What it means to those who listen. A frame that came with somebody's name would tell what
    /// they have chosen, since the counts in it differ from those before.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::PollOpened(it) => (Change::Poll(it.message_id), Effect::None),
            Self::VoteCast(it) => {
                let effect = if it.public { Effect::None } else { Effect::Unattributed };
                (Change::Poll(it.message_id), effect)
            }
            Self::PollClosed(it) => (Change::Poll(it.message_id), Effect::None),
        }
    }
}
