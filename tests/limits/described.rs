//! What the OpenAPI document says of `/files` is what the server does: each status of each
//! operation is one that it answers, with the headers and the codes that the document names.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chat::files::SIZE_BYTES_MAX;
use serde_json::{Value, json};
use tests::bridge::{Bridge, text};
use tests::files::{fixture, media_worker, sha256};
use tests::{Person, Reply, World, fresh_id};

/// What is not answered here: a server whose ports are away, uploads that two nodes finish at once,
/// and parts that were sealed otherwise (`scenarios/direct.rs`).
const ELSEWHERE: [u16; 3] = [422, 423, 503];

const BYTES: (&str, &str) = ("content-type", "application/offset+octet-stream");

const FILES: &str = "/files";
const FILE: &str = "/files/{id}";
const PARTS: &str = "/files/{id}/parts";
const VARIANT: &str = "/files/{id}/{variant}";

/// The document, and what of it was seen.
struct Described {
    document: Value,
    seen: BTreeSet<(String, String, u16)>,
}

impl Described {
    fn of(world: &World) -> Self {
        let document = world.client.http.get("/v1/openapi.json").json();
        Self { document, seen: BTreeSet::new() }
    }

    /// What the document says of a path that begins like this.
    fn all(&self) -> BTreeSet<(String, String, u16)> {
        let paths = self.document["paths"].as_object().expect("paths");
        let mut all = BTreeSet::new();
        for (path, operations) in paths.iter().filter(|(it, _)| it.starts_with(FILES)) {
            for (method, operation) in operations.as_object().expect("operations") {
                let statuses = operation["responses"].as_object().expect("responses").keys();
                let status = |it: &String| it.parse().expect("a status");
                all.extend(statuses.map(|it| (path.clone(), method.clone(), status(it))));
            }
        }
        all
    }

    /// Follows a reference to a component.
    fn resolved<'a>(&'a self, it: &'a Value) -> &'a Value {
        let Some(place) = it["$ref"].as_str() else { return it };
        self.document.pointer(place.trim_start_matches('#')).expect("a component")
    }

    /// Checks that an operation answers with a status, as the document has it.
    fn answers(&mut self, (method, path): (&str, &str), status: u16, reply: &Reply) {
        let told = || format!("{method} {path} {status}: {reply:?}");
        assert_eq!(reply.status, status, "{}", told());
        let response = &self.document["paths"][path][method]["responses"][status.to_string()];
        assert!(response.is_object(), "{}", told());
        let headers = response["headers"].as_object().into_iter().flatten();
        for (name, header) in headers {
            let needed = self.resolved(header)["required"] == json!(true);
            let there = reply.header(&name.to_ascii_lowercase()).is_some();
            assert!(there || !needed, "{name} is missing: {}", told());
        }
        match response["x-codes"].as_array().filter(|_| method != "head") {
            Some(codes) => {
                let body = reply.json();
                assert!(codes.contains(&body["code"]), "{}", told());
                assert!(body["kind"].is_string() && body["message"].is_string(), "{}", told());
            }
            None if response["content"].is_null() => assert!(reply.body.is_empty(), "{}", told()),
            None => (),
        }
        self.seen.insert((path.to_owned(), method.to_owned(), status));
    }
}

/// Asks without a token.
fn by_nobody(world: &World, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
    let method = method.to_ascii_uppercase();
    world.client.http.request(&method, path, headers, b"").expect("an answer")
}

/// Begins a file without saying how long it is; gives what is answered, unread.
fn unmeasured(world: &World, person: &Person) -> Reply {
    let node = world.node();
    let mut wire = node.connect().expect("a connection");
    let head = format!(
        "POST /files?name=a HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        node.address, person.token
    );
    wire.write_all(head.as_bytes()).expect("sent");
    let mut read = String::new();
    // Whatever closes it, what had come is there.
    let _ = wire.read_to_string(&mut read);
    let (head, body) = read.split_once("\r\n\r\n").expect("a head");
    let mut lines = head.lines();
    let status = lines.next().and_then(|it| it.split(' ').nth(1)?.parse().ok()).expect("a status");
    let pairs = lines.filter_map(|it| it.split_once(": "));
    let headers = pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    Reply { status, headers: headers.collect(), body: body.as_bytes().to_vec() }
}

