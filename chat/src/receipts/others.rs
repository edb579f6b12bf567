//! What others have read and received: who is shown whose, asked by queries and fan-out.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use ports::Error;
use ports::cache::Cache;
use ports::documents::{Order, Scan};

use super::{
    READERS_COUNTED_MAX, READERS_LISTED_MAX, READERS_LISTED_MS, ReadMoved, ReadPointer, TOLD_MAX,
};
use crate::Change;
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::document::padded;
use crate::kernel::ephemeral::Ephemeral;
use crate::kernel::{Document, EventKind, Reader, StreamId};
use crate::members::Member;
use crate::messages::Message;
use crate::privacy::{Setting, admitted};
use crate::timeline::Timeline;

/// What passing facts of this room are called.
pub(super) const RECEIPT: &str = "Receipt";

/// How much is said of who has read a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Said {
    Who,
    HowMany,
    /// As far as is counted.
    HowManyAtLeast,
}

impl Said {
    /// What is said in a conversation of so many members of a message that is so old.
    pub(super) fn of(members: u64, age_ms: i64) -> Self {
        match (members <= READERS_LISTED_MAX, age_ms <= READERS_LISTED_MS) {
            (true, true) => Self::Who,
            (true, false) => Self::HowMany,
            (false, _) => Self::HowManyAtLeast,
        }
    }
}

/// Whether the others are told in a conversation of so many members.
pub(super) fn are_told(members: u64) -> bool {
    members <= TOLD_MAX
}

/// Whether each of some people shows a viewer their receipts and is shown the viewer's: who hides
/// theirs from somebody does not see that person's.
///
/// # Errors
/// When the documents can't be reached.
pub(super) async fn shown(
    reader: &Reader,
    viewer: AccountId,
    people: &[AccountId],
) -> Result<Vec<bool>, Error> {
    let theirs: Vec<_> = people.iter().map(|it| (*it, viewer)).collect();
    let own: Vec<_> = people.iter().map(|it| (viewer, *it)).collect();
    let theirs = admitted(reader, Setting::ReadReceipts, &theirs).await?;
    let own = admitted(reader, Setting::ReadReceipts, &own).await?;
    Ok(theirs.into_iter().zip(own).map(|(theirs, own)| theirs && own).collect())
}

/// Those of the members that are shown to the viewer, who is not among them.
async fn kept(
    reader: &Reader,
    viewer: AccountId,
    members: impl Iterator<Item = Arc<Member>>,
) -> Result<Vec<Arc<Member>>, Error> {
    let others: Vec<_> = members.filter(|it| it.active && it.account_id != viewer).collect();
    let people: Vec<_> = others.iter().map(|it| it.account_id).collect();
    let shown = shown(reader, viewer, &people).await?;
    Ok(others.into_iter().zip(shown).filter(|it| it.1).map(|it| it.0).collect())
}

/// How far each has read, by marking and by sending.
async fn read_numbers(reader: &Reader, members: &[Arc<Member>]) -> Result<Vec<u64>, Error> {
    let ids = members.iter().map(|it| ReadPointer::id(it.account_id, it.conversation_id));
    let pointers = reader.load_many::<ReadPointer>(ids).await?;
    let all = members.iter().zip(pointers);
    Ok(all.map(|(it, pointer)| it.read_number.max(pointer.map_or(0, |it| it.number))).collect())
}

/// The members of a conversation that has at most so many.
async fn all_members(
    reader: &Reader,
    conversation: ConversationId,
    limit: usize,
) -> Result<impl Iterator<Item = Arc<Member>>, Error> {
    let (name, prefix) = (Member::COLLECTION.name, format!("{conversation}/"));
    let scan = Scan::prefix(name, Some("by_conversation"), &prefix, Order::Ascending, limit);
    Ok(reader.scan::<Member>(scan).await?.into_iter().map(|(_, it)| it))
}

/// Where the number up to which a person's devices have received is kept.
pub(super) fn delivered_key(account: AccountId, conversation: ConversationId) -> String {
    format!("delivered/{account}/{conversation}")
}

/// As far as is kept: a number that is lost, or can't be asked for now, is where reading is.
async fn delivered(cache: &dyn Cache, member: &Member) -> u64 {
    let key = delivered_key(member.account_id, member.conversation_id);
    let stored = cache.get(&key).await.unwrap_or_default();
    let number = stored.and_then(|it| std::str::from_utf8(&it).ok()?.parse().ok());
    number.unwrap_or(0)
}

/// How far somebody has read and received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Receipt {
    pub(super) account_id: AccountId,
    pub(super) read_number: u64,
    pub(super) delivered_number: u64,
}

