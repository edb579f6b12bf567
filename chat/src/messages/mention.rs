//! Whom messages mention by name: one document a person and message.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{MessageEvent, MessageId};
use crate::accounts::AccountId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded};
use crate::removals::RemovalEvent;
use crate::threads::{Line, ThreadEvent, Threaded};

/// That a message mentions somebody; it goes when the message no longer does, or to another line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mention {
    pub message_id: MessageId,
    /// Whether the message was moved to the thread that it is in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved: bool,
}

/// Whom a message of a line mentions, or no longer does.
struct Mentioned {
    message_id: MessageId,
    line: Line,
    number: u64,
    accounts: Vec<AccountId>,
    /// Whether they are mentioned there from now on; and by a message that was moved there.
    mention: Option<bool>,
}

impl Mention {
    /// Ids of a person's mentions in a line, by number.
    pub fn id(line: impl std::fmt::Display, account: AccountId, number: u64) -> String {
        format!("{line}/{account}/{}", padded(number))
    }

    fn said(event: &Recorded) -> Vec<Mentioned> {
        let at = |conversation, thread: Option<Threaded>| {
            (Line::of(conversation, thread), thread.is_some_and(|it| it.moved))
        };
        let (message_id, number, accounts, (line, moved), there) =
            match MessageEvent::of(&event.event) {
                Some(MessageEvent::MessageSent(it)) => {
                    let at = at(it.conversation_id, it.thread);
                    (it.message_id, it.number, it.mentions.clone(), at, true)
                }
                Some(MessageEvent::MessageEdited(it)) => {
                    let (line, moved) = at(it.conversation_id, it.thread);
                    let (message_id, number) = (it.message_id, it.number.0);
                    let lists = [(&it.mentions, Some(moved)), (&it.no_longer_mentioned, None)];
                    let mentioned = |(accounts, mention): (&Vec<AccountId>, _)| Mentioned {
                        message_id,
                        line,
                        number,
                        accounts: accounts.clone(),
                        mention,
                    };
                    return lists.map(mentioned).into();
                }
                Some(MessageEvent::MessageDeleted(it)) => {
                    let at = at(it.conversation_id, it.thread);
                    (it.message_id, it.number, it.mentions.clone(), at, false)
                }
                Some(MessageEvent::MessageHidden(_)) => return Vec::new(),
                None => match RemovalEvent::of(&event.event) {
                    Some(RemovalEvent::MessageRemoved(it)) => {
                        let at = at(it.conversation_id, it.thread);
                        (it.message_id, it.number, it.mentions.clone(), at, false)
                    }
                    Some(RemovalEvent::MessageRestored(it)) => {
                        let at = at(it.conversation_id, it.thread);
                        (it.message_id, it.number, it.mentions.clone(), at, true)
                    }
                    Some(RemovalEvent::MessageDestroyed(_)) => return Vec::new(),
                    None => return Self::moved(event),
                },
            };
        let mention = there.then_some(moved);
        vec![Mentioned { message_id, line, number: number.0, accounts, mention }]
    }

    fn moved(event: &Recorded) -> Vec<Mentioned> {
        let Some(it) = ThreadEvent::moved(event) else { return Vec::new() };
        let mentioned = |(thread, mention)| Mentioned {
            message_id: it.message_id,
            line: Line::through(it.conversation_id, thread),
            number: it.number.0,
            accounts: it.mentions.clone(),
            mention,
        };
        let to = it.to_thread_id;
        [(it.from_thread_id, None), (to, Some(to.is_some()))].map(mentioned).into()
    }
}

impl Mentioned {
    fn ids(&self) -> impl Iterator<Item = String> + '_ {
        self.accounts.iter().map(|it| Mention::id(self.line, *it, self.number))
    }
}

impl Document for Mention {
    const COLLECTION: Collection = Collection { name: "mentions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let said = Self::said(event);
        said.iter().flat_map(Mentioned::ids).collect()
    }

    fn begins(event: &Recorded) -> bool {
        matches!(MessageEvent::of(&event.event), Some(MessageEvent::MessageSent(_)))
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let said = Self::said(event);
        let mentioned = said.iter().find(|it| it.ids().any(|it| it == id));
        *document = mentioned.and_then(|it| {
            let message_id = it.message_id;
            it.mention.map(|moved| Self { message_id, moved })
        });
    }
}
