//! Readers: devices that follow the feed over sockets, are cut off, come back anywhere and resume.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::accounts::AccountId;
use chat::kernel::{StreamId, id};
use chat::sessions::{Client, OpenSession, SessionId};
use ports::event_log::Position;
use serde_json::{Value, json};

use crate::people::{Answer, Person};
use crate::sim::{Mutant, Sim};
use crate::wire::{Heard, Socket};
use crate::world::{Running, World};

/// What readers ask for.
const UPDATES: &str = "subscription($after: String, $compact: Boolean! = false) { \
    updates(after: $after, compact: $compact) { position conversationId seq previousSeq \
    viewerUnreadCount eventName change { __typename \
    ... on Message { id text } ... on Conversation { id title } \
    ... on Member { role active } ... on ReadState { conversationId } } } }";

/// How long an access token is good: longer than any clock is wrong.
const TOKEN_MS: i64 = 30 * 86_400_000;

/// A frame as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) stream: StreamId,
    pub(crate) seq: u64,
    pub(crate) previous_seq: u64,
    pub(crate) unread: u64,
    pub(crate) event: String,
    pub(crate) change: Value,
    pub(crate) position: Position,
    /// When its subscription began, in milliseconds.
    pub(crate) since_ms: i64,
}

/// Frames that must follow each other without a gap, over any number of connections.
#[derive(Debug, Default)]
pub(crate) struct Lineage {
    /// Where it begins; without it, at its first frame.
    pub(crate) after: Option<Position>,
    pub(crate) frames: Vec<Frame>,
}

/// A device and all that it has heard.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(crate) account: AccountId,
    pub(crate) session_id: SessionId,
    pub(crate) compact: bool,
    /// It was told that its session has ended.
    pub(crate) signed_out: bool,
    /// A frame in which something could not be read.
    pub(crate) faulty: Option<String>,
    pub(crate) lineages: Vec<Lineage>,
}

/// All readers of a run.
#[derive(Default)]
pub(crate) struct Readers(Mutex<Vec<Reader>>);

impl Readers {
    pub(crate) fn with<T>(&self, act: impl FnOnce(&mut Vec<Reader>) -> T) -> T {
        act(&mut self.0.lock().expect("a lock"))
    }
}

/// A reader at work.
struct Device {
    world: Arc<World>,
    /// Its place among the readers.
    at: usize,
    token: String,
    /// Whether it asks for a place to begin at.
    asks: bool,
    compact: bool,
    /// Whether it rests now and then without reading.
    slow: bool,
    /// The node that it was cut off from failed.
    crashed: bool,
}

/// How a connection ended.
enum End {
    Closed(Option<String>),
    Refused,
}

/// Signs a person in on another device, which then follows the feed.
pub(crate) async fn start(person: Person) {
    let world = Arc::clone(&person.world);
    let sim = &world.sim;
    let session_id = SessionId(id::fresh(sim.time_ms(), &*sim.entropy));
    let client = Client { device: person.text(), ..Client::default() };
    let command = OpenSession {
        session_id,
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    };
    let Some(Answer::Done(_)) = person.ask(None, command).await else { return };
    // Nodes whose clocks are wrong take it as well.
    let made = sim.time_ms() - TOKEN_MS / 2;
    let token = world.tokens.access_for(person.account, session_id, made, TOKEN_MS);
    let (compact, slow) = (sim.dice.happens(2_500), sim.dice.happens(4_000));
    // Some begin at the beginning, some where things stand, some at whatever comes next.
    let (begins, asks) = (sim.dice.happens(4_000), sim.dice.happens(7_000));
    let after = begins.then(|| Position::start(&world.identity()));
    let reader = Reader {
        account: person.account,
        session_id,
        compact,
        signed_out: false,
        faulty: None,
        lineages: vec![Lineage { after, frames: Vec::new() }],
    };
    let at = world.readers.with(|all| {
        all.push(reader);
        all.len() - 1
    });
    let world = Arc::clone(&world);
    Device { world, at, token, asks, compact, slow, crashed: false }.follow().await;
}

impl Device {
    fn sim(&self) -> &Sim {
        &self.world.sim
    }

    async fn follow(mut self) {
        while !self.with(|it| it.signed_out) {
            let pause = self.sim().dice.between(1, 400);
            tokio::time::sleep(Duration::from_millis(pause)).await;
            if let Some(node) = self.world.node() {
                self.connect(&node).await;
            }
        }
    }

