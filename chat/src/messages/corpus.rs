//! What markdown means, as a corpus of examples and one law for all texts.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::bare::Mentioned;
use super::format::parse_mentioning;
use super::*;
use crate::accounts::EVERYONE;
use crate::kernel::testing::account;

const ANN: u8 = 1;

/// The text and what stands in each entity, counted as a client counts.
fn read(markdown: &str) -> (String, Vec<(EntityKind, String)>) {
    let body = parse(markdown, |it| (it == "ann").then(|| account(ANN)));
    let units: Vec<u16> = body.text.encode_utf16().collect();
    let entities = body.entities.iter().map(|it| {
        let (start, length) = (it.offset as usize, it.length as usize);
        (it.kind, String::from_utf16(&units[start..start + length]).unwrap())
    });
    (body.text.clone(), entities.collect())
}

#[test]
fn markdown_becomes_text_and_entities() {
    use EntityKind::*;
    type Case = (&'static str, &'static str, &'static [(EntityKind, &'static str)]);
    let cases: &[Case] = &[
        ("plain", "plain", &[]),
        ("a **b** c", "a b c", &[(Bold, "b")]),
        ("*a* _b_", "a b", &[(Italic, "a"), (Italic, "b")]),
        ("**a *b* c**", "a b c", &[(Bold, "a b c"), (Italic, "b")]),
        ("***a***", "a", &[(Bold, "a"), (Italic, "a")]),
        ("~~a~~", "a", &[(Strike, "a")]),
        ("`a *b*`", "a *b*", &[(Code, "a *b*")]),
        ("```rust\nfn a() {}\n```", "fn a() {}", &[(Pre, "fn a() {}")]),
        ("a\n\n```\n@ann\n```\nb", "a\n\n@ann\n\nb", &[(Pre, "@ann")]),
        ("[a](https://x.example)", "a", &[(Link, "a")]),
        ("[a](javascript:alert(1))", "a", &[]),
        ("[a](JaVaScRiPt:alert(1))", "a", &[]),
        ("[a](data:text/html,x) [b](/c)", "a b", &[]),
        ("[a](mailto:a@b.example)", "a", &[(Link, "a")]),
        ("<javascript:alert(1)>", "javascript:alert(1)", &[]),
        (
            "see https://x.example/a_b.",
            "see https://x.example/a_b.",
            &[(Link, "https://x.example/a_b")],
        ),
        ("xhttps://x.example", "xhttps://x.example", &[]),
        ("hi @Ann, @bob", "hi @Ann, @bob", &[(Mention, "@Ann")]),
        ("a@ann.example @@ann", "a@ann.example @@ann", &[]),
        ("`@ann` **@ann**", "@ann @ann", &[(Code, "@ann"), (Bold, "@ann"), (Mention, "@ann")]),
        ("a ||b **c**|| d", "a b c d", &[(Spoiler, "b c"), (Bold, "c")]),
        ("a ||b **c**", "a ||b c", &[(Bold, "c")]),
        ("||a|| ||b||", "a b", &[(Spoiler, "a"), (Spoiler, "b")]),
        ("<u>a</u> <b>b</b>", "a <b>b</b>", &[(Underline, "a")]),
        ("> a\n> b\n\nc", "a\nb\n\nc", &[(Quote, "a\nb")]),
        ("- a\n- b\n  - c", "• a\n• b\n  • c", &[]),
        ("3. a\n4. b", "3. a\n4. b", &[]),
        ("# a\nb", "a\n\nb", &[(Bold, "a")]),
        ("**שלום** עולם", "שלום עולם", &[(Bold, "שלום")]),
        ("👩‍👩‍👧‍👦 **👍🏽** x", "👩‍👩‍👧‍👦 👍🏽 x", &[(Bold, "👍🏽")]),
        ("a\n\n> ```\n> ```\n> - é", "a\n\n• é", &[(Quote, "• é")]),
        ("- a\n  ||\n  ```\n  ```", "• a\n||", &[]),
        ("a <u>b **c**", "a <u>b c", &[(Bold, "c")]),
        ("a</u> <u>b <u>c</u>", "a</u> <u>b c", &[(Underline, "c")]),
        ("||a <u>b", "||a <u>b", &[]),
        ("<https://x.example>", "https://x.example", &[(Link, "https://x.example")]),
        ("<a@b.example>", "a@b.example", &[(Link, "a@b.example")]),
        (
            "https://x.example/@ann#lunch",
            "https://x.example/@ann#lunch",
            &[(Link, "https://x.example/@ann#lunch")],
        ),
        ("#lunch, #Обед_2!", "#lunch, #Обед_2!", &[(Hashtag, "#lunch"), (Hashtag, "#Обед_2")]),
        ("#42 a#b ##c `#d`", "#42 a#b ##c #d", &[(Code, "#d")]),
        ("**#a** # b", "#a # b", &[(Bold, "#a"), (Hashtag, "#a")]),
    ];
    for (markdown, text, entities) in cases {
        let expected = entities.iter().map(|(kind, it)| (*kind, (*it).to_owned()));
        assert_eq!(read(markdown), ((*text).to_owned(), expected.collect()), "{markdown:?}");
    }
}

