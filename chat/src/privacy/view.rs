//! Privacy as it is remembered, and what it says.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{PrivacyEvent, Rule, Setting, Who};
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::ConversationId;
use crate::kernel::{Document, Recorded};

/// What a person has said of each setting.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Privacy {
    set: BTreeMap<Setting, Vec<Rule>>,
}

/// How whoever asks stands to the person whose privacy it is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asking {
    /// Absent when it is the person themselves.
    pub other: Option<AccountId>,
    pub blocked: bool,
    pub contact: bool,
    /// The conversations that rules name and whoever asks is a member of.
    pub member_of: BTreeSet<ConversationId>,
    /// Those of them that the person is a member of as well.
    pub shared: BTreeSet<ConversationId>,
}

impl Setting {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::LastSeen,
        Self::Bio,
        Self::Email,
        Self::Phone,
        Self::FindByEmail,
        Self::FindByPhone,
        Self::DirectMessages,
        Self::GroupInvites,
        Self::ReadReceipts,
        Self::Forwards,
        Self::Photo,
    ];

    /// Whom it allows until the person says otherwise.
    fn beginning(self) -> Who {
        match self {
            Self::LastSeen
            | Self::Bio
            | Self::DirectMessages
            | Self::GroupInvites
            | Self::ReadReceipts
            | Self::Forwards
            | Self::Photo => Who::Everyone,
            Self::Email | Self::Phone | Self::FindByEmail | Self::FindByPhone => Who::Contacts,
        }
    }
}

impl Rule {
    fn names(&self, asking: &Asking) -> bool {
        match self.who {
            Who::Everyone => true,
            Who::Contacts => asking.contact,
            Who::Accounts => asking.other.is_some_and(|it| self.account_ids.contains(&it)),
            Who::Members => {
                // Who has left a conversation does not see any more whom it takes in.
                let among = if self.allow { &asking.shared } else { &asking.member_of };
                self.conversation_id.is_some_and(|it| among.contains(&it))
            }
        }
    }
}

impl Privacy {
    /// The rules of a setting, in their order.
    pub fn rules(&self, setting: Setting) -> Vec<Rule> {
        self.set.get(&setting).cloned().unwrap_or_else(|| {
            let who = setting.beginning();
            vec![Rule { allow: true, who, account_ids: Vec::new(), conversation_id: None }]
        })
    }

    /// Whether somebody may see or do something: the first rule that names them decides.
    pub fn admits(&self, setting: Setting, asking: &Asking) -> bool {
        if asking.other.is_none() {
            return true;
        }
        let rules = self.rules(setting);
        !asking.blocked && rules.iter().find(|it| it.names(asking)).is_some_and(|it| it.allow)
    }

    /// The conversations that the rules of a setting name.
    pub(super) fn conversations(&self, setting: Setting) -> Vec<ConversationId> {
        let rules = self.set.get(&setting).into_iter().flatten();
        rules.filter_map(|it| it.conversation_id).collect()
    }
}

impl Document for Privacy {
    const COLLECTION: Collection = Collection { name: "privacy", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let Some(PrivacyEvent::PrivacySet(it)) = PrivacyEvent::of(&event.event) else {
            return Vec::new();
        };
        vec![it.account_id.to_string()]
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(PrivacyEvent::PrivacySet(it)) = PrivacyEvent::of(&event.event) {
            document.get_or_insert_default().set.insert(it.setting, it.rules.clone());
        }
    }

    fn audience(&self) -> Audience {
        // Its owner reads it by way of their account; nobody else learns what they have set.
        Audience::Nobody
    }
}
