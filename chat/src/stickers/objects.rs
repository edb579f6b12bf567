//! Packs and their pictures as clients see them.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::{Installed, Pack, PackId, PackKind, SentSticker, Sticker, StickerRef, Stickers};
use crate::accounts::{AccountId, AccountObject};
use crate::files::FileObject;
use crate::kernel::graphql::{outage, scope};
use crate::kernel::time::Long;

/// A pack that everyone who is signed in may look at.
pub struct StickerPackObject(pub(super) Arc<Pack>);

impl StickerPackObject {
    /// A pack, unless it is gone.
    pub async fn find(context: &Context<'_>, id: PackId) -> Result<Option<Self>> {
        let scope = scope(context);
        let found = match scope.is_checked() {
            true => scope.reader.load::<Pack>(id.to_string()).await,
            false => {
                let viewer = scope.viewer()?.account;
                scope.reader.fetch::<Pack>(viewer, id.to_string()).await
            }
        };
        Ok(found.map_err(outage)?.map(Self))
    }
}

/// A pack of stickers or custom emoji.
#[Object(name = "StickerPack")]
impl StickerPackObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    async fn kind(&self) -> PackKind {
        self.0.kind
    }

    /// Null once erased.
    async fn title(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.0.title).await.map_err(outage)
    }

    /// Who made it.
    async fn owner(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.0.owner_id).await
    }

    /// At most 120, the one that was added first comes first.
    #[graphql(complexity = "10 + 120 * child_complexity")]
    async fn stickers(&self) -> Vec<StickerObject> {
        let pack = &self.0;
        pack.stickers.iter().map(|it| StickerObject::new(pack, it)).collect()
    }
}

/// A picture of a pack.
pub struct StickerObject {
    pack_id: PackId,
    /// Who made the pack.
    owner_id: AccountId,
    sticker: Sticker,
}

impl StickerObject {
    fn new(pack: &Pack, sticker: &Sticker) -> Self {
        Self { pack_id: pack.id, owner_id: pack.owner_id, sticker: sticker.clone() }
    }

    /// The picture that a custom emoji is, unless it is gone.
    pub(crate) async fn of(context: &Context<'_>, one: StickerRef) -> Result<Option<Self>> {
        let pack = scope(context).reader.load::<Pack>(one.pack_id.to_string()).await;
        let pack = pack.map_err(outage)?;
        let pack = pack.as_deref();
        Ok(pack.and_then(|pack| Some(Self::new(pack, pack.sticker(one.number)?))))
    }
}

/// A picture of a pack.
#[Object(name = "Sticker")]
impl StickerObject {
    /// How it is given as a reaction, if it is a custom emoji: `pack_…/7`.
    async fn id(&self) -> ID {
        StickerRef { pack_id: self.pack_id, number: self.sticker.number }.to_string().into()
    }

    async fn pack_id(&self) -> ID {
        self.pack_id.into()
    }

    /// Which of its pack: counted from 1, and never given twice.
    async fn number(&self) -> Long {
        Long(self.sticker.number)
    }

    /// What it stands for.
    async fn emoji(&self) -> &str {
        self.sticker.emoji.as_str()
    }

    /// What a custom emoji is called in texts, between colons; null for stickers,
    /// and once erased.
    async fn name(&self, context: &Context<'_>) -> Result<Option<String>> {
        match &self.sticker.name {
            Some(name) => scope(context).reader.open(name).await.map_err(outage),
            None => Ok(None),
        }
    }

    /// Null when it was discarded.
    async fn file(&self, context: &Context<'_>) -> Result<Option<FileObject>> {
        FileObject::held(context, (self.sticker.file_id, self.owner_id), true, None).await
    }
}

/// A sticker that a message holds; it stays when its pack is gone.
pub struct SentStickerObject(pub(crate) SentSticker);

/// A sticker that a message holds.
#[Object(name = "SentSticker")]
impl SentStickerObject {
    /// What it stands for.
    async fn emoji(&self) -> &str {
        &self.0.emoji
    }

    /// Its pack; null once that is gone.
    async fn pack(&self, context: &Context<'_>) -> Result<Option<StickerPackObject>> {
        let pack = scope(context).reader.load::<Pack>(self.0.pack_id.to_string()).await;
        Ok(pack.map_err(outage)?.map(StickerPackObject))
    }

    /// Which of its pack.
    async fn number(&self) -> Long {
        Long(self.0.number)
    }

    /// Null when whoever made it has discarded it.
    async fn file(&self, context: &Context<'_>) -> Result<Option<FileObject>> {
        FileObject::held(context, (self.0.file_id, self.0.owner_id), true, None).await
    }
}

/// The packs that the viewer has at hand.
pub struct InstalledPacksObject(Vec<Installed>);

impl InstalledPacksObject {
    /// What somebody has at hand; their own only.
    pub async fn find(context: &Context<'_>, account: AccountId) -> Result<Option<Self>> {
        let scope = scope(context);
        if !scope.is_checked() && scope.viewer()?.account != account {
            return Ok(None);
        }
        let found = scope.reader.load::<Stickers>(account.to_string()).await.map_err(outage)?;
        Ok(Some(Self(found.map(|it| it.installed.clone()).unwrap_or_default())))
    }
}

/// The packs that the viewer has at hand.
#[Object(name = "InstalledPacks")]
impl InstalledPacksObject {
    /// At most 20 of each kind, the one that was installed last comes first; without those whose
    /// makers have deleted them.
    #[graphql(complexity = "10 + 40 * child_complexity")]
    async fn packs(&self, context: &Context<'_>) -> Result<Vec<StickerPackObject>> {
        let ids = self.0.iter().map(|it| it.pack_id.to_string());
        let found = scope(context).reader.load_many::<Pack>(ids).await.map_err(outage)?;
        Ok(found.into_iter().flatten().map(StickerPackObject).collect())
    }
}
