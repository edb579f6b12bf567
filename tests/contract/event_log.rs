//! The event log's adapters.

use std::sync::{Arc, Mutex, Weak};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use libtest_mimic::Trial;
use ports::event_log::contract::CASES;
use ports::event_log::{self, EventLog, Identity, Purpose, Refused, Standing};
use ports::{Error, ErrorKind};
use tests::servers::Servers;

use crate::trial;

/// Partitions of every log here.
pub(crate) const PARTITIONS: u16 = 8;

/// What a new log is born as.
pub(crate) fn born() -> Identity {
    Identity::new(PARTITIONS, &ports::entropy::System)
}

pub(crate) fn trials(servers: &Arc<Servers>) -> Vec<Trial> {
    let mut trials = Vec::new();
    for case in CASES {
        trials.push(trial("event_log::embedded", case.name, |dir| {
            // A file has one handle: whoever opens it meanwhile shares that.
            let shared = Mutex::new(Option::<Weak<dyn EventLog>>::None);
            (case.run)(Box::new(move || {
                let mut shared = shared.lock().expect("no opening panics");
                let log = shared.as_ref().and_then(Weak::upgrade).unwrap_or_else(|| {
                    let opened = event_log::open(&dir, &born(), Purpose::Serve);
                    let opened = opened.expect("an opened log");
                    *shared = Some(Arc::downgrade(&opened));
                    opened
                });
                async { log }.boxed()
            }))
        }));
        let servers = Arc::clone(servers);
        trials.push(trial("event_log::kafka", case.name, move |_| {
            (case.run)(Box::new(move || {
                let address = servers.kafka().address(case.name);
                async move {
                    let connected = event_log::connect(&address, &born(), Purpose::Serve).await;
                    connected.expect("a connected log")
                }
                .boxed()
            }))
        }));
    }
    let at = |dir: std::path::PathBuf| -> OpenAs {
        Box::new(move |born, purpose| {
            let opened = event_log::open(&dir, &born, purpose);
            async { opened }.boxed()
        })
    };
    let name = "a_log_keeps_its_identity_and_stands_as_was_said";
    trials.push(trial("event_log::embedded", name, move |dir| stands(at(dir)).boxed()));
    let servers = Arc::clone(servers);
    trials.push(trial("event_log::kafka", name, move |_| {
        let address = servers.kafka().address("stands");
        let connect: OpenAs = Box::new(move |born, purpose| {
            let address = address.clone();
            async move { event_log::connect(&address, &born, purpose).await }.boxed()
        });
        stands(connect).boxed()
    }));
    trials
}

/// Opens the log of one case for a purpose; a new one is born with the identity.
type OpenAs = Box<dyn Fn(Identity, Purpose) -> BoxFuture<'static, Opened> + Send + Sync>;
type Opened = Result<Arc<dyn EventLog>, Error>;

async fn stands(open: OpenAs) {
    let first = born().restored(&[3; 8], 70).restored(&[5; 8], 80);
    let opened = |purpose| open(born(), purpose);
    let copy = open(first.clone(), Purpose::Copy).await.expect("a new log");
    assert_eq!((copy.identity(), copy.standing()), (first.clone(), Standing::Copy));
    drop(copy);
    let early = opened(Purpose::Serve).await.err().expect("it is not whole");
    assert_eq!(early.kind, ErrorKind::Unavailable);
    assert_eq!(early.cause(), Some(&Refused::Copy));
    let copy = opened(Purpose::Copy).await.expect("a copy can be taken up again");
    copy.stand(Standing::Serving).await.expect("it is whole");
    drop(copy);
    let log = opened(Purpose::Serve).await.expect("it is served");
    assert_eq!((log.identity(), log.standing()), (first.clone(), Standing::Serving));
    let moved = Standing::Moved("kafka://there".to_owned());
    log.stand(moved.clone()).await.expect("it moves");
    log.stand(moved.clone()).await.expect("twice is once");
    log.stand(Standing::Serving).await.expect_err("it has moved for good");
    drop(log);
    let gone = opened(Purpose::Serve).await.err().expect("it has moved");
    assert_eq!(gone.cause(), Some(&Refused::Moved("kafka://there".to_owned())));
    for purpose in [Purpose::Read, Purpose::Copy] {
        let log = opened(purpose).await.expect("it can be read for ever");
        assert_eq!((log.identity(), log.standing()), (first.clone(), moved.clone()));
        log.stand(Standing::Copy).await.expect_err("it has moved for good");
    }
}
