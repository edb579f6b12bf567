//! The law of stickers.

use super::*;
use crate::conversations::{ConversationId, CreateGroup};
use crate::files::FileId;
use crate::kernel::Timestamp;
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, account, given, open};
use crate::kernel::time::Long;
use crate::messages::{Body, Content, EntityKind, Message, MessageRejection, SendMessage};
use crate::reactions::{AddReaction, LimitReactions, ReactionRejection, RemoveReaction, Tally};
use crate::timers::Timer;

pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;
const EVE: u8 = 3;

pub(super) fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

fn make(kind: PackKind) -> CreatePack {
    CreatePack { kind, title: " Cats ".to_owned() }
}

/// Ann makes a pack.
pub(super) fn made(world: Given, kind: PackKind) -> (Given, PackId) {
    let world = world.and(account(ANN), make(kind));
    let pack = CreatePack::pack_id(account(ANN), world.last_context(account(ANN)).client_id);
    (world, pack)
}

pub(super) fn add(pack_id: PackId, file_id: FileId, name: Option<&str>) -> AddSticker {
    let (media_type, emoji) = ("image/png".to_owned(), "🐱".to_owned());
    AddSticker { pack_id, file_id, media_type, emoji, name: name.map(str::to_owned) }
}

/// Ann's pack with one picture.
fn filled(kind: PackKind, name: Option<&str>) -> (Given, PackId, FileId) {
    let (world, pack) = made(people(), kind);
    let (world, file) = world.uploads(ANN, 9);
    (world.and(account(ANN), add(pack, file, name)), pack, file)
}

