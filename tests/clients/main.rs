//! Clients: programs of others follow the feed and read the events, as published packages do.

mod commonmark;
mod pages;
mod topics;
mod uploads;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, OnceLock};

use serde_json::{Value, json};
use tests::servers::{LOOPBACK, free_port};
use tests::{Client, Http, PASSWORD, Person, Program, long};

/// A program that people reach by a name, and that address.
fn named(data_dir: &Path) -> (Program, String) {
    named_with(data_dir, ("PARLANCE_OAUTH_REGISTRATION", "true".to_owned()))
}

/// The same with another option.
fn named_with(data_dir: &Path, option: (&str, String)) -> (Program, String) {
    let port = free_port(LOOPBACK);
    let origin = format!("http://localhost:{port}");
    let options = [("PARLANCE_PUBLIC_URL", origin.clone()), option];
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
const SCRIPTS: [&str; 8] = [
    "browser.mjs",
    "commonmark.mjs",
    "oauth.mjs",
    "pages.mjs",
    "passkey.mjs",
    "provider.mjs",
    "resume.mjs",
    "upload.mjs",
];

/// The folder with the node clients and their packages, made once for all tests: making it anew
/// would take it away from those that run.
fn node_client() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = installed().join("node");
        std::fs::create_dir_all(&folder).expect("a folder");
        let files = ["package.json", "package-lock.json", ".npmrc"];
        for file in files.iter().chain(&SCRIPTS) {
            std::fs::copy(sources().join(file), folder.join(file)).expect("a copied file");
        }
        run(Command::new("npm").args(["ci", "--silent"]).current_dir(&folder));
        folder
    })
}

/// A python that has the packages, made once for all tests.
fn python() -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = installed().join("python");
        let python = folder.join("bin/python");
        if !python.exists() {
            run(Command::new("python3").args(["-m", "venv"]).arg(&folder));
        }
        let packages = sources().join("requirements.txt");
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "-r"]).arg(packages));
        python
    })
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
        .current_dir(client_folder)
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
        // Nobody is asked to allow anything before they have signed in, at either page.
        "views": [[true, false], [false, true], [true, false], [false, true]],
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

#[test]
fn somebody_registers_and_signs_in_by_a_published_provider_in_a_browser() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let port = free_port(LOOPBACK);
    let provider = format!(
        "[{{id=\"corp\",label=\"Corp\",issuer=\"http://localhost:{port}\",\
         client_id=\"parlance\",client_secret=\"a secret\",registers=true}}]"
    );
    let option = ("PARLANCE_IDENTITY_PROVIDERS", provider);
    let (_program, origin) = named_with(&folder.path().join("data"), option);
    let report = reported("provider.mjs", &[&origin, &port.to_string(), "a secret"]);
    let expected = json!({
        "label": "Sign in with Corp",
        "suggested": ["ann", "Ann of Corp"],
        "registered": "ann",
        "left": [0, false],
        "again": "ann",
        "told": ["Nobody has begun to sign in here. Go back and begin again.", ""],
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
    // Files speak tus, whose headers say what the others mean: `limits/described.rs` has them.
    let lasting = ["--exclude-path-regex", "(EndSessions?|DeactivateAccount)$|^/files"];
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
        let mut made = Command::new(python);
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
    let mut decode = Command::new(python);
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
        ("NameClaimed", 4),
        ("NameConfirmed", 4),
        ("ReadMoved", 1),
        ("SessionOpened", 2),
    ];
    assert_eq!(counts, expected.map(|(name, count)| (name.to_owned(), count)).into());
    let lines = std::fs::read_to_string(&files[2]).expect("a file").lines().count();
    assert_eq!(lines, counts.values().sum::<usize>());
}
