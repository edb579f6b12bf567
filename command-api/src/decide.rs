//! Deciding a group of commands: load what they need together, then decide each in order.

use std::collections::HashMap;
use std::sync::Arc;

use chat::Event;
use chat::kernel::codec::{Batch, Body, PAYLOAD_FMT};
use chat::kernel::document::Shared;
use chat::kernel::event::CommandRef;
use chat::kernel::graphql::NOT_FOUND;
use chat::kernel::keyring::Place;
use chat::kernel::time::Long;
use chat::kernel::{Accepted, Context, Failure, Need, Recorded, Rejection, StreamId, Timestamp};
use ports::documents::Key;
use ports::event_log::{Fold, Header, Kind, RECORD_BYTES_MAX, Record};
use ports::keys::{Secret, Tree, TreeId, crypto};

use crate::owner::{Barrier, Owner, Pending, SteppedDown};
use crate::recent::{CommandKey, Done};
use crate::router::Request;
use crate::shelf::TAIL_MAX;

/// How often what a command rests on may name more documents that it rests on.
const ROUNDS_MAX: usize = 4;

/// What a command is decided with, read beforehand.
struct Prepared {
    stream: StreamId,
    key: CommandKey,
    needs: Vec<Need>,
    tree: Option<Arc<Tree>>,
}

impl Owner {
    /// Decides commands in order and sends their records on their way.
    pub(crate) async fn decide_group(&mut self, group: Vec<Request>) -> Result<(), SteppedDown> {
        let known = self.known.clone();
        let now = Timestamp(self.ports.clock.now_ms());
        let mut elsewhere = HashMap::new();
        let mut prepared = Vec::with_capacity(group.len());
        for request in &group {
            let context = known.context(&request.caller, request.client_id, now);
            prepared.push(self.prepare(request, &context).await);
        }
        let needs = prepared.iter().flatten().flat_map(|it| &it.needs);
        let loaded = self.load(needs.cloned().collect(), &mut elsewhere).await;
        for (request, prepared) in group.into_iter().zip(prepared) {
            let caller = Arc::clone(&request.caller);
            let context = known.context(&caller, request.client_id, now);
            let refused = prepared.as_ref().err().copied();
            let refused = refused.or_else(|| loaded.as_ref().err().copied());
            if let Some(failure) = refused {
                let _ = request.reply.send(Err(failure));
                continue;
            }
            if let Ok(prepared) = prepared {
                self.decide(request, &context, prepared, &mut elsewhere).await?;
            }
        }
        Ok(())
    }

    async fn prepare(
        &mut self,
        request: &Request,
        context: &Context<'_>,
    ) -> Result<Prepared, Failure> {
        let stream = request.command.stream(context).map_err(Failure::Rejected)?;
        if self.quarantined.contains(&stream.bytes()) || self.shelf.tail_len() > TAIL_MAX {
            return Err(Failure::Unavailable);
        }
        let key =
            CommandKey { stream, actor: request.caller.account, client_id: request.client_id };
        self.load_head(stream).await?;
        self.load_done(key).await?;
        let shelf = &mut self.shelf;
        let needs = request.command.needs(context, &mut |it| shelf.get(&it.key).flatten());
        let tree = match request.command.seals() {
            true => {
                let id = tree_id(request, stream);
                Some(self.keyring.create(id).await.map_err(|_| Failure::Unavailable)?)
            }
            false => None,
        };
        Ok(Prepared { stream, key, needs, tree })
    }

    async fn decide(
        &mut self,
        request: Request,
        context: &Context<'_>,
        prepared: Prepared,
        elsewhere: &mut HashMap<Key, Option<Shared>>,
    ) -> Result<(), SteppedDown> {
        if let Some(done) = self.recent.get(&prepared.key).copied() {
            return self.repeat(request, prepared, done).await;
        }
        let Some(decision) = self.decision(&request, context, elsewhere).await else {
            let _ = request.reply.send(Err(Failure::Unavailable));
            return Ok(());
        };
        let events = match decision {
            Ok(events) => events,
            Err(rejection) => return self.settle(request, Err(Failure::Rejected(rejection))).await,
        };
        if events.is_empty() {
            let accepted = Accepted {
                stream: prepared.stream,
                partition: self.partition,
                ordinal: self.ahead.ordinal,
                first_seq: 0,
                repeated: false,
            };
            return self.settle(request, Ok(accepted)).await;
        }
        match self.record(request, context, &prepared, events) {
            None => Ok(()),
            // The key of what is to be changed was destroyed meanwhile: it is not there any more.
            Some(request) => self.settle(request, Err(Failure::Rejected(NOT_FOUND))).await,
        }
    }

