//! Files: uploaded over connections that break, sealed where they are kept, and loaded by those
//! who may.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tests::canary::{forms, holds};
use tests::files::sha256;
use tests::{Dice, World, at_once, fresh_id, until};

const DAY: Duration = Duration::from_secs(24 * 3_600);

fn bytes(count: usize) -> Vec<u8> {
    let mut dice = Dice::new(count as u64);
    (0..count).map(|_| dice.below(256) as u8).collect()
}

#[test]
fn a_file_comes_in_one_request_and_is_loaded_by_a_link() {
    let world = World::new();
    let [ann, eve] = world.people(["ann", "eve"]);
    let cat = bytes(200_000);
    let id = ann.uploads("cat ä.png", "image/png", &cat);
    let file = ann.file(&id);
    assert_eq!(file["state"], "UPLOADED");
    assert_eq!((&file["name"], &file["mediaType"]), (&json!("cat ä.png"), &json!("image/png")));
    assert_eq!((&file["sizeBytes"], &file["sha256"]), (&json!("200000"), &json!(sha256(&cat))));
    assert_eq!(ann.storage(), (200_000, 1, 0));
    assert_eq!(eve.file(&id), Value::Null);
    let loaded = ann.follows(&ann.link(&id), &[]);
    assert_eq!((loaded.status, sha256(&loaded.body)), (200, sha256(&cat)));
    for (name, value) in [
        ("content-type", "image/png"),
        ("content-disposition", "inline; filename*=UTF-8''cat%20%C3%A4.png"),
        ("x-content-type-options", "nosniff"),
        ("accept-ranges", "bytes"),
        ("cache-control", "private, max-age=50, no-transform"),
    ] {
        assert_eq!(loaded.header(name), Some(value));
    }
    let policy = loaded.header("content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'; sandbox;"), "{policy}");
    let page = ann.uploads("page.html", "text/html", b"<script>alert(1)</script>");
    let loaded = ann.follows(&ann.link(&page), &[]);
    assert_eq!(loaded.header("content-type"), Some("application/octet-stream"));
    assert!(loaded.header("content-disposition").expect("one").starts_with("attachment"));
    let empty = ann.uploads("", "", b"");
    let loaded = ann.follows(&ann.link(&empty), &[]);
    assert_eq!((loaded.status, loaded.body), (200, Vec::new()));
    assert_eq!(ann.file(&empty)["name"], "file");
}

#[test]
fn the_same_request_again_is_the_same_file() {
    let world = World::new();
    let ann = world.person("ann");
    let id = fresh_id();
    let again = || {
        let headers = [("idempotency-key", id.as_str()), ("content-type", "text/plain")];
        ann.at_files("POST", "/files?name=a", &headers, b"text").json()["id"].clone()
    };
    assert_eq!(again(), again());
    assert_eq!(ann.storage(), (4, 1, 0));
    let other = [("idempotency-key", id.as_str()), ("content-type", "text/plain")];
    let reply = ann.at_files("POST", "/files?name=b", &other, b"text");
    assert_eq!((reply.status, &reply.json()["code"]), (409, &json!("IDEMPOTENCY_MISMATCH")));
}

#[test]
fn any_span_of_a_file_is_loaded() {
    let world = World::new();
    let ann = world.person("ann");
    let cat = bytes(200_000);
    let id = ann.uploads("cat.png", "image/png", &cat);
    let link = ann.link(&id);
    let mut dice = Dice::new(7);
    for _ in 0..20 {
        let from = dice.below(200_000);
        let to = from + dice.below(200_000 - from);
        let loaded = ann.follows(&link, &[("range", &format!("bytes={from}-{to}"))]);
        assert_eq!(loaded.status, 206);
        assert!(loaded.body == cat[from..=to], "{from}-{to}");
        let told = format!("bytes {from}-{to}/200000");
        assert_eq!(loaded.header("content-range"), Some(told.as_str()));
    }
    let last = ann.follows(&link, &[("range", "bytes=-1")]);
    assert_eq!((last.status, &last.body[..]), (206, &cat[199_999..]));
    let several = ann.follows(&link, &[("range", "bytes=0-1,5-6")]);
    assert_eq!((several.status, several.body.len()), (200, 200_000));
    let behind = ann.follows(&link, &[("range", "bytes=200000-")]);
    assert_eq!((behind.status, behind.header("content-range")), (416, Some("bytes */200000")));
    let tag = last.header("etag").expect("a tag").to_owned();
    let known = ann.follows(&link, &[("if-none-match", &tag)]);
    assert_eq!((known.status, known.body.len()), (304, 0));
    let current = ann.follows(&link, &[("range", "bytes=0-0"), ("if-range", &tag)]);
    assert_eq!(current.status, 206);
    let other = ann.follows(&link, &[("range", "bytes=0-0"), ("if-range", "\"other\"")]);
    assert_eq!((other.status, other.body.len()), (200, 200_000));
    let head = ann.client.http.request("HEAD", &link, &[], b"").expect("the server answers");
    assert_eq!((head.status, head.header("content-length")), (200, Some("200000")));
}

