//! Contact cards as clients see and send them.

use async_graphql::{Context, ID, InputObject, Object, Result};

use super::vcard::vcard;
use super::{Card, SendContact};
use crate::accounts::AccountObject;
use crate::conversations::ConversationId;
use crate::kernel::Timestamp;
use crate::kernel::graphql::{id, scope, uuid};
use crate::messages::{MessagePayload, changed, message_id};

/// A card on a message that the viewer may read.
pub struct ContactCardObject(pub(crate) Card);

/// Somebody's name and how they are reached.
#[Object(name = "ContactCard")]
impl ContactCardObject {
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// With + and country code.
    async fn phones(&self) -> &[String] {
        &self.0.phones
    }

    async fn emails(&self) -> &[String] {
        &self.0.emails
    }

    /// The account of the person, if the sender named one.
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        match self.0.account_id {
            Some(it) => AccountObject::find(context, it).await,
            None => Ok(None),
        }
    }

    /// Name, phone numbers and mail addresses as a vCard 4.0.
    async fn vcard(&self) -> String {
        vcard(&self.0)
    }
}

#[derive(InputObject)]
struct SendContactInput {
    client_id: ID,
    conversation_id: ID,
    /// At most 128 characters.
    name: String,
    /// At most 10, with + and country code.
    #[graphql(default)]
    phones: Vec<String>,
    /// At most 10.
    #[graphql(default)]
    emails: Vec<String>,
    /// The account of the person, if they have one here.
    account_id: Option<ID>,
    reply_to: Option<ID>,
    /// The message that begins the thread it goes to.
    thread_id: Option<ID>,
    /// When it was sent, for history from elsewhere; not in the future.
    sent_at: Option<Timestamp>,
}

/// Changes of this room.
#[derive(Default)]
pub struct ContactCardMutation;

#[Object]
impl ContactCardMutation {
    /// Sends somebody's contact card; the same client id sends it once, for ever.
    async fn send_contact(
        &self,
        context: &Context<'_>,
        input: SendContactInput,
    ) -> Result<MessagePayload> {
        let conversation_id: ConversationId = id(&input.conversation_id)?;
        let command = SendContact {
            conversation_id,
            name: input.name,
            phones: input.phones,
            emails: input.emails,
            account_id: input.account_id.as_ref().map(id).transpose()?,
            reply_to: input.reply_to.as_ref().map(id).transpose()?,
            thread_id: input.thread_id.as_ref().map(id).transpose()?,
            sent_at: input.sent_at,
        };
        let scope = scope(context);
        let outcome = scope.submit(&input.client_id, command).await?;
        let author = scope.viewer()?.account;
        let sent = message_id(conversation_id, author, uuid(&input.client_id)?);
        changed(context, outcome, sent).await
    }
}
