//! What packed documents promise over every store of documents and of blobs.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};

use super::pack::PREFIX;
use super::prune::{LEFT_ALONE_MS, Pruned};
use super::{MEMBERS_MAX, MEMBERS_MIN, Packed, Packs};
use crate::blobs::{BlobKey, Blobs};
use crate::clock::Clock;
use crate::documents::{Collection, Documents, Found, Key, Mark, Order, Scan, Stored, Swap, Write};
use crate::entropy::Entropy;
use crate::promise::cases;

/// A store of documents and one of blobs.
pub type Stores = (Arc<dyn Documents>, Arc<dyn Blobs>);

/// Opens the stores of one case, empty.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Stores> + Send + Sync>;

cases! {
    Open:
    what_is_packed_is_read_as_before
    a_packed_document_is_written_as_before
    few_documents_are_not_packed
    what_comes_later_is_packed_beside_the_rest
    two_who_pack_at_once_lose_nothing
    a_pack_is_removed_once_nothing_points_at_it
    a_pack_that_little_points_at_is_emptied
    a_young_pack_is_left_alone
    a_missing_pack_is_told
    a_swap_finds_what_has_its_ordinal
}

const THINGS: Collection = Collection { name: "things", indexes: &["by_owner", "by_time"] };

struct Place {
    documents: Arc<dyn Documents>,
    blobs: Arc<dyn Blobs>,
    packs: Arc<Packs>,
}

/// A clock that shows what it is told to.
struct Told(i64);

impl Clock for Told {
    fn now_ms(&self) -> i64 {
        self.0
    }
}

const NOW_MS: i64 = 1_700_000_000_000;

impl Place {
    /// A place with so many documents of Ann, and one of Bob.
    async fn with(open: &Open, count: usize) -> Self {
        let (documents, blobs) = open().await;
        documents.declare(&[THINGS]).await.expect("a declaration");
        let place = Self { packs: packs(&documents, &blobs, NOW_MS), documents, blobs };
        place.packs.declare(&[THINGS]).await.expect("a declaration");
        let ann = (0..count).map(|n| thing(n, 1, "ann"));
        place.write(ann.chain([thing(1_000_000, 1, "bob")]).collect()).await;
        place.documents.index().await.expect("an index");
        place
    }

    async fn write(&self, writes: Vec<Write>) {
        let mark = Mark { pos: 1, checkpoint: "1".into() };
        self.packs.write(0, writes, mark).await.expect("a write");
    }

    async fn pack(&self) -> Packed {
        self.packs.pack(&of_ann()).await.expect("packed")
    }

    async fn prune(&self, now_ms: i64) -> Pruned {
        let packs = packs(&self.documents, &self.blobs, now_ms);
        packs.declare(&[THINGS]).await.expect("a declaration");
        packs.prune(None, 100).await.expect("pruned")
    }

    /// Everything that is found by an index, in both directions, and by the ids.
    async fn all(&self) -> Vec<Vec<Found>> {
        let by_time = |order| Scan::prefix("things", Some("by_time"), "", order, 10_000);
        let by_id = Scan::prefix("things", None, "", Order::Ascending, 10_000);
        let scans = [by_time(Order::Ascending), by_time(Order::Descending), by_id];
        join_all(scans.map(|it| async { self.packs.scan(it).await.expect("a scan") })).await
    }

    async fn get(&self, n: usize) -> Option<Stored> {
        let key = Key { collection: THINGS.name, id: id(n) };
        self.packs.load(&[key]).await.expect("a load").pop().flatten()
    }

    async fn kept(&self) -> Vec<BlobKey> {
        let listed = self.blobs.list(PREFIX, None, 1_000).await.expect("a list");
        listed.into_iter().map(|it| it.key).collect()
    }
}

