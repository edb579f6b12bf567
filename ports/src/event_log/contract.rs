//! What every event log promises, as cases to be run against an adapter.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};

use super::{Claim, Entry, EventLog, Fold, Kind, RECORD_BYTES_MAX, Verdict};
use crate::promise::cases;
use crate::{Error, ErrorKind};

/// Opens the log of one case again and again: the same place each time.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn EventLog>> + Send + Sync>;

cases! {
    Open:
    an_append_reads_back_at_its_offset
    appends_land_in_call_order
    partitions_do_not_mix
    reading_at_the_end_finds_nothing
    waiting_ends_with_the_next_append
    an_empty_record_is_kept
    the_largest_record_is_kept_and_one_byte_more_refused
    what_was_acknowledged_survives_reopening
    the_identity_survives_reopening
    concurrent_appends_are_each_there_once
    a_stale_append_is_ignored_by_the_fold
    a_page_is_as_long_as_asked
    every_place_reads_the_same_rest
    two_handles_see_each_others_appends_in_one_order
    waiting_ends_with_an_append_of_another_handle
    a_reader_from_the_beginning_sees_every_record_in_order
}

async fn append(log: &Arc<dyn EventLog>, partition: u16, bytes: &'static str) -> u64 {
    let ack = log.append(partition, Bytes::from_static(bytes.as_bytes())).await;
    ack.expect("an append to a healthy log").expect("the log tells the offset")
}

async fn all(log: &Arc<dyn EventLog>, partition: u16) -> Vec<Bytes> {
    let entries = log.read(partition, 0, 10_000).await.expect("a healthy log can be read");
    entries.into_iter().map(|it| it.bytes).collect()
}

async fn an_append_reads_back_at_its_offset(open: Open) {
    let log = open().await;
    let first = append(&log, 0, "one").await;
    let second = append(&log, 0, "two").await;
    assert!(first < second);
    let entries = log.read(0, second, 10).await.expect("a read");
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].offset, &entries[0].bytes[..]), (second, &b"two"[..]));
}

async fn appends_land_in_call_order(open: Open) {
    let log = open().await;
    let records: Vec<Bytes> = (0..200_u32).map(|it| it.to_be_bytes().to_vec().into()).collect();
    let calls: Vec<_> = records.iter().map(|it| log.append(3, it.clone())).collect();
    for outcome in join_all(calls).await {
        outcome.expect("an append");
    }
    assert_eq!(all(&log, 3).await, records);
}

async fn partitions_do_not_mix(open: Open) {
    let log = open().await;
    append(&log, 1, "one").await;
    append(&log, 2, "two").await;
    append(&log, 1, "three").await;
    assert_eq!(all(&log, 1).await, ["one", "three"]);
    assert_eq!(all(&log, 2).await, ["two"]);
    assert_eq!(all(&log, 0).await, Vec::<Bytes>::new());
}

/// From an old record, a recent one or the last, whether records are small or large.
async fn every_place_reads_the_same_rest(open: Open) {
    let log = open().await;
    for size in [1, 10_000, RECORD_BYTES_MAX] {
        let records = vec![Bytes::from(vec![7; size]); 70];
        for outcome in join_all(records.iter().map(|it| log.append(0, it.clone()))).await {
            outcome.expect("an append");
        }
        let told = |entries: &[Entry]| -> Vec<_> {
            entries.iter().map(|it| (it.offset, it.bytes.len())).collect()
        };
        let whole = log.read(0, 0, 10_000).await.expect("a read");
        for (at, entry) in whole.iter().enumerate() {
            let rest = log.read(0, entry.offset, 3).await.expect("a read");
            assert_eq!(told(&rest), told(&whole[at..whole.len().min(at + 3)]));
        }
    }
}

async fn reading_at_the_end_finds_nothing(open: Open) {
    let log = open().await;
    append(&log, 0, "one").await;
    let end = log.end(0).await.expect("an end");
    assert_eq!(log.read(0, end, 10).await.expect("a read"), []);
}

async fn waiting_ends_with_the_next_append(open: Open) {
    let log = open().await;
    append(&log, 0, "one").await;
    let end = log.end(0).await.expect("an end");
    log.wait(0, 0).await.expect("what is there need not be waited for");
    let (waited, _) = tokio::join!(log.wait(0, end), append(&log, 0, "two"));
    waited.expect("a wait");
    assert_eq!(log.read(0, end, 10).await.expect("a read")[0].bytes, "two");
}

async fn an_empty_record_is_kept(open: Open) {
    let log = open().await;
    append(&log, 0, "").await;
    assert_eq!(all(&log, 0).await, [Bytes::new()]);
}

