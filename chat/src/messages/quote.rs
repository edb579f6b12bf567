//! Quotes: the piece of a message that an answer to it shows. Only the place is kept, in which of
//! its texts and where, never the words: they go when the message that said them does.

use std::sync::Arc;

use apache_avro::AvroSchema;
use async_graphql::{Context, InputObject, Result, SimpleObject};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Body, Message, MessageId, MessageObject, MessageRejection, QUOTE_UNITS_MAX, TEXT_BYTES_MAX,
    Version, message_id,
};
use crate::conversations::ConversationId;
use crate::edit_policy::shows_versions;
use crate::kernel::Personal;
use crate::kernel::graphql::{outage, rejected, scope, uuid};
use crate::kernel::time::Long;

/// A piece of the text that a message had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, AvroSchema)]
#[serde(deny_unknown_fields)]
#[avro(namespace = "chat.messages")]
pub struct Quote {
    /// Which text of the message: 0 for the first.
    pub revision: Long,
    /// In UTF-16 code units.
    pub offset: Long,
    /// In UTF-16 code units, 1 to 1,024.
    pub length: Long,
}

impl Quote {
    /// The same of whichever text is the last.
    pub(crate) fn of_any_revision(self) -> Self {
        Self { revision: Long(0), ..self }
    }

    /// Refuses what is no piece of what the message says now: who could quote what it said before
    /// would read that piece by piece.
    pub(super) fn check(&self, answered: &Message) -> Result<(), MessageRejection> {
        let short = (1..=QUOTE_UNITS_MAX).contains(&self.length.0);
        let inside = self.offset.0 < TEXT_BYTES_MAX as u64;
        (short && inside).then_some(()).ok_or(MessageRejection::QuoteInvalid)?;
        let current = self.revision.0 == answered.text_revision(answered.revision);
        current.then_some(()).ok_or(MessageRejection::QuoteNotFound)
    }

    /// The piece, if the text is long enough and it cuts no character apart.
    fn of(&self, text: &str) -> Option<String> {
        let offset = usize::try_from(self.offset.0).ok()?;
        let length = usize::try_from(self.length.0).ok()?;
        let units: Vec<u16> = text.encode_utf16().skip(offset).take(length).collect();
        (units.len() == length).then(|| String::from_utf16(&units).ok())?
    }
}

/// What is quoted of the message that is answered, as it reads now.
#[derive(InputObject)]
pub(crate) struct QuoteInput {
    /// At most 1,024 UTF-16 code units.
    text: String,
    /// Where it stands, in UTF-16 code units.
    offset: u32,
}

impl QuoteInput {
    /// The piece of the message that is answered.
    pub(crate) async fn found(
        &self,
        context: &Context<'_>,
        answered: Option<MessageId>,
        sent: (ConversationId, &async_graphql::ID),
    ) -> Result<Quote> {
        let Some(answered) = answered else {
            return Err(rejected(MessageRejection::QuoteInvalid));
        };
        let length = self.text.encode_utf16().count() as u64;
        let place = |revision| Quote {
            revision: Long(revision),
            offset: Long(self.offset.into()),
            length: Long(length),
        };
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let message = scope.reader.fetch::<Message>(viewer, answered.to_string()).await;
        let message = message.map_err(outage)?.map(|it| scope.within(&it));
        let message = message.ok_or_else(|| rejected(MessageRejection::ReplyNotFound))?;
        let body = match &message.body {
            Some(body) => scope.reader.open(body).await.map_err(outage)?,
            None => None,
        };
        let quote = place(message.text_revision(message.revision));
        let says = body.is_some_and(|it| quote.of(&it.text).as_ref() == Some(&self.text));
        if says || quote.check(&message).is_err() {
            // What is too long is refused for that.
            return Ok(quote);
        }
        // Whoever asks again may find that it was edited or deleted since.
        let (conversation, client_id) = sent;
        let id = message_id(conversation, viewer, uuid(client_id)?);
        match MessageObject::find(context, id).await? {
            Some(_) => Ok(quote),
            None => Err(rejected(MessageRejection::QuoteNotFound)),
        }
    }
}

/// What a message quotes of the one that it answers.
#[derive(SimpleObject)]
#[graphql(name = "Quote")]
pub(super) struct QuoteObject {
    text: String,
    /// Where it stands in the text of the message that it answers, in UTF-16 code units.
    offset: u32,
    /// Which text of that message: 0 for the first.
    revision: Long,
}

/// The quote of a message; nothing once either is gone.
pub(super) async fn quoted(
    context: &Context<'_>,
    message: &Message,
) -> Result<Option<QuoteObject>> {
    let quote = message.quote.filter(|_| message.body.is_some());
    let (Some(quote), Some(answered)) = (quote, message.reply_to) else { return Ok(None) };
    let scope = scope(context);
    let answered = scope.reader.load::<Message>(answered.to_string()).await.map_err(outage)?;
    let answered = answered.filter(|it| it.conversation_id == message.conversation_id);
    let Some(answered) = answered.map(|it| scope.within(&it)) else { return Ok(None) };
    let Some(now) = open(context, answered.body.as_ref()).await? else { return Ok(None) };
    let current = quote.revision.0 == answered.text_revision(answered.revision);
    let then = if current { Some(now.clone()) } else { text_at(context, &answered, quote).await? };
    let Some(text) = then.and_then(|it| quote.of(&it.text)) else { return Ok(None) };
    // Where what was said before is kept from the viewer, only what still stands there is shown.
    let shown = current || now.text.contains(&text) || shows_versions(context, &answered).await?;
    let offset = u32::try_from(quote.offset.0).unwrap_or(u32::MAX);
    Ok(shown.then_some(QuoteObject { text, offset, revision: quote.revision }))
}

async fn open(context: &Context<'_>, body: Option<&Personal<Body>>) -> Result<Option<Body>> {
    match body {
        Some(body) => scope(context).reader.open(body).await.map_err(outage),
        None => Ok(None),
    }
}

/// An earlier text of a message that is there.
async fn text_at(
    context: &Context<'_>,
    message: &Arc<Message>,
    quote: Quote,
) -> Result<Option<Body>> {
    if quote.revision.0 == 0 {
        return open(context, message.original.as_ref()).await;
    }
    let id = Version::id(message.id, quote.revision.0);
    let version = scope(context).reader.load::<Version>(id).await.map_err(outage)?;
    open(context, version.as_ref().map(|it| &it.body)).await
}
