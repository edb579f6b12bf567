//! When reactions are seen.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReactionsSeen, SeenReactions};
use crate::Event;
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::members::Member;

crate::rejections! {
    /// Why seen reactions say no.
    SeenReactionRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Ahead: Invalid, "SEEN_REACTIONS_SEQ_AHEAD",
            "nothing has that seq yet", "Mark what has been received.";
    }
}

/// Marks as seen what one's own messages were given up to a `seq`; an older one changes nothing.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MarkReactionsSeen {
    pub conversation_id: ConversationId,
    /// `seq` of the last event of the conversation that is seen.
    pub seq: Long,
}

impl Command for MarkReactionsSeen {
    const NAME: &'static str = "MarkReactionsSeen";
    const SEALS: bool = false;
    type State = (Slot<SeenReactions>, Slot<Member>, Slot<Conversation>);
    type Rejection = SeenReactionRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SeenReactionRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (own, there) =
            (StreamId::Account(context.actor), StreamId::Conversation(self.conversation_id));
        (
            Slot::new(SeenReactions::id(context.actor, self.conversation_id), own),
            Slot::new(Member::id(self.conversation_id, context.actor), there),
            Slot::new(self.conversation_id.to_string(), there),
        )
    }

    fn decide(
        self,
        (seen, member, conversation): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SeenReactionRejection> {
        let member = member.get().filter(|it| it.active);
        let member = member.ok_or(SeenReactionRejection::NotFound)?;
        let conversation = conversation.get().ok_or(SeenReactionRejection::NotFound)?;
        if self.seq.0 > conversation.seq {
            return Err(SeenReactionRejection::Ahead);
        }
        if self.seq.0 <= seen.get().map_or(0, |it| it.seq).max(member.joined_seq) {
            return Ok(Vec::new());
        }
        let (account_id, conversation_id) = (context.actor, self.conversation_id);
        Ok(vec![ReactionsSeen { account_id, conversation_id, seq: self.seq }.into()])
    }
}
