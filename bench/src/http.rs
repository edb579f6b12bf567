//! As much HTTP/1.1 as the public doors need: one kept connection, one request at a time.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A large upload is put together before it is answered.
const ANSWER_MAX: Duration = Duration::from_secs(180);

/// Bytes of a long answer that are read at once at most.
const READ_BYTES: usize = 256 << 10;

#[derive(Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The status line and the headers.
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], b"").await
    }

    /// Posts JSON, with a bearer token if there is one.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> Result<Answer> {
        let bearer = token.map(|token| format!("Bearer {token}"));
        let mut headers = vec![("Content-Type", "application/json")];
        headers.extend(bearer.as_deref().map(|it| ("Authorization", it)));
        self.send("POST", path, &headers, body.as_bytes()).await
    }

    /// Sends bytes by a method.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Answer> {
        let head = self.head(method, path, headers, body.len());
        let answer = tokio::time::timeout(ANSWER_MAX, self.exchange(&head, body)).await;
        let answer = answer.context("no answer").flatten();
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    /// Hands on a long answer as it comes; how many bytes it had.
    pub(crate) async fn load(
        &mut self,
        path: &str,
        mut hand: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<u64> {
        let head = self.head("GET", path, &[], 0);
        let stream = connected(&mut self.stream, self.address).await?;
        let (answer, mut piece) = begin(stream, &head, b"").await?;
        ensure!(answer.status == 200, "{path} is answered with {}", answer.status);
        let length = answer.header("content-length").context("no length")?.parse()?;
        let mut loaded = 0;
        loop {
            hand(&piece)?;
            loaded += piece.len() as u64;
            if loaded >= length {
                return Ok(loaded);
            }
            piece.clear();
            piece.reserve(READ_BYTES);
            fill(stream, &mut piece).await?;
        }
    }

    fn head(&self, method: &str, path: &str, headers: &[(&str, &str)], length: usize) -> String {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        if method != "GET" {
            head += &format!("Content-Length: {length}\r\n");
        }
        head + "\r\n"
    }

    async fn exchange(&mut self, head: &str, body: &[u8]) -> Result<Answer> {
        let stream = connected(&mut self.stream, self.address).await?;
        let (mut answer, mut rest) = begin(stream, head, body).await?;
        let coding = answer.header("transfer-encoding").unwrap_or_default();
        answer.body = if coding.to_ascii_lowercase().contains("chunked") {
            chunked(stream, rest).await?
        } else {
            let length = answer.header("content-length").unwrap_or("0").parse()?;
            while rest.len() < length {
                fill(stream, &mut rest).await?;
            }
            rest
        };
        if answer.header("connection").is_some_and(|it| it.eq_ignore_ascii_case("close")) {
            self.stream = None;
        }
        Ok(answer)
    }
}

/// The value of a header.
fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let found = headers.find(|(it, _)| it.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value.trim())
}

/// The connection that is kept, or a new one.
async fn connected(kept: &mut Option<TcpStream>, address: SocketAddr) -> Result<&mut TcpStream> {
    let stream = match kept.take() {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            stream
        }
    };
    Ok(kept.insert(stream))
}

/// Asks, and reads an answer up to its body, of which some may have come.
async fn begin(stream: &mut TcpStream, head: &str, body: &[u8]) -> Result<(Answer, Vec<u8>)> {
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(body).await?;
    let mut arrived = Vec::new();
    let end = read_until(stream, &mut arrived, 0, b"\r\n\r\n").await?;
    let rest = arrived.split_off(end);
    let head = String::from_utf8_lossy(&arrived).into_owned();
    let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.with_context(|| format!("not HTTP: {head}"))?;
    Ok((Answer { status, head, body: Vec::new() }, rest))
}

async fn chunked(stream: &mut TcpStream, mut arrived: Vec<u8>) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    let mut at = 0;
    loop {
        let end = read_until(stream, &mut arrived, at, b"\r\n").await?;
        let size = std::str::from_utf8(&arrived[at..end - 2])?;
        let size = usize::from_str_radix(size.split(';').next().unwrap_or(size), 16)?;
        while arrived.len() < end + size + 2 {
            fill(stream, &mut arrived).await?;
        }
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&arrived[end..end + size]);
        at = end + size + 2;
    }
}

/// Where the first such mark from there on ends.
async fn read_until(
    stream: &mut TcpStream,
    arrived: &mut Vec<u8>,
    from: usize,
    mark: &[u8],
) -> Result<usize> {
    loop {
        if let Some(at) = memmem::find(&arrived[from..], mark) {
            return Ok(from + at + mark.len());
        }
        fill(stream, arrived).await?;
    }
}

async fn fill(stream: &mut TcpStream, arrived: &mut Vec<u8>) -> Result<()> {
    let count = stream.read_buf(arrived).await?;
    ensure!(count > 0, "the server hung up");
    Ok(())
}
