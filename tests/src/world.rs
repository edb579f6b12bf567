//! A world: the whole product and the people in it, in this process on a temporary folder, or, when
//! `PARLANCE_TEST_MODE` is `cluster`, as several nodes on real servers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use ports::blobs::{BlobKey, LIST_MAX};
use ports::clock::Clock;
use serde_json::{Value, json};
use server::App;
use server::config::Config;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower::ServiceExt;

use crate::nodes::Nodes;
use crate::person::{Client, Person};
use crate::waiting::{TOO_LONG, found};
use crate::way::Way;
use crate::{Http, at_once};

/// The product and its people.
pub struct World {
    pub client: Arc<Client>,
    pub config: Config,
    served: Served,
    clock: Arc<Ahead>,
    runtime: Option<Runtime>,
    folder: TempDir,
}

/// Who serves a world.
enum Served {
    Alone(Box<App>),
    Together(Box<Nodes>),
    /// Nobody, between two processes.
    Nobody,
}

/// The machine's clock, set ahead by hand.
struct Ahead(AtomicI64);

impl Clock for Ahead {
    fn now_ms(&self) -> i64 {
        ports::clock::System.now_ms() + self.0.load(Ordering::SeqCst)
    }
}

/// Rates that no scenario runs into.
fn generous() -> Config {
    Config {
        rate_per_account: 1_000_000,
        rate_per_ip: 1_000_000,
        rate_register: 1_000_000,
        rate_sign_in: 1_000_000,
        rate_codes: 1_000_000,
        rate_per_socket: 1_000_000,
        // Nobody's links lead out of a test that is not about them.
        previews: false,
        // Nor are their files looked into.
        media: false,
        ..Config::default()
    }
}

fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

/// Everything in one process on one folder.
async fn alone(
    dir: &Path,
    config: &Config,
    clock: Arc<dyn Clock>,
    at: SocketAddr,
) -> (Served, SocketAddr) {
    let embedded = ports::Config { data_dir: dir.to_owned(), partitions: 8, ..config.ports() };
    let mut opened = ports::open(&embedded).await.expect("opened ports");
    opened.ports.clock = clock;
    let app = App::start(opened.ports.clone(), config).await.expect("a started app");
    let listener = tokio::net::TcpListener::bind(at).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let service = app.routes().into_make_service_with_connect_info::<SocketAddr>();
    ports::spawn("server", async move {
        let _held = opened;
        axum::serve(listener, service).await.expect("it serves");
    });
    (Served::Alone(Box::new(app)), address)
}

/// The code of six digits in a letter.
pub fn code_in(text: &str) -> String {
    let digits = text.split(|it: char| !it.is_ascii_digit()).find(|it| it.len() == 6);
    digits.expect("a code").to_owned()
}

fn tells_of_factor((subject, _): &(String, String)) -> bool {
    subject.starts_with("A new way to prove yourself")
}

impl World {
    /// A world without people.
    #[expect(clippy::new_without_default, reason = "starting a server is no default")]
    pub fn new() -> Self {
        Self::with(|_| ())
    }

    /// A world with other options.
    pub fn with(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = generous();
        change(&mut config);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let runtime = runtime();
        let clock = Arc::new(Ahead(AtomicI64::new(0)));
        let dir = folder.path().join("data");
        let (served, address) = runtime.block_on(async {
            let clock = Arc::clone(&clock) as Arc<dyn Clock>;
            match std::env::var_os("PARLANCE_TEST_MODE") {
                Some(mode) if mode == "cluster" => {
                    let nodes = Nodes::start(&dir, &config, &clock).await;
                    let address = nodes.address;
                    (Served::Together(Box::new(nodes)), address)
                }
                _ => alone(&dir, &config, clock, SocketAddr::from(([127, 0, 0, 1], 0))).await,
            }
        });
        let client = Arc::new(Client::new(Http::new(address)));
        Self { client, config, served, clock, runtime: Some(runtime), folder }
    }

