//! What is unread of threads: a pure function of the documents, at the same cost at any backlog.

use std::collections::BTreeMap;

use ports::Error;

use super::numbers::Held;
use super::{Line, Participant, Thread, ThreadPointer};
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Reader;
use crate::kernel::numbers::{Block, block_of};
use crate::members::Member;
use crate::messages::{MessageId, Stretch, hidden_blocks, mentioned_above, seen_of};
use crate::oracle::CountsInThread;
use crate::receipts::ReadPointer;

/// What one person has not read of a thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThreadUnread {
    pub thread_id: MessageId,
    /// Number of the last message read there.
    pub read_number: u64,
    /// Number up to which what was moved there counts as read: that of the conversation.
    pub moved_read_number: u64,
    pub count: u64,
}

/// Attempts to read the documents between two changes of the conversation.
const ATTEMPTS_MAX: usize = 8;

impl ThreadUnread {
    /// Reads it afresh.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load(
        reader: &Reader,
        account: AccountId,
        conversation: ConversationId,
        thread: MessageId,
    ) -> Result<Self, Error> {
        Ok(Self::load_many(reader, account, conversation, &[thread]).await?.remove(0))
    }

    /// Reads those of several threads of a conversation afresh, with as many queries as for one.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load_many(
        reader: &Reader,
        account: AccountId,
        conversation: ConversationId,
        threads: &[MessageId],
    ) -> Result<Vec<Self>, Error> {
        for _ in 0..ATTEMPTS_MAX {
            let (all, seq) = attempt(&reader.anew(), account, conversation, threads).await?;
            // Documents written between two of the reads belong to a later seq: read again.
            let head = reader.anew().load::<Conversation>(conversation.to_string()).await?;
            if head.map_or(0, |it| it.seq) == seq {
                return Ok(all);
            }
        }
        Err(Error::unavailable("documents", "a conversation changes faster than it can be counted"))
    }

    /// Unread messages of the thread that mention the person, alone or with everyone.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn mentions(&self, reader: &Reader, account: AccountId) -> Result<usize, Error> {
        if self.count == 0 {
            return Ok(0);
        }
        let line = Line::Thread(self.thread_id);
        let found = mentioned_above(reader, account, line, self.read_number).await?;
        // What was moved is read, too, by who has read as far in the conversation.
        let unread = found.iter().filter(|(it, moved)| !moved || *it > self.moved_read_number);
        let unread: Vec<_> = unread.map(|(number, _)| *number).collect();
        let head = reader.load::<Thread>(self.thread_id.to_string()).await?;
        let Some(head) = head.filter(|_| !unread.is_empty()) else { return Ok(0) };
        let conversation = head.conversation_id;
        let member = reader.load::<Member>(Member::id(conversation, account)).await?;
        let own = member.as_ref().map_or(&[][..], |it| it.unseen.as_slice());
        Ok(seen_of(reader, account, conversation, &unread, own).await?.len())
    }
}

/// What the documents say of threads of one conversation to a person, for who holds it against the
/// log.
///
/// # Errors
/// When the documents can't be reached.
pub async fn counts_in_threads(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
    threads: &[MessageId],
) -> Result<Vec<CountsInThread>, Error> {
    let mut all = Vec::with_capacity(threads.len());
    for it in ThreadUnread::load_many(reader, account, conversation, threads).await? {
        let mentions = it.mentions(reader, account).await? as u64;
        all.push(CountsInThread { unread: it.count, mentions });
    }
    Ok(all)
}

/// Who asks, in the conversation.
struct Asking {
    /// The number at which they joined: nothing before is unread.
    joined_number: u64,
    /// How far they have read the conversation.
    read_number: u64,
    /// What they have sent without being there.
    unseen: Vec<u64>,
}

async fn asking(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
) -> Result<Option<Asking>, Error> {
    let member = reader.load::<Member>(Member::id(conversation, account)).await?;
    let Some(member) = member.filter(|it| it.active) else { return Ok(None) };
    let pointer = reader.load::<ReadPointer>(ReadPointer::id(account, conversation)).await?;
    let read_number = pointer.map_or(0, |it| it.number).max(member.read_number);
    let (joined_number, unseen) = (member.joined_number, member.unseen.clone());
    Ok(Some(Asking { joined_number, read_number, unseen }))
}

