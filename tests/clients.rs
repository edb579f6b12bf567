//! Clients: programs of others follow the feed and read the events, as published packages do.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ports::event_log::{self, Fold, Identity, Purpose};
use serde_json::{Value, json};
use tests::servers::{LOOPBACK, free_port};
use tests::{Client, Http, PASSWORD, Person, Processes, Program, fresh_id, long};

/// A program that people reach by a name, and that address.
fn named(data_dir: &Path) -> (Program, String) {
    let port = free_port(LOOPBACK);
    let origin = format!("http://localhost:{port}");
    let open = ("PARLANCE_OAUTH_REGISTRATION", "true".to_owned());
    let options = [("PARLANCE_PUBLIC_URL", origin.clone()), open];
    (Program::start("serve", data_dir, port, &options), origin)
}

/// What a script of node reports.
fn reported(script: &str, arguments: &[&str]) -> Value {
    let mut node = Command::new("node");
    node.arg(script).args(arguments).current_dir(node_client());
    serde_json::from_slice(&run(&mut node).stdout).expect("a report in JSON")
}

/// Times that the client loses its connection.
const DISCONNECTS: usize = 50;

/// Messages before the client begins, and as many again while it listens.
const MESSAGES: usize = 120;

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("clients")
}

/// Where packages are installed: beside what cargo builds, never among the sources.
fn installed() -> PathBuf {
    let folder = Program::target_dir().join("clients");
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

/// Runs a program that must be on this machine, to its end.
fn run(command: &mut Command) -> Output {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stderr(Stdio::inherit()).output();
    let output = output.unwrap_or_else(|it| panic!("{name} is needed for this test: {it}"));
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    output
}

/// What node runs.
const SCRIPTS: [&str; 4] = ["browser.mjs", "oauth.mjs", "passkey.mjs", "resume.mjs"];

/// The folder with the node clients and their packages; tests that want it at once wait.
fn node_client() -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _alone = MAKING.lock().expect("no holder of the lock panics");
    let folder = installed().join("node");
    std::fs::create_dir_all(&folder).expect("a folder");
    let files = ["package.json", "package-lock.json", ".npmrc"];
    for file in files.iter().chain(&SCRIPTS) {
        std::fs::copy(sources().join(file), folder.join(file)).expect("a copied file");
    }
    run(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder));
    folder
}

/// A python that has the packages; tests that want it at once wait for one another.
fn python() -> PathBuf {
    static MAKING: Mutex<()> = Mutex::new(());
    let _alone = MAKING.lock().expect("no holder of the lock panics");
    let folder = installed().join("python");
    let python = folder.join("bin/python");
    if !python.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    }
    let packages = sources().join("requirements.txt");
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(packages));
    python
}

#[test]
fn a_client_of_published_packages_hears_everything_once_over_50_disconnects() {
    let client_folder = node_client();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Program::serve(&folder.path().join("data"), 0);
    let client = Arc::new(Client::new(Http::new(program.address)));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = ann.creates_group("Lunch", &[&bob]);
    let start = bob.position();
    let sends = |count: usize| (0..count).for_each(|_| drop(ann.sends(&group, "hello")));
    sends(MESSAGES);
    let node = Command::new("node")
        .arg("resume.mjs")
        .args([&program.address.to_string(), &bob.token, &start, &DISCONNECTS.to_string()])
        .current_dir(&client_folder)
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is needed for this test");
    sends(MESSAGES);
    let last = ann.sends(&group, "the end").seq;
    let output = node.wait_with_output().expect("it ends");
    assert!(output.status.success(), "the client failed");
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report in JSON");
    assert_eq!(report["disconnects"], DISCONNECTS);
    let frames = report["heard"].as_array().expect("a list");
    let heard: Vec<u64> = frames.iter().map(|it| long(&it["seq"])).collect();
    assert_eq!(heard, (3..=last).collect::<Vec<_>>());
    for frame in frames {
        assert_eq!(frame["conversationId"], group.as_str());
        assert_eq!(long(&frame["previousSeq"]) + 1, long(&frame["seq"]));
    }
}

