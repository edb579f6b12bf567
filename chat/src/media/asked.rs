//! The law of what is asked for beside previews, and of who is told.

use ports::media_worker::Load;

use super::tests::{ANN, EVE, Starts, begun, fail, finish, previews, record, uploaded};
use super::*;
use crate::attachments::{Attach, AttachmentKind, AttachmentReady, NoteMedia, SendAttachments};
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::files::{FileId, FinishUpload, TerminateUpload};
use crate::kernel::counts::reading;
use crate::kernel::testing::{Given, NOW, account, client_id, given};
use crate::kernel::{Accepted, Command as _, Document, Timestamp};
use crate::messages::DeleteMessage;
use crate::schedule::ScheduleMessage;
use crate::timers::{Action, Timer};

fn media(world: &Given, id: FileId) -> Media {
    world.document(id).unwrap()
}

/// A video of a length, as previews find it.
fn video(file_id: FileId, duration_ms: u64) -> RecordMedia {
    let outcome = MediaOutcome {
        media_type: "video/mp4".to_owned(),
        kind: MediaKind::Video,
        duration_ms: Some(duration_ms),
        ..MediaOutcome::default()
    };
    RecordMedia { blobs: Vec::new(), outcome, ..record(file_id, 1) }
}

/// The id of a job of a file as it was asked for last.
fn asked(world: &Given, file_id: FileId, kind: JobKind, tool: u32) -> JobId {
    job_id(file_id, kind, tool, media(world, file_id).job(kind).unwrap().asked)
}

fn ends(world: &Given, file_id: FileId, kind: JobKind, tool: u32) -> RecordMedia {
    RecordMedia { job_id: asked(world, file_id, kind, tool), ..record(file_id, 1) }
}

/// A file whose previews are there.
fn looked_into() -> (Given, FileId) {
    let (world, id) = uploaded();
    (world.started(id, 1).and(account(ANN), record(id, 1)), id)
}

fn converts(file_id: FileId, format: MediaFormat) -> ConvertFile {
    ConvertFile { file_id, format }
}

#[test]
fn a_video_is_written_anew_once_its_previews_are_there_and_takes_nobodys_place() {
    for (ms, renditions) in [(0, false), (1, true), (1_800_000, true), (1_800_001, false)] {
        let (world, id) = uploaded();
        let world = world.started(id, 1).and(account(ANN), video(id, ms));
        let next = media(&world, id).next().map(|it| (it.kind, it.load(10)));
        assert_eq!(next, renditions.then_some((JobKind::Renditions, Load::Long)), "{ms}");
    }
    let (world, id) = looked_into();
    assert_eq!(media(&world, id).next(), None, "a picture is not played");
}

#[test]
fn a_format_is_made_once_and_what_failed_again() {
    let (world, id) = uploaded();
    let (kind, png) = (JobKind::Conversion(MediaFormat::Png), converts(id, MediaFormat::Png));
    world.when(account(EVE), png.clone()).then_rejected(MediaRejection::NotFound);
    let (world, id) = looked_into();
    let png = ConvertFile { file_id: id, ..png };
    let world = world.and(account(ANN), png.clone()).when(account(ANN), png.clone()).then([]);
    assert_eq!(media(&world, id).next().map(|it| it.kind), Some(kind));
    let world = world.starts_by(id, kind, 1, 1).then_allowed();
    let job_id = asked(&world, id, kind, 1);
    let failed = FailMedia { job_id, ..fail(id, 1, MediaFailure::Corrupt) };
    let world = world.and(account(ANN), failed);
    assert_eq!(media(&world, id).job(kind).unwrap().failure, Some(MediaFailure::Corrupt));
    let world = world.and(account(ANN), png.clone()).starts_by(id, kind, 1, 1).then_allowed();
    // What the first round has come to is nothing to the second.
    let late = RecordMedia { job_id, ..record(id, 1) };
    let world = world.when(account(ANN), late).then([]);
    let ends = ends(&world, id, kind, 1);
    let world = world.and(account(ANN), ends);
    let job = media(&world, id).job(kind).unwrap().clone();
    assert!(job.made.is_some() && job.failure.is_none() && !job.is_due());
    let world = world.when(account(ANN), png.clone()).then([]);
    // Its previews are what they were.
    assert!(previews(&world, id).made.is_some());
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    world.when(account(ANN), png).then_rejected(MediaRejection::NotFound);
}

