//! The log of audit as lines, for whoever keeps it elsewhere: oldest first, one entry a line.

use bytes::Bytes;
use futures_util::{Stream, stream};

use ports::Error;
use ports::documents::Order;

use super::{AuditEntry, ExportAudit, Filter};
use crate::kernel::graphql::{Asker, Scope, UNAUTHENTICATED};
use crate::kernel::{Failure, Timestamp, id};

/// Entries read at once.
const READ_MAX: usize = 500;

/// Why nothing is exported.
pub type Refused = Failure;

/// Notes that it is exported, then gives the entries of a stretch of time, a page at a time; those
/// that come to be meanwhile are not among them.
///
/// # Errors
/// Whoever may not read it, or has done so too often, is refused.
pub async fn export(
    scope: &Scope,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> Result<impl Stream<Item = Result<Bytes, Error>> + Send + 'static + use<>, Refused> {
    let Asker::Viewer(viewer, _) = &scope.asker else {
        return Err(Failure::Rejected(UNAUTHENTICATED));
    };
    let viewer = viewer.whole().map_err(Failure::Rejected)?;
    viewer.may("auditLog").map_err(Failure::Rejected)?;
    scope.admit(&format!("commands/{}", viewer.account), scope.limits.per_account).await?;
    let now = Timestamp(scope.clock.now_ms());
    let client_id = id::fresh(now.0, &*scope.entropy);
    let command = ExportAudit { from, to };
    let accepted = scope.submit_for(viewer.account, client_id, command).await?;
    // Whoever looks after the first line finds it.
    scope.outcome(accepted).await.map_err(|_| Failure::Unavailable)?;
    let to = Some(to.map_or(now, |it| it.min(now)));
    let filter = Filter { from, to, ..Filter::default() };
    let start = Some(filter.scan(Order::Ascending, READ_MAX));
    let reader = scope.reader.anew();
    Ok(stream::try_unfold((reader, start), async |(reader, scan)| {
        let Some(mut scan) = scan else { return Ok(None) };
        let found = reader.scan::<AuditEntry>(scan.clone()).await?;
        let mut lines = Vec::new();
        for (_, entry) in &found {
            serde_json::to_writer(&mut lines, &**entry).expect("an entry is plain data");
            lines.push(b'\n');
        }
        let last = found.last().filter(|_| found.len() == READ_MAX);
        let next = last.map(|(key, _)| {
            // The first key after this one.
            scan.from = format!("{key}\0");
            scan
        });
        Ok(Some((Bytes::from(lines), (reader, next))))
    }))
}
