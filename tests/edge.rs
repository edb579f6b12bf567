//! The proxy in front, as `deploy/` sets it up: TLS, who is asking, what stays inside.

use std::io::Read;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::version::{TLS12, TLS13};
use serde_json::json;
use tests::servers::{LOOPBACK, free_port};
use tests::{Authority, Client, Http, Person, Program, Proxy, Reply, Way, World, fresh_id};

/// A proxy in front of a world in one process.
fn in_front(world: &World) -> Proxy {
    let nodes = [world.client.http.address];
    Proxy::start(LOOPBACK, &nodes, &nodes)
}

fn asks(client: &Client, headers: &[(&str, &str)]) -> Reply {
    let body = json!({ "query": "{ position }" }).to_string();
    let headers = [&[("content-type", "application/json")], headers].concat();
    client.http.request("POST", "/graphql", &headers, body.as_bytes()).expect("an answer")
}

#[test]
fn people_talk_over_tls_and_nothing_older_than_1_3() {
    let world = World::new();
    let nodes = [world.client.http.address];
    let authority = Authority::new();
    let proxy = Proxy::secure(&nodes, &nodes, &authority);
    let way = |version| Way::to(proxy.secure_address()).secure(authority.trusted(version));
    let client = Arc::new(Client::new(Http::over(way(&TLS13))));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = ann.creates_group("Lunch", &[&bob]);
    let mut feed = bob.subscribes();
    let sent = ann.sends(&group, "hello");
    assert_eq!(feed.next_of(&group).seq(), sent.seq);
    let hsts = |client: &Client| {
        let reply = client.http.get("/healthz");
        assert_eq!((reply.status, reply.body.as_slice()), (200, b"ok".as_slice()));
        reply.header("strict-transport-security").map(str::to_owned)
    };
    assert_eq!(hsts(&client), Some("max-age=63072000; includeSubDomains".to_owned()));
    assert_eq!(hsts(&Client::new(Http::new(proxy.address()))), None);
    let old = way(&TLS12).connect().err().expect("a refusal").to_string();
    assert!(old.contains("ProtocolVersion"), "{old}");
    let stranger = Authority::new().trusted(&TLS13);
    let stranger = Way::to(proxy.secure_address()).secure(stranger).connect();
    let stranger = stranger.err().expect("another authority").to_string();
    assert!(stranger.contains("invalid peer certificate"), "{stranger}");
}

#[test]
fn a_server_with_a_certificate_speaks_tls_itself() {
    let (folder, authority) = (tempfile::tempdir().expect("a temporary folder"), Authority::new());
    let file = |name: &str| authority.folder().join(name).display().to_string();
    let options =
        [("PARLANCE_TLS_CERT", file("certificate.pem")), ("PARLANCE_TLS_KEY", file("key.pem"))];
    let program = Program::start("serve", folder.path(), 0, &options);
    let way = |version| Way::to(program.address).secure(authority.trusted(version));
    let client = Arc::new(Client::new(Http::over(way(&TLS13))));
    let [ann, bob] = ["ann", "bob"].map(|it| Person::register(&client, it));
    let group = ann.creates_group("Lunch", &[&bob]);
    let mut feed = bob.subscribes();
    let sent = ann.sends(&group, "hello");
    assert_eq!(feed.next_of(&group).seq(), sent.seq);
    let old = way(&TLS12).connect().err().expect("a refusal").to_string();
    assert!(old.contains("ProtocolVersion"), "{old}");
    assert!(Http::new(program.address).request("GET", "/healthz", &[], b"").is_err());
}

#[test]
fn clients_behind_a_trusted_proxy_have_rates_of_their_own() {
    let world = World::with(|it| {
        it.rate_per_ip = 3;
        it.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    });
    let proxy = in_front(&world);
    let from = |place: SocketAddr, last: u8| {
        Client::new(Http::over(Way::to(place).from([127, 0, 0, last].into())))
    };
    let until_refused = [200, 200, 200, 429];
    for last in [2, 3] {
        let client = from(proxy.address(), last);
        let statuses = (0..4)
            .map(|at| asks(&client, &[("x-forwarded-for", &format!("203.0.113.{at}"))]).status);
        assert_eq!(statuses.collect::<Vec<_>>(), until_refused, "its own rate, whatever it says");
    }
    // Who comes past the proxy is believed only if it is one.
    let near = from(world.client.http.address, 4);
    let invented = |at: usize| format!("198.51.100.{at}");
    let statuses = (0..4).map(|at| asks(&near, &[("x-forwarded-for", &invented(at))]).status);
    assert_eq!(statuses.collect::<Vec<_>>(), until_refused);
    let trusted = from(world.client.http.address, 1);
    let statuses = (0..4).map(|at| asks(&trusted, &[("x-forwarded-for", &invented(at))]).status);
    assert_eq!(statuses.collect::<Vec<_>>(), [200; 4]);
}

