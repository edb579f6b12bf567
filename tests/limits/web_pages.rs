//! Whoever names a page tries to make the server ask what only it can reach.

use std::sync::Arc;

use ports::clock::Stopwatch;
use ports::web_pages::contract::{Says, page, redirect};
use ports::web_pages::{
    ADDRESSES_MAX, PLACES, Page, Refused, Settings, Wanted, WebPages, connect, connect_by,
};
use tests::site::{Changing, Site};
use tests::{Authority, Feed, Person, World};

/// A fetcher that may ask `127.77.0.0/16`, and its names.
struct Fetcher {
    names: Arc<Changing>,
    pages: Arc<dyn WebPages>,
    runtime: tokio::runtime::Runtime,
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("a runtime")
}

fn settings(port: u16) -> Settings {
    let allow = vec!["127.77.0.0/16".parse().expect("a network")];
    Settings { allow, ports: vec![port], ca: None }
}

impl Fetcher {
    fn new(settings: &Settings) -> Self {
        let names = Arc::new(Changing::default());
        let pages = connect_by(settings, Arc::clone(&names) as Arc<_>).expect("an adapter");
        Self { names, pages, runtime: runtime() }
    }

    fn fetches(&self, url: &str) -> Result<Page, Refused> {
        self.runtime.block_on(self.pages.fetch(url, Wanted::Html))
    }

    fn refuses(&self, url: &str) -> Option<Refused> {
        self.fetches(url).err()
    }
}

#[test]
fn a_name_is_asked_for_once_and_what_was_checked_is_connected_to() {
    let (site, inside) = Site::two([127, 77, 0, 1], [127, 0, 0, 1]);
    let port = site.address.port();
    let fetcher = Fetcher::new(&settings(port));
    site.says("/", page("outside"));
    inside.says("/", page("inside"));
    // Rebinding: whoever asked twice would connect to what the second answer says.
    fetcher.names.set("rebinds.example", &[&["127.77.0.1"], &["127.0.0.1"]]);
    let url = format!("http://rebinds.example:{port}/");
    assert_eq!(fetcher.fetches(&url).map(|it| it.text), Ok("outside".to_owned()));
    assert_eq!(fetcher.names.asked(), ["rebinds.example"]);
    assert_eq!(site.asked().len(), 1);
    assert!(site.asked()[0].contains(&format!("host: rebinds.example:{port}\r\n")));
    // The next page is a new question, and a new check.
    assert_eq!(fetcher.refuses(&url), Some(Refused::Address));
    assert_eq!((site.knocks(), inside.knocks()), (1, 0));
}

#[test]
fn a_redirect_to_the_same_name_is_asked_for_and_checked_anew() {
    let (site, inside) = Site::two([127, 77, 0, 1], [127, 0, 0, 1]);
    let port = site.address.port();
    let fetcher = Fetcher::new(&settings(port));
    site.says("/", redirect(302, "/two"));
    inside.says("/two", page("inside"));
    fetcher.names.set("rebinds.example", &[&["127.77.0.1"], &["127.0.0.1"]]);
    let url = format!("http://rebinds.example:{port}/");
    assert_eq!(fetcher.refuses(&url), Some(Refused::Address));
    assert_eq!(fetcher.names.asked(), ["rebinds.example", "rebinds.example"]);
    assert_eq!((site.knocks(), inside.knocks()), (1, 0));
}

#[test]
fn one_private_address_spoils_the_whole_answer() {
    let (site, inside) = Site::two([127, 77, 0, 1], [127, 0, 0, 1]);
    let port = site.address.port();
    let fetcher = Fetcher::new(&settings(port));
    let private = [
        "127.0.0.1",
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "192.168.0.1",
        "198.18.0.1",
        "224.0.0.1",
        "255.255.255.255",
        "::1",
        "::",
        "::ffff:127.77.0.1",
        "64:ff9b::7f4d:1",
        "2002:7f4d:1::",
        "2001::1",
        "fe80::1",
        "fd00:ec2::254",
        "ff02::1",
    ];
    for (n, address) in private.iter().enumerate() {
        for answer in [&[*address][..], &["127.77.0.1", address], &[address, "127.77.0.1"]] {
            // However the name came to have it: by a record of its own, or by another's (CNAME).
            let name = format!("n{n}.example");
            fetcher.names.set(&name, &[answer]);
            let url = format!("http://{name}:{port}/");
            assert_eq!(fetcher.refuses(&url), Some(Refused::Address), "{answer:?}");
        }
    }
    assert_eq!((site.knocks(), inside.knocks()), (0, 0));
}

