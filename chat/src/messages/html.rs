//! A message as HTML, for whoever shows it where nobody looks at entities: exports, mail, bots.
//!
//! Made of text and entities, never of what the author wrote, and sanitised all the same:
//! `strong em u s code pre a blockquote span br`, with `class` on `code` (`language-…`) and on
//! `span` (`spoiler`, `mention`, `hashtag`, `emoji`), and links to http, https, mailto and tel.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use ammonia::Builder;
use pulldown_cmark_escape::{escape_html, escape_html_body_text};

use super::{Body, Entity, EntityKind};

static SANITISER: LazyLock<Builder<'static>> = LazyLock::new(|| {
    let tags = ["strong", "em", "u", "s", "code", "pre", "a", "blockquote", "span", "br"];
    let attributes = [("a", HashSet::from(["href"])), ("code", HashSet::from(["class"]))];
    let classes = HashSet::from(["spoiler", "mention", "hashtag", "emoji"]);
    let mut builder = Builder::default();
    builder
        .tags(HashSet::from(tags))
        .tag_attributes(HashMap::from(attributes))
        .generic_attributes(HashSet::new())
        .allowed_classes(HashMap::from([("span", classes)]))
        .url_schemes(HashSet::from(["http", "https", "mailto", "tel"]))
        .link_rel(Some("noopener noreferrer nofollow"));
    builder
});

/// A stretch of text, in bytes, and what is around it.
struct Span {
    start: usize,
    end: usize,
    link: bool,
    opening: String,
    closing: &'static str,
}

impl Body {
    /// What it says as HTML that is safe to show; its text is the message's, lines end in `<br>`.
    pub fn html(&self) -> String {
        SANITISER.clean(&self.raw_html()).to_string()
    }

    fn raw_html(&self) -> String {
        let spans = self.spans();
        let mut points: Vec<usize> = spans.iter().flat_map(|it| [it.start, it.end]).collect();
        points.extend([0, self.text.len()]);
        points.sort_unstable();
        points.dedup();
        let mut html = String::with_capacity(2 * self.text.len());
        let mut open: Vec<&Span> = Vec::new();
        for stretch in points.windows(2) {
            let [from, to] = [stretch[0], stretch[1]];
            // What ends here may stand around what does not: that is opened once more.
            let kept = open.iter().take_while(|it| it.end > from).count();
            let around = open.split_off(kept);
            around.iter().rev().for_each(|it| html.push_str(it.closing));
            let mut next: Vec<&Span> = around.into_iter().filter(|it| it.end > from).collect();
            next.extend(spans.iter().filter(|it| it.start == from));
            for span in next {
                if span.link && open.iter().any(|it| it.link) {
                    continue;
                }
                html.push_str(&span.opening);
                open.push(span);
            }
            html.push_str(&escaped(&self.text[from..to]));
        }
        open.iter().rev().for_each(|it| html.push_str(it.closing));
        html
    }

    /// The entities as spans, those that stand around others first.
    fn spans(&self) -> Vec<Span> {
        let mut bytes_at: Vec<usize> = Vec::with_capacity(self.text.len() + 1);
        for (at, character) in self.text.char_indices() {
            bytes_at.extend(std::iter::repeat_n(at, character.len_utf16()));
        }
        bytes_at.push(self.text.len());
        let span = |entity: &Entity| {
            let (start, end) = (entity.offset as usize, (entity.offset + entity.length) as usize);
            let (start, end) = (*bytes_at.get(start)?, *bytes_at.get(end)?);
            let (opening, closing) = tags(entity);
            let link = entity.kind == EntityKind::Link;
            (start < end).then_some(Span { start, end, link, opening, closing })
        };
        let mut spans: Vec<Span> = self.entities.iter().filter_map(span).collect();
        spans.sort_by_key(|it| (it.start, Reverse(it.end)));
        spans
    }
}

/// What stands before and behind an entity.
fn tags(entity: &Entity) -> (String, &'static str) {
    let (opening, closing) = match entity.kind {
        EntityKind::Bold => ("<strong>", "</strong>"),
        EntityKind::Italic => ("<em>", "</em>"),
        EntityKind::Underline => ("<u>", "</u>"),
        EntityKind::Strike => ("<s>", "</s>"),
        EntityKind::Spoiler => ("<span class=\"spoiler\">", "</span>"),
        EntityKind::Code => ("<code>", "</code>"),
        EntityKind::Pre => {
            let language = entity.language.as_deref().map(attribute);
            let class = language.map(|it| format!(" class=\"language-{it}\""));
            return (format!("<pre><code{}>", class.unwrap_or_default()), "</code></pre>");
        }
        EntityKind::Link => {
            let url = attribute(entity.url.as_deref().unwrap_or_default());
            return (format!("<a href=\"{url}\">"), "</a>");
        }
        EntityKind::CustomEmoji => ("<span class=\"emoji\">", "</span>"),
        EntityKind::Mention | EntityKind::Everyone => ("<span class=\"mention\">", "</span>"),
        EntityKind::Quote => ("<blockquote>", "</blockquote>"),
        EntityKind::Hashtag => ("<span class=\"hashtag\">", "</span>"),
    };
    (opening.to_owned(), closing)
}

