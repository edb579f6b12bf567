//! What is unread: a pure function of the documents, at the same cost at any backlog.

use ports::Error;

use super::ReadPointer;
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Reader;
use crate::members::Member;
use crate::messages::{Stretch, absent_in, hidden_in, mentioned_above, seen_of};
use crate::threads::Line;

/// What one person has not read of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// Number of the last message read.
    pub read_number: u64,
    pub count: u64,
    /// Whether the person has hidden messages after that, or sent some without being there.
    pub hides_some: bool,
    /// `seq` of the conversation that this holds for.
    pub seq: u64,
}

/// Attempts to read the documents between two changes of the conversation.
const ATTEMPTS_MAX: usize = 8;

impl Unread {
    /// Reads it afresh.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load(
        reader: &Reader,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<Self, Error> {
        Ok(Self::load_many(reader, account, &[conversation]).await?.remove(0))
    }

    /// Reads those of several conversations afresh, with as many queries as for one.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load_many(
        reader: &Reader,
        account: AccountId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Self>, Error> {
        let mut all = Self::attempt(&reader.anew(), account, conversations).await?;
        for _ in 0..ATTEMPTS_MAX {
            // Documents written between two of the reads belong to a later seq: read again.
            let ids = conversations.iter().map(|it| it.to_string());
            let heads = reader.anew().load_many::<Conversation>(ids).await?;
            let seqs = heads.iter().map(|it| it.as_ref().map_or(0, |it| it.seq));
            let stale: Vec<usize> = seqs
                .zip(&all)
                .enumerate()
                .filter(|(_, (seq, unread))| *seq != unread.seq)
                .map(|(at, _)| at)
                .collect();
            if stale.is_empty() {
                return Ok(all);
            }
            let again: Vec<_> = stale.iter().map(|at| conversations[*at]).collect();
            let again = Self::attempt(&reader.anew(), account, &again).await?;
            stale.into_iter().zip(again).for_each(|(at, unread)| all[at] = unread);
        }
        Err(Error::unavailable("documents", "a conversation changes faster than it can be counted"))
    }

    async fn attempt(
        reader: &Reader,
        account: AccountId,
        conversations: &[ConversationId],
    ) -> Result<Vec<Self>, Error> {
        let ids = |id: fn(AccountId, ConversationId) -> String| {
            conversations.iter().map(move |it| id(account, *it))
        };
        let heads = reader.load_many::<Conversation>(ids(|_, it| it.to_string())).await?;
        let members = reader.load_many::<Member>(ids(|who, it| Member::id(it, who))).await?;
        let pointers = reader.load_many::<ReadPointer>(ids(ReadPointer::id)).await?;
        let mut all = Vec::with_capacity(conversations.len());
        let (mut places, mut stretches) = (Vec::new(), Vec::new());
        let mut own = Vec::new();
        for (at, ((head, member), pointer)) in heads.iter().zip(members).zip(pointers).enumerate() {
            // Nothing is unread for who has left, whatever fan-out still has to tell of before.
            let seq = head.as_ref().map_or(0, |it| it.seq);
            let mut unread = Self { read_number: 0, count: 0, hides_some: false, seq };
            if let (Some(head), Some(member)) = (head, member.filter(|it| it.active)) {
                unread.read_number = pointer.map_or(0, |it| it.number).max(member.read_number);
                unread.count = head.last_number.saturating_sub(unread.read_number);
                if unread.count > 0 {
                    let conversation = conversations[at];
                    let (above, last) = (unread.read_number, head.last_number);
                    stretches.push(Stretch { conversation, above, last });
                    places.push(at);
                    let unseen = member.unseen.iter().filter(|it| **it > above);
                    own.extend(unseen.map(|it| (at, Stretch { conversation, above: *it, last })));
                }
            }
            all.push(unread);
        }
        let hidden = hidden_in(reader, account, &stretches).await?;
        for (at, hidden) in places.iter().zip(hidden) {
            all[*at].hides_some = hidden > 0;
            all[*at].count = all[*at].count.saturating_sub(hidden);
        }
        Self::without_own(reader, account, &mut all, own).await?;
        let lacks = |at: usize| heads[at].as_ref().is_some_and(|it| it.absent_count > 0);
        let some: Vec<_> = places.into_iter().zip(stretches).filter(|(at, _)| lacks(*at)).collect();
        let stretches: Vec<_> = some.iter().map(|(_, it)| *it).collect();
        let absent = absent_in(reader, &stretches).await?;
        for ((at, _), absent) in some.iter().zip(absent) {
            all[*at].count = all[*at].count.saturating_sub(absent);
        }
        Ok(all)
    }

    /// Takes away what the person has sent without being there, but what is absent or hidden of
    /// it, which is taken away as such.
    async fn without_own(
        reader: &Reader,
        account: AccountId,
        all: &mut [Self],
        own: Vec<(usize, Stretch)>,
    ) -> Result<(), Error> {
        let behind = own.iter().map(|(_, it)| *it);
        let from = own.iter().map(|(_, it)| Stretch { above: it.above - 1, ..*it });
        let stretches: Vec<_> = from.chain(behind).collect();
        let hidden = hidden_in(reader, account, &stretches).await?;
        let absent = absent_in(reader, &stretches).await?;
        for (nth, (at, _)) in own.iter().enumerate() {
            let gone = [&hidden, &absent].iter().any(|it| it[nth] > it[nth + own.len()]);
            all[*at].count = all[*at].count.saturating_sub(u64::from(!gone));
            all[*at].hides_some = true;
        }
        Ok(())
    }

    /// Unread messages that mention the person, alone or with everyone, of the first 1,000 after
    /// the read number that do.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn mentions(
        &self,
        reader: &Reader,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<usize, Error> {
        if self.count == 0 {
            return Ok(0);
        }
        let line = Line::Conversation(conversation);
        let found = mentioned_above(reader, account, line, self.read_number).await?;
        if !self.hides_some || found.is_empty() {
            return Ok(found.len());
        }
        let found: Vec<_> = found.into_iter().map(|(number, _)| number).collect();
        let member = reader.load::<Member>(Member::id(conversation, account)).await?;
        let own = member.as_ref().map_or(&[][..], |it| it.unseen.as_slice());
        Ok(seen_of(reader, account, conversation, &found, own).await?.len())
    }
}