#[test]
fn an_answer_has_32_addresses_and_none_is_no_answer() {
    let site = Site::at([127, 77, 0, 1]);
    let port = site.address.port();
    let fetcher = Fetcher::new(&settings(port));
    site.says("/", page("x"));
    let answer = |count: usize| vec!["127.77.0.1"; count];
    fetcher.names.set("fits.example", &[&answer(ADDRESSES_MAX)]);
    fetcher.names.set("more.example", &[&answer(ADDRESSES_MAX + 1)]);
    assert!(fetcher.fetches(&format!("http://fits.example:{port}/")).is_ok());
    let refused = fetcher.refuses(&format!("http://more.example:{port}/"));
    assert_eq!(refused, Some(Refused::Address));
    let refused = fetcher.refuses(&format!("http://nobody.example:{port}/"));
    assert_eq!(refused, Some(Refused::Name));
    assert_eq!(site.knocks(), 1);
}

#[test]
fn a_name_in_another_script_is_asked_for_as_it_is_sent() {
    let site = Site::at([127, 77, 0, 1]);
    let port = site.address.port();
    let fetcher = Fetcher::new(&settings(port));
    site.says("/", page("x"));
    fetcher.names.set("xn--bcher-kva.example", &[&["127.77.0.1"]]);
    fetcher.names.set("localhost", &[&["127.0.0.1"]]);
    assert!(fetcher.fetches(&format!("http://BÜCHER.example:{port}/")).is_ok());
    assert!(site.asked()[0].contains(&format!("host: xn--bcher-kva.example:{port}\r\n")));
    for host in ["ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "loc\u{ad}alhost", "ＬＯＣＡＬＨＯＳＴ"] {
        let refused = fetcher.refuses(&format!("http://{host}:{port}/"));
        assert_eq!(refused, Some(Refused::Address), "{host}");
    }
}

#[test]
fn tls_is_for_the_name_and_not_for_the_address() {
    let authority = Authority::of([127, 77, 0, 1].into());
    let config = tests::site::tls(&authority);
    let site = Site::tls([127, 77, 0, 1], config);
    let port = site.address.port();
    site.says("/", page("secret"));
    let trusting = Settings { ca: Some(authority.ca()), ..settings(port) };
    let fetcher = Fetcher::new(&trusting);
    let url = format!("https://127.77.0.1:{port}/");
    assert_eq!(fetcher.fetches(&url).map(|it| it.text), Ok("secret".to_owned()));
    fetcher.names.set("other.example", &[&["127.77.0.1"]]);
    let refused = fetcher.refuses(&format!("https://other.example:{port}/"));
    assert_eq!(refused, Some(Refused::Lost), "the certificate is of another");
    let stranger = Fetcher::new(&settings(port));
    assert_eq!(stranger.refuses(&url), Some(Refused::Lost), "nobody trusts the authority");
    assert_eq!(fetcher.refuses(&format!("http://127.77.0.1:{port}/")), Some(Refused::Lost));
    assert_eq!(site.asked().len(), 1);
}

