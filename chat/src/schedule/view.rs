//! Scheduled messages as they are remembered; of one that is over its text is gone.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{MessageScheduled, ScheduleEvent, ScheduledId};
use crate::accounts::AccountId;
use crate::attachments::Attachments;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::messages::MessageId;
use crate::timers::{Purpose, Timing};

/// How far a scheduled message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
pub enum ScheduledState {
    /// It waits for its time and can be changed.
    Waiting,
    /// Its time has come.
    Sending,
    Sent,
    /// It could not be sent, and waits for its author.
    Failed,
    Cancelled,
}

/// A scheduled message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scheduled {
    pub id: ScheduledId,
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// Markdown; absent once it is over.
    pub text: Option<Personal<String>>,
    /// The files that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Vec<FileId>>,
    /// What they are taken for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attachments: Option<Personal<Attachments>>,
    pub reply_to: Option<MessageId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
    pub silent: bool,
    pub expires_in: Option<u32>,
    pub due_at: Timestamp,
    pub state: ScheduledState,
    /// Why it could not be sent: the code of a rejection.
    pub failure: Option<String>,
    /// The message, once it was sent.
    pub message_id: Option<MessageId>,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl Scheduled {
    fn new(it: &MessageScheduled, event: &Recorded) -> Self {
        Self {
            id: it.scheduled_id,
            account_id: it.account_id,
            conversation_id: it.conversation_id,
            text: Some(it.text.clone()),
            files: it.files.clone(),
            attachments: it.attachments.clone(),
            reply_to: it.reply_to,
            thread_id: it.thread_id,
            silent: it.silent,
            expires_in: it.expires_in.and_then(|it| u32::try_from(it.0).ok()),
            due_at: it.due_at,
            state: ScheduledState::Waiting,
            failure: None,
            message_id: None,
            seq: event.seq,
        }
    }

    /// The leaf that its texts are sealed under.
    pub(super) fn leaf(&self) -> u64 {
        self.text.as_ref().and_then(Personal::leaf).unwrap_or(0)
    }

    fn end(&mut self, state: ScheduledState) {
        self.state = state;
        self.text = None;
        self.files = None;
        self.attachments = None;
        self.failure = None;
    }

    /// What begins the keys of an author's, or of those in one conversation.
    pub(super) fn prefix(account: AccountId, conversation: Option<ConversationId>) -> String {
        conversation.map_or(format!("{account}/"), |it| format!("{account}/{it}/"))
    }

    fn change(&mut self, event: &ScheduleEvent) {
        match event {
            ScheduleEvent::ScheduledChanged(it) => {
                self.text = it.text.clone().or_else(|| self.text.take());
                if let Some(due_at) = it.due_at {
                    self.due_at = due_at;
                    self.state = ScheduledState::Waiting;
                    self.failure = None;
                }
            }
            ScheduleEvent::ScheduledCancelled(_) => self.end(ScheduledState::Cancelled),
            ScheduleEvent::ScheduledSending(_) => self.state = ScheduledState::Sending,
            ScheduleEvent::ScheduledSent(it) => {
                self.end(ScheduledState::Sent);
                self.message_id = Some(it.message_id);
            }
            ScheduleEvent::ScheduledFailed(it) => {
                self.state = ScheduledState::Failed;
                self.failure = Some(it.code.clone());
            }
            ScheduleEvent::MessageScheduled(_) | ScheduleEvent::ScheduledReleased(_) => (),
        }
    }
}

impl Document for Scheduled {
    const COLLECTION: Collection =
        Collection { name: "scheduled", indexes: &["by_time", "by_conversation"] };

    fn ids(event: &Recorded) -> Vec<String> {
        match ScheduleEvent::of(&event.event) {
            Some(ScheduleEvent::ScheduledReleased(_)) | None => Vec::new(),
            Some(it) => vec![it.scheduled_id().to_string()],
        }
    }

    fn begins(event: &Recorded) -> bool {
        matches!(ScheduleEvent::of(&event.event), Some(ScheduleEvent::MessageScheduled(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (ScheduleEvent::of(&event.event), document.as_mut()) {
            (Some(ScheduleEvent::MessageScheduled(it)), _) => {
                *document = Some(Self::new(it, event));
            }
            (Some(it), Some(scheduled)) => {
                scheduled.change(it);
                scheduled.seq = event.seq;
            }
            (Some(_) | None, _) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        if self.text.is_none() {
            return vec![None, None];
        }
        let due_at = padded(self.due_at.0.unsigned_abs());
        let key = |conversation| {
            let prefix = Self::prefix(self.account_id, conversation);
            Some(format!("{prefix}{due_at}/{}", self.id))
        };
        vec![key(None), key(Some(self.conversation_id))]
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}

/// How many messages of an author wait in a conversation, those that failed among them.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ScheduledCount {
    pub count: u64,
}

impl ScheduledCount {
    /// Id of an author's count in a conversation.
    pub fn id(account: AccountId, conversation: ConversationId) -> String {
        format!("{account}/{conversation}")
    }
}

/// Whose count in which conversation an event changes, and whether it grows.
fn counted(event: &Recorded) -> Option<(String, bool)> {
    match ScheduleEvent::of(&event.event)? {
        ScheduleEvent::MessageScheduled(it) => {
            Some((ScheduledCount::id(it.account_id, it.conversation_id), true))
        }
        ScheduleEvent::ScheduledCancelled(it) => {
            Some((ScheduledCount::id(it.account_id, it.conversation_id), false))
        }
        ScheduleEvent::ScheduledSent(it) => {
            Some((ScheduledCount::id(it.account_id, it.conversation_id), false))
        }
        ScheduleEvent::ScheduledChanged(_)
        | ScheduleEvent::ScheduledSending(_)
        | ScheduleEvent::ScheduledFailed(_)
        | ScheduleEvent::ScheduledReleased(_) => None,
    }
}

impl Document for ScheduledCount {
    const COLLECTION: Collection = Collection { name: "scheduled_counts", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        counted(event).map(|(id, _)| id).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some((_, grows)) = counted(event) else { return };
        let count = &mut document.get_or_insert_default().count;
        *count = if grows { *count + 1 } else { count.saturating_sub(1) };
    }
}

/// The timers that an event sets and clears.
pub(crate) fn timings(event: &Recorded) -> Vec<Timing> {
    let Some(event) = ScheduleEvent::of(&event.event) else { return Vec::new() };
    let id = event.scheduled_id().0;
    let set = |purpose, account_id, due_at| Timing::Set { purpose, id, account_id, due_at };
    let (due, send) = (Purpose::ScheduledDue, Purpose::ScheduledSend);
    let clear = |purpose| Timing::Clear { purpose, id };
    match event {
        ScheduleEvent::MessageScheduled(it) => vec![set(due, it.account_id, it.due_at)],
        ScheduleEvent::ScheduledChanged(it) => {
            it.due_at.map(|at| set(due, it.account_id, at)).into_iter().collect()
        }
        ScheduleEvent::ScheduledCancelled(_) => vec![clear(due)],
        ScheduleEvent::ScheduledSending(it) => {
            vec![clear(due), set(send, it.account_id, it.due_at)]
        }
        ScheduleEvent::ScheduledSent(_) | ScheduleEvent::ScheduledFailed(_) => {
            vec![clear(due), clear(send)]
        }
        ScheduleEvent::ScheduledReleased(_) => Vec::new(),
    }
}
