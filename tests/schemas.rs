//! Published artefacts follow the code: generated, committed, compared; history stays readable.

use std::path::{Path, PathBuf};

use chat::kernel::schemas::{Numbered, parse, updated};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Whether the artefacts are to be written instead of compared: `make schemas`.
fn blessing() -> bool {
    option_env!("PARLANCE_BLESS").is_some() || std::env::var_os("PARLANCE_BLESS").is_some()
}

fn committed() -> Vec<Numbered> {
    let text =
        std::fs::read_to_string(root().join("schemas/ids.jsonl")).expect("the file is there");
    parse(&text).expect("the committed file is well-formed")
}

/// Compares a file with what it must hold, or writes it.
fn current(path: &str, expected: &str) {
    let file = root().join(path);
    if blessing() {
        std::fs::create_dir_all(file.parent().expect("a file has a folder")).expect("a folder");
        std::fs::write(&file, expected).expect("a written file");
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(found == expected, "{path} is not what the code says: run `make schemas`");
}

#[test]
fn schema_ids_are_current_and_only_appended() {
    let lines: String = updated(&committed())
        .iter()
        .map(|it| serde_json::to_string(it).expect("plain data") + "\n")
        .collect();
    current("schemas/ids.jsonl", &lines);
}

/// Room and name of an event, from its full name: `chat.messages.MessageSent`.
fn place(subject: &str) -> (String, String) {
    let mut parts = subject.split('.').skip(1);
    let room = parts.next().expect("an event has a room");
    let name = parts.next().expect("an event has a name");
    (room.to_owned(), name.to_owned())
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).expect("plain data") + "\n"
}

#[test]
fn todays_event_schemas_are_published() {
    let all = updated(&committed());
    for numbered in &all {
        let newest = all.iter().rfind(|it| it.subject == numbered.subject);
        if newest.is_some_and(|it| it.id == numbered.id) {
            let (room, name) = place(&numbered.subject);
            current(&format!("schemas/events/{room}/{name}.avsc"), &pretty(&numbered.schema));
        }
    }
}

#[test]
fn ids_are_dense_and_so_are_versions() {
    let all = committed();
    for (expected, numbered) in (1..).zip(&all) {
        assert_eq!(numbered.id, expected);
        let before = all.iter().take_while(|it| it.id < numbered.id);
        let versions = before.filter(|it| it.subject == numbered.subject).count();
        assert_eq!(numbered.version as usize, versions + 1, "{}", numbered.subject);
    }
}

#[test]
fn what_was_committed_is_never_edited() {
    let git = std::process::Command::new("git")
        .args(["show", "HEAD:schemas/ids.jsonl"])
        .current_dir(root())
        .output()
        .expect("git is there, since this is a clone");
    let before = String::from_utf8(git.stdout).expect("the file is text");
    let now = std::fs::read_to_string(root().join("schemas/ids.jsonl")).expect("the file is there");
    assert!(now.starts_with(&before), "lines of schemas/ids.jsonl were edited");
    let edited = std::process::Command::new("git")
        .args(["diff", "--name-only", "--diff-filter=MD", "HEAD", "--", "schemas/history"])
        .current_dir(root())
        .output()
        .expect("git is there, since this is a clone");
    let edited = String::from_utf8_lossy(&edited.stdout).into_owned();
    assert_eq!(edited, "", "frozen files were edited");
}

#[test]
fn each_version_reads_its_neighbours_in_both_directions() {
    let all = committed();
    for later in all.iter().filter(|it| it.version > 1) {
        let earlier = all
            .iter()
            .rfind(|it| it.subject == later.subject && it.version + 1 == later.version)
            .expect("versions are dense");
        let parse = |it: &Numbered| apache_avro::Schema::parse(&it.schema).expect("a schema");
        let (old, new) = (parse(earlier), parse(later));
        use apache_avro::schema_compatibility::SchemaCompatibility;
        let compatible = SchemaCompatibility::can_read(&old, &new)
            .and_then(|_| SchemaCompatibility::can_read(&new, &old));
        assert!(compatible.is_ok(), "{} {}: {compatible:?}", later.subject, later.version);
    }
}

/// What a name stands for that a schema has defined before.
fn defined<'a>(within: &'a serde_json::Value, name: &str) -> Option<&'a serde_json::Value> {
    let own = name.rsplit('.').next();
    let named = within["type"] == "record" || within["type"] == "enum";
    if named && within["name"].as_str() == own {
        return Some(within);
    }
    let items = within.as_array().into_iter().flatten();
    let fields = within.as_object().into_iter().flat_map(serde_json::Map::values);
    items.chain(fields).find_map(|it| defined(it, name))
}

