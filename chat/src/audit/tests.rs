//! The law of the log of audit.
