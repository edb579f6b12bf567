//! What people upload, and what becomes of it.

use crate::accounts::AccountId;
use crate::files::{
    BeginUpload, EndFile, File, FileEvent, FileId, FinishUpload, NoteSwept, TerminateUpload,
};
use crate::kernel::testing::{Given, Then};
use crate::media::{
    FailMedia, Media, MediaFailure, MediaOutcome, RecordMedia, StartMedia, Variant, job_id,
};

/// The last uploads that were begun, and by whom, the newest first.
fn begun(world: &Given) -> Vec<(AccountId, FileId)> {
    let begun = world.history().iter().rev().filter_map(|it| match FileEvent::of(&it.event) {
        Some(FileEvent::UploadBegun(it)) => Some((it.account_id, it.file_id)),
        Some(
            FileEvent::FileUploaded(_)
            | FileEvent::UploadAbandoned(_)
            | FileEvent::FileDiscarded(_)
            | FileEvent::FileSwept(_),
        )
        | None => None,
    });
    begun.take(3).collect()
}

fn begins(which: u8) -> BeginUpload {
    let (name, media_type) = (format!("file {which}"), String::new());
    BeginUpload { name, media_type, size_bytes: which.into(), storage_bytes_max: 1_000 }
}

fn finishes(file: &File, which: u8) -> FinishUpload {
    let (file_id, size_bytes) = (file.id, file.size_bytes);
    FinishUpload { file_id, blob: which.into(), digest: "00".repeat(32), size_bytes }
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
        1 | 2 => world.when(owner, EndFile { file_id: file.id, uploaded: which.is_multiple_of(4) }),
        3 => world.when(owner, TerminateUpload { file_id: file.id }),
        5 => look_into(world, owner, file.id, which),
        _ => world.when(owner, NoteSwept { file_id: file.id, seq: file.seq }),
    }
}

/// Somebody looks into a file, and it comes to something or not.
fn look_into(world: Given, owner: AccountId, file_id: FileId, which: u8) -> Then {
    let (job_id, media) = (job_id(file_id), world.document::<Media>(file_id));
    let attempt = media.map_or(0, |it| it.attempts) + 1;
    let world = world.when(owner, StartMedia { file_id, job_id, attempt }).world;
    let variant = Variant {
        name: "96.webp".to_owned(),
        media_type: "image/webp".to_owned(),
        width: Some(96),
        height: None,
        size_bytes: which.into(),
    };
    let outcome = MediaOutcome { variants: vec![variant], ..MediaOutcome::default() };
    match which / 6 {
        0 | 2 => {
            let failure = MediaFailure::ALL[usize::from(which) % MediaFailure::ALL.len()];
            world.when(owner, FailMedia { file_id, job_id, attempt, failure })
        }
        _ => {
            let blobs = vec![which.into()];
            world.when(owner, RecordMedia { file_id, job_id, attempt, blobs, outcome })
        }
    }
}
