//! What can go wrong outside the process; each kind names what the caller should do.

use std::fmt;

/// What to do about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// Nothing happened: retry.
    Unavailable,
    /// It may have happened: retry only with the same idempotency key.
    Unknown,
    /// Somebody else was first: reload and decide again.
    Conflict,
    /// What is stored can't be trusted: stop and call someone.
    Corrupt,
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unavailable => "is unavailable",
            Self::Unknown => "did not say what happened",
            Self::Conflict => "has a conflict",
            Self::Corrupt => "is corrupt",
        })
    }
}

/// A failure of an outside system; its text tells the cause too, which is therefore not told again
/// as a source.
#[derive(Debug, thiserror::Error)]
#[error("{port} {kind}: {cause}")]
pub struct Error {
    pub kind: ErrorKind,
    pub port: &'static str,
    cause: Box<dyn std::error::Error + Send + Sync>,
}

impl Error {
    /// Wraps what an adapter saw.
    pub fn new(
        kind: ErrorKind,
        port: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self { kind, port, cause: cause.into() }
    }

    /// The cause, if it is of this type.
    pub fn cause<E: std::error::Error + 'static>(&self) -> Option<&E> {
        self.cause.downcast_ref()
    }

    /// Nothing happened.
    pub fn unavailable(
        port: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Unavailable, port, cause)
    }

    /// It may have happened.
    pub fn unknown(
        port: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Unknown, port, cause)
    }

    /// What is stored can't be trusted.
    pub fn corrupt(
        port: &'static str,
        cause: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::new(ErrorKind::Corrupt, port, cause)
    }
}
