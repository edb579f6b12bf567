//! Unread counts, against a recount of the whole log.

use std::collections::BTreeSet;
use std::sync::Arc;

use chat::Event;
use chat::accounts::AccountId;
use chat::kernel::{Reader, StreamId};
use chat::members::MemberEvent;
use chat::messages::MessageEvent;
use chat::receipts::{ReceiptEvent, Unread};
use chat::removals::RemovalEvent;

use crate::check::{Members, Said};
use crate::world::{Checked, Running, World, broken};

/// Every count is what it is when counted again.
pub(crate) async fn no_drift(world: &World, said: &Said, last: &Running) -> Checked {
    let reader = Reader::new(Arc::clone(&last.ports.documents), Arc::clone(&last.keyring));
    let people = world.history.people.lock().expect("a lock").clone();
    let groups = world.history.groups.lock().expect("a lock").clone();
    for group in groups {
        for person in &people {
            let found = Unread::load(&reader, *person, group).await;
            let Ok(found) = found else { return broken("no_drift", "the documents are there") };
            let counted = counted_unread(said, *person, StreamId::Conversation(group));
            if found.count != counted {
                let seen = format!("{person} has {} unread in {group}, not {counted}", found.count);
                return broken("no_drift", seen);
            }
        }
    }
    Ok(())
}

pub(crate) fn counted_unread(said: &Said, person: AccountId, stream: StreamId) -> u64 {
    let (mut read, mut active) = (0, Members::default());
    let (mut numbers, mut gone) = (BTreeSet::new(), BTreeSet::new());
    for it in said.events.iter().filter(|it| it.stream == stream) {
        let before = active.0.contains_key(&person);
        active.follow(it);
        if let Event::MemberEvent(MemberEvent::MembersAdded(added)) = &it.event
            && !before
            && active.0.contains_key(&person)
        {
            read = read.max(added.last_number.0);
        }
        match &it.event {
            Event::MessageEvent(MessageEvent::MessageSent(sent)) => {
                match (sent.author_id == person, sent.unseen.is_some()) {
                    (true, true) => (),
                    (true, false) => read = read.max(sent.number.0),
                    (false, _) => drop(numbers.insert(sent.number.0)),
                }
            }
            Event::MessageEvent(MessageEvent::MessageDeleted(it)) => {
                gone.insert(it.number.0);
            }
            Event::RemovalEvent(RemovalEvent::MessageRemoved(it)) => {
                gone.insert(it.number.0);
            }
            Event::RemovalEvent(RemovalEvent::MessageRestored(it)) => {
                gone.remove(&it.number.0);
            }
            _ => (),
        }
    }
    for it in said.events.iter().filter(|it| it.stream == StreamId::Account(person)) {
        match &it.event {
            Event::ReceiptEvent(ReceiptEvent::ReadMoved(moved))
                if StreamId::Conversation(moved.conversation_id) == stream =>
            {
                read = read.max(moved.number.0);
            }
            Event::MessageEvent(MessageEvent::MessageHidden(hidden))
                if StreamId::Conversation(hidden.conversation_id) == stream =>
            {
                gone.insert(hidden.number.0);
            }
            _ => (),
        }
    }
    let unread = numbers.iter().filter(|it| **it > read && !gone.contains(it)).count() as u64;
    if active.0.contains_key(&person) { unread } else { 0 }
}
