//! What a page says of itself: Open Graph (ogp.me), its own title, or oEmbed (oembed.com).
//!
//! Only the tokens of HTML are looked at: no tree is built, so nothing that a page nests or leaves
//! open costs more than its bytes. What would is a tag of very many attributes, each of which is
//! compared with all before it: reading ends where that has cost enough.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use serde::Deserialize;
use url::Url;

use super::{DESCRIPTION_CHARS_MAX, Preview, SITE_CHARS_MAX, TITLE_CHARS_MAX};

#[cfg(test)]
mod tests;

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

#[derive(Default)]
struct Sink {
    told: RefCell<Told>,
    /// Tokens so far.
    tokens: Cell<u64>,
    /// Comparisons of attributes so far.
    compared: Cell<u64>,
}

/// Bytes that are read at once, and those after which something must have come of them.
const CHUNK_BYTES: usize = 4 << 10;
const TOKEN_BYTES_MAX: usize = 64 << 10;

/// Comparisons of attributes that a page may cost.
const COMPARED_MAX: u64 = 1 << 27;

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
        // A complaint in the middle of a tag is not its end.
        if matches!(token, Token::ParseError(_)) {
            return TokenSinkResult::Continue;
        }
        self.tokens.set(self.tokens.get() + 1);
        if let Token::TagToken(tag) = &token {
            let attributes = tag.attrs.len() as u64;
            self.compared.set(self.compared.get() + attributes * attributes);
        }
        let mut told = self.told.borrow_mut();
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

fn tell(html: &str) -> Told {
    let tokenizer = Tokenizer::new(Sink::default(), TokenizerOpts::default());
    let input = BufferQueue::default();
    let (mut rest, mut silent, mut tokens) = (html, 0, 0);
    while !rest.is_empty() {
        let (chunk, behind) = rest.split_at(rest.floor_char_boundary(CHUNK_BYTES));
        rest = behind;
        input.push_back(StrTendril::from_slice(chunk));
        // A script is where the tokenizer stops to let it run; it has been passed by then.
        while !input.is_empty() {
            let _ = tokenizer.feed(&input);
        }
        let now = tokenizer.sink.tokens.get();
        silent = if now == tokens { silent + chunk.len() } else { 0 };
        tokens = now;
        if silent >= TOKEN_BYTES_MAX || tokenizer.sink.compared.get() > COMPARED_MAX {
            return tokenizer.sink.told.into_inner();
        }
    }
    tokenizer.end();
    tokenizer.sink.told.into_inner()
}

/// Reads a page that a link led to, in HTML.
pub fn read_page(link: &str, page_url: &str, html: &str) -> Read {
    let nothing = Read { preview: None, oembed: None };
    let Ok(at) = Url::parse(page_url) else { return nothing };
    let told = tell(html);
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
