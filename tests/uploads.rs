//! The largest upload there may be, over broken connections and kill -9, in one process and from
//! node to node: it goes on where it was, costs little memory, and is the same file. A part of
//! `make soak`.

use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::json;
use tests::servers::LOOPBACK;
use tests::servers::mongo::Mongo;
use tests::{Client, Dice, Http, Person, Place, Plan, Program, Stand, Way, found};

/// MiB of the file.
const MIB: u64 = 2_048;

/// Times that the connection is broken, and of those how often the program is killed, too.
const CUTS: u64 = 100;
const KILLS: u64 = 10;

/// The same of the file that goes from node to node; of the largest in `make soak`.
const NODES_MIB: u64 = 256;
const NODES_CUTS: u64 = 20;

/// Cuts after which a session goes on with new tokens.
const RENEWED_EVERY: u64 = 10;

/// What the program may grow by while it takes and gives the file.
const GROWTH_KIB_MAX: u64 = 64 << 10;

/// Bytes that are sent or asked for at once.
const PIECE: u64 = 1 << 20;
const NODES_PIECE: u64 = 8 << 20;

/// The bytes of the file at a place: nothing repeats, and nobody holds all of them.
fn bytes(from: u64, to: u64) -> Vec<u8> {
    let word = |at: u64| (at ^ 0x9e37_79b9).wrapping_mul(0xbf58_476d_1ce4_e5b9).to_be_bytes();
    let words: Vec<[u8; 8]> = (from / 8..to.div_ceil(8)).map(word).collect();
    let (skip, take) = ((from % 8) as usize, usize::try_from(to - from).expect("it fits"));
    words.as_flattened()[skip..skip + take].to_vec()
}

/// Most memory that a process had since it began, in KiB.
fn peak_kib(pid: u32) -> u64 {
    let told = std::fs::read_to_string(format!("/proc/{pid}/status"));
    let told = told.expect("the program runs");
    let line = told.lines().find(|it| it.starts_with("VmHWM:")).expect("a line");
    let number = line.split_whitespace().nth(1).and_then(|it| it.parse().ok());
    number.expect("a number")
}

/// How far the upload has come, once the program tells.
fn offset(ann: &Person, file: &str) -> u64 {
    found("the upload is lost", || ann.offset(file))
}

/// What a process takes that has done everything once.
fn warm_kib(pid: u32, ann: &Person, piece: u64) -> u64 {
    let small = ann.uploads("small", "text/plain", &bytes(0, piece));
    ann.follows(&ann.link(&small), &[]);
    peak_kib(pid)
}

/// Sends some of what is missing to whoever `here` asks and has the last piece break off, as
/// whoever `there` asks has kept it; gives its end.
fn sends_until_cut(
    (here, there): (&Person, &Person),
    id: &str,
    (at, to, size): (u64, u64, u64),
    piece: u64,
) -> u64 {
    let (mut sent, to) = (at, to.min(size - 1));
    while sent < to {
        let end = (sent + piece).min(to);
        let part = bytes(sent, end);
        if end < to {
            assert_eq!(here.patches(id, sent, &[], &part).status, 204);
        } else {
            there.is_cut_off(&Way::to(here.client.http.address), id, sent, size - sent, &part);
        }
        sent = end;
    }
    sent
}

/// Where the next of so many cuts is.
fn next_cut(dice: &mut Dice, at: u64, size: u64, cuts: u64) -> u64 {
    let most = (size - at) / (cuts + 1) * 2;
    at + 1 + dice.below(usize::try_from(most).expect("it fits").max(2) - 1) as u64
}

/// Loads the file span by span, in turn from whomever they ask, and gives its digest.
fn loads(people: &[&Person], id: &str, size: u64, piece: u64) -> String {
    let (mut digest, mut at) = (Context::new(&SHA256), 0);
    let mut link = people[0].link(id);
    for ann in people.iter().cycle() {
        if at == size {
            break;
        }
        let end = (at + piece).min(size);
        let range = format!("bytes={at}-{}", end - 1);
        let mut loaded = ann.follows(&link, &[("range", &range)]);
        if loaded.status == 404 {
            link = ann.link(id);
            loaded = ann.follows(&link, &[("range", &range)]);
        }
        assert_eq!((loaded.status, loaded.body == bytes(at, end)), (206, true), "{range}");
        digest.update(&loaded.body);
        at = end;
    }
    digest.finish().as_ref().iter().map(|it| format!("{it:02x}")).collect()
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
    let (mut dice, mut grown) = (Dice::new(100), 0);
    let mut before = warm_kib(program.pid(), &ann, PIECE);
    for cut in 1..=CUTS {
        let at = offset(&ann, &id);
        let to = next_cut(&mut dice, at, size, CUTS - cut);
        let sent = sends_until_cut((&ann, &ann), &id, (at, to, size), PIECE);
        if cut % (CUTS / KILLS) == 0 {
            grown = grown.max(peak_kib(program.pid()) - before);
            program.kill();
            program = Program::serve(folder.path(), port);
            client.http.lets_go();
            assert_eq!(offset(&ann, &id), sent, "what was kept is there after a kill");
            before = warm_kib(program.pid(), &ann, PIECE);
        }
    }
    let mut sent = offset(&ann, &id);
    while sent < size {
        let end = (sent + PIECE).min(size);
        let reply = ann.patches(&id, sent, &[], &bytes(sent, end));
        assert_eq!(reply.status, 204, "{}", String::from_utf8_lossy(&reply.body));
        sent = end;
    }
    assert_eq!(ann.file(&id)["sha256"], loads(&[&ann], &id, size, PIECE));
    grown = grown.max(peak_kib(program.pid()) - before);
    eprintln!("{MIB} MiB, {CUTS} cuts, {KILLS} kills: it grew by {} MiB", grown >> 10);
    assert!(grown <= GROWTH_KIB_MAX, "it grew by {grown} KiB");
}

