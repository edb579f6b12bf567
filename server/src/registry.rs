//! The schemas of the public events, as clients of a Confluent schema registry ask for them.

use axum::Router;
use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::{Value, json};

use chat::kernel::schemas::{NUMBERED, Numbered};

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/schemas/ids/{id}", get(by_id))
        .route("/schemas/ids/{id}/versions", get(versions_of_id))
        .route("/schemas/types", get(|| async { answer(&json!(["AVRO"])) }))
        .route("/subjects", get(subjects))
        .route("/subjects/{subject}/versions", get(versions))
        .route("/subjects/{subject}/versions/{version}", get(by_version))
        .route("/config", get(|| async { answer(&json!({ "compatibilityLevel": "FULL" })) }))
}

fn answer(body: &Value) -> Response {
    ([(header::CONTENT_TYPE, MEDIA_TYPE)], body.to_string()).into_response()
}

fn missing(code: u32, message: &str) -> Response {
    let body = json!({ "error_code": code, "message": message }).to_string();
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, MEDIA_TYPE)], body).into_response()
}

async fn by_id(Path(id): Path<String>) -> Response {
    let found = NUMBERED.iter().find(|it| it.id.to_string() == id);
    match found {
        Some(it) => answer(&json!({ "schema": it.schema.to_string() })),
        None => missing(40403, "Schema not found"),
    }
}

async fn versions_of_id(Path(id): Path<String>) -> Response {
    let found = NUMBERED.iter().find(|it| it.id.to_string() == id);
    match found {
        Some(it) => answer(&json!([{ "subject": it.subject, "version": it.version }])),
        None => missing(40403, "Schema not found"),
    }
}

async fn subjects() -> Response {
    let mut subjects: Vec<&str> = NUMBERED.iter().map(|it| it.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    answer(&json!(subjects))
}

fn of(subject: &str) -> impl Iterator<Item = &'static Numbered> {
    NUMBERED.iter().filter(move |it| it.subject == subject)
}

async fn versions(Path(subject): Path<String>) -> Response {
    let versions: Vec<u32> = of(&subject).map(|it| it.version).collect();
    match versions.is_empty() {
        true => missing(40401, "Subject not found"),
        false => answer(&json!(versions)),
    }
}

async fn by_version(Path((subject, version)): Path<(String, String)>) -> Response {
    let found = match version.as_str() {
        "latest" => of(&subject).last(),
        version => of(&subject).find(|it| it.version.to_string() == version),
    };
    match found {
        Some(it) => answer(&json!({
            "subject": it.subject,
            "version": it.version,
            "id": it.id,
            "schema": it.schema.to_string(),
        })),
        None if of(&subject).next().is_none() => missing(40401, "Subject not found"),
        None => missing(40402, "Version not found"),
    }
}
