//! A throwaway certificate authority, and what it vouches for: whoever serves on one host.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use tempfile::TempDir;

use crate::servers::LOOPBACK;

/// An authority with one certificate, in files.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

impl Authority {
    /// Makes one that nobody trusts yet, for loopback.
    pub fn new() -> Self {
        Self::of(LOOPBACK)
    }

    /// Makes one for another host.
    pub fn of(host: IpAddr) -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        // Who has the same name as another is taken for it.
        let name = format!("authority {}", crate::fresh_id());
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let issuer = CertifiedIssuer::self_signed(params, key).expect("a certificate");
        let folder = tempfile::tempdir().expect("a temporary folder");
        let write = |name: &str, pem: String| {
            std::fs::write(folder.path().join(name), pem).expect("a written file");
        };
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new(vec![host.to_string()]).expect("a name");
        let certificate = params.signed_by(&key, &issuer).expect("a certificate");
        write("ca.pem", issuer.pem());
        write("certificate.pem", certificate.pem());
        write("key.pem", key.serialize_pem());
        // Some servers want both in one file.
        write("both.pem", key.serialize_pem() + &certificate.pem());
        Self { issuer, folder }
    }

    /// Where everything is: `ca.pem`, `certificate.pem`, `key.pem`, and the last two as `both.pem`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The file of the authority itself.
    pub fn ca(&self) -> PathBuf {
        self.folder().join("ca.pem")
    }

    /// A client that trusts nobody else and speaks one version.
    pub fn trusted(&self, version: &'static SupportedProtocolVersion) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        roots.add(self.issuer.der().clone()).expect("a certificate of an authority");
        let provider = Arc::new(aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[version])
            .expect("a version that the provider knows")
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}