    /// The product, or the first of its nodes.
    pub fn app(&self) -> &App {
        match &self.served {
            Served::Alone(app) => app,
            Served::Together(nodes) => &nodes.apps[0],
            Served::Nobody => unreachable!("the next process has begun"),
        }
    }

    /// The metrics of this process, as operators read them at the nodes.
    pub fn metrics(&self) -> String {
        let asked = Request::get("/metrics").body(Body::empty()).expect("a request");
        let routes = self.app().routes();
        self.runtime.as_ref().expect("it runs until the world ends").block_on(async {
            let told = routes.oneshot(asked).await.expect("routes do not fail");
            let bytes = axum::body::to_bytes(told.into_body(), usize::MAX).await;
            String::from_utf8(bytes.expect("a body").into()).expect("metrics are text")
        })
    }

    /// What the setup link holds, until it has been used.
    pub fn setup_token(&self) -> Option<String> {
        let runtime = self.runtime.as_ref().expect("it runs until the world ends");
        runtime.block_on(self.app().setup_token()).expect("the documents are there")
    }

    /// Somebody who owns the instance.
    pub fn owner(&self, name: &str) -> Person {
        let owner = self.person(name);
        let token = self.setup_token().expect("it has no owner yet");
        owner.does("claimSetup", json!({ "token": token }), "staff { role }");
        owner
    }

    /// Proves that an address is somebody's: a mail address or a phone number.
    pub fn proves(&self, person: &Person, field: &str, address: &str) -> Value {
        let before = self.letters(address).len();
        let proposed = json!({ field: address });
        let id = person.does("proposeAddress", proposed, "addressId")["addressId"].clone();
        let (_, text) = self.letter(address, before);
        let input = json!({ "addressId": id, "code": code_in(&text) });
        person.does("confirmAddress", input, "addresses { id }");
        id
    }

    /// The nth letter to an address, once it has been sent: its subject and its text.
    pub fn letter(&self, to: &str, nth: usize) -> (String, String) {
        self.waits_for(to, || self.letters(to), nth)
    }

    /// Waits until a person was told so often that a factor or a passkey was set up.
    pub fn told_of_factors(&self, to: &str, times: usize) {
        let told = || self.all_letters(to).into_iter().filter(tells_of_factor).collect();
        self.waits_for(to, told, times - 1);
    }

    fn waits_for(
        &self,
        to: &str,
        letters: impl Fn() -> Vec<(String, String)>,
        nth: usize,
    ) -> (String, String) {
        found(&format!("no letter came to {to}"), || letters().into_iter().nth(nth))
    }

    /// The letters to an address, in order, but those that tell of a new factor: they come beside
    /// whatever is asked for next.
    pub fn letters(&self, to: &str) -> Vec<(String, String)> {
        self.all_letters(to).into_iter().filter(|it| !tells_of_factor(it)).collect()
    }

    fn all_letters(&self, to: &str) -> Vec<(String, String)> {
        let outbox = self.folder.path().join("data/outbox");
        let Ok(files) = std::fs::read_dir(outbox) else { return Vec::new() };
        let mut files: Vec<_> = files.map(|it| it.expect("a file").path()).collect();
        // Files are named by ids, which begin with their time.
        // What is still being written has no such ending.
        files.retain(|it| it.extension().is_some_and(|it| it == "eml" || it == "sms"));
        files.sort();
        let read = |file: &PathBuf| {
            let bytes = std::fs::read(file).expect("a letter");
            if file.extension().is_some_and(|it| it == "sms") {
                let text = String::from_utf8(bytes).expect("a text");
                let (head, text) = text.split_once("\n\n").expect("a head and a text");
                return (head == format!("To: {to}")).then(|| (String::new(), text.to_owned()));
            }
            let mail = mail_parser::MessageParser::default().parse(&bytes).expect("mail");
            let meant = mail.to().and_then(|it| it.first()).and_then(|it| it.address());
            let subject = mail.subject().unwrap_or_default().to_owned();
            let text = mail.body_text(0).unwrap_or_default().replace("\r\n", "\n");
            (meant == Some(to)).then_some((subject, text))
        };
        files.iter().filter_map(read).collect()
    }

