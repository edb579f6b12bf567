//! The `graphql-transport-ws` protocol on one socket, with its close codes.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket};
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;

use chat::kernel::graphql::Asker;

use crate::limits::{INIT_MS_MAX, MESSAGE_BYTES_MAX, OPERATIONS_MAX, PING_MS};
use crate::operation::{Operation, Running, RunningById, Started};
use crate::outbox::{Close, Outbox};
use crate::schema::{Api, refusal};
use crate::viewer::{Proved, Refused, bearer, prove};

/// Name of the protocol.
pub(crate) const PROTOCOL: &str = "graphql-transport-ws";

/// What a client sends.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Incoming {
    ConnectionInit { payload: Option<Init> },
    Ping {},
    Pong {},
    Subscribe { id: String, payload: Operation },
    Complete { id: String },
}

#[derive(Deserialize)]
struct Init {
    #[serde(alias = "Authorization")]
    authorization: Option<String>,
}

const MALFORMED: Close = Close { code: 4400, reason: "Invalid message" };
const TOO_LARGE: Close = Close { code: 1009, reason: "Message too large" };
const NO_INIT: Close = Close { code: 4401, reason: "Unauthorized" };
const INIT_TIMEOUT: Close = Close { code: 4408, reason: "Connection initialisation timeout" };
const REFUSED: Close = Close { code: 4403, reason: "Forbidden" };
const TOO_MANY_INITS: Close = Close { code: 4429, reason: "Too many initialisation requests" };
const FLOOD: Close = Close { code: 4429, reason: "Too many messages" };
const INTERNAL: Close = Close { code: 1011, reason: "Internal error" };

/// Longest id of an operation.
const ID_BYTES_MAX: usize = 128;

/// Everything that belongs to one socket.
struct Connection {
    api: Arc<Api>,
    outbox: Arc<Outbox>,
    address: String,
    proved: Option<(Proved, u64)>,
    running: RunningById,
    /// Second of the last message, and messages in it.
    rate: (i64, u32),
}

/// Serves one socket until it closes.
pub(crate) async fn serve(socket: WebSocket, api: Arc<Api>, address: String) {
    let outbox = Outbox::new(api.parts.socket, &api.hub.pace);
    let running = RunningById::default();
    let mut connection = Connection { api, outbox, address, proved: None, running, rate: (0, 0) };
    connection.run(socket).await;
    connection.end();
}

/// Says why the socket is closed and waits until the other end has heard it: a connection that is
/// dropped while something still comes in takes with it what is on its way.
async fn part(mut socket: WebSocket, close: Close) {
    let frame = CloseFrame { code: close.code, reason: close.reason.into() };
    if socket.send(Message::Close(Some(frame))).await.is_ok() {
        while let Some(Ok(_)) = socket.next().await {}
    }
}

impl Connection {
    async fn run(&mut self, mut socket: WebSocket) {
        let outbox = Arc::clone(&self.outbox);
        let init = tokio::time::sleep(Duration::from_millis(INIT_MS_MAX));
        tokio::pin!(init);
        let mut pings = tokio::time::interval(Duration::from_millis(PING_MS));
        pings.reset();
        let mut unanswered = false;
        loop {
            tokio::select! {
                biased;
                (messages, close) = outbox.take() => {
                    let write = async {
                        for message in messages {
                            socket.feed(Message::Text(message)).await?;
                        }
                        socket.flush().await
                    };
                    let written = tokio::select! {
                        biased;
                        written = write => written.is_ok(),
                        () = outbox.cut() => true,
                    };
                    if let Some(close) = close {
                        // A reader that takes nothing is not told why.
                        let _ = tokio::time::timeout(close.farewell(), part(socket, close)).await;
                        return;
                    }
                    if !written {
                        return;
                    }
                }
                incoming = socket.next() => {
                    unanswered = false;
                    match incoming {
                        Some(Ok(Message::Text(text))) => {
                            // Apart, since an idle socket should not keep room for it.
                            if let Err(close) = Box::pin(self.receive(&text)).await {
                                outbox.close(close);
                            }
                        }
                        Some(Ok(Message::Binary(_))) => outbox.close(MALFORMED),
                        Some(Ok(Message::Ping(_) | Message::Pong(_))) => (),
                        Some(Ok(Message::Close(_)) | Err(_)) | None => return,
                    }
                }
                () = &mut init, if self.proved.is_none() => outbox.close(INIT_TIMEOUT),
                _ = pings.tick() => {
                    if self.has_expired() {
                        outbox.close(Close::EXPIRED);
                    } else if std::mem::replace(&mut unanswered, true) {
                        // Nothing was heard for a whole interval: the other end is gone.
                        return;
                    } else {
                        outbox.push(Utf8Bytes::from_static("{\"type\":\"ping\"}"));
                    }
                }
            }
        }
    }