fn described_of(bytes: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    format!("sha256 {}", STANDARD.encode(digest))
}

/// The people that ask: one who may, one whose application may not upload, and nobody.
struct Asking<'a> {
    world: &'a World,
    ann: Person,
    app: Person,
}

impl<'a> Asking<'a> {
    fn in_world(world: &'a World) -> Self {
        let (owner, ann) = (world.owner("owner"), world.person("ann"));
        let bridge = Bridge::registered(world, &owner, true);
        let token = text(&bridge.tokens(&ann, "chat:read")["access_token"]);
        let app = Person { token, ..ann.on_another_device() };
        Self { world, ann, app }
    }

    fn creating(&self, it: &mut Described) {
        let (ann, post) = (&self.ann, ("post", FILES));
        let by_tus =
            |headers: &[(&str, &str)], body: &[u8]| ann.by_tus("POST", FILES, headers, body);
        it.answers(post, 201, &ann.tries_to_begin("a", "text/plain", 10));
        it.answers(post, 201, &ann.tries_to_upload("a", "text/plain", b"a text"));
        it.answers(post, 400, &by_tus(&[], b""));
        it.answers(post, 400, &ann.tries_to_upload("a", "no type", b"a"));
        it.answers(post, 400, &ann.tries_to_upload(&"n".repeat(256), "", b"a"));
        it.answers(post, 401, &by_nobody(self.world, "POST", FILES, &[("upload-length", "1")]));
        let forged = [("authorization", "Bearer forged")];
        it.answers(post, 401, &by_nobody(self.world, "POST", FILES, &forged));
        it.answers(post, 403, &ann.tries_to_upload("a.exe", "", b"a"));
        it.answers(post, 403, &self.app.tries_to_upload("a", "", b"a"));
        let gone = ann.begins("a", "", 1);
        ann.by_tus("DELETE", &format!("/files/{gone}"), &[], b"");
        let pieces = format!("final;/files/{gone}");
        it.answers(post, 404, &by_tus(&[("upload-concat", pieces.as_str())], b""));
        let key = fresh_id();
        let keyed = |path| ann.at_files("POST", path, &[("idempotency-key", key.as_str())], b"a");
        it.answers(post, 201, &keyed("/files?name=a"));
        it.answers(post, 409, &keyed("/files?name=b"));
        if !tests::files::store_has_address() {
            let direct = [("upload-length", "1"), ("upload-direct", "true")];
            it.answers(post, 409, &by_tus(&direct, b""));
        }
        it.answers(post, 411, &unmeasured(self.world, ann));
        let old = [("tus-resumable", "0.2.2"), ("upload-length", "1")];
        it.answers(post, 412, &ann.at_files("POST", FILES, &old, b""));
        it.answers(post, 413, &ann.tries_to_begin("a", "", SIZE_BYTES_MAX + 1));
        let other = [("upload-length", "1"), ("content-type", "text/plain")];
        it.answers(post, 415, &by_tus(&other, b"a"));
        let wrong = described_of(b"b");
        let wrong = [BYTES, ("upload-length", "1"), ("upload-checksum", wrong.as_str())];
        it.answers(post, 460, &by_tus(&wrong, b"a"));
        let announced = by_nobody(self.world, "OPTIONS", FILES, &[]);
        it.answers(("options", FILES), 200, &announced);
    }