#[test]
fn a_link_is_good_for_one_file_one_session_and_less_than_a_minute() {
    let world = World::new();
    let [ann, eve] = world.people(["ann", "eve"]);
    let [id, other] = ["a", "b"].map(|it| ann.uploads(it, "text/plain", it.as_bytes()));
    let link = ann.link(&id);
    let status = |link: &str| ann.follows(link, &[]).status;
    assert_eq!(status(&link), 200);
    let (_, query) = link.split_once('?').expect("a query");
    let (start, sign) = link.rsplit_once('=').expect("a signature");
    let flipped = if sign.starts_with('0') { '1' } else { '0' };
    let replayed = [
        format!("/files/{other}?{query}"),
        format!("/files/{id}"),
        format!("{start}={flipped}{}", &sign[1..]),
        format!("{start}="),
        link.replace(&ann.id, &eve.id),
        link.replace("until=", "until=1"),
        link.replace("/files/file_", "/files/acc_"),
    ];
    for it in replayed {
        assert_eq!(status(&it), 404, "{it}");
    }
    let phone = ann.on_another_device();
    let on_phone = phone.link(&id);
    assert_eq!(status(&on_phone), 200);
    phone.does("signOut", json!({}), "sessionId");
    assert_eq!((status(&on_phone), status(&link)), (404, 200));
    world.passes(Duration::from_secs(49));
    assert_eq!(status(&link), 200);
    world.passes(Duration::from_secs(2));
    assert_eq!(status(&link), 404);
    let link = ann.link(&id);
    let input = json!({ "fileId": id });
    ann.does("terminateUpload", input, "file { id state }");
    assert_eq!(status(&link), 404);
}

#[test]
fn an_upload_that_is_cut_off_goes_on_where_it_was_also_after_a_restart() {
    let mut world = World::new();
    let ann = world.person("ann");
    let film = bytes(3 << 20);
    let id = ann.begins("film.mp4", "video/mp4", film.len() as u64);
    let (mut dice, mut at) = (Dice::new(9), 0_usize);
    for cut in 0..12 {
        let left = film.len() - at;
        let sent = (dice.below(500_000) + 1).min(left - 1);
        let node = world.node();
        ann.is_cut_off(&node, &id, at as u64, left as u64, &film[at..at + sent]);
        at += sent;
        if left <= 2 {
            break;
        }
        if cut % 6 == 5 {
            world.restarts();
            assert_eq!(ann.offset(&id), Some(at as u64), "nothing that was kept is lost");
        }
    }
    assert_eq!(ann.file(&id)["state"], "UPLOADING");
    let reply = ann.patches(&id, at as u64, &[], &film[at..]);
    let whole = film.len().to_string();
    assert_eq!((reply.status, reply.header("upload-offset")), (204, Some(whole.as_str())));
    let loaded = ann.follows(&ann.link(&id), &[]);
    assert_eq!(sha256(&loaded.body), sha256(&film));
    assert_eq!(ann.file(&id)["sha256"], sha256(&film));
    assert_eq!(ann.offset(&id), Some(film.len() as u64));
    world.waits_for_blobs(&id, 1);
}

#[test]
fn requests_beside_each_other_make_one_whole_file() {
    let world = World::new();
    let ann = world.person("ann");
    let film = bytes(1 << 20);
    let id = ann.begins("film.mp4", "video/mp4", film.len() as u64);
    let mut dice = Dice::new(3);
    for _ in 0..8 {
        let at = ann.offset(&id).expect("an upload") as usize;
        let ends: Vec<usize> = (0..4).map(|_| at + dice.below((film.len() - at) / 2 + 1)).collect();
        let (ann, id, film) = (&ann, &id, &film);
        let sent =
            at_once(ends.iter().map(|end| {
                move || (*end, ann.patches(id, at as u64, &[], &film[at..*end]).status)
            }));
        let kept = sent.iter().filter(|(_, status)| *status == 204).map(|(end, _)| *end).max();
        let now = ann.offset(id).expect("an upload") as usize;
        assert!(Some(now) >= kept, "what was acknowledged is kept: {now} {sent:?}");
        assert!(sent.iter().all(|(_, status)| [204, 409].contains(status)), "{sent:?}");
    }
    let at = ann.offset(&id).expect("an upload");
    let last = at_once([(); 3].map(|()| {
        let (ann, id, film) = (&ann, &id, &film);
        move || ann.patches(id, at, &[], &film[at as usize..]).status
    }));
    assert!(last.contains(&204), "{last:?}");
    assert!(last.iter().all(|it| [204, 409, 423].contains(it)), "{last:?}");
    let loaded = ann.follows(&ann.link(&id), &[]);
    assert_eq!(sha256(&loaded.body), sha256(&film));
    world.waits_for_blobs(&id, 1);
}