/// A value for a field, by its schema and name; ids are of the right kind.
fn sample(
    root: &serde_json::Value,
    schema: &serde_json::Value,
    name: &str,
) -> apache_avro::types::Value {
    use apache_avro::types::Value;
    if let Some(branches) = schema.as_array() {
        let branch = u32::from(branches.len() > 1);
        return Value::Union(branch, Box::new(sample(root, &branches[branch as usize], name)));
    }
    if let Some(primitive) = schema.as_str() {
        return match primitive {
            "string" => Value::String(sample_text(name)),
            "long" => Value::Long(7),
            "int" => Value::Int(7),
            "boolean" => Value::Boolean(true),
            "bytes" => Value::Bytes((0..61).collect()),
            other => sample(root, defined(root, other).expect("it was defined before"), name),
        };
    }
    match schema["type"].as_str() {
        Some("record") if schema["name"] == "Personal" => sealed(),
        Some("record") => {
            let fields = schema["fields"].as_array().expect("a record has fields");
            let fields = fields.iter().map(|field| {
                let name = field["name"].as_str().expect("a field has a name");
                (name.to_owned(), sample(root, &field["type"], name))
            });
            Value::Record(fields.collect())
        }
        Some("enum") => {
            let first = schema["symbols"][0].as_str().expect("an enum has symbols");
            Value::Enum(0, first.to_owned())
        }
        Some("array") => Value::Array(vec![sample(root, &schema["items"], name)]),
        Some("long") => Value::TimestampMillis(1_700_000_000_000),
        _ => sample(root, &schema["type"], name),
    }
}

/// The key's name says where the value stands: the stream and seq of the samples.
fn sealed() -> apache_avro::types::Value {
    use apache_avro::types::Value;
    Value::Record(vec![
        ("key".to_owned(), Value::Bytes(vec![1; 61])),
        ("ciphertext".to_owned(), Value::Bytes(vec![2; 40])),
    ])
}

fn sample_text(name: &str) -> String {
    let prefix = match name {
        "name_id" | "claim_id" => "name",
        "session_id" | "session_ids" => "sess",
        "factor_id" => "fac",
        "invitation_id" => "inv",
        "address_id" => "addr",
        "outgoing_id" => "out",
        "message_id" | "reply_to" => "msg",
        "conversation_id" | "stream_id" => "conv",
        "emoji" | "allowed" | "before" => return "👍".to_owned(),
        "command_id" => return "018bcfe5-6800-7000-8000-000000000001".to_owned(),
        _ => "acc",
    };
    format!("{prefix}_01hf7yat00e008000000000001")
}

#[expect(clippy::wildcard_enum_match_arm, reason = "a value that no event has fails the test")]
fn json(value: &apache_avro::types::Value) -> serde_json::Value {
    use apache_avro::types::Value;
    match value {
        Value::Union(_, it) => json(it),
        Value::Record(fields) => fields.iter().map(|(name, it)| (name.clone(), json(it))).collect(),
        Value::Array(items) => items.iter().map(json).collect(),
        Value::Bytes(it) => it.iter().map(|it| format!("{it:02x}")).collect::<String>().into(),
        Value::String(it) | Value::Enum(_, it) => it.clone().into(),
        Value::Long(it) | Value::TimestampMillis(it) => (*it).into(),
        Value::Int(it) => (*it).into(),
        Value::Boolean(it) => (*it).into(),
        Value::Null => serde_json::Value::Null,
        other => panic!("no event has a value such as {other:?}"),
    }
}

/// Schema, bytes and meaning of every version that was ever written, frozen when it was new.
#[test]
fn history_is_frozen_and_readable() {
    for numbered in committed() {
        let (room, name) = place(&numbered.subject);
        let file = |kind: &str| {
            root().join(format!("schemas/history/{room}/{name}/{}.{kind}", numbered.version))
        };
        if blessing() && !file("avro").exists() {
            let schema = apache_avro::Schema::parse(&numbered.schema).expect("a schema");
            let value = sample(&numbered.schema, &numbered.schema, "");
            let writer = apache_avro::writer::datum::GenericDatumWriter::builder(&schema).build();
            let body = writer.expect("a writer").write_value_to_vec(value.clone());
            let mut bytes = vec![0];
            bytes.extend_from_slice(&numbered.id.to_be_bytes());
            bytes.extend(body.expect("a sample fits its schema"));
            let folder = file("avro").parent().expect("a folder").to_owned();
            std::fs::create_dir_all(folder).expect("a folder");
            std::fs::write(file("avsc"), pretty(&numbered.schema)).expect("a written file");
            std::fs::write(file("avro"), bytes).expect("a written file");
            std::fs::write(file("json"), pretty(&json(&value))).expect("a written file");
        }
        let bytes = std::fs::read(file("avro")).expect("every version is frozen: `make schemas`");
        let meaning = std::fs::read_to_string(file("json")).expect("every version is frozen");
        let codec = chat::kernel::codec::codec();
        let read = codec.read_public(&bytes).expect("what was written can be read");
        assert_eq!(pretty(&json(&read)), meaning, "{}", numbered.subject);
        codec.read_current(&bytes).expect("it is an event of today");
    }
}

#[test]
fn the_graphql_schema_is_published() {
    current("schemas/graphql/schema.graphql", &(query_api::sdl().trim().to_owned() + "\n"));
}

