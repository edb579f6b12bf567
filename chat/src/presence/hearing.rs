//! Who is shown whose presence, and who hears what passes.

use std::collections::BTreeSet;

use ports::Error;

use super::PresenceObject;
use super::view::Shown;
use crate::accounts::AccountId;
use crate::contacts::{Contact, ContactCounts};
use crate::conversations::Conversation;
use crate::kernel::Reader;
use crate::kernel::ephemeral::Ephemeral;
use crate::privacy::{Setting, admitted, has_blocked};

/// How much of each person's presence somebody is shown: the time only when both show theirs.
pub(super) async fn shown(
    reader: &Reader,
    people: &[AccountId],
    viewer: AccountId,
) -> Result<Vec<Shown>, Error> {
    let theirs: Vec<_> = people.iter().map(|it| (*it, viewer)).collect();
    let own: Vec<_> = people.iter().map(|it| (viewer, *it)).collect();
    let theirs = admitted(reader, Setting::LastSeen, &theirs).await?;
    let own = admitted(reader, Setting::LastSeen, &own).await?;
    let said = reader.load_many::<Contact>(people.iter().map(|it| Contact::id(*it, viewer)));
    let blocked = said.await?.into_iter().map(|it| it.is_some_and(|it| it.blocked_since.is_some()));
    let all = theirs.into_iter().zip(own).zip(blocked);
    Ok(all
        .map(|((theirs, own), blocked)| match (blocked, theirs && own) {
            (true, _) => Shown::Nothing,
            (false, true) => Shown::Exactly,
            (false, false) => Shown::Coarsely,
        })
        .collect())
}

/// Those of the listeners who may hear a passing fact: whom the person has blocked hears nothing,
/// and of presence only those hear who are shown it.
///
/// # Errors
/// When the documents can't be reached.
pub async fn heard_by(
    reader: &Reader,
    passing: &Ephemeral,
    listeners: BTreeSet<AccountId>,
) -> Result<BTreeSet<AccountId>, Error> {
    let who = passing.account_id;
    if PresenceObject::is_told(passing) {
        let theirs: Vec<_> = listeners.iter().map(|it| (who, *it)).collect();
        let own: Vec<_> = listeners.iter().map(|it| (*it, who)).collect();
        let theirs = admitted(reader, Setting::LastSeen, &theirs).await?;
        let own = admitted(reader, Setting::LastSeen, &own).await?;
        let all = listeners.into_iter().zip(theirs).zip(own);
        return Ok(all.filter(|((_, theirs), own)| *theirs && *own).map(|it| it.0.0).collect());
    }
    let counts = reader.load::<ContactCounts>(who.to_string()).await?;
    if counts.is_none_or(|it| it.blocked == 0) {
        return Ok(listeners);
    }
    let said = reader.load_many::<Contact>(listeners.iter().map(|it| Contact::id(who, *it)));
    let said = said.await?;
    let blocked = |it: &Option<_>| it.as_ref().is_some_and(is_blocked);
    Ok(listeners.into_iter().zip(said).filter(|(_, it)| !blocked(it)).map(|it| it.0).collect())
}

/// Whether one of a direct conversation has blocked the other.
pub(crate) async fn is_cut_off(
    reader: &Reader,
    who: AccountId,
    conversation: &Conversation,
) -> Result<bool, Error> {
    let other = conversation.pair.iter().copied().find(|it| *it != who);
    let Some(other) = other else { return Ok(false) };
    Ok(has_blocked(reader, other, who).await? || has_blocked(reader, who, other).await?)
}

fn is_blocked(contact: &std::sync::Arc<Contact>) -> bool {
    contact.blocked_since.is_some()
}
