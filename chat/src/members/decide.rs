//! Who may add, remove, join, leave and change roles.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    ADDED_MAX, MEMBERS_MAX, Member, MemberLeft, MemberRemoved, MembersAdded, Role, RoleChanged,
};
use crate::Event;
use crate::accounts::{Account, AccountId};
use crate::conversations::{Conversation, ConversationId, Kind};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId};
use crate::privacy::{Gate, Setting};

crate::rejections! {
    /// Why memberships say no.
    MemberRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        Forbidden: Forbidden, "MEMBERS_FORBIDDEN",
            "the role does not allow this", "Ask an owner or admin.";
        NotAGroup: Conflict, "MEMBERS_NOT_A_GROUP",
            "the conversation is not a group", "Only groups have changing members.";
        TooManyAtOnce: Invalid, "MEMBERS_TOO_MANY_AT_ONCE",
            "not 1 to 500 accounts", "Add them in several commands.";
        Full: LimitExceeded, "MEMBERS_FULL",
            "the group has its 200,000 members", "Remove somebody first.";
        OwnerStays: Conflict, "MEMBERS_OWNER_STAYS",
            "the owner leaves last", "Remove the others first.";
    }
}

type Group = (Slot<Conversation>, Slot<Member>);

/// The conversation and the membership of whoever asks.
fn group(conversation_id: ConversationId, context: &Context<'_>) -> Group {
    let stream = StreamId::Conversation(conversation_id);
    let member = Member::id(conversation_id, context.actor);
    (Slot::new(conversation_id.to_string(), stream), Slot::new(member, stream))
}

fn other(conversation_id: ConversationId, account_id: AccountId) -> Slot<Member> {
    let stream = StreamId::Conversation(conversation_id);
    Slot::new(Member::id(conversation_id, account_id), stream)
}

fn active(slot: &Slot<Member>) -> Option<&Member> {
    slot.get().filter(|it| it.active)
}

/// The group and the asking member; strangers learn nothing.
fn inside((conversation, member): &Group) -> Result<(&Conversation, &Member), MemberRejection> {
    let member = active(member).ok_or(MemberRejection::NotFound)?;
    let conversation = conversation.get().ok_or(MemberRejection::NotFound)?;
    if conversation.kind != Kind::Group {
        return Err(MemberRejection::NotAGroup);
    }
    Ok((conversation, member))
}

/// An account with its membership, and whether it lets the actor add it.
type Candidate = (Slot<Account>, Slot<Member>, Gate);

/// Adds accounts to a group; those that don't exist, are members already or don't want to be added
/// by the actor are left out.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AddMembers {
    pub conversation_id: ConversationId,
    pub account_ids: Vec<AccountId>,
}

impl Command for AddMembers {
    const NAME: &'static str = "AddMembers";
    const SEALS: bool = false;
    type State = (Group, Vec<Candidate>);
    type Rejection = MemberRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MemberRejection> {
        if !(1..=ADDED_MAX).contains(&self.account_ids.len()) {
            return Err(MemberRejection::TooManyAtOnce);
        }
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let accounts = self.account_ids.iter().map(|it| {
            let account = Slot::new(it.to_string(), StreamId::Account(*it));
            let gate = Gate::new(Setting::GroupInvites, *it, context.actor);
            (account, other(self.conversation_id, *it), gate)
        });
        (group(self.conversation_id, context), accounts.collect())
    }

    fn decide(
        self,
        (group, accounts): &Self::State,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, MemberRejection> {
        let (conversation, member) = inside(group)?;
        if !member.role.manages() {
            return Err(MemberRejection::Forbidden);
        }
        let new: BTreeSet<AccountId> = accounts
            .iter()
            .filter(|(_, member, gate)| active(member).is_none() && gate.admits())
            .filter_map(|(account, ..)| account.get())
            .filter(|it| it.is_shown())
            .map(|it| it.id)
            .collect();
        if conversation.member_count + new.len() as u64 > MEMBERS_MAX {
            return Err(MemberRejection::Full);
        }
        if new.is_empty() {
            return Ok(Vec::new());
        }
        let added = MembersAdded {
            conversation_id: self.conversation_id,
            account_ids: new.into_iter().collect(),
            role: Role::Member,
            last_number: Long(conversation.last_number),
        };
        Ok(vec![added.into()])
    }
}

/// Removes a member with a lower role.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveMember {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
}

