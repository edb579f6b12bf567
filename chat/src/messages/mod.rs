//! Messages: sent, edited, deleted for everyone or for oneself, with replies and mentions.
//!
//! A message's `number` is dense inside its conversation; its id derives from the conversation,
//! the author and the client's id, so sending again is the same message. The body is markdown,
//! sealed under a key of its own: deleting for everyone destroys that key, with all edits.
//!
//! Authors edit for as long as the conversation's `edit_policy` says, and delete for everyone. What
//! admins and the owner delete of others is removed first (`removals`). A claimed `sentAt` (imports
//! carry history with it) is shown but orders nothing. A silent message asks those who notify
//! people to leave it. One that expires is deleted by the server (`expiry`).
//!
//! An answer may quote a piece of the message it answers: the place is kept, not the words, so that
//! a quote goes when what it quotes is deleted, and comes back when that is restored.
//!
//! What is in a thread (`threads`) is left out of the conversation's own messages and counts.
//!
//! A message may hold something else than text: each kind of [`Content`] has a room that sends it,
//! by way of [`Sending`]. It is sealed in the body and can't be edited; newer files take the place
//! of others (`attachments`) by edits that are counted with those of texts.
//!
//! `@everyone` mentions all members where its author manages the group, and is text elsewhere. That
//! is one document a message, and counts for each member who has not read the message.
//!
//! Limits: [`TEXT_BYTES_MAX`], [`MENTIONS_MAX`], [`ENTITIES_MAX`], [`MENTIONS_COUNTED_MAX`],
//! [`QUOTE_UNITS_MAX`].

mod bare;
mod content;
#[cfg(test)]
mod corpus;
mod decide;
mod editing;
mod entity;
mod events;
mod format;
mod gone;
mod graphql;
mod html;
mod mention;
mod mentioned;
mod objects;
mod pages;
mod quote;
mod said;
mod sending;
#[cfg(test)]
mod tests;
mod versions;
mod view;

pub(crate) use content::opened;
pub use content::{Content, ContentKind, ContentObject};
pub use decide::{DeleteMessage, EditMessage, HideMessage, MessageRejection, SendMessage};
pub(crate) use decide::{active, found, member, message, welcome};
pub use editing::Editing;
pub use entity::{Body, Entity, EntityKind};
pub(crate) use events::deleted;
pub use events::{
    Forwarded, MessageDeleted, MessageEdited, MessageEvent, MessageHidden, MessageId, MessageSent,
    destroy_body,
};
pub use format::parse;
pub use gone::{
    AbsentCounts, AbsentNumbers, HiddenNumbers, Stretch, absent_in, hidden_among, hidden_in,
};
pub(crate) use gone::{Turn, hidden_blocks, turn};
pub use graphql::{MessageMutation, MessagePayload, MessageQuery};
pub(crate) use graphql::{changed, visible};
pub use mention::Mention;
pub use mentioned::{EveryoneMention, MENTIONS_COUNTED_MAX, mentioned_above, seen_of};
pub use objects::MessageObject;
pub use pages::{Messages, Window, last_live_message, messages};
pub use quote::Quote;
pub(crate) use quote::QuoteInput;
pub use said::Names;
pub(crate) use said::{caption, check_caption, check_text, names};
pub(crate) use sending::Said;
pub use sending::{Addressed, Sending, Unsent, message_id};
pub(crate) use view::Placed;
pub use view::{Aside, Message, Replaced, Version};

/// Most bytes of a message's markdown.
pub const TEXT_BYTES_MAX: usize = 16 * 1_024;
/// Most UTF-16 code units of what a message quotes.
pub const QUOTE_UNITS_MAX: u64 = 1_024;
/// Most accounts that one message mentions; further names are plain text.
pub const MENTIONS_MAX: usize = 50;
/// Most entities of one message; further formatting is plain text.
pub const ENTITIES_MAX: usize = 1_000;
