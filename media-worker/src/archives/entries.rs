//! What an archive says it holds, as far as it is told.

use serde::Serialize;

use crate::outcome::Failure;
use crate::shown::{one_line, shortened};

/// Entries that are told of one archive. How many there are is said apart.
pub(crate) const ENTRIES_MAX: usize = 10_000;

/// Bytes of one path; what is longer is cut.
pub(crate) const PATH_BYTES_MAX: usize = 1024;

/// Bytes of all paths together.
pub(crate) const PATHS_BYTES_MAX: usize = 1 << 20;

/// One entry, by what the archive claims of it: nothing is unpacked to see whether it is so.
#[derive(Debug, Serialize)]
pub(crate) struct Entry {
    path: String,
    bytes: u64,
    folder: bool,
    encrypted: bool,
}

impl Entry {
    pub(crate) fn new(path: &str, bytes: u64, folder: bool, encrypted: bool) -> Entry {
        // Some formats end the path of a folder so, and some don't.
        let path = if folder { path.trim_end_matches('/') } else { path };
        Entry { path: shortened(&one_line(path), PATH_BYTES_MAX), bytes, folder, encrypted }
    }
}

/// The entries that are told, in the order of the archive. Written as `entries.json`.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Entries {
    entries: Vec<Entry>,
    /// Whether there are more than are told.
    cut: bool,
    #[serde(skip)]
    paths_bytes: usize,
}

impl Entries {
    /// Adds one, and says whether there is room for another.
    pub(super) fn add(&mut self, entry: Entry) -> bool {
        let bytes = self.paths_bytes + entry.path.len();
        if self.entries.len() == ENTRIES_MAX || bytes > PATHS_BYTES_MAX {
            self.cut = true;
            return false;
        }
        self.paths_bytes = bytes;
        self.entries.push(entry);
        true
    }

    pub(super) fn encrypted(&self) -> bool {
        self.entries.iter().any(|it| it.encrypted)
    }

    pub(super) fn written(&self) -> Result<Vec<u8>, Failure> {
        serde_json::to_vec(self).map_err(Failure::corrupt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_entries_as_are_told_and_one_more() {
        let mut entries = Entries::default();
        for number in 0..ENTRIES_MAX {
            assert!(entries.add(Entry::new(&number.to_string(), 1, false, false)));
        }
        assert!(!entries.cut);
        assert!(!entries.add(Entry::new("one more", 1, false, false)));
        assert!(entries.cut);
        assert_eq!(entries.entries.len(), ENTRIES_MAX);
    }

    #[test]
    fn paths_have_so_many_bytes_together() {
        let mut entries = Entries::default();
        let path = "x".repeat(PATH_BYTES_MAX);
        for _ in 0..PATHS_BYTES_MAX / PATH_BYTES_MAX {
            assert!(entries.add(Entry::new(&path, 1, false, false)));
        }
        assert!(!entries.add(Entry::new("y", 1, false, false)));
        assert!(entries.cut);
    }

    #[test]
    fn a_path_is_told_as_far_as_1024_bytes() {
        let length = |it: usize| Entry::new(&"x".repeat(it), 0, false, false).path.len();
        assert_eq!((length(1024), length(1025)), (1024, 1024));
    }
}
