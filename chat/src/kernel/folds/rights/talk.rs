//! What rights it takes to say something in a conversation, and to change what is said there.

use super::Held;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::edit_policy::EditPolicyEvent;
use crate::expiry::ExpiryEvent;
use crate::kernel::Recorded;
use crate::locations::LocationEvent;
use crate::pins::PinEvent;
use crate::polls::PollEvent;
use crate::reactions::ReactionEvent;
use crate::threads::ThreadEvent;

impl Held {
    /// Whether somebody may say something in a conversation, perhaps to everyone.
    pub(super) fn speaks(
        &self,
        conversation: ConversationId,
        actor: AccountId,
        everyone: Option<bool>,
    ) -> bool {
        let role = self.role(conversation, actor);
        role.is_some_and(|it| everyone != Some(true) || it.manages())
    }

    pub(super) fn allows_in_talk(&self, event: &Recorded, actor: AccountId) -> bool {
        let pinned = match PinEvent::of(&event.event) {
            Some(PinEvent::MessagePinned(it)) => Some((it.conversation_id, it.account_id)),
            Some(PinEvent::MessageUnpinned(it)) => Some((it.conversation_id, it.account_id)),
            Some(PinEvent::AllUnpinned(it)) => Some((it.conversation_id, it.account_id)),
            None => None,
        };
        let policy = EditPolicyEvent::of(&event.event);
        let policy = policy.map(|EditPolicyEvent::EditPolicySet(it)| it.conversation_id);
        let expiry = ExpiryEvent::of(&event.event);
        let expiry = expiry.and_then(|it| match it {
            ExpiryEvent::ExpirySet(it) => Some(it.conversation_id),
            ExpiryEvent::ExpiryBegun(it) => Some(it.conversation_id),
            ExpiryEvent::ReadingNoted(_) => None,
        });
        let set = policy.or(expiry).map(|it| (it, actor));
        let moved = ThreadEvent::moved(event).map(|it| (it.conversation_id, it.account_id));
        let Some((conversation, account)) = pinned.or(set).or(moved) else {
            return self.allows_reaction(event, actor);
        };
        let may = match self.open.contains_key(&conversation) {
            true => self.manages(conversation, actor),
            false => self.role(conversation, actor).is_some(),
        };
        account == actor && may
    }

    pub(super) fn allows_location(&self, event: &Recorded, actor: AccountId) -> bool {
        let conversation = match LocationEvent::of(&event.event) {
            Some(LocationEvent::LiveLocationStarted(it)) => it.conversation_id,
            Some(LocationEvent::LiveLocationMoved(it)) => it.conversation_id,
            Some(LocationEvent::LiveLocationStopped(it)) => it.conversation_id,
            None => return true,
        };
        self.role(conversation, actor).is_some()
    }

    pub(super) fn allows_poll(&self, event: &Recorded, actor: AccountId) -> bool {
        let (conversation, account) = match PollEvent::of(&event.event) {
            Some(PollEvent::PollOpened(it)) => (it.conversation_id, it.author_id),
            Some(PollEvent::VoteCast(it)) => (it.conversation_id, it.account_id),
            Some(PollEvent::PollClosed(it)) => {
                return self.role(it.conversation_id, actor).is_some();
            }
            None => return true,
        };
        account == actor && self.role(conversation, actor).is_some()
    }

    fn allows_reaction(&self, event: &Recorded, actor: AccountId) -> bool {
        let (conversation, account) = match ReactionEvent::of(&event.event) {
            Some(ReactionEvent::ReactionAdded(it)) => (it.conversation_id, it.account_id),
            Some(ReactionEvent::ReactionRemoved(it)) => (it.conversation_id, it.account_id),
            Some(ReactionEvent::ReactionsLimited(it)) => {
                return self.manages(it.conversation_id, actor);
            }
            None => return true,
        };
        account == actor && self.role(conversation, actor).is_some()
    }
}
