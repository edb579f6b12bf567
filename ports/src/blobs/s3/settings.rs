//! What an address of S3 says, and how the client of it is set up.
//!
//! `s3://[key:secret@]bucket[/prefix]`, where the prefix is what all keys of the instance begin
//! with; without a key and secret the usual places of AWS are looked at (environment, profile, web
//! identity, container, machine). The options are
//! - `region`: `us-east-1` unless it says otherwise;
//! - `endpoint`: `http[s]://host[:port]` of a server that is not AWS;
//! - `public_endpoint`: what links begin with, where clients reach it by another name;
//! - `ca`: file of the authorities that TLS trusts, instead of the system's;
//! - `path_style`: `true` where the bucket stands in the path, not in the name of the host.

use std::time::Duration;

use aws_config::default_provider::credentials::DefaultCredentialsChain;
use aws_sdk_s3::Client;
use aws_sdk_s3::config::retry::RetryConfig;
use aws_sdk_s3::config::timeout::TimeoutConfig;
use aws_sdk_s3::config::{
    BehaviorVersion, Builder, Config, Credentials, Region, RequestChecksumCalculation,
    ResponseChecksumValidation, SharedCredentialsProvider, SharedHttpClient,
    StalledStreamProtectionConfig,
};

use aws_smithy_http_client as http;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::address::Parts;
use crate::blobs::PORT;
use crate::{Address, Error};

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long one attempt of a call may take that carries no blob, and all attempts together.
const CALL_MAX: [Duration; 2] = [Duration::from_secs(5), Duration::from_secs(15)];

/// How long one attempt may take that carries a part or puts parts together, and all together.
const CARRY_MAX: [Duration; 2] = [Duration::from_secs(60), Duration::from_secs(150)];

/// Attempts of one call at most, with growing, spread pauses between them.
const ATTEMPTS_MAX: u32 = 3;

/// The first pause before an attempt, and the longest.
const PAUSE: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];

/// Characters of a prefix at most: with a key they are far from what S3 takes.
const PREFIX_CHARS_MAX: usize = 256;

pub(super) struct Settings {
    pub(super) bucket: String,
    /// What the keys of all objects begin with: empty, or with a slash at its end.
    pub(super) prefix: String,
    config: Config,
    public_endpoint: Option<String>,
}

impl Settings {
    /// Reads an address, of which nothing may be left over.
    pub(super) async fn of(address: &Address) -> Result<Self, Error> {
        let mut parts = address.parts(PORT)?;
        let bucket = bucket(&parts.hosts)?;
        let prefix = prefix(&parts.path)?;
        let region = parts.options.remove("region").unwrap_or_else(|| "us-east-1".to_owned());
        let region = Region::new(region);
        let endpoint = endpoint(&mut parts, "endpoint")?;
        let public_endpoint = endpoint_or(&mut parts, "public_endpoint", &endpoint)?;
        let path_style = match parts.options.remove("path_style").as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(Error::unavailable(PORT, "path_style is true or false")),
        };
        let tls = endpoint.as_ref().is_none_or(|it| it.starts_with("https://"));
        let trusted = parts.ca(PORT, tls)?.map(trusting).transpose()?;
        parts.read_up(PORT)?;
        let [first, longest] = PAUSE;
        let retries = RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX);
        let mut config = Config::builder();
        config.set_endpoint_url(endpoint).set_http_client(trusted);
        let config = config
            .behavior_version(BehaviorVersion::v2026_01_12())
            .credentials_provider(credentials(&mut parts, &region).await?)
            .region(region)
            .force_path_style(path_style)
            .retry_config(retries.with_initial_backoff(first).with_max_backoff(longest))
            .timeout_config(timeouts(CALL_MAX))
            // Bodies are in memory when they are sent, and each read has a limit of its own.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            // The signature covers the bytes; not every server knows the checksums of AWS.
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
            .build();
        Ok(Self { bucket, prefix, config, public_endpoint })
    }

    pub(super) fn client(&self) -> Client {
        Client::from_conf(self.config.clone())
    }

    /// One that makes links and sends nothing.
    pub(super) fn linking(&self) -> Client {
        let mut public = self.config.to_builder();
        public.set_endpoint_url(self.public_endpoint.clone());
        Client::from_conf(public.build())
    }
}