fn attribute(value: &str) -> String {
    let mut html = String::new();
    escape_html(&mut html, value).expect("a string takes all that is written to it");
    html
}

fn escaped(text: &str) -> String {
    let mut html = String::new();
    escape_html_body_text(&mut html, text).expect("a string takes all that is written to it");
    html.replace('\n', "<br>")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::parse;
    use super::*;
    use crate::kernel::testing::account;

    fn html(markdown: &str) -> String {
        parse(markdown, |it| (it == "ann").then(|| account(1))).html()
    }

    #[test]
    fn what_a_message_says_is_said_in_html() {
        const REL: &str = "rel=\"noopener noreferrer nofollow\"";
        let link =
            |text: &str| format!("<a href=\"https://x.example/?a=1&amp;b=2\" {REL}>{text}</a>");
        let cases = [
            ("plain", "plain".to_owned()),
            ("**a *b* c**", "<strong>a <em>b</em> c</strong>".to_owned()),
            (
                "~~a~~ <u>b</u> ||c||",
                "<s>a</s> <u>b</u> <span class=\"spoiler\">c</span>".to_owned(),
            ),
            ("`a < b`", "<code>a &lt; b</code>".to_owned()),
            (
                "```rust\na\n\nb\n```",
                "<pre><code class=\"language-rust\">a<br><br>b</code></pre>".to_owned(),
            ),
            ("> a\n> b\n\nc", "<blockquote>a<br>b</blockquote><br><br>c".to_owned()),
            ("[a](https://x.example/?a=1&b=2)", link("a")),
            (
                "@ann #tag",
                "<span class=\"mention\">@ann</span> <span class=\"hashtag\">#tag</span>"
                    .to_owned(),
            ),
            ("👍 **👍** b", "👍 <strong>👍</strong> b".to_owned()),
        ];
        for (markdown, expected) in cases {
            assert_eq!(html(markdown), expected, "{markdown}");
        }
    }

    #[test]
    fn nothing_that_an_author_writes_becomes_markup_of_its_own() {
        let hostile = [
            "<script>alert(1)</script>",
            "<img src=x onerror=alert(1)>",
            "[a](javascript:alert(1))",
            "```\"><script>\na\n```",
            "[a](https://x.example/\"onclick=\"alert(1))",
            "<u onclick=alert(1)>a</u>",
            "&lt;script&gt;",
        ];
        for markdown in hostile {
            let html = html(markdown);
            let tags = html.split('<').skip(1).map(|it| it.split(['>', ' ']).next().unwrap());
            for tag in tags {
                let plain = ["a", "/a", "u", "/u", "pre", "/pre", "code", "/code", "br", "strong"];
                assert!(plain.contains(&tag), "{markdown}: {html}");
            }
            assert!(
                !html.contains("\"onclick") && !html.contains("javascript:alert(1)\""),
                "{html}"
            );
        }
    }

    /// What a browser shows of it.
    fn shown(html: &str) -> String {
        let mut plain = String::new();
        for part in html.replace("<br>", "\n").split('<').enumerate() {
            match part {
                (0, text) => plain.push_str(text),
                (_, tag) => plain.push_str(tag.split_once('>').unwrap().1),
            }
        }
        let named = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", "\u{a0}")];
        let plain = named.iter().fold(plain, |text, (name, it)| text.replace(name, it));
        plain.replace("&amp;", "&")
    }

    /// Texts full of what has a meaning.
    const LIKELY: &str = "[a-c*_~|<>u/`&;#@!\\[\\]() \n👍é-]{0,80}";

    proptest! {
        #[test]
        fn the_text_of_the_html_is_the_text(markdown in LIKELY) {
            let body = parse(&markdown, |_| None);
            let html = body.html();
            prop_assert_eq!(shown(&html), body.text);
            prop_assert_eq!(SANITISER.clean(&html).to_string(), html);
        }
    }
}
