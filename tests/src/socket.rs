//! A `graphql-transport-ws` client, as strict about the protocol as the protocol is.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, WebSocket, client::client_with_config};

use crate::waiting::found;
use crate::way::{Way, Wire};

/// How long a socket waits at a time.
const MOMENT: Duration = Duration::from_millis(500);

/// The feed with everything that a frame tells.
pub const UPDATES: &str = "subscription($after: String, $compact: Boolean! = false) { \
    updates(after: $after, compact: $compact) { position conversationId seq previousSeq \
    viewerUnreadCount occurredAt eventName change { __typename \
    ... on Message { id number text deleted threadId sender { id } } \
    ... on Conversation { id title memberCount unreadCount } \
    ... on Member { account { id } role active } \
    ... on ReadState { conversationId number unreadCount } \
    ... on ThreadReadState { threadId number unreadCount } \
    ... on Reactions { messageId counts { emoji count } } \
    ... on Typing { typing kind } ... on UploadProgress { fileId receivedBytes sizeBytes } \
    ... on Pin { messageId pinned silent } \
    ... on Receipt { account { id } readNumber deliveredNumber } \
    ... on Draft { conversationId threadId text replyTo { id } } \
    ... on Listing { conversationId mutedUntil markedUnread archived pinnedRank } \
    ... on PinnedConversations { conversationIds } \
    ... on SeenReactions { conversationId unseenCount } \
    ... on ScheduledMessage { id state markdown messageId } \
    ... on Poll { messageId options { count } voterCount closed } \
    ... on LiveLocation { messageId location { latitude longitude } ended } \
    ... on LiveLocationMove { messageId location { latitude longitude } } \
    ... on Account { id displayName } } } }";

/// A socket.
pub struct Socket {
    socket: WebSocket<Wire>,
    waiting: VecDeque<Value>,
}

/// What a socket hears.
#[derive(Debug)]
pub enum Heard {
    Message(Value),
    /// Closed with a code, or without one when the connection broke.
    Closed(Option<u16>),
}

/// An update.
#[derive(Debug, Clone, PartialEq)]
pub struct Frame(pub Value);

impl Frame {
    /// Where to resume after it.
    pub fn position(&self) -> &str {
        self.0["position"].as_str().expect("a frame has a position")
    }

    /// The conversation; empty for the viewer's own account.
    pub fn conversation(&self) -> &str {
        self.0["conversationId"].as_str().unwrap_or("")
    }

    /// Place in the conversation.
    pub fn seq(&self) -> u64 {
        crate::long(&self.0["seq"])
    }

    /// The place before it that the viewer may see.
    pub fn previous_seq(&self) -> u64 {
        crate::long(&self.0["previousSeq"])
    }

    /// The last part of the event's name.
    pub fn event(&self) -> &str {
        let name = self.0["eventName"].as_str().expect("a frame has an event");
        name.rsplit('.').next().expect("a name has a last part")
    }

    /// What changed.
    pub fn change(&self) -> &Value {
        &self.0["change"]
    }

    /// The conversation's unread count for the viewer.
    pub fn unread(&self) -> i64 {
        self.0["viewerUnreadCount"].as_i64().expect("a frame has an unread count")
    }
}

impl Socket {
    /// Opens a socket without a word.
    pub fn open(address: SocketAddr) -> Self {
        Self::over(&Way::to(address))
    }

    /// Opens a socket in a way of its own.
    pub fn over(way: &Way) -> Self {
        Self::try_over(way).expect("an upgraded connection")
    }

    /// Opens a socket unless the server is away.
    pub fn try_open(address: SocketAddr) -> Option<Self> {
        Self::try_over(&Way::to(address))
    }

    fn try_over(way: &Way) -> Option<Self> {
        let (scheme, address) = (way.scheme("ws"), way.address);
        let mut request = format!("{scheme}://{address}/graphql").into_client_request().ok()?;
        let protocol = "graphql-transport-ws".parse().expect("a constant is a header");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let wire = way.connect().ok()?;
        let (socket, _) =
            client_with_config(request, wire, Some(WebSocketConfig::default())).ok()?;
        socket.get_ref().stream().set_read_timeout(Some(MOMENT)).ok()?;
        Some(Self { socket, waiting: VecDeque::new() })
    }

    /// Says something.
    pub fn say(&mut self, message: &Value) {
        self.say_text(&message.to_string());
    }

    /// Says something that need not be JSON.
    pub fn say_text(&mut self, text: &str) {
        // What is said to a socket that is closing is lost; the close is heard.
        let _ = self.socket.send(Message::text(text));
    }

    /// Says bytes, which the protocol does not know.
    pub fn say_bytes(&mut self, bytes: &[u8]) {
        let _ = self.socket.send(Message::binary(bytes.to_vec()));
    }

