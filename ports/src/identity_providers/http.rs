//! A provider over HTTP.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::Semaphore;
use url::{Host, Url, form_urlencoded};

use super::{
    ANSWER_BYTES_MAX, ANSWER_MAX, ASKED_AGAIN, Exchange, IdentityProvider, KEPT, KEYS_MAX,
    Metadata, PLACES, Settings,
};
use crate::Error;
use crate::clock::Stopwatch;

const PORT: &str = "identity provider";

struct Provider {
    settings: Settings,
    client: reqwest::Client,
    places: Semaphore,
    metadata: Mutex<Kept<Metadata>>,
    keys: Mutex<Kept<Vec<Value>>>,
    /// When keys were last asked for before their time.
    asked_again: Mutex<Option<Stopwatch>>,
}

/// What was answered last, and when.
type Kept<T> = Option<(Stopwatch, Arc<T>)>;

fn kept<T>(place: &Mutex<Kept<T>>, at_most: Duration) -> Option<Arc<T>> {
    let place = place.lock().expect("no holder of the lock panics");
    let young = place.as_ref().filter(|it| it.0.seconds() < at_most.as_secs_f64());
    young.map(|it| Arc::clone(&it.1))
}

fn keep<T>(place: &Mutex<Kept<T>>, value: T) -> Arc<T> {
    let value = Arc::new(value);
    let now = Some((Stopwatch::start(), Arc::clone(&value)));
    *place.lock().expect("no holder of the lock panics") = now;
    value
}

fn failed(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable(PORT, cause)
}

/// An address of TLS, or of this very machine, where nobody listens in between.
fn safe(text: &str) -> Result<Url, Error> {
    let url = Url::parse(text).map_err(failed)?;
    let local = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(it)) => it.is_loopback(),
        Some(Host::Ipv6(it)) => it.is_loopback(),
        None => return Err(failed("an address without a host")),
    };
    let secret = url.scheme() == "https" || (url.scheme() == "http" && local);
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (secret && plain).then_some(url).ok_or_else(|| failed("an address that is not of https"))
}

pub(super) fn connect(settings: &Settings) -> Result<Arc<dyn IdentityProvider>, Error> {
    safe(&settings.issuer)?;
    let client = reqwest::Client::builder().timeout(ANSWER_MAX).no_proxy();
    let client = client.redirect(reqwest::redirect::Policy::none()).build().map_err(failed)?;
    Ok(Arc::new(Provider {
        settings: settings.clone(),
        client,
        places: Semaphore::new(PLACES),
        metadata: Mutex::default(),
        keys: Mutex::default(),
        asked_again: Mutex::default(),
    }))
}

fn text(of: &Value, name: &str) -> Result<String, Error> {
    let text = of[name].as_str().map(str::to_owned);
    text.ok_or_else(|| failed(format!("it does not say its {name}")))
}

