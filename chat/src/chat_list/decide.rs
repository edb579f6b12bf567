//! How a person says how they keep a conversation.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ConversationArchived, ConversationMuted, ConversationUnarchived, ConversationUnmuted,
    ConversationsPinned, Listing, MarkedUnread, PINNED_MAX, PinnedConversations,
};
use crate::Event;
use crate::accounts::AccountId;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::command::Fetch;
use crate::kernel::time::{Long, TIMESTAMP_MS_MAX};
use crate::kernel::{Command, Context, Slot, State, StreamId, Timestamp};
use crate::members::Member;
use crate::receipts::ReadPointer;

crate::rejections! {
    /// Why chat lists say no.
    ChatListRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        MutedUntilPast: Invalid, "CHAT_LIST_MUTED_UNTIL_PAST",
            "that time is over", "Mute until a later time, or unmute.";
        TooManyPinned: LimitExceeded, "CHAT_LIST_TOO_MANY_PINNED",
            "you have pinned 10 conversations", "Take one down first.";
        OrderDiffers: Conflict, "CHAT_LIST_ORDER_DIFFERS",
            "other conversations are pinned than the order names", "Read them and order again.";
    }
}

/// How whoever asks keeps a conversation, their membership, and the conversation.
type Place = (Slot<Listing>, Slot<Member>, Slot<Conversation>);

fn place(conversation: ConversationId, context: &Context<'_>) -> Place {
    let (own, there) = (StreamId::Account(context.actor), StreamId::Conversation(conversation));
    (
        Slot::new(Listing::id(context.actor, conversation), own),
        Slot::new(Member::id(conversation, context.actor), there),
        Slot::new(conversation.to_string(), there),
    )
}

fn is_active(member: &Slot<Member>) -> bool {
    member.get().is_some_and(|it| it.active)
}

/// The conversation, if a member asks.
fn found((_, member, conversation): &Place) -> Result<&Conversation, ChatListRejection> {
    let conversation = conversation.get().filter(|_| is_active(member));
    conversation.ok_or(ChatListRejection::NotFound)
}

/// The number of the last message, if the conversation is archived now.
fn archived_number(place: &Place, conversation: &Conversation) -> Option<Long> {
    let archived = place.0.get().is_some_and(|it| it.is_archived(conversation));
    archived.then_some(Long(conversation.last_number))
}

/// Mutes a conversation until a time, or for ever.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MuteConversation {
    pub conversation_id: ConversationId,
    /// Absent when it is for ever.
    #[serde(default)]
    pub until: Option<Timestamp>,
}

impl Command for MuteConversation {
    const NAME: &'static str = "MuteConversation";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Place {
        place(self.conversation_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, ChatListRejection> {
        let conversation = found(place)?;
        let ever = Timestamp(TIMESTAMP_MS_MAX);
        let until = self.until.unwrap_or(ever).min(ever);
        if until <= context.now {
            return Err(ChatListRejection::MutedUntilPast);
        }
        if place.0.get().is_some_and(|it| it.muted_until == Some(until)) {
            return Ok(Vec::new());
        }
        let muted = ConversationMuted {
            account_id: context.actor,
            conversation_id: self.conversation_id,
            until,
            archived_number: archived_number(place, conversation),
        };
        Ok(vec![muted.into()])
    }
}

/// Unmutes a conversation; one that is not muted is unmuted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnmuteConversation {
    pub conversation_id: ConversationId,
}

impl Command for UnmuteConversation {
    const NAME: &'static str = "UnmuteConversation";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Place {
        place(self.conversation_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, ChatListRejection> {
        let conversation = found(place)?;
        if !place.0.get().is_some_and(|it| it.is_muted(context.now)) {
            return Ok(Vec::new());
        }
        let unmuted = ConversationUnmuted {
            account_id: context.actor,
            conversation_id: self.conversation_id,
            archived_number: archived_number(place, conversation),
        };
        Ok(vec![unmuted.into()])
    }
}

/// Marks a conversation as unread until more of it is read, or the same once more.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MarkUnread {
    pub conversation_id: ConversationId,
}

impl Command for MarkUnread {
    const NAME: &'static str = "MarkUnread";
    const SEALS: bool = false;
    type State = (Place, Slot<ReadPointer>);
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let pointer = ReadPointer::id(context.actor, self.conversation_id);
        let pointer = Slot::new(pointer, StreamId::Account(context.actor));
        (place(self.conversation_id, context), pointer)
    }

    fn decide(
        self,
        (place, pointer): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ChatListRejection> {
        found(place)?;
        let sent = place.1.get().map_or(0, |it| it.read_number);
        let read = pointer.get().map_or(0, |it| it.number).max(sent);
        if place.0.get().is_some_and(|it| it.is_marked(read)) {
            return Ok(Vec::new());
        }
        let marked = MarkedUnread {
            account_id: context.actor,
            conversation_id: self.conversation_id,
            read_number: Long(read),
        };
        Ok(vec![marked.into()])
    }
}

/// Archives a conversation; one that is archived is archived.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ArchiveConversation {
    pub conversation_id: ConversationId,
}

