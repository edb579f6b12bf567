//! Who sets the policy of edits, and to what.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{EditPolicy, EditPolicySet, MINUTES_MAX};
use crate::Event;
use crate::conversations::{Conversation, ConversationId, Kind};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::members::Member;

crate::rejections! {
    /// Why a policy of edits is refused.
    EditPolicyRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Forbidden: Forbidden, "EDIT_POLICY_FORBIDDEN",
            "only owners and admins may do this", "Ask an owner or admin.";
        TooLong: Invalid, "EDIT_POLICY_TOO_LONG",
            "over 525,600 minutes", "Set at most a year, or no end.";
    }
}

/// Says for how long messages are edited, and who sees what they said before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetEditPolicy {
    pub conversation_id: ConversationId,
    /// At most 525,600; 0 is never, and without a number there is no end.
    pub minutes: Option<u32>,
    /// Whether all members see earlier versions.
    pub history_visible: bool,
}

impl Command for SetEditPolicy {
    const NAME: &'static str = "SetEditPolicy";
    const SEALS: bool = false;
    type State = (Slot<Conversation>, Slot<Member>, Slot<EditPolicy>);
    type Rejection = EditPolicyRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, EditPolicyRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let stream = StreamId::Conversation(self.conversation_id);
        let (id, member) =
            (self.conversation_id.to_string(), Member::id(self.conversation_id, context.actor));
        (Slot::new(id.clone(), stream), Slot::new(member, stream), Slot::new(id, stream))
    }

    fn decide(
        self,
        (conversation, member, current): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, EditPolicyRejection> {
        let member = member.get().filter(|it| it.active).ok_or(EditPolicyRejection::NotFound)?;
        let conversation = conversation.get().ok_or(EditPolicyRejection::NotFound)?;
        let group = conversation.kind == Kind::Group;
        if group && !member.role.manages() {
            return Err(EditPolicyRejection::Forbidden);
        }
        if self.minutes.is_some_and(|it| it > MINUTES_MAX) {
            return Err(EditPolicyRejection::TooLong);
        }
        let before = current.get().copied().unwrap_or_default();
        if (self.minutes, self.history_visible) == (before.minutes, before.history_visible) {
            return Ok(Vec::new());
        }
        let long = |it: u32| Long(u64::from(it));
        let set = EditPolicySet {
            conversation_id: self.conversation_id,
            minutes: self.minutes.map(long),
            history_visible: self.history_visible,
            minutes_before: before.minutes.map(long),
            history_visible_before: before.history_visible,
            origin: group.then(|| context.origin.clone()),
        };
        Ok(vec![set.into()])
    }
}
