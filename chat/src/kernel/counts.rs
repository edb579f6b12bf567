//! The law of counts: what blocks and pointers say is what counting one by one says.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;

use super::folds;
use super::testing::{Given, account, given};
use super::time::Long;
use super::{Keyring, Reader, StreamId};
use crate::accounts::AccountId;
use crate::chat_list::{Badge, counts};
use crate::checkpoint::Checkpoint;
use crate::contacts::Contact;
use crate::conversations::ConversationId;
use crate::members::{Member, MemberEvent};
use crate::messages::{
    Message, MessageDeleted, MessageEvent, MessageHidden, MessageId, Stretch, absent_in, hidden_in,
};
use crate::oracle::{Counts, CountsInThread, Oracle, Share, badge};
use crate::privacy::{PrivacyEvent, Setting};
use crate::receipts::{ReceiptEvent, Unread, readers, readers_counted};
use crate::removals::RemovalEvent;
use crate::threads::{ThreadEvent, counts_in_threads};

/// Stores every document of a world in a folder of its own and reads there.
pub(crate) fn reading<T>(world: &Given, read: impl AsyncFnOnce(Reader) -> T) -> T {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let opened = ports::open(&ports::Config::embedded(dir.path())).await;
        let opened = opened.expect("an empty folder");
        let documents = Arc::clone(&opened.ports.documents);
        let collections: Vec<_> = crate::PROJECTIONS.iter().map(|it| it.collection).collect();
        documents.declare(&collections).await.expect("declared collections");
        documents.index().await.expect("declared collections");
        let writes = world.writes();
        documents.write(0, writes, Checkpoint::default().mark()).await.expect("stored documents");
        read(Reader::new(documents, Arc::new(Keyring::new(&opened.ports)))).await
    })
}

/// Numbers near the edges of blocks and of blocks of blocks, and anywhere.
fn numbers(count: usize) -> impl Strategy<Value = BTreeSet<u64>> {
    let near = |at: u64| at.saturating_sub(3).max(1)..at + 4;
    let number = prop_oneof![
        near(1),
        near(1_024),
        near(2_048),
        near(1_024 * 1_024),
        near(2 * 1_024 * 1_024),
        1..3_000_u64,
        1..3_000_000_u64,
    ];
    prop::collection::btree_set(number, 0..count)
}

