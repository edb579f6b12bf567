//! As much HTTP/1.1 as the public doors need: one kept connection, one request at a time.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ANSWER_MAX: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(crate) struct Http {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Http {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, stream: None }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Result<Answer> {
        self.ask(format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address)).await
    }

    /// Posts JSON, with a bearer token if there is one.
    pub(crate) async fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> Result<Answer> {
        let bearer =
            token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
        self.ask(format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n{bearer}\
             Content-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        ))
        .await
    }

    async fn ask(&mut self, request: String) -> Result<Answer> {
        let answer = tokio::time::timeout(ANSWER_MAX, self.exchange(request.as_bytes())).await;
        let answer = answer.context("no answer").flatten();
        if answer.is_err() {
            self.stream = None;
        }
        answer
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Answer> {
        let stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        let stream = self.stream.insert(stream);
        stream.write_all(request).await?;
        let mut arrived = Vec::new();
        let end = read_until(stream, &mut arrived, 0, b"\r\n\r\n").await?;
        let head = String::from_utf8_lossy(&arrived[..end]).to_ascii_lowercase();
        let mut rest = arrived.split_off(end);
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.with_context(|| format!("not HTTP: {head}"))?;
        let header = |name: &str| {
            let mut lines = head.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))
        };
        let body = if header("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
            chunked(stream, rest).await?
        } else {
            let length = header("content-length").unwrap_or("0").parse()?;
            while rest.len() < length {
                fill(stream, &mut rest).await?;
            }
            rest
        };
        if header("connection") == Some("close") {
            self.stream = None;
        }
        Ok(Answer { status, body })
    }
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
