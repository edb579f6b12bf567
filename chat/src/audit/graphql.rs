//! The log of audit as those see it who may read it.

use std::sync::Arc;

use async_graphql::connection::{Connection, Edge};
use async_graphql::{Context, ID, Object, Result};

use super::{
    AuditAction, AuditChange, AuditEntry, AuditRejection, EXAMINED_MAX, Filter, ReadAudit,
};
use crate::accounts::{AccountId, AccountObject};
use crate::addresses::AddressId;
use crate::applications::ApplicationId;
use crate::conversations::ConversationId;
use crate::factors::FactorId;
use crate::instance::{InvitationId, Right, demand};
use crate::kernel::graphql::{Page, Scope, failed, id, invalid, outage, rejected, scope};
use crate::kernel::time::Long;
use crate::kernel::{Timestamp, id as ids};
use crate::passkeys::PasskeyId;
use crate::sessions::SessionId;

/// Entries read at once.
const READ_MAX: usize = 200;

/// One thing that somebody did to somebody's security, or to the instance.
struct AuditEntryObject(Arc<AuditEntry>);

#[Object(name = "AuditEntry")]
impl AuditEntryObject {
    /// What was done.
    async fn action(&self) -> AuditAction {
        self.0.action
    }

    /// Who did it; null when the server did, or whoever was not signed in.
    async fn actor_id(&self) -> Option<ID> {
        self.0.actor_id.map(ID::from)
    }

    async fn actor(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        match self.0.actor_id {
            Some(account) => AccountObject::find(context, account).await,
            None => Ok(None),
        }
    }

    /// The account that it was done to.
    async fn target_id(&self) -> Option<ID> {
        self.0.target_id.map(ID::from)
    }

    async fn target(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        match self.0.target_id {
            Some(account) => AccountObject::find(context, account).await,
            None => Ok(None),
        }
    }

    /// What it was done to besides: a session, a group, an invitation, an application.
    async fn subject_id(&self) -> Option<ID> {
        self.0.subject_id.as_deref().map(ID::from)
    }

    /// The session that it came from.
    async fn session_id(&self) -> Option<ID> {
        self.0.session_id.map(ID::from)
    }

    /// Keyed digest of the address that it came from: alike for alike addresses.
    async fn address(&self) -> Option<&str> {
        self.0.address.as_deref()
    }

    /// What is another than before, or is so from then on.
    async fn changes(&self) -> &[AuditChange] {
        &self.0.changes
    }

    async fn occurred_at(&self) -> Timestamp {
        self.0.occurred_at
    }

    /// The stream of the event that says so.
    async fn stream(&self) -> String {
        self.0.stream.to_string()
    }

    /// Its seq there.
    async fn seq(&self) -> Long {
        Long(self.0.seq)
    }
}

/// Whether a text is an id of something that entries are about.
fn is_known(text: &str) -> bool {
    let parses = [
        |it: &str| it.parse::<AccountId>().is_ok(),
        |it: &str| it.parse::<SessionId>().is_ok(),
        |it: &str| it.parse::<ConversationId>().is_ok(),
        |it: &str| it.parse::<InvitationId>().is_ok(),
        |it: &str| it.parse::<ApplicationId>().is_ok(),
        |it: &str| it.parse::<PasskeyId>().is_ok(),
        |it: &str| it.parse::<FactorId>().is_ok(),
        |it: &str| it.parse::<AddressId>().is_ok(),
    ];
    parses.iter().any(|it| it(text))
}

/// The entries of a page, newest first.
async fn find(scope: &Scope, filter: &Filter, page: &Page) -> Result<(Vec<Arc<AuditEntry>>, bool)> {
    let scan = filter.scan_after(page.after.as_deref(), READ_MAX);
    let mut scan = scan.ok_or_else(|| rejected(invalid("cursor is not one of this list")))?;
    let (mut entries, mut examined) = (Vec::new(), 0);
    loop {
        let found = scope.reader.scan::<AuditEntry>(scan.clone()).await.map_err(outage)?;
        let last = found.len() < READ_MAX;
        examined += found.len();
        if let Some((key, _)) = found.last() {
            scan.to.clone_from(key);
        }
        for (_, it) in found.into_iter().filter(|(_, it)| filter.covers(it)) {
            if entries.len() == page.limit {
                return Ok((entries, true));
            }
            entries.push(it);
        }
        if last {
            return Ok((entries, false));
        }
        if examined >= EXAMINED_MAX {
            return Err(rejected(AuditRejection::TooBroad));
        }
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// What was done to the security of accounts and to the instance, newest first; for owners,
    /// admins and auditors. Reading it is an entry too.
    #[expect(clippy::too_many_arguments, reason = "a query's arguments are its conditions")]
    async fn audit_log(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        actor_id: Option<ID>,
        #[graphql(desc = "An account, or a session, group, invitation, application.")]
        target_id: Option<ID>,
        action: Option<AuditAction>,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<Connection<String, AuditEntryObject>> {
        demand(context, Right::ReadAudit).await?;
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let page = Page::new(first, None, after, None)?;
        let actor_id = actor_id.as_ref().map(id).transpose()?;
        let target_id = target_id.map(|it| it.to_string());
        if target_id.as_deref().is_some_and(|it| !is_known(it)) {
            return Err(rejected(invalid("id is not valid")));
        }
        let filter = Filter { actor_id, target_id, action, from, to };
        scope.take(&format!("commands/{viewer}"), scope.limits.per_account).await?;
        let (entries, more) = find(scope, &filter, &page).await?;
        let after = page.after.clone();
        let read = ReadAudit { filter, after, entries: Long(entries.len() as u64) };
        let client_id = ids::fresh(scope.clock.now_ms(), &*scope.entropy);
        let accepted = scope.submit_for(viewer, client_id, read).await.map_err(failed)?;
        scope.outcome(accepted).await?;
        let mut connection = Connection::new(page.after.is_some(), more);
        let edges = entries.into_iter();
        let edges = edges.map(|it| Edge::new(it.place.clone(), AuditEntryObject(it)));
        connection.edges.extend(edges);
        Ok(connection)
    }
}
