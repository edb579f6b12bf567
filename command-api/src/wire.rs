//! How a command travels to the node that owns its partition, and what comes back.

use std::collections::HashMap;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use chat::CommandVisitor;
use chat::kernel::{Accepted, AnyCommand, Caller, Command, Failure, StreamId};

use crate::router::Asked;

type Read = fn(&[u8]) -> Option<Box<dyn AnyCommand>>;

/// Reads commands by their names.
#[derive(Default)]
pub(crate) struct Readers(HashMap<&'static str, Read>);

impl CommandVisitor for Readers {
    fn visit<C: Command>(&mut self) {
        let read: Read = |body| serde_json::from_slice::<C>(body).ok().map(|it| Box::new(it) as _);
        self.0.insert(C::NAME, read);
    }
}

impl Readers {
    /// The reader of a command; `None` when no command has that name.
    pub(crate) fn of(&self, name: &str) -> Option<Read> {
        self.0.get(name).copied()
    }
}

/// A command on its way.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Question {
    caller: Caller,
    client_id: Uuid,
    name: String,
    command: Box<RawValue>,
}

/// What became of it.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub(crate) enum Answer {
    Accepted {
        stream: String,
        partition: u16,
        ordinal: u64,
        first_seq: u64,
        repeated: bool,
    },
    Rejected {
        code: String,
    },
    IdempotencyMismatch,
    ClientIdInvalid,
    RateLimited {
        retry_after_ms: u64,
    },
    TooLarge,
    Unavailable,
    Unknown,
    /// The partition is owned elsewhere, or nowhere now.
    NotOwner,
}

/// Writes a command down.
pub(crate) fn question(asked: &Asked) -> Bytes {
    let json = String::from_utf8(asked.command.json()).expect("JSON is text");
    let question = Question {
        caller: (*asked.caller).clone(),
        client_id: asked.client_id,
        name: asked.command.name().to_owned(),
        command: RawValue::from_string(json).expect("a command is JSON"),
    };
    serde_json::to_vec(&question).expect("a question is plain data").into()
}

/// Reads a command; `None` when this version does not know it.
pub(crate) fn asked(readers: &Readers, question: &[u8]) -> Option<Asked> {
    let it: Question = serde_json::from_slice(question).ok()?;
    let command = readers.of(&it.name)?(it.command.get().as_bytes())?;
    Some(Asked { caller: it.caller.into(), client_id: it.client_id, command: command.into() })
}

impl Answer {
    pub(crate) fn of(outcome: Option<Result<Accepted, Failure>>) -> Self {
        match outcome {
            None => Self::NotOwner,
            Some(Ok(it)) => Self::Accepted {
                stream: it.stream.to_string(),
                partition: it.partition,
                ordinal: it.ordinal,
                first_seq: it.first_seq,
                repeated: it.repeated,
            },
            Some(Err(failure)) => match failure {
                Failure::Rejected(it) => Self::Rejected { code: it.code.to_owned() },
                Failure::IdempotencyMismatch => Self::IdempotencyMismatch,
                Failure::ClientIdInvalid => Self::ClientIdInvalid,
                Failure::RateLimited { retry_after_ms } => Self::RateLimited { retry_after_ms },
                Failure::TooLarge => Self::TooLarge,
                Failure::Unavailable => Self::Unavailable,
                Failure::Unknown => Self::Unknown,
            },
        }
    }

    /// The outcome that it tells; `None` when the partition is not owned there.
    pub(crate) fn outcome(self) -> Option<Result<Accepted, Failure>> {
        Some(Err(match self {
            Self::NotOwner => return None,
            Self::Accepted { stream, partition, ordinal, first_seq, repeated } => {
                let stream: Result<StreamId, _> = stream.parse();
                let accepted =
                    |stream| Accepted { stream, partition, ordinal, first_seq, repeated };
                return Some(stream.map(accepted).map_err(|_| Failure::Unknown));
            }
            Self::Rejected { code } => {
                let listed = chat::rejections().into_iter().map(|it| it.rejection);
                // A newer node may say no in a way that this one has no words for; it said no.
                let known = listed.into_iter().find(|it| it.code == code);
                known.map_or(Failure::Unavailable, Failure::Rejected)
            }
            Self::IdempotencyMismatch => Failure::IdempotencyMismatch,
            Self::ClientIdInvalid => Failure::ClientIdInvalid,
            Self::RateLimited { retry_after_ms } => Failure::RateLimited { retry_after_ms },
            Self::TooLarge => Failure::TooLarge,
            Self::Unavailable => Failure::Unavailable,
            Self::Unknown => Failure::Unknown,
        }))
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        serde_json::to_vec(self).expect("an answer is plain data").into()
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use chat::accounts::AccountId;

    use super::*;

    fn told(outcome: Option<Result<Accepted, Failure>>) -> Option<Result<Accepted, Failure>> {
        Answer::read(&Answer::of(outcome).to_bytes()).expect("it reads back").outcome()
    }

    #[test]
    fn every_outcome_arrives_as_it_was() {
        let rejections = chat::rejections().into_iter().map(|it| Failure::Rejected(it.rejection));
        let failures = [
            Failure::IdempotencyMismatch,
            Failure::ClientIdInvalid,
            Failure::RateLimited { retry_after_ms: 7 },
            Failure::TooLarge,
            Failure::Unavailable,
            Failure::Unknown,
        ];
        for failure in failures.into_iter().chain(rejections) {
            assert_eq!(told(Some(Err(failure))), Some(Err(failure)));
        }
        let accepted = Accepted {
            stream: StreamId::Account(AccountId(Uuid::from_u128(5))),
            partition: 3,
            ordinal: 9,
            first_seq: 2,
            repeated: true,
        };
        assert_eq!(told(Some(Ok(accepted))), Some(Ok(accepted)));
        assert_eq!(told(None), None);
    }
}
