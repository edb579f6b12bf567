//! `parlance migrate`: the same instance on other systems, in either direction.
//!
//! Most is copied while the instance is served. Then nothing may work on it: it is marked as moved,
//! its partitions are closed, and only then the rest is copied. So whatever was acknowledged at the
//! old place is at the new one, and nothing is acknowledged at both. The new place is not served
//! before it is whole. Whatever stops this, running it again goes on.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use ports::event_log::{EventLog, Standing, copy};
use server::config::Config;

use super::super::progress::say;
use super::{NEXT, copy_log, nobody_works, vacant};

/// Moves the instance to other systems: log, keys and blobs, with all ids, places and positions.
///
/// Run it while the instance is served; it copies most and asks for the instance to be stopped.
/// Stop it and run the same again: it copies the rest, and the instance is at the new place. The
/// old one is never served again; remove it: its keys can still read what is erased from now on.
#[derive(Args)]
pub(crate) struct Migrate {
    /// File of the options of the new place, which takes nothing from this process's environment
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
}

impl Migrate {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let there = Config::of_file(&self.to)?;
        let (source, target) = (config.ports(), there.ports());
        apart(&source, &target)?;
        let place = there.place();
        let reading = ports::open_to_read(&source).await?;
        let identity = reading.identity();
        let moved = match reading.standing() {
            Standing::Serving => false,
            Standing::Moved(to) if to == place => true,
            Standing::Moved(to) => anyhow::bail!("this instance has moved to {to}"),
            Standing::Copy => anyhow::bail!("this is a backup, or a copy that is not whole yet"),
        };
        let arriving = ports::open_to_copy(&target, &identity).await?;
        let log = &*arriving.ports.event_log;
        anyhow::ensure!(log.identity() == identity, "the target holds another instance");
        if moved && log.standing() == Standing::Serving {
            return say(&format!("this instance has moved to {place}"));
        }
        vacant(&arriving.ports).await?;
        let ends = copy::ends(&*reading).await?;
        let early = copy_log(&*reading, log, &ends).await?;
        drop(reading);
        // Keys that do not fit are refused while there is a way back.
        let keys = ports::open_keys_to_read(&source).await?;
        ports::keys::copy(&*keys, &*arriving.ports.keys).await?;
        let blobs = ports::open_blobs(&source).await?;
        ports::blobs::copy(&*blobs, &*arriving.ports.blobs).await?;

        let stop = "most is copied; stop what serves the old place, then run this again to go on";
        let leaving = ports::open_to_copy(&source, &identity).await.context(stop)?;
        nobody_works(&leaving.ports).await.context(stop)?;
        let old = &*leaving.ports.event_log;
        let again = "the old place is closed, but not all is copied: run this again to go on";
        let late = cut_over(old, log, &place).await.context(again)?;
        let trees = ports::keys::copy(&*leaving.ports.keys, &*arriving.ports.keys).await;
        let trees = trees.context(again)?;
        let blobs = ports::blobs::copy(&*blobs, &*arriving.ports.blobs).await;
        blobs.context(again)?;
        log.stand(Standing::Serving).await.context(again)?;
        say(&format!(
            "{} records and keys of {trees} trees copied to {place}; it is whole\n  {NEXT}: \
             parlance --config {} serve",
            early.records + late,
            self.to.display()
        ))
    }
}

/// Ends the instance at the old place and copies the rest; gives the number of records.
async fn cut_over(old: &dyn EventLog, new: &dyn EventLog, place: &str) -> anyhow::Result<u64> {
    old.stand(Standing::Moved(place.to_owned())).await?;
    // A node that was started before may believe in its partitions: nothing it appends counts.
    copy::close(old).await?;
    let ends = copy::ends(old).await?;
    let copied = copy_log(old, new, &ends).await?;
    anyhow::ensure!(copied.closed == ends.len(), "not every partition of the old log is closed");
    Ok(copied.records)
}

/// Refuses to move a place to itself.
fn apart(source: &ports::Config, target: &ports::Config) -> anyhow::Result<()> {
    let real = |it: &PathBuf| it.canonicalize().unwrap_or_else(|_| it.clone());
    let both = [source, target].iter().all(|it| !it.addresses.in_folder().is_empty());
    anyhow::ensure!(
        !both || real(&source.data_dir) != real(&target.data_dir),
        "both places have systems in {}: name another data_dir",
        target.data_dir.display()
    );
    let log = &source.addresses.event_log;
    anyhow::ensure!(
        log.is_none() || *log != target.addresses.event_log,
        "both places have the same log"
    );
    Ok(())
}
