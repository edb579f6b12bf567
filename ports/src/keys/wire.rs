//! What goes between a node and the process that keeps the keys; `docs/keys-protocol.md` says it in
//! full.
//!
//! Every answer names itself: an answer of something else on the way, even an empty one, is never
//! taken for a tree that is gone.

use std::sync::Arc;

use super::{Secret, Tree, TreeId};
use crate::ErrorKind;

/// Path of the root of the instance's secrets.
pub const ROOT: &str = "/v1/root";

/// Pattern of the path of a tree.
pub const TREE: &str = "/v1/trees/{author}/{stream}";

/// Pattern of the path of a leaf.
pub const LEAF: &str = "/v1/trees/{author}/{stream}/leaves/{leaf}";

/// Path of the first page of trees, and of those that are taken in.
pub const PAGES: &str = "/v1/pages";

/// Pattern of the path of the page after a tree.
pub const PAGE: &str = "/v1/pages/{author}/{stream}";

/// Bytes of a request at most: a page, whose last tree may be large.
pub const REQUEST_BYTES_MAX: usize = 64 << 20;

/// Header of a failure: what its kind is.
pub const FAILURE: &str = "parlance-failure";

/// Bytes of the word that an answer begins with.
const WORD: usize = 5;

/// What the keeper of the keys answers.
#[derive(Debug, PartialEq)]
pub enum Answer {
    /// The tree as it is now.
    Tree(Tree),
    /// The tree was never made.
    Never,
    /// The root of the instance's secrets.
    Root(Secret),
    /// The leaf is gone.
    Punctured,
    /// Some trees with their ids.
    Page(Vec<(TreeId, Arc<Tree>)>),
    /// The trees were taken in.
    Merged,
}

impl Answer {
    /// The body of the answer: its word, then what it carries.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Tree(tree) => [&b"tree1"[..], &tree.to_bytes()].concat(),
            Self::Never => b"never".to_vec(),
            Self::Root(root) => [&b"root1"[..], root].concat(),
            Self::Punctured => b"gone1".to_vec(),
            Self::Page(trees) => [&b"page1"[..], &page_to_bytes(trees)].concat(),
            Self::Merged => b"took1".to_vec(),
        }
    }

    /// Reads a body; `None` when the keeper of the keys did not write it.
    pub fn of(body: &[u8]) -> Option<Self> {
        let (word, rest) = body.split_at_checked(WORD)?;
        match (word, rest) {
            (b"tree1", [_, ..]) => Tree::from_bytes(rest).map(Self::Tree),
            (b"never", []) => Some(Self::Never),
            (b"root1", _) => rest.try_into().ok().map(Self::Root),
            (b"gone1", []) => Some(Self::Punctured),
            (b"page1", _) => page_of(rest).map(Self::Page),
            (b"took1", []) => Some(Self::Merged),
            _ => None,
        }
    }
}