fn lunch(world: Given) -> (Given, ConversationId) {
    let create =
        CreateGroup { title: "Lunch".to_owned(), member_ids: vec![account(BOB)], open: false };
    let world = world.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

pub(super) fn shelf(world: &Given, who: u8) -> Stickers {
    world.document::<Stickers>(account(who)).unwrap_or_default()
}

pub(super) fn at_hand(world: &Given, who: u8) -> Vec<PackId> {
    shelf(world, who).installed.iter().map(|it| it.pack_id).collect()
}

#[test]
fn whoever_makes_a_pack_has_it_at_hand_and_names_it() {
    let (world, pack) = made(people(), PackKind::Stickers);
    assert_eq!((shelf(&world, ANN).made, at_hand(&world, ANN)), (1, vec![pack]));
    let title = |world: &Given| open(&world.document::<Pack>(pack).unwrap().title);
    assert_eq!(title(&world), Some("Cats".to_owned()));
    let first = world.document::<Pack>(pack).unwrap().title.leaf();
    let rename = |title: &str| RenamePack { pack_id: pack, title: title.to_owned() };
    let world = world
        .when(account(BOB), rename("Dogs"))
        .then_rejected(StickerRejection::NotFound)
        .when(account(ANN), rename(" "))
        .then_rejected(StickerRejection::TitleInvalid)
        .when(account(ANN), rename(&"x".repeat(TITLE_CHARS_MAX + 1)))
        .then_rejected(StickerRejection::TitleInvalid)
        .and(account(ANN), rename(&"x".repeat(TITLE_CHARS_MAX)));
    assert_eq!(title(&world), Some("x".repeat(TITLE_CHARS_MAX)));
    assert_eq!(world.document::<Pack>(pack).unwrap().title.leaf(), first, "they go together");
}

#[test]
fn an_account_makes_fifty_packs_and_has_twenty_of_a_kind_at_hand() {
    let world = (0..PACKS_MAX).fold(people(), |world, n| {
        let kind = if n < 25 { PackKind::Stickers } else { PackKind::Emoji };
        made(world, kind).0
    });
    let stickers = shelf(&world, ANN);
    let counts = [PackKind::Stickers, PackKind::Emoji].map(|it| stickers.count(it));
    assert_eq!((stickers.made, counts), (PACKS_MAX, [INSTALLED_MAX; 2]));
    let made_last = world.history().iter().rev().find_map(|it| match StickerEvent::of(&it.event) {
        Some(StickerEvent::PackCreated(it)) => Some(it.pack_id),
        Some(_) | None => None,
    });
    let (pack_id, owner_id) = (made_last.unwrap(), account(ANN));
    world
        .when(account(ANN), make(PackKind::Emoji))
        .then_rejected(StickerRejection::TooManyPacks)
        .when(account(ANN), InstallPack { pack_id, owner_id })
        .then_rejected(StickerRejection::TooManyInstalled)
        .and(account(ANN), DeletePack { pack_id })
        .when(account(ANN), make(PackKind::Emoji))
        .then_allowed();
}

#[test]
fn others_install_it_and_uninstall_what_is_gone() {
    let (world, pack_id, _) = filled(PackKind::Stickers, None);
    let owner_id = account(ANN);
    let other = InstallPack { pack_id, owner_id: account(EVE) };
    let install = InstallPack { pack_id, owner_id };
    let world = world
        .when(account(BOB), other)
        .then_rejected(StickerRejection::NotFound)
        .and(account(BOB), install.clone())
        .when(account(BOB), install.clone())
        .then([]);
    assert_eq!(at_hand(&world, BOB), [pack_id]);
    let world = world.and(account(ANN), DeletePack { pack_id });
    assert_eq!((at_hand(&world, ANN), at_hand(&world, BOB)), (vec![], vec![pack_id]));
    let world = world
        .when(account(EVE), install)
        .then_rejected(StickerRejection::NotFound)
        .and(account(BOB), UninstallPack { pack_id })
        .when(account(BOB), UninstallPack { pack_id })
        .then([]);
    assert_eq!(at_hand(&world, BOB), []);
}

#[test]
fn a_pack_has_120_pictures_of_half_a_mebibyte() {
    let (world, pack) = made(people(), PackKind::Stickers);
    let (world, file) = world.uploads(ANN, STICKER_BYTES_MAX);
    let (world, large) = world.uploads(ANN, STICKER_BYTES_MAX + 1);
    let (world, his) = world.uploads(BOB, 9);
    let text = AddSticker { media_type: "image/svg+xml".to_owned(), ..add(pack, file, None) };
    let letters = AddSticker { emoji: "cat".to_owned(), ..add(pack, file, None) };
    let custom = AddSticker { emoji: format!("{pack}/1"), ..add(pack, file, None) };
    let world = world
        .when(account(ANN), add(pack, large, None))
        .then_rejected(StickerRejection::TooLarge)
        .when(account(ANN), add(pack, his, None))
        .then_rejected(StickerRejection::FileNotFound)
        .when(account(BOB), add(pack, his, None))
        .then_rejected(StickerRejection::NotFound)
        .when(account(ANN), text)
        .then_rejected(StickerRejection::NotAPicture)
        .when(account(ANN), letters)
        .then_rejected(StickerRejection::EmojiInvalid)
        .when(account(ANN), custom)
        .then_rejected(StickerRejection::EmojiInvalid);
    let world = (0..STICKERS_MAX)
        .fold(world, |world, _| world.when(account(ANN), add(pack, file, None)).then_allowed());
    let world = world
        .when(account(ANN), add(pack, file, None))
        .then_rejected(StickerRejection::PackFull)
        .and(account(ANN), RemoveSticker { pack_id: pack, number: Long(7) })
        .and(account(ANN), add(pack, file, None));
    let numbers = world.document::<Pack>(pack).unwrap().stickers.iter().map(|it| it.number).max();
    assert_eq!(numbers, Some(121), "no number comes twice");
}

#[test]
fn a_custom_emoji_has_a_name_of_its_own_and_a_sticker_none() {
    let (world, pack, file) = filled(PackKind::Emoji, Some("cat"));
    let (world, stickers) = made(world, PackKind::Stickers);
    let invalid = ["c", &"x".repeat(33), "Cat", "c-t", "çat"];
    let world = invalid.into_iter().fold(world, |world, name| {
        world
            .when(account(ANN), add(pack, file, Some(name)))
            .then_rejected(StickerRejection::NameInvalid)
    });
    world
        .when(account(ANN), add(pack, file, None))
        .then_rejected(StickerRejection::NameInvalid)
        .when(account(ANN), add(stickers, file, Some("cat")))
        .then_rejected(StickerRejection::NameInvalid)
        .when(account(ANN), add(pack, file, Some("cat")))
        .then_rejected(StickerRejection::NameTaken)
        .when(account(ANN), add(pack, file, Some(&"x".repeat(32))))
        .then_allowed()
        .when(account(ANN), add(pack, file, Some("c_")))
        .then_allowed();
}

#[test]
fn a_sticker_of_any_pack_is_sent_and_stays_when_the_pack_is_gone() {
    let (world, pack_id, file_id) = filled(PackKind::Stickers, None);
    let (world, id) = lunch(world);
    let owner_id = account(ANN);
    let send = |number| SendSticker::new(id, (pack_id, owner_id), Long(number));
    let world = world.and(account(BOB), send(1));
    let message = send(1).message_id(&world.last_context(account(BOB)));
    let body: Body = open(&world.document::<Message>(message).unwrap().body.unwrap()).unwrap();
    let emoji = "🐱".to_owned();
    assert_eq!(body.text, emoji);
    let sent = SentSticker { pack_id, number: 1, owner_id, file_id, emoji };
    assert_eq!(body.content, Some(Content::Sticker(sent)));
    assert_eq!(world.document::<Message>(message).unwrap().files, [file_id]);
    world
        .when(account(EVE), send(1))
        .then_rejected(MessageRejection::NotFound)
        .when(account(BOB), send(2))
        .then_rejected(StickerRejection::NotFound)
        .and(account(ANN), DeletePack { pack_id })
        .when(account(BOB), send(1))
        .then_rejected(StickerRejection::NotFound);
}

#[test]
fn a_custom_emoji_is_no_message_of_its_own() {
    let (world, pack_id, _) = filled(PackKind::Emoji, Some("cat"));
    let (world, id) = lunch(world);
    let send = SendSticker::new(id, (pack_id, account(ANN)), Long(1));
    world.when(account(ANN), send).then_rejected(StickerRejection::NotSent);
}

fn entities(world: &Given, message: crate::messages::MessageId) -> Vec<(EntityKind, u32, String)> {
    let body: Body = open(&world.document::<Message>(message).unwrap().body.unwrap()).unwrap();
    let all = body.entities.into_iter();
    all.map(|it| (it.kind, it.offset, it.emoji.unwrap_or_default())).collect()
}

#[test]
fn a_text_names_what_its_author_has_at_hand() {
    let (world, pack_id, _) = filled(PackKind::Emoji, Some("cat"));
    let (world, id) = lunch(world);
    let send = |text: &str| SendMessage::new(id, text);
    let says = |world: Given, who: u8, text: &str| {
        let world = world.and(account(who), send(text));
        let message = send(text).message_id(&world.last_context(account(who)));
        (entities(&world, message), world)
    };
    let cat = |offset| (EntityKind::CustomEmoji, offset, format!("{pack_id}/1"));
    let (found, world) = says(world, ANN, "👍 :cat: `:cat:` :dog:");
    assert_eq!(found, [cat(3), (EntityKind::Code, 9, String::new())]);
    let (found, world) = says(world, BOB, ":cat:");
    assert_eq!(found, [], "he has it not at hand");
    let world = world.and(account(BOB), InstallPack { pack_id, owner_id: account(ANN) });
    let (found, _) = says(world, BOB, ":cat::cat:");
    assert_eq!(found, [cat(0), cat(5)]);
}

fn react(id: ConversationId, message: crate::messages::MessageId, emoji: &str) -> AddReaction {
    let emoji = emoji.to_owned();
    AddReaction {
        conversation_id: id,
        message_id: message,
        emoji,
        pack_owner_id: Some(account(ANN)),
    }
}

#[test]
fn a_custom_emoji_is_given_like_any_other_while_it_is_there() {
    let (world, pack_id, _) = filled(PackKind::Emoji, Some("cat"));
    let (world, id) = lunch(world);
    let world = world.and(account(ANN), SendMessage::new(id, "hi"));
    let message = SendMessage::new(id, "hi").message_id(&world.last_context(account(ANN)));
    let emoji = format!("{pack_id}/1");
    let react = |emoji: &str| react(id, message, emoji);
    let invalid = ReactionRejection::EmojiInvalid;
    let nobodys = AddReaction { pack_owner_id: None, ..react(&emoji) };
    let world = world
        .when(account(BOB), react(&format!("{pack_id}/2")))
        .then_rejected(invalid)
        .when(account(BOB), nobodys)
        .then_rejected(invalid)
        .and(account(BOB), react(&emoji))
        .when(account(BOB), react(&emoji))
        .then([]);
    let counts = world.document::<Tally>(message).unwrap().counts;
    assert_eq!(counts.iter().map(|it| it.emoji.as_str()).collect::<Vec<_>>(), [&emoji]);
    let take = RemoveReaction { conversation_id: id, message_id: message, emoji: emoji.clone() };
    let limit = LimitReactions { conversation_id: id, allowed: Some(vec![emoji.clone()]) };
    world
        .and(account(ANN), limit)
        .when(account(ANN), react("👍"))
        .then_rejected(ReactionRejection::NotAllowed)
        .and(account(ANN), react(&emoji))
        .and(account(ANN), DeletePack { pack_id })
        .and(account(BOB), take)
        .when(account(BOB), react(&emoji))
        .then_rejected(invalid);
}

#[test]
fn stickers_are_no_reactions() {
    let (world, pack_id, _) = filled(PackKind::Stickers, None);
    let (world, id) = lunch(world);
    let world = world.and(account(ANN), SendMessage::new(id, "hi"));
    let message = SendMessage::new(id, "hi").message_id(&world.last_context(account(ANN)));
    world
        .when(account(BOB), react(id, message, &format!("{pack_id}/1")))
        .then_rejected(ReactionRejection::EmojiInvalid);
}

pub(super) fn used(world: &Given, file: FileId, pack: PackId, number: u64) -> Option<bool> {
    let id = crate::attachments::FileUse::id(file, Sticker::holder(pack, number));
    world.document::<crate::attachments::FileUse>(id).map(|it| !it.over)
}

fn due(world: &Given, pack: PackId, number: u64) -> Option<Timestamp> {
    let id = Sticker::holder(pack, number).simple().to_string();
    world.document::<Timer>(format!("files-released/{id}")).map(|it| it.due_at)
}

#[test]
fn a_pack_keeps_its_files_until_they_are_taken_out() {
    let (world, pack_id, file_id) = filled(PackKind::Stickers, None);
    assert_eq!((used(&world, file_id, pack_id, 1), due(&world, pack_id, 1)), (Some(true), None));
    let number = Long(1);
    let release = NoteStickerReleased { pack_id, number, file_id };
    let remove = RemoveSticker { pack_id, number };
    let world = world
        .when(account(ANN), release.clone())
        .then([])
        .when(account(BOB), remove.clone())
        .then_rejected(StickerRejection::NotFound)
        .and(account(ANN), remove.clone())
        .when(account(ANN), remove)
        .then([]);
    assert_eq!(used(&world, file_id, pack_id, 1), Some(false));
    assert!(due(&world, pack_id, 1).is_some());
    let world = world.and(account(ANN), release.clone());
    assert_eq!((used(&world, file_id, pack_id, 1), due(&world, pack_id, 1)), (None, None));
    world.when(account(ANN), release).then([]);
}

#[test]
fn a_pack_that_is_deleted_loses_the_key_of_its_titles() {
    let (world, pack_id, file_id) = filled(PackKind::Emoji, Some("cat"));
    let leaf = world.document::<Pack>(pack_id).unwrap().title.leaf().unwrap();
    let world = world
        .when(account(BOB), DeletePack { pack_id })
        .then_rejected(StickerRejection::NotFound)
        .and(account(ANN), DeletePack { pack_id });
    assert_eq!(used(&world, file_id, pack_id, 1), Some(false));
    let own = account(ANN).0.into_bytes();
    let tree = ports::keys::TreeId { author: own, stream: own };
    let destroyed = destroy_pack(world.history().last().unwrap());
    assert_eq!(destroyed, [Reaction::DestroyKey { tree, leaf }]);
    assert_eq!((shelf(&world, ANN).made, at_hand(&world, ANN)), (0, vec![]));
}
