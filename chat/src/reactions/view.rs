//! Reactions as they are remembered: a tally of each message, and who has given what.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{Emoji, ReactionEvent};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::messages::{MessageId, deleted};
use crate::removals::RemovalEvent;

/// How many members have given a message an emoji.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    pub emoji: Emoji,
    pub count: u64,
}

/// What a message was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tally {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// At most 20, the one that was given first comes first.
    pub counts: Vec<Count>,
    /// Whether the message is removed: nobody is shown what it was given.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub removed: bool,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl Tally {
    fn add(&mut self, emoji: &Emoji) {
        match self.counts.iter_mut().find(|it| it.emoji == *emoji) {
            Some(it) => it.count += 1,
            None => self.counts.push(Count { emoji: emoji.clone(), count: 1 }),
        }
    }

    fn remove(&mut self, emoji: &Emoji) {
        if let Some(it) = self.counts.iter_mut().find(|it| it.emoji == *emoji) {
            it.count -= 1;
        }
        self.counts.retain(|it| it.count > 0);
    }
}

/// What an event says of one member's reaction to one message; whether it is there from then on.
fn reaction(event: &Recorded) -> Option<(MessageId, AccountId, &Emoji, bool)> {
    match ReactionEvent::of(&event.event)? {
        ReactionEvent::ReactionAdded(it) => Some((it.message_id, it.account_id, &it.emoji, true)),
        ReactionEvent::ReactionRemoved(it) => {
            Some((it.message_id, it.account_id, &it.emoji, false))
        }
        ReactionEvent::ReactionsLimited(_) => None,
    }
}

impl Document for Tally {
    const COLLECTION: Collection = Collection { name: "reaction_tallies", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let given = reaction(event).map(|(message, ..)| message);
        let removal = || RemovalEvent::of(&event.event).map(RemovalEvent::message_id);
        let ids = given.or_else(|| deleted(event)).or_else(removal);
        ids.iter().map(ToString::to_string).collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (ReactionEvent::of(&event.event), document.as_mut()) {
            (Some(ReactionEvent::ReactionAdded(it)), _) => {
                let tally = document.get_or_insert_with(|| Self {
                    message_id: it.message_id,
                    conversation_id: it.conversation_id,
                    counts: Vec::new(),
                    removed: false,
                    seq: event.seq,
                });
                tally.add(&it.emoji);
            }
            (Some(ReactionEvent::ReactionRemoved(it)), Some(tally)) => tally.remove(&it.emoji),
            (None, Some(tally)) if deleted(event).is_some() => tally.counts = Vec::new(),
            (Some(ReactionEvent::ReactionRemoved(_)), None)
            | (Some(ReactionEvent::ReactionsLimited(_)) | None, _) => (),
        }
        if let (Some(it), Some(tally)) = (RemovalEvent::of(&event.event), document.as_mut()) {
            tally.removed = matches!(it, RemovalEvent::MessageRemoved(_));
        }
        if let Some(tally) = document {
            tally.seq = event.seq;
        }
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}

/// What one member has given one message.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Reacted {
    /// At most 5.
    pub emoji: Vec<Emoji>,
}

impl Reacted {
    /// Id of what a member has given a message.
    pub fn id(message: MessageId, account: AccountId) -> String {
        format!("{message}/{account}")
    }
}

impl Document for Reacted {
    const COLLECTION: Collection = Collection { name: "reacted", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let given = reaction(event);
        given.map(|(message, account, ..)| Self::id(message, account)).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some((_, _, emoji, there)) = reaction(event) else { return };
        let mut reacted = document.take().unwrap_or_default();
        reacted.emoji.retain(|it| it != emoji);
        if there {
            reacted.emoji.push(emoji.clone());
        }
        *document = (!reacted.emoji.is_empty()).then_some(reacted);
    }
}

/// That a member has given a message an emoji.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reactor {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: u64,
    /// Who wrote the message.
    pub author_id: AccountId,
    pub account_id: AccountId,
    pub emoji: Emoji,
    pub reacted_at: Timestamp,
    /// `seq` of the event that gave it.
    pub seq: u64,
}

impl Reactor {
    /// What begins the keys of those who have given a message an emoji.
    pub(super) fn prefix(message: MessageId, emoji: &Emoji) -> String {
        format!("{message}/{}/", emoji.key())
    }

    /// Key of what others give somebody's messages in a conversation from a `seq` on.
    pub(crate) fn author_key(conversation: ConversationId, author: AccountId, seq: u64) -> String {
        format!("{conversation}/{author}/{}", padded(seq))
    }
}

impl Document for Reactor {
    const COLLECTION: Collection =
        Collection { name: "reactors", indexes: &["by_emoji", "by_author"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let given = reaction(event).map(|(message, account, emoji, _)| {
            let prefix = Self::prefix(message, emoji);
            format!("{prefix}{account}")
        });
        given.into_iter().collect()
    }

    fn begins(event: &Recorded) -> bool {
        reaction(event).is_some()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match ReactionEvent::of(&event.event) {
            Some(ReactionEvent::ReactionAdded(it)) => {
                *document = Some(Self {
                    message_id: it.message_id,
                    conversation_id: it.conversation_id,
                    number: it.number.0,
                    author_id: it.author_id,
                    account_id: it.account_id,
                    emoji: it.emoji.clone(),
                    reacted_at: event.occurred_at,
                    seq: event.seq,
                });
            }
            Some(ReactionEvent::ReactionRemoved(_)) => *document = None,
            Some(ReactionEvent::ReactionsLimited(_)) | None => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let prefix = Self::prefix(self.message_id, &self.emoji);
        let of_another = self.account_id != self.author_id;
        let by_author = Self::author_key(self.conversation_id, self.author_id, self.seq);
        vec![Some(format!("{prefix}{}", padded(self.seq))), of_another.then_some(by_author)]
    }
}

/// Which emoji a group allows, once somebody has said so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AllowedReactions {
    /// At most 100; absent when all are.
    pub allowed: Option<Vec<Emoji>>,
    /// `seq` of the event that made it what it is.
    pub seq: u64,
}

impl AllowedReactions {
    /// Whether an emoji may be given.
    pub fn allow(&self, emoji: &Emoji) -> bool {
        self.allowed.as_ref().is_none_or(|it| it.contains(emoji))
    }
}

impl Document for AllowedReactions {
    const COLLECTION: Collection = Collection { name: "allowed_reactions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match ReactionEvent::of(&event.event) {
            Some(ReactionEvent::ReactionsLimited(it)) => vec![it.conversation_id.to_string()],
            Some(ReactionEvent::ReactionAdded(_) | ReactionEvent::ReactionRemoved(_)) | None => {
                Vec::new()
            }
        }
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(ReactionEvent::ReactionsLimited(it)) = ReactionEvent::of(&event.event) {
            *document = Some(Self { allowed: it.allowed.clone(), seq: event.seq });
        }
    }
}
