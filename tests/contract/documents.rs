//! The documents' adapters.

use std::sync::{Arc, Mutex, Weak};

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::documents::contract::CASES;
use ports::documents::{Collection, Documents, Key, Mark, Order, Scan, Write};
use ports::{Address, Config, Opened};
use tests::servers::mongo::Mongo;
use tests::servers::{LOOPBACK, Servers};

use crate::trial;

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        trials.push(trial("documents::embedded", case.name, |dir| {
            // A file has one handle: whoever opens it meanwhile shares that.
            let shared = Arc::new(Mutex::new(Option::<Weak<dyn Documents>>::None));
            (case.run)(Box::new(move || {
                let mut shared = shared.lock().expect("no opening panics");
                let open = shared.as_ref().and_then(Weak::upgrade).unwrap_or_else(|| {
                    let opened = ports::documents::open(&dir.join("documents.db"));
                    opened.expect("opened documents")
                });
                *shared = Some(Arc::downgrade(&open));
                futures_util::future::ready(open).boxed()
            }))
        }));
        let servers = Arc::clone(servers);
        trials.push(trial("documents::mongodb", case.name, move |_| {
            let address = place(&servers);
            (case.run)(Box::new(move || {
                let address = address.clone();
                async move { reach(&address).await }.boxed()
            }))
        }));
    }
    trials.extend(of_generations(servers));
    trials
}

/// What only the adapter of a server has to show.
fn of_generations(servers: &Arc<Servers>) -> Vec<Trial> {
    macro_rules! on_mongodb {
        ($($name:ident)*) => { vec![$({
            let servers = Arc::clone(servers);
            trial("documents::mongodb", stringify!($name), move |_| {
                let address = place(&servers);
                async move { $name(address).await }.boxed()
            })
        }),*] };
    }
    on_mongodb![
        what_is_filled_beside_is_empty_and_replaces_what_was_in_use
        a_rebuild_that_was_overtaken_is_not_switched_to
        two_first_openings_agree
        every_question_is_answered_by_an_index
        an_address_without_a_database_or_of_another_server_is_refused
        a_server_that_is_not_there_is_told_soon
        a_killed_server_is_told_soon_and_found_when_it_is_back
    ]
}

const THINGS: Collection = Collection { name: "things", indexes: &["by_owner"] };

/// A place of its own on the server.
pub(crate) fn place(servers: &Servers) -> Address {
    servers.mongo().address(&own_name())
}

/// A name that no other case has.
pub(crate) fn own_name() -> String {
    format!("t{}", uuid::Uuid::from_bytes(random()).simple())
}

fn random() -> [u8; 16] {
    (&ports::entropy::System as &dyn ports::entropy::Entropy).bytes()
}

async fn reach(address: &Address) -> Arc<dyn Documents> {
    ports::documents::reach(address).await.expect("documents")
}

/// Opens all ports: the documents at the address, the others in a folder.
async fn opened(address: &Address) -> (Opened, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut config = Config::embedded(folder.path());
    config.addresses.documents = Some(address.clone());
    (ports::open(&config).await.expect("opened ports"), folder)
}

fn key(id: &str) -> Key {
    Key { collection: THINGS.name, id: id.to_owned() }
}

async fn put(documents: &Arc<dyn Documents>, id: &str) {
    documents.declare(&[THINGS]).await.expect("a declaration");
    documents.index().await.expect("an index");
    let index_keys = vec![Some("ann".to_owned())];
    let body = Some(b"{}".to_vec().into());
    let write = Write { key: key(id), ordinal: 1, index_keys, body, first: true };
    let mark = Mark { pos: 1, checkpoint: "1".into() };
    documents.write(0, vec![write], mark).await.expect("a write");
}

/// Checks that documents can be written and read.
pub(crate) async fn is_of_use(documents: &Arc<dyn Documents>) {
    put(documents, "a").await;
    assert!(has(documents, "a").await);
}

async fn has(documents: &Arc<dyn Documents>, id: &str) -> bool {
    documents.declare(&[THINGS]).await.expect("a declaration");
    documents.load(&[key(id)]).await.expect("a load")[0].is_some()
}

