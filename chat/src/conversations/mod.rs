//! Conversations: a group, a direct conversation of two, or one's own saved messages.
//!
//! A direct conversation's id derives from its sorted pair of accounts, so both sides meet in it
//! whoever opens it first. A group's id derives from its maker and the client's id.
//!
//! Limits: [`TITLE_CHARS_MAX`], [`FOUNDERS_MAX`].

mod chats;
mod decide;
mod events;
mod graphql;
mod objects;
#[cfg(test)]
mod tests;
mod view;

pub use chats::CONVERSATIONS_MAX;
pub(crate) use chats::heads;
pub use decide::{ConversationRejection, CreateGroup, OpenDirect, RenameGroup};
pub use events::{
    ConversationEvent, ConversationId, DirectOpened, GroupCreated, GroupRenamed, direct_id,
};
pub use graphql::{ConversationMutation, ConversationQuery};
pub use objects::ConversationObject;
pub(crate) use objects::page_complexity;
pub use view::{Conversation, Kind};

/// Most characters of a group's title.
pub const TITLE_CHARS_MAX: usize = 128;
/// Most members a group can be created with; more are added afterwards.
pub const FOUNDERS_MAX: usize = crate::members::ADDED_MAX;
