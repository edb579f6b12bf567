//! What is unseen of reactions: a function of the documents, at the same cost in any group.

use ports::Error;
use ports::documents::{Order, Scan};

use super::{SeenReactions, UNSEEN_COUNTED_MAX};
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::Reader;
use crate::kernel::document::Document;
use crate::members::Member;
use crate::messages::gone_among;
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
    let numbers: Vec<_> = found.iter().map(|(_, it)| it.number).collect();
    let gone = gone_among(reader, account, conversation, &numbers).await?;
    Ok(gone.into_iter().filter(|gone| !gone).count())
}
