//! Text and code: what is told of them, and that it is nothing to a browser but text.

mod worker;

use quick_xml::Reader;
use quick_xml::events::Event;
use serde_json::json;
use worker::{Ended, convert, work};

fn named(name: &str, text: impl AsRef<[u8]>) -> Ended {
    work(text.as_ref(), &json!({ "kind": "previews", "name": name }))
}

fn read(ended: &Ended, name: &str) -> String {
    String::from_utf8(ended.read(name)).expect("text")
}

/// Reads HTML as a parser does: the text in it, and each class with what stands in it. There may
/// be nothing but one `pre` and `span`s with a class.
fn parsed(html: &str) -> (String, Vec<(String, String)>) {
    let mut reader = Reader::from_str(html.strip_suffix('\n').expect("a line"));
    let (mut text, mut parts, mut open) = (String::new(), Vec::new(), Vec::new());
    loop {
        match reader.read_event().expect("it is well formed") {
            Event::Start(tag) => {
                let attributes: Vec<_> = tag.attributes().map(|it| it.expect("plain")).collect();
                let name = tag.name().as_ref().to_owned();
                if name == "pre" {
                    assert!(attributes.is_empty() && open.is_empty() && text.is_empty());
                } else {
                    assert_eq!((name.as_str(), attributes.len(), open.len()), ("span", 1, 1));
                    assert_eq!(attributes[0].key.as_ref(), "class");
                    let class = attributes[0].value.to_string();
                    assert!(class.chars().all(|it| it.is_ascii_lowercase()));
                    parts.push((class, String::new()));
                }
                open.push(name);
            }
            Event::End(_) => drop(open.pop().expect("one is open")),
            Event::Text(it) => add(&it, &mut text, &mut parts, open.len()),
            Event::GeneralRef(it) => {
                let said = match &*it {
                    "amp" => "&",
                    "lt" => "<",
                    "gt" => ">",
                    "quot" => "\"",
                    "#39" => "'",
                    other => panic!("{other}"),
                };
                add(said, &mut text, &mut parts, open.len());
            }
            Event::Eof => break,
            other @ (Event::Empty(_) | Event::CData(_) | Event::Comment(_))
            | other @ (Event::Decl(_) | Event::PI(_) | Event::DocType(_)) => panic!("{other:?}"),
        }
    }
    // What browsers leave out behind the tag.
    (text.strip_prefix('\n').expect("a line feed").to_owned(), parts)
}

fn add(said: &str, text: &mut String, parts: &mut [(String, String)], open: usize) {
    assert!(open > 0, "nothing stands outside");
    text.push_str(said);
    if open == 2 {
        parts.last_mut().expect("one is open").1.push_str(said);
    }
}

/// Whether something is in the colour of a class.
fn has(html: &str, class: &str, said: &str) -> bool {
    parsed(html).1.iter().any(|it| it.0 == class && it.1.contains(said))
}

#[test]
fn code_is_in_colours() {
    let rust = "// a & b\nfn main() {\n    let s = \"<b>\\n\";\n    let n = 42;\n}\n";
    let ended = named("main.rs", rust);
    assert_eq!(ended.done()["kind"], "code");
    assert_eq!(ended.done()["media_type"], "text/plain");
    assert_eq!(ended.done()["syntax"], "Rust");
    assert_eq!(ended.done().get("cut"), None);
    assert_eq!(ended.names(), ["text.txt", "code.html"]);
    let html = read(&ended, "code.html");
    assert_eq!(parsed(&html).0, rust);
    for (class, said) in [
        ("comment", "// a & b"),
        ("keyword", "fn"),
        ("function", "main"),
        ("string", "<b>"),
        ("escape", "\\n"),
        ("number", "42"),
    ] {
        assert!(has(&html, class, said), "{class}: {html}");
    }
}

#[test]
fn every_language_has_its_own_colours() {
    let codes = [
        ("a.py", "def f(): return 1\n", "Python", "function", "f"),
        ("a.js", "const a = 'x' // y\n", "JavaScript", "comment", "// y"),
        ("a.c", "int main(void) { return 0; }\n", "C", "function", "main"),
        ("a.go", "func main() {}\n", "Go", "function", "main"),
        ("a.json", "{\"a\": true}\n", "JSON", "constant", "true"),
        ("a.css", "a { color: red; }\n", "CSS", "tag", "a"),
        ("a.sql", "SELECT 1 FROM t;\n", "SQL", "keyword", "SELECT"),
        ("Makefile", "all: x\n\techo\n", "Makefile", "function", "all"),
        ("a.md", "# Head\n", "Markdown", "heading", "Head"),
        ("a.yaml", "a: 1\n", "YAML", "tag", "a"),
    ];
    for (name, text, syntax, class, said) in codes {
        let ended = named(name, text);
        assert_eq!(ended.done()["syntax"], syntax, "{name}");
        let html = read(&ended, "code.html");
        assert_eq!(parsed(&html).0, text);
        assert!(has(&html, class, said), "{name}: {html}");
    }
}

#[test]
fn a_name_says_only_in_which_language() {
    // Text is text whatever it is called, and nothing else becomes text by its name.
    let plain = named("holiday.jpg", "Dear all,\n");
    assert_eq!(
        (&plain.done()["kind"], &plain.done()["media_type"]),
        (&json!("document"), &json!("text/plain"))
    );
    assert_eq!(plain.names().len(), 9, "a text, and a picture of its page");
    let binary = named("main.rs", b"fn main() {\0}");
    assert_eq!(binary.done()["kind"], "other");
    assert!(binary.names().is_empty());
    // The first line says it, too, and a page of the web is one under any name.
    assert_eq!(named("x", "#!/usr/bin/env python\nx = 1\n").done()["syntax"], "Python");
    assert_eq!(named("a.rs", "<!DOCTYPE html><p>x</p>\n").done()["syntax"], "HTML");
    assert_eq!(named("../../etc/a.rs", "fn f() {}\n").done()["syntax"], "Rust");
}

