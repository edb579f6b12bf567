//! Servers that speak TLS and know a password: who has both is let in, and whoever has not is told
//! at once which, and never the password.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::blobs::{BlobKey, Put};
use ports::bus::{Announcement, Topic};
use ports::clock::Stopwatch;
use ports::event_log::{Identity, Purpose};
use ports::keys::TreeId;
use ports::{Address, Error, ErrorKind};
use tests::Authority;
use tests::servers::kafka::Kafka;
use tests::servers::{mongo, redis, s3};

use crate::event_log::PARTITIONS;
use crate::trial;

const PASSWORD: &str = "a-password-that-nobody-may-see";
const WRONG: &str = "another-that-nobody-may-see";

/// How long a refusal may take.
const TOLD_MAX_S: f64 = 15.0;

pub(crate) fn trials() -> Vec<Trial> {
    let name = "lets_in_over_tls_who_has_the_password";
    vec![
        trial("cache::redis", name, |_| on_redis().boxed()),
        trial("event_log::kafka", name, |_| on_kafka().boxed()),
        trial("documents::mongodb", name, |_| on_mongodb().boxed()),
        trial("blobs::s3", name, |_| on_s3().boxed()),
        trial("keys::http", name, |dir| async move { on_keys(&dir).await }.boxed()),
    ]
}

/// Checks that nobody is let in, for a reason that tells no secret.
async fn refused<T>(opening: impl Future<Output = Result<T, Error>>, reasons: &[&str]) {
    let started = Stopwatch::start();
    let error = opening.await.err().expect("a refusal");
    assert_eq!(error.kind, ErrorKind::Unavailable, "{error}");
    let text = format!("{error} {error:?}");
    assert!(reasons.iter().any(|it| error.to_string().contains(it)), "{error}");
    assert!(!text.contains("nobody-may-see"), "{text}");
    assert!(started.seconds() < TOLD_MAX_S, "{} s", started.seconds());
}

fn at(text: String) -> Address {
    text.as_str().into()
}

async fn on_redis() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = redis::secure(&authority, PASSWORD);
    let place = server.address();
    let address = |password: &str, ca: &Path| {
        at(format!("rediss://ann:{password}@{place}/secure?ca={}", ca.display()))
    };
    let clock = || Arc::new(ports::clock::System) as _;
    let good = address(PASSWORD, &authority.ca());
    let cache = ports::cache::connect(&good, clock()).await.expect("a cache");
    cache.put("a", Bytes::from_static(b"1"), 60_000).await.expect("it is kept");
    assert_eq!(cache.get("a").await.expect("a value"), Some(Bytes::from_static(b"1")));
    let bus = ports::bus::connect(&good).await.expect("a bus");
    let mut listener = bus.subscribe().await.expect("a subscription");
    let said = Announcement { topic: Topic::Events(5), payload: Bytes::from_static(b"hello") };
    bus.publish(said.clone()).await.expect("publishing");
    assert_eq!(listener.next().await, Some(said));
    let wrong = address(WRONG, &authority.ca());
    let strange = address(PASSWORD, &stranger.ca());
    let plain = at(format!("redis://ann:{PASSWORD}@{place}/secure"));
    refused(ports::cache::connect(&wrong, clock()), &["WRONGPASS"]).await;
    refused(ports::bus::connect(&wrong), &["WRONGPASS"]).await;
    refused(ports::cache::connect(&strange, clock()), &["UnknownIssuer"]).await;
    refused(ports::bus::connect(&strange), &["UnknownIssuer"]).await;
    refused(ports::cache::connect(&plain, clock()), &["redis", "broken", "reset"]).await;
}

async fn on_kafka() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = Kafka::secure(&authority, PASSWORD);
    let [tls, sasl] = server.doors();
    let connect = async |user: &str, place, ca: &Path, more: &str| {
        let text = format!("kafka+ssl://{user}{place}/secure?ca={}{more}", ca.display());
        let born = Identity::new(PARTITIONS, &ports::entropy::System);
        ports::event_log::connect(&at(text), &born, Purpose::Serve).await
    };
    let ca = authority.ca();
    let good = format!("ann:{PASSWORD}@");
    let mut identities = Vec::new();
    for (user, place, mechanism) in [("", tls, ""), (&good, sasl, ""), (&good, sasl, "&sasl=PLAIN")]
    {
        let log = connect(user, place, &ca, mechanism).await.expect("a log");
        log.append(0, Bytes::from_static(b"hello")).await.expect("an append");
        assert_eq!(log.read(0, 0, 10).await.expect("records").len(), identities.len() + 1);
        identities.push(log.identity());
    }
    assert!(identities.iter().all(|it| *it == identities[0]));
    let wrong = format!("ann:{WRONG}@");
    for mechanism in ["", "&sasl=PLAIN"] {
        let reasons = ["Authentication failed", "authentication failed"];
        refused(connect(&wrong, sasl, &ca, mechanism), &reasons).await;
    }
    refused(connect(&good, sasl, &stranger.ca(), ""), &["certificate verify failed"]).await;
    refused(connect("", tls, &stranger.ca(), ""), &["certificate verify failed"]).await;
}

