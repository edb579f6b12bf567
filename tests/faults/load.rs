//! The load: people who send and sockets that follow, over every fault, and what each of them saw.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ports::clock::Stopwatch;
use serde_json::json;
use tests::{Frame, Heard, Person, Sent, Socket, fresh_id};

/// Clients that send.
pub(crate) const SENDERS: usize = 64;
/// Sockets that follow.
pub(crate) const FOLLOWERS: usize = 200;
/// Groups that they are in; each person is in one.
pub(crate) const GROUPS: usize = 8;

/// Time between two messages of one sender.
const PACE: Duration = Duration::from_millis(2_000);
/// Seconds after which it is told what is waited for.
const LONG: f64 = 12.0;
/// Time between two attempts of anybody.
const AGAIN: Duration = Duration::from_millis(50);

/// What followers follow.
const FEED: &str = "subscription($after: String) { updates(after: $after) { position \
    conversationId seq previousSeq eventName change { ... on Message { id number } } } }";

/// A message that was acknowledged.
pub(crate) struct Acknowledged {
    pub(crate) sent: Sent,
    pub(crate) author: usize,
    /// Seconds since the load began.
    pub(crate) began: f64,
}

/// What is known of a conversation: how far it goes, and a hash of all ids in order.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) seq: u64,
    pub(crate) number: u64,
    pub(crate) digest: u64,
}

/// Everything that the threads of the load share.
pub(crate) struct Load {
    pub(crate) people: Vec<Person>,
    pub(crate) groups: Vec<String>,
    pub(crate) clock: Stopwatch,
    /// Whether senders send.
    sending: AtomicBool,
    /// Whether they do without a pause.
    hurried: AtomicBool,
    over: AtomicBool,
    in_flight: AtomicUsize,
    /// Attempts that were not acknowledged.
    failures: Mutex<Vec<String>>,
    acknowledged: Vec<Mutex<Vec<Acknowledged>>>,
    /// What each follower has heard, by conversation; its own account's events have no name.
    heard: Vec<Mutex<HashMap<String, Line>>>,
    /// What a follower should not have heard.
    wrong: Mutex<Vec<String>>,
}

impl Load {
    pub(crate) fn new(people: Vec<Person>, groups: Vec<String>) -> Self {
        Self {
            people,
            groups,
            clock: Stopwatch::start(),
            sending: AtomicBool::new(true),
            hurried: AtomicBool::new(false),
            over: AtomicBool::new(false),
            in_flight: AtomicUsize::new(0),
            failures: Mutex::default(),
            acknowledged: (0..GROUPS).map(|_| Mutex::default()).collect(),
            heard: (0..=FOLLOWERS).map(|_| Mutex::default()).collect(),
            wrong: Mutex::default(),
        }
    }

    /// The group of a person.
    pub(crate) fn group_of(person: usize) -> usize {
        person % GROUPS
    }

    /// Lets senders send, or waits until nothing is under way.
    pub(crate) fn send(&self, sending: bool) {
        self.sending.store(sending, Ordering::SeqCst);
        if !sending {
            until(90.0, "what is under way to end", || self.in_flight.load(Ordering::SeqCst) == 0);
        }
    }

    /// Whether senders pause between messages.
    pub(crate) fn hurry(&self, hurried: bool) {
        self.hurried.store(hurried, Ordering::SeqCst);
    }

    /// Ends every thread.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// What was not acknowledged at the first attempt since the last call.
    pub(crate) fn failures(&self) -> Vec<String> {
        std::mem::take(&mut *locked(&self.failures))
    }

    /// What somebody heard and should not have.
    pub(crate) fn wrong(&self) -> Vec<String> {
        locked(&self.wrong).clone()
    }

    /// Acknowledged messages of a group by number: ids and authors.
    pub(crate) fn acknowledged(&self, group: usize, after: u64) -> BTreeMap<u64, (String, usize)> {
        let all = locked(&self.acknowledged[group]);
        let wanted = all.iter().filter(|it| it.sent.number > after);
        let mut found = BTreeMap::new();
        for it in wanted {
            let twice = found.insert(it.sent.number, (it.sent.id.clone(), it.author));
            assert!(twice.is_none(), "number {} was acknowledged twice", it.sent.number);
        }
        found
    }

    /// The highest seq of a group among messages that were begun after a time and acknowledged.
    fn newest(&self, group: usize, since: f64) -> Option<u64> {
        let all = locked(&self.acknowledged[group]);
        let later = all.iter().rev().take(10 * SENDERS).filter(|it| it.began >= since);
        later.map(|it| it.sent.seq).max()
    }

    /// Waits until a message to every group that was begun after a time is acknowledged; the time.
    pub(crate) fn writes(&self, since: f64, limit: f64) -> f64 {
        let all = || (0..GROUPS).all(|it| self.newest(it, since).is_some());
        until(limit, "every group to be written to", all);
        self.clock.seconds()
    }

    /// Waits until every follower has heard what is acknowledged by now; the time.
    pub(crate) fn feeds(&self, limit: f64) -> f64 {
        let newest: Vec<_> = (0..GROUPS).map(|it| self.newest(it, 0.0).unwrap_or(0)).collect();
        let behind = || -> Vec<_> {
            let heard = |follower: usize| {
                let group = Self::group_of(follower % SENDERS);
                (follower, group, self.line(follower, &self.groups[group]).seq, newest[group])
            };
            (0..FOLLOWERS).map(heard).filter(|it| it.2 < it.3).collect()
        };
        until_told(limit, || {
            let behind = behind();
            let told = || format!("(follower, group, heard, newest): {behind:?}");
            if behind.is_empty() { Ok(()) } else { Err(told()) }
        });
        self.clock.seconds()
    }

