//! Previews: what the page is that a message links to first.
//!
//! A message whose author wants it and that has a link is looked up once it is sent: the page is
//! fetched by whoever folds the partition (`projectors/src/previews.rs`, by the port `web_pages`),
//! and what it says of itself becomes an event beside the message, sealed under the leaf of its
//! text, so that it goes with the message. A page that is not had is noted too and not tried again.
//!
//! An edit takes the preview away, and it is looked up again. Only what somebody types and sends
//! is looked up: nothing that was forwarded, scheduled or claims an earlier time, no link under a
//! spoiler. Conversations that are to be protected from this server's eyes will be left out in
//! [`is_wanted`].
//!
//! What a page says is a stranger's text: it is cut, and holds no control characters. The image is
//! named, not fetched.
//!
//! Limits: [`TITLE_CHARS_MAX`], [`DESCRIPTION_CHARS_MAX`], [`SITE_CHARS_MAX`], [`LOOK_UP_MS_MAX`],
//! [`PER_AUTHOR`], [`PER_HOST`].

mod decide;
mod events;
mod graphql;
mod link;
mod page;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{PreviewRejection, RecordPreview};
pub(crate) use events::is_wanted;
pub use events::{Preview, PreviewEvent, PreviewFound, PreviewMissed, first_link};
pub use graphql::PreviewObject;
pub use page::{Read, read_oembed, read_page};
pub use view::LinkPreview;

/// Most characters of a title.
pub const TITLE_CHARS_MAX: usize = 200;
/// Most characters of a description.
pub const DESCRIPTION_CHARS_MAX: usize = 500;
/// Most characters of a site's name.
pub const SITE_CHARS_MAX: usize = 100;
/// Longest time after a message or an edit for which its page is still looked up.
pub const LOOK_UP_MS_MAX: i64 = 3_600 * 1_000;
/// Pages that are fetched for one author in a minute.
pub const PER_AUTHOR: u32 = 30;
/// Pages that are fetched from one host in a minute.
pub const PER_HOST: u32 = 60;
