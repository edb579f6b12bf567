//! What the OpenAPI document says of uploads, which `query-api/src/files/` takes.

use serde_json::{Value, json};

use chat::files::{
    NAME_BYTES_MAX, PART_BYTES_MAX, PIECES_MAX, SIMPLE_BYTES_MAX, SIZE_BYTES_MAX, UPLOAD_MS_MAX,
};

use super::said::{
    CHECKSUM, FORBIDDEN, LOCKED, NOT_FOUND, RATE, Refusal, UNAUTHENTICATED, UNAVAILABLE, UNSEALED,
    VERSION, asks, count, file_id, needs, responses, signed_in, tells, text, version,
};

/// What the bytes of an upload are sent as.
const BYTES: &str = "application/offset+octet-stream";

/// How far an upload has come, in headers.
pub(super) fn offset() -> Value {
    let mut expires = tells(&text(), "When it is abandoned unless all bytes have come.");
    expires["required"] = json!(false);
    json!({
        "Upload-Offset": tells(&count(), "Bytes that are there."),
        "Upload-Expires": expires,
        "Cache-Control": tells(&text(), "Nobody keeps it: `no-store`."),
    })
}

pub(super) fn checksum() -> Value {
    let description = "`sha1` or `sha256`, a space, and the digest of the body in base64.";
    asks("header", "Upload-Checksum", &text(), description)
}

pub(super) fn bytes(required: bool) -> Value {
    let schema = json!({ "type": "string", "format": "binary" });
    json!({ "required": required, "content": { BYTES: { "schema": schema } } })
}

pub(super) fn create() -> Value {
    let days = UPLOAD_MS_MAX / 86_400_000;
    let description = format!(
        "With `Tus-Resumable` it begins an upload as tus 1.0 has it, of at most {SIZE_BYTES_MAX} \
         bytes, and takes the first bytes if there are some: it is abandoned after {days} days. \
         Without, the body is a whole file of at most {SIMPLE_BYTES_MAX} bytes, its type is \
         `Content-Type`, and `Content-Length` is needed.",
    );
    let metadata = format!(
        "By tus: `filename` and `filetype`, each with a value in base64, at most 4096 bytes. A \
         name has at most {NAME_BYTES_MAX} bytes.",
    );
    let concat = format!(
        "By tus: `partial` for a piece of another; `final;` and the paths of at most {PIECES_MAX} \
         pieces for what is made of them.",
    );
    let key = json!({ "type": "string", "format": "uuid" });
    let direct = json!({ "type": "string", "enum": ["true", "false"] });
    let mut location = tells(&text(), "By tus: where the upload is.");
    location["required"] = json!(false);
    let mut headers = offset();
    headers["Upload-Offset"]["required"] = json!(false);
    headers["Location"] = location;
    let created = json!({
        "description": "By tus, the upload is there; without, the file is.",
        "headers": headers,
        "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/Uploaded" },
        } },
    });
    let whole = json!({ "schema": { "type": "string", "format": "binary" } });
    json!({
        "operationId": "createFile",
        "summary": "Begins an upload, or uploads a small file at once.",
        "description": description,
        "security": signed_in(),
        "parameters": [
            asks("header", "Tus-Resumable", &text(), "`1.0.0` to begin an upload by tus."),
            asks("header", "Upload-Length", &count(), "By tus: bytes of the whole file."),
            asks("header", "Upload-Metadata", &text(), &metadata),
            asks("header", "Upload-Concat", &text(), &concat),
            asks("header", "Upload-Direct", &direct, "By tus: whether parts go to the store."),
            checksum(),
            asks("query", "name", &text(), "Without tus: the file's name."),
            asks("header", "Idempotency-Key", &key, "Without tus: a UUIDv7, for one file."),
        ],
        "requestBody": { "required": false, "content": { BYTES: whole, "*/*": whole } },
        "responses": responses(vec![("201", created)], &[
            ("400", &["INVALID", "FILES_NAME_INVALID", "FILES_TYPE_INVALID",
                "FILES_TOO_MANY_PIECES"], "Malformed, or refused for what it says."),
            UNAUTHENTICATED,
            ("403", &["FILES_TYPE_REFUSED", "FILES_REFUSED", "FILES_SUSPENDED",
                "APPLICATIONS_SCOPE_MISSING", "FACTORS_SET_UP_FIRST"], "Not taken."),
            ("404", &["NOT_FOUND"], "A piece is not there."),
            ("409", &["IDEMPOTENCY_MISMATCH", "FILES_NOT_DIRECT"],
                "The key was used for another file, or the store has no address."),
            ("411", &["INVALID"], "Without tus: Content-Length is needed."),
            VERSION,
            ("413", &["INVALID"], "Larger than a file may be, or than comes in one request."),
            ("415", &["INVALID"], "By tus: the body is not application/offset+octet-stream."),
            LOCKED,
            ("429", &["RATE_LIMITED", "FILES_STORAGE_FULL", "FILES_TOO_MANY_UPLOADS"],
                "Too many requests, unfinished uploads, or bytes of the account's files."),
            CHECKSUM,
            UNAVAILABLE,
        ], true),
    })
}

