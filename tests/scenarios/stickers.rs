//! Stickers and custom emoji: made by one, used by all.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Person, World};

const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Makes a pack with one picture; gives its id and the file's.
fn makes(ann: &Person, kind: &str, name: Option<&str>) -> (String, String) {
    let input = json!({ "kind": kind, "title": "Cats" });
    let made = ann.does("createStickerPack", input, "pack { id }");
    let pack = made["pack"]["id"].as_str().expect("an id").to_owned();
    let file = ann.uploads("cat.png", "image/png", b"a cat");
    adds(ann, &pack, &file, name).data();
    (pack, file)
}

fn adds(ann: &Person, pack: &str, file: &str, name: Option<&str>) -> Answer {
    let input = json!({ "packId": pack, "fileId": file, "emoji": "🐱", "name": name });
    ann.tries("addSticker", input, "pack { id }")
}

fn pack(person: &Person, id: &str) -> Value {
    let query = "query($id: ID!) { stickerPack(id: $id) { kind title owner { username } \
                 stickers { id number emoji name file { name url } } } }";
    person.asks(query, json!({ "id": id })).data()["stickerPack"].clone()
}

fn at_hand(person: &Person) -> Vec<Value> {
    let found = person.asks("{ installedPacks { packs { title } } }", json!({})).data().clone();
    let packs = found["installedPacks"]["packs"].as_array().expect("packs").iter();
    packs.map(|it| it["title"].clone()).collect()
}

fn installs(person: &Person, pack: &str) {
    person.does("installStickerPack", json!({ "packId": pack }), "position");
}

fn sends(person: &Person, group: &str, pack: &str, number: u64) -> Answer {
    let number = number.to_string();
    let input = json!({ "conversationId": group, "packId": pack, "number": number });
    person.tries("sendSticker", input, "message { id text }")
}

#[test]
fn a_pack_is_looked_at_and_installed_by_whoever_knows_it() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let mut phone = ann.on_another_device().hears(
        "eventName change { ... on StickerPack { title } \
         ... on InstalledPacks { packs { title } } }",
    );
    let (id, _) = makes(&ann, "STICKERS", None);
    let mut heard = || phone.expect_for("own", "next")["payload"]["data"]["updates"].clone();
    assert_eq!(heard()["change"]["title"], "Cats");
    assert_eq!(heard()["change"]["packs"][0]["title"], "Cats");
    let seen = pack(&bob, &id);
    assert_eq!((&seen["kind"], &seen["owner"]["username"]), (&json!("STICKERS"), &json!("ann")));
    let cat = &seen["stickers"][0];
    assert_eq!(
        (&cat["emoji"], &cat["number"], &cat["name"]),
        (&json!("🐱"), &json!("1"), &json!(null))
    );
    let link = cat["file"]["url"].as_str().expect("a link");
    assert_eq!(bob.follows(link, &[]).body, b"a cat");
    installs(&bob, &id);
    assert_eq!((at_hand(&ann), at_hand(&bob)), (vec![json!("Cats")], vec![json!("Cats")]));
    ann.does("renameStickerPack", json!({ "packId": id, "title": "Dogs" }), "position");
    assert_eq!(at_hand(&bob), [json!("Dogs")]);
    let made = "{ madePacks(first: 5) { nodes { title } } }";
    let made = ann.asks(made, json!({})).data()["madePacks"]["nodes"].clone();
    assert_eq!(made, json!([{ "title": "Dogs" }]));
    bob.does("uninstallStickerPack", json!({ "packId": id }), "position");
    assert_eq!(at_hand(&bob), Vec::<Value>::new());
    let text = ann.uploads("a.txt", "text/plain", b"text");
    assert_eq!(adds(&ann, &id, &text, None).code(), "STICKERS_NOT_A_PICTURE");
    let cat = bob.uploads("cat.png", "image/png", b"another");
    assert_eq!(adds(&bob, &id, &cat, None).code(), "NOT_FOUND");
}

