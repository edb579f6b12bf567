//! Sending a sticker, which is content of its message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::pack;
use super::{Pack, PackId, PackKind, StickerRejection};
use crate::Event;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::messages::{Addressed, Body, Content, MessageId, Said, Sending, Unsent};

/// A sticker that a message holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentSticker {
    pub pack_id: PackId,
    pub number: u64,
    /// Who made the pack.
    pub owner_id: AccountId,
    pub file_id: FileId,
    /// What it stands for, which is the message's text too.
    pub emoji: String,
}

/// Sends a sticker of any pack that there is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendSticker {
    pub conversation_id: ConversationId,
    pub pack_id: PackId,
    /// Who made the pack.
    pub owner_id: AccountId,
    pub number: Long,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The message that begins the thread it goes to.
    #[serde(default)]
    pub thread_id: Option<MessageId>,
    /// When it was sent, for history from elsewhere; not in the future.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
    /// Whether nobody is to be notified of it.
    #[serde(default)]
    pub silent: bool,
}

impl SendSticker {
    /// A sticker of a pack that somebody has made, and nothing else that a message may have.
    pub fn new(
        conversation_id: ConversationId,
        (pack_id, owner_id): (PackId, AccountId),
        number: Long,
    ) -> Self {
        let (reply_to, thread_id, sent_at) = (None, None, None);
        Self {
            conversation_id,
            pack_id,
            owner_id,
            number,
            reply_to,
            thread_id,
            sent_at,
            silent: false,
        }
    }

    fn addressed(&self) -> Addressed {
        let Self { conversation_id, reply_to, thread_id, sent_at, silent, .. } = *self;
        Addressed { reply_to, thread_id, sent_at, silent, ..Addressed::to(conversation_id) }
    }

    /// The id of the message that this command sends.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        self.addressed().message_id(context)
    }

    fn said(&self, pack: &Slot<Pack>) -> Result<Said, StickerRejection> {
        let pack = pack.get().filter(|it| it.owner_id == self.owner_id);
        let pack = pack.ok_or(StickerRejection::NotFound)?;
        let sticker = pack.sticker(self.number.0).ok_or(StickerRejection::NotFound)?;
        if pack.kind != PackKind::Stickers {
            return Err(StickerRejection::NotSent);
        }
        let emoji = sticker.emoji.as_str().to_owned();
        let sent = SentSticker {
            pack_id: pack.id,
            number: sticker.number,
            owner_id: pack.owner_id,
            file_id: sticker.file_id,
            emoji: emoji.clone(),
        };
        Ok((Body::holding(Content::Sticker(sent), emoji), Vec::new()))
    }
}

impl Command for SendSticker {
    const NAME: &'static str = "SendSticker";
    const SEALS: bool = true;
    type State = (Sending, Slot<Pack>);
    type Rejection = Unsent<StickerRejection>;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, Self::Rejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Sending::new(self.addressed(), context), pack(self.pack_id, self.owner_id))
    }

    fn decide(
        self,
        (sending, pack): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection> {
        let sent = sending.sent(context, || self.said(pack).map_err(Unsent::Content))?;
        let mut events = sending.read(context);
        events.push(sent.into());
        Ok(events)
    }

    /// Who made a pack is looked up, and may be unknown when it is asked again.
    fn body(&self) -> Vec<u8> {
        let same = Self { owner_id: AccountId(uuid::Uuid::nil()), ..self.clone() };
        serde_json::to_vec(&same).expect("a command is plain data")
    }
}
