//! Pictures: what an account, or a group, shows of itself.
//!
//! A picture is a file that whoever sets it has uploaded; of an account it stands in the account's
//! stream, of a group in the group's, and there is one of each [`Subject`]. A group's is set by
//! those who give it its title. The file is kept as long as it is a picture, and released like that
//! of a message when another takes its place; it may be in messages as well.
//!
//! Squares of a few sizes are made of it by a job of its own, asked for before it is set. What is
//! known to be no image is refused; what nobody has looked into yet is shown once it was, which is
//! told ([`PictureReady`]), and never if no squares come of it.
//!
//! Who may see an account's picture its owner says (`privacy`), a group's is seen by its members.
//! Links lead to one square and name through what it is seen: that is looked at each time, so they
//! are good for hours, and the same ones are given for [`LINKED_MS`].
//!
//! Limits: a file of [`crate::media::AVATAR_BYTES_MAX`].

mod decide;
mod end;
mod events;
mod graphql;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{
    PictureRejection, RemoveConversationPicture, RemovePicture, SetConversationPicture, SetPicture,
};
pub use end::{NotePictureReady, NotePictureReleased};
pub use events::{
    PictureEvent, PictureId, PictureReady, PictureReleased, PictureRemoved, PictureSet,
};
pub use graphql::{PictureMutation, PictureObject};
pub use view::{Picture, Subject};

/// How long the same link is given: clients keep what they have loaded by its address.
pub const LINKED_MS: i64 = 3 * 3_600 * 1_000;
