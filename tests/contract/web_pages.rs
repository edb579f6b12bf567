//! Who fetches pages, on two sites of this machine: one that is allowed, one that is not.

use futures_util::FutureExt;
use libtest_mimic::Trial;
use ports::web_pages::contract::{CASES, Place};
use ports::web_pages::{Settings, connect};
use tests::site::Site;

use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    let case = |case: &'static ports::promise::Case<Place>| {
        trial("web_pages::http", case.name, move |_| {
            async move { (case.run)(place()).await }.boxed()
        })
    };
    CASES.iter().map(case).collect()
}

/// Hosts that lead to the other site, or to no place that may be asked.
const FORBIDDEN: [&str; 38] = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.01",
    "127.0.0.1.",
    "%31%32%37.0.0.1",
    "127。0。0。1",
    "①②⑦.⓪.⓪.①",
    "0.0.0.0",
    "0",
    "localhost",
    "LOCALHOST.",
    "[::1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    // Not even what is allowed, in a form that only carries it.
    "[::ffff:127.77.0.1]",
    "[64:ff9b::127.77.0.1]",
    "[2002:7f4d:1::]",
    "[fe80::1%25lo]",
    "10.0.0.1",
    "100.64.0.1",
    "169.254.169.254",
    "172.16.0.1",
    "192.168.0.1",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[ff02::1]",
    "224.0.0.1",
    "255.255.255.255",
    "ann@127.77.0.1",
    "ann:secret@127.77.0.1",
    "127.77.0.1@127.0.0.1",
];

fn place() -> Place {
    let (site, other) = Site::two([127, 77, 0, 1], [127, 0, 0, 1]);
    let port = site.address.port();
    let settings = Settings {
        allow: vec!["127.77.0.0/16".parse().expect("a network")],
        ports: vec![port],
        ca: None,
    };
    let mut forbidden: Vec<_> = FORBIDDEN.iter().map(|it| format!("http://{it}:{port}/")).collect();
    forbidden.extend(FORBIDDEN.iter().map(|it| format!("https://{it}:{port}/")));
    forbidden.extend(["http://127.77.0.1/".to_owned(), "http://127.77.0.1:22/".to_owned()]);
    forbidden.push(format!("ht\ntp:\\\\127.0.\t0.1:{port}\\"));
    forbidden.push(format!("http://127.77.0.1:{port}@127.0.0.1:{port}/"));
    forbidden.push(format!("http://127.0.0.1:{port}\\@127.77.0.1:{port}/"));
    let (says, asked) = (site.clone(), site.clone());
    Place {
        pages: connect(&settings).expect("an adapter"),
        site: site.url(),
        says: Box::new(move |path, it| says.says(path, it)),
        asked: Box::new(move || asked.asked()),
        forbidden,
        knocks: Box::new(move || other.knocks()),
    }
}