#[test]
fn an_alias_is_converted_by_whose_contents_it_has() {
    let (world, first) = uploaded();
    let contents = || Some("c".to_owned());
    let same = |id| FinishUpload { contents: contents(), ..finish(id, 10) };
    let (world, id) = begun(world, 10);
    let world = world.and(account(ANN), same(id));
    let (world, alias) = begun(world, 10);
    let world = world.and(account(ANN), same(alias));
    let kind = JobKind::Conversion(MediaFormat::Png);
    let world = world
        .when(account(ANN), converts(alias, MediaFormat::Png))
        .then([MediaRequested { file_id: id, account_id: account(ANN), kind, redo: None }.into()]);
    assert_eq!(world.document::<Media>(alias), None);
    // Also once it is over for its owner.
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    let jpeg = |id| converts(id, MediaFormat::Jpeg);
    let world = world.when(account(ANN), jpeg(id)).then_rejected(MediaRejection::NotFound);
    let world = world.and(account(ANN), jpeg(alias));
    assert_eq!(media(&world, id).jobs.len(), 3);
    assert_eq!(media(&world, first).jobs.len(), 1);
}

#[test]
fn squares_are_asked_for_once_and_what_failed_again() {
    let (kind, ask) = (JobKind::Avatars, |file_id| AskAvatars { file_id });
    let (world, id) = uploaded();
    let world = world.when(account(EVE), ask(id)).then([]);
    let asked_for = MediaRequested { file_id: id, account_id: account(ANN), kind, redo: None };
    let world = world.when(account(ANN), ask(id)).then([asked_for.clone().into()]);
    let world = world.when(account(ANN), ask(id)).then([]);
    // What the file is, is known first.
    assert_eq!(media(&world, id).next().map(|it| it.kind), Some(JobKind::Previews));
    let world = world.started(id, 1).and(account(ANN), record(id, 1));
    let next = media(&world, id).next().map(|it| (it.kind, it.load(10)));
    assert_eq!(next, Some((kind, Load::Small)));
    let world = world.starts_by(id, kind, 1, 1).then_allowed();
    let job_id = asked(&world, id, kind, 1);
    let failed = FailMedia { job_id, ..fail(id, 1, MediaFailure::Corrupt) };
    let world =
        world.and(account(ANN), failed).when(account(ANN), ask(id)).then([asked_for.into()]);
    let world = world.starts_by(id, kind, 1, 1).then_allowed();
    let ends = ends(&world, id, kind, 1);
    let world = world.and(account(ANN), ends).when(account(ANN), ask(id)).then([]);
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    world.when(account(ANN), ask(id)).then([]);
}

#[test]
fn squares_are_made_of_ten_mebibytes() {
    for (size_bytes, made) in [(AVATAR_BYTES_MAX, 1), (AVATAR_BYTES_MAX + 1, 0)] {
        let (world, id) = begun(given().person(ANN, "ann"), size_bytes);
        let world = world.and(account(ANN), finish(id, size_bytes));
        let then = world.when(account(ANN), AskAvatars { file_id: id });
        assert_eq!(then.outcome.map(|it| it.len()), Ok(made), "{size_bytes}");
    }
}

#[test]
fn a_file_has_eight_formats_at_most() {
    let (mut world, id) = looked_into();
    for format in &MediaFormat::ALL[..CONVERSIONS_MAX] {
        world = world.and(account(ANN), converts(id, *format));
    }
    let last = converts(id, MediaFormat::ALL[CONVERSIONS_MAX]);
    world.when(account(ANN), last).then_rejected(MediaRejection::TooMany);
}

