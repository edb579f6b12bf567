//! What the log and the public topics have in common on Kafka.
//!
//! - `settings`: what an address says, and how the clients are set up.
//! - `topics`: the topics are made, or refused if records could be lost on them.
//! - `catch_up`: reads records that are not at hand.

mod catch_up;
mod settings;
mod topics;

use rdkafka::error::{KafkaError, RDKafkaErrorCode};

pub(crate) use catch_up::CatchUp;
pub(crate) use settings::{CALL_MAX, Consumer, Logs, Settings, consumer};
pub(crate) use topics::{Kept, Topics, ends};

use crate::Error;

const PORT: &str = "kafka";

/// The client's failure where nothing can have happened.
pub(crate) fn unavailable(error: KafkaError) -> Error {
    Error::unavailable(PORT, error)
}

/// Whether the client was told to read where no record can be.
pub(crate) fn is_gone(error: &KafkaError) -> bool {
    matches!(
        error.rdkafka_error_code(),
        Some(
            RDKafkaErrorCode::AutoOffsetReset
                | RDKafkaErrorCode::OffsetOutOfRange
                | RDKafkaErrorCode::LogTruncation
        )
    )
}