#[test]
fn the_commands_are_published() {
    current("schemas/http/openapi.json", &pretty(&command_api::openapi()));
}

/// Codes that any request may answer with: code, HTTP status, meaning, what to do.
const GLOBAL: [(&str, u16, &str, &str); 15] = [
    ("BATCH_DISABLED", 400, "several operations in one request", "Send one operation a request."),
    (
        "IDEMPOTENCY_MISMATCH",
        409,
        "the client id was used for another command",
        "Make a new id for a new command.",
    ),
    ("INTERNAL", 500, "what is stored can't be trusted", "Tell the operator."),
    ("INVALID", 400, "an argument or the request is malformed", "Correct it."),
    ("NOT_FOUND", 404, "it does not exist, or may not be seen", "Check the id."),
    (
        "POSITION_INVALID",
        400,
        "the position is not one of this instance",
        "Ask for a position and start from there.",
    ),
    ("QUERY_TOO_COMPLEX", 400, "the query would cost too much", "Ask for smaller pages."),
    ("QUERY_TOO_DEEP", 400, "the query is nested too deep", "Ask in several queries."),
    ("RATE_LIMITED", 429, "too many requests", "Wait for retryAfterMs."),
    ("TOO_LARGE", 413, "the request or command is too large", "Send less at once."),
    ("TOO_MANY_ALIASES", 400, "too many aliases", "Ask in several queries."),
    ("TOO_MANY_DIRECTIVES", 400, "too many directives on one field", "Leave some out."),
    ("UNAUTHENTICATED", 401, "no valid access token", "Sign in, or refresh the token."),
    ("UNAVAILABLE", 503, "nothing happened", "Try again."),
    ("UNKNOWN", 503, "it may have happened", "Try again with the same client id."),
];

#[test]
fn every_error_code_is_documented() {
    let mut text = "# Error codes\n\nGraphQL carries them in `extensions.code`, HTTP in \
                    `application/problem+json`.\nCodes are stable for ever.\n\n\
                    | code | HTTP | meaning | what to do |\n|---|---|---|---|\n"
        .to_owned();
    let mut rows: Vec<String> = GLOBAL
        .iter()
        .map(|(code, status, meaning, advice)| {
            format!("| `{code}` | {status} | {meaning} | {advice} |\n")
        })
        .collect();
    for listed in chat::rejections() {
        let rejection = listed.rejection;
        if GLOBAL.iter().any(|it| it.0 == rejection.code) {
            continue;
        }
        let status = rejection.kind.http_status();
        let (code, message) = (rejection.code, rejection.message);
        rows.push(format!("| `{code}` | {status} | {message} | {} |\n", listed.advice));
    }
    rows.sort();
    rows.dedup();
    text.extend(rows);
    current("docs/errors.md", &text);
}

#[test]
fn every_option_is_documented() {
    let source = std::fs::read_to_string(root().join("server/src/config.rs")).expect("the source");
    let body = source.split("pub struct Config {").nth(1).and_then(|it| it.split("\n}").next());
    let defaults = serde_json::to_value(server::config::Config::default()).expect("plain data");
    let mut text = "# Options\n\nFrom defaults, then the file given by `--config`, then the \
                    environment; unknown options are errors.\n\n\
                    | option | environment | default | meaning |\n|---|---|---|---|\n"
        .to_owned();
    let mut meaning = String::new();
    for line in body.expect("the options").lines().map(str::trim) {
        if let Some(sentence) = line.strip_prefix("/// ") {
            meaning = [meaning.as_str(), sentence].join(" ").trim().to_owned();
        } else if let Some((name, _)) = line.strip_prefix("pub ").and_then(|it| it.split_once(':'))
        {
            let default = &defaults[name];
            let upper = name.to_uppercase();
            text += &format!("| `{name}` | `PARLANCE_{upper}` | `{default}` | {meaning} |\n");
            meaning.clear();
        }
    }
    current("docs/config.md", &text);
}

/// Text fields of events that identify and say nothing of a person, or are one of a few that we
/// have: a language that we speak, a template of ours, a condition on the log of audit, an emoji of
/// Unicode's, a code of ours for what went wrong, or for what is made of a file; or say what a
/// program of others is; or are keyed digests.
fn may_be_plain(field: &str) -> bool {
    let ours =
        ["reply_to", "same_as", "locale", "template", "action", "after", "emoji", "code", "kind"];
    let programs = ["application_name", "secret_digest"];
    let keyed = ["digest", "contents"];
    let named = ours.iter().chain(&programs).chain(&keyed).any(|it| *it == field);
    named || field.ends_with("_id") || field.ends_with("_ids")
}

#[test]
fn free_text_in_events_is_personal() {
    for numbered in committed() {
        for field in numbered.schema["fields"].as_array().expect("a record has fields") {
            let name = field["name"].as_str().expect("a field has a name");
            let plain = field["type"] == "string"
                || field["type"].as_array().is_some_and(|it| it.iter().any(|it| it == "string"));
            assert!(!plain || may_be_plain(name), "{}.{name} is plain text", numbered.subject);
        }
    }
}
