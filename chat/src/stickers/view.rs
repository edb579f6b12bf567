//! Packs as they are remembered, and what each account has of them.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::documents::Collection;

use super::{PackId, PackKind, StickerEvent};
use crate::accounts::{AccountId, NameId};
use crate::audience::Audience;
use crate::files::FileId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Personal, Recorded, id};
use crate::reactions::Emoji;

/// A picture of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sticker {
    pub number: u64,
    pub file_id: FileId,
    /// What it stands for.
    pub emoji: Emoji,
    /// What a custom emoji is called in texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Personal<String>>,
    /// By which texts find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_id: Option<NameId>,
}

impl Sticker {
    /// What stands for a picture of a pack where files are held.
    pub(crate) fn holder(pack: PackId, number: u64) -> Uuid {
        id::derive(pack.0, &[b"sticker", &number.to_be_bytes()])
    }
}

/// A pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pack {
    pub id: PackId,
    pub owner_id: AccountId,
    pub kind: PackKind,
    pub title: Personal<String>,
    /// At most 120, the one that was added first comes first.
    pub stickers: Vec<Sticker>,
    /// Number of the picture that was added last.
    pub last_number: u64,
    /// `seq` of the event that made it.
    pub made_seq: u64,
}

impl Pack {
    /// One of its pictures.
    pub fn sticker(&self, number: u64) -> Option<&Sticker> {
        self.stickers.iter().find(|it| it.number == number)
    }
}

impl Document for Pack {
    const COLLECTION: Collection = Collection { name: "sticker_packs", indexes: &["by_owner"] };

    fn ids(event: &Recorded) -> Vec<String> {
        let id = StickerEvent::of(&event.event).and_then(StickerEvent::pack_id);
        id.iter().map(ToString::to_string).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(StickerEvent::of(&event.event), Some(StickerEvent::PackCreated(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (StickerEvent::of(&event.event), document.as_mut()) {
            (Some(StickerEvent::PackCreated(it)), _) => {
                *document = Some(Self {
                    id: it.pack_id,
                    owner_id: it.owner_id,
                    kind: it.kind,
                    title: it.title.clone(),
                    stickers: Vec::new(),
                    last_number: 0,
                    made_seq: event.seq,
                });
            }
            (Some(StickerEvent::PackRenamed(it)), Some(pack)) => pack.title = it.title.clone(),
            (Some(StickerEvent::StickerAdded(it)), Some(pack)) => {
                pack.last_number = it.number.0;
                pack.stickers.push(Sticker {
                    number: it.number.0,
                    file_id: it.file_id,
                    emoji: it.emoji.clone(),
                    name: it.name.clone(),
                    name_id: it.name_id,
                });
            }
            (Some(StickerEvent::StickerRemoved(it)), Some(pack)) => {
                pack.stickers.retain(|of| of.number != it.number.0);
            }
            (Some(StickerEvent::PackDeleted(_)), _) => *document = None,
            (
                Some(
                    StickerEvent::PackRenamed(_)
                    | StickerEvent::StickerAdded(_)
                    | StickerEvent::StickerRemoved(_)
                    | StickerEvent::StickerReleased(_)
                    | StickerEvent::PackInstalled(_)
                    | StickerEvent::PackUninstalled(_),
                )
                | None,
                _,
            ) => (),
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        vec![Some(format!("{}/{}", self.owner_id, padded(self.made_seq)))]
    }

    fn audience(&self) -> Audience {
        Audience::SignedIn
    }
}

/// A pack that somebody has at hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Installed {
    pub pack_id: PackId,
    /// Who made it.
    pub owner_id: AccountId,
    pub kind: PackKind,
}

/// What an account has of packs.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Stickers {
    /// How many it has made.
    pub made: u64,
    /// The one that was installed last comes first.
    pub installed: Vec<Installed>,
}

impl Stickers {
    /// Whether a pack is at hand.
    pub fn has(&self, pack: PackId) -> bool {
        self.installed.iter().any(|it| it.pack_id == pack)
    }

    /// How many of a kind are.
    pub fn count(&self, kind: PackKind) -> usize {
        self.installed.iter().filter(|it| it.kind == kind).count()
    }
}

impl Document for Stickers {
    const COLLECTION: Collection = Collection { name: "stickers", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let account = match StickerEvent::of(&event.event) {
            Some(StickerEvent::PackCreated(it)) => it.owner_id,
            Some(StickerEvent::PackDeleted(it)) => it.owner_id,
            Some(StickerEvent::PackInstalled(it)) => it.account_id,
            Some(StickerEvent::PackUninstalled(it)) => it.account_id,
            Some(
                StickerEvent::PackRenamed(_)
                | StickerEvent::StickerAdded(_)
                | StickerEvent::StickerRemoved(_)
                | StickerEvent::StickerReleased(_),
            )
            | None => return Vec::new(),
        };
        vec![account.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event) = StickerEvent::of(&event.event) else { return };
        let it = document.get_or_insert_default();
        match event {
            StickerEvent::PackCreated(_) => it.made += 1,
            StickerEvent::PackDeleted(_) => it.made = it.made.saturating_sub(1),
            StickerEvent::PackInstalled(installed) => {
                let (pack_id, owner_id) = (installed.pack_id, installed.owner_id);
                it.installed.insert(0, Installed { pack_id, owner_id, kind: installed.kind });
            }
            StickerEvent::PackUninstalled(gone) => {
                it.installed.retain(|it| it.pack_id != gone.pack_id);
            }
            StickerEvent::PackRenamed(_)
            | StickerEvent::StickerAdded(_)
            | StickerEvent::StickerRemoved(_)
            | StickerEvent::StickerReleased(_) => (),
        }
    }
}
