//! What may stand in a pack, and who says so.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    NAME_CHARS_MAX, NAME_CHARS_MIN, Pack, PackId, PackKind, STICKER_BYTES_MAX, STICKERS_MAX,
    StickerAdded, StickerRemoved,
};
use crate::Event;
use crate::accounts::{AccountId, NameId};
use crate::attachments::may_be_sent;
use crate::files::{File, FileId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::reactions::Emoji;

crate::rejections! {
    /// Why stickers say no.
    StickerRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        TitleInvalid: Invalid, "STICKERS_TITLE_INVALID",
            "a title is not 1 to 64 characters", "Shorten the title or give one.";
        TooManyPacks: LimitExceeded, "STICKERS_TOO_MANY_PACKS",
            "you have made 50 packs", "Delete one first.";
        PackFull: LimitExceeded, "STICKERS_PACK_FULL",
            "the pack has its 120 pictures", "Make another pack.";
        TooManyInstalled: LimitExceeded, "STICKERS_TOO_MANY_INSTALLED",
            "you have 20 packs of that kind at hand", "Uninstall one first.";
        FileNotFound: NotFound, "STICKERS_FILE_NOT_FOUND",
            "that is no file that you have uploaded and that is there", "Upload it.";
        NotAPicture: Invalid, "STICKERS_NOT_A_PICTURE",
            "a sticker is a PNG, WebP, GIF or JPEG", "Convert it.";
        TooLarge: Invalid, "STICKERS_TOO_LARGE",
            "a picture has at most 512 KiB", "Make it smaller.";
        EmojiInvalid: Invalid, "STICKERS_EMOJI_INVALID",
            "that is not exactly one emoji", "Give one emoji of Unicode's.";
        NameInvalid: Invalid, "STICKERS_NAME_INVALID",
            "a custom emoji is called by 2 to 32 small letters, digits or _, a sticker by nothing",
            "Choose a name of that form.";
        NameTaken: Conflict, "STICKERS_NAME_TAKEN",
            "another of the pack is called so", "Choose another name.";
        NotSent: Conflict, "STICKERS_NOT_SENT",
            "custom emoji stand in texts", "Write its name between colons.";
    }
}

/// A pack of somebody, in their stream.
pub(super) fn pack(id: PackId, owner: AccountId) -> Slot<Pack> {
    Slot::new(id.to_string(), StreamId::Account(owner))
}

/// The pack, if whoever asks has made it.
pub(super) fn own<'a>(
    slot: &'a Slot<Pack>,
    context: &Context<'_>,
) -> Result<&'a Pack, StickerRejection> {
    slot.get().filter(|it| it.owner_id == context.actor).ok_or(StickerRejection::NotFound)
}

/// Whether a custom emoji may be called so.
pub(super) fn is_name(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || it == b'_';
    (NAME_CHARS_MIN..=NAME_CHARS_MAX).contains(&name.len()) && name.bytes().all(plain)
}

/// By which texts find a custom emoji of that name.
pub(super) fn name_id(name: &str, context: &Context<'_>) -> NameId {
    context.name_id(&format!("emoji:{name}"))
}

/// Types of pictures.
const PICTURES: [&str; 4] = ["image/png", "image/webp", "image/gif", "image/jpeg"];

/// Adds a picture to a pack that one has made. Only the server gives it, since it has looked what
/// the file is said to be.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddSticker {
    pub pack_id: PackId,
    pub file_id: FileId,
    /// As whoever uploaded it said.
    pub media_type: String,
    /// One emoji of Unicode's that it stands for.
    pub emoji: String,
    /// What a custom emoji is called: 2 to 32 small letters, digits or `_`.
    #[serde(default)]
    pub name: Option<String>,
}

impl AddSticker {
    /// By which texts find what it is called, if that may be.
    fn name_id(
        &self,
        pack: &Pack,
        context: &Context<'_>,
    ) -> Result<Option<NameId>, StickerRejection> {
        let valid = match (&self.name, pack.kind) {
            (Some(name), PackKind::Emoji) => is_name(name),
            (None, PackKind::Stickers) => true,
            (Some(_), PackKind::Stickers) | (None, PackKind::Emoji) => false,
        };
        if !valid {
            return Err(StickerRejection::NameInvalid);
        }
        let name_id = self.name.as_ref().map(|it| name_id(it, context));
        let taken = name_id.is_some() && pack.stickers.iter().any(|it| it.name_id == name_id);
        if taken { Err(StickerRejection::NameTaken) } else { Ok(name_id) }
    }
}

impl Command for AddSticker {
    const NAME: &'static str = "AddSticker";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<Pack>, Slot<File>);
    type Rejection = StickerRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, StickerRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let file = Slot::new(self.file_id.to_string(), StreamId::Account(context.actor));
        (pack(self.pack_id, context.actor), file)
    }

    fn decide(
        self,
        (pack, file): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, StickerRejection> {
        let pack = own(pack, context)?;
        let file = file.get().filter(|it| may_be_sent(it, context));
        let file = file.ok_or(StickerRejection::FileNotFound)?;
        if pack.stickers.len() >= STICKERS_MAX {
            return Err(StickerRejection::PackFull);
        }
        if !PICTURES.contains(&self.media_type.as_str()) {
            return Err(StickerRejection::NotAPicture);
        }
        if file.size_bytes > STICKER_BYTES_MAX {
            return Err(StickerRejection::TooLarge);
        }
        let name_id = self.name_id(pack, context)?;
        let emoji = Emoji::parse_unicode(&self.emoji).ok_or(StickerRejection::EmojiInvalid)?;
        let added = StickerAdded {
            pack_id: pack.id,
            owner_id: context.actor,
            number: Long(pack.last_number + 1),
            file_id: file.id,
            emoji,
            name: self.name.map(|it| match pack.title.leaf() {
                Some(leaf) => Personal::beside(it, leaf),
                None => Personal::new(it),
            }),
            name_id,
        };
        Ok(vec![added.into()])
    }

    /// What the file is said to be is not what was asked.
    fn body(&self) -> Vec<u8> {
        let asked = (self.pack_id, self.file_id, &self.emoji, &self.name);
        serde_json::to_vec(&asked).expect("a command is plain data")
    }
}

/// Takes a picture out of a pack that one has made; one that is not there is not there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveSticker {
    pub pack_id: PackId,
    pub number: Long,
}

impl Command for RemoveSticker {
    const NAME: &'static str = "RemoveSticker";
    const SEALS: bool = false;
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
        let removed = pack.sticker(self.number.0).map(|it| removed(pack, it));
        Ok(removed.into_iter().collect())
    }
}

/// What takes a picture out of its pack.
pub(super) fn removed(pack: &Pack, sticker: &super::Sticker) -> Event {
    let removed = StickerRemoved {
        pack_id: pack.id,
        owner_id: pack.owner_id,
        number: Long(sticker.number),
        file_id: sticker.file_id,
    };
    removed.into()
}
