//! When a read pointer moves.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ReadMoved, ReadPointer};
use crate::Event;
use crate::chat_list::{Listing, UnreadMarkCleared};
use crate::conversations::{Conversation, ConversationId};
use crate::expiry::Reading;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::members::Member;

crate::rejections! {
    /// Why receipts say no.
    ReceiptRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Ahead: Invalid, "RECEIPTS_NUMBER_AHEAD",
            "no message has that number yet", "Mark what has been received.";
    }
}

/// Marks everything up to a message as read; an older number changes nothing. Marking what is read
/// already clears a mark as unread.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MarkRead {
    pub conversation_id: ConversationId,
    pub number: Long,
}

impl Command for MarkRead {
    const NAME: &'static str = "MarkRead";
    const SEALS: bool = false;
    type State =
        ((Slot<ReadPointer>, Slot<Listing>, Slot<Reading>), Slot<Member>, Slot<Conversation>);
    type Rejection = ReceiptRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ReceiptRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (own, there) =
            (StreamId::Account(context.actor), StreamId::Conversation(self.conversation_id));
        let listing = Listing::id(context.actor, self.conversation_id);
        let reading = Reading::id(context.actor, self.conversation_id, self.number.0);
        (
            (
                Slot::new(ReadPointer::id(context.actor, self.conversation_id), own),
                Slot::new(listing, own),
                Slot::new(reading.to_string(), own),
            ),
            Slot::new(Member::id(self.conversation_id, context.actor), there),
            Slot::new(self.conversation_id.to_string(), there),
        )
    }

    fn decide(
        self,
        ((pointer, listing, reading), member, conversation): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ReceiptRejection> {
        let member = member.get().filter(|it| it.active).ok_or(ReceiptRejection::NotFound)?;
        let conversation = conversation.get().ok_or(ReceiptRejection::NotFound)?;
        if self.number.0 > conversation.last_number {
            return Err(ReceiptRejection::Ahead);
        }
        let read = pointer.get().map_or(0, |it| it.number).max(member.read_number);
        let (account_id, conversation_id) = (context.actor, self.conversation_id);
        let number = self.number;
        let mut events = Vec::new();
        if number.0 == read && listing.get().is_some_and(|it| it.is_marked(read)) {
            events.push(UnreadMarkCleared { account_id, conversation_id }.into());
        }
        // What was read without a mark, and has not begun, is told of once.
        let moves = number.0 > read;
        let tells = moves || number.0 == read && reading.get().is_none();
        let expiring = tells && conversation.has_unbegun(context.actor, number.0);
        if moves || expiring {
            let expiring = expiring.then_some(true);
            events.push(ReadMoved { account_id, conversation_id, number, expiring }.into());
        }
        Ok(events)
    }
}
