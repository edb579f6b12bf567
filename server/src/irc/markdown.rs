//! Writes typed text as Markdown that shows exactly that text.

use std::ops::Range;

/// Text without the codes that colour it, without trailing space, and how many codes it had.
pub(super) fn without_codes(text: &str) -> (String, u64) {
    let mut plain = String::with_capacity(text.len());
    let mut codes = 0;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let mut width = first.len_utf8();
        if first.is_control() && first != '\t' {
            codes += 1;
            width += match first {
                '\u{3}' => colour_width(&rest[width..], 2, u8::is_ascii_digit),
                '\u{4}' => colour_width(&rest[width..], 6, u8::is_ascii_hexdigit),
                _ => 0,
            };
        } else {
            plain.push(first);
        }
        rest = &rest[width..];
    }
    plain.truncate(plain.trim_end().len());
    (plain, codes)
}

/// How far the numbers after a colour code reach: a foreground, perhaps a background.
fn colour_width(rest: &str, digits_max: usize, digit: fn(&u8) -> bool) -> usize {
    let digits = |text: &str| text.bytes().take(digits_max).take_while(digit).count();
    let foreground = digits(rest);
    let background = rest[foreground..].strip_prefix(',').map_or(0, digits);
    if foreground > 0 && background > 0 { foreground + 1 + background } else { foreground }
}

/// Markdown that shows the text as typed, as one paragraph.
pub(super) fn literal(text: &str) -> String {
    let typed = Typed::new(text);
    let mut markdown = String::with_capacity(text.len() + 8);
    let mut urls = typed.urls().into_iter().peekable();
    let mut at = 0;
    while at < typed.chars.len() {
        match urls.next_if(|url| url.start == at) {
            Some(url) => {
                at = url.end;
                typed.write_url(url, &mut markdown);
            }
            None => {
                typed.write_char(at, &mut markdown);
                at += 1;
            }
        }
    }
    markdown
}

/// Markdown that shows the text as typed, as one emphasised run.
pub(super) fn emphasised(text: &str) -> String {
    format!("*{}*", literal(text))
}

/// One line of typed text that has no line breaks and no trailing space.
struct Typed {
    chars: Vec<char>,
    tildes: usize,
}