fn packs(documents: &Arc<dyn Documents>, blobs: &Arc<dyn Blobs>, now_ms: i64) -> Arc<Packs> {
    let clock: Arc<dyn Clock> = Arc::new(Told(now_ms));
    let entropy: Arc<dyn Entropy> = Arc::new(crate::entropy::System);
    Packs::over(Arc::clone(documents), blobs, &clock, &entropy)
}

fn id(n: usize) -> String {
    // Not in the order of the times.
    format!("{:04x}-{n}", n.wrapping_mul(40_503) % 65_536)
}

fn thing(n: usize, ordinal: u64, owner: &str) -> Write {
    Write {
        key: Key { collection: THINGS.name, id: id(n) },
        ordinal,
        index_keys: vec![Some(owner.to_owned()), Some(format!("{owner}/{n:08}"))],
        body: Some(format!("{{\"n\":{n},\"at\":{ordinal}}}").into_bytes().into()),
        first: ordinal == 1,
    }
}

fn of_ann() -> Scan {
    Scan::prefix("things", Some("by_time"), "ann/", Order::Ascending, 1)
}

async fn what_is_packed_is_read_as_before(open: Open) {
    let count = 2 * MEMBERS_MAX + 7;
    let place = Place::with(&open, count).await;
    let before = place.all().await;
    assert!(!place.packs.is_packed(&of_ann()).await.expect("an answer"));
    let packed = place.pack().await;
    assert_eq!(packed.documents, count as u64);
    assert!(packed.packed_bytes < packed.body_bytes, "{packed:?}");
    assert!(place.packs.is_packed(&of_ann()).await.expect("an answer"));
    assert_eq!(place.kept().await.len(), 3);
    assert_eq!(place.all().await, before);
    for n in [0, 7, MEMBERS_MAX, count - 1, 1_000_000] {
        let owner = if n == 1_000_000 { "bob" } else { "ann" };
        assert_eq!(place.get(n).await.and_then(|it| it.body), thing(n, 1, owner).body);
    }
    // Not in the documents, and there is nothing to be packed once more.
    let raw = place.documents.scan(Scan { limit: 1_000, ..of_ann() }).await.expect("a scan");
    let bodies = raw.iter().filter_map(|it| it.stored.body.as_ref());
    assert!(bodies.clone().count() == count && bodies.clone().all(|it| it[0] == 0));
    assert_eq!(place.pack().await, Packed::default());
}

async fn a_packed_document_is_written_as_before(open: Open) {
    let place = Place::with(&open, 50).await;
    place.pack().await;
    let late = thing(3, 1, "bob");
    let removed = Write { body: None, index_keys: vec![None, None], ..thing(5, 3, "ann") };
    place.write(vec![thing(4, 2, "ann"), removed, late]).await;
    assert_eq!(place.get(3).await.and_then(|it| it.body), thing(3, 1, "ann").body);
    assert_eq!(place.get(4).await.and_then(|it| it.body), thing(4, 2, "ann").body);
    assert_eq!(place.get(5).await, Some(Stored { ordinal: 3, body: None }));
    assert_eq!(place.all().await[0].len(), 50);
}

async fn few_documents_are_not_packed(open: Open) {
    for (count, expected) in [(MEMBERS_MIN - 1, 0), (MEMBERS_MIN, MEMBERS_MIN as u64)] {
        let place = Place::with(&open, count).await;
        assert_eq!(place.pack().await.documents, expected);
    }
}

async fn what_comes_later_is_packed_beside_the_rest(open: Open) {
    let place = Place::with(&open, 40).await;
    place.pack().await;
    place.write(vec![thing(40, 2, "ann"), thing(7, 3, "ann")]).await;
    place.documents.index().await.expect("an index");
    assert!(!place.packs.is_packed(&of_ann()).await.expect("an answer"));
    let before = place.all().await;
    assert_eq!(place.pack().await.documents, 2);
    assert!(place.packs.is_packed(&of_ann()).await.expect("an answer"));
    assert_eq!(place.all().await, before);
}