    /// Asking for links to the store.
    fn granting(&self, it: &mut Described) {
        let (ann, post) = (&self.ann, ("post", PARTS));
        let (plain, absent) = (ann.begins("a", "", 1), "file_00000000000000000000000000");
        let asks = |who: &Person, file: &str, body: &[u8]| {
            let kind = [("content-type", "application/json")];
            who.at_files("POST", &format!("/files/{file}/parts"), &kind, body)
        };
        let wish = br#"{"offset":0}"#;
        it.answers(post, 400, &asks(ann, &plain, b"{}"));
        let nobody = by_nobody(self.world, "POST", &format!("/files/{plain}/parts"), &[]);
        it.answers(post, 401, &nobody);
        it.answers(post, 403, &asks(&self.app, &plain, wish));
        it.answers(post, 404, &asks(ann, absent, wish));
        it.answers(post, 409, &asks(ann, &plain, wish));
        if tests::files::store_has_address() {
            let direct = [("upload-length", "1"), ("upload-direct", "true")];
            let begun = ann.by_tus("POST", FILES, &direct, b"");
            let place = begun.header("location").expect("a place");
            let file = place.strip_prefix("/files/").expect("a path");
            it.answers(post, 201, &asks(ann, file, wish));
        }
    }

    /// Sending bytes, by the method of tus or by the one that proxies let through.
    fn taking(&self, it: &mut Described, method: &str) {
        let ann = &self.ann;
        let operation = (method, FILE);
        let asks = |who: &Person, file: &str, headers: &[(&str, &str)], body: &[u8]| {
            let path = format!("/files/{file}");
            let meant = [("x-http-method-override", "PATCH")];
            let more: &[_] = if method == "post" { &meant } else { &[] };
            who.at_files(&method.to_ascii_uppercase(), &path, &[headers, more].concat(), body)
        };
        let tus = ("tus-resumable", "1.0.0");
        let at = |offset: &'static str| [tus, BYTES, ("upload-offset", offset)];
        let id = ann.begins("a", "", 10);
        it.answers(operation, 204, &asks(ann, &id, &at("0"), b"1234"));
        it.answers(operation, 400, &asks(ann, &id, &[tus, BYTES], b"5"));
        it.answers(operation, 401, &by_nobody(self.world, method, &format!("/files/{id}"), &[tus]));
        it.answers(operation, 403, &asks(&self.app, &id, &at("4"), b"5"));
        it.answers(operation, 404, &asks(ann, "none", &at("0"), b"5"));
        it.answers(operation, 409, &asks(ann, &id, &at("3"), b"5"));
        let old = [("tus-resumable", "0.2.2"), BYTES, ("upload-offset", "4")];
        it.answers(operation, 412, &asks(ann, &id, &old, b"5"));
        it.answers(operation, 413, &asks(ann, &id, &at("4"), b"5678901"));
        let other = [tus, ("content-type", "text/plain"), ("upload-offset", "4")];
        it.answers(operation, 415, &asks(ann, &id, &other, b"5"));
        let wrong = described_of(b"other");
        let wrong = [&at("4")[..], &[("upload-checksum", wrong.as_str())]].concat();
        it.answers(operation, 460, &asks(ann, &id, &wrong, b"5"));
        let partial = [("upload-concat", "partial"), ("upload-length", "1"), BYTES];
        let piece = ann.by_tus("POST", FILES, &partial, b"a");
        let piece = piece.header("location").expect("a location");
        let made = [("upload-concat", &*format!("final;{piece}"))];
        let made = ann.by_tus("POST", FILES, &made, b"");
        let made = made.header("location").and_then(|it| it.strip_prefix("/files/"));
        it.answers(operation, 403, &asks(ann, made.expect("a path"), &at("1"), b""));
        if method == "post" {
            let bare = ann.by_tus("POST", &format!("/files/{id}"), &[BYTES], b"5");
            it.answers(operation, 405, &bare);
        }
    }

    fn ending(&self, it: &mut Described) {
        let (ann, operation) = (&self.ann, ("delete", FILE));
        let path = format!("/files/{}", ann.begins("a", "", 10));
        it.answers(operation, 401, &by_nobody(self.world, "DELETE", &path, &[]));
        it.answers(operation, 403, &self.app.by_tus("DELETE", &path, &[], b""));
        let old = [("tus-resumable", "0.2.2")];
        it.answers(operation, 412, &ann.at_files("DELETE", &path, &old, b""));
        it.answers(operation, 204, &ann.by_tus("DELETE", &path, &[], b""));
        it.answers(operation, 404, &ann.by_tus("DELETE", &path, &[], b""));
    }

