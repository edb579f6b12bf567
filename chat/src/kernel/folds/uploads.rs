//! What people upload, and what becomes of it.

use crate::accounts::AccountId;
use crate::attachments::{
    Attach, AttachmentKind, FileUse, NoteMedia, NoteReleased, ReplaceAttachment, SendAttachments,
};
use crate::conversations::ConversationId;
use crate::files::{
    BeginUpload, EndFile, File, FileEvent, FileId, FinishUpload, KeepFile, NoteSwept,
    RefusalReason, RefuseUpload, ReleaseFile, TerminateUpload,
};
use crate::kernel::testing::{Given, NOW, Then};
use crate::media::{
    ConvertFile, FailMedia, JobKind, Media, MediaFailure, MediaFormat, MediaOutcome, NoteTold,
    RecordMedia, RedoMedia, StartMedia, Variant, job_id,
};
use crate::messages::{DeleteMessage, Message, MessageEvent};

/// The last uploads that were begun, and by whom, the newest first.
fn begun(world: &Given) -> Vec<(AccountId, FileId)> {
    let begun = world.history().iter().rev().filter_map(|it| match FileEvent::of(&it.event) {
        Some(FileEvent::UploadBegun(it)) => Some((it.account_id, it.file_id)),
        Some(
            FileEvent::FileUploaded(_)
            | FileEvent::UploadAbandoned(_)
            | FileEvent::UploadRefused(_)
            | FileEvent::FileKept(_)
            | FileEvent::FileReleased(_)
            | FileEvent::FileWithdrawn(_)
            | FileEvent::FileDiscarded(_)
            | FileEvent::FileSwept(_),
        )
        | None => None,
    });
    begun.take(3).collect()
}

fn begins(which: u8) -> BeginUpload {
    let (name, media_type) = (format!("file {which}"), String::new());
    BeginUpload {
        name,
        media_type,
        size_bytes: which.into(),
        storage_bytes_max: 1_000,
        ..BeginUpload::default()
    }
}

fn finishes(file: &File, which: u8) -> FinishUpload {
    let (file_id, size_bytes) = (file.id, file.size_bytes);
    let contents = Some(format!("{:032x}", which % 4));
    FinishUpload {
        file_id,
        blob: which.into(),
        digest: "00".repeat(32),
        size_bytes,
        contents,
        kept_days: 0,
        in_parts: which.is_multiple_of(5),
    }
}

/// Somebody uploads a file.
pub(super) fn uploaded(world: Given, actor: AccountId, which: u8) -> (Given, FileId) {
    let world = world.when(actor, begins(which)).world;
    let file_id = BeginUpload::file_id(actor, world.last_context(actor).client_id);
    let world = match world.document::<File>(file_id) {
        Some(file) => world.when(actor, finishes(&file, which)).world,
        None => world,
    };
    (world, file_id)
}

/// Begins an upload, or does something with one of the last; what is not there is uploaded first.
pub(super) fn upload(world: Given, actor: AccountId, which: u8) -> Then {
    let found = |world: &Given| {
        let some = begun(world).get(usize::from(which / 6)).copied();
        some.and_then(|(owner, id)| Some((owner, world.document::<File>(id)?)))
    };
    let world = match found(&world) {
        None if !which.is_multiple_of(6) => world.when(actor, begins(which)).world,
        Some(_) | None => world,
    };
    let newest = begun(&world).first().and_then(|(owner, id)| Some((*owner, world.document(id)?)));
    let Some((owner, file)) = found(&world).or(newest).filter(|_| !which.is_multiple_of(6)) else {
        return world.when(actor, begins(which));
    };
    let world = match which % 6 {
        1 => world,
        _ => world.when(owner, finishes(&file, which)).world,
    };
    let file = world.document::<File>(file.id).unwrap_or(file);
    match which % 6 {
        1 | 2 => {
            let due_at = file.until.unwrap_or(NOW);
            let uploaded = which.is_multiple_of(4);
            world.when(owner, EndFile { file_id: file.id, uploaded, due_at })
        }
        3 => world.when(owner, TerminateUpload { file_id: file.id }),
        4 if which > 12 => {
            let begun = world.when(owner, begins(which)).world;
            let file_id = BeginUpload::file_id(owner, begun.last_context(owner).client_id);
            begun.when(owner, RefuseUpload { file_id, reason: RefusalReason::Harmful })
        }
        5 => look_into(world, owner, file.id, which),
        _ => world.when(owner, NoteSwept { file_id: file.id, seq: file.seq }),
    }
}

/// The last message with files that somebody sent.
fn holding(world: &Given, actor: AccountId) -> Option<Message> {
    let sent = world.history().iter().rev().find_map(|it| match MessageEvent::of(&it.event) {
        Some(MessageEvent::MessageSent(it)) if it.author_id == actor => {
            it.files.as_ref().map(|_| it.message_id)
        }
        Some(_) | None => None,
    });
    sent.and_then(|it| world.document(it))
}

