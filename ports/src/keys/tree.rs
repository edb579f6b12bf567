//! A puncturable key tree: 2^64 leaves under one root, any of which can be destroyed alone.
//!
//! The construction of Goldreich, Goldwasser and Micali (1986) with sixteen children a node: a
//! child's key is HMAC(parent's key, nibble). Puncturing a leaf replaces the node above it by the
//! siblings along its path, from which the leaf can't be computed.

use std::collections::HashMap;
use std::fmt;
use std::sync::Mutex;

use super::{Secret, crypto};

const DEPTH: u8 = 16;
const NODE_BYTES: usize = 1 + 8 + 32;

/// The nodes from which all leaves that are not destroyed can be computed.
pub struct Tree {
    nodes: Vec<Node>,
    /// The way to the last leaf, its key left out: neighbours share most of it.
    way: Mutex<Vec<Node>>,
}

#[derive(Clone, PartialEq, Eq)]
struct Node {
    /// Nibbles of the path from the root.
    depth: u8,
    /// The path, right-aligned.
    path: u64,
    key: Secret,
}

impl Node {
    fn covers(&self, leaf: u64) -> bool {
        self.path == path_at(leaf, self.depth)
    }

    fn child(&self, nibble: u8) -> Self {
        Self {
            depth: self.depth + 1,
            path: (self.path << 4) | u64::from(nibble),
            key: crypto::mac(&self.key, &[&[nibble]]),
        }
    }

    fn towards(&self, leaf: u64) -> Self {
        self.child((path_at(leaf, self.depth + 1) & 0xf) as u8)
    }
}

fn path_at(leaf: u64, depth: u8) -> u64 {
    if depth == 0 { 0 } else { leaf >> (64 - 4 * u32::from(depth)) }
}

impl Tree {
    /// A whole tree.
    pub fn new(root: Secret) -> Self {
        Self::of(vec![Node { depth: 0, path: 0, key: root }])
    }

    fn of(nodes: Vec<Node>) -> Self {
        Self { nodes, way: Mutex::default() }
    }

    /// The key of a leaf; `None` when it has been destroyed.
    pub fn leaf(&self, leaf: u64) -> Option<Secret> {
        let mut way = self.way.lock().expect("no holder of the lock panics");
        let shared = way.iter().take_while(|it| it.covers(leaf)).count();
        way.truncate(shared);
        let mut node = match way.last() {
            Some(node) => node.clone(),
            None => self.nodes.iter().find(|it| it.covers(leaf))?.clone(),
        };
        while node.depth < DEPTH {
            let next = node.towards(leaf);
            if shared == 0 || node.depth > way[shared - 1].depth {
                way.push(node);
            }
            node = next;
        }
        Some(node.key)
    }

    /// Destroys a leaf.
    pub fn puncture(&mut self, leaf: u64) {
        self.way.get_mut().expect("no holder of the lock panics").clear();
        let Some(at) = self.nodes.iter().position(|it| it.covers(leaf)) else { return };
        let mut node = self.nodes.swap_remove(at);
        while node.depth < DEPTH {
            let kept = node.towards(leaf);
            let siblings = (0..16).map(|nibble| node.child(nibble));
            self.nodes.extend(siblings.filter(|it| it.path != kept.path));
            node = kept;
        }
    }

    /// A tree of one leaf, whose key is given.
    pub(super) fn of_leaf(leaf: u64, key: Secret) -> Self {
        Self::of(vec![Node { depth: DEPTH, path: leaf, key }])
    }

    /// What is destroyed in neither of two copies of a tree; `None` when they are copies of
    /// different ones.
    pub fn intersect(&self, other: &Self) -> Option<Self> {
        let mut nodes = self.covered_by(other, false)?;
        nodes.extend(other.covered_by(self, true)?);
        Some(Self::of(nodes))
    }

    /// The nodes that the other tree has itself, or not if only those below are wanted, or has one
    /// above; `None` when their keys do not follow from it.
    fn covered_by(&self, other: &Self, only_below: bool) -> Option<Vec<Node>> {
        let above: HashMap<(u8, u64), &Node> =
            other.nodes.iter().map(|it| ((it.depth, it.path), it)).collect();
        let mut nodes = Vec::new();
        for node in &self.nodes {
            let shift = 64 - 4 * u32::from(node.depth);
            let leaf = node.path.checked_shl(shift).unwrap_or(0);
            let found = (0..=node.depth).find_map(|it| above.get(&(it, path_at(leaf, it))));
            let Some(&found) = found else { continue };
            let mut derived = found.clone();
            while derived.depth < node.depth {
                derived = derived.towards(leaf);
            }
            if derived != *node {
                return None;
            }
            if !only_below || found.depth < node.depth {
                nodes.push(derived);
            }
        }
        Some(nodes)
    }

