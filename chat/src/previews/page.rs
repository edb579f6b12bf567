//! What a page says of itself: Open Graph (ogp.me), its own title, or oEmbed (oembed.com).
//!
//! Only the tokens of HTML are looked at: no tree is built, so nothing that a page nests or leaves
//! open costs more than its bytes.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use serde::Deserialize;
use url::Url;

use super::{DESCRIPTION_CHARS_MAX, Preview, SITE_CHARS_MAX, TITLE_CHARS_MAX};

/// Most bytes of a URL that a page names; one that is longer is left out.
const URL_BYTES_MAX: usize = 2_048;

/// What was read of a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Read {
    /// Absent when it says nothing that could be shown.
    pub preview: Option<Preview>,
    /// Where it says more as oEmbed, if that is needed.
    pub oembed: Option<String>,
}

/// What the tokens have told so far; of each the first counts.
#[derive(Default)]
struct Told {
    in_title: bool,
    title: Option<String>,
    og_title: Option<String>,
    description: Option<String>,
    og_description: Option<String>,
    site_name: Option<String>,
    image: Option<String>,
    canonical: Option<String>,
    og_url: Option<String>,
    oembed: Option<String>,
}

struct Sink(RefCell<Told>);

fn attribute<'a>(tag: &'a Tag, name: &str) -> Option<&'a str> {
    tag.attrs.iter().find(|it| &*it.name.local == name).map(|it| &*it.value)
}

impl Told {
    fn meta(&mut self, tag: &Tag) {
        let name = attribute(tag, "property").or_else(|| attribute(tag, "name"));
        let (Some(name), Some(content)) = (name, attribute(tag, "content")) else { return };
        let place = match name.trim().to_ascii_lowercase().as_str() {
            "og:title" => &mut self.og_title,
            "og:description" => &mut self.og_description,
            "og:site_name" => &mut self.site_name,
            "og:image" | "og:image:url" | "og:image:secure_url" => &mut self.image,
            "og:url" => &mut self.og_url,
            "description" => &mut self.description,
            _ => return,
        };
        place.get_or_insert_with(|| content.to_owned());
    }

    fn link(&mut self, tag: &Tag) {
        let (Some(rel), Some(href)) = (attribute(tag, "rel"), attribute(tag, "href")) else {
            return;
        };
        let is = |it: &str| rel.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case(it));
        let of = attribute(tag, "type").map(|it| it.trim().to_ascii_lowercase());
        if is("canonical") {
            self.canonical.get_or_insert_with(|| href.to_owned());
        }
        if is("alternate") && of.as_deref() == Some("application/json+oembed") {
            self.oembed.get_or_insert_with(|| href.to_owned());
        }
    }

    fn start(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        match &*tag.name {
            "meta" => self.meta(tag),
            "link" => self.link(tag),
            // Text that only looks like tags is told from tags.
            "title" => {
                self.in_title = self.title.is_none();
                return TokenSinkResult::RawData(RawKind::Rcdata);
            }
            "textarea" => return TokenSinkResult::RawData(RawKind::Rcdata),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" => {
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            "script" => return TokenSinkResult::RawData(RawKind::ScriptData),
            "plaintext" => return TokenSinkResult::Plaintext,
            _ => (),
        }
        TokenSinkResult::Continue
    }

    fn text(&mut self, text: &StrTendril) {
        if self.in_title {
            let title = self.title.get_or_insert_default();
            // A title that never ends is cut all the same.
            if title.len() < 16 * TITLE_CHARS_MAX {
                title.push_str(text);
            }
        }
    }
}

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _: u64) -> TokenSinkResult<()> {
        let mut told = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) if tag.kind == TagKind::StartTag => return told.start(&tag),
            Token::TagToken(_) => told.in_title = false,
            Token::CharacterTokens(text) => told.text(&text),
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => (),
        }
        TokenSinkResult::Continue
    }
}