impl Provider {
    /// Asks once; what is not JSON is no answer.
    async fn ask(&self, request: RequestBuilder) -> Result<(StatusCode, Value), Error> {
        let _place = self.places.try_acquire().map_err(|_| failed("too many wait for it"))?;
        let failed_ = |it: reqwest::Error| failed(it.without_url());
        let mut answer =
            request.header(ACCEPT, "application/json").send().await.map_err(failed_)?;
        let status = answer.status();
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed_)? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > ANSWER_BYTES_MAX {
                return Err(failed("the answer is too large"));
            }
        }
        let body = serde_json::from_slice(&bytes).map_err(|_| failed("the answer is no JSON"))?;
        Ok((status, body))
    }

    async fn get(&self, url: Url) -> Result<Value, Error> {
        let (status, body) = self.ask(self.client.get(url)).await?;
        if status == StatusCode::OK { Ok(body) } else { Err(failed(format!("status {status}"))) }
    }

    fn read(&self, said: &Value) -> Result<Metadata, Error> {
        if said["issuer"] != self.settings.issuer.as_str() {
            return Err(failed("it says that it is another issuer"));
        }
        let place = |name: &str| safe(&text(said, name)?).map(String::from);
        let methods = said["token_endpoint_auth_methods_supported"].as_array();
        let takes = |name: &str| methods.is_some_and(|it| it.iter().any(|it| it == name));
        Ok(Metadata {
            authorization_endpoint: place("authorization_endpoint")?,
            names_itself: said["authorization_response_iss_parameter_supported"] == true,
            token_endpoint: place("token_endpoint")?,
            jwks_uri: place("jwks_uri")?,
            secret_in_form: takes("client_secret_post") && !takes("client_secret_basic"),
        })
    }

    async fn fetched_keys(&self) -> Result<Arc<Vec<Value>>, Error> {
        let metadata = self.metadata().await?;
        let body = self.get(safe(&metadata.jwks_uri)?).await?;
        let keys = body["keys"].as_array().filter(|it| it.len() <= KEYS_MAX);
        let keys = keys.ok_or_else(|| failed("it has no keys, or too many"))?.clone();
        Ok(keep(&self.keys, keys))
    }

    /// The request for a token, with what proves us (RFC 6749 section 2.3.1).
    fn posted(&self, metadata: &Metadata, exchange: Exchange<'_>) -> Result<RequestBuilder, Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code");
        form.append_pair("code", exchange.code).append_pair("code_verifier", exchange.verifier);
        form.append_pair("redirect_uri", exchange.redirect_uri);
        let mut request = self.client.post(safe(&metadata.token_endpoint)?);
        let id = &self.settings.client_id;
        match &self.settings.client_secret {
            Some(secret) if !metadata.secret_in_form => {
                let encoded = |it: &str| form_urlencoded::byte_serialize(it.as_bytes()).collect();
                let (id, secret): (String, String) = (encoded(id), encoded(secret.secret_text()));
                let basic = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
                request = request.header(reqwest::header::AUTHORIZATION, basic);
            }
            Some(secret) => {
                form.append_pair("client_id", id);
                form.append_pair("client_secret", secret.secret_text());
            }
            None => {
                form.append_pair("client_id", id);
            }
        }
        Ok(request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.finish()))
    }
}

#[async_trait]
impl IdentityProvider for Provider {
    fn settings(&self) -> &Settings {
        &self.settings
    }

    async fn metadata(&self) -> Result<Arc<Metadata>, Error> {
        if let Some(known) = kept(&self.metadata, KEPT) {
            return Ok(known);
        }
        let issuer = self.settings.issuer.trim_end_matches('/');
        let said = self.get(safe(&format!("{issuer}/.well-known/openid-configuration"))?).await?;
        Ok(keep(&self.metadata, self.read(&said)?))
    }

    async fn keys(&self) -> Result<Arc<Vec<Value>>, Error> {
        match kept(&self.keys, KEPT) {
            Some(known) => Ok(known),
            None => self.fetched_keys().await,
        }
    }

    async fn newer_keys(&self) -> Result<Arc<Vec<Value>>, Error> {
        let lately = {
            let mut last = self.asked_again.lock().expect("no holder of the lock panics");
            let lately = last.is_some_and(|it| it.seconds() < ASKED_AGAIN.as_secs_f64());
            if !lately {
                *last = Some(Stopwatch::start());
            }
            lately
        };
        if lately { self.keys().await } else { self.fetched_keys().await }
    }

    async fn exchange(&self, exchange: Exchange<'_>) -> Result<Option<String>, Error> {
        let metadata = self.metadata().await?;
        let (status, body) = self.ask(self.posted(&metadata, exchange)?).await?;
        if status == StatusCode::BAD_REQUEST && body["error"] == "invalid_grant" {
            return Ok(None);
        }
        if status != StatusCode::OK {
            let error: String =
                body["error"].as_str().unwrap_or_default().chars().take(64).collect();
            return Err(failed(format!("status {status} for a code: {error:?}")));
        }
        text(&body, "id_token").map(Some)
    }
}
