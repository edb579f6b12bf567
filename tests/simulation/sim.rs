//! What one simulated run is made of: its seed, its settings, its trace and its faults.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ports::entropy::Entropy;
use ports::event_log::Rules;
use ports::{Error, Tasks};
use tokio::sync::Notify;
use tokio::time::Instant;

/// Lines of the trace that a failure prints.
const SHOWN: usize = 80;

/// Seeded chance: the same seed, the same run.
pub(crate) struct Dice(AtomicU64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d))
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    pub(crate) fn next(&self) -> u64 {
        let step = 0x9e37_79b9_7f4a_7c15;
        let mut z = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.next() % end.max(1)
    }

    pub(crate) fn between(&self, from: u64, to: u64) -> u64 {
        from + self.below(to - from + 1)
    }

    /// Whether something happens that happens so many times in ten thousand.
    pub(crate) fn happens(&self, in_10_000: u64) -> bool {
        self.below(10_000) < in_10_000
    }

    pub(crate) fn one<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        let at = usize::try_from(self.below(of.len() as u64)).expect("it is an index");
        of.get(at)
    }
}

impl Entropy for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes()[..chunk.len()]);
        }
    }
}

/// A rule that is broken on purpose, to show that it would be noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mutant {
    None,
    Term,
    ClaimOrder,
    Index,
    ServeBeforeClaim,
    AcknowledgeEarly,
    /// Used ids are forgotten once they have left memory.
    ForgetCommands,
    /// Documents store their checkpoint before what it covers.
    CheckpointFirst,
    /// A subscription that is resumed begins at now.
    LiveOnly,
}

impl Mutant {
    pub(crate) const ALL: [Self; 8] = [
        Self::Term,
        Self::ClaimOrder,
        Self::Index,
        Self::ServeBeforeClaim,
        Self::AcknowledgeEarly,
        Self::ForgetCommands,
        Self::CheckpointFirst,
        Self::LiveOnly,
    ];

    pub(crate) fn rules(self) -> Rules {
        let strict = Rules::STRICT;
        match self {
            Self::None | Self::ForgetCommands | Self::CheckpointFirst | Self::LiveOnly => strict,
            Self::Term => Rules { term: false, ..strict },
            Self::ClaimOrder => Rules { claim_order: false, ..strict },
            Self::Index => Rules { index: false, ..strict },
            Self::ServeBeforeClaim => Rules { serve_after_own_claim: false, ..strict },
            Self::AcknowledgeEarly => Rules { acknowledge_after_fold: false, ..strict },
        }
    }
}

/// How often something goes wrong, in ten thousand calls; drawn from the seed, many of them zero.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) partitions: u16,
    pub(crate) people: u64,
    pub(crate) operations: u64,
    pub(crate) lives: u64,
    pub(crate) append_lost: u64,
    pub(crate) append_twice: u64,
    pub(crate) append_late: u64,
    pub(crate) append_reordered: u64,
    pub(crate) append_unheard: u64,
    pub(crate) append_untold: u64,
    pub(crate) append_refused: u64,
    pub(crate) read_refused: u64,
    pub(crate) write_lost: u64,
    pub(crate) write_partly: u64,
    pub(crate) keys_refused: u64,
    pub(crate) announcement_lost: u64,
    pub(crate) announcement_reordered: u64,
    pub(crate) slow: u64,
    pub(crate) crashes: bool,
    pub(crate) pauses: bool,
    pub(crate) clock_jumps: bool,
    /// Devices that follow the feed.
    pub(crate) readers: u64,
    /// Bytes under way to a device.
    pub(crate) wire_bytes: usize,
    /// Frames that wait for a device at most.
    pub(crate) queue_frames: usize,
    /// Whether readers take the documents for near.
    pub(crate) near: bool,
    pub(crate) mutant: Mutant,
}

