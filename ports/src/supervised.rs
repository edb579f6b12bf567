//! The only way to start a task: it has a name, and a panic in it ends the process.

use std::future::Future;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex};

use futures_util::FutureExt;
use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinHandle};

tokio::task_local! {
    /// The node that the running task belongs to; only simulations have several in a process.
    static NODE: Tasks;
}

/// Handles after which ended ones are looked for.
const SWEEP_AT: usize = 256;

/// The tasks of one simulated node: they end together, as those of a machine that fails.
#[derive(Clone, Default)]
pub struct Tasks(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    running: Vec<AbortHandle>,
    sweep_at: usize,
    ended: bool,
    panicked: Option<&'static str>,
}

impl Tasks {
    /// Runs a future so that every task which it starts, or which those start, belongs here.
    pub async fn run<F: Future>(&self, future: F) -> F::Output {
        NODE.scope(self.clone(), future).await
    }

    /// The node that the caller belongs to; outside simulations there is none.
    pub fn current() -> Option<Self> {
        NODE.try_with(Self::clone).ok()
    }

    /// Ends every task where it waits, and every one that is started from now on.
    pub fn end(&self) {
        let running = {
            let mut state = self.state();
            state.ended = true;
            std::mem::take(&mut state.running)
        };
        running.iter().for_each(AbortHandle::abort);
    }

    /// Whether the node has failed.
    pub fn ended(&self) -> bool {
        self.state().ended
    }

    /// The task that panicked, if one has.
    pub fn panicked(&self) -> Option<&'static str> {
        self.state().panicked
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the lock panics")
    }

    fn keep(&self, task: AbortHandle) {
        let mut state = self.state();
        if state.ended {
            drop(state);
            task.abort();
            return;
        }
        if state.running.len() >= state.sweep_at.max(SWEEP_AT) {
            state.running.retain(|it| !it.is_finished());
            state.sweep_at = state.running.len() * 2;
        }
        state.running.push(task);
    }
}

/// Starts a background task; a panic in it is logged and stops the program, since a role that
/// has lost one of its loops would answer as if it were whole.
pub fn spawn<F>(name: &'static str, task: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    // A future that is dropped by a thread that panics for a reason of its own has not panicked.
    let task = AssertUnwindSafe(task).catch_unwind().map(move |outcome| match outcome {
        Ok(output) => output,
        Err(panic) => {
            report(name);
            resume_unwind(panic)
        }
    });
    #[expect(clippy::disallowed_methods, reason = "this is the supervised replacement")]
    match NODE.try_with(Tasks::clone) {
        Ok(node) => {
            let started = tokio::spawn(NODE.scope(node.clone(), task));
            node.keep(started.abort_handle());
            started
        }
        Err(_) => tokio::spawn(task),
    }
}

/// Notes that a task panicked, or stops the process unless that is ending.
fn report(name: &'static str) {
    if NODE.try_with(|it| it.state().panicked = Some(name)).is_ok() {
        return;
    }
    if is_ending() {
        // It may have found that another task is gone which it cannot be without.
        tracing::debug!(task = name, "task panicked while its runtime ended");
        return;
    }
    tracing::error!(task = name, "task panicked, stopping the process");
    std::process::abort();
}

/// Whether the runtime takes no more tasks, since it ends those that it has.
fn is_ending() -> bool {
    Handle::try_current().is_ok_and(|runtime| {
        let probe = runtime.spawn(std::future::pending::<()>());
        let refused = probe.is_finished();
        probe.abort();
        refused
    })
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::runtime::Builder;
    use tokio::sync::oneshot;

    use super::*;

    /// Tells when it is dropped whether that is since the runtime ends.
    struct Probe(Option<oneshot::Sender<bool>>);

    impl Drop for Probe {
        fn drop(&mut self) {
            let _ = self.0.take().expect("it is dropped once").send(is_ending());
        }
    }

    #[test]
    fn what_ends_with_its_runtime_is_told_from_what_ends_before() {
        let runtime = Builder::new_multi_thread().worker_threads(2).build().expect("threads");
        let ended = |of: Probe| async move {
            let _of = of;
            pending::<()>().await;
        };
        let ((early, heard_early), (late, heard_late)) = (oneshot::channel(), oneshot::channel());
        let told = runtime.block_on(async {
            let task = spawn("ends early", ended(Probe(Some(early))));
            drop(spawn("ends late", ended(Probe(Some(late)))));
            task.abort();
            heard_early.await
        });
        drop(runtime);
        assert_eq!((told, heard_late.blocking_recv()), (Ok(false), Ok(true)));
    }

    #[test]
    fn what_is_dropped_by_a_panic_of_somebody_else_has_not_panicked() {
        let panicked = std::panic::catch_unwind(|| {
            let runtime = Builder::new_current_thread().build().expect("threads can be had");
            runtime.block_on(async {
                drop(spawn("waits", pending::<()>()));
                tokio::task::yield_now().await;
            });
            panic!("for a reason of its own");
        });
        assert!(panicked.is_err());
    }
}
