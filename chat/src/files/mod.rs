//! Files: bytes that people upload, sealed before they are stored.
//!
//! An upload begins as an event in its owner's stream, where names, types, sizes and what one
//! account may keep are decided in one order. Its bytes come in parts, each a blob of its own
//! ([`part_key`]), so that every node knows from the blobs alone how far an upload has come. Once
//! all are there they are sealed into one blob ([`Sealer`]), and the upload is a file.
//!
//! An upload may be made of others, its pieces, which came beside each other: those are never files
//! and go once it is one.
//!
//! The leaf that sealed what an upload says of itself is the key of all of the file: its name, its
//! digest and its contents. Destroying it erases the file, wherever its blobs are still found.
//!
//! An upload that is not finished in [`UPLOAD_MS_MAX`] is abandoned, a file that nothing refers to
//! is discarded [`UNUSED_MS_MAX`] after it was uploaded. What is over leaves blobs behind until
//! they are swept (`projectors/src/sweep.rs`), which an event notes; so a crash leaves none.
//!
//! Contents that an account has already are stored once: the file that they come with again is an
//! alias of that which holds them, with a name, a type, uses and an end of its own, and takes
//! nothing. Who has discarded a file whose aliases are there has withdrawn it: it is over, and its
//! contents and their key go with the last alias. All of them stand in one stream, so what is
//! whose is decided in one order.
//!
//! An operator may keep files for a number of days only: then each is discarded, whatever refers to
//! it, and the messages that held it stay.
//!
//! Who may see a file is given a [`Link`] that is good for [`LINK_MS`], for them and their session.
//!
//! While bytes come, the owner's devices hear how far the upload has come, once in
//! [`PROGRESS_EVERY_MS`] and never in the log.
//!
//! Where the store has an address of its own, parts may go there without us: whoever uploads seals
//! them by a key for that part alone ([`part_secret`]), and puts them by a link ([`DIRECT_MS`]).
//!
//! Limits: [`SIZE_BYTES_MAX`], [`SIMPLE_BYTES_MAX`], [`NAME_BYTES_MAX`],
//! [`UPLOADS_MAX`], [`PARTS_MAX`], [`PIECES_MAX`], and as many bytes for an account as the
//! instance's options say.

mod contents;
mod decide;
mod end;
mod events;
mod graphql;
mod kept;
mod link;
#[cfg(test)]
mod listed;
mod part_list;
mod progress;
mod read;
#[cfg(test)]
mod repeated;
#[cfg(test)]
mod tests;
mod view;

pub use contents::{
    Opener, SALT_BYTES, Sealer, contents_key, hex, part_secret, plain_bytes, sealed_bytes,
};
pub(crate) use decide::media_type;
pub use decide::{BeginUpload, FileRejection, FinishUpload, RefuseUpload, TerminateUpload};
pub use end::{EndFile, Ending, KeepFile, NoteSwept, ReleaseFile};
pub(crate) use end::{end, timings};
pub use events::{
    FileDetails, FileDiscarded, FileEvent, FileId, FileKept, FileReleased, FileSwept, FileUploaded,
    FileWithdrawn, RefusalReason, UploadAbandoned, UploadBegun, UploadRefused, destroy_file,
};
pub use graphql::{FileMutation, FileObject, FileQuery, StorageObject};
pub use kept::{
    Part, contents_blob, contents_prefix, part_key, part_of, parts_prefix, variant_blob,
    variants_prefix, whole,
};
pub use link::{Link, LinkError, Through, contents_id, holder_of, key_of};
pub use part_list::{ListedPart, seal_list};
pub use progress::{UploadProgressObject, tell_progress};
pub use read::{parts_of, read_contents, read_part, read_variant, salt_of};
pub use view::{Contents, File, FileState, Storage};

/// Bytes of a file at most: 2 GiB.
pub const SIZE_BYTES_MAX: u64 = 2 << 30;
/// Bytes of a file's name at most.
pub const NAME_BYTES_MAX: usize = 255;
/// Bytes of a media type at most.
pub const MEDIA_TYPE_BYTES_MAX: usize = 127;
/// Uploads of one account that are not finished at most.
pub const UPLOADS_MAX: u64 = 100;
/// How long an upload may take: seven days.
pub const UPLOAD_MS_MAX: i64 = 7 * 24 * 3_600 * 1_000;
/// How long a file is kept that nothing refers to: a day.
pub const UNUSED_MS_MAX: i64 = 24 * 3_600 * 1_000;
/// How long a file is kept that nothing may refer to any more: its key is gone within a minute.
pub const RELEASED_MS: i64 = 50_000;
/// How long a link is good for: what somebody may not see any more, they can't load a minute later.
pub const LINK_MS: i64 = 50_000;
/// How long a link is good to what a video is played from: six hours, in which it is looked at each
/// time whether the viewer may see it.
pub const STREAM_MS: i64 = 6 * 3_600 * 1_000;
/// Shortest time between two tellings of how far one upload has come.
pub const PROGRESS_EVERY_MS: u64 = 1_000;
/// Bytes of one part of an upload at most: 8 MiB.
pub const PART_BYTES_MAX: u64 = 8 << 20;
/// Days that an operator may keep files at most: a hundred years.
pub const KEPT_DAYS_MAX: u32 = 36_500;
const DAY_MS: i64 = 24 * 3_600 * 1_000;
/// How long a link to the store is good: a quarter of an hour.
pub const DIRECT_MS: i64 = 15 * 60 * 1_000;
/// How long after that what came by one is left where it is: it may have begun in the last moment,
/// and take its time.
pub const DIRECT_REST_MS: i64 = 3_600_000;
/// Bytes of a file that comes in one request at most: 16 MiB.
pub const SIMPLE_BYTES_MAX: u64 = 16 << 20;
/// Pieces that one upload is made of at most.
pub const PIECES_MAX: usize = 50;
/// Bytes of contents that are put together from their parts, whatever those are: 16 MiB.
pub const JOINED_BYTES_MAX: u64 = 16 << 20;
/// Parts that contents stay in at most: what comes in more of them is put together.
pub const LISTED_MAX: usize = 1_024;
/// Bytes of such a part at least, all in all: 1 MiB.
pub const LISTED_BYTES_MIN: u64 = 1 << 20;
/// Bytes of the list of those at most, before it is sealed.
const LIST_BYTES_MAX: u64 = 1 << 20;
/// Parts that one upload may come in.
pub const PARTS_MAX: usize = 10_000;
