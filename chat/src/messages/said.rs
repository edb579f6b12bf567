//! What a text says, and whom it mentions.

use std::collections::BTreeMap;

use super::bare::{self, Mentioned};
use super::{MessageRejection, Said, TEXT_BYTES_MAX, format, parse};
use crate::accounts::{AccountId, EVERYONE, Name, NameState};
use crate::kernel::command::Fetch;
use crate::kernel::{Context, Slot, State, StreamId};
use crate::stickers::Shortcodes;

/// Refuses what can't be said beside something, whomever it mentions.
pub(crate) fn check_caption(markdown: &str) -> Result<(), MessageRejection> {
    if markdown.len() > TEXT_BYTES_MAX {
        return Err(MessageRejection::TooLong);
    }
    let control = |it: char| it.is_control() && it != '\n' && it != '\t';
    if markdown.contains(control) {
        return Err(MessageRejection::TextInvalid);
    }
    Ok(())
}

/// What names in a text may stand for.
pub struct Names {
    /// In the order of the text.
    accounts: Vec<Slot<Name>>,
    emoji: Shortcodes,
}

impl State for Names {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.accounts.fill(fetch);
        self.emoji.fill(fetch);
    }
}

/// Asks for whom and which custom emoji a text may name.
pub(crate) fn names(markdown: &str, context: &Context<'_>) -> Names {
    // What is too long is refused unread.
    let markdown = if markdown.len() > TEXT_BYTES_MAX { "" } else { markdown };
    let ids = bare::names(markdown).into_iter().map(|it| context.name_id(&it));
    let accounts = ids.map(|it| Slot::new(it.to_string(), StreamId::Name(it))).collect();
    Names { accounts, emoji: Shortcodes::new(markdown, context) }
}

/// The parsed body and whom it mentions; everyone, if a manager of the group says so.
pub(super) fn body(
    markdown: &str,
    names: &Names,
    by_manager: bool,
) -> Result<Said, MessageRejection> {
    let said = caption(markdown, names, by_manager)?;
    let blank = said.0.text.trim().is_empty();
    if blank { Err(MessageRejection::Empty) } else { Ok(said) }
}

/// The same of a text that may be empty, since there is something else to see.
pub(crate) fn caption(
    markdown: &str,
    names: &Names,
    by_manager: bool,
) -> Result<Said, MessageRejection> {
    check_caption(markdown)?;
    let found = bare::names(markdown).into_iter().zip(&names.accounts);
    let known: BTreeMap<String, AccountId> = found
        .filter_map(|(name, slot)| {
            let confirmed = slot.get().filter(|it| it.state == NameState::Confirmed)?;
            Some((name, confirmed.account_id))
        })
        .collect();
    let mentioned = |name: &str| match name {
        EVERYONE => by_manager.then_some(Mentioned::Everyone),
        _ => known.get(name).copied().map(Mentioned::Account),
    };
    let body = format::parse_mentioning(markdown, mentioned, &names.emoji.found());
    let mut mentions: Vec<AccountId> =
        body.entities.iter().filter_map(|it| it.account_id).collect();
    mentions.sort_unstable();
    mentions.dedup();
    Ok((body, mentions))
}

/// Refuses what is no text of a message, whomever it mentions.
pub(crate) fn check_text(markdown: &str) -> Result<(), MessageRejection> {
    check_caption(markdown)?;
    let blank = parse(markdown, |_| None).text.trim().is_empty();
    if blank { Err(MessageRejection::Empty) } else { Ok(()) }
}
