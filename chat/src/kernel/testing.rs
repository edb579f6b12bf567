//! given / when / then: decisions and folds told as sentences, on the real documents.

use std::collections::HashMap;

use uuid::Uuid;

use super::event::CommandRef;
use super::{
    AnyCommand, Command, Context, Projection, Recorded, Rejection, StreamId, Timestamp, id,
};
use crate::Event;
use crate::accounts::AccountId;
use crate::kernel::document::Shared;

/// Time at which the tests take place.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Partitions in tests.
const PARTITIONS: u16 = 4;

/// A world made of events.
#[derive(Default)]
pub(crate) struct Given {
    seqs: HashMap<StreamId, u64>,
    ordinals: HashMap<u16, u64>,
    documents: HashMap<(&'static str, String), Shared>,
    now: i64,
    count: u64,
}

/// Starts from nothing.
pub(crate) fn given() -> Given {
    Given { now: NOW.0, ..Given::default() }
}

/// What a decision came to.
pub(crate) struct Then {
    pub(crate) world: Given,
    pub(crate) outcome: Result<Vec<Event>, Rejection>,
}

impl Given {
    /// Time passes.
    pub(crate) fn later(mut self, ms: i64) -> Self {
        self.now += ms;
        self
    }

    /// A command was carried out before.
    #[track_caller]
    pub(crate) fn and(self, actor: AccountId, command: impl Command) -> Self {
        let then = self.when(actor, command);
        let events = then.outcome.expect("what is given was allowed");
        drop(events);
        then.world
    }

    /// A command is decided, and its events are folded.
    pub(crate) fn when(mut self, actor: AccountId, command: impl Command) -> Then {
        self.count += 1;
        let client_id = client_id(self.count);
        let names = [7; 32];
        let context = Context { actor, client_id, now: Timestamp(self.now), names: &names };
        let stream = AnyCommand::stream(&command, &context);
        let outcome = stream.and_then(|stream| {
            let mut fetch = |need: &super::Need| {
                self.documents.get(&(need.key.collection, need.key.id.clone())).cloned()
            };
            let events = AnyCommand::decide(&command, &context, &mut fetch)?;
            Ok((stream, events))
        });
        let outcome = outcome.map(|(stream, events)| {
            self.record(stream, actor, client_id, &events);
            events
        });
        Then { world: self, outcome }
    }

    fn record(&mut self, stream: StreamId, actor: AccountId, client_id: Uuid, events: &[Event]) {
        let partition = stream.partition(PARTITIONS);
        for (index, event) in (0_u16..).zip(events) {
            let seq = self.seqs.entry(stream).or_insert(0);
            *seq += 1;
            let ordinal = self.ordinals.entry(partition).or_insert(0);
            *ordinal += 1;
            let recorded = Recorded {
                stream,
                seq: *seq,
                partition,
                ordinal: *ordinal,
                occurred_at: Timestamp(self.now),
                actor: Some(actor),
                command: CommandRef {
                    client_id,
                    digest: [0; 32],
                    leaf: None,
                    count: u16::try_from(events.len()).expect("a test has few events"),
                    index,
                },
                event: event.clone(),
            };
            self.fold(&recorded);
        }
    }

    fn fold(&mut self, recorded: &Recorded) {
        for projection in crate::PROJECTIONS {
            for id in (projection.ids)(recorded) {
                let key = (projection.collection.name, id);
                let before = self.documents.remove(&key);
                if let Some(after) = (projection.project)(before, &key.1, recorded) {
                    self.documents.insert(key, after);
                }
            }
        }
    }

    /// A document as it has become.
    pub(crate) fn document<D: super::Document>(&self, id: &str) -> Option<D> {
        let shared = self.documents.get(&(D::COLLECTION.name, id.to_owned()))?;
        Some((*super::document::typed::<D>(shared)).clone())
    }
}

impl Then {
    /// The events are these.
    #[track_caller]
    pub(crate) fn then(self, expected: impl IntoIterator<Item = Event>) -> Given {
        assert_eq!(self.outcome, Ok(expected.into_iter().collect()));
        self.world
    }

    /// It was refused, and why.
    #[track_caller]
    pub(crate) fn then_rejected(self, expected: impl Into<Rejection>) -> Given {
        assert_eq!(self.outcome, Err(expected.into()));
        self.world
    }

    /// It was allowed.
    #[track_caller]
    pub(crate) fn then_allowed(self) -> Given {
        assert!(self.outcome.is_ok(), "{:?}", self.outcome);
        self.world
    }
}

/// The client id of the nth command of a test.
pub(crate) fn client_id(n: u64) -> Uuid {
    id::derive(Uuid::from_u64_pair((NOW.0 as u64) << 16, 0), &[&n.to_be_bytes()])
}

/// An account for a test.
pub(crate) fn account(n: u8) -> AccountId {
    AccountId(id::derive(Uuid::from_u64_pair((NOW.0 as u64) << 16, 0), &[&[n]]))
}

/// Every projection is found by the name of its collection.
#[test]
fn collections_have_distinct_names() {
    let mut names: Vec<_> = crate::PROJECTIONS.iter().map(|it| it.collection.name).collect();
    names.sort_unstable();
    let count = names.len();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|it| Projection::by_collection(it).is_some()));
}
