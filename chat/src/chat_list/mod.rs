//! The chat list: how a person keeps their conversations, on all of their devices.
//!
//! A conversation can be muted until a time or for ever, marked as unread, archived, and pinned:
//! what is pinned stands first, in the order that the person gives it. All of it stands in the
//! person's own stream: nobody else is told of it, and no application. The last to say wins.
//!
//! Nothing is written when a message comes. A mark holds the number that was read when it was
//! made: it is over once more is read, by marking or by sending, or when that number is marked as
//! read again. An archived conversation holds the number of its last message then: it comes back
//! with the first message after that which did not come while it was muted. The badge adds up what
//! is unread in all conversations.
//!
//! Limits: [`PINNED_MAX`], [`BADGE_MAX`].

mod badge;
mod decide;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use badge::{Badge, ChatList, counts};
pub use decide::{
    ArchiveConversation, ChatListRejection, MarkUnread, MuteConversation, OrderPinnedConversations,
    PinConversation, UnarchiveConversation, UnmuteConversation, UnpinConversation,
};
pub use events::{
    ChatListEvent, ConversationArchived, ConversationMuted, ConversationUnarchived,
    ConversationUnmuted, ConversationsPinned, MarkedUnread, UnreadMarkCleared,
};
pub use graphql::{ChatListMutation, ChatListQuery, ListingObject, PinnedObject};
pub use view::{Listing, PinnedConversations};

/// Most conversations that one person pins.
pub const PINNED_MAX: usize = 10;
/// Conversations that the badge is counted over: the most recently active.
pub const BADGE_MAX: usize = 1_000;
