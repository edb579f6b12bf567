//! What the OpenAPI document says of links to files, which `query-api/src/files/` follows.

use serde_json::{Value, json};

use chat::files::LINK_MS;

use super::said::{
    FORBIDDEN, LOCKED, NO_LINK, NOT_FOUND, RATE, Refusal, UNAUTHENTICATED, UNAVAILABLE, UNSEALED,
    VERSION, asks, count, file_id, needs, responses, tells, text,
};
use super::uploads::offset;

/// What somebody who follows a link may ask for.
pub(super) fn followed(id: Vec<Value>) -> Vec<Value> {
    let link = |name, description| needs("query", name, &text(), description);
    let mut all = id;
    all.extend([
        link("viewer", "As the link has it."),
        link("session", "As the link has it."),
        link("until", "As the link has it."),
        link("sign", "As the link has it."),
        asks("header", "Range", &text(), "One span, like `bytes=0-1023`; of several, all comes."),
        asks("header", "If-Range", &text(), "A tag; the span is of what has it, or all comes."),
        asks("header", "If-None-Match", &text(), "Tags; nothing comes of what has one."),
    ]);
    all
}

/// What following a link comes to.
pub(super) fn loaded(refusals: &[Refusal], body: bool) -> Value {
    let kept = |more: Value| {
        let mut headers = json!({
            "ETag": tells(&text(), "Of the contents, which never change."),
            "Cache-Control": tells(&text(), "For as long as the link is good, by one person."),
            "Accept-Ranges": tells(&text(), "`bytes`"),
        });
        let more = more.as_object().cloned().unwrap_or_default();
        headers.as_object_mut().expect("it is one").extend(more);
        headers
    };
    let whole = json!({
        "Content-Length": tells(&count(), "Bytes that come."),
        "Content-Disposition": tells(&text(), "Whether it may be shown, and its name."),
    });
    let mut span = whole.clone();
    span["Content-Range"] = tells(&text(), "Which bytes come, and of how many.");
    let of_how_many = json!({ "Content-Range": tells(&text(), "Of how many bytes.") });
    let contents = json!({ "*/*": { "schema": { "type": "string", "format": "binary" } } });
    let mut all = vec![
        ("200", json!({ "description": "All of it.", "headers": kept(whole) })),
        ("206", json!({ "description": "The span.", "headers": kept(span) })),
    ];
    if body {
        all.iter_mut().for_each(|(_, it)| it["content"] = contents.clone());
    }
    let known = json!({ "description": "It is what the tag names.", "headers": kept(json!({})) });
    let outside = "The span begins behind its end.";
    all.push(("304", known));
    all.push(("416", json!({ "description": outside, "headers": kept(of_how_many) })));
    responses(all, refusals, body)
}

pub(super) fn load(operation: &str, what: &str, id: Vec<Value>) -> Value {
    let body = !operation.starts_with("describe");
    let link = format!("By a link that GraphQL gives, good for {} seconds.", LINK_MS / 1_000);
    let mut asked = json!({
        "operationId": operation,
        "summary": what,
        "description": link,
        "security": [],
        "parameters": followed(id),
        "responses": loaded(&[NO_LINK, RATE, UNAVAILABLE], body),
    });
    if !body {
        asked["description"] = json!("As GET, without the contents.");
    }
    asked
}

/// How far an upload has come, or what a link leads to.
pub(super) fn head() -> Value {
    let by_tus =
        [UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, VERSION, UNSEALED, LOCKED, RATE, UNAVAILABLE];
    let mut parameters = followed(vec![file_id()]);
    for it in &mut parameters {
        if it["in"] == "query" {
            it["required"] = json!(false);
        }
    }
    parameters.push(asks("header", "Tus-Resumable", &text(), "`1.0.0` to ask after an upload."));
    let mut responses = loaded(&by_tus, false);
    let mut headers = offset();
    headers["Upload-Length"] = tells(&count(), "Bytes of the whole file.");
    headers["Upload-Metadata"] = tells(&text(), "Its name and type.");
    headers["Upload-Concat"] = tells(&text(), "What of others it is, if it is something.");
    let told = headers.as_object().cloned().unwrap_or_default();
    let whole = responses["200"]["headers"].as_object_mut().expect("it has headers");
    whole.extend(told);
    // Each of the two has its own.
    whole.values_mut().filter(|it| it["$ref"].is_null()).for_each(|it| {
        it["required"] = json!(false);
    });
    json!({
        "operationId": "askAfterFile",
        "summary": "Tells how far an upload has come, or what a link leads to.",
        "description": "With `Tus-Resumable` its owner asks after an upload; without, as GET.",
        "security": [{ "accessToken": [] }, {}],
        "parameters": parameters,
        "responses": responses,
    })
}
