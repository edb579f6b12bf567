//! nginx with the configuration of `deploy/`, in front of some nodes.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use crate::Authority;
use crate::servers::{LOOPBACK, Server, free_port, listens};

/// A proxy.
pub struct Proxy {
    server: Server,
    secure: SocketAddr,
}

impl Proxy {
    /// Starts one on a host that listens plainly.
    pub fn start(host: IpAddr, commands: &[SocketAddr], queries: &[SocketAddr]) -> Self {
        Self::listening(host, commands, queries, None)
    }

    /// Starts one that also speaks TLS, with an authority's certificate.
    pub fn secure(commands: &[SocketAddr], queries: &[SocketAddr], authority: &Authority) -> Self {
        Self::listening(LOOPBACK, commands, queries, Some(authority))
    }

    fn listening(
        host: IpAddr,
        commands: &[SocketAddr],
        queries: &[SocketAddr],
        authority: Option<&Authority>,
    ) -> Self {
        let upstreams = upstream("commands", commands) + &upstream("queries", queries);
        let secure = SocketAddr::from((host, free_port(host)));
        let server = Server::start(
            host,
            |address, folder| {
                let mut listen = format!("listen {address};\n");
                if let Some(authority) = authority {
                    let place = authority.folder().display();
                    writeln!(
                        listen,
                        "listen {secure} ssl http2;\n\
                         ssl_certificate {place}/certificate.pem;\n\
                         ssl_certificate_key {place}/key.pem;"
                    )
                    .expect("text grows");
                }
                command(folder, &upstreams, &listen)
            },
            listens,
        );
        Self { server, secure }
    }

    /// Where it listens plainly.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Where it speaks TLS.
    pub fn secure_address(&self) -> SocketAddr {
        self.secure
    }
}

/// Nodes by their addresses, of which one that fails is left out for a while.
fn upstream(name: &str, nodes: &[SocketAddr]) -> String {
    let mut text = format!("upstream {name} {{\n    keepalive 16;\n");
    for node in nodes {
        writeln!(text, "    server {node} max_fails=0;").expect("text grows");
    }
    text + "}\n"
}

fn command(folder: &Path, upstreams: &str, listen: &str) -> Command {
    let deployed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/nginx/parlance.conf");
    let server = std::fs::read_to_string(deployed).expect("the configuration");
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
    std::fs::write(folder.join("parlance-listen.conf"), listen).expect("a written file");
    let mut command = Command::new("nginx");
    command.arg("-p").arg(folder).arg("-c").arg(file);
    command
}
