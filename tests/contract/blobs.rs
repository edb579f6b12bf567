//! The blobs' adapters, and the links that only servers have.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use libtest_mimic::Trial;
use ports::blobs::contract::CASES;
use ports::blobs::{BlobKey, Blobs, Grant, Link, Put, Source, Span};
use ports::clock::Stopwatch;
use ports::{Address, Error, ErrorKind};
use tests::servers::s3::S3;
use tests::servers::{LOOPBACK, Servers, free_port};
use tests::{Http, Reply};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use crate::trial;

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        trials.push(trial("blobs::embedded", case.name, |dir| {
            (case.run)(Box::new(move || std::future::ready(embedded(&dir)).boxed()))
        }));
        let servers = Arc::clone(servers);
        trials.push(trial("blobs::s3", case.name, move |_| {
            let address = servers.s3().address(case.name);
            (case.run)(Box::new(move || {
                let address = address.clone();
                async move { reach(&address).await }.boxed()
            }))
        }));
    }
    trials.extend(of_servers(servers));
    trials.push(trial("blobs::embedded", "there_are_no_links_into_a_folder", |dir| {
        async move {
            let link = embedded(&dir).link(&key("a"), Grant::Get, Duration::from_secs(60)).await;
            assert!(link.expect("an answer").is_none());
        }
        .boxed()
    }));
    trials
}

/// What only the adapter of a server has to show.
fn of_servers(servers: &Arc<Servers>) -> Vec<Trial> {
    macro_rules! on_s3 {
        ($($name:ident)*) => { vec![$({
            let servers = Arc::clone(servers);
            trial("blobs::s3", stringify!($name), move |_| {
                async move { $name(servers.s3()).await }.boxed()
            })
        }),*] };
    }
    on_s3![
        a_link_gives_the_blob_and_nothing_else
        a_link_takes_what_was_said_and_nothing_else
        a_link_ends_with_its_time
        a_link_begins_with_the_public_name
        a_put_that_fails_leaves_no_parts
        an_object_of_somebody_else_is_no_blob
        instances_share_a_bucket
        what_is_no_address_of_a_bucket_is_refused
        a_server_that_is_not_there_is_told_soon
        a_change_whose_answer_is_lost_may_have_happened
        a_server_that_says_nothing_is_not_waited_for
        a_killed_server_is_told_soon_and_found_when_it_is_back
    ]
}

fn embedded(dir: &Path) -> Arc<dyn Blobs> {
    ports::blobs::open(dir).expect("opened blobs")
}

async fn reach(address: &Address) -> Arc<dyn Blobs> {
    ports::blobs::connect(address).await.expect("a bucket")
}

fn key(text: &str) -> BlobKey {
    BlobKey::new(text).expect("a key")
}

async fn put(blobs: &Arc<dyn Blobs>, name: &str, text: &'static str) -> Result<Put, Error> {
    blobs.put(&key(name), Bytes::from_static(text.as_bytes()).into()).await
}

async fn read(blobs: &Arc<dyn Blobs>, name: &str) -> Result<Option<Vec<u8>>, Error> {
    let Some(reading) = blobs.get(&key(name), Span::Whole).await? else { return Ok(None) };
    let chunks: Vec<Bytes> = reading.bytes.try_collect().await?;
    Ok(Some(chunks.concat()))
}

async fn linked(blobs: &Arc<dyn Blobs>, name: &str, grant: Grant) -> Link {
    let link = blobs.link(&key(name), grant, Duration::from_secs(60)).await;
    link.expect("a link").expect("a server has links")
}

/// Follows a link as a client that knows nothing else.
fn follow(link: &Link, body: &[u8]) -> Reply {
    let rest = link.url.strip_prefix("http://").expect("an address");
    let (place, path) = rest.split_once('/').expect("a path");
    let place: SocketAddr = place.parse().expect("a place on loopback");
    // The client says by itself how long a body is.
    let headers = link.headers.iter().filter(|(name, _)| name != "content-length");
    let headers: Vec<_> = headers.map(|(name, it)| (name.as_str(), it.as_str())).collect();
    let reply = Http::new(place).request(link.method, &format!("/{path}"), &headers, body);
    reply.expect("an answer")
}

