//! Markdown to text and entities; offsets count UTF-16 code units, as clients do.
//!
//! CommonMark with strikethrough, `||spoilers||` and `<u>underline</u>`; bare links, @names and
//! #hashtags are found in the text. Other HTML stays text. Links go to http, https, mailto and tel
//! only.

use std::collections::BTreeMap;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, Event, LinkType, Options, Parser, Tag, TagEnd};

use super::bare::{Mentioned, at_names, hashtags, is_safe, urls};
use super::{Body, ENTITIES_MAX, Entity, EntityKind};
use crate::accounts::AccountId;
use crate::stickers::{StickerRef, shortcodes};

/// Parses a message; `find` knows which names are whose.
pub fn parse(markdown: &str, find: impl Fn(&str) -> Option<AccountId>) -> Body {
    parse_mentioning(markdown, |it| find(it).map(Mentioned::Account), &BTreeMap::new())
}

/// Parses a message in which a name may stand for more than one, and custom emoji have names.
pub(super) fn parse_mentioning(
    markdown: &str,
    find: impl Fn(&str) -> Option<Mentioned>,
    emoji: &BTreeMap<String, StickerRef>,
) -> Body {
    let mut writer = Writer::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_STRIKETHROUGH) {
        writer.event(event);
    }
    writer.finish(markdown, find, emoji)
}

#[derive(Default)]
struct Writer {
    text: String,
    spans: Vec<Span>,
    open: Vec<Span>,
    /// Next number of each list that is open; none for bullets.
    lists: Vec<Option<u64>>,
    in_code: bool,
    gap: bool,
}

/// An entity in bytes.
#[derive(Clone)]
struct Span {
    kind: EntityKind,
    start: usize,
    end: usize,
    url: Option<String>,
    language: Option<String>,
    account: Option<AccountId>,
    emoji: Option<String>,
}

