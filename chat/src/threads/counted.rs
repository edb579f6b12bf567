//! The law of counts of threads: what blocks and pointers say is what counting one by one says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{ANN, BOB, EVE, lunch};
use super::{MarkThreadRead, MoveToThread, Thread, ThreadEvent, ThreadUnread, Threaded};
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::expiry::ExpireMessage;
use crate::kernel::Recorded;
use crate::kernel::counts::reading;
use crate::kernel::testing::{Given, account};
use crate::members::{JoinGroup, LeaveConversation, Member, MemberEvent};
use crate::messages::{
    DeleteMessage, EditMessage, HideMessage, Message, MessageEvent, MessageId, MessageSent,
    SendMessage,
};
use crate::receipts::{MarkRead, ReceiptEvent, Unread};
use crate::removals::{RemovalEvent, RestoreMessages};
use crate::schedule::SendScheduled;

const PEOPLE: [u8; 3] = [ANN, BOB, EVE];

/// What somebody tries: who, what, with which message, and which other.
type Attempt = (u8, u8, u8, u8);

fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    prop::collection::vec((0..3_u8, 0..24_u8, any::<u8>(), any::<u8>()), 0..90)
}

fn sent(world: &Given) -> Vec<MessageSent> {
    let sent = world.history().iter().filter_map(|it| match MessageEvent::of(&it.event) {
        Some(MessageEvent::MessageSent(it)) => Some(it.clone()),
        Some(_) | None => None,
    });
    sent.collect()
}

fn attempt(world: Given, id: ConversationId, (who, what, which, other): Attempt) -> Given {
    let actor = account(PEOPLE[usize::from(who)]);
    let sent = sent(&world);
    let pick = |n: u8| sent.get(usize::from(n) % sent.len().max(1));
    let says = || SendMessage::new(id, "@ann @bob @eve");
    let (Some(one), Some(two)) = (pick(which), pick(other)) else {
        return world.when(actor, says()).world;
    };
    let (conversation_id, message_id) = (id, one.message_id);
    let placed = world.document::<Message>(message_id).and_then(|it| it.thread);
    let root = placed.map_or(message_id, |it| it.thread_id);
    let (expires_in, thread_id) = (which.is_multiple_of(4).then_some(60), Some(root));
    let then = match what {
        0 | 1 => world.when(actor, says()),
        2 => world.when(actor, SendScheduled { message: says() }),
        3..=6 => world.when(actor, SendMessage { expires_in, thread_id, ..says() }),
        7..=9 => {
            let other = if which.is_multiple_of(2) { two.message_id } else { message_id };
            let message_ids = vec![other];
            let thread_id = Some(root);
            world.when(account(ANN), MoveToThread { conversation_id, thread_id, message_ids })
        }
        10 => {
            let (thread_id, message_ids) = (None, vec![message_id]);
            world.when(account(ANN), MoveToThread { conversation_id, thread_id, message_ids })
        }
        11 | 12 => world.when(actor, DeleteMessage { conversation_id, message_id }),
        13 => world.when(account(ANN), DeleteMessage { conversation_id, message_id }),
        14 => {
            let message_ids = vec![message_id];
            world.when(account(ANN), RestoreMessages { conversation_id, message_ids })
        }
        15 | 16 => world.when(actor, HideMessage { conversation_id, message_id }),
        17 => world.when(actor, MarkRead { conversation_id, number: one.number }),
        18 | 19 => {
            let (thread_id, number) = (root, two.number);
            world.when(actor, MarkThreadRead { conversation_id, thread_id, number })
        }
        20 if actor != account(ANN) => world.when(actor, LeaveConversation { conversation_id }),
        21 => world.when(actor, JoinGroup { conversation_id }),
        22 => {
            let text = "@ann".to_owned();
            world.when(actor, EditMessage { conversation_id, message_id, text })
        }
        _ => world.later(30_000).when(actor, ExpireMessage { conversation_id, message_id }),
    };
    then.world
}

/// What the history says of one conversation and person, the simple way.
#[derive(Default)]
struct Recount {
    /// Where each message is, by its number, with who wrote it and whether they were there.
    placed: BTreeMap<u64, (Option<Threaded>, AccountId)>,
    absent: BTreeSet<u64>,
    hidden: BTreeSet<u64>,
    mentions: BTreeMap<u64, Vec<AccountId>>,
    joined: u64,
    read: u64,
    read_threads: BTreeMap<MessageId, u64>,
}

impl Recount {
    fn of(world: &Given, who: AccountId) -> Self {
        let mut found = Self::default();
        for event in world.history() {
            found.takes(event, who);
        }
        found
    }

    fn takes(&mut self, event: &Recorded, who: AccountId) {
        self.takes_message(event, who);
        match RemovalEvent::of(&event.event) {
            Some(RemovalEvent::MessageRemoved(it)) => drop(self.absent.insert(it.number.0)),
            Some(RemovalEvent::MessageRestored(it)) => drop(self.absent.remove(&it.number.0)),
            Some(RemovalEvent::MessageDestroyed(_)) | None => (),
        }
        match ThreadEvent::of(&event.event) {
            Some(ThreadEvent::MessageMoved(it)) => {
                let thread = it.to_thread_id.map(|thread_id| Threaded { thread_id, moved: true });
                self.placed.insert(it.number.0, (thread, it.author_id));
            }
            Some(ThreadEvent::ThreadReadMoved(it)) if it.account_id == who => {
                self.reads(it.thread_id, it.number.0);
            }
            Some(ThreadEvent::ThreadReadMoved(_)) | None => (),
        }
        if let Some(MemberEvent::MembersAdded(it)) = MemberEvent::of(&event.event)
            && it.account_ids.contains(&who)
        {
            self.joined = it.last_number.0;
            self.read = self.read.max(it.last_number.0);
        }
        if let Some(ReceiptEvent::ReadMoved(it)) = ReceiptEvent::of(&event.event)
            && it.account_id == who
        {
            self.read = self.read.max(it.number.0);
        }
    }

