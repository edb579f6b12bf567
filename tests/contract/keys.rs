//! The keys' adapters, and who is let in to those of another process.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::keys::contract::CASES;
use ports::keys::wire::{PAGES, REQUEST_BYTES_MAX};
use ports::keys::{Keys, Rotation, TreeId};
use ports::{Address, Error, ErrorKind};
use tests::Http;
use tests::servers::Servers;

use crate::trial;

const TOKEN: &str = "a token of more than thirty-two characters";

pub(crate) fn trials(_servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        trials.push(trial("keys::embedded", case.name, |dir| {
            (case.run)(Box::new(move || std::future::ready(embedded(&dir)).boxed()))
        }));
        trials.push(trial("keys::http", case.name, move |dir| {
            let served = async move {
                let address = serve(embedded(&dir)).await;
                let reached = move || {
                    let address = address.clone();
                    async move { connect(&address).await.expect("keys that are served") }.boxed()
                };
                (case.run)(Box::new(reached)).await;
            };
            served.boxed()
        }));
    }
    let http = "keys::http";
    trials.push(trial(http, "only_the_token_is_let_in", |dir| strangers(embedded(&dir)).boxed()));
    trials.push(trial(http, "failures_keep_their_kind", |dir| failures(embedded(&dir)).boxed()));
    trials.push(trial(http, "an_empty_answer_is_no_erased_tree", |_| elsewhere().boxed()));
    trials.push(trial(http, "a_page_is_of_a_size_and_form", |dir| pages(embedded(&dir)).boxed()));
    let name = "keys_are_copied_whole_and_only_over_their_own";
    trials.push(trial("keys", name, |dir| copied(dir).boxed()));
    let name = "keys_are_read_beside_the_process_that_has_them";
    trials.push(trial("keys::embedded", name, |dir| beside(dir).boxed()));
    let name = "nodes_go_on_while_the_master_key_is_replaced";
    trials.push(trial(http, name, |dir| rotated(dir).boxed()));
    trials
}

fn embedded(dir: &Path) -> Arc<dyn Keys> {
    ports::keys::open(dir, Arc::new(ports::entropy::System)).expect("opened keys")
}

async fn connect(address: &Address) -> Result<Arc<dyn Keys>, Error> {
    ports::keys::connect(address).await
}

fn address(place: std::net::SocketAddr, token: &str) -> Address {
    format!("http://node:{}@{place}", token.replace(' ', "%20")).as_str().into()
}

/// Serves keys as `parlance keys` does.
async fn serve(keys: Arc<dyn Keys>) -> Address {
    address(listen(server::keys::routes(keys, TOKEN.into())).await, TOKEN)
}

async fn listen(routes: axum::Router) -> std::net::SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = listener.local_addr().expect("an address");
    ports::spawn("keys", async move { axum::serve(listener, routes).await.expect("serving") });
    place
}

async fn strangers(keys: Arc<dyn Keys>) {
    let place = listen(server::keys::routes(keys, TOKEN.into())).await;
    for token in ["", "another token of more than thirty characters", &TOKEN[1..]] {
        let error = connect(&address(place, token)).await.err().expect("a stranger");
        assert_eq!(error.kind, ErrorKind::Unavailable);
        assert!(error.to_string().contains("401"), "{error}");
    }
    connect(&address(place, TOKEN)).await.expect("a node");
}

const ID: TreeId = TreeId { author: [1; 16], stream: [2; 16] };

async fn failures(keys: Arc<dyn Keys>) {
    let far = connect(&serve(Arc::clone(&keys)).await).await.expect("a node");
    let near = keys.puncture(ID, 1).await.expect_err("there is no tree");
    let told = far.puncture(ID, 1).await.expect_err("there is no tree");
    assert_eq!((told.kind, near.kind), (ErrorKind::Corrupt, ErrorKind::Corrupt));
    assert_eq!(far.secret("names"), keys.secret("names"));
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let place = gone.local_addr().expect("an address");
    drop(gone);
    let error = connect(&address(place, TOKEN)).await.err().expect("nobody listens");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(!error.to_string().contains("thirty"), "{error}");
}

/// What is too large or no page is not looked at.
async fn pages(keys: Arc<dyn Keys>) {
    let place = listen(server::keys::routes(keys, TOKEN.into())).await;
    let post = move |body: Vec<u8>| {
        let bearer = format!("Bearer {TOKEN}");
        let headers = [("authorization", bearer.as_str())];
        let reply = Http::new(place).request("POST", PAGES, &headers, &body);
        reply.expect("an answer").status
    };
    let answers = tokio::task::spawn_blocking(move || {
        [vec![0; REQUEST_BYTES_MAX + 1], b"no page".to_vec(), Vec::new()].map(post)
    });
    assert_eq!(answers.await.expect("three answers"), [413, 400, 200]);
}

