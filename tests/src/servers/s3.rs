//! S3: versitygw, which keeps its objects in a folder.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;

use ports::Address;

use super::{LOOPBACK, Server, installed, listens};
use crate::Authority;

pub const KEY: &str = "parlance";
pub const SECRET: &str = "a-secret-of-the-tests";
const BUCKET: &str = "blobs";

/// A server for blobs, with one bucket.
pub struct S3(Server);

impl S3 {
    pub fn start(host: IpAddr) -> Self {
        Self(Server::start(host, command, listens))
    }

    /// Where it keeps what has names of this prefix.
    pub fn address(&self, prefix: &str) -> Address {
        self.address_as(SECRET, BUCKET, prefix)
    }

    /// The same for whoever shows a secret, in any bucket.
    pub fn address_as(&self, secret: &str, bucket: &str, prefix: &str) -> Address {
        let place = self.0.address();
        let options = format!("endpoint=http://{place}&path_style=true");
        format!("s3://{KEY}:{secret}@{bucket}/{prefix}?{options}").as_str().into()
    }

    /// Where it keeps what it stores, of every prefix.
    pub fn folder(&self) -> &Path {
        self.0.folder()
    }

    /// Kills it as the kernel does; what it stored stays.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it once more, where it was.
    pub fn start_again(&mut self) {
        self.0.start_again(command, listens);
    }
}

/// A server that speaks nothing but TLS, with the same bucket, key and secret.
pub fn secure(authority: &Authority) -> Server {
    let place = authority.folder();
    let command = |address, folder: &Path| {
        let mut command = command(address, folder);
        command.env("VGW_CERT", place.join("certificate.pem"));
        command.env("VGW_KEY", place.join("key.pem"));
        command
    };
    Server::start(LOOPBACK, command, listens)
}

fn command(address: SocketAddr, folder: &Path) -> Command {
    let data = folder.join("data");
    // To this server a folder is a bucket.
    std::fs::create_dir_all(data.join(BUCKET)).expect("a folder");
    let mut command = Command::new(installed("s3").join("bin/versitygw"));
    command.env("ROOT_ACCESS_KEY", KEY).env("ROOT_SECRET_KEY", SECRET);
    command.args(["--quiet", "--keep-alive", "--port", &address.to_string(), "posix"]);
    command.arg(data);
    command
}
