//! What is found in text without any markup: links, names, hashtags.

use super::MENTIONS_MAX;
use crate::accounts::{AccountId, EVERYONE, USERNAME_CHARS_MAX, USERNAME_CHARS_MIN};

/// Most characters of a hashtag; longer ones are plain text.
const HASHTAG_CHARS_MAX: usize = 64;

/// Whom a name in a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mentioned {
    Account(AccountId),
    Everyone,
}

/// Usernames that a text may mention, each once.
pub(super) fn names(markdown: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (_, name) in at_names(markdown) {
        if name != EVERYONE && names.len() < MENTIONS_MAX && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// Whether a link may go there.
pub(super) fn is_safe(url: &str) -> bool {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    scheme.is_some_and(|it| ["http", "https", "mailto", "tel"].contains(&it.as_str()))
}

/// Bare links in a text.
pub(super) fn urls(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("http").map(|it| it + from) {
        let rest = &text[at..];
        let begins = rest.starts_with("http://") || rest.starts_with("https://");
        let apart = !text[..at].ends_with(char::is_alphanumeric);
        let end = rest.find(|it: char| it.is_whitespace() || "<>\"".contains(it));
        let url = rest[..end.unwrap_or(rest.len())]
            .trim_end_matches(['.', ',', ';', ':', '!', '?', ')', '\'']);
        if begins && apart && url.len() > "https://".len() {
            found.push((at, url.to_owned()));
            from = at + url.len();
        } else {
            from = at + 4;
        }
    }
    found
}

/// `@name` where a name may stand, with its place and the name in lower case.
pub(super) fn at_names(text: &str) -> impl Iterator<Item = (usize, String)> + '_ {
    text.match_indices('@').filter_map(|(at, _)| {
        let apart =
            !text[..at].ends_with(|it: char| it.is_alphanumeric() || it == '_' || it == '@');
        let name: &str = &text[at + 1..];
        let end = name.find(|it: char| !(it.is_ascii_alphanumeric() || it == '_'));
        let name = &name[..end.unwrap_or(name.len())];
        let begins = name.starts_with(|it: char| it.is_ascii_alphabetic());
        let fits = (USERNAME_CHARS_MIN..=USERNAME_CHARS_MAX).contains(&name.len());
        (apart && begins && fits).then(|| (at, name.to_ascii_lowercase()))
    })
}

/// `#hashtag`, of letters, digits and underscores, with a letter at least: from where to where.
pub(super) fn hashtags(text: &str) -> impl Iterator<Item = (usize, usize)> + '_ {
    text.match_indices('#').filter_map(|(at, _)| {
        let apart = !text[..at].ends_with(|it: char| it.is_alphanumeric() || "_#&/".contains(it));
        let tag: &str = &text[at + 1..];
        let end = tag.find(|it: char| !belongs(it)).unwrap_or(tag.len());
        let tag = &tag[..end];
        let named = tag.contains(char::is_alphabetic);
        let fits = tag.chars().count() <= HASHTAG_CHARS_MAX;
        (apart && named && fits).then_some((at, at + 1 + end))
    })
}

/// Whether a character may stand in a hashtag; marks belong to the letter before them.
fn belongs(it: char) -> bool {
    it.is_alphanumeric() || it == '_' || unicode_normalization::char::is_combining_mark(it)
}
