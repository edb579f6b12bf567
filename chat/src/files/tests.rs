//! The law of files.

use proptest::prelude::*;

use ports::keys::TreeId;

use super::*;
use crate::Change;
use crate::audience::Audience;
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::{Document, Effect, Recorded, Timestamp};
use crate::timers::Timer;

use super::decide::{clean_name, media_type};

pub(super) const ANN: u8 = 1;
pub(super) const EVE: u8 = 3;

/// The purposes of their timers.
const EXPIRES: &str = "upload-expires";
pub(super) const UNUSED: &str = "file-unused";

/// What an account may keep in these tests.
const STORAGE: u64 = 10 << 30;

pub(super) fn people() -> Given {
    given().person(ANN, "ann").person(EVE, "eve")
}

pub(super) fn upload(size_bytes: u64) -> BeginUpload {
    let (name, media_type) = ("cat.png".to_owned(), "image/png".to_owned());
    BeginUpload {
        name,
        media_type,
        size_bytes,
        storage_bytes_max: STORAGE,
        ..BeginUpload::default()
    }
}

/// Ann begins an upload; gives its id.
pub(super) fn begun(world: Given, size_bytes: u64) -> (Given, FileId) {
    let world = world.and(account(ANN), upload(size_bytes));
    let file = BeginUpload::file_id(account(ANN), world.last_context(account(ANN)).client_id);
    (world, file)
}

pub(super) use crate::kernel::testing::finish;

pub(super) fn file(world: &Given, id: FileId) -> Option<File> {
    world.document::<File>(id)
}

pub(super) fn storage(world: &Given) -> (u64, u64, u64) {
    let it = world.document::<Storage>(account(ANN)).unwrap_or_default();
    (it.bytes, it.files, it.uploads)
}

/// When the timer of a purpose is due that waits for a file.
pub(super) fn due(world: &Given, purpose: &str, id: FileId) -> Option<Timestamp> {
    world.document::<Timer>(format!("{purpose}/{}", id.0.simple())).map(|it| it.due_at)
}

pub(super) fn destroyed(world: &Given) -> Vec<Reaction> {
    world.history().iter().flat_map(crate::reactions).collect()
}

#[test]
fn an_upload_becomes_a_file_once_all_its_bytes_are_stored() {
    let (world, id) = begun(people(), 100);
    let found = file(&world, id).unwrap();
    assert_eq!((found.state, found.size_bytes), (FileState::Uploading, 100));
    let details = open(&found.details).unwrap();
    assert_eq!((details.name.as_str(), details.media_type.as_str()), ("cat.png", "image/png"));
    assert_eq!(found.audience(), Audience::Account(account(ANN)));
    let world = world
        .when(account(ANN), finish(id, 99))
        .then_rejected(FileRejection::NotFound)
        .when(account(EVE), finish(id, 100))
        .then_rejected(FileRejection::NotFound)
        .when(account(ANN), finish(id, 100))
        .then_allowed();
    let found = file(&world, id).unwrap();
    assert_eq!((found.state, found.blob), (FileState::Uploaded, Some(255)));
    assert_eq!(found.digest.as_ref().and_then(|it| it.leaf()), found.leaf());
    let again = FinishUpload { blob: 17, ..finish(id, 100) };
    let world = world.when(account(ANN), again).then([]);
    assert_eq!(file(&world, id).unwrap().blob, Some(255));
}

#[test]
fn a_file_has_2_gib_and_not_a_byte_more() {
    people()
        .when(account(ANN), upload(SIZE_BYTES_MAX))
        .then_allowed()
        .when(account(ANN), upload(SIZE_BYTES_MAX + 1))
        .then_rejected(FileRejection::TooLarge)
        .when(account(ANN), upload(0))
        .then_allowed();
}

#[test]
fn an_account_keeps_what_it_may_and_what_is_begun_counts() {
    let may = |storage_bytes_max| BeginUpload { storage_bytes_max, ..upload(100) };
    let world = people().and(account(ANN), may(300)).and(account(ANN), may(300));
    let first = BeginUpload::file_id(account(ANN), crate::kernel::testing::client_id(7));
    let world = world
        .when(account(ANN), may(299))
        .then_rejected(FileRejection::StorageFull)
        .when(account(ANN), may(300))
        .then_allowed()
        .when(account(ANN), may(300))
        .then_rejected(FileRejection::StorageFull);
    assert_eq!(storage(&world), (300, 0, 3));
    let world = world
        .and(account(ANN), TerminateUpload { file_id: first })
        .when(account(ANN), may(300))
        .then_allowed();
    assert_eq!(storage(&world), (300, 0, 3));
}

