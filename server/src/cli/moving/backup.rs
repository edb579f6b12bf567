//! `parlance backup`: into a folder, while the instance is served; again, it adds what is new.

use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use ports::event_log::{self, Purpose, Standing, copy};
use server::config::Config;

use super::super::progress::say;
use super::manifest::{Kind, Manifest};
use super::{copy_log, stayed};

/// Copies log and blobs into a folder and verifies the log by folding it. Done again, it adds what
/// is new, and removes nothing.
///
/// The keys are backed up apart, by `--keys` into another folder on another disk: whoever has both
/// can read everything, and whoever has the log alone can read nothing. Keep few copies of the keys
/// and keep them briefly: what was erased can be read with a copy from before.
#[derive(Args)]
pub(crate) struct Backup {
    /// Folder of the backup: new, or from the last time
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// Copies the keys and nothing else
    #[arg(long)]
    keys: bool,
}

impl Backup {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let source = config.ports();
        let keys = ports::open_keys_to_read(&source).await?;
        if self.keys {
            if source.addresses.keys.is_none() {
                stayed(&source.data_dir).await?;
            }
            let (folder, manifest) = Manifest::begin(&self.to, Kind::Keys, &*keys)?;
            let copies = ports::keys::open(folder.path(), Arc::new(ports::entropy::System))?;
            let trees = ports::keys::copy(&*keys, &*copies).await?;
            manifest.end(&folder, Vec::new())?;
            return say(&format!("keys of {trees} trees are in {}", self.to.display()));
        }
        let log = ports::open_to_read(&source).await?;
        match log.standing() {
            Standing::Serving => (),
            Standing::Copy => anyhow::bail!("this is a copy that is not whole, or a backup itself"),
            Standing::Moved(place) => anyhow::bail!("this instance has moved to {place}"),
        }
        let (folder, manifest) = Manifest::begin(&self.to, Kind::Log, &*keys)?;
        let backup = event_log::open(folder.path(), &log.identity(), Purpose::Copy)?;
        anyhow::ensure!(
            backup.identity() == log.identity(),
            "{} is a backup from before a restore, or of another instance: begin a new one",
            self.to.display()
        );
        let ends = copy::ends(&*log).await?;
        let copied = copy_log(&*log, &*backup, &ends).await?;
        // Whatever the copied events name was put before them.
        let blobs = ports::open_blobs(&source).await?;
        let blobs = ports::blobs::copy(&*blobs, &*ports::blobs::open(folder.path())?).await?;
        let events: u64 = copied.folds.iter().map(|it| it.ordinal).sum();
        manifest.end(&folder, copied.folds)?;
        say(&format!(
            "{} records and {blobs} blobs added, {events} events verified in {}\n  the keys are \
             apart: parlance backup --keys --to DIR",
            copied.records,
            self.to.display()
        ))
    }
}
