//! Contacts and those who are blocked: what reaches whom, and what does not.

use serde_json::{Value, json};
use tests::{Frame, Person, World};

fn says(person: &Person, what: &str, of: &Person) -> Value {
    let wanted = "contact { account { username } contactSince blockedSince }";
    person.does(what, json!({ "accountId": of.id }), wanted)["contact"].clone()
}

fn listed(person: &Person, list: &str) -> Vec<String> {
    let query = format!(
        "{{ {list}(first: 1) {{ edges {{ node {{ account {{ username }} }} }} \
                         pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    let mut names = Vec::new();
    let mut found = person.asks(&query, json!({})).data()[list].clone();
    loop {
        let edges = found["edges"].as_array().expect("edges").clone();
        names.extend(
            edges
                .iter()
                .map(|it| it["node"]["account"]["username"].as_str().expect("a name").to_owned()),
        );
        if found["pageInfo"]["hasNextPage"] != true {
            return names;
        }
        let after = &found["pageInfo"]["endCursor"];
        let next = query.replace("first: 1", &format!("first: 1, after: {after}"));
        found = person.asks(&next, json!({})).data()[list].clone();
    }
}

fn finds(person: &Person, field: &str, value: &str) -> Value {
    let query = format!("{{ account({field}: \"{value}\") {{ id }} }}");
    person.asks(&query, json!({})).data()["account"].clone()
}

#[test]
fn contacts_are_listed_newest_first_and_shown_on_all_devices() {
    let world = World::new();
    let [ann, bob, eve] = world.people(["ann", "bob", "eve"]);
    let mut other = ann.on_another_device().subscribes();
    assert_eq!(says(&ann, "addContact", &bob)["account"]["username"], "bob");
    says(&ann, "addContact", &eve);
    assert_eq!(listed(&ann, "contacts"), ["eve", "bob"]);
    let events: Vec<_> = (0..2).map(|_| other.next().event().to_owned()).collect();
    assert_eq!(events, ["ContactAdded", "ContactAdded"]);
    assert!(listed(&bob, "contacts").is_empty(), "it tells the other nothing");
    let blocked = says(&ann, "blockAccount", &bob);
    assert_eq!(blocked["contactSince"], Value::Null);
    assert!(blocked["blockedSince"].is_string());
    assert_eq!(
        (listed(&ann, "contacts"), listed(&ann, "blocked")),
        (vec!["eve".to_owned()], vec!["bob".to_owned()],)
    );
    let query = "query($id: ID!) { account(id: $id) { contact { blockedSince } } }";
    let seen = ann.asks(query, json!({ "id": bob.id }));
    assert!(seen.data()["account"]["contact"]["blockedSince"].is_string());
    says(&ann, "unblockAccount", &bob);
    assert!(listed(&ann, "blocked").is_empty());
}

#[test]
fn whoever_is_blocked_neither_writes_nor_finds_nor_adds() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let talk = bob.opens_direct(&ann);
    bob.sends(&talk, "hello");
    says(&ann, "blockAccount", &bob);
    let refused = bob.tries_to_send(&talk, &tests::fresh_id(), "are you there?");
    assert_eq!(refused.code(), "MESSAGES_REFUSED");
    let refused = ann.tries_to_send(&talk, &tests::fresh_id(), "no");
    assert_eq!(refused.code(), "MESSAGES_BLOCKED");
    assert_eq!(finds(&bob, "username", "ann"), Value::Null);
    assert_eq!(finds(&bob, "id", &ann.id), Value::Null);
    let added = bob.tries("addContact", json!({ "accountId": ann.id }), "contact { contactSince }");
    assert_eq!(added.code(), "NOT_FOUND");
    let group = bob.creates_group("Trap", &[]);
    let added = bob.adds(&group, &[&ann]);
    assert_eq!(added["failed"][0]["code"], "REFUSED", "{added}");
    let create = json!({ "title": "Trap", "memberIds": [ann.id] });
    let refused = bob.tries("createGroup", create, "conversation { id }");
    assert_eq!(refused.code(), "CONVERSATIONS_REFUSED");
    says(&ann, "unblockAccount", &bob);
    bob.sends(&talk, "thank you");
    assert_eq!(finds(&bob, "username", "ann")["id"], json!(ann.id));
}

/// Tells something that passes.
fn tells(person: &Person, name: &str, input: &Value, ok: bool) {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ ok }} }}");
    assert_eq!(person.asks(&query, json!({ "input": input })).data()[name]["ok"], ok);
}

#[test]
fn raw_frames_of_a_blocked_person_hold_nothing_but_what_is_posted_in_shared_groups() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let talk = ann.opens_direct(&bob);
    says(&ann, "blockAccount", &bob);
    let mut frames = bob.subscribes();
    // Both that passes and that is an event, until something that is posted ends it.
    let posted = ann.sends(&group, "posted");
    assert_eq!(frames.next_of(&group).seq(), posted.seq);
    tells(&ann, "setPresence", &json!({ "online": true }), true);
    tells(&ann, "setTyping", &json!({ "conversationId": group, "typing": true }), true);
    for person in [&ann, &bob] {
        tells(person, "setTyping", &json!({ "conversationId": talk, "typing": true }), false);
    }
    ann.does(
        "updateProfile",
        json!({ "bio": "canary", "displayName": "Canary" }),
        "account { id }",
    );
    ann.reads(&group, 1);
    says(&ann, "addContact", &world.person("eve"));
    tells(&ann, "setPresence", &json!({ "online": false }), true);
    let last = ann.sends(&group, "posted as well");
    let heard = frames.until(&group, last.seq);
    let of_ann = |it: &&Frame| it.0.to_string().contains(&ann.id);
    let seen: Vec<_> = heard.iter().filter(of_ann).map(Frame::event).collect();
    assert_eq!(seen, ["MessageSent"], "{heard:?}");
    assert!(!heard.iter().any(|it| it.0.to_string().to_lowercase().contains("canary")));
    assert_eq!(heard.len(), 1, "{heard:?}");
}
