//! Many messages deleted or hidden at once. Only the server gives these commands, with the ids that
//! it has found for whoever asks.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{DELETED_MAX, RemovalRejection, deletion};
use crate::Event;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::members::Member;
use crate::messages::{Message, MessageHidden, MessageId};

/// How messages are named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Which {
    /// By their ids.
    Ids,
    /// Those with these numbers that this account wrote, the newest first.
    #[serde(rename_all = "camelCase")]
    Those { from: Option<Long>, to: Option<Long>, account_id: Option<AccountId> },
}

/// The messages of a conversation that somebody has named.
type Named = (Slot<Member>, Vec<Slot<Message>>);

fn asked(conversation: ConversationId, ids: &[MessageId], context: &Context<'_>) -> Named {
    let stream = StreamId::Conversation(conversation);
    let member = Slot::new(Member::id(conversation, context.actor), stream);
    let ids: BTreeSet<_> = ids.iter().map(ToString::to_string).collect();
    (member, ids.into_iter().map(|it| Slot::new(it, stream)).collect())
}

fn few(which: Which, ids: &[MessageId]) -> Result<(), RemovalRejection> {
    let least = usize::from(which == Which::Ids);
    let few = (least..=DELETED_MAX).contains(&ids.len());
    few.then_some(()).ok_or(RemovalRejection::CountInvalid)
}

/// What was asked, not what was found then: asked again it is the same command.
fn wish(conversation: ConversationId, which: Which, ids: &[MessageId]) -> Vec<u8> {
    let ids = if which == Which::Ids { ids } else { &[] };
    serde_json::to_vec(&(conversation, which, ids)).expect("ids are plain data")
}

/// The member who asks, and the messages, all of this conversation, in the order of their numbers.
fn found(
    (member, all): &Named,
    conversation: ConversationId,
) -> Result<(&Member, Vec<&Message>), RemovalRejection> {
    let member = member.get().filter(|it| it.active).ok_or(RemovalRejection::NotFound)?;
    let here = all.iter().map(|it| it.get().filter(|it| it.conversation_id == conversation));
    let here: Option<Vec<_>> = here.collect();
    let mut here = here.ok_or(RemovalRejection::NotFound)?;
    here.sort_unstable_by_key(|it| it.number);
    Ok((member, here))
}

/// Deletes messages for everyone, all or none: one's own for good, those of others so that they can
/// be restored for a day.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeleteMessages {
    pub conversation_id: ConversationId,
    pub which: Which,
    /// At most 100.
    pub message_ids: Vec<MessageId>,
}

impl Command for DeleteMessages {
    const NAME: &'static str = "DeleteMessages";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Named;
    type Rejection = RemovalRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, RemovalRejection> {
        few(self.which, &self.message_ids)?;
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Named {
        asked(self.conversation_id, &self.message_ids, context)
    }

    fn decide(self, named: &Named, context: &Context<'_>) -> Result<Vec<Event>, RemovalRejection> {
        let (member, messages) = found(named, self.conversation_id)?;
        let own = messages.iter().all(|it| it.author_id == context.actor);
        if !own && !member.role.manages() {
            return Err(RemovalRejection::Forbidden);
        }
        Ok(messages.into_iter().filter_map(|it| deletion(it, context)).collect())
    }

    fn body(&self) -> Vec<u8> {
        wish(self.conversation_id, self.which, &self.message_ids)
    }
}

/// Puts messages out of one's own sight, all or none.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct HideMessages {
    pub conversation_id: ConversationId,
    pub which: Which,
    /// At most 100.
    pub message_ids: Vec<MessageId>,
}

impl Command for HideMessages {
    const NAME: &'static str = "HideMessages";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Named;
    type Rejection = RemovalRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, RemovalRejection> {
        few(self.which, &self.message_ids)?;
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Named {
        asked(self.conversation_id, &self.message_ids, context)
    }

    fn decide(self, named: &Named, context: &Context<'_>) -> Result<Vec<Event>, RemovalRejection> {
        let (_, messages) = found(named, self.conversation_id)?;
        let hidden = messages.into_iter().map(|it| MessageHidden {
            message_id: it.id,
            conversation_id: it.conversation_id,
            number: Long(it.number),
            account_id: context.actor,
            thread_id: it.thread.map(|it| it.thread_id),
        });
        Ok(hidden.map(Event::from).collect())
    }

    fn body(&self) -> Vec<u8> {
        wish(self.conversation_id, self.which, &self.message_ids)
    }
}
