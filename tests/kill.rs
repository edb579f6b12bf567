//! Kills: what was acknowledged survives the death of the process.
