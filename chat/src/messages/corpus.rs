//! What markdown means, as a corpus of examples and one law for all texts.

use proptest::prelude::*;

use super::*;
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
    ];
    for (markdown, text, entities) in cases {
        let expected = entities.iter().map(|(kind, it)| (*kind, (*it).to_owned()));
        assert_eq!(read(markdown), ((*text).to_owned(), expected.collect()), "{markdown:?}");
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
