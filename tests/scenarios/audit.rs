//! The log of audit: who runs the instance is seen doing so, and who looks is seen looking.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Http, Person, World};

const ENTRY: &str = "action actorId targetId subjectId sessionId address seq stream \
                     changes { field before after }";

/// A page of the log, with conditions in GraphQL.
fn reads(who: &Person, conditions: &str) -> Vec<Value> {
    let query = format!("{{ auditLog({conditions}) {{ edges {{ node {{ {ENTRY} }} }} }} }}");
    let answer = who.asks(&query, json!({}));
    let edges = answer.data()["auditLog"]["edges"].as_array().expect("a list").clone();
    edges.into_iter().map(|it| it["node"].clone()).collect()
}

fn forbidden(who: &Person) {
    let answer = who.asks("{ auditLog { edges { node { action } } } }", json!({}));
    assert_eq!(answer.code(), "INSTANCE_FORBIDDEN");
}

fn exported(who: &Person, path: &str) -> (u16, String) {
    let bearer = format!("Bearer {}", who.token);
    let http: &Http = &who.client.http;
    let reply = http.request("GET", path, &[("authorization", &bearer)], b"");
    let reply = reply.expect("the server answers");
    (reply.status, String::from_utf8(reply.body).expect("text"))
}

/// Ann owns it and does what owners do; gives what is expected of the log, oldest first.
fn acts(ann: &Person, bob: &Person) -> Vec<(&'static str, Value)> {
    let grant = |role: &str| {
        ann.does("grantRole", json!({ "accountId": bob.id, "role": role }), "staff { role }");
    };
    grant("MODERATOR");
    grant("AUDITOR");
    ann.does("changeSettings", json!({ "registration": "CLOSED" }), "settings { registration }");
    let invited = ann.does("invitePeople", json!({ "uses": 2 }), "invitation { id }");
    let invitation = invited["invitation"]["id"].clone();
    ann.does("revokeInvitation", json!({ "invitationId": invitation }), "invitation { id }");
    ann.does("revokeRole", json!({ "accountId": bob.id }), "staff { role }");
    ann.does("suspendAccount", json!({ "accountId": bob.id, "reason": "spam" }), "suspended");
    ann.does("reinstateAccount", json!({ "accountId": bob.id }), "suspended");
    vec![
        ("ROLE_GRANTED", json!(bob.id)),
        ("ROLE_GRANTED", json!(bob.id)),
        ("SETTINGS_CHANGED", Value::Null),
        ("INVITATION_MADE", Value::Null),
        ("INVITATION_REVOKED", Value::Null),
        ("ROLE_REVOKED", json!(bob.id)),
        ("ACCOUNT_SUSPENDED", json!(bob.id)),
        ("SESSIONS_ENDED", json!(bob.id)),
        ("ACCOUNT_REINSTATED", json!(bob.id)),
    ]
}

#[test]
fn every_admin_action_is_there_once_with_actor_and_target() {
    let world = World::new();
    let ann = world.owner("ann");
    let bob = world.person("bob");
    let before = reads(&ann, &format!("actorId: \"{}\"", ann.id)).len();
    let expected = acts(&ann, &bob);
    let mut seen = reads(&ann, &format!("actorId: \"{}\"", ann.id));
    seen.reverse();
    // What she did before, and that she looked.
    let seen = &seen[before + 1..];
    let told: Vec<_> = seen.iter().map(|it| (it["action"].clone(), &it["targetId"])).collect();
    let expected: Vec<_> = expected.iter().map(|(it, whom)| (json!(it), whom)).collect();
    assert_eq!(told, expected);
    for entry in seen {
        assert_eq!(entry["actorId"], ann.id);
        assert!(entry["sessionId"].is_string() && entry["address"].is_string(), "{entry}");
    }
    let changes = |at: usize| seen[at]["changes"].clone();
    let role = |before: Value, after: Value| {
        let field = "role";
        json!([{ "field": field, "before": before, "after": after }])
    };
    assert_eq!(changes(0), role(Value::Null, json!("MODERATOR")));
    assert_eq!(changes(1), role(json!("MODERATOR"), json!("AUDITOR")));
    let registration = json!([{ "field": "registration", "before": "OPEN", "after": "CLOSED" }]);
    assert_eq!(changes(2), registration);
    assert_eq!(seen[3]["subjectId"], seen[4]["subjectId"], "the invitation");
    assert_eq!(changes(5), role(json!("AUDITOR"), Value::Null));
}

