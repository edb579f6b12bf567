//! What everybody who fetches pages promises, as cases to be run against an adapter.
//!
//! A place has two sites: one may be asked, the other must never be, and tells if somebody knocked.

use std::sync::Arc;

use futures_util::future::join_all;

use super::{
    BODY_BYTES_MAX, FETCH_MAX, HEAD_BYTES_MAX, HEADERS_MAX, REDIRECTS_MAX, Refused, Wanted,
    WebPages,
};
use crate::clock::Stopwatch;
use crate::promise::cases;

/// What a site answers at a path.
#[derive(Debug, Clone)]
pub enum Says {
    /// These bytes, and then it hangs up.
    Bytes(Vec<u8>),
    /// These bytes, and then the last ones again and again, for ever.
    Endless(Vec<u8>, Vec<u8>),
    /// These bytes, one every 100 ms.
    Slowly(Vec<u8>),
    /// These bytes, and then nothing, while the connection stays open.
    Halting(Vec<u8>),
}

/// Puts an answer at a path of a site.
pub type Puts = dyn Fn(&str, Says) + Send + Sync;

/// An adapter and two sites.
pub struct Place {
    pub pages: Arc<dyn WebPages>,
    /// The site that may be asked: `http://host:port`.
    pub site: String,
    /// Puts an answer at a path of the site.
    pub says: Box<Puts>,
    /// What the site was asked: the heads of requests, as they came.
    pub asked: Box<dyn Fn() -> Vec<String> + Send + Sync>,
    /// URLs that lead to the other site, in many forms.
    pub forbidden: Vec<String>,
    /// How often somebody connected to the other site.
    pub knocks: Box<dyn Fn() -> usize + Send + Sync>,
}

cases! {
    Place:
    a_page_is_its_text_and_where_it_was
    nothing_is_said_but_what_is_asked
    what_may_not_be_asked_is_not_connected_to
    five_redirects_are_followed
    each_redirect_is_checked_anew
    only_listed_types_are_read
    what_is_encoded_is_not_unpacked
    a_mebibyte_is_read
    all_of_it_takes_five_seconds
    a_head_has_its_limits
    what_is_no_page_is_none
}

/// An answer of a listed type.
pub fn page(text: &str) -> Says {
    Says::Bytes([&head("text/html; charset=utf-8"), text.as_bytes()].concat())
}

fn head(content_type: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\r\n").into_bytes()
}

/// An answer that sends elsewhere.
pub fn redirect(status: u16, to: &str) -> Says {
    Says::Bytes(format!("HTTP/1.1 {status} x\r\nlocation: {to}\r\n\r\n").into_bytes())
}

/// Reasons that are found before anybody is connected to.
const BEFORE_ASKING: [Refused; 5] =
    [Refused::Url, Refused::Credentials, Refused::Port, Refused::Name, Refused::Address];

impl Place {
    async fn fetches(&self, path: &str) -> Result<String, Refused> {
        let page = self.pages.fetch(&format!("{}{path}", self.site), Wanted::Html).await;
        page.map(|it| it.text)
    }

    async fn refuses(&self, path: &str) -> Option<Refused> {
        self.fetches(path).await.err()
    }
}

async fn a_page_is_its_text_and_where_it_was(place: Place) {
    (place.says)("/", page("grün"));
    (place.says)("/json", Says::Bytes([&head("application/json")[..], b"{}"].concat()));
    let url = format!("{}/#behind", place.site);
    let page = place.pages.fetch(&url, Wanted::Html).await.expect("a page");
    assert_eq!((page.url, page.text.as_str()), (format!("{}/", place.site), "grün"));
    let json = format!("{}/json", place.site);
    let said = place.pages.fetch(&json, Wanted::Json).await.expect("what was asked for");
    assert_eq!(said.text, "{}");
    assert_eq!(place.pages.fetch(&json, Wanted::Html).await, Err(Refused::Type));
    assert!(place.pages.are_fetched());
}

async fn nothing_is_said_but_what_is_asked(place: Place) {
    let cookie = "HTTP/1.1 302 x\r\nset-cookie: a=b\r\nlocation: /two?x=1#frag\r\n\r\n";
    (place.says)("/one", Says::Bytes(cookie.into()));
    (place.says)("/two?x=1", page(""));
    place.fetches("/one").await.expect("a page");
    let host = place.site.strip_prefix("http://").expect("a scheme").to_owned();
    let head = |path: &str| {
        let agent = "user-agent: Parlance-Previews/1 (link previews)";
        let accept = "accept: text/html, application/xhtml+xml";
        let rest = "accept-encoding: identity\r\nconnection: close\r\n\r\n";
        format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{agent}\r\n{accept}\r\n{rest}")
    };
    assert_eq!((place.asked)(), [head("/one"), head("/two?x=1")]);
}

