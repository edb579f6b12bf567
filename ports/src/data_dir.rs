//! The data folder: one process at a time, a format version, no downgrades.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::Error;

/// Format this program writes; raised when an older program could not read the folder. What an
/// older one wrote is brought to it when the ports are opened.
pub const FORMAT: u32 = 4;

/// Shape of the documents this program keeps; raised when it can't read those of an older one.
pub(crate) const SHAPE: u32 = 15;

const PORT: &str = "data folder";

/// A locked data folder.
pub struct DataDir {
    path: PathBuf,
    _lock: File,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    format: u32,
    documents: u32,
    #[serde(default)]
    shape: u32,
}

impl DataDir {
    /// Makes the folder if absent, locks it and checks its format.
    ///
    /// # Errors
    /// `Unavailable` when another process has it, `Corrupt` when a newer program wrote it.
    pub fn lock(path: &Path) -> Result<Self, Error> {
        fs::create_dir_all(path).map_err(|it| Error::unavailable(PORT, it))?;
        restrict(path)?;
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path.join("lock"))
            .map_err(|it| Error::unavailable(PORT, it))?;
        lock.try_lock().map_err(|_| {
            Error::unavailable(PORT, format!("{} is in use by another process", path.display()))
        })?;
        let dir = Self { path: path.to_owned(), _lock: lock };
        let mut manifest = manifest(path)?;
        let outdated = (manifest.shape != SHAPE).then(|| dir.documents_at(manifest.documents));
        if outdated.is_some() {
            // Documents of another shape are of no use: they are folded from the log again.
            manifest.documents += 1;
            manifest.shape = SHAPE;
            remove_database(&dir.documents_at(manifest.documents))?;
        }
        manifest.format = FORMAT;
        dir.save(&manifest)?;
        outdated.map_or(Ok(()), |it| remove_database(&it))?;
        Ok(dir)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Replaces a file of the folder, so that after a power cut it holds old or new bytes.
    ///
    /// # Errors
    /// `Unavailable` when it can't be written.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        write_durably(&self.path.join(name), bytes)
    }

    /// The file of the current documents.
    pub(crate) fn documents_file(&self) -> PathBuf {
        self.documents_at(self.generation())
    }

    /// The file of the documents being built beside them.
    pub(crate) fn next_documents_file(&self) -> PathBuf {
        self.documents_at(self.generation() + 1)
    }

    /// Makes the next documents the current ones and removes the old.
    pub(crate) fn switch_documents(&self) -> Result<(), Error> {
        let mut manifest = manifest(&self.path)?;
        let old = self.documents_at(manifest.documents);
        manifest.documents += 1;
        self.save(&manifest)?;
        remove_database(&old)
    }

    fn documents_at(&self, generation: u32) -> PathBuf {
        self.path.join(format!("documents-{generation}.db"))
    }

    fn generation(&self) -> u32 {
        manifest(&self.path).map_or(1, |it| it.documents)
    }

    fn save(&self, manifest: &Manifest) -> Result<(), Error> {
        let text = serde_json::to_vec(manifest).expect("a manifest is plain data");
        write_durably(&self.path.join("manifest.json"), &text)
    }
}

/// Checks that this program can read a folder, which another process may have.
///
/// # Errors
/// `Unavailable` when it can't be read or an older program wrote it, `Corrupt` when a newer one
/// did.
pub fn check(path: &Path) -> Result<(), Error> {
    let format = manifest(path)?.format;
    if format < FORMAT {
        let text = format!("format {format} is older than {FORMAT}: `parlance serve` brings it up");
        return Err(Error::unavailable(PORT, text));
    }
    Ok(())
}

/// What a folder says of itself; a new one says what this program writes.
fn manifest(path: &Path) -> Result<Manifest, Error> {
    let text = match fs::read(path.join("manifest.json")) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Manifest { format: FORMAT, documents: 1, shape: SHAPE });
        }
        Err(error) => return Err(Error::unavailable(PORT, error)),
    };
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|it| Error::corrupt(PORT, it))?;
    if manifest.format > FORMAT {
        let text =
            format!("format {} is newer than this program, which writes {FORMAT}", manifest.format);
        return Err(Error::corrupt(PORT, text));
    }
    Ok(manifest)
}

/// Replaces a file so that after a power cut it holds the old or the new bytes, never a mixture.
pub(crate) fn write_durably(file: &Path, bytes: &[u8]) -> Result<(), Error> {
    let write = || -> std::io::Result<()> {
        let beside = file.with_extension("new");
        let mut options = OpenOptions::new();
        options.create(true).truncate(true).write(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut new = options.open(&beside)?;
        new.write_all(bytes)?;
        new.sync_all()?;
        fs::rename(&beside, file)?;
        let folder = file.parent().expect("a file of the data folder has a parent");
        File::open(folder)?.sync_all()
    };
    write().map_err(|it| Error::unavailable(PORT, it))
}

/// Removes a database with its journal, if it is there.
pub(crate) fn remove_database(file: &Path) -> Result<(), Error> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(PathBuf::from(name)) {
            Ok(()) => (),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => (),
            Err(error) => return Err(Error::unavailable(PORT, error)),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn restrict(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
        .map_err(|it| Error::unavailable(PORT, it))
}

#[cfg(not(unix))]
fn restrict(_: &Path) -> Result<(), Error> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A new folder with this manifest.
    fn folder(manifest: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("manifest.json"), manifest).unwrap();
        folder
    }

    #[test]
    fn a_folder_is_for_one_at_a_time() {
        let folder = folder(r#"{"format":1,"documents":1}"#);
        let path = folder.path();
        let held = DataDir::lock(path).unwrap();
        let refused = DataDir::lock(path).err().map(|it| it.kind);
        assert_eq!(refused, Some(crate::ErrorKind::Unavailable));
        drop(held);
        DataDir::lock(path).unwrap();
    }

    #[test]
    fn a_newer_format_is_refused_and_left_as_it_is() {
        let manifest = format!(r#"{{"format":{},"documents":1}}"#, FORMAT + 1);
        let folder = folder(&manifest);
        let path = folder.path();
        let refused = DataDir::lock(path).err().map(|it| it.kind);
        assert_eq!(refused, Some(crate::ErrorKind::Corrupt));
        assert_eq!(fs::read_to_string(path.join("manifest.json")).unwrap(), manifest);
    }

    #[test]
    fn an_older_format_is_raised_by_its_owner_and_not_read_before() {
        let folder = folder(r#"{"format":1,"documents":1}"#);
        let refused = check(folder.path()).err().map(|it| it.kind);
        assert_eq!(refused, Some(crate::ErrorKind::Unavailable));
        drop(DataDir::lock(folder.path()).unwrap());
        check(folder.path()).unwrap();
        assert_eq!(manifest(folder.path()).unwrap().format, FORMAT);
    }

    #[test]
    fn documents_of_another_shape_are_folded_again() {
        let folder = folder(r#"{"format":1,"documents":3}"#);
        let path = folder.path();
        fs::write(path.join("documents-3.db"), "of another shape").unwrap();
        for _ in 0..2 {
            let dir = DataDir::lock(path).unwrap();
            assert_eq!(dir.documents_file(), path.join("documents-4.db"));
            assert!(!path.join("documents-3.db").exists());
        }
    }
}
