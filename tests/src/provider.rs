//! Providers of identities: an address that another instance is reached by, and a provider that
//! says whatever a test wants.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// An address that is known before whoever serves there has started.
pub struct Relay {
    listener: TcpListener,
    pub url: String,
}

impl Default for Relay {
    fn default() -> Self {
        Self::new()
    }
}

impl Relay {
    /// Takes an address.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        Self { listener, url }
    }

    /// Sends on to a server whatever comes.
    pub fn leads_to(self, server: SocketAddr) {
        std::thread::spawn(move || {
            for stream in self.listener.incoming() {
                let (Ok(from), Ok(to)) = (stream, TcpStream::connect(server)) else { continue };
                for (mut from, mut to) in [clones(&from, &to), clones(&to, &from)] {
                    std::thread::spawn(move || {
                        // Whoever ends it, both are done.
                        let _ = std::io::copy(&mut from, &mut to);
                        let _ = to.shutdown(std::net::Shutdown::Both);
                    });
                }
            }
        });
    }
}

fn clones(from: &TcpStream, to: &TcpStream) -> (TcpStream, TcpStream) {
    (from.try_clone().expect("a stream"), to.try_clone().expect("a stream"))
}

/// What is answered at a path.
#[derive(Clone)]
pub enum Said {
    Json(Value),
    Raw(u16, Vec<u8>),
    /// The connection stays open and nothing comes.
    Nothing,
    /// The answer begins and does not end.
    Half,
}

/// What is said, by path.
type Sayings = Mutex<HashMap<String, Said>>;
/// The last form that was sent for a token, and what proved who sent it.
type Asked = Mutex<Option<(String, Option<String>)>>;

/// A provider that says whatever a test wants.
pub struct Provider {
    pub issuer: String,
    said: Arc<Sayings>,
    asked: Arc<Asked>,
    signing: Mutex<(String, EncodingKey)>,
}

impl Default for Provider {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider {
    /// One that says what it should, but for a token.
    pub fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let issuer = format!("http://{}", listener.local_addr().expect("an address"));
        let signing = Mutex::new((String::new(), EncodingKey::from_secret(b"none")));
        let (said, asked) = (Arc::new(Mutex::default()), Arc::new(Mutex::default()));
        let provider = Self { issuer, said, asked, signing };
        provider.says("/.well-known/openid-configuration", Said::Json(provider.discovery()));
        provider.signs_with("one");
        let (said, asked) = (Arc::clone(&provider.said), Arc::clone(&provider.asked));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (said, asked) = (Arc::clone(&said), Arc::clone(&asked));
                std::thread::spawn(move || answer(&stream.expect("a stream"), &said, &asked));
            }
        });
        provider
    }

    /// From now on it signs with a new key.
    pub fn signs_with(&self, name: &str) {
        let pair = Ed25519KeyPair::generate().expect("a key");
        let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        let key = json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": name });
        self.says("/keys", Said::Json(json!({ "keys": [key] })));
        let signing = EncodingKey::from_ed_der(pair.to_pkcs8().expect("a document").as_ref());
        *self.signing.lock().expect("no holder of the lock panics") = (name.to_owned(), signing);
    }

    /// What it says of itself.
    pub fn discovery(&self) -> Value {
        let at = |path: &str| format!("{}{path}", self.issuer);
        json!({
            "issuer": self.issuer, "authorization_endpoint": at("/authorize"),
            "token_endpoint": at("/token"), "jwks_uri": at("/keys"),
        })
    }

    /// From now on it says this.
    pub fn says(&self, path: &str, said: Said) {
        self.said.lock().expect("no holder of the lock panics").insert(path.to_owned(), said);
    }

    /// The form that was last sent for a token, and what proved who sent it.
    pub fn asked(&self) -> Option<(String, Option<String>)> {
        self.asked.lock().expect("no holder of the lock panics").clone()
    }

    /// What tells of somebody to whom a request for authorization has come.
    pub fn claims(&self, url: &str, subject: &str) -> Value {
        let field = |name: &str| crate::bridge::sent(url, name).expect("a field");
        let now = ports::clock::Clock::now_ms(&ports::clock::System) / 1_000;
        json!({
            "iss": self.issuer, "aud": field("client_id"), "nonce": field("nonce"),
            "sub": subject, "iat": now, "exp": now + 300, "preferred_username": subject,
        })
    }

    /// A token of the provider's key.
    pub fn signed(&self, claims: &Value) -> String {
        let mut head = Header::new(Algorithm::EdDSA);
        let signing = self.signing.lock().expect("no holder of the lock panics");
        head.kid = Some(signing.0.clone());
        jsonwebtoken::encode(&head, claims, &signing.1).expect("a token")
    }

    /// From now on it gives this token for any code.
    pub fn gives(&self, token: &str) {
        let answer = json!({ "access_token": "x", "token_type": "Bearer", "id_token": token });
        self.says("/token", Said::Json(answer));
    }
}

/// Until the other end has had enough.
fn waits(from: &mut impl Read) {
    let _ = from.read(&mut [0]);
}

fn answer(stream: &TcpStream, said: &Sayings, asked: &Asked) {
    let mut from = BufReader::new(stream);
    let (mut first, mut length, mut proof) = (String::new(), 0, None);
    from.read_line(&mut first).expect("a request");
    let path = first.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    let mut line = String::new();
    while from.read_line(&mut line).is_ok_and(|_| !line.trim().is_empty()) {
        let (name, value) = line.split_once(':').expect("a header");
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().expect("a length"),
            "authorization" => proof = Some(value.trim().to_owned()),
            _ => (),
        }
        line.clear();
    }
    let mut form = vec![0; length];
    from.read_exact(&mut form).expect("a body");
    if path == "/token" {
        let form = String::from_utf8(form).expect("text");
        *asked.lock().expect("no holder of the lock panics") = Some((form, proof));
    }
    let said = said.lock().expect("no holder of the lock panics").get(&path).cloned();
    let (status, body) = match said.unwrap_or(Said::Raw(404, Vec::new())) {
        Said::Json(it) => (200, it.to_string().into_bytes()),
        Said::Raw(status, body) => (status, body),
        Said::Nothing => return waits(&mut from),
        Said::Half => {
            let mut to = stream;
            to.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{").expect("a beginning");
            return waits(&mut from);
        }
    };
    let head = format!(
        "HTTP/1.1 {status} x\r\ncontent-length: {}\r\nlocation: /keys\r\nconnection: close\r\n\r\n",
        body.len()
    );
    // Whoever has seen enough does not read on.
    let mut to = stream;
    let _ = to.write_all(head.as_bytes()).and_then(|()| to.write_all(&body));
}
