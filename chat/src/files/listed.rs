//! The law of contents that stay in the parts that they came in.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use ports::blobs::{BlobKey, Blobs};
use proptest::prelude::*;

use super::part_list::read_list;
use super::*;
use crate::kernel::testing::{Given, account, finish, given};
use ports::keys::Secret;

const KEY: Secret = [5; 32];
const SIZE: u64 = 200_000;

/// A file of Ann's that lies in parts.
fn file() -> (Given, File) {
    let (world, id) = given().person(1, "ann").begins_upload(1, SIZE);
    let finish = FinishUpload { blob: 7, in_parts: true, ..finish(id, SIZE) };
    let world = world.and(account(1), finish);
    let file = world.document::<File>(id).expect("it was uploaded");
    (world, file)
}

fn plain() -> Vec<u8> {
    (0..SIZE).map(|it| (it % 251) as u8).collect()
}

async fn put(blobs: &dyn Blobs, key: &BlobKey, sealed: Bytes) {
    blobs.put(key, sealed.into()).await.map(drop).expect("stored");
}

/// Stores the contents in parts that end there, and the list of them.
async fn stored(blobs: &dyn Blobs, file: &File, ends: &[u64]) -> Vec<ListedPart> {
    let (mut start, mut parts) = (0, Vec::new());
    for (n, end) in ends.iter().copied().enumerate() {
        let salt = [n as u8; SALT_BYTES];
        let mut sealer = Sealer::part(&KEY, start, salt);
        sealer.push(&plain()[start as usize..end as usize]);
        sealer.finish();
        let key = part_key(file.id, start, n as u64, true);
        put(blobs, &key, sealer.take()).await;
        parts.push(ListedPart::new(&key, start, end - start, salt));
        start = end;
    }
    let list = seal_list(&KEY, [9; SALT_BYTES], &parts);
    put(blobs, &contents_blob(file.id, 7), list).await;
    parts
}

async fn read(blobs: &Arc<dyn Blobs>, file: &File, span: (u64, u64)) -> Option<Vec<u8>> {
    let contents = read_contents(blobs, file, &KEY, span).await.ok()?;
    let all: Vec<Bytes> = contents.try_collect().await.ok()?;
    Some(all.concat())
}

fn play<T>(play: impl AsyncFnOnce(Arc<dyn Blobs>) -> T) -> T {
    let folder = tempfile::tempdir().expect("a folder");
    let blobs = ports::blobs::open(folder.path()).expect("blobs");
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
        .block_on(play(blobs))
}

#[test]
fn a_file_knows_whether_it_lies_in_parts_until_it_is_over() {
    let (world, it) = file();
    assert_eq!((it.blob, it.in_parts), (Some(7), true));
    let world = world.and(account(1), TerminateUpload { file_id: it.id });
    let over = world.document::<File>(it.id).expect("it is to be swept");
    assert_eq!((over.blob, over.in_parts), (None, false));
}

#[test]
fn large_contents_of_few_parts_stay_in_them() {
    let (_, it) = file();
    let of = |size_bytes| File { size_bytes, ..it.clone() };
    let least = JOINED_BYTES_MAX + 1;
    assert!(of(least).is_listed_in(16) && of(SIZE_BYTES_MAX).is_listed_in(LISTED_MAX));
    assert!(!of(JOINED_BYTES_MAX).is_listed_in(1) && !of(least).is_listed_in(17));
    assert!(!of(SIZE_BYTES_MAX).is_listed_in(LISTED_MAX + 1));
    let others = [
        File { direct: true, ..of(least) },
        File { partial: true, ..of(least) },
        File { pieces: vec![it.id], ..of(least) },
    ];
    assert!(others.iter().all(|it| !it.may_be_listed()));
}

