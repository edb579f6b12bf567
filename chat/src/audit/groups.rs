//! What the events of groups tell.

use super::AuditAction as Action;
use super::told::{Told, shown};
use crate::edit_policy::EditPolicyEvent;
use crate::expiry::ExpiryEvent;
use crate::kernel::time::Long;
use crate::members::MemberEvent;
use crate::messages::MessageId;
use crate::pins::PinEvent;
use crate::reactions::{Emoji, ReactionEvent};
use crate::removals::RemovalEvent;
use crate::threads::ThreadEvent;

pub(super) fn member(event: &MemberEvent) -> Option<Told<'_>> {
    Some(match event {
        MemberEvent::RoleChanged(it) => Told::of(Action::GroupRoleChanged, it.origin.as_ref())
            .on(it.account_id)
            .about(it.conversation_id)
            .change("role", it.before.map(shown), Some(shown(it.role))),
        MemberEvent::MemberRemoved(it) => Told::of(Action::GroupMemberRemoved, it.origin.as_ref())
            .on(it.account_id)
            .about(it.conversation_id)
            .change("role", it.role.map(shown), None),
        MemberEvent::MembersAdded(_) | MemberEvent::MemberLeft(_) => return None,
    })
}

pub(super) fn reaction(event: &ReactionEvent) -> Option<Told<'_>> {
    let text = |it: &Vec<Emoji>| it.iter().map(Emoji::as_str).collect::<Vec<_>>().join(" ");
    Some(match event {
        ReactionEvent::ReactionsLimited(it) => {
            let (before, allowed) = (it.before.as_ref(), it.allowed.as_ref());
            Told::of(Action::GroupReactionsLimited, it.origin.as_ref())
                .about(it.conversation_id)
                .change("allowedReactions", before.map(text), allowed.map(text))
        }
        ReactionEvent::ReactionAdded(_) | ReactionEvent::ReactionRemoved(_) => return None,
    })
}

/// What those who manage a group say of its edits.
pub(super) fn edit_policy(
    EditPolicyEvent::EditPolicySet(it): &EditPolicyEvent,
) -> Option<Told<'_>> {
    let minutes = |it: Option<Long>| Some(it.map_or("no end".to_owned(), |it| it.0.to_string()));
    let told = Told::of(Action::GroupEditPolicySet, Some(it.origin.as_ref()?));
    let told = told.about(it.conversation_id);
    let told = told.change("editMinutes", minutes(it.minutes_before), minutes(it.minutes));
    let visible = [it.history_visible_before, it.history_visible];
    let [before, after] = visible.map(|it| Some(it.to_string()));
    Some(told.change("editHistoryVisible", before, after))
}

/// What admins do with the pins of their groups.
pub(super) fn pin(event: &PinEvent) -> Option<Told<'_>> {
    let (action, origin, conversation) = match event {
        PinEvent::MessagePinned(it) => (Action::GroupMessagePinned, &it.origin, it.conversation_id),
        PinEvent::MessageUnpinned(it) => {
            (Action::GroupMessageUnpinned, &it.origin, it.conversation_id)
        }
        PinEvent::AllUnpinned(it) => (Action::GroupAllUnpinned, &it.origin, it.conversation_id),
    };
    let told = Told::of(action, Some(origin.as_ref()?)).about(conversation);
    Some(match event {
        PinEvent::MessagePinned(it) => told.with("pinned", Some(it.message_id.to_string())),
        PinEvent::MessageUnpinned(it) => {
            told.change("pinned", Some(it.message_id.to_string()), None)
        }
        PinEvent::AllUnpinned(it) => told.change("pins", Some(it.count.0.to_string()), None),
    })
}

pub(super) fn expiry(event: &ExpiryEvent) -> Option<Told<'_>> {
    let text = |it: Long| format!("{} s", it.0);
    match event {
        // What the two of a direct conversation agree on is nobody else's.
        ExpiryEvent::ExpirySet(it) => it.origin.as_ref().map(|origin| {
            Told::of(Action::GroupExpirySet, Some(origin)).about(it.conversation_id).change(
                "expiresIn",
                it.before.map(text),
                it.expires_in.map(text),
            )
        }),
        ExpiryEvent::ExpiryBegun(_) | ExpiryEvent::ReadingNoted(_) => None,
    }
}

/// What those who manage a group take out and give back; that it ends is nobody's doing.
pub(super) fn removal(event: &RemovalEvent) -> Option<Told<'_>> {
    let id = Some(event.message_id().to_string());
    Some(match event {
        RemovalEvent::MessageRemoved(it) => {
            Told::of(Action::GroupMessageRemoved, it.origin.as_ref())
                .on(it.author_id)
                .about(it.conversation_id)
                .change("message", id, None)
        }
        RemovalEvent::MessageRestored(it) => {
            Told::of(Action::GroupMessageRestored, it.origin.as_ref())
                .on(it.author_id)
                .about(it.conversation_id)
                .with("message", id)
        }
        RemovalEvent::MessageDestroyed(_) => return None,
    })
}

/// What those who manage a group move between its lines.
pub(super) fn thread(event: &ThreadEvent) -> Option<Told<'_>> {
    let ThreadEvent::MessageMoved(it) = event else { return None };
    let thread = |it: Option<MessageId>| it.map(|it| it.to_string());
    let told = Told::of(Action::GroupMessageMoved, Some(it.origin.as_ref()?));
    let told = told.on(it.author_id).about(it.conversation_id);
    let told = told.with("message", Some(it.message_id.to_string()));
    Some(told.change("thread", thread(it.from_thread_id), thread(it.to_thread_id)))
}
