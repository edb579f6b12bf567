//! What can happen to a policy of edits.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Origin, Recorded};

crate::events! {
    /// Everything that can happen to a policy of edits; it lives in its conversation's stream.
    EditPolicyEvent {
        EditPolicySet [],
    }
}

/// Messages are edited for another time than before, or others see what they said.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.edit_policy")]
pub struct EditPolicySet {
    pub conversation_id: ConversationId,
    /// For how long after it was accepted a message is edited; 0 is never, null without end.
    pub minutes: Option<Long>,
    /// Whether all members see earlier versions, not just the author and who manages the group.
    pub history_visible: bool,
    pub minutes_before: Option<Long>,
    pub history_visible_before: bool,
    /// In groups, whose owner and admins answer for it; what two agree on is theirs.
    pub origin: Option<Origin>,
}

impl EditPolicyEvent {
    /// What it means to those who listen.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        let Self::EditPolicySet(it) = self;
        (Change::Conversation(it.conversation_id), Effect::None)
    }
}