async fn a_link_gives_the_blob_and_nothing_else(server: &S3) {
    let blobs = reach(&server.address("links-get")).await;
    put(&blobs, "a", "of the link").await.map(drop).expect("a put");
    put(&blobs, "b", "of somebody else").await.map(drop).expect("a put");
    let link = linked(&blobs, "a", Grant::Get).await;
    let reply = follow(&link, b"");
    assert_eq!((reply.status, reply.body.as_slice()), (200, &b"of the link"[..]));
    let elsewhere = |from: &str, to: &str| {
        assert!(link.url.contains(from), "{from} is a part of a link");
        Link { url: link.url.replacen(from, to, 1), ..link.clone() }
    };
    let altered = [
        elsewhere("/a?", "/b?"),
        elsewhere("X-Amz-Expires=60", "X-Amz-Expires=61"),
        elsewhere("X-Amz-Signature=", "X-Amz-Signature=0"),
        Link { method: "PUT", ..link.clone() },
        Link { method: "DELETE", ..link.clone() },
        Link { url: link.url.split('?').next().expect("a path").to_owned(), ..link.clone() },
    ];
    for link in altered {
        let reply = follow(&link, b"");
        assert!((400..500).contains(&reply.status), "{} {}", reply.status, link.method);
    }
    assert_eq!(read(&blobs, "a").await.expect("a get").as_deref(), Some(&b"of the link"[..]));
}

async fn a_link_takes_what_was_said_and_nothing_else(server: &S3) {
    let blobs = reach(&server.address("links-put")).await;
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"said");
    let sha256 = Some(digest.as_ref().try_into().expect("a SHA-256 has 32 bytes"));
    let link = linked(&blobs, "a", Grant::Put { size_bytes: 4, sha256 }).await;
    for body in ["", "sai", "longer", "sayd"] {
        let reply = follow(&link, body.as_bytes());
        assert!((400..500).contains(&reply.status), "{body}: {}", reply.status);
        assert_eq!(read(&blobs, "a").await.expect("a get"), None);
    }
    let without = Link { headers: Vec::new(), ..link.clone() };
    assert!((400..500).contains(&follow(&without, b"sayd").status), "the hash was left out");
    assert_eq!(follow(&link, b"said").status, 200);
    assert_eq!(read(&blobs, "a").await.expect("a get").as_deref(), Some(&b"said"[..]));
    let any = linked(&blobs, "b", Grant::Put { size_bytes: 4, sha256: None }).await;
    assert!((400..500).contains(&follow(&any, b"longer").status));
    assert_eq!(follow(&any, b"some").status, 200);
    assert_eq!(read(&blobs, "b").await.expect("a get").as_deref(), Some(&b"some"[..]));
}

async fn a_link_ends_with_its_time(server: &S3) {
    let blobs = reach(&server.address("links-time")).await;
    put(&blobs, "a", "x").await.map(drop).expect("a put");
    let link = blobs.link(&key("a"), Grant::Get, Duration::from_secs(1)).await;
    let link = link.expect("a link").expect("a server has links");
    let made = Stopwatch::start();
    while follow(&link, b"").status == 200 {
        assert!(made.seconds() < 10.0, "a link of a second is good for ten");
    }
    assert_eq!(follow(&link, b"").status, 403);
}

async fn a_link_begins_with_the_public_name(server: &S3) {
    let address = server.address("public");
    let address = format!("{}&public_endpoint=https://media.example", address.secret_text());
    let blobs = reach(&Address::from(address.as_str())).await;
    put(&blobs, "a", "x").await.map(drop).expect("a put");
    let link = linked(&blobs, "a", Grant::Get).await;
    assert!(link.url.starts_with("https://media.example/blobs/public/a?"), "{}", link.url);
}

async fn a_put_that_fails_leaves_no_parts(server: &S3) {
    let address = server.address("parts");
    let blobs = reach(&address).await;
    let part = || Ok(Bytes::from(vec![7; 8 << 20]));
    let gone = Err(Error::unavailable("upload", "the sender has gone"));
    let source = Source::stream(stream::iter([part(), part(), gone]).boxed());
    blobs.put(&key("a"), source).await.expect_err("the sender has gone");
    let sha256 = Some([0; 32]);
    let source = Source { bytes: stream::iter([part(), part()]).boxed(), size_bytes: None, sha256 };
    assert_eq!(blobs.put(&key("b"), source).await.expect("an answer"), Put::Differs);
    assert_eq!(ports::blobs::unfinished(&address).await.expect("a list"), [""; 0]);
    // One that is given up is cleaned up behind whoever gave it up.
    let bytes = stream::iter([part(), part()]).chain(stream::pending()).boxed();
    let c = key("c");
    let mut put = blobs.put(&c, Source::stream(bytes));
    while ports::blobs::unfinished(&address).await.expect("a list").is_empty() {
        let more = tokio::time::timeout(Duration::from_millis(10), &mut put).await;
        more.map(drop).expect_err("the source does not end");
    }
    drop(put);
    let waited = Stopwatch::start();
    while !ports::blobs::unfinished(&address).await.expect("a list").is_empty() {
        assert!(waited.seconds() < 20.0, "parts are left");
    }
}