    /// Follows over one connection until it ends.
    async fn connect(&mut self, node: &Running) {
        let (world, at) = (Arc::clone(&self.world), self.at);
        let sim = &world.sim;
        sim.note(format_args!("reader {at} comes to node {}", node.node));
        let patience = match sim.is_calm() {
            true => Duration::MAX,
            false if self.slow => Duration::from_millis(sim.dice.between(1_000, 20_000)),
            false => Duration::from_millis(sim.dice.between(50, 6_000)),
        };
        let failed = sim.failed(node.node);
        tokio::select! {
            biased;
            () = failed => {
                sim.note(format_args!("reader {at} loses its node"));
                self.crashed = true;
            }
            end = self.talk(node) => match end {
                End::Closed(reason) => {
                    sim.note(format_args!("reader {at} is closed: {reason:?}"));
                    match reason.as_deref() {
                        Some("Unauthorized" | "Forbidden") => {
                            sim.count("signed out");
                            self.with(|it| it.signed_out = true);
                        }
                        Some("Service restart") => sim.count("sent elsewhere"),
                        Some("Try again later") => sim.count("sent away"),
                        // Who reads nothing for long is not told why.
                        Some("SLOW_CONSUMER") | None if self.slow => {
                            sim.count("slow consumer cut");
                        }
                        _ => (),
                    }
                }
                End::Refused => {
                    sim.count("subscription refused");
                    sim.note(format_args!("reader {at} is refused"));
                }
            },
            () = tokio::time::sleep(patience) => {
                sim.count("socket cut");
                sim.note(format_args!("reader {at} is cut off"));
            }
        }
    }

    async fn talk(&mut self, node: &Running) -> End {
        let bytes = self.sim().config.wire_bytes;
        let Some(mut socket) = Socket::open(&node.wires, bytes).await else {
            return End::Closed(None);
        };
        let payload = json!({ "authorization": format!("Bearer {}", self.token) });
        socket.say(json!({ "type": "connection_init", "payload": payload })).await;
        match socket.hear().await {
            Heard::Message(it) if it["type"] == "connection_ack" => (),
            Heard::Message(it) => panic!("{it} in place of an acknowledgement"),
            Heard::Closed(reason) => return End::Closed(reason),
        }
        let mut after = self.resume();
        if after.is_none() && self.asks {
            socket.ask("here", "{ position }", json!({})).await;
            let Heard::Message(it) = socket.hear().await else { return End::Closed(None) };
            let Some(here) = it["payload"]["data"]["position"].as_str() else {
                return End::Refused;
            };
            let place = Position::parse(&self.world.identity(), here).expect("a position");
            self.with(|it| it.lineages[0].after = Some(place));
            after = Some(here.to_owned());
        }
        let since_ms = self.sim().time_ms();
        let asked = match self.sim().config.mutant == Mutant::LiveOnly && self.has_heard() {
            true => None,
            false => after,
        };
        let variables = json!({ "after": asked, "compact": self.compact });
        socket.ask("feed", UPDATES, variables).await;
        if std::mem::take(&mut self.crashed) {
            self.sim().count("resumed after crash");
        }
        loop {
            match socket.hear().await {
                Heard::Message(it) if it["type"] == "next" => {
                    self.take(&it["payload"], since_ms);
                }
                Heard::Message(it) if it["type"] == "complete" => (),
                Heard::Message(_) => return End::Refused,
                Heard::Closed(reason) => return End::Closed(reason),
            }
            if self.slow && !self.sim().is_calm() && self.sim().dice.happens(5_000) {
                let rest = self.sim().dice.between(200, 6_000);
                tokio::time::sleep(Duration::from_millis(rest)).await;
            }
        }
    }

    fn with<T>(&self, act: impl FnOnce(&mut Reader) -> T) -> T {
        self.world.readers.with(|all| act(&mut all[self.at]))
    }

    fn has_heard(&self) -> bool {
        self.with(|it| it.lineages.iter().any(|it| !it.frames.is_empty()))
    }

    /// Where to go on: behind the last frame, now and then behind an earlier one.
    fn resume(&self) -> Option<String> {
        let dice = &self.sim().dice;
        let older = dice.happens(1_000) && !self.sim().is_calm();
        self.with(|it| {
            let lineage = it.lineages.last().expect("there is one");
            let earlier = dice.one(&lineage.frames).map(|it| it.position.clone());
            if let Some(earlier) = earlier.filter(|_| older) {
                self.sim().count("resumed from an older place");
                it.lineages.push(Lineage { after: Some(earlier), frames: Vec::new() });
            }
            let lineage = it.lineages.last().expect("there is one");
            let last = lineage.frames.last().map(|it| &it.position);
            last.or(lineage.after.as_ref()).map(ToString::to_string)
        })
    }

    fn take(&self, payload: &Value, since_ms: i64) {
        self.sim().note(format_args!("reader {} hears {payload}", self.at));
        if payload.get("errors").is_some() {
            return self.with(|it| it.faulty = Some(payload.to_string()));
        }
        let it = &payload["data"]["updates"];
        if it["seq"].is_null() {
            // What passes has no place, and may be missed.
            return;
        }
        let position = it["position"].as_str().expect("a frame has a position");
        let position = Position::parse(&self.world.identity(), position);
        self.with(|reader| {
            let stream = match it["conversationId"].as_str() {
                Some(id) => StreamId::Conversation(id.parse().expect("it is an id")),
                None => StreamId::Account(reader.account),
            };
            let frame = Frame {
                stream,
                seq: tests::long(&it["seq"]),
                previous_seq: tests::long(&it["previousSeq"]),
                unread: it["viewerUnreadCount"].as_u64().expect("a frame has a count"),
                event: it["eventName"].as_str().expect("a frame has a name").to_owned(),
                change: it["change"].clone(),
                position: position.expect("it is a position of this log"),
                since_ms,
            };
            reader.lineages.last_mut().expect("there is one").frames.push(frame);
        });
    }
}
