//! A server that speaks MongoDB's protocol: a real one if the environment names it, otherwise
//! SecantusDB, a stand-in that is not MongoDB.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use mongodb::bson::{Document, RawDocumentBuf};
use ports::Address;

use super::{LOOPBACK, Server, installed, listens};
use crate::Authority;

/// A server for documents.
pub struct Mongo {
    /// `mongodb://…` without a database.
    url: String,
    stand_in: Option<StandIn>,
}

/// A stand-in, and how it is started.
struct StandIn {
    server: Server,
    command: fn(SocketAddr, &Path) -> Command,
}

impl Mongo {
    /// Takes the server that `PARLANCE_TEST_MONGODB` names, or starts a stand-in.
    pub fn named_or(start: fn(IpAddr) -> Self) -> Self {
        #[expect(clippy::disallowed_methods, reason = "whoever runs the tests names a server")]
        if let Ok(url) = std::env::var("PARLANCE_TEST_MONGODB") {
            return Self { url, stand_in: None };
        }
        start(LOOPBACK)
    }

    /// Starts the stand-in, for a test that kills it.
    pub fn stand_in(host: IpAddr) -> Self {
        Self::of(host, command)
    }

    /// Starts the fastest stand-in, for what is measured: a range costs it less than a look at
    /// everything.
    pub fn fastest(host: IpAddr) -> Self {
        Self::of(host, fastest)
    }

    fn of(host: IpAddr, command: fn(SocketAddr, &Path) -> Command) -> Self {
        let server = Server::start(host, command, listens);
        let url = format!("mongodb://{}", server.address());
        Self { url, stand_in: Some(StandIn { server, command }) }
    }

    /// Kills the stand-in; what it stored stays.
    pub fn kill(&mut self) {
        self.stand_in.as_mut().expect("only a stand-in is killed").server.kill();
    }

    /// Takes away what the stand-in has stored, while it is killed.
    pub fn wipe(&self) {
        let stand_in = self.stand_in.as_ref().expect("only a stand-in is wiped");
        std::fs::remove_dir_all(stand_in.server.folder().join("documents")).expect("a folder");
    }

    /// Starts the stand-in once more, where it was.
    pub fn start_again(&mut self) {
        let StandIn { server, command } =
            self.stand_in.as_mut().expect("only a stand-in is started again");
        server.start_again(*command, listens);
    }

    /// Every document as its clients read it, with the collection that has it, of all databases
    /// whose names begin so.
    pub async fn all(&self, prefix: &str) -> Vec<(String, Vec<u8>)> {
        let client = mongodb::Client::with_uri_str(&self.url).await.expect("a client");
        let mut names = client.list_database_names().await.expect("its databases");
        names.retain(|it| it.starts_with(prefix));
        let mut found = Vec::new();
        for database in names.iter().map(|it| client.database(it)) {
            for name in database.list_collection_names().await.expect("its collections") {
                let collection = database.collection::<RawDocumentBuf>(&name);
                let mut cursor = collection.find(Document::new()).await.expect("its documents");
                while cursor.advance().await.expect("more of them") {
                    found.push((name.clone(), cursor.current().as_bytes().to_vec()));
                }
            }
        }
        found
    }

    /// Where a database is on it.
    pub fn address(&self, database: &str) -> Address {
        let (place, options) = match self.url.split_once('?') {
            Some((place, options)) => (place, format!("?{options}")),
            None => (self.url.as_str(), String::new()),
        };
        let place = place.trim_end_matches('/');
        Address::from(format!("{place}/{database}{options}").as_str())
    }
}

/// A stand-in that speaks nothing but TLS, and knows nobody but `ann`, whose password is given.
pub fn secure(authority: &Authority, password: &str) -> Server {
    let mut server = Server::start(LOOPBACK, command, listens);
    let make = "import sys, pymongo; pymongo.MongoClient(sys.argv[1]).admin.command('createUser', \
                'ann', pwd=sys.argv[2], roles=['root'])";
    let mut client = Command::new(installed("mongo").join("bin/python"));
    client.args(["-c", make, &format!("mongodb://{}", server.address()), password]);
    let told = client.output().expect("python runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    server.kill();
    let place = authority.folder();
    let command = |address, folder: &Path| {
        let mut command = command(address, folder);
        command.arg("--auth");
        command.arg("--tls-cert-file").arg(place.join("certificate.pem"));
        command.arg("--tls-key-file").arg(place.join("key.pem"));
        command
    };
    server.start_again(command, listens);
    server
}

fn command(address: SocketAddr, folder: &Path) -> Command {
    on(Command::new(installed("mongo").join("bin/secantusd-py")), address, folder)
}

/// The same server, written in Rust.
fn fastest(address: SocketAddr, folder: &Path) -> Command {
    let mut command = Command::new(installed("mongo-rs").join("bin/secantusd-rs"));
    command.args(["--log-file-max", "8MB"]);
    on(command, address, folder)
}

fn on(mut command: Command, address: SocketAddr, folder: &Path) -> Command {
    command.arg("--host").arg(address.ip().to_string());
    command.arg("--port").arg(address.port().to_string());
    command.arg("--storage-path").arg(folder.join("documents"));
    command.args(["--cache-size", "128M", "--log-level", "ERROR"]);
    command
}
