//! How a person listens: feeds, and sockets with selections of their own.

use serde_json::json;

use crate::person::text;
use crate::{Feed, Person, Socket};

impl Person {
    /// Where the server stands.
    pub fn position(&self) -> String {
        text(&self.asks("{ position }", json!({})).data()["position"])
    }

    /// Subscribes to everything from here on.
    pub fn subscribes(&self) -> Feed {
        self.resumes(&self.position())
    }

    /// Subscribes to everything after a position.
    pub fn resumes(&self, after: &str) -> Feed {
        Feed::start(self.socket(), &self.token, Some(after), false)
    }

    /// Subscribes to what is left of everything after a position.
    pub fn resumes_compact(&self, after: &str) -> Feed {
        Feed::start(self.socket(), &self.token, Some(after), true)
    }

    /// A socket that hears everything from here on with a selection of its own, as `own`. It
    /// resumes: whatever is done next is heard, also when it is done before the feed is live.
    pub fn hears(&self, selection: &str) -> Socket {
        let query =
            format!("subscription($after: String) {{ updates(after: $after) {{ {selection} }} }}");
        let after = self.position();
        let mut socket = self.greeted_socket();
        socket.subscribe("own", &query, json!({ "after": after }));
        socket
    }

    /// A socket that has not said anything.
    pub fn socket(&self) -> Socket {
        Socket::over(&self.client.http.way)
    }

    /// A socket that was let in.
    pub fn greeted_socket(&self) -> Socket {
        let mut socket = self.socket();
        socket.greet(&self.token);
        socket.expect("connection_ack");
        socket
    }
}