/// Whether a character only moves others about, or is no character of a text.
fn is_stray(it: char) -> bool {
    it.is_control()
        || matches!(it, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' |
        '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// A text in one line, without what is not text, cut to a length; absent when nothing is left.
fn line(text: Option<String>, chars_max: usize) -> Option<String> {
    let spaced = text?.replace(char::is_whitespace, " ");
    let plain: String = spaced.chars().filter(|it| !is_stray(*it)).collect();
    let words: Vec<&str> = plain.split(' ').filter(|it| !it.is_empty()).collect();
    let whole = words.join(" ");
    let cut = match whole.char_indices().nth(chars_max) {
        None => whole,
        Some(_) => whole.chars().take(chars_max - 1).chain(['…']).collect(),
    };
    (!cut.is_empty()).then_some(cut)
}

/// A URL of the web that a page at a place names.
fn place(at: &Url, named: Option<String>) -> Option<String> {
    let named = at.join(named.filter(|it| it.len() <= URL_BYTES_MAX)?.trim()).ok()?;
    let of_web = matches!(named.scheme(), "http" | "https") && named.has_host();
    let plain = named.username().is_empty() && named.password().is_none();
    let named = String::from(named);
    (of_web && plain && named.len() <= URL_BYTES_MAX).then_some(named)
}

/// Reads a page that a link led to, in HTML.
pub fn read_page(link: &str, page_url: &str, html: &str) -> Read {
    let nothing = Read { preview: None, oembed: None };
    let Ok(at) = Url::parse(page_url) else { return nothing };
    let tokenizer = Tokenizer::new(Sink(RefCell::default()), TokenizerOpts::default());
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    // A script is where the tokenizer stops to let it run; it has been passed by then.
    while !input.is_empty() {
        let _ = tokenizer.feed(&input);
    }
    tokenizer.end();
    let told = tokenizer.sink.0.into_inner();
    let og_title = line(told.og_title, TITLE_CHARS_MAX);
    let oembed = place(&at, told.oembed).filter(|_| og_title.is_none());
    let title = og_title.or_else(|| line(told.title, TITLE_CHARS_MAX));
    // A page speaks for its own site only.
    let own = |it: &String| Url::parse(it).is_ok_and(|it| it.host_str() == at.host_str());
    let canonical = place(&at, told.canonical).filter(own);
    let canonical = canonical.or_else(|| place(&at, told.og_url).filter(own));
    let preview = title.map(|title| Preview {
        url: link.to_owned(),
        canonical_url: canonical.unwrap_or_else(|| page_url.to_owned()),
        title,
        description: line(told.og_description.or(told.description), DESCRIPTION_CHARS_MAX),
        site_name: line(told.site_name, SITE_CHARS_MAX),
        image_url: place(&at, told.image),
    });
    Read { preview, oembed }
}

/// What oEmbed says; each field may have any form, and counts if it is a text.
#[derive(Deserialize)]
struct Embedded {
    title: Option<serde_json::Value>,
    provider_name: Option<serde_json::Value>,
    thumbnail_url: Option<serde_json::Value>,
}

/// Reads what a page says as oEmbed, over what it says itself.
pub fn read_oembed(
    link: &str,
    page_url: &str,
    json: &str,
    preview: Option<Preview>,
) -> Option<Preview> {
    let Ok(embedded) = serde_json::from_str::<Embedded>(json) else { return preview };
    let text = |it: Option<serde_json::Value>| it.and_then(|it| it.as_str().map(str::to_owned));
    let title = line(text(embedded.title), TITLE_CHARS_MAX);
    let site_name = line(text(embedded.provider_name), SITE_CHARS_MAX);
    let at = Url::parse(page_url).ok();
    let image_url = at.and_then(|it| place(&it, text(embedded.thumbnail_url)));
    let Some(known) = preview else {
        return title.map(|title| Preview {
            url: link.to_owned(),
            canonical_url: page_url.to_owned(),
            title,
            description: None,
            site_name,
            image_url,
        });
    };
    Some(Preview {
        title: title.unwrap_or(known.title),
        site_name: known.site_name.or(site_name),
        image_url: known.image_url.or(image_url),
        ..known
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "https://news.example/a/b?c=d";

    fn read(html: &str) -> Option<Preview> {
        read_page("https://t.example/x", AT, html).preview
    }

    #[test]
    fn open_graph_says_what_a_page_is() {
        let html = r#"<!doctype html><html><head><title>Own</title>
            <meta property="og:title" content="Bread &amp; butter">
            <meta property="og:title" content="Second">
            <META NAME='OG:Description' CONTENT=' Two
              lines '>
            <meta property="og:site_name" content="News">
            <meta property="og:image" content="/i.png">
            <meta property="og:url" content="https://news.example/a">
            <link rel="canonical" href="/canonical">
            </head><body>"#;
        let expected = Preview {
            url: "https://t.example/x".to_owned(),
            canonical_url: "https://news.example/canonical".to_owned(),
            title: "Bread & butter".to_owned(),
            description: Some("Two lines".to_owned()),
            site_name: Some("News".to_owned()),
            image_url: Some("https://news.example/i.png".to_owned()),
        };
        assert_eq!(read(html), Some(expected));
    }

    #[test]
    fn without_it_the_pages_own_title_and_description_count() {
        let html = "<title>A <b>title</title><meta name=description content=d><svg><title>no";
        let read = read(html).unwrap();
        assert_eq!((read.title.as_str(), read.description.as_deref()), ("A <b>title", Some("d")));
        assert_eq!((read.canonical_url.as_str(), read.site_name, read.image_url), (AT, None, None));
    }

    #[test]
    fn what_only_looks_like_tags_says_nothing() {
        for html in [
            "",
            "plain text",
            "<script>'<title>x</title>'</script>",
            "<style><title>x</title></style>",
            "<!-- <title>x</title> -->",
            "<textarea><title>x</title></textarea>",
            "<title>  </title>",
            "<title>\u{202e}\u{0}\u{200f}</title>",
            "<meta property=og:title>",
        ] {
            assert_eq!(read(html), None, "{html}");
        }
    }

    #[test]
    fn words_are_cut_and_hold_nothing_that_moves_others() {
        let of = |count: usize| format!("<title>{}</title>", "ü".repeat(count));
        assert_eq!(read(&of(200)).unwrap().title, "ü".repeat(200));
        assert_eq!(read(&of(201)).unwrap().title, format!("{}…", "ü".repeat(199)));
        assert_eq!(read(&of(1_000_000)).unwrap().title.chars().count(), 200);
        let of = |count: usize| {
            format!("<title>x</title><meta name=description content={}>", "y".repeat(count))
        };
        assert_eq!(read(&of(500)).unwrap().description.unwrap().len(), 500);
        let cut = read(&of(501)).unwrap().description.unwrap();
        assert_eq!((cut.chars().count(), cut.ends_with('…')), (500, true));
        let site = |count: usize| {
            let site = "z".repeat(count);
            format!("<title>x</title><meta property=og:site_name content={site}>")
        };
        assert_eq!(read(&site(101)).unwrap().site_name.unwrap().chars().count(), 100);
        let html = "<title>a\u{202e}b\u{7}\u{2066} c\u{a0}\r\n d</title>";
        assert_eq!(read(html).unwrap().title, "ab c d");
    }

    #[test]
    fn urls_of_a_page_are_of_the_web_and_its_own() {
        let with = |name: &str, url: &str| {
            let html = format!("<title>x</title><meta property=og:{name} content='{url}'>");
            read(&html).unwrap()
        };
        for url in [
            "javascript:alert(1)",
            "data:image/png,x",
            "file:///etc/passwd",
            "https://ann@img.example/",
            &format!("https://img.example/{}", "x".repeat(2_048)),
        ] {
            assert_eq!(with("image", url).image_url, None, "{url}");
            assert_eq!(with("url", url).canonical_url, AT, "{url}");
        }
        assert_eq!(with("image", "//img.example/i").image_url.unwrap(), "https://img.example/i");
        // Nobody passes for another site.
        assert_eq!(with("url", "https://bank.example/").canonical_url, AT);
    }

    #[test]
    fn oembed_is_asked_where_open_graph_has_no_title() {
        let link = "<link rel=alternate type=application/json+oembed href=/oembed?x=1>";
        let read = |html: &str| read_page("l", AT, html);
        let named = Some("https://news.example/oembed?x=1".to_owned());
        assert_eq!(read(link).oembed, named);
        assert_eq!(read(&format!("<meta property=og:title content=x>{link}")).oembed, None);
        let json = r#"{ "title": "T", "provider_name": "P", "thumbnail_url": "/t", "html": 7 }"#;
        let embedded = read_oembed("l", AT, json, None).unwrap();
        assert_eq!((embedded.title.as_str(), embedded.site_name.as_deref()), ("T", Some("P")));
        assert_eq!(embedded.image_url.as_deref(), Some("https://news.example/t"));
        let own = read("<title>Own</title>").preview;
        assert_eq!(read_oembed("l", AT, json, own.clone()).unwrap().title, "T");
        for json in ["", "[]", "{}", "null", r#"{ "title": 7 }"#, r#"{ "title": "" }"#] {
            assert_eq!(read_oembed("l", AT, json, own.clone()), own, "{json}");
            assert_eq!(read_oembed("l", AT, json, None), None, "{json}");
        }
    }

    #[test]
    fn a_hostile_page_costs_no_more_than_its_bytes() {
        for html in [
            "<div>".repeat(200_000),
            "<a ".repeat(300_000),
            "<meta ".repeat(170_000),
            format!("<div {}>", "a=b ".repeat(1_000)),
            "&amp;".repeat(200_000),
            "<!--".repeat(250_000),
            "<script>".repeat(120_000),
            "<script></script>".repeat(60_000),
            "\0".repeat(1 << 20),
        ] {
            let started = ports::clock::Stopwatch::start();
            assert_eq!(read(&html), None);
            assert!(started.seconds() < 10.0, "{}", &html[..20]);
        }
    }
}