async fn what_may_not_be_asked_is_not_connected_to(place: Place) {
    assert!(place.forbidden.len() > 10);
    for url in &place.forbidden {
        let refused = place.pages.fetch(url, Wanted::Html).await.expect_err(url);
        assert!(BEFORE_ASKING.contains(&refused), "{url}: {refused}");
    }
    assert_eq!((place.knocks)(), 0);
}

async fn five_redirects_are_followed(place: Place) {
    for n in 1..=REDIRECTS_MAX + 1 {
        let status = [301, 302, 303, 307, 308][n % 5];
        (place.says)(&format!("/{n}"), redirect(status, &format!("/{}", n - 1)));
    }
    (place.says)("/0", page("there"));
    assert_eq!(place.fetches(&format!("/{REDIRECTS_MAX}")).await, Ok("there".to_owned()));
    let refused = place.refuses(&format!("/{}", REDIRECTS_MAX + 1)).await;
    assert_eq!(refused, Some(Refused::Redirects));
    (place.says)("/loop", redirect(302, "/loop"));
    assert_eq!(place.refuses("/loop").await, Some(Refused::Redirects));
    (place.says)("/nowhere", Says::Bytes(b"HTTP/1.1 302 x\r\n\r\n".to_vec()));
    assert_eq!(place.refuses("/nowhere").await, Some(Refused::Redirects));
    let asked = (place.asked)().len();
    assert_eq!(asked, 2 * (REDIRECTS_MAX + 1) + REDIRECTS_MAX + 1 + 1);
}

async fn each_redirect_is_checked_anew(place: Place) {
    let others = ["file:///etc/passwd", "ftp://example.org/", "javascript:alert(1)", "data:,x"];
    let all = place.forbidden.iter().map(String::as_str).chain(others);
    for (n, url) in all.enumerate() {
        // Some forms can't stand in a header: nobody can redirect to those.
        if url.bytes().any(|it| it.is_ascii_control()) {
            continue;
        }
        (place.says)(&format!("/first/{n}"), redirect(302, &format!("/second/{n}")));
        (place.says)(&format!("/second/{n}"), redirect(307, url));
        let refused = place.refuses(&format!("/first/{n}")).await;
        // Others stand there and can't be read as text.
        let unread = refused == Some(Refused::Redirects);
        let refused_before = refused.is_some_and(|it| BEFORE_ASKING.contains(&it));
        assert!(refused_before || unread, "{url}: {refused:?}");
    }
    assert_eq!((place.knocks)(), 0);
}

async fn only_listed_types_are_read(place: Place) {
    for (n, content_type) in
        ["text/html", "TEXT/HTML ; charset=utf-8", "application/xhtml+xml"].iter().enumerate()
    {
        (place.says)(&format!("/{n}"), Says::Bytes(head(content_type)));
        assert_eq!(place.fetches(&format!("/{n}")).await, Ok(String::new()), "{content_type}");
    }
    for content_type in [
        "text/plain",
        "image/svg+xml",
        "image/png",
        "application/pdf",
        "application/octet-stream",
        "text/htmlx",
        "multipart/x-mixed-replace",
        "video/mp4",
        "",
        ";text/html",
    ] {
        (place.says)("/other", Says::Bytes(head(content_type)));
        assert_eq!(place.refuses("/other").await, Some(Refused::Type), "{content_type}");
    }
    (place.says)("/none", Says::Bytes(b"HTTP/1.1 200 OK\r\n\r\n<html>".to_vec()));
    assert_eq!(place.refuses("/none").await, Some(Refused::Type));
}

async fn what_is_encoded_is_not_unpacked(place: Place) {
    for encoding in ["gzip", "br", "zstd", "deflate", "identity, gzip", "x", ""] {
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-encoding: {encoding}\r\n\r\n"
        );
        (place.says)("/", Says::Endless(head.into_bytes(), vec![0x1f; 4_096]));
        assert_eq!(place.refuses("/").await, Some(Refused::Encoding), "{encoding}");
    }
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-encoding: identity\r\n\r\n";
    (place.says)("/", Says::Bytes(head.into()));
    assert_eq!(place.fetches("/").await, Ok(String::new()));
}

