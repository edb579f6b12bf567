//! Events to Avro bytes and back, and the record of one command.
//!
//! A private event is its schema's number and its body. The public form puts the envelope before
//! the same body, so publishing an event copies its bytes. Old bytes are read by the schema that
//! wrote them and resolved into today's.

use std::collections::HashMap;
use std::sync::LazyLock;

use apache_avro::reader::datum::GenericDatumReader;
use apache_avro::writer::datum::GenericDatumWriter;
use apache_avro::{AvroSchema, Schema};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::event::{CommandRef, EventKind, Recorded, StreamId};
use super::schemas::{self, Meta, NUMBERED};
use super::time::Long;
use super::{Timestamp, id};
use crate::Event;
use crate::accounts::AccountId;

/// How the payload of a batch is written.
pub const PAYLOAD_FMT: u16 = 1;

type Reader = GenericDatumReader<'static>;
type Writer = GenericDatumWriter<'static>;
type Decode = Box<dyn Fn(&Reader, &[u8]) -> Option<Event> + Send + Sync>;

/// A kind of event as the codec knows it.
pub struct Kind {
    pub name: &'static str,
    pub schema: Schema,
    decode: Decode,
}

impl Kind {
    pub(crate) fn of<K: EventKind>(wrap: fn(K) -> Event) -> Self {
        Self {
            name: K::NAME,
            schema: K::get_schema(),
            decode: Box::new(move |reader, mut bytes| {
                reader.read_deser::<K>(&mut bytes).ok().map(wrap)
            }),
        }
    }
}

/// Today's kinds of all rooms.
pub fn kinds() -> Vec<Kind> {
    crate::event_kinds()
}

/// Bytes that are no event, or of a schema that this program does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("payload can't be read")]
pub struct Unreadable;

/// Reads and writes events.
pub struct Codec {
    current: HashMap<&'static str, Current>,
    known: HashMap<u32, Known>,
    batch: Pair,
    meta: Writer,
}

struct Current {
    id: u32,
    writer: Writer,
    reader: Reader,
    decode: Decode,
}

struct Known {
    kind: &'static str,
    subject: &'static str,
    /// The reader of an old schema; today's needs none.
    old: Option<Reader>,
    /// Reads the public form into a generic value.
    public: Reader,
    schema: &'static Schema,
}

struct Pair {
    writer: Writer,
    reader: Reader,
}

static CODEC: LazyLock<Codec> = LazyLock::new(Codec::new);

/// The codec; made once, schemas live as long as the program.
pub fn codec() -> &'static Codec {
    &CODEC
}

fn leak(schema: Schema) -> &'static Schema {
    Box::leak(Box::new(schema))
}

fn writer(schema: &'static Schema) -> Writer {
    let writer = GenericDatumWriter::builder(schema).human_readable(false).build();
    writer.expect("a derived schema is whole")
}

fn reader(schema: &'static Schema) -> Reader {
    let reader = GenericDatumReader::builder(schema).human_readable(false).build();
    reader.expect("a parsed schema is whole")
}

impl Codec {
    fn new() -> Self {
        let mut current = HashMap::new();
        let mut known = HashMap::new();
        for kind in kinds() {
            let public = schemas::public(&kind.schema);
            let subject = schemas::subject(&public);
            let schema = leak(kind.schema);
            for numbered in NUMBERED.iter().filter(|it| it.subject == subject) {
                let is_current = schemas::same(&numbered.schema, &public);
                let old = (!is_current).then(|| {
                    let writer = leak(parsed(&schemas::private(&numbered.schema)));
                    GenericDatumReader::builder(writer)
                        .reader_schema(schema)
                        .human_readable(false)
                        .build()
                        .expect("a committed schema is whole")
                });
                let schema = leak(parsed(&numbered.schema));
                let public = reader(schema);
                let subject = numbered.subject.as_str();
                known.insert(numbered.id, Known { kind: kind.name, subject, old, public, schema });
            }
            let newest = NUMBERED.iter().rfind(|it| it.subject == subject);
            let newest = newest.filter(|it| schemas::same(&it.schema, &public));
            let id = newest.map(|it| it.id).expect("run `make schemas`: an event has changed");
            let pair = (writer(schema), reader(schema));
            let decode = kind.decode;
            current.insert(kind.name, Current { id, writer: pair.0, reader: pair.1, decode });
        }
        let schema = leak(Batch::get_schema());
        let batch = Pair { writer: writer(schema), reader: reader(schema) };
        Self { current, known, batch, meta: writer(leak(Meta::get_schema())) }
    }

