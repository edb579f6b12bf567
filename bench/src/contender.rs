//! The servers that are measured side by side, and how the floor is started and spoken to.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::rc::Rc;

use anyhow::{Context, Result};
use memchr::memmem;
use serde_json::json;

use crate::cluster::Cluster;
use crate::cpu::Processes;
use crate::dialect::{self, Dialect, Heard};
use crate::floor::Mode;
use crate::line::Dialogue;
use crate::parlance::Parlance;
use crate::process::{self, Running};
use crate::stage::{Route, SENDERS, Shape, Stage};
use crate::xmpp::Ejabberd;

/// A running server.
#[derive(Debug)]
pub(crate) enum Contender {
    Floor(Floor),
    Parlance(Box<Parlance>),
    Cluster(Box<Cluster>),
    Ejabberd(Ejabberd),
}

impl Contender {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Floor(floor) => floor.name(),
            Self::Parlance(_) => PARLANCE,
            Self::Cluster(cluster) => cluster.name,
            Self::Ejabberd(_) => EJABBERD,
        }
    }

    /// Opens connections and conversations of that shape, nobody missing anything any more.
    pub(crate) async fn stage(&mut self, shape: Shape) -> Result<Stage> {
        let name = self.name();
        let stage = match self {
            Self::Floor(floor) => floor.stage(shape).await,
            Self::Parlance(parlance) => Box::pin(parlance.client.stage(shape)).await,
            Self::Cluster(cluster) => Box::pin(cluster.stage(shape)).await,
            Self::Ejabberd(ejabberd) => ejabberd.stage(shape).await,
        };
        let stage = stage.with_context(|| format!("{name}: open the connections"))?;
        stage.settle().await.with_context(|| format!("{name}: settle"))?;
        Ok(stage)
    }
}

pub(crate) const SHARED: &str = "floor, shared bytes";
pub(crate) const JOINED: &str = "floor, joined";
pub(crate) const PARLANCE: &str = "Parlance";
pub(crate) const EJABBERD: &str = "ejabberd + PostgreSQL";

/// The floor in a process of its own.
#[derive(Debug)]
pub(crate) struct Floor {
    mode: Mode,
    address: SocketAddr,
    running: Running,
}

impl Floor {
    pub(crate) async fn start(mode: Mode, folder: &Path) -> Result<Self> {
        let address = process::free_address()?;
        let (word, log) = match mode {
            Mode::Shared => ("shared", folder.join("floor-shared.log")),
            Mode::Joined => ("joined", folder.join("floor-joined.log")),
        };
        let own = std::env::current_exe().context("this executable has no path")?;
        let mut command = Command::new(own);
        command.args(["floor", "--mode", word, "--listen", &address.to_string(), "--log"]);
        command.arg(&log);
        let mut running = Running::start(&mut command, &log.with_extension("out"))?;
        process::listening(address, &mut running).await?;
        Ok(Self { mode, address, running })
    }

    fn name(&self) -> &'static str {
        match self.mode {
            Mode::Shared => SHARED,
            Mode::Joined => JOINED,
        }
    }

    pub(crate) fn processes(&self) -> Processes {
        Processes::new(vec![self.running.pid()])
    }

    async fn stage(&mut self, shape: Shape) -> Result<Stage> {
        let mut stage = Stage::new(Rc::new(FloorDialect), self.processes());
        let (rooms, hearers) = match shape {
            Shape::Group { online } => (1, online),
            Shape::Pairs { pairs } => (pairs, 1),
        };
        for room in 0..rooms {
            let conversation = format!("room-{room}");
            let circle = stage.ledger.borrow_mut().add_circle();
            for _ in 0..hearers {
                let line = self.line(Some(&conversation)).await?;
                stage.attach(line, Some(circle));
            }
            for _ in 0..if rooms == 1 { SENDERS } else { 1 } {
                let line = stage.attach(self.line(None).await?, None);
                stage.routes.push(Route { line, conversation: conversation.clone(), circle });
            }
        }
        Ok(stage)
    }

    /// A connection that hears the room, or none.
    pub(crate) async fn line(&self, room: Option<&str>) -> Result<Dialogue> {
        let mut dialogue = Dialogue::connect(self.address).await?;
        dialogue.upgrade("/", None).await?;
        if let Some(room) = room {
            dialogue.say_frame(&FloorDialect, &json!({ "join": room }).to_string()).await?;
            dialogue.until(&FloorDialect, "joined").await?;
        }
        Ok(dialogue)
    }
}

/// JSON over WebSocket, as the floor has it.
#[derive(Debug)]
pub(crate) struct FloorDialect;

impl Dialect for FloorDialect {
    fn hear(&self, payload: &[u8]) -> Heard {
        if let Some(token) = dialect::token_in(payload) {
            Heard::Delivery(token)
        } else if memmem::find(payload, b"accepted").is_some() {
            Heard::Accepted
        } else {
            Heard::Aside
        }
    }

    fn send(&self, conversation: &str, _: u64, text: &str, out: &mut Vec<u8>) {
        self.frame(json!({ "room": conversation, "text": text }).to_string().as_bytes(), out);
    }
}
