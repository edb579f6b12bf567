//! What is unread, counted again from the log alone: slowly, event by event, with nothing that the
//! documents know. `parlance verify --counters` and the tests hold the product's answers against
//! it, so it shares no code with them but the events.
//!
//! Streams may be followed in any order, each in its own. It remembers every message.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::Event;
use crate::accounts::AccountId;
use crate::chat_list::{BADGE_MAX, Badge, ChatListEvent};
use crate::conversations::{ConversationEvent, ConversationId};
use crate::kernel::{Recorded, StreamId, Timestamp};
use crate::members::MemberEvent;
use crate::messages::{MENTIONS_COUNTED_MAX, MessageEvent, MessageId};
use crate::reactions::{Emoji, ReactionEvent};
use crate::receipts::ReceiptEvent;
use crate::removals::RemovalEvent;
use crate::seen_reactions::{SeenReactionEvent, UNSEEN_COUNTED_MAX};
use crate::threads::ThreadEvent;

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

/// Everything that counts are made of.
#[derive(Default)]
pub struct Oracle {
    conversations: BTreeMap<ConversationId, Conversation>,
    people: BTreeMap<(AccountId, ConversationId), Own>,
}

/// What happened in a conversation.
#[derive(Default)]
struct Conversation {
    active_at: Timestamp,
    messages: BTreeMap<u64, Message>,
    members: BTreeMap<AccountId, Member>,
    /// `seq` and the message's number, of what is given by whom.
    given: BTreeMap<(MessageId, AccountId, Emoji), (u64, u64)>,
}

struct Message {
    author: AccountId,
    at: Timestamp,
    mentions: BTreeSet<AccountId>,
    everyone: bool,
    /// Whether it is in a thread now, and whether it was sent there.
    in_thread: bool,
    sent_there: bool,
    gone: bool,
}

#[derive(Default)]
struct Member {
    active: bool,
    joined_seq: u64,
    /// Read by joining and by sending.
    read: u64,
    /// Sent since without being there.
    unseen: usize,
}

/// What one person did with a conversation in their own stream.
#[derive(Default)]
struct Own {
    read: u64,
    hidden: BTreeSet<u64>,
    seen_seq: u64,
    marked: Option<u64>,
    muted_until: Option<Timestamp>,
    archived: Option<u64>,
}

/// So many sent without being there are remembered; one more is taken for being there.
const UNSEEN_MAX: usize = 100;

impl Oracle {
    /// Takes in an event; those of one stream come in their order.
    pub fn follow(&mut self, event: &Recorded) {
        match event.stream {
            StreamId::Conversation(id) => {
                self.conversations.entry(id).or_default().follow(event);
            }
            StreamId::Account(account) => self.follow_own(account, &event.event),
            StreamId::Name(_) | StreamId::Instance => (),
        }
    }

    fn own(&mut self, account: AccountId, conversation: ConversationId) -> &mut Own {
        self.people.entry((account, conversation)).or_default()
    }