#[test]
fn what_browsers_run_is_shown_as_it_is_written() {
    let pages = [
        ("text/html", "<!DOCTYPE html><script>alert('1')</script>\n"),
        ("text/html", "<html><body onload=\"alert(1)\"></pre></span><img src=x>\n"),
        ("image/svg+xml", "<svg xmlns='x'><script>alert(1)</script></svg>\n"),
        (
            "text/xml",
            "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b SYSTEM 'file:///etc/passwd'>]>\n",
        ),
        ("text/plain", "x < y && \"</pre><script>alert(1)</script>\"\n"),
    ];
    for (media_type, text) in pages {
        let ended = named("a.js", text);
        assert_eq!(ended.done()["media_type"], media_type);
        assert_eq!(parsed(&read(&ended, "code.html")).0, text);
        assert_eq!(read(&ended, "text.txt"), text);
        assert!(ended.names().iter().all(|it| ["text.txt", "code.html"].contains(&it.as_str())));
    }
}

#[test]
fn code_is_read_in_the_order_in_which_it_runs() {
    let ended = named("a.rs", "if admin {\u{202e} } // \u{2066}x\n");
    let shown = parsed(&read(&ended, "code.html")).0;
    assert_eq!(shown, "if admin {\u{fffd} } // \u{fffd}x\n");
}

#[test]
fn text_is_utf8_or_says_that_it_is_utf16() {
    let text = "Grüße, 日本 👋\r\nsecond\rthird\n";
    let expected = "Grüße, 日本 👋\nsecond\nthird\n";
    let mark = "\u{feff}".to_owned() + text;
    let little: Vec<u8> = mark.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let big: Vec<u8> = mark.encode_utf16().flat_map(u16::to_be_bytes).collect();
    for bytes in [text.as_bytes(), mark.as_bytes(), &little, &big] {
        let ended = named("a.txt", bytes);
        assert_eq!(ended.done()["kind"], "document");
        assert_eq!(read(&ended, "text.txt"), expected);
    }
    for other in [&b"caf\xe9 au lait"[..], b"a\0b", &little[2..]] {
        assert_eq!(named("a.txt", other).done()["kind"], "other");
    }
}

#[test]
fn as_much_text_as_is_kept_and_one_byte_more() {
    let kept = |length: usize| {
        let ended = named("a.txt", "x".repeat(length));
        (ended.read("text.txt").len(), ended.done().get("cut").is_some())
    };
    assert_eq!(kept(1 << 20), (1 << 20, false));
    assert_eq!(kept((1 << 20) + 1), (1 << 20, true));
    // Half a character is left out, not replaced.
    let ended = named("a.txt", format!("{}ü", "x".repeat((1 << 20) - 1)));
    assert_eq!(ended.read("text.txt"), "x".repeat((1 << 20) - 1).into_bytes());
    // UTF-16 of what is longer in UTF-8.
    let wide: Vec<u8> = ("\u{feff}".to_owned() + &"日".repeat(500_000))
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let ended = named("a.txt", wide);
    assert_eq!(ended.read("text.txt").len(), (1 << 20) / 3 * 3);
    assert_eq!(ended.done()["cut"], true);
}

#[test]
fn as_much_code_as_is_in_colours_and_one_line_more() {
    let lines = |many: usize, line: &str| {
        let ended = named("a.rs", line.repeat(many));
        let shown = parsed(&read(&ended, "code.html")).0;
        (shown.lines().count(), ended.done().get("cut").is_some())
    };
    assert_eq!(lines(5_000, "1;\n"), (5_000, false));
    assert_eq!(lines(5_001, "1;\n"), (5_000, true));
    // 256 KiB in lines of a kibibyte, which are too long for colours.
    let long = format!("{}\n", "x".repeat(1023));
    assert_eq!(lines(256, &long), (256, false));
    assert_eq!(lines(257, &long), (256, true));
    let line = |length: usize| {
        let ended = named("a.rs", format!("//{}\n", "x".repeat(length - 3)));
        parsed(&read(&ended, "code.html")).1.len()
    };
    assert!(line(1_000) > 0);
    assert_eq!(line(1_001), 0);
}

#[test]
fn code_that_is_hard_to_read_ends_in_time() {
    // Nests, and what lets expressions try everything.
    let hard = [
        ("a.js", "/".repeat(900) + &"(".repeat(90) + "\n"),
        ("a.md", "*_".repeat(450) + "\n"),
        ("a.php", "<?php \"{$a[".to_owned() + &"[{$".repeat(290) + "\n"),
    ];
    for (name, line) in hard {
        let text = line.repeat(280);
        let ended = named(name, &text);
        let shown = parsed(&read(&ended, "code.html")).0;
        assert!(text.starts_with(&shown) && shown.len() > 200_000, "{name}");
    }
}

#[test]
fn a_text_is_nothing_else() {
    assert_eq!(convert(b"hello", "png").failed(), "MEDIA_UNSUPPORTED");
    assert_eq!(work(b"hello", &json!({ "kind": "avatar" })).failed(), "MEDIA_UNSUPPORTED");
}
