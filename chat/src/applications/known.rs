//! Which application asks, by what it can prove.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::form_urlencoded;

use ports::keys::crypto;

use super::asked::{Fields, application};
use super::registration::secret_digest;
use super::{Application, Reply};
use crate::kernel::graphql::Scope;

/// An application that has proved who it is, or has nothing to prove it with.
pub(super) struct Known(pub(super) Arc<Application>);

impl Known {
    /// Reads the header, or the fields of the form (RFC 6749 section 2.3.1).
    pub(super) async fn of(
        scope: &Scope,
        header: Option<&str>,
        form: &Fields,
    ) -> Result<Self, Reply> {
        let basic = header.and_then(|it| it.split_once(' '));
        let basic = basic.filter(|it| it.0.eq_ignore_ascii_case("basic")).map(|(_, it)| {
            let text = String::from_utf8(STANDARD.decode(it).ok()?).ok()?;
            let (id, secret) = text.split_once(':')?;
            Some((plain(id), plain(secret)))
        });
        let (id, secret) = match basic {
            Some(Some((id, secret))) => (Some(id), Some(secret)),
            Some(None) => return Err(Reply::invalid_client()),
            None => (form.get("client_id").cloned(), form.get("client_secret").cloned()),
        };
        // What is left empty is left out (RFC 6749 section 3.2).
        let secret = secret.filter(|it| !it.is_empty());
        scope.admit(&format!("oauth/{}", scope.address()), scope.limits.per_account).await?;
        let found = application(scope, id.as_ref()).await?.ok_or_else(Reply::invalid_client)?;
        let proved = match (&found.secret_digest, secret) {
            (Some(known), Some(shown)) => {
                let shown = secret_digest(scope, &shown);
                crypto::equal(known.as_bytes(), shown.as_bytes())
            }
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        proved.then_some(Self(found)).ok_or_else(Reply::invalid_client)
    }
}

/// A name or secret as a header has it, which is written like a form.
fn plain(text: &str) -> String {
    let pair = format!("x={text}");
    form_urlencoded::parse(pair.as_bytes()).next().map_or_else(String::new, |it| it.1.into_owned())
}
