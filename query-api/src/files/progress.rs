//! Tells the owner of an upload how far it has come, for as long as its bytes come.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat::files::{File, PROGRESS_EVERY_MS, tell_progress};
use chat::kernel::graphql::Scope;

/// How many bytes of a request have been taken.
#[derive(Clone, Default)]
pub(super) struct Taken(Arc<AtomicU64>);

impl Taken {
    pub(super) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// An upload that goes on from an offset.
pub(super) struct Progress<'a> {
    pub(super) scope: &'a Scope,
    pub(super) file: &'a File,
    pub(super) offset: u64,
    pub(super) taken: Taken,
}

impl Progress<'_> {
    /// Tells of it every second while the bytes are taken, and when they are.
    pub(super) async fn during<T>(&self, taking: impl Future<Output = T>) -> T {
        let telling = async {
            let mut told = 0;
            loop {
                tokio::time::sleep(Duration::from_millis(PROGRESS_EVERY_MS)).await;
                told = self.tell(told).await;
            }
        };
        let taken = tokio::select! {
            taken = taking => taken,
            () = telling => unreachable!("it is told without end"),
        };
        self.tell(0).await;
        taken
    }

    /// Tells of bytes that have come since so many had; gives how many have now.
    async fn tell(&self, told: u64) -> u64 {
        let now = self.taken.bytes();
        let received = self.offset + now;
        // Once all are there it is a file, which an event says; a piece never is one.
        let whole = received >= self.file.size_bytes && !self.file.partial;
        if now > told && !whole {
            tell_progress(self.scope, self.file, received).await;
        }
        now
    }
}
