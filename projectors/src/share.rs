//! Starts the loops of a partition when it falls to this node, and ends them when it falls to
//! another.

use std::collections::HashMap;
use std::sync::Arc;

use ports::event_log::Partition;
use ports::roster::Roster;
use tokio::task::JoinHandle;

/// Runs what `start` starts on every partition for as long as that falls to this node, then gives
/// it back. A loop ends where it waits: what it has written halfway is written whole by the next.
pub(crate) async fn share<const N: usize>(
    roster: Arc<Roster>,
    start: impl Fn(Partition) -> [JoinHandle<()>; N],
) {
    let mut held = roster.held();
    let mut running: HashMap<Partition, [JoinHandle<()>; N]> = HashMap::new();
    loop {
        let now = held.borrow_and_update().clone();
        for (partition, loops) in running.extract_if(|it, _| !now.contains(it)) {
            ports::spawn("hand-over", end(loops, Arc::clone(&roster), partition));
        }
        for partition in now {
            running.entry(partition).or_insert_with(|| start(partition));
        }
        if held.changed().await.is_err() {
            return;
        }
    }
}

async fn end<const N: usize>(loops: [JoinHandle<()>; N], roster: Arc<Roster>, at: Partition) {
    loops.iter().for_each(JoinHandle::abort);
    for it in loops {
        // It was told to end.
        let _ = it.await;
    }
    roster.give_back(at).await;
}
