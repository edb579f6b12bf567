//! Ways to sign in, as far as the operator decides about them.

/// What the operator has decided about ways to sign in.
#[derive(Debug, Clone, Copy)]
pub struct Ways {
    /// Whether a link by mail stands in for the password.
    pub sign_in_links: bool,
    /// How long the removal of lost second factors waits, in milliseconds.
    pub factor_recovery_ms: i64,
}

impl Default for Ways {
    fn default() -> Self {
        Self { sign_in_links: false, factor_recovery_ms: 72 * 3_600 * 1_000 }
    }
}