    fn has_expired(&self) -> bool {
        let now = self.api.parts.ports.clock.now_ms();
        self.proved.is_some_and(|(it, _)| it.until_ms <= now)
    }

    async fn receive(&mut self, text: &str) -> Result<(), Close> {
        if text.len() > MESSAGE_BYTES_MAX {
            return Err(TOO_LARGE);
        }
        let second = self.api.parts.ports.clock.now_ms() / 1_000;
        if self.rate.0 != second {
            self.rate = (second, 0);
        }
        self.rate.1 += 1;
        if self.rate.1 > self.api.parts.socket.per_socket {
            return Err(FLOOD);
        }
        let incoming: Incoming = serde_json::from_str(text).map_err(|_| MALFORMED)?;
        match incoming {
            Incoming::ConnectionInit { payload } => self.init(payload).await,
            Incoming::Ping {} => {
                self.outbox.push(Utf8Bytes::from_static("{\"type\":\"pong\"}"));
                Ok(())
            }
            Incoming::Pong {} => Ok(()),
            Incoming::Subscribe { id, payload } => self.subscribe(id, payload),
            Incoming::Complete { id } => {
                let running = self.running().remove(&id);
                running.into_iter().for_each(|it| self.stop(it));
                Ok(())
            }
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().expect("no holder of the lock panics")
    }

    async fn init(&mut self, payload: Option<Init>) -> Result<(), Close> {
        if self.proved.is_some() {
            return Err(TOO_MANY_INITS);
        }
        let header = payload.and_then(|it| it.authorization).ok_or(REFUSED)?;
        let token = bearer(&header).ok_or(REFUSED)?;
        let proved = prove(&self.api.parts, token).await.map_err(|it| match it {
            Refused::Token => REFUSED,
            Refused::Unavailable => Close::UNAVAILABLE,
        })?;
        let socket = self.api.hub.attach(proved.viewer.session, &self.outbox);
        self.proved = Some((proved, socket));
        self.outbox.push(Utf8Bytes::from_static("{\"type\":\"connection_ack\"}"));
        Ok(())
    }

    fn subscribe(&mut self, id: String, payload: Operation) -> Result<(), Close> {
        let (proved, _) = self.proved.ok_or(NO_INIT)?;
        if self.has_expired() {
            return Err(Close::EXPIRED);
        }
        if id.is_empty() || id.len() > ID_BYTES_MAX {
            return Err(MALFORMED);
        }
        if self.running().contains_key(&id) {
            // The protocol wants the id in the reason; ids are the client's own words.
            return Err(Close { code: 4409, reason: "Subscriber already exists" });
        }
        let asker = Asker::Viewer(proved.viewer, self.address.clone());
        let operation = Started {
            api: Arc::clone(&self.api),
            outbox: Arc::clone(&self.outbox),
            running: Arc::clone(&self.running),
            proved,
            id: id.clone(),
        };
        let mut running = self.running();
        let full = running.len() >= OPERATIONS_MAX;
        let (start, started) = tokio::sync::oneshot::channel::<()>();
        if full {
            drop(running);
            let response = refusal("RATE_LIMITED", "too many operations on this socket");
            operation.fail(&response);
            return Ok(());
        }
        let task = ports::spawn("operation", async move {
            // It starts once it can be found and stopped.
            if started.await.is_ok() {
                operation.run(payload, asker).await;
            }
        });
        running.insert(id, Running::Task(task.abort_handle()));
        drop(running);
        start.send(()).map_err(|()| INTERNAL)
    }

    fn stop(&self, running: Running) {
        match running {
            Running::Task(task) | Running::Following(task) => task.abort(),
            Running::Live(id) => self.api.hub.leave(id),
        }
    }

    fn end(&self) {
        self.outbox.end();
        let running: Vec<Running> = self.running().drain().map(|(_, it)| it).collect();
        running.into_iter().for_each(|it| self.stop(it));
        if let Some((_, socket)) = self.proved {
            self.api.hub.detach(socket);
        }
    }
}
