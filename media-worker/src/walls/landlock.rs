//! The wall that the kernel builds for whoever asks: no files, no connections, no signals.

use landlock::{
    ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetError,
    RulesetStatus, Scope,
};
use serde::{Deserialize, Serialize};

/// How much of it this kernel has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Landlock {
    /// Files, connections, signals.
    Whole,
    /// Files at least: an older kernel.
    Part,
    None,
}

/// Takes away all that is known to this version. What was opened before stays open.
pub(super) fn put_up() -> Landlock {
    match try_to() {
        Ok(RulesetStatus::FullyEnforced) => Landlock::Whole,
        Ok(RulesetStatus::PartiallyEnforced) => Landlock::Part,
        Ok(RulesetStatus::NotEnforced) | Err(_) => Landlock::None,
    }
}

fn try_to() -> Result<RulesetStatus, RulesetError> {
    let newest = ABI::V6;
    // Not one rule follows, so nothing is allowed.
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(newest))?
        .handle_access(AccessNet::from_all(newest))?
        .scope(Scope::from_all(newest))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset)
}
