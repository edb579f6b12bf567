//! The invariants, each a function with its name, over the log, the stores and what people heard.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chat::Event;
use chat::accounts::AccountId;
use chat::conversations::ConversationEvent;
use chat::kernel::codec::Batch;
use chat::kernel::event::Reaction;
use chat::kernel::{Personal, Recorded, StreamId};
use chat::members::{MemberEvent, Role};
use chat::messages::{Body, Message, MessageEvent};
use chat::reactions::ReactionEvent;
use chat::threads::ThreadEvent;
use ports::event_log::{Fold, RECORD_BYTES_MAX, Rejection, Verdict};
use uuid::Uuid;

use crate::others::Stores;
use crate::people::{Answer, Asked, CANARY};
use crate::removed::{Removals, Texts};
use crate::sim::{Mutant, Sim};
use crate::world::{Checked, Running, World, broken};

/// Largest document of this run's size, in bytes.
const DOCUMENT_BYTES_MAX: usize = 16 * 1_024;

/// Which command an event came from.
type CommandKey = (StreamId, AccountId, Uuid);

/// What the log says: the events that count, in the order of each partition.
pub(crate) struct Said {
    pub(crate) events: Vec<Recorded>,
}

impl Said {
    /// Reads the log by the rule under test.
    pub(crate) fn read(sim: &Sim, stores: &Stores) -> Result<Self, crate::world::Violation> {
        let mut events = Vec::new();
        for partition in 0..sim.config.partitions {
            let mut fold = Fold::default();
            for entry in stores.log.entries(partition) {
                let rules = sim.config.mutant.rules();
                match fold.step_by(rules, entry.offset, &entry.bytes) {
                    Err(_) => return broken("dense_and_ordered", "a partition is halted"),
                    Ok(Verdict::Accepted { record, first_ordinal }) => {
                        let first_seq = record.header.first_seq;
                        let read = Batch::decode(&record.payload)
                            .and_then(|it| it.recorded(partition, first_seq, first_ordinal));
                        match read {
                            Ok(read) => events.extend(read),
                            Err(_) => return broken("dense_and_ordered", "unreadable events"),
                        }
                    }
                    Ok(Verdict::Claimed(_)) => sim.count("claim accepted"),
                    Ok(Verdict::Rejected { rejection, .. }) => match rejection {
                        Rejection::StaleClaim => sim.count("claim lost"),
                        Rejection::StaleTerm => sim.count("stale batch"),
                        Rejection::Duplicate => sim.count("duplicate batch"),
                        Rejection::Gap => sim.count("gap batch"),
                        Rejection::ChainMismatch => {
                            return broken("one_order", "a batch does not follow its predecessor");
                        }
                    },
                }
            }
        }
        Ok(Self { events })
    }

    pub(crate) fn streams(&self) -> BTreeMap<StreamId, Vec<&Recorded>> {
        let mut streams: BTreeMap<StreamId, Vec<&Recorded>> = BTreeMap::new();
        for it in &self.events {
            streams.entry(it.stream).or_default().push(it);
        }
        streams
    }

    fn by_command(&self) -> BTreeMap<CommandKey, Vec<&Recorded>> {
        let mut commands: BTreeMap<CommandKey, Vec<&Recorded>> = BTreeMap::new();
        for it in &self.events {
            let actor = it.actor.expect("people act");
            commands.entry((it.stream, actor, it.command.client_id)).or_default().push(it);
        }
        commands
    }
}

/// Checks everything.
pub(crate) async fn all(world: &Arc<World>, last: &Running) -> Checked {
    let said = Said::read(&world.sim, &world.stores)?;
    world.sim.note(format_args!("{} events", said.events.len()));
    let asked = world.history.asked();
    dense_and_ordered(&said)?;
    once_per_key(&said, &asked)?;
    acknowledged_is_recorded(&said, &asked)?;
    honest_outcome(&said, &asked)?;
    real_time(&asked)?;
    permitted(&said)?;
    bounded(&world.stores)?;
    erased_is_gone(world, &said, last).await?;
    what_was_said_is_kept(world, &said, &asked)?;
    crate::counts::no_drift(world, &said, last).await?;
    crate::scheduled::each_is_sent_once(world, &said, last).await?;
    crate::tallies::tallies_are_exact(world, &said, last).await?;
    crate::heard::check(world, &said)?;
    if matches!(world.sim.config.mutant, Mutant::None | Mutant::CheckpointFirst) {
        crate::rebuilt::rebuilt_is_live(world).await?;
        crate::rebuilt::delivery_does_not_matter(world).await?;
    }
    Ok(())
}