/// How each kind is written inside a line.
const WRITTEN: [(&str, &str, EntityKind); 9] = [
    ("**", "**", EntityKind::Bold),
    ("__", "__", EntityKind::Bold),
    ("*", "*", EntityKind::Italic),
    ("_", "_", EntityKind::Italic),
    ("~~", "~~", EntityKind::Strike),
    ("||", "||", EntityKind::Spoiler),
    ("<u>", "</u>", EntityKind::Underline),
    ("`", "`", EntityKind::Code),
    ("[", "](https://x.example)", EntityKind::Link),
];

/// What people write: scripts of both directions, marks, and characters of several code units.
const SAID: [&str; 14] = [
    "lunch",
    "שלום עולם",
    "مرحبا بالعالم",
    "ر\u{200f}ab\u{200e}ל",
    "e\u{301}te\u{301}",
    "Z\u{351}\u{36b}\u{343}algo",
    "नमस्ते",
    "สวัสดี",
    "日本語の文",
    "👩\u{200d}👩\u{200d}👧\u{200d}👦",
    "🏳\u{fe0f}\u{200d}🌈",
    "🇨🇭🇺🇦",
    "1\u{fe0f}\u{20e3}",
    "𝒳𐍈",
];

fn units(text: &str) -> u32 {
    u32::try_from(text.encode_utf16().count()).unwrap()
}

/// What the text and entities of a body are, with the places that they must have.
fn placed(markdown: &str) -> (String, Vec<(EntityKind, u32, u32)>) {
    let body = parse(markdown, |_| None);
    let entities = body.entities.iter().map(|it| (it.kind, it.offset, it.length)).collect();
    (body.text, entities)
}

#[test]
fn every_kind_holds_what_is_said_in_every_script() {
    for (open, close, kind) in WRITTEN {
        for said in SAID {
            let markdown = format!("é👍 {open}{said}{close} z");
            let expected = (format!("é👍 {said} z"), vec![(kind, 4, units(said))]);
            assert_eq!(placed(&markdown), expected, "{markdown}");
        }
    }
}

#[test]
fn every_kind_stands_in_every_other() {
    for (open, close, outer) in WRITTEN {
        for (opens, closes, inner) in WRITTEN {
            // In code nothing stands, and one kind within itself is that kind.
            if outer == EntityKind::Code || outer == inner {
                continue;
            }
            let markdown = format!("{open}א {opens}𝒳e\u{301}{closes} b{close}");
            let (whole, part) = ((outer, 0, 8), (inner, 2, 4));
            let expected = ("א 𝒳e\u{301} b".to_owned(), vec![whole, part]);
            assert_eq!(placed(&markdown), expected, "{markdown}");
        }
    }
}

#[test]
fn what_is_never_closed_or_never_opened_is_text() {
    for (open, close, _) in WRITTEN {
        for said in SAID {
            for markdown in [format!("a {open}{said} z"), format!("a {said}{close} z")] {
                let link = close.starts_with(']') && markdown.contains(close);
                let (text, entities) = placed(&markdown);
                assert_eq!(text, markdown);
                assert_eq!(entities.len(), usize::from(link), "{markdown}: {entities:?}");
            }
        }
    }
}

#[test]
fn blocks_hold_what_is_said_in_every_script() {
    for said in SAID {
        let whole = |kind| vec![(kind, 0, units(said))];
        let cases = [
            (format!("# {said}"), said.to_owned(), whole(EntityKind::Bold)),
            (format!("> {said}"), said.to_owned(), whole(EntityKind::Quote)),
            (format!("- {said}"), format!("• {said}"), vec![]),
            (format!("7. {said}"), format!("7. {said}"), vec![]),
            (format!("```rs\n{said}\n```"), said.to_owned(), whole(EntityKind::Pre)),
        ];
        for (markdown, text, entities) in cases {
            assert_eq!(placed(&markdown), (text, entities), "{markdown}");
        }
    }
}