#[test]
fn a_browser_makes_a_passkey_and_signs_in_with_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (program, origin) = named(&folder.path().join("data"));
    let client = Arc::new(Client::new(Http::new(program.address)));
    Person::register(&client, "ann");
    let report = reported("passkey.mjs", &[&origin, "ann", PASSWORD]);
    let expected = json!({
        "name": "browser",
        // The browser knows that it has one already.
        "again": "InvalidStateError",
        "viewer": "ann",
        "replayed": "PASSKEYS_INVALID",
        "confirmed": true,
    });
    assert_eq!(report, expected);
}

#[test]
fn a_published_client_of_openid_connect_acts_for_somebody_who_has_allowed_it() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (program, origin) = named(&folder.path().join("data"));
    let client = Arc::new(Client::new(Http::new(program.address)));
    Person::register(&client, "ann");
    let report = reported("oauth.mjs", &[&origin, "ann", PASSWORD]);
    let expected = json!({
        "told": "Bridge",
        "viewer": "ann",
        "name": "ann",
        "same": true,
        "denied": "APPLICATIONS_SCOPE_MISSING",
        "active": [true, false],
        "device": "openid chat:read",
        "sameOnDevice": true,
    });
    assert_eq!(report, expected);
}

/// Has schemathesis try everything that a schema describes; a seed repeats what it tries.
fn is_fuzzed(program: &Program, schema: &str, person: &Person, more: &[&str]) {
    let tool = python().with_file_name("st");
    let mut fuzz = Command::new(tool);
    fuzz.args(["run", &format!("http://{}{schema}", program.address), "--no-color"]);
    fuzz.args(["--header", &format!("Authorization: Bearer {}", person.token)]);
    fuzz.args(["--seed", "7", "--max-examples", "20"]).args(more);
    fuzz.env("SCHEMATHESIS_HOOKS", "schemathesis_hooks").env("PYTHONPATH", sources());
    let folder = tempfile::tempdir().expect("a temporary folder");
    run(fuzz.current_dir(folder.path()));
}

#[test]
fn whatever_the_schemas_describe_is_answered_without_a_fault() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Program::serve(&folder.path().join("data"), 0);
    let client = Arc::new(Client::new(Http::new(program.address)));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    // What ends the session that asks would leave nothing to try; and that a text has to be so
    // long, or a person to exist, is no matter of the schema.
    let lasting = ["--exclude-path-regex", "(EndSessions?|DeactivateAccount)$"];
    let checked = ["--exclude-checks", "positive_data_acceptance"];
    is_fuzzed(&program, "/v1/openapi.json", &ann, &[lasting, checked].concat());
    let lasting = ["--exclude-name-regex", "signOut|deactivateAccount"];
    let checked = ["--checks", "errors_are_answers"];
    is_fuzzed(&program, "/graphql", &bob, &[lasting, checked].concat());
}

#[test]
fn a_code_of_a_published_authenticator_is_taken_once() {
    let python = python();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Program::serve(&folder.path().join("data"), 0);
    let client = Arc::new(Client::new(Http::new(program.address)));
    let ann = Person::register(&client, "ann");
    let enrolled = ann.does("enrolTotp", json!({}), "uri");
    let uri = enrolled["uri"].as_str().expect("an address");
    let code = |ahead: i64| {
        let seconds = ports::clock::Clock::now_ms(&ports::clock::System) / 1_000 + ahead;
        let mut made = Command::new(&python);
        made.arg(sources().join("totp.py")).arg(uri).arg(seconds.to_string());
        String::from_utf8(run(&mut made).stdout).expect("text").trim().to_owned()
    };
    ann.does("confirmTotp", json!({ "code": code(0) }), "position");
    // A clock that is half a minute ahead: the code of the next step.
    let next = code(30);
    let signs_in = || {
        let input = json!({ "username": "ann", "password": PASSWORD });
        let asked = client.change(None, "signIn", input, "secondFactor { challenge }");
        let challenge = &asked.data()["signIn"]["secondFactor"]["challenge"];
        let input = json!({ "challenge": challenge, "code": next });
        client.change(None, "completeSignIn", input, "accessToken")
    };
    signs_in().data();
    assert_eq!(signs_in().code(), "FACTORS_CODE_INVALID");
}