pub(super) fn announce() -> Value {
    let headers = json!({
        "Tus-Version": tells(&text(), "What is spoken here: `1.0.0`."),
        "Tus-Max-Size": tells(&count(), "Bytes of a file at most."),
        "Tus-Extension": tells(&text(), "What else of tus there is."),
        "Tus-Checksum-Algorithm": tells(&text(), "Digests that are known."),
    });
    let told = json!({ "description": "What of tus there is.", "headers": headers });
    json!({
        "operationId": "announceFiles",
        "summary": "Tells what of tus there is.",
        "security": [],
        "responses": responses(vec![("200", told)], &[], false),
    })
}

/// Taking bytes in, by the method that tus has for it or by one that proxies let through.
pub(super) fn refusals_of_bytes() -> Vec<Refusal> {
    vec![
        ("400", &["INVALID"], "A header is missing or malformed."),
        UNAUTHENTICATED,
        (
            "403",
            &["INVALID", "FILES_REFUSED", "APPLICATIONS_SCOPE_MISSING", "FACTORS_SET_UP_FIRST"],
            "It is made of others, its contents are not taken, or the session may not upload.",
        ),
        NOT_FOUND,
        ("409", &["INVALID"], "The upload is at another offset: ask for it."),
        VERSION,
        ("413", &["INVALID"], "More bytes than the upload has left."),
        ("415", &["INVALID"], "The body is not application/offset+octet-stream."),
        UNSEALED,
        LOCKED,
        ("429", &["RATE_LIMITED", "FILES_TOO_MANY_PARTS"], "Too many requests, or too many parts."),
        CHECKSUM,
        UNAVAILABLE,
    ]
}

pub(super) fn taken() -> (&'static str, Value) {
    ("204", json!({ "description": "What came is kept.", "headers": offset() }))
}

pub(super) fn patch() -> Value {
    json!({
        "operationId": "continueUpload",
        "summary": "Takes bytes of an upload; with the last it is a file.",
        "description": "What came before a connection broke is kept, unless a checksum was given.",
        "security": signed_in(),
        "parameters": [
            file_id(),
            version(),
            needs("header", "Upload-Offset", &count(), "Where the body begins."),
            checksum(),
        ],
        "requestBody": bytes(true),
        "responses": responses(vec![taken()], &refusals_of_bytes(), true),
    })
}

pub(super) fn post() -> Value {
    let methods = json!({ "type": "string", "enum": ["PATCH", "DELETE"] });
    let mut refusals = refusals_of_bytes();
    refusals.push(("405", &["INVALID"], "X-HTTP-Method-Override is neither."));
    let mut done = taken().1;
    done["description"] = json!("As PATCH or DELETE answers.");
    done["headers"] = json!({});
    json!({
        "operationId": "continueOrEndUpload",
        "summary": "Does what PATCH or DELETE does, where a proxy lets neither through.",
        "security": signed_in(),
        "parameters": [
            file_id(),
            version(),
            needs("header", "X-HTTP-Method-Override", &methods, "What is meant."),
            asks("header", "Upload-Offset", &count(), "Where the body begins, to PATCH."),
            checksum(),
        ],
        "requestBody": bytes(false),
        "responses": responses(vec![("204", done)], &refusals, true),
    })
}

/// A link by which a part goes to the store.
pub(super) fn grant() -> Value {
    let wish = json!({
        "type": "object",
        "required": ["offset"],
        "properties": { "offset": { "type": "integer", "minimum": 0,
            "multipleOf": PART_BYTES_MAX, "description": "Where the part begins." } },
    });
    let granted = json!({
        "description": "The part is sealed by this key, and put by this link.",
        "headers": { "Cache-Control": tells(&text(), "Nobody keeps it: `no-store`.") },
        "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/Granted" },
        } },
    });
    json!({
        "operationId": "grantPart",
        "summary": "Gives a link to the store, and the key of one part.",
        "description": "Of an upload that was begun with `Upload-Direct: true`. What is put is \
            the salt and chunks of 65,536 bytes, the last less, each under AES-256-GCM without \
            further data; its nonce is the chunk's number in 8 bytes, 3 zeros, and 1 for the last.",
        "security": signed_in(),
        "parameters": [file_id()],
        "requestBody": { "required": true,
            "content": { "application/json": { "schema": wish } } },
        "responses": responses(vec![("201", granted)], &[
            ("400", &["FILES_PART_INVALID"], "No part begins there."),
            UNAUTHENTICATED,
            FORBIDDEN,
            NOT_FOUND,
            ("409", &["FILES_NOT_DIRECT"], "The upload was not begun for it, or is over."),
            RATE,
            UNAVAILABLE,
        ], true),
    })
}

pub(super) fn delete() -> Value {
    let done = json!({ "description": "It is over." });
    let refusals = [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, VERSION, RATE, UNAVAILABLE];
    json!({
        "operationId": "endUpload",
        "summary": "Gives an upload up, or discards the file that it has become.",
        "security": signed_in(),
        "parameters": [file_id(), version()],
        "responses": responses(vec![("204", done)], &refusals, true),
    })
}
