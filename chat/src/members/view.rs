//! Memberships as they are remembered: one small document a person, one a stint.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{MemberEvent, Role};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::{ConversationEvent, ConversationId};
use crate::kernel::document::padded;
use crate::kernel::{Document, Recorded, Timestamp};
use crate::messages::{MessageEvent, MessageSent};

/// A person's membership of a conversation, now or before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    pub role: Role,
    pub active: bool,
    pub joined_at: Timestamp,
    /// `seq` of the event that began the current stint.
    pub joined_seq: u64,
    /// Number of the last message when they joined: what was before is read, in threads too.
    pub joined_number: u64,
    /// What this person has read by joining and by sending.
    pub read_number: u64,
    /// Numbers of what they have sent since without being there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unseen: Vec<u64>,
}

/// Messages sent without being there that are remembered; one more is taken for being there.
const UNSEEN_MAX: usize = 100;

impl Member {
    /// Id of a person's membership.
    pub fn id(conversation: ConversationId, account: AccountId) -> String {
        format!("{conversation}/{account}")
    }

    fn sends(&mut self, number: u64, unseen: bool) {
        if unseen && self.unseen.len() < UNSEEN_MAX {
            self.unseen.push(number);
        } else {
            self.read_number = number;
            self.unseen.clear();
        }
    }
}

/// Who an event makes a member, with the role and what counts as read.
fn joins(event: &Recorded) -> Option<(ConversationId, Vec<AccountId>, Role, u64)> {
    match ConversationEvent::of(&event.event) {
        Some(ConversationEvent::GroupCreated(it)) => {
            return Some((it.conversation_id, vec![it.owner_id], Role::Owner, 0));
        }
        Some(ConversationEvent::DirectOpened(it)) => {
            return Some((it.conversation_id, it.account_ids.clone(), Role::Member, 0));
        }
        Some(ConversationEvent::GroupRenamed(_)) | None => (),
    }
    match MemberEvent::of(&event.event)? {
        MemberEvent::MembersAdded(it) => {
            Some((it.conversation_id, it.account_ids.clone(), it.role, it.last_number.0))
        }
        MemberEvent::MemberLeft(_)
        | MemberEvent::MemberRemoved(_)
        | MemberEvent::RoleChanged(_) => None,
    }
}

/// Whose membership an event ends.
fn leaves(event: &Recorded) -> Option<(ConversationId, AccountId, u64)> {
    match MemberEvent::of(&event.event)? {
        MemberEvent::MemberLeft(it) => Some((it.conversation_id, it.account_id, it.joined_seq.0)),
        MemberEvent::MemberRemoved(it) => {
            Some((it.conversation_id, it.account_id, it.joined_seq.0))
        }
        MemberEvent::MembersAdded(_) | MemberEvent::RoleChanged(_) => None,
    }
}

/// What an event sends to the conversation itself: who writes in a thread has read nothing else.
fn sends(event: &Recorded) -> Option<&MessageSent> {
    match MessageEvent::of(&event.event)? {
        MessageEvent::MessageSent(it) => Some(it).filter(|it| it.thread.is_none()),
        MessageEvent::MessageEdited(_)
        | MessageEvent::MessageDeleted(_)
        | MessageEvent::MessageHidden(_) => None,
    }
}

impl Document for Member {
    const COLLECTION: Collection =
        Collection { name: "members", indexes: &["by_account", "by_conversation", "by_number"] };

    fn ids(event: &Recorded) -> Vec<String> {
        if let Some((conversation, accounts, ..)) = joins(event) {
            return accounts.into_iter().map(|it| Self::id(conversation, it)).collect();
        }
        if let Some((conversation, account, _)) = leaves(event) {
            return vec![Self::id(conversation, account)];
        }
        if let Some(MemberEvent::RoleChanged(it)) = MemberEvent::of(&event.event) {
            return vec![Self::id(it.conversation_id, it.account_id)];
        }
        let sends = sends(event).map(|it| Self::id(it.conversation_id, it.author_id));
        sends.into_iter().collect()
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        if let Some((conversation_id, accounts, role, read_number)) = joins(event) {
            let account = accounts.into_iter().find(|it| Self::id(conversation_id, *it) == id);
            let Some(account_id) = account else { return };
            let joined_number = read_number;
            let read_number = document.as_ref().map_or(0, |it| it.read_number).max(read_number);
            *document = Some(Self {
                conversation_id,
                account_id,
                role,
                active: true,
                joined_at: event.occurred_at,
                joined_seq: event.seq,
                joined_number,
                read_number,
                unseen: Vec::new(),
            });
            return;
        }
        let Some(member) = document else { return };
        if leaves(event).is_some() {
            member.active = false;
            member.role = Role::Member;
        } else if let Some(MemberEvent::RoleChanged(it)) = MemberEvent::of(&event.event) {
            member.role = it.role;
        } else if let Some(it) = sends(event) {
            member.sends(it.number.0, it.unseen.unwrap_or(false));
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let by_account = format!("{}/{}", self.account_id, self.conversation_id);
        let rank = 9 - self.role as u8;
        let joined = padded(self.joined_seq);
        let by_conversation =
            format!("{}/{rank}/{joined}/{}", self.conversation_id, self.account_id);
        let read = padded(self.read_number);
        let by_number = format!("{}/{read}/{}", self.conversation_id, self.account_id);
        let keys = [by_account, by_conversation, by_number];
        keys.map(|it| self.active.then_some(it)).into()
    }

    fn audience(&self) -> Audience {
        Audience::Members(self.conversation_id)
    }
}

/// One stretch of membership; the feed sends what happened inside it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Stint {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    /// First event that the person may see.
    pub joined_seq: u64,
    pub joined_ordinal: u64,
    /// Last event that the person may see, with its ordinal; open while the stint lasts.
    pub left: Option<(u64, u64)>,
}

impl Stint {
    fn id(conversation: ConversationId, account: AccountId, joined_seq: u64) -> String {
        format!("{conversation}/{account}/{}", padded(joined_seq))
    }
}

impl Document for Stint {
    const COLLECTION: Collection = Collection { name: "stints", indexes: &["by_account"] };

    fn ids(event: &Recorded) -> Vec<String> {
        if let Some((conversation, accounts, ..)) = joins(event) {
            let ids = accounts.into_iter().map(|it| Self::id(conversation, it, event.seq));
            return ids.collect();
        }
        let left = leaves(event);
        left.map(|(conversation, account, joined)| Self::id(conversation, account, joined))
            .into_iter()
            .collect()
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        if let Some((conversation_id, accounts, ..)) = joins(event) {
            let is_it = |it: &AccountId| Self::id(conversation_id, *it, event.seq) == id;
            let Some(account_id) = accounts.into_iter().find(is_it) else { return };
            *document = Some(Self {
                conversation_id,
                account_id,
                joined_seq: event.seq,
                joined_ordinal: event.ordinal,
                left: None,
            });
        } else if let (Some(stint), Some(_)) = (document, leaves(event)) {
            stint.left = Some((event.seq, event.ordinal));
        }
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let joined = padded(self.joined_seq);
        vec![Some(format!("{}/{}/{joined}", self.account_id, self.conversation_id))]
    }
}
