//! Kills: what was acknowledged survives kill -9 at any moment, exactly once, and so do feeds.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::json;
use tests::{
    Client, Dice, Frame, Heard, Http, Person, Program, Sent, Socket, TOO_LONG, UPDATES, fresh_id,
};

/// Clients that send at the same time.
const SENDERS: usize = 32;

/// Acknowledgements between two kills at most; the next kill may come at once.
const ACKNOWLEDGED_MAX: usize = 150;

/// What the threads know of each other.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Whether the program serves.
    up: bool,
    /// Whether the last round is over.
    over: bool,
    /// Acknowledged messages with their authors.
    sent: Vec<(usize, Sent)>,
}

impl Shared {
    fn set(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().expect("no holder of the lock panics"));
        self.changed.notify_all();
    }

    /// Waits until something is so.
    fn wait<T>(&self, mut look: impl FnMut(&State) -> Option<T>) -> T {
        let mut state = self.state.lock().expect("no holder of the lock panics");
        loop {
            if let Some(it) = look(&state) {
                return it;
            }
            let waited = self.changed.wait_timeout(state, TOO_LONG);
            let (again, timeout) = waited.expect("no holder of the lock panics");
            assert!(!timeout.timed_out(), "nothing has changed for {TOO_LONG:?}");
            state = again;
        }
    }

    /// Waits until the program serves; whether there is more to send.
    fn goes_on(&self) -> bool {
        self.wait(|it| (it.up || it.over).then_some(!it.over))
    }
}

/// Sends message after message, each under one client id until it is acknowledged.
fn sends(shared: &Shared, at: usize, author: (usize, &Person), group: &str) {
    let mut count = 0;
    while shared.goes_on() {
        count += 1;
        let id = fresh_id();
        let text = format!("message {count} of {at}");
        let sent = loop {
            if let Ok(sent) = author.1.tries_hard_to_send(group, &id, &text) {
                break sent;
            }
            shared.wait(|it| it.up.then_some(()));
        };
        shared.set(|it| it.sent.push((author.0, sent)));
    }
}

/// Follows the feed over every kill until it has heard the last message.
fn follows(shared: &Shared, address: SocketAddr, token: &str, mut after: String) -> Vec<Frame> {
    let mut frames = Vec::new();
    loop {
        shared.wait(|it| it.up.then_some(()));
        let Some(mut socket) = Socket::try_open(address) else { continue };
        socket.greet(token);
        if !matches!(socket.hear(), Heard::Message(_)) {
            continue;
        }
        socket.subscribe("feed", UPDATES, json!({ "after": after }));
        while let Heard::Message(message) = socket.hear() {
            if message["type"] == "error" {
                let code = &message["payload"][0]["extensions"]["code"];
                assert_eq!(*code, "UNAVAILABLE", "{message}");
                break;
            }
            assert!(message["payload"].get("errors").is_none(), "{message}");
            let frame = Frame(message["payload"]["data"]["updates"].clone());
            after = frame.position().to_owned();
            let ended = frame.change()["text"] == "the end";
            frames.push(frame);
            if ended {
                return frames;
            }
        }
    }
}

/// Kills and starts the program again, at moments that only the dice know.
fn kills(shared: &Shared, mut program: Program, dir: &Path, rounds: usize) -> Program {
    let port = program.address.port();
    let mut dice = Dice::new(23);
    for _ in 0..rounds {
        let sent = |it: &State| it.sent.len();
        let before = shared.wait(|it| Some(sent(it)));
        let enough = before + dice.below(ACKNOWLEDGED_MAX);
        shared.wait(|it| (sent(it) >= enough).then_some(()));
        program.kill();
        shared.set(|it| it.up = false);
        program = Program::serve(dir, port);
        shared.set(|it| it.up = true);
    }
    let before = shared.wait(|it| Some(it.sent.len()));
    shared.wait(|it| (it.sent.len() > before + SENDERS).then_some(()));
    program
}

fn links(frames: &[Frame], group: &str, last: u64, who: &str) {
    let frames: Vec<&Frame> = frames.iter().filter(|it| it.conversation() == group).collect();
    let first = frames[0].seq();
    for (frame, seq) in frames.iter().zip(first..) {
        assert_eq!((frame.seq(), frame.previous_seq()), (seq, seq - 1), "{who}: {}", frame.0);
    }
    assert_eq!((first, frames[frames.len() - 1].seq()), (3, last), "{who}");
}

