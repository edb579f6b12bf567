//! What every document store promises, as cases to be run against an adapter.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};

use super::{Collection, Documents, Key, Mark, Order, Scan, Stored, Write};
use crate::event_log::Partition;
use crate::promise::cases;

/// Opens the store of one case again and again: the same place each time.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Documents>> + Send + Sync>;

cases! {
    Open:
    a_document_reads_back_as_written
    absent_is_none
    a_lower_ordinal_changes_nothing
    an_equal_ordinal_changes_nothing
    a_removed_document_is_not_revived_by_a_late_writer
    a_removed_document_can_be_made_again_later
    a_scan_follows_the_bytes_of_the_keys
    a_scan_takes_its_bounds_and_limit
    a_document_without_a_key_is_not_found_by_the_index
    a_changed_key_moves_the_document
    many_load_in_the_order_asked
    the_checkpoint_is_stored_with_the_writes
    an_empty_batch_still_moves_the_checkpoint
    a_late_writer_does_not_put_the_checkpoint_back
    what_was_filled_before_the_index_is_found_by_it
    older_and_newer_writes_are_found_as_one
    what_was_read_is_read_anew_after_a_write
    large_and_empty_bodies_are_kept
    two_handles_race_and_the_highest_ordinal_wins
    a_write_and_a_removal_race_and_the_highest_ordinal_wins
    many_new_documents_race_and_the_highest_ordinals_win
    checkpoints_race_and_the_highest_position_wins
    what_stands_first_in_a_write_is_seen_first
    the_same_document_may_come_twice_in_a_write
    thousands_of_documents_are_written_at_once
    everything_survives_reopening
    declaring_again_keeps_what_is_there
}

const THINGS: Collection = Collection { name: "things", indexes: &["by_owner"] };

async fn start(open: &Open) -> Arc<dyn Documents> {
    let documents = open().await;
    documents.declare(&[THINGS]).await.expect("a declaration");
    documents.index().await.expect("an index");
    documents
}

fn key(id: &str) -> Key {
    Key { collection: THINGS.name, id: id.to_owned() }
}

/// Every other write takes itself for the first of its key: that changes nothing.
fn put(id: &str, ordinal: u64, owner: Option<&str>, body: &str) -> Write {
    Write {
        key: key(id),
        ordinal,
        index_keys: vec![owner.map(str::to_owned)],
        body: Some(body.as_bytes().to_vec().into()),
        first: ordinal % 2 == 1,
    }
}

fn remove(id: &str, ordinal: u64) -> Write {
    Write { key: key(id), ordinal, index_keys: vec![None], body: None, first: ordinal % 2 == 1 }
}

async fn write(documents: &Arc<dyn Documents>, writes: Vec<Write>) -> usize {
    documents.write(0, writes, mark(1, "checkpoint")).await.expect("a write")
}

fn mark(pos: u64, checkpoint: &'static str) -> Mark {
    Mark { pos, checkpoint: Bytes::from_static(checkpoint.as_bytes()) }
}

async fn checkpoint(documents: &Arc<dyn Documents>, partition: Partition) -> Option<Bytes> {
    documents.checkpoint(partition).await.expect("a read")
}

async fn get(documents: &Arc<dyn Documents>, id: &str) -> Option<Stored> {
    documents.load(&[key(id)]).await.expect("a load").pop().expect("an answer a key")
}

fn stored(ordinal: u64, body: &'static str) -> Option<Stored> {
    Some(Stored { ordinal, body: Some(Bytes::from_static(body.as_bytes()).into()) })
}

async fn found(documents: &Arc<dyn Documents>, scan: Scan) -> Vec<String> {
    let found = documents.scan(scan).await.expect("a scan");
    found.into_iter().map(|it| it.id).collect()
}

fn owned_by(owner: &str) -> Scan {
    Scan::prefix(THINGS.name, Some("by_owner"), owner, Order::Ascending, 100)
}

async fn a_document_reads_back_as_written(open: Open) {
    let documents = start(&open).await;
    assert_eq!(write(&documents, vec![put("a", 1, None, "body")]).await, 1);
    assert_eq!(get(&documents, "a").await, stored(1, "body"));
}

async fn absent_is_none(open: Open) {
    let documents = start(&open).await;
    assert_eq!(get(&documents, "a").await, None);
    assert_eq!(checkpoint(&documents, 3).await, None);
    assert_eq!(found(&documents, owned_by("")).await, Vec::<String>::new());
}

async fn a_lower_ordinal_changes_nothing(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 5, Some("x"), "new")]).await;
    assert_eq!(write(&documents, vec![put("a", 4, Some("y"), "old")]).await, 0);
    assert_eq!(get(&documents, "a").await, stored(5, "new"));
    assert_eq!(found(&documents, owned_by("y")).await, Vec::<String>::new());
}

