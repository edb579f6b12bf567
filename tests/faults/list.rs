//! The faults: what is done to the stand, what it must stand meanwhile, and how it is healed.

use std::time::Duration;

use serde_json::Value;
use tests::Stand;

use crate::hosts;
use crate::load::{Load, until};
use crate::stand::FAR_NODE;

/// A fault.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Whether it is among the few of every test.
    pub(crate) selected: bool,
    /// What must go on before it is healed.
    pub(crate) meanwhile: Meanwhile,
    /// Waits until the fault can show something.
    pub(crate) first: fn(&Stand, &Load),
    pub(crate) inject: fn(&mut Stand, &Load),
    pub(crate) heal: fn(&mut Stand),
}

/// What must go on while a fault lasts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meanwhile {
    /// Writes and feeds, after a while.
    All,
    /// Nothing until it is healed, after this many seconds.
    Nothing(u64),
    /// Every request, at once: it is planned.
    EveryRequest,
}

/// All of them, in the order in which they come.
pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "kill -9 of a command node",
        selected: false,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, _| stand.kill(0),
        heal: |stand| stand.start_again(0),
    },
    Fault {
        name: "kill -9 of an owner mid-batch",
        selected: true,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, load| {
            let owner = stand.owner(&load.groups[0]).expect("an owner");
            load.hurry(true);
            std::thread::sleep(Duration::from_secs(1));
            stand.kill(owner);
            load.hurry(false);
        },
        heal: start_all,
    },
    Fault {
        name: "kill -9 of a projector",
        selected: true,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, _| stand.kill(3),
        heal: start_all,
    },
    Fault {
        name: "kill -9 of a query node",
        selected: true,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, _| stand.kill(5),
        heal: start_all,
    },
    Fault {
        name: "SIGSTOP of an owner for 8 s, then SIGCONT",
        selected: true,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, load| {
            let owner = stand.owner(&load.groups[0]).expect("an owner");
            load.hurry(true);
            std::thread::sleep(Duration::from_millis(300));
            stand.signal(owner, "STOP");
            load.hurry(false);
            std::thread::sleep(Duration::from_secs(8));
            stand.signal(owner, "CONT");
        },
        heal: |_| (),
    },
    Fault {
        name: "a zombie: an owner's appends arrive when it is none",
        selected: true,
        meanwhile: Meanwhile::All,
        first: far_owns,
        inject: |stand, load| {
            let before = stale(stand);
            load.hurry(true);
            std::thread::sleep(Duration::from_millis(500));
            // What it appends from here on waits in its host, which sends it once it can, whatever
            // the process does.
            hosts::cut();
            std::thread::sleep(Duration::from_millis(500));
            stand.signal(FAR_NODE, "STOP");
            load.hurry(false);
            load.writes(load.clock.seconds(), 30.0);
            hosts::mend();
            until(60.0, "what was appended late to be in the log", || stale(stand) > before);
            stand.signal(FAR_NODE, "CONT");
        },
        heal: |_| (),
    },
    Fault {
        name: "kill -9 of the broker that leads a partition",
        selected: true,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, load| {
            let leader = stand.leader(&load.groups[0]);
            stand.brokers.kill(leader);
        },
        heal: start_brokers,
    },
    Fault {
        name: "kill -9 of the broker after it",
        selected: false,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, load| {
            let leader = stand.leader(&load.groups[0]);
            stand.brokers.kill((leader + 1) % 3);
        },
        heal: start_brokers,
    },
    Fault {
        name: "Redis killed for 5 s",
        selected: true,
        meanwhile: Meanwhile::Nothing(5),
        first: at_once,
        inject: |stand, _| stand.redis.kill(),
        heal: |stand| stand.redis.start_again(),
    },
    Fault {
        name: "the document store killed for 5 s",
        selected: true,
        meanwhile: Meanwhile::Nothing(5),
        first: at_once,
        inject: |stand, _| stand.mongo.kill(),
        heal: |stand| stand.mongo.start_again(),
    },
    Fault {
        name: "network cut between a command node and the brokers",
        selected: true,
        meanwhile: Meanwhile::All,
        first: far_owns,
        inject: |_, _| hosts::cut(),
        heal: |_| hosts::mend(),
    },
    Fault {
        name: "disk full on a broker",
        selected: false,
        meanwhile: Meanwhile::All,
        first: at_once,
        inject: |stand, _| stand.brokers.fill(1),
        heal: |stand| stand.brokers.empty(1),
    },
    Fault {
        name: "rolling restart of every role",
        selected: true,
        meanwhile: Meanwhile::EveryRequest,
        first: at_once,
        inject: |stand, _| {
            for node in 0..stand.nodes.len() {
                stand.terminate(node);
                stand.start_again(node);
            }
        },
        heal: |_| (),
    },
];

fn at_once(_: &Stand, _: &Load) {}

/// A cut that costs nobody anything shows nothing.
fn far_owns(stand: &Stand, load: &Load) {
    let owns = || load.groups.iter().any(|it| stand.owner(it) == Some(FAR_NODE));
    until(30.0, "the far node to own a group's partition", owns);
}

/// Records in the log that every reader ignores, since they were appended under an old term.
fn stale(stand: &Stand) -> u64 {
    let verified: Value = serde_json::from_str(&stand.asks(&["verify", "--json"])).expect("JSON");
    verified["ignored"]["staleTerm"].as_u64().unwrap_or(0)
}

fn start_all(stand: &mut Stand) {
    for node in 0..stand.nodes.len() {
        if !stand.nodes[node].runs() {
            stand.start_again(node);
        }
    }
}

fn start_brokers(stand: &mut Stand) {
    for broker in 0..3 {
        if !stand.brokers.runs(broker) {
            stand.brokers.start_again(broker);
        }
    }
}