    /// What a follower has heard of a conversation.
    pub(crate) fn line(&self, follower: usize, conversation: &str) -> Line {
        locked(&self.heard[follower]).get(conversation).copied().unwrap_or_default()
    }

    /// Conversations that a follower has heard of.
    pub(crate) fn conversations(&self, follower: usize) -> Vec<String> {
        locked(&self.heard[follower]).keys().cloned().collect()
    }

    /// Sends message after message, each under one client id until it is acknowledged.
    pub(crate) fn sends(&self, person: usize) {
        let group = Self::group_of(person);
        // Each starts at a time of its own.
        let mut due = PACE.as_secs_f64() * person as f64 / SENDERS as f64;
        for count in 1_u64.. {
            while !self.is_over() && !self.may_send(due) {
                std::thread::sleep(AGAIN);
            }
            if self.is_over() {
                return;
            }
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            if self.sending.load(Ordering::SeqCst) {
                let (began, id) = (self.clock.seconds(), fresh_id());
                due = began + PACE.as_secs_f64();
                let text = format!("message {count} of {person}");
                let sent = self.insists(&self.people[person], &self.groups[group], &id, &text);
                let sent = sent.map(|sent| Acknowledged { sent, author: person, began });
                locked(&self.acknowledged[group]).extend(sent);
            }
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
        }
    }

    fn may_send(&self, due: f64) -> bool {
        let hurried = self.hurried.load(Ordering::SeqCst);
        self.sending.load(Ordering::SeqCst) && (hurried || self.clock.seconds() >= due)
    }

    /// Tries until it is acknowledged.
    fn insists(&self, person: &Person, group: &str, id: &str, text: &str) -> Option<Sent> {
        loop {
            match person.tries_hard_to_send(group, id, text) {
                Ok(sent) => return Some(sent),
                Err(_) if self.is_over() => return None,
                Err(failure) => {
                    locked(&self.failures).push(format!("{:.2}: {failure}", self.clock.seconds()));
                    std::thread::sleep(AGAIN);
                }
            }
        }
    }

    /// Follows the feed over every fault, and notes what is wrong with it.
    pub(crate) fn follows(&self, number: usize, address: SocketAddr, token: &str, after: &str) {
        let mut after = after.to_owned();
        while !self.is_over() {
            self.follows_once(number, address, token, &mut after);
            std::thread::sleep(AGAIN);
        }
    }

    fn follows_once(&self, number: usize, address: SocketAddr, token: &str, after: &mut String) {
        let Some(mut socket) = Socket::try_open(address) else { return };
        socket.greet(token);
        if !matches!(socket.hear(), Heard::Message(_)) {
            return;
        }
        socket.subscribe("feed", FEED, json!({ "after": after }));
        while let Some(Heard::Message(message)) = socket.hear_unless(|| self.is_over()) {
            if message["type"] == "error" {
                let code = &message["payload"][0]["extensions"]["code"];
                self.check(*code == "UNAVAILABLE", || format!("{number}: {message}"));
                return;
            }
            let payload = &message["payload"];
            self.check(payload.get("errors").is_none(), || format!("{number}: {message}"));
            let frame = Frame(payload["data"]["updates"].clone());
            after.replace_range(.., frame.position());
            self.heard(number, &frame);
        }
    }

    fn heard(&self, number: usize, frame: &Frame) {
        let mut heard = locked(&self.heard[number]);
        let line = heard.entry(frame.conversation().to_owned()).or_default();
        let (seq, previous) = (frame.seq(), frame.previous_seq());
        let links = seq > previous && (line.seq == 0 || line.seq == previous);
        self.check(links, || format!("{number} heard {} after {line:?}", frame.0));
        line.seq = seq;
        if frame.event() == "MessageSent" {
            let (message, id) = (tests::long(&frame.change()["number"]), &frame.change()["id"]);
            *line = line.with(message, id.as_str().unwrap_or_default());
        }
    }

    fn check(&self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            locked(&self.wrong).push(what());
        }
    }
}

impl Line {
    /// The same and one more message.
    pub(crate) fn with(self, number: u64, id: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        (self.digest, number, id).hash(&mut hasher);
        Self { number, digest: hasher.finish(), ..self }
    }
}

fn locked<T>(of: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().expect("no holder of the lock panics")
}

/// Waits until something is so.
pub(crate) fn until(limit: f64, what: &str, mut ready: impl FnMut() -> bool) {
    until_told(limit, || if ready() { Ok(()) } else { Err(what.to_owned()) });
}

/// Waits until nothing is missing any more.
fn until_told(limit: f64, mut missing: impl FnMut() -> Result<(), String>) {
    let started = Stopwatch::start();
    let mut told = false;
    while let Err(what) = missing() {
        assert!(started.seconds() < limit, "{limit} seconds are not enough for {what}");
        if !told && started.seconds() > LONG {
            told = true;
            eprintln!("{LONG} seconds are not enough for {what}");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