#[test]
fn the_protocol_is_kept_to_the_letter() {
    let world = World::new();
    let [ann, eve] = world.people(["ann", "eve"]);
    for path in ["/files", "/files/"] {
        let told = ann.client.http.request("OPTIONS", path, &[], b"").expect("an answer");
        assert_eq!(told.header("tus-version"), Some("1.0.0"));
        assert_eq!(told.header("tus-max-size"), Some("2147483648"));
        let extensions =
            "creation,creation-with-upload,expiration,checksum,termination,concatenation";
        assert_eq!(told.header("tus-extension"), Some(extensions));
        assert_eq!(told.header("tus-checksum-algorithm"), Some("sha1,sha256"));
    }
    let id = ann.begins("a", "text/plain", 10);
    let path = format!("/files/{id}");
    let head = ann.by_tus("HEAD", &path, &[], b"");
    assert_eq!(head.status, 200);
    for (name, value) in [
        ("upload-offset", "0"),
        ("upload-length", "10"),
        ("cache-control", "no-store"),
        ("tus-resumable", "1.0.0"),
        ("upload-metadata", "filename YQ==,filetype dGV4dC9wbGFpbg=="),
    ] {
        assert_eq!(head.header(name), Some(value), "{name}");
    }
    let expires = head.header("upload-expires").expect("a time");
    assert!(expires.ends_with(" GMT") && expires.len() == 29, "{expires}");
    let bytes = [("content-type", "application/offset+octet-stream"), ("upload-offset", "0")];
    let old = [&bytes[..], &[("tus-resumable", "0.2.2")]].concat();
    let refused = ann.at_files("PATCH", &path, &old, b"x");
    assert_eq!((refused.status, refused.header("tus-version")), (412, Some("1.0.0")));
    assert_eq!(ann.patches(&id, 1, &[], b"x").status, 409);
    assert_eq!(ann.patches(&id, 0, &[], b"12345678901").status, 413);
    let json = [("content-type", "application/json"), ("upload-offset", "0")];
    assert_eq!(ann.by_tus("PATCH", &path, &json, b"x").status, 415);
    assert_eq!(ann.by_tus("PATCH", &path, &bytes[..1], b"x").status, 400);
    assert_eq!(ann.by_tus("POST", "/files", &[], b"").status, 400);
    assert_eq!(eve.patches(&id, 0, &[], b"x").status, 404);
    assert_eq!(eve.by_tus("HEAD", &path, &[], b"").status, 404);
    assert_eq!(eve.by_tus("DELETE", &path, &[], b"").status, 404);
    let nobody = ann.client.http.request("PATCH", &path, &bytes, b"x").expect("an answer");
    assert_eq!(nobody.status, 401);
    let overridden = [&bytes[..], &[("x-http-method-override", "PATCH")]].concat();
    assert_eq!(ann.by_tus("POST", &path, &overridden, b"12345").status, 204);
    assert_eq!(ann.offset(&id), Some(5));
    assert_eq!(ann.by_tus("DELETE", &path, &[], b"").status, 204);
    assert_eq!(ann.by_tus("HEAD", &path, &[], b"").status, 404);
    assert_eq!(ann.patches(&id, 5, &[], b"67890").status, 404);
    world.waits_for_blobs(&id, 0);
    let with = [&bytes[..1], &[("upload-length", "5")]].concat();
    let created = ann.by_tus("POST", "/files/", &with, b"hello");
    assert_eq!((created.status, created.header("upload-offset")), (201, Some("5")));
    let location = created.header("location").expect("a location");
    let id = location.strip_prefix("/files/").expect("a path");
    assert_eq!(ann.file(id)["sha256"], sha256(b"hello"));
}

#[test]
fn bytes_with_another_checksum_are_not_kept() {
    let world = World::new();
    let ann = world.person("ann");
    let film = bytes(9 << 20);
    let id = ann.begins("film.mp4", "video/mp4", film.len() as u64);
    let digest = |bytes: &[u8]| {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
        format!("sha256 {}", STANDARD.encode(digest))
    };
    let sends = |checksum: &str| ann.patches(&id, 0, &[("upload-checksum", checksum)], &film);
    assert_eq!(sends(&digest(b"other")).status, 460);
    assert_eq!(ann.offset(&id), Some(0));
    assert_eq!(sends("md5 AAAA").status, 400);
    assert_eq!(sends("sha256 !").status, 400);
    let sha1 =
        aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &film[..100]);
    let sha1 = format!("sha1 {}", STANDARD.encode(sha1));
    let first = ann.patches(&id, 0, &[("upload-checksum", &sha1)], &film[..100]);
    assert_eq!(first.status, 204);
    // Longer than a part may be.
    let rest = digest(&film[100..]);
    let rest = ann.patches(&id, 100, &[("upload-checksum", &rest)], &film[100..]);
    assert_eq!(rest.status, 204);
    let loaded = ann.follows(&ann.link(&id), &[]);
    assert_eq!(sha256(&loaded.body), sha256(&film));
    world.waits_for_blobs(&id, 1);
}

