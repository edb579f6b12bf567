//! Setting rules, and asking them in decisions.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ACCOUNTS_MAX, Asking, Privacy, PrivacySet, RULES_MAX, Rule, Setting, Who};
use crate::Event;
use crate::accounts::AccountId;
use crate::contacts::{Contact, said};
use crate::conversations::ConversationId;
use crate::kernel::command::Fetch;
use crate::kernel::{Command, Context, Slot, State, StreamId};
use crate::members::Member;

crate::rejections! {
    /// Why privacy says no.
    PrivacyRejection {
        TooManyRules: Invalid, "PRIVACY_TOO_MANY_RULES",
            "a setting has over 8 rules", "Join or leave out some.";
        TooManyAccounts: Invalid, "PRIVACY_TOO_MANY_ACCOUNTS",
            "the rules of a setting name over 100 accounts", "Name fewer, or a conversation.";
        RuleInvalid: Invalid, "PRIVACY_RULE_INVALID",
            "a rule names accounts or a conversation where it should not, or none where it should",
            "Give accountIds for ACCOUNTS only, and conversationId for MEMBERS only.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

fn membership(conversation: ConversationId, account: AccountId) -> Slot<Member> {
    Slot::new(Member::id(conversation, account), StreamId::Conversation(conversation))
}

fn is_member(slot: &Slot<Member>) -> bool {
    slot.get().is_some_and(|it| it.active)
}

/// Says who may see or do something.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetPrivacy {
    pub setting: Setting,
    /// The first that names whoever asks decides; at most 8.
    pub rules: Vec<Rule>,
}

impl SetPrivacy {
    fn check(&self) -> Result<(), PrivacyRejection> {
        if self.rules.len() > RULES_MAX {
            return Err(PrivacyRejection::TooManyRules);
        }
        let named: usize = self.rules.iter().map(|it| it.account_ids.len()).sum();
        if named > ACCOUNTS_MAX {
            return Err(PrivacyRejection::TooManyAccounts);
        }
        let whole = self.rules.iter().all(|it| {
            (it.who == Who::Accounts) != it.account_ids.is_empty()
                && (it.who == Who::Members) == it.conversation_id.is_some()
        });
        whole.then_some(()).ok_or(PrivacyRejection::RuleInvalid)
    }
}

impl Command for SetPrivacy {
    const NAME: &'static str = "SetPrivacy";
    const SEALS: bool = false;
    type State = (Slot<Privacy>, Vec<Slot<Member>>);
    type Rejection = PrivacyRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, PrivacyRejection> {
        self.check()?;
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let named: BTreeSet<_> = self.rules.iter().filter_map(|it| it.conversation_id).collect();
        let own = named.into_iter().map(|it| membership(it, context.actor));
        (Slot::of(context.actor), own.collect())
    }

    fn decide(
        self,
        (privacy, memberships): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PrivacyRejection> {
        if !memberships.iter().all(is_member) {
            return Err(PrivacyRejection::NotFound);
        }
        if privacy.get().is_some_and(|it| it.rules(self.setting) == self.rules) {
            return Ok(Vec::new());
        }
        let set = PrivacySet {
            account_id: context.actor,
            setting: self.setting,
            rules: self.rules,
            origin: Some(context.origin.clone()),
        };
        Ok(vec![set.into()])
    }
}

/// Asks a person's rules in a decision about them.
pub struct Gate {
    setting: Setting,
    owner: AccountId,
    actor: AccountId,
    privacy: Slot<Privacy>,
    said: Slot<Contact>,
    /// Of the actor and of the owner, by the conversations that rules name.
    memberships: Vec<(ConversationId, (Slot<Member>, Slot<Member>))>,
}

impl Gate {
    /// Whether the actor may do something with the owner.
    pub fn new(setting: Setting, owner: AccountId, actor: AccountId) -> Self {
        let (privacy, said) = (Slot::of(owner), said(owner, actor));
        Self { setting, owner, actor, privacy, said, memberships: Vec::new() }
    }

    /// What the owner's rules say.
    pub fn admits(&self) -> bool {
        let actors = self.memberships.iter().filter(|(_, (actor, _))| is_member(actor));
        let shared = actors.clone().filter(|(_, (_, owner))| is_member(owner));
        let asking = Asking {
            other: (self.owner != self.actor).then_some(self.actor),
            blocked: self.said.get().is_some_and(|it| it.blocked_since.is_some()),
            contact: self.said.get().is_some_and(|it| it.contact_since.is_some()),
            member_of: actors.map(|(id, _)| *id).collect(),
            shared: shared.map(|(id, _)| *id).collect(),
        };
        let privacy = self.privacy.get().cloned().unwrap_or_default();
        privacy.admits(self.setting, &asking)
    }
}

impl State for Gate {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.privacy.fill(fetch);
        self.said.fill(fetch);
        let named = self.privacy.get().map_or_else(Vec::new, |it| it.conversations(self.setting));
        let both = |it| (membership(it, self.actor), membership(it, self.owner));
        self.memberships = named.into_iter().map(|it| (it, both(it))).collect();
        self.memberships.iter_mut().for_each(|(_, it)| it.fill(fetch));
    }
}
