//! How a client comes to a server: plain or over TLS, from an address of its own if it likes.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::{ClientConfig, ClientConnection, StreamOwned};
use socket2::{Domain, Type};

use crate::waiting::TOO_LONG;

/// A way to a server.
#[derive(Clone)]
pub struct Way {
    pub address: SocketAddr,
    from: Option<IpAddr>,
    tls: Option<Arc<ClientConfig>>,
}

/// A connection.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Way {
    /// The plain way.
    pub fn to(address: SocketAddr) -> Self {
        Self { address, from: None, tls: None }
    }

    /// The same way for a client that has another address; all of 127.0.0.0/8 are ours.
    pub fn from(self, address: IpAddr) -> Self {
        Self { from: Some(address), ..self }
    }

    /// The same way over TLS.
    pub fn secure(self, tls: Arc<ClientConfig>) -> Self {
        Self { tls: Some(tls), ..self }
    }

    /// `http` or `ws`, with an `s` where it is secure.
    pub(crate) fn scheme(&self, plain: &str) -> String {
        if self.tls.is_some() { format!("{plain}s") } else { plain.to_owned() }
    }

    /// Connects, and shakes hands where it is secure.
    ///
    /// # Errors
    /// When nobody is there, or one does not trust the other.
    pub fn connect(&self) -> io::Result<Wire> {
        let socket = socket2::Socket::new(Domain::for_address(self.address), Type::STREAM, None)?;
        if let Some(from) = self.from {
            socket.bind(&SocketAddr::new(from, 0).into())?;
        }
        socket.connect_timeout(&self.address.into(), TOO_LONG)?;
        let mut stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(TOO_LONG))?;
        stream.set_nodelay(true)?;
        let Some(tls) = &self.tls else { return Ok(Wire::Plain(stream)) };
        let named = self.address.ip().into();
        let connection = ClientConnection::new(Arc::clone(tls), named);
        let mut connection = connection.map_err(io::Error::other)?;
        connection.complete_io(&mut stream)?;
        Ok(Wire::Tls(Box::new(StreamOwned::new(connection, stream))))
    }
}

impl Wire {
    /// The connection below.
    pub(crate) fn stream(&self) -> &TcpStream {
        match self {
            Self::Plain(it) => it,
            Self::Tls(it) => &it.sock,
        }
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(it) => it.read(into),
            Self::Tls(it) => it.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(it) => it.write(bytes),
            Self::Tls(it) => it.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(it) => it.flush(),
            Self::Tls(it) => it.flush(),
        }
    }
}
