//! The law of files that scheduled messages hold.

use super::tests::{ANN, BOB, EVE, begin, bob, finish, lunch, wish};
use super::*;
use crate::attachments::{
    Attach, AttachmentKind, AttachmentRejection, FileUse, LAST_MOMENT_MS, SendAttachments, release,
};
use crate::conversations::ConversationId;
use crate::files::{FileId, UNUSED_MS_MAX};
use crate::kernel::Timestamp;
use crate::kernel::counts::reading;
use crate::kernel::testing::{Given, NOW, account, open};
use crate::messages::{MessageEvent, MessageRejection};
use crate::timers::Timer;

fn holding(to: ConversationId, files: &[FileId]) -> ScheduleMessage {
    let attach = |it: &FileId| Attach { file_id: *it, kind: AttachmentKind::Photo };
    let attachments = files.iter().map(attach).collect();
    ScheduleMessage { attachments, ..wish(to, "") }
}

/// Bob has scheduled a photo in a minute.
fn waiting() -> (Given, ConversationId, ScheduledId, FileId) {
    let (world, to) = lunch();
    let (world, file) = world.uploads(BOB, 9);
    let world = world.and(bob(), holding(to, &[file]));
    let id = ScheduleMessage::scheduled_id(&world.last_context(bob()));
    (world, to, id, file)
}

/// Whether a file is used, unless nobody ever did.
fn used(world: &Given, file: FileId, by: ScheduledId) -> Option<bool> {
    world.document::<FileUse>(FileUse::id(file, by.0)).map(|it| !it.over)
}

fn release_due(world: &Given, id: ScheduledId) -> Option<Timestamp> {
    let timer = format!("files-released/{}", id.0.simple());
    world.document::<Timer>(timer).map(|it| it.due_at)
}

fn refused(world: Given, wish: ScheduleMessage, reason: AttachmentRejection) -> Given {
    world.when(bob(), wish).then_rejected(reason)
}

#[test]
fn what_goes_together_in_a_message_is_scheduled_together() {
    let (world, to) = lunch();
    let (world, first) = world.uploads(BOB, 9);
    let (mut world, annes) = world.uploads(ANN, 9);
    let mut files = vec![first];
    for _ in 0..10 {
        let (more, file) = world.uploads(BOB, 9);
        (world, files) = (more, [files, vec![file]].concat());
    }
    let wish = |files: &[FileId]| holding(to, files);
    let world = refused(world, wish(&files), AttachmentRejection::CountInvalid);
    let world = refused(world, wish(&[first, first]), AttachmentRejection::Repeated);
    let world = refused(world, wish(&[annes]), AttachmentRejection::FileNotFound);
    let mut mixed = wish(&files[..2]);
    mixed.attachments[1].kind = AttachmentKind::Voice;
    let world = refused(world, mixed, AttachmentRejection::Mixed);
    let world = world.and(bob(), wish(&files[..10]));
    let id = ScheduleMessage::scheduled_id(&world.last_context(bob()));
    assert!(files[..10].iter().all(|it| used(&world, *it, id) == Some(true)));
    let found = world.document::<Scheduled>(id).expect("it was scheduled");
    let holds = found.attachments.as_ref().and_then(open).expect("it is sealed with the text");
    let kept: Vec<_> = holds.all.iter().map(|it| (it.file_id, it.owner_id)).collect();
    assert_eq!(kept, files[..10].iter().map(|it| (*it, bob())).collect::<Vec<_>>());
}

#[test]
fn beside_files_there_may_be_no_text() {
    let (world, _, id, _) = waiting();
    let to_nothing = ChangeScheduled { scheduled_id: id, text: Some(" ".to_owned()), at: None };
    let long = ChangeScheduled { text: Some("x".repeat(16_385)), ..to_nothing.clone() };
    world.and(bob(), to_nothing).when(bob(), long).then_rejected(ScheduleRejection::TextInvalid);
}

#[test]
fn what_is_about_to_be_discarded_is_not_scheduled() {
    let (world, to) = lunch();
    let (world, file) = world.uploads(BOB, 9);
    let in_time = UNUSED_MS_MAX - LAST_MOMENT_MS - 1;
    let at = |now: i64| Timestamp(NOW.0 + now + 60_000);
    let wish = |now| ScheduleMessage { at: at(now), ..holding(to, &[file]) };
    let world = world.later(in_time).and(bob(), wish(in_time)).later(1);
    refused(world, wish(in_time + 1), AttachmentRejection::FileNotFound);
}

