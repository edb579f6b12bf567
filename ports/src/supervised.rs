//! The only way to start a task: it has a name, and a panic in it ends the process.

use std::future::Future;

use tokio::task::JoinHandle;

/// Starts a background task; a panic in it is logged and stops the program, since a role that
/// has lost one of its loops would answer as if it were whole.
pub fn spawn<F>(name: &'static str, task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    #[expect(clippy::disallowed_methods, reason = "this is the supervised replacement")]
    tokio::spawn(async move {
        let guard = PanicGuard { name };
        let output = task.await;
        std::mem::forget(guard);
        output
    })
}

struct PanicGuard {
    name: &'static str,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            tracing::error!(task = self.name, "task panicked, stopping the process");
            std::process::abort();
        }
    }
}
