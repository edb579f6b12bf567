//! The keys' adapters, and who is let in to those of another process.

use std::path::Path;
use std::sync::Arc;

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::keys::contract::CASES;
use ports::keys::{Keys, TreeId};
use ports::{Address, Error, ErrorKind};
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
