//! What people do with packs of stickers and custom emoji.

use super::uploads::uploaded;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::testing::{Given, Then};
use crate::kernel::time::Long;
use crate::messages::SendMessage;
use crate::stickers::{
    AddSticker, CreatePack, DeletePack, InstallPack, NoteStickerReleased, Pack, PackId, PackKind,
    RemoveSticker, RenamePack, SendSticker, StickerEvent, UninstallPack,
};

/// The last pack that was made, unless it is gone.
fn last(world: &Given) -> Option<Pack> {
    let made = world.history().iter().rev().find_map(|it| match StickerEvent::of(&it.event) {
        Some(StickerEvent::PackCreated(it)) => Some(it.pack_id),
        Some(_) | None => None,
    });
    made.and_then(|it| world.document(it))
}

/// The last picture that was taken out of a pack.
fn removed(world: &Given) -> Option<(AccountId, PackId, Long, FileId)> {
    world.history().iter().rev().find_map(|it| match StickerEvent::of(&it.event) {
        Some(StickerEvent::StickerRemoved(it)) => {
            Some((it.owner_id, it.pack_id, it.number, it.file_id))
        }
        Some(_) | None => None,
    })
}

/// Makes a pack.
fn makes(world: Given, actor: AccountId, which: u8) -> Then {
    let kind = if which.is_multiple_of(2) { PackKind::Stickers } else { PackKind::Emoji };
    world.when(actor, CreatePack { kind, title: format!("pack {which}") })
}

/// Uploads a picture and adds it to a pack.
fn adds(world: Given, pack: &Pack, which: u8) -> Then {
    let (world, file_id) = uploaded(world, pack.owner_id, which);
    let name = (pack.kind == PackKind::Emoji).then(|| format!("name{}", which % 8));
    let (media_type, emoji) = ("image/png".to_owned(), "👍".to_owned());
    world.when(pack.owner_id, AddSticker { pack_id: pack.id, file_id, media_type, emoji, name })
}

/// Does something with the last pack; what is not there is made first.
pub(super) fn pack(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    which: u8,
) -> Then {
    let world = match last(&world) {
        Some(_) => world,
        None => makes(world, actor, which).world,
    };
    let Some(it) = last(&world) else { return makes(world, actor, which) };
    let world = match it.stickers.is_empty() {
        true => adds(world, &it, which).world,
        false => world,
    };
    let (pack_id, owner_id) = (it.id, it.owner_id);
    let number = Long(it.last_number.max(1));
    match which % 9 {
        0 => makes(world, actor, which),
        1 => world.when(owner_id, RenamePack { pack_id, title: format!("title {which}") }),
        2 => adds(world, &it, which),
        3 => world.when(owner_id, RemoveSticker { pack_id, number }),
        4 => {
            let then = world.when(owner_id, RemoveSticker { pack_id, number });
            let Some((owner, pack_id, number, file_id)) = removed(&then.world) else { return then };
            then.world.when(owner, NoteStickerReleased { pack_id, number, file_id })
        }
        5 => world.when(owner_id, DeletePack { pack_id }),
        6 => world.when(actor, InstallPack { pack_id, owner_id }),
        7 => world.when(owner_id, UninstallPack { pack_id }),
        _ if it.kind == PackKind::Emoji => {
            let text = format!("a :name{}: b", which % 8);
            world.when(actor, SendMessage::new(conversation_id, text))
        }
        _ => world.when(actor, SendSticker::new(conversation_id, (pack_id, owner_id), number)),
    }
}
