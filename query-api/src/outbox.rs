//! What waits to be written to one socket: bounded, joined into few writes, never dropped.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::sync::Notify;

use crate::limits::Socket;

/// Why a socket is closed by the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Close {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
}

impl Close {
    /// The reader was too slow; it reconnects and resumes where it was.
    pub(crate) const SLOW: Self = Self { code: 1013, reason: "SLOW_CONSUMER" };
    /// The node goes away; others take over.
    pub(crate) const RESTART: Self = Self { code: 1012, reason: "Service restart" };
    /// Something can't be read now; come back and resume.
    pub(crate) const UNAVAILABLE: Self = Self { code: 1013, reason: "Try again later" };
    /// The session has ended.
    pub(crate) const SIGNED_OUT: Self = Self { code: 4401, reason: "Unauthorized" };
    /// The access token has ended; come back with a fresh one.
    pub(crate) const EXPIRED: Self = Self { code: 4403, reason: "Forbidden" };
}

/// Messages for one socket.
pub(crate) struct Outbox {
    limits: Socket,
    waiting: Mutex<Waiting>,
    /// Something was put in.
    filled: Notify,
    /// Something was taken out.
    drained: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Bytes>,
    bytes: usize,
    close: Option<Close>,
}

impl Outbox {
    pub(crate) fn new(limits: Socket) -> Arc<Self> {
        Arc::new(Self {
            limits,
            waiting: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
        })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of the lock panics")
    }

    /// Puts a message in; a socket that is too far behind is closed instead.
    pub(crate) fn push(&self, message: Bytes) {
        let mut waiting = self.waiting();
        if waiting.close.is_some() {
            return;
        }
        waiting.bytes += message.len();
        waiting.messages.push_back(message);
        let too_many = waiting.messages.len() > self.limits.queue_frames;
        if too_many || waiting.bytes > self.limits.queue_bytes {
            metrics::counter!("parlance_sockets_slow_total").increment(1);
            waiting.messages.clear();
            waiting.close = Some(Close::SLOW);
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Closes the socket once what waits has been written.
    pub(crate) fn close(&self, close: Close) {
        let mut waiting = self.waiting();
        waiting.close.get_or_insert(close);
        drop(waiting);
        self.filled.notify_one();
        self.drained.notify_waiters();
    }

    /// Waits until there is room for a page of history; `false` when the socket is closing.
    pub(crate) async fn room(&self) -> bool {
        loop {
            let drained = self.drained.notified();
            {
                let waiting = self.waiting();
                if waiting.close.is_some() {
                    return false;
                }
                let few = waiting.messages.len() * 2 <= self.limits.queue_frames;
                if few && waiting.bytes * 2 <= self.limits.queue_bytes {
                    return true;
                }
            }
            drained.await;
        }
    }

    /// Waits for messages, or for the order to close.
    pub(crate) async fn take(&self) -> (VecDeque<Bytes>, Option<Close>) {
        loop {
            {
                let mut waiting = self.waiting();
                if !waiting.messages.is_empty() || waiting.close.is_some() {
                    waiting.bytes = 0;
                    let taken = std::mem::take(&mut waiting.messages);
                    let close = waiting.close;
                    drop(waiting);
                    self.drained.notify_waiters();
                    return (taken, close);
                }
            }
            self.filled.notified().await;
        }
    }

    /// Resolves when the socket must be closed although its reader does not take anything.
    pub(crate) async fn overflowed(&self) {
        loop {
            let filled = self.filled.notified();
            if self.waiting().close == Some(Close::SLOW) {
                return;
            }
            filled.await;
        }
    }
}
