//! Faults: 64 clients send and 200 sockets follow while processes, servers and networks fail; after
//! each fault everything that was promised is checked.
//!
//! A few faults in every test; all of them, for twenty minutes, with `PARLANCE_SOAK`.

mod check;
mod ending;
mod hosts;
mod list;
mod load;
mod public;
mod stand;

use std::process::ExitCode;
use std::sync::Arc;

use ports::clock::Stopwatch;
use stand::FAR_NODE;
use tests::{Client, Http, Person, Stand, at_once};

use check::{Checked, Deleted};
use list::{FAULTS, Fault, Meanwhile};
use load::{FOLLOWERS, GROUPS, Load, SENDERS};

/// Seconds that faults follow each other in a soak, at least.
const SOAK_MIN: f64 = 1_200.0;

/// Seconds until writes and feeds go on after a fault, at most.
const RECOVERY_MAX: f64 = 60.0;

fn main() -> ExitCode {
    hosts::enter(|| {
        let soak = std::env::var_os("PARLANCE_SOAK").is_some();
        let named: Vec<String> =
            std::env::args().skip(1).filter(|it| !it.starts_with('-')).collect();
        let wanted = |it: &&Fault| match named.is_empty() {
            true => soak || it.selected,
            false => named.iter().any(|name| it.name.contains(name.as_str())),
        };
        let faults: Vec<&Fault> = FAULTS.iter().filter(wanted).collect();
        let (started, mut suffered) = (Stopwatch::start(), 0);
        while suffered == 0 || soak && started.seconds() < SOAK_MIN {
            run(&faults);
            suffered += faults.len();
        }
        eprintln!("{suffered} passed, 0 failed, {:.0} s", started.seconds());
        ExitCode::SUCCESS
    })
}

/// Starts a stand and the load, and lets one fault follow another.
fn run(faults: &[&Fault]) {
    let mut stand = stand::start();
    let (load, deleted) = prepare(&stand);
    let eve = Person::register(&load.people[0].client, "eve");
    let start = load.people[0].position();
    std::thread::scope(|scope| {
        let (load, address) = (&load, stand.address.expect("nginx"));
        let _ended = Ended(load);
        for person in 0..SENDERS {
            scope.spawn(move || load.sends(person));
        }
        for follower in 0..=FOLLOWERS {
            let stranger = follower == FOLLOWERS;
            let person = if stranger { &eve } else { &load.people[follower % SENDERS] };
            let start = &start;
            scope.spawn(move || load.follows(follower, address, &person.token, start));
        }
        load.writes(0.0, RECOVERY_MAX);
        load.feeds(RECOVERY_MAX);
        let mut checked = Checked::default();
        eprintln!(
            "{:<54} {:>7} {:>7} {:>7} {:>7} {:>8}",
            "", "writes", "feeds", "healed", "tries", "messages"
        );
        for fault in faults {
            suffer(&mut stand, load, fault);
            load.send(false);
            load.feeds(RECOVERY_MAX);
            checked.check(&stand, load, &deleted);
            load.send(true);
        }
        load.send(false);
        load.feeds(RECOVERY_MAX);
    });
    ending::check(&mut stand, &load, &start);
}

/// Ends the load, also when a check fails.
struct Ended<'a>(&'a Load);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Injects a fault, waits until all goes on, heals it, waits again.
fn suffer(stand: &mut Stand, load: &Load, fault: &Fault) {
    load.failures();
    (fault.first)(stand, load);
    let before: usize = (0..GROUPS).map(|it| load.acknowledged(it, 0).len()).sum();
    let injected = load.clock.seconds();
    (fault.inject)(stand, load);
    let (mut writes, mut feeds) = (0.0, 0.0);
    match fault.meanwhile {
        Meanwhile::Nothing(seconds) => {
            std::thread::sleep(std::time::Duration::from_secs(seconds));
        }
        Meanwhile::All | Meanwhile::EveryRequest => {
            writes = load.writes(injected, RECOVERY_MAX) - injected;
            feeds = load.feeds(RECOVERY_MAX) - injected;
        }
    }
    (fault.heal)(stand);
    let healed = load.clock.seconds();
    load.writes(healed, RECOVERY_MAX);
    let again = load.feeds(RECOVERY_MAX) - healed;
    let failures = load.failures();
    let after: usize = (0..GROUPS).map(|it| load.acknowledged(it, 0).len()).sum();
    eprintln!(
        "{:<54} {writes:>7.1} {feeds:>7.1} {again:>7.1} {:>7} {:>8}",
        fault.name,
        failures.len(),
        after - before
    );
    if fault.meanwhile == Meanwhile::EveryRequest {
        // Some were told where their message stands, and not yet shown it.
        let failed: Vec<_> =
            failures.iter().filter(|it| !it.contains("\"message\":null,\"position\"")).collect();
        assert!(failed.is_empty(), "failed requests: {failed:#?}");
    }
}

/// People in their groups, each with a first message that was deleted for everyone.
fn prepare(stand: &Stand) -> (Load, Vec<Deleted>) {
    let client = Arc::new(Client::new(Http::new(stand.address.expect("nginx"))));
    let client = &client;
    let names = (0..SENDERS).map(|it| move || Person::register(client, &format!("person{it}")));
    let people = at_once(names);
    let people_of = |group| people.iter().skip(group).step_by(GROUPS).collect::<Vec<_>>();
    let group = |it: usize| people[it].creates_group(&format!("Group {it}"), &people_of(it)[1..]);
    let mut groups: Vec<String> = (0..GROUPS).map(group).collect();
    // Some faults are the far node's, which must have something to lose.
    while stand.owner(&groups[GROUPS - 1]) != Some(FAR_NODE) {
        groups[GROUPS - 1] = group(GROUPS - 1);
    }
    let deleted = (0..GROUPS).map(|it| {
        let sent = people[it].sends(&groups[it], "nobody shall read this");
        people[it].deletes(&sent.id);
        Deleted { by: it, id: sent.id }
    });
    let deleted = deleted.collect();
    (Load::new(people, groups), deleted)
}
