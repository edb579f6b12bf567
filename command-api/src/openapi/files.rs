//! What the OpenAPI document says of `/files`.

use serde_json::{Value, json};

use super::links::{head, load};
use super::said::{file_id, needs, tells, text};
use super::uploads::{announce, create, delete, grant, patch, post};

/// The paths of `/files`.
pub(super) fn paths() -> [(&'static str, Value); 4] {
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
        ("/files/{id}/parts", json!({ "post": grant() })),
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
pub(super) fn components() -> [(&'static str, &'static str, Value); 5] {
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
    let granted = json!({
        "type": "object",
        "required": ["method", "url", "headers", "sizeBytes", "salt", "key", "until"],
        "properties": {
            "method": { "type": "string" },
            "url": { "type": "string" },
            "headers": { "type": "object", "additionalProperties": { "type": "string" } },
            "sizeBytes": { "type": "string", "description": "Of the part, before it is sealed." },
            "salt": { "type": "string", "description": "32 bytes in base64: they come first." },
            "key": { "type": "string", "description": "32 bytes in base64, for this part alone." },
            "until": { "type": "string", "format": "date-time" },
        },
    });
    let spoken = json!({ "type": "string", "const": "1.0.0" });
    [
        ("schemas", "FileProblem", problem),
        ("schemas", "Uploaded", uploaded),
        ("schemas", "Granted", granted),
        (
            "parameters",
            "TusResumable",
            needs("header", "Tus-Resumable", &spoken, "The version of tus."),
        ),
        ("headers", "TusResumable", tells(&text(), "The version of tus that is spoken here.")),
    ]
}
