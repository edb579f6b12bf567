//! Large files stay in the parts that they came in: read whole and by the span, looked through, and
//! nothing else of them is left.

use std::io::{Read as _, Write as _};

use serde_json::json;
use tests::files::sha256;
use tests::servers::clamd::{Clamd, harmful};
use tests::{Person, World, at_once, until};

const MIB: usize = 1 << 20;

/// More than what is put together, by less than a chunk.
const SIZE: usize = 16 * MIB + 12_345;

/// The bytes of a file, of which there are many.
fn film(which: u64) -> Vec<u8> {
    let word = |at: u64| (at ^ which << 40).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes();
    let mut bytes: Vec<u8> = (0..SIZE as u64 / 8 + 1).flat_map(word).collect();
    bytes.truncate(SIZE);
    bytes
}

fn begins(person: &Person) -> String {
    person.begins("film.mp4", "", SIZE as u64)
}

/// Sends the bytes up to each of these ends, each time in a request.
fn sends(person: &Person, id: &str, film: &[u8], ends: &[usize]) {
    for end in ends {
        let at = person.offset(id).expect("an upload") as usize;
        assert_eq!(person.patches(id, at as u64, &[], &film[at..*end]).status, 204);
    }
}

/// It is loaded whole, and by spans at the borders of its parts.
fn is_read(person: &Person, id: &str, film: &[u8], borders: &[usize]) {
    let link = person.link(id);
    assert!(person.follows(&link, &[]).body == film, "it is another");
    for border in borders {
        let (from, to) = (border - 70_000, (border + 70_000).min(SIZE - 1));
        let range = format!("bytes={from}-{to}");
        let part = person.follows(&link, &[("range", range.as_str())]);
        assert!(part.status == 206 && part.body == film[from..=to], "{range}");
    }
    assert_eq!(person.file(id)["sha256"], sha256(film));
}

#[test]
fn a_large_file_is_its_parts_and_their_list_until_it_is_over() {
    let world = World::new();
    let ann = world.person("ann");
    let film = film(1);
    let first = begins(&ann);
    sends(&ann, &first, &film, &[3 * MIB]);
    let (at, left) = (3 * MIB as u64, (SIZE - 3 * MIB) as u64);
    ann.is_cut_off(&world.node(), &first, at, left, &film[3 * MIB..4 * MIB]);
    sends(&ann, &first, &film, &[SIZE]);
    let borders = [3 * MIB, 4 * MIB, 12 * MIB, SIZE - 1];
    is_read(&ann, &first, &film, &borders);
    // Four parts: the last request made two of what it sent.
    world.waits_for_blobs(&first, 5);
    // The same again is another name for it.
    let second = begins(&ann);
    sends(&ann, &second, &film, &[SIZE]);
    is_read(&ann, &second, &film, &borders);
    world.waits_for_blobs(&second, 0);
    assert_eq!(ann.by_tus("DELETE", &format!("/files/{first}"), &[], b"").status, 204);
    is_read(&ann, &second, &film, &borders);
    world.waits_for_blobs(&first, 5);
    assert_eq!(ann.by_tus("DELETE", &format!("/files/{second}"), &[], b"").status, 204);
    world.waits_for_blobs_of(&[&first, &second], 0);
    assert_eq!(ann.storage(), (0, 0, 0));
}

#[test]
fn what_was_forgotten_by_a_restart_is_read_again() {
    let mut world = World::new();
    let ann = world.person("ann");
    let film = film(2);
    let id = begins(&ann);
    sends(&ann, &id, &film, &[5 * MIB, 9 * MIB]);
    world.restarts();
    sends(&ann, &id, &film, &[SIZE]);
    is_read(&ann, &id, &film, &[5 * MIB, 9 * MIB]);
    world.restarts();
    is_read(&ann, &id, &film, &[5 * MIB, 9 * MIB]);
    world.waits_for_blobs(&id, 4);
}

#[test]
fn of_requests_beside_each_other_that_say_otherwise_one_is_whole() {
    let world = World::new();
    let ann = world.person("ann");
    let films = [film(3), film(4)];
    let id = begins(&ann);
    let (who, file) = (&ann, &id);
    let sent = at_once(films.iter().map(|it| move || who.patches(file, 0, &[], it).status));
    assert!(sent.contains(&204), "{sent:?}");
    let loaded = ann.follows(&ann.link(&id), &[]).body;
    // What it is called is what it is, part by part as they count.
    assert_eq!(ann.file(&id)["sha256"], sha256(&loaded));
    let mut parts = loaded.chunks(8 * MIB).enumerate();
    let comes_from =
        |at: usize, part: &[u8]| films.iter().any(|it| it[at * 8 * MIB..].starts_with(part));
    assert!(parts.all(|(at, part)| comes_from(at, part)), "parts are mixed");
    world.waits_for_blobs(&id, 4);
}

#[test]
fn who_comes_too_late_takes_nothing_away() {
    let world = World::new();
    let ann = world.person("ann");
    let film = film(6);
    let id = begins(&ann);
    let mut late = ann.stalls(&world.node(), &id, 0, SIZE as u64, &film[..9 * MIB]);
    until("no part is stored", || ann.offset(&id) == Some(8 * MIB as u64));
    sends(&ann, &id, &film, &[SIZE]);
    // The rest of its second part, which ends it.
    let _ = late.write_all(&film[9 * MIB..]);
    let mut status = [0; 12];
    late.read_exact(&mut status).expect("an answer");
    assert_eq!(status, *b"HTTP/1.1 404");
    is_read(&ann, &id, &film, &[8 * MIB]);
    world.waits_for_blobs(&id, 4);
}

#[test]
fn a_scanner_looks_through_all_of_it() {
    let daemon = Clamd::start();
    let address = daemon.address();
    let world = World::with(|it| it.scanner = Some(address));
    let ann = world.person("ann");
    let mut film = film(5);
    let clean = begins(&ann);
    sends(&ann, &clean, &film, &[7 * MIB, SIZE]);
    is_read(&ann, &clean, &film, &[7 * MIB]);
    let harmful = harmful();
    film[9 * MIB..][..harmful.len()].copy_from_slice(&harmful);
    let id = begins(&ann);
    sends(&ann, &id, &film, &[7 * MIB]);
    let refused = ann.patches(&id, 7 * MIB as u64, &[], &film[7 * MIB..]);
    assert_eq!((refused.status, &refused.json()["code"]), (403, &json!("FILES_REFUSED")));
    world.waits_for_blobs(&id, 0);
}