#[test]
fn the_longest_list_is_read() {
    play(async |blobs| {
        let file = File { size_bytes: u64::MAX, ..file().1 };
        let each = u64::MAX / LISTED_MAX as u64;
        let part = |n: u64| {
            let end = if n + 1 == LISTED_MAX as u64 { u64::MAX } else { each * (n + 1) };
            let key = part_key(file.id, each * n, u64::MAX, true);
            ListedPart::new(&key, each * n, end - each * n, [255; SALT_BYTES])
        };
        let parts: Vec<_> = (0..LISTED_MAX as u64).map(part).collect();
        let list = seal_list(&KEY, [9; SALT_BYTES], &parts);
        put(&*blobs, &contents_blob(file.id, 7), list).await;
        assert_eq!(parts_of(&*blobs, &file, &KEY).await.expect("a list"), parts);
    });
}

#[test]
fn a_list_is_of_parts_of_that_file_that_follow_each_other() {
    let (_, it) = file();
    let part =
        |start, size| ListedPart::new(&part_key(it.id, start, 1, true), start, size, [1; 32]);
    let listed = |parts: &[ListedPart]| {
        let plain = serde_json::to_vec(parts).expect("it is plain data");
        read_list(&it, &plain).is_some()
    };
    assert!(listed(&[part(0, SIZE)]) && listed(&[part(0, 5), part(5, SIZE - 5)]));
    let other = FileId(account(9).0);
    let theirs = ListedPart::new(&part_key(other, 0, 1, true), 0, SIZE, [1; 32]);
    for wrong in [
        &[][..],
        &[part(0, SIZE - 1)],
        &[part(0, SIZE + 1)],
        &[part(0, 5), part(6, SIZE - 6)],
        &[part(5, SIZE - 5), part(0, 5)],
        &[part(0, u64::MAX), part(u64::MAX, u64::MAX)],
        &[theirs],
    ] {
        assert!(!listed(wrong), "{wrong:?}");
    }
    assert!(read_list(&it, b"[{}]").is_none());
}

#[test]
fn what_was_exchanged_changed_or_is_missing_does_not_open() {
    play(async |blobs| {
        let (_, file) = file();
        let parts = stored(&*blobs, &file, &[70_000, 140_000, SIZE]).await;
        let [first, second, _] = [0, 1, 2].map(|it: usize| parts[it].blob().expect("a key"));
        assert_eq!(read(&blobs, &file, (0, SIZE)).await, Some(plain()));
        // What somebody else has sealed for the same place.
        let mut sealer = Sealer::part(&KEY, 70_000, [8; SALT_BYTES]);
        sealer.push(&[0; 70_000]);
        sealer.finish();
        put(&*blobs, &second, sealer.take()).await;
        assert_eq!(read(&blobs, &file, (0, SIZE)).await, None);
        assert_eq!(read(&blobs, &file, (0, 70_000)).await, Some(plain()[..70_000].to_vec()));
        blobs.delete(&first).await.expect("deleted");
        assert_eq!(read(&blobs, &file, (69_999, 1)).await, None);
        assert_eq!(read(&blobs, &file, (140_000, 1)).await, Some(vec![plain()[140_000]]));
        let list = contents_blob(file.id, 7);
        put(&*blobs, &list, seal_list(&[6; 32], [9; SALT_BYTES], &parts)).await;
        assert_eq!(read(&blobs, &file, (140_000, 1)).await, None);
        blobs.delete(&list).await.expect("deleted");
        assert!(parts_of(&*blobs, &file, &KEY).await.is_err());
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_span_is_that_of_the_contents(
        cuts in prop::collection::btree_set(1..SIZE, 0..5),
        spans in prop::collection::vec((0..SIZE, 0..SIZE), 1..5),
    ) {
        play(async |blobs| {
            let (_, file) = file();
            let ends: Vec<u64> = cuts.into_iter().chain([SIZE]).collect();
            stored(&*blobs, &file, &ends).await;
            for (from, bytes) in spans {
                let bytes = bytes.min(SIZE - from);
                let wanted = plain()[from as usize..(from + bytes) as usize].to_vec();
                prop_assert_eq!(read(&blobs, &file, (from, bytes)).await, Some(wanted));
            }
            Ok(())
        })?;
    }
}