#[test]
fn a_published_avro_library_reads_what_replay_writes_with_schemas_from_the_server() {
    let python = python();
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("data");
    let program = Program::serve(&dir, 0);
    let client = Arc::new(Client::new(Http::new(program.address)));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = ann.creates_group("Lunch", &[&bob]);
    let sent: Vec<_> = (0..20).map(|_| ann.sends(&group, "**hello** @bob")).collect();
    ann.edits(&sent[0].id, "goodbye");
    ann.deletes(&sent[1].id);
    bob.hides(&sent[2].id);
    bob.reads(&group, 9);
    ann.opens_direct(&bob);
    bob.leaves(&group).data();
    program.kill();
    let files = ["avro", "confluent", "ndjson"].map(|format| {
        let file = folder.path().join(format);
        let path = file.to_str().expect("a path in text").to_owned();
        Program::run(&dir, &["replay", "--format", format, "--out", &path]);
        file
    });
    let program = Program::serve(&dir, 0);
    let mut decode = Command::new(&python);
    decode.arg(sources().join("decode.py")).args(&files[..2]).arg(program.address.to_string());
    let counts: BTreeMap<String, usize> =
        serde_json::from_slice(&run(&mut decode).stdout).expect("counts in JSON");
    let expected = [
        ("AccountRegistered", 2),
        ("DirectOpened", 1),
        ("GroupCreated", 1),
        ("MemberLeft", 1),
        ("MembersAdded", 1),
        ("MessageDeleted", 1),
        ("MessageEdited", 1),
        ("MessageHidden", 1),
        ("MessageSent", 20),
        ("NameClaimed", 2),
        ("NameConfirmed", 2),
        ("ReadMoved", 1),
        ("SessionOpened", 2),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let lines = std::fs::read_to_string(&files[2]).expect("a file").lines().count();
    assert_eq!(lines, counts.values().sum::<usize>());
}

/// An event's stream and its place there.
type Place = (String, u64);

fn place(event: &Value) -> Place {
    let stream = event["meta"]["stream_id"].as_str().expect("a stream").to_owned();
    (stream, event["meta"]["seq"].as_u64().expect("a number"))
}

/// What `parlance replay` gives: full name, fields and public bytes of each event.
fn replayed(processes: &Processes) -> BTreeMap<Place, (String, Value, Vec<u8>)> {
    let lines = processes.run(&["replay", "--format", "ndjson"]).stdout;
    let frames = processes.run(&["replay", "--format", "confluent"]).stdout;
    let mut frames = &frames[..];
    let mut events = BTreeMap::new();
    for line in String::from_utf8(lines).expect("text").lines() {
        let mut event: Value = serde_json::from_str(line).expect("a line is an event");
        let fields = event.as_object_mut().expect("an object");
        let name = fields.remove("event").expect("a name");
        for other in ["partition", "ordinal"] {
            fields.remove(other).expect("a number");
        }
        let (length, rest) = frames.split_first_chunk().expect("as many frames as lines");
        let (frame, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        frames = rest;
        let name = name.as_str().expect("text").to_owned();
        let known = events.insert(place(&event), (name, event, frame.to_vec()));
        assert!(known.is_none(), "replay repeats nothing");
    }
    assert!(frames.is_empty(), "as many lines as frames");
    events
}

/// Things that people do, on streams of every kind.
fn much_happens(ann: &Person, bob: &Person) -> String {
    let group = ann.creates_group("Lunch", &[bob]);
    let sent: Vec<_> = (0..10).map(|_| ann.sends(&group, "**hello** @bob")).collect();
    ann.edits(&sent[0].id, "goodbye");
    ann.deletes(&sent[1].id);
    bob.hides(&sent[2].id);
    bob.reads(&group, 9);
    ann.makes(&group, bob, "ADMIN").data();
    ann.opens_direct(bob);
    let open = bob.creates_open_group("Anyone");
    ann.joins(&open).data();
    bob.removes(&open, ann).data();
    bob.on_another_device();
    bob.leaves(&group).data();
    group
}

/// Keeps an older checkpoint for each partition, as a node does that was cut off from the others.
fn all_is_to_be_published_again(processes: &Processes) {
    let address = processes.servers.kafka().address(Processes::PREFIX);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let kinds = chat::kernel::StreamId::KINDS;
        let born = Identity::new(ports::PARTITIONS, &ports::entropy::System);
        let log = event_log::connect(&address, &born, Purpose::Read).await.expect("the log");
        let late = ports::publication::connect(&address, kinds, &log.identity()).await;
        let late = late.expect("public topics");
        for partition in 0..ports::PARTITIONS {
            let kept = late.publish(partition, Vec::new(), Fold::default()).await;
            kept.expect("a kept checkpoint");
        }
    });
}