#[test]
fn as_many_uploads_are_unfinished_as_may_be() {
    let mut world = people();
    for _ in 0..UPLOADS_MAX {
        world = world.and(account(ANN), upload(1));
    }
    let last = BeginUpload::file_id(account(ANN), world.last_context(account(ANN)).client_id);
    world
        .when(account(ANN), upload(1))
        .then_rejected(FileRejection::TooManyUploads)
        .and(account(ANN), finish(last, 1))
        .when(account(ANN), upload(1))
        .then_allowed();
}

#[test]
fn names_are_only_names() {
    for (said, name) in [
        ("cat.png", "cat.png"),
        ("", "file"),
        (" \t", "file"),
        ("..", "file"),
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.txt", "a.txt"),
        ("a\r\nX: y", "aX: y"),
        ("photo\u{202e}gnp.exe", "photognp.exe"),
        ("\u{2066}a\u{2069}\u{200f}", "a"),
        ("naïve 日本.txt", "naïve 日本.txt"),
    ] {
        assert_eq!(clean_name(said), name, "{said:?}");
    }
    let named = |name: String| BeginUpload { name, ..upload(1) };
    people()
        .when(account(ANN), named("é".repeat(NAME_BYTES_MAX / 2) + "a"))
        .then_allowed()
        .when(account(ANN), named("é".repeat(NAME_BYTES_MAX / 2) + "ab"))
        .then_rejected(FileRejection::NameInvalid);
}

#[test]
fn media_types_are_a_kind_and_a_name() {
    for (said, found) in [
        ("image/png", Some("image/png")),
        ("Text/HTML; charset=utf-8", Some("text/html")),
        ("", Some("application/octet-stream")),
        ("application/vnd.oasis.opendocument.text", None),
        ("image", None),
        ("image/", None),
        ("/png", None),
        ("image/png\r\nX: y", None),
        ("a b/c", None),
        ("image/png/x", None),
    ] {
        let odt = said.contains("oasis").then_some(said);
        assert_eq!(media_type(said).as_deref(), found.or(odt), "{said:?}");
    }
    let most = format!("a/{}", "b".repeat(MEDIA_TYPE_BYTES_MAX - 2));
    assert_eq!(media_type(&most), Some(most.clone()));
    let typed = |media_type: String| BeginUpload { media_type, ..upload(1) };
    people()
        .when(account(ANN), typed(most.clone()))
        .then_allowed()
        .when(account(ANN), typed(format!("{most}b")))
        .then_rejected(FileRejection::TypeInvalid);
}

#[test]
fn an_upload_is_abandoned_after_seven_days_and_an_unused_file_is_discarded_after_one() {
    let (world, slow) = begun(people(), 100);
    let (world, id) = begun(world, 10);
    let expires = Timestamp(NOW.0 + UPLOAD_MS_MAX);
    assert_eq!(due(&world, EXPIRES, id), Some(expires));
    let world = world.later(5).and(account(ANN), finish(id, 10));
    assert_eq!(due(&world, EXPIRES, id), None);
    let unused = Timestamp(NOW.0 + 5 + UNUSED_MS_MAX);
    assert_eq!(due(&world, UNUSED, id), Some(unused));
    assert_eq!(file(&world, id).unwrap().until, Some(unused));
    let ends = |file_id, uploaded| {
        let due_at = if uploaded { unused } else { expires };
        EndFile { file_id, uploaded, due_at }
    };
    // A timer of an upload that has become a file meanwhile changes nothing.
    let world = world.when(account(ANN), ends(id, false)).then([]);
    let world = world.when(account(ANN), ends(slow, false)).then_allowed();
    let world = world.when(account(ANN), ends(id, true)).then_allowed();
    assert_eq!(world.history().last().and_then(|it| it.actor), None);
    for it in [slow, id] {
        assert_eq!(file(&world, it).unwrap().state, FileState::Over);
        assert_eq!(due(&world, EXPIRES, it), None);
        assert_eq!(due(&world, UNUSED, it), None);
    }
    assert_eq!(storage(&world), (0, 0, 0));
    world.when(account(ANN), ends(id, true)).then([]);
}

