//! given / when / then: decisions and folds told as sentences, on the real documents.

use std::collections::HashMap;

use ports::documents::{Key, Write};
use ports::keys::TreeId;
use uuid::Uuid;

use super::document::{Document, Shared, key};
use super::event::CommandRef;
use super::personal::KeyName;
use super::{
    AnyCommand, Command, Context, Origin, Personal, Projection, Recorded, Rejection, StreamId,
    Timestamp, codec, command, id,
};
use crate::Event;
use crate::accounts::{AccountId, ClaimName, ConfirmName, CreateAccount, NameId};
use crate::files::{BeginUpload, FileId, FinishUpload};

/// Time at which the tests take place.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

/// Partitions in tests.
const PARTITIONS: u16 = 4;

/// Key of the digests of names in tests.
const NAMES: [u8; 32] = [7; 32];

/// Bytes that the files of a conversation may take: a few small ones.
pub(crate) const CONVERSATION_BYTES_MAX: u64 = 1_000;

/// The key of every leaf in tests.
const LEAF: [u8; 32] = [9; 32];

/// Where commands come from unless a test says.
static NOWHERE: Origin = Origin { session_id: None, address: None };

/// A world made of events.
#[derive(Default)]
pub(crate) struct Given {
    history: Vec<Recorded>,
    seqs: HashMap<StreamId, u64>,
    ordinals: HashMap<u16, u64>,
    documents: HashMap<(&'static str, String), Shared>,
    now: i64,
    count: u64,
    origin: Origin,
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

/// All bytes of an upload are stored.
pub(crate) fn finish(file_id: FileId, size_bytes: u64) -> FinishUpload {
    FinishUpload {
        file_id,
        blob: 255,
        digest: "ab".repeat(32),
        size_bytes,
        contents: None,
        kept_days: 0,
        in_parts: false,
    }
}

impl Given {
    /// Time passes.
    pub(crate) fn later(mut self, ms: i64) -> Self {
        self.now += ms;
        self
    }

    /// What follows comes from there.
    pub(crate) fn from(mut self, origin: Origin) -> Self {
        self.origin = origin;
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
        let origin = self.origin.clone();
        let now = Timestamp(self.now);
        let context = Context {
            actor,
            origin: &origin,
            client_id,
            now,
            names: &NAMES,
            conversation_bytes_max: CONVERSATION_BYTES_MAX,
        };
        let stream = AnyCommand::stream(&command, &context);
        let outcome = stream.and_then(|stream| {
            let mut fetch = |need: &super::Need| {
                self.documents.get(&(need.key.collection, need.key.id.clone())).cloned()
            };
            let events = AnyCommand::decide(&command, &context, &mut fetch)?;
            Ok((stream, events))
        });
        let by = (!AnyCommand::by_server(&command)).then_some(actor);
        let outcome = outcome.map(|(stream, events)| {
            self.record(stream, (actor, by), client_id, &events);
            events
        });
        Then { world: self, outcome }
    }

    fn record(
        &mut self,
        stream: StreamId,
        (author, actor): (AccountId, Option<AccountId>),
        client_id: Uuid,
        events: &[Event],
    ) {
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
                actor,
                command: CommandRef {
                    client_id,
                    digest: [0; 32],
                    leaf: None,
                    count: u16::try_from(events.len()).expect("a test has few events"),
                    index,
                },
                event: sealed(event.clone(), author, stream, *seq),
            };
            self.fold(&recorded);
            self.history.push(recorded);
        }
    }

    /// Somebody has begun to upload a picture of so many bytes.
    pub(crate) fn begins_upload(self, n: u8, size_bytes: u64) -> (Self, FileId) {
        let begin = BeginUpload {
            name: "cat.png".to_owned(),
            media_type: "image/png".to_owned(),
            size_bytes,
            storage_bytes_max: 1 << 40,
            ..BeginUpload::default()
        };
        let world = self.and(account(n), begin);
        let id = BeginUpload::file_id(account(n), world.last_context(account(n)).client_id);
        (world, id)
    }

