//! What readers heard, against what the log says that they may and must hear.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use chat::accounts::AccountId;
use chat::kernel::{Recorded, StreamId};
use chat::messages::MessageEvent;
use chat::sessions::SessionEvent;
use chat::{Change, Event};

use crate::check::{Members, Said};
use crate::people::Asked;
use crate::readers::{Frame, Lineage, Reader};
use crate::world::{Checked, World, broken};

/// The events that one person may see, by stream, each with the `seq` before it.
type Visible<'a> = BTreeMap<StreamId, Vec<(&'a Recorded, u64)>>;

/// Where each text was said: no two are alike.
type Texts = BTreeMap<String, (StreamId, u64)>;

/// Checks what every reader heard.
pub(crate) fn check(world: &World, said: &Said) -> Checked {
    let texts = texts(world, said);
    world.readers.with(|all| {
        for (n, reader) in all.iter().enumerate() {
            let visible = visible(said, reader.account);
            nobody_overhears(&visible, &texts, reader, n)?;
            signed_out_is_closed(said, reader, n)?;
            followed_is_fetched(&visible, reader, n)?;
            unread_is_counted(world, said, reader, n)?;
            cover(world, &visible, reader);
        }
        Ok(())
    })
}

fn visible(said: &Said, account: AccountId) -> Visible<'_> {
    let mut visible = Visible::new();
    for (stream, events) in said.streams() {
        let mut members = Members::default();
        let (mut last, mut seen): (Option<u64>, Vec<_>) = (None, Vec::new());
        for it in events {
            let before = members.0.contains_key(&account);
            members.follow(it);
            let sees = match stream {
                StreamId::Conversation(_) => before || members.0.contains_key(&account),
                StreamId::Account(id) => id == account,
                StreamId::Name(_) | StreamId::Instance => false,
            };
            if sees {
                let begins = !before && stream != StreamId::Account(account);
                let previous = last.filter(|_| begins).unwrap_or(it.seq - 1);
                seen.push((it, previous));
                last = Some(it.seq);
            }
        }
        visible.insert(stream, seen);
    }
    visible
}

fn texts(world: &World, said: &Said) -> Texts {
    let first = said.events.iter().filter(|it| it.command.index == 0);
    let places = first.map(|it| ((it.actor, it.command.client_id), (it.stream, it.seq)));
    let places: BTreeMap<_, _> = places.collect();
    let asked = world.history.asked().into_iter();
    let place = |it: Asked| Some((it.text?, *places.get(&(Some(it.actor), it.client_id))?));
    let mut texts: Texts = asked.filter_map(place).collect();
    // What was scheduled is heard where it was sent.
    let asked = world.history.asked().into_iter();
    let asked = asked.filter_map(|it| Some(((it.actor, it.client_id), it.text?))).collect();
    let scheduled = crate::scheduled::texts(said, &asked);
    for it in &said.events {
        if let Event::MessageEvent(MessageEvent::MessageSent(sent)) = &it.event
            && let Some(text) = scheduled.get(&sent.message_id)
        {
            texts.insert(text.clone(), (it.stream, it.seq));
        }
    }
    texts
}

/// No frame tells of an event, or shows a text, that its reader may not see.
fn nobody_overhears(visible: &Visible<'_>, texts: &Texts, reader: &Reader, n: usize) -> Checked {
    for frame in reader.lineages.iter().flat_map(|it| &it.frames) {
        let seen = visible.get(&frame.stream).map_or(&[][..], Vec::as_slice);
        let found = seen.iter().find(|(it, _)| it.seq == frame.seq);
        if found.is_none_or(|(it, _)| it.event.name() != frame.event) {
            return broken("nobody_overhears", format!("reader {n} hears {frame:?}"));
        }
        let shown = ["text", "title"].iter().find_map(|it| frame.change[*it].as_str());
        let Some(shown) = shown else { continue };
        let said = texts.get(shown);
        let until = seen.last().map_or(0, |(it, _)| it.seq);
        if said.is_none_or(|(stream, seq)| *stream != frame.stream || *seq > until) {
            let seen = format!("reader {n} may see until {until}, not {said:?}: {frame:?}");
            return broken("nobody_overhears", seen);
        }
    }
    Ok(())
}

/// Whose session has ended hears nothing more, and nobody else is shut out.
fn signed_out_is_closed(said: &Said, reader: &Reader, n: usize) -> Checked {
    let ended = said.events.iter().any(|it| match &it.event {
        Event::SessionEvent(SessionEvent::SessionEnded(it)) => it.session_id == reader.session_id,
        _ => false,
    });
    match ended == reader.signed_out {
        true => Ok(()),
        false => broken("signed_out_is_closed", format!("reader {n}: the log says {ended}")),
    }
}