async fn an_equal_ordinal_changes_nothing(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 5, None, "first")]).await;
    assert_eq!(write(&documents, vec![put("a", 5, None, "second")]).await, 0);
    assert_eq!(get(&documents, "a").await, stored(5, "first"));
}

async fn a_removed_document_is_not_revived_by_a_late_writer(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 1, Some("x"), "body")]).await;
    write(&documents, vec![remove("a", 3)]).await;
    assert_eq!(write(&documents, vec![put("a", 2, Some("x"), "late")]).await, 0);
    assert_eq!(get(&documents, "a").await, Some(Stored { ordinal: 3, body: None }));
    assert_eq!(found(&documents, owned_by("x")).await, Vec::<String>::new());
}

async fn a_removed_document_can_be_made_again_later(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![remove("a", 3)]).await;
    write(&documents, vec![put("a", 4, None, "again")]).await;
    assert_eq!(get(&documents, "a").await, stored(4, "again"));
}

async fn a_scan_follows_the_bytes_of_the_keys(open: Open) {
    let documents = start(&open).await;
    let keys = ["B", "a", "a/1", "a/10", "a/2", "aa", "b"];
    let writes = keys.iter().rev().enumerate();
    let writes = writes.map(|(at, it)| put(it, at as u64 + 1, Some(it), "x")).collect();
    write(&documents, writes).await;
    assert_eq!(found(&documents, owned_by("")).await, keys);
    let mut scan = owned_by("");
    scan.order = Order::Descending;
    let mut reversed = keys;
    reversed.reverse();
    assert_eq!(found(&documents, scan).await, reversed);
}

async fn a_scan_takes_its_bounds_and_limit(open: Open) {
    let documents = start(&open).await;
    let ids = ["1", "2", "3", "4"];
    write(&documents, ids.iter().map(|it| put(it, 1, Some(it), "x")).collect()).await;
    let scan = |from: &str, to: &str, limit| Scan {
        collection: THINGS.name,
        index: Some("by_owner"),
        from: from.to_owned(),
        to: to.to_owned(),
        order: Order::Ascending,
        limit,
    };
    assert_eq!(found(&documents, scan("2", "4", 9)).await, ["2", "3"]);
    assert_eq!(found(&documents, scan("1", "5", 2)).await, ["1", "2"]);
    let by_id = Scan { index: None, ..scan("3", "9", 9) };
    assert_eq!(found(&documents, by_id).await, ["3", "4"]);
}

async fn a_document_without_a_key_is_not_found_by_the_index(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 1, None, "x"), put("b", 1, Some("o"), "x")]).await;
    assert_eq!(found(&documents, owned_by("")).await, ["b"]);
}

async fn a_changed_key_moves_the_document(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 1, Some("x"), "1")]).await;
    write(&documents, vec![put("a", 2, Some("y"), "2")]).await;
    assert_eq!(found(&documents, owned_by("x")).await, Vec::<String>::new());
    assert_eq!(found(&documents, owned_by("y")).await, ["a"]);
}

async fn many_load_in_the_order_asked(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 1, None, "A"), put("b", 2, None, "B")]).await;
    let loaded = documents.load(&[key("b"), key("none"), key("a")]).await.expect("a load");
    assert_eq!(loaded, [stored(2, "B"), None, stored(1, "A")]);
    assert_eq!(documents.load(&[]).await.expect("a load"), []);
}

async fn the_checkpoint_is_stored_with_the_writes(open: Open) {
    let documents = start(&open).await;
    let writes = vec![put("a", 1, None, "x")];
    documents.write(9, writes, mark(7, "at 7")).await.expect("a write");
    assert_eq!(checkpoint(&documents, 9).await, Some(Bytes::from_static(b"at 7")));
    assert_eq!(checkpoint(&documents, 8).await, None);
}

async fn an_empty_batch_still_moves_the_checkpoint(open: Open) {
    let documents = start(&open).await;
    for (pos, text) in [(1, "1"), (2, "2")] {
        documents.write(0, vec![], mark(pos, text)).await.expect("a write");
        assert_eq!(checkpoint(&documents, 0).await, Some(Bytes::from_static(text.as_bytes())));
    }
}

async fn a_late_writer_does_not_put_the_checkpoint_back(open: Open) {
    let documents = start(&open).await;
    for (pos, text) in [(5, "at 5"), (4, "at 4"), (5, "again at 5")] {
        documents.write(0, vec![], mark(pos, text)).await.expect("a write");
        assert_eq!(checkpoint(&documents, 0).await, Some(Bytes::from_static(b"at 5")));
    }
}