#[test]
fn what_is_not_finished_or_not_used_ends_by_itself_and_leaves_no_blob() {
    let world = World::new();
    let ann = world.person("ann");
    let slow = ann.begins("slow", "text/plain", 10);
    assert_eq!(ann.patches(&slow, 0, &[], b"12345").status, 204);
    let unused = ann.uploads("unused", "text/plain", b"unused");
    world.waits_for_blobs(&unused, 1);
    assert_eq!(ann.storage(), (16, 1, 1));
    world.passes(DAY - Duration::from_secs(60));
    let ann = ann.on_another_device();
    assert_eq!(ann.file(&unused)["state"], "UPLOADED");
    world.passes(Duration::from_secs(120));
    ann.waits_until_gone(&unused);
    world.waits_for_blobs(&unused, 0);
    world.passes(DAY * 6 - Duration::from_secs(120));
    let ann = ann.on_another_device();
    assert_eq!(ann.offset(&slow), Some(5));
    world.passes(Duration::from_secs(120));
    ann.waits_until_gone(&slow);
    world.waits_for_blobs(&slow, 0);
    assert_eq!(ann.storage(), (0, 0, 0));
    // What is over is forgotten once its blobs are deleted.
    let forgotten = || [&slow, &unused].iter().all(|it| ann.file(it).is_null());
    until("it is still remembered", forgotten);
}

#[test]
fn what_the_operator_keeps_for_days_only_leaves_its_message_behind() {
    let world = World::with(|it| it.files_kept_days = 3);
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let file = ann.uploads("cat.txt", "text/plain", b"a cat");
    let message = ann.attaches(&group, &[(&file, "DOCUMENT")], json!({ "text": "look" }));
    world.passes(DAY * 3 - Duration::from_secs(60));
    let bob = bob.on_another_device();
    assert_eq!(bob.attached_links(&message).len(), 1);
    world.passes(Duration::from_secs(120));
    let ann = ann.on_another_device();
    ann.waits_until_gone(&file);
    world.waits_for_blobs(&file, 0);
    let bob = bob.on_another_device();
    assert_eq!(bob.attached(&message)["attachments"][0]["file"], json!(null));
    let text = "query($id: ID!) { message(id: $id) { text deleted } }";
    let left = bob.asks(text, json!({ "id": message })).data()["message"].clone();
    assert_eq!(left, json!({ "text": "look", "deleted": false }));
}

#[test]
fn nothing_that_is_stored_holds_a_name_or_contents() {
    let world = World::new();
    let ann = world.person("ann");
    let canary = |it: &str| format!("canaryword{it}{}", fresh_id().replace('-', "x"));
    let [name, small, large] = ["n", "s", "l"].map(canary);
    let names = format!("{name}.txt");
    let file = ann.uploads(&names, "text/plain", small.repeat(5_000).as_bytes());
    let text = large.repeat(5_000);
    let open = ann.begins(&names, "text/plain", text.len() as u64 + 1);
    assert_eq!(ann.patches(&open, 0, &[], text.as_bytes()).status, 204);
    assert!(world.blobs_of(&file) > 0 && world.blobs_of(&open) > 0);
    let digest = sha256(small.repeat(5_000).as_bytes());
    assert_eq!(ann.file(&file)["sha256"], digest);
    for word in [&name, &small, &large, &digest] {
        let forms = forms(word);
        let stored = world.stored();
        let found: Vec<_> = stored.iter().filter(|(_, it)| holds(it, &forms)).collect();
        assert!(found.is_empty(), "{:?}", found.iter().map(|it| &it.0).collect::<Vec<_>>());
    }
}

#[test]
fn the_owners_own_devices_are_told_of_a_file() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let (mut phone, mut other) = (ann.on_another_device().subscribes(), bob.subscribes());
    let id = ann.uploads("a", "text/plain", b"text");
    let begun = phone.next();
    assert_eq!((begun.event(), &begun.change()["__typename"]), ("UploadBegun", &json!("File")));
    assert_eq!(phone.next().event(), "FileUploaded");
    assert_eq!(ann.file(&id)["state"], "UPLOADED");
    let saved = bob.opens_direct(&bob);
    let sent = bob.sends(&saved, "hi");
    while other.next().seq() != sent.seq {}
}
