//! This process as one node among others: which roles it has, and where its peers reach it.

use std::net::SocketAddr;
use std::sync::Arc;

use ports::roster::Roster;
use ports::{Error, Ports};

use crate::config::Config;

/// The roles of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Owns partitions and carries out commands.
    pub commands: bool,
    /// Folds the log into documents.
    pub projections: bool,
    /// Answers queries and feeds subscriptions.
    pub queries: bool,
}

impl Roles {
    pub const ALL: Self = Self { commands: true, projections: true, queries: true };
    pub const COMMANDS: Self = Self { commands: true, projections: false, queries: false };
    pub const PROJECTIONS: Self = Self { commands: false, projections: true, queries: false };
    pub const QUERIES: Self = Self { commands: false, projections: false, queries: true };
}

/// A process that shares its instance with others.
pub(crate) struct Node {
    /// What peers reach it by, and its name among them.
    pub(crate) me: String,
    pub(crate) listener: std::net::TcpListener,
    pub(crate) commands: Option<Arc<Roster>>,
    pub(crate) projections: Option<Arc<Roster>>,
    queries: Option<Arc<Roster>>,
}

impl Node {
    /// Joins the nodes of each of its roles.
    ///
    /// # Errors
    /// When the address of the peers can't be listened on.
    pub(crate) fn join(ports: &Ports, config: &Config, roles: Roles) -> Result<Self, Error> {
        let refused = |it| Error::unavailable("peers", it);
        let listener = std::net::TcpListener::bind(config.peer_listen).map_err(refused)?;
        listener.set_nonblocking(true).map_err(refused)?;
        let address: SocketAddr = listener.local_addr().map_err(refused)?;
        let me = config.peer_url.clone().unwrap_or_else(|| format!("http://{address}"));
        let join = |role| Roster::join(ports, role, me.clone());
        let commands = roles.commands.then(|| join(command_api::ROLE));
        let projections = roles.projections.then(|| join(projectors::ROLE));
        let attend = || Roster::attend(ports, query_api::ROLE, me.clone());
        let queries = roles.queries.then(attend);
        Ok(Self { me, listener, commands, projections, queries })
    }

    /// Takes on nothing more, and resolves when what was under way has been handed over.
    pub(crate) async fn leave(&self) {
        let rosters = self.commands.iter().chain(&self.projections).chain(&self.queries);
        for roster in rosters.clone() {
            roster.leave().await;
        }
        for roster in rosters {
            roster.returned().await;
        }
    }
}
