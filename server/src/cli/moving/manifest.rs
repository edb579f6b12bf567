//! `backup.json`: what a folder of a backup holds, and how far it is whole.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use ports::data_dir::DataDir;
use ports::event_log::Fold;
use ports::keys::Keys;

const FILE: &str = "backup.json";

/// Format of the manifest.
const FORMAT: u32 = 1;

/// What a backup is of; log and keys are never in one folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Kind {
    Log,
    Keys,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    kind: Kind,
    /// Says which keys belong to it, and nothing about them.
    keys: String,
    /// Whether a backup has ended well.
    whole: bool,
    /// The fold of each partition at the end of the last backup that did.
    pub(super) folds: Vec<Fold>,
}

impl Manifest {
    /// Locks a folder for a backup of one kind: a new one, or one that holds such a backup of the
    /// same instance.
    pub(super) fn begin(
        path: &Path,
        kind: Kind,
        keys: &dyn Keys,
    ) -> anyhow::Result<(DataDir, Self)> {
        let known = Self::read(path)?;
        if known.is_none() && path.exists() {
            let mut entries = path.read_dir()?;
            anyhow::ensure!(
                entries.next().is_none(),
                "{} is neither empty nor a backup",
                path.display()
            );
        }
        if let Some(known) = &known {
            known.is_of(path, kind, keys)?;
        }
        let folder = DataDir::lock(path)?;
        let new =
            || Self { format: FORMAT, kind, keys: name(keys), whole: false, folds: Vec::new() };
        let manifest = known.unwrap_or_else(new);
        manifest.save(&folder)?;
        Ok((folder, manifest))
    }

    /// Reads the manifest of a backup to be brought back.
    pub(super) fn of_backup(path: &Path, kind: Kind) -> anyhow::Result<Self> {
        let known = Self::read(path)?;
        let known = known.with_context(|| format!("{} is not a backup", path.display()))?;
        anyhow::ensure!(
            known.kind == kind,
            "{} holds a backup of the {:?}",
            path.display(),
            known.kind
        );
        anyhow::ensure!(known.whole, "no backup into {} has ended well", path.display());
        Ok(known)
    }

    /// Refuses another kind, and keys that are not the ones of this backup.
    fn is_of(&self, path: &Path, kind: Kind, keys: &dyn Keys) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.kind == kind,
            "{} holds a backup of the {:?}",
            path.display(),
            self.kind
        );
        self.fits(keys).with_context(|| format!("{} can't be used", path.display()))
    }

    /// Refuses keys that are not the ones of this backup.
    pub(super) fn fits(&self, keys: &dyn Keys) -> anyhow::Result<()> {
        anyhow::ensure!(self.keys == name(keys), "it is a backup of another instance");
        Ok(())
    }

    /// Notes that the backup has ended well.
    pub(super) fn end(mut self, folder: &DataDir, folds: Vec<Fold>) -> anyhow::Result<()> {
        (self.whole, self.folds) = (true, folds);
        self.save(folder)
    }

    fn save(&self, folder: &DataDir) -> anyhow::Result<()> {
        Ok(folder.write(FILE, &serde_json::to_vec_pretty(self)?)?)
    }

    fn read(path: &Path) -> anyhow::Result<Option<Self>> {
        let text = match std::fs::read(path.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let manifest: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} of {} is not readable", FILE, path.display()))?;
        anyhow::ensure!(manifest.format == FORMAT, "{} is of another format", path.display());
        Ok(Some(manifest))
    }
}

/// A name for the keys of an instance, from which none of them can be computed.
fn name(keys: &dyn Keys) -> String {
    keys.secret("name of the keys in backups").iter().map(|it| format!("{it:02x}")).collect()
}
