//! Unread counts, against a recount of the whole log.

use std::collections::BTreeSet;
use std::sync::Arc;

use chat::Event;
use chat::accounts::AccountId;
use chat::chat_list::{Badge, counts};
use chat::kernel::{Reader, StreamId, Timestamp};
use chat::members::MemberEvent;
use chat::messages::MessageEvent;
use chat::oracle::Oracle;
use chat::receipts::{ReceiptEvent, Unread};
use chat::removals::RemovalEvent;

use crate::check::{Members, Said};
use crate::world::{Checked, Running, World, broken};

/// Every count is what it is when counted again.
pub(crate) async fn no_drift(world: &World, said: &Said, last: &Running) -> Checked {
    whole(world, said, last).await?;
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

/// Everything that a chat list shows of what is unread, and the badge, is what the log alone says.
async fn whole(world: &World, said: &Said, last: &Running) -> Checked {
    let name = "no_drift";
    let reader = Reader::new(Arc::clone(&last.ports.documents), Arc::clone(&last.keyring));
    let (now, mut oracle) = (Timestamp(world.sim.time_ms()), Oracle::default());
    said.events.iter().for_each(|it| oracle.follow(it));
    let memberships = oracle.memberships();
    for (person, group) in &memberships {
        let Ok(found) = counts(&reader.anew(), *person, *group, now).await else {
            return broken(name, "the documents are there");
        };
        let counted = oracle.counts(*person, *group, now);
        if found != counted {
            return broken(name, format!("{person} in {group}: {found:?}, not {counted:?}"));
        }
        for (kept, what) in [
            (found.reactions > 0, "reaction unseen"),
            (found.marked, "marked unread"),
            (found.archived, "archived"),
        ] {
            if kept {
                world.sim.count(what);
            }
        }
    }
    let people: BTreeSet<AccountId> = memberships.iter().map(|it| it.0).collect();
    for person in people {
        let Ok(found) = Badge::load(&reader.anew(), person, now).await else {
            return broken(name, "the documents are there");
        };
        let counted = oracle.badge(person, now);
        if found != counted {
            return broken(name, format!("{person}'s badge: {found:?}, not {counted:?}"));
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