    /// The bytes to be wrapped and stored, or sent: whoever has them has every leaf's key.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.nodes.len() * NODE_BYTES);
        for node in &self.nodes {
            bytes.push(node.depth);
            bytes.extend_from_slice(&node.path.to_be_bytes());
            bytes.extend_from_slice(&node.key);
        }
        bytes
    }

    /// What those bytes stand for; `None` when they are none of a tree.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let nodes = bytes.chunks(NODE_BYTES).map(|it| {
            Some(Node {
                depth: *it.first().filter(|depth| **depth <= DEPTH)?,
                path: u64::from_be_bytes(it.get(1..9)?.try_into().ok()?),
                key: it.get(9..NODE_BYTES)?.try_into().ok()?,
            })
        });
        Some(Self::of(nodes.collect::<Option<_>>()?))
    }
}

impl Clone for Tree {
    fn clone(&self) -> Self {
        Self::of(self.nodes.clone())
    }
}

impl PartialEq for Tree {
    fn eq(&self, other: &Self) -> bool {
        self.nodes == other.nodes
    }
}

impl Eq for Tree {}

impl fmt::Debug for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tree({} nodes)", self.nodes.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOME: [u64; 7] = [0, 1, 15, 16, 1 << 40, (1 << 40) + 1, u64::MAX];

    #[test]
    fn a_punctured_leaf_is_gone_and_all_others_stay() {
        let whole = Tree::new([7; 32]);
        for gone in SOME {
            let mut tree = whole.clone();
            tree.puncture(gone);
            tree.puncture(gone);
            for leaf in SOME {
                let expected = if leaf == gone { None } else { whole.leaf(leaf) };
                assert_eq!(tree.leaf(leaf), expected);
            }
        }
    }

    #[test]
    fn every_leaf_can_be_punctured_in_turn() {
        let mut tree = Tree::new([7; 32]);
        for (count, gone) in SOME.iter().enumerate() {
            tree.puncture(*gone);
            assert!(SOME[..=count].iter().all(|it| tree.leaf(*it).is_none()));
            assert!(SOME[count + 1..].iter().all(|it| tree.leaf(*it).is_some()));
        }
    }

    #[test]
    fn a_tree_whose_neighbours_are_all_destroyed_is_small() {
        let first = 5 << 40;
        let mut tree = Tree::new([7; 32]);
        for leaf in first..first + 10_000 {
            tree.puncture(leaf);
        }
        let most = usize::from(DEPTH) * 15 * NODE_BYTES;
        assert!(tree.to_bytes().len() <= most, "{} bytes", tree.to_bytes().len());
    }

    #[test]
    fn a_leaf_is_the_same_whichever_was_asked_for_before() {
        let tree = Tree::new([7; 32]);
        for (before, leaf) in SOME.iter().flat_map(|it| SOME.map(|other| (*it, other))) {
            tree.leaf(before);
            assert_eq!(tree.leaf(leaf), Tree::new([7; 32]).leaf(leaf));
        }
        let mut punctured = tree.clone();
        punctured.leaf(15);
        punctured.puncture(15);
        assert_eq!((punctured.leaf(15), punctured.leaf(1)), (None, tree.leaf(1)));
    }

    #[test]
    fn what_is_destroyed_in_either_copy_is_destroyed_in_both_together() {
        let whole = Tree::new([7; 32]);
        let without = |gone: &[u64]| {
            let mut tree = whole.clone();
            gone.iter().for_each(|it| tree.puncture(*it));
            tree
        };
        for (here, there) in (0..=SOME.len()).flat_map(|a| (0..=SOME.len()).map(move |b| (a, b))) {
            let both = without(&SOME[..here]).intersect(&without(&SOME[there..])).unwrap();
            for (at, leaf) in SOME.iter().enumerate() {
                let expected = if at < here || at >= there { None } else { whole.leaf(*leaf) };
                assert_eq!(both.leaf(*leaf), expected);
            }
            assert_eq!(both.leaf(77), whole.leaf(77));
            assert_eq!(both.nodes.len(), {
                let mut one = without(&SOME[..here]);
                SOME[there..].iter().for_each(|it| one.puncture(*it));
                one.nodes.len()
            });
        }
    }

    #[test]
    fn copies_of_different_trees_are_not_mixed() {
        let mut punctured = Tree::new([8; 32]);
        punctured.puncture(5);
        assert!(Tree::new([7; 32]).intersect(&punctured).is_none());
        assert!(punctured.intersect(&Tree::new([7; 32])).is_none());
        assert!(Tree::new([7; 32]).intersect(&Tree::new([8; 32])).is_none());
    }

    #[test]
    fn a_tree_reads_back_as_written() {
        let mut tree = Tree::new([7; 32]);
        tree.puncture(5);
        assert!(Tree::from_bytes(&tree.to_bytes()) == Some(tree.clone()));
        assert!(Tree::from_bytes(&tree.to_bytes()[1..]).is_none());
    }
}
