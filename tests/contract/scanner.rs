//! The promises of scanners, on ClamAV's own daemon.

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use libtest_mimic::Trial;
use ports::blobs::ByteStream;
use ports::scanner::{Verdict, connect, none};
use ports::{Error, ErrorKind};
use tests::servers::clamd::{Clamd, harmful};

use crate::trial;

fn pieces(all: Vec<Result<Bytes, Error>>) -> ByteStream {
    stream::iter(all).boxed()
}

/// Contents in pieces of so many bytes.
fn cut(bytes: &[u8], piece: usize) -> ByteStream {
    pieces(bytes.chunks(piece).map(|it| Ok(Bytes::copy_from_slice(it))).collect())
}

pub(crate) fn trials() -> Vec<Trial> {
    let found = trial("scanner::clamd", "what_it_knows_is_found_however_it_is_cut", |_| {
        Box::pin(async {
            let daemon = Clamd::start();
            let scanner = connect(&daemon.address()).expect("an address");
            assert!(scanner.is_there());
            let scan = async |bytes: &[u8], piece| {
                scanner.scan(cut(bytes, piece)).await.expect("a verdict")
            };
            let large = vec![7; 3 << 20];
            let wrapped = [&large[..], &harmful(), &large].concat();
            for (bytes, piece) in [(&harmful()[..], 68), (&harmful(), 1), (&wrapped, 65_536)] {
                let found = scan(bytes, piece).await;
                assert!(matches!(&found, Verdict::Harmful(it) if it.contains("Test.Harmful")));
            }
            assert_eq!(scan(&large, 65_536).await, Verdict::Clean);
            assert_eq!(scan(b"", 1).await, Verdict::Clean);
        })
    });
    let away = trial("scanner::clamd", "without_a_whole_answer_there_is_no_verdict", |_| {
        Box::pin(async {
            let mut daemon = Clamd::start();
            let scanner = connect(&daemon.address()).expect("an address");
            let broken = || Err(Error::unavailable("blobs", "it broke off"));
            let cut_off = pieces(vec![Ok(Bytes::from_static(b"some")), broken()]);
            let kind = |it: Result<Verdict, Error>| it.expect_err("no verdict").kind;
            assert_eq!(kind(scanner.scan(cut_off).await), ErrorKind::Unavailable);
            // One byte more than the daemon takes.
            let size = (64 << 20) + 1;
            let large = cut(&vec![7; size], 1 << 20);
            assert_eq!(kind(scanner.scan(large).await), ErrorKind::Unavailable);
            daemon.kill();
            assert_eq!(kind(scanner.scan(cut(b"some", 4)).await), ErrorKind::Unavailable);
            daemon.start_again();
            assert_eq!(scanner.scan(cut(b"some", 4)).await.expect("a verdict"), Verdict::Clean);
        })
    });
    let nobody = trial("scanner::none", "nobody_looks", |_| {
        Box::pin(async {
            assert!(!none().is_there());
            let seen = none().scan(cut(&harmful(), 8)).await.expect("a verdict");
            assert_eq!(seen, Verdict::Clean);
        })
    });
    vec![found, away, nobody]
}
