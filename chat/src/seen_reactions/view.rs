//! What somebody has seen of reactions as it is remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::SeenReactionEvent;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::{Document, Recorded};

/// How far a person has seen what their messages in a conversation were given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SeenReactions {
    pub account_id: AccountId,
    /// `seq` of the conversation.
    pub seq: u64,
}

impl SeenReactions {
    /// Id of a person's in a conversation.
    pub fn id(account: AccountId, conversation: ConversationId) -> String {
        format!("{account}/{conversation}")
    }
}

impl Document for SeenReactions {
    const COLLECTION: Collection = Collection { name: "seen_reactions", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match SeenReactionEvent::of(&event.event) {
            Some(SeenReactionEvent::ReactionsSeen(it)) => {
                vec![Self::id(it.account_id, it.conversation_id)]
            }
            None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(SeenReactionEvent::ReactionsSeen(it)) = SeenReactionEvent::of(&event.event) {
            let seq = document.as_ref().map_or(0, |it| it.seq).max(it.seq.0);
            *document = Some(Self { account_id: it.account_id, seq });
        }
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
