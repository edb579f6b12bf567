//! Which commands were carried out lately, so that most retries need no read.

use std::collections::{BTreeSet, HashMap};

use uuid::Uuid;

use chat::accounts::AccountId;
use chat::kernel::{StreamId, id};

/// Names a command: who sent what to which stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct CommandKey {
    pub(crate) stream: StreamId,
    pub(crate) actor: AccountId,
    pub(crate) client_id: Uuid,
}

/// What a command came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) digest: [u8; 32],
    pub(crate) leaf: Option<u64>,
    pub(crate) first_seq: u64,
    /// Ordinal of its last event.
    pub(crate) ordinal: u64,
}

/// Commands remembered at most, of those that can be read from the documents.
const KEPT_MAX: usize = 20_000;

/// Recent commands; ids leave lowest time first and only once the documents cover them.
#[derive(Default)]
pub(crate) struct Recent {
    done: HashMap<CommandKey, Done>,
    by_time: BTreeSet<(i64, CommandKey)>,
    /// Highest time that has left: an absent id above it is new.
    left_ms: i64,
}

impl Recent {
    /// Starts with nothing but what the documents cover.
    pub(crate) fn after(highest_client_ms: i64) -> Self {
        Self { left_ms: highest_client_ms, ..Self::default() }
    }

    pub(crate) fn get(&self, key: &CommandKey) -> Option<&Done> {
        self.done.get(key)
    }

    /// Whether an id that is absent here may be in the documents.
    pub(crate) fn may_have_left(&self, key: &CommandKey) -> bool {
        id::time_ms(key.client_id) <= self.left_ms
    }

    pub(crate) fn insert(&mut self, key: CommandKey, done: Done) {
        self.by_time.insert((id::time_ms(key.client_id), key));
        self.done.insert(key, done);
    }

    /// Forgets the oldest ids whose events are covered.
    pub(crate) fn trim(&mut self, covered: u64) {
        while self.done.len() > KEPT_MAX {
            let Some((time, key)) = self.by_time.first().copied() else { return };
            if self.done.get(&key).is_some_and(|it| it.ordinal > covered) {
                return;
            }
            self.by_time.pop_first();
            self.done.remove(&key);
            self.left_ms = self.left_ms.max(time);
        }
    }
}
