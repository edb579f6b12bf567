//! Sockets without a network: the real routes of a node at one end, a reader at the other.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use axum::extract::Request;
use axum::extract::connect_info::MockConnectInfo;
use axum::middleware::{Next, from_fn};
use axum::serve::Listener;
use futures_util::{SinkExt, StreamExt};
use query_api::Api;
use serde_json::{Value, json};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;

use ports::Tasks;

/// Where everyone comes from.
const ADDRESS: (Ipv4Addr, u16) = (Ipv4Addr::LOCALHOST, 1);

/// Where a node takes connections.
pub(crate) type Wires = mpsc::UnboundedSender<DuplexStream>;

/// Connections that arrive.
struct Arriving(mpsc::UnboundedReceiver<DuplexStream>);

impl Listener for Arriving {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(wire) => (wire, ()),
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Serves the client API of a node; the caller runs among its tasks.
pub(crate) fn serve(tasks: &Tasks, api: Arc<Api>) -> Wires {
    let (wires, arriving) = mpsc::unbounded_channel();
    let tasks = tasks.clone();
    // The server starts its tasks by itself: what they start belongs to the node all the same.
    let belongs = from_fn(move |request: Request, next: Next| {
        let tasks = tasks.clone();
        async move { tasks.run(next.run(request)).await }
    });
    let address = MockConnectInfo(SocketAddr::from(ADDRESS));
    let routes = query_api::http::routes(api).layer(address).layer(belongs);
    ports::spawn("server", async move { axum::serve(Arriving(arriving), routes).await });
    wires
}

/// A reader's end.
pub(crate) struct Socket(WebSocketStream<DuplexStream>);

/// What a socket hears.
pub(crate) enum Heard {
    Message(Value),
    /// Closed with a reason, or without one when the connection broke.
    Closed(Option<String>),
}

impl Socket {
    /// Opens a socket to a node over a wire that holds so many bytes.
    pub(crate) async fn open(wires: &Wires, bytes: usize) -> Option<Self> {
        let (ours, theirs) = tokio::io::duplex(bytes);
        wires.send(theirs).ok()?;
        let mut request = "ws://node/graphql".into_client_request().expect("it is an address");
        let protocol = "graphql-transport-ws".parse().expect("a constant is a header");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (socket, _) = tokio_tungstenite::client_async(request, ours).await.ok()?;
        Some(Self(socket))
    }

    pub(crate) async fn say(&mut self, message: Value) {
        // What is said to a socket that is closing is lost; the close is heard.
        let _ = self.0.send(Message::text(message.to_string())).await;
    }

    /// Starts an operation.
    pub(crate) async fn ask(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(json!({ "type": "subscribe", "id": id, "payload": payload })).await;
    }

    /// The next thing heard; pings are answered on the way.
    pub(crate) async fn hear(&mut self) -> Heard {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => {
                    let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                    if message["type"] != "ping" {
                        return Heard::Message(message);
                    }
                    self.say(json!({ "type": "pong" })).await;
                }
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map(|it| it.reason.as_str().to_owned()));
                }
                Some(Ok(_)) => (),
                Some(Err(_)) | None => return Heard::Closed(None),
            }
        }
    }
}
