//! What the operator says of the servers of others by which people sign in.

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::Context;
use serde::{Deserialize, Serialize};

use ports::identity_providers::Settings;

use crate::config::Token;

/// Providers at most.
const PROVIDERS_MAX: usize = 20;
/// Most characters of what a provider is called.
const LABEL_CHARS_MAX: usize = 64;
/// Longest text of any other kind.
const TEXT_BYTES_MAX: usize = 2_048;
/// Scopes that are asked for at most.
const SCOPES_MAX: usize = 16;

/// One provider.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Provider {
    /// Lower-case letters, digits and hyphens; it stays for ever, since accounts are linked by it.
    pub id: String,
    /// What people see.
    pub label: String,
    /// As its tokens name it, over https.
    pub issuer: String,
    /// As it names us.
    pub client_id: String,
    /// Absent where we are a public client.
    #[serde(default)]
    pub client_secret: Option<Token>,
    /// A file that holds the secret instead.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// What is asked for beside `openid`.
    #[serde(default = "scopes")]
    pub scopes: Vec<String>,
    /// Whether people may register by it, where the server lets them register.
    #[serde(default)]
    pub registers: bool,
}

fn scopes() -> Vec<String> {
    vec!["profile".to_owned()]
}

impl Provider {
    /// One with nothing but what it must have.
    pub fn new(id: &str, issuer: &str, client_id: &str) -> Self {
        Self {
            id: id.to_owned(),
            label: id.to_owned(),
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            client_secret: None,
            client_secret_file: None,
            scopes: scopes(),
            registers: false,
        }
    }

    /// Reads the secret where a file holds it.
    pub(crate) fn read_secret(&mut self) -> anyhow::Result<()> {
        let Some(file) = &self.client_secret_file else { return Ok(()) };
        let id = &self.id;
        anyhow::ensure!(self.client_secret.is_none(), "provider {id} has its secret twice");
        let text = std::fs::read_to_string(file);
        let text = text.with_context(|| format!("secret of provider {id}: {}", file.display()))?;
        self.client_secret = Some(text.trim().into());
        Ok(())
    }

    /// As it is asked.
    pub(crate) fn settings(&self) -> Settings {
        Settings {
            id: self.id.clone(),
            label: self.label.clone(),
            issuer: self.issuer.clone(),
            client_id: self.client_id.clone(),
            client_secret: self.client_secret.as_ref().map(|it| it.secret_text().into()),
            scopes: self.scopes.clone(),
            registers: self.registers,
        }
    }

    fn validate(&self) -> anyhow::Result<()> {
        let id = &self.id;
        let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
        let named = (1..=32).contains(&id.len()) && id.chars().all(plain);
        anyhow::ensure!(named, "provider id {id:?} is not 1 to 32 of a-z, 0-9 and -");
        let labelled = (1..=LABEL_CHARS_MAX).contains(&self.label.chars().count());
        anyhow::ensure!(labelled, "label of provider {id} has not 1 to 64 characters");
        let secret = self.client_secret.as_ref().map_or("none", |it| it.secret_text());
        let texts = [self.issuer.as_str(), self.client_id.as_str(), secret];
        let short = texts.iter().all(|it| (1..=TEXT_BYTES_MAX).contains(&it.len()));
        anyhow::ensure!(short, "a text of provider {id} is empty or over 2,048 bytes");
        let is_scope = |it: &String| {
            it != "openid"
                && !it.is_empty()
                && it.len() <= 64
                && it.chars().all(|it| it.is_ascii_graphic())
        };
        let asked = self.scopes.len() <= SCOPES_MAX && self.scopes.iter().all(is_scope);
        anyhow::ensure!(asked, "scopes of provider {id} are malformed, or openid is among them");
        ports::identity_providers::connect(&[self.settings()])
            .map(drop)
            .with_context(|| format!("issuer of provider {id}"))
    }
}

/// Checks them all.
pub(crate) fn validate(all: &[Provider]) -> anyhow::Result<()> {
    anyhow::ensure!(all.len() <= PROVIDERS_MAX, "there are more than {PROVIDERS_MAX} providers");
    let ids: BTreeSet<_> = all.iter().map(|it| &it.id).collect();
    anyhow::ensure!(ids.len() == all.len(), "two providers have the same id");
    all.iter().try_for_each(Provider::validate)
}
