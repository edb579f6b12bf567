//! What a decision rests on, made known beforehand: ends of streams, first outcomes, documents.

use std::collections::HashMap;

use chat::kernel::document::Shared;
use chat::kernel::reader::parse;
use chat::kernel::{Failure, Need, StreamId, Timestamp};
use chat::timeline::Timeline;
use ports::Ports;
use ports::documents::{Key, Order, Scan};

use crate::owner::{Head, Owner};
use crate::recent::{CommandKey, Done};

impl Owner {
    /// Makes the end of a stream known.
    pub(crate) async fn load_head(&mut self, stream: StreamId) -> Result<(), Failure> {
        if self.heads.contains_key(&stream) {
            return Ok(());
        }
        let prefix = format!("{stream}/");
        let last = last_of(&self.ports, "by_stream", &prefix).await?;
        let head = last.map_or(Head { seq: 0, occurred_at: Timestamp(0) }, |it| Head {
            seq: it.seq,
            occurred_at: it.occurred_at,
        });
        self.heads.insert(stream, head);
        Ok(())
    }

    /// Makes the first outcome of a command known, if it may have one.
    pub(crate) async fn load_done(&mut self, key: CommandKey) -> Result<(), Failure> {
        if self.recent.get(&key).is_some() || !self.recent.may_have_left(&key) {
            return Ok(());
        }
        let command = Timeline::command_key(key.stream, key.actor, key.client_id);
        let event = last_of(&self.ports, "by_command", &command).await?;
        let event = event.filter(|it| it.is_of(key.stream, key.actor, key.client_id));
        if let Some(event) = event
            && let Some(first) = event.command
        {
            let done = Done {
                digest: first.digest,
                leaf: first.leaf,
                first_seq: event.seq,
                ordinal: event.ordinal + u64::from(first.count) - 1,
            };
            self.recent.insert(key, done);
        }
        Ok(())
    }

    /// Loads what is not at hand: documents of this partition onto the shelf, where they are kept
    /// up to date; those of others as they are stored, since a decision may rest on them stale.
    pub(crate) async fn load(
        &mut self,
        needs: Vec<Need>,
        elsewhere: &mut HashMap<Key, Option<Shared>>,
    ) -> Result<(), Failure> {
        let partitions = self.ports.event_log.identity().partitions;
        let mut missing: Vec<(Need, bool)> = Vec::new();
        for need in needs {
            let own = need.stream.partition(partitions) == self.partition;
            let known = own && self.shelf.get(&need.key).is_some();
            if !known && !missing.iter().any(|(it, _)| it.key == need.key) {
                missing.push((need, own));
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let keys: Vec<Key> = missing.iter().map(|(it, _)| it.key.clone()).collect();
        let stored = self.ports.documents.load(&keys).await.map_err(|_| Failure::Unavailable)?;
        for ((need, own), stored) in missing.into_iter().zip(stored) {
            let ordinal = stored.as_ref().map_or(0, |it| it.ordinal);
            let body = stored.and_then(|it| it.body);
            let document = body.map(|it| parse(need.key.collection, &it)).transpose();
            let document = document.map_err(|_| Failure::Unavailable)?;
            if own {
                self.shelf.put(need.stream, need.key, ordinal, document);
            } else {
                elsewhere.insert(need.key, document);
            }
        }
        Ok(())
    }
}

/// The last event with this prefix in an index of the timeline.
async fn last_of(
    ports: &Ports,
    index: &'static str,
    prefix: &str,
) -> Result<Option<Timeline>, Failure> {
    let scan = Scan::prefix("timeline", Some(index), prefix, Order::Descending, 1);
    let found = ports.documents.scan(scan).await.map_err(|_| Failure::Unavailable)?;
    let body = found.into_iter().next().and_then(|it| it.stored.body);
    let event = body.map(|it| serde_json::from_slice(&it));
    event.transpose().map_err(|_| Failure::Unavailable)
}