async fn attempt(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
    threads: &[MessageId],
) -> Result<(Vec<ThreadUnread>, u64), Error> {
    let head = reader.load::<Conversation>(conversation.to_string()).await?;
    let seq = head.map_or(0, |it| it.seq);
    let none = |thread_id: &MessageId| ThreadUnread {
        thread_id: *thread_id,
        read_number: 0,
        moved_read_number: 0,
        count: 0,
    };
    let mut all: Vec<_> = threads.iter().map(none).collect();
    // Nothing is unread for who has left.
    let Some(asking) = asking(reader, account, conversation).await? else { return Ok((all, seq)) };
    let heads = reader.load_many::<Thread>(threads.iter().map(ToString::to_string)).await?;
    let pointers = threads.iter().map(|it| ThreadPointer::id(account, *it));
    let pointers = reader.load_many::<ThreadPointer>(pointers).await?;
    let parts = threads.iter().map(|it| Participant::id(*it, account));
    let parts = reader.load_many::<Participant>(parts).await?;
    for ((unread, pointer), part) in all.iter_mut().zip(pointers).zip(parts) {
        let said = pointer.map_or(0, |it| it.number).max(part.map_or(0, |it| it.number));
        unread.read_number = said.max(asking.joined_number);
        unread.moved_read_number = asking.read_number;
    }
    let behind = (0..all.len()).filter_map(|at| {
        let head = heads[at].as_ref().filter(|it| it.conversation_id == conversation)?;
        let more = head.reply_count > 0 && head.last_number > all[at].read_number;
        more.then_some((at, head.last_number))
    });
    let behind: Vec<_> = behind.collect();
    let stretches = behind.iter().map(|(at, last)| (threads[*at], all[*at].read_number..=*last));
    let mut held = Held::load(reader, &stretches.collect::<Vec<_>>()).await?;
    let own = behind.iter().enumerate().flat_map(|(nth, (at, _))| {
        let unread = &all[*at];
        [(nth, unread.read_number), (nth, unread.moved_read_number)]
    });
    let own: Vec<_> = own.map(|(nth, number)| (nth, block_of(number))).collect();
    Held::look(reader, &mut held, own).await?;
    for ((at, _), held) in behind.iter().zip(&held) {
        let unread = &mut all[*at];
        unread.count = held.live_above(unread.read_number);
        if held.has_moved() && unread.moved_read_number > unread.read_number {
            let passed = held.moved_above(unread.moved_read_number);
            let moved = held.moved_above(unread.read_number).saturating_sub(passed);
            unread.count = unread.count.saturating_sub(moved);
        }
    }
    let behind: Vec<_> = behind.into_iter().map(|(at, _)| at).zip(held).collect();
    let behind = behind.into_iter().filter(|(at, _)| all[*at].count > 0).collect();
    without_masked(reader, (account, conversation), &asking, &mut all, behind).await?;
    Ok((all, seq))
}

/// Takes away what the person has hidden, and what they have sent without being there.
async fn without_masked(
    reader: &Reader,
    (account, conversation): (AccountId, ConversationId),
    asking: &Asking,
    all: &mut [ThreadUnread],
    behind: Vec<(usize, Held)>,
) -> Result<(), Error> {
    let Some(above) = behind.iter().map(|(at, _)| all[*at].read_number).min() else {
        return Ok(());
    };
    let head = reader.load::<Conversation>(conversation.to_string()).await?;
    let last = head.map_or(0, |it| it.last_number);
    let stretch = Stretch { conversation, above, last };
    let mut masked: BTreeMap<u64, Block> = BTreeMap::new();
    for hidden in hidden_blocks(reader, account, stretch).await? {
        let (block, numbers) = hidden.block();
        masked.insert(block, numbers.clone());
    }
    for number in &asking.unseen {
        masked.entry(block_of(*number)).or_default().insert(*number);
    }
    let (places, mut held): (Vec<_>, Vec<_>) = behind.into_iter().unzip();
    let wanted = (0..held.len()).flat_map(|nth| masked.keys().map(move |block| (nth, *block)));
    Held::look(reader, &mut held, wanted.collect::<Vec<_>>()).await?;
    for (at, held) in places.into_iter().zip(&held) {
        let unread = &mut all[at];
        for (block, masked) in &masked {
            let Some(numbers) = held.block(*block) else { continue };
            let there = masked.within(&numbers.live);
            let counted = there.members(*block).filter(|it| {
                let passed = *it <= unread.moved_read_number && numbers.moved.contains(*it);
                *it > unread.read_number && !passed
            });
            let counted = counted.count() as u64;
            unread.count = unread.count.saturating_sub(counted);
        }
    }
    Ok(())
}
