//! Keeps the keys of a cluster: serves those in this process's folder to all nodes, as
//! `docs/keys-protocol.md` says.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get};

use ports::Error;
use ports::keys::wire::{self, Answer};
use ports::keys::{Keys, Secret, crypto};

use crate::config::Token;

type Kept = State<Arc<dyn Keys>>;

/// The routes of the keys, for whoever shows the token, and a sign of life for everyone.
pub fn routes(keys: Arc<dyn Keys>, token: Token) -> Router {
    Router::new()
        .route(wire::ROOT, get(root).put(adopt))
        .route(wire::TREE, get(load).put(create))
        .route(wire::LEAF, delete(puncture))
        .route(wire::PAGES, get(first_page).post(merge))
        .route(wire::PAGE, get(page))
        .layer(DefaultBodyLimit::max(wire::REQUEST_BYTES_MAX))
        .with_state(keys)
        .layer(middleware::from_fn_with_state(token, admit))
        .route("/healthz", get(|| async { "ok" }))
}

async fn admit(State(token): State<Token>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(header::AUTHORIZATION);
    let shown = shown.and_then(|it| it.as_bytes().strip_prefix(b"Bearer "));
    let known = shown.is_some_and(|it| crypto::equal(it, token.secret_text().as_bytes()));
    let mut response = match known {
        true => next.run(request).await,
        false => {
            let asked = [(header::WWW_AUTHENTICATE, "Bearer")];
            (StatusCode::UNAUTHORIZED, asked, "the token is not the one of these keys")
                .into_response()
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, header::HeaderValue::from_static("no-store"));
    response
}

async fn root(State(keys): Kept) -> Response {
    told(Ok(Answer::Root(keys.root())))
}

async fn load(State(keys): Kept, Path((author, stream)): Path<(String, String)>) -> Response {
    let Some(id) = wire::tree_id(&author, &stream) else { return malformed() };
    told(keys.load(id).await.map(|it| it.map_or(Answer::Never, |it| Answer::Tree((*it).clone()))))
}

async fn create(State(keys): Kept, Path((author, stream)): Path<(String, String)>) -> Response {
    let Some(id) = wire::tree_id(&author, &stream) else { return malformed() };
    told(keys.create(id).await.map(|it| Answer::Tree((*it).clone())))
}

async fn puncture(
    State(keys): Kept,
    Path((author, stream, leaf)): Path<(String, String, u64)>,
) -> Response {
    let Some(id) = wire::tree_id(&author, &stream) else { return malformed() };
    told(keys.puncture(id, leaf).await.map(|()| Answer::Punctured))
}

async fn adopt(State(keys): Kept, root: Bytes) -> Response {
    let Ok(root) = Secret::try_from(&root[..]) else { return malformed() };
    told(keys.adopt(root).await.map(|()| Answer::Root(root)))
}

async fn first_page(State(keys): Kept) -> Response {
    told(keys.page(None).await.map(Answer::Page))
}

async fn page(State(keys): Kept, Path((author, stream)): Path<(String, String)>) -> Response {
    let Some(after) = wire::tree_id(&author, &stream) else { return malformed() };
    told(keys.page(Some(after)).await.map(Answer::Page))
}

async fn merge(State(keys): Kept, page: Bytes) -> Response {
    let Some(trees) = wire::page_of(&page) else { return malformed() };
    told(keys.merge(trees).await.map(|()| Answer::Merged))
}

fn malformed() -> Response {
    (StatusCode::BAD_REQUEST, "neither path nor body is one of docs/keys-protocol.md")
        .into_response()
}

fn told(outcome: Result<Answer, Error>) -> Response {
    match outcome {
        Ok(answer) => {
            let binary = [(header::CONTENT_TYPE, "application/octet-stream")];
            (binary, Body::from(answer.to_bytes())).into_response()
        }
        Err(error) => {
            tracing::warn!(error = %error, "the keys can't do what a node asks");
            let status = StatusCode::from_u16(wire::status(error.kind));
            let status = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let failure = [(wire::FAILURE, wire::failure(error.kind))];
            (status, failure, error.to_string()).into_response()
        }
    }
}
