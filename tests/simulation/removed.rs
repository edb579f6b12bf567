//! What moderators take out and give back, recounted for the invariants.

use std::collections::BTreeMap;

use chat::accounts::AccountId;
use chat::messages::MessageId;
use chat::removals::RemovalEvent;

use crate::sim::Sim;

/// Authors of what is removed in one conversation.
#[derive(Default)]
pub(crate) struct Removals(BTreeMap<MessageId, AccountId>);

impl Removals {
    /// Follows an event; whether whoever did it had the right to. `there` are the authors of what
    /// is there.
    pub(crate) fn allow(
        &mut self,
        event: &RemovalEvent,
        actor: AccountId,
        manages: bool,
        there: &mut BTreeMap<MessageId, AccountId>,
    ) -> bool {
        let id = event.message_id();
        match event {
            RemovalEvent::MessageRemoved(_) => {
                let author = there.remove(&id);
                self.0.extend(author.map(|it| (id, it)));
                manages && author.is_some_and(|it| it != actor)
            }
            RemovalEvent::MessageRestored(_) => {
                let author = self.0.remove(&id);
                there.extend(author.map(|it| (id, it)));
                manages && author.is_some()
            }
            RemovalEvent::MessageDestroyed(_) => self.0.remove(&id) == Some(actor),
        }
    }
}

/// What removed messages said.
#[derive(Default)]
pub(crate) struct Texts(BTreeMap<String, Option<String>>);

impl Texts {
    /// Follows an event in what messages say.
    pub(crate) fn follow(
        &mut self,
        event: &RemovalEvent,
        said: &mut BTreeMap<String, Option<String>>,
        sim: &Sim,
    ) {
        let id = event.message_id().to_string();
        match event {
            RemovalEvent::MessageRemoved(_) => {
                sim.count("message removed");
                let before = said.insert(id.clone(), None);
                self.0.insert(id, before.flatten());
            }
            RemovalEvent::MessageRestored(_) => {
                sim.count("message restored");
                let before = self.0.remove(&id).flatten();
                said.insert(id, before);
            }
            RemovalEvent::MessageDestroyed(_) => {
                self.0.remove(&id);
            }
        }
    }
}
