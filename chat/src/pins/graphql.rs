//! Pins as clients see them.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{Pin, PinMessage, Pins, UnpinAll, UnpinMessage};
use crate::accounts::AccountObject;
use crate::conversations::{ConversationId, ConversationObject};
use crate::kernel::document::{Document, padded};
use crate::kernel::graphql::{Outcome, Page, id, outage, scope};
use crate::kernel::{Timestamp, time::Long};
use crate::messages::{HiddenNumbers, Message, MessageId, MessageObject, visible};

/// What a conversation has pinned, unless it is not as somebody saw it who has left since.
async fn pins(
    context: &Context<'_>,
    conversation: ConversationId,
) -> Result<(Option<Arc<Pins>>, bool)> {
    let scope = scope(context);
    let found = scope.reader.load::<Pins>(conversation.to_string()).await.map_err(outage)?;
    let seq = found.as_ref().map_or(0, |it| it.seq);
    scope.shows(seq);
    Ok((found, scope.ended_at.is_none_or(|it| seq <= it)))
}

/// Whether a message that the viewer may read is pinned; nothing for who has left since, once what
/// is pinned is not as they saw it.
pub(crate) async fn is_pinned(context: &Context<'_>, message: &Message) -> Result<Option<bool>> {
    if message.body.is_none() {
        return Ok(Some(false));
    }
    let (pins, seen) = pins(context, message.conversation_id).await?;
    let pinned = pins.is_some_and(|it| it.find(message.id).is_some());
    Ok(seen.then_some(pinned))
}

/// A page of what a conversation has pinned that the viewer has not hidden, the last first.
pub(crate) async fn pinned_messages(
    context: &Context<'_>,
    conversation: ConversationId,
    page: Page,
) -> Result<Connection<String, PinObject>> {
    let scope = scope(context);
    let viewer = scope.viewer()?.account;
    let (pins, _) = pins(context, conversation).await?;
    let mut all = Vec::new();
    for pin in pins.iter().flat_map(|it| it.pins.iter().rev()) {
        let hidden = HiddenNumbers::hides(&scope.reader, viewer, conversation, pin.number);
        if !hidden.await.map_err(outage)? {
            all.push((padded(pin.seq), pin));
        }
    }
    let older = all.iter().position(|it| page.after.as_ref().is_none_or(|after| it.0 < *after));
    let newer = all.iter().position(|it| page.before.as_ref().is_some_and(|at| it.0 <= *at));
    let (start, end) = (older.unwrap_or(all.len()), newer.unwrap_or(all.len()));
    let inside = all.get(start..end).unwrap_or_default();
    let (first, last) = match page.backward {
        true => (inside.len().saturating_sub(page.limit), inside.len()),
        false => (0, inside.len().min(page.limit)),
    };
    let mut connection = Connection::new(start + first > 0, start + last < all.len());
    let edges = inside[first..last].iter().map(|(cursor, pin)| {
        let (message_id, pin) = (pin.message_id, Some((*pin).clone()));
        Edge::new(cursor.clone(), PinObject { conversation_id: conversation, message_id, pin })
    });
    connection.edges.extend(edges);
    Ok(connection)
}

/// A message that is pinned, or was.
pub struct PinObject {
    conversation_id: ConversationId,
    message_id: MessageId,
    pin: Option<Pin>,
}

impl PinObject {
    /// Whether a message is pinned, for who may read it; in a frame that has been checked.
    pub async fn find(
        context: &Context<'_>,
        (conversation_id, message_id): (ConversationId, MessageId),
    ) -> Result<Option<Self>> {
        let scope = scope(context);
        let (pins, seen) = pins(context, conversation_id).await?;
        let Some(pins) = pins.filter(|_| seen) else { return Ok(None) };
        let admitted = scope.is_checked() || {
            let viewer = scope.viewer()?.account;
            pins.audience().admits(viewer, &scope.reader).await.map_err(outage)?
        };
        let pin = pins.find(message_id).cloned();
        Ok(admitted.then_some(Self { conversation_id, message_id, pin }))
    }
}

/// A message that is pinned, or was.
#[Object(name = "Pin")]
impl PinObject {
    async fn conversation_id(&self) -> ID {
        self.conversation_id.into()
    }

    async fn message_id(&self) -> ID {
        self.message_id.into()
    }

    /// False in a frame once it has been taken down.
    async fn pinned(&self) -> bool {
        self.pin.is_some()
    }

    /// Whether attention is not to be drawn to it.
    async fn silent(&self) -> Option<bool> {
        self.pin.as_ref().map(|it| it.silent)
    }

    async fn pinned_at(&self) -> Option<Timestamp> {
        self.pin.as_ref().map(|it| it.pinned_at)
    }

    async fn pinned_by(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        match &self.pin {
            Some(it) => AccountObject::find(context, it.account_id).await,
            None => Ok(None),
        }
    }

    /// Number of the message.
    async fn number(&self) -> Option<Long> {
        self.pin.as_ref().map(|it| Long(it.number))
    }

    async fn message(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        MessageObject::find(context, self.message_id).await
    }
}

#[derive(InputObject)]
struct PinMessageInput {
    client_id: ID,
    message_id: ID,
    /// Whether attention is not to be drawn to it.
    #[graphql(default)]
    silent: bool,
}

#[derive(InputObject)]
struct UnpinMessageInput {
    client_id: ID,
    message_id: ID,
}

#[derive(InputObject)]
struct UnpinAllInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(SimpleObject)]
struct PinPayload {
    message: Option<MessageObject>,
    position: String,
}

#[derive(SimpleObject)]
struct UnpinAllPayload {
    conversation: Option<ConversationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct PinMutation;

#[Object]
impl PinMutation {
    /// Pins a message, at most 100 a conversation; what is pinned already is pinned. In groups it
    /// is for the owner and admins.
    async fn pin_message(
        &self,
        context: &Context<'_>,
        input: PinMessageInput,
    ) -> Result<PinPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let command = PinMessage { conversation_id, message_id, silent: input.silent };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, message_id).await
    }

    /// Takes a message down; what is not pinned is down.
    async fn unpin_message(
        &self,
        context: &Context<'_>,
        input: UnpinMessageInput,
    ) -> Result<PinPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let command = UnpinMessage { conversation_id, message_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, message_id).await
    }

    /// Takes down everything that a conversation has pinned.
    async fn unpin_all(
        &self,
        context: &Context<'_>,
        input: UnpinAllInput,
    ) -> Result<UnpinAllPayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = UnpinAll { conversation_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let conversation = ConversationObject::readable(context, &outcome, conversation_id).await?;
        Ok(UnpinAllPayload { conversation, position: outcome.position })
    }
}

async fn payload(
    context: &Context<'_>,
    outcome: Outcome,
    message: MessageId,
) -> Result<PinPayload> {
    let message = match outcome.readable {
        true => MessageObject::find(context, message).await?,
        false => None,
    };
    Ok(PinPayload { message, position: outcome.position })
}
