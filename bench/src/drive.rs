//! The two ways a stage is driven: closed loop for capacity, open loop for latency.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::sync::mpsc;

use crate::clock;
use crate::stage::{Outcome, Stage};

const DRAIN_MAX: Duration = Duration::from_secs(15);

/// How a round is driven.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Load {
    /// So many messages are under way at any time.
    Closed { in_flight: usize },
    /// So many messages a second, whatever becomes of them.
    Open { per_second: f64 },
}

/// Plays one round; the first part of it warms up and is not measured.
pub(crate) async fn round(
    stage: &Stage,
    load: Load,
    warm: Duration,
    measured: Duration,
) -> Result<Outcome> {
    stage.ledger.borrow_mut().begin();
    let mut watch = Watch::default();
    match load {
        Load::Closed { in_flight } => {
            closed(stage, in_flight, warm, &mut watch).await?;
            closed(stage, in_flight, measured, watch.start(stage)?).await?;
        }
        Load::Open { per_second } => {
            open(stage, per_second, warm).await;
            stage.drain(DRAIN_MAX).await;
            watch.start(stage)?;
            open(stage, per_second, measured).await;
            stage.drain(DRAIN_MAX).await;
        }
    }
    let (cpu, wall) = (stage.processes.cpu()? - watch.cpu, watch.began.elapsed());
    let mut cpu_by_name = stage.processes.cpu_by_name()?;
    for (name, before) in &watch.cpu_by_name {
        cpu_by_name.entry(name.clone()).and_modify(|it| *it = it.saturating_sub(*before));
    }
    let (deliveries, messages) = watch.counted(stage);
    stage.drain(DRAIN_MAX).await;
    let (each, last, faults) = stage.ledger.borrow_mut().end(stage.dialect.acknowledges());
    Ok(Outcome { messages, deliveries, wall, cpu, cpu_by_name, each, last, faults })
}

/// Where the measured part began.
#[derive(Debug)]
struct Watch {
    began: Instant,
    cpu: Duration,
    cpu_by_name: BTreeMap<String, Duration>,
    deliveries: u64,
    /// Messages that had reached all by then.
    messages: u64,
    next: usize,
}

impl Default for Watch {
    fn default() -> Self {
        let began = clock::now();
        let (cpu, cpu_by_name) = (Duration::ZERO, BTreeMap::new());
        Self { began, cpu, cpu_by_name, deliveries: 0, messages: 0, next: 0 }
    }
}

impl Watch {
    fn start(&mut self, stage: &Stage) -> Result<&mut Self> {
        self.cpu = stage.processes.cpu()?;
        self.cpu_by_name = stage.processes.cpu_by_name()?;
        self.began = clock::now();
        let mut ledger = stage.ledger.borrow_mut();
        self.deliveries = ledger.deliveries();
        self.messages = ledger.sent() - ledger.outstanding() as u64;
        ledger.time();
        Ok(self)
    }

    fn counted(&self, stage: &Stage) -> (u64, u64) {
        let ledger = stage.ledger.borrow();
        let messages = ledger.sent() - ledger.outstanding() as u64;
        (ledger.deliveries() - self.deliveries, messages - self.messages)
    }
}

/// Keeps that many under way for that long; leaves them under way.
async fn closed(stage: &Stage, in_flight: usize, span: Duration, watch: &mut Watch) -> Result<()> {
    let end = clock::now() + span;
    let completions = stage.ledger.borrow().completions();
    loop {
        while stage.ledger.borrow().outstanding() < in_flight {
            stage.send(&stage.routes[watch.next % stage.routes.len()], clock::now());
            watch.next += 1;
        }
        if clock::now() >= end || stage.ledger.borrow().faults().closed > 0 {
            return Ok(());
        }
        // The end of a silent server is the end of the round; what it owes counts as lost.
        let _ = tokio::time::timeout_at(end.into(), completions.notified()).await;
    }
}

/// Sends by the clock. A thread keeps it: the runtime's own timers are a millisecond coarse.
async fn open(stage: &Stage, per_second: f64, span: Duration) {
    let count = (span.as_secs_f64() * per_second) as u32;
    let (ring, mut rung) = mpsc::unbounded_channel();
    let start = clock::now();
    thread::spawn(move || {
        for number in 0..count {
            let due = start + Duration::from_secs_f64(f64::from(number) / per_second);
            thread::sleep(due.saturating_duration_since(clock::now()));
            if ring.send(due).is_err() {
                return;
            }
        }
    });
    let mut routes = stage.routes.iter().cycle();
    while let Some(due) = rung.recv().await {
        stage.send(routes.next().expect("a stage has routes"), due);
    }
}
