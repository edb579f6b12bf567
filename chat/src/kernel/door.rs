//! What rooms may ask of the roles: carry out a command, wait until it can be read.

use async_trait::async_trait;
use uuid::Uuid;

use ports::event_log::{Partition, Position};

use super::{AnyCommand, Caller, Rejection, StreamId};

/// Where the outcome of a command stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accepted {
    pub stream: StreamId,
    pub partition: Partition,
    /// Ordinal of its last event, or of the partition when there was nothing to do.
    pub ordinal: u64,
    /// `seq` of its first event; 0 when there was nothing to do.
    pub first_seq: u64,
    /// The same command had been accepted before.
    pub repeated: bool,
}

/// Why a command has no outcome to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// The product said no.
    Rejected(Rejection),
    /// The id has been used for another command.
    IdempotencyMismatch,
    /// The client's id lies too far in the future, or is no UUIDv7.
    ClientIdInvalid,
    /// Too much at once.
    RateLimited { retry_after_ms: u64 },
    /// The command's events are larger than a record may be.
    TooLarge,
    /// Nothing happened.
    Unavailable,
    /// It may have happened: ask again with the same id.
    Unknown,
}

/// Carries out commands.
#[async_trait]
pub trait Door: Send + Sync {
    /// Decides a command and, once its events are accepted, says where they stand.
    async fn submit(
        &self,
        caller: Caller,
        client_id: Uuid,
        command: Box<dyn AnyCommand>,
    ) -> Result<Accepted, Failure>;
}

/// How far this node's read side has come.
#[async_trait]
pub trait Progress: Send + Sync {
    /// Everything up to here can be read.
    fn position(&self) -> Position;

    /// Waits, bounded, until a place can be read; `false` when it could not in time.
    async fn reach(&self, position: &Position) -> bool;
}