fn dense_and_ordered(said: &Said) -> Checked {
    let name = "dense_and_ordered";
    for (stream, events) in said.streams() {
        let mut numbers = 0;
        for (seq, it) in (1..).zip(&events) {
            if it.seq != seq {
                return broken(name, format!("{stream} has seq {} in place of {seq}", it.seq));
            }
            if let Event::MessageEvent(MessageEvent::MessageSent(sent)) = &it.event {
                numbers += 1;
                if sent.number.0 != numbers {
                    return broken(name, format!("{stream} has number {}", sent.number.0));
                }
            }
        }
        let in_time = events.windows(2).all(|it| it[0].occurred_at <= it[1].occurred_at);
        if !in_time {
            return broken(name, format!("time runs backwards in {stream}"));
        }
    }
    Ok(())
}

fn once_per_key(said: &Said, asked: &[Asked]) -> Checked {
    let name = "once_per_key";
    for (key, events) in said.by_command() {
        if events.iter().filter(|it| it.command.index == 0).count() > 1 {
            return broken(name, format!("{key:?} is recorded twice"));
        }
    }
    for it in asked {
        let mut done = it.answers.iter().filter_map(|(_, it)| match it {
            Answer::Done(it) => Some((it.stream, it.first_seq)),
            Answer::No(_) | Answer::Mismatch => None,
        });
        let first = done.next();
        // What changed nothing may change something the next time.
        if let Some(first) = first.filter(|(_, seq)| *seq > 0)
            && done.any(|it| it != first)
        {
            return broken(name, format!("two results of {it:?}"));
        }
        if it.answers.iter().any(|(_, it)| *it == Answer::Mismatch) {
            return broken(name, format!("its own body does not match: {it:?}"));
        }
        let sent = first.is_some_and(|(_, seq)| seq > 0);
        let erased = |answer: &Answer| matches!(answer, Answer::Done(done) if done.repeated);
        let other = it.other_body.iter().find(|it| **it != Answer::Mismatch && !erased(it));
        if let Some(other) = other.filter(|_| sent) {
            return broken(name, format!("another body was answered {other:?}: {it:?}"));
        }
    }
    Ok(())
}

fn acknowledged_is_recorded(said: &Said, asked: &[Asked]) -> Checked {
    let commands = said.by_command();
    for it in asked {
        for (_, answer) in &it.answers {
            let Answer::Done(done) = answer else { continue };
            if done.first_seq == 0 {
                continue;
            }
            let events = commands.get(&(done.stream, it.actor, it.client_id));
            let there = events.is_some_and(|events| {
                events.first().is_some_and(|it| it.seq == done.first_seq)
                    && events.last().is_some_and(|it| it.ordinal == done.ordinal)
            });
            if !there {
                return broken("acknowledged_is_recorded", format!("{it:?} is not in the log"));
            }
        }
    }
    Ok(())
}

/// A refusal says that nothing was or will be written.
fn honest_outcome(said: &Said, asked: &[Asked]) -> Checked {
    let written: BTreeSet<(AccountId, Uuid)> =
        said.by_command().keys().map(|(_, actor, id)| (*actor, *id)).collect();
    for it in asked {
        let refused = it.answers.iter().any(|(_, it)| matches!(it, Answer::No(_)));
        if refused && written.contains(&(it.actor, it.client_id)) {
            // A repetition of what was refused may find that it is allowed by now.
            let done = it.answers.iter().position(|(_, it)| matches!(it, Answer::Done(_)));
            let no = it.answers.iter().rposition(|(_, it)| matches!(it, Answer::No(_)));
            if done.is_none() || done < no {
                return broken("honest_outcome", format!("refused and recorded: {it:?}"));
            }
        }
    }
    Ok(())
}