/// What differs for a call that carries a part.
pub(super) fn carrying() -> Builder {
    Config::builder().timeout_config(timeouts(CARRY_MAX))
}

/// A client that trusts nobody but these authorities.
fn trusting(authorities: Vec<u8>) -> Result<SharedHttpClient, Error> {
    let unread = || Error::unavailable(PORT, "the file of ca holds no certificates in PEM");
    // The client takes it for granted that it can read them.
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&authorities) {
        let added = roots.add(certificate.map_err(|_| unread())?);
        added.map_err(|_| unread())?;
    }
    if roots.is_empty() {
        return Err(unread());
    }
    let trusted = TrustStore::empty().with_pem_certificate(authorities);
    let context = TlsContext::builder().with_trust_store(trusted).build();
    let context = context.map_err(|it| Error::unavailable(PORT, it))?;
    let provider = Provider::Rustls(CryptoMode::AwsLc);
    Ok(http::Builder::new().tls_provider(provider).tls_context(context).build_https())
}

fn timeouts([attempt, all]: [Duration; 2]) -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_MAX)
        .operation_attempt_timeout(attempt)
        .operation_timeout(all)
        .build()
}

fn bucket(text: &str) -> Result<String, Error> {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit() || b"-.".contains(&it);
    if !(3..=63).contains(&text.len()) || !text.bytes().all(plain) {
        return Err(Error::unavailable(PORT, "the address names no bucket"));
    }
    Ok(text.to_owned())
}

fn prefix(path: &str) -> Result<String, Error> {
    let path = path.trim_end_matches('/');
    let plain = |it: u8| it.is_ascii_alphanumeric() || b"-_.".contains(&it);
    let part = |it: &str| !it.is_empty() && it.bytes().all(plain) && it != "." && it != "..";
    if path.is_empty() {
        return Ok(String::new());
    }
    if path.len() > PREFIX_CHARS_MAX || !path.split('/').all(part) {
        return Err(Error::unavailable(PORT, "the prefix is not part of a blob's name"));
    }
    Ok(format!("{path}/"))
}

fn endpoint_or(
    parts: &mut Parts,
    name: &str,
    otherwise: &Option<String>,
) -> Result<Option<String>, Error> {
    Ok(endpoint(parts, name)?.or_else(|| otherwise.clone()))
}

fn endpoint(parts: &mut Parts, name: &str) -> Result<Option<String>, Error> {
    let Some(url) = parts.options.remove(name) else { return Ok(None) };
    let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
    // What stands before an @ would be shown, since it is an option.
    let host = rest.is_some_and(|it| !it.is_empty() && !it.contains(['/', '?', '#', '@']));
    host.then_some(Some(url)).ok_or_else(|| {
        Error::unavailable(PORT, format!("{name} is not http or https and a host alone"))
    })
}

async fn credentials(
    parts: &mut Parts,
    region: &Region,
) -> Result<SharedCredentialsProvider, Error> {
    match (parts.user.take(), parts.password.take()) {
        (None, _) => {
            let chain = DefaultCredentialsChain::builder().region(region.clone());
            Ok(SharedCredentialsProvider::new(chain.build().await))
        }
        (Some(key), Some(secret)) if !key.is_empty() && !secret.is_empty() => {
            let given = Credentials::new(key, secret, None, None, "address");
            Ok(SharedCredentialsProvider::new(given))
        }
        _ => Err(Error::unavailable(PORT, "the address has a key alone, or none")),
    }
}
