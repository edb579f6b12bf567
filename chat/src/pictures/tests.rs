//! The law of pictures.

use proptest::prelude::*;

use super::*;
use crate::Change;
use crate::accounts::AccountId;
use crate::attachments::{Attach, AttachmentKind, FileUse, LAST_MOMENT_MS, SendAttachments};
use crate::audience::Audience;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::files::{FileId, Link, TerminateUpload, Through, UNUSED_MS_MAX};
use crate::kernel::graphql::Viewer;
use crate::kernel::testing::{Given, NOW, account, client_id, given};
use crate::kernel::{Document, Timestamp};
use crate::media::AVATAR_BYTES_MAX;
use crate::members::{ChangeRole, LeaveConversation, Role};
use crate::timers::Timer;

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

/// Ann has made a group with Bob; Eve is in none.
fn lunch() -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let create =
        CreateGroup { title: "Lunch".to_owned(), member_ids: vec![account(BOB)], open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn uploaded(world: Given, who: u8) -> (Given, FileId) {
    world.uploads(who, 9)
}

fn own(file_id: FileId) -> SetPicture {
    SetPicture { file_id, image: None }
}

fn of_group(conversation_id: ConversationId, file_id: FileId) -> SetConversationPicture {
    SetConversationPicture { conversation_id, file_id, image: None }
}

fn shown(world: &Given, subject: Subject) -> Option<FileId> {
    world.document::<Picture>(subject).map(|it| it.file_id)
}

fn of(who: u8) -> Subject {
    Subject::Account(account(who))
}

/// Whether a picture uses its file: yes, not any more, or it is released.
fn used(world: &Given, picture: &Picture) -> Option<bool> {
    let used = world.document::<FileUse>(FileUse::id(picture.file_id, picture.id.0));
    used.map(|it| !it.over)
}

/// When the file of a picture is released.
fn release_due(world: &Given, picture: PictureId) -> Option<Timestamp> {
    let id = format!("files-released/{}", picture.0.simple());
    world.document::<Timer>(id).map(|it| it.due_at)
}

#[test]
fn a_picture_is_a_file_of_ones_own_that_is_there() {
    let (world, _) = lunch();
    let (world, hers) = uploaded(world, EVE);
    let (world, unfinished) = world.begins_upload(ANN, 9);
    let (world, his) = uploaded(world, ANN);
    let not_found = PictureRejection::FileNotFound;
    let world = world
        .when(account(ANN), own(hers))
        .then_rejected(not_found)
        .when(account(ANN), own(unfinished))
        .then_rejected(not_found)
        .later(UNUSED_MS_MAX - LAST_MOMENT_MS - 1);
    let (world, another) = uploaded(world, ANN);
    let world = world.and(account(ANN), own(his)).and(account(ANN), own(another)).later(1);
    world
        .when(account(ANN), own(his))
        .then_rejected(not_found)
        .and(account(ANN), RemovePicture {})
        .and(account(ANN), TerminateUpload { file_id: another })
        .when(account(ANN), own(another))
        .then_rejected(not_found);
}

#[test]
fn a_picture_has_ten_mebibytes() {
    let (world, group) = lunch();
    let (world, whole) = world.uploads(ANN, AVATAR_BYTES_MAX);
    let (world, more) = world.uploads(ANN, AVATAR_BYTES_MAX + 1);
    world
        .when(account(ANN), own(more))
        .then_rejected(PictureRejection::TooLarge)
        .when(account(ANN), of_group(group, more))
        .then_rejected(PictureRejection::TooLarge)
        .and(account(ANN), own(whole))
        .and(account(ANN), of_group(group, whole));
}

#[test]
fn what_is_known_to_be_no_image_is_refused() {
    let (world, group) = lunch();
    let (world, file_id) = uploaded(world, ANN);
    let known = |image| SetPicture { file_id, image };
    let of_group = |image| SetConversationPicture { image, ..of_group(group, file_id) };
    world
        .when(account(ANN), known(Some(false)))
        .then_rejected(PictureRejection::NotAPicture)
        .when(account(ANN), of_group(Some(false)))
        .then_rejected(PictureRejection::NotAPicture)
        .and(account(ANN), known(None))
        .and(account(ANN), of_group(Some(true)));
}

#[test]
fn one_picture_takes_the_place_of_another_and_the_same_of_none() {
    let (world, group) = lunch();
    let (world, one) = uploaded(world, ANN);
    let (world, two) = uploaded(world, ANN);
    let world = world.and(account(ANN), own(one)).when(account(ANN), own(one)).then([]);
    let first = world.document::<Picture>(of(ANN)).unwrap();
    let then = world.when(account(ANN), own(two));
    let removed = first.removed(Some(true));
    let (account_id, conversation_id) = (account(ANN), None);
    let context = then.world.last_context(account_id);
    let picture_id = decide::picture_id(None, &context);
    let elsewhere = decide::picture_id(Some(group), &context);
    assert_ne!(picture_id, elsewhere, "the same client id names another picture there");
    let set = PictureSet { picture_id, account_id, conversation_id, file_id: two };
    let world = then.then([removed.into(), set.into()]);
    assert_eq!((shown(&world, of(ANN)), shown(&world, of(BOB))), (Some(two), None));
    // Of what another takes the place of, only that one is told.
    let told: Vec<_> = world.history().iter().rev().take(2).map(|it| it.meaning().0).collect();
    assert_eq!(told, [Change::Account(account(ANN)), Change::None]);
    let second = world.document::<Picture>(of(ANN)).unwrap();
    let world = world.when(account(ANN), RemovePicture {}).then([second.removed(None).into()]);
    assert_eq!(shown(&world, of(ANN)), None);
    world.when(account(ANN), RemovePicture {}).then([]);
}

#[test]
fn who_gives_a_group_its_title_gives_it_its_picture() {
    let (world, group) = lunch();
    let (world, hers) = uploaded(world, ANN);
    let (world, his) = uploaded(world, BOB);
    let (world, eves) = uploaded(world, EVE);
    let remove = || RemoveConversationPicture { conversation_id: group };
    let world = world
        .when(account(BOB), of_group(group, his))
        .then_rejected(PictureRejection::Forbidden)
        .when(account(EVE), of_group(group, eves))
        .then_rejected(PictureRejection::NotFound)
        .when(account(ANN), of_group(group, his))
        .then_rejected(PictureRejection::FileNotFound)
        .and(account(ANN), of_group(group, hers))
        .when(account(BOB), remove())
        .then_rejected(PictureRejection::Forbidden)
        .when(account(EVE), remove())
        .then_rejected(PictureRejection::NotFound);
    let role = ChangeRole { conversation_id: group, account_id: account(BOB), role: Role::Admin };
    let world = world.and(account(ANN), role).and(account(BOB), of_group(group, his));
    let subject = Subject::Conversation(group);
    assert_eq!(shown(&world, subject), Some(his));
    let picture = world.document::<Picture>(subject).unwrap();
    assert_eq!(picture.audience(), Audience::Members(group));
    // It stays when whoever has set it goes, and others take it away.
    let world = world.and(account(BOB), LeaveConversation { conversation_id: group });
    let world = world.when(account(ANN), remove()).then([picture.removed(None).into()]);
    assert_eq!(shown(&world, subject), None);
    world
        .when(account(BOB), of_group(group, his))
        .then_rejected(PictureRejection::NotFound)
        .when(account(ANN), remove())
        .then([]);
}

#[test]
fn only_groups_have_pictures_of_their_own() {
    let (world, _) = lunch();
    let (world, file) = uploaded(world, ANN);
    let world = world.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let direct = direct_id(account(ANN), account(BOB));
    world
        .when(account(ANN), of_group(direct, file))
        .then_rejected(PictureRejection::NotAGroup)
        .when(account(ANN), RemoveConversationPicture { conversation_id: direct })
        .then_rejected(PictureRejection::NotAGroup);
}

#[test]
fn the_file_of_what_is_a_picture_no_more_is_released_once() {
    for in_group in [false, true] {
        let (world, group) = lunch();
        let (world, file) = uploaded(world, ANN);
        let (world, other) = uploaded(world, ANN);
        let conversation_id = in_group.then_some(group);
        let set = |world: Given, file_id| match conversation_id {
            None => world.and(account(ANN), own(file_id)),
            Some(it) => world.and(account(ANN), of_group(it, file_id)),
        };
        let subject = Subject::new(account(ANN), conversation_id);
        let world = set(world, file);
        let picture = world.document::<Picture>(subject).unwrap();
        assert_eq!((used(&world, &picture), release_due(&world, picture.id)), (Some(true), None));
        let picture_id = picture.id;
        let note = NotePictureReleased { picture_id, conversation_id, file_id: file };
        let world = world.when(account(ANN), note.clone()).then([]);
        let world = set(world, other);
        assert_eq!(used(&world, &picture), Some(false));
        assert_eq!(release_due(&world, picture.id), Some(NOW));
        let (account_id, file_id) = (account(ANN), file);
        let released = PictureReleased { picture_id, account_id, conversation_id, file_id };
        let world = world.when(account(ANN), note.clone()).then([released.into()]);
        assert_eq!((used(&world, &picture), release_due(&world, picture.id)), (None, None));
        world.when(account(ANN), note).then([]);
    }
}

#[test]
fn a_file_is_a_picture_and_in_a_message_at_once() {
    let (world, group) = lunch();
    let (world, file_id) = uploaded(world, ANN);
    let attach = Attach { file_id, kind: AttachmentKind::Photo };
    let world = world
        .and(account(ANN), own(file_id))
        .and(account(ANN), of_group(group, file_id))
        .and(account(ANN), SendAttachments::new(group, vec![attach]))
        .and(account(ANN), RemovePicture {});
    let uses = world.stored();
    let uses = uses.iter().filter(|it| it.0.0 == FileUse::COLLECTION.name);
    let over = uses.clone().filter(|it| it.1.contains("\"over\":true"));
    assert_eq!((uses.count(), over.count()), (3, 1));
}

#[test]
fn that_there_is_more_of_it_is_told_of_what_is_the_picture() {
    let (world, group) = lunch();
    let (world, one) = uploaded(world, ANN);
    let (world, two) = uploaded(world, ANN);
    let world = world.and(account(ANN), of_group(group, one));
    let subject = Subject::Conversation(group);
    let (account_id, conversation_id) = (account(ANN), Some(group));
    let note = |world: &Given| {
        let picture_id = world.document::<Picture>(subject).unwrap().id;
        let ready = PictureReady { picture_id, account_id, conversation_id };
        (NotePictureReady { picture_id, conversation_id }, ready)
    };
    let (first, ready) = note(&world);
    let world = world.when(account(ANN), first.clone()).then([ready.into()]);
    let told = world.history().last().map(|it| it.meaning().0);
    assert_eq!(told, Some(Change::Conversation(group)));
    let world = world.and(account(ANN), of_group(group, two));
    let (second, _) = note(&world);
    let elsewhere = NotePictureReady { conversation_id: None, ..second };
    world.when(account(ANN), first).then([]).when(account(ANN), elsewhere).then([]);
}

#[test]
fn the_same_link_is_given_for_three_hours_and_is_good_for_as_long_again() {
    let (file, session) = (FileId(client_id(1)), client_id(2));
    let viewer = Viewer { account: account(ANN), session, scopes: None, limited: false };
    let link = |now: i64| {
        let now = Timestamp(now);
        Link::to(file, viewer, now).picture(Through::Picture(of(BOB)), now)
    };
    let begin = NOW.0 - NOW.0.rem_euclid(LINKED_MS);
    let first = link(begin);
    assert_eq!(first.until.0 - begin, 2 * LINKED_MS);
    assert_eq!(link(begin + LINKED_MS - 1), first);
    assert_eq!(link(begin + LINKED_MS).until.0 - first.until.0, LINKED_MS);
}

/// What somebody does: who, with which picture, and what.
type Step = (u8, bool, u8);

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    /// Whatever is set, removed and released in whatever order: a file is used by exactly those
    /// pictures that are shown, and released for all others in the end.
    #[test]
    fn uses_are_what_is_shown(
        steps in prop::collection::vec((0..2_u8, any::<bool>(), 0..6_u8), 1..40),
    ) {
        let (world, group) = lunch();
        let role =
            ChangeRole { conversation_id: group, account_id: account(BOB), role: Role::Admin };
        let mut world = world.and(account(ANN), role);
        let mut files: Vec<(u8, FileId)> = Vec::new();
        for (nth, (who, own_picture, what)) in steps.into_iter().enumerate() {
            world = step(world, (group, &mut files), nth, (ANN + who, own_picture, what));
        }
        let shown = [of(ANN), of(BOB), Subject::Conversation(group)];
        let shown: Vec<_> = shown.iter().filter_map(|it| world.document::<Picture>(it)).collect();
        for it in world.history().iter().filter_map(|it| PictureEvent::of(&it.event)) {
            let PictureEvent::PictureSet(it) = it else { continue };
            let found = world.document::<FileUse>(FileUse::id(it.file_id, it.picture_id.0));
            let is_shown = shown.iter().any(|picture| picture.id == it.picture_id);
            prop_assert_eq!(found.as_ref().is_some_and(|it| !it.over), is_shown);
            let due = release_due(&world, it.picture_id).is_some();
            prop_assert_eq!(due, found.is_some_and(|it| it.over));
        }
    }
}