/// Everything that a reader may see after a place arrives once, in order and linked, over all
/// connections together.
fn followed_is_fetched(visible: &Visible<'_>, reader: &Reader, n: usize) -> Checked {
    let name = "followed_is_fetched";
    if let Some(faulty) = &reader.faulty {
        return broken(name, format!("reader {n} is told what can't be read: {faulty}"));
    }
    let last = reader.lineages.len() - 1;
    for (at, lineage) in reader.lineages.iter().enumerate() {
        let places = lineage.after.iter().chain(lineage.frames.iter().map(|it| &it.position));
        let forward = places.clone().zip(places.skip(1)).all(|(one, it)| it.covers(one));
        if !forward {
            return broken(name, format!("positions of reader {n} run backwards"));
        }
        // What begins at now begins with whatever comes first.
        let (start, frames) = match (&lineage.after, lineage.frames.split_first()) {
            (Some(after), _) => (after, lineage.frames.as_slice()),
            (None, Some((first, frames))) => (&first.position, frames),
            (None, None) => continue,
        };
        let end = lineage.frames.last().map(|it| &it.position);
        for (stream, events) in visible {
            let heard: Vec<&Frame> = frames.iter().filter(|it| it.stream == *stream).collect();
            let after = events.iter().filter(|(it, _)| it.ordinal > start.ordinal(it.partition));
            let (expected, beyond): (Vec<_>, Vec<_>) = after.copied().partition(|(it, _)| {
                (at == last && !reader.signed_out)
                    || end.is_some_and(|end| end.ordinal(it.partition) >= it.ordinal)
            });
            let fits = match reader.compact {
                true => is_compacted(&expected, &beyond, &heard),
                false => is_all(&expected, &heard),
            };
            if !fits {
                let heard: Vec<_> = heard.iter().map(|it| (it.seq, it.previous_seq)).collect();
                let expected: Vec<_> = expected.iter().map(|(it, prev)| (it.seq, *prev)).collect();
                let seen = format!("reader {n} in {stream}: {heard:?} in place of {expected:?}");
                return broken(name, seen);
            }
        }
    }
    Ok(())
}

/// Each event once, in order, with its link.
fn is_all(expected: &[(&Recorded, u64)], heard: &[&Frame]) -> bool {
    let expected = expected.iter().map(|(it, previous)| (it.seq, *previous));
    expected.eq(heard.iter().map(|it| (it.seq, it.previous_seq)))
}

/// In order, linked to each other, and of each document the last change. The place of a frame
/// covers what was left out before it, in all streams: whoever is cut off in between finds the
/// next frame linked to what was left out.
fn is_compacted(
    expected: &[(&Recorded, u64)],
    beyond: &[(&Recorded, u64)],
    heard: &[&Frame],
) -> bool {
    let Some((_, mut link)) = expected.first().copied() else { return heard.is_empty() };
    let (mut seqs, mut since) = (BTreeSet::new(), None);
    for it in heard {
        let links = expected.iter().any(|(event, previous)| {
            event.seq == it.seq && (link..=*previous).contains(&it.previous_seq)
        });
        let linked = it.previous_seq == link || (since != Some(it.since_ms) && links);
        if !linked || it.seq <= link {
            return false;
        }
        (link, since) = (it.seq, Some(it.since_ms));
        seqs.insert(it.seq);
    }
    let mut later: HashSet<Change> = beyond.iter().map(|(it, _)| it.meaning().0).collect();
    expected.iter().rev().all(|(it, _)| {
        let change = it.meaning().0;
        let told = seqs.contains(&it.seq);
        if told {
            later.insert(change);
        }
        told || (change != Change::None && later.contains(&change))
    })
}

/// The last frame of each conversation has the count that the log says. A count that was read
/// from half a batch stands until the next event: only stores that write it at once are promised.
fn unread_is_counted(world: &World, said: &Said, reader: &Reader, n: usize) -> Checked {
    if world.sim.config.write_partly > 0 || reader.signed_out {
        return Ok(());
    }
    let frames = &reader.lineages.last().expect("there is one").frames;
    for group in world.history.groups.lock().expect("a lock").iter() {
        let stream = StreamId::Conversation(*group);
        let mut members = Members::default();
        let events = said.events.iter().filter(|it| it.stream == stream);
        events.for_each(|it| members.follow(it));
        if !members.0.contains_key(&reader.account) {
            continue;
        }
        let id = group.to_string();
        let about = |it: &&Frame| {
            let read = it.change["__typename"] == "ReadState" && it.change["conversationId"] == *id;
            it.stream == stream || read
        };
        let Some(frame) = frames.iter().rev().find(about) else { continue };
        let counted = crate::counts::counted_unread(said, reader.account, stream);
        if frame.unread != counted {
            let seen = format!("reader {n} has {counted} unread in place of {frame:?}");
            return broken("unread_is_counted", seen);
        }
    }
    Ok(())
}

/// Counts what kinds of frames arrived.
fn cover(world: &World, visible: &Visible<'_>, reader: &Reader) {
    let sim = &world.sim;
    let frames = |it: &Lineage| it.frames.len();
    let heard: usize = reader.lineages.iter().map(frames).sum();
    let events: usize = visible.values().map(Vec::len).sum();
    if reader.compact && heard > 0 && heard < events {
        sim.count("compacted");
    }
    if sim.config.clock_jumps {
        return;
    }
    for frame in reader.lineages.iter().flat_map(|it| &it.frames) {
        let event = visible[&frame.stream].iter().find(|(it, _)| it.seq == frame.seq);
        let since = event.map_or(0, |(it, _)| it.occurred_at.0);
        sim.count(if since > frame.since_ms { "live frame" } else { "replayed frame" });
    }
}