/// A number that a process shows to operators.
fn metric(program: &Program, name: &str) -> f64 {
    let metrics = Http::new(program.address).request("GET", "/metrics", &[], b"");
    let metrics = String::from_utf8(metrics.expect("an answer").body).expect("text");
    let number = metrics.lines().find_map(|it| it.strip_prefix(name)?.strip_prefix(' '));
    number.expect("a metric").parse().expect("a number")
}

#[test]
fn an_unmodified_consumer_reads_every_accepted_event_from_the_public_topics() {
    let python = python();
    let processes = Processes::new();
    let _commands = processes.start("command-api");
    let first = processes.start("projectors");
    let queries = processes.start("query-api");
    let client = Arc::new(Client::new(Http::new(queries.address)));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = much_happens(&ann, &bob);
    let (told, acknowledged) = std::sync::mpsc::channel();
    let projectors = std::thread::scope(|scope| {
        let (ann, group) = (&ann, &group);
        scope.spawn(move || {
            for _ in 0..MESSAGES {
                let id = fresh_id();
                while ann.tries_hard_to_send(group, &id, "on and on").is_err() {}
                let _ = told.send(());
            }
        });
        // The only one who publishes dies while there is much to publish, and another follows.
        acknowledged.iter().take(MESSAGES / 4).for_each(drop);
        first.kill();
        processes.start("projectors")
    });
    let expected = replayed(&processes);
    projectors.terminate();
    all_is_to_be_published_again(&processes);
    let projectors = processes.start("projectors");
    while metric(&projectors, "parlance_events_published_total") < expected.len() as f64 {}
    let kinds = ["account", "conversation", "name"];
    let topics = kinds.map(|it| format!("{}.{it}-events.v1", Processes::PREFIX));
    let mut consume = Command::new(&python);
    consume.arg(sources().join("consume.py")).arg(processes.servers.kafka().hosts());
    consume.arg(queries.address.to_string()).arg(expected.len().to_string()).args(&topics);
    let output = String::from_utf8(run(&mut consume).stdout).expect("text");
    let mut heads: BTreeMap<String, (u64, Value, Value)> = BTreeMap::new();
    let mut repeats = 0;
    for line in output.lines() {
        let record: Value = serde_json::from_str(line).expect("a line is a record");
        let at = place(&record["event"]);
        let (name, event, bytes) = &expected[&at];
        assert_eq!(record["event"], *event);
        assert_eq!(record["headers"], json!({ "event": name }));
        assert_eq!(record["bytes"], STANDARD.encode(bytes));
        assert_eq!(record["key"], at.0.as_str());
        let (topic, partition) = (record["topic"].clone(), record["partition"].clone());
        let head = heads.entry(at.0).or_insert((0, topic.clone(), partition.clone()));
        assert_eq!((&head.1, &head.2), (&topic, &partition), "a stream has one place");
        if at.1 <= head.0 {
            repeats += 1;
            continue;
        }
        assert_eq!(at.1, head.0 + 1, "a reader who knows the last seq has all before it");
        head.0 = at.1;
    }
    let read: u64 = heads.values().map(|it| it.0).sum();
    assert_eq!(read, expected.len() as u64);
    for topic in &topics {
        assert!(heads.values().any(|it| it.1 == topic.as_str()), "{topic} is empty");
    }
    assert!(repeats >= expected.len(), "{repeats} repeats");
    assert!(metric(&projectors, "parlance_publication_lag_records") < 1.0);
}