#[test]
fn files_are_kept_until_its_message_holds_them() {
    let (world, to, id, file) = waiting();
    // Nobody has noted yet that the file is used, though it would be discarded otherwise.
    let world = world.later(60_000).and(bob(), begin(id, 60_000));
    let world = world.later(UNUSED_MS_MAX - 60_000 - LAST_MOMENT_MS);
    let attach = Attach { file_id: file, kind: AttachmentKind::Photo };
    let message = SendAttachments::new(to, vec![attach]);
    let world = world.when(bob(), message.clone()).then_rejected(AttachmentRejection::FileNotFound);
    let then = world.when(bob(), SendScheduledFiles { message: message.clone() });
    let message_id = message.message_id(&then.world.last_context(bob()));
    let sent = then.world.history().iter().rev().find_map(|it| match MessageEvent::of(&it.event) {
        Some(MessageEvent::MessageSent(it)) => Some(it.clone()),
        Some(_) | None => None,
    });
    let sent = sent.expect("it was sent");
    assert_eq!((sent.files, sent.unseen), (Some(vec![file]), Some(true)));
    let world = then.world.and(bob(), finish(id, Ok(message_id)));
    assert_eq!(used(&world, file, id), Some(false));
    let by_message = world.document::<FileUse>(FileUse::id(file, message_id.0));
    assert!(by_message.is_some_and(|it| !it.over));
    released(world, id, file);
}

#[test]
fn files_of_what_was_sent_wait_until_its_message_is_known() {
    let (world, to, id, file) = waiting();
    let world = world.later(60_000).and(bob(), begin(id, 60_000));
    let attach = Attach { file_id: file, kind: AttachmentKind::Photo };
    let message = SendAttachments::new(to, vec![attach]);
    let then = world.when(bob(), SendScheduledFiles { message: message.clone() });
    let message_id = message.message_id(&then.world.last_context(bob()));
    let name = format!("files-released/{}", id.0.simple());
    // Another partition may tell of it later.
    let (sooner, _, other, _) = waiting();
    let sooner = sooner.later(60_000).and(bob(), begin(other, 60_000));
    let sooner = sooner.and(bob(), finish(other, Ok(message_id)));
    for (world, known) in
        [(sooner, false), (then.world.and(bob(), finish(id, Ok(message_id))), true)]
    {
        let timer = world.document::<Timer>(&name).expect("it has one");
        let action = reading(&world, async |it| release(&it, &timer).await.expect("documents"));
        assert_eq!(action.map(|it| it.command.name()), known.then_some("NoteScheduledReleased"));
    }
}

/// Files of what is over are released once.
fn released(world: Given, id: ScheduledId, file: FileId) {
    assert!(release_due(&world, id).is_some());
    let release = NoteScheduledReleased { scheduled_id: id, file_ids: vec![file] };
    let released = ScheduledReleased { scheduled_id: id, account_id: bob(), file_ids: vec![file] };
    let before = world.document::<Scheduled>(id);
    let world = world.when(bob(), release.clone()).then([released.into()]);
    assert_eq!(world.document::<Scheduled>(id), before);
    assert_eq!((used(&world, file, id), release_due(&world, id)), (None, None));
    world.when(bob(), release).then([]);
}

#[test]
fn what_is_cancelled_keeps_no_files() {
    let (world, _, id, file) = waiting();
    let release = NoteScheduledReleased { scheduled_id: id, file_ids: vec![file] };
    let world =
        world.when(bob(), release).then([]).and(bob(), CancelScheduled { scheduled_id: id });
    assert_eq!(used(&world, file, id), Some(false));
    released(world, id, file);
}

#[test]
fn what_could_not_be_sent_keeps_its_files() {
    let (world, to, id, file) = waiting();
    let world = world.later(60_000).and(bob(), begin(id, 60_000));
    let world = world.and(bob(), finish(id, Err("NOT_FOUND")));
    assert_eq!((used(&world, file, id), release_due(&world, id)), (Some(true), None));
    let attach = Attach { file_id: file, kind: AttachmentKind::Photo };
    let message = SendAttachments::new(to, vec![attach]);
    // Of what somebody else has scheduled nobody sends anything.
    world
        .when(account(EVE), SendScheduledFiles { message })
        .then_rejected(MessageRejection::NotFound);
}
