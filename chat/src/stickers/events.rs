//! What can happen to packs of stickers.

use apache_avro::AvroSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use ports::keys::TreeId;

use crate::Change;
use crate::accounts::{AccountId, NameId};
use crate::files::FileId;
use crate::kernel::event::Reaction;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded};
use crate::reactions::Emoji;

crate::id! {
    /// Identifies a pack of stickers.
    PackId, "pack"
}

crate::events! {
    /// Everything that can happen to packs: what they hold in their maker's stream, who has
    /// installed them in the stream of whoever did.
    StickerEvent {
        PackCreated [title],
        PackRenamed [title],
        StickerAdded [name],
        StickerRemoved [],
        StickerReleased [],
        PackDeleted [],
        PackInstalled [],
        PackUninstalled [],
    }
}

/// What the pictures of a pack are for: stickers are messages of their own, emoji stand in texts
/// and are given as reactions.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    JsonSchema,
    AvroSchema,
    async_graphql::Enum,
)]
#[avro(namespace = "chat.stickers")]
pub enum PackKind {
    Stickers,
    Emoji,
}

/// Somebody made a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct PackCreated {
    pub pack_id: PackId,
    pub owner_id: AccountId,
    pub kind: PackKind,
    pub title: Personal<String>,
}

/// A pack is called otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct PackRenamed {
    pub pack_id: PackId,
    pub owner_id: AccountId,
    /// Under the key of the first title.
    pub title: Personal<String>,
}

/// A picture was added to a pack, as its last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct StickerAdded {
    pub pack_id: PackId,
    pub owner_id: AccountId,
    /// Counted from 1, and never given twice in a pack.
    pub number: Long,
    pub file_id: FileId,
    /// What it stands for.
    pub emoji: Emoji,
    /// What a custom emoji is called in texts, under the key of its pack's titles.
    pub name: Option<Personal<String>>,
    /// By which texts find it: a keyed digest of that.
    pub name_id: Option<NameId>,
}

/// A picture is not in its pack any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct StickerRemoved {
    pub pack_id: PackId,
    pub owner_id: AccountId,
    pub number: Long,
    pub file_id: FileId,
}

/// The file of a picture that was removed is not kept for its pack any more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct StickerReleased {
    pub pack_id: PackId,
    pub owner_id: AccountId,
    pub number: Long,
    pub file_id: FileId,
}

/// A pack is gone; its pictures were removed before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct PackDeleted {
    pub pack_id: PackId,
    pub owner_id: AccountId,
    /// The leaf of its maker's key tree that sealed its titles.
    pub leaf: Long,
}

/// Somebody wants a pack at hand.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct PackInstalled {
    pub pack_id: PackId,
    /// Who made it.
    pub owner_id: AccountId,
    pub account_id: AccountId,
    pub kind: PackKind,
}

/// Somebody wants a pack at hand no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.stickers")]
pub struct PackUninstalled {
    pub pack_id: PackId,
    pub account_id: AccountId,
}

impl StickerEvent {
    /// The pack whose contents it changes.
    pub(super) fn pack_id(&self) -> Option<PackId> {
        match self {
            Self::PackCreated(it) => Some(it.pack_id),
            Self::PackRenamed(it) => Some(it.pack_id),
            Self::StickerAdded(it) => Some(it.pack_id),
            Self::StickerRemoved(it) => Some(it.pack_id),
            Self::PackDeleted(it) => Some(it.pack_id),
            Self::StickerReleased(_) | Self::PackInstalled(_) | Self::PackUninstalled(_) => None,
        }
    }

    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let change = match self {
            Self::PackInstalled(it) => Change::InstalledPacks(it.account_id),
            Self::PackUninstalled(it) => Change::InstalledPacks(it.account_id),
            Self::PackCreated(_)
            | Self::PackRenamed(_)
            | Self::StickerAdded(_)
            | Self::StickerRemoved(_)
            | Self::StickerReleased(_)
            | Self::PackDeleted(_) => self.pack_id().map_or(Change::None, Change::StickerPack),
        };
        (change, Effect::None)
    }
}

/// The titles of a pack that is gone can't be read any more.
pub fn destroy_pack(event: &Recorded) -> Vec<Reaction> {
    let Some(StickerEvent::PackDeleted(it)) = StickerEvent::of(&event.event) else {
        return Vec::new();
    };
    let own = it.owner_id.0.into_bytes();
    vec![Reaction::DestroyKey { tree: TreeId { author: own, stream: own }, leaf: it.leaf.0 }]
}
