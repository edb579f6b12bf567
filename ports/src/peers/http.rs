//! Peers over HTTP: one POST a question, on connections that are kept.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{BYTES_MAX, PATH, Peers, token};
use crate::Error;
use crate::keys::Secret;

const PORT: &str = "peers";

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(10);

pub(super) struct Http {
    client: reqwest::Client,
}

impl Http {
    pub(super) fn new(secret: &Secret) -> Result<Self, Error> {
        let mut bearer = HeaderValue::from_str(&format!("Bearer {}", token(secret)))
            .expect("hexadecimal digits are a header");
        bearer.set_sensitive(true);
        let client = reqwest::Client::builder()
            .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
            .connect_timeout(CONNECT_MAX)
            .timeout(ANSWER_MAX)
            .redirect(reqwest::redirect::Policy::none())
            .tcp_nodelay(true)
            .no_proxy()
            .build()
            .map_err(|it| Error::unavailable(PORT, it))?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Peers for Http {
    async fn ask(&self, peer: &str, question: Bytes) -> Result<Bytes, Error> {
        let asked = self.client.post(format!("{peer}{PATH}")).body(question).send().await;
        let answer = asked.map_err(|it| match it.is_connect() || it.is_builder() {
            true => Error::unavailable(PORT, it),
            false => Error::unknown(PORT, it),
        })?;
        let status = answer.status();
        if !status.is_success() {
            let cause = format!("a peer answers {status}");
            // Who does not let a question in has not looked at it.
            let kind = if status.is_client_error() { Error::unavailable } else { Error::unknown };
            return Err(kind(PORT, cause));
        }
        if answer.content_length().is_some_and(|it| it > BYTES_MAX as u64) {
            return Err(Error::unknown(PORT, "the answer is too large"));
        }
        answer.bytes().await.map_err(|it| Error::unknown(PORT, it))
    }
}
