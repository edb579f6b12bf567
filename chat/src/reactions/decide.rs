//! Who may react, with what, and who says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ALLOWED_MAX, AllowedReactions, DISTINCT_MAX, Emoji, OWN_MAX, Reacted, ReactionAdded,
    ReactionRemoved, ReactionsLimited, Tally,
};
use crate::Event;
use crate::accounts::AccountId;
use crate::contacts::Talk;
use crate::conversations::{Conversation, ConversationId, Kind};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::members::Member;
use crate::messages::{Message, MessageId};
use crate::stickers::{Pack, PackKind};

crate::rejections! {
    /// Why reactions say no.
    ReactionRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        EmojiInvalid: Invalid, "REACTIONS_EMOJI_INVALID",
            "that is not exactly one emoji that there is", "Give one of Unicode's, or of a pack.";
        NotAllowed: Forbidden, "REACTIONS_NOT_ALLOWED",
            "the group does not allow this emoji", "Choose one of its allowed reactions.";
        TooManyOwn: LimitExceeded, "REACTIONS_TOO_MANY_OWN",
            "you have given this message 5 emoji", "Take one back first.";
        TooManyDistinct: LimitExceeded, "REACTIONS_TOO_MANY_DISTINCT",
            "the message has its 20 different emoji", "Choose one of them.";
        Gone: Conflict, "REACTIONS_MESSAGE_GONE",
            "the message has been deleted", "There is nothing to react to any more.";
        Refused: Forbidden, "REACTIONS_REFUSED",
            "the other person wants nothing of you", "Respect that.";
        Blocked: Conflict, "REACTIONS_BLOCKED",
            "you have blocked the other person", "Unblock them first.";
        NotAGroup: Conflict, "REACTIONS_NOT_A_GROUP",
            "the conversation is not a group", "Only groups limit reactions.";
        Forbidden: Forbidden, "REACTIONS_FORBIDDEN",
            "only owners and admins may do this", "Ask an owner or admin.";
        TooManyAllowed: Invalid, "REACTIONS_TOO_MANY_ALLOWED",
            "over 100 emoji", "Allow fewer, or all.";
    }
}

/// The membership of whoever asks, and the message.
type Place = (Slot<Member>, Slot<Message>);

fn place(conversation: ConversationId, message: MessageId, context: &Context<'_>) -> Place {
    let stream = StreamId::Conversation(conversation);
    let member = Member::id(conversation, context.actor);
    (Slot::new(member, stream), Slot::new(message.to_string(), stream))
}

/// The message, if it is of this conversation and a member asks.
fn found(
    (member, message): &Place,
    conversation: ConversationId,
) -> Result<&Message, ReactionRejection> {
    let active = member.get().is_some_and(|it| it.active);
    let message = message.get().filter(|it| active && it.conversation_id == conversation);
    message.ok_or(ReactionRejection::NotFound)
}

fn reacted(
    conversation: ConversationId,
    message: MessageId,
    context: &Context<'_>,
) -> Slot<Reacted> {
    Slot::new(Reacted::id(message, context.actor), StreamId::Conversation(conversation))
}

fn parse(text: &str) -> Result<Emoji, ReactionRejection> {
    Emoji::parse(text).ok_or(ReactionRejection::EmojiInvalid)
}

/// The emoji of a list, each once, in their order.
fn distinct(list: &[String]) -> Result<Vec<Emoji>, ReactionRejection> {
    let mut found: Vec<Emoji> = Vec::with_capacity(list.len());
    for text in list {
        let emoji = parse(text)?;
        if !found.contains(&emoji) {
            found.push(emoji);
        }
    }
    Ok(found)
}

fn has(reacted: &Slot<Reacted>, emoji: &Emoji) -> bool {
    reacted.get().is_some_and(|it| it.emoji.contains(emoji))
}

/// Gives a message an emoji; one that is given already is given.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddReaction {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// One emoji of Unicode's, or a custom one: `pack_…/7`.
    pub emoji: String,
    /// Who made the pack of a custom emoji.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack_owner_id: Option<AccountId>,
}

impl AddReaction {
    /// One of Unicode's emoji.
    pub fn new(conversation_id: ConversationId, message_id: MessageId, emoji: String) -> Self {
        Self { conversation_id, message_id, emoji, pack_owner_id: None }
    }

    /// The pack of a custom emoji.
    fn pack(&self) -> Option<Slot<Pack>> {
        let custom = Emoji::parse(&self.emoji)?.custom()?;
        let stream = StreamId::Account(self.pack_owner_id?);
        Some(Slot::new(custom.pack_id.to_string(), stream))
    }
}

/// Whether there is such an emoji.
fn exists(emoji: &Emoji, pack: Option<&Slot<Pack>>, owner: Option<AccountId>) -> bool {
    emoji.custom().is_none_or(|it| {
        let pack = pack.and_then(Slot::get).filter(|it| it.kind == PackKind::Emoji);
        let pack = pack.filter(|it| Some(it.owner_id) == owner);
        pack.is_some_and(|pack| pack.sticker(it.number).is_some())
    })
}

