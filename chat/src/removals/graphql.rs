//! Many messages deleted at once, and what moderators have removed, as clients see it.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::documents::{Order, Scan};

use super::{
    DELETED_MAX, DeleteMessages, HideMessages, Removal, RemovalRejection, RestoreMessages, Which,
};
use crate::accounts::AccountObject;
use crate::audience::Audience;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Timestamp;
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{Page, Scope, id, outage, rejected, scope};
use crate::kernel::pages::{self, Shelf};
use crate::kernel::time::Long;
use crate::messages::{HiddenNumbers, Message, MessageId, MessageObject};

/// How many times fewer than other commands one may delete many.
const DELETION_WEIGHT: u32 = 10;

/// Messages read at once on the way past those that are hidden already.
const PASSED_MAX: usize = 1_000;

/// A message that a moderator has removed.
pub struct RemovedMessageObject {
    removal: Arc<Removal>,
}

/// A message that a moderator has removed, for those who manage the group.
#[Object(name = "RemovedMessage")]
impl RemovedMessageObject {
    async fn message_id(&self) -> ID {
        self.removal.message_id.into()
    }

    /// Dense inside the conversation.
    async fn number(&self) -> Long {
        Long(self.removal.number)
    }

    /// Who wrote it.
    async fn sender(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.removal.author_id).await
    }

    /// As it was read; null once it can't be restored, and once erased.
    async fn text(&self, context: &Context<'_>) -> Result<Option<String>> {
        let scope = scope(context);
        let now = Timestamp(scope.clock.now_ms());
        let id = self.removal.message_id.to_string();
        let message = scope.reader.load::<Message>(id).await.map_err(outage)?;
        let there = self.removal.restorable_until > now;
        let message = message.filter(|it| there && !it.is_over(now));
        let Some(aside) = message.as_ref().and_then(|it| it.aside.as_ref()) else {
            return Ok(None);
        };
        let body = scope.reader.open(&aside.body).await.map_err(outage)?;
        Ok(body.map(|it| it.text))
    }

    async fn removed_by(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.removal.moderator_id).await
    }

    async fn removed_at(&self) -> Timestamp {
        self.removal.removed_at
    }

    /// Until when it can be restored.
    async fn restorable_until(&self) -> Timestamp {
        self.removal.restorable_until
    }
}

/// A page of what is removed and can be restored, the first first; nothing for who does not manage
/// the conversation, and for applications.
pub(crate) async fn removed_messages(
    context: &Context<'_>,
    conversation: ConversationId,
    page: Page,
) -> Result<Option<Connection<String, RemovedMessageObject>>> {
    let scope = scope(context);
    let viewer = scope.viewer()?;
    let managers = Audience::Managers(conversation);
    let admitted = viewer.scopes.is_none()
        && managers.admits(viewer.account, &scope.reader).await.map_err(outage)?;
    if !admitted {
        return Ok(None);
    }
    let show = |removal: Arc<Removal>| RemovedMessageObject { removal };
    let prefix = Removal::prefix(conversation);
    Ok(Some(pages::behind(context, Shelf::by_seq("by_seq", &prefix), page, show).await?))
}

#[derive(InputObject)]
struct DeleteMessagesInput {
    client_id: ID,
    conversation_id: ID,
    /// 1 to 100; without them messages are named by what follows, of which one at least is given.
    message_ids: Option<Vec<ID>>,
    /// Those from this number on; with numbers alone those outside threads.
    from_number: Option<Long>,
    /// Those up to this number.
    to_number: Option<Long>,
    /// Those that this account wrote.
    account_id: Option<ID>,
    /// For everyone, or only for the viewer.
    #[graphql(default)]
    for_everyone: bool,
}

impl DeleteMessagesInput {
    /// How they are named, and the ids if that is by them.
    fn which(&self) -> Result<(Which, Option<Vec<MessageId>>)> {
        let account_id = self.account_id.as_ref().map(id).transpose()?;
        let (from, to) = (self.from_number, self.to_number);
        let those = from.is_some() || to.is_some() || account_id.is_some();
        match &self.message_ids {
            Some(ids) if !those => {
                if !(1..=DELETED_MAX).contains(&ids.len()) {
                    return Err(rejected(RemovalRejection::CountInvalid));
                }
                Ok((Which::Ids, Some(ids.iter().map(id).collect::<Result<_>>()?)))
            }
            None if those => Ok((Which::Those { from, to, account_id }, None)),
            Some(_) | None => Err(rejected(RemovalRejection::SelectionInvalid)),
        }
    }
}

#[derive(SimpleObject)]
struct DeleteMessagesPayload {
    /// Whether there are others that were named: ask again, with another client id.
    more: bool,
    position: String,
}

#[derive(InputObject)]
struct RestoreMessagesInput {
    client_id: ID,
    conversation_id: ID,
    /// 1 to 100.
    message_ids: Vec<ID>,
}