    /// Introduces itself with a token, and does not wait for the answer.
    pub fn greet(&mut self, token: &str) {
        let payload = json!({ "authorization": format!("Bearer {token}") });
        self.say(&json!({ "type": "connection_init", "payload": payload }));
    }

    /// Starts an operation.
    pub fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(&json!({ "type": "subscribe", "id": id, "payload": payload }));
    }

    /// The next thing heard; pings are answered on the way.
    pub fn hear(&mut self) -> Heard {
        found("nothing was heard", || self.hears())
    }

    /// What comes within a moment.
    fn hears(&mut self) -> Option<Heard> {
        if let Some(message) = self.waiting.pop_front() {
            return Some(Heard::Message(message));
        }
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => {
                    let message: Value = serde_json::from_str(&text).expect("messages are JSON");
                    if message["type"] == "ping" {
                        self.say(&json!({ "type": "pong" }));
                        continue;
                    }
                    return Some(Heard::Message(message));
                }
                Ok(Message::Close(frame)) => {
                    return Some(Heard::Closed(frame.map(|it| it.code.into())));
                }
                Ok(_) => (),
                Err(tokio_tungstenite::tungstenite::Error::Io(error))
                    if error.kind() == std::io::ErrorKind::WouldBlock =>
                {
                    return None;
                }
                Err(_) => return Some(Heard::Closed(None)),
            }
        }
    }

    /// What comes next, unless `over` says before that there is nothing to wait for.
    pub fn hear_unless(&mut self, over: impl Fn() -> bool) -> Option<Heard> {
        loop {
            match self.hears() {
                Some(heard) => return Some(heard),
                None if over() => return None,
                None => (),
            }
        }
    }

    /// The next message, of an expected type.
    pub fn expect(&mut self, kind: &str) -> Value {
        match self.hear() {
            Heard::Message(message) => {
                assert_eq!(message["type"], kind, "{message}");
                message
            }
            Heard::Closed(code) => panic!("closed with {code:?} instead of {kind}"),
        }
    }

    /// The next message for one operation; those for others wait for their turn.
    pub fn expect_for(&mut self, id: &str, kind: &str) -> Value {
        let mut others = VecDeque::new();
        loop {
            match self.hear() {
                Heard::Message(message) if message["id"] == id => {
                    others.append(&mut self.waiting);
                    self.waiting = others;
                    assert_eq!(message["type"], kind, "{message}");
                    return message;
                }
                Heard::Message(message) => others.push_back(message),
                Heard::Closed(code) => panic!("closed with {code:?} instead of {kind} for {id}"),
            }
        }
    }

    /// The code that the server closes with, whatever is said before.
    pub fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Heard::Closed(code) = self.hear() {
                return code;
            }
        }
    }

    /// Breaks the connection without a farewell.
    pub fn breaks(self) {
        let _ = self.socket.get_ref().stream().shutdown(std::net::Shutdown::Both);
    }
}

/// A subscription to the feed on a socket of its own.
pub struct Feed {
    pub socket: Socket,
    /// Where to resume.
    pub position: Option<String>,
}

impl Feed {
    /// Subscribes after a position, or from now on.
    pub fn start(mut socket: Socket, token: &str, after: Option<&str>, compact: bool) -> Self {
        socket.greet(token);
        socket.expect("connection_ack");
        socket.subscribe("feed", UPDATES, json!({ "after": after, "compact": compact }));
        Self { socket, position: after.map(str::to_owned) }
    }

    /// The next frame.
    #[expect(clippy::should_implement_trait, reason = "a feed has no end")]
    pub fn next(&mut self) -> Frame {
        let message = self.socket.expect_for("feed", "next");
        let payload = &message["payload"];
        assert!(payload.get("errors").is_none(), "{message}");
        let frame = Frame(payload["data"]["updates"].clone());
        self.position = Some(frame.position().to_owned());
        frame
    }

    /// The next frame, or `None` once the connection has broken or was closed.
    pub fn try_next(&mut self) -> Option<Frame> {
        match self.socket.hear() {
            Heard::Message(message) => {
                assert_eq!(message["type"], "next", "{message}");
                let frame = Frame(message["payload"]["data"]["updates"].clone());
                self.position = Some(frame.position().to_owned());
                Some(frame)
            }
            Heard::Closed(_) => None,
        }
    }

    /// The next frame of a conversation.
    pub fn next_of(&mut self, conversation: &str) -> Frame {
        loop {
            let frame = self.next();
            if frame.conversation() == conversation {
                return frame;
            }
        }
    }

    /// Frames up to and including the one with a seq of a conversation, without what passes.
    pub fn until(&mut self, conversation: &str, seq: u64) -> Vec<Frame> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next();
            if frame.0["seq"].is_null() {
                continue;
            }
            let reached = frame.conversation() == conversation && frame.seq() >= seq;
            frames.push(frame);
            if reached {
                return frames;
            }
        }
    }
}