async fn what_was_filled_before_the_index_is_found_by_it(open: Open) {
    let documents = open().await;
    documents.declare(&[THINGS]).await.expect("a declaration");
    write(&documents, vec![put("b", 1, Some("o"), "x"), put("a", 1, Some("p"), "x")]).await;
    documents.index().await.expect("an index");
    assert_eq!(found(&documents, owned_by("")).await, ["b", "a"]);
}

/// An adapter may keep what was just written apart: settled writes come before `index` here, fresh
/// ones after it.
async fn older_and_newer_writes_are_found_as_one(open: Open) {
    let documents = start(&open).await;
    let settled = ["1", "2", "3", "4", "5"];
    write(&documents, settled.iter().map(|it| put(it, 1, Some(it), "old")).collect()).await;
    documents.index().await.expect("an index");
    let moved = put("2", 2, Some("45"), "moved");
    let fresh = vec![moved, remove("3", 2), put("15", 2, Some("15"), "new"), put("5", 1, None, "")];
    assert_eq!(write(&documents, fresh).await, 3);
    assert_eq!(found(&documents, owned_by("")).await, ["1", "15", "4", "2", "5"]);
    let page = |order, limit| Scan { order, limit, ..owned_by("") };
    assert_eq!(found(&documents, page(Order::Ascending, 3)).await, ["1", "15", "4"]);
    assert_eq!(found(&documents, page(Order::Descending, 3)).await, ["5", "2", "4"]);
    let by_id = Scan { index: None, ..owned_by("") };
    assert_eq!(found(&documents, by_id).await, ["1", "15", "2", "3", "4", "5"]);
    let loaded = documents.load(&[key("2"), key("3"), key("4")]).await.expect("a load");
    let gone = Some(Stored { ordinal: 2, body: None });
    assert_eq!(loaded, [stored(2, "moved"), gone, stored(1, "old")]);
    assert_eq!(write(&documents, vec![put("4", 1, Some("9"), "late")]).await, 0);
    documents.index().await.expect("an index");
    assert_eq!(found(&documents, owned_by("")).await, ["1", "15", "4", "2", "5"]);
}

async fn what_was_read_is_read_anew_after_a_write(open: Open) {
    let documents = start(&open).await;
    for ordinal in 1..5 {
        write(&documents, vec![put("a", ordinal, Some("o"), "x")]).await;
        for _ in 0..2 {
            assert_eq!(get(&documents, "a").await, stored(ordinal, "x"));
            documents.index().await.expect("an index");
        }
    }
    write(&documents, vec![remove("a", 9)]).await;
    documents.index().await.expect("an index");
    assert_eq!(get(&documents, "a").await, Some(Stored { ordinal: 9, body: None }));
}

async fn large_and_empty_bodies_are_kept(open: Open) {
    let documents = start(&open).await;
    let large = "x".repeat(1 << 20);
    write(&documents, vec![put("a", 1, None, &large), put("b", 1, None, "")]).await;
    let body = get(&documents, "a").await.and_then(|it| it.body).expect("a body");
    assert_eq!(*body, *large.as_bytes());
    assert_eq!(get(&documents, "b").await, stored(1, ""));
}

async fn two_handles_race_and_the_highest_ordinal_wins(open: Open) {
    let (one, two) = (start(&open).await, start(&open).await);
    let race = (1..=60_u64).map(|ordinal| {
        let documents = Arc::clone(if ordinal % 2 == 0 { &one } else { &two });
        async move { write(&documents, vec![put("a", ordinal, Some("o"), "x")]).await }
    });
    join_all(race).await;
    assert_eq!(get(&one, "a").await.map(|it| it.ordinal), Some(60));
    assert_eq!(get(&two, "a").await.map(|it| it.ordinal), Some(60));
}

async fn a_write_and_a_removal_race_and_the_highest_ordinal_wins(open: Open) {
    let (one, two) = (start(&open).await, start(&open).await);
    for round in 0..20_u64 {
        let id = round.to_string();
        let (removal, late) = (vec![remove(&id, 2)], vec![put(&id, 1, Some("o"), "x")]);
        tokio::join!(write(&one, removal), write(&two, late));
        assert_eq!(get(&one, &id).await, Some(Stored { ordinal: 2, body: None }));
    }
    assert_eq!(found(&one, owned_by("o")).await, Vec::<String>::new());
}