#[test]
fn who_lacks_the_role_is_refused() {
    let world = World::new();
    let ann = world.owner("ann");
    let [bob, cat] = world.people(["bob", "cat"]);
    let grant = |role: &str| {
        ann.does("grantRole", json!({ "accountId": cat.id, "role": role }), "staff { role }");
    };
    forbidden(&bob);
    assert_eq!(exported(&bob, "/audit.ndjson").0, 403);
    assert!(exported(&bob, "/audit.ndjson").1.contains("INSTANCE_FORBIDDEN"));
    grant("MODERATOR");
    forbidden(&cat);
    grant("AUDITOR");
    assert!(!reads(&cat, "first: 5").is_empty());
    let reply = world.client.http.get("/audit.ndjson");
    assert_eq!(reply.status, 401);
    assert_eq!(exported(&cat, "/audit.ndjson?from=yesterday").0, 400);
    ann.does("revokeRole", json!({ "accountId": cat.id }), "staff { role }");
    forbidden(&cat);
}

#[test]
fn reading_and_exporting_it_are_in_it() {
    let world = World::new();
    let ann = world.owner("ann");
    let shown = reads(&ann, "first: 2, action: ROLE_GRANTED").len();
    let read = &reads(&ann, "first: 1, action: AUDIT_READ")[0];
    assert_eq!((&read["actorId"], &read["stream"]), (&json!(ann.id), &json!("instance")));
    let change =
        |field: &str, after: &str| json!({ "field": field, "before": null, "after": after });
    let expected = [change("action", "ROLE_GRANTED"), change("entries", &shown.to_string())];
    assert_eq!(read["changes"], json!(expected));
    world.passes(Duration::from_secs(1));
    let (status, lines) = exported(&ann, "/audit.ndjson");
    assert_eq!(status, 200);
    let entries: Vec<Value> =
        lines.lines().map(|it| serde_json::from_str(it).expect("an entry")).collect();
    assert!(entries.is_sorted_by_key(|it| it["place"].as_str().map(str::to_owned)));
    let read = entries.iter().filter(|it| it["action"] == "AuditRead").count();
    assert_eq!(read, 2);
    let exported = reads(&ann, "action: AUDIT_EXPORTED");
    assert_eq!(exported.len(), 1);
    assert_eq!(exported[0]["actorId"], ann.id);
}

#[test]
fn pages_hold_every_entry_once_newest_first() {
    let world = World::new();
    let ann = world.owner("ann");
    let bob = world.person("bob");
    acts(&ann, &bob);
    let whole = format!("targetId: \"{}\", first: 100", bob.id);
    let whole: Vec<Value> = reads(&ann, &whole);
    assert!(whole.len() >= 8, "{whole:?}");
    let (mut paged, mut after) = (Vec::new(), String::new());
    loop {
        let query = format!(
            "{{ auditLog(first: 3, targetId: \"{}\"{after}) {{ edges {{ node {{ {ENTRY} }} }} \
             pageInfo {{ hasNextPage endCursor }} }} }}",
            bob.id
        );
        let answer = ann.asks(&query, json!({}));
        let page = answer.data()["auditLog"].clone();
        let edges = page["edges"].as_array().expect("a list");
        assert!(edges.len() <= 3);
        paged.extend(edges.iter().map(|it| it["node"].clone()));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: {}", page["pageInfo"]["endCursor"]);
    }
    assert_eq!(paged, whole);
    let wrong = ann.asks("{ auditLog(after: \"x\") { edges { cursor } } }", json!({}));
    assert_eq!(wrong.code(), "INVALID");
    let wrong = ann.asks("{ auditLog(targetId: \"x\") { edges { cursor } } }", json!({}));
    assert_eq!(wrong.code(), "INVALID");
}
