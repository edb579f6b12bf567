//! What is unread, counted again from the log alone: slowly, event by event, with nothing that the
//! documents know. `parlance verify --counters` and the tests hold the product's answers against
//! it, so it shares no code with them but the events.
//!
//! Streams may be followed in any order, each in its own. It remembers every message of the share
//! of conversations that it follows, which is narrowed when that is too much.

mod conversation;
mod share;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::Event;
use crate::accounts::AccountId;
use crate::chat_list::{BADGE_MAX, Badge, ChatListEvent};
use crate::conversations::ConversationId;
use crate::kernel::{Recorded, StreamId, Timestamp};
use crate::messages::{MENTIONS_COUNTED_MAX, MessageEvent, MessageId};
use crate::receipts::ReceiptEvent;
use crate::seen_reactions::SeenReactionEvent;
use crate::threads::ThreadEvent;

use conversation::{Conversation, Message};
pub use share::Share;

/// What one person has not seen of one conversation, and how they keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub unread: u64,
    pub mentions: u64,
    /// Reactions to the person's own messages.
    pub reactions: u64,
    pub marked: bool,
    pub muted: bool,
    pub archived: bool,
}

/// What one person has not read of one thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CountsInThread {
    pub unread: u64,
    pub mentions: u64,
}

/// A conversation that somebody is in, as their badge takes it in.
#[derive(Debug, Clone, Copy)]
pub struct Standing {
    conversation_id: ConversationId,
    active_at: Timestamp,
    counts: Counts,
}

/// Everything that counts are made of.
#[derive(Default)]
pub struct Oracle {
    share: Share,
    /// How many things are remembered.
    held: usize,
    conversations: BTreeMap<ConversationId, Conversation>,
    people: BTreeMap<(AccountId, ConversationId), Own>,
}

/// What one person did with a conversation in their own stream.
#[derive(Default)]
struct Own {
    read: u64,
    read_threads: BTreeMap<MessageId, u64>,
    hidden: BTreeSet<u64>,
    seen_seq: u64,
    marked: Option<u64>,
    muted_until: Option<Timestamp>,
    archived: Option<u64>,
}

impl Own {
    fn held(&self) -> usize {
        1 + self.read_threads.len() + self.hidden.len()
    }
}

impl Oracle {
    /// One that follows a share of the conversations, what people do with them included.
    pub fn of(share: Share) -> Self {
        Self { share, ..Self::default() }
    }

    /// Takes in an event; those of one stream come in their order.
    pub fn follow(&mut self, event: &Recorded) {
        match event.stream {
            StreamId::Conversation(id) if self.share.has(id) => {
                let there = self.conversations.entry(id).or_default();
                let before = there.held();
                there.follow(event);
                self.held = self.held + there.held() - before;
            }
            StreamId::Account(account) => self.follow_own(account, &event.event),
            StreamId::Conversation(_) | StreamId::Name(_) | StreamId::Instance => (),
        }
    }

    /// Changes what a person keeps of a conversation, if it is of the share.
    fn own(&mut self, account: AccountId, id: ConversationId, change: impl FnOnce(&mut Own)) {
        if self.share.has(id) {
            let before = self.people.get(&(account, id)).map_or(0, Own::held);
            let own = self.people.entry((account, id)).or_default();
            change(own);
            self.held = self.held + own.held() - before;
        }
    }

    fn follow_own(&mut self, account: AccountId, event: &Event) {
        if let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(event) {
            let number = it.number.0;
            self.own(account, it.conversation_id, |own| own.read = own.read.max(number));
        }
        if let Some(ThreadEvent::ThreadReadMoved(it)) = ThreadEvent::of(event) {
            self.own(account, it.conversation_id, |own| {
                let read = own.read_threads.entry(it.thread_id).or_default();
                *read = (*read).max(it.number.0);
            });
        }
        if let Some(MessageEvent::MessageHidden(it)) = MessageEvent::of(event) {
            let number = it.number.0;
            self.own(account, it.conversation_id, |own| {
                own.hidden.insert(number);
            });
        }
        if let Some(SeenReactionEvent::ReactionsSeen(it)) = SeenReactionEvent::of(event) {
            let seq = it.seq.0;
            self.own(account, it.conversation_id, |own| own.seen_seq = own.seen_seq.max(seq));
        }
        self.follow_list(account, event);
    }

    fn follow_list(&mut self, account: AccountId, event: &Event) {
        match ChatListEvent::of(event) {
            Some(ChatListEvent::ConversationMuted(it)) => {
                self.own(account, it.conversation_id, |own| {
                    own.muted_until = Some(it.until);
                    own.archived = it.archived_number.map(|it| it.0);
                });
            }
            Some(ChatListEvent::ConversationUnmuted(it)) => {
                self.own(account, it.conversation_id, |own| {
                    own.muted_until = None;
                    own.archived = it.archived_number.map(|it| it.0);
                });
            }
            Some(ChatListEvent::MarkedUnread(it)) => {
                let read = it.read_number.0;
                self.own(account, it.conversation_id, |own| own.marked = Some(read));
            }
            Some(ChatListEvent::UnreadMarkCleared(it)) => {
                self.own(account, it.conversation_id, |own| own.marked = None);
            }
            Some(ChatListEvent::ConversationArchived(it)) => {
                let archived = Some(it.archived_number.0);
                self.own(account, it.conversation_id, |own| own.archived = archived);
            }
            Some(ChatListEvent::ConversationUnarchived(it)) => {
                self.own(account, it.conversation_id, |own| own.archived = None);
            }
            Some(ChatListEvent::ConversationsPinned(_)) | None => (),
        }
    }

