//! ClamAV's daemon, which knows one harmful file: the one that everybody tests with.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ports::Address;

use super::{LOOPBACK, Server, installed};

/// What scanners of all makers take for harmful, and is not (EICAR), in two pieces, so that no
/// scanner takes this file for it.
const EICAR: [&str; 2] =
    [r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR", "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"];

/// The harmful file.
pub fn harmful() -> Vec<u8> {
    EICAR.concat().into_bytes()
}

/// A daemon.
pub struct Clamd(Server);

impl Clamd {
    pub fn start() -> Self {
        installed("clamd");
        Self(Server::start(LOOPBACK, command, answers))
    }

    /// Where it listens.
    pub fn address(&self) -> Address {
        format!("clamd://{}", self.0.address()).as_str().into()
    }

    /// Kills it as the kernel does.
    pub fn kill(&mut self) {
        self.0.kill();
    }

    /// Starts it once more, after it was killed.
    pub fn start_again(&mut self) {
        self.0.start_again(command, answers);
    }
}

fn command(address: SocketAddr, folder: &Path) -> Command {
    let signatures = folder.join("signatures");
    std::fs::create_dir_all(&signatures).expect("a folder");
    let hex: String = harmful().iter().map(|it| format!("{it:02x}")).collect();
    std::fs::write(signatures.join("test.ndb"), format!("Test.Harmful:0:*:{hex}\n"))
        .expect("written");
    let options = format!(
        "Foreground yes\nDatabaseDirectory {}\nTCPAddr {}\nTCPSocket {}\nStreamMaxLength 64M\n",
        signatures.display(),
        address.ip(),
        address.port()
    );
    let place = folder.join("clamd.conf");
    std::fs::write(&place, options).expect("written");
    let mut command = Command::new("clamd");
    command.arg("--config-file").arg(place);
    command
}

fn answers(address: SocketAddr) -> bool {
    let limit = Duration::from_secs(1);
    let Ok(mut stream) = TcpStream::connect_timeout(&address, limit) else { return false };
    let mut answer = Vec::new();
    let asked = stream.set_read_timeout(Some(limit)).and_then(|()| stream.write_all(b"nPING\n"));
    asked.and_then(|()| stream.read_to_end(&mut answer)).is_ok() && answer == b"PONG\n"
}
