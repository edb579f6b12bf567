//! A conversation's policy of edits, as it is remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{DEFAULT_MINUTES, EditPolicyEvent};
use crate::kernel::{Document, Recorded, Timestamp};

/// For how long messages are edited, and who sees what they said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditPolicy {
    /// 0 is never; absent, there is no end.
    pub minutes: Option<u32>,
    pub history_visible: bool,
    /// `seq` of the event that made it what it is; 0 where nobody has said anything.
    pub seq: u64,
}

impl Default for EditPolicy {
    fn default() -> Self {
        Self { minutes: Some(DEFAULT_MINUTES), history_visible: true, seq: 0 }
    }
}

impl EditPolicy {
    /// Whether a message that was accepted at a time may be edited at another.
    pub fn allows(&self, accepted: Timestamp, now: Timestamp) -> bool {
        match self.minutes {
            None => true,
            Some(0) => false,
            Some(minutes) => now.0 - accepted.0 <= i64::from(minutes) * 60_000,
        }
    }
}

impl Document for EditPolicy {
    const COLLECTION: Collection = Collection { name: "edit_policies", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let set = EditPolicyEvent::of(&event.event);
        set.map(|EditPolicyEvent::EditPolicySet(it)| it.conversation_id.to_string())
            .into_iter()
            .collect()
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        if let Some(EditPolicyEvent::EditPolicySet(it)) = EditPolicyEvent::of(&event.event) {
            let minutes = it.minutes.map(|it| u32::try_from(it.0).unwrap_or(u32::MAX));
            let history_visible = it.history_visible;
            *document = Some(Self { minutes, history_visible, seq: event.seq });
        }
    }
}