    fn asking_after(&self, it: &mut Described) {
        let (ann, operation) = (&self.ann, ("head", FILE));
        let path = format!("/files/{}", ann.begins("a", "", 10));
        let asked = ann.by_tus("HEAD", &path, &[], b"");
        it.answers(operation, 200, &asked);
        let told = &it.document["paths"][FILE]["head"]["responses"]["200"]["headers"];
        for name in ["Upload-Offset", "Upload-Expires", "Upload-Length", "Upload-Metadata"] {
            assert!(told[name].is_object(), "{name}");
            assert!(asked.header(&name.to_ascii_lowercase()).is_some(), "{name}");
        }
        let tus = [("tus-resumable", "1.0.0")];
        it.answers(operation, 401, &by_nobody(self.world, "HEAD", &path, &tus));
        it.answers(operation, 403, &self.app.by_tus("HEAD", &path, &[], b""));
        it.answers(operation, 404, &ann.by_tus("HEAD", "/files/none", &[], b""));
        let old = [("tus-resumable", "0.2.2")];
        it.answers(operation, 412, &ann.at_files("HEAD", &path, &old, b""));
    }

    /// Following a link to what is longer than a byte.
    fn following(&self, it: &mut Described, path: &str, link: &str) {
        for method in ["get", "head"] {
            let operation = (method, path);
            let asks = |link: &str, headers: &[_]| by_nobody(self.world, method, link, headers);
            let whole = asks(link, &[]);
            it.answers(operation, 200, &whole);
            it.answers(operation, 206, &asks(link, &[("range", "bytes=0-0")]));
            let tag = whole.header("etag").expect("a tag");
            it.answers(operation, 304, &asks(link, &[("if-none-match", tag)]));
            it.answers(operation, 404, &asks(&link.replace("sign=", "sign=0"), &[]));
            it.answers(operation, 416, &asks(link, &[("range", "bytes=9999999-")]));
        }
    }
}

/// Asks until no more is answered.
fn beyond_the_rate(it: &mut Described, file: &str) {
    let world = World::with(|it| it.rate_per_ip = 3);
    let all = it.all().into_iter().filter(|(_, _, status)| *status == 429);
    for (path, method, status) in all.collect::<Vec<_>>() {
        let place = path.replace("{id}", file).replace("{variant}", "96.webp");
        let ask = || by_nobody(&world, &method, &place, &[]);
        let mut refused = ask();
        while refused.status != status {
            refused = ask();
        }
        assert!(refused.header("retry-after").is_some(), "{refused:?}");
        it.answers((&method, &path), status, &refused);
    }
}

#[test]
fn files_are_answered_as_they_are_described() {
    let folder = tempfile::tempdir().expect("a folder");
    let world = World::with(|it| {
        it.refused_files = vec![".exe".to_owned()];
        it.media = true;
        it.media_worker = Some(media_worker());
        it.media_folder = Some(folder.path().to_owned());
    });
    let mut it = Described::of(&world);
    let asking = Asking::in_world(&world);
    asking.creating(&mut it);
    asking.taking(&mut it, "patch");
    asking.taking(&mut it, "post");
    asking.granting(&mut it);
    asking.ending(&mut it);
    asking.asking_after(&mut it);
    let ann = &asking.ann;
    let picture = fixture("base.png");
    let file = ann.uploads("a.png", "image/png", &picture);
    asking.following(&mut it, FILE, &ann.link(&file));
    assert_eq!(sha256(&ann.follows(&ann.link(&file), &[]).body), sha256(&picture));
    let variants = ann.looked_into(&file)["variants"].clone();
    asking.following(&mut it, VARIANT, variants[0]["url"].as_str().expect("a link"));
    beyond_the_rate(&mut it, &file);
    let mut missing = it.all();
    missing.retain(|one| !it.seen.contains(one) && !ELSEWHERE.contains(&one.2));
    // A folder has no address to put parts at.
    missing.retain(|(path, _, status)| {
        tests::files::store_has_address() || (path.as_str(), *status) != (PARTS, 201)
    });
    assert!(missing.is_empty(), "nobody answers so: {missing:?}");
}