    /// What a command comes to; nothing when not all that it rests on could be had: absent would
    /// be a wrong answer.
    async fn decision(
        &mut self,
        request: &Request,
        context: &Context<'_>,
        elsewhere: &mut HashMap<Key, Option<Shared>>,
    ) -> Option<Result<Vec<Event>, Rejection>> {
        for _ in 0..ROUNDS_MAX {
            let mut missing = Vec::new();
            let shelf = &mut self.shelf;
            let mut fetch = |need: &Need| {
                let there = elsewhere.get(&need.key).cloned();
                let document = there.or_else(|| shelf.get(&need.key));
                if document.is_none() {
                    missing.push(need.clone());
                }
                document.flatten()
            };
            let decision = request.command.decide(context, &mut fetch);
            if missing.is_empty() {
                return Some(decision);
            }
            self.load(missing, elsewhere).await.ok()?;
        }
        None
    }

    /// Answers a command whose id has been used.
    async fn repeat(
        &mut self,
        request: Request,
        prepared: Prepared,
        done: Done,
    ) -> Result<(), SteppedDown> {
        let key = match done.leaf {
            None => Some(self.keyring.secret("digests")),
            Some(leaf) => {
                let id = tree_id(&request, prepared.stream);
                match self.keyring.leaf(id, leaf).await {
                    Ok(key) => key.map(|it| digest_key(&it)),
                    Err(_) => {
                        let _ = request.reply.send(Err(Failure::Unavailable));
                        return Ok(());
                    }
                }
            }
        };
        // Once the key is gone, the bodies can't be compared: the first result stands.
        let same = key.is_none_or(|it| {
            crypto::equal(
                &digest(&it, request.command.name(), &request.command.body()),
                &done.digest,
            )
        });
        let outcome = match same {
            false => Err(Failure::IdempotencyMismatch),
            true => Ok(Accepted {
                stream: prepared.stream,
                partition: self.partition,
                ordinal: done.ordinal,
                first_seq: done.first_seq,
                repeated: true,
            }),
        };
        if let Some(pending) = self.pending.iter_mut().find(|it| it.ordinal == done.ordinal) {
            pending.replies.push((request.reply, outcome));
            return Ok(());
        }
        let _ = request.reply.send(outcome);
        Ok(())
    }

    /// Gives an answer that writes nothing: once what it rests on is accepted, and once it is
    /// known that nobody had taken the partition over when the command came.
    async fn settle(
        &mut self,
        request: Request,
        outcome: Result<Accepted, Failure>,
    ) -> Result<(), SteppedDown> {
        let end = self.ports.event_log.end(self.partition).await.map_err(|_| SteppedDown)?;
        let barrier = Barrier { n: self.ahead.n, pos: end, reply: request.reply, outcome };
        self.barriers.push_back(barrier);
        Ok(())
    }

    /// Seals the personal fields; gives the digest of the command and the leaf that keyed it, or
    /// nothing when a key that is needed is gone.
    fn seal(
        &mut self,
        request: &Request,
        prepared: &Prepared,
        first_seq: u64,
        events: &mut [Event],
    ) -> Option<([u8; 32], Option<u64>)> {
        let (name, body) = (request.command.name(), request.command.body());
        let Some(tree) = &prepared.tree else {
            return Some((digest(&self.keyring.secret("digests"), name, &body), None));
        };
        let term = self.fold.term;
        let id = tree_id(request, prepared.stream);
        let fresh_leaf = self.leaves.next(id);
        let place = Place { tree: id, fresh_leaf, term, first_seq };
        let wanted = events.iter_mut().find_map(first_leaf).unwrap_or(fresh_leaf);
        let key = digest_key(&tree.leaf(wanted)?);
        let taken = self.keyring.seal(tree, &place, events)?;
        // The digest takes one where nothing else does.
        self.leaves.take(id, taken.max(1));
        Some((digest(&key, name, &body), Some(wanted)))
    }