#[test]
fn what_an_earlier_tool_has_made_is_made_anew_and_shown_until_then() {
    let (world, id) = looked_into();
    let (from, to) = Media::outdated(media(&world, id).partition, 2);
    let is_outdated = |world: &Given| {
        let key = media(world, id).index_keys()[1].clone();
        key.is_some_and(|it| (from.as_str()..to.as_str()).contains(&it.as_str()))
    };
    assert!(is_outdated(&world));
    let world = world.when(account(ANN), RedoMedia { file_id: id, tool: 1 }).then([]);
    let before = previews(&world, id).made;
    let redo = RedoMedia { file_id: id, tool: 2 };
    let world = world.and(account(ANN), redo.clone()).when(account(ANN), redo.clone()).then([]);
    let due = previews(&world, id);
    assert!(due.is_due() && !is_outdated(&world));
    assert_eq!((&due.made, due.load(1)), (&before, Load::Long));
    let world = world.starts_by(id, JobKind::Previews, 2, 1).then_allowed();
    let anew = RecordMedia { blobs: vec![7, 8], ..ends(&world, id, JobKind::Previews, 2) };
    let made = world.and(account(ANN), anew);
    assert_eq!(previews(&made, id).made.unwrap().blobs, [7, 8]);
    assert!(!is_outdated(&made));
    made.when(account(ANN), redo).then([]);
}

#[test]
fn what_fails_anew_leaves_what_was_there() {
    let (world, id) = looked_into();
    let world = world.and(account(ANN), RedoMedia { file_id: id, tool: 2 });
    let world = world.starts_by(id, JobKind::Previews, 2, 1).then_allowed();
    let job_id = asked(&world, id, JobKind::Previews, 2);
    let failed = FailMedia { job_id, ..fail(id, 1, MediaFailure::Corrupt) };
    let world = world.and(account(ANN), failed);
    let job = previews(&world, id);
    assert_eq!((job.made.unwrap().blobs, job.failure), (vec![5, 6], None));
    assert_eq!(media(&world, id).told, 0);
    let told = telling(&world, id).map(|it| it.seq);
    assert_eq!(told, Some(media(&world, id).ended), "of what was there, and not of this");
    world.when(account(ANN), RedoMedia { file_id: id, tool: 2 }).then([]);
}

const NOT_TOLD: MediaRejection = MediaRejection::NotFound;

/// The timer by which those who see a file are told.
fn telling(world: &Given, id: FileId) -> Option<Timer> {
    world.document::<Timer>(format!("media-told/{}", id.0.simple()))
}

#[test]
fn those_who_see_a_file_are_told_of_each_end_once() {
    let (world, id) = uploaded();
    let world = world.started(id, 1);
    assert_eq!(telling(&world, id), None);
    let world = world.and(account(ANN), video(id, 1_000));
    let first = telling(&world, id).unwrap();
    let world = world.starts_by(id, JobKind::Renditions, 1, 1).then_allowed();
    let ends = ends(&world, id, JobKind::Renditions, 1);
    let world = world.and(account(ANN), ends);
    let second = telling(&world, id).unwrap();
    assert!(first.seq < second.seq);
    // What was told before is not what is to be told now.
    let told = |seq| NoteTold { file_id: id, seq };
    let confirm = |seq| ConfirmTelling { file_id: id, seq };
    let world = world.when(account(ANN), told(first.seq)).then([]);
    let world = world.when(account(ANN), confirm(first.seq)).then_rejected(NOT_TOLD);
    assert!(telling(&world, id).is_some());
    let world = world.when(account(ANN), confirm(second.seq)).then([]);
    let world = world.and(account(ANN), told(second.seq));
    assert_eq!(telling(&world, id), None);
    // Documents that are folded again may show the timer once more.
    let world = world.when(account(ANN), confirm(second.seq)).then_rejected(NOT_TOLD);
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    world.when(account(ANN), told(second.seq)).then([]);
    let (world, id) = looked_into();
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    assert_eq!(telling(&world, id), None, "nobody sees what is over");
}

