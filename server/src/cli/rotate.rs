//! `parlance rotate-master-key`: beside the process that has the folder, or alone.

use std::sync::Arc;
use std::time::Duration;

use clap::Args;

use ports::keys::Rotation;
use server::config::Config;

use super::progress::say;

/// Between two steps, so that whoever serves from the folder never waits long for its turn.
const PAUSE: Duration = Duration::from_millis(20);

/// Replaces the master key, while the folder's keys are served by `parlance serve` or `parlance
/// keys` or by nobody.
///
/// When it was interrupted, it goes on the next time it is called or the keys are served again. A
/// copy of the folder from before still opens with the old key: keep or destroy both together.
/// Folders of `parlance backup --keys` have master keys of their own.
#[derive(Args)]
pub(crate) struct RotateMasterKey {}

impl RotateMasterKey {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        anyhow::ensure!(
            config.ports().addresses.keys.is_none(),
            "the keys are elsewhere: call it on the host of `parlance keys`, for its folder"
        );
        ports::data_dir::check(&config.data_dir)?;
        let rotation = loop {
            let entropy = Arc::new(ports::entropy::System);
            let mut rotation = Rotation::begin(&config.data_dir, entropy)?;
            while rotation.step()? {
                tokio::time::sleep(PAUSE).await;
            }
            // The key of one that was interrupted may be what is to be replaced.
            if !rotation.resumed() {
                break rotation;
            }
        };
        say(&format!(
            "the master key in {} is new, {} key trees were wrapped again\n  save it where the old \
             one is kept: nobody can make it again",
            config.data_dir.display(),
            rotation.wrapped()
        ))
    }
}
