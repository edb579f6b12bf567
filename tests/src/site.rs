//! A site of the web that answers whatever a test wants, and names that mean what a test wants.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use ports::web_pages::Names;
use ports::web_pages::contract::Says;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::Authority;

/// Pause between two bytes of what is said slowly.
const SLOWLY: Duration = Duration::from_millis(100);

/// A site; what it does not know is 404.
#[derive(Clone)]
pub struct Site {
    pub address: SocketAddr,
    known: Arc<Known>,
}

#[derive(Default)]
struct Known {
    says: Mutex<HashMap<String, Says>>,
    asked: Mutex<Vec<String>>,
    knocks: AtomicUsize,
}

impl Site {
    /// Serves at an address of this machine.
    pub fn at(address: impl Into<IpAddr>) -> Self {
        Self::serve(listen(address.into(), 0).expect("an address of this machine"), None)
    }

    /// Two that serve at two addresses on the same port.
    pub fn two(one: impl Into<IpAddr>, other: impl Into<IpAddr>) -> (Self, Self) {
        let (one, other) = (one.into(), other.into());
        loop {
            let first = listen(one, 0).expect("an address of this machine");
            let port = first.local_addr().expect("an address").port();
            // Somebody else may have that port at the other address.
            if let Ok(second) = listen(other, port) {
                return (Self::serve(first, None), Self::serve(second, None));
            }
        }
    }

    /// Serves by TLS.
    pub fn tls(address: impl Into<IpAddr>, config: Arc<ServerConfig>) -> Self {
        Self::serve(listen(address.into(), 0).expect("an address of this machine"), Some(config))
    }

    fn serve(listener: TcpListener, tls: Option<Arc<ServerConfig>>) -> Self {
        let address = listener.local_addr().expect("an address");
        let known: Arc<Known> = Arc::default();
        let site = Self { address, known: Arc::clone(&known) };
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (known, tls) = (Arc::clone(&known), tls.clone());
                known.knocks.fetch_add(1, Ordering::SeqCst);
                let Ok(stream) = stream else { continue };
                std::thread::spawn(move || match tls {
                    None => known.answer(stream),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("a connection");
                        let mut stream = StreamOwned::new(connection, stream);
                        known.answer(&mut stream);
                        // Without a farewell the end could be anybody's doing.
                        stream.conn.send_close_notify();
                        let _ = stream.flush();
                    }
                });
            }
        });
        site
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Puts an answer at a path.
    pub fn says(&self, path: &str, says: Says) {
        let mut known = self.known.says.lock().expect("no holder of the lock panics");
        known.insert(path.to_owned(), says);
    }

    /// The heads of all requests so far.
    pub fn asked(&self) -> Vec<String> {
        self.known.asked.lock().expect("no holder of the lock panics").clone()
    }

    /// How often somebody has connected.
    pub fn knocks(&self) -> usize {
        self.known.knocks.load(Ordering::SeqCst)
    }
}

fn listen(address: IpAddr, port: u16) -> std::io::Result<TcpListener> {
    TcpListener::bind(SocketAddr::new(address, port))
}

impl Known {
    fn answer(&self, stream: impl std::io::Read + Write) {
        let mut stream = BufReader::new(stream);
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if !matches!(stream.read_line(&mut head), Ok(1..)) {
                return;
            }
        }
        let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
        self.asked.lock().expect("no holder of the lock panics").push(head);
        let says = self.says.lock().expect("no holder of the lock panics").get(&path).cloned();
        let nothing = b"HTTP/1.1 404 x\r\ncontent-type: text/html\r\n\r\n".to_vec();
        // Who hangs up has heard enough.
        let _ = say(stream.get_mut(), says.unwrap_or(Says::Bytes(nothing)));
    }
}

fn say(stream: &mut impl Write, says: Says) -> std::io::Result<()> {
    match says {
        Says::Bytes(bytes) => {
            stream.write_all(&bytes)?;
            stream.flush()
        }
        Says::Endless(first, again) => {
            stream.write_all(&first)?;
            loop {
                stream.write_all(&again)?;
            }
        }
        Says::Slowly(bytes) => bytes.iter().try_for_each(|it| {
            stream.write_all(&[*it])?;
            stream.flush()?;
            std::thread::sleep(SLOWLY);
            Ok(())
        }),
        Says::Halting(bytes) => {
            stream.write_all(&bytes)?;
            stream.flush()?;
            // Longer than anybody waits for it.
            std::thread::sleep(SLOWLY * 300);
            Ok(())
        }
    }
}

/// Names that have other addresses each time they are asked for; the last ones stay.
#[derive(Default)]
pub struct Changing {
    answers: Mutex<HashMap<String, Vec<Vec<IpAddr>>>>,
    asked: Mutex<Vec<String>>,
}

impl Changing {
    /// A name and what it is said to have, one time after another.
    pub fn set(&self, name: &str, answers: &[&[&str]]) {
        let read = |it: &&[&str]| it.iter().map(|it| it.parse().expect("an address")).collect();
        let mut all: Vec<Vec<IpAddr>> = answers.iter().map(read).collect();
        all.reverse();
        self.answers.lock().expect("no holder of the lock panics").insert(name.to_owned(), all);
    }

    /// The names that were asked for, in order.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("no holder of the lock panics").clone()
    }
}

#[async_trait]
impl Names for Changing {
    async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        self.asked.lock().expect("no holder of the lock panics").push(name.to_owned());
        let mut answers = self.answers.lock().expect("no holder of the lock panics");
        match answers.get_mut(name) {
            Some(left) if left.len() > 1 => left.pop().unwrap_or_default(),
            Some(left) => left.last().cloned().unwrap_or_default(),
            None => Vec::new(),
        }
    }
}

/// What a site shows that an authority vouches for.
pub fn tls(authority: &Authority) -> Arc<ServerConfig> {
    let folder = authority.folder();
    let chain = CertificateDer::pem_file_iter(folder.join("certificate.pem"));
    let chain = chain.and_then(Iterator::collect).expect("a chain");
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions().expect("versions");
    let config = config.with_no_client_auth().with_single_cert(chain, key);
    Arc::new(config.expect("a certificate and its key"))
}