#[test]
fn sixteen_pages_are_under_way_at_once_and_another_waits() {
    let site = Site::at([127, 77, 0, 1]);
    let url = |path: &str| format!("http://{}{path}", site.address);
    let fetcher = Fetcher::new(&settings(site.address.port()));
    site.says("/nothing", Says::Halting(Vec::new()));
    site.says("/quick", page("x"));
    let started = Stopwatch::start();
    for _ in 0..PLACES {
        let (pages, url) = (Arc::clone(&fetcher.pages), url("/nothing"));
        fetcher.runtime.spawn(async move { pages.fetch(&url, Wanted::Html).await });
    }
    while site.asked().len() < PLACES {
        assert!(started.seconds() < 4.0, "they were not asked");
        std::thread::yield_now();
    }
    // It has its place once one of them is given up, and by then hardly any time.
    let quick = fetcher.fetches(&url("/quick")).map(|it| it.text);
    assert!(quick == Ok("x".to_owned()) || quick == Err(Refused::Late), "{quick:?}");
    assert!((4.5..8.0).contains(&started.seconds()), "{}", started.seconds());
}

#[test]
fn the_machines_own_names_are_checked_like_all() {
    let site = Site::at([127, 0, 0, 1]);
    let port = site.address.port();
    let pages = connect(&settings(port)).expect("an adapter");
    let refused = runtime()
        .block_on(async { pages.fetch(&format!("http://localhost:{port}/"), Wanted::Html).await });
    assert_eq!((refused, site.knocks()), (Err(Refused::Address), 0));
}

/// Links that somebody sends; how many were shown as what their pages are.
fn looked_up(person: &Person, group: &str, feed: &mut Feed, links: &[String]) -> usize {
    for link in links {
        person.sends(group, link);
    }
    let mut told = Vec::new();
    while told.len() < links.len() {
        let frame = feed.next_of(group);
        if frame.event().starts_with("Preview") {
            told.push(frame.event().to_owned());
        }
    }
    told.iter().filter(|it| *it == "PreviewFound").count()
}

#[test]
fn an_author_has_30_pages_a_minute_and_a_host_gives_60() {
    let site = Site::at([127, 77, 0, 1]);
    let world = World::with(|it| {
        it.previews = true;
        it.previews_allow = vec!["127.77.0.0/16".parse().expect("a network")];
        it.previews_ports = vec![site.address.port()];
    });
    let ([ann, bob, eve], group) = world.group("Lunch", ["ann", "bob", "eve"]);
    let mut feed = eve.subscribes();
    let link = |n: usize| {
        site.says(&format!("/{n}"), page("<title>x</title>"));
        format!("{}/{n}", site.url())
    };
    let links: Vec<String> = (0..62).map(link).collect();
    assert_eq!(looked_up(&ann, &group, &mut feed, &links[..31]), 30);
    assert_eq!(looked_up(&bob, &group, &mut feed, &links[31..61]), 30);
    assert_eq!(looked_up(&eve, &group, &mut feed, &links[61..]), 0);
    assert_eq!(site.asked().len(), 60);
}

/// The name of the variable by which the test below finds itself in its second process.
const SECOND: &str = "PARLANCE_TEST_SITE";

#[test]
fn proxies_of_the_environment_are_not_asked() {
    let name = "web_pages::proxies_of_the_environment_are_not_asked";
    if let Some(address) = std::env::var_os(SECOND) {
        let address: std::net::SocketAddr =
            address.to_str().and_then(|it| it.parse().ok()).expect("an address");
        let pages = connect(&settings(address.port())).expect("an adapter");
        let page = runtime()
            .block_on(async { pages.fetch(&format!("http://{address}/"), Wanted::Html).await });
        assert_eq!(page.map(|it| it.text), Ok("outside".to_owned()));
        return;
    }
    let (site, proxy) = (Site::at([127, 77, 0, 1]), Site::at([127, 0, 0, 1]));
    site.says("/", page("outside"));
    let mut again = std::process::Command::new(std::env::current_exe().expect("a program"));
    again.args(["--exact", name]).env(SECOND, site.address.to_string());
    for variable in ["http_proxy", "HTTP_PROXY", "https_proxy", "all_proxy", "ALL_PROXY"] {
        again.env(variable, proxy.url());
    }
    let done = again.output().expect("it runs");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stdout));
    assert!(String::from_utf8_lossy(&done.stdout).contains("1 passed"));
    assert_eq!((site.knocks(), proxy.knocks()), (1, 0));
}