    /// Number of the schema that events of this name are written with.
    pub fn schema_id(&self, name: &str) -> u32 {
        self.current[name].id
    }

    /// Encodes one event's body.
    pub(crate) fn encode<K: EventKind>(&self, event: &K) -> (u32, Vec<u8>) {
        let current = &self.current[K::NAME];
        let bytes = current.writer.write_ser_to_vec(event).expect("a sealed event has its schema");
        (current.id, bytes)
    }

    /// Decodes one event's body.
    ///
    /// # Errors
    /// [`Unreadable`] when the number or the bytes are unknown.
    pub fn decode(&self, schema: u32, body: &[u8]) -> Result<Event, Unreadable> {
        let known = self.known.get(&schema).ok_or(Unreadable)?;
        let current = &self.current[known.kind];
        let Some(old) = &known.old else {
            return (current.decode)(&current.reader, body).ok_or(Unreadable);
        };
        let mut rest = body;
        let value = old.read_value(&mut rest).map_err(|_| Unreadable)?;
        let body = current.writer.write_value_to_vec(value).map_err(|_| Unreadable)?;
        (current.decode)(&current.reader, &body).ok_or(Unreadable)
    }

    /// The public form: magic 0, number, envelope, body (the Confluent wire format).
    pub fn publish(&self, meta: &Meta, schema: u32, body: &[u8]) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend_from_slice(&schema.to_be_bytes());
        self.meta.write_ser(&mut bytes, meta).expect("an envelope has its schema");
        bytes.extend_from_slice(body);
        bytes
    }

    /// Reads a public event into a generic value.
    ///
    /// # Errors
    /// [`Unreadable`] when the number or the bytes are unknown.
    pub fn read_public(&self, bytes: &[u8]) -> Result<apache_avro::types::Value, Unreadable> {
        let (head, mut body) = bytes.split_at_checked(5).ok_or(Unreadable)?;
        let id = u32::from_be_bytes(head[1..].try_into().map_err(|_| Unreadable)?);
        let known = self.known.get(&id).filter(|_| head[0] == 0).ok_or(Unreadable)?;
        known.public.read_value(&mut body).map_err(|_| Unreadable)
    }

    /// Reads a public event into a generic value of today's schema.
    ///
    /// # Errors
    /// [`Unreadable`] when the number or the bytes are unknown.
    pub fn read_current(&self, bytes: &[u8]) -> Result<apache_avro::types::Value, Unreadable> {
        let value = self.read_public(bytes)?;
        let id = bytes.get(1..5).and_then(|it| it.try_into().ok()).map(u32::from_be_bytes);
        let known = id.and_then(|it| self.known.get(&it)).ok_or(Unreadable)?;
        let current = &self.known[&self.current[known.kind].id];
        match known.old {
            None => Ok(value),
            Some(_) => value.resolve(current.schema).map_err(|_| Unreadable),
        }
    }

    /// Name and full name of the kind that a number stands for.
    pub fn name(&self, id: u32) -> Option<(&'static str, &'static str)> {
        self.known.get(&id).map(|it| (it.kind, it.subject))
    }
}

fn parsed(schema: &serde_json::Value) -> Schema {
    Schema::parse(schema).expect("a committed schema is whole")
}

/// Payload of a batch: one command and its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.log")]
pub struct Batch {
    pub stream_id: StreamName,
    pub actor_id: Option<AccountId>,
    #[avro(with)]
    #[serde(with = "apache_avro::serde::bytes")]
    pub client_id: Vec<u8>,
    pub occurred_at: Timestamp,
    #[avro(with)]
    #[serde(with = "apache_avro::serde::bytes")]
    pub digest: Vec<u8>,
    pub leaf: Option<Long>,
    pub events: Vec<Body>,
}

/// The stream's id as text.
pub type StreamName = String;

/// One event of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.log")]
pub struct Body {
    pub schema: i32,
    #[avro(with)]
    #[serde(with = "apache_avro::serde::bytes")]
    pub body: Vec<u8>,
}