async fn copied(dir: PathBuf) {
    let folder = |name: &str| {
        let path = dir.join(name);
        std::fs::create_dir_all(&path).expect("a folder");
        embedded(&path)
    };
    let (one, two, three) = (folder("one"), folder("two"), folder("three"));
    let id = |it: u16| {
        let mut stream = [0; 16];
        stream[..2].copy_from_slice(&it.to_be_bytes());
        TreeId { author: [7; 16], stream }
    };
    for it in 1..=300 {
        one.create(id(it)).await.expect("a tree");
    }
    one.puncture(id(7), 9).await.expect("a puncture");
    let far = connect(&serve(Arc::clone(&two)).await).await.expect("a node");
    let other = far.secret("names");
    for _ in 0..2 {
        assert_eq!(ports::keys::copy(&*one, &*far).await.expect("a copy"), 300);
        assert_eq!(far.secret("names"), one.secret("names"));
        assert_ne!(far.secret("names"), other);
        for it in 1..=300 {
            let (here, there) = (one.load(id(it)).await, two.load(id(it)).await);
            assert!(here.expect("a load") == there.expect("a load"));
        }
    }
    // An older copy brings nothing back.
    far.puncture(id(8), 9).await.expect("a puncture");
    ports::keys::copy(&*one, &*far).await.expect("a copy");
    assert_eq!(far.load(id(8)).await.expect("a load").expect("a tree").leaf(9), None);
    three.create(id(1)).await.expect("a tree");
    let refused = ports::keys::copy(&*three, &*far).await.expect_err("keys of another instance");
    assert_eq!(refused.kind, ErrorKind::Conflict);
    assert_eq!(far.secret("names"), one.secret("names"));
}

async fn beside(dir: PathBuf) {
    let absent = ports::keys::open_to_read(&dir).err().expect("there are none");
    assert_eq!(absent.kind, ErrorKind::Unavailable);
    assert!(dir.read_dir().expect("a folder").next().is_none(), "nothing was made");
    let keys = embedded(&dir);
    let reading = ports::keys::open_to_read(&dir).expect("keys to read");
    let made = keys.create(ID).await.expect("a tree");
    assert!(reading.load(ID).await.expect("a load").expect("a tree") == made);
    assert_eq!(reading.secret("names"), keys.secret("names"));
    keys.puncture(ID, 7).await.expect("a puncture");
    let page = reading.page(None).await.expect("a page");
    assert_eq!(page[0].1.leaf(7), None);
    let changes = [
        reading.create(ID).await.err(),
        reading.puncture(ID, 8).await.err(),
        reading.adopt([1; 32]).await.err(),
        reading.merge(page).await.err(),
    ];
    for refused in changes {
        assert_eq!(refused.map(|it| it.kind), Some(ErrorKind::Unavailable));
    }
}

async fn rotated(dir: PathBuf) {
    let far = connect(&serve(embedded(&dir)).await).await.expect("a node");
    let whole = far.create(ID).await.expect("a tree");
    let secret = far.secret("names");
    for round in 0..3 {
        let mut rotation = Rotation::begin(&dir, Arc::new(ports::entropy::System)).expect("keys");
        let mut leaf = round * 10;
        loop {
            far.puncture(ID, leaf).await.expect("a puncture");
            let other = TreeId { stream: [0x10 + leaf as u8; 16], ..ID };
            let made = far.create(other).await.expect("a tree");
            assert!(far.load(other).await.expect("a load").expect("a tree") == made);
            leaf += 1;
            if !rotation.step().expect("a step") {
                break;
            }
        }
        let tree = far.load(ID).await.expect("a load").expect("a tree");
        assert!((round * 10..leaf).all(|it| tree.leaf(it).is_none()));
        assert_eq!(tree.leaf(99), whole.leaf(99));
    }
    assert_eq!(
        connect(&serve(embedded(&dir)).await).await.expect("a node").secret("names"),
        secret
    );
}

/// Something on the way that answers in place of the keys, but for the root.
async fn elsewhere() {
    let root = ports::keys::wire::Answer::Root([1; 32]).to_bytes();
    let routes = axum::Router::new()
        .route(ports::keys::wire::ROOT, axum::routing::get(move || async move { root }))
        .fallback(|| async {});
    let far = connect(&address(listen(routes).await, TOKEN)).await.expect("a root");
    let read = far.load(ID).await.expect_err("no answer of the keys");
    assert_eq!(read.kind, ErrorKind::Unavailable);
    let changed = far.puncture(ID, 1).await.expect_err("no answer of the keys");
    assert_eq!(changed.kind, ErrorKind::Unknown);
}