async fn what_is_filled_beside_is_empty_and_replaces_what_was_in_use(address: Address) {
    let (opened, _folder) = opened(&address).await;
    let old = &opened.ports.documents;
    put(old, "old").await;
    let beside = opened.beside().await.expect("documents beside");
    assert!(!has(&beside, "old").await);
    put(&beside, "new").await;
    assert!(has(&reach(&address).await, "old").await, "nothing changes before the switch");
    opened.switch().await.expect("a switch");
    let current = reach(&address).await;
    assert!(has(&current, "new").await && !has(&current, "old").await);
    assert!(!has(old, "old").await, "what was in use is gone");
    // Once more: the next rebuild begins with nothing as well.
    let beside = opened.beside().await.expect("documents beside");
    assert!(!has(&beside, "new").await);
}

async fn a_rebuild_that_was_overtaken_is_not_switched_to(address: Address) {
    let ((one, _one), (two, _two)) = (opened(&address).await, opened(&address).await);
    put(&one.ports.documents, "old").await;
    put(&one.beside().await.expect("documents beside"), "one").await;
    put(&two.beside().await.expect("documents beside"), "two").await;
    let refused = one.switch().await.expect_err("its documents are gone");
    assert_eq!(refused.kind, ports::ErrorKind::Conflict);
    assert!(has(&reach(&address).await, "old").await);
    two.switch().await.expect("a switch");
    assert!(has(&reach(&address).await, "two").await);
}

async fn two_first_openings_agree(address: Address) {
    let (one, two) = tokio::join!(reach(&address), reach(&address));
    put(&one, "a").await;
    assert!(has(&two, "a").await);
}

async fn every_question_is_answered_by_an_index(address: Address) {
    put(&reach(&address).await, "a").await;
    for (index, order) in [
        (Some("by_owner"), Order::Ascending),
        (Some("by_owner"), Order::Descending),
        (None, Order::Ascending),
        (None, Order::Descending),
    ] {
        let scan = Scan::prefix(THINGS.name, index, "a", order, 10);
        let plans = ports::documents::explain(&address, &scan).await.expect("plans");
        let name = index.unwrap_or("_id_");
        for (plan, name) in plans.iter().zip([name, "_id_"]) {
            let by_index = plan.contains("IXSCAN") && plan.contains(name);
            assert!(by_index && !plan.contains("COLLSCAN"), "{scan:?}: {plan}");
        }
    }
}

async fn an_address_without_a_database_or_of_another_server_is_refused(address: Address) {
    let text = address.secret_text();
    let without = text.rsplit_once('/').expect("a database").0;
    let mark = if text.contains('?') { '&' } else { '?' };
    let secondary = format!("{text}{mark}readPreference=secondaryPreferred");
    for refused in [without, &secondary, "mongodb://ann:secret@", "mysql://db/chat"] {
        let error = ports::documents::reach(&Address::from(refused)).await.err();
        let error = error.unwrap_or_else(|| panic!("{refused} is taken"));
        assert_eq!(error.kind, ports::ErrorKind::Unavailable);
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}

async fn a_server_that_is_not_there_is_told_soon(_: Address) {
    let address = format!("mongodb://127.0.0.1:{}/chat", tests::servers::free_port(LOOPBACK));
    let started = ports::clock::Stopwatch::start();
    let error = ports::documents::reach(&Address::from(address.as_str())).await.err();
    assert_eq!(error.map(|it| it.kind), Some(ports::ErrorKind::Unavailable));
    assert!(started.seconds() < 8.0, "{} s", started.seconds());
}

async fn a_killed_server_is_told_soon_and_found_when_it_is_back(_: Address) {
    let mut server = Mongo::stand_in(LOOPBACK);
    let documents = reach(&server.address("chat")).await;
    put(&documents, "a").await;
    server.kill();
    let started = ports::clock::Stopwatch::start();
    let error = documents.load(&[key("a")]).await.expect_err("nobody answers");
    assert_eq!(error.kind, ports::ErrorKind::Unavailable);
    assert!(started.seconds() < 8.0, "{} s", started.seconds());
    server.start_again();
    assert!(has(&documents, "a").await);
    put(&documents, "b").await;
    assert!(has(&documents, "b").await);
}