impl Batch {
    /// Encodes the payload.
    pub fn encode(&self) -> Bytes {
        let bytes = codec().batch.writer.write_ser_to_vec(self);
        bytes.expect("a batch has its schema").into()
    }

    /// Decodes the payload.
    ///
    /// # Errors
    /// [`Unreadable`] when it is no batch.
    pub fn decode(payload: &[u8]) -> Result<Self, Unreadable> {
        let mut rest = payload;
        codec().batch.reader.read_deser(&mut rest).map_err(|_| Unreadable)
    }

    /// The events in their places.
    ///
    /// # Errors
    /// [`Unreadable`] when any of them can't be read or stands where it was not written.
    pub fn recorded(
        &self,
        partition: u16,
        first_seq: u64,
        first_ordinal: u64,
    ) -> Result<Vec<Recorded>, Unreadable> {
        let stream: StreamId = self.stream_id.parse().map_err(|_: id::IdInvalid| Unreadable)?;
        let client_id = Uuid::from_slice(&self.client_id).map_err(|_| Unreadable)?;
        let digest: [u8; 32] = self.digest[..].try_into().map_err(|_| Unreadable)?;
        let count = u16::try_from(self.events.len()).map_err(|_| Unreadable)?;
        let mut recorded = Vec::with_capacity(self.events.len());
        for (index, body) in (0_u16..).zip(&self.events) {
            let schema = u32::try_from(body.schema).map_err(|_| Unreadable)?;
            let mut event = codec().decode(schema, &body.body)?;
            let seq = first_seq + u64::from(index);
            let in_place = event.personal().iter().all(|field| {
                field.name().is_none_or(|it| it.tree.stream == stream.bytes() && it.seq == seq)
            });
            if !in_place {
                return Err(Unreadable);
            }
            recorded.push(Recorded {
                stream,
                seq,
                partition,
                ordinal: first_ordinal + u64::from(index),
                occurred_at: self.occurred_at,
                actor: self.actor_id,
                command: CommandRef {
                    client_id,
                    digest,
                    leaf: self.leaf.map(|it| it.0),
                    count,
                    index,
                },
                event,
            });
        }
        Ok(recorded)
    }

    /// The envelope of one of its events.
    pub fn meta(&self, seq: u64) -> Meta {
        Meta {
            stream_id: self.stream_id.clone(),
            seq: Long(seq),
            occurred_at: self.occurred_at,
            actor_id: self.actor_id,
            command_id: Uuid::from_slice(&self.client_id).unwrap_or_default().to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{AccountRegistered, NameId};
    use crate::kernel::Personal;
    use crate::kernel::personal::KeyName;
    use crate::kernel::testing::account;

    fn sealed() -> Personal<String> {
        use crate::kernel::personal::Sealable;
        let stream = account(1).0.into_bytes();
        let tree = ports::keys::TreeId { author: stream, stream };
        let mut personal = Personal::new("ann".to_owned());
        let name = KeyName { tree, leaf: 1, term: 1, seq: 1, schema: 1, field: 0 };
        personal.seal(name, &[1; 32], [2; 12]);
        personal
    }

    #[test]
    fn an_event_reads_back_as_written() {
        for password in [None, Some(sealed())] {
            let event = AccountRegistered {
                account_id: account(1),
                name_id: NameId(account(2).0),
                look_id: None,
                username: sealed(),
                display_name: sealed(),
                password,
                origin: None,
            };
            let (id, body) = codec().encode(&event);
            let reader = &codec().current["AccountRegistered"].reader;
            let read: AccountRegistered = reader.read_deser(&mut body.as_slice()).unwrap();
            assert_eq!(read, event);
            assert_eq!(codec().decode(id, &body), Ok(event.into()));
        }
    }

    #[test]
    fn a_batch_reads_back_as_written() {
        let batch = Batch {
            stream_id: account(1).to_string(),
            actor_id: Some(account(1)),
            client_id: account(1).0.as_bytes().to_vec(),
            occurred_at: Timestamp(5),
            digest: vec![7; 32],
            leaf: Some(Long(9)),
            events: vec![Body { schema: 1, body: vec![1, 2] }],
        };
        let reader = &codec().batch.reader;
        let read: Batch = reader.read_deser(&mut &batch.encode()[..]).unwrap();
        assert_eq!(read, batch);
    }
}
