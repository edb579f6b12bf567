//! Every send and every delivery by token: each is counted once, or it is a fault.

use std::rc::Rc;
use std::time::Instant;

use hdrhistogram::Histogram;
use tokio::sync::Notify;

/// Microseconds with three digits, up to two minutes.
pub(crate) type Micros = Histogram<u64>;

pub(crate) fn micros() -> Micros {
    Histogram::new_with_bounds(1, 120_000_000, 3).expect("the bounds are valid")
}

/// What must not happen; a round with any of it counts for nothing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Faults {
    pub(crate) lost: u64,
    pub(crate) duplicates: u64,
    pub(crate) strays: u64,
    pub(crate) refused: u64,
    pub(crate) unanswered: u64,
    pub(crate) closed: u64,
    /// The first thing that went wrong, in words.
    pub(crate) first: Option<String>,
}

impl Faults {
    pub(crate) fn total(&self) -> u64 {
        let counted = self.lost + self.duplicates + self.strays + self.refused;
        counted + self.unanswered + self.closed
    }

    fn note(&mut self, words: impl FnOnce() -> String) {
        self.first.get_or_insert_with(words);
    }
}

#[derive(Debug)]
struct Sent {
    due: Instant,
    circle: usize,
    missing: u32,
}

/// The recipients of one conversation: every one of them hears each message once.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    sent: Vec<Sent>,
    /// Recipients by circle.
    circles: Vec<u32>,
    /// Circle and tokens heard by line.
    lines: Vec<(Option<usize>, Vec<u64>)>,
    /// The first token of this round; older ones belong to the settling or to a lost past.
    first: usize,
    /// Tokens from here on are timed.
    timed: usize,
    outstanding: usize,
    accepted: u64,
    pings: u64,
    deliveries: u64,
    each: Option<Micros>,
    last: Option<Micros>,
    faults: Faults,
    /// Rings whenever a message has reached all, or never will.
    complete: Rc<Notify>,
}

impl Ledger {
    pub(crate) fn add_circle(&mut self) -> usize {
        self.circles.push(0);
        self.circles.len() - 1
    }

    /// A line that hears the circle's messages; without a circle it only sends.
    pub(crate) fn add_line(&mut self, circle: Option<usize>) -> usize {
        if let Some(circle) = circle {
            self.circles[circle] += 1;
        }
        self.lines.push((circle, Vec::new()));
        self.lines.len() - 1
    }

    /// Forgets the counts, not the tokens, so that what comes late is told from what comes twice.
    pub(crate) fn begin(&mut self) {
        self.first = self.sent.len();
        self.timed = usize::MAX;
        self.outstanding = 0;
        self.accepted = 0;
        self.deliveries = 0;
        self.each = Some(micros());
        self.last = Some(micros());
        // A line that has closed misses all that follows.
        if self.faults.closed == 0 {
            self.faults = Faults::default();
        }
    }

    /// From here on sends are timed.
    pub(crate) fn time(&mut self) {
        self.timed = self.sent.len();
    }

    /// Notes a send that was due then and gives its token.
    pub(crate) fn send(&mut self, circle: usize, due: Instant) -> u64 {
        self.sent.push(Sent { due, circle, missing: self.circles[circle] });
        self.outstanding += 1;
        self.sent.len() as u64 - 1
    }

    pub(crate) fn deliver(&mut self, line: usize, token: u64, at: Instant) {
        let index = token as usize;
        let (circle, heard) = &mut self.lines[line];
        let Some(sent) = self.sent.get_mut(index).filter(|sent| Some(sent.circle) == *circle)
        else {
            self.faults.strays += 1;
            self.faults.note(|| format!("line {line} heard the token {token}, not sent to it"));
            return;
        };
        let (word, bit) = (index / 64, 1 << (index % 64));
        if heard.len() <= word {
            heard.resize(word + 1, 0);
        }
        if heard[word] & bit != 0 {
            self.faults.duplicates += 1;
            self.faults.note(|| format!("line {line} heard the token {token} twice"));
            return;
        }
        heard[word] |= bit;
        if index < self.first {
            return;
        }
        self.deliveries += 1;
        sent.missing = sent.missing.saturating_sub(1);
        let complete = sent.missing == 0;
        if index >= self.timed {
            let elapsed = at.saturating_duration_since(sent.due).as_micros().max(1) as u64;
            self.each.as_mut().expect("a round has begun").saturating_record(elapsed);
            if complete {
                self.last.as_mut().expect("a round has begun").saturating_record(elapsed);
            }
        }
        if complete {
            self.outstanding = self.outstanding.saturating_sub(1);
            self.complete.notify_one();
        }
    }

