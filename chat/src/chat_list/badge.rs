//! What stands on an application's icon: a function of what is unread in every conversation.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::try_join_all;

use ports::Error;
use ports::documents::{Order, Scan};

use super::{BADGE_MAX, Listing, PinnedConversations};
use crate::accounts::AccountId;
use crate::conversations::{CONVERSATIONS_MAX, Conversation, ConversationId, heads};
use crate::kernel::document::Document;
use crate::kernel::{Reader, Timestamp};
use crate::oracle::Counts;
use crate::receipts::Unread;
use crate::seen_reactions::unseen;

/// Conversations in which mentions are looked for at the same time.
const AT_ONCE: usize = 16;

/// How a person keeps all of their conversations.
#[derive(Default)]
pub struct ChatList {
    listings: HashMap<ConversationId, Arc<Listing>>,
    pinned: Option<Arc<PinnedConversations>>,
}

impl ChatList {
    /// Reads it, with two queries.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load(reader: &Reader, account: AccountId) -> Result<Self, Error> {
        let (name, prefix) = (Listing::COLLECTION.name, format!("{account}/"));
        let scan = Scan::prefix(name, None, &prefix, Order::Ascending, CONVERSATIONS_MAX);
        let found = reader.scan::<Listing>(scan).await?;
        let listings = found.into_iter().map(|(_, it)| (it.conversation_id, it)).collect();
        let pinned = reader.load::<PinnedConversations>(account.to_string()).await?;
        Ok(Self { listings, pinned })
    }

    /// How one is kept; nothing when there is nothing to say of it.
    pub fn listing(&self, conversation: ConversationId) -> Option<&Listing> {
        self.listings.get(&conversation).map(|it| &**it)
    }

    /// The place of one among those that are pinned, from 0.
    pub fn rank(&self, conversation: ConversationId) -> Option<usize> {
        let pinned = self.pinned.as_ref()?;
        pinned.conversation_ids.iter().position(|it| *it == conversation)
    }

    /// Whether one is archived.
    pub fn is_archived(&self, conversation: &Conversation) -> bool {
        self.listing(conversation.id).is_some_and(|it| it.is_archived(conversation))
    }
}

/// What is unread in all of a person's conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Badge {
    /// Conversations with something unread or marked as unread; muted and archived ones when
    /// they mention the person.
    pub conversations: u64,
    /// Unread messages, one for a conversation that is only marked as unread; of muted and
    /// archived conversations those that mention the person.
    pub messages: u64,
    /// Unread messages that mention the person, up to 1,000 in each conversation.
    pub mentions: u64,
    /// Whether it is counted over all of the person's conversations.
    pub complete: bool,
}

impl Badge {
    /// Adds what is unread in one conversation.
    pub fn add(&mut self, unread: u64, mentions: u64, marked: bool, quiet: bool) {
        let messages = match quiet {
            true => mentions,
            false => unread.max(u64::from(marked)),
        };
        self.conversations += u64::from(messages > 0);
        self.messages += messages;
        self.mentions += mentions;
    }

    /// Counts it over the 1,000 most recently active conversations of a person.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn load(reader: &Reader, account: AccountId, now: Timestamp) -> Result<Self, Error> {
        let list = ChatList::load(reader, account).await?;
        let mut heads = heads(reader, account).await?;
        let mut badge = Self { complete: heads.len() <= BADGE_MAX, ..Self::default() };
        heads.truncate(BADGE_MAX);
        let ids: Vec<_> = heads.iter().map(|it| it.id).collect();
        let unread = Unread::load_many(reader, account, &ids).await?;
        let mentions = mentions(reader, account, &ids, &unread).await?;
        for ((head, unread), mentions) in heads.iter().zip(&unread).zip(mentions) {
            let listing = list.listing(head.id);
            let marked = listing.is_some_and(|it| it.is_marked(unread.read_number));
            let quiet = listing.is_some_and(|it| it.is_muted(now) || it.is_archived(head));
            badge.add(unread.count, mentions as u64, marked, quiet);
        }
        Ok(badge)
    }
}

/// Unread mentions in each conversation; only what is unread mentions anybody.
async fn mentions(
    reader: &Reader,
    account: AccountId,
    ids: &[ConversationId],
    unread: &[Unread],
) -> Result<Vec<usize>, Error> {
    let mut found = vec![0; ids.len()];
    let some: Vec<usize> = (0..ids.len()).filter(|at| unread[*at].count > 0).collect();
    for some in some.chunks(AT_ONCE) {
        let counts = some.iter().map(|at| unread[*at].mentions(reader, account, ids[*at]));
        for (at, count) in some.iter().zip(try_join_all(counts).await?) {
            found[*at] = count;
        }
    }
    Ok(found)
}

/// What the documents say of one conversation of a person, for who holds it against the log.
///
/// # Errors
/// When the documents can't be reached.
pub async fn counts(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
    now: Timestamp,
) -> Result<Counts, Error> {
    let unread = Unread::load(reader, account, conversation).await?;
    let head = reader.fetch::<Conversation>(account, conversation.to_string()).await?;
    let Some(head) = head else { return Ok(Counts::default()) };
    let listing = reader.load::<Listing>(Listing::id(account, conversation)).await?;
    let listing = listing.as_ref();
    Ok(Counts {
        unread: unread.count,
        mentions: unread.mentions(reader, account, conversation).await? as u64,
        reactions: unseen(reader, account, conversation).await? as u64,
        marked: listing.is_some_and(|it| it.is_marked(unread.read_number)),
        muted: listing.is_some_and(|it| it.is_muted(now)),
        archived: listing.is_some_and(|it| it.is_archived(&head)),
    })
}
