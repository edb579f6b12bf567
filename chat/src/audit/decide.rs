//! Who may read the log of audit.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AuditExported, AuditRead, Filter};
use crate::Event;
use crate::instance::{Instance, Right};
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};

crate::rejections! {
    /// Why the log of audit is not shown.
    AuditRejection {
        Forbidden: Forbidden, "INSTANCE_FORBIDDEN",
            "your server role does not allow this", "Ask somebody with the right.";
        TooBroad: LimitExceeded, "AUDIT_TOO_BROAD",
            "more than 5,000 entries would have to be looked through",
            "Ask for a shorter time, or with fewer conditions.";
    }
}

fn readable(instance: &Slot<Instance>, context: &Context<'_>) -> Result<(), AuditRejection> {
    let role = instance.get().and_then(|it| it.role(context.actor));
    let holds = role.is_some_and(|it| it.holds(Right::ReadAudit));
    holds.then_some(()).ok_or(AuditRejection::Forbidden)
}

/// Notes that a page was read, before it is shown.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ReadAudit {
    pub filter: Filter,
    pub after: Option<String>,
    pub entries: Long,
}

impl Command for ReadAudit {
    const NAME: &'static str = "ReadAudit";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Instance>;
    type Rejection = AuditRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AuditRejection> {
        Ok(StreamId::Instance)
    }

    fn state(&self, _: &Context<'_>) -> Self::State {
        Slot::new(Instance::ID, StreamId::Instance)
    }

    fn decide(
        self,
        instance: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AuditRejection> {
        readable(instance, context)?;
        let Filter { actor_id, target_id, action, from, to } = self.filter;
        let read = AuditRead {
            actor_id,
            target_id,
            action: action.map(|it| it.shown()),
            from,
            to,
            after: self.after,
            entries: self.entries,
            origin: Some(context.origin.clone()),
        };
        Ok(vec![read.into()])
    }
}

/// Notes that it was taken, before the first entry is.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ExportAudit {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Command for ExportAudit {
    const NAME: &'static str = "ExportAudit";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Slot<Instance>;
    type Rejection = AuditRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AuditRejection> {
        Ok(StreamId::Instance)
    }

    fn state(&self, _: &Context<'_>) -> Self::State {
        Slot::new(Instance::ID, StreamId::Instance)
    }

    fn decide(
        self,
        instance: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AuditRejection> {
        readable(instance, context)?;
        let origin = Some(context.origin.clone());
        Ok(vec![AuditExported { from: self.from, to: self.to, origin }.into()])
    }
}
