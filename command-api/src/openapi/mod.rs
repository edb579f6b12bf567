//! The OpenAPI 3.1 document: commands, derived from their types, and files.

mod files;
mod links;
mod said;
mod uploads;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use chat::kernel::Command;
use chat::{CommandVisitor, commands};

struct Paths {
    generator: SchemaGenerator,
    paths: Map<String, Value>,
}

impl CommandVisitor for Paths {
    fn visit<C: Command>(&mut self) {
        let mut schema = self.generator.subschema_for::<C>().to_value();
        let description = self
            .generator
            .definitions()
            .get(C::NAME)
            .and_then(|it| it.get("description").and_then(Value::as_str).map(str::to_owned));
        if schema.is_null() {
            schema = json!({});
        }
        let path = json!({ "post": {
            "operationId": C::NAME,
            "summary": description.unwrap_or_default(),
            "security": [{ "accessToken": [] }],
            "parameters": [{ "$ref": "#/components/parameters/IdempotencyKey" }],
            "requestBody": {
                "required": true,
                "content": { "application/json": { "schema": schema } },
            },
            "responses": responses(),
        } });
        self.paths.insert(format!("/v1/commands/{}", C::NAME), path);
    }
}

fn responses() -> Value {
    let mut responses = json!({ "200": {
        "description": "The command is accepted, now or before.",
        "content": { "application/json": {
            "schema": { "$ref": "#/components/schemas/Accepted" },
        } },
    } });
    let refusals = [
        ("400", "Malformed, or refused for what it says."),
        ("401", "No valid access token."),
        ("403", "Not allowed."),
        ("404", "Not found, or not to be seen."),
        ("409", "Not possible as things are, or the key was used for another command."),
        ("413", "Too large."),
        ("429", "Too many requests."),
        ("503", "Unavailable or unknown: try again with the same key."),
    ];
    for (status, description) in refusals {
        responses[status] = json!({
            "description": description,
            "content": { "application/problem+json": {
                "schema": { "$ref": "#/components/schemas/Problem" },
            } },
        });
    }
    responses
}

/// The document.
pub fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|it| {
        it.definitions_path = "/components/schemas".into();
    });
    let mut visitor = Paths { generator: settings.into_generator(), paths: Map::new() };
    commands(&mut visitor);
    let mut schemas = Value::Object(visitor.generator.take_definitions(true));
    schemas["Accepted"] = json!({
        "type": "object",
        "required": ["streamId", "seq", "repeated", "position"],
        "properties": {
            "streamId": { "type": "string", "description": "Where its events stand." },
            "seq": { "type": "string", "description": "Of its first event; 0 when none." },
            "repeated": { "type": "boolean", "description": "It had been accepted before." },
            "position": { "type": "string", "description": "For Parlance-After." },
        },
    });
    schemas["Problem"] = json!({
        "type": "object",
        "required": ["type", "title", "status", "code", "kind"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "code": { "type": "string", "description": "Stable; see docs/errors.md." },
            "kind": { "type": "string" },
            "retryAfterMs": { "type": "integer" },
        },
    });
    let described = files::paths().into_iter();
    visitor.paths.extend(described.map(|(path, it)| (path.to_owned(), it)));
    let mut document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Parlance: commands and files", "version": env!("CARGO_PKG_VERSION") },
        "paths": visitor.paths,
        "components": {
            "schemas": schemas,
            "parameters": { "IdempotencyKey": {
                "name": "Idempotency-Key", "in": "header", "required": true,
                "description": "A UUIDv7 made by the client; the same key does it once, for ever.",
                "schema": { "type": "string", "format": "uuid" },
            } },
            "securitySchemes": { "accessToken": {
                "type": "http", "scheme": "bearer", "bearerFormat": "JWT",
            } },
        },
    });
    for (kind, name, it) in files::components() {
        document["components"][kind][name] = it;
    }
    document
}