impl Config {
    pub(crate) fn drawn(seed: u64, mutant: Mutant) -> Self {
        let dice = Dice::new(seed ^ 0xc0f1);
        let narrow = dice.happens(5_000);
        let rate = |most: u64| if dice.happens(5_000) { dice.below(most) } else { 0 };
        Self {
            partitions: u16::try_from(dice.between(1, 3)).expect("it is small"),
            people: dice.between(2, 5),
            operations: dice.between(3, 9),
            lives: dice.between(1, 4),
            append_lost: rate(600),
            // Some logs repeat much, as a producer does that retries without being told.
            append_twice: match dice.happens(2_500) {
                true => dice.between(2_000, 5_000),
                false => rate(1_500),
            },
            append_late: rate(800),
            append_reordered: rate(800),
            append_unheard: rate(800),
            append_untold: rate(2_000),
            append_refused: rate(600),
            read_refused: rate(400),
            write_lost: rate(2_000),
            write_partly: rate(2_000),
            keys_refused: rate(500),
            announcement_lost: rate(3_000),
            announcement_reordered: rate(1_000),
            slow: rate(700),
            crashes: dice.happens(7_000),
            pauses: dice.happens(4_000),
            clock_jumps: dice.happens(3_000),
            readers: dice.below(4),
            wire_bytes: if narrow { 512 } else { 65_536 },
            queue_frames: if narrow { 4 } else { 1_024 },
            near: dice.happens(5_000),
            mutant,
        }
    }
}

/// A node's place in the simulation.
#[derive(Default)]
struct Place {
    tasks: Tasks,
    paused_until: Option<Instant>,
    /// Calls of ports until it fails.
    calls_left: Option<u64>,
    clock_ahead_ms: i64,
    failed: Arc<Notify>,
}

/// One run.
pub(crate) struct Sim {
    pub(crate) config: Config,
    pub(crate) dice: Dice,
    pub(crate) entropy: Arc<Dice>,
    began: Instant,
    calm: AtomicBool,
    nodes: Mutex<Vec<Place>>,
    counts: Mutex<BTreeMap<&'static str, u64>>,
    trace: Mutex<Trace>,
}

struct Trace {
    hash: u64,
    lines: VecDeque<String>,
    verbose: bool,
}

impl Sim {
    pub(crate) fn new(seed: u64, config: Config, verbose: bool) -> Arc<Self> {
        let trace = Trace { hash: 0xcbf2_9ce4_8422_2325, lines: VecDeque::new(), verbose };
        Arc::new(Self {
            config,
            dice: Dice::new(seed),
            entropy: Arc::new(Dice::new(seed ^ 0xe27)),
            began: Instant::now(),
            calm: AtomicBool::new(false),
            nodes: Mutex::default(),
            counts: Mutex::default(),
            trace: Mutex::new(trace),
        })
    }

    pub(crate) fn count(&self, what: &'static str) {
        *self.counts.lock().expect("a lock").entry(what).or_default() += 1;
    }

