//! Pages over HTTP/1.1, by a client that can nothing but this.
//!
//! It is built of a socket, TLS and the protocol, rather than of a client for everything: what is
//! not there (proxies, pools, cookies, decoders, redirects of its own) needs not be turned off.

use std::future::pending;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, LOCATION, USER_AGENT,
};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio_rustls::TlsConnector;

use super::address::may_be_asked;
use super::target::{Named, Target};
use super::text::decoded;
use super::{
    ADDRESSES_MAX, BODY_BYTES_MAX, FETCH_MAX, HEAD_BYTES_MAX, HEADERS_MAX, Names, PLACES, Page,
    REDIRECTS_MAX, Refused, Settings, Wanted, WebPages,
};
use crate::Error;
use crate::clock::Stopwatch;

const PORT: &str = "web pages";

/// Who asks. It says neither where from nor of which version.
const AGENT: &str = "Parlance-Previews/1 (link previews)";

/// Addresses of one name that are tried, and how long each may take to answer.
const TRIED: usize = 3;
const CONNECT_MAX: Duration = Duration::from_millis(1_500);

struct Client {
    settings: Settings,
    names: Arc<dyn Names>,
    /// Absent where the system has no authorities: then nothing is fetched by TLS.
    tls: Option<TlsConnector>,
    places: Semaphore,
}

pub(super) fn connect(
    settings: &Settings,
    names: Arc<dyn Names>,
) -> Result<Arc<dyn WebPages>, Error> {
    let config = match tls(settings) {
        Ok(config) => Some(config),
        Err(error) if settings.ca.is_some() => return Err(Error::unavailable(PORT, error)),
        Err(error) => {
            tracing::warn!(%error, "pages are fetched without TLS only");
            None
        }
    };
    Ok(Arc::new(Client {
        settings: settings.clone(),
        names,
        tls: config.map(|it| TlsConnector::from(Arc::new(it))),
        places: Semaphore::new(PLACES),
    }))
}

fn tls(settings: &Settings) -> Result<ClientConfig, Box<dyn std::error::Error + Send + Sync>> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider);
    let config = config.with_safe_default_protocol_versions()?;
    let mut config = match &settings.ca {
        None => config.with_platform_verifier()?.with_no_client_auth(),
        Some(file) => {
            let mut roots = rustls::RootCertStore::empty();
            for certificate in CertificateDer::pem_file_iter(file)? {
                roots.add(certificate?)?;
            }
            config.with_root_certificates(roots).with_no_client_auth()
        }
    };
    // Two visits have nothing in common.
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

#[async_trait]
impl WebPages for Client {
    fn are_fetched(&self) -> bool {
        true
    }

    async fn fetch(&self, url: &str, wanted: Wanted) -> Result<Page, Refused> {
        let started = Stopwatch::start();
        let fetched = tokio::time::timeout(FETCH_MAX, self.follow(url, wanted)).await;
        let fetched = fetched.unwrap_or(Err(Refused::Late));
        let outcome = fetched.as_ref().map_or_else(|it| it.label(), |_| "fetched");
        metrics::counter!("parlance_pages_fetched_total", "outcome" => outcome).increment(1);
        metrics::histogram!("parlance_page_fetch_seconds").record(started.seconds());
        fetched
    }
}

/// What came of asking once.
enum Answer {
    Page(String),
    Redirect(String),
}

impl Client {
    async fn follow(&self, url: &str, wanted: Wanted) -> Result<Page, Refused> {
        let ports = &self.settings.ports;
        let mut target = Target::read(url, ports)?;
        let _place = self.places.acquire().await.map_err(|_| Refused::Off)?;
        for _ in 0..=REDIRECTS_MAX {
            match self.ask(&target, wanted).await? {
                Answer::Page(text) => return Ok(Page { url: target.url.into(), text }),
                Answer::Redirect(to) => target = target.redirected(&to, ports)?,
            }
        }
        Err(Refused::Redirects)
    }

    async fn ask(&self, target: &Target, wanted: Wanted) -> Result<Answer, Refused> {
        let addresses = self.addresses(&target.host).await?;
        let socket = open(&addresses, target.port).await?;
        if !target.tls {
            return exchange(socket, target, wanted).await;
        }
        let name = match &target.host {
            Named::Name(it) => ServerName::try_from(it.trim_end_matches('.').to_owned()),
            Named::Address(it) => Ok(ServerName::from(*it)),
        };
        let name = name.map_err(|_| Refused::Url)?;
        let tls = self.tls.as_ref().ok_or(Refused::Lost)?;
        let socket = tls.connect(name, socket).await.map_err(|_| Refused::Lost)?;
        exchange(socket, target, wanted).await
    }

