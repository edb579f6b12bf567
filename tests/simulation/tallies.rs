//! What messages were given, against a recount of the whole log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chat::Event;
use chat::accounts::AccountId;
use chat::kernel::Reader;
use chat::messages::{MessageEvent, MessageId};
use chat::reactions::{Emoji, Reacted, ReactionEvent, Tally};
use chat::removals::RemovalEvent;

use crate::check::Said;
use crate::world::{Checked, Running, World, broken};

type Given = BTreeMap<Emoji, BTreeSet<AccountId>>;

/// Nothing is given twice or taken back twice, and each tally is what it is when counted again.
pub(crate) async fn tallies_are_exact(world: &World, said: &Said, last: &Running) -> Checked {
    let name = "tallies_are_exact";
    let mut given: BTreeMap<MessageId, Given> = BTreeMap::new();
    for it in &said.events {
        let changed = match &it.event {
            Event::ReactionEvent(ReactionEvent::ReactionAdded(it)) => {
                let given = given.entry(it.message_id).or_default();
                given.entry(it.emoji.clone()).or_default().insert(it.account_id)
            }
            Event::ReactionEvent(ReactionEvent::ReactionRemoved(it)) => {
                let given = given.entry(it.message_id).or_default();
                given.entry(it.emoji.clone()).or_default().remove(&it.account_id)
            }
            Event::MessageEvent(MessageEvent::MessageDeleted(it)) => {
                given.insert(it.message_id, Given::default());
                true
            }
            Event::RemovalEvent(RemovalEvent::MessageDestroyed(it)) => {
                given.insert(it.message_id, Given::default());
                true
            }
            _ => true,
        };
        if !changed {
            return broken(name, format!("{} {} changes nothing", it.stream, it.seq));
        }
    }
    let reader = Reader::new(Arc::clone(&last.ports.documents), Arc::clone(&last.keyring));
    for (message, mut given) in given {
        given.retain(|_, who| !who.is_empty());
        let Ok(tally) = reader.load::<Tally>(message.to_string()).await else {
            return broken(name, "the documents are there");
        };
        let counts = tally.iter().flat_map(|it| &it.counts);
        let counts: BTreeMap<_, _> = counts.map(|it| (it.emoji.clone(), it.count)).collect();
        let counted = given.iter().map(|(emoji, who)| (emoji.clone(), who.len() as u64));
        if counts != counted.collect() {
            return broken(name, format!("{message} has {counts:?}, not {given:?}"));
        }
        for (emoji, who) in given {
            for account in who {
                let reacted = reader.load::<Reacted>(Reacted::id(message, account)).await;
                let reacted = reacted.ok().flatten();
                if !reacted.is_some_and(|it| it.emoji.contains(&emoji)) {
                    return broken(name, format!("{account} does not know of {emoji:?}"));
                }
                world.sim.count("reaction counted");
            }
        }
    }
    Ok(())
}