async fn on_mongodb() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = mongo::secure(&authority, PASSWORD);
    let reach = async |password: &str, options: String| {
        let place = server.address();
        let text = format!("mongodb://ann:{password}@{place}/secure?authSource=admin{options}");
        ports::documents::reach(&at(text)).await
    };
    let ca = |it: &Authority| format!("&tls=true&tlsCAFile={}", it.ca().display());
    let documents = reach(PASSWORD, ca(&authority)).await.expect("documents");
    crate::documents::is_of_use(&documents).await;
    refused(reach(WRONG, ca(&authority)), &["Authentication", "authentication"]).await;
    refused(reach(PASSWORD, ca(&stranger)), &["UnknownIssuer"]).await;
    refused(reach(PASSWORD, String::new()), &["Server selection timeout"]).await;
}

async fn on_s3() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let server = s3::secure(&authority);
    let place = server.address();
    let connect = async |secret: &str, scheme: &str, options: String| {
        let user = format!("{}:{secret}", s3::KEY);
        let endpoint = format!("endpoint={scheme}://{place}&path_style=true");
        let address = at(format!("s3://{user}@blobs/secure?{endpoint}{options}"));
        ports::blobs::connect(&address).await
    };
    let ca = |it: &Authority| format!("&ca={}", it.ca().display());
    let blobs = connect(s3::SECRET, "https", ca(&authority)).await.expect("blobs");
    let a = BlobKey::new("a").expect("a key");
    let stored = blobs.put(&a, Bytes::from_static(b"hello").into()).await.expect("a put");
    assert!(matches!(stored, Put::Stored { size_bytes: 5, .. }));
    assert_eq!(blobs.size(&a).await.expect("a size"), Some(5));
    let key = format!("&ca={}", authority.folder().join("key.pem").display());
    refused(connect(WRONG, "https", ca(&authority)), &["SignatureDoesNotMatch"]).await;
    refused(connect(s3::SECRET, "https", ca(&stranger)), &["UnknownIssuer"]).await;
    refused(connect(s3::SECRET, "https", String::new()), &["UnknownIssuer"]).await;
    refused(connect(s3::SECRET, "https", key), &["no certificates"]).await;
    refused(connect(s3::SECRET, "http", String::new()), &["dispatch failure", "code"]).await;
    refused(connect(s3::SECRET, "http", ca(&authority)), &["which has no TLS"]).await;
}

async fn on_keys(dir: &Path) {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let place = authority.folder();
    let tls = server::tls::server(&place.join("certificate.pem"), &place.join("key.pem"));
    let tls = tls.expect("a certificate and its key");
    let keys = ports::keys::open(dir, Arc::new(ports::entropy::System)).expect("opened keys");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let place = listener.local_addr().expect("an address");
    let routes = server::keys::routes(Arc::clone(&keys), PASSWORD.into());
    ports::spawn("keys", async move {
        let (never, drain_max) = (std::future::pending(), Duration::ZERO);
        server::tls::serve(listener, routes, tls, never, drain_max).await.expect("serving");
    });
    let connect = async |scheme: &str, token: &str, options: String| {
        ports::keys::connect(&at(format!("{scheme}://node:{token}@{place}{options}"))).await
    };
    let ca = |it: &Authority| format!("?ca={}", it.ca().display());
    let far = connect("https", PASSWORD, ca(&authority)).await.expect("keys");
    let id = TreeId { author: [1; 16], stream: [2; 16] };
    far.create(id).await.expect("a tree");
    assert!(keys.load(id).await.expect("the keys").is_some());
    assert_eq!(far.root(), keys.root());
    refused(connect("https", WRONG, ca(&authority)), &["401"]).await;
    refused(connect("https", PASSWORD, ca(&stranger)), &["UnknownIssuer"]).await;
    refused(connect("https", PASSWORD, String::new()), &["UnknownIssuer"]).await;
    refused(connect("http", PASSWORD, String::new()), &["error sending request"]).await;
    refused(connect("http", PASSWORD, ca(&authority)), &["which has no TLS"]).await;
}
