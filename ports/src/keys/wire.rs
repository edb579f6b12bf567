//! What goes between a node and the process that keeps the keys; `docs/keys-protocol.md` says it in
//! full.
//!
//! Every answer names itself: an answer of something else on the way, even an empty one, is never
//! taken for a tree that is gone.

use super::{Secret, Tree, TreeId};
use crate::ErrorKind;

/// Path of the root of the instance's secrets.
pub const ROOT: &str = "/v1/root";

/// Pattern of the path of a tree.
pub const TREE: &str = "/v1/trees/{author}/{stream}";

/// Pattern of the path of a leaf.
pub const LEAF: &str = "/v1/trees/{author}/{stream}/leaves/{leaf}";

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
}

impl Answer {
    /// The body of the answer: its word, then what it carries.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Tree(tree) => [&b"tree1"[..], &tree.to_bytes()].concat(),
            Self::Never => b"never".to_vec(),
            Self::Root(root) => [&b"root1"[..], root].concat(),
            Self::Punctured => b"gone1".to_vec(),
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
            _ => None,
        }
    }
}

/// The path of a tree.
pub fn tree_path(id: TreeId) -> String {
    let digits = |bytes: [u8; 16]| format!("{:032x}", u128::from_be_bytes(bytes));
    format!("/v1/trees/{}/{}", digits(id.author), digits(id.stream))
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
            [Answer::Tree(tree), Answer::Never, Answer::Root([5; 32]), Answer::Punctured]
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
