//! What the OpenAPI document says of `/files`.

use serde_json::{Value, json};

use super::links::{head, load};
use super::said::{file_id, needs, tells, text};
use super::uploads::{announce, create, delete, patch, post};

/// The paths of `/files`.
pub(super) fn paths() -> [(&'static str, Value); 3] {
    let variant = || {
        let named = "What was made of the file, by its name, like `320.webp`.";
        vec![file_id(), needs("path", "variant", &text(), named)]
    };
    [
        ("/files", json!({ "post": create(), "options": announce() })),
        (
            "/files/{id}",
            json!({
                "get": load("loadFile", "Loads a file.", vec![file_id()]),
                "head": head(),
                "patch": patch(),
                "post": post(),
                "delete": delete(),
            }),
        ),
        (
            "/files/{id}/{variant}",
            json!({
                "get": load("loadVariant", "Loads what was made of a file.", variant()),
                "head": load("describeVariant", "Tells what a link leads to.", variant()),
            }),
        ),
    ]
}

/// What they are described with: schemas, parameters and headers.
pub(super) fn components() -> [(&'static str, &'static str, Value); 4] {
    let problem = json!({
        "type": "object",
        "required": ["code", "kind", "message"],
        "properties": {
            "code": { "type": "string", "description": "Stable; see docs/errors.md." },
            "kind": { "type": "string" },
            "message": { "type": "string" },
        },
    });
    let uploaded = json!({
        "type": "object",
        "description": "Without tus; by tus there is no body.",
        "required": ["id", "sizeBytes"],
        "properties": {
            "id": { "type": "string", "description": "The file." },
            "sizeBytes": { "type": "string", "description": "Bytes that it has." },
        },
    });
    let spoken = json!({ "type": "string", "const": "1.0.0" });
    [
        ("schemas", "FileProblem", problem),
        ("schemas", "Uploaded", uploaded),
        (
            "parameters",
            "TusResumable",
            needs("header", "Tus-Resumable", &spoken, "The version of tus."),
        ),
        ("headers", "TusResumable", tells(&text(), "The version of tus that is spoken here.")),
    ]
}
