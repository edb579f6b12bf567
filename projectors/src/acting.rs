//! Acts on what the documents hold due, by the door that everybody uses: one task a partition for
//! the outbox, one for timers, one for links, two for files.

use std::sync::Arc;

use chat::kernel::{Door, Keyring};
use ports::Ports;
use ports::event_log::Partition;
use ports::media_worker::MediaWorker;
use tokio::task::JoinHandle;

use crate::progress::Progress;

/// What acting needs.
#[derive(Clone)]
pub struct Acting {
    pub ports: Ports,
    pub keyring: Arc<Keyring>,
    pub door: Arc<dyn Door>,
    /// Looks into files; without it they wait.
    pub media: Option<Arc<MediaWorker>>,
}

impl Acting {
    /// Starts it for all partitions.
    pub fn start(&self, progress: &Arc<Progress>) {
        for partition in self.partitions() {
            self.start_for(partition, progress);
        }
    }

    /// Starts the timers alone: of what is due, the simulation plays nothing else.
    pub fn start_timers(&self, progress: &Arc<Progress>) {
        for partition in self.partitions() {
            ports::spawn("timers", self.clone().fire_timers(partition, Arc::clone(progress)));
        }
    }

    /// Starts it for one partition.
    pub(crate) fn start_for(
        &self,
        partition: Partition,
        progress: &Arc<Progress>,
    ) -> [JoinHandle<()>; 5] {
        let each = || (self.clone(), Arc::clone(progress));
        let ((outbox, a), (timers, b), (links, c)) = (each(), each(), each());
        let ((files, d), (media, e)) = (each(), each());
        [
            ports::spawn("outbox", outbox.send_outbox(partition, a)),
            ports::spawn("timers", timers.fire_timers(partition, b)),
            ports::spawn("previews", links.look_up_links(partition, c)),
            ports::spawn("sweep", files.sweep_files(partition, d)),
            ports::spawn("media", media.look_into_files(partition, e)),
        ]
    }

    fn partitions(&self) -> impl Iterator<Item = Partition> + use<> {
        0..self.ports.event_log.identity().partitions
    }
}