async fn a_mebibyte_is_read(place: Place) {
    let filled = |bytes: usize| page(&"x".repeat(bytes));
    (place.says)("/fits", filled(BODY_BYTES_MAX));
    (place.says)("/more", filled(BODY_BYTES_MAX + 1));
    (place.says)("/endless", Says::Endless(head("text/html"), vec![b'x'; 4_096]));
    let chunked =
        "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n";
    (place.says)("/chunks", Says::Endless(chunked.into(), b"4\r\nxxxx\r\n".repeat(512)));
    for path in ["/fits", "/more", "/endless", "/chunks"] {
        assert_eq!(place.fetches(path).await.map(|it| it.len()), Ok(BODY_BYTES_MAX), "{path}");
    }
    let long = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 99999999999\r\n\r\nx";
    (place.says)("/long", Says::Bytes(long.into()));
    assert_eq!(place.refuses("/long").await, Some(Refused::Lost));
}

async fn all_of_it_takes_five_seconds(place: Place) {
    (place.says)("/head", Says::Slowly(head("text/html; charset=utf-8; and-so-on")));
    (place.says)("/halting", Says::Halting(b"HTTP/1.1 200 OK\r\n".to_vec()));
    (place.says)("/nothing", Says::Halting(Vec::new()));
    (place.says)("/body", Says::Halting([&head("text/html")[..], b"x"].concat()));
    let again = b"HTTP/1.1 103 x\r\nlink: x\r\n\r\n".to_vec();
    (place.says)("/hints", Says::Endless(Vec::new(), again));
    (place.says)("/redirect", Says::Slowly(b"HTTP/1.1 302 x\r\nlocation: /x\r\n\r\n".to_vec()));
    (place.says)("/x", Says::Halting(Vec::new()));
    let waits = ["/head", "/halting", "/nothing", "/body", "/redirect"].map(|path| {
        let place = &place;
        async move {
            let started = Stopwatch::start();
            assert_eq!(place.refuses(path).await, Some(Refused::Late), "{path}");
            assert!(started.seconds() < FETCH_MAX.as_secs_f64() + 2.0, "{path}");
        }
    });
    join_all(waits).await;
    let refused = place.refuses("/hints").await;
    assert!(matches!(refused, Some(Refused::Late | Refused::Lost)), "{refused:?}");
}

async fn a_head_has_its_limits(place: Place) {
    let with = |lines: String| {
        Says::Bytes(
            format!("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n{lines}\r\nx").into_bytes(),
        )
    };
    let lines = |count: usize| (0..count).map(|it| format!("x-{it}: y\r\n")).collect::<String>();
    (place.says)("/lines", with(lines(HEADERS_MAX - 1)));
    (place.says)("/more", with(lines(HEADERS_MAX)));
    // What is left by the type and by the name of this line.
    let left = HEAD_BYTES_MAX - "content-type: text/html\r\n".len() - "x: \r\n".len();
    (place.says)("/fits", with(format!("x: {}\r\n", "y".repeat(left))));
    (place.says)("/large", with(format!("x: {}\r\n", "y".repeat(left + 1))));
    (place.says)("/endless", Says::Endless(b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'y'; 4_096]));
    for path in ["/lines", "/fits"] {
        assert_eq!(place.fetches(path).await, Ok("x".to_owned()), "{path}");
    }
    for path in ["/more", "/large", "/endless"] {
        assert_eq!(place.refuses(path).await, Some(Refused::Lost), "{path}");
    }
}

async fn what_is_no_page_is_none(place: Place) {
    for status in [201, 204, 206, 300, 304, 400, 401, 403, 404, 429, 500, 503] {
        let text = format!("HTTP/1.1 {status} x\r\ncontent-type: text/html\r\n\r\n");
        (place.says)("/", Says::Bytes(text.into_bytes()));
        assert_eq!(place.refuses("/").await, Some(Refused::Status), "{status}");
    }
    for text in ["", "SSH-2.0-x\r\n", "-ERR unknown command\r\n", "<html>", "HTTP/1.1 200 OK"] {
        (place.says)("/", Says::Bytes(text.into()));
        assert_eq!(place.refuses("/").await, Some(Refused::Lost), "{text}");
    }
}
