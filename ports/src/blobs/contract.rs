//! What every store of blobs promises, as cases to be run against an adapter.

mod content;
mod listing;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all, poll_immediate};
use futures_util::stream::{self, StreamExt, TryStreamExt};

use super::{
    BlobKey, Blobs, Grant, KEY_CHARS_MAX, LINK_BYTES_MAX, LINK_MAX, Listed, Put, SIZE_BYTES_MAX,
    Source, Span,
};
use crate::ErrorKind;
use crate::promise::cases;

use content::{broken, collect, pattern, pieces, sha256};
use listing::{
    a_list_goes_on_in_the_order_of_the_keys_bytes, a_list_has_as_many_as_it_may_and_not_one_more,
    a_list_has_the_keys_that_begin_with_something,
};

/// Opens the store of one case again and again: the same place each time.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Blobs>> + Send + Sync>;

cases! {
    Open:
    what_is_put_is_read_again
    an_empty_blob_is_a_blob
    a_large_blob_is_whole
    a_blob_of_about_one_part_is_whole
    a_span_is_cut_to_the_blob
    absent_is_none
    deleting_twice_is_deleting_once
    a_list_goes_on_in_the_order_of_the_keys_bytes
    a_list_has_the_keys_that_begin_with_something
    a_list_has_as_many_as_it_may_and_not_one_more
    what_one_handle_puts_the_other_reads
    the_last_of_two_puts_wins
    concurrent_puts_leave_one_of_them_whole
    a_reader_goes_on_with_what_it_began
    a_source_that_fails_leaves_what_was_there
    a_put_that_is_given_up_leaves_what_was_there
    what_differs_from_what_was_said_is_not_stored
    what_is_too_large_is_not_stored
    the_longest_key_is_a_key
    a_blob_survives_reopening
    a_link_is_good_for_seven_days_at_most
}

/// More than two parts of 8 MiB.
const LARGE: usize = (20 << 20) + 123;

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).expect("a key")
}

async fn put(blobs: &Arc<dyn Blobs>, name: &str, bytes: &Bytes) {
    let stored = blobs.put(&key(name), bytes.clone().into()).await.expect("a put");
    assert_eq!(stored, Put::Stored { size_bytes: bytes.len() as u64 });
}

async fn get(blobs: &Arc<dyn Blobs>, name: &str, span: Span) -> Option<(u64, Bytes)> {
    let reading = blobs.get(&key(name), span).await.expect("a get")?;
    Some((reading.size_bytes, collect(reading.bytes).await.expect("all bytes")))
}

/// Whether the blob of that name has these bytes, all of them.
async fn has(blobs: &Arc<dyn Blobs>, name: &str, bytes: &Bytes) -> bool {
    let whole = get(blobs, name, Span::Whole).await;
    let size = blobs.size(&key(name)).await.expect("a size");
    size == Some(bytes.len() as u64)
        && whole.is_some_and(|it| it == (bytes.len() as u64, bytes.clone()))
}

async fn names(blobs: &Arc<dyn Blobs>, after: Option<&str>, limit: usize) -> Vec<String> {
    let after = after.map(key);
    let listed = blobs.list("", after.as_ref(), limit).await.expect("a list");
    listed.into_iter().map(|it| it.key.to_string()).collect()
}

async fn what_is_put_is_read_again(open: Open) {
    let blobs = open().await;
    let bytes = pattern(1, 100_000);
    put(&blobs, "a", &bytes).await;
    assert!(has(&blobs, "a", &bytes).await);
    let listed = Listed { key: key("a"), size_bytes: 100_000 };
    assert_eq!(blobs.list("", None, 10).await.expect("a list"), [listed]);
}

async fn an_empty_blob_is_a_blob(open: Open) {
    let blobs = open().await;
    put(&blobs, "a", &Bytes::new()).await;
    assert!(has(&blobs, "a", &Bytes::new()).await);
    let nothing = stream::iter([Ok(Bytes::new()), Ok(Bytes::new())]).boxed();
    let stored = blobs.put(&key("b"), Source::stream(nothing)).await.expect("a put");
    assert_eq!(stored, Put::Stored { size_bytes: 0 });
    assert_eq!(names(&blobs, None, 10).await, ["a", "b"]);
}

async fn a_large_blob_is_whole(open: Open) {
    let blobs = open().await;
    let bytes = pattern(1, LARGE);
    let stored = Put::Stored { size_bytes: LARGE as u64 };
    let unknown = Source::stream(pieces(&bytes));
    assert_eq!(blobs.put(&key("a"), unknown).await.expect("a put"), stored);
    assert!(has(&blobs, "a", &bytes).await);
    let size_bytes = Some(LARGE as u64);
    let known = Source { bytes: pieces(&bytes), size_bytes, sha256: Some(sha256(&bytes)) };
    assert_eq!(blobs.put(&key("b"), known).await.expect("a put"), stored);
    assert!(has(&blobs, "b", &bytes).await);
    let seam = Span::From { offset: (8 << 20) - 1, bytes_max: (8 << 20) + 2 };
    let across = bytes.slice((8 << 20) - 1..(16 << 20) + 1);
    assert!(get(&blobs, "b", seam).await == Some((LARGE as u64, across)));
}

