//! What clients ask of packs, and what they do with them.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    AddSticker, CreatePack, DeletePack, InstallPack, InstalledPacksObject, Pack, PackId, PackKind,
    RemoveSticker, RenamePack, SendSticker, StickerPackObject, UninstallPack,
};
use crate::accounts::AccountId;
use crate::conversations::{ConversationId, page_complexity};
use crate::files::{File, FileId};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Outcome, Page, id, outage, scope, uuid};
use crate::kernel::pages::{self, Shelf};
use crate::kernel::time::Long;
use crate::messages::{MessagePayload, changed, message_id};

/// Reads of this room.
#[derive(Default)]
pub struct StickerQuery;

#[Object]
impl StickerQuery {
    /// A pack, for everyone who knows its id.
    async fn sticker_pack(
        &self,
        context: &Context<'_>,
        id: ID,
    ) -> Result<Option<StickerPackObject>> {
        StickerPackObject::find(context, self::id(&id)?).await
    }

    /// The packs that the viewer has at hand.
    async fn installed_packs(&self, context: &Context<'_>) -> Result<Option<InstalledPacksObject>> {
        InstalledPacksObject::find(context, scope(context).viewer()?.account).await
    }

    /// The packs that the viewer has made, the one that was made first comes first.
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn made_packs(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Connection<String, StickerPackObject>> {
        let prefix = format!("{}/", scope(context).viewer()?.account);
        let page = Page::new(first, last, after, before)?;
        pages::behind(context, Shelf::by_seq("by_owner", &prefix), page, StickerPackObject).await
    }
}

#[derive(InputObject)]
struct CreateStickerPackInput {
    client_id: ID,
    kind: PackKind,
    /// 1 to 64 characters.
    title: String,
}

#[derive(InputObject)]
struct RenameStickerPackInput {
    client_id: ID,
    pack_id: ID,
    /// 1 to 64 characters.
    title: String,
}

#[derive(InputObject)]
struct AddStickerInput {
    client_id: ID,
    pack_id: ID,
    /// A PNG, WebP, GIF or JPEG of at most 512 KiB that the viewer has uploaded.
    file_id: ID,
    /// One emoji of Unicode's that it stands for.
    emoji: String,
    /// What a custom emoji is called: 2 to 32 small letters, digits or `_`; none for a sticker.
    name: Option<String>,
}

#[derive(InputObject)]
struct RemoveStickerInput {
    client_id: ID,
    pack_id: ID,
    number: Long,
}

#[derive(InputObject)]
struct DeleteStickerPackInput {
    client_id: ID,
    pack_id: ID,
}

#[derive(InputObject)]
struct InstallStickerPackInput {
    client_id: ID,
    pack_id: ID,
}

#[derive(InputObject)]
struct UninstallStickerPackInput {
    client_id: ID,
    pack_id: ID,
}

#[derive(InputObject)]
struct SendStickerInput {
    client_id: ID,
    conversation_id: ID,
    pack_id: ID,
    number: Long,
    reply_to: Option<ID>,
    /// The message that begins the thread it goes to.
    thread_id: Option<ID>,
    /// When it was sent, for history from elsewhere; not in the future.
    sent_at: Option<Timestamp>,
    /// Whether nobody is to be notified of it.
    #[graphql(default)]
    silent: bool,
}

#[derive(SimpleObject)]
struct StickerPackPayload {
    /// Null once it is gone.
    pack: Option<StickerPackObject>,
    position: String,
}

#[derive(SimpleObject)]
struct InstalledPacksPayload {
    installed: Option<InstalledPacksObject>,
    position: String,
}

async fn pack(context: &Context<'_>, outcome: Outcome, id: PackId) -> Result<StickerPackPayload> {
    let pack = match outcome.readable {
        true => StickerPackObject::find(context, id).await?,
        false => None,
    };
    Ok(StickerPackPayload { pack, position: outcome.position })
}

async fn installed(context: &Context<'_>, outcome: Outcome) -> Result<InstalledPacksPayload> {
    let installed = match outcome.readable {
        true => InstalledPacksObject::find(context, scope(context).viewer()?.account).await?,
        false => None,
    };
    Ok(InstalledPacksPayload { installed, position: outcome.position })
}

/// Who made a pack, if there is one.
pub(crate) async fn owner_of(context: &Context<'_>, pack: PackId) -> Result<Option<AccountId>> {
    let found = scope(context).reader.load::<Pack>(pack.to_string()).await.map_err(outage)?;
    Ok(found.map(|it| it.owner_id))
}

/// The same; whoever asks again for what was done is answered also when the pack is gone: as one
/// that the viewer has made, which is not there.
async fn owner(context: &Context<'_>, pack: PackId) -> Result<AccountId> {
    let viewer = scope(context).viewer()?.account;
    Ok(owner_of(context, pack).await?.unwrap_or(viewer))
}

/// Changes of this room.
#[derive(Default)]
pub struct StickerMutation;

#[Object]
impl StickerMutation {
    /// Makes a pack of stickers or custom emoji, and has it at hand where there is room.
    async fn create_sticker_pack(
        &self,
        context: &Context<'_>,
        input: CreateStickerPackInput,
    ) -> Result<StickerPackPayload> {
        let viewer = scope(context).viewer()?.account;
        let id = CreatePack::pack_id(viewer, uuid(&input.client_id)?);
        let command = CreatePack { kind: input.kind, title: input.title };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        pack(context, outcome, id).await
    }

