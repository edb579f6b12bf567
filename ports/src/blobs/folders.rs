//! Where blobs lie in a folder: in folders by the first words of their keys, so that the blobs of
//! one file are found without a look at those of others. `media.17.4` is `media./17./4`: where
//! folders keep their dots, whoever walks them by name walks the keys in the order of their bytes.

use std::collections::{BTreeSet, BinaryHeap};
use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};

use super::{BlobKey, Listed};

/// Words of a key that are folders at most.
const LEVELS: usize = 2;

/// Where a blob lies.
pub(super) fn path(folder: &Path, key: &BlobKey) -> PathBuf {
    folder.join(key.as_str().replacen('.', "./", LEVELS))
}

/// The folders of a blob from the innermost to that of all.
fn folders<'a>(all: &'a Path, path: &'a Path) -> impl Iterator<Item = &'a Path> {
    path.ancestors().skip(1).take_while(move |it| it.starts_with(all))
}

/// Makes a folder that only its owner may enter; says whether there was none.
pub(super) fn make(folder: &Path) -> io::Result<bool> {
    let mut made = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
    match made.create(folder) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the folders that a blob lies in.
pub(super) fn make_for(all: &Path, path: &Path) -> io::Result<()> {
    let mut folders: Vec<_> = folders(all, path).collect();
    // The folder of all is not made again if somebody has taken it away.
    folders.pop();
    folders.into_iter().rev().try_for_each(|it| make(it).map(drop))
}

/// Makes the name of a blob durable, and those of its folders, which others may just have made.
pub(super) fn sync_for(all: &Path, path: &Path) -> io::Result<()> {
    for folder in folders(all, path) {
        match sync(folder) {
            // With its last blob a folder goes, too.
            Err(error) if error.kind() == io::ErrorKind::NotFound => (),
            done => done?,
        }
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Removes the folders that a blob was the last in.
pub(super) fn leave(all: &Path, path: &Path) {
    let inner = folders(all, path).filter(|it| *it != all);
    // One that is not empty can't be removed, nor those around it.
    for folder in inner {
        if fs::remove_dir(folder).is_err() {
            return;
        }
    }
}

/// The first blobs after a key whose keys begin with something.
pub(super) fn list(
    folder: &Path,
    beginning: &str,
    after: Option<&BlobKey>,
    limit: usize,
) -> io::Result<Vec<Listed>> {
    let after = after.map(BlobKey::as_str);
    let mut walk = Walk { beginning, after, limit, found: Vec::new() };
    if limit > 0 {
        walk.enter(folder, "")?;
    }
    Ok(walk.found)
}

struct Walk<'a> {
    beginning: &'a str,
    after: Option<&'a str>,
    limit: usize,
    found: Vec<Listed>,
}

impl Walk<'_> {
    /// Finds what is in a folder, where keys begin with `begun`.
    fn enter(&mut self, folder: &Path, begun: &str) -> io::Result<()> {
        let word = self.beginning.strip_prefix(begun).and_then(|it| it.split_once('.'));
        if let Some((word, _)) = word.filter(|_| begun.matches('.').count() < LEVELS) {
            let name = format!("{word}.");
            return self.enter(&folder.join(&name), &format!("{begun}{name}"));
        }
        let mut last: Option<String> = None;
        loop {
            let names = self.names(folder, begun, last.as_deref())?;
            let Some(name) = names.last() else { return Ok(()) };
            last = Some(name.clone());
            for name in names {
                let (path, text) = (folder.join(&name), format!("{begun}{name}"));
                if name.ends_with('.') {
                    self.enter(&path, &text)?;
                } else if let Some(key) = BlobKey::new(&text)
                    && let Some(size_bytes) = size(&path)?
                {
                    self.found.push(Listed { key, size_bytes });
                }
                if self.found.len() == self.limit {
                    return Ok(());
                }
            }
        }
    }

    /// The next names in a folder that may lead to what is looked for. A folder has no order: every
    /// name is looked at, few are kept.
    fn names(&self, folder: &Path, begun: &str, last: Option<&str>) -> io::Result<Vec<String>> {
        let few = self.limit - self.found.len();
        let mut kept = BinaryHeap::with_capacity(few.min(super::LIST_MAX) + 1);
        let entries = match fs::read_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        for entry in entries {
            let Ok(name) = entry?.file_name().into_string() else { continue };
            if last.is_none_or(|it| name.as_str() > it) && self.may_lead(&format!("{begun}{name}"))
            {
                kept.push(name);
                if kept.len() > few {
                    kept.pop();
                }
            }
        }
        Ok(kept.into_sorted_vec())
    }

    /// Whether what has this name, or what is in the folder that has it, may be looked for.
    fn may_lead(&self, text: &str) -> bool {
        let folder = text.ends_with('.');
        let begins = text.starts_with(self.beginning);
        let comes = |it: &str| text > it || folder && it.starts_with(text);
        (begins || folder && self.beginning.starts_with(text)) && self.after.is_none_or(comes)
    }
}

/// `None` for what was deleted meanwhile, and what is no file.
fn size(path: &Path) -> io::Result<Option<u64>> {
    match fs::metadata(path) {
        Ok(it) => Ok(it.is_file().then_some(it.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Brings blobs that lie side by side, as programs before format 4 left them, to their places.
pub(super) fn spread(all: &Path) -> io::Result<()> {
    let mut moved = BTreeSet::new();
    for entry in fs::read_dir(all)? {
        let entry = entry?;
        let key = entry.file_name().to_str().and_then(BlobKey::new);
        let Some(key) = key.filter(|it| it.as_str().contains('.')) else { continue };
        let path = path(all, &key);
        make_for(all, &path)?;
        fs::rename(entry.path(), &path)?;
        moved.extend(folders(all, &path).map(Path::to_owned));
    }
    // What a crash takes back is moved again.
    moved.iter().try_for_each(|it| sync(it))
}
