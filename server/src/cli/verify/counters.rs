//! `parlance verify --counters`: what is unread of everything by everybody, counted again from the
//! log alone and held against what the documents answer.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chat::accounts::AccountId;
use chat::chat_list::{Badge, counts};
use chat::checkpoint::Checkpoint;
use chat::conversations::ConversationId;
use chat::kernel::codec::Batch;
use chat::kernel::{Keyring, Reader, Timestamp};
use chat::messages::MessageId;
use chat::oracle::{Counts, CountsInThread, Oracle, Share, Standing, badge};
use chat::threads::counts_in_threads;
use ports::Ports;
use ports::event_log::{Partition, Verdict};
use serde::Serialize;

use super::super::maintain::nobody_works;

/// Records read at once.
const READ_MAX: usize = 256;

/// Things of the log that are remembered at a time: some hundreds of megabytes. When there are more
/// the log is read again for each share of the conversations; only one conversation that is larger
/// is remembered whole.
const HELD_MAX: usize = 2_000_000;

/// Threads that are asked for at once.
const THREADS_MAX: usize = 100;

/// Differences that are named at most.
const NAMED_MAX: usize = 20;

/// A count that is not what the log says.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Difference {
    account: AccountId,
    /// Absent for what adds up all conversations.
    conversation: Option<ConversationId>,
    /// Absent for what is counted of no thread.
    thread: Option<MessageId>,
    counter: &'static str,
    /// What the documents answer; 0 is no and 1 is yes.
    answered: u64,
    counted: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { account, counter, answered, counted, .. } = self;
        write!(f, "{account}")?;
        self.conversation.map_or(Ok(()), |it| write!(f, " in {it}"))?;
        self.thread.map_or(Ok(()), |it| write!(f, " in thread {it}"))?;
        write!(f, ": {counter} is {answered}, the log says {counted}")
    }
}

/// Whose count it is, and of which conversation and thread.
type Place = (AccountId, Option<ConversationId>, Option<MessageId>);

/// What came of comparing.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Compared {
    /// Events that were counted: those that the documents have come to.
    events: u64,
    people: u64,
    memberships: u64,
    /// How many counts differ; the first of them are named.
    differing: u64,
    differences: Vec<Difference>,
}

impl Compared {
    pub(super) fn text(&self) -> String {
        let Self { events, people, memberships, .. } = self;
        format!(
            "every counter of {people} people in {memberships} memberships is what the log says \
             up to the {events} events that the documents have come to"
        )
    }

    /// A line for each difference that is named.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.differences.iter().map(ToString::to_string).collect();
        let others = self.differing - lines.len() as u64;
        if others > 0 {
            lines.push(format!("and {others} others"));
        }
        lines
    }

    fn note(
        &mut self,
        (account, conversation, thread): Place,
        counters: impl IntoIterator<Item = (&'static str, u64, u64)>,
    ) {
        for (counter, answered, counted) in counters {
            if answered == counted {
                continue;
            }
            self.differing += 1;
            if self.differences.len() < NAMED_MAX {
                let found =
                    Difference { account, conversation, thread, counter, answered, counted };
                self.differences.push(found);
            }
        }
    }
}

