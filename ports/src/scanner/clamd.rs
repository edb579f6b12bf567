//! A daemon of ClamAV, by the stream that its protocol has for files of others (`INSTREAM`).

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clamav_client::tokio::{Tcp, scan_stream};
use futures_util::StreamExt;

use super::{Scanner, Verdict};
use crate::blobs::ByteStream;
use crate::{Address, Error};

pub(super) const PORT: &str = "scanner";

/// How long one file may take: two gibibytes are unpacked and looked through.
const ANSWER_MAX: Duration = Duration::from_secs(600);

struct Clamd {
    host: String,
}

pub(super) fn connect(address: &Address) -> Result<Arc<dyn Scanner>, Error> {
    let parts = address.parts(PORT)?;
    parts.read_up(PORT)?;
    let plain = parts.path.is_empty() && parts.user.is_none() && parts.hosts.contains(':');
    match plain {
        true => Ok(Arc::new(Clamd { host: parts.hosts })),
        false => Err(Error::unavailable(PORT, "the address is not clamd://host:port")),
    }
}

#[async_trait]
impl Scanner for Clamd {
    fn is_there(&self) -> bool {
        true
    }

    async fn scan(&self, bytes: ByteStream) -> Result<Verdict, Error> {
        let bytes = bytes.map(|it| it.map_err(std::io::Error::other));
        let daemon = Tcp { host_address: self.host.as_str() };
        let answer = tokio::time::timeout(ANSWER_MAX, scan_stream(bytes, daemon, None)).await;
        let answer = answer.map_err(|_| Error::unavailable(PORT, "it takes too long"))?;
        read(&answer.map_err(|it| Error::unavailable(PORT, it))?)
    }
}

/// Reads `stream: OK` or `stream: NAME FOUND`; whatever else it says, it has not looked.
fn read(answer: &[u8]) -> Result<Verdict, Error> {
    let text = String::from_utf8_lossy(answer);
    let text = text.trim_end_matches(['\0', '\n']);
    let said = text.strip_prefix("stream: ").unwrap_or(text);
    match said.strip_suffix(" FOUND") {
        Some(name) => Ok(Verdict::Harmful(name.to_owned())),
        None if said == "OK" => Ok(Verdict::Clean),
        None => Err(Error::unavailable(PORT, said)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_understood_is_no_verdict() {
        assert_eq!(read(b"stream: OK\0").ok(), Some(Verdict::Clean));
        let found = Verdict::Harmful("Eicar FOUND by".to_owned());
        assert_eq!(read(b"stream: Eicar FOUND by FOUND\0").ok(), Some(found));
        for other in ["", "OK FOUND?", "INSTREAM size limit exceeded. ERROR", "stream: not OK"] {
            assert!(read(other.as_bytes()).is_err(), "{other}");
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        for wrong in ["clamd://host", "clamd://host:1/path", "clamd://a@host:1", "clamd://h:1?a=b"]
        {
            assert!(connect(&wrong.into()).is_err(), "{wrong}");
        }
        assert!(connect(&"clamd://host:3310".into()).is_ok());
    }
}
