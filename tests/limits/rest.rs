//! Commands over plain HTTP: the same rules, told as problems.

use serde_json::{Value, json};
use tests::{Person, Reply, World, fresh_id};

/// Checks that a reply is a problem, and gives its status and code.
fn problem(reply: &Reply) -> (u16, String) {
    assert_eq!(reply.header("content-type"), Some("application/problem+json"), "{reply:?}");
    let body = reply.json();
    assert_eq!(body["status"], reply.status);
    assert!(body["title"].is_string() && body["kind"].is_string(), "{body}");
    let code = body["code"].as_str().expect("a problem has a code").to_owned();
    assert_eq!(body["type"], format!("/docs/errors#{code}"));
    (reply.status, code)
}

fn refusal(person: &Person, name: &str, key: &str, body: &Value) -> (u16, String) {
    problem(&person.commands(name, key, body))
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn a_command_is_carried_out_once_whichever_door_it_comes_by() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    let key = fresh_id();
    let body = json!({ "conversationId": group, "text": "hello" });
    let first = ann.commands("SendMessage", &key, &body).json();
    let again = ann.commands("SendMessage", &key, &body).json();
    assert_eq!((&first["repeated"], &again["repeated"]), (&json!(false), &json!(true)));
    assert_eq!((&first["streamId"], &first["seq"]), (&again["streamId"], &again["seq"]));
    assert_eq!(first["streamId"], json!(group));
    let by_graphql = ann.tries_hard_to_send(&group, &key, "hello").expect("sent");
    assert_eq!(json!(by_graphql.seq.to_string()), first["seq"]);
    assert_eq!(ann.all_messages(&group).len(), 1);
    let other = json!({ "conversationId": group, "text": "goodbye" });
    assert_eq!(refusal(&ann, "SendMessage", &key, &other), is(409, "IDEMPOTENCY_MISMATCH"));
}

#[test]
fn what_is_wrong_with_a_command_is_told() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let send = json!({ "conversationId": group, "text": "hello" });
    for key in ["", "1", "c0ffee00-0000-4000-8000-000000000000"] {
        assert_eq!(refusal(&ann, "SendMessage", key, &send), is(400, "INVALID"), "{key}");
    }
    let key = fresh_id();
    let bodies = [
        json!({}),
        json!([]),
        json!({ "conversationId": group }),
        json!({ "conversationId": group, "text": 1 }),
        json!({ "conversationId": "1", "text": "hello" }),
        json!({ "conversationId": group, "text": "hello", "number": 7 }),
    ];
    for body in bodies {
        assert_eq!(refusal(&ann, "SendMessage", &key, &body), is(400, "INVALID"), "{body}");
    }
    let long = json!({ "conversationId": group, "text": "a".repeat(16_385) });
    assert_eq!(refusal(&ann, "SendMessage", &key, &long), is(400, "MESSAGES_TOO_LONG"));
    let huge = json!({ "conversationId": group, "text": "a".repeat(262_144) });
    assert_eq!(refusal(&ann, "SendMessage", &key, &huge), is(413, "TOO_LARGE"));
    let rename = json!({ "conversationId": group, "title": "Mine" });
    assert_eq!(refusal(&bob, "RenameGroup", &key, &rename), is(403, "CONVERSATIONS_FORBIDDEN"));
    let leave = json!({ "conversationId": group });
    assert_eq!(refusal(&ann, "LeaveConversation", &key, &leave), is(409, "MEMBERS_OWNER_STAYS"));
    assert_eq!(ann.sees(&group, "seq title"), json!({ "seq": "2", "title": "Lunch" }));
}

#[test]
fn only_public_commands_are_found() {
    let world = World::new();
    let ann = world.person("ann");
    let id = fresh_id();
    let internal = [
        "CreateAccount",
        "ClaimName",
        "ReleaseName",
        "ConfirmName",
        "OpenSession",
        "AbandonClaim",
        "BeginRename",
        "FinishRename",
        "ReserveName",
        "RefreshSession",
        "ChangePassword",
        "ConfirmSession",
        "ClaimSetup",
        "UseInvitation",
        "TryFactor",
        "EnrolTotp",
        "ConfirmTotp",
        "MakeBackupCodes",
        "sendMessage",
        "",
        "../graphql",
    ];
    for name in internal {
        let reply = ann.commands(name, &id, &json!({}));
        assert_eq!(reply.status, 404, "{name}");
    }
    let document = world.client.http.get("/v1/openapi.json").json();
    let paths = document["paths"].as_object().expect("paths");
    assert!(paths.contains_key("/v1/commands/SendMessage"));
    for name in paths.keys().filter_map(|it| it.strip_prefix("/v1/commands/")) {
        assert!(!internal.contains(&name), "{name}");
        let refused = refusal(&ann, name, "no uuid", &json!({}));
        assert_eq!(refused, is(400, "INVALID"), "{name}");
    }
}

#[test]
fn a_command_without_a_token_is_unauthenticated() {
    let world = World::new();
    let key = fresh_id();
    let headers = [("idempotency-key", key.as_str())];
    let path = "/v1/commands/SendMessage";
    let reply = world.client.http.request("POST", path, &headers, b"{}").expect("an answer");
    assert_eq!(problem(&reply), is(401, "UNAUTHENTICATED"));
}
