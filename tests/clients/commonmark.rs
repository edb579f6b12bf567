//! What CommonMark's own examples mean, as another program reads their HTML.

use chat::messages::{Body, EntityKind, parse};
use serde_json::Value;

use crate::reported;

/// Examples of the specification that must at least be compared.
const COMPARED_MIN: usize = 500;

/// An entity without whitespace, as text and kind; links with where they go.
type Held = (String, String, Option<String>);

fn bare(text: &str) -> String {
    text.split_whitespace().collect()
}

/// What a body holds of what CommonMark knows.
fn held(body: &Body) -> Vec<Held> {
    let units: Vec<u16> = body.text.encode_utf16().collect();
    let mut held = Vec::new();
    for it in &body.entities {
        let (start, length) = (it.offset as usize, it.length as usize);
        let text = String::from_utf16(&units[start..start + length]).expect("whole characters");
        let found = it.kind == EntityKind::Hashtag
            || it.kind == EntityKind::Link && it.url.as_ref() == Some(&text);
        if !found && !bare(&text).is_empty() {
            held.push((format!("{:?}", it.kind), bare(&text), it.url.clone()));
        }
    }
    held.sort();
    held
}

/// What the example's HTML holds; links to what they say are found in text as well.
fn expected(example: &Value) -> Vec<Held> {
    let entities = example["entities"].as_array().expect("entities");
    let text = |it: &Value| it.as_str().map(str::to_owned);
    let held = entities.iter().map(|it| {
        (text(&it["kind"]).expect("a kind"), text(&it["text"]).expect("a text"), text(&it["url"]))
    });
    let mut held: Vec<Held> = held.filter(|it| it.2.as_ref() != Some(&it.1)).collect();
    held.sort();
    held
}

#[test]
fn messages_mean_what_the_specification_says() {
    let reported = reported("commonmark.mjs", &[]);
    let examples = reported["examples"].as_array().expect("examples");
    let mut wrong = Vec::new();
    for example in examples {
        let markdown = example["markdown"].as_str().expect("a text");
        let body = parse(markdown, |_| None);
        let text = example["text"].as_str().expect("a text");
        let (is, ought) = ((bare(&body.text), held(&body)), (text.to_owned(), expected(example)));
        if is.0 != ought.0 || is.1 != ought.1 && example["textOnly"] == false {
            let (number, section) = (&example["number"], &example["section"]);
            wrong.push(format!("{number} {section} {markdown:?}: {is:?}, not {example}"));
        }
    }
    let (count, version) = (examples.len(), &reported["version"]);
    eprintln!("CommonMark {version}: {count} examples, {} of HTML left out", reported["ofHtml"]);
    assert!(count >= COMPARED_MIN, "{count} examples");
    assert!(wrong.is_empty(), "{} of {count}:\n{}", wrong.len(), wrong.join("\n"));
}
