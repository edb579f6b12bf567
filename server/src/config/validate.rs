//! Whether options are within what they may be.

use chat::files::KEPT_DAYS_MAX;

use super::{Config, Profile};

/// Partitions that an instance may be born with at most.
const PARTITIONS_MAX: u16 = 1_024;

/// Hours that the removal of lost second factors may wait at most: 30 days.
const RECOVERY_HOURS_MAX: u32 = 720;

/// Ports at which pages may be looked up.
const PREVIEW_PORTS_MAX: usize = 16;

/// Files that may be looked into at once.
const MEDIA_AT_ONCE_MAX: usize = 1_024;

/// Characters that a token has at least.
const TOKEN_MIN: usize = 32;

/// Largest value of an option that counts or measures time.
const NUMBER_MAX: u64 = 1 << 32;

/// Kinds of files that are not taken at most.
const REFUSED_MAX: usize = 100;

/// Bytes that the files of one account may take at most: what a JSON number holds exactly.
const STORAGE_BYTES_MAX: u64 = 1 << 53;

/// Whether a text is an origin: a scheme and a host, and nothing behind them (RFC 6454).
fn is_origin(text: &str) -> bool {
    let host = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |it: char| it.is_ascii_alphanumeric() || ".-:[]".contains(it);
    host.is_some_and(|it| !it.is_empty() && it.chars().all(plain))
}

impl Config {
    pub(super) fn validate(&self) -> anyhow::Result<()> {
        let numbers = [
            ("socket_queue_frames", self.socket_queue_frames as u64),
            ("socket_queue_bytes", self.socket_queue_bytes as u64),
            ("drain_ms_max", self.drain_ms_max),
        ];
        for (name, value) in numbers {
            anyhow::ensure!((1..=NUMBER_MAX).contains(&value), "{name} is out of range");
        }
        anyhow::ensure!(
            (1..=PARTITIONS_MAX).contains(&self.partitions),
            "partitions is out of range"
        );
        let storage = [
            ("account_storage_bytes_max", self.account_storage_bytes_max),
            ("conversation_storage_bytes_max", self.conversation_storage_bytes_max),
        ];
        for (name, value) in storage {
            anyhow::ensure!(value <= STORAGE_BYTES_MAX, "{name} is out of range");
        }
        anyhow::ensure!(
            (1..=RECOVERY_HOURS_MAX).contains(&self.factor_recovery_hours),
            "factor_recovery_hours is out of range"
        );
        anyhow::ensure!(
            (1..=PREVIEW_PORTS_MAX).contains(&self.previews_ports.len()),
            "previews_ports are 1 to {PREVIEW_PORTS_MAX}"
        );
        anyhow::ensure!(
            self.media_at_once <= MEDIA_AT_ONCE_MAX,
            "media_at_once is at most {MEDIA_AT_ONCE_MAX}"
        );
        let short = self.keys_token.as_ref().is_some_and(|it| it.secret_text().len() < TOKEN_MIN);
        anyhow::ensure!(!short, "keys_token has fewer than {TOKEN_MIN} characters");
        anyhow::ensure!(
            self.keys_tls_cert.is_some() == self.keys_tls_key.is_some(),
            "keys_tls_cert and keys_tls_key go together"
        );
        anyhow::ensure!(
            self.tls_cert.is_some() == self.tls_key.is_some(),
            "tls_cert and tls_key go together"
        );
        let embedded = self.ports().addresses.embedded();
        anyhow::ensure!(
            self.profile == Profile::Development || embedded.is_empty(),
            "profile is production, but these are embedded: {}",
            embedded.join(", ")
        );
        let scheme =
            self.public_url.starts_with("http://") || self.public_url.starts_with("https://");
        anyhow::ensure!(scheme, "public_url is not an http or https address");
        anyhow::ensure!(
            self.files_kept_days <= KEPT_DAYS_MAX,
            "files_kept_days is at most {KEPT_DAYS_MAX}"
        );
        anyhow::ensure!(
            self.refused_files.len() <= REFUSED_MAX,
            "refused_files are at most {REFUSED_MAX}"
        );
        let origins = self.cors_origins.iter().all(|it| is_origin(it));
        anyhow::ensure!(origins, "an entry of cors_origins is no origin: scheme and host");
        crate::providers::validate(&self.identity_providers)
    }
}
