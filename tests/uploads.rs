//! The largest upload there may be, over broken connections and kill -9: it goes on where it was,
//! costs little memory, and is the same file. A part of `make soak`.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use ports::clock::Stopwatch;
use tests::{Client, Dice, Http, Person, Program, TOO_LONG, Way};

/// MiB of the file.
const MIB: u64 = 2_048;

/// Times that the connection is broken, and of those how often the program is killed, too.
const CUTS: u64 = 100;
const KILLS: u64 = 10;

/// What the program may grow by while it takes and gives the file.
const GROWTH_KIB_MAX: u64 = 64 << 10;

/// Bytes that are sent or asked for at once.
const PIECE: u64 = 1 << 20;

/// The bytes of the file at a place: nothing repeats, and nobody holds all of them.
fn bytes(from: u64, to: u64) -> Vec<u8> {
    let word = |at: u64| (at ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes();
    let words: Vec<[u8; 8]> = (from / 8..to.div_ceil(8)).map(word).collect();
    let (skip, take) = ((from % 8) as usize, usize::try_from(to - from).expect("it fits"));
    words.as_flattened()[skip..skip + take].to_vec()
}

/// Most memory that a program had since it began, in KiB.
fn peak_kib(program: &Program) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{}/status", program.pid()));
    let told = told.expect("the program runs");
    let line = told.lines().find(|it| it.starts_with("VmHWM:")).expect("a line");
    let number = line.split_whitespace().nth(1).and_then(|it| it.parse().ok());
    number.expect("a number")
}

/// How far the upload has come, once the program tells.
fn offset(ann: &Person, file: &str) -> u64 {
    let started = Stopwatch::start();
    loop {
        if let Some(offset) = ann.offset(file) {
            return offset;
        }
        assert!(started.seconds() < TOO_LONG.as_secs_f64(), "the upload is lost");
    }
}

/// What a program takes that has done everything once.
fn warm_kib(program: &Program, ann: &Person) -> u64 {
    let small = ann.uploads("small", "text/plain", &bytes(0, PIECE));
    ann.follows(&ann.link(&small), &[]);
    peak_kib(program)
}

#[test]
fn a_file_cut_a_hundred_times_over_kills_is_the_same_and_costs_little_memory() {
    let size = MIB << 20;
    let folder = tempfile::tempdir().expect("a folder");
    let mut program = Program::serve(folder.path(), 0);
    let port = program.address.port();
    let client = Arc::new(Client::new(Http::new(program.address)));
    let ann = Person::register(&client, "ann");
    let id = ann.begins("film.mp4", "video/mp4", size);
    let (mut dice, mut grown, mut before) = (Dice::new(100), 0, warm_kib(&program, &ann));
    for cut in 1..=CUTS {
        let at = offset(&ann, &id);
        let most = (size - at) / (CUTS + 1 - cut) * 2;
        let to = at + 1 + dice.below(usize::try_from(most).expect("it fits").max(2) - 1) as u64;
        let mut sent = at;
        while sent < to.min(size - 1) {
            let end = (sent + PIECE).min(to).min(size - 1);
            // The last piece breaks off.
            match end == to.min(size - 1) {
                true => ann.is_cut_off(
                    &Way::to(program.address),
                    &id,
                    sent,
                    size - sent,
                    &bytes(sent, end),
                ),
                false => assert_eq!(ann.patches(&id, sent, &[], &bytes(sent, end)).status, 204),
            }
            sent = end;
        }
        if cut % (CUTS / KILLS) == 0 {
            grown = grown.max(peak_kib(&program) - before);
            program.kill();
            program = Program::serve(folder.path(), port);
            client.http.lets_go();
            assert_eq!(offset(&ann, &id), sent, "what was kept is there after a kill");
            before = warm_kib(&program, &ann);
        }
    }
    let mut sent = offset(&ann, &id);
    while sent < size {
        let end = (sent + PIECE).min(size);
        let reply = ann.patches(&id, sent, &[], &bytes(sent, end));
        assert_eq!(reply.status, 204, "{}", String::from_utf8_lossy(&reply.body));
        sent = end;
    }
    let (mut digest, mut at) = (Context::new(&SHA256), 0);
    let mut link = ann.link(&id);
    while at < size {
        let end = (at + PIECE).min(size);
        let range = format!("bytes={at}-{}", end - 1);
        let mut loaded = ann.follows(&link, &[("range", &range)]);
        if loaded.status == 404 {
            link = ann.link(&id);
            loaded = ann.follows(&link, &[("range", &range)]);
        }
        assert_eq!((loaded.status, loaded.body == bytes(at, end)), (206, true), "{range}");
        digest.update(&loaded.body);
        at = end;
    }
    let digest: String = digest.finish().as_ref().iter().map(|it| format!("{it:02x}")).collect();
    assert_eq!(ann.file(&id)["sha256"], digest);
    grown = grown.max(peak_kib(&program) - before);
    println!("{MIB} MiB, {CUTS} cuts, {KILLS} kills: it grew by {} MiB", grown >> 10);
    assert!(grown <= GROWTH_KIB_MAX, "it grew by {grown} KiB");
}
