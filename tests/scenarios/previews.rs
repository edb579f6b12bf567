//! Links are shown as what their pages are; what can't be had is passed over in silence.

use ports::web_pages::contract::{Says, page, redirect};
use serde_json::{Value, json};
use tests::site::Site;
use tests::{Feed, Person, World};

const PREVIEW: &str = "linkPreview { url canonicalUrl title description siteName imageUrl }";

const BREAD: &str = r#"<!doctype html><title>Own</title>
    <meta property="og:title" content="Bread &amp; butter">
    <meta property="og:description" content="How to bake">
    <meta property="og:site_name" content="News"><meta property="og:image" content="/i.png">"#;

/// A site of the web, and a world that may ask it.
fn web() -> (Site, World) {
    let site = Site::at([127, 77, 0, 1]);
    let world = asking(&site);
    (site, world)
}

/// A world that may ask a site.
fn asking(site: &Site) -> World {
    let port = site.address.port();
    World::with(|it| {
        it.previews = true;
        it.previews_allow = vec!["127.77.0.0/16".parse().expect("a network")];
        it.previews_ports = vec![port];
    })
}

fn sends(person: &Person, group: &str, text: &str, others: Value) -> String {
    let mut input = json!({ "conversationId": group, "text": text });
    let more = others.as_object().expect("more of the input").clone();
    input.as_object_mut().expect("an input").extend(more);
    let sent = person.does("sendMessage", input, "message { id }");
    sent["message"]["id"].as_str().expect("an id").to_owned()
}

fn shown(person: &Person, message: &str) -> Value {
    person.sees_message(message, PREVIEW)["linkPreview"].clone()
}

/// Frames until one tells what became of looking a page up.
fn settled(feed: &mut Feed) -> String {
    loop {
        let frame = feed.next();
        if frame.event().starts_with("Preview") {
            return frame.event().to_owned();
        }
    }
}

#[test]
fn a_link_is_shown_as_what_its_page_is() {
    let (site, world) = web();
    site.says("/a", redirect(302, "/b"));
    site.says("/b", page(BREAD));
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let link = format!("{}/a", site.url());
    let message = sends(&ann, &group, &format!("see {link} and https://b.example"), json!({}));
    let sent = feed.next_of(&group);
    let frame = feed.next_of(&group);
    assert_eq!((sent.event(), frame.event()), ("MessageSent", "PreviewFound"));
    assert_eq!(frame.previous_seq(), sent.seq());
    assert_eq!(
        (&frame.change()["__typename"], &frame.change()["id"]),
        (&json!("Message"), &json!(message))
    );
    let url = site.url();
    let expected = json!({
        "url": link, "canonicalUrl": format!("{url}/b"), "title": "Bread & butter",
        "description": "How to bake", "siteName": "News", "imageUrl": format!("{url}/i.png"),
    });
    assert_eq!(shown(&bob, &message), expected);
    assert_eq!(shown(&ann, &message), expected);
    let [eve] = world.people(["eve"]);
    let query = format!("query($id: ID!) {{ message(id: $id) {{ {PREVIEW} }} }}");
    assert_eq!(eve.asks(&query, json!({ "id": message })).data()["message"], Value::Null);
}

#[test]
fn a_page_is_fetched_once_for_all_who_link_to_it() {
    let (site, world) = web();
    site.says("/", page(BREAD));
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let url = site.url();
    for text in [format!("{url}/"), format!("again {url}/#part")] {
        let message = sends(&ann, &group, &text, json!({}));
        assert_eq!(settled(&mut feed), "PreviewFound");
        assert_eq!(shown(&bob, &message)["title"], "Bread & butter");
    }
    assert_eq!(site.asked().len(), 1);
}

#[test]
fn who_does_not_want_it_and_what_is_history_is_not_looked_up() {
    let (site, world) = web();
    site.says("/", page(BREAD));
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let url = site.url();
    let off = sends(&ann, &group, &url, json!({ "linkPreview": false }));
    let old = json!({ "sentAt": "2020-01-01T00:00:00Z" });
    let history = sends(&ann, &group, &url, old);
    let spoiler = sends(&ann, &group, &format!("||{url}||"), json!({}));
    // One after them is looked up: those before would have been.
    site.says("/last", page(BREAD));
    sends(&ann, &group, &format!("{url}/last"), json!({}));
    assert_eq!(settled(&mut feed), "PreviewFound");
    for message in [off, history, spoiler] {
        assert_eq!(shown(&bob, &message), Value::Null);
    }
    let asked = site.asked();
    assert_eq!(asked.len(), 1);
    assert!(asked[0].starts_with("GET /last "));
}

