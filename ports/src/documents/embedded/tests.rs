//! A disk that is full while documents are committed.

use super::*;

const THINGS: Collection = Collection { name: "things", indexes: &[] };

fn limit(documents: &Embedded, pages: u32) {
    let sql = format!("PRAGMA max_page_count = {pages}");
    documents.store.writer().execute_batch(&sql).unwrap();
}

/// A document that needs 25 pages and more, given to a file that has room for eight.
async fn crowded(durability: Durability) -> (Embedded, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let documents = Embedded::open(&folder.path().join("documents.db"), durability).unwrap();
    documents.declare(&[THINGS]).await.unwrap();
    limit(&documents, 8);
    documents.write(0, vec![large(1)], mark(1)).await.unwrap();
    assert!(documents.index().await.is_err(), "it is full");
    (documents, folder)
}

fn large(ordinal: u64) -> Write {
    let key = Key { collection: THINGS.name, id: ordinal.to_string() };
    Write {
        key,
        ordinal,
        index_keys: Vec::new(),
        body: Some(vec![b'x'; 400_000].into()),
        first: false,
    }
}

fn mark(pos: u64) -> Mark {
    Mark { pos, checkpoint: Bytes::new() }
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(test);
}

#[test]
fn a_full_disk_loses_nothing_and_is_recovered_from() {
    run(async {
        let (documents, _folder) = crowded(Durability::Rebuildable).await;
        let key = large(1).key;
        assert!(documents.load(std::slice::from_ref(&key)).await.unwrap()[0].is_some());
        limit(&documents, 10_000);
        documents.index().await.unwrap();
        assert!(documents.store.layers().get(&key).is_none(), "it is in the file");
        assert!(documents.load(&[key]).await.unwrap()[0].is_some());
    });
}

#[test]
fn a_file_that_could_not_be_filled_is_refused_for_good() {
    run(async {
        let (documents, _folder) = crowded(Durability::Filling).await;
        limit(&documents, 10_000);
        assert!(documents.index().await.is_err());
        assert!(documents.write(0, vec![large(2)], mark(2)).await.is_err());
    });
}
