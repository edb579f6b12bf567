//! Contact cards: a person's name and addresses, sent as a message.

use serde_json::{Value, json};
use tests::World;

const CARD: &str = "text content { ... on ContactCard { name phones emails vcard \
    account { username } } }";

#[test]
fn a_card_is_sent_and_read_as_parts_and_as_a_vcard() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let eve = world.person("eve");
    let input = json!({
        "conversationId": group, "name": "Eve Example", "phones": ["+49 151 12345678"],
        "emails": ["Eve@example.org"], "accountId": eve.id,
    });
    let sent = ann.does("sendContact", input, "message { id }");
    let id = sent["message"]["id"].as_str().expect("an id");
    let found = bob.sees_message(id, CARD);
    let vcard = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Eve Example\r\n\
        TEL;VALUE=uri:tel:+4915112345678\r\nEMAIL:eve@example.org\r\nEND:VCARD\r\n";
    let expected = json!({
        "text": "Eve Example",
        "content": {
            "name": "Eve Example", "phones": ["+4915112345678"], "emails": ["eve@example.org"],
            "vcard": vcard, "account": { "username": "eve" },
        },
    });
    assert_eq!(found, expected);
    assert_eq!(eve.sees_message(id, CARD), Value::Null);
    ann.deletes(id);
    assert_eq!(bob.sees_message(id, CARD), json!({ "text": null, "content": null }));
}