    /// Gives a pack that the viewer has made another title.
    async fn rename_sticker_pack(
        &self,
        context: &Context<'_>,
        input: RenameStickerPackInput,
    ) -> Result<StickerPackPayload> {
        let pack_id = id(&input.pack_id)?;
        let command = RenamePack { pack_id, title: input.title };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        pack(context, outcome, pack_id).await
    }

    /// Adds a picture to a pack that the viewer has made.
    async fn add_sticker(
        &self,
        context: &Context<'_>,
        input: AddStickerInput,
    ) -> Result<StickerPackPayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let (pack_id, file_id) = (id(&input.pack_id)?, id::<FileId>(&input.file_id)?);
        let file = scope.reader.fetch::<File>(viewer, file_id.to_string()).await;
        let details = match file.map_err(outage)? {
            Some(file) => scope.reader.open(&file.details).await.map_err(outage)?,
            None => None,
        };
        let media_type = details.map(|it| it.media_type).unwrap_or_default();
        let command =
            AddSticker { pack_id, file_id, media_type, emoji: input.emoji, name: input.name };
        let outcome = scope.submit(&input.client_id, command).await?;
        pack(context, outcome, pack_id).await
    }

    /// Takes a picture out of a pack that the viewer has made.
    async fn remove_sticker(
        &self,
        context: &Context<'_>,
        input: RemoveStickerInput,
    ) -> Result<StickerPackPayload> {
        let pack_id = id(&input.pack_id)?;
        let command = RemoveSticker { pack_id, number: input.number };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        pack(context, outcome, pack_id).await
    }

    /// Deletes a pack that the viewer has made; messages that hold its stickers keep them.
    async fn delete_sticker_pack(
        &self,
        context: &Context<'_>,
        input: DeleteStickerPackInput,
    ) -> Result<StickerPackPayload> {
        let pack_id = id(&input.pack_id)?;
        let outcome = scope(context).submit(&input.client_id, DeletePack { pack_id }).await?;
        pack(context, outcome, pack_id).await
    }

    /// Has a pack at hand, at most 20 of each kind.
    async fn install_sticker_pack(
        &self,
        context: &Context<'_>,
        input: InstallStickerPackInput,
    ) -> Result<InstalledPacksPayload> {
        let pack_id = id(&input.pack_id)?;
        let owner_id = owner(context, pack_id).await?;
        let command = InstallPack { pack_id, owner_id };
        installed(context, scope(context).submit(&input.client_id, command).await?).await
    }

    /// Has a pack at hand no more.
    async fn uninstall_sticker_pack(
        &self,
        context: &Context<'_>,
        input: UninstallStickerPackInput,
    ) -> Result<InstalledPacksPayload> {
        let command = UninstallPack { pack_id: id(&input.pack_id)? };
        installed(context, scope(context).submit(&input.client_id, command).await?).await
    }

    /// Sends a sticker of any pack; the same client id sends it once, for ever.
    async fn send_sticker(
        &self,
        context: &Context<'_>,
        input: SendStickerInput,
    ) -> Result<MessagePayload> {
        let conversation_id: ConversationId = id(&input.conversation_id)?;
        let scope = scope(context);
        let author = scope.viewer()?.account;
        let sent = message_id(conversation_id, author, uuid(&input.client_id)?);
        let pack_id = id(&input.pack_id)?;
        let command = SendSticker {
            conversation_id,
            pack_id,
            owner_id: owner(context, pack_id).await?,
            number: input.number,
            reply_to: input.reply_to.as_ref().map(id).transpose()?,
            thread_id: input.thread_id.as_ref().map(id).transpose()?,
            sent_at: input.sent_at,
            silent: input.silent,
        };
        let outcome = scope.submit(&input.client_id, command).await?;
        changed(context, outcome, sent).await
    }
}