    pub(crate) fn accept(&mut self) {
        self.accepted += 1;
    }

    pub(crate) fn refuse(&mut self, token: Option<u64>, words: &str) {
        self.faults.refused += 1;
        self.faults.note(|| format!("refused: {words}"));
        let index = token.map_or(usize::MAX, |token| token as usize);
        if index >= self.first && self.sent.get(index).is_some_and(|sent| sent.missing > 0) {
            self.outstanding = self.outstanding.saturating_sub(1);
            self.complete.notify_one();
        }
    }

    pub(crate) fn close(&mut self, line: usize, words: &str) {
        self.faults.closed += 1;
        self.faults.note(|| format!("line {line} closed: {words}"));
        self.complete.notify_one();
    }

    pub(crate) fn ping(&mut self) {
        self.pings += 1;
    }

    /// Pings that the server has ever sent.
    pub(crate) fn pings(&self) -> u64 {
        self.pings
    }

    pub(crate) fn outstanding(&self) -> usize {
        self.outstanding
    }

    pub(crate) fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// Sends of this round.
    pub(crate) fn sent(&self) -> u64 {
        (self.sent.len() - self.first) as u64
    }

    /// Sends of this round that await an answer.
    pub(crate) fn unanswered(&self) -> u64 {
        self.sent().saturating_sub(self.accepted + self.faults.refused)
    }

    pub(crate) fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Rings at each completion.
    pub(crate) fn completions(&self) -> Rc<Notify> {
        Rc::clone(&self.complete)
    }

    /// Ends the round: how long each delivery took, how long the last of each message, and faults.
    pub(crate) fn end(&mut self, answers_due: bool) -> (Micros, Micros, Faults) {
        let mut faults = std::mem::take(&mut self.faults);
        faults.lost = self.sent[self.first..].iter().map(|sent| u64::from(sent.missing)).sum();
        if answers_due {
            faults.unanswered = self.sent().saturating_sub(self.accepted + faults.refused);
        }
        let each = self.each.take().unwrap_or_else(micros);
        let last = self.last.take().unwrap_or_else(micros);
        (each, last, faults)
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;
    use crate::clock;

    fn open_ledger() -> Ledger {
        let mut ledger = Ledger::default();
        ledger.begin();
        ledger
    }

    #[test]
    fn a_line_that_closed_between_rounds_is_a_fault_of_the_next() {
        let mut ledger = open_ledger();
        let line = ledger.add_line(None);
        ledger.end(false);
        ledger.close(line, "gone");
        ledger.begin();
        let (_, _, faults) = ledger.end(false);
        assert_eq!(faults.closed, 1);
    }

    #[test]
    fn a_message_is_complete_when_all_heard_it() {
        let mut ledger = open_ledger();
        let circle = ledger.add_circle();
        let lines = [ledger.add_line(Some(circle)), ledger.add_line(Some(circle))];
        ledger.time();
        let token = ledger.send(circle, clock::now());
        ledger.deliver(lines[0], token, clock::now());
        assert_eq!(ledger.outstanding(), 1);
        ledger.deliver(lines[1], token, clock::now());
        assert_eq!(ledger.outstanding(), 0);
        let (each, last, faults) = ledger.end(false);
        assert_eq!((each.len(), last.len(), faults.total()), (2, 1, 0));
    }

    #[test]
    fn what_comes_twice_or_astray_or_never_is_a_fault() {
        let mut ledger = open_ledger();
        let (here, there) = (ledger.add_circle(), ledger.add_circle());
        let (ann, bob) = (ledger.add_line(Some(here)), ledger.add_line(Some(there)));
        let token = ledger.send(here, clock::now());
        ledger.deliver(bob, token, clock::now());
        ledger.deliver(ann, token, clock::now());
        ledger.deliver(ann, token, clock::now());
        ledger.send(there, clock::now());
        let (_, _, faults) = ledger.end(true);
        assert_eq!((faults.strays, faults.duplicates, faults.lost), (1, 1, 1));
        assert_eq!(faults.unanswered, 2);
    }
}
