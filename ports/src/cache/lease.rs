//! A lease that is held for as long as something takes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::Ports;

/// What one holds who does something that nobody else is to do meanwhile. Without a cache two may
/// do it at once, so it is for what is only more work then.
pub struct Lease {
    key: String,
    holder: String,
    ttl: Duration,
}

impl Lease {
    /// Takes it; nothing while another holds it. It ends after a time unless it is prolonged.
    pub async fn take(ports: &Ports, key: String, ttl: Duration) -> Option<Self> {
        let holder = format!("{:016x}", u64::from_be_bytes(ports.entropy.bytes()));
        let lease = Self { key, holder, ttl };
        lease.prolong(ports).await.then_some(lease)
    }

    async fn prolong(&self, ports: &Ports) -> bool {
        let ttl_ms = u64::try_from(self.ttl.as_millis()).unwrap_or(u64::MAX);
        ports.cache.lease(&self.key, &self.holder, ttl_ms).await.unwrap_or(true)
    }

    /// Does something for as long as it takes, and gives it back.
    pub async fn during<T>(self, ports: &Ports, work: impl Future<Output = T>) -> T {
        let ours = AtomicBool::new(true);
        let keep = async {
            loop {
                tokio::time::sleep(self.ttl / 3).await;
                // Losing it is only more work.
                ours.store(self.prolong(ports).await, Ordering::Relaxed);
            }
        };
        let came = tokio::select! {
            came = work => came,
            () = keep => unreachable!("it is prolonged without end"),
        };
        // That of another is theirs. It ends by itself if this fails.
        if ours.into_inner() {
            let _ = ports.cache.forget(&self.key).await;
        }
        came
    }
}
