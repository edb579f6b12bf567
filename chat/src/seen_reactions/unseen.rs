//! What is unseen of reactions: a function of the documents, at the same cost in any group.

use std::collections::BTreeSet;

use ports::Error;
use ports::documents::{Order, Scan};

use super::{SeenReactions, UNSEEN_COUNTED_MAX};
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::Reader;
use crate::kernel::document::Document;
use crate::members::Member;
use crate::messages::{Message, MessageId, hidden_among};
use crate::reactions::Reactor;

/// How many reactions to a person's messages in a conversation they have not seen, of the newest
/// 1,000.
///
/// # Errors
/// When the documents can't be reached.
pub async fn unseen(
    reader: &Reader,
    account: AccountId,
    conversation: ConversationId,
) -> Result<usize, Error> {
    let member = reader.load::<Member>(Member::id(conversation, account)).await?;
    // Nothing is unseen for who has left.
    let Some(member) = member.filter(|it| it.active) else { return Ok(0) };
    let seen = reader.load::<SeenReactions>(SeenReactions::id(account, conversation)).await?;
    let seen = seen.map_or(0, |it| it.seq).max(member.joined_seq);
    let scan = Scan {
        collection: Reactor::COLLECTION.name,
        index: Some("by_author"),
        from: Reactor::author_key(conversation, account, seen + 1),
        to: Reactor::author_key(conversation, account, u64::MAX),
        order: Order::Descending,
        limit: UNSEEN_COUNTED_MAX,
    };
    let found = reader.scan::<Reactor>(scan).await?;
    // To what is gone, as the documents tell of each message, nothing was given.
    let messages: BTreeSet<MessageId> = found.iter().map(|(_, it)| it.message_id).collect();
    let loaded = reader.load_many::<Message>(messages.iter().map(ToString::to_string)).await?;
    let there = loaded.into_iter().flatten().filter(|it| it.body.is_some());
    let there: BTreeSet<MessageId> = there.map(|it| it.id).collect();
    let found = found.iter().filter(|(_, it)| there.contains(&it.message_id));
    let numbers: Vec<_> = found.map(|(_, it)| it.number).collect();
    let hidden = hidden_among(reader, account, conversation, &numbers).await?;
    Ok(hidden.into_iter().filter(|hidden| !hidden).count())
}
