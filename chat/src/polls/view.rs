//! Polls as they are remembered: counts, what each has chosen, and for public ones who they are.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{PollEvent, PollOpened, VoteCast};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::messages::{MessageId, deleted};

/// A poll without its words; it goes with its message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Poll {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: u64,
    pub author_id: AccountId,
    /// How many have chosen each option.
    pub counts: Vec<u64>,
    /// How many have chosen anything.
    pub voters: u64,
    pub multiple: bool,
    pub public: bool,
    pub hidden_until_closed: bool,
    pub revotable: bool,
    pub correct_option: Option<i32>,
    pub closes_at: Option<Timestamp>,
    /// When somebody closed it.
    pub closed_at: Option<Timestamp>,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl Poll {
    fn opened(it: &PollOpened, seq: u64) -> Self {
        Self {
            message_id: it.message_id,
            conversation_id: it.conversation_id,
            number: it.number.0,
            author_id: it.author_id,
            counts: vec![0; usize::try_from(it.options).unwrap_or(0)],
            voters: 0,
            multiple: it.multiple,
            public: it.public,
            hidden_until_closed: it.hidden_until_closed,
            revotable: it.revotable,
            correct_option: it.correct_option,
            closes_at: it.closes_at,
            closed_at: None,
            seq,
        }
    }

    /// Since when nobody votes any more: somebody's word, or its time if that came first.
    pub fn closed_since(&self, now: Timestamp) -> Option<Timestamp> {
        let by_time = self.closes_at.filter(|it| *it <= now);
        self.closed_at.into_iter().chain(by_time).min()
    }

    /// Whether results are told to nobody yet.
    pub fn hides(&self, now: Timestamp) -> bool {
        self.hidden_until_closed && self.closed_since(now).is_none()
    }

    fn count(&mut self, it: &VoteCast) {
        let mut change = |options: &[i32], by: i64| {
            for option in options {
                let at = usize::try_from(*option).ok();
                if let Some(count) = at.and_then(|at| self.counts.get_mut(at)) {
                    *count = count.saturating_add_signed(by);
                }
            }
        };
        change(&it.before, -1);
        change(&it.options, 1);
        let (was, is) = (!it.before.is_empty(), !it.options.is_empty());
        self.voters = self.voters.saturating_add_signed(i64::from(is) - i64::from(was));
    }
}

impl Document for Poll {
    const COLLECTION: Collection = Collection { name: "polls", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = match PollEvent::of(&event.event) {
            Some(PollEvent::PollOpened(it)) => Some(it.message_id),
            Some(PollEvent::VoteCast(it)) => Some(it.message_id),
            Some(PollEvent::PollClosed(it)) => Some(it.message_id),
            None => deleted(event),
        };
        id.iter().map(ToString::to_string).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(PollEvent::of(&event.event), Some(PollEvent::PollOpened(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (PollEvent::of(&event.event), document.as_mut()) {
            (Some(PollEvent::PollOpened(it)), _) => *document = Some(Self::opened(it, event.seq)),
            (Some(PollEvent::VoteCast(it)), Some(poll)) => poll.count(it),
            (Some(PollEvent::PollClosed(_)), Some(poll)) => {
                poll.closed_at = Some(event.occurred_at);
            }
            (None, Some(_)) if deleted(event).is_some() => *document = None,
            (Some(PollEvent::VoteCast(_) | PollEvent::PollClosed(_)), None) | (None, _) => (),
        }
        if let Some(poll) = document {
            poll.seq = event.seq;
        }
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}

fn cast(event: &Recorded) -> Option<&VoteCast> {
    match PollEvent::of(&event.event)? {
        PollEvent::VoteCast(it) => Some(it),
        PollEvent::PollOpened(_) | PollEvent::PollClosed(_) => None,
    }
}

/// What one member has chosen.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ballot {
    /// In order, at most 12.
    pub options: Vec<i32>,
}

impl Ballot {
    /// Id of a member's ballot.
    pub fn id(message: MessageId, account: AccountId) -> String {
        format!("{message}/{account}")
    }
}

impl Document for Ballot {
    const COLLECTION: Collection = Collection { name: "poll_ballots", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        cast(event).map(|it| Self::id(it.message_id, it.account_id)).into_iter().collect()
    }

    fn begins(event: &Recorded) -> bool {
        cast(event).is_some()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(it) = cast(event) else { return };
        *document = (!it.options.is_empty()).then(|| Self { options: it.options.clone() });
    }
}

/// That a member has chosen an option of a public poll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Voter {
    pub message_id: MessageId,
    pub account_id: AccountId,
    pub option: i32,
    pub voted_at: Timestamp,
    /// `seq` of the event that chose it.
    pub seq: u64,
}

impl Voter {
    /// What begins the keys of those who have chosen an option.
    pub(super) fn prefix(message: MessageId, option: i32) -> String {
        format!("{message}/{option:02}/")
    }

    /// Id of a member's choice of an option.
    pub fn id(message: MessageId, option: i32, account: AccountId) -> String {
        format!("{}{account}", Self::prefix(message, option))
    }
}

impl Document for Voter {
    const COLLECTION: Collection = Collection { name: "poll_voters", indexes: &["by_option"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(it) = cast(event).filter(|it| it.public) else { return Vec::new() };
        let new = it.options.iter().filter(|option| !it.before.contains(option));
        let old = it.before.iter().filter(|option| !it.options.contains(option));
        new.chain(old).map(|option| Self::id(it.message_id, *option, it.account_id)).collect()
    }

    fn begins(event: &Recorded) -> bool {
        cast(event).is_some()
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let Some(it) = cast(event) else { return };
        let chosen = |option: &&i32| Self::id(it.message_id, **option, it.account_id) == id;
        *document = it.options.iter().find(chosen).map(|option| Self {
            message_id: it.message_id,
            account_id: it.account_id,
            option: *option,
            voted_at: event.occurred_at,
            seq: event.seq,
        });
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let prefix = Self::prefix(self.message_id, self.option);
        vec![Some(format!("{prefix}{}", padded(self.seq)))]
    }
}