/// Sends a file, keeps it, deletes the message that holds it or releases what that held; what is
/// not there is made first.
pub(super) fn attach(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    which: u8,
) -> Then {
    let world = world.when(actor, begins(which)).world;
    let file_id = BeginUpload::file_id(actor, world.last_context(actor).client_id);
    let file = world.document::<File>(file_id);
    let world = match file {
        Some(file) => world.when(actor, finishes(&file, which)).world,
        None => world,
    };
    let attachments = vec![Attach { file_id, kind: AttachmentKind::Photo }];
    let send = SendAttachments::new(conversation_id, attachments);
    if which.is_multiple_of(8) {
        return world.when(actor, send);
    }
    if which.is_multiple_of(4) {
        return replace(world.when(actor, send).world, actor, which);
    }
    let world = world.when(actor, send).world;
    if which % 4 == 1 {
        let until = world.document::<File>(file_id).and_then(|it| it.until);
        let due_at = until.unwrap_or(NOW);
        let world = world.when(actor, KeepFile { file_id, due_at }).world;
        return world.when(actor, ReleaseFile { file_id });
    }
    let world = match which % 8 {
        6 | 7 => replace(world, actor, which).world,
        _ => world,
    };
    let Some(message) = holding(&world, actor) else {
        return world.when(actor, TerminateUpload { file_id });
    };
    let (conversation_id, message_id) = (message.conversation_id, message.id);
    let world = world.when(actor, NoteMedia { conversation_id, message_id, file_id }).world;
    let then = world.when(actor, DeleteMessage { conversation_id, message_id });
    if which % 4 == 2 {
        return then;
    }
    let over = |it: &FileId| then.world.document::<FileUse>(FileUse::id(*it, message_id.0));
    let mut file_ids = message.held().unwrap_or_default();
    file_ids.retain(|it| over(it).is_some());
    then.world.when(actor, NoteReleased { conversation_id, message_id, file_ids })
}

/// Puts a file in the place of the one that somebody sent last.
fn replace(world: Given, actor: AccountId, which: u8) -> Then {
    let world = world.when(actor, begins(which)).world;
    let new_file_id = BeginUpload::file_id(actor, world.last_context(actor).client_id);
    let world = match world.document::<File>(new_file_id) {
        Some(file) => world.when(actor, finishes(&file, which)).world,
        None => world,
    };
    let message = holding(&world, actor);
    let held = message.and_then(|it| Some((it.conversation_id, it.id, *it.files.first()?)));
    let Some((conversation_id, message_id, file_id)) = held else {
        return world.when(actor, TerminateUpload { file_id: new_file_id });
    };
    world.when(actor, ReplaceAttachment { conversation_id, message_id, file_id, new_file_id })
}

/// Somebody looks into a file, and it comes to something or not.
fn look_into(world: Given, owner: AccountId, file_id: FileId, which: u8) -> Then {
    let world = match which / 6 % 4 {
        0 => world,
        1 => world.when(owner, ConvertFile { file_id, format: MediaFormat::Png }).world,
        2 => world.when(owner, RedoMedia { file_id, tool: 2 }).world,
        _ => {
            let seq = world.document::<Media>(file_id).map_or(0, |it| it.ended);
            world.when(owner, NoteTold { file_id, seq }).world
        }
    };
    let media = world.document::<Media>(file_id);
    let next = media.as_ref().and_then(|it| it.next());
    let (kind, attempts, asked) =
        next.map_or((JobKind::Previews, 0, 0), |it| (it.kind, it.attempts, it.asked));
    let (attempt, tool) = (attempts + 1, 1 + u32::from(which % 2));
    let job_id = job_id(file_id, kind, tool, asked);
    let seq = media.map_or(0, |it| it.seq);
    let world = world.when(owner, StartMedia { file_id, kind, tool, attempt, seq }).world;
    let variant = Variant {
        name: "96.webp".to_owned(),
        media_type: "image/webp".to_owned(),
        width: Some(96),
        height: None,
        size_bytes: which.into(),
        fragments: None,
    };
    let outcome = MediaOutcome { variants: vec![variant], ..MediaOutcome::default() };
    let then = match which / 6 {
        0 | 2 => {
            let failure = MediaFailure::ALL[usize::from(which) % MediaFailure::ALL.len()];
            world.when(owner, FailMedia { file_id, job_id, attempt, failure })
        }
        _ => {
            let blobs = vec![which.into()];
            world.when(owner, RecordMedia { file_id, job_id, attempt, blobs, outcome })
        }
    };
    match which / 6 % 4 {
        1 | 3 => {
            let seq = then.world.document::<Media>(file_id).map_or(0, |it| it.ended);
            then.world.when(owner, NoteTold { file_id, seq })
        }
        _ => then,
    }
}
