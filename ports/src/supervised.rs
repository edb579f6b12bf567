//! The only way to start a task: it has a name, and a panic in it ends the process.

use std::future::Future;
use std::sync::{Arc, Mutex};

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
    let task = async move {
        let guard = PanicGuard { name };
        let output = task.await;
        std::mem::forget(guard);
        output
    };
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

struct PanicGuard {
    name: &'static str,
}

impl Drop for PanicGuard {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let name = self.name;
            if NODE.try_with(|it| it.state().panicked = Some(name)).is_ok() {
                return;
            }
            tracing::error!(task = name, "task panicked, stopping the process");
            std::process::abort();
        }
    }
}