async fn an_object_of_somebody_else_is_no_blob(server: &S3) {
    let blobs = reach(&server.address("mine")).await;
    for name in ["a", "c", "e"] {
        put(&blobs, name, "x").await.map(drop).expect("a put");
    }
    for (folder, name) in [("mine/b", "x"), ("mine/d", "y"), ("mine/d", "z")] {
        put(&reach(&server.address(folder)).await, name, "x").await.map(drop).expect("a put");
    }
    let mut listed = Vec::new();
    loop {
        let page = blobs.list("", listed.last(), 1).await.expect("a list");
        let Some(next) = page.into_iter().next() else { break };
        listed.push(next.key);
    }
    assert_eq!(listed, [key("a"), key("c"), key("e")]);
}

async fn instances_share_a_bucket(server: &S3) {
    let (one, two) = (server.address("one"), server.address("two/of/them"));
    let (one, two) = (reach(&one).await, reach(&two).await);
    put(&one, "a", "one").await.map(drop).expect("a put");
    assert_eq!(read(&two, "a").await.expect("a get"), None);
    put(&two, "a", "two").await.map(drop).expect("a put");
    two.delete(&key("a")).await.expect("deleting");
    assert_eq!(read(&one, "a").await.expect("a get").as_deref(), Some(&b"one"[..]));
}

async fn what_is_no_address_of_a_bucket_is_refused(server: &S3) {
    let good = server.address("refused").secret_text().to_owned();
    let other = |bucket, prefix| server.address_as("another-secret", bucket, prefix);
    let more = |option: &str| Address::from(format!("{good}&{option}").as_str());
    for (address, told) in [
        (other("blobs", ""), "SignatureDoesNotMatch"),
        (Address::from(good.replace("@blobs", "@nothing").as_str()), "NoSuchBucket"),
        (other("no_bucket", ""), "no bucket"),
        (other("blobs", "../secret"), "prefix"),
        (other("blobs", &"p".repeat(257)), "prefix"),
        (more("colour=red"), "colour is unknown"),
        (more("path_style=perhaps"), "path_style"),
        (more("public_endpoint=ftp://media"), "public_endpoint"),
        (more("public_endpoint=http://ann:secret@media"), "public_endpoint"),
        (Address::from("s3://another-secret@blobs"), "key alone"),
        (Address::from("gs://blobs"), "gs://"),
    ] {
        let error = ports::blobs::connect(&address).await.err();
        let error = error.unwrap_or_else(|| panic!("{address} is taken"));
        assert_eq!(error.kind, ErrorKind::Unavailable);
        let error = error.to_string();
        assert!(error.contains(told) && !error.contains("secret"), "{error}");
    }
    ports::blobs::connect(&Address::from(good.as_str())).await.map(drop).expect("a bucket");
}

async fn a_server_that_is_not_there_is_told_soon(_: &S3) {
    let place = SocketAddr::from((LOOPBACK, free_port(LOOPBACK)));
    let address = format!("s3://key:secret@blobs?endpoint=http://{place}&path_style=true");
    let started = Stopwatch::start();
    let error = ports::blobs::connect(&Address::from(address.as_str())).await.err();
    assert_eq!(error.map(|it| it.kind), Some(ErrorKind::Unavailable));
    assert!(started.seconds() < 8.0, "{} s", started.seconds());
}

/// What becomes of what a server answers on its way.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// The connection ends in place of the answer.
    Cut,
    /// Nothing comes.
    Mute,
}