fn real_time(asked: &[Asked]) -> Checked {
    let mut by_stream: BTreeMap<StreamId, Vec<(&Asked, tokio::time::Instant, u64)>> =
        BTreeMap::new();
    for it in asked {
        if let Some((at, Answer::Done(done))) = it.answers.first()
            && done.first_seq > 0
        {
            by_stream.entry(done.stream).or_default().push((it, *at, done.first_seq));
        }
    }
    for commands in by_stream.values() {
        for (one, answered, seq) in commands {
            let later = commands.iter().find(|(it, _, other)| it.began > *answered && other < seq);
            if let Some((later, ..)) = later {
                return broken("real_time", format!("{later:?} stands before {one:?}"));
            }
        }
    }
    Ok(())
}

/// Membership and roles as they are at each event of a conversation.
#[derive(Default, Clone)]
pub(crate) struct Members(pub(crate) BTreeMap<AccountId, Role>);

impl Members {
    pub(crate) fn follow(&mut self, event: &Recorded) {
        match &event.event {
            Event::ConversationEvent(ConversationEvent::GroupCreated(it)) => {
                self.0.insert(it.owner_id, Role::Owner);
            }
            Event::ConversationEvent(ConversationEvent::DirectOpened(it)) => {
                self.0.extend(it.account_ids.iter().map(|it| (*it, Role::Member)));
            }
            Event::MemberEvent(MemberEvent::MembersAdded(it)) => {
                self.0.extend(it.account_ids.iter().map(|id| (*id, it.role)));
            }
            Event::MemberEvent(MemberEvent::MemberLeft(it)) => {
                self.0.remove(&it.account_id);
            }
            Event::MemberEvent(MemberEvent::MemberRemoved(it)) => {
                self.0.remove(&it.account_id);
            }
            Event::MemberEvent(MemberEvent::RoleChanged(it)) => {
                self.0.insert(it.account_id, it.role);
            }
            _ => (),
        }
    }
}

/// Every event is allowed by the state before it.
fn permitted(said: &Said) -> Checked {
    for (stream, events) in said.streams() {
        let mut members = Members::default();
        let (mut authors, mut removals) = (BTreeMap::new(), Removals::default());
        for it in events {
            let actor = it.actor.expect("people act");
            let role = members.0.get(&actor).copied();
            let manages = role.is_some_and(Role::manages);
            let allowed = match &it.event {
                Event::MessageEvent(MessageEvent::MessageSent(sent)) => {
                    authors.insert(sent.message_id, actor);
                    role.is_some() && sent.author_id == actor
                }
                Event::MessageEvent(MessageEvent::MessageEdited(edited)) => {
                    role.is_some() && authors.get(&edited.message_id) == Some(&actor)
                }
                Event::MessageEvent(MessageEvent::MessageDeleted(gone)) => {
                    // A second deletion finds nothing.
                    role.is_some() && authors.remove(&gone.message_id) == Some(actor)
                }
                Event::RemovalEvent(it) => {
                    role.is_some() && removals.allow(it, actor, manages, &mut authors)
                }
                Event::ReactionEvent(ReactionEvent::ReactionAdded(added)) => {
                    let there = authors.get(&added.message_id) == Some(&added.author_id);
                    role.is_some() && there && added.account_id == actor
                }
                Event::ReactionEvent(ReactionEvent::ReactionRemoved(removed)) => {
                    let there = authors.get(&removed.message_id) == Some(&removed.author_id);
                    role.is_some() && there && removed.account_id == actor
                }
                Event::MemberEvent(MemberEvent::MembersAdded(added)) => {
                    let new = added.account_ids.iter().all(|it| !members.0.contains_key(it));
                    new && (manages || it.command.index > 0)
                }
                Event::MemberEvent(MemberEvent::MemberRemoved(removed)) => {
                    manages && members.0.get(&removed.account_id).copied() < role
                }
                Event::MemberEvent(MemberEvent::MemberLeft(_)) => role.is_some(),
                Event::MemberEvent(MemberEvent::RoleChanged(_)) => role == Some(Role::Owner),
                Event::ConversationEvent(ConversationEvent::GroupRenamed(_)) => manages,
                Event::ThreadEvent(ThreadEvent::MessageMoved(_)) => manages,
                _ => true,
            };
            if !allowed {
                let name = it.event.name();
                return broken("permitted", format!("{name} at {stream} {} is not", it.seq));
            }
            members.follow(it);
        }
    }
    Ok(())
}

