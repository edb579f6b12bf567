//! What passes by, as clients see it.

use async_graphql::{Context, Enum, ID, Object, Result};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{ONLINE_MS, TYPING_MS};
use crate::accounts::{AccountId, AccountObject};
use crate::conversations::ConversationId;
use crate::kernel::Timestamp;
use crate::kernel::ephemeral::Ephemeral;

crate::rejections! {
    /// Why presence says no.
    PresenceRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        TooManyAsked: Invalid, "PRESENCE_TOO_MANY_ASKED",
            "not 1 to 100 accounts", "Ask in several queries.";
    }
}

/// What somebody is about to send.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Enum)]
pub enum TypingKind {
    Text,
    /// They record a voice message.
    Voice,
    /// They upload a file.
    File,
}

/// Somebody is typing, or has stopped.
pub struct TypingObject {
    account_id: AccountId,
    conversation_id: ConversationId,
    typing: bool,
    kind: TypingKind,
}

const DAY_MS: i64 = 24 * 3_600 * 1_000;

const TYPING: &str = "Typing";
const PRESENCE: &str = "Presence";

impl TypingObject {
    /// As it goes over the bus.
    pub(super) fn tell(
        account_id: AccountId,
        conversation_id: ConversationId,
        typing: bool,
        kind: TypingKind,
    ) -> Ephemeral {
        let detail = json!({ "typing": typing, "kind": kind });
        let conversation_id = Some(conversation_id);
        Ephemeral { kind: TYPING.to_owned(), account_id, conversation_id, detail }
    }

    /// As it was told.
    pub fn read(it: &Ephemeral) -> Option<Self> {
        let typing = it.detail.get("typing")?.as_bool()?;
        let kind = serde_json::from_value(it.detail.get("kind")?.clone()).ok()?;
        let (account_id, conversation_id) = (it.account_id, it.conversation_id?);
        (it.kind == TYPING).then_some(Self { account_id, conversation_id, typing, kind })
    }
}

/// Somebody is typing.
#[Object(name = "Typing")]
impl TypingObject {
    async fn conversation_id(&self) -> ID {
        self.conversation_id.into()
    }

    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.account_id).await
    }

    async fn typing(&self) -> bool {
        self.typing
    }

    /// What they are about to send.
    async fn kind(&self) -> TypingKind {
        self.kind
    }

    /// How long it lasts unless it is told again, in milliseconds.
    async fn lasts_ms(&self) -> u64 {
        TYPING_MS
    }
}

/// When a person was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Seen {
    pub(super) at: Timestamp,
    pub(super) online: bool,
}

/// How much of somebody's presence whoever asks is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Exactly,
    /// In days.
    Coarsely,
    Nothing,
}

/// How long ago somebody was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub enum LastSeen {
    /// In the last three days.
    Recently,
    WithinWeek,
    /// In the last thirty days.
    WithinMonth,
    LongAgo,
}

impl LastSeen {
    pub(super) fn of(seen: Timestamp, now: Timestamp) -> Self {
        match (now.0 - seen.0) / DAY_MS {
            ..3 => Self::Recently,
            3..7 => Self::WithinWeek,
            7..30 => Self::WithinMonth,
            30.. => Self::LongAgo,
        }
    }
}

/// Whether somebody is about.
pub struct PresenceObject {
    account_id: AccountId,
    seen: Option<Seen>,
    shown: Shown,
    now: Option<Timestamp>,
}

impl PresenceObject {
    pub(super) fn new(
        account_id: AccountId,
        seen: Option<Seen>,
        shown: Shown,
        now: Timestamp,
    ) -> Self {
        Self { account_id, seen, shown, now: Some(now) }
    }

    /// As it goes over the bus.
    pub(super) fn tell(
        account_id: AccountId,
        conversation_id: ConversationId,
        seen: Seen,
    ) -> Ephemeral {
        let detail = serde_json::to_value(seen).expect("it is plain data");
        let conversation_id = Some(conversation_id);
        Ephemeral { kind: PRESENCE.to_owned(), account_id, conversation_id, detail }
    }

    /// As it was told.
    pub fn read(it: &Ephemeral) -> Option<Self> {
        if !Self::is_told(it) {
            return None;
        }
        let seen = serde_json::from_value(it.detail.clone()).ok()?;
        let (account_id, shown) = (it.account_id, Shown::Exactly);
        Some(Self { account_id, seen: Some(seen), shown, now: None })
    }

    /// Whether a passing fact is of this kind.
    pub(super) fn is_told(it: &Ephemeral) -> bool {
        it.kind == PRESENCE
    }

    fn exactly(&self) -> Option<Seen> {
        self.seen.filter(|_| self.shown == Shown::Exactly)
    }
}

/// Whether somebody is about.
#[Object(name = "Presence")]
impl PresenceObject {
    /// Null when the person has blocked the viewer.
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        match self.shown {
            Shown::Exactly | Shown::Coarsely => AccountObject::find(context, self.account_id).await,
            Shown::Nothing => Ok(None),
        }
    }

    /// False as well when the person does not show it.
    async fn online(&self) -> bool {
        let fresh = |seen: &Seen| {
            self.now.is_none_or(|now| now.0 - seen.at.0 <= i64::try_from(ONLINE_MS).unwrap_or(0))
        };
        self.exactly().is_some_and(|it| it.online && fresh(&it))
    }

    /// When the person was about last, if that is remembered and shown.
    async fn last_seen_at(&self) -> Option<Timestamp> {
        self.exactly().map(|it| it.at)
    }

    /// How long ago the person was about last, if that is remembered; also where the time itself
    /// is not shown, because either of both people does not show theirs.
    async fn last_seen(&self) -> Option<LastSeen> {
        let seen = self.seen.filter(|_| self.shown != Shown::Nothing)?;
        Some(self.now.map_or(LastSeen::Recently, |now| LastSeen::of(seen.at, now)))
    }
}