/// A way to a server that can be made worse; gives the address at its near end.
async fn way(server: &S3, prefix: &str) -> (Address, watch::Sender<Way>) {
    let far = server.address(prefix).secret_text().to_owned();
    let place = far.split_once("http://").and_then(|(_, it)| it.split_once('&'));
    let place = place.expect("an endpoint").0.to_owned();
    let listener = TcpListener::bind((LOOPBACK, 0)).await.expect("a free port");
    let near = listener.local_addr().expect("an address").to_string();
    let address = Address::from(far.replace(&place, &near).as_str());
    let (state, changes) = watch::channel(Way::Open);
    ports::spawn("way", async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = TcpStream::connect(&place).await.expect("a server");
            ports::spawn("connection", carry(client, server, changes.clone()));
        }
    });
    (address, state)
}

async fn carry(mut client: TcpStream, mut server: TcpStream, mut way: watch::Receiver<Way>) {
    let (mut asked, mut ask) = client.split();
    let (mut answered, mut answer) = server.split();
    let back = async {
        let mut bytes = vec![0; 64 << 10];
        while let Ok(read @ 1..) = answered.read(&mut bytes).await {
            let state = way.wait_for(|it| *it != Way::Mute).await.map_or(Way::Cut, |it| *it);
            if state != Way::Open || ask.write_all(&bytes[..read]).await.is_err() {
                break;
            }
        }
    };
    tokio::select! {
        () = back => (),
        _ = tokio::io::copy(&mut asked, &mut answer) => (),
    }
}

async fn a_change_whose_answer_is_lost_may_have_happened(server: &S3) {
    let (address, state) = way(server, "lost").await;
    let (blobs, near) = (reach(&address).await, reach(&server.address("lost")).await);
    for name in ["a", "b"] {
        put(&blobs, name, "before").await.map(drop).expect("a put");
    }
    state.send(Way::Cut).expect("the way is used");
    let changes =
        [put(&blobs, "a", "after").await.map(drop).err(), blobs.delete(&key("b")).await.err()];
    for error in changes {
        assert_eq!(error.expect("no answer").kind, ErrorKind::Unknown);
    }
    // These show nothing to anybody before their end, which was not reached.
    let large = Source::from(Bytes::from(vec![7; 9 << 20]));
    let error = blobs.put(&key("c"), large).await.expect_err("no answer");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    let error = blobs.size(&key("a")).await.expect_err("no answer");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert_eq!(read(&near, "a").await.expect("a get").as_deref(), Some(&b"after"[..]));
    assert_eq!(read(&near, "b").await.expect("a get"), None);
    assert_eq!(read(&near, "c").await.expect("a get"), None);
    state.send(Way::Open).expect("the way is used");
    put(&blobs, "a", "after").await.map(drop).expect("the same once more");
    assert_eq!(read(&blobs, "a").await.expect("a get").as_deref(), Some(&b"after"[..]));
}

async fn a_server_that_says_nothing_is_not_waited_for(server: &S3) {
    let (address, state) = way(server, "mute").await;
    let blobs = reach(&address).await;
    state.send(Way::Mute).expect("the way is used");
    let started = Stopwatch::start();
    let error = blobs.size(&key("a")).await.expect_err("no answer");
    assert_eq!(error.kind, ErrorKind::Unavailable);
    assert!(started.seconds() < 20.0, "{} s", started.seconds());
    state.send(Way::Open).expect("the way is used");
    assert_eq!(blobs.size(&key("a")).await.expect("an answer"), None);
}

async fn a_killed_server_is_told_soon_and_found_when_it_is_back(_: &S3) {
    let mut server = S3::start(LOOPBACK);
    let blobs = reach(&server.address("outage")).await;
    put(&blobs, "a", "before").await.map(drop).expect("a put");
    server.kill();
    let started = Stopwatch::start();
    let errors = [
        put(&blobs, "a", "lost").await.map(drop).err(),
        read(&blobs, "a").await.map(drop).err(),
        blobs.size(&key("a")).await.map(drop).err(),
        blobs.list("", None, 1).await.map(drop).err(),
        blobs.delete(&key("a")).await.err(),
    ];
    for error in errors {
        assert_eq!(error.expect("nobody answers").kind, ErrorKind::Unavailable);
    }
    assert!(started.seconds() < 20.0, "{} s", started.seconds());
    // A link is made without the server.
    linked(&blobs, "a", Grant::Get).await;
    server.start_again();
    assert_eq!(read(&blobs, "a").await.expect("a get").as_deref(), Some(&b"before"[..]));
    put(&blobs, "a", "after").await.map(drop).expect("a put");
    assert_eq!(read(&blobs, "a").await.expect("a get").as_deref(), Some(&b"after"[..]));
}