#[test]
fn offsets_count_utf_16_units() {
    let body = parse("👩‍👩‍👧 **b** `c`", |_| None);
    let places: Vec<_> = body.entities.iter().map(|it| (it.offset, it.length)).collect();
    assert_eq!(places, [(9, 1), (11, 1)]);
}

#[test]
fn links_languages_and_mentions_carry_what_they_point_to() {
    let body =
        parse("[a](https://x.example) @ann\n\n```rust ignore\nb\n```", |_| Some(account(ANN)));
    let [link, mention, pre] = body.entities.as_slice() else { panic!("{body:?}") };
    assert_eq!(link.url.as_deref(), Some("https://x.example"));
    assert_eq!(mention.account_id, Some(account(ANN)));
    assert_eq!(pre.language.as_deref(), Some("rust"));
    assert_eq!(body.markdown, "[a](https://x.example) @ann\n\n```rust ignore\nb\n```");
}

#[test]
fn everyone_is_mentioned_where_that_is_meant() {
    use EntityKind::{Bold, Code, Everyone, Link, Mention};
    let known = |name: &str| match name {
        EVERYONE => Some(Mentioned::Everyone),
        "ann" => Some(Mentioned::Account(account(ANN))),
        _ => None,
    };
    type Case = (&'static str, &'static [(EntityKind, u32, u32)]);
    let cases: [Case; 9] = [
        ("@everyone", &[(Everyone, 0, 9)]),
        ("hi @Everyone, @ann!", &[(Everyone, 3, 9), (Mention, 14, 4)]),
        ("👍 **@EVERYONE**", &[(Bold, 3, 9), (Everyone, 3, 9)]),
        ("ש@everyone", &[]),
        ("`@everyone` @everyones @every", &[(Code, 0, 9)]),
        ("x@everyone.example @@everyone", &[]),
        ("[@everyone](https://x.example)", &[(Link, 0, 9)]),
        ("@everyone @everyone", &[(Everyone, 0, 9), (Everyone, 10, 9)]),
        ("שלום @everyone", &[(Everyone, 5, 9)]),
    ];
    for (markdown, expected) in cases {
        let body = parse_mentioning(markdown, known, &BTreeMap::new());
        let found = body.entities.iter().map(|it| (it.kind, it.offset, it.length));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{markdown}");
        assert!(body.entities.iter().all(|it| (it.kind == Mention) == it.account_id.is_some()));
        let nobody = parse(markdown, |_| None);
        assert!(nobody.entities.iter().all(|it| ![Everyone, Mention].contains(&it.kind)));
        assert_eq!(nobody.text, body.text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(5_000)
    })]

    #[test]
    fn every_entity_lies_inside_the_text(
        parts in prop::collection::vec(prop::sample::select(PARTS), 0..24),
        noise in "\\PC{0,12}",
    ) {
        let markdown = parts.concat() + &noise + &parts.concat();
        let body = parse(&markdown, |_| Some(account(ANN)));
        let units: Vec<u16> = body.text.encode_utf16().collect();
        prop_assert!(body.entities.len() <= ENTITIES_MAX);
        for it in &body.entities {
            let (start, end) = (it.offset as usize, it.offset as usize + it.length as usize);
            prop_assert!(start < end && end <= units.len(), "{:?}", it);
            prop_assert!(String::from_utf16(&units[start..end]).is_ok(), "{:?}", it);
        }
    }
}

/// What markdown is made of.
const PARTS: &[&str] = &[
    "a",
    "é",
    "👍🏽",
    "ש",
    "\n",
    "\n\n",
    " ",
    "  ",
    "*",
    "**",
    "_",
    "~~",
    "`",
    "```",
    "```rs\n",
    "\n```\n",
    "||",
    "<u>",
    "</u>",
    "<b>",
    "> ",
    "\n> ",
    "- ",
    "\n- ",
    "\n  - ",
    "1. ",
    "# ",
    "[",
    "](",
    ")",
    "https://x.example",
    "javascript:",
    "@ann",
    "@",
    "---",
    "|",
    "\\",
    "&amp;",
    "![",
    "\t",
];
