//! The Avro schemas of events: derived from the types, numbered by one append-only file.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use apache_avro::{AvroSchema, Schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Timestamp, codec};
use crate::accounts::AccountId;

/// One line of `schemas/ids.jsonl`: a number that names this schema for ever.
#[derive(Clone, Serialize, Deserialize)]
pub struct Numbered {
    pub id: u32,
    /// Full name of the record.
    pub subject: String,
    /// 1, 2, 3 … inside the subject.
    pub version: u32,
    pub schema: Value,
}

/// Envelope of a public event, its first field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat")]
pub struct Meta {
    /// The conversation, account or name that the event belongs to.
    pub stream_id: String,
    /// Dense inside the stream: 1, 2, 3 and so on.
    pub seq: super::time::Long,
    /// The server's time, monotone inside the stream.
    pub occurred_at: Timestamp,
    /// The account that caused it; null when it made itself.
    pub actor_id: Option<AccountId>,
    /// The client's id of the command.
    pub command_id: String,
}

/// Every schema that was ever written, oldest first.
pub static NUMBERED: LazyLock<Vec<Numbered>> = LazyLock::new(|| {
    parse(include_str!("../../../schemas/ids.jsonl")).expect("the committed file is well-formed")
});

/// Reads the numbered schemas.
///
/// # Errors
/// When a line is no such record.
pub fn parse(text: &str) -> Result<Vec<Numbered>, serde_json::Error> {
    text.lines().map(serde_json::from_str).collect()
}

/// The public schema of an event: its own fields behind the envelope.
pub fn public(private: &Schema) -> Value {
    let mut schema = serde_json::to_value(private).expect("a schema is JSON");
    let meta = json!({
        "name": "meta",
        "doc": "Where the event stands and who caused it.",
        "type": Meta::get_schema(),
    });
    let fields = schema.get_mut("fields").and_then(Value::as_array_mut);
    fields.expect("an event is a record").insert(0, meta);
    schema
}

/// The private schema: the public one without its envelope.
pub fn private(public: &Value) -> Value {
    let mut schema = public.clone();
    let fields = schema.get_mut("fields").and_then(Value::as_array_mut);
    fields.expect("an event is a record").remove(0);
    schema
}

/// Full name of a record.
pub fn subject(schema: &Value) -> String {
    let part = |name| schema.get(name).and_then(Value::as_str).unwrap_or_default();
    format!("{}.{}", part("namespace"), part("name"))
}

/// The schema with records that were defined before named only, for a schema of many events.
pub fn by_reference(schema: &Value, defined: &mut BTreeSet<String>) -> Value {
    match schema {
        Value::Object(object) => {
            let named = matches!(
                object.get("type").and_then(Value::as_str),
                Some("record" | "enum" | "fixed")
            );
            if named && object.contains_key("name") && !defined.insert(full_name(schema)) {
                return Value::String(full_name(schema));
            }
            let fields = object.iter().map(|(key, value)| {
                let kept = matches!(key.as_str(), "default" | "symbols" | "doc");
                let value = if kept { value.clone() } else { by_reference(value, defined) };
                (key.clone(), value)
            });
            Value::Object(fields.collect())
        }
        Value::Array(items) => {
            Value::Array(items.iter().map(|it| by_reference(it, defined)).collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

fn full_name(schema: &Value) -> String {
    let name = schema.get("name").and_then(Value::as_str).unwrap_or_default();
    if name.contains('.') { name.to_owned() } else { subject(schema) }
}

/// Whether two schemas read and write the same; documentation does not count.
pub fn same(one: &Value, other: &Value) -> bool {
    without_docs(one) == without_docs(other)
}

fn without_docs(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => {
            let kept = object.iter().filter(|(key, value)| *key != "doc" || !value.is_string());
            Value::Object(kept.map(|(key, it)| (key.clone(), without_docs(it))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_docs).collect()),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => schema.clone(),
    }
}

/// What the committed file must hold: today's schemas are appended when they are new.
pub fn updated(committed: &[Numbered]) -> Vec<Numbered> {
    let mut all = committed.to_vec();
    for kind in codec::kinds() {
        let schema = public(&kind.schema);
        let subject = subject(&schema);
        let newest = all.iter().rfind(|it| it.subject == subject);
        if newest.is_some_and(|it| same(&it.schema, &schema)) {
            continue;
        }
        let version = newest.map_or(1, |it| it.version + 1);
        let id = all.last().map_or(1, |it| it.id + 1);
        all.push(Numbered { id, subject, version, schema });
    }
    all
}
