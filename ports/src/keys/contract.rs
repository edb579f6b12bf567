//! What every key store promises, as cases to be run against an adapter.

use std::sync::Arc;

use futures_util::future::{BoxFuture, join_all};

use super::{Keys, PAGE_TREES_MAX, Tree, TreeId};
use crate::ErrorKind;
use crate::promise::cases;

/// Opens the store of one case again and again: the same place each time.
pub type Open = Box<dyn Fn() -> BoxFuture<'static, Arc<dyn Keys>> + Send + Sync>;

cases! {
    Open:
    a_tree_that_was_never_made_is_none
    making_a_tree_twice_gives_the_same
    concurrent_makers_get_the_same_tree
    a_punctured_leaf_is_gone_and_the_others_stay
    puncturing_twice_is_puncturing_once
    concurrent_punctures_all_hold
    puncturing_a_tree_that_was_never_made_is_an_error
    a_made_tree_survives_reopening
    a_puncture_survives_reopening
    secrets_differ_by_purpose_and_survive_reopening
    pages_hold_every_tree_once_in_order
    a_copied_tree_is_the_same_and_survives_reopening
    what_was_destroyed_on_either_side_stays_so_in_a_copy
    a_tree_of_another_store_is_not_mixed_in
    a_root_is_adopted_where_nothing_was_sealed
}

const ID: TreeId = TreeId { author: [1; 16], stream: [2; 16] };

async fn leaf(keys: &Arc<dyn Keys>, leaf: u64) -> Option<[u8; 32]> {
    keys.load(ID).await.expect("a load").expect("a tree").leaf(leaf)
}

async fn a_tree_that_was_never_made_is_none(open: Open) {
    assert!(open().await.load(ID).await.expect("a load").is_none());
}

async fn making_a_tree_twice_gives_the_same(open: Open) {
    let keys = open().await;
    let first = keys.create(ID).await.expect("a tree");
    assert!(keys.create(ID).await.expect("a tree") == first);
    let other = TreeId { author: [3; 16], ..ID };
    assert!(keys.create(other).await.expect("a tree") != first);
}

async fn concurrent_makers_get_the_same_tree(open: Open) {
    let (one, two) = (open().await, open().await);
    let makers = (0..20).map(|n| if n % 2 == 0 { one.create(ID) } else { two.create(ID) });
    let trees = join_all(makers).await;
    let trees: Vec<_> = trees.into_iter().map(|it| it.expect("a tree")).collect();
    assert!(trees.iter().all(|it| *it == trees[0]));
}

async fn a_punctured_leaf_is_gone_and_the_others_stay(open: Open) {
    let keys = open().await;
    let whole = keys.create(ID).await.expect("a tree");
    keys.puncture(ID, 7).await.expect("a puncture");
    assert_eq!(leaf(&keys, 7).await, None);
    assert_eq!(leaf(&keys, 8).await, whole.leaf(8));
}

async fn puncturing_twice_is_puncturing_once(open: Open) {
    let keys = open().await;
    keys.create(ID).await.expect("a tree");
    keys.puncture(ID, 7).await.expect("a puncture");
    let once = keys.load(ID).await.expect("a load");
    keys.puncture(ID, 7).await.expect("a puncture");
    assert!(keys.load(ID).await.expect("a load") == once);
}

async fn concurrent_punctures_all_hold(open: Open) {
    let (one, two) = (open().await, open().await);
    one.create(ID).await.expect("a tree");
    let punctures =
        (0..30).map(|n| if n % 2 == 0 { one.puncture(ID, n) } else { two.puncture(ID, n) });
    for outcome in join_all(punctures).await {
        outcome.expect("a puncture");
    }
    for n in 0..30 {
        assert_eq!(leaf(&one, n).await, None);
    }
    assert!(leaf(&two, 30).await.is_some());
}

async fn puncturing_a_tree_that_was_never_made_is_an_error(open: Open) {
    open().await.puncture(ID, 1).await.expect_err("there is nothing to puncture");
}

