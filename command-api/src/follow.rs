//! Following the verdicts: what was acknowledged is folded, and answered once it counts.

use std::sync::Arc;

use bytes::Bytes;

use chat::kernel::Failure;
use ports::event_log::{Ack, Verdict};

use crate::owner::{Owner, READ_MAX, SteppedDown};

impl Owner {
    pub(crate) async fn acknowledged(
        &mut self,
        n: u64,
        record: Bytes,
        outcome: Result<Ack, ports::Error>,
    ) -> Result<(), SteppedDown> {
        if !self.rules.acknowledge_after_fold && outcome.is_ok() {
            self.answer(n);
        }
        match outcome {
            Ok(Some(offset)) => {
                self.stash.insert(offset, record);
                Ok(())
            }
            // Durable, but where is not told: the tail will say.
            Ok(None) => self.read_on().await,
            Err(error) => {
                if error.kind == ports::ErrorKind::Unavailable {
                    self.refuse(n);
                }
                Err(SteppedDown)
            }
        }
    }

    /// Folds acknowledged records from memory as long as they are the next ones.
    pub(crate) async fn advance(&mut self) -> Result<(), SteppedDown> {
        loop {
            let Some((offset, _)) = self.stash.first_key_value() else { return Ok(()) };
            let offset = *offset;
            if offset > self.fold.pos {
                self.read_on().await?;
                if self.fold.pos < offset {
                    return Ok(());
                }
                continue;
            }
            let record = self.stash.remove(&offset).expect("it was the first");
            if offset == self.fold.pos {
                self.step(offset, &record)?;
            }
        }
    }

    /// Folds what the log holds beyond what was folded.
    pub(crate) async fn read_on(&mut self) -> Result<(), SteppedDown> {
        let log = Arc::clone(&self.ports.event_log);
        let entries = log.read(self.partition, self.fold.pos, READ_MAX).await;
        for entry in entries.map_err(|_| SteppedDown)? {
            self.step(entry.offset, &entry.bytes)?;
        }
        Ok(())
    }

    pub(crate) fn step(&mut self, offset: u64, record: &Bytes) -> Result<(), SteppedDown> {
        let verdict = self.fold.step_by(self.rules, offset, record);
        let verdict = verdict.map_err(|_| {
            tracing::error!(partition = self.partition, offset, "the partition is halted");
            SteppedDown
        })?;
        match verdict {
            Verdict::Claimed(record) if record.header.owner == self.me => Ok(()),
            Verdict::Claimed(_) => Err(SteppedDown),
            Verdict::Accepted { record, .. } if record.header.owner == self.me => {
                self.answer(record.header.n);
                Ok(())
            }
            Verdict::Accepted { record, first_ordinal } => {
                // Only weakened rules accept another owner's batch in this one's term.
                self.learn(&record, first_ordinal);
                Ok(())
            }
            Verdict::Rejected { record, .. } => {
                let own = record.header.owner == self.me && record.header.term == self.fold.term;
                let waited = self.pending.iter().any(|it| it.n == record.header.n);
                if own && waited { Err(SteppedDown) } else { Ok(()) }
            }
        }
    }

    /// Answers the commands whose record has been accepted.
    pub(crate) fn answer(&mut self, n: u64) {
        if let Some(at) = self.pending.iter().position(|it| it.n == n) {
            let pending = self.pending.remove(at).expect("it was found");
            for (reply, outcome) in pending.replies {
                // Whoever asked may have gone away; the log holds the outcome.
                let _ = reply.send(outcome);
            }
        }
    }

    /// Answers the commands whose record is certainly not in the log.
    pub(crate) fn refuse(&mut self, n: u64) {
        if let Some(at) = self.pending.iter().position(|it| it.n == n) {
            let pending = self.pending.remove(at).expect("it was found");
            for (reply, _) in pending.replies {
                let _ = reply.send(Err(Failure::Unavailable));
            }
        }
    }
}