impl Typed {
    fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let tildes = chars.iter().filter(|it| **it == '~').count();
        Self { chars, tildes }
    }

    fn get(&self, at: usize) -> Option<char> {
        self.chars.get(at).copied()
    }

    fn before(&self, at: usize) -> Option<char> {
        at.checked_sub(1).and_then(|at| self.get(at))
    }

    /// Whether a space stands before, and still does in Markdown: the first is a reference.
    fn is_after_space(&self, at: usize) -> bool {
        at > 1 && is_space(self.before(at))
    }

    fn starts_with(&self, at: usize, prefix: &str) -> bool {
        let mut rest = self.chars[at..].iter();
        prefix.chars().all(|it| rest.next().is_some_and(|next| next.eq_ignore_ascii_case(&it)))
    }

    fn write_char(&self, at: usize, markdown: &mut String) {
        let it = self.chars[at];
        if at == 0 && it.is_whitespace() {
            // Leading space is layout in Markdown; a reference to the same character is not.
            markdown.push_str(&format!("&#{};", u32::from(it)));
            return;
        }
        if self.speaks(at) {
            markdown.push('\\');
        }
        markdown.push(it);
    }

    /// A URL stays as typed: bare where nothing in it speaks, else between angle brackets.
    fn write_url(&self, url: Range<usize>, markdown: &mut String) {
        let bare = !url.clone().any(|at| self.speaks(at));
        let bracketed = !bare && !url.clone().any(|at| self.begins_reference(at));
        if bracketed {
            markdown.push('<');
            markdown.extend(&self.chars[url]);
            markdown.push('>');
        } else {
            url.for_each(|at| self.write_char(at, markdown));
        }
    }

    /// Whether a Markdown parser could take the character for more than itself.
    fn speaks(&self, at: usize) -> bool {
        let next = self.get(at + 1);
        match self.chars[at] {
            '\\' | '`' | '[' => true,
            '*' => !(self.is_after_space(at) && is_space(next)),
            '_' => !self.is_idle_underscore(at),
            '~' => self.tildes > 1,
            '|' => self.before(at) == Some('|') || next == Some('|'),
            '<' => self.begins_tag(at),
            '&' => self.begins_reference(at),
            '>' => at == 0,
            '#' => at == 0 && self.is_heading(),
            '+' | '-' => at == 0 && (next.is_none_or(char::is_whitespace) || self.is_rule()),
            '.' | ')' => next.is_none_or(char::is_whitespace) && self.is_number(0..at),
            _ => false,
        }
    }

    /// Underscores inside a word, or standing alone, never emphasise.
    fn is_idle_underscore(&self, at: usize) -> bool {
        let run = |it: &&char| **it == '_';
        let from = at - self.chars[..at].iter().rev().take_while(run).count();
        let until = at + self.chars[at..].iter().take_while(run).count();
        let (before, after) = (self.before(from), self.get(until));
        let in_word = |it: Option<char>| it.is_some_and(char::is_alphanumeric);
        (in_word(before) && in_word(after)) || (self.is_after_space(from) && is_space(after))
    }

    /// `<3` is a heart; `<b>`, `</b>`, `<!--`, `<a@b.c>` and `<https://…>` are not.
    fn begins_tag(&self, at: usize) -> bool {
        self.get(at + 1).is_some_and(|next| next.is_ascii_alphabetic() || "/!?".contains(next))
            || self.chars[at..].contains(&'>')
    }

    /// Whether `&name;`, `&#1;` or `&#x1;` begins here.
    fn begins_reference(&self, at: usize) -> bool {
        let mut rest = self.chars[at..].iter();
        rest.next() == Some(&'&')
            && rest.find(|it| !it.is_ascii_alphanumeric() && **it != '#') == Some(&';')
    }

    fn is_heading(&self) -> bool {
        let level = self.chars.iter().take_while(|it| **it == '#').count();
        level <= 6 && self.get(level).is_none_or(char::is_whitespace)
    }

    fn is_rule(&self) -> bool {
        self.chars.iter().all(|it| *it == '-' || it.is_whitespace())
    }

    fn is_number(&self, digits: Range<usize>) -> bool {
        (1..=9).contains(&digits.len()) && self.chars[digits].iter().all(char::is_ascii_digit)
    }

    fn urls(&self) -> Vec<Range<usize>> {
        let mut urls = Vec::new();
        let mut at = 0;
        while at < self.chars.len() {
            match self.url(at) {
                Some(url) => {
                    at = url.end;
                    urls.push(url);
                }
                None => at += 1,
            }
        }
        urls
    }

    fn url(&self, at: usize) -> Option<Range<usize>> {
        if self.before(at).is_some_and(|it| it.is_alphanumeric() || it == '_') {
            return None;
        }
        let scheme =
            ["http://", "https://", "ftp://"].iter().find(|it| self.starts_with(at, it))?;
        let ends = |it: &char| it.is_whitespace() || it.is_control() || "<>\"`".contains(*it);
        let host = at + scheme.len();
        let mut end = self.chars[at..].iter().position(ends).map_or(self.chars.len(), |it| at + it);
        while end > host && self.is_after_url(at..end) {
            end -= 1;
        }
        (end > host).then_some(at..end)
    }

    /// Whether the last character of the range is the sentence's and not the URL's.
    fn is_after_url(&self, url: Range<usize>) -> bool {
        let count = |it: char| self.chars[url.clone()].iter().filter(|at| **at == it).count();
        match self.chars[url.end - 1] {
            ')' => count(')') > count('('),
            ']' => count(']') > count('['),
            last => ".,;:!?'*_~\\".contains(last),
        }
    }
}

fn is_space(it: Option<char>) -> bool {
    it.is_some_and(char::is_whitespace)
}