    fn takes_message(&mut self, event: &Recorded, who: AccountId) {
        match MessageEvent::of(&event.event) {
            Some(MessageEvent::MessageSent(it)) => {
                let number = it.number.0;
                self.placed.insert(number, (it.thread, it.author_id));
                self.mentions.insert(number, it.mentions.clone());
                match it.thread {
                    Some(thread) if it.author_id == who => self.reads(thread.thread_id, number),
                    None if it.author_id == who && it.unseen.is_none() => self.read = number,
                    Some(_) | None => (),
                }
            }
            Some(MessageEvent::MessageEdited(it)) => {
                self.mentions.insert(it.number.0, it.mentions.clone());
            }
            Some(MessageEvent::MessageDeleted(it)) => drop(self.absent.insert(it.number.0)),
            Some(MessageEvent::MessageHidden(it)) if it.account_id == who => {
                self.hidden.insert(it.number.0);
            }
            Some(MessageEvent::MessageHidden(_)) | None => (),
        }
    }

    fn reads(&mut self, thread: MessageId, number: u64) {
        let read = self.read_threads.entry(thread).or_default();
        *read = (*read).max(number);
    }

    /// Messages of a line that are there for everyone and not read, whoever wrote or hid them.
    fn unread(&self, line: Option<MessageId>) -> impl Iterator<Item = u64> + '_ {
        let own = line.and_then(|it| self.read_threads.get(&it)).copied().unwrap_or(0);
        let here = self.placed.iter().filter(move |(_, (it, _))| it.map(|it| it.thread_id) == line);
        let unread = here.filter(move |(number, (thread, _))| match thread {
            None => **number > self.read,
            Some(it) => {
                let passed = it.moved && **number <= self.read;
                **number > own.max(self.joined) && !passed
            }
        });
        unread.map(|(number, _)| *number).filter(|it| !self.absent.contains(it))
    }

    /// Those of them that others wrote and the person has not hidden.
    fn shown(&self, who: AccountId, line: Option<MessageId>) -> impl Iterator<Item = u64> + '_ {
        let others = move |it: &u64| self.placed[it].1 != who && !self.hidden.contains(it);
        self.unread(line).filter(others)
    }

    fn count(&self, who: AccountId, line: Option<MessageId>) -> u64 {
        self.shown(who, line).count() as u64
    }

    fn mentioned(&self, who: AccountId, line: Option<MessageId>) -> usize {
        self.shown(who, line).filter(|it| self.mentions[it].contains(&who)).count()
    }
}

/// Counts and mentions of each line of the conversation, for one person.
type Counts = Vec<(u64, usize)>;

fn expected(world: &Given, id: ConversationId, who: AccountId, lines: &[MessageId]) -> Counts {
    let there = world.document::<Member>(Member::id(id, who)).is_some_and(|it| it.active);
    let all = lines.iter().map(|it| Some(*it)).chain([None]);
    let recount = Recount::of(world, who);
    let count = |it| (recount.count(who, it), recount.mentioned(who, it));
    all.map(|it| if there { count(it) } else { (0, 0) }).collect()
}

async fn found(
    reader: &crate::kernel::Reader,
    id: ConversationId,
    who: AccountId,
    lines: &[MessageId],
) -> Counts {
    let there = reader.load::<Member>(Member::id(id, who)).await.expect("documents");
    let there = there.is_some_and(|it| it.active);
    let unread = ThreadUnread::load_many(reader, who, id, lines).await.expect("counts");
    let mut counts = Vec::new();
    for it in unread {
        let alone = ThreadUnread::load(reader, who, id, it.thread_id).await;
        assert_eq!(alone.expect("a count"), it, "one by one as together");
        let mentions = it.mentions(reader, who).await.expect("mentions");
        counts.push((it.count, if there { mentions } else { 0 }));
    }
    let unread = Unread::load(reader, who, id).await.expect("a count");
    let mentions = unread.mentions(reader, who, id).await.expect("mentions");
    counts.push((unread.count, if there { mentions } else { 0 }));
    counts
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(48)
    })]

    #[test]
    fn unread_of_threads_and_of_the_rest_is_what_counting_one_by_one_says(attempts in attempts()) {
        let (world, id) = lunch();
        let world = attempts.into_iter().fold(world, |world, it| attempt(world, id, it));
        let lines: BTreeSet<_> = sent(&world).into_iter().map(|it| it.message_id).collect();
        let lines = lines.into_iter().filter(|it| world.document::<Thread>(it).is_some());
        let lines: Vec<_> = lines.collect();
        let people = PEOPLE.map(account);
        let expected = people.map(|who| expected(&world, id, who, &lines));
        let found = reading(&world, async |reader| {
            let mut all = Vec::new();
            for who in people {
                all.push(found(&reader, id, who, &lines).await);
            }
            all
        });
        prop_assert_eq!(found, expected);
        for line in lines {
            let thread = world.document::<Thread>(line).expect("it is there");
            let recount = Recount::of(&world, account(9));
            let there = recount.placed.iter().filter(|(number, (it, _))| {
                it.is_some_and(|it| it.thread_id == line) && !recount.absent.contains(number)
            });
            prop_assert_eq!(thread.reply_count, there.count() as u64);
        }
    }
}
