//! The product as several nodes on real servers, behind a real nginx: two of each role that
//! answers, one that folds.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use ports::Address;
use ports::clock::Clock;
use server::config::Config;
use server::{App, Roles};

use crate::fresh_id;
use crate::proxy::Proxy;
use crate::servers::{LOOPBACK, Servers};
use crate::world::files_under;

/// The roles of the nodes.
const NODES: [Roles; 5] =
    [Roles::COMMANDS, Roles::COMMANDS, Roles::PROJECTIONS, Roles::QUERIES, Roles::QUERIES];

/// Servers that all worlds of a test program share, each with places of its own.
fn servers() -> &'static Servers {
    static SERVERS: OnceLock<Servers> = OnceLock::new();
    SERVERS.get_or_init(Servers::default)
}

/// Nodes that serve one instance.
pub(crate) struct Nodes {
    pub(crate) apps: Vec<App>,
    pub(crate) address: SocketAddr,
    /// One of the nodes that clients come to, without the proxy.
    pub(crate) node: SocketAddr,
    config: Config,
    /// What its topics begin with.
    name: String,
    _proxy: Proxy,
}

impl Nodes {
    /// Starts every node on a fresh instance.
    pub(crate) async fn start(folder: &Path, config: &Config, clock: &Arc<dyn Clock>) -> Self {
        let name = format!("t{}", &fresh_id().replace('-', "")[12..]);
        let servers = servers();
        let config = Config {
            event_log: Some(servers.kafka().address(&name)),
            documents: Some(servers.fastest_mongo().address(&name)),
            cache: Some(servers.redis().address(&name)),
            bus: Some(servers.redis().address(&name)),
            keys: Some(keys(folder).await),
            blobs: Some(servers.s3().address(&name)),
            partitions: 8,
            data_dir: folder.to_owned(),
            // The proxy: clients may have other addresses of loopback.
            trusted_proxies: vec![LOOPBACK.into()],
            ..config.clone()
        };
        let mut apps = Vec::new();
        let (mut commands, mut queries) = (Vec::new(), Vec::new());
        for roles in NODES {
            let mut opened = ports::open(&config.ports()).await.expect("opened ports");
            opened.ports.clock = Arc::clone(clock);
            let app = App::start_roles(opened.ports.clone(), &config, roles).await;
            let app = app.expect("a started node");
            let address = listen(app.routes()).await;
            commands.extend(roles.commands.then_some(address));
            queries.extend(roles.queries.then_some(address));
            apps.push(app);
        }
        let proxy = Proxy::start(LOOPBACK, &commands, &queries);
        let (address, node) = (proxy.address(), queries[0]);
        Self { apps, address, node, config, name, _proxy: proxy }
    }

    /// What folds goes over to another node.
    pub(crate) async fn moves_projections(&mut self, clock: &Arc<dyn Clock>) {
        let mut opened = ports::open(&self.config.ports()).await.expect("opened ports");
        opened.ports.clock = Arc::clone(clock);
        let app = App::start_roles(opened.ports.clone(), &self.config, Roles::PROJECTIONS).await;
        let at = NODES.iter().position(|it| it.projections).expect("one folds");
        let before = std::mem::replace(&mut self.apps[at], app.expect("a started node"));
        before.drain().await;
    }

    /// What real servers hold of this instance, as their clients read it: nothing is compressed.
    pub(crate) async fn stored(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let servers = servers();
        let mut found = servers.fastest_mongo().all(&self.name).await;
        let kafka = servers.kafka();
        found.extend(tokio::task::block_in_place(|| kafka.records(&self.name)));
        let mut found: Vec<_> = found.into_iter().map(|it| (PathBuf::from(it.0), it.1)).collect();
        found.push((PathBuf::from("redis"), servers.redis().dump()));
        found.extend(files_under(servers.s3().folder()));
        found
    }

    /// Takes away what only this instance has used, once its nodes have ended.
    pub(crate) fn forget(&self) {
        servers().kafka().forget(&self.name);
    }
}

/// Keeps keys in a folder for all nodes, as `parlance keys` does.
async fn keys(folder: &Path) -> Address {
    std::fs::create_dir_all(folder).expect("a folder");
    let keys = ports::keys::open(folder, Arc::new(ports::entropy::System)).expect("opened keys");
    let token = fresh_id() + &fresh_id();
    let address = listen(server::keys::routes(keys, token.as_str().into())).await;
    format!("http://node:{token}@{address}").as_str().into()
}

/// Serves routes on any free port until the runtime ends.
async fn listen(routes: axum::Router) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    ports::spawn("server", async move { axum::serve(listener, service).await.expect("it serves") });
    address
}
