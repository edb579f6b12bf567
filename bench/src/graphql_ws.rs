//! Parlance's WebSocket: GraphQL over the subprotocol graphql-transport-ws.

use std::net::SocketAddr;

use anyhow::{Result, ensure};
use memchr::memmem;
use serde_json::{Value, json};

use crate::clock;
use crate::dialect::{self, Dialect, Heard};
use crate::line::Dialogue;

/// The id that every subscription of ours has on its connection.
const FEED: &str = "updates";

const SELECTION: &str = "position conversationId seq previousSeq viewerUnreadCount eventName \
    change { __typename ... on Message { id number text sender { id } } }";

pub(crate) const SEND: &str = "mutation($c:ID!,$v:ID!,$t:String!){\
    sendMessage(input:{clientId:$c,conversationId:$v,text:$t}){message{id number} position}}";

#[derive(Debug)]
pub(crate) struct GraphqlWs;

impl Dialect for GraphqlWs {
    fn hear(&self, payload: &[u8]) -> Heard {
        if memmem::find(payload, b"\"errors\"").is_none()
            && let Some(token) = dialect::token_in(payload)
        {
            return Heard::Delivery(token);
        }
        let Ok(frame) = serde_json::from_slice::<Value>(payload) else {
            return Heard::Refused(None, String::from_utf8_lossy(payload).into_owned());
        };
        let id = frame["id"].as_str().unwrap_or_default();
        let token = id.strip_prefix('m').and_then(|digits| digits.parse().ok());
        match frame["type"].as_str() {
            Some("next") if frame["payload"].get("errors").is_some_and(|it| !it.is_null()) => {
                Heard::Refused(token, frame["payload"]["errors"].to_string())
            }
            Some("next") if token.is_some() => Heard::Accepted,
            Some("error") => Heard::Refused(token, frame["payload"].to_string()),
            Some("complete") if id == FEED => {
                Heard::Refused(None, "the subscription ended".to_owned())
            }
            Some("ping") => {
                let mut pong = Vec::new();
                self.frame(br#"{"type":"pong"}"#, &mut pong);
                Heard::Ping(pong)
            }
            Some(_) => Heard::Aside,
            None => Heard::Refused(None, "a frame has no type".to_owned()),
        }
    }

    fn send(&self, conversation: &str, token: u64, text: &str, out: &mut Vec<u8>) {
        let variables = json!({ "c": clock::uuid_v7(), "v": conversation, "t": text });
        let operation = json!({
            "id": format!("m{token}"),
            "type": "subscribe",
            "payload": { "query": SEND, "variables": variables },
        });
        self.frame(operation.to_string().as_bytes(), out);
    }
}

/// Opens a WebSocket and identifies its account.
pub(crate) async fn connect(address: SocketAddr, access_token: &str) -> Result<Dialogue> {
    let mut dialogue = Dialogue::connect(address).await?;
    dialogue.upgrade("/graphql", Some("graphql-transport-ws")).await?;
    let payload = json!({ "authorization": format!("Bearer {access_token}") });
    let init = json!({ "type": "connection_init", "payload": payload });
    dialogue.say_frame(&GraphqlWs, &init.to_string()).await?;
    let answer = dialogue.frame(&GraphqlWs).await?;
    let acknowledged = memmem::find(&answer, b"connection_ack").is_some();
    ensure!(acknowledged, "not acknowledged: {}", String::from_utf8_lossy(&answer));
    Ok(dialogue)
}

/// Subscribes to what happens from now on, or from a position.
pub(crate) async fn subscribe(dialogue: &mut Dialogue, after: Option<&str>) -> Result<()> {
    let arguments = after.map(|position| format!("(after: \"{position}\")")).unwrap_or_default();
    say_subscription(dialogue, &arguments, SELECTION).await
}

/// Subscribes to what happens from now on and wants this of it.
pub(crate) async fn subscribe_for(dialogue: &mut Dialogue, selection: &str) -> Result<()> {
    say_subscription(dialogue, "", selection).await
}

/// Subscribes to what happens from now on, where a document that changes often may come once.
pub(crate) async fn subscribe_compact(dialogue: &mut Dialogue) -> Result<()> {
    say_subscription(dialogue, "(compact: true)", SELECTION).await
}

async fn say_subscription(dialogue: &mut Dialogue, arguments: &str, selection: &str) -> Result<()> {
    let query = format!("subscription {{ updates{arguments} {{ {selection} }} }}");
    let payload = json!({ "query": query });
    let operation = json!({ "id": FEED, "type": "subscribe", "payload": payload });
    dialogue.say_frame(&GraphqlWs, &operation.to_string()).await
}

#[cfg(test)]
mod tests {
    use super::{Dialect, GraphqlWs, Heard};

    fn hear(frame: &str) -> Heard {
        GraphqlWs.hear(frame.as_bytes())
    }

    #[test]
    fn frames_mean_what_the_protocol_says() {
        let delivery = r#"{"type":"next","id":"updates","payload":{"data":{"updates":
            {"change":{"text":"tok:0000000042 hello"}}}}}"#;
        assert_eq!(hear(delivery), Heard::Delivery(42));
        let answer = r#"{"type":"next","id":"m7","payload":{"data":{"sendMessage":{}}}}"#;
        assert_eq!(hear(answer), Heard::Accepted);
        let refusal = r#"{"type":"next","id":"m7","payload":{"data":null,"errors":[1]}}"#;
        assert_eq!(hear(refusal), Heard::Refused(Some(7), "[1]".to_owned()));
        assert_eq!(hear(r#"{"type":"complete","id":"m7"}"#), Heard::Aside);
        assert!(matches!(hear(r#"{"type":"complete","id":"updates"}"#), Heard::Refused(..)));
        assert!(matches!(hear(r#"{"type":"ping"}"#), Heard::Ping(_)));
    }
}
