//! The product as several nodes on real servers, behind a real nginx: two of each role that
//! answers, one that folds.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use ports::Address;
use ports::clock::Clock;
use server::config::Config;
use server::{App, Roles};

use crate::fresh_id;
use crate::servers::{LOOPBACK, Server, Servers, listens};

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
    _proxy: Server,
}

impl Nodes {
    /// Starts every node on a fresh instance.
    pub(crate) async fn start(folder: &Path, config: &Config, clock: &Arc<dyn Clock>) -> Self {
        let name = format!("t{}", &fresh_id().replace('-', "")[12..]);
        let servers = servers();
        let config = Config {
            event_log: Some(servers.kafka().address(&name)),
            documents: Some(servers.mongo().address(&name)),
            cache: Some(servers.redis().address(&name)),
            bus: Some(servers.redis().address(&name)),
            keys: Some(keys(folder).await),
            partitions: 8,
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
        let proxy = proxy(LOOPBACK, &commands, &queries);
        Self { apps, address: proxy.address(), _proxy: proxy }
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

/// nginx with the configuration of `deploy/`.
pub fn proxy(host: IpAddr, commands: &[SocketAddr], queries: &[SocketAddr]) -> Server {
    let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx/parlance.conf");
    let upstream = |name: &str, nodes: &[SocketAddr]| {
        let mut text = format!("upstream {name} {{\n    keepalive 16;\n");
        for node in nodes {
            writeln!(text, "    server {node} max_fails=0;").expect("text grows");
        }
        text + "}\n"
    };
    let upstreams = upstream("commands", commands) + &upstream("queries", queries);
    let start = |address: SocketAddr, folder: &Path| {
        let server = std::fs::read_to_string(&deployed).expect("the configuration");
        let main = format!(
            "daemon off;\npid {0}/nginx.pid;\nerror_log stderr;\nworker_processes 1;\n\
             events {{ worker_connections 4096; }}\nhttp {{\naccess_log off;\n\
             client_body_temp_path {0}/body;\nproxy_temp_path {0}/proxy;\n\
             fastcgi_temp_path {0}/fastcgi;\nuwsgi_temp_path {0}/uwsgi;\n\
             scgi_temp_path {0}/scgi;\n{upstreams}{server}}}\n",
            folder.display()
        );
        let file = folder.join("nginx.conf");
        std::fs::write(&file, main).expect("a written file");
        let listen = format!("listen {address};\n");
        std::fs::write(folder.join("parlance-listen.conf"), listen).expect("a written file");
        let mut command = Command::new("nginx");
        command.arg("-p").arg(folder).arg("-c").arg(file);
        command
    };
    Server::start(host, start, listens)
}
