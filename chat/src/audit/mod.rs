//! Audit: who did what to whose security or to the instance, for those who answer for it.
//!
//! Every event of security or administration is an entry: what, by whom, on whom, from which
//! session and address (a keyed digest), what was before and after. Entries are folded from the log
//! like everything else, so the log of audit can't say what did not happen; `parlance verify` says
//! whether the log is whole. Nothing personal is in it: names stand behind ids, and may be erased.
//!
//! Owners, admins and auditors read it. Reading and exporting it are events too.
//!
//! Limits: [`EXAMINED_MAX`], and a page as everywhere.

mod decide;
mod events;
mod export;
mod graphql;
mod groups;
#[cfg(test)]
mod tests;
mod told;
mod view;

pub use decide::{AuditRejection, ExportAudit, ReadAudit};
pub use events::{AuditEvent, AuditExported, AuditRead};
pub use export::{Refused, export};
pub use graphql::AuditQuery;
pub use view::{AuditAction, AuditChange, AuditEntry, Filter};

/// Entries that one page looks through at most.
pub const EXAMINED_MAX: usize = 5_000;