impl Command for RemoveMember {
    const NAME: &'static str = "RemoveMember";
    const SEALS: bool = false;
    type State = (Group, Slot<Member>);
    type Rejection = MemberRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MemberRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (group(self.conversation_id, context), other(self.conversation_id, self.account_id))
    }

    fn decide(
        self,
        (group, other): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MemberRejection> {
        let (_, member) = inside(group)?;
        let Some(other) = active(other) else { return Err(MemberRejection::NotFound) };
        if !member.role.manages() || other.role >= member.role {
            return Err(MemberRejection::Forbidden);
        }
        let removed = MemberRemoved {
            conversation_id: self.conversation_id,
            account_id: self.account_id,
            joined_seq: Long(other.joined_seq),
            role: Some(other.role),
            origin: Some(context.origin.clone()),
        };
        Ok(vec![removed.into()])
    }
}

/// Leaves a group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct LeaveConversation {
    pub conversation_id: ConversationId,
}

impl Command for LeaveConversation {
    const NAME: &'static str = "LeaveConversation";
    const SEALS: bool = false;
    type State = Group;
    type Rejection = MemberRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MemberRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Group {
        group(self.conversation_id, context)
    }

    fn decide(self, group: &Group, context: &Context<'_>) -> Result<Vec<Event>, MemberRejection> {
        let (conversation, member) = inside(group)?;
        if member.role == Role::Owner && conversation.member_count > 1 {
            return Err(MemberRejection::OwnerStays);
        }
        let left = MemberLeft {
            conversation_id: self.conversation_id,
            account_id: context.actor,
            joined_seq: Long(member.joined_seq),
        };
        Ok(vec![left.into()])
    }
}

/// Joins an open group.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct JoinGroup {
    pub conversation_id: ConversationId,
}

impl Command for JoinGroup {
    const NAME: &'static str = "JoinGroup";
    const SEALS: bool = false;
    type State = Group;
    type Rejection = MemberRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MemberRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Group {
        group(self.conversation_id, context)
    }

    fn decide(
        self,
        (conversation, member): &Group,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MemberRejection> {
        if active(member).is_some() {
            return Ok(Vec::new());
        }
        // A closed group is answered as one that does not exist: its id tells nothing.
        let conversation = conversation.get().filter(|it| it.kind == Kind::Group && it.open);
        let conversation = conversation.ok_or(MemberRejection::NotFound)?;
        if conversation.member_count >= MEMBERS_MAX {
            return Err(MemberRejection::Full);
        }
        let added = MembersAdded {
            conversation_id: self.conversation_id,
            account_ids: vec![context.actor],
            role: Role::Member,
            last_number: Long(conversation.last_number),
        };
        Ok(vec![added.into()])
    }
}

/// Makes a member an admin, or an admin a member.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangeRole {
    pub conversation_id: ConversationId,
    pub account_id: AccountId,
    pub role: Role,
}

impl Command for ChangeRole {
    const NAME: &'static str = "ChangeRole";
    const SEALS: bool = false;
    type State = (Group, Slot<Member>);
    type Rejection = MemberRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, MemberRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (group(self.conversation_id, context), other(self.conversation_id, self.account_id))
    }

    fn decide(
        self,
        (group, other): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, MemberRejection> {
        let (_, member) = inside(group)?;
        let Some(other) = active(other) else { return Err(MemberRejection::NotFound) };
        let owner_involved = other.role == Role::Owner || self.role == Role::Owner;
        if member.role != Role::Owner || owner_involved {
            return Err(MemberRejection::Forbidden);
        }
        if other.role == self.role {
            return Ok(Vec::new());
        }
        let changed = RoleChanged {
            conversation_id: self.conversation_id,
            account_id: self.account_id,
            role: self.role,
            before: Some(other.role),
            origin: Some(context.origin.clone()),
        };
        Ok(vec![changed.into()])
    }
}
