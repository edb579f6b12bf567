//! TLS where no proxy ends it: version 1.3, with a certificate from files.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use hyper_util::rt::TokioTimer;
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;
use tokio::net::TcpListener;

/// Time that a client may take to say what it asks for.
const HEADERS_MAX: Duration = Duration::from_secs(30);

/// Reads a certificate chain and its key, both in PEM; they are read once.
///
/// # Errors
/// When a file can't be read, or the two do not fit each other.
pub fn server(certificate: &Path, key: &Path) -> anyhow::Result<Arc<ServerConfig>> {
    let named = |file: &Path| format!("the file {}", file.display());
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect);
    let chain: Vec<_> = chain.with_context(|| named(certificate))?;
    let key = PrivateKeyDer::from_pem_file(key).with_context(|| named(key))?;
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&TLS13])?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("the certificate and its key")?;
    // Sockets are opened by HTTP/1.1.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Serves routes until told to stop, and then for so long what was still asked.
///
/// # Errors
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    routes: Router,
    tls: Arc<ServerConfig>,
    stop: impl Future<Output = ()> + Send + 'static,
    drain_max: Duration,
) -> std::io::Result<()> {
    let handle = Handle::new();
    let stopping = handle.clone();
    ports::spawn("stop", async move {
        stop.await;
        stopping.graceful_shutdown(Some(drain_max));
    });
    let tls = RustlsConfig::from_config(tls);
    let served = axum_server::from_tcp(listener.into_std()?)?;
    // Frames are joined before they are written: holding back small packets only adds delay.
    let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
    let mut served = served.acceptor(acceptor);
    // Whoever says nothing holds no connection for ever.
    served.http_builder().http1().timer(TokioTimer::new()).header_read_timeout(HEADERS_MAX);
    let service = routes.into_make_service_with_connect_info::<SocketAddr>();
    served.handle(handle).serve(service).await
}
