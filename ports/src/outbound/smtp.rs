//! Mail by way of a server, over SMTP (RFC 5321) with TLS.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use lettre::message::Mailbox;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Tokio1Executor};

use super::mail::{FROM, mail};
use super::{Handed, Message, Outbound, TEXT_BYTES_MAX};
use crate::{Address, Error, ErrorKind};

pub(super) const PORT: &str = "mail";

/// How long a step of the conversation may take.
const STEP_MAX: Duration = Duration::from_secs(20);

struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

pub(super) fn connect(address: &Address) -> Result<Arc<dyn Outbound>, Error> {
    let malformed = |text: &'static str| Error::unavailable(PORT, text);
    let mut parts = address.parts(PORT)?;
    let wrapped = parts.scheme == "smtps";
    let bare = match parts.options.remove("tls").as_deref() {
        None => false,
        Some("none") if !wrapped => true,
        Some(_) => return Err(malformed("the option tls is none or absent")),
    };
    let trusted = parts.ca(PORT, !bare)?;
    let from = parts.options.remove("from").unwrap_or_else(|| FROM.to_owned());
    let from = from.parse().map_err(|_| malformed("the option from is no mail address"))?;
    parts.read_up(PORT)?;
    let usual = if wrapped { 465 } else { 587 };
    let (host, port) = match parts.hosts.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| malformed("the port is none"))?),
        None => (parts.hosts.as_str(), usual),
    };
    let tls = match bare {
        true => Tls::None,
        false => {
            let mut parameters = TlsParameters::builder(host.to_owned());
            if let Some(trusted) = trusted {
                let trusted = Certificate::from_pem(&trusted);
                let trusted = trusted.map_err(|it| Error::unavailable(PORT, it))?;
                parameters = parameters.add_root_certificate(trusted);
            }
            let parameters = parameters.build_rustls();
            let parameters = parameters.map_err(|it| Error::unavailable(PORT, it))?;
            if wrapped { Tls::Wrapper(parameters) } else { Tls::Required(parameters) }
        }
    };
    let transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host);
    let mut transport = transport.port(port).tls(tls).timeout(Some(STEP_MAX));
    if let (Some(user), Some(password)) = (parts.user, parts.password) {
        transport = transport.credentials(Credentials::new(user, password));
    }
    Ok(Arc::new(Smtp { transport: transport.build(), from }))
}

/// What the system said of a connection.
fn cause(error: &lettre::transport::smtp::Error) -> Option<io::ErrorKind> {
    error.source()?.downcast_ref::<io::Error>().map(io::Error::kind)
}

#[async_trait]
impl Outbound for Smtp {
    async fn send(&self, message: &Message) -> Result<Handed, Error> {
        let refused = message.text.len() > TEXT_BYTES_MAX;
        let Some(mail) = mail(message, &self.from).filter(|_| !refused) else {
            return Ok(Handed::Refused);
        };
        match self.transport.send(mail).await {
            Ok(_) => Ok(Handed::Taken),
            Err(it) if it.is_permanent() => Ok(Handed::Refused),
            Err(it) => {
                // A server that answers has taken nothing; one that went away may have.
                let refused = cause(&it) == Some(io::ErrorKind::ConnectionRefused);
                let lost = !it.is_transient() && !it.is_client() && !it.is_tls() && !refused;
                let kind = if lost { ErrorKind::Unknown } else { ErrorKind::Unavailable };
                Err(Error::new(kind, PORT, it))
            }
        }
    }
}
