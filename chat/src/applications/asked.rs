//! A request for authorization (RFC 6749 section 4.1.1, as OAuth 2.1 narrows it), looked at before
//! anybody is asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use url::{Url, form_urlencoded};

use super::decide::is_local;
use super::{Application, ApplicationId, REQUEST_BYTES_MAX, Scopes};
use crate::kernel::graphql::Scope;
use crate::kernel::sealed::unseal;

/// The fields of a form or of a query, each at most once.
pub(super) type Fields = BTreeMap<String, String>;

/// Reads a form; nothing when a field comes twice, which could mean one thing to one reader and
/// another to the next.
pub(super) fn fields(text: &[u8]) -> Option<Fields> {
    let mut fields = Fields::new();
    for (name, value) in form_urlencoded::parse(text) {
        if fields.insert(name.into_owned(), value.into_owned()).is_some() {
            return None;
        }
    }
    Some(fields)
}

/// A request that may be shown to a person.
#[derive(Debug)]
pub struct Asked {
    pub(super) application: Arc<Application>,
    pub(super) redirect_uri: String,
    pub(super) scopes: Scopes,
    pub(super) nonce: Option<String>,
    pub(super) challenge: String,
    state: Option<String>,
}

/// Why it may not.
#[derive(Debug)]
pub enum Refusal {
    /// It can't be told to the application, since nobody knows where that is.
    Told(&'static str),
    /// The person is sent back with it: an error of RFC 6749 and what it means.
    Sent { to: String, error: &'static str, description: &'static str },
    /// The documents can't be read.
    Unavailable,
}

/// What a pushed request is sealed for.
pub(super) const PUSHED: &str = "pushed request";
/// What the names of pushed requests begin with (RFC 9126).
pub(super) const PUSHED_PREFIX: &str = "urn:ietf:params:oauth:request_uri:";
/// Characters of a challenge of PKCE: a SHA-256 in base64url (RFC 7636).
const CHALLENGE_CHARS: usize = 43;
/// Most characters of a nonce, which is given back word for word.
const NONCE_CHARS_MAX: usize = 256;

/// The application of an id, unless it was removed.
pub(super) async fn application(
    scope: &Scope,
    id: Option<&String>,
) -> Result<Option<Arc<Application>>, ports::Error> {
    let Some(id) = id.and_then(|it| it.parse::<ApplicationId>().ok()) else { return Ok(None) };
    let found = scope.reader.load::<Application>(id.to_string()).await?;
    Ok(found.filter(|it| !it.removed))
}

/// Whether an application sends people back there: word for word, but for the port of a program
/// on their own machine, which it learns late (RFC 8252 section 7.3).
fn is_registered(application: &Application, asked: &str) -> bool {
    let portless = |text: &str| {
        let mut url = Url::parse(text).ok().filter(|it| it.scheme() == "http" && is_local(it))?;
        url.set_port(None).ok().map(|()| url)
    };
    let known = &application.redirect_uris;
    known.iter().any(|it| it == asked)
        || portless(asked).is_some_and(|asked| {
            known.iter().filter_map(|it| portless(it)).any(|known| known == asked)
        })
}

impl Asked {
    /// Where the person goes from here.
    pub(super) fn back(&self, issuer: &str, fields: &[(&str, &str)]) -> String {
        back(&self.redirect_uri, self.state.as_deref(), issuer, fields)
    }
}

fn back(to: &str, state: Option<&str>, issuer: &str, fields: &[(&str, &str)]) -> String {
    let mut url = Url::parse(to).expect("a registered address is one");
    let mut pairs = url.query_pairs_mut();
    pairs.extend_pairs(fields);
    // Says who answers, so that no other server's answer is taken for ours (RFC 9207).
    pairs.extend_pairs(state.map(|it| ("state", it))).append_pair("iss", issuer);
    drop(pairs);
    url.into()
}

/// Reads the query of a request for authorization.
///
/// # Errors
/// Why nobody is asked.
pub async fn ask(scope: &Scope, query: &str) -> Result<Asked, Refusal> {
    let told = |why| Refusal::Told(why);
    if query.len() > REQUEST_BYTES_MAX {
        return Err(told("the request is too long"));
    }
    let mut fields = fields(query.as_bytes()).ok_or(told("a field comes twice"))?;
    if let Some(pushed) = fields.get("request_uri") {
        let text = pushed.strip_prefix(PUSHED_PREFIX).unwrap_or_default();
        let sealed =
            unseal::<Fields>(scope, PUSHED, text).ok_or(told("the request has expired"))?;
        if sealed.get("client_id") != fields.get("client_id") {
            return Err(told("the request is another application's"));
        }
        fields = sealed;
    }
    let found = application(scope, fields.get("client_id")).await;
    let found = found.map_err(|_| Refusal::Unavailable)?;
    let application = found.ok_or(told("no such application is known here"))?;
    let redirect_uri = match fields.remove("redirect_uri") {
        Some(it) if is_registered(&application, &it) => it,
        Some(_) => return Err(told("the application may not send you there")),
        None => match application.redirect_uris.as_slice() {
            [only] => only.clone(),
            [] | [_, ..] => return Err(told("the request does not say where to send you back")),
        },
    };
    let state = fields.remove("state");
    let issuer = scope.tokens.issuer();
    let sent = |error, description| {
        let fields = [("error", error), ("error_description", description)];
        let to = back(&redirect_uri, state.as_deref(), issuer, &fields);
        Refusal::Sent { to, error, description }
    };
    match fields.get("response_type").map(String::as_str) {
        Some("code") => (),
        Some(_) => {
            return Err(sent("unsupported_response_type", "only the response type code is known"));
        }
        None => return Err(sent("invalid_request", "no response type")),
    }
    if fields.get("code_challenge_method").map(String::as_str) != Some("S256") {
        return Err(sent("invalid_request", "PKCE with S256 is needed"));
    }
    let challenge = fields.remove("code_challenge").filter(|it| it.len() == CHALLENGE_CHARS);
    let challenge = challenge.ok_or_else(|| sent("invalid_request", "no code challenge"))?;
    let scopes = fields.get("scope").map_or("", String::as_str);
    let scopes = Scopes::parse(scopes).filter(|it| *it != Scopes::default());
    let scopes = scopes.ok_or_else(|| sent("invalid_scope", "no scope, or an unknown one"))?;
    let nonce = fields.remove("nonce");
    if nonce.as_ref().is_some_and(|it| it.chars().count() > NONCE_CHARS_MAX) {
        return Err(sent("invalid_request", "the nonce is over 256 characters"));
    }
    if fields.get("prompt").is_some_and(|it| it.split(' ').any(|it| it == "none")) {
        return Err(sent("login_required", "nobody is signed in without being asked"));
    }
    if fields.contains_key("request") {
        return Err(sent("request_not_supported", "push the request instead"));
    }
    Ok(Asked { application, redirect_uri, scopes, nonce, challenge, state })
}