fn span(kind: EntityKind, start: usize) -> Span {
    Span { kind, start, end: start, url: None, language: None, account: None, emoji: None }
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) if self.in_code => self.push(&text),
            Event::Text(text) => self.text_with_spoilers(&text),
            Event::Code(code) => {
                self.begin_block();
                let start = self.text.len();
                self.text.push_str(&code);
                self.spans.push(Span { end: self.text.len(), ..span(EntityKind::Code, start) });
            }
            Event::SoftBreak | Event::HardBreak => self.push("\n"),
            Event::InlineHtml(tag) if tag.eq_ignore_ascii_case("<u>") => {
                self.begin_block();
                self.open(EntityKind::Underline);
            }
            Event::InlineHtml(tag)
                if tag.eq_ignore_ascii_case("</u>") && self.is_open(EntityKind::Underline) =>
            {
                self.close(EntityKind::Underline);
            }
            Event::Html(html) | Event::InlineHtml(html) => self.push(&html),
            Event::Rule => {
                self.push("---");
                self.gap = true;
            }
            Event::FootnoteReference(it) | Event::InlineMath(it) | Event::DisplayMath(it) => {
                self.push(&it);
            }
            Event::TaskListMarker(done) => self.push(if done { "[x] " } else { "[ ] " }),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Strong => self.open_inline(EntityKind::Bold),
            Tag::Emphasis => self.open_inline(EntityKind::Italic),
            Tag::Strikethrough => self.open_inline(EntityKind::Strike),
            Tag::Heading { .. } => self.open_inline(EntityKind::Bold),
            Tag::BlockQuote(_) => self.open_inline(EntityKind::Quote),
            Tag::Link { link_type, dest_url, .. } | Tag::Image { link_type, dest_url, .. } => {
                self.open_inline(EntityKind::Link);
                let scheme = if link_type == LinkType::Email { "mailto:" } else { "" };
                if let Some(link) = self.open.last_mut() {
                    link.url = Some(format!("{scheme}{dest_url}"));
                }
            }
            Tag::CodeBlock(kind) => {
                self.open_inline(EntityKind::Pre);
                self.in_code = true;
                if let (CodeBlockKind::Fenced(info), Some(pre)) = (kind, self.open.last_mut()) {
                    pre.language = info.split_whitespace().next().map(str::to_owned);
                }
            }
            Tag::List(first) => self.lists.push(first),
            Tag::Item => self.item(),
            Tag::Paragraph
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Table(_)
            | Tag::TableHead
            | Tag::TableRow
            | Tag::TableCell
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => (),
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Strong => self.close(EntityKind::Bold),
            TagEnd::Emphasis => self.close(EntityKind::Italic),
            TagEnd::Strikethrough => self.close(EntityKind::Strike),
            TagEnd::Heading(_) => {
                self.close(EntityKind::Bold);
                self.gap = true;
            }
            TagEnd::BlockQuote(_) => {
                self.close(EntityKind::Quote);
                self.gap = true;
            }
            TagEnd::Link | TagEnd::Image => self.close(EntityKind::Link),
            TagEnd::CodeBlock => {
                self.in_code = false;
                // Of its own text only: other entities may begin where an empty one stands.
                let start = self.open.last().map_or(0, |it| it.start);
                if self.text[start..].ends_with('\n') {
                    self.text.pop();
                }
                self.close(EntityKind::Pre);
                self.gap = true;
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.gap = true;
            }
            TagEnd::Paragraph | TagEnd::HtmlBlock => self.gap = true,
            TagEnd::Item
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Table
            | TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::TableCell
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => (),
        }
    }

    fn item(&mut self) {
        self.gap = false;
        if !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str(&"  ".repeat(self.lists.len().saturating_sub(1)));
        match self.lists.last_mut() {
            Some(Some(number)) => {
                self.text.push_str(&format!("{number}. "));
                *number += 1;
            }
            _ => self.text.push_str("• "),
        }
    }

    fn push(&mut self, text: &str) {
        self.begin_block();
        self.text.push_str(text);
    }

    /// Blocks are set apart by an empty line.
    fn begin_block(&mut self) {
        if std::mem::take(&mut self.gap) && !self.text.is_empty() {
            let ends = self.text.len() - self.text.trim_end_matches('\n').len();
            self.text.push_str(&"\n\n"[..2_usize.saturating_sub(ends)]);
        }
    }

    fn open_inline(&mut self, kind: EntityKind) {
        self.begin_block();
        self.open(kind);
    }

    fn open(&mut self, kind: EntityKind) {
        self.open.push(span(kind, self.text.len()));
    }

    fn is_open(&self, kind: EntityKind) -> bool {
        self.open.iter().any(|it| it.kind == kind)
    }

    fn close(&mut self, kind: EntityKind) {
        if let Some(at) = self.open.iter().rposition(|it| it.kind == kind) {
            let open = self.open.remove(at);
            self.spans.push(Span { end: self.text.len(), ..open });
        }
    }

    fn text_with_spoilers(&mut self, text: &str) {
        self.begin_block();
        for (at, part) in text.split("||").enumerate() {
            if at > 0 {
                match self.is_open(EntityKind::Spoiler) {
                    true => self.close(EntityKind::Spoiler),
                    false => self.open(EntityKind::Spoiler),
                }
            }
            self.text.push_str(part);
        }
    }

    fn finish(
        mut self,
        markdown: &str,
        find: impl Fn(&str) -> Option<Mentioned>,
        emoji: &BTreeMap<String, StickerRef>,
    ) -> Body {
        self.put_back(EntityKind::Spoiler, "||");
        self.put_back(EntityKind::Underline, "<u>");
        let length = self.text.trim_end().len();
        self.text.truncate(length);
        let taken = self.taken();
        for (start, url) in urls(&self.text).into_iter().filter(|(at, _)| taken.is_free(*at)) {
            let end = start + url.len();
            self.spans.push(Span { end, url: Some(url), ..span(EntityKind::Link, start) });
        }
        let taken = self.taken();
        let mentions = at_names(&self.text).filter(|(at, _)| taken.is_free(*at));
        for (start, name) in mentions.take(ENTITIES_MAX) {
            let (kind, account) = match find(&name) {
                Some(Mentioned::Account(it)) => (EntityKind::Mention, Some(it)),
                Some(Mentioned::Everyone) => (EntityKind::Everyone, None),
                None => continue,
            };
            let end = start + 1 + name.len();
            self.spans.push(Span { end, account, ..span(kind, start) });
        }
        let named = |(start, name): (usize, &str)| {
            let (end, emoji) = (start + name.len() + 2, Some(emoji.get(name)?.to_string()));
            Some(Span { end, emoji, ..span(EntityKind::CustomEmoji, start) })
        };
        let free = shortcodes(&self.text).filter(|(at, _)| taken.is_free(*at));
        let emoji: Vec<_> = free.filter_map(named).collect();
        self.spans.extend(emoji);
        for (start, end) in hashtags(&self.text).filter(|(at, _)| taken.is_free(*at)) {
            self.spans.push(Span { end, ..span(EntityKind::Hashtag, start) });
        }
        let entities = self.entities();
        Body { markdown: markdown.to_owned(), text: self.text, entities, content: None }
    }

    /// Where nothing else is looked for.
    fn taken(&self) -> Taken {
        let taken =
            |it: &&Span| matches!(it.kind, EntityKind::Code | EntityKind::Pre | EntityKind::Link);
        Taken(self.spans.iter().filter(taken).map(|it| it.start..it.end).collect())
    }

    /// What opens something that is never closed is text.
    fn put_back(&mut self, kind: EntityKind, opening: &str) {
        let lone = self.open.iter().filter(|it| it.kind == kind).map(|it| it.start);
        let lone: Vec<usize> = lone.collect();
        self.open.retain(|it| it.kind != kind);
        for it in self.spans.iter_mut().chain(&mut self.open) {
            it.start += opening.len() * lone.partition_point(|at| *at <= it.start);
            it.end += opening.len() * lone.partition_point(|at| *at < it.end);
        }
        let text = std::mem::take(&mut self.text);
        let mut from = 0;
        for at in lone {
            self.text.push_str(&text[from..at]);
            self.text.push_str(opening);
            from = at;
        }
        self.text.push_str(&text[from..]);
    }

    fn entities(&self) -> Vec<Entity> {
        let mut spans = self.spans.clone();
        spans.retain_mut(|it| {
            it.end = it.end.min(self.text.len());
            let safe = it.kind != EntityKind::Link || it.url.as_deref().is_some_and(is_safe);
            safe && it.start < it.end
        });
        spans.sort_by_key(|it| (it.start, std::cmp::Reverse(it.end)));
        spans.truncate(ENTITIES_MAX);
        let mut units = Utf16::new(&self.text);
        let starts: Vec<u32> = spans.iter().map(|it| units.at(it.start)).collect();
        let ends = spans.iter().map(|it| Utf16::new(&self.text[it.start..]).at(it.end - it.start));
        let lengths: Vec<u32> = ends.collect();
        let placed = spans.into_iter().zip(starts.into_iter().zip(lengths));
        placed
            .map(|(it, (offset, length))| Entity {
                kind: it.kind,
                offset,
                length,
                url: it.url,
                language: it.language,
                account_id: it.account,
                emoji: it.emoji,
            })
            .collect()
    }
}

struct Taken(Vec<Range<usize>>);

impl Taken {
    fn is_free(&self, at: usize) -> bool {
        !self.0.iter().any(|it| it.contains(&at))
    }
}

/// Counts UTF-16 code units up to rising byte offsets.
struct Utf16<'a> {
    text: &'a str,
    byte: usize,
    units: u32,
}

impl<'a> Utf16<'a> {
    fn new(text: &'a str) -> Self {
        Self { text, byte: 0, units: 0 }
    }

    fn at(&mut self, byte: usize) -> u32 {
        let units = self.text[self.byte..byte].encode_utf16().count();
        self.units += u32::try_from(units).expect("a message is short");
        self.byte = byte;
        self.units
    }
}
