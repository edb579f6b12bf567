//! The roles as processes of their own on real servers, with a `parlance keys` for all of them.

use std::process::Output;

use ports::Address;
use tempfile::TempDir;

use crate::servers::Servers;
use crate::{Program, fresh_id};

/// One instance, and what its processes are told.
pub struct Processes {
    pub servers: Servers,
    options: Vec<(&'static str, String)>,
    folder: TempDir,
    _keys: Program,
}

/// An address with what is secret in it, as an option.
fn option(name: &'static str, address: &Address) -> (&'static str, String) {
    (name, address.secret_text().to_owned())
}

impl Processes {
    /// Prefix of everything on the servers.
    pub const PREFIX: &str = "processes";

    /// Servers and keys for an instance that has no process yet.
    #[expect(clippy::new_without_default, reason = "starting servers is no default")]
    pub fn new() -> Self {
        let servers = Servers::default();
        let folder = tempfile::tempdir().expect("a folder");
        let token = fresh_id() + &fresh_id();
        let admits = [("PARLANCE_KEYS_TOKEN", token.clone())];
        let keys = Program::start("keys", folder.path(), 0, &admits);
        let options = vec![
            option("PARLANCE_EVENT_LOG", &servers.kafka().address(Self::PREFIX)),
            option("PARLANCE_DOCUMENTS", &servers.mongo().address(Self::PREFIX)),
            option("PARLANCE_CACHE", &servers.redis().address(Self::PREFIX)),
            option("PARLANCE_BUS", &servers.redis().address(Self::PREFIX)),
            option("PARLANCE_BLOBS", &servers.s3().address(Self::PREFIX)),
            ("PARLANCE_KEYS", format!("http://node:{token}@{}", keys.address)),
            ("PARLANCE_PROFILE", "production".to_owned()),
        ];
        Self { servers, options, folder, _keys: keys }
    }

    /// Starts a process of a role.
    pub fn start(&self, role: &str) -> Program {
        Program::start(role, self.folder.path(), 0, &self.options)
    }

    /// Runs another command on the instance to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        Program::run_with(self.folder.path(), &self.options, arguments)
    }
}