#[test]
fn a_message_is_told_of_its_files_only_and_while_it_is_there() {
    let (world, file_id) = uploaded();
    let create =
        CreateGroup { title: "Cats".to_owned(), member_ids: vec![account(EVE)], open: false };
    let world = world.and(account(ANN), create);
    let conversation_id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    let attach = vec![Attach { file_id, kind: AttachmentKind::Photo }];
    let send = SendAttachments::new(conversation_id, attach);
    let world = world.and(account(ANN), send.clone());
    let message_id = send.message_id(&world.last_context(account(ANN)));
    let client = client_id(99);
    let note = NoteMedia { conversation_id, message_id, file_id };
    let ready = AttachmentReady { message_id, conversation_id, file_id };
    let other = FileId(client);
    let elsewhere = ConversationId(client);
    let world = world
        .when(account(ANN), NoteMedia { file_id: other, ..note.clone() })
        .then([])
        .when(account(ANN), NoteMedia { conversation_id: elsewhere, ..note.clone() })
        .then([])
        .when(account(ANN), note.clone())
        .then([ready.into()]);
    let world = world.and(account(ANN), DeleteMessage { conversation_id, message_id });
    world.when(account(ANN), note).then([]);
}

/// The commands that tell who sees a file, one after the other, by their names.
fn told(world: &Given, id: FileId) -> Vec<&'static str> {
    let timer = telling(world, id).expect("they are to be told");
    let answer = || {
        let (stream, partition) = (timer.stream, timer.partition);
        Accepted { stream, partition, ordinal: 0, first_seq: 0, repeated: false }
    };
    let first = reading(world, async |it| tell(&it, &timer).await.expect("documents"));
    let mut next = Some(first);
    let mut names = Vec::new();
    while let Some(Action { command, then, .. }) = next {
        names.push(command.name());
        next = then.and_then(|it| it(Ok(answer())));
    }
    names
}

#[test]
fn a_hundred_messages_are_told_what_became_of_a_file() {
    // A small one, so that a conversation has room for all of them.
    let (world, file_id) = begun(uploaded().0, 1);
    let world = world.and(account(ANN), finish(file_id, 1));
    let world = world.and(account(ANN), OpenDirect { account_id: account(EVE) });
    let direct = direct_id(account(ANN), account(EVE));
    let send = || {
        let attach = vec![Attach { file_id, kind: AttachmentKind::Video }];
        SendAttachments::new(direct, attach)
    };
    // What waits to be sent is told of nothing, and takes nobody's place.
    let wish = ScheduleMessage {
        conversation_id: direct,
        text: String::new(),
        attachments: send().attachments,
        reply_to: None,
        thread_id: None,
        silent: false,
        expires_in: None,
        at: Timestamp(NOW.0 + 60_000),
    };
    let world = world.and(account(ANN), wish);
    let world = (0..TOLD_MAX).fold(world, |world, _| world.and(account(ANN), send()));
    let world = world.started(file_id, 1).and(account(ANN), video(file_id, 0));
    let around = [ConfirmTelling::NAME, NoteTold::NAME];
    let expected = |messages: usize| {
        let all = std::iter::repeat_n(NoteMedia::NAME, messages);
        [around[0]].into_iter().chain(all).chain([around[1]]).collect::<Vec<_>>()
    };
    assert_eq!(told(&world, file_id), expected(TOLD_MAX));
    let world = world.and(account(ANN), send());
    assert_eq!(told(&world, file_id), expected(TOLD_MAX), "one more is not");
    // That it is somebody's picture is not told to those who see it in messages.
    let seq = media(&world, file_id).seq;
    let world = world.and(account(ANN), NoteTold { file_id, seq });
    let world = world.and(account(ANN), AskAvatars { file_id });
    let world = world.starts_by(file_id, JobKind::Avatars, 1, 1).then_allowed();
    let squares = ends(&world, file_id, JobKind::Avatars, 1);
    assert_eq!(told(&world.and(account(ANN), squares), file_id), around);
}
