//! Uploads that are made of others, which came beside each other.

use serde_json::json;
use tests::files::sha256;
use tests::{Dice, World, at_once};

fn film() -> Vec<u8> {
    let mut dice = Dice::new(5);
    (0..600_000).map(|_| dice.below(256) as u8).collect()
}

#[test]
fn pieces_that_come_beside_each_other_are_one_file() {
    let world = World::new();
    let [ann, eve] = world.people(["ann", "eve"]);
    let film = film();
    let piece = |bytes: &[u8], told: &[u8]| {
        let length = told.len().to_string();
        let kind = "application/offset+octet-stream";
        let headers = [
            ("upload-concat", "partial"),
            ("upload-length", length.as_str()),
            ("content-type", kind),
        ];
        let made = ann.by_tus("POST", "/files", &headers, bytes);
        assert_eq!(made.status, 201);
        made.header("location").expect("a location").to_owned()
    };
    let (first, second) = film.split_at(250_000);
    let pieces = at_once([first, second].map(|it| move || piece(it, it)));
    let made = |who: &tests::Person, list: &str| {
        let concat = format!("final;{list}");
        let headers = [("upload-concat", concat.as_str()), ("upload-metadata", "filename YQ==")];
        who.by_tus("POST", "/files", &headers, b"")
    };
    let list = pieces.join(" ");
    let head = ann.by_tus("HEAD", &pieces[0], &[], b"");
    assert_eq!(
        (head.header("upload-concat"), head.header("upload-offset")),
        (Some("partial"), Some("250000"))
    );
    assert_eq!(ann.file(&pieces[0]["/files/".len()..])["state"], "UPLOADING");
    assert_eq!(made(&eve, &list).status, 404);
    let short = piece(&first[..9], first);
    assert_eq!(made(&ann, &format!("{} {short}", pieces[0])).status, 400);
    let many = [pieces[0].as_str(); 51].join(" ");
    assert_eq!(made(&ann, &many).json()["code"], "FILES_TOO_MANY_PIECES");
    for wrong in ["", "/files/x", &list[1..20]] {
        assert_eq!(made(&ann, wrong).status, 400, "{wrong}");
    }
    let whole = made(&ann, &format!("http://chat.example{} {}", pieces[0], pieces[1]));
    assert_eq!((whole.status, whole.header("upload-offset")), (201, Some("600000")));
    let place = whole.header("location").expect("a location");
    let id = place.strip_prefix("/files/").expect("a path");
    assert_eq!(sha256(&ann.follows(&ann.link(id), &[]).body), sha256(&film));
    assert_eq!(
        (ann.file(id)["name"].clone(), ann.file(id)["sha256"].clone()),
        (json!("a"), json!(sha256(&film)))
    );
    let head = ann.by_tus("HEAD", place, &[], b"");
    assert_eq!(head.header("upload-concat"), Some(format!("final;{list}").as_str()));
    assert_eq!(ann.patches(id, 600_000, &[], b"").status, 403);
    for piece in &pieces {
        let piece = &piece["/files/".len()..];
        assert_eq!(ann.offset(piece), None);
        world.waits_for_blobs(piece, 0);
    }
    assert_eq!(ann.storage(), (600_000 + 250_000, 1, 1));
}
