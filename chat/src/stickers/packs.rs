//! Commands over whole packs: making, naming and deleting them, and having them at hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{own, pack, removed};
use super::{
    INSTALLED_MAX, PACKS_MAX, Pack, PackCreated, PackDeleted, PackId, PackInstalled, PackKind,
    PackRenamed, PackUninstalled, StickerRejection, Stickers, TITLE_CHARS_MAX,
};
use crate::Event;
use crate::accounts::{Account, AccountId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, id};

fn title(text: &str) -> Result<String, StickerRejection> {
    let title = text.trim();
    let readable = !title.chars().any(char::is_control);
    let fits = (1..=TITLE_CHARS_MAX).contains(&title.chars().count());
    (readable && fits).then(|| title.to_owned()).ok_or(StickerRejection::TitleInvalid)
}

fn installed(pack: PackId, owner: AccountId, kind: PackKind, context: &Context<'_>) -> Event {
    let account_id = context.actor;
    PackInstalled { pack_id: pack, owner_id: owner, account_id, kind }.into()
}

/// Makes a pack, and has it at hand where there is room.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreatePack {
    pub kind: PackKind,
    /// 1 to 64 characters.
    pub title: String,
}

impl CreatePack {
    /// The pack that somebody's command with this client id makes.
    pub fn pack_id(account: AccountId, client_id: uuid::Uuid) -> PackId {
        PackId(id::derive(client_id, &[b"pack", account.0.as_bytes()]))
    }
}

impl Command for CreatePack {
    const NAME: &'static str = "CreatePack";
    const SEALS: bool = true;
    type State = (Slot<Stickers>, Slot<Account>);
    type Rejection = StickerRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, StickerRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Slot::of(context.actor), Slot::of(context.actor))
    }

    fn decide(
        self,
        (stickers, account): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, StickerRejection> {
        account.get().filter(|it| it.is_shown()).ok_or(StickerRejection::NotFound)?;
        let title = title(&self.title)?;
        let stickers = stickers.get().cloned().unwrap_or_default();
        if stickers.made >= PACKS_MAX {
            return Err(StickerRejection::TooManyPacks);
        }
        let (pack_id, owner_id) = (Self::pack_id(context.actor, context.client_id), context.actor);
        let title = Personal::new(title);
        let made = PackCreated { pack_id, owner_id, kind: self.kind, title };
        let mut events = vec![made.into()];
        if stickers.count(self.kind) < INSTALLED_MAX {
            events.push(installed(pack_id, owner_id, self.kind, context));
        }
        Ok(events)
    }
}

/// Gives a pack that one has made another title.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RenamePack {
    pub pack_id: PackId,
    /// 1 to 64 characters.
    pub title: String,
}

impl Command for RenamePack {
    const NAME: &'static str = "RenamePack";
    const SEALS: bool = true;
    type State = Slot<Pack>;
    type Rejection = StickerRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, StickerRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Pack> {
        pack(self.pack_id, context.actor)
    }

    fn decide(
        self,
        pack: &Slot<Pack>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, StickerRejection> {
        let pack = own(pack, context)?;
        let title = title(&self.title)?;
        let title = match pack.title.leaf() {
            Some(leaf) => Personal::beside(title, leaf),
            None => Personal::new(title),
        };
        Ok(vec![PackRenamed { pack_id: pack.id, owner_id: pack.owner_id, title }.into()])
    }
}

/// Deletes a pack that one has made, with its pictures; messages that hold them keep them.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct DeletePack {
    pub pack_id: PackId,
}

impl Command for DeletePack {
    const NAME: &'static str = "DeletePack";
    const SEALS: bool = false;
    type State = (Slot<Pack>, Slot<Stickers>);
    type Rejection = StickerRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, StickerRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (pack(self.pack_id, context.actor), Slot::of(context.actor))
    }

    fn decide(
        self,
        (pack, stickers): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, StickerRejection> {
        let pack = own(pack, context)?;
        let mut events: Vec<_> = pack.stickers.iter().map(|it| removed(pack, it)).collect();
        if stickers.get().is_some_and(|it| it.has(pack.id)) {
            let account_id = context.actor;
            events.push(PackUninstalled { pack_id: pack.id, account_id }.into());
        }
        let leaf = Long(pack.title.leaf().unwrap_or(0));
        events.push(PackDeleted { pack_id: pack.id, owner_id: pack.owner_id, leaf }.into());
        Ok(events)
    }
}

/// Has a pack at hand; one that is stays.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct InstallPack {
    pub pack_id: PackId,
    /// Who made it.
    pub owner_id: AccountId,
}

impl Command for InstallPack {
    const NAME: &'static str = "InstallPack";
    const SEALS: bool = false;
    type State = (Slot<Pack>, Slot<Stickers>);
    type Rejection = StickerRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, StickerRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (pack(self.pack_id, self.owner_id), Slot::of(context.actor))
    }

    fn decide(
        self,
        (pack, stickers): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, StickerRejection> {
        let pack = pack.get().filter(|it| it.owner_id == self.owner_id);
        let pack = pack.ok_or(StickerRejection::NotFound)?;
        let stickers = stickers.get().cloned().unwrap_or_default();
        if stickers.has(pack.id) {
            return Ok(Vec::new());
        }
        if stickers.count(pack.kind) >= INSTALLED_MAX {
            return Err(StickerRejection::TooManyInstalled);
        }
        Ok(vec![installed(pack.id, pack.owner_id, pack.kind, context)])
    }

    /// Who made a pack is looked up, and may be unknown when it is asked again.
    fn body(&self) -> Vec<u8> {
        serde_json::to_vec(&self.pack_id).expect("an id is plain data")
    }
}

/// Has a pack at hand no more; also one that its maker has deleted.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UninstallPack {
    pub pack_id: PackId,
}

impl Command for UninstallPack {
    const NAME: &'static str = "UninstallPack";
    const SEALS: bool = false;
    type State = Slot<Stickers>;
    type Rejection = StickerRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, StickerRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Stickers> {
        Slot::of(context.actor)
    }

    fn decide(
        self,
        stickers: &Slot<Stickers>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, StickerRejection> {
        let has = stickers.get().is_some_and(|it| it.has(self.pack_id));
        let gone = PackUninstalled { pack_id: self.pack_id, account_id: context.actor };
        Ok(has.then(|| gone.into()).into_iter().collect())
    }
}
