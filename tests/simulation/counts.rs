//! Unread counts, of conversations and of threads, against a recount of the whole log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chat::Event;
use chat::accounts::AccountId;
use chat::chat_list::{Badge, counts};
use chat::conversations::ConversationId;
use chat::kernel::{Reader, Recorded, StreamId, Timestamp};
use chat::members::MemberEvent;
use chat::messages::{MessageEvent, MessageId};
use chat::oracle::Oracle;
use chat::receipts::{ReceiptEvent, Unread};
use chat::removals::RemovalEvent;
use chat::threads::{ThreadEvent, ThreadUnread, Threaded, counts_in_threads};

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
            no_drift_for(&reader, said, *person, group).await?;
        }
    }
    Ok(())
}

async fn no_drift_for(
    reader: &Reader,
    said: &Said,
    person: AccountId,
    group: ConversationId,
) -> Checked {
    let recount = Recount::of(said, person, StreamId::Conversation(group));
    let threads: Vec<_> = recount.threads.iter().copied().collect();
    let found = Unread::load(reader, person, group).await;
    let there = ThreadUnread::load_many(reader, person, group, &threads).await;
    let (Ok(found), Ok(there)) = (found, there) else {
        return broken("no_drift", "the documents are there");
    };
    let own = (None, found.count);
    for (line, count) in there.iter().map(|it| (Some(it.thread_id), it.count)).chain([own]) {
        let counted = recount.unread(line);
        if count != counted {
            let place = line.map_or(String::new(), |it| format!("{it} of "));
            let seen = format!("{person} has {count} unread in {place}{group}, not {counted}");
            return broken("no_drift", seen);
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
        whole_of_threads(world, &reader, &oracle, (*person, *group)).await?;
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

/// What a person has not read of each thread is what the log alone says.
async fn whole_of_threads(
    world: &World,
    reader: &Reader,
    oracle: &Oracle,
    (person, group): (AccountId, ConversationId),
) -> Checked {
    let name = "no_drift";
    let threads = oracle.threads(group);
    let found = counts_in_threads(&reader.anew(), person, group, &threads).await;
    let Ok(found) = found else { return broken(name, "the documents are there") };
    for (thread, found) in threads.iter().zip(found) {
        let counted = oracle.counts_in_thread(person, group, *thread);
        if found != counted {
            let place = format!("{person} in {thread} of {group}");
            return broken(name, format!("{place}: {found:?}, not {counted:?}"));
        }
        if found.unread > 0 {
            world.sim.count("unread in a thread");
        }
    }
    Ok(())
}

pub(crate) fn counted_unread(said: &Said, person: AccountId, stream: StreamId) -> u64 {
    Recount::of(said, person, stream).unread(None)
}

/// What the log says of one conversation and person, the simple way.
#[derive(Default)]
struct Recount {
    active: Members,
    /// Nothing is unread for who has left.
    there: bool,
    /// The messages of others by number, with the thread that each is in.
    placed: BTreeMap<u64, Option<Threaded>>,
    gone: BTreeSet<u64>,
    joined: u64,
    read: u64,
    read_threads: BTreeMap<MessageId, u64>,
    threads: BTreeSet<MessageId>,
}

impl Recount {
    fn of(said: &Said, person: AccountId, stream: StreamId) -> Self {
        let mut found = Self::default();
        for it in said.events.iter().filter(|it| it.stream == stream) {
            found.takes(it, person);
        }
        for it in said.events.iter().filter(|it| it.stream == StreamId::Account(person)) {
            found.takes_own(&it.event, stream);
        }
        found.there = found.active.0.contains_key(&person);
        found
    }

    fn takes(&mut self, recorded: &Recorded, person: AccountId) {
        let before = self.active.0.contains_key(&person);
        self.active.follow(recorded);
        if let Event::MemberEvent(MemberEvent::MembersAdded(added)) = &recorded.event
            && !before
            && self.active.0.contains_key(&person)
        {
            self.joined = added.last_number.0;
            self.read = self.read.max(added.last_number.0);
        }
        match &recorded.event {
            Event::MessageEvent(MessageEvent::MessageSent(it)) => {
                self.threads.extend(it.thread.map(|it| it.thread_id));
                match (it.author_id == person, it.thread) {
                    (false, thread) => drop(self.placed.insert(it.number.0, thread)),
                    (true, Some(thread)) => self.reads(thread.thread_id, it.number.0),
                    (true, None) if it.unseen.is_none() => self.read = self.read.max(it.number.0),
                    (true, None) => (),
                }
            }
            Event::MessageEvent(MessageEvent::MessageDeleted(it)) => {
                self.gone.insert(it.number.0);
            }
            Event::RemovalEvent(RemovalEvent::MessageRemoved(it)) => {
                self.gone.insert(it.number.0);
            }
            Event::RemovalEvent(RemovalEvent::MessageRestored(it)) => {
                self.gone.remove(&it.number.0);
            }
            Event::ThreadEvent(ThreadEvent::MessageMoved(it)) => {
                self.threads.extend(it.to_thread_id);
                let thread = it.to_thread_id.map(|thread_id| Threaded { thread_id, moved: true });
                self.placed.entry(it.number.0).and_modify(|it| *it = thread);
            }
            _ => (),
        }
    }

    /// Takes in what stands in the person's own stream.
    fn takes_own(&mut self, event: &Event, stream: StreamId) {
        match event {
            Event::ReceiptEvent(ReceiptEvent::ReadMoved(moved))
                if StreamId::Conversation(moved.conversation_id) == stream =>
            {
                self.read = self.read.max(moved.number.0);
            }
            Event::MessageEvent(MessageEvent::MessageHidden(hidden))
                if StreamId::Conversation(hidden.conversation_id) == stream =>
            {
                self.gone.insert(hidden.number.0);
            }
            Event::ThreadEvent(ThreadEvent::ThreadReadMoved(moved))
                if StreamId::Conversation(moved.conversation_id) == stream =>
            {
                self.reads(moved.thread_id, moved.number.0);
            }
            _ => (),
        }
    }

    fn reads(&mut self, thread: MessageId, number: u64) {
        let read = self.read_threads.entry(thread).or_default();
        *read = (*read).max(number);
    }

    /// What is unread of a thread, or of the conversation's own line.
    fn unread(&self, line: Option<MessageId>) -> u64 {
        let own = line.and_then(|it| self.read_threads.get(&it)).copied().unwrap_or(0);
        let own = own.max(self.joined);
        let unread = self.placed.iter().filter(|(number, thread)| {
            let above = match thread {
                None => **number > self.read,
                Some(it) => **number > own && !(it.moved && **number <= self.read),
            };
            thread.map(|it| it.thread_id) == line && above && !self.gone.contains(number)
        });
        if self.there { unread.count() as u64 } else { 0 }
    }
}
