//! What an emoji is: one of those that Unicode recommends, written in one way.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use crate::stickers::StickerRef;

/// An emoji. Events hold it as text: a custom emoji, which is none of Unicode's, is its id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Emoji(String);

/// Asks a client for an emoji as an emoji and not as text, where that is not so by itself.
const VARIATION: char = '\u{fe0f}';

/// Every emoji, in every tone of skin, by how it is written without variation selectors.
static ALL: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let toned = emojis::iter().flat_map(|it| it.skin_tones().into_iter().flatten());
    let all = emojis::iter().chain(toned).map(|it| it.as_str());
    all.map(|it| (bare(it), it)).collect()
});

fn bare(text: &str) -> String {
    text.replace(VARIATION, "")
}

impl Emoji {
    /// Reads exactly one emoji of Unicode's, or the id of a custom one, which there may not be.
    pub fn parse(text: &str) -> Option<Self> {
        let custom = || text.parse::<StickerRef>().ok().map(|it| Self(it.to_string()));
        Self::parse_unicode(text).or_else(custom)
    }

    /// The picture that a custom emoji is.
    pub fn custom(&self) -> Option<StickerRef> {
        self.0.parse().ok()
    }

    /// Reads exactly one emoji; with and without variation selectors it is the same, since
    /// keyboards leave them out, and write them where Unicode has none.
    pub fn parse_unicode(text: &str) -> Option<Self> {
        let starts = !text.starts_with(VARIATION);
        ALL.get(&bare(text)).filter(|_| starts).map(|it| Self((*it).to_owned()))
    }

    /// As Unicode writes it in full.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// How it stands in keys, which are ASCII: its code points, or its id.
    pub(super) fn key(&self) -> String {
        if self.custom().is_some() {
            return self.0.replace('/', "-");
        }
        let points: Vec<_> = self.0.chars().map(|it| format!("{:x}", u32::from(it))).collect();
        points.join("-")
    }
}

crate::text!(Emoji);

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Option<String> {
        Emoji::parse(text).map(|it| it.0)
    }

    #[test]
    fn one_emoji_of_any_build_is_one() {
        let simple = ["👍", "❤️", "🚀"];
        let toned = ["👍🏿", "👋🏽"];
        let joined = ["👨‍👩‍👧‍👦", "🏳️‍🌈", "👩🏻‍❤️‍💋‍👨🏿", "🧑🏽‍💻"];
        let others = ["🇩🇪", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "1️⃣", "#️⃣"];
        let all = simple.iter().chain(&toned).chain(&joined).chain(&others);
        all.for_each(|it| assert_eq!(parsed(it).as_deref(), Some(*it)));
    }

    #[test]
    fn variation_selectors_make_no_difference() {
        for (text, whole) in [
            ("❤", "❤️"),
            ("👍\u{fe0f}", "👍"),
            ("🏳‍🌈", "🏳️‍🌈"),
            ("1\u{20e3}", "1️⃣"),
            ("👩‍❤‍👨", "👩‍❤️‍👨"),
            ("👩\u{fe0f}‍❤️‍👨\u{fe0f}", "👩‍❤️‍👨"),
        ] {
            assert_eq!(parsed(text).as_deref(), Some(whole), "{text:?}");
        }
    }

    #[test]
    fn every_emoji_is_itself_with_and_without_them() {
        assert!(ALL.len() > 3_900);
        for it in ALL.values() {
            assert_eq!(parsed(it).as_deref(), Some(*it));
            assert_eq!(parsed(&bare(it)).as_deref(), Some(*it), "{it}");
        }
        let toned = emojis::iter().flat_map(|it| it.skin_tones().into_iter().flatten());
        let all: std::collections::BTreeSet<_> =
            emojis::iter().chain(toned).map(|it| it.as_str()).collect();
        assert_eq!(all.len(), ALL.len(), "no two are alike without selectors");
    }

    #[test]
    fn what_is_not_exactly_one_emoji_is_none() {
        let letters = ["", " ", "a", "1", "#", "hello", ":+1:", "\u{fe0f}", "\u{200d}"];
        let several = ["👍👍", "👍 ", " 👍", "👍a", "👍\n", "🇩", "👨‍👍", "❤\u{fe0e}", "a🏿"];
        for text in letters.iter().chain(&several) {
            assert_eq!(parsed(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_longest_emoji_is_one_and_nothing_longer_is() {
        let toned = emojis::iter().flat_map(|it| it.skin_tones().into_iter().flatten());
        let all = emojis::iter().chain(toned).map(|it| it.as_str());
        let longest = all.max_by_key(|it| it.len()).expect("there are emoji");
        assert_eq!(longest.len(), 35);
        assert_eq!(parsed(longest).as_deref(), Some(longest));
        assert_eq!(parsed(&format!("{longest}\u{200d}")), None);
        assert_eq!(parsed(&longest.repeat(1_000)), None);
    }

    #[test]
    fn a_key_is_ascii_and_tells_emoji_apart() {
        let all: Vec<_> = emojis::iter().filter_map(|it| Emoji::parse(it.as_str())).collect();
        let keys: std::collections::BTreeSet<_> = all.iter().map(Emoji::key).collect();
        assert_eq!(keys.len(), all.len());
        assert!(keys.iter().all(|it| it.is_ascii() && !it.contains('/')));
    }
}