#[test]
fn its_owner_ends_it_and_nobody_else() {
    let (world, upload) = begun(people(), 100);
    let (world, id) = begun(world, 10);
    let world = world.and(account(ANN), finish(id, 10));
    let ends = |file_id| TerminateUpload { file_id };
    let world = world
        .when(account(EVE), ends(id))
        .then_rejected(FileRejection::NotFound)
        .when(account(ANN), ends(id))
        .then_allowed()
        .when(account(ANN), ends(id))
        .then_rejected(FileRejection::NotFound)
        .when(account(ANN), ends(upload))
        .then_allowed()
        .when(account(ANN), finish(upload, 100))
        .then_rejected(FileRejection::NotFound);
    assert_eq!(storage(&world), (0, 0, 0));
}

#[test]
fn what_is_over_loses_its_key_and_is_remembered_until_it_is_swept() {
    let (world, id) = begun(people(), 10);
    let world = world.and(account(ANN), finish(id, 10));
    let leaf = file(&world, id).unwrap().leaf().unwrap();
    assert_eq!(destroyed(&world), []);
    let parts = file(&world, id).unwrap();
    assert!(parts.left_behind);
    let swept = |seq| NoteSwept { file_id: id, seq };
    let world = world.and(account(ANN), swept(parts.seq));
    assert!(!file(&world, id).unwrap().left_behind);
    let world = world.when(account(ANN), swept(parts.seq)).then([]);
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    let own = account(ANN).0.into_bytes();
    let tree = TreeId { author: own, stream: own };
    assert_eq!(destroyed(&world), [Reaction::DestroyKey { tree, leaf }]);
    let over = file(&world, id).unwrap();
    // What was noted of the parts says nothing of the contents.
    let world = world.when(account(ANN), swept(parts.seq)).then([]);
    let world = world.and(account(ANN), swept(over.seq));
    assert_eq!(file(&world, id), None);
}