async fn the_largest_record_is_kept_and_one_byte_more_refused(open: Open) {
    let log = open().await;
    let largest = Bytes::from(vec![7; RECORD_BYTES_MAX]);
    log.append(0, largest.clone()).await.expect("the largest record");
    let refused: Error =
        log.append(0, vec![7; RECORD_BYTES_MAX + 1].into()).await.expect_err("too large");
    assert_eq!(refused.kind, ErrorKind::Unavailable);
    assert_eq!(all(&log, 0).await, [largest]);
}

async fn what_was_acknowledged_survives_reopening(open: Open) {
    let log = open().await;
    append(&log, 5, "kept").await;
    drop(log);
    let log = open().await;
    assert_eq!(all(&log, 5).await, ["kept"]);
    let offset = append(&log, 5, "later").await;
    assert!(offset > 0);
}

async fn the_identity_survives_reopening(open: Open) {
    let first = open().await.identity();
    assert_eq!(open().await.identity(), first);
}

async fn concurrent_appends_are_each_there_once(open: Open) {
    let log = open().await;
    let writers = (0..8_u32).map(|writer| {
        let log = Arc::clone(&log);
        async move {
            for n in 0..25_u32 {
                let record = Bytes::from(format!("{writer}/{n}"));
                log.append(0, record).await.expect("an append");
            }
        }
    });
    join_all(writers).await;
    let mut found = all(&log, 0).await;
    assert_eq!(found.len(), 200);
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 200);
}

async fn a_stale_append_is_ignored_by_the_fold(open: Open) {
    let log = open().await;
    let batch = |term, owner| {
        let mut record = Claim { term, owner: [owner; 16] }.record();
        record.header.kind = Kind::Batch;
        record.header.count = 1;
        record.encode()
    };
    let claims = [Claim { term: 1, owner: [1; 16] }, Claim { term: 2, owner: [2; 16] }];
    for claim in claims {
        log.append(0, claim.record().encode()).await.expect("a claim");
    }
    log.append(0, batch(1, 1)).await.expect("a late batch lands in the log");
    log.append(0, batch(2, 2)).await.expect("a batch");
    let mut fold = Fold::default();
    let mut accepted = Vec::new();
    for entry in log.read(0, 0, 100).await.expect("a read") {
        let verdict = fold.step(entry.offset, &entry.bytes).expect("a readable record");
        if let Verdict::Accepted { record, .. } = verdict {
            accepted.push(record.header.owner[0]);
        }
    }
    assert_eq!(accepted, [2]);
}

async fn a_page_is_as_long_as_asked(open: Open) {
    let log = open().await;
    for _ in 0..7 {
        append(&log, 0, "x").await;
    }
    assert_eq!(log.read(0, 0, 5).await.expect("a read").len(), 5);
    assert_eq!(log.read(0, 5, 5).await.expect("a read").len(), 2);
}

async fn two_handles_see_each_others_appends_in_one_order(open: Open) {
    let handles = [open().await, open().await];
    let writers = handles.iter().zip(["left", "right"]).map(|(log, writer)| async move {
        let mut last = 0;
        for n in 0..50 {
            let ack = log.append(0, format!("{writer}/{n}").into()).await;
            last = ack.expect("an append").expect("the log tells the offset");
        }
        last
    });
    let last = join_all(writers).await.into_iter().max().expect("two writers");
    let mut seen = Vec::new();
    for log in &handles {
        log.wait(0, last).await.expect("a wait");
        seen.push(log.read(0, 0, 1_000).await.expect("a read"));
    }
    assert_eq!(seen[0].len(), 100);
    assert_eq!(seen[0], seen[1]);
}

async fn waiting_ends_with_an_append_of_another_handle(open: Open) {
    let (reader, writer) = (open().await, open().await);
    for n in 0..100_u32 {
        let end = reader.end(0).await.expect("an end");
        let record = Bytes::from(n.to_be_bytes().to_vec());
        let (waited, appended) =
            tokio::join!(reader.wait(0, end), writer.append(0, record.clone()));
        waited.expect("a wait");
        appended.expect("an append");
        let entries = reader.read(0, end, 10).await.expect("a read");
        assert_eq!(entries.into_iter().map(|it| it.bytes).collect::<Vec<_>>(), [record]);
    }
}

async fn a_reader_from_the_beginning_sees_every_record_in_order(open: Open) {
    let records: Vec<Bytes> = (0..5_000_u32).map(|it| it.to_be_bytes().to_vec().into()).collect();
    let log = open().await;
    for outcome in join_all(records.iter().map(|it| log.append(4, it.clone()))).await {
        outcome.expect("an append");
    }
    drop(log);
    let log = open().await;
    let end = log.end(4).await.expect("an end");
    let (mut found, mut next) = (Vec::new(), 0);
    while next < end {
        let page = log.read(4, next, 300).await.expect("a read");
        next = page.last().expect("before the end there are records").offset + 1;
        found.extend(page.into_iter().map(|it| it.bytes));
    }
    assert_eq!(found, records);
}
