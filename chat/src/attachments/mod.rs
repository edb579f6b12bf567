//! Attachments: files that a message holds, up to ten, with a text beside them.
//!
//! They are content of their message: which files, and what they are taken for, is sealed in its
//! body; the ids of the files stand beside it, so that a file is kept as long as a message uses it
//! ([`FileUse`]). Whoever sends files has uploaded them; forwarding uses the same file once more.
//! Who may read the message is given links to its files, each time they ask.
//!
//! When a message is deleted for good, those of its files are released that nothing else uses: a
//! minute later, when whatever was sent on meanwhile can be read, each that is still unused is
//! discarded with its key. One that was sent before its first day was over is kept until then.
//!
//! Whoever sent a file may put a newer one in its place, as long as they may edit the message: an
//! edit like that of a text, counted with those. Earlier versions are held as long as the message,
//! and shown to those who see what it said before.
//!
//! What is sent to one other person may be opened once: nobody is given a link until that person
//! opens it, and [`VIEW_MS`] later it is gone for everyone.
//!
//! What the files of a conversation take is counted with its messages, and bounded by the operator
//! ([`ConversationStorage`]).
//!
//! Limits: [`ATTACHMENTS_MAX`], [`VERSIONS_MAX`], [`LAST_MOMENT_MS`].

mod decide;
mod end;
mod events;
mod graphql;
#[cfg(test)]
mod held;
#[cfg(test)]
mod once;
mod open;
mod ready;
mod replace;
#[cfg(test)]
mod replaced;
mod storage;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{
    Attach, Attachment, AttachmentKind, AttachmentRejection, Attachments, SendAttachments,
};
pub(crate) use decide::{check, may_be_sent, sent_by, slots};
pub use end::NoteReleased;
pub(crate) use end::{is_held, is_used, over, release, timings, uses};
pub use events::{AttachmentEvent, AttachmentReady, AttachmentReplaced, FilesReleased};
pub(crate) use graphql::{AttachmentInput, AttachmentObject};
pub use graphql::{AttachmentMutation, AttachmentsObject};
pub use open::OpenAttachment;
pub use ready::NoteMedia;
pub use replace::ReplaceAttachment;
pub use storage::{ConversationStorage, ConversationStorageObject};
pub use view::{FileUse, Holder};

/// Most files of one message.
pub const ATTACHMENTS_MAX: usize = 10;
/// Most versions of a file of a message, the first among them.
pub const VERSIONS_MAX: u32 = 20;
/// Most files that a message holds, with earlier versions.
pub(crate) const HELD_MAX: usize = ATTACHMENTS_MAX * VERSIONS_MAX as usize;
/// How long before a file is discarded that nothing uses it can't be sent any more.
pub const LAST_MOMENT_MS: i64 = 25_000;
/// How long it can be seen what is opened once.
pub const VIEW_MS: i64 = 60_000;
