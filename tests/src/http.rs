//! HTTP/1.1 as a program speaks it that has nothing but a connection.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::sync::Mutex;

use serde_json::Value;

use crate::way::{Way, Wire};

/// One server, with the connections to it that are idle. They take turns: one that lies below
/// others for longer than a server keeps it would be found closed.
pub struct Http {
    pub address: SocketAddr,
    pub way: Way,
    idle: Mutex<VecDeque<BufReader<Wire>>>,
}

/// What the server answered.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Http {
    /// A client of a server.
    pub fn new(address: SocketAddr) -> Self {
        Self::over(Way::to(address))
    }

    /// A client that comes to its server in a way of its own.
    pub fn over(way: Way) -> Self {
        Self { address: way.address, way, idle: Mutex::default() }
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// When the connection breaks or nothing comes in time.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        let idle = self.idle.lock().expect("no holder of the lock panics").pop_front();
        let mut connection = match idle {
            Some(connection) => connection,
            None => BufReader::new(self.way.connect()?),
        };
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
        let request = [head.as_bytes(), body].concat();
        // A server that refuses early may close before it has read everything.
        let written = connection.get_mut().write_all(&request);
        let reply = read(&mut connection, method == "HEAD")?;
        if written.is_ok() && reply.header("connection") != Some("close") {
            self.idle.lock().expect("no holder of the lock panics").push_back(connection);
        }
        Ok(reply)
    }

    /// Lets go of the connections that are kept: their server has ended.
    pub fn lets_go(&self) {
        self.idle.lock().expect("no holder of the lock panics").clear();
    }

    /// Reads a path.
    pub fn get(&self, path: &str) -> Reply {
        self.request("GET", path, &[], b"").expect("the server answers")
    }
}

impl Reply {
    /// A header by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| {
            panic!("not JSON: {} {}", self.status, String::from_utf8_lossy(&self.body))
        })
    }
}

/// Reads an answer; to `HEAD` it says how long its body would be, and has none.
fn read(from: &mut impl BufRead, head: bool) -> io::Result<Reply> {
    let broken = |it: &str| io::Error::new(io::ErrorKind::InvalidData, it.to_owned());
    let status_line = line(from)?;
    let status = status_line.split(' ').nth(1).and_then(|it| it.parse().ok());
    let status = status.ok_or_else(|| broken("no status"))?;
    let mut headers = Vec::new();
    loop {
        let header = line(from)?;
        let Some((name, value)) = header.split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut reply = Reply { status, headers, body: Vec::new() };
    if head {
        return Ok(reply);
    }
    if reply.header("transfer-encoding") == Some("chunked") {
        loop {
            let size = usize::from_str_radix(&line(from)?, 16).map_err(|_| broken("no size"))?;
            let mut chunk = vec![0; size + 2];
            from.read_exact(&mut chunk)?;
            if size == 0 {
                return Ok(reply);
            }
            reply.body.extend_from_slice(&chunk[..size]);
        }
    }
    let length = reply.header("content-length").and_then(|it| it.parse().ok());
    reply.body = vec![0; length.unwrap_or(0)];
    from.read_exact(&mut reply.body)?;
    Ok(reply)
}

fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
    }
    Ok(line.trim_end().to_owned())
}
