//! A mail server that keeps what it is sent: aiosmtpd, with a maildir.

use std::process::Command;

use ports::Address;

use super::{LOOPBACK, Server, installed, listens};
use crate::Authority;

/// A mail server.
pub struct Mail {
    server: Server,
    /// What stands before its address, and what behind.
    scheme: &'static str,
    options: String,
}

/// How mail gets to a server.
#[derive(Debug, Clone, Copy)]
pub enum Tls {
    Without,
    Starttls,
    FromTheStart,
}

impl Mail {
    /// Starts a server.
    pub fn start(tls: Tls, authority: &Authority) -> Self {
        let place = authority.folder().to_owned();
        let server = Server::start(
            LOOPBACK,
            |address, folder| {
                let mut command = Command::new(installed("mail").join("bin/python"));
                command.args(["-m", "aiosmtpd", "-n", "-l", &address.to_string()]);
                let secure = match tls {
                    Tls::Without => None,
                    Tls::Starttls => Some(("--tlscert", "--tlskey")),
                    Tls::FromTheStart => Some(("--smtpscert", "--smtpskey")),
                };
                if let Some((certificate, key)) = secure {
                    command.arg(certificate).arg(place.join("certificate.pem"));
                    command.arg(key).arg(place.join("key.pem"));
                }
                if !matches!(tls, Tls::Starttls) {
                    command.arg("--no-requiretls");
                }
                command.args(["-c", "aiosmtpd.handlers.Mailbox"]).arg(folder.join("mail"));
                command
            },
            listens,
        );
        let ca = authority.folder().join("ca.pem");
        let (scheme, options) = match tls {
            Tls::Without => ("smtp", "tls=none".to_owned()),
            Tls::Starttls => ("smtp", format!("ca={}", ca.display())),
            Tls::FromTheStart => ("smtps", format!("ca={}", ca.display())),
        };
        Self { server, scheme, options }
    }

    /// Where it is.
    pub fn address(&self) -> Address {
        let (scheme, address, options) = (self.scheme, self.server.address(), &self.options);
        let from = "Parlance%20%3Cchat%40example.org%3E";
        Address::from(format!("{scheme}://{address}?from={from}&{options}").as_str())
    }

    /// The messages that it has taken, as they came.
    pub fn taken(&self) -> Vec<Vec<u8>> {
        let Ok(files) = std::fs::read_dir(self.server.folder().join("mail/new")) else {
            return Vec::new();
        };
        let files = files.map(|it| it.expect("a file").path());
        files.map(|it| std::fs::read(it).expect("a message")).collect()
    }
}