    /// All that is stored of the world, by what holds it: files of this disk, and on nodes every
    /// record, document, entry and object of the real servers.
    pub fn stored(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut found = files_under(self.folder.path());
        if let Served::Together(nodes) = &self.served {
            let runtime = self.runtime.as_ref().expect("a world has its runtime until it ends");
            found.extend(runtime.block_on(nodes.stored()));
        }
        found
    }

    /// The names of all blobs.
    pub fn blobs(&self) -> Vec<String> {
        let blobs = Arc::clone(&self.app().ports.blobs);
        let runtime = self.runtime.as_ref().expect("a world has its runtime until it ends");
        runtime.block_on(async {
            let mut names: Vec<String> = Vec::new();
            loop {
                let after = names.last().and_then(|it| BlobKey::new(it));
                let page = blobs.list("", after.as_ref(), LIST_MAX).await.expect("a list");
                if page.is_empty() {
                    return names;
                }
                names.extend(page.iter().map(|it| it.key.to_string()));
            }
        })
    }

    /// The way to a node that clients come to, past the proxy.
    pub fn node(&self) -> Way {
        match &self.served {
            Served::Together(nodes) => Way::to(nodes.node),
            Served::Alone(_) | Served::Nobody => self.client.http.way.clone(),
        }
    }

    /// Sets the server's clock ahead.
    pub fn passes(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("it fits");
        self.clock.0.fetch_add(ms, Ordering::SeqCst);
    }

    /// Sets the server's clock back.
    pub fn goes_back(&self, time: Duration) {
        let ms = i64::try_from(time.as_millis()).expect("it fits");
        self.clock.0.fetch_sub(ms, Ordering::SeqCst);
    }

    /// The server's time in so many seconds, as GraphQL writes it.
    pub fn in_seconds(&self, seconds: i64) -> String {
        chat::kernel::Timestamp(self.now_ms() + seconds * 1_000).rfc3339()
    }

    /// Whatever folds and fires ends at once, and begins again: the process alone, or on another
    /// node than before.
    pub fn restarts(&mut self) {
        let dir = self.folder.path().join("data");
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        if let Served::Together(nodes) = &mut self.served {
            let runtime = self.runtime.as_ref().expect("it runs until the world ends");
            return runtime.block_on(nodes.moves_projections(&clock));
        }
        let address = self.client.http.address;
        // Whatever holds the folder open ends first.
        self.served = Served::Nobody;
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(TOO_LONG);
        }
        let runtime = runtime();
        let (served, _) = runtime.block_on(alone(&dir, &self.config, clock, address));
        self.served = served;
        self.client.http.lets_go();
        self.runtime = Some(runtime);
    }

    /// The server's time in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Somebody who has registered.
    pub fn person(&self, name: &str) -> Person {
        Person::register(&self.client, name)
    }

    /// Several who have registered.
    pub fn people<const N: usize>(&self, names: [&str; N]) -> [Person; N] {
        let people = at_once(names.map(|name| move || self.person(name)));
        people.try_into().unwrap_or_else(|_| unreachable!("as many people as names"))
    }

    /// People and the group that the first of them has made.
    pub fn group<const N: usize>(&self, title: &str, names: [&str; N]) -> ([Person; N], String) {
        let people = self.people(names);
        let others: Vec<&Person> = people.iter().skip(1).collect();
        let group = people[0].creates_group(title, &others);
        (people, group)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_timeout(TOO_LONG);
        }
        // Who fails has said why: a broker that does not answer would only hide it.
        if let (Served::Together(nodes), false) = (&self.served, std::thread::panicking()) {
            nodes.forget();
        }
    }
}

/// The files under a folder, with what is in them; what goes meanwhile is not there.
pub fn files_under(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    assert!(folder.is_dir(), "{}", folder.display());
    let (mut found, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let Ok(path) = entry.map(|it| it.path()) else { continue };
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = std::fs::read(&path) {
                found.push((path, bytes));
            }
        }
    }
    found
}