fn step(
    world: Given,
    (group, files): (ConversationId, &mut Vec<(u8, FileId)>),
    nth: usize,
    (who, own_picture, what): Step,
) -> Given {
    let actor: AccountId = account(who);
    let last = files.iter().rev().filter(|it| it.0 == who).nth(nth % 2).copied();
    match (what, own_picture, last) {
        (0, _, _) | (1 | 2, _, None) => {
            let (world, file) = uploaded(world, who);
            files.push((who, file));
            world
        }
        (1 | 2, true, Some((_, file))) => world.when(actor, own(file)).world,
        (1 | 2, false, Some((_, file))) => world.when(actor, of_group(group, file)).world,
        (3, true, _) => world.when(actor, RemovePicture {}).world,
        (3, false, _) => {
            world.when(actor, RemoveConversationPicture { conversation_id: group }).world
        }
        _ => {
            let removed = world.history().iter().rev().filter_map(|it| {
                let PictureEvent::PictureRemoved(it) = PictureEvent::of(&it.event)? else {
                    return None;
                };
                Some(it.clone())
            });
            let Some(it) = removed.take(3).nth(nth % 3) else { return world };
            let (picture_id, conversation_id) = (it.picture_id, it.conversation_id);
            let note = NotePictureReleased { picture_id, conversation_id, file_id: it.file_id };
            world.when(it.account_id, note).world
        }
    }
}
