//! The forms in which events leave: JSON a line, an Avro container, or single framed records.

use std::io::{BufWriter, Write};

use apache_avro::types::Value;
use apache_avro::{Schema, Writer};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::ValueEnum;
use serde_json::json;

use chat::kernel::codec::codec;
use chat::kernel::schemas::{self, NUMBERED};
use ports::event_log::Partition;

/// How events are written.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Form {
    /// One JSON object a line
    Ndjson,
    /// An Avro container file with one schema for all events
    Avro,
    /// Length (4 bytes, big-endian) and event, framed as in Kafka: 0, schema id, Avro body
    Confluent,
}

/// An event in its public form.
pub(crate) struct Public {
    pub(crate) partition: Partition,
    pub(crate) ordinal: u64,
    pub(crate) subject: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Events ready to be written.
pub(crate) enum Formatted {
    Bytes(Vec<u8>),
    Values(Vec<Value>),
}

/// Bytes held back before they are written.
const BUFFER_BYTES: usize = 1 << 20;

/// Formats events; this is where the time goes, so it runs on every core.
pub(crate) fn format_all(form: Form, events: Vec<Public>) -> anyhow::Result<Formatted> {
    match form {
        Form::Ndjson => {
            let mut lines = Vec::with_capacity(events.len() * 600);
            for event in &events {
                line(&mut lines, event)?;
            }
            Ok(Formatted::Bytes(lines))
        }
        Form::Confluent => {
            let mut records = Vec::with_capacity(events.len() * 500);
            for event in &events {
                records.extend_from_slice(&u32::try_from(event.bytes.len())?.to_be_bytes());
                records.extend_from_slice(&event.bytes);
            }
            Ok(Formatted::Bytes(records))
        }
        Form::Avro => {
            let values = events.iter().map(value).collect::<anyhow::Result<_>>()?;
            Ok(Formatted::Values(values))
        }
    }
}

fn line(out: &mut Vec<u8>, event: &Public) -> anyhow::Result<()> {
    let Value::Record(fields) = codec().read_public(&event.bytes)? else {
        anyhow::bail!("an event is not a record");
    };
    write!(
        out,
        "{{\"event\":\"{}\",\"partition\":{},\"ordinal\":{}",
        event.subject, event.partition, event.ordinal
    )?;
    for (name, value) in &fields {
        write!(out, ",\"{name}\":")?;
        json_value(out, value)?;
    }
    out.extend_from_slice(b"}\n");
    Ok(())
}

/// An Avro value as JSON; bytes in base64, times in milliseconds since the epoch.
#[expect(clippy::wildcard_enum_match_arm, reason = "a value that no event has is an error")]
fn json_value(out: &mut Vec<u8>, value: &Value) -> anyhow::Result<()> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Boolean(it) => write!(out, "{it}")?,
        Value::Int(it) => write!(out, "{it}")?,
        Value::Long(it) | Value::TimestampMillis(it) => write!(out, "{it}")?,
        Value::String(it) | Value::Enum(_, it) => serde_json::to_writer(&mut *out, it)?,
        Value::Bytes(it) => write!(out, "\"{}\"", STANDARD.encode(it))?,
        Value::Union(_, it) => json_value(out, it)?,
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                json_value(out, item)?;
            }
            out.push(b']');
        }
        Value::Record(fields) => {
            out.push(b'{');
            for (at, (name, value)) in fields.iter().enumerate() {
                write!(out, "{}\"{name}\":", if at > 0 { "," } else { "" })?;
                json_value(out, value)?;
            }
            out.push(b'}');
        }
        other => anyhow::bail!("no event has a value such as {other:?}"),
    }
    Ok(())
}

/// Subjects in the order of the container's union.
fn subjects() -> Vec<&'static str> {
    let mut subjects: Vec<&str> = NUMBERED.iter().map(|it| it.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    subjects
}

/// The container's schema: where the event stands, and today's form of every event.
fn container_schema() -> anyhow::Result<Schema> {
    let mut defined = std::collections::BTreeSet::new();
    let newest = |subject: &&str| NUMBERED.iter().rfind(|it| it.subject == **subject);
    let events: Vec<serde_json::Value> = subjects()
        .iter()
        .filter_map(newest)
        .map(|it| schemas::by_reference(&it.schema, &mut defined))
        .collect();
    let schema = json!({
        "type": "record",
        "name": "ReplayedEvent",
        "namespace": "chat.replay",
        "fields": [
            { "name": "partition", "type": "int" },
            { "name": "ordinal", "type": "long" },
            { "name": "event", "type": events },
        ],
    });
    Ok(Schema::parse(&schema)?)
}

fn value(event: &Public) -> anyhow::Result<Value> {
    let read = codec().read_current(&event.bytes)?;
    let branch = subjects().iter().position(|it| *it == event.subject);
    let branch = branch.ok_or_else(|| anyhow::anyhow!("{} is not known", event.subject))?;
    Ok(Value::Record(vec![
        ("partition".to_owned(), Value::Int(i32::from(event.partition))),
        ("ordinal".to_owned(), Value::Long(i64::try_from(event.ordinal)?)),
        ("event".to_owned(), Value::Union(u32::try_from(branch)?, Box::new(read))),
    ]))
}

type Out = BufWriter<Box<dyn Write + Send>>;

/// Where events go.
pub(crate) struct Sink {
    pub(crate) form: Form,
    to: To,
}

enum To {
    Bytes(Out),
    Container(Box<Writer<'static, Out>>),
}

impl Sink {
    pub(crate) fn new(form: Form, out: Box<dyn Write + Send>) -> anyhow::Result<Self> {
        let out = BufWriter::with_capacity(BUFFER_BYTES, out);
        let to = match form {
            Form::Ndjson | Form::Confluent => To::Bytes(out),
            Form::Avro => {
                let schema: &'static Schema = Box::leak(Box::new(container_schema()?));
                To::Container(Box::new(Writer::new(schema, out)?))
            }
        };
        Ok(Self { form, to })
    }

    pub(crate) fn write(&mut self, formatted: Formatted) -> anyhow::Result<()> {
        match (&mut self.to, formatted) {
            (To::Bytes(out), Formatted::Bytes(lines)) => out.write_all(&lines)?,
            (To::Container(writer), Formatted::Values(values)) => {
                for value in &values {
                    writer.unvalidated_append_value_ref(value)?;
                }
            }
            (To::Bytes(_), Formatted::Values(_)) | (To::Container(_), Formatted::Bytes(_)) => {
                unreachable!("a sink receives its own form")
            }
        }
        Ok(())
    }

    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        match &mut self.to {
            To::Bytes(out) => out.flush()?,
            To::Container(writer) => {
                writer.flush()?;
            }
        }
        Ok(())
    }
}