async fn a_blob_of_about_one_part_is_whole(open: Open) {
    let blobs = open().await;
    for length in [(8 << 20) - 1, 8 << 20, (8 << 20) + 1] {
        let bytes = pattern(length as u64, length);
        put(&blobs, "a", &bytes).await;
        assert!(has(&blobs, "a", &bytes).await, "{length}");
    }
}

async fn a_span_is_cut_to_the_blob(open: Open) {
    let blobs = open().await;
    put(&blobs, "a", &Bytes::from_static(b"0123456789")).await;
    put(&blobs, "empty", &Bytes::new()).await;
    let from = |offset, bytes_max| Span::From { offset, bytes_max };
    let last = |bytes_max| Span::Last { bytes_max };
    for (span, wanted) in [
        (from(0, 1), "0"),
        (from(9, 1), "9"),
        (from(3, 4), "3456"),
        (from(0, 10), "0123456789"),
        (from(8, 5), "89"),
        (from(3, u64::MAX), "3456789"),
        (from(3, 0), ""),
        (from(10, 1), ""),
        (from(u64::MAX, u64::MAX), ""),
        (last(1), "9"),
        (last(3), "789"),
        (last(10), "0123456789"),
        (last(11), "0123456789"),
        (last(u64::MAX), "0123456789"),
        (last(0), ""),
    ] {
        let found = get(&blobs, "a", span).await;
        assert_eq!(found, Some((10, Bytes::from_static(wanted.as_bytes()))), "{span:?}");
    }
    for span in [Span::Whole, from(0, 1), from(0, 0), from(1, 1), last(1), last(0)] {
        assert_eq!(get(&blobs, "empty", span).await, Some((0, Bytes::new())), "{span:?}");
    }
}

async fn absent_is_none(open: Open) {
    let blobs = open().await;
    put(&blobs, "ab", &Bytes::from_static(b"x")).await;
    for name in ["a", "abc"] {
        assert_eq!(blobs.size(&key(name)).await.expect("a size"), None);
        for span in
            [Span::Whole, Span::From { offset: 0, bytes_max: 0 }, Span::Last { bytes_max: 1 }]
        {
            assert_eq!(get(&blobs, name, span).await, None);
        }
    }
    assert!(names(&blobs, Some("ab"), 10).await.is_empty());
}

async fn deleting_twice_is_deleting_once(open: Open) {
    let blobs = open().await;
    blobs.delete(&key("a")).await.expect("deleting what never was");
    for name in ["a", "b"] {
        put(&blobs, name, &Bytes::from_static(b"x")).await;
    }
    for _ in 0..2 {
        blobs.delete(&key("a")).await.expect("deleting");
        assert_eq!(get(&blobs, "a", Span::Whole).await, None);
        assert_eq!(names(&blobs, None, 10).await, ["b"]);
    }
    put(&blobs, "a", &Bytes::from_static(b"y")).await;
    assert!(has(&blobs, "a", &Bytes::from_static(b"y")).await);
}

async fn what_one_handle_puts_the_other_reads(open: Open) {
    let (one, two) = (open().await, open().await);
    let bytes = pattern(1, 1_000);
    put(&one, "a", &bytes).await;
    assert!(has(&two, "a", &bytes).await);
    two.delete(&key("a")).await.expect("deleting");
    assert_eq!(get(&one, "a", Span::Whole).await, None);
}

async fn the_last_of_two_puts_wins(open: Open) {
    let blobs = open().await;
    for (seed, length) in [(1, 100), (2, LARGE), (3, 10), (4, 0)] {
        let bytes = pattern(seed, length);
        put(&blobs, "a", &bytes).await;
        assert!(has(&blobs, "a", &bytes).await, "{length}");
    }
}

async fn concurrent_puts_leave_one_of_them_whole(open: Open) {
    let (one, two) = (open().await, open().await);
    let all: Vec<Bytes> = (1..=8).map(|it| pattern(it, it as usize * 1_500_000)).collect();
    for _ in 0..3 {
        let puts = all.iter().enumerate().map(|(n, bytes)| {
            let blobs = if n % 2 == 0 { &one } else { &two };
            put(blobs, "a", bytes)
        });
        let reader = async {
            let seen = get(&two, "a", Span::Whole).await;
            assert!(seen.is_none_or(|(_, it)| all.contains(&it)), "a reader sees one whole");
        };
        tokio::join!(join_all(puts), reader);
        let (_, left) = get(&one, "a", Span::Whole).await.expect("a blob");
        assert!(all.contains(&left));
        assert!(has(&two, "a", &left).await);
    }
}

async fn a_reader_goes_on_with_what_it_began(open: Open) {
    let blobs = open().await;
    let bytes = pattern(1, LARGE);
    put(&blobs, "a", &bytes).await;
    let mut reading = blobs.get(&key("a"), Span::Whole).await.expect("a get").expect("a blob");
    let first = reading.bytes.try_next().await.expect("bytes").expect("bytes");
    put(&blobs, "a", &pattern(2, LARGE)).await;
    let rest = collect(reading.bytes).await.expect("all bytes");
    assert!([first, rest].concat() == bytes);
}