#[test]
fn what_was_acknowledged_is_there_exactly_once_after_any_number_of_kills() {
    let rounds = if std::env::var_os("PARLANCE_SOAK").is_some() { 100 } else { 10 };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("data");
    let program = Program::serve(&dir, 0);
    let address = program.address;
    let client = Arc::new(Client::new(Http::new(address)));
    let people = ["ann", "bob", "cat", "dan"].map(|it| Person::register(&client, it));
    let group = people[0].creates_group("Lunch", &[&people[1], &people[2], &people[3]]);
    let start = people[0].position();
    let shared = Shared::default();
    shared.set(|it| it.up = true);

    let (program, heard, last) = std::thread::scope(|scope| {
        let (shared, group, people) = (&shared, group.as_str(), &people);
        // Dan only listens, cat listens and sends.
        let feeds = [2, 3].map(|it| {
            let after = start.clone();
            scope.spawn(move || follows(shared, address, &people[it].token, after))
        });
        let senders: Vec<_> = (0..SENDERS)
            .map(|at| scope.spawn(move || sends(shared, at, (at % 3, &people[at % 3]), group)))
            .collect();
        let program = kills(shared, program, &dir, rounds);
        shared.set(|it| it.over = true);
        senders.into_iter().for_each(|it| it.join().expect("a sender sends"));
        let last = people[0].sends(group, "the end");
        let heard = feeds.map(|it| it.join().expect("a feed goes on"));
        (program, heard, last)
    });

    let mut sent = shared.state.into_inner().expect("no holder of the lock panics").sent;
    sent.push((0, last.clone()));
    eprintln!("{} messages over {rounds} kills", sent.len());
    let expected: BTreeMap<u64, String> =
        sent.iter().map(|(_, it)| (it.number, it.id.clone())).collect();
    assert_eq!(expected.len(), sent.len(), "two acknowledgements name one number");
    assert!(expected.keys().copied().eq(1..=last.number), "numbers are dense");
    for person in &people {
        assert_eq!(person.all_messages(&group), expected, "{}", person.name);
    }
    for (at, person) in people.iter().enumerate() {
        let own = sent.iter().filter(|(author, _)| *author == at).map(|(_, it)| it.number);
        let unread = last.number - own.max().unwrap_or(0);
        assert_eq!(
            person.unread(&group),
            i64::try_from(unread).expect("it fits"),
            "{}",
            person.name
        );
    }
    for (frames, who) in heard.iter().zip(["cat", "dan"]) {
        links(frames, &group, last.seq, who);
    }
    program.kill();
    Program::run(&dir, &["verify"]);
}

/// Exchanges a refresh token for the next pair, at a server that has just been started.
fn refreshes(address: SocketAddr, token: &str) -> Result<(String, String), String> {
    let client = Client::new(Http::new(address));
    let input = json!({ "refreshToken": token });
    let answer = client.change(None, "refresh", input, "accessToken refreshToken");
    let text = |name: &str| answer.0["data"]["refresh"][name].as_str().map(str::to_owned);
    let pair = text("accessToken").zip(text("refreshToken"));
    pair.ok_or_else(|| answer.code().to_owned())
}

#[test]
fn a_refresh_token_that_is_used_again_ends_its_session_also_after_kills() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let dir = folder.path().join("data");
    let mut program = Program::serve(&dir, 0);
    let address = program.address;
    let ann = Person::register(&Arc::new(Client::new(Http::new(address))), "ann");
    let kill = |program: Program| {
        program.kill();
        Program::serve(&dir, address.port())
    };
    let first = ann.refresh_token.as_str();
    let (_, second) = refreshes(address, first).expect("the next pair");
    program = kill(program);
    // Who has not heard the answer asks again, with the last token.
    let (_, again) = refreshes(address, first).expect("the same pair, within ten seconds");
    assert_eq!(second, again);
    let (access, third) = refreshes(address, &second).expect("the next pair");
    program = kill(program);
    let ended = || Err("SESSIONS_ENDED".to_owned());
    assert_eq!(refreshes(address, first), Err("SESSIONS_COMPROMISED".to_owned()));
    assert_eq!(refreshes(address, &third), ended(), "whoever has it");
    program = kill(program);
    for token in [first, &second, &third] {
        assert_eq!(refreshes(address, token), ended());
    }
    let client = Client::new(Http::new(address));
    let viewer = client.ask(Some(&access), "{ viewer { id } }", json!({}));
    assert_eq!(viewer.code(), "UNAUTHENTICATED");
    program.terminate();
}