/// The receipts of the others in a small conversation, as far as the viewer is shown them.
///
/// # Errors
/// When the documents can't be reached.
pub(super) async fn receipts(
    reader: &Reader,
    cache: &dyn Cache,
    viewer: AccountId,
    conversation: ConversationId,
) -> Result<Vec<Receipt>, Error> {
    let limit = usize::try_from(TOLD_MAX).unwrap_or(usize::MAX);
    let members = all_members(reader, conversation, limit).await?;
    let members = kept(reader, viewer, members).await?;
    let read = read_numbers(reader, &members).await?;
    let delivered = members.iter().map(|it| delivered(cache, it));
    let delivered = futures_util::future::join_all(delivered).await;
    let all = members.iter().zip(read).zip(delivered);
    Ok(all
        .map(|((it, read_number), delivered)| Receipt {
            account_id: it.account_id,
            read_number,
            delivered_number: delivered.max(read_number),
        })
        .collect())
}

/// Those of the others who have read a message of a conversation that is small enough: they were
/// there when it was sent, and the viewer is shown it.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn readers(
    reader: &Reader,
    viewer: AccountId,
    message: &Message,
) -> Result<Vec<AccountId>, Error> {
    let limit = usize::try_from(READERS_LISTED_MAX).unwrap_or(usize::MAX);
    let members = all_members(reader, message.conversation_id, limit).await?;
    let there = members.filter(|it| it.account_id != message.author_id);
    let there = there.filter(|it| it.joined_seq <= message.seq);
    let members = kept(reader, viewer, there).await?;
    let read = read_numbers(reader, &members).await?;
    let all = members.iter().zip(read).filter(|(_, read)| *read >= message.number);
    Ok(all.map(|(it, _)| it.account_id).collect())
}

/// How many of the others have read a message of a large conversation, as far as is looked: those
/// who have marked it or what came after, and those who have sent something since.
///
/// # Errors
/// When the documents can't be reached.
pub(crate) async fn readers_counted(
    reader: &Reader,
    viewer: AccountId,
    message: &Message,
) -> Result<usize, Error> {
    let prefix = format!("{}/", message.conversation_id);
    let from = |collection| Scan {
        from: format!("{prefix}{}", padded(message.number)),
        ..Scan::prefix(
            collection,
            Some("by_number"),
            &prefix,
            Order::Ascending,
            READERS_COUNTED_MAX,
        )
    };
    let pointers = reader.scan::<ReadPointer>(from(ReadPointer::COLLECTION.name)).await?;
    let senders = reader.scan::<Member>(from(Member::COLLECTION.name)).await?;
    let mut people: BTreeSet<_> = pointers.iter().map(|(_, it)| it.account_id).collect();
    people.extend(senders.iter().map(|(_, it)| it.account_id));
    people.remove(&message.author_id);
    let ids = people.iter().map(|it| Member::id(message.conversation_id, *it));
    let members = reader.load_many::<Member>(ids).await?;
    let there = members.into_iter().flatten().filter(|it| it.joined_seq <= message.seq);
    let count = kept(reader, viewer, there).await?.len();
    Ok(count.min(READERS_COUNTED_MAX))
}

/// What others hear of an event that moved somebody's pointer, in a conversation that is small
/// enough.
///
/// # Errors
/// When the documents can't be reached.
pub async fn told(reader: &Reader, event: &Timeline) -> Result<Option<Ephemeral>, Error> {
    let (StreamId::Account(account), Change::ReadState(conversation)) =
        (event.stream, event.change)
    else {
        return Ok(None);
    };
    if event.event != ReadMoved::NAME {
        return Ok(None);
    }
    let head = reader.load::<Conversation>(conversation.to_string()).await?;
    if !head.is_some_and(|it| are_told(it.member_count)) {
        return Ok(None);
    }
    let pointer = reader.load::<ReadPointer>(ReadPointer::id(account, conversation)).await?;
    Ok(pointer.map(|it| passing(account, conversation, Some(it.number), None)))
}

/// As it goes over the bus, or is told at once.
pub(super) fn passing(
    account_id: AccountId,
    conversation_id: ConversationId,
    read: Option<u64>,
    delivered: Option<u64>,
) -> Ephemeral {
    let detail = json!({ "read": read, "delivered": delivered });
    let conversation_id = Some(conversation_id);
    Ephemeral { kind: RECEIPT.to_owned(), account_id, conversation_id, detail }
}

/// Whether a passing fact is of this room.
pub fn is_told(passing: &Ephemeral) -> bool {
    passing.kind == RECEIPT
}

/// Those of the listeners who may hear how far somebody has come.
///
/// # Errors
/// When the documents can't be reached.
pub async fn heard_by(
    reader: &Reader,
    passing: &Ephemeral,
    listeners: BTreeSet<AccountId>,
) -> Result<BTreeSet<AccountId>, Error> {
    let who = passing.account_id;
    let listeners: Vec<_> = listeners.into_iter().collect();
    let shown = shown(reader, who, &listeners).await?;
    Ok(listeners.into_iter().zip(shown).filter(|it| it.1).map(|it| it.0).collect())
}
