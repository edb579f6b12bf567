//! What is unread: a pure function of the documents, at the same cost at any backlog.

use ports::Error;
use ports::documents::{Order, Scan};

use super::ReadPointer;
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Reader;
use crate::kernel::document::Document;
use crate::members::Member;
use crate::messages::{Mention, deleted_above, hidden_above};

/// What one person has not read of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unread {
    /// Number of the last message read.
    pub read_number: u64,
    pub count: u64,
    /// Whether the person has hidden messages after that.
    pub hides_some: bool,
    /// `seq` of the conversation that this holds for.
    pub seq: u64,
}

/// Mentions counted at most.
const MENTIONS_COUNTED_MAX: usize = 1_000;

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
        let mut unread = Self::attempt(&reader.anew(), account, conversation).await?;
        for _ in 0..ATTEMPTS_MAX {
            // Documents written between two of the reads belong to a later seq: read again.
            let again = reader.anew().load::<Conversation>(conversation.to_string()).await?;
            if again.map_or(0, |it| it.seq) == unread.seq {
                break;
            }
            unread = Self::attempt(&reader.anew(), account, conversation).await?;
        }
        Ok(unread)
    }

    async fn attempt(
        reader: &Reader,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<Self, Error> {
        let head = reader.load::<Conversation>(conversation.to_string()).await?;
        let member = reader.load::<Member>(Member::id(conversation, account)).await?;
        let seq = head.as_ref().map_or(0, |it| it.seq);
        let (Some(head), Some(member)) = (head, member.filter(|it| it.active)) else {
            // Nothing is unread for who has left, whatever fan-out still has to tell of before.
            return Ok(Self { read_number: 0, count: 0, hides_some: false, seq });
        };
        let pointer = reader.load::<ReadPointer>(ReadPointer::id(account, conversation)).await?;
        let read_number = pointer.map_or(0, |it| it.number).max(member.read_number);
        let above = head.last_number.saturating_sub(read_number);
        if above == 0 {
            return Ok(Self { read_number, count: 0, hides_some: false, seq: head.seq });
        }
        let deleted = match head.deleted_count {
            0 => 0,
            _ => deleted_above(reader, conversation, read_number).await?,
        };
        let hidden = hidden_above(reader, account, conversation, read_number).await?;
        let count = above.saturating_sub(deleted).saturating_sub(hidden);
        Ok(Self { read_number, count, hides_some: hidden > 0, seq: head.seq })
    }

    /// Unread messages that mention the person.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn mentions(
        &self,
        reader: &Reader,
        account: AccountId,
        conversation: ConversationId,
    ) -> Result<usize, Error> {
        let scan = Scan {
            collection: Mention::COLLECTION.name,
            index: None,
            from: Mention::id(conversation, account, self.read_number + 1),
            to: Mention::id(conversation, account, u64::MAX),
            order: Order::Ascending,
            limit: MENTIONS_COUNTED_MAX,
        };
        Ok(reader.scan::<Mention>(scan).await?.len())
    }
}
