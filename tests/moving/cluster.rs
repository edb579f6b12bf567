//! A cluster that an instance moves to, or comes back in.

use std::path::Path;

use ports::Address;
use tests::Program;
use tests::servers::Servers;

use crate::text;

/// The one that answers is the last.
const ROLES: [&str; 3] = ["command-api", "projectors", "query-api"];

/// A cluster whose keys are kept by a process of its own.
pub(crate) struct Cluster {
    _keys: Program,
    pub(crate) options: Vec<(&'static str, String)>,
    /// The same as a file of configuration.
    pub(crate) file: String,
    /// Where its blobs are.
    pub(crate) blobs: Address,
}

impl Cluster {
    /// Places of these names that are empty, with keys in a folder.
    pub(crate) fn start(servers: &Servers, folder: &Path, name: &str) -> Self {
        let token = "a-token-of-more-than-thirty-two-characters";
        let admits = [("PARLANCE_KEYS_TOKEN", token.to_owned())];
        let keys = Program::start("keys", &folder.join(format!("keys of {name}")), 0, &admits);
        let addresses = [
            ("event_log", servers.kafka().address(name)),
            ("documents", servers.mongo().address(name)),
            ("cache", servers.redis().address(name)),
            ("bus", servers.redis().address(name)),
            ("blobs", servers.s3().address(name)),
            ("keys", format!("http://node:{token}@{}", keys.address).as_str().into()),
        ];
        let file = folder.join(format!("{name}.toml"));
        let lines = addresses.iter().map(|(name, at)| format!("{name} = {:?}\n", at.secret_text()));
        std::fs::write(&file, lines.collect::<String>()).expect("a file");
        let names = [
            "PARLANCE_EVENT_LOG",
            "PARLANCE_DOCUMENTS",
            "PARLANCE_CACHE",
            "PARLANCE_BUS",
            "PARLANCE_BLOBS",
            "PARLANCE_KEYS",
        ];
        let values = addresses.map(|it| it.1.secret_text().to_owned());
        let options = names.into_iter().zip(values).collect();
        Self {
            _keys: keys,
            options,
            file: text(&file).to_owned(),
            blobs: servers.s3().address(name),
        }
    }

    /// Starts a node of each role.
    pub(crate) fn serve(&self, folder: &Path) -> [Program; 3] {
        ROLES.map(|role| Program::start(role, folder, 0, &self.options))
    }
}