impl Command for ArchiveConversation {
    const NAME: &'static str = "ArchiveConversation";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Place {
        place(self.conversation_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, ChatListRejection> {
        let conversation = found(place)?;
        if archived_number(place, conversation).is_some() {
            return Ok(Vec::new());
        }
        let archived = ConversationArchived {
            account_id: context.actor,
            conversation_id: self.conversation_id,
            archived_number: Long(conversation.last_number),
        };
        Ok(vec![archived.into()])
    }
}

/// Takes a conversation out of the archive; one that is not in it is out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnarchiveConversation {
    pub conversation_id: ConversationId,
}

impl Command for UnarchiveConversation {
    const NAME: &'static str = "UnarchiveConversation";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Place {
        place(self.conversation_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, ChatListRejection> {
        let conversation = found(place)?;
        if archived_number(place, conversation).is_none() {
            return Ok(Vec::new());
        }
        let (account_id, conversation_id) = (context.actor, self.conversation_id);
        Ok(vec![ConversationUnarchived { account_id, conversation_id }.into()])
    }
}

/// What somebody has pinned, with their memberships: what they have left is not pinned any more.
pub struct Pinned {
    actor: AccountId,
    pinned: Slot<PinnedConversations>,
    members: Vec<Slot<Member>>,
}

impl State for Pinned {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.pinned.fill(fetch);
        let ids = self.pinned.get().map_or(&[][..], |it| it.conversation_ids.as_slice());
        self.members = ids.iter().map(|it| member(*it, self.actor)).collect();
        self.members.fill(fetch);
    }
}

fn member(conversation: ConversationId, actor: AccountId) -> Slot<Member> {
    Slot::new(Member::id(conversation, actor), StreamId::Conversation(conversation))
}

impl Pinned {
    fn of(actor: AccountId) -> Self {
        Self { actor, pinned: Slot::of(actor), members: Vec::new() }
    }

    /// Those of which the person is a member, in their order.
    fn ids(&self) -> Vec<ConversationId> {
        let active = self.members.iter().filter_map(Slot::get).filter(|it| it.active);
        active.map(|it| it.conversation_id).collect()
    }

    /// Whether one is pinned, whether the person is a member of it or has left.
    fn holds(&self, id: ConversationId) -> bool {
        self.pinned.get().is_some_and(|it| it.conversation_ids.contains(&id))
    }

    fn become_these(&self, conversation_ids: Vec<ConversationId>) -> Vec<Event> {
        vec![ConversationsPinned { account_id: self.actor, conversation_ids }.into()]
    }
}

/// Pins a conversation, before all others; one that is pinned stays where it is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PinConversation {
    pub conversation_id: ConversationId,
}

impl Command for PinConversation {
    const NAME: &'static str = "PinConversation";
    const SEALS: bool = false;
    type State = (Pinned, Slot<Member>);
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Pinned::of(context.actor), member(self.conversation_id, context.actor))
    }

    fn decide(
        self,
        (pinned, member): &Self::State,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, ChatListRejection> {
        is_active(member).then_some(()).ok_or(ChatListRejection::NotFound)?;
        let mut ids = pinned.ids();
        if ids.contains(&self.conversation_id) {
            return Ok(Vec::new());
        }
        if ids.len() >= PINNED_MAX {
            return Err(ChatListRejection::TooManyPinned);
        }
        ids.insert(0, self.conversation_id);
        Ok(pinned.become_these(ids))
    }
}

/// Takes a conversation down; one that is not pinned is down.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UnpinConversation {
    pub conversation_id: ConversationId,
}

impl Command for UnpinConversation {
    const NAME: &'static str = "UnpinConversation";
    const SEALS: bool = false;
    type State = (Pinned, Slot<Member>);
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Pinned::of(context.actor), member(self.conversation_id, context.actor))
    }

    fn decide(
        self,
        (pinned, member): &Self::State,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, ChatListRejection> {
        is_active(member).then_some(()).ok_or(ChatListRejection::NotFound)?;
        let mut ids = pinned.ids();
        if !ids.contains(&self.conversation_id) {
            return Ok(Vec::new());
        }
        ids.retain(|it| *it != self.conversation_id);
        Ok(pinned.become_these(ids))
    }
}

/// Puts what is pinned into another order.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OrderPinnedConversations {
    /// All that are pinned, the first stands first.
    pub conversation_ids: Vec<ConversationId>,
}

impl Command for OrderPinnedConversations {
    const NAME: &'static str = "OrderPinnedConversations";
    const SEALS: bool = false;
    type State = Pinned;
    type Rejection = ChatListRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ChatListRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Pinned {
        Pinned::of(context.actor)
    }

    fn decide(self, pinned: &Pinned, _: &Context<'_>) -> Result<Vec<Event>, ChatListRejection> {
        let before = pinned.ids();
        // What the person has left is still read, and goes.
        let mut ids = self.conversation_ids;
        ids.retain(|it| before.contains(it) || !pinned.holds(*it));
        let set = |ids: &[ConversationId]| ids.iter().copied().collect::<BTreeSet<_>>();
        if set(&before) != set(&ids) || ids.len() != before.len() {
            return Err(ChatListRejection::OrderDiffers);
        }
        let same = before == ids;
        Ok(if same { Vec::new() } else { pinned.become_these(ids) })
    }
}
