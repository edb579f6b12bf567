//! Asking people's rules for readers: many at once, since a list asks for each of its entries.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_graphql::Result as Answer;

use ports::Error;

use super::{Asking, Privacy, Setting};
use crate::accounts::AccountId;
use crate::contacts::Contact;
use crate::kernel::Reader;
use crate::kernel::graphql::{Scope, outage};
use crate::members::Member;

/// Whether each second may see or do something of each first.
///
/// # Errors
/// When the documents can't be reached.
pub async fn admitted(
    reader: &Reader,
    setting: Setting,
    pairs: &[(AccountId, AccountId)],
) -> Result<Vec<bool>, Error> {
    let privacy = reader.load_many::<Privacy>(pairs.iter().map(|it| it.0.to_string())).await?;
    let said = reader.load_many::<Contact>(pairs.iter().map(|it| Contact::id(it.0, it.1))).await?;
    let absent = Arc::new(Privacy::default());
    let privacy: Vec<_> = privacy.into_iter().map(|it| it.unwrap_or(Arc::clone(&absent))).collect();
    let named: Vec<_> = privacy
        .iter()
        .zip(pairs)
        .flat_map(|(it, (owner, asker))| {
            let named = it.conversations(setting).into_iter();
            named.flat_map(move |conversation| [(conversation, *owner), (conversation, *asker)])
        })
        .collect();
    let members = reader.load_many::<Member>(named.iter().map(|it| Member::id(it.0, it.1))).await?;
    let active = members.iter().flatten().filter(|it| it.active);
    let active: BTreeSet<_> = active.map(|it| (it.account_id, it.conversation_id)).collect();
    let all = privacy.iter().zip(said).zip(pairs);
    let admitted = all.map(|((privacy, said), (owner, asker))| {
        let named = privacy.conversations(setting).into_iter();
        let member_of: BTreeSet<_> = named.filter(|it| active.contains(&(*asker, *it))).collect();
        let shared = member_of.iter().filter(|it| active.contains(&(*owner, **it)));
        let asking = Asking {
            other: (owner != asker).then_some(*asker),
            blocked: said.as_ref().is_some_and(|it| it.blocked_since.is_some()),
            contact: said.as_ref().is_some_and(|it| it.contact_since.is_some()),
            shared: shared.copied().collect(),
            member_of,
        };
        privacy.admits(setting, &asking)
    });
    Ok(admitted.collect())
}

/// Whether a person has blocked another.
///
/// # Errors
/// When the documents can't be reached.
pub async fn has_blocked(reader: &Reader, who: AccountId, whom: AccountId) -> Result<bool, Error> {
    let said = reader.load::<Contact>(Contact::id(who, whom)).await?;
    Ok(said.is_some_and(|it| it.blocked_since.is_some()))
}

/// Whether whoever asks may see or do something of a person.
///
/// # Errors
/// When nobody has signed in, or the documents can't be reached.
pub async fn sees(scope: &Scope, setting: Setting, owner: AccountId) -> Answer<bool> {
    let pair = (owner, scope.viewer()?.account);
    let admitted = admitted(&scope.reader, setting, &[pair]).await.map_err(outage)?;
    Ok(admitted[0])
}
