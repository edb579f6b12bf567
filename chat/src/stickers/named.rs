//! Custom emoji as texts name them and as reactions hold them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::decide::{is_name, name_id};
use super::{EMOJI_FOUND_MAX, Pack, PackId, PackKind, Stickers};
use crate::accounts::NameId;
use crate::kernel::command::Fetch;
use crate::kernel::id::IdInvalid;
use crate::kernel::{Context, Slot, State, StreamId};

/// Which picture of which pack: `pack_…/7`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct StickerRef {
    pub pack_id: PackId,
    pub number: u64,
}

impl fmt::Display for StickerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.pack_id, self.number)
    }
}

impl FromStr for StickerRef {
    type Err = IdInvalid;

    fn from_str(text: &str) -> Result<Self, IdInvalid> {
        let (pack, number) = text.split_once('/').ok_or(IdInvalid)?;
        let found = Self { pack_id: pack.parse()?, number: number.parse().map_err(|_| IdInvalid)? };
        // It is written in one way.
        if found.to_string() == text { Ok(found) } else { Err(IdInvalid) }
    }
}

/// `:name:` where the name of a custom emoji may stand, with its place and the name.
pub(crate) fn shortcodes(text: &str) -> impl Iterator<Item = (usize, &str)> + '_ {
    let mut after = 0;
    text.match_indices(':').filter_map(move |(at, _)| {
        let name = text[at + 1..].split(':').next().filter(|_| at >= after)?;
        let ends = text[at + 1 + name.len()..].starts_with(':');
        let apart = !text[..at].ends_with(|it: char| it.is_alphanumeric());
        (ends && apart && is_name(name)).then(|| {
            after = at + name.len() + 2;
            (at, name)
        })
    })
}

/// The custom emoji that a text may name: those that its author has at hand.
pub(crate) struct Shortcodes {
    /// What the text names, each once.
    names: BTreeMap<String, NameId>,
    /// Asked only where it names something.
    stickers: Option<Slot<Stickers>>,
    packs: Vec<Slot<Pack>>,
}

impl Shortcodes {
    /// Asks for what a text may name.
    pub(crate) fn new(markdown: &str, context: &Context<'_>) -> Self {
        let mut names = BTreeMap::new();
        for (_, name) in shortcodes(markdown) {
            if names.len() < EMOJI_FOUND_MAX && !names.contains_key(name) {
                names.insert(name.to_owned(), name_id(name, context));
            }
        }
        let stickers = (!names.is_empty()).then(|| Slot::of(context.actor));
        Self { names, stickers, packs: Vec::new() }
    }

    fn find(&self, wanted: NameId) -> Option<StickerRef> {
        // The pack that was installed last comes first.
        let packs = self.packs.iter().filter_map(Slot::get);
        packs.filter(|it| it.kind == PackKind::Emoji).find_map(|pack| {
            let found = pack.stickers.iter().find(|it| it.name_id == Some(wanted))?;
            Some(StickerRef { pack_id: pack.id, number: found.number })
        })
    }

    /// Which custom emoji the names stand for.
    pub(crate) fn found(&self) -> BTreeMap<String, StickerRef> {
        let found = self.names.iter().map(|(name, id)| Some((name.clone(), self.find(*id)?)));
        found.flatten().collect()
    }
}

impl State for Shortcodes {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.stickers.fill(fetch);
        let installed = self.stickers.as_ref().and_then(Slot::get).map(|it| &it.installed);
        let emoji = installed.into_iter().flatten().filter(|it| it.kind == PackKind::Emoji);
        let slot = |owner| StreamId::Account(owner);
        let packs = emoji.map(|it| Slot::new(it.pack_id.to_string(), slot(it.owner_id)));
        self.packs = packs.collect();
        self.packs.fill(fetch);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<(usize, &str)> {
        shortcodes(text).collect()
    }

    #[test]
    fn names_stand_between_colons_and_share_none() {
        assert_eq!(names(":cat:"), [(0, "cat")]);
        assert_eq!(names("a :cat: b :d_0: c"), [(2, "cat"), (10, "d_0")]);
        assert_eq!(names(":cat::dog:"), [(0, "cat"), (5, "dog")]);
        assert_eq!(names(":cat:dog:"), [(0, "cat")]);
        for none in [":", "::", ":a:", ":Cat:", ":c at:", "10:30:45", "a:cat:", ":cat", "cat:"] {
            assert_eq!(names(none), [], "{none}");
        }
        let longest = "x".repeat(32);
        assert_eq!(names(&format!(":{longest}:")), [(0, longest.as_str())]);
        assert_eq!(names(&format!(":{longest}x:")), []);
    }

    #[test]
    fn a_picture_is_written_in_one_way() {
        let pack_id = PackId(uuid::Uuid::from_u128(7));
        let one = StickerRef { pack_id, number: 12 };
        assert_eq!(one.to_string().parse(), Ok(one));
        for other in [
            "",
            "/",
            "pack",
            &format!("{pack_id}/"),
            &format!("{pack_id}/012"),
            &format!("{pack_id}/+1"),
            &format!("{pack_id}/1/"),
            &format!("{pack_id}"),
        ] {
            assert_eq!(other.parse::<StickerRef>(), Err(IdInvalid), "{other}");
        }
    }
}
