//! Messages to people outside: mail, and text messages to phones.
//!
//! Promises of every adapter (the contract checks each):
//! - a message that was taken lies where its carrier keeps it: it outlives this process;
//! - the same id sent again is the same message: a folder holds it once, and whoever carries it on
//!   can tell by the id (`Message-ID` of RFC 5322, `Idempotency-Key`);
//! - refused is for good; `Unavailable` has not been taken, `Unknown` may have been: both are sent
//!   again under the same id;
//! - what is in a message is written as it is, and nothing of it becomes a header.

pub mod contract;
mod folder;
#[cfg(feature = "real")]
mod gateway;
mod mail;
#[cfg(feature = "real")]
mod smtp;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{Address, Error};

/// Bytes of a message's text at most.
pub const TEXT_BYTES_MAX: usize = 64 << 10;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    pub id: Uuid,
    /// A mail address, or a phone number in the form of E.164.
    pub to: String,
    /// One line; text messages have none.
    pub subject: String,
    pub text: String,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// Whoever carries it on has it.
    Taken,
    /// It will never be taken: the address is none, or nobody there wants it.
    Refused,
}

/// Whether a text is a phone number in the form of E.164.
fn is_phone(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    (3..=15).contains(&digits.len()) && digits.bytes().all(|it| it.is_ascii_digit())
}

/// A way to people outside.
#[async_trait]
pub trait Outbound: Send + Sync {
    /// Hands a message on.
    ///
    /// # Errors
    /// `Unavailable` when it was not taken, `Unknown` when it may have been.
    async fn send(&self, message: &Message) -> Result<Handed, Error>;
}

/// Mail into the folder `outbox`, a file of RFC 5322 each.
pub fn mail_folder(data_dir: &Path) -> Arc<dyn Outbound> {
    Arc::new(folder::Folder::new(data_dir, folder::Form::Mail))
}

/// Text messages into the folder `outbox`, a file each.
pub fn sms_folder(data_dir: &Path) -> Arc<dyn Outbound> {
    Arc::new(folder::Folder::new(data_dir, folder::Form::Text))
}

/// Mail by way of a server: `smtps://user:password@host:465?from=chat@example.org`, or `smtp://`,
/// which turns to TLS by STARTTLS and refuses to go on without, unless `&tls=none` is said; the
/// option `ca` is a file of the authorities that TLS trusts instead of the usual.
///
/// # Errors
/// `Unavailable` when the address is malformed.
pub fn connect_mail(address: &Address) -> Result<Arc<dyn Outbound>, Error> {
    #[cfg(feature = "real")]
    match address.scheme() {
        "smtp" | "smtps" => smtp::connect(address),
        _ => Err(crate::unknown_scheme(smtp::PORT, address)),
    }
    #[cfg(not(feature = "real"))]
    Err(crate::without_clients(if address.scheme().is_empty() { "address" } else { "mail" }))
}

/// Text messages by way of a gateway: `https://any:key@host/path`; see docs/sms-protocol.md.
///
/// # Errors
/// `Unavailable` when the address is malformed.
pub fn connect_sms(address: &Address) -> Result<Arc<dyn Outbound>, Error> {
    #[cfg(feature = "real")]
    match address.scheme() {
        "http" | "https" => gateway::connect(address),
        _ => Err(crate::unknown_scheme(gateway::PORT, address)),
    }
    #[cfg(not(feature = "real"))]
    Err(crate::without_clients(if address.scheme().is_empty() { "address" } else { "sms" }))
}
