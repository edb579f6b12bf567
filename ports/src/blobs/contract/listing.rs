//! Which blobs are listed, and in which order.

use bytes::Bytes;
use futures_util::future::join_all;

use super::super::LIST_MAX;
use super::{Open, key, names, put};

/// Keys in the order of their bytes.
const ORDERED: [&str; 14] = [
    "0", "9", "a", "a-", "a-.b", "a-a", "a.b", "a.b-", "a.b.c", "a.b.c.d", "a.b0", "a0", "a_", "aa",
];

pub(super) async fn a_list_goes_on_in_the_order_of_the_keys_bytes(open: Open) {
    let blobs = open().await;
    assert!(names(&blobs, None, 3).await.is_empty());
    for name in ORDERED.iter().rev() {
        put(&blobs, name, &Bytes::from_static(b"x")).await;
    }
    for limit in 1..=ORDERED.len() + 1 {
        let mut all: Vec<String> = Vec::new();
        loop {
            let page = names(&blobs, all.last().map(String::as_str), limit).await;
            assert!(page.len() <= limit);
            if page.is_empty() {
                break;
            }
            all.extend(page);
        }
        assert_eq!(all, ORDERED);
    }
    assert_eq!(names(&blobs, Some("a-b"), 2).await, ["a.b", "a.b-"], "a key that is not there");
    assert!(names(&blobs, None, 0).await.is_empty());
}

pub(super) async fn a_list_has_the_keys_that_begin_with_something(open: Open) {
    let blobs = open().await;
    for name in ORDERED {
        put(&blobs, name, &Bytes::from_static(b"x")).await;
    }
    let some = ["", "a", "a.", "a.b", "a.b.", "a.b.c", "a.b.c.", "a.b.x", "b", "a-", "a-."];
    for beginning in some {
        for after in [None, Some("0"), Some("a-b"), Some("a.b.c"), Some("a.b.x"), Some("b")] {
            let wanted = ORDERED.into_iter().filter(|it| it.starts_with(beginning));
            let wanted: Vec<_> = wanted.filter(|it| after.is_none_or(|than| *it > than)).collect();
            for limit in [0, 1, 3, 20] {
                let listed = blobs.list(beginning, after.map(key).as_ref(), limit).await;
                let listed = listed.expect("a list");
                let listed: Vec<_> = listed.iter().map(|it| it.key.as_str()).collect();
                let most = limit.min(wanted.len());
                assert_eq!(listed, wanted[..most], "{beginning:?} after {after:?}");
            }
        }
    }
}

pub(super) async fn a_list_has_as_many_as_it_may_and_not_one_more(open: Open) {
    let blobs = open().await;
    let all: Vec<String> = (0..=LIST_MAX).map(|it| format!("{it:05}")).collect();
    let x = Bytes::from_static(b"x");
    for some in all.chunks(16) {
        join_all(some.iter().map(|name| put(&blobs, name, &x))).await;
    }
    let page = names(&blobs, None, usize::MAX).await;
    assert_eq!(page, all[..LIST_MAX]);
    assert_eq!(names(&blobs, page.last().map(String::as_str), usize::MAX).await, all[LIST_MAX..]);
}
