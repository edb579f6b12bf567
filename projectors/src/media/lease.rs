//! Who works on a file's variants, so that nobody else does the same, or deletes what they make.

use std::time::Duration;

use chat::files::FileId;
use chat::kernel::document::padded;
use ports::Ports;

/// How long nobody else does it after one was seen to.
const LEASE_MS: u64 = 15_000;

/// How often it is prolonged.
const PROLONG_EVERY: Duration = Duration::from_secs(5);

/// What one holds who works on a file's variants. Without a cache two may do so at once, which is
/// only more work.
pub(crate) struct Lease {
    key: String,
    holder: String,
}

impl Lease {
    /// Takes it; nothing while another holds it.
    pub(crate) async fn take(ports: &Ports, file: FileId) -> Option<Self> {
        let holder = padded(u64::from_be_bytes(ports.entropy.bytes()));
        let lease = Self { key: format!("media/{}", file.0.simple()), holder };
        lease.prolong(ports).await.then_some(lease)
    }

    async fn prolong(&self, ports: &Ports) -> bool {
        ports.cache.lease(&self.key, &self.holder, LEASE_MS).await.unwrap_or(true)
    }

    /// Does something for as long as it takes, and gives it back.
    pub(crate) async fn during<T>(self, ports: &Ports, work: impl Future<Output = T>) -> T {
        let keep = async {
            loop {
                tokio::time::sleep(PROLONG_EVERY).await;
                self.prolong(ports).await;
            }
        };
        let came = tokio::select! {
            came = work => came,
            () = keep => unreachable!("it is prolonged without end"),
        };
        // It ends by itself if that fails.
        let _ = ports.cache.forget(&self.key).await;
        came
    }
}