/// Each round two handles make the same documents, one of them in a newer state: whoever makes a
/// document first, the newer state stands, and one that was removed stays so.
async fn many_new_documents_race_and_the_highest_ordinals_win(open: Open) {
    let (one, two) = (start(&open).await, start(&open).await);
    for round in 0..10_u64 {
        let ids: Vec<String> = (0..20).map(|at| format!("{round}/{at}")).collect();
        let newer = |it: &String| match it.ends_with('7') {
            true => remove(it, 2),
            false => put(it, 2, Some("new"), "new"),
        };
        let newer: Vec<Write> = ids.iter().map(newer).collect();
        let older: Vec<Write> = ids.iter().rev().map(|it| put(it, 1, Some("o"), "old")).collect();
        let (newer, _) = tokio::join!(write(&one, newer), write(&two, older));
        assert_eq!(newer, ids.len());
    }
    assert_eq!(found(&two, owned_by("o")).await, Vec::<String>::new());
    let new = Scan { limit: 1_000, ..owned_by("new") };
    assert_eq!(found(&two, new).await.len(), 180);
    assert_eq!(get(&two, "3/7").await, Some(Stored { ordinal: 2, body: None }));
}

async fn checkpoints_race_and_the_highest_position_wins(open: Open) {
    let (one, two) = (start(&open).await, start(&open).await);
    let race = (1..=40_u64).map(|pos| {
        let documents = Arc::clone(if pos % 2 == 0 { &one } else { &two });
        let mark = Mark { pos, checkpoint: pos.to_string().into() };
        async move { documents.write(5, vec![], mark).await.expect("a write") }
    });
    join_all(race).await;
    assert_eq!(checkpoint(&one, 5).await, Some(Bytes::from_static(b"40")));
    assert_eq!(checkpoint(&two, 5).await, Some(Bytes::from_static(b"40")));
}

async fn what_stands_first_in_a_write_is_seen_first(open: Open) {
    const LATER: Collection = Collection { name: "later", indexes: &[] };
    let documents = start(&open).await;
    documents.declare(&[THINGS, LATER]).await.expect("a declaration");
    let key = Key { collection: LATER.name, id: "z".to_owned() };
    for ordinal in 1..=30_u64 {
        let mut writes: Vec<_> =
            (0..300).map(|it| put(&it.to_string(), ordinal, None, "x")).collect();
        writes.push(Write { key: key.clone(), index_keys: vec![], ..put("z", ordinal, None, "x") });
        let looking = async {
            let at = |it: &[Option<Stored>]| it[0].as_ref().map_or(0, |it| it.ordinal);
            while at(&documents.load(std::slice::from_ref(&key)).await.expect("a load")) < ordinal {
            }
            assert_eq!(get(&documents, "299").await.map(|it| it.ordinal), Some(ordinal));
        };
        tokio::join!(write(&documents, writes), looking);
    }
}

async fn the_same_document_may_come_twice_in_a_write(open: Open) {
    let documents = start(&open).await;
    let twice = vec![
        put("a", 2, Some("x"), "2"),
        put("b", 1, None, "1"),
        put("a", 1, Some("x"), "1"),
        put("a", 3, Some("y"), "3"),
        remove("b", 2),
    ];
    assert_eq!(write(&documents, twice).await, 4);
    assert_eq!(get(&documents, "a").await, stored(3, "3"));
    assert_eq!(get(&documents, "b").await, Some(Stored { ordinal: 2, body: None }));
    assert_eq!(found(&documents, owned_by("")).await, ["a"]);
}

async fn thousands_of_documents_are_written_at_once(open: Open) {
    let documents = start(&open).await;
    let ids: Vec<String> = (0..5_000).map(|it| format!("{it:04}")).collect();
    let writes = || ids.iter().map(|it| put(it, 1, Some(it), "body")).collect();
    assert_eq!(write(&documents, writes()).await, ids.len());
    assert_eq!(write(&documents, writes()).await, 0);
    let keys: Vec<Key> = ids.iter().map(|it| key(it)).collect();
    let loaded = documents.load(&keys).await.expect("a load");
    assert!(loaded.iter().all(|it| *it == stored(1, "body")));
    let all = Scan { limit: 10_000, ..owned_by("") };
    assert_eq!(found(&documents, all).await, ids);
}

async fn everything_survives_reopening(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 1, Some("o"), "x"), remove("b", 2)]).await;
    drop(documents);
    let documents = start(&open).await;
    assert_eq!(get(&documents, "a").await, stored(1, "x"));
    assert_eq!(get(&documents, "b").await, Some(Stored { ordinal: 2, body: None }));
    assert_eq!(found(&documents, owned_by("o")).await, ["a"]);
    assert!(checkpoint(&documents, 0).await.is_some());
}

async fn declaring_again_keeps_what_is_there(open: Open) {
    let documents = start(&open).await;
    write(&documents, vec![put("a", 1, None, "x")]).await;
    documents.declare(&[THINGS]).await.expect("a declaration");
    documents.index().await.expect("an index");
    assert_eq!(get(&documents, "a").await, stored(1, "x"));
}