#[test]
fn what_can_not_be_had_is_passed_over_once() {
    let (site, inside) = Site::two([127, 77, 0, 1], [127, 0, 0, 1]);
    let world = asking(&site);
    inside.says("/", page("<title>inside</title>"));
    site.says("/in", redirect(302, &inside.url()));
    site.says(
        "/image",
        Says::Bytes(b"HTTP/1.1 200 x\r\ncontent-type: image/png\r\n\r\nx".to_vec()),
    );
    site.says("/empty", page("<p>nothing to say"));
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let (url, port) = (site.url(), site.address.port());
    let links = [
        format!("{url}/missing"),
        format!("{url}/in"),
        format!("{url}/image"),
        format!("{url}/empty"),
        inside.url(),
        format!("http://localhost:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        "http://127.77.0.1:1/".to_owned(),
    ];
    let mut messages = Vec::new();
    for link in &links {
        messages.push(sends(&ann, &group, &format!("<{link}>"), json!({})));
        assert_eq!(settled(&mut feed), "PreviewMissed", "{link}");
    }
    for message in &messages {
        assert_eq!(shown(&bob, message), Value::Null);
    }
    assert_eq!((site.asked().len(), inside.knocks()), (4, 0));
    // That it is not had is known to whoever links to it next.
    site.says("/missing", page(BREAD));
    sends(&bob, &group, &links[0], json!({}));
    assert_eq!(settled(&mut feed), "PreviewMissed");
    assert_eq!(site.asked().len(), 4);
}

#[test]
fn an_edit_takes_the_preview_away_and_a_deletion_for_ever() {
    let (site, world) = web();
    site.says("/a", page(BREAD));
    site.says("/b", page("<title>Second</title>"));
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let url = site.url();
    let message = sends(&ann, &group, &format!("{url}/a"), json!({}));
    assert_eq!(settled(&mut feed), "PreviewFound");
    ann.edits(&message, &format!("{url}/b"));
    assert_eq!(settled(&mut feed), "PreviewFound");
    assert_eq!(shown(&bob, &message)["title"], "Second");
    ann.edits(&message, "no link");
    assert_eq!(settled(&mut feed), "PreviewMissed");
    assert_eq!(shown(&bob, &message), Value::Null);
    ann.edits(&message, &format!("{url}/b"));
    assert_eq!(settled(&mut feed), "PreviewFound");
    ann.deletes(&message);
    assert_eq!(shown(&bob, &message), Value::Null);
}

#[test]
fn a_message_that_is_deleted_meanwhile_gets_nothing() {
    let (site, world) = web();
    site.says("/slow", Says::Halting(b"HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n".to_vec()));
    site.says("/", page(BREAD));
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let message = sends(&ann, &group, &format!("{}/slow", site.url()), json!({}));
    ann.deletes(&message);
    let after = sends(&ann, &group, &format!("{}/", site.url()), json!({}));
    let events: Vec<_> = (0..4).map(|_| feed.next_of(&group).event().to_owned()).collect();
    assert_eq!(events, ["MessageSent", "MessageDeleted", "MessageSent", "PreviewFound"]);
    assert_eq!(shown(&bob, &message), Value::Null);
    assert_eq!(shown(&bob, &after)["title"], "Bread & butter");
}

#[test]
fn an_instance_may_look_up_nothing() {
    let site = Site::at([127, 77, 0, 1]);
    site.says("/", page(BREAD));
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut feed = bob.subscribes();
    let message = sends(&ann, &group, &site.url(), json!({}));
    ann.sends(&group, "and nothing between");
    let (first, second) = (feed.next_of(&group), feed.next_of(&group));
    assert_eq!(second.previous_seq(), first.seq());
    assert_eq!(second.seq(), first.seq() + 1);
    assert_eq!((shown(&bob, &message), site.knocks()), (Value::Null, 0));
}
