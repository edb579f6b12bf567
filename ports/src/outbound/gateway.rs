//! Text messages by way of a gateway over HTTP; docs/sms-protocol.md tells its owner what comes.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::CONTENT_TYPE;

use super::{Handed, Message, Outbound, TEXT_BYTES_MAX, is_phone};
use crate::clock::{Clock, System};
use crate::{Address, Error, ErrorKind};

pub(super) const PORT: &str = "sms";

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(20);

struct Gateway {
    client: reqwest::Client,
    url: String,
    key: aws_lc_rs::hmac::Key,
}

pub(super) fn connect(address: &Address) -> Result<Arc<dyn Outbound>, Error> {
    let mut parts = address.parts(PORT)?;
    let (client, base) = parts.http(PORT)?;
    let client = client.connect_timeout(CONNECT_MAX).timeout(ANSWER_MAX).build();
    let client = client.map_err(|it| Error::unavailable(PORT, it))?;
    let url = format!("{base}/{}", parts.path);
    let secret = parts.password.unwrap_or_default();
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
    Ok(Arc::new(Gateway { client, url, key }))
}

#[async_trait]
impl Outbound for Gateway {
    async fn send(&self, message: &Message) -> Result<Handed, Error> {
        if message.text.len() > TEXT_BYTES_MAX || !is_phone(&message.to) {
            return Ok(Handed::Refused);
        }
        let id = message.id.to_string();
        let body = serde_json::json!({ "id": id, "to": message.to, "text": message.text });
        let body = body.to_string();
        let seconds = System.now_ms() / 1_000;
        let signed = aws_lc_rs::hmac::sign(&self.key, format!("{id}.{seconds}.{body}").as_bytes());
        let request = self.client.post(&self.url).header(CONTENT_TYPE, "application/json");
        let request = request
            .header("idempotency-key", &id)
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", format!("v1,{}", STANDARD.encode(signed)));
        let answer = request.body(body).send().await.map_err(|it| {
            let kind = if it.is_connect() { ErrorKind::Unavailable } else { ErrorKind::Unknown };
            Error::new(kind, PORT, it.without_url())
        })?;
        match answer.status().as_u16() {
            200..=299 => Ok(Handed::Taken),
            408 | 429 | 500.. => Err(Error::unavailable(PORT, "the gateway asks to come again")),
            _ => Ok(Handed::Refused),
        }
    }
}
