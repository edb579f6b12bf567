//! Which leaf of a tree seals next.
//!
//! Those of one tree follow each other: a tree of which all neighbours are destroyed is small,
//! while one of which every hundredth leaf is destroyed keeps all that lie between.

use std::num::NonZeroUsize;

use lru::LruCache;
use ports::keys::TreeId;

/// Bits of a leaf's number that count inside a term.
const LEAF_BITS: u32 = 40;

/// Trees whose next leaf is remembered; of others the next lies above all that were given.
const TREES_MAX: NonZeroUsize = NonZeroUsize::new(8_192).expect("it is not zero");

/// Numbers the leaves that one owner of a partition gives in its term.
pub(crate) struct Leaves {
    term: u64,
    /// No tree has been given this one, nor any above.
    top: u64,
    next: LruCache<TreeId, u64>,
}

impl Leaves {
    /// Gives leaves of a term from a number on.
    pub(crate) fn new(term: u64, from: u64) -> Self {
        Self { term, top: from, next: LruCache::new(TREES_MAX) }
    }

    /// The first of a tree that nothing was sealed under.
    pub(crate) fn next(&mut self, tree: TreeId) -> u64 {
        (self.term << LEAF_BITS) | self.next.get(&tree).copied().unwrap_or(self.top)
    }

    /// Takes as many, which are never given again.
    pub(crate) fn take(&mut self, tree: TreeId, count: u64) {
        let first = self.next.get(&tree).copied().unwrap_or(self.top);
        self.top = self.top.max(first + count);
        self.next.put(tree, first + count);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn tree(n: u64) -> TreeId {
        TreeId { author: u128::from(n).to_be_bytes(), stream: [0; 16] }
    }

    #[test]
    fn leaves_of_a_tree_follow_each_other_whatever_others_take() {
        let mut leaves = Leaves::new(3, 10);
        let given = (0..100).map(|n| {
            leaves.take(tree(n), 7);
            let given = leaves.next(tree(1_000));
            leaves.take(tree(1_000), 2);
            given
        });
        let given: Vec<_> = given.collect();
        assert_eq!(given[0], (3 << LEAF_BITS) | 17);
        assert!(given.windows(2).all(|it| it[0] + 2 == it[1]));
    }

    #[test]
    fn no_leaf_is_given_twice_though_its_tree_is_forgotten() {
        let mut leaves = Leaves::new(1, 0);
        let mut given = HashSet::new();
        for round in 0..3 {
            for n in 0..TREES_MAX.get() as u64 + 10 {
                let count = (n + round) % 3 + 1;
                let first = leaves.next(tree(n));
                leaves.take(tree(n), count);
                assert!((first..first + count).all(|it| given.insert((n, it))), "{n}");
            }
        }
    }
}
