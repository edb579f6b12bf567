//! What happened in a conversation, as far as counts are made of it.

use std::collections::{BTreeMap, BTreeSet};

use super::Own;
use crate::accounts::AccountId;
use crate::conversations::ConversationEvent;
use crate::kernel::{Recorded, Timestamp};
use crate::members::MemberEvent;
use crate::messages::{MessageEvent, MessageId};
use crate::reactions::{Emoji, ReactionEvent};
use crate::removals::RemovalEvent;
use crate::seen_reactions::UNSEEN_COUNTED_MAX;
use crate::threads::{ThreadEvent, Threaded};

/// What happened in a conversation.
#[derive(Default)]
pub(super) struct Conversation {
    pub(super) active_at: Timestamp,
    pub(super) messages: BTreeMap<u64, Message>,
    pub(super) members: BTreeMap<AccountId, Member>,
    /// What is in each thread, whether gone or not; a thread stays when nothing is left in it.
    pub(super) threads: BTreeMap<MessageId, BTreeSet<u64>>,
    /// The last number that each person has sent to a thread.
    pub(super) sent: BTreeMap<(MessageId, AccountId), u64>,
    /// How many mentions there are in all of its messages.
    mentioned: usize,
    /// `seq` and the message's number, of what is given by whom.
    given: BTreeMap<(MessageId, AccountId, Emoji), (u64, u64)>,
}

pub(super) struct Message {
    pub(super) author: AccountId,
    pub(super) at: Timestamp,
    pub(super) mentions: BTreeSet<AccountId>,
    pub(super) everyone: bool,
    /// The thread that it is in now.
    thread: Option<Threaded>,
    pub(super) gone: bool,
}

#[derive(Default)]
pub(super) struct Member {
    pub(super) active: bool,
    joined_seq: u64,
    /// Number of the last message when they joined.
    pub(super) joined_number: u64,
    /// Read by joining and by sending.
    pub(super) read: u64,
    /// Sent since without being there.
    unseen: usize,
}

/// So many sent without being there are remembered; one more is taken for being there.
const UNSEEN_MAX: usize = 100;

impl Message {
    /// Whether it is there, in a thread or in none.
    pub(super) fn is_in(&self, thread: Option<MessageId>) -> bool {
        !self.gone && self.thread.map(|it| it.thread_id) == thread
    }

    /// Whether it was sent to the thread that it is in.
    pub(super) fn sent_there(&self) -> bool {
        self.thread.is_some_and(|it| !it.moved)
    }
}

impl Conversation {
    /// How many things are remembered of it.
    pub(super) fn held(&self) -> usize {
        let in_threads = self.threads.len() + self.sent.len();
        self.messages.len() + self.mentioned + self.members.len() + self.given.len() + in_threads
    }

    /// What is in a thread above a number and not gone, in the order of numbers.
    pub(super) fn in_thread(
        &self,
        thread: MessageId,
        above: u64,
    ) -> impl Iterator<Item = (u64, &Message)> {
        let numbers = self.threads.get(&thread).into_iter();
        let numbers = numbers.flat_map(move |it| it.range(above + 1..));
        let found = numbers.filter_map(|it| Some((*it, self.messages.get(it)?)));
        found.filter(move |(_, it)| it.is_in(Some(thread)))
    }

    pub(super) fn follow(&mut self, event: &Recorded) {
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
                let mentions: BTreeSet<_> = it.mentions.iter().copied().collect();
                let everyone = it.everyone.unwrap_or(false);
                let (author, at, gone) = (it.author_id, event.occurred_at, false);
                self.mentioned += mentions.len();
                let thread = it.thread;
                let message = Message { author, at, mentions, everyone, thread, gone };
                self.messages.insert(it.number.0, message);
                if let Some(thread) = thread {
                    self.threads.entry(thread.thread_id).or_default().insert(it.number.0);
                    self.sent.insert((thread.thread_id, it.author_id), it.number.0);
                } else {
                    self.active_at = event.occurred_at;
                    self.sends(it.author_id, it.number.0, it.unseen.unwrap_or(false));
                }
            }
            Some(MessageEvent::MessageEdited(it)) => {
                if let Some(message) = self.messages.get_mut(&it.number.0) {
                    let mentions = it.mentions.iter().copied().collect();
                    self.mentioned -= message.mentions.len();
                    message.mentions = mentions;
                    self.mentioned += message.mentions.len();
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
            if let Some(before) = message.thread {
                self.threads.entry(before.thread_id).or_default().remove(&it.number.0);
            }
            message.thread = it.to_thread_id.map(|thread_id| Threaded { thread_id, moved: true });
            if let Some(thread) = it.to_thread_id {
                self.threads.entry(thread).or_default().insert(it.number.0);
            }
        }
    }

    fn joins(&mut self, account: AccountId, seq: u64, last_number: u64) {
        let member = self.members.entry(account).or_default();
        (member.active, member.joined_seq, member.unseen) = (true, seq, 0);
        member.joined_number = last_number;
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
    pub(super) fn unseen(&self, account: AccountId, own: &Own, member: &Member) -> u64 {
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