    pub(crate) fn counts(&self) -> BTreeMap<&'static str, u64> {
        self.counts.lock().expect("a lock").clone()
    }

    /// Writes a line of the trace, which is also what equal runs are recognised by.
    pub(crate) fn note(&self, line: std::fmt::Arguments<'_>) {
        let mut text = String::new();
        let at = self.began.elapsed().as_micros();
        write!(text, "{:>9}.{:03} {line}", at / 1_000, at % 1_000).expect("text can be written");
        let mut trace = self.trace.lock().expect("a lock");
        for byte in text.bytes() {
            trace.hash = (trace.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
        if trace.verbose {
            eprintln!("{text}");
        }
        if trace.lines.len() == SHOWN {
            trace.lines.pop_front();
        }
        trace.lines.push_back(text);
    }

    pub(crate) fn trace_hash(&self) -> u64 {
        self.trace.lock().expect("a lock").hash
    }

    pub(crate) fn trace(&self) -> Vec<String> {
        self.trace.lock().expect("a lock").lines.iter().cloned().collect()
    }

    /// Ends all faults.
    pub(crate) fn heal(&self) {
        self.calm.store(true, Ordering::Relaxed);
        for node in &mut *self.nodes.lock().expect("a lock") {
            node.paused_until = None;
            node.calls_left = None;
            node.clock_ahead_ms = 0;
        }
    }

    pub(crate) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Whether a fault with this rate strikes now.
    pub(crate) fn strikes(&self, name: &'static str, in_10_000: u64) -> bool {
        let strikes = in_10_000 > 0 && !self.is_calm() && self.dice.happens(in_10_000);
        if strikes {
            self.count(name);
        }
        strikes
    }

    /// How long a message is under way.
    pub(crate) fn latency(&self) -> Duration {
        let slow = self.strikes("slow call", self.config.slow);
        let micros = if slow { self.dice.between(5_000, 900_000) } else { self.dice.below(4_000) };
        Duration::from_micros(micros)
    }

    /// Takes a new node in.
    pub(crate) fn enter(&self) -> (usize, Tasks) {
        let mut nodes = self.nodes.lock().expect("a lock");
        let tasks = Tasks::default();
        nodes.push(Place { tasks: tasks.clone(), ..Place::default() });
        (nodes.len() - 1, tasks)
    }

    fn with<T>(&self, node: usize, act: impl FnOnce(&mut Place) -> T) -> T {
        act(&mut self.nodes.lock().expect("a lock")[node])
    }

    pub(crate) fn pause(&self, node: usize, time: Duration) {
        self.count("pause");
        self.note(format_args!("node {node} is cut off for {time:?}"));
        self.with(node, |it| it.paused_until = Some(Instant::now() + time));
    }

    pub(crate) fn crash_after(&self, node: usize, calls: u64) {
        self.with(node, |it| it.calls_left = Some(calls));
    }

    pub(crate) fn jump(&self, node: usize, by_ms: i64) {
        self.count("clock jump");
        self.note(format_args!("node {node}: the clock jumps by {by_ms} ms"));
        self.with(node, |it| it.clock_ahead_ms += by_ms);
    }

    /// Ends a node now.
    pub(crate) fn kill(&self, node: usize) {
        self.note(format_args!("node {node} ends"));
        let (tasks, failed) = self.with(node, |it| (it.tasks.clone(), Arc::clone(&it.failed)));
        tasks.end();
        failed.notify_waiters();
    }

    /// Resolves when a node ends.
    pub(crate) async fn failed(&self, node: usize) {
        let (tasks, failed) = self.with(node, |it| (it.tasks.clone(), Arc::clone(&it.failed)));
        let notified = failed.notified();
        if !tasks.ended() {
            notified.await;
        }
    }

    pub(crate) fn panicked(&self) -> Option<&'static str> {
        self.nodes.lock().expect("a lock").iter().find_map(|it| it.tasks.panicked())
    }

    pub(crate) fn now_ms(&self, node: usize) -> i64 {
        self.time_ms() + self.with(node, |it| it.clock_ahead_ms)
    }

    /// The true time.
    pub(crate) fn time_ms(&self) -> i64 {
        let elapsed = i64::try_from(self.began.elapsed().as_millis()).expect("a run is short");
        1_700_000_000_000 + elapsed
    }

    /// A point of a port's call: it takes time, the node may be cut off, or fail here.
    pub(crate) async fn pass(&self, node: usize, call: &'static str) {
        tokio::time::sleep(self.latency()).await;
        while let Some(until) = self.with(node, |it| it.paused_until)
            && until > Instant::now()
        {
            tokio::time::sleep_until(until).await;
        }
        if self.with(node, |it| it.tasks.ended()) {
            std::future::pending::<()>().await;
        }
        let fails = self.with(node, |it| match &mut it.calls_left {
            Some(0) => true,
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        });
        if fails {
            self.count(call);
            self.note(format_args!("node {node} fails at {call}"));
            self.kill(node);
            std::future::pending().await
        }
    }
}

/// An error that was ordered.
pub(crate) fn unavailable(port: &'static str) -> Error {
    Error::unavailable(port, "a simulated fault")
}

/// An error that leaves open what happened.
pub(crate) fn unknown(port: &'static str) -> Error {
    Error::unknown(port, "a simulated fault")
}

/// Starts a task that belongs to the outside world and survives the node which caused it.
pub(crate) fn outside(task: impl Future<Output = ()> + Send + 'static) {
    tokio::runtime::Handle::current().spawn(task);
}
