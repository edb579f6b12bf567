//! What operations of `/files` have in common: their parameters, and how they say no.

use serde_json::{Value, json};

/// A way that an operation says no: its status, the codes that the body names, and when.
pub(super) type Refusal = (&'static str, &'static [&'static str], &'static str);

pub(super) const UNAUTHENTICATED: Refusal = ("401", &["UNAUTHENTICATED"], "No valid access token.");
pub(super) const FORBIDDEN: Refusal =
    ("403", &["APPLICATIONS_SCOPE_MISSING", "FACTORS_SET_UP_FIRST"], "The session may not upload.");
pub(super) const NOT_FOUND: Refusal = ("404", &["NOT_FOUND"], "Not there, or not the viewer's.");
pub(super) const NO_LINK: Refusal =
    ("404", &["NOT_FOUND"], "The link is not good, or leads nowhere any more.");
pub(super) const VERSION: Refusal = ("412", &["INVALID"], "Tus-Resumable is not 1.0.0.");
pub(super) const UNSEALED: Refusal =
    ("422", &["INVALID"], "A part that went to the store is not sealed by its key.");
pub(super) const LOCKED: Refusal = ("423", &["INVALID"], "It is being finished: try again.");
pub(super) const RATE: Refusal = ("429", &["RATE_LIMITED"], "Too many requests.");
pub(super) const CHECKSUM: Refusal =
    ("460", &["INVALID"], "The bytes have another checksum; none is kept.");
pub(super) const UNAVAILABLE: Refusal =
    ("503", &["UNAVAILABLE", "UNKNOWN"], "Unavailable, or unknown whether it is done: try again.");

pub(super) fn text() -> Value {
    json!({ "type": "string" })
}

pub(super) fn count() -> Value {
    json!({ "type": "integer", "minimum": 0 })
}

/// A header that an answer has.
pub(super) fn tells(schema: &Value, description: &str) -> Value {
    json!({ "description": description, "required": true, "schema": schema })
}

/// A parameter that may be left out.
pub(super) fn asks(place: &str, name: &str, schema: &Value, description: &str) -> Value {
    json!({ "name": name, "in": place, "description": description, "schema": schema })
}

pub(super) fn needs(place: &str, name: &str, schema: &Value, description: &str) -> Value {
    let mut asked = asks(place, name, schema, description);
    asked["required"] = json!(true);
    asked
}

/// What an operation answers when it says no; without a body where there can't be any.
pub(super) fn refused(refusals: &[Refusal], body: bool) -> Value {
    let mut responses = json!({});
    for (status, codes, description) in refusals {
        let mut response = json!({
            "description": description,
            "headers": { "Tus-Resumable": { "$ref": "#/components/headers/TusResumable" } },
            "x-codes": codes,
        });
        match *status {
            "429" => {
                let wait = tells(&count(), "Seconds to wait, where waiting helps.");
                response["headers"]["Retry-After"] = wait;
                response["headers"]["Retry-After"]["required"] = json!(false);
            }
            "412" => {
                response["headers"]["Tus-Version"] = tells(&text(), "What is spoken here.");
            }
            _ => (),
        }
        if body {
            let schema = json!({ "$ref": "#/components/schemas/FileProblem" });
            response["content"] = json!({ "application/json": { "schema": schema } });
        }
        responses[*status] = response;
    }
    responses
}

/// The same, and what it answers when all is well.
pub(super) fn responses(done: Vec<(&str, Value)>, refusals: &[Refusal], body: bool) -> Value {
    let mut responses = refused(refusals, body);
    for (status, mut response) in done {
        let version = json!({ "$ref": "#/components/headers/TusResumable" });
        response["headers"]["Tus-Resumable"] = version;
        responses[status] = response;
    }
    responses
}

pub(super) fn version() -> Value {
    json!({ "$ref": "#/components/parameters/TusResumable" })
}

pub(super) fn file_id() -> Value {
    needs("path", "id", &text(), "The file, or the upload.")
}

pub(super) fn signed_in() -> Value {
    json!([{ "accessToken": [] }])
}
