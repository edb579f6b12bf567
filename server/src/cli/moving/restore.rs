//! `parlance restore`: an instance out of its backups, in an empty place.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use ports::clock::Clock;
use ports::event_log::{Standing, copy};
use server::config::Config;

use super::super::progress::say;
use super::manifest::{Kind, Manifest};
use super::{NEXT, copy_log, vacant};

/// Brings an instance back from its backups into an empty place, which the options name.
///
/// Clients resume: whoever has seen more than the backup holds goes on from what it holds. What the
/// log says was erased is erased again in the keys before anything is served.
#[derive(Args)]
pub(crate) struct Restore {
    /// Folder of a backup of log and blobs
    #[arg(long, value_name = "DIR")]
    from: PathBuf,
    /// Folder of a backup of the keys
    #[arg(long, value_name = "DIR")]
    keys_from: PathBuf,
}

impl Restore {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let manifest = Manifest::of_backup(&self.from, Kind::Log)?;
        Manifest::of_backup(&self.keys_from, Kind::Keys)?;
        let log = ports::open_to_read(&ports::Config::embedded(&self.from)).await?;
        let folder = ports::Config::embedded(&self.keys_from);
        let keys = ports::open_keys_to_read(&folder).await?;
        manifest.fits(&*keys).context("these keys do not fit this log")?;
        let ends: Vec<u64> = manifest.folds.iter().map(|it| it.pos).collect();
        let whole = copy::fold_all(&*log, &ends).await?;
        anyhow::ensure!(whole == manifest.folds, "the backup's log is not what it was when made");
        let ordinals: Vec<u64> = whole.iter().map(|it| it.ordinal).collect();
        let now_s = u32::try_from(ports::clock::System.now_ms() / 1_000)?;
        let born = log.identity().restored(&ordinals, now_s);

        let arriving = ports::open_to_copy(&config.ports(), &born).await?;
        let target = &arriving.ports;
        anyhow::ensure!(
            target.event_log.identity().continues(&born),
            "the target holds another instance, or another state of this one"
        );
        vacant(target).await?;
        let copied = copy_log(&*log, &*target.event_log, &ends).await?;
        let trees = ports::keys::copy(&*keys, &*target.keys).await?;
        let erased = projectors::erase_again(&*target.event_log, &*target.keys).await?;
        let blobs = ports::blobs::open(&self.from)?;
        let blobs = ports::blobs::copy(&*blobs, &*target.blobs).await?;
        target.event_log.stand(Standing::Serving).await?;
        let events: u64 = ordinals.iter().sum();
        if erased.missing > 0 {
            say(&format!(
                "{} key trees are newer than these keys: what they sealed is lost for ever",
                erased.missing
            ))?;
        }
        say(&format!(
            "{events} events ({} records copied now), {blobs} blobs and keys of {trees} trees are \
             in {}; \
             {} erasures were carried out again\n  {NEXT}: parlance serve",
            copied.records,
            config.place(),
            erased.undone
        ))
    }
}
