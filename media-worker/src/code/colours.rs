//! Which part of a code is what, by the grammars that come with syntect.

use rustix::time::{ClockId, clock_gettime};
use syntect::parsing::{ParseState, Scope, ScopeStack, SyntaxReference, SyntaxSet};
use syntect::util::LinesWithEndings;

use super::html::Html;
use crate::sniff::Sniffed;

/// As much of a code as is shown in colours.
const CODE_BYTES_MAX: usize = 256 << 10;
const LINES_MAX: usize = 5_000;

/// A longer line was written by a program, and is shown without colours.
const LINE_BYTES_MAX: usize = 1_000;

/// Seconds of processor after which the rest is without colours.
const SECONDS_MAX: i64 = 3;

/// What is in colours, by the beginning of what a grammar calls it, the more exact first.
/// A client has a colour for each; the words are what stands in `class`.
const CLASSES: [(&str, &str); 27] = [
    ("comment", "comment"),
    ("punctuation.definition.comment", "comment"),
    ("constant.character.escape", "escape"),
    ("constant.numeric", "number"),
    ("constant", "constant"),
    ("string", "string"),
    ("punctuation.definition.string", "string"),
    ("keyword.operator", "operator"),
    ("keyword", "keyword"),
    ("storage.type", "keyword"),
    ("storage", "keyword"),
    ("entity.name.function", "function"),
    ("support.function", "function"),
    ("variable.function", "function"),
    ("entity.name.section", "heading"),
    ("entity.name.tag", "tag"),
    ("entity.other.attribute-name", "attribute"),
    ("entity.name", "type"),
    ("entity.other.inherited-class", "type"),
    ("support", "type"),
    ("variable.parameter", "variable"),
    ("variable.language", "constant"),
    ("markup.heading", "heading"),
    ("markup.inserted", "inserted"),
    ("markup.deleted", "deleted"),
    ("markup", "markup"),
    ("invalid", "invalid"),
];

/// Code as HTML.
pub(super) struct Coloured {
    pub(super) html: String,
    /// What its language is called.
    pub(super) syntax: String,
    /// Whether there is more of it.
    pub(super) cut: bool,
}

/// The text in colours, if it is code. The name says in which language, never that it is text.
pub(super) fn coloured(name: &str, sniffed: &Sniffed, text: &str) -> Option<Coloured> {
    let syntaxes = SyntaxSet::load_defaults_newlines();
    let syntax = syntax(&syntaxes, name, sniffed, text)?;
    let classes = Classes::new();
    let mut html = Html::default();
    let mut painter = Some((ParseState::new(syntax), ScopeStack::new()));
    let mut bytes = 0;
    for (number, line) in LinesWithEndings::from(text).enumerate() {
        bytes += line.len();
        if number == LINES_MAX || bytes > CODE_BYTES_MAX {
            break;
        }
        let seconds = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
        if line.len() > LINE_BYTES_MAX || seconds >= SECONDS_MAX {
            html.text(line, None);
            continue;
        }
        let painted = painter.as_mut();
        let painted = painted.and_then(|it| paint(line, it, &syntaxes, &classes, &mut html));
        if painted.is_none() {
            // A grammar that has lost its way finds none later.
            painter = None;
            html.text(line, None);
        }
    }
    let cut = html.text_bytes() < text.len();
    Some(Coloured { html: html.written(), syntax: syntax.name.clone(), cut })
}

/// The grammar for a text. Nothing for what is no code.
fn syntax<'a>(
    syntaxes: &'a SyntaxSet,
    name: &str,
    sniffed: &Sniffed,
    text: &str,
) -> Option<&'a SyntaxReference> {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let ending = last.rsplit_once('.').map(|it| it.1);
    let by_content = match sniffed.media_type {
        "image/svg+xml" | "text/xml" => Some("xml"),
        "text/html" => Some("html"),
        _ => None,
    };
    let first = text.lines().next().filter(|it| it.len() <= LINE_BYTES_MAX);
    let found = by_content
        .and_then(|it| syntaxes.find_syntax_by_extension(it))
        .or_else(|| syntaxes.find_syntax_by_extension(last))
        .or_else(|| syntaxes.find_syntax_by_extension(ending?))
        .or_else(|| syntaxes.find_syntax_by_first_line(first?));
    found.filter(|it| it.name != syntaxes.find_syntax_plain_text().name)
}

/// One line in colours; nothing, and nothing written, if the grammar can't read it.
fn paint(
    line: &str,
    (state, stack): &mut (ParseState, ScopeStack),
    syntaxes: &SyntaxSet,
    classes: &Classes,
    html: &mut Html,
) -> Option<()> {
    let steps = state.parse_line(line, syntaxes).ok()?;
    let mut parts = Vec::new();
    let mut from = 0;
    for (at, step) in steps {
        let part = line.get(from..at)?;
        parts.push((part, classes.of(stack)));
        from = at;
        stack.apply(&step).ok()?;
    }
    parts.push((line.get(from..)?, classes.of(stack)));
    for (part, class) in parts {
        html.text(part, class);
    }
    Some(())
}

/// The table, as the grammars' library compares it.
struct Classes(Vec<(Scope, &'static str)>);

impl Classes {
    fn new() -> Classes {
        let known = CLASSES.iter().filter_map(|it| Some((Scope::new(it.0).ok()?, it.1)));
        Classes(known.collect())
    }

    /// What is innermost counts.
    fn of(&self, stack: &ScopeStack) -> Option<&'static str> {
        let class = |scope: &Scope| self.0.iter().find(|it| it.0.is_prefix_of(*scope));
        // A comment is one down to its punctuation, a deep nest is not searched to its ground.
        stack.as_slice().iter().rev().take(16).find_map(class).map(|it| it.1)
    }
}
