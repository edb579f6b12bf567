//! Chat lists as they are remembered: a small document a conversation that is kept in a way of its
//! own, and one with what is pinned.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::ChatListEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::{Document, Recorded, Timestamp};

/// How a person keeps a conversation in their chat list. What is not so is not written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Listing {
    pub account_id: AccountId,
    pub conversation_id: ConversationId,
    /// It stays when that is over: what came until then brings nothing out of the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub muted_until: Option<Timestamp>,
    /// The number that was read when it was marked as unread.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub marked_number: Option<u64>,
    /// The number of the last message when it was archived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived_number: Option<u64>,
}

impl Listing {
    /// Id of how a person keeps a conversation.
    pub fn id(account: AccountId, conversation: ConversationId) -> String {
        format!("{account}/{conversation}")
    }

    /// Whether nothing is to be heard of it.
    pub fn is_muted(&self, now: Timestamp) -> bool {
        self.muted_until.is_some_and(|it| it > now)
    }

    /// Whether it is marked as unread, by who has read up to a number.
    pub fn is_marked(&self, read_number: u64) -> bool {
        self.marked_number.is_some_and(|it| it >= read_number)
    }

    /// Whether it is archived. What brings it back is the last message: when that came while it
    /// was muted, so did all the others since it was archived or muted.
    pub fn is_archived(&self, conversation: &Conversation) -> bool {
        self.archived_number.is_some_and(|it| {
            let muted = || self.muted_until.is_some_and(|it| conversation.active_at < it);
            conversation.line_number <= it || muted()
        })
    }

    fn change(&mut self, event: &ChatListEvent) {
        match event {
            ChatListEvent::ConversationMuted(it) => {
                self.muted_until = Some(it.until);
                self.archived_number = it.archived_number.map(|it| it.0);
            }
            ChatListEvent::ConversationUnmuted(it) => {
                self.muted_until = None;
                self.archived_number = it.archived_number.map(|it| it.0);
            }
            ChatListEvent::MarkedUnread(it) => self.marked_number = Some(it.read_number.0),
            ChatListEvent::UnreadMarkCleared(_) => self.marked_number = None,
            ChatListEvent::ConversationArchived(it) => {
                self.archived_number = Some(it.archived_number.0);
            }
            ChatListEvent::ConversationUnarchived(_) => self.archived_number = None,
            ChatListEvent::ConversationsPinned(_) => (),
        }
    }
}

impl Document for Listing {
    const COLLECTION: Collection = Collection { name: "listings", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let listed = ChatListEvent::of(&event.event).and_then(ChatListEvent::listed);
        listed.map(|(account, conversation)| Self::id(account, conversation)).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(it) = ChatListEvent::of(&event.event) else { return };
        let Some((account_id, conversation_id)) = it.listed() else { return };
        let mut listing = document.take().unwrap_or(Self {
            account_id,
            conversation_id,
            muted_until: None,
            marked_number: None,
            archived_number: None,
        });
        listing.change(it);
        let plain = listing.muted_until.is_none()
            && listing.marked_number.is_none()
            && listing.archived_number.is_none();
        *document = (!plain).then_some(listing);
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}

/// What a person has pinned, once they have pinned something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PinnedConversations {
    pub account_id: AccountId,
    /// At most 10, the first stands first.
    pub conversation_ids: Vec<ConversationId>,
}

impl Document for PinnedConversations {
    const COLLECTION: Collection = Collection { name: "pinned_conversations", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match ChatListEvent::of(&event.event) {
            Some(ChatListEvent::ConversationsPinned(it)) => vec![it.account_id.to_string()],
            Some(_) | None => Vec::new(),
        }
    }

    fn begins(event: &Recorded) -> bool {
        matches!(ChatListEvent::of(&event.event), Some(ChatListEvent::ConversationsPinned(_)))
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(ChatListEvent::ConversationsPinned(it)) = ChatListEvent::of(&event.event) {
            let (account_id, conversation_ids) = (it.account_id, it.conversation_ids.clone());
            *document = Some(Self { account_id, conversation_ids });
        }
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