/// The bytes of a page: for each tree its id, the length of what follows (4 bytes, big-endian), and
/// its nodes.
pub fn page_to_bytes(trees: &[(TreeId, Arc<Tree>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (id, tree) in trees {
        let nodes = tree.to_bytes();
        let length = u32::try_from(nodes.len()).expect("a tree is smaller than 4 GiB");
        bytes.extend_from_slice(&id.author);
        bytes.extend_from_slice(&id.stream);
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(&nodes);
    }
    bytes
}

/// Reads the bytes of a page; `None` when they are none.
pub fn page_of(mut bytes: &[u8]) -> Option<Vec<(TreeId, Arc<Tree>)>> {
    let mut trees = Vec::new();
    while !bytes.is_empty() {
        let (author, rest) = bytes.split_first_chunk()?;
        let (stream, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (nodes, rest) = rest.split_at_checked(length).filter(|it| !it.0.is_empty())?;
        let id = TreeId { author: *author, stream: *stream };
        trees.push((id, Arc::new(Tree::from_bytes(nodes)?)));
        bytes = rest;
    }
    Some(trees)
}

/// The path of a tree.
pub fn tree_path(id: TreeId) -> String {
    format!("/v1/trees/{}", digits(id))
}

/// The path of the page after a tree, or of the first.
pub fn page_path(after: Option<TreeId>) -> String {
    after.map_or_else(|| PAGES.to_owned(), |it| format!("{PAGES}/{}", digits(it)))
}

fn digits(id: TreeId) -> String {
    let digits = |bytes: [u8; 16]| format!("{:032x}", u128::from_be_bytes(bytes));
    format!("{}/{}", digits(id.author), digits(id.stream))
}

/// The path of a leaf.
pub fn leaf_path(id: TreeId, leaf: u64) -> String {
    format!("{}/leaves/{leaf}", tree_path(id))
}

/// The tree that two parts of a path name.
pub fn tree_id(author: &str, stream: &str) -> Option<TreeId> {
    let bytes = |digits: &str| {
        let proper = digits.len() == 32 && digits.bytes().all(|it| it.is_ascii_hexdigit());
        let number = proper.then(|| u128::from_str_radix(digits, 16).ok()).flatten();
        number.map(u128::to_be_bytes)
    };
    Some(TreeId { author: bytes(author)?, stream: bytes(stream)? })
}

/// What a kind of failure is called in the header.
pub fn failure(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Unknown => "unknown",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Corrupt => "corrupt",
    }
}

/// The kind that a header names.
pub fn failure_kind(name: &str) -> Option<ErrorKind> {
    let kinds =
        [ErrorKind::Unavailable, ErrorKind::Unknown, ErrorKind::Conflict, ErrorKind::Corrupt];
    kinds.into_iter().find(|it| failure(*it) == name)
}

/// The status of an answer that tells of a failure.
pub fn status(kind: ErrorKind) -> u16 {
    match kind {
        ErrorKind::Unavailable => 503,
        ErrorKind::Unknown => 504,
        ErrorKind::Conflict => 409,
        ErrorKind::Corrupt => 500,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_reads_back_as_written() {
        let answers = || {
            let mut tree = Tree::new([7; 32]);
            tree.puncture(9);
            let id = |it| TreeId { author: [it; 16], stream: [it + 1; 16] };
            let trees = [(id(1), tree.clone()), (id(3), Tree::new([8; 32]))];
            [
                Answer::Page(trees.map(|it| (it.0, Arc::new(it.1))).to_vec()),
                Answer::Page(Vec::new()),
                Answer::Merged,
                Answer::Tree(tree),
                Answer::Never,
                Answer::Root([5; 32]),
                Answer::Punctured,
            ]
        };
        for answer in answers() {
            assert_eq!(Answer::of(&answer.to_bytes()), Some(answer));
        }
    }

    #[test]
    fn what_is_cut_off_or_from_elsewhere_is_no_answer() {
        let tree = Answer::Tree(Tree::new([7; 32])).to_bytes();
        for body in [&b""[..], b"tree1", b"<html>", b"never mind", &tree[..tree.len() - 1]] {
            assert_eq!(Answer::of(body), None);
        }
    }

    #[test]
    fn a_page_that_is_cut_off_is_none() {
        let id = TreeId { author: [1; 16], stream: [2; 16] };
        let page = page_to_bytes(&[(id, Arc::new(Tree::new([7; 32])))]);
        for length in 1..page.len() {
            assert_eq!(page_of(&page[..length]), None);
        }
        assert_eq!(page_of(&[&page[..], &[0]].concat()), None);
    }

    #[test]
    fn a_path_names_a_tree() {
        let id = TreeId { author: [0xab; 16], stream: [1; 16] };
        let path = tree_path(id);
        let mut parts = path.split('/').skip(3);
        let (author, stream) = (parts.next().unwrap(), parts.next().unwrap());
        assert_eq!(tree_id(author, stream), Some(id));
        assert_eq!(tree_id(&author[1..], stream), None);
        assert_eq!(tree_id(author, &stream.replace('0', "+")), None);
    }

    #[test]
    fn a_failure_keeps_its_kind() {
        for kind in [ErrorKind::Unavailable, ErrorKind::Unknown, ErrorKind::Corrupt] {
            assert_eq!(failure_kind(failure(kind)), Some(kind));
        }
        assert_eq!(failure_kind("nonsense"), None);
    }
}