impl Command for AddReaction {
    const NAME: &'static str = "AddReaction";
    const SEALS: bool = false;
    type State =
        ((Talk, Place), (Slot<Tally>, Slot<Reacted>), (Slot<AllowedReactions>, Option<Slot<Pack>>));
    type Rejection = ReactionRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ReactionRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (conversation, message) = (self.conversation_id, self.message_id);
        let stream = StreamId::Conversation(conversation);
        let talk = Talk::new(conversation, context.actor);
        let tally = Slot::new(message.to_string(), stream);
        let allowed = Slot::new(conversation.to_string(), stream);
        let place = place(conversation, message, context);
        let reacted = reacted(conversation, message, context);
        ((talk, place), (tally, reacted), (allowed, self.pack()))
    }

    fn decide(
        self,
        ((talk, place), (tally, reacted), (allowed, pack)): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ReactionRejection> {
        let message = found(place, self.conversation_id)?;
        match talk.blocked_by() {
            Some(it) if it == context.actor => return Err(ReactionRejection::Blocked),
            Some(_) => return Err(ReactionRejection::Refused),
            None => (),
        }
        if message.is_gone(context.now) {
            return Err(ReactionRejection::Gone);
        }
        let emoji = parse(&self.emoji)?;
        if has(reacted, &emoji) {
            return Ok(Vec::new());
        }
        if !exists(&emoji, pack.as_ref(), self.pack_owner_id) {
            return Err(ReactionRejection::EmojiInvalid);
        }
        if !allowed.get().is_none_or(|it| it.allow(&emoji)) {
            return Err(ReactionRejection::NotAllowed);
        }
        if reacted.get().is_some_and(|it| it.emoji.len() >= OWN_MAX) {
            return Err(ReactionRejection::TooManyOwn);
        }
        let counts = tally.get().map_or(&[][..], |it| &it.counts);
        if counts.len() >= DISTINCT_MAX && !counts.iter().any(|it| it.emoji == emoji) {
            return Err(ReactionRejection::TooManyDistinct);
        }
        let added = ReactionAdded {
            message_id: message.id,
            conversation_id: message.conversation_id,
            number: Long(message.number),
            author_id: message.author_id,
            account_id: context.actor,
            emoji,
        };
        Ok(vec![added.into()])
    }

    /// Who made a pack is looked up, and may be unknown when it is asked again.
    fn body(&self) -> Vec<u8> {
        let same = Self { pack_owner_id: None, ..self.clone() };
        serde_json::to_vec(&same).expect("a command is plain data")
    }
}

/// Takes an emoji back; one that was not given is not there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveReaction {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// One emoji of Unicode's, or a custom one.
    pub emoji: String,
}

impl Command for RemoveReaction {
    const NAME: &'static str = "RemoveReaction";
    const SEALS: bool = false;
    type State = (Place, Slot<Reacted>);
    type Rejection = ReactionRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ReactionRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (conversation, message) = (self.conversation_id, self.message_id);
        (place(conversation, message, context), reacted(conversation, message, context))
    }

    fn decide(
        self,
        (place, reacted): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ReactionRejection> {
        let message = found(place, self.conversation_id)?;
        let emoji = parse(&self.emoji)?;
        // What a deleted message was given is in nobody's sight: its tally is empty, and its rows
        // are shown beside a body only.
        if message.body.is_none() || !has(reacted, &emoji) {
            return Ok(Vec::new());
        }
        let removed = ReactionRemoved {
            message_id: message.id,
            conversation_id: message.conversation_id,
            number: Long(message.number),
            author_id: message.author_id,
            account_id: context.actor,
            emoji,
        };
        Ok(vec![removed.into()])
    }
}

/// Says which emoji may be given in a group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LimitReactions {
    pub conversation_id: ConversationId,
    /// At most 100 emoji, or none at all; without a list all are allowed.
    pub allowed: Option<Vec<String>>,
}

impl Command for LimitReactions {
    const NAME: &'static str = "LimitReactions";
    const SEALS: bool = false;
    type State = (Slot<Conversation>, Slot<Member>, Slot<AllowedReactions>);
    type Rejection = ReactionRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ReactionRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (id, stream) =
            (self.conversation_id.to_string(), StreamId::Conversation(self.conversation_id));
        let member = Member::id(self.conversation_id, context.actor);
        (Slot::new(id.clone(), stream), Slot::new(member, stream), Slot::new(id, stream))
    }

    fn decide(
        self,
        (conversation, member, current): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ReactionRejection> {
        let member = member.get().filter(|it| it.active).ok_or(ReactionRejection::NotFound)?;
        let conversation = conversation.get().ok_or(ReactionRejection::NotFound)?;
        if conversation.kind != Kind::Group {
            return Err(ReactionRejection::NotAGroup);
        }
        if !member.role.manages() {
            return Err(ReactionRejection::Forbidden);
        }
        if self.allowed.as_ref().is_some_and(|it| it.len() > ALLOWED_MAX) {
            return Err(ReactionRejection::TooManyAllowed);
        }
        let allowed = self.allowed.map(|it| distinct(&it)).transpose()?;
        let before = current.get().and_then(|it| it.allowed.clone());
        if allowed == before {
            return Ok(Vec::new());
        }
        let origin = Some(context.origin.clone());
        let conversation_id = self.conversation_id;
        Ok(vec![ReactionsLimited { conversation_id, allowed, before, origin }.into()])
    }
}