/// A node that people come to, without a proxy that would choose one for them.
struct Door {
    node: usize,
    ann: Person,
    /// What it took before the file, and by how much it has grown since, in KiB.
    before: u64,
    grown: u64,
}

impl Door {
    fn to(stand: &Stand, node: usize, known: &Person) -> Self {
        let client = Arc::new(Client::new(Http::new(stand.nodes[node].address())));
        let (name, id) = (known.name.clone(), known.id.clone());
        let (token, refresh_token) = (known.token.clone(), known.refresh_token.clone());
        let ann = Person { client, name, id, token, refresh_token };
        let mut door = Self { node, ann, before: 0, grown: 0 };
        door.before = warm_kib(door.pid(stand), &door.ann, NODES_PIECE);
        door
    }

    fn pid(&self, stand: &Stand) -> u32 {
        stand.nodes[self.node].pid().expect("it runs")
    }

    fn looks(&mut self, stand: &Stand) {
        self.grown = self.grown.max(peak_kib(self.pid(stand)) - self.before);
    }

    /// Its node is killed and comes back.
    fn breaks(&mut self, stand: &mut Stand, id: &str, sent: u64) {
        self.looks(stand);
        stand.kill(self.node);
        stand.start_again(self.node);
        self.ann.client.http.lets_go();
        assert_eq!(offset(&self.ann, id), sent, "what was kept is there after a kill");
        self.before = warm_kib(self.pid(stand), &self.ann, NODES_PIECE);
    }
}

/// The session goes on at both with tokens that are good for ten minutes more.
fn renews(doors: &mut [Door; 2]) {
    let ann = &doors[0].ann;
    let input = json!({ "refreshToken": ann.refresh_token });
    let answer = ann.client.change(None, "refresh", input, "accessToken refreshToken");
    let text = |it: &str| answer.data()["refresh"][it].as_str().expect("a token").to_owned();
    let (token, refresh_token) = (text("accessToken"), text("refreshToken"));
    for ann in doors.iter_mut().map(|it| &mut it.ann) {
        (ann.token, ann.refresh_token) = (token.clone(), refresh_token.clone());
    }
}

/// Two nodes that people come to, on real servers.
fn two_nodes() -> Stand {
    let roles = ["command-api", "projectors", "query-api", "query-api"];
    Stand::start(&Plan {
        host: LOOPBACK,
        brokers: (LOOPBACK, 1),
        documents: Mongo::stand_in,
        partitions: 4,
        ports: None,
        nodes: roles.map(|role| Place { role, host: LOOPBACK, at: &[] }).to_vec(),
    })
}

#[test]
fn a_file_that_changes_nodes_at_every_cut_is_the_same_and_costs_each_little_memory() {
    let soak = std::env::var_os("PARLANCE_SOAK").is_some();
    let (mib, cuts) = if soak { (MIB, CUTS) } else { (NODES_MIB, NODES_CUTS) };
    let size = mib << 20;
    let mut stand = two_nodes();
    let nodes = stand.of("query-api");
    let client = Arc::new(Client::new(Http::new(stand.nodes[nodes[0]].address())));
    let known = Person::register(&client, "ann");
    let mut doors = [0, 1].map(|it: usize| Door::to(&stand, nodes[it], &known));
    let id = doors[0].ann.begins("film.mp4", "video/mp4", size);
    let mut dice = Dice::new(101);
    for cut in 1..=cuts {
        doors.rotate_left(1);
        if cut % RENEWED_EVERY == 0 {
            renews(&mut doors);
        }
        let [here, there] = &mut doors;
        let at = offset(&here.ann, &id);
        let to = next_cut(&mut dice, at, size, cuts - cut);
        let asked = (&here.ann, &there.ann);
        let sent = sends_until_cut(asked, &id, (at, to, size), NODES_PIECE);
        if cut == cuts / 2 {
            here.breaks(&mut stand, &id, sent);
        }
    }
    let mut sent = offset(&doors[0].ann, &id);
    for turn in 0.. {
        let end = (sent + NODES_PIECE).min(size);
        let (ann, part) = (&doors[turn % 2].ann, bytes(sent, end));
        if end == size {
            ann.finishes(&id, sent, &part);
            break;
        }
        assert_eq!(ann.patches(&id, sent, &[], &part).status, 204);
        sent = end;
    }
    renews(&mut doors);
    let digest = loads(&[&doors[0].ann, &doors[1].ann], &id, size, NODES_PIECE);
    assert_eq!(doors[1].ann.file(&id)["sha256"], digest);
    doors.iter_mut().for_each(|it| it.looks(&stand));
    let grown = doors.each_ref().map(|it| it.grown);
    let told = grown.map(|it| it >> 10);
    eprintln!("{mib} MiB, {cuts} cuts, each time to the other node: they grew by {told:?} MiB");
    assert!(grown.iter().all(|it| *it <= GROWTH_KIB_MAX), "they grew by {grown:?} KiB");
    assert!(stand.panics().is_empty(), "{:?}", stand.panics());
}
