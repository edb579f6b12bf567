//! A server, its open lines and the routes between them: what a round is played on.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::clock;
use crate::cpu::Processes;
use crate::dialect::{self, Dialect};
use crate::ledger::{Faults, Ledger, Micros};
use crate::line::{Dialogue, Line};

/// Who hears whom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// One conversation that so many connections hear.
    Group { online: usize },
    /// So many conversations of two; one side sends, the other hears.
    Pairs { pairs: usize },
}

/// Connections that send at the same time in a group.
pub(crate) const SENDERS: usize = 4;

/// From a line into a conversation.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) line: usize,
    pub(crate) conversation: String,
    pub(crate) circle: usize,
}

pub(crate) struct Stage {
    pub(crate) lines: Vec<Line>,
    pub(crate) routes: Vec<Route>,
    pub(crate) ledger: Rc<RefCell<Ledger>>,
    pub(crate) dialect: Rc<dyn Dialect>,
    pub(crate) processes: Processes,
}

/// What one round measured.
#[derive(Debug, Clone)]
pub(crate) struct Outcome {
    pub(crate) messages: u64,
    pub(crate) deliveries: u64,
    pub(crate) wall: Duration,
    pub(crate) cpu: Duration,
    /// The same by what the processes are.
    pub(crate) cpu_by_name: BTreeMap<String, Duration>,
    pub(crate) each: Micros,
    pub(crate) last: Micros,
    pub(crate) faults: Faults,
}

impl Outcome {
    pub(crate) fn deliveries_per_cpu_second(&self) -> f64 {
        self.deliveries as f64 / self.cpu.as_secs_f64().max(0.01)
    }

    pub(crate) fn messages_per_cpu_second(&self) -> f64 {
        self.messages as f64 / self.cpu.as_secs_f64().max(0.01)
    }

    /// CPU of one delivery in microseconds.
    pub(crate) fn cpu_us_per_delivery(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.deliveries.max(1) as f64
    }

    /// CPU of one message in microseconds.
    pub(crate) fn cpu_us_per_message(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.messages.max(1) as f64
    }
}

pub(crate) fn percentile_ms(times: &Micros, percentile: f64) -> f64 {
    times.value_at_quantile(percentile / 100.0) as f64 / 1_000.0
}

impl Stage {
    pub(crate) fn new(dialect: Rc<dyn Dialect>, processes: Processes) -> Self {
        let ledger = Rc::new(RefCell::new(Ledger::default()));
        ledger.borrow_mut().begin();
        Self { lines: Vec::new(), routes: Vec::new(), ledger, dialect, processes }
    }

    /// Adds a line that hears the circle, or that only sends.
    pub(crate) fn attach(&mut self, dialogue: Dialogue, circle: Option<usize>) -> usize {
        let index = self.ledger.borrow_mut().add_line(circle);
        self.attach_as(dialogue, index);
        index
    }

    /// Gives a line that the ledger already knows its connection.
    pub(crate) fn attach_as(&mut self, dialogue: Dialogue, index: usize) {
        let (dialect, ledger) = (Rc::clone(&self.dialect), Rc::clone(&self.ledger));
        self.lines.push(Line::attach(dialogue, dialect, ledger, index));
    }

    /// Sends one message along the route, stamped with the time it was due.
    pub(crate) fn send(&self, route: &Route, due: Instant) -> u64 {
        let token = self.ledger.borrow_mut().send(route.circle, due);
        let mut bytes = Vec::with_capacity(512);
        self.dialect.send(&route.conversation, token, &dialect::body(token), &mut bytes);
        self.lines[route.line].write(&bytes);
        token
    }

    /// Sends along every route until all hear all: only then does nobody miss anything.
    pub(crate) async fn settle(&self) -> Result<()> {
        for route in &self.routes {
            let mut tries = 0;
            loop {
                self.ledger.borrow_mut().begin();
                self.send(route, clock::now());
                if self.drain(Duration::from_secs(1)).await {
                    break;
                }
                tries += 1;
                if tries == 20 {
                    let ledger = self.ledger.borrow();
                    let heard = ledger.deliveries();
                    bail!("only {heard} heard a message of 20 tries; {:?}", ledger.faults());
                }
            }
        }
        Ok(())
    }

    /// Waits until all that was sent has been heard and answered; false when time is up.
    pub(crate) async fn drain(&self, max: Duration) -> bool {
        let start = clock::now();
        loop {
            {
                let ledger = self.ledger.borrow();
                let answered = !self.dialect.acknowledges() || ledger.unanswered() == 0;
                if ledger.outstanding() == 0 && answered {
                    return true;
                }
            }
            if start.elapsed() > max {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}
