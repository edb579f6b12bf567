//! Privacy as its owner sees it.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{Privacy, Rule, SetPrivacy, Setting, Who};
use crate::accounts::AccountId;
use crate::kernel::graphql::{id, outage, scope};

/// What the viewer has set.
pub struct PrivacyObject(Arc<Privacy>);

impl PrivacyObject {
    /// What a person has set; the caller has checked that it is theirs.
    pub async fn find(context: &Context<'_>, account: AccountId) -> Result<Option<Self>> {
        let reader = &scope(context).reader;
        let found = reader.load::<Privacy>(account.to_string()).await.map_err(outage)?;
        Ok(Some(Self(found.unwrap_or_default())))
    }
}

/// Who may see what of the viewer, and who may reach them.
#[Object(name = "Privacy")]
impl PrivacyObject {
    /// Every setting with its rules.
    async fn settings(&self) -> Vec<PrivacySetting> {
        let rules = |it| self.0.rules(it).into_iter().map(PrivacyRule::from).collect();
        Setting::ALL.map(|it| PrivacySetting { setting: it, rules: rules(it) }).into()
    }
}

#[derive(SimpleObject)]
struct PrivacySetting {
    setting: Setting,
    /// The first that names whoever asks decides; whom none names is denied.
    rules: Vec<PrivacyRule>,
}

#[derive(SimpleObject)]
struct PrivacyRule {
    allow: bool,
    who: Who,
    account_ids: Vec<ID>,
    conversation_id: Option<ID>,
}

impl From<Rule> for PrivacyRule {
    fn from(it: Rule) -> Self {
        let account_ids = it.account_ids.into_iter().map(ID::from).collect();
        let conversation_id = it.conversation_id.map(ID::from);
        Self { allow: it.allow, who: it.who, account_ids, conversation_id }
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct PrivacyQuery;

#[Object]
impl PrivacyQuery {
    /// Who may see what of the viewer, and who may reach them.
    async fn privacy(&self, context: &Context<'_>) -> Result<Option<PrivacyObject>> {
        PrivacyObject::find(context, scope(context).viewer()?.account).await
    }
}

#[derive(InputObject)]
struct PrivacyRuleInput {
    allow: bool,
    who: Who,
    /// For `ACCOUNTS`.
    #[graphql(default)]
    account_ids: Vec<ID>,
    /// For `MEMBERS`; the viewer is one.
    conversation_id: Option<ID>,
}

#[derive(InputObject)]
struct SetPrivacyInput {
    client_id: ID,
    setting: Setting,
    /// All rules of the setting, at most 8; without any, it is denied to everyone.
    rules: Vec<PrivacyRuleInput>,
}

#[derive(SimpleObject)]
struct SetPrivacyPayload {
    privacy: Option<PrivacyObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct PrivacyMutation;

#[Object]
impl PrivacyMutation {
    /// Says who may see something of the viewer, or do something with them.
    async fn set_privacy(
        &self,
        context: &Context<'_>,
        input: SetPrivacyInput,
    ) -> Result<SetPrivacyPayload> {
        let scope = scope(context);
        let rule = |it: &PrivacyRuleInput| {
            let account_ids = it.account_ids.iter().map(id).collect::<Result<_>>()?;
            let conversation_id = it.conversation_id.as_ref().map(id).transpose()?;
            Ok(Rule { allow: it.allow, who: it.who, account_ids, conversation_id })
        };
        let rules = input.rules.iter().map(rule).collect::<Result<_>>()?;
        let command = SetPrivacy { setting: input.setting, rules };
        let outcome = scope.submit(&input.client_id, command).await?;
        let privacy = match outcome.readable {
            true => PrivacyObject::find(context, scope.viewer()?.account).await?,
            false => None,
        };
        Ok(SetPrivacyPayload { privacy, position: outcome.position })
    }
}