    /// Everybody who has ever been a member, with where.
    pub fn memberships(&self) -> Vec<(AccountId, ConversationId)> {
        let all = self.conversations.iter();
        let all = all.flat_map(|(id, it)| it.members.keys().map(|account| (*account, *id)));
        all.collect()
    }

    /// What a person has not seen of a conversation at a time.
    pub fn counts(&self, account: AccountId, id: ConversationId, now: Timestamp) -> Counts {
        let none = Own::default();
        let own = self.people.get(&(account, id)).unwrap_or(&none);
        let Some(there) = self.conversations.get(&id) else { return Counts::default() };
        let Some(member) = there.members.get(&account).filter(|it| it.active) else {
            return Counts::default();
        };
        let read = own.read.max(member.read);
        let later = || there.messages.range(read + 1..).filter(|(_, it)| it.is_in(None));
        let unread =
            |number: &u64, it: &Message| it.author != account && !own.hidden.contains(number);
        let mentioning = later().filter(|(_, it)| it.everyone || it.mentions.contains(&account));
        let mentioning = mentioning.take(MENTIONS_COUNTED_MAX);
        Counts {
            unread: later().filter(|(number, it)| unread(number, it)).count() as u64,
            mentions: mentioning.filter(|(number, it)| unread(number, it)).count() as u64,
            reactions: there.unseen(account, own, member),
            marked: own.marked.is_some_and(|it| it >= read),
            muted: own.muted_until.is_some_and(|it| it > now),
            archived: own.archived.is_some_and(|archived| {
                let since = there.messages.range(archived + 1..);
                let mut since = since.filter(|(_, it)| !it.sent_there());
                since.all(|(_, it)| own.muted_until.is_some_and(|until| it.at < until))
            }),
        }
    }

    /// Every thread of a conversation that something was ever in.
    pub fn threads(&self, id: ConversationId) -> Vec<MessageId> {
        let there = self.conversations.get(&id);
        there.map_or(Vec::new(), |it| it.threads.keys().copied().collect())
    }

    /// What a person has not read of a thread.
    pub fn counts_in_thread(
        &self,
        account: AccountId,
        id: ConversationId,
        thread: MessageId,
    ) -> CountsInThread {
        let none = Own::default();
        let own = self.people.get(&(account, id)).unwrap_or(&none);
        let Some(there) = self.conversations.get(&id) else { return CountsInThread::default() };
        let Some(member) = there.members.get(&account).filter(|it| it.active) else {
            return CountsInThread::default();
        };
        let said = own.read_threads.get(&thread).copied().unwrap_or(0);
        let sent = there.sent.get(&(thread, account)).copied().unwrap_or(0);
        let read = said.max(sent).max(member.joined_number);
        // What was moved there is read, too, by who has read as far in the conversation.
        let in_line = own.read.max(member.read);
        let later = || there.in_thread(thread, read);
        let unread = |number: u64, it: &Message| {
            let passed = !it.sent_there() && number <= in_line;
            it.author != account && !passed && !own.hidden.contains(&number)
        };
        let mentioning = later().filter(|(_, it)| it.everyone || it.mentions.contains(&account));
        let mentioning = mentioning.take(MENTIONS_COUNTED_MAX);
        CountsInThread {
            unread: later().filter(|(number, it)| unread(*number, it)).count() as u64,
            mentions: mentioning.filter(|(number, it)| unread(*number, it)).count() as u64,
        }
    }

    /// A conversation as a person's badge takes it in at a time; none when they are not there.
    pub fn standing(
        &self,
        account: AccountId,
        id: ConversationId,
        now: Timestamp,
    ) -> Option<Standing> {
        let there = self.conversations.get(&id)?;
        there.members.get(&account).filter(|it| it.active)?;
        let counts = self.counts(account, id, now);
        Some(Standing { conversation_id: id, active_at: there.active_at, counts })
    }

    /// What stands on a person's badge at a time.
    pub fn badge(&self, account: AccountId, now: Timestamp) -> Badge {
        let ids = self.conversations.keys();
        badge(ids.filter_map(|it| self.standing(account, *it, now)).collect())
    }
}

/// What stands on the badge of whoever is in these conversations.
pub fn badge(mut all: Vec<Standing>) -> Badge {
    all.sort_by_key(|it| Reverse((it.active_at, it.conversation_id)));
    let mut badge = Badge { complete: all.len() <= BADGE_MAX, ..Badge::default() };
    for Standing { counts: it, .. } in all.into_iter().take(BADGE_MAX) {
        let (messages, marked) = match it.muted || it.archived {
            true => (it.mentions, false),
            false => (it.unread, it.marked),
        };
        badge.conversations += u64::from(messages > 0 || marked);
        badge.messages += if messages == 0 && marked { 1 } else { messages };
        badge.mentions += it.mentions;
    }
    badge
}
