//! Stickers and custom emoji: small pictures in packs, which people make, install and send.
//!
//! A pack lives in the stream of whoever made it; everyone who is signed in and knows its id may
//! look at it, and install it. Its pictures are files of its maker, kept as long as the pack or a
//! message holds them. A sticker is content of a message and stays when its pack is gone. A custom
//! emoji is named `:name:` in a text by whoever has its pack at hand, or given as a reaction; it is
//! looked up in its pack when it is shown, and where that is gone its name is shown.
//!
//! Limits: [`PACKS_MAX`], [`STICKERS_MAX`], [`INSTALLED_MAX`], [`TITLE_CHARS_MAX`],
//! [`NAME_CHARS_MIN`], [`NAME_CHARS_MAX`], [`STICKER_BYTES_MAX`], [`EMOJI_FOUND_MAX`].

mod decide;
mod end;
mod events;
mod graphql;
mod named;
mod objects;
mod packs;
#[cfg(test)]
mod recount;
mod send;
#[cfg(test)]
mod tests;
mod view;

pub use decide::{AddSticker, RemoveSticker, StickerRejection};
pub use end::NoteStickerReleased;
pub use events::{
    PackCreated, PackDeleted, PackId, PackInstalled, PackKind, PackRenamed, PackUninstalled,
    StickerAdded, StickerEvent, StickerReleased, StickerRemoved, destroy_pack,
};
pub(crate) use graphql::owner_of;
pub use graphql::{StickerMutation, StickerQuery};
pub use named::StickerRef;
pub(crate) use named::{Shortcodes, shortcodes};
pub use objects::{InstalledPacksObject, SentStickerObject, StickerObject, StickerPackObject};
pub use packs::{CreatePack, DeletePack, InstallPack, RenamePack, UninstallPack};
pub use send::{SendSticker, SentSticker};
pub use view::{Installed, Pack, Sticker, Stickers};

/// Packs that one account has made at most.
pub const PACKS_MAX: u64 = 50;
/// Pictures in a pack at most.
pub const STICKERS_MAX: usize = 120;
/// Packs of each kind that one account has installed at most.
pub const INSTALLED_MAX: usize = 20;
/// Characters of a pack's title at most.
pub const TITLE_CHARS_MAX: usize = 64;
/// Characters of a custom emoji's name at least.
pub const NAME_CHARS_MIN: usize = 2;
/// Characters of a custom emoji's name at most.
pub const NAME_CHARS_MAX: usize = 32;
/// Bytes of a picture at most: 512 KiB.
pub const STICKER_BYTES_MAX: u64 = 512 << 10;
/// Different custom emoji that one text names at most; further names are plain text.
pub const EMOJI_FOUND_MAX: usize = 50;