#[test]
fn the_owners_own_devices_are_told() {
    let (world, id) = begun(people(), 10);
    let world = world.and(account(ANN), finish(id, 10));
    let seq = file(&world, id).unwrap().seq;
    let world = world.and(account(ANN), NoteSwept { file_id: id, seq });
    let meanings: Vec<_> = world.history().iter().rev().take(3).map(Recorded::meaning).collect();
    let told = (Change::File(id), Effect::None);
    assert_eq!(meanings, [(Change::None, Effect::None), told.clone(), told]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn whatever_happens_storage_counts_what_is_there(
        steps in prop::collection::vec((0..5_u8, 0..8_usize, 0..1_000_u64), 0..60),
    ) {
        let (mut world, mut ids) = (people(), Vec::<FileId>::new());
        for (what, which, size) in steps {
            let Some(id) = ids.get(which % ids.len().max(1)).copied().filter(|_| what > 0) else {
                let (after, id) = begun(world, size);
                world = after;
                ids.push(id);
                continue;
            };
            let found = file(&world, id);
            let (own, seq) = (account(ANN), found.as_ref().map_or(0, |it| it.seq));
            let then = match what {
                1 => world.when(own, finish(id, found.map_or(0, |it| it.size_bytes))),
                2 => world.when(own, TerminateUpload { file_id: id }),
                3 => {
                    let due_at = found.and_then(|it| it.until).unwrap_or(NOW);
                    let uploaded = size % 2 == 0;
                    world.when(own, EndFile { file_id: id, uploaded, due_at })
                }
                _ => world.when(own, NoteSwept { file_id: id, seq }),
            };
            world = then.world;
        }
        let there: Vec<File> = ids.iter().filter_map(|it| file(&world, *it)).collect();
        let of = |state| there.iter().filter(move |it| it.state == state);
        let (open, done) = (FileState::Uploading, FileState::Uploaded);
        let bytes = of(open).chain(of(done)).map(|it| it.size_bytes).sum::<u64>();
        let expected = (bytes, of(done).count() as u64, of(open).count() as u64);
        prop_assert_eq!(storage(&world), expected);
    }
}

#[test]
fn what_is_not_taken_goes_with_its_key_and_a_file_is_not_looked_at_again() {
    let (world, id) = begun(people(), 10);
    let refuse = |file_id| RefuseUpload { file_id, reason: RefusalReason::Harmful };
    let leaf = file(&world, id).unwrap().leaf().unwrap();
    let world = world.and(account(ANN), refuse(id));
    assert_eq!((storage(&world), file(&world, id).unwrap().state), ((0, 0, 0), FileState::Over));
    assert_eq!(due(&world, EXPIRES, id), None);
    let own = account(ANN).0.into_bytes();
    let tree = TreeId { author: own, stream: own };
    let destroyed = destroy_file(world.history().last().unwrap());
    assert_eq!(destroyed, [Reaction::DestroyKey { tree, leaf }]);
    let world = world.when(account(ANN), refuse(id)).then([]);
    let (world, other) = begun(world, 10);
    let world = world.and(account(ANN), finish(other, 10));
    let world = world.when(account(ANN), refuse(other)).then([]);
    let (world, hers) = begun(world, 10);
    world.when(account(EVE), refuse(hers)).then([]);
}

#[test]
fn kinds_are_refused_by_their_type_and_their_ending() {
    let refused = vec!["image/svg+xml".to_owned(), ".exe".to_owned()];
    let begin = |name: &str, media_type: &str| BeginUpload {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        refused: refused.clone(),
        ..upload(1)
    };
    let no = FileRejection::TypeRefused;
    people()
        .when(account(ANN), begin("a", "Image/SVG+XML; charset=utf-8"))
        .then_rejected(no)
        .when(account(ANN), begin("Setup.EXE", ""))
        .then_rejected(no)
        .when(account(ANN), begin("x/setup.exe", "image/png"))
        .then_rejected(no)
        .when(account(ANN), begin("exe", "image/svg"))
        .then_allowed();
}

#[test]
fn what_went_to_the_store_directly_is_swept_once_no_link_is_good_any_more() {
    let swept = |world: &Given, id| {
        let good = NOW.0 + 7 + DIRECT_MS + DIRECT_REST_MS;
        [good - 1, good].map(|it| file(world, id).unwrap().is_to_be_swept(Timestamp(it)))
    };
    let world = people().and(account(ANN), BeginUpload { direct: true, ..upload(10) });
    let id = BeginUpload::file_id(account(ANN), world.last_context(account(ANN)).client_id);
    assert_eq!(swept(&world, id), [false, false]);
    let world = world.later(7).and(account(ANN), finish(id, 10));
    assert_eq!(swept(&world, id), [false, true]);
    let seq = file(&world, id).unwrap().seq;
    let world = world.and(account(ANN), NoteSwept { file_id: id, seq });
    assert_eq!(swept(&world, id), [false, false]);
    let world = world.later(1).and(account(ANN), TerminateUpload { file_id: id });
    assert_eq!(swept(&world, id), [false, false]);
    let (world, id) = begun(people(), 10);
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    assert_eq!(swept(&world, id), [true, true]);
}

#[test]
fn files_are_kept_for_as_long_as_the_operator_keeps_them() {
    let (world, id) = begun(people(), 10);
    let world = world.and(account(ANN), FinishUpload { kept_days: 3, ..finish(id, 10) });
    let ends = Timestamp(NOW.0 + 3 * 24 * 3_600 * 1_000);
    assert_eq!(file(&world, id).unwrap().kept_until, Some(ends));
    assert_eq!(due(&world, "file-ends", id), Some(ends));
    let due_at = file(&world, id).unwrap().until.unwrap();
    let world = world.and(account(ANN), KeepFile { file_id: id, due_at });
    let end = |due_at| EndFile { file_id: id, uploaded: true, due_at };
    let world = world.when(account(ANN), end(due_at)).then([]);
    let world = world.and(account(ANN), end(ends));
    assert_eq!(file(&world, id).unwrap().state, FileState::Over);
    assert_eq!(due(&world, "file-ends", id), None);
}
