//! A service of ranges over HTTP.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::Breaches;
use crate::{Address, Error};

pub(super) const PORT: &str = "breached passwords";

/// How long an answer may take: somebody waits to register.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// Bytes of an answer at most; a range has about a thousand lines.
const ANSWER_BYTES_MAX: usize = 1 << 20;

struct Ranges {
    client: reqwest::Client,
    base: String,
}

pub(super) fn connect(address: &Address) -> Result<Arc<dyn Breaches>, Error> {
    let mut parts = address.parts(PORT)?;
    let (client, base) = parts.http(PORT)?;
    let client = client.timeout(ANSWER_MAX).build().map_err(|it| Error::unavailable(PORT, it))?;
    let base = format!("{base}/{}", parts.path);
    Ok(Arc::new(Ranges { client, base: base.trim_end_matches('/').to_owned() }))
}

#[async_trait]
impl Breaches for Ranges {
    async fn holds(&self, password: &str) -> Result<bool, Error> {
        let sha1 = digest(&SHA1_FOR_LEGACY_USE_ONLY, password.as_bytes());
        let hex: String = sha1.as_ref().iter().map(|it| format!("{it:02X}")).collect();
        let (range, rest) = hex.split_at(5);
        let asked = self.client.get(format!("{}/{range}", self.base));
        // Padded answers all look alike to whoever sees only their length.
        let asked = asked.header("add-padding", "true").send().await;
        let failed = |it: reqwest::Error| Error::unavailable(PORT, it.without_url());
        let mut answer = asked.and_then(reqwest::Response::error_for_status).map_err(failed)?;
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            text.extend_from_slice(&chunk);
            if text.len() > ANSWER_BYTES_MAX {
                return Err(Error::unavailable(PORT, "the answer is too large"));
            }
        }
        let text = String::from_utf8_lossy(&text);
        let mut lines = text.lines().filter_map(|it| it.trim().split_once(':'));
        // Padding has a count of nothing.
        Ok(lines.any(|(it, count)| it.eq_ignore_ascii_case(rest) && count != "0"))
    }
}