    /// Somebody has uploaded one.
    pub(crate) fn uploads(self, n: u8, size_bytes: u64) -> (Self, FileId) {
        let (world, file_id) = self.begins_upload(n, size_bytes);
        (world.and(account(n), finish(file_id, size_bytes)), file_id)
    }

    /// Somebody registered: their name is claimed, their account created, their name confirmed.
    pub(crate) fn person(self, n: u8, username: &str) -> Self {
        let (account_id, name_id) = (account(n), name(username));
        self.and(account_id, ClaimName { name_id, account_id })
            .and(
                account_id,
                CreateAccount {
                    account_id,
                    name_id,
                    look_id: None,
                    username: username.to_owned(),
                    display_name: username.to_owned(),
                    identity: None,
                    password: Some("hash".to_owned()),
                },
            )
            .and(account_id, ConfirmName { name_id, account_id })
    }

    /// A document is what no test has the patience to make it.
    pub(crate) fn with<D: Document>(mut self, id: impl Into<String>, document: D) -> Self {
        let key = key::<D>(id);
        self.documents.insert((key.collection, key.id), std::sync::Arc::new(document));
        self
    }

    /// Something happened, whoever decided it.
    pub(crate) fn happened(mut self, stream: StreamId, actor: AccountId, event: Event) -> Self {
        self.count += 1;
        self.record(stream, (actor, Some(actor)), client_id(self.count), &[event]);
        self
    }

    /// Every document, to be stored.
    pub(crate) fn writes(&self) -> Vec<Write> {
        let write = |((collection, id), it): (&(&'static str, String), &Shared)| Write {
            key: Key { collection, id: id.clone() },
            ordinal: 1,
            index_keys: it.index_keys(),
            body: Some(it.json().into()),
            first: true,
        };
        self.documents.iter().map(write).collect()
    }

    /// Everything that happened, in order.
    pub(crate) fn history(&self) -> &[Recorded] {
        &self.history
    }

    /// The context of the last command.
    pub(crate) fn last_context(&self, actor: AccountId) -> Context<'static> {
        let client_id = client_id(self.count);
        let origin = &NOWHERE;
        Context {
            actor,
            origin,
            client_id,
            now: Timestamp(self.now),
            names: &NAMES,
            conversation_bytes_max: CONVERSATION_BYTES_MAX,
        }
    }

    /// Every document as it is stored.
    pub(crate) fn stored(&self) -> std::collections::BTreeMap<(&'static str, String), String> {
        let text = |it: &Shared| String::from_utf8(it.json().to_vec()).expect("JSON is text");
        self.documents.iter().map(|(key, it)| (key.clone(), text(it))).collect()
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
    pub(crate) fn document<D: Document>(&self, id: impl ToString) -> Option<D> {
        let shared = self.documents.get(&(D::COLLECTION.name, id.to_string()))?;
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

/// The stream of a username's claim in a test.
pub(crate) fn name(username: &str) -> NameId {
    command::name_id(&NAMES, username)
}

/// Seals an event as the log would, each under the leaf of its `seq` unless it asks for another.
fn sealed(mut event: Event, actor: AccountId, stream: StreamId, seq: u64) -> Event {
    let tree = TreeId { author: actor.0.into_bytes(), stream: stream.bytes() };
    let schema = codec::codec().schema_id(event.name());
    for (field, personal) in (0_u8..).zip(event.personal()) {
        let leaf = personal.wanted_leaf().unwrap_or(seq);
        personal.seal(KeyName { tree, leaf, term: 1, seq, schema, field }, &LEAF, [0; 12]);
    }
    event
}

/// Opens what a test has sealed.
pub(crate) fn open<T: serde::de::DeserializeOwned>(personal: &Personal<T>) -> Option<T> {
    let Personal::Sealed(sealed) = personal else { return None };
    Personal::open(sealed, &LEAF)
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