async fn a_source_that_fails_leaves_what_was_there(open: Open) {
    let blobs = open().await;
    let before = pattern(1, 1_000);
    put(&blobs, "a", &before).await;
    for length in [0, 100, LARGE] {
        for name in ["a", "b"] {
            let source = Source::stream(broken(&pattern(2, length)));
            let error = blobs.put(&key(name), source).await.expect_err("the sender has gone");
            assert_eq!((error.kind, error.port), (ErrorKind::Unavailable, "upload"));
        }
        assert!(has(&blobs, "a", &before).await);
        assert_eq!(names(&blobs, None, 10).await, ["a"]);
    }
}

async fn a_put_that_is_given_up_leaves_what_was_there(open: Open) {
    let blobs = open().await;
    let before = pattern(1, 1_000);
    put(&blobs, "a", &before).await;
    for length in [100, LARGE] {
        // All bytes were read when the source is asked for more.
        let (asked, mut read) = tokio::sync::oneshot::channel();
        let more = stream::once(async move {
            let _ = asked.send(());
            std::future::pending().await
        });
        let source = Source::stream(pieces(&pattern(2, length)).chain(more).boxed());
        let name = key("a");
        let mut put = blobs.put(&name, source);
        while poll_immediate(&mut read).await.is_none() {
            assert!(poll_immediate(&mut put).await.is_none(), "the source has not ended");
            tokio::task::yield_now().await;
        }
        drop(put);
        assert!(has(&blobs, "a", &before).await);
        assert_eq!(names(&blobs, None, 10).await, ["a"]);
    }
}

async fn what_differs_from_what_was_said_is_not_stored(open: Open) {
    let blobs = open().await;
    let before = pattern(1, 1_000);
    put(&blobs, "a", &before).await;
    for length in [0, 100, LARGE] {
        let bytes = pattern(2, length);
        let size = Some(length as u64);
        let (shorter, longer) = (size.map(|it| it + 1), (length as u64).checked_sub(1));
        let mut wrong = sha256(&bytes);
        wrong[31] ^= 1;
        let right = Some(sha256(&bytes));
        for (size_bytes, sha256) in
            [(shorter, right), (longer.or(shorter), None), (size, Some(wrong)), (None, Some(wrong))]
        {
            for name in ["a", "b"] {
                let source = Source { bytes: pieces(&bytes), size_bytes, sha256 };
                let put = blobs.put(&key(name), source).await.expect("an answer");
                assert_eq!(put, Put::Differs, "{length}");
            }
        }
        assert!(has(&blobs, "a", &before).await);
        assert_eq!(names(&blobs, None, 10).await, ["a"]);
    }
}

async fn what_is_too_large_is_not_stored(open: Open) {
    let blobs = open().await;
    let unread = stream::poll_fn(|_| panic!("nothing of it is read")).boxed();
    let size_bytes = Some(SIZE_BYTES_MAX + 1);
    let source = Source { bytes: unread, size_bytes, sha256: None };
    assert_eq!(blobs.put(&key("a"), source).await.expect("an answer"), Put::TooLarge);
    assert_eq!(blobs.size(&key("a")).await.expect("a size"), None);
}

async fn the_longest_key_is_a_key(open: Open) {
    let blobs = open().await;
    let longest = "k".repeat(KEY_CHARS_MAX);
    let bytes = pattern(1, LARGE);
    put(&blobs, &longest, &bytes).await;
    assert!(has(&blobs, &longest, &bytes).await);
    assert_eq!(names(&blobs, Some("k"), 10).await, std::slice::from_ref(&longest));
    blobs.delete(&key(&longest)).await.expect("deleting");
    assert!(names(&blobs, None, 10).await.is_empty());
}

async fn a_blob_survives_reopening(open: Open) {
    let blobs = open().await;
    let (small, large) = (pattern(1, 1_000), pattern(2, LARGE));
    put(&blobs, "small", &small).await;
    put(&blobs, "large", &large).await;
    put(&blobs, "gone", &small).await;
    blobs.delete(&key("gone")).await.expect("deleting");
    drop(blobs);
    let blobs = open().await;
    assert!(has(&blobs, "small", &small).await && has(&blobs, "large", &large).await);
    assert_eq!(names(&blobs, None, 10).await, ["large", "small"]);
}

async fn a_link_is_good_for_seven_days_at_most(open: Open) {
    let blobs = open().await;
    let a = key("a");
    let put = |size_bytes| Grant::Put { size_bytes, sha256: None };
    let second = Duration::from_secs(1);
    for (grant, good, made) in [
        (Grant::Get, LINK_MAX, true),
        (Grant::Get, LINK_MAX + second, false),
        (Grant::Get, second, true),
        (Grant::Get, Duration::ZERO, false),
        (put(LINK_BYTES_MAX), second, true),
        (put(LINK_BYTES_MAX + 1), second, false),
    ] {
        let link = blobs.link(&a, grant, good).await;
        assert_eq!(link.is_ok(), made, "{grant:?} {good:?}");
    }
}