    /// The addresses of a host, if every one of them may be asked.
    async fn addresses(&self, host: &Named) -> Result<Vec<IpAddr>, Refused> {
        let addresses = match host {
            Named::Address(it) => vec![*it],
            Named::Name(name) => self.names.addresses(name).await,
        };
        if addresses.is_empty() {
            return Err(Refused::Name);
        }
        // One that is not public tells what the whole answer is about.
        let may = |it: &IpAddr| may_be_asked(*it, &self.settings.allow);
        let all = addresses.len() <= ADDRESSES_MAX && addresses.iter().all(may);
        all.then_some(addresses).ok_or(Refused::Address)
    }
}

/// Connects to one of the addresses that were checked; no name is looked up again.
async fn open(addresses: &[IpAddr], port: u16) -> Result<TcpStream, Refused> {
    for address in addresses.iter().take(TRIED) {
        let connecting = TcpStream::connect(SocketAddr::new(*address, port));
        if let Ok(Ok(socket)) = tokio::time::timeout(CONNECT_MAX, connecting).await {
            return Ok(socket);
        }
    }
    Err(Refused::Lost)
}

/// Asks once on a connection of its own.
async fn exchange<S>(socket: S, target: &Target, wanted: Wanted) -> Result<Answer, Refused>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut http = http1::Builder::new();
    // A head that is not over by then is given up; one that is, is measured.
    http.max_buf_size(2 * HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let shaken = http.handshake(TokioIo::new(socket)).await;
    let (mut sender, connection) = shaken.map_err(|_| Refused::Lost)?;
    // Whoever drives the bytes ends with the exchange; until then what it has read is waited for.
    let driven = async {
        let _ = connection.await;
        pending::<()>().await
    };
    let asked = async {
        let request = request(target, wanted)?;
        let answer = sender.send_request(request).await.map_err(|_| Refused::Lost)?;
        read(answer, wanted).await
    };
    tokio::select! {
        biased;
        answer = asked => answer,
        () = driven => Err(Refused::Lost),
    }
}

fn request(target: &Target, wanted: Wanted) -> Result<Request<Empty<Bytes>>, Refused> {
    let accept = match wanted {
        Wanted::Html => "text/html, application/xhtml+xml",
        Wanted::Json => "application/json",
    };
    Request::get(target.path())
        .header(HOST, target.authority())
        .header(USER_AGENT, AGENT)
        .header(ACCEPT, accept)
        .header(ACCEPT_ENCODING, "identity")
        .header(CONNECTION, "close")
        .body(Empty::new())
        .map_err(|_| Refused::Url)
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|it| it.to_str().ok())
}

async fn read(answer: Response<Incoming>, wanted: Wanted) -> Result<Answer, Refused> {
    let headers = answer.headers();
    // Each stands in a line, with a colon, a space and a line break.
    let bytes = headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    if bytes.sum::<usize>() > HEAD_BYTES_MAX {
        return Err(Refused::Lost);
    }
    match answer.status() {
        StatusCode::OK => {}
        StatusCode::MOVED_PERMANENTLY
        | StatusCode::FOUND
        | StatusCode::SEE_OTHER
        | StatusCode::TEMPORARY_REDIRECT
        | StatusCode::PERMANENT_REDIRECT => {
            let to = header(headers, &LOCATION).ok_or(Refused::Redirects)?;
            return Ok(Answer::Redirect(to.to_owned()));
        }
        _ => return Err(Refused::Status),
    }
    let content_type = header(headers, &CONTENT_TYPE).ok_or(Refused::Type)?.to_owned();
    if !is_of(&content_type, wanted) {
        return Err(Refused::Type);
    }
    let encodings = headers.get_all(CONTENT_ENCODING).iter();
    // What is not unpacked can't burst.
    if encodings.into_iter().any(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Refused::Encoding);
    }
    let bytes = first_bytes(answer.into_body()).await?;
    Ok(Answer::Page(decoded(&bytes, &content_type)))
}

fn is_of(content_type: &str, wanted: Wanted) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let types: &[&str] = match wanted {
        Wanted::Html => &["text/html", "application/xhtml+xml"],
        Wanted::Json => &["application/json", "application/json+oembed", "text/json"],
    };
    types.iter().any(|it| essence.eq_ignore_ascii_case(it))
}

async fn first_bytes<B: Body<Data = Bytes> + Unpin>(mut body: B) -> Result<Vec<u8>, Refused> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refused::Lost)?;
        let Ok(data) = frame.into_data() else { continue };
        let room = BODY_BYTES_MAX - bytes.len();
        bytes.extend_from_slice(&data[..data.len().min(room)]);
        if bytes.len() == BODY_BYTES_MAX {
            break;
        }
    }
    Ok(bytes)
}