#[test]
fn a_sticker_stays_in_its_message_when_its_pack_is_gone() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let (id, file) = makes(&ann, "STICKERS", None);
    let sent = sends(&bob, &group, &id, 1).data()["sendSticker"]["message"].clone();
    assert_eq!(sent["text"], "🐱");
    let message = sent["id"].as_str().expect("an id");
    let fields = "content { ... on SentSticker { emoji pack { title } file { url } } }";
    let sees = || ann.on_another_device().sees_message(message, fields)["content"].clone();
    assert_eq!(sees()["pack"]["title"], "Cats");
    ann.does("deleteStickerPack", json!({ "packId": id }), "position");
    assert_eq!((pack(&bob, &id), sends(&bob, &group, &id, 1).code()), (Value::Null, "NOT_FOUND"));
    world.passes(DAY * 2);
    let seen = sees();
    assert_eq!(seen["pack"], Value::Null);
    let link = seen["file"]["url"].as_str().expect("a link");
    assert_eq!(ann.follows(link, &[]).body, b"a cat");
    let input = json!({ "messageId": message, "forEveryone": true });
    bob.on_another_device().does("deleteMessage", input, "position");
    world.passes_until_gone(&file);
}

#[test]
fn what_is_taken_out_of_a_pack_leaves_no_blob() {
    let world = World::new();
    let ann = world.person("ann");
    let (id, file) = makes(&ann, "EMOJI", Some("cat"));
    world.passes(DAY * 2);
    let ann = ann.on_another_device();
    assert!(pack(&ann, &id)["stickers"][0]["file"]["url"].is_string());
    ann.does("removeSticker", json!({ "packId": id, "number": "1" }), "position");
    assert_eq!(pack(&ann, &id)["stickers"], json!([]));
    world.passes_until_gone(&file);
}

#[test]
fn custom_emoji_stand_in_texts_and_are_given_as_reactions() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let (id, _) = makes(&ann, "EMOJI", Some("cat"));
    let named = |person: &Person, text: &str| {
        let message = person.sends(&group, text).id;
        let fields = "html entities { kind offset length sticker { name file { name } } }";
        person.sees_message(&message, fields)
    };
    assert_eq!(named(&bob, ":cat:")["entities"], json!([]));
    installs(&bob, &id);
    let seen = named(&bob, "a :cat:");
    let entity = json!({ "kind": "CUSTOM_EMOJI", "offset": 2, "length": 5,
        "sticker": { "name": "cat", "file": { "name": "cat.png" } } });
    assert_eq!(seen["entities"], json!([entity]));
    assert_eq!(seen["html"], "a <span class=\"emoji\">:cat:</span>");
    let message = ann.sends(&group, "hi").id;
    let emoji = pack(&ann, &id)["stickers"][0]["id"].clone();
    let input = |emoji: &Value| json!({ "messageId": message, "emoji": emoji });
    let mut feed =
        ann.hears("change { ... on Reactions { counts { emoji count sticker { name } } } }");
    bob.does("addReaction", input(&emoji), "position");
    let frame = feed.expect_for("own", "next")["payload"]["data"]["updates"].clone();
    let count = json!({ "emoji": emoji, "count": 1, "sticker": { "name": "cat" } });
    assert_eq!(frame["change"]["counts"], json!([count]));
    let nothing = json!(format!("{id}/2"));
    assert_eq!(
        bob.tries("addReaction", input(&nothing), "position").code(),
        "REACTIONS_EMOJI_INVALID"
    );
    ann.does("deleteStickerPack", json!({ "packId": id }), "position");
    let reactions = "reactions { emoji count sticker { name } }";
    let count = json!({ "emoji": emoji, "count": 1, "sticker": null });
    assert_eq!(ann.sees_message(&message, reactions)["reactions"], json!([count]));
    bob.does("removeReaction", input(&emoji), "position");
    assert_eq!(ann.sees_message(&message, reactions)["reactions"], json!([]));
}