fn gone(deleted: &BTreeSet<u64>, hidden: &BTreeSet<u64>) -> (Given, ConversationId) {
    let (ann, conversation_id) = (account(1), ConversationId(account(2).0));
    let message_id =
        |number: u64| MessageId(super::id::derive(account(3).0, &[&number.to_be_bytes()]));
    let world = deleted.iter().fold(given(), |world, number| {
        let deleted = MessageDeleted {
            message_id: message_id(*number),
            conversation_id,
            number: Long(*number),
            author_id: ann,
            leaf: Long(0),
            mentions: Vec::new(),
            everyone: None,
            thread: None,
            files: None,
            file_bytes: None,
        };
        world.happened(StreamId::Conversation(conversation_id), ann, deleted.into())
    });
    let world = hidden.iter().fold(world, |world, number| {
        let hidden = MessageHidden {
            message_id: message_id(*number),
            conversation_id,
            number: Long(*number),
            account_id: ann,
            thread_id: None,
        };
        world.happened(StreamId::Account(ann), ann, hidden.into())
    });
    (world, conversation_id)
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(12)
    })]

    #[test]
    fn what_is_gone_is_counted_as_one_by_one(
        deleted in numbers(60),
        hidden in numbers(60),
        probes in numbers(12),
    ) {
        let (world, conversation) = gone(&deleted, &hidden);
        let probes = probes.iter().chain(&deleted).chain(&hidden).copied().chain([0]);
        let above = |set: &BTreeSet<u64>, number| set.range(number + 1..).count() as u64;
        let left: BTreeSet<u64> = hidden.difference(&deleted).copied().collect();
        let expected: Vec<_> =
            probes.map(|it| (it, above(&deleted, it), above(&left, it))).collect();
        let found = reading(&world, async |reader| {
            let stretch = |above| Stretch { conversation, above, last: 3_100_000 };
            let stretches: Vec<_> = expected.iter().map(|(above, ..)| stretch(*above)).collect();
            let deleted = absent_in(&reader, &stretches).await.expect("counts");
            let hidden = hidden_in(&reader, account(1), &stretches).await.expect("counts");
            let found = stretches.iter().map(|it| it.above).zip(deleted).zip(hidden);
            found.map(|((number, deleted), hidden)| (number, deleted, hidden)).collect::<Vec<_>>()
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn who_has_read_is_what_asking_one_by_one_says(attempts in folds::attempts()) {
        let (world, _) = folds::world(attempts);
        let sent = world.history().iter().filter_map(|it| match MessageEvent::of(&it.event) {
            Some(MessageEvent::MessageSent(it)) => world.document::<Message>(it.message_id),
            Some(_) | None => None,
        });
        let pairs = sent.flat_map(|it| (0..4).map(move |n| (account(n), it.clone())));
        let pairs: Vec<_> = pairs.collect();
        let expected: Vec<_> =
            pairs.iter().map(|(viewer, message)| read_by(&world, *viewer, message)).collect();
        let found = reading(&world, async |reader| {
            let mut found = Vec::new();
            for (viewer, message) in &pairs {
                let who = readers(&reader, *viewer, message).await.expect("readers");
                let counted = readers_counted(&reader, *viewer, message).await.expect("a count");
                assert_eq!(counted, who.len());
                found.push(who.into_iter().collect::<BTreeSet<_>>());
            }
            found
        });
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn counts_and_badges_are_what_the_log_alone_says(attempts in folds::attempts()) {
        let (world, _) = folds::world(attempts);
        let now = world.last_context(account(0)).now;
        let oracle = followed(&world, usize::MAX).remove(0);
        let pairs = oracle.memberships();
        let expected: Vec<Counts> =
            pairs.iter().map(|(who, at)| oracle.counts(*who, *at, now)).collect();
        let badges: Vec<Badge> = (0..4).map(|n| oracle.badge(account(n), now)).collect();
        let threads: Vec<_> = pairs.iter().map(|(_, at)| oracle.threads(*at)).collect();
        let apart: Vec<_> = pairs.iter().map(|pair| in_threads(&oracle, *pair)).collect();
        let (found, there, shown) = reading(&world, async |reader| {
            let (mut found, mut there, mut shown) = (Vec::new(), Vec::new(), Vec::new());
            for ((who, at), threads) in pairs.iter().zip(&threads) {
                let counted = counts_in_threads(&reader, *who, *at, threads).await;
                there.push(counted.expect("the documents"));
                found.push(counts(&reader, *who, *at, now).await.expect("the documents"));
            }
            for n in 0..4 {
                shown.push(Badge::load(&reader, account(n), now).await.expect("the documents"));
            }
            (found, there, shown)
        });
        prop_assert_eq!(found, expected);
        prop_assert_eq!(there, apart);
        prop_assert_eq!(shown, badges);
    }

    #[test]
    fn what_is_counted_in_shares_is_what_is_counted_at_once(
        attempts in folds::attempts(),
        held_max in 0..60_usize,
    ) {
        let (world, _) = folds::world(attempts);
        let now = world.last_context(account(0)).now;
        let whole = followed(&world, usize::MAX).remove(0);
        let (mut pairs, mut standing) = (BTreeSet::new(), BTreeMap::<_, Vec<_>>::new());
        for part in followed(&world, held_max) {
            for pair @ (who, at) in part.memberships() {
                prop_assert!(pairs.insert(pair), "{at} is in two shares");
                prop_assert_eq!(part.counts(who, at, now), whole.counts(who, at, now));
                prop_assert_eq!(in_threads(&part, pair), in_threads(&whole, pair));
                standing.entry(who).or_default().extend(part.standing(who, at, now));
            }
        }
        prop_assert_eq!(pairs, whole.memberships().into_iter().collect());
        for (who, all) in standing {
            prop_assert_eq!(badge(all), whole.badge(who, now));
        }
    }

    #[test]
    fn unread_and_mentions_are_what_counting_one_by_one_says(attempts in folds::attempts()) {
        let (world, places) = folds::world(attempts);
        let pairs = places.into_iter().flat_map(|it| (0..4).map(move |n| (account(n), it)));
        let pairs: Vec<_> = pairs.collect();
        let expected = pairs.iter().map(|(who, at)| {
            let unread = unread(&world, *who, *at);
            let mentions = unread.iter().filter(|it| mentions(&world, *who, *at, **it)).count();
            (unread.len() as u64, mentions)
        });
        let expected: Vec<_> = expected.collect();
        let found = reading(&world, async |reader| {
            let mut counts = Vec::new();
            for (who, at) in &pairs {
                let unread = Unread::load(&reader, *who, *at).await.expect("a count");
                let mentions = unread.mentions(&reader, *who, *at).await.expect("a count");
                counts.push((unread.count, mentions));
            }
            counts
        });
        prop_assert_eq!(found, expected);
    }
}

/// Oracles that have followed everything, each a share in which it remembers so much at most.
fn followed(world: &Given, held_max: usize) -> Vec<Oracle> {
    // Streams in any order, here the last first: only each has an order.
    let streams: BTreeSet<StreamId> = world.history().iter().map(|it| it.stream).collect();
    let (mut shares, mut all) = (vec![Share::default()], Vec::new());
    while let Some(share) = shares.pop() {
        let mut oracle = Oracle::of(share);
        for stream in streams.iter().rev() {
            for event in world.history().iter().filter(|it| it.stream == *stream) {
                oracle.follow(event);
                shares.extend(oracle.narrow(held_max));
            }
        }
        all.push(oracle);
    }
    all
}

/// What a person has not read of each thread of a conversation.
fn in_threads(oracle: &Oracle, (who, at): (AccountId, ConversationId)) -> Vec<CountsInThread> {
    let threads = oracle.threads(at).into_iter();
    threads.map(|it| oracle.counts_in_thread(who, at, it)).collect()
}

/// How far a person has read by marking and by sending, in the whole history.
fn read_number(world: &Given, who: AccountId, at: ConversationId) -> u64 {
    let read = world.history().iter().filter_map(|it| {
        let moved = ReceiptEvent::of(&it.event).map(|ReceiptEvent::ReadMoved(it)| it);
        let moved = moved.filter(|it| (it.account_id, it.conversation_id) == (who, at));
        let sent = match MessageEvent::of(&it.event) {
            Some(MessageEvent::MessageSent(it)) => Some(it),
            Some(_) | None => None,
        };
        let sent = sent.filter(|it| (it.author_id, it.conversation_id) == (who, at));
        let sent = sent.filter(|it| it.unseen.is_none() && it.thread.is_none());
        moved.map(|it| it.number.0).or(sent.map(|it| it.number.0))
    });
    read.max().unwrap_or(0)
}

/// Whether a person shows another their receipts.
fn shows(world: &Given, who: AccountId, whom: AccountId) -> bool {
    let set = world.history().iter().rev().find_map(|it| match PrivacyEvent::of(&it.event) {
        Some(PrivacyEvent::PrivacySet(it)) => {
            let own = (it.account_id, it.setting) == (who, Setting::ReadReceipts);
            own.then_some(it.rules.first().is_some_and(|it| it.allow))
        }
        None => None,
    });
    let said = world.document::<Contact>(Contact::id(who, whom));
    set.unwrap_or(true) && said.is_none_or(|it| it.blocked_since.is_none())
}

/// Who of the others has read a message as somebody sees it, found one by one.
fn read_by(world: &Given, viewer: AccountId, message: &Message) -> BTreeSet<AccountId> {
    let at = message.conversation_id;
    let others = (0..4).map(account).filter(|it| ![viewer, message.author_id].contains(it));
    let there = others.filter(|it| {
        let member = world.document::<Member>(Member::id(at, *it));
        member.is_some_and(|it| it.active && it.joined_seq <= message.seq)
    });
    let shown = there.filter(|it| shows(world, *it, viewer) && shows(world, viewer, *it));
    shown.filter(|it| read_number(world, *it, at) >= message.number).collect()
}

/// Whether a message mentions a person, alone or with everyone, as the whole history says.
fn mentions(world: &Given, who: AccountId, at: ConversationId, number: u64) -> bool {
    let said = world.history().iter().rev().find_map(|it| match MessageEvent::of(&it.event) {
        Some(MessageEvent::MessageSent(it))
            if (it.conversation_id, it.number.0) == (at, number) =>
        {
            Some((it.mentions.clone(), it.everyone))
        }
        Some(MessageEvent::MessageEdited(it))
            if (it.conversation_id, it.number.0) == (at, number) =>
        {
            Some((it.mentions.clone(), it.everyone))
        }
        Some(_) | None => None,
    });
    said.is_some_and(|(accounts, everyone)| accounts.contains(&who) || everyone == Some(true))
}

/// A person's unread messages, by reading the whole history.
fn unread(world: &Given, who: AccountId, at: ConversationId) -> BTreeSet<u64> {
    let (mut unread, mut hidden) = (BTreeSet::new(), BTreeSet::new());
    let (mut read, mut last) = (0, 0);
    for event_of in world.history() {
        let event = &event_of.event;
        match MessageEvent::of(event) {
            Some(MessageEvent::MessageSent(it)) if it.conversation_id == at => {
                last = it.number.0;
                if it.thread.is_some() {
                    continue;
                }
                match (it.author_id == who, it.unseen.is_some()) {
                    (true, true) => (),
                    (true, false) => read = last,
                    (false, _) => drop(unread.insert(last)),
                }
            }
            Some(MessageEvent::MessageDeleted(it)) if it.conversation_id == at => {
                unread.remove(&it.number.0);
            }
            Some(MessageEvent::MessageHidden(it))
                if it.conversation_id == at && it.account_id == who =>
            {
                hidden.insert(it.number.0);
                unread.remove(&it.number.0);
            }
            Some(_) | None => (),
        }
        match RemovalEvent::of(event) {
            Some(RemovalEvent::MessageRemoved(it)) if it.conversation_id == at => {
                unread.remove(&it.number.0);
            }
            Some(RemovalEvent::MessageRestored(it))
                if it.conversation_id == at
                    && it.thread.is_none()
                    && it.author_id != who
                    && !hidden.contains(&it.number.0) =>
            {
                unread.insert(it.number.0);
            }
            Some(_) | None => (),
        }
        if let Some(it) = ThreadEvent::moved(event_of).filter(|it| it.conversation_id == at) {
            match it.to_thread_id {
                Some(_) => drop(unread.remove(&it.number.0)),
                None if it.author_id == who || hidden.contains(&it.number.0) => (),
                None => drop(unread.insert(it.number.0)),
            }
        }
        match (MemberEvent::of(event), ReceiptEvent::of(event)) {
            (Some(MemberEvent::MembersAdded(it)), _)
                if it.conversation_id == at && it.account_ids.contains(&who) =>
            {
                read = last;
            }
            (_, Some(ReceiptEvent::ReadMoved(it)))
                if it.conversation_id == at && it.account_id == who =>
            {
                read = it.number.0;
            }
            (Some(_) | None, Some(_) | None) => (),
        }
    }
    let member = world.document::<Member>(Member::id(at, who));
    if member.is_some_and(|it| it.active) { unread.split_off(&(read + 1)) } else { BTreeSet::new() }
}