    fn follow_own(&mut self, account: AccountId, event: &Event) {
        if let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(event) {
            let own = self.own(account, it.conversation_id);
            own.read = own.read.max(it.number.0);
        }
        if let Some(MessageEvent::MessageHidden(it)) = MessageEvent::of(event) {
            self.own(account, it.conversation_id).hidden.insert(it.number.0);
        }
        if let Some(SeenReactionEvent::ReactionsSeen(it)) = SeenReactionEvent::of(event) {
            let own = self.own(account, it.conversation_id);
            own.seen_seq = own.seen_seq.max(it.seq.0);
        }
        match ChatListEvent::of(event) {
            Some(ChatListEvent::ConversationMuted(it)) => {
                let own = self.own(account, it.conversation_id);
                own.muted_until = Some(it.until);
                own.archived = it.archived_number.map(|it| it.0);
            }
            Some(ChatListEvent::ConversationUnmuted(it)) => {
                let own = self.own(account, it.conversation_id);
                own.muted_until = None;
                own.archived = it.archived_number.map(|it| it.0);
            }
            Some(ChatListEvent::MarkedUnread(it)) => {
                self.own(account, it.conversation_id).marked = Some(it.read_number.0);
            }
            Some(ChatListEvent::UnreadMarkCleared(it)) => {
                self.own(account, it.conversation_id).marked = None;
            }
            Some(ChatListEvent::ConversationArchived(it)) => {
                let archived = Some(it.archived_number.0);
                self.own(account, it.conversation_id).archived = archived;
            }
            Some(ChatListEvent::ConversationUnarchived(it)) => {
                self.own(account, it.conversation_id).archived = None;
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
        let later = || there.messages.range(read + 1..).filter(|(_, it)| !it.gone && !it.in_thread);
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
                let mut since = since.filter(|(_, it)| !it.sent_there);
                since.all(|(_, it)| own.muted_until.is_some_and(|until| it.at < until))
            }),
        }
    }

    /// What stands on a person's badge at a time.
    pub fn badge(&self, account: AccountId, now: Timestamp) -> Badge {
        let is_active = |it: &Conversation| it.members.get(&account).is_some_and(|it| it.active);
        let mut all: Vec<_> = self.conversations.iter().filter(|(_, it)| is_active(it)).collect();
        all.sort_by_key(|(id, it)| Reverse((it.active_at, **id)));
        let mut badge = Badge { complete: all.len() <= BADGE_MAX, ..Badge::default() };
        for (id, _) in all.into_iter().take(BADGE_MAX) {
            let it = self.counts(account, *id, now);
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
}

impl Conversation {
    fn follow(&mut self, event: &Recorded) {
        match ConversationEvent::of(&event.event) {
            Some(ConversationEvent::GroupCreated(it)) => {
                self.active_at = event.occurred_at;
                self.joins(it.owner_id, event.seq, 0);
            }
            Some(ConversationEvent::DirectOpened(it)) => {
                self.active_at = event.occurred_at;
                it.account_ids.iter().for_each(|it| self.joins(*it, event.seq, 0));
            }
            Some(ConversationEvent::GroupRenamed(_)) | None => (),
        }
        match MemberEvent::of(&event.event) {
            Some(MemberEvent::MembersAdded(it)) => {
                let last = it.last_number.0;
                it.account_ids.iter().for_each(|it| self.joins(*it, event.seq, last));
            }
            Some(MemberEvent::MemberLeft(it)) => self.leaves(it.account_id),
            Some(MemberEvent::MemberRemoved(it)) => self.leaves(it.account_id),
            Some(MemberEvent::RoleChanged(_)) | None => (),
        }
        match ReactionEvent::of(&event.event) {
            Some(ReactionEvent::ReactionAdded(it)) => {
                let key = (it.message_id, it.account_id, it.emoji.clone());
                self.given.insert(key, (event.seq, it.number.0));
            }
            Some(ReactionEvent::ReactionRemoved(it)) => {
                self.given.remove(&(it.message_id, it.account_id, it.emoji.clone()));
            }
            Some(ReactionEvent::ReactionsLimited(_)) | None => (),
        }
        self.follow_messages(event);
    }

    fn follow_messages(&mut self, event: &Recorded) {
        match MessageEvent::of(&event.event) {
            Some(MessageEvent::MessageSent(it)) => {
                let sent_there = it.thread.is_some();
                let mentions = it.mentions.iter().copied().collect();
                let everyone = it.everyone.unwrap_or(false);
                let (author, at, gone) = (it.author_id, event.occurred_at, false);
                let in_thread = sent_there;
                let message =
                    Message { author, at, mentions, everyone, in_thread, sent_there, gone };
                self.messages.insert(it.number.0, message);
                if !sent_there {
                    self.active_at = event.occurred_at;
                    self.sends(it.author_id, it.number.0, it.unseen.unwrap_or(false));
                }
            }
            Some(MessageEvent::MessageEdited(it)) => {
                if let Some(message) = self.messages.get_mut(&it.number.0) {
                    message.mentions = it.mentions.iter().copied().collect();
                    message.everyone = it.everyone.unwrap_or(false);
                }
            }
            Some(MessageEvent::MessageDeleted(it)) => self.goes(it.number.0, true),
            Some(MessageEvent::MessageHidden(_)) | None => (),
        }
        match RemovalEvent::of(&event.event) {
            Some(RemovalEvent::MessageRemoved(it)) => self.goes(it.number.0, true),
            Some(RemovalEvent::MessageRestored(it)) => self.goes(it.number.0, false),
            Some(RemovalEvent::MessageDestroyed(_)) | None => (),
        }
        if let Some(ThreadEvent::MessageMoved(it)) = ThreadEvent::of(&event.event)
            && let Some(message) = self.messages.get_mut(&it.number.0)
        {
            message.in_thread = it.to_thread_id.is_some();
        }
    }

    fn joins(&mut self, account: AccountId, seq: u64, last_number: u64) {
        let member = self.members.entry(account).or_default();
        (member.active, member.joined_seq, member.unseen) = (true, seq, 0);
        member.read = member.read.max(last_number);
    }

    fn leaves(&mut self, account: AccountId) {
        self.members.entry(account).or_default().active = false;
    }

    fn sends(&mut self, account: AccountId, number: u64, unseen: bool) {
        let member = self.members.entry(account).or_default();
        if unseen && member.unseen < UNSEEN_MAX {
            member.unseen += 1;
        } else {
            (member.read, member.unseen) = (number, 0);
        }
    }

    fn goes(&mut self, number: u64, gone: bool) {
        if let Some(message) = self.messages.get_mut(&number) {
            message.gone = gone;
        }
    }

    /// Of the newest reactions of others to the person's messages since they looked, those to what
    /// is there for them.
    fn unseen(&self, account: AccountId, own: &Own, member: &Member) -> u64 {
        let after = own.seen_seq.max(member.joined_seq);
        let mut seqs: BTreeMap<u64, u64> = BTreeMap::new();
        for ((_, by, _), (seq, number)) in &self.given {
            let of = self.messages.get(number).map(|it| it.author);
            if of == Some(account) && *by != account && *seq > after {
                seqs.insert(*seq, *number);
            }
        }
        let newest = seqs.values().rev().take(UNSEEN_COUNTED_MAX);
        let there = newest.filter(|number| {
            let gone = self.messages.get(number).is_none_or(|it| it.gone);
            !gone && !own.hidden.contains(number)
        });
        there.count() as u64
    }
}
