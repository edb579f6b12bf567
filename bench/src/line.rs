//! One connection to a server: first a dialogue step by step, then a line that only counts.

use std::cell::RefCell;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use memchr::memmem;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::AbortHandle;

use crate::clock;
use crate::dialect::{Dialect, Heard};
use crate::ledger::Ledger;
use crate::outlet::Outlet;
use crate::ws::{self, FrameKind};

const ANSWER_MAX: Duration = Duration::from_secs(20);
const READ_BYTES: usize = 256 * 1024;

thread_local! {
    /// Shared by all lines of the thread: a read ends before the next begins.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; READ_BYTES]);
}

/// A connection while it is being set up.
#[derive(Debug)]
pub(crate) struct Dialogue {
    stream: TcpStream,
    arrived: Vec<u8>,
}

impl Dialogue {
    pub(crate) async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await.context("connect")?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, arrived: Vec::new() })
    }

    /// Asks for a WebSocket and waits until it is granted.
    pub(crate) async fn upgrade(&mut self, path: &str, subprotocol: Option<&str>) -> Result<()> {
        let wanted = subprotocol
            .map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"))
            .unwrap_or_default();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{wanted}\
             Connection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {}\r\n\r\n",
            ws::KEY
        );
        self.say(request.as_bytes()).await?;
        let end = loop {
            if let Some(at) = memmem::find(&self.arrived, b"\r\n\r\n") {
                break at + 4;
            }
            self.read().await?;
        };
        let head = String::from_utf8_lossy(&self.arrived[..end]).into_owned();
        let status = head.lines().next().unwrap_or_default();
        ensure!(status.starts_with("HTTP/1.1 101"), "no WebSocket: {status}");
        ensure!(head.contains(ws::ACCEPT), "the server does not accept the WebSocket's key");
        self.arrived.drain(..end);
        Ok(())
    }

    pub(crate) async fn say(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await.context("write")
    }

    pub(crate) async fn say_frame(&mut self, dialect: &dyn Dialect, payload: &str) -> Result<()> {
        let mut bytes = Vec::new();
        dialect.frame(payload.as_bytes(), &mut bytes);
        self.say(&bytes).await
    }

    /// The next text frame.
    pub(crate) async fn frame(&mut self, dialect: &dyn Dialect) -> Result<Vec<u8>> {
        loop {
            while let Some(frame) = dialect.cut(&self.arrived)? {
                let payload = self.arrived[frame.payload].to_vec();
                self.arrived.drain(..frame.taken);
                match frame.kind {
                    FrameKind::Text => return Ok(payload),
                    FrameKind::Close => bail!("closed: {}", String::from_utf8_lossy(&payload)),
                    FrameKind::Ping | FrameKind::Pong => (),
                }
            }
            self.read().await?;
        }
    }

    /// Skips frames until one contains the words; a refusal is an error.
    pub(crate) async fn until(&mut self, dialect: &dyn Dialect, words: &str) -> Result<()> {
        loop {
            let payload = self.frame(dialect).await.with_context(|| format!("before {words:?}"))?;
            if memmem::find(&payload, words.as_bytes()).is_some() {
                return Ok(());
            }
            if let Heard::Refused(_, why) = dialect.hear(&payload) {
                bail!("refused: {why}");
            }
        }
    }

    async fn read(&mut self) -> Result<()> {
        let read = self.stream.read_buf(&mut self.arrived);
        let count = tokio::time::timeout(ANSWER_MAX, read).await.context("no answer")??;
        ensure!(count > 0, "the server hung up");
        Ok(())
    }
}

/// A connection that is set up: it sends, and what it hears goes to the ledger.
#[derive(Debug)]
pub(crate) struct Line {
    outlet: Rc<Outlet>,
    reading: AbortHandle,
}

impl Line {
    pub(crate) fn attach(
        dialogue: Dialogue,
        dialect: Rc<dyn Dialect>,
        ledger: Rc<RefCell<Ledger>>,
        index: usize,
    ) -> Self {
        let outlet = Outlet::new(Rc::new(dialogue.stream));
        let ear = Ear { outlet: Rc::clone(&outlet), dialect, ledger, index };
        let reading = tokio::task::spawn_local(ear.listen(dialogue.arrived)).abort_handle();
        Self { outlet, reading }
    }

    pub(crate) fn write(&self, bytes: &[u8]) {
        self.outlet.write(bytes);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

struct Ear {
    outlet: Rc<Outlet>,
    dialect: Rc<dyn Dialect>,
    ledger: Rc<RefCell<Ledger>>,
    index: usize,
}

impl Ear {
    async fn listen(self, mut rest: Vec<u8>) {
        let outcome = loop {
            if let Err(error) = self.take(&mut rest) {
                break error;
            }
            if let Err(error) = self.outlet.stream.readable().await {
                break error.into();
            }
            match self.read(&mut rest) {
                Ok(true) => (),
                Ok(false) => break anyhow::anyhow!("the server hung up"),
                Err(error) => break error,
            }
        };
        self.ledger.borrow_mut().close(self.index, &format!("{outcome:#}"));
    }

    /// Reads what is there; false at the end of the stream.
    fn read(&self, rest: &mut Vec<u8>) -> Result<bool> {
        READ.with_borrow_mut(|buffer| {
            let count = match self.outlet.stream.try_read(buffer) {
                Ok(0) => return Ok(false),
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(true),
                Err(error) => return Err(error.into()),
            };
            if rest.is_empty() {
                let taken = self.take_whole(&buffer[..count])?;
                rest.extend_from_slice(&buffer[taken..count]);
            } else {
                rest.extend_from_slice(&buffer[..count]);
            }
            Ok(true)
        })
    }

    fn take(&self, rest: &mut Vec<u8>) -> Result<()> {
        if !rest.is_empty() {
            let taken = self.take_whole(rest)?;
            rest.drain(..taken);
            if rest.is_empty() {
                *rest = Vec::new();
            }
        }
        Ok(())
    }

    /// Counts all whole frames at the front; how many bytes they took.
    fn take_whole(&self, bytes: &[u8]) -> Result<usize> {
        let at = clock::now();
        let mut taken = 0;
        while let Some(frame) = self.dialect.cut(&bytes[taken..])? {
            let payload = &bytes[taken..][frame.payload];
            taken += frame.taken;
            match frame.kind {
                FrameKind::Text => self.hear(payload, at),
                FrameKind::Ping => {
                    self.ledger.borrow_mut().ping();
                    let mut pong = Vec::new();
                    ws::push_masked(&mut pong, FrameKind::Pong, payload);
                    self.outlet.write(&pong);
                }
                FrameKind::Pong => (),
                FrameKind::Close => bail!("closed: {}", String::from_utf8_lossy(payload)),
            }
        }
        Ok(taken)
    }

    fn hear(&self, payload: &[u8], at: std::time::Instant) {
        match self.dialect.hear(payload) {
            Heard::Delivery(token) => self.ledger.borrow_mut().deliver(self.index, token, at),
            Heard::Accepted => self.ledger.borrow_mut().accept(),
            Heard::Refused(token, words) => self.ledger.borrow_mut().refuse(token, &words),
            Heard::Ping(answer) => {
                self.ledger.borrow_mut().ping();
                self.outlet.write(&answer);
            }
            Heard::Aside => (),
        }
    }
}