    /// Seals, encodes and appends; gives the request back when a key that it needs is gone.
    fn record(
        &mut self,
        request: Request,
        context: &Context<'_>,
        prepared: &Prepared,
        mut events: Vec<Event>,
    ) -> Option<Request> {
        let stream = prepared.stream;
        let head = self.heads[&stream];
        let occurred_at = context.now.max(head.occurred_at);
        let first_seq = head.seq + 1;
        let Some((digest, leaf)) = self.seal(&request, prepared, first_seq, &mut events) else {
            return Some(request);
        };
        let count = u16::try_from(events.len()).expect("a command has few events");
        let first_ordinal = self.ahead.ordinal + 1;
        let actor = (!request.command.by_server()).then_some(request.caller.account);
        let batch = Batch {
            stream_id: stream.to_string(),
            actor_id: actor,
            client_id: request.client_id.as_bytes().to_vec(),
            occurred_at,
            digest: digest.to_vec(),
            leaf: leaf.map(Long),
            events: events.iter().map(encoded).collect(),
        };
        let header = Header {
            kind: Kind::Batch,
            term: self.fold.term,
            owner: self.me,
            n: self.ahead.n,
            stream: stream.bytes(),
            first_seq,
            count,
            payload_fmt: PAYLOAD_FMT,
            prev: self.ahead.chain,
        };
        let record = Record { header, payload: batch.encode() }.encode();
        tracing::debug!(
            trace.id = %request.client_id.simple(),
            partition = self.partition,
            seq = first_seq,
            bytes = record.len(),
            "appending"
        );
        if record.len() > RECORD_BYTES_MAX {
            let _ = request.reply.send(Err(Failure::TooLarge));
            return None;
        }
        let command = CommandRef { client_id: request.client_id, digest, leaf, count, index: 0 };
        let first = Recorded {
            stream,
            seq: first_seq,
            partition: self.partition,
            ordinal: first_ordinal,
            occurred_at,
            actor,
            command,
            event: events.remove(0),
        };
        self.remember(in_their_places(first, events));
        let n = self.ahead.n;
        self.ahead.n += 1;
        self.ahead.chain = Fold::link(&record);
        self.ahead.ordinal += u64::from(count);
        let ordinal = self.ahead.ordinal;
        let partition = self.partition;
        let accepted = Accepted { stream, partition, ordinal, first_seq, repeated: false };
        self.pending.push_back(Pending {
            n,
            ordinal,
            replies: vec![(request.reply, Ok(accepted))],
        });
        self.append(n, record);
        None
    }
}

/// The events of one command, each behind the one before.
fn in_their_places(first: Recorded, others: Vec<Event>) -> Vec<Recorded> {
    let mut recorded = vec![first];
    for (index, event) in (1_u16..).zip(others) {
        let mut next = recorded[0].clone();
        next.seq += u64::from(index);
        next.ordinal += u64::from(index);
        next.command.index = index;
        next.event = event;
        recorded.push(next);
    }
    recorded
}

/// The tree that an actor's words in a stream are sealed under.
fn tree_id(request: &Request, stream: StreamId) -> TreeId {
    TreeId { author: request.caller.account.0.into_bytes(), stream: stream.bytes() }
}

fn first_leaf(event: &mut Event) -> Option<u64> {
    event.personal().iter().find_map(|it| it.wanted_leaf())
}

fn encoded(event: &Event) -> Body {
    let (schema, body) = event.encode();
    Body { schema: i32::try_from(schema).expect("schema numbers are small"), body }
}

fn digest_key(leaf: &Secret) -> Secret {
    crypto::derive(leaf, &[b"digest"])
}

fn digest(key: &Secret, name: &str, body: &[u8]) -> [u8; 32] {
    crypto::mac(key, &[name.as_bytes(), &[0], body])
}