async fn two_who_pack_at_once_lose_nothing(open: Open) {
    let place = Place::with(&open, 300).await;
    let before = place.all().await;
    let other = packs(&place.documents, &place.blobs, NOW_MS);
    let range = of_ann();
    let (one, two) = tokio::join!(place.packs.pack(&range), other.pack(&range));
    assert!(one.expect("packed").documents + two.expect("packed").documents >= 300);
    assert_eq!(place.all().await, before);
    place.prune(NOW_MS + LEFT_ALONE_MS + 1).await;
    assert_eq!(place.all().await, before);
}

async fn a_pack_is_removed_once_nothing_points_at_it(open: Open) {
    let place = Place::with(&open, 40).await;
    place.pack().await;
    let later = NOW_MS + LEFT_ALONE_MS + 1;
    assert_eq!((place.prune(later).await.removed, place.kept().await.len()), (0, 1));
    place.write((0..40).map(|n| thing(n, 2, "ann")).collect()).await;
    assert_eq!((place.prune(later).await.removed, place.kept().await.len()), (1, 0));
    assert_eq!(place.all().await[0].len(), 41);
}

async fn a_pack_that_little_points_at_is_emptied(open: Open) {
    let place = Place::with(&open, 40).await;
    place.pack().await;
    let later = NOW_MS + LEFT_ALONE_MS + 1;
    for (changed, expected) in [(20, (0, 0)), (21, (0, 1))] {
        place.write((0..changed).map(|n| thing(n, 1 + changed as u64, "ann")).collect()).await;
        let before = place.all().await;
        let pruned = place.prune(later).await;
        assert_eq!((pruned.removed, pruned.emptied), expected);
        assert_eq!(place.all().await, before);
    }
    assert_eq!(place.prune(later).await.removed, 1);
    assert_eq!(place.all().await[0].len(), 41);
}

async fn a_young_pack_is_left_alone(open: Open) {
    let place = Place::with(&open, 40).await;
    place.pack().await;
    place.write((0..40).map(|n| thing(n, 2, "ann")).collect()).await;
    assert_eq!(place.prune(NOW_MS + LEFT_ALONE_MS).await, Pruned::default());
    assert_eq!(place.prune(NOW_MS + LEFT_ALONE_MS + 1).await.removed, 1);
}

async fn a_missing_pack_is_told(open: Open) {
    let place = Place::with(&open, 40).await;
    place.pack().await;
    place.blobs.delete(&place.kept().await[0]).await.expect("a deletion");
    let key = Key { collection: THINGS.name, id: id(1) };
    let error = place.packs.load(&[key]).await.expect_err("its body is lost");
    assert_eq!(error.kind, crate::ErrorKind::Corrupt);
}

async fn a_swap_finds_what_has_its_ordinal(open: Open) {
    let place = Place::with(&open, 3).await;
    place
        .write(vec![Write { body: None, index_keys: vec![None, None], ..thing(2, 2, "ann") }])
        .await;
    place.documents.index().await.expect("an index");
    let swap = |n, ordinal| Swap { id: id(n), ordinal, body: b"other".to_vec().into() };
    let swaps = [swap(0, 1), swap(1, 2), swap(2, 2), swap(9, 1)];
    assert_eq!(place.documents.swap("things", &swaps).await.expect("a swap"), 1);
    assert_eq!(&*place.get(0).await.and_then(|it| it.body).expect("a body"), b"other");
    assert_eq!(place.get(1).await.and_then(|it| it.body), thing(1, 1, "ann").body);
    assert_eq!(
        (place.get(2).await, place.get(9).await),
        (Some(Stored { ordinal: 2, body: None }), None)
    );
    let by_owner = Scan::prefix("things", Some("by_owner"), "ann", Order::Ascending, 9);
    assert_eq!(place.packs.scan(by_owner).await.expect("a scan").len(), 2);
}
