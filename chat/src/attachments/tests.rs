//! The law of attachments.

use proptest::prelude::*;

use super::*;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::files::{
    BeginUpload, EndFile, File, FileId, KeepFile, RELEASED_MS, ReleaseFile, TerminateUpload,
    UNUSED_MS_MAX,
};
use crate::forwards::{ForwardMessages, Source};
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::{Document as _, Timestamp};
use crate::members::{ChangeRole, Role};
use crate::messages::{
    Body, Content, DeleteMessage, EditMessage, Message, MessageId, MessageRejection, TEXT_BYTES_MAX,
};
use crate::removals::DestroyMessage;
use crate::timers::Timer;

pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;
pub(super) const EVE: u8 = 3;

pub(super) fn lunch() -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let create =
        CreateGroup { title: "Lunch".to_owned(), member_ids: vec![account(BOB)], open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

/// Somebody uploads a file.
pub(super) fn uploaded(world: Given, who: u8) -> (Given, FileId) {
    world.uploads(who, 9)
}

pub(super) fn attach(file_id: FileId, kind: AttachmentKind) -> Attach {
    Attach { file_id, kind }
}

pub(super) fn photo(conversation_id: ConversationId, file_id: FileId) -> SendAttachments {
    SendAttachments::new(conversation_id, vec![attach(file_id, AttachmentKind::Photo)])
}

/// Bob has sent a photo.
pub(super) fn sent() -> (Given, ConversationId, MessageId, FileId) {
    let (world, id) = lunch();
    let (world, file) = uploaded(world, BOB);
    let world = world.and(account(BOB), photo(id, file));
    let message = photo(id, file).message_id(&world.last_context(account(BOB)));
    (world, id, message, file)
}

pub(super) fn said(world: &Given, message: MessageId) -> Body {
    let message = world.document::<Message>(message).expect("a message");
    open(&message.body.expect("a body")).expect("it opens")
}

pub(super) fn used(world: &Given, file: FileId, message: MessageId) -> Option<bool> {
    world.document::<FileUse>(FileUse::id(file, message.0)).map(|it| !it.over)
}

pub(super) fn release_due(world: &Given, message: MessageId) -> Option<Timestamp> {
    let id = format!("files-released/{}", message.0.simple());
    world.document::<Timer>(id).map(|it| it.due_at)
}

#[test]
fn files_are_sealed_in_their_message_and_used_by_it() {
    let (world, id) = lunch();
    let (world, first) = uploaded(world, BOB);
    let (world, second) = uploaded(world, BOB);
    let all = vec![attach(first, AttachmentKind::Photo), attach(second, AttachmentKind::Video)];
    let send = SendAttachments { text: "*cats*".to_owned(), ..SendAttachments::new(id, all) };
    let world = world.and(account(BOB), send.clone());
    let message = send.message_id(&world.last_context(account(BOB)));
    let body = said(&world, message);
    assert_eq!((body.text.as_str(), body.entities.len()), ("cats", 1));
    let Some(Content::Attachments(it)) = body.content else { panic!("no files") };
    let told = it.all.iter().map(|it| (it.file_id, it.kind, it.owner_id)).collect::<Vec<_>>();
    let owner = account(BOB);
    let kinds = [(first, AttachmentKind::Photo), (second, AttachmentKind::Video)];
    assert_eq!(told, kinds.map(|(file, kind)| (file, kind, owner)));
    assert_eq!(world.document::<Message>(message).unwrap().files, [first, second]);
    assert_eq!([first, second].map(|it| used(&world, it, message)), [Some(true); 2]);
}

#[test]
fn one_to_ten_files_are_sent_each_once() {
    let (world, id) = lunch();
    let (world, files) = (0..11).fold((world, Vec::new()), |(world, mut files), _| {
        let (world, file) = uploaded(world, BOB);
        files.push(attach(file, AttachmentKind::Document));
        (world, files)
    });
    let send = |count: usize| SendAttachments::new(id, files[..count].to_vec());
    let twice = SendAttachments::new(id, vec![files[0], files[0]]);
    world
        .when(account(BOB), send(0))
        .then_rejected(AttachmentRejection::CountInvalid)
        .when(account(BOB), send(ATTACHMENTS_MAX))
        .then_allowed()
        .when(account(BOB), send(ATTACHMENTS_MAX + 1))
        .then_rejected(AttachmentRejection::CountInvalid)
        .when(account(BOB), twice)
        .then_rejected(AttachmentRejection::Repeated);
}

#[test]
fn photos_go_with_videos_and_else_each_with_its_like() {
    let (world, id) = lunch();
    let (world, one) = uploaded(world, BOB);
    let (world, two) = uploaded(world, BOB);
    let pair = |a, b| SendAttachments::new(id, vec![attach(one, a), attach(two, b)]);
    use AttachmentKind::{Audio, Document, Photo, Video, Voice};
    let together = [(Photo, Video), (Video, Photo), (Audio, Audio), (Document, Document)];
    let world = together
        .into_iter()
        .fold(world, |world, (a, b)| world.when(account(BOB), pair(a, b)).then_allowed());
    let apart = [(Photo, Audio), (Audio, Video), (Document, Photo), (Voice, Voice)];
    apart.into_iter().fold(world, |world, (a, b)| {
        world.when(account(BOB), pair(a, b)).then_rejected(AttachmentRejection::Mixed)
    });
}

#[test]
fn only_members_send_and_only_what_they_have_uploaded_and_is_there() {
    let (world, id) = lunch();
    let (world, his) = uploaded(world, BOB);
    let (world, hers) = uploaded(world, EVE);
    let (name, media_type) = (String::new(), String::new());
    let begin = BeginUpload {
        name,
        media_type,
        size_bytes: 9,
        storage_bytes_max: 1 << 20,
        ..BeginUpload::default()
    };
    let world = world.and(account(BOB), begin);
    let unfinished = BeginUpload::file_id(account(BOB), world.last_context(account(BOB)).client_id);
    let not_found = AttachmentRejection::FileNotFound;
    let world = world
        .when(account(EVE), photo(id, hers))
        .then_rejected(MessageRejection::NotFound)
        .when(account(BOB), photo(id, hers))
        .then_rejected(not_found)
        .when(account(BOB), photo(id, unfinished))
        .then_rejected(not_found)
        .later(UNUSED_MS_MAX - LAST_MOMENT_MS - 1)
        .when(account(BOB), photo(id, his))
        .then_allowed()
        .later(1)
        .when(account(BOB), photo(id, his))
        .then_rejected(not_found);
    let (world, another) = uploaded(world, BOB);
    world
        .and(account(BOB), TerminateUpload { file_id: another })
        .when(account(BOB), photo(id, another))
        .then_rejected(not_found);
}

#[test]
fn what_is_said_beside_files_may_be_nothing_and_is_edited() {
    let (world, conversation_id, message_id, file) = sent();
    assert_eq!(said(&world, message_id).text, "");
    let edit = |text: String| EditMessage { conversation_id, message_id, text };
    let world = world.and(account(BOB), edit("a *cat*".to_owned()));
    let message = world.document::<Message>(message_id).unwrap();
    assert_eq!((said(&world, message_id).text.as_str(), message.files.len()), ("a cat", 1));
    let first: Body = open(&message.original.expect("the first body")).unwrap();
    assert!(matches!(first.content, Some(Content::Attachments(_))));
    assert_eq!(used(&world, file, message_id), Some(true));
    world
        .and(account(BOB), edit(String::new()))
        .when(account(BOB), edit("x".repeat(TEXT_BYTES_MAX + 1)))
        .then_rejected(MessageRejection::TooLong);
}

#[test]
fn deleting_releases_its_files_once() {
    let (world, conversation_id, message_id, file) = sent();
    assert_eq!(release_due(&world, message_id), None);
    let world = world.and(account(BOB), DeleteMessage { conversation_id, message_id });
    assert_eq!(used(&world, file, message_id), Some(false));
    assert_eq!(release_due(&world, message_id), Some(NOW));
    let release = NoteReleased { conversation_id, message_id, file_ids: vec![file] };
    let released = FilesReleased { message_id, conversation_id, file_ids: vec![file] };
    let world = world.when(account(BOB), release.clone()).then([released.into()]);
    assert_eq!(used(&world, file, message_id), None);
    assert_eq!(release_due(&world, message_id), None);
    world.when(account(BOB), release).then([]);
}

#[test]
fn what_is_released_is_sent_for_another_moment_and_ends_a_minute_later() {
    let (world, id, _, file_id) = sent();
    let until = |world: &Given| world.document::<File>(file_id).and_then(|it| it.until);
    let first = until(&world).expect("a time");
    let world = world.and(account(BOB), KeepFile { file_id, due_at: first });
    assert_eq!(until(&world), None);
    let world = world.and(account(BOB), ReleaseFile { file_id });
    // A time that was set before has come to nothing.
    let world = world
        .when(account(BOB), KeepFile { file_id, due_at: first })
        .then([])
        .when(account(BOB), EndFile { file_id, uploaded: true, due_at: first })
        .then([]);
    assert_eq!(until(&world), Some(Timestamp(NOW.0 + RELEASED_MS)));
    let unused = format!("file-unused/{}", file_id.0.simple());
    assert_eq!(world.document::<Timer>(unused).map(|it| it.due_at), until(&world));
    let world = world
        .later(RELEASED_MS - LAST_MOMENT_MS - 1)
        .when(account(BOB), photo(id, file_id))
        .then_allowed()
        .later(1)
        .when(account(BOB), photo(id, file_id))
        .then_rejected(AttachmentRejection::FileNotFound);
    let due_at = until(&world).expect("a time");
    let world = world.and(account(BOB), EndFile { file_id, uploaded: true, due_at });
    assert_eq!(world.document::<File>(file_id).map(|it| it.is_uploaded()), Some(false));
    world.when(account(BOB), ReleaseFile { file_id }).then([]);
}

#[test]
fn what_is_there_is_not_released() {
    let (world, conversation_id, message_id, file) = sent();
    let release = NoteReleased { conversation_id, message_id, file_ids: vec![file] };
    world.when(account(BOB), release).then([]);
}

#[test]
fn what_a_moderator_removes_uses_its_files_until_it_is_destroyed() {
    let (world, conversation_id, message_id, file) = sent();
    let world = world.and(account(ANN), DeleteMessage { conversation_id, message_id });
    assert_eq!(used(&world, file, message_id), Some(true));
    let restorable_until = Timestamp(NOW.0 + 24 * 3_600 * 1_000);
    let destroy = DestroyMessage { conversation_id, message_id, restorable_until };
    let world = world.later(24 * 3_600 * 1_000).and(account(ANN), destroy);
    assert_eq!(used(&world, file, message_id), Some(false));
    assert!(release_due(&world, message_id).is_some());
}

#[test]
fn what_is_sent_on_uses_the_file_too() {
    let (world, id, message_id, file) = sent();
    let world = world.and(account(ANN), OpenDirect { account_id: account(EVE) });
    let to = direct_id(account(ANN), account(EVE));
    let body = Some(said(&world, message_id));
    let messages = vec![Source { conversation_id: id, message_id, body }];
    let forward =
        ForwardMessages { conversation_id: to, thread_id: None, messages, attributed: true };
    let world = world.and(account(ANN), forward);
    let uses = world.stored().keys().filter(|it| it.0 == FileUse::COLLECTION.name).count();
    assert_eq!(uses, 2);
    let world = world.and(account(BOB), DeleteMessage { conversation_id: id, message_id });
    assert_eq!(used(&world, file, message_id), Some(false));
    let live = world.stored();
    let live = live.iter().filter(|it| it.0.0 == FileUse::COLLECTION.name);
    assert_eq!(live.filter(|it| !it.1.contains("\"over\":true")).count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    /// Whatever is sent, deleted, removed and released in whatever order: a file is used by exactly
    /// those messages that are there or can be restored.
    #[test]
    fn uses_are_what_the_messages_say(
        steps in prop::collection::vec((0..6_u8, any::<prop::sample::Index>()), 1..40),
    ) {
        let (world, conversation_id) = lunch();
        let promote = ChangeRole { conversation_id, account_id: account(BOB), role: Role::Admin };
        let mut world = world.and(account(ANN), promote);
        let (mut files, mut messages) = (Vec::new(), Vec::new());
        for (what, which) in steps {
            let who = if which.index(2) == 0 { ANN } else { BOB };
            if what == 0 || files.is_empty() {
                let (next, file) = uploaded(world, who);
                world = next;
                files.push((who, file));
                continue;
            }
            if what < 3 || messages.is_empty() {
                let (who, file) = files[which.index(files.len())];
                let send = photo(conversation_id, file);
                world = world.when(account(who), send.clone()).world;
                messages.push((send.message_id(&world.last_context(account(who))), file));
                continue;
            }
            let (message_id, file) = messages[which.index(messages.len())];
            let release = NoteReleased { conversation_id, message_id, file_ids: vec![file] };
            world = match what {
                5 => world.when(account(who), release).world,
                _ => {
                    let delete = DeleteMessage { conversation_id, message_id };
                    world.when(account(who), delete).world
                }
            };
        }
        let mut held = 0;
        for (message_id, file) in messages {
            let message = world.document::<Message>(message_id).expect("a message");
            let kept = message.body.is_some() || message.aside.is_some();
            held += if message.body.is_some() { 9 } else { 0 };
            prop_assert_eq!(used(&world, file, message_id) == Some(true), kept);
            prop_assert_eq!(release_due(&world, message_id).is_some(),
                used(&world, file, message_id) == Some(false));
        }
        let storage = world.document::<ConversationStorage>(conversation_id);
        prop_assert_eq!(storage.unwrap_or_default().bytes, held);
        for (who, file) in files {
            let it = world.document::<File>(file).expect("a file");
            prop_assert_eq!(it.account_id, account(who));
        }
    }
}