#[derive(SimpleObject)]
struct RestoreMessagesPayload {
    /// As they are now; empty when they can't be read yet.
    messages: Vec<MessageObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct RemovalMutation;

#[Object]
impl RemovalMutation {
    /// Deletes messages, all that are named or none; of those that are named otherwise than by
    /// their ids at most 100, the newest first. For everyone: one's own for good, and, for those
    /// who manage a group, those of others, which can be restored for 24 hours.
    #[graphql(complexity = "100 + child_complexity")]
    async fn delete_messages(
        &self,
        context: &Context<'_>,
        input: DeleteMessagesInput,
    ) -> Result<DeleteMessagesPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let conversation_id = id::<ConversationId>(&input.conversation_id)?;
        let there = scope.reader.fetch::<Conversation>(viewer, conversation_id.to_string()).await;
        there.map_err(outage)?.ok_or_else(|| rejected(RemovalRejection::NotFound))?;
        let (which, ids) = input.which()?;
        take(scope).await?;
        let (mut message_ids, hides) = (ids.unwrap_or_default(), !input.for_everyone);
        if let Which::Those { .. } = which {
            message_ids = those(scope, conversation_id, which, hides).await?;
        }
        let some = !message_ids.is_empty();
        let others = message_ids.len() > DELETED_MAX;
        message_ids.truncate(DELETED_MAX);
        let outcome = match input.for_everyone {
            true => {
                let command = DeleteMessages { conversation_id, which, message_ids };
                scope.submit(&input.client_id, command).await?
            }
            false => {
                let command = HideMessages { conversation_id, which, message_ids };
                scope.submit(&input.client_id, command).await?
            }
        };
        // What is found when it is asked again is what is left.
        let left = which != Which::Ids && some && outcome.accepted.repeated;
        Ok(DeleteMessagesPayload { more: others || left, position: outcome.position })
    }

    /// Gives back what moderators have removed, all or none; for those who manage the group.
    #[graphql(complexity = "100 + 10 * child_complexity")]
    async fn restore_messages(
        &self,
        context: &Context<'_>,
        input: RestoreMessagesInput,
    ) -> Result<RestoreMessagesPayload> {
        let scope = scope(context);
        if !(1..=DELETED_MAX).contains(&input.message_ids.len()) {
            return Err(rejected(RemovalRejection::CountInvalid));
        }
        take(scope).await?;
        let conversation_id = id(&input.conversation_id)?;
        let message_ids: Vec<MessageId> =
            input.message_ids.iter().map(id).collect::<Result<_>>()?;
        let command = RestoreMessages { conversation_id, message_ids: message_ids.clone() };
        let outcome = scope.submit(&input.client_id, command).await?;
        let mut messages = Vec::new();
        for id in message_ids.into_iter().filter(|_| outcome.readable) {
            messages.extend(MessageObject::find(context, id).await?);
        }
        Ok(RestoreMessagesPayload { messages, position: outcome.position })
    }
}

async fn take(scope: &Scope) -> Result<()> {
    let viewer = scope.viewer()?.account;
    let limit = (scope.limits.per_account / DELETION_WEIGHT).max(1);
    scope.take(&format!("deletions/{viewer}"), limit).await
}

/// The newest of those that are named and there, one more than are deleted at once.
async fn those(
    scope: &Scope,
    conversation: ConversationId,
    which: Which,
    hides: bool,
) -> Result<Vec<MessageId>> {
    let Which::Those { from, to, account_id } = which else { return Ok(Vec::new()) };
    let viewer = scope.viewer()?.account;
    let (index, prefix) = match account_id {
        Some(it) => ("by_author", format!("{conversation}/{it}/")),
        None => ("by_number", format!("{conversation}/")),
    };
    let bound = |it: Option<Long>, other: u64| padded(it.map_or(other, |it| it.0));
    let mut scan = Scan {
        collection: Message::COLLECTION.name,
        index: Some(index),
        from: format!("{prefix}{}", bound(from, 0)),
        // A space sorts before whatever continues a number.
        to: format!("{prefix}{} ", bound(to, u64::MAX)),
        order: Order::Descending,
        limit: DELETED_MAX + 1,
    };
    let mut found = Vec::new();
    loop {
        let page = scope.reader.scan::<Message>(scan.clone()).await.map_err(outage)?;
        let ended = page.len() < scan.limit;
        for (key, message) in page {
            let hidden = hides && {
                let number = message.number;
                let hidden = HiddenNumbers::hides(&scope.reader, viewer, conversation, number);
                hidden.await.map_err(outage)?
            };
            if !hidden && found.len() <= DELETED_MAX {
                found.push(message.id);
            }
            scan.to = key;
        }
        if ended || found.len() > DELETED_MAX {
            return Ok(found);
        }
        scan.limit = (scan.limit * 2).min(PASSED_MAX);
    }
}
