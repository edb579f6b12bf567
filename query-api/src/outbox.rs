//! What waits to be written to one socket: bounded, joined into few writes, never dropped.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::ws::Utf8Bytes;
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

    /// How long the other end is given to take what is left and to be told why.
    pub(crate) fn farewell(self) -> Duration {
        if self == Self::SLOW { FAREWELL_SLOW } else { FAREWELL }
    }
}

/// How many sockets have been called and have not taken their messages yet. Fan-out waits for
/// them: what is announced meanwhile is joined with what comes next into one write a socket.
#[derive(Default)]
pub(crate) struct Pace {
    called: AtomicUsize,
    answered: Notify,
}

impl Pace {
    fn call(&self) {
        self.called.fetch_add(1, Ordering::AcqRel);
    }

    fn answer(&self) {
        if self.called.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.answered.notify_one();
        }
    }

    /// Waits until every socket that was called has come.
    pub(crate) async fn quiet(&self) {
        loop {
            let answered = self.answered.notified();
            if self.called.load(Ordering::Acquire) == 0 {
                return;
            }
            answered.await;
        }
    }
}

/// Messages for one socket.
pub(crate) struct Outbox {
    limits: Socket,
    pace: Arc<Pace>,
    waiting: Mutex<Waiting>,
    /// Something was put in.
    filled: Notify,
    /// Something was taken out.
    drained: Notify,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<Utf8Bytes>,
    bytes: usize,
    close: Option<Close>,
    reader: Reader,
}

/// How full an outbox is once a message has been put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It was empty: the socket is to be called once all is put in.
    First,
    Another,
    /// It is half full: the socket is to be called now.
    Crowded,
}

/// Time that a closing socket is given to take what is left.
const FAREWELL: Duration = Duration::from_secs(2);

/// Time that a slow one is given: it reads on behind what buffers on the way have taken in.
const FAREWELL_SLOW: Duration = Duration::from_secs(15);

/// What the task of the socket does.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// It writes, or has ended: it is not to be waited for.
    #[default]
    Away,
    /// It waits for messages.
    Asleep,
    /// It has been called.
    Called,
}

impl Outbox {
    pub(crate) fn new(limits: Socket, pace: &Arc<Pace>) -> Arc<Self> {
        Arc::new(Self {
            limits,
            pace: Arc::clone(pace),
            waiting: Mutex::default(),
            filled: Notify::new(),
            drained: Notify::new(),
        })
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().expect("no holder of the lock panics")
    }

    /// Puts a message in and wakes the socket.
    pub(crate) fn push(&self, message: Utf8Bytes) {
        self.put(message);
        self.filled.notify_one();
    }

    /// Puts a message in without waking the socket; one that is too far behind is closed instead.
    pub(crate) fn put(&self, message: Utf8Bytes) -> Put {
        let mut waiting = self.waiting();
        if waiting.close.is_some() {
            return Put::Another;
        }
        let first = waiting.messages.is_empty();
        waiting.bytes += message.as_str().len();
        waiting.messages.push_back(message);
        let (frames, bytes) = (waiting.messages.len(), waiting.bytes);
        if frames > self.limits.queue_frames || bytes > self.limits.queue_bytes {
            metrics::counter!("parlance_sockets_slow_total").increment(1);
            waiting.messages.clear();
            waiting.close = Some(Close::SLOW);
            return Put::Crowded;
        }
        if frames * 2 > self.limits.queue_frames || bytes * 2 > self.limits.queue_bytes {
            return Put::Crowded;
        }
        if first { Put::First } else { Put::Another }
    }

    /// Calls the socket to take what was put in; fan-out waits for it.
    pub(crate) fn call(&self) {
        let mut waiting = self.waiting();
        if waiting.reader == Reader::Asleep {
            waiting.reader = Reader::Called;
            self.pace.call();
        }
        drop(waiting);
        self.filled.notify_one();
    }

    /// Nobody takes messages any more.
    pub(crate) fn end(&self) {
        self.close(Close::SLOW);
        self.awake(&mut self.waiting());
    }

    fn awake(&self, waiting: &mut Waiting) {
        if std::mem::take(&mut waiting.reader) == Reader::Called {
            self.pace.answer();
        }
    }

    /// Closes the socket once what waits has been written.
    pub(crate) fn close(&self, close: Close) {
        let mut waiting = self.waiting();
        waiting.close.get_or_insert(close);
        drop(waiting);
        self.filled.notify_one();
        self.drained.notify_waiters();
    }

    /// Whether it is no more than half full.
    pub(crate) fn has_room(&self) -> bool {
        let waiting = self.waiting();
        let few = waiting.messages.len() * 2 <= self.limits.queue_frames;
        few && waiting.bytes * 2 <= self.limits.queue_bytes && waiting.close.is_none()
    }

    /// Waits until there is room for a frame of the past; `false` when the socket is closing.
    pub(crate) async fn room(&self) -> bool {
        loop {
            let drained = self.drained.notified();
            if self.has_room() {
                return true;
            }
            if self.waiting().close.is_some() {
                return false;
            }
            drained.await;
        }
    }

    /// Waits for messages, or for the order to close.
    pub(crate) async fn take(&self) -> (VecDeque<Utf8Bytes>, Option<Close>) {
        loop {
            {
                let mut waiting = self.waiting();
                self.awake(&mut waiting);
                if waiting.messages.is_empty() && waiting.close.is_none() {
                    waiting.reader = Reader::Asleep;
                } else {
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

    /// Resolves when the socket must be closed although its reader does not take anything: at once
    /// when it is too slow, after a while when it is closed for another reason.
    pub(crate) async fn cut(&self) {
        loop {
            let filled = self.filled.notified();
            let close = self.waiting().close;
            match close {
                Some(Close::SLOW) => return,
                Some(_) => return tokio::time::sleep(FAREWELL).await,
                None => filled.await,
            }
        }
    }
}
