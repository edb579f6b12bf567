//! When a conversation may be opened and renamed.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Conversation, ConversationId, DirectOpened, FOUNDERS_MAX, GroupCreated, GroupRenamed, Kind,
    TITLE_CHARS_MAX, direct_id,
};
use crate::Event;
use crate::accounts::{Account, AccountId};
use crate::contacts::{Contact, said};
use crate::kernel::{Command, Context, Personal, Slot, StreamId, id};
use crate::members::{Member, MembersAdded, Role};
use crate::privacy::{Gate, Setting};

crate::rejections! {
    /// Why conversations say no.
    ConversationRejection {
        TitleInvalid: Invalid, "CONVERSATIONS_TITLE_INVALID",
            "title is not 1 to 128 characters", "Shorten the title or give one.";
        TooManyFounders: Invalid, "CONVERSATIONS_TOO_MANY_FOUNDERS",
            "a group is created with at most 500 members", "Add the others afterwards.";
        AccountNotFound: NotFound, "CONVERSATIONS_ACCOUNT_NOT_FOUND",
            "an account does not exist", "Check the account ids.";
        NotAGroup: Conflict, "CONVERSATIONS_NOT_A_GROUP",
            "the conversation is not a group", "Only groups have this.";
        Forbidden: Forbidden, "CONVERSATIONS_FORBIDDEN",
            "only owners and admins may do this", "Ask an owner or admin.";
        Refused: Forbidden, "CONVERSATIONS_REFUSED",
            "a person does not want that of you", "Ask them another way.";
        Blocked: Conflict, "CONVERSATIONS_BLOCKED",
            "you have blocked this person", "Unblock them first.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

fn title(text: &str) -> Result<String, ConversationRejection> {
    let title = text.trim();
    let readable = !title.chars().any(char::is_control);
    if readable && (1..=TITLE_CHARS_MAX).contains(&title.chars().count()) {
        Ok(title.to_owned())
    } else {
        Err(ConversationRejection::TitleInvalid)
    }
}

fn account(id: AccountId) -> Slot<Account> {
    Slot::new(id.to_string(), StreamId::Account(id))
}

fn exists(slot: &Slot<Account>) -> bool {
    slot.get().is_some_and(Account::is_shown)
}

/// Creates a group with its first members; whoever creates it owns it.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateGroup {
    pub title: String,
    #[serde(default)]
    pub member_ids: Vec<AccountId>,
    /// Whether anyone who knows the id may join.
    #[serde(default)]
    pub open: bool,
}

impl CreateGroup {
    /// The id of the group that this command creates.
    pub fn conversation_id(context: &Context<'_>) -> ConversationId {
        let actor = context.actor.0.into_bytes();
        ConversationId(id::derive(context.client_id, &[b"group", &actor]))
    }
}

impl Command for CreateGroup {
    const NAME: &'static str = "CreateGroup";
    const SEALS: bool = true;
    type State = Vec<(Slot<Account>, Gate)>;
    type Rejection = ConversationRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ConversationRejection> {
        if self.member_ids.len() > FOUNDERS_MAX {
            return Err(ConversationRejection::TooManyFounders);
        }
        Ok(StreamId::Conversation(Self::conversation_id(context)))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let gate = |it| Gate::new(Setting::GroupInvites, it, context.actor);
        self.member_ids.iter().map(|it| (account(*it), gate(*it))).collect()
    }

    fn decide(
        self,
        accounts: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ConversationRejection> {
        if !accounts.iter().all(|(account, _)| exists(account)) {
            return Err(ConversationRejection::AccountNotFound);
        }
        if !accounts.iter().all(|(_, gate)| gate.admits()) {
            return Err(ConversationRejection::Refused);
        }
        let conversation_id = Self::conversation_id(context);
        let created = GroupCreated {
            conversation_id,
            owner_id: context.actor,
            title: Personal::new(title(&self.title)?),
            open: self.open,
        };
        let others: BTreeSet<AccountId> =
            self.member_ids.into_iter().filter(|it| *it != context.actor).collect();
        let mut events = vec![created.into()];
        if !others.is_empty() {
            let added = MembersAdded {
                conversation_id,
                account_ids: others.into_iter().collect(),
                role: Role::Member,
                last_number: crate::kernel::time::Long(0),
            };
            events.push(added.into());
        }
        Ok(events)
    }
}

/// Opens the direct conversation with somebody, or with oneself the saved messages.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct OpenDirect {
    pub account_id: AccountId,
}

impl Command for OpenDirect {
    const NAME: &'static str = "OpenDirect";
    const SEALS: bool = false;
    type State = ((Slot<Account>, Slot<Conversation>), (Gate, Slot<Contact>));
    type Rejection = ConversationRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, ConversationRejection> {
        Ok(StreamId::Conversation(direct_id(context.actor, self.account_id)))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let id = direct_id(context.actor, self.account_id);
        let conversation = Slot::new(id.to_string(), StreamId::Conversation(id));
        let gate = Gate::new(Setting::DirectMessages, self.account_id, context.actor);
        let said = said(context.actor, self.account_id);
        ((account(self.account_id), conversation), (gate, said))
    }

    fn decide(
        self,
        ((other, conversation), (gate, said)): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, ConversationRejection> {
        if !exists(other) {
            return Err(ConversationRejection::AccountNotFound);
        }
        if conversation.get().is_some() {
            return Ok(Vec::new());
        }
        if said.get().is_some_and(|it| it.blocked_since.is_some()) {
            return Err(ConversationRejection::Blocked);
        }
        if !gate.admits() {
            return Err(ConversationRejection::Refused);
        }
        let pair: BTreeSet<AccountId> = [context.actor, self.account_id].into();
        let opened = DirectOpened {
            conversation_id: direct_id(context.actor, self.account_id),
            account_ids: pair.into_iter().collect(),
        };
        Ok(vec![opened.into()])
    }
}

/// Gives a group another title.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RenameGroup {
    pub conversation_id: ConversationId,
    pub title: String,
}

impl Command for RenameGroup {
    const NAME: &'static str = "RenameGroup";
    const SEALS: bool = true;
    type State = (Slot<Conversation>, Slot<Member>);
    type Rejection = ConversationRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, ConversationRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let stream = StreamId::Conversation(self.conversation_id);
        let member = Member::id(self.conversation_id, context.actor);
        (Slot::new(self.conversation_id.to_string(), stream), Slot::new(member, stream))
    }

    fn decide(
        self,
        (conversation, member): &Self::State,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, ConversationRejection> {
        let member = member.get().filter(|it| it.active);
        let member = member.ok_or(ConversationRejection::NotFound)?;
        let conversation = conversation.get().ok_or(ConversationRejection::NotFound)?;
        if conversation.kind != Kind::Group {
            return Err(ConversationRejection::NotAGroup);
        }
        if !member.role.manages() {
            return Err(ConversationRejection::Forbidden);
        }
        let renamed = GroupRenamed {
            conversation_id: self.conversation_id,
            title: Personal::new(title(&self.title)?),
        };
        Ok(vec![renamed.into()])
    }
}