/// Counts the log and asks the documents, which nobody may be writing.
pub(super) async fn compare(config: &ports::Config) -> anyhow::Result<Compared> {
    let opened = ports::open(config).await?;
    let ports = &opened.ports;
    nobody_works(ports).await?;
    projectors::declare(ports).await?;
    let reader = Reader::new(Arc::clone(&ports.documents), Arc::new(Keyring::new(ports)));
    let now = Timestamp(ports.clock.now_ms());
    let mut compared = Compared::default();
    let mut people: BTreeMap<AccountId, Vec<Standing>> = BTreeMap::new();
    let mut shares = vec![Share::default()];
    while let Some(share) = shares.pop() {
        let mut oracle = Oracle::of(share);
        compared.events = 0;
        for partition in 0..ports.event_log.identity().partitions {
            compared.events += follow(ports, partition, &mut oracle, &mut shares).await?;
        }
        for (account, conversation) in oracle.memberships() {
            let answered = counts(&reader.anew(), account, conversation, now).await?;
            let counted = oracle.counts(account, conversation, now);
            compared.note((account, Some(conversation), None), pairs(answered, counted));
            threads(&reader, &oracle, (account, conversation), &mut compared).await?;
            let standing = oracle.standing(account, conversation, now);
            people.entry(account).or_default().extend(standing);
            compared.memberships += 1;
        }
    }
    for (account, standing) in people {
        let answered = Badge::load(&reader.anew(), account, now).await?;
        compared.note((account, None, None), badges(answered, badge(standing)));
        compared.people += 1;
    }
    Ok(compared)
}

/// Compares what one person has not read of the threads of a conversation.
async fn threads(
    reader: &Reader,
    oracle: &Oracle,
    (account, conversation): (AccountId, ConversationId),
    compared: &mut Compared,
) -> anyhow::Result<()> {
    for some in oracle.threads(conversation).chunks(THREADS_MAX) {
        let answered = counts_in_threads(&reader.anew(), account, conversation, some).await?;
        for (thread, answered) in some.iter().zip(answered) {
            let counted = oracle.counts_in_thread(account, conversation, *thread);
            let place = (account, Some(conversation), Some(*thread));
            compared.note(place, in_thread(answered, counted));
        }
    }
    Ok(())
}

/// Counts a partition as far as its documents have come; what becomes too much is left to shares.
async fn follow(
    ports: &Ports,
    partition: Partition,
    oracle: &mut Oracle,
    shares: &mut Vec<Share>,
) -> anyhow::Result<u64> {
    let end = Checkpoint::load(&*ports.documents, partition).await?.fold.ordinal;
    let mut fold = Checkpoint::default().fold;
    while fold.ordinal < end {
        let entries = ports.event_log.read(partition, fold.pos, READ_MAX).await?;
        anyhow::ensure!(!entries.is_empty(), "the documents of partition {partition} are ahead");
        for entry in entries {
            let verdict = fold.step(entry.offset, &entry.bytes);
            let verdict = verdict.map_err(|it| anyhow::anyhow!("partition {partition}: {it}"))?;
            let Verdict::Accepted { record, first_ordinal } = verdict else { continue };
            let events = Batch::decode(&record.payload)
                .and_then(|it| it.recorded(partition, record.header.first_seq, first_ordinal))?;
            events.iter().filter(|it| it.ordinal <= end).for_each(|it| oracle.follow(it));
        }
        shares.extend(oracle.narrow(HELD_MAX));
    }
    Ok(end)
}

fn pairs(answered: Counts, counted: Counts) -> [(&'static str, u64, u64); 6] {
    let yes = u64::from;
    [
        ("unreadCount", answered.unread, counted.unread),
        ("mentionCount", answered.mentions, counted.mentions),
        ("unseenReactionCount", answered.reactions, counted.reactions),
        ("markedUnread", yes(answered.marked), yes(counted.marked)),
        ("muted", yes(answered.muted), yes(counted.muted)),
        ("archived", yes(answered.archived), yes(counted.archived)),
    ]
}

fn in_thread(answered: CountsInThread, counted: CountsInThread) -> [(&'static str, u64, u64); 2] {
    [
        ("thread.unreadCount", answered.unread, counted.unread),
        ("thread.mentionCount", answered.mentions, counted.mentions),
    ]
}

fn badges(answered: Badge, counted: Badge) -> [(&'static str, u64, u64); 4] {
    let yes = u64::from;
    [
        ("badge.conversationCount", answered.conversations, counted.conversations),
        ("badge.messageCount", answered.messages, counted.messages),
        ("badge.mentionCount", answered.mentions, counted.mentions),
        ("badge.complete", yes(answered.complete), yes(counted.complete)),
    ]
}
