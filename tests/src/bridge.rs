//! A program of others, which acts for people by OAuth.

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{Answer, Person, Reply, World};

/// Where it has people sent back to.
pub const HOME: &str = "https://bridge.example/back";
/// What it proves with that it has asked for a code.
pub const VERIFIER: &str = "a-verifier-that-is-at-least-43-characters-long";
/// Every scope.
pub const ALL: &str = "openid profile email offline_access chat:read chat:write";

/// A program of others.
pub struct Bridge<'a> {
    pub world: &'a World,
    /// Its `client_id`.
    pub id: String,
    /// Its `client_secret`, if it keeps one.
    pub secret: Option<String>,
}

/// A text of an answer.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not text: {value}")).to_owned()
}

/// Fields as a form writes them.
pub fn form(fields: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}

/// A field of an address that somebody is sent to.
pub fn sent(address: &str, name: &str) -> Option<String> {
    let url = url::Url::parse(address).expect("an address");
    url.query_pairs().find(|it| it.0 == name).map(|it| it.1.into_owned())
}

impl<'a> Bridge<'a> {
    /// One that an owner has registered.
    pub fn registered(world: &'a World, owner: &Person, confidential: bool) -> Self {
        let input =
            json!({ "name": "Bridge", "redirectUris": [HOME], "confidential": confidential });
        let made = owner.does("registerApplication", input, "application { id } secret");
        let secret = made["secret"].as_str().map(str::to_owned);
        assert_eq!(secret.is_some(), confidential);
        Self { world, id: text(&made["application"]["id"]), secret }
    }

    /// The query of `/oauth/authorize`, with some fields changed.
    pub fn request(&self, changes: &[(&str, &str)]) -> String {
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, VERIFIER.as_bytes()));
        let usual = [
            ("client_id", self.id.as_str()),
            ("redirect_uri", HOME),
            ("response_type", "code"),
            ("scope", ALL),
            ("state", "a state"),
            ("nonce", "a nonce"),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
        ];
        let changed = |name: &str| changes.iter().find(|it| it.0 == name);
        let kept = usual.into_iter().filter(|it| changed(it.0).is_none());
        let fields: Vec<_> = kept.chain(changes.iter().copied()).collect();
        form(&fields)
    }

    /// Somebody allows what is asked for; gives where they are sent.
    pub fn is_allowed(&self, person: &Person, request: &str) -> String {
        let input = json!({ "request": request });
        text(&person.does("allowApplication", input, "redirectUri")["redirectUri"])
    }

    /// A code for some scopes.
    pub fn code(&self, person: &Person, scope: &str) -> String {
        let to = self.is_allowed(person, &self.request(&[("scope", scope)]));
        assert_eq!(sent(&to, "state").as_deref(), Some("a state"));
        assert_eq!(sent(&to, "iss").as_deref(), Some(self.world.config.public_url.as_str()));
        sent(&to, "code").expect("a code")
    }

    /// Sends a form, and what proves who it is.
    pub fn posts(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        let basic = self
            .secret
            .as_ref()
            .map(|secret| format!("Basic {}", STANDARD.encode(format!("{}:{secret}", self.id))));
        let mut headers = vec![kind];
        headers.extend(basic.as_ref().map(|it| ("authorization", it.as_str())));
        let own = basic.is_none().then_some(("client_id", self.id.as_str()));
        let fields: Vec<_> = fields.iter().copied().chain(own).collect();
        let body = form(&fields);
        let http = &self.world.client.http;
        http.request("POST", path, &headers, body.as_bytes()).expect("an answer")
    }

    /// Exchanges a code.
    pub fn exchanges(&self, code: &str) -> Reply {
        let fields =
            [("grant_type", "authorization_code"), ("code", code), ("code_verifier", VERIFIER)];
        self.posts("/oauth/token", &fields)
    }

    /// Goes on with a refresh token.
    pub fn refreshes(&self, token: &str, more: &[(&str, &str)]) -> Reply {
        let fields = [("grant_type", "refresh_token"), ("refresh_token", token)];
        self.posts("/oauth/token", &[&fields[..], more].concat())
    }

    /// The tokens for some scopes.
    pub fn tokens(&self, person: &Person, scope: &str) -> Value {
        let reply = self.exchanges(&self.code(person, scope));
        assert_eq!(reply.status, 200, "{}", reply.json());
        assert_eq!(reply.header("cache-control"), Some("no-store"));
        reply.json()
    }

    /// Asks GraphQL with an access token.
    pub fn asks(&self, token: &str, query: &str) -> Answer {
        self.world.client.ask(Some(token), query, json!({}))
    }
}
