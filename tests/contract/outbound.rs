//! The ways to people outside, and what only a server can show.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use futures_util::FutureExt;
use libtest_mimic::Trial;
use mail_parser::MessageParser;
use ports::outbound::contract::{Arrived, CASES, Place};
use ports::outbound::{Handed, Message, connect_mail, connect_sms, mail_folder, sms_folder};
use ports::{Address, ErrorKind};
use tests::Authority;
use tests::servers::mail::{Mail, Tls};

use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        let mail = |dir: std::path::PathBuf| (case.run)(mails(&dir));
        trials.push(trial("outbound::mail_folder", case.name, mail));
        let text = |dir: std::path::PathBuf| (case.run)(texts(&dir));
        trials.push(trial("outbound::sms_folder", case.name, text));
        trials.push(trial("outbound::sms_gateway", case.name, move |_| {
            async move { (case.run)(gateway().await).await }.boxed()
        }));
        for (name, tls) in [
            ("outbound::smtp", Tls::Without),
            ("outbound::smtp_starttls", Tls::Starttls),
            ("outbound::smtps", Tls::FromTheStart),
        ] {
            trials.push(trial(name, case.name, move |_| {
                async move { (case.run)(server(tls)).await }.boxed()
            }));
        }
    }
    trials.push(trial("outbound::smtp", "a_server_that_is_away_has_taken_nothing", |_| {
        async move {
            let address = Address::from("smtp://127.0.0.1:9?tls=none");
            let sent = connect_mail(&address).expect("an address").send(&message()).await;
            assert_eq!(sent.expect_err("nobody is there").kind, ErrorKind::Unavailable);
        }
        .boxed()
    }));
    trials.push(trial("outbound::smtp_starttls", "nothing_is_said_without_tls", |_| {
        async move {
            let authority = Authority::new();
            let server = Mail::start(Tls::Without, &authority);
            let address = server.address().secret_text().replace("&tls=none", "");
            let sent = connect_mail(&address.as_str().into()).expect("one").send(&message()).await;
            assert_eq!(sent.expect_err("it speaks no TLS").kind, ErrorKind::Unavailable);
            assert_eq!(server.taken().len(), 0);
        }
        .boxed()
    }));
    trials
}

fn message() -> Message {
    let (subject, text) = ("Hello".to_owned(), "Hello".to_owned());
    Message { id: uuid::Uuid::from_u128(7), to: "ann@example.org".to_owned(), subject, text }
}

/// Reads mail by a library that is not ours and did not write it.
fn read_mail(bytes: &[u8]) -> Arrived {
    let mail = MessageParser::default().parse(bytes).expect("mail");
    assert!(mail.bcc().is_none());
    let id = mail.message_id().expect("an id").split('@').next().expect("an id").to_owned();
    let to = mail.to().and_then(|it| it.first()).and_then(|it| it.address());
    let text = mail.body_text(0).expect("a text").replace("\r\n", "\n");
    Arrived {
        id,
        to: to.expect("an address").to_owned(),
        subject: mail.subject().map(str::to_owned),
        text,
    }
}

fn files(folder: &Path, ending: &str) -> Vec<(String, Vec<u8>)> {
    let Ok(files) = std::fs::read_dir(folder.join("outbox")) else { return Vec::new() };
    let files = files.map(|it| it.expect("a file").path());
    let files = files.filter(|it| it.extension().is_some_and(|it| it == ending));
    let named = files.map(|it| {
        let name = it.file_stem().expect("a name").to_string_lossy().into_owned();
        (name, std::fs::read(it).expect("a message"))
    });
    named.collect()
}

fn mails(dir: &Path) -> Place {
    let folder = dir.to_owned();
    Place {
        outbound: mail_folder(dir),
        address: "ann@example.org",
        arrived: Box::new(move || {
            let mails = files(&folder, "eml").into_iter().map(|(_, it)| read_mail(&it)).collect();
            std::future::ready(mails).boxed()
        }),
        subjects: true,
    }
}

fn texts(dir: &Path) -> Place {
    let folder = dir.to_owned();
    let read = |(id, bytes): (String, Vec<u8>)| {
        let text = String::from_utf8(bytes).expect("a text");
        let (head, text) = text.split_once("\n\n").expect("a head and a text");
        let to = head.strip_prefix("To: ").expect("an address").to_owned();
        Arrived { id, to, subject: None, text: text.to_owned() }
    };
    Place {
        outbound: sms_folder(dir),
        address: "+4915112345678",
        arrived: Box::new(move || {
            std::future::ready(files(&folder, "sms").into_iter().map(read).collect()).boxed()
        }),
        subjects: false,
    }
}

fn server(tls: Tls) -> Place {
    let authority = Authority::new();
    let server = Mail::start(tls, &authority);
    Place {
        outbound: connect_mail(&server.address()).expect("an address"),
        address: "ann@example.org",
        arrived: Box::new(move || {
            let mails = server.taken().iter().map(|it| read_mail(it)).collect();
            std::future::ready(mails).boxed()
        }),
        subjects: true,
    }
}

/// What a gateway was sent, by its ids.
type Taken = Arc<Mutex<HashMap<String, Arrived>>>;

const KEY: &[u8] = b"a key of the gateway";

/// A gateway as docs/sms-protocol.md asks for one: it checks who asks, and takes an id once.
async fn take(State(taken): State<Taken>, headers: HeaderMap, body: String) -> StatusCode {
    let header = |name: &str| headers.get(name).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let webhook = standardwebhooks::Webhook::from_bytes(KEY.to_vec()).expect("a key");
    if webhook.verify(body.as_bytes(), &headers).is_err() {
        return StatusCode::UNAUTHORIZED;
    }
    let sent: serde_json::Value = serde_json::from_str(&body).expect("JSON");
    let text = |name: &str| sent[name].as_str().expect("a text").to_owned();
    assert_eq!(header("idempotency-key"), text("id"));
    let arrived = Arrived { id: text("id"), to: text("to"), subject: None, text: text("text") };
    taken.lock().expect("a lock").entry(text("id")).or_insert(arrived);
    StatusCode::ACCEPTED
}

async fn gateway() -> Place {
    let taken = Taken::default();
    let routes = axum::Router::new().route("/send", post(take)).with_state(Arc::clone(&taken));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    ports::spawn("gateway", async move { axum::serve(listener, routes).await.expect("it serves") });
    let key = String::from_utf8_lossy(KEY).replace(' ', "%20");
    let url = format!("http://any:{key}@{address}/send");
    let wrong = format!("http://any:another@{address}/send");
    let refused = connect_sms(&wrong.as_str().into()).expect("an address");
    let sms = Message { to: "+4915112345678".to_owned(), ..message() };
    assert_eq!(refused.send(&sms).await.expect("an answer"), Handed::Refused);
    Place {
        outbound: connect_sms(&url.as_str().into()).expect("an address"),
        address: "+4915112345678",
        arrived: Box::new(move || {
            let taken = taken.lock().expect("a lock").values().cloned().collect();
            std::future::ready(taken).boxed()
        }),
        subjects: false,
    }
}