fn bounded(stores: &Stores) -> Checked {
    for (collection, shelf) in stores.documents.all() {
        for (id, (stored, _)) in &shelf.by_id {
            let size = stored.body.as_ref().map_or(0, |it| it.len());
            if size > DOCUMENT_BYTES_MAX {
                return broken("bounded", format!("{collection} {id} has {size} bytes"));
            }
            if holds(stored.body.as_deref().unwrap_or_default(), CANARY) {
                return broken("erased_is_gone", format!("{collection} {id} is in clear"));
            }
        }
    }
    for partition in 0..stores.sim.config.partitions {
        for entry in stores.log.entries(partition) {
            if entry.bytes.len() > RECORD_BYTES_MAX {
                return broken("bounded", format!("a record of {} bytes", entry.bytes.len()));
            }
            if holds(&entry.bytes, CANARY) {
                return broken("erased_is_gone", "the log holds text in clear");
            }
        }
    }
    Ok(())
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

/// The key of what was deleted is gone, from the store and from every memory.
async fn erased_is_gone(world: &World, said: &Said, last: &Running) -> Checked {
    for it in &said.events {
        for reaction in chat::reactions(it) {
            let Reaction::DestroyKey { tree, leaf } = reaction;
            let stored = world.stores.keys.tree(tree).is_some_and(|it| it.leaf(leaf).is_some());
            let mut held = last.keyring.leaf(tree, leaf).await.ok().flatten().is_some();
            held |= world.reading.leaf(tree, leaf).await.ok().flatten().is_some();
            if stored || held {
                let seen = format!("{it:?} can be read (stored {stored}, held {held})");
                return broken("erased_is_gone", seen);
            }
            world.sim.count("message erased");
        }
    }
    Ok(())
}

/// What a message says in the end is what its author was told that it says.
fn what_was_said_is_kept(world: &World, said: &Said, asked: &[Asked]) -> Checked {
    let text = |it: &'_ Asked| Some(((it.actor, it.client_id), it.text.clone()?));
    let texts: BTreeMap<(AccountId, Uuid), String> = asked.iter().filter_map(text).collect();
    let scheduled = crate::scheduled::texts(said, &texts);
    let (mut expected, mut removed) = (BTreeMap::new(), Texts::default());
    for it in &said.events {
        let by = || it.actor.and_then(|actor| texts.get(&(actor, it.command.client_id)).cloned());
        match &it.event {
            Event::MessageEvent(MessageEvent::MessageSent(sent)) => {
                let text = by().or_else(|| scheduled.get(&sent.message_id).cloned());
                expected.insert(sent.message_id.to_string(), text);
            }
            Event::MessageEvent(MessageEvent::MessageEdited(edited)) => {
                expected.insert(edited.message_id.to_string(), by());
            }
            Event::MessageEvent(MessageEvent::MessageDeleted(gone)) => {
                expected.insert(gone.message_id.to_string(), None);
            }
            Event::RemovalEvent(it) => removed.follow(it, &mut expected, &world.sim),
            _ => (),
        }
    }
    let all = world.stores.documents.all();
    for (id, text) in expected {
        let stored = all["messages"].by_id.get(&id).and_then(|(it, _)| it.body.clone());
        let message = stored.and_then(|it| serde_json::from_slice::<Message>(&it).ok());
        let found = message.and_then(|it| it.body).and_then(|body| {
            let Personal::Sealed(sealed) = &body else { return None };
            let leaf = world.stores.keys.tree(sealed.name.tree)?.leaf(sealed.name.leaf)?;
            Personal::<Body>::open(sealed, &leaf).map(|it| it.markdown)
        });
        if found != text {
            let seen = format!("{id} says {found:?} in place of {text:?}");
            return broken("acknowledged_is_recorded", seen);
        }
    }
    Ok(())
}