#[test]
fn a_node_that_trusts_no_proxy_counts_the_proxy() {
    let world = World::with(|it| it.rate_per_ip = 3);
    let proxy = in_front(&world);
    let client = Client::new(Http::new(proxy.address()));
    let statuses = (0..4).map(|_| asks(&client, &[]).status);
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 200, 200, 429]);
}

#[test]
fn what_is_for_operators_stays_inside() {
    let world = World::new();
    let proxy = in_front(&world);
    let http = Http::new(proxy.address());
    for path in ["/metrics", "/readyz", "/%6detrics", "//metrics", "/graphql/../metrics"] {
        assert_eq!(http.get(path).status, 404, "{path}");
    }
    assert_eq!(world.client.http.get("/metrics").status, 200);
    assert!(http.get("/healthz").header("server").is_none_or(|it| it == "nginx"));
}

#[test]
fn long_answers_are_packed() {
    let world = World::new();
    let proxy = in_front(&world);
    let packed = [("accept-encoding", "gzip")];
    let reply = Http::new(proxy.address()).request("GET", "/v1/openapi.json", &packed, b"");
    let reply = reply.expect("an answer");
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert_eq!(reply.body[..2], [0x1f, 0x8b]);
}

#[test]
fn what_the_proxy_refuses_is_a_problem() {
    let world = World::new();
    let proxy = in_front(&world);
    let huge = vec![b'a'; (1 << 20) + 1];
    let reply = Http::new(proxy.address()).request("POST", "/v1/commands/SendMessage", &[], &huge);
    let reply = reply.expect("an answer");
    assert_eq!((reply.status, &reply.json()["code"]), (413, &json!("TOO_LARGE")));
    let away = SocketAddr::from(([127, 0, 0, 1], free_port(LOOPBACK)));
    let proxy = Proxy::start(LOOPBACK, &[away], &[away]);
    let reply = Http::new(proxy.address()).get("/v1/openapi.json");
    assert_eq!((reply.status, &reply.json()["code"]), (503, &json!("UNKNOWN")));
    assert_eq!(reply.header("content-type"), Some("application/problem+json"));
}

#[test]
fn a_flood_from_one_address_ends_at_the_proxy() {
    let world = World::new();
    let proxy = in_front(&world);
    let address = proxy.address();
    let answers = tests::at_once((0..8).map(|_| {
        move || {
            let http = Http::new(address);
            (0..).map(|_| http.get("/healthz")).find(|it| it.status != 200)
        }
    }));
    let refused = answers[0].as_ref().expect("a refusal");
    assert_eq!((refused.status, &refused.json()["code"]), (429, &json!("RATE_LIMITED")));
    assert_eq!(refused.header("retry-after"), Some("1"));
}

/// A node that breaks every connection, and how often it was tried.
fn broken_node() -> (SocketAddr, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let tried = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&tried);
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            counted.fetch_add(1, Ordering::SeqCst);
            // It reads what it is asked, so that the connection ends in order, but unanswered.
            let _ = stream.expect("a connection").read(&mut [0; 8_192]);
        }
    });
    (address, tried)
}

#[test]
fn a_node_that_breaks_is_passed_over_and_nobody_notices() {
    let world = World::new();
    let (broken, tried) = broken_node();
    let nodes = [broken, world.client.http.address];
    let proxy = Proxy::start(LOOPBACK, &nodes, &nodes);
    let client = Arc::new(Client::new(Http::new(proxy.address())));
    let ann = Person::register(&client, "ann");
    let group = ann.creates_group("Lunch", &[]);
    for at in 0..100 {
        let body = json!({ "conversationId": group, "text": at.to_string() });
        assert_eq!(ann.commands("SendMessage", &fresh_id(), &body).status, 200);
    }
    assert_eq!(ann.all_messages(&group).len(), 100);
    let tried = tried.load(Ordering::SeqCst);
    assert!(tried > 3, "the broken node was tried {tried} times");
}
