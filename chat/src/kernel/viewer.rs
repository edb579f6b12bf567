//! Whoever a request is made by, and what they may at all.

use uuid::Uuid;

use super::Rejection;
use crate::accounts::AccountId;
use crate::applications::{ApplicationRejection, Scopes, needed};
use crate::factors::FactorRejection;

/// Who is asking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Viewer {
    pub account: AccountId,
    pub session: Uuid,
    /// Whether the session can only set up a second factor.
    pub limited: bool,
    /// What they have allowed the application that asks for them; nothing when they ask themselves.
    pub scopes: Option<Scopes>,
}

impl Viewer {
    /// The viewer, unless all they may do is to set up a second factor.
    ///
    /// # Errors
    /// `FACTORS_SET_UP_FIRST`.
    pub fn whole(self) -> Result<Self, Rejection> {
        (!self.limited).then_some(self).ok_or(FactorRejection::SetUpFirst.into())
    }

    /// Refuses what an application that acts for the viewer was not allowed: a query, mutation,
    /// subscription or command of this name.
    ///
    /// # Errors
    /// `APPLICATIONS_SCOPE_MISSING`.
    pub fn may(self, name: &str) -> Result<(), Rejection> {
        let Some(scopes) = self.scopes else { return Ok(()) };
        let reached = needed(name).is_some_and(|it| scopes.contains(it));
        reached.then_some(()).ok_or(ApplicationRejection::ScopeMissing.into())
    }
}