async fn a_made_tree_survives_reopening(open: Open) {
    let made = open().await.create(ID).await.expect("a tree");
    assert!(open().await.load(ID).await.expect("a load").expect("a tree") == made);
}

async fn a_puncture_survives_reopening(open: Open) {
    let keys = open().await;
    keys.create(ID).await.expect("a tree");
    keys.puncture(ID, 1 << 40).await.expect("a puncture");
    drop(keys);
    assert_eq!(leaf(&open().await, 1 << 40).await, None);
}

async fn secrets_differ_by_purpose_and_survive_reopening(open: Open) {
    let keys = open().await;
    let names = keys.secret("names");
    assert_ne!(names, keys.secret("tokens"));
    drop(keys);
    assert_eq!(open().await.secret("names"), names);
}

async fn pages_hold_every_tree_once_in_order(open: Open) {
    let keys = open().await;
    assert!(keys.page(None).await.expect("a page").is_empty());
    let ids: Vec<_> = (1..=300_u16)
        .map(|it| {
            let mut author = [0xff; 16];
            author[..2].copy_from_slice(&it.to_be_bytes());
            TreeId { author, stream: [1; 16] }
        })
        .collect();
    for made in join_all(ids.iter().map(|it| keys.create(*it))).await {
        made.expect("a tree");
    }
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let page = keys.page(after).await.expect("a page");
        assert!(page.len() <= PAGE_TREES_MAX);
        let Some((last, _)) = page.last() else { break };
        after = Some(*last);
        for (id, tree) in page {
            assert!(keys.load(id).await.expect("a load").expect("a tree") == tree);
            found.push(id);
        }
    }
    assert_eq!(found, ids);
}

async fn a_copied_tree_is_the_same_and_survives_reopening(open: Open) {
    let keys = open().await;
    let mut copied = Tree::new([5; 32]);
    copied.puncture(7);
    keys.merge(vec![(ID, Arc::new(copied.clone()))]).await.expect("a merge");
    drop(keys);
    let keys = open().await;
    assert!(*keys.load(ID).await.expect("a load").expect("a tree") == copied);
    assert!(*keys.create(ID).await.expect("a tree") == copied);
}

async fn what_was_destroyed_on_either_side_stays_so_in_a_copy(open: Open) {
    let keys = open().await;
    let whole = Tree::new([5; 32]);
    keys.merge(vec![(ID, Arc::new(whole.clone()))]).await.expect("a merge");
    keys.puncture(ID, 7).await.expect("a puncture");
    let mut elsewhere = whole.clone();
    elsewhere.puncture(8);
    for _ in 0..2 {
        keys.merge(vec![(ID, Arc::new(elsewhere.clone()))]).await.expect("a merge");
        keys.merge(vec![(ID, Arc::new(whole.clone()))]).await.expect("a merge");
        assert_eq!((leaf(&keys, 7).await, leaf(&keys, 8).await), (None, None));
        assert_eq!(leaf(&keys, 9).await, whole.leaf(9));
    }
}

async fn a_tree_of_another_store_is_not_mixed_in(open: Open) {
    let keys = open().await;
    let kept = keys.create(ID).await.expect("a tree");
    let other = TreeId { author: [3; 16], ..ID };
    let page = vec![(other, Arc::new(Tree::new([5; 32]))), (ID, Arc::new(Tree::new([6; 32])))];
    let refused = keys.merge(page).await.expect_err("another tree");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert!(keys.load(ID).await.expect("a load").expect("a tree") == kept);
}

async fn a_root_is_adopted_where_nothing_was_sealed(open: Open) {
    let keys = open().await;
    keys.adopt([5; 32]).await.expect("a root");
    let names = keys.secret("names");
    drop(keys);
    let keys = open().await;
    assert_eq!((keys.root(), keys.secret("names")), ([5; 32], names));
    keys.create(ID).await.expect("a tree");
    keys.adopt([5; 32]).await.expect("the same root");
    let refused = keys.adopt([6; 32]).await.expect_err("something was sealed");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(keys.root(), [5; 32]);
}
