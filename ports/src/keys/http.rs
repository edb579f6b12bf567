//! The keys of another process, `parlance keys`, over HTTP.

use std::error::Error as StdError;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Method, RequestBuilder};

use super::wire::{self, Answer};
use super::{Keys, Secret, Tree, TreeId};
use crate::breaker::Breaker;
use crate::{Address, Error, ErrorKind};

const PORT: &str = "keys";

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(2);

/// How long an answer may take.
const ANSWER_MAX: Duration = Duration::from_secs(5);

struct Http {
    client: reqwest::Client,
    /// What stands before every path.
    base: String,
    root: Mutex<Secret>,
    breaker: Breaker,
}

/// Reaches the keys at `https://any:token@host[:port]`; the option `ca` is a file of the
/// authorities that TLS trusts instead of the system's.
pub(super) async fn connect(address: &Address) -> Result<Arc<dyn Keys>, Error> {
    let mut parts = address.parts(PORT)?;
    let (client, base) = parts.http(PORT)?;
    let token = parts.password.unwrap_or_default();
    let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| Error::unavailable(PORT, "the address has a token that no header can hold"))?;
    bearer.set_sensitive(true);
    let client = client
        .default_headers(HeaderMap::from_iter([(AUTHORIZATION, bearer)]))
        .connect_timeout(CONNECT_MAX)
        .timeout(ANSWER_MAX)
        .tcp_nodelay(true)
        .build()
        .map_err(|it| Error::unavailable(PORT, it))?;
    let keys = Http { client, base, root: Mutex::default(), breaker: Breaker::new(PORT) };
    let Answer::Root(root) = keys.read(wire::ROOT).await? else { return Err(strange()) };
    keys.hold(root);
    Ok(Arc::new(keys))
}

/// Nothing that the keeper of the keys answers to this.
fn strange() -> Error {
    Error::unavailable(PORT, "the answer is not one of the keys")
}

/// Takes nothing but the answer to this change for it.
fn expect(answer: &Answer, expected: &Answer) -> Result<(), Error> {
    let strange = || Error::unknown(PORT, "the answer is not one to this change");
    if answer == expected { Ok(()) } else { Err(strange()) }
}

impl Http {
    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.base))
    }

    /// Reads: whatever goes wrong, nothing has happened.
    async fn read(&self, path: &str) -> Result<Answer, Error> {
        self.answer(self.request(Method::GET, path), ErrorKind::Unavailable).await
    }

    /// Changes: where the answer is lost, it may have happened.
    async fn change(&self, method: Method, path: &str) -> Result<Answer, Error> {
        self.answer(self.request(method, path), ErrorKind::Unknown).await
    }

    /// Brings something along.
    async fn bring(&self, method: Method, path: &str, body: Vec<u8>) -> Result<Answer, Error> {
        self.answer(self.request(method, path).body(body), ErrorKind::Unknown).await
    }

    async fn answer(&self, request: RequestBuilder, lost: ErrorKind) -> Result<Answer, Error> {
        // The address holds the token, which no error may show.
        let failed = |it: reqwest::Error| {
            let kind =
                if it.is_connect() || it.is_builder() { ErrorKind::Unavailable } else { lost };
            Error::new(kind, PORT, told(&it.without_url()))
        };
        let leave = self.breaker.admit()?;
        let sent = request.send().await;
        leave.tell(sent.is_ok());
        let answer = sent.map_err(failed)?;
        let status = answer.status();
        if status.is_success() {
            let body = answer.bytes().await.map_err(failed)?;
            let read = Answer::of(&body);
            return read.ok_or_else(|| Error::new(lost, PORT, "the answer is not one of the keys"));
        }
        let told = answer.headers().get(wire::FAILURE).and_then(|it| it.to_str().ok());
        let kind = match told.and_then(wire::failure_kind) {
            Some(kind) => kind,
            // Who does not let a request in has not looked at it.
            None if status.is_client_error() => ErrorKind::Unavailable,
            None => lost,
        };
        let cause = match told {
            Some(_) => answer.text().await.map_err(failed)?,
            None => format!("the answer is {status}"),
        };
        Err(Error::new(kind, PORT, cause))
    }

    fn hold(&self, root: Secret) {
        *self.root.lock().expect("no holder of the lock panics") = root;
    }
}

/// What a client says of its failure, with all causes: the first alone does not tell a wrong
/// certificate from a host that is away.
fn told(error: &reqwest::Error) -> String {
    let first: &dyn StdError = error;
    let causes = std::iter::successors(Some(first), |&it| it.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

#[async_trait]
impl Keys for Http {
    async fn load(&self, id: TreeId) -> Result<Option<Arc<Tree>>, Error> {
        let answer = self.read(&wire::tree_path(id)).await?;
        if answer == Answer::Never {
            return Ok(None);
        }
        let Answer::Tree(tree) = answer else { return Err(strange()) };
        Ok(Some(Arc::new(tree)))
    }

    async fn create(&self, id: TreeId) -> Result<Arc<Tree>, Error> {
        let answer = self.change(Method::PUT, &wire::tree_path(id)).await?;
        let Answer::Tree(tree) = answer else { return Err(strange()) };
        Ok(Arc::new(tree))
    }

    async fn puncture(&self, id: TreeId, leaf: u64) -> Result<(), Error> {
        let answer = self.change(Method::DELETE, &wire::leaf_path(id, leaf)).await?;
        expect(&answer, &Answer::Punctured)
    }

    fn root(&self) -> Secret {
        *self.root.lock().expect("no holder of the lock panics")
    }

    async fn page(&self, after: Option<TreeId>) -> Result<Vec<(TreeId, Arc<Tree>)>, Error> {
        let answer = self.read(&wire::page_path(after)).await?;
        let Answer::Page(trees) = answer else { return Err(strange()) };
        Ok(trees)
    }

    async fn adopt(&self, root: Secret) -> Result<(), Error> {
        let answer = self.bring(Method::PUT, wire::ROOT, root.to_vec()).await?;
        expect(&answer, &Answer::Root(root))?;
        self.hold(root);
        Ok(())
    }

    async fn merge(&self, trees: Vec<(TreeId, Arc<Tree>)>) -> Result<(), Error> {
        let page = wire::page_to_bytes(&trees);
        expect(&self.bring(Method::POST, wire::PAGES, page).await?, &Answer::Merged)
    }
}
