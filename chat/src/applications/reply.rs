//! What the endpoints answer: JSON, and the errors of RFC 6749, 7591, 7009 and 8628 by name.

use serde_json::{Value, json};

use crate::kernel::graphql::describe;
use crate::kernel::{Failure, RejectionKind};

/// An answer of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// Of HTTP.
    pub status: u16,
    pub body: Value,
    /// How one may authenticate, where that has failed.
    pub challenge: Option<&'static str>,
    pub retry_after_ms: Option<u64>,
}

impl Reply {
    /// What was asked for.
    pub fn of(body: Value) -> Self {
        Self { status: 200, body, challenge: None, retry_after_ms: None }
    }

    fn error(status: u16, error: &str, description: &str) -> Self {
        let body = json!({ "error": error, "error_description": description });
        Self { status, ..Self::of(body) }
    }

    pub(super) fn invalid_request(description: &str) -> Self {
        Self::error(400, "invalid_request", description)
    }

    pub(super) fn invalid_client() -> Self {
        let reply = Self::error(401, "invalid_client", "the application is not who it says");
        Self { challenge: Some("Basic realm=\"parlance\""), ..reply }
    }

    pub(super) fn invalid_grant() -> Self {
        Self::error(400, "invalid_grant", "that is not good, or not any more")
    }

    pub(super) fn unsupported_grant_type() -> Self {
        Self::error(400, "unsupported_grant_type", "that kind of grant is not known here")
    }

    pub(super) fn invalid_scope() -> Self {
        Self::error(400, "invalid_scope", "a scope is unknown or more than was allowed")
    }

    pub(super) fn invalid_token() -> Self {
        let reply = Self::error(401, "invalid_token", "the access token is not good");
        Self { challenge: Some("Bearer error=\"invalid_token\""), ..reply }
    }

    pub(super) fn insufficient_scope() -> Self {
        let reply = Self::error(403, "insufficient_scope", "this needs the scope openid");
        Self { challenge: Some("Bearer error=\"insufficient_scope\", scope=\"openid\""), ..reply }
    }

    /// What was asked for is refused, by a name of the RFCs.
    pub(super) fn refused(error: &str, description: &str) -> Self {
        Self::error(400, error, description)
    }

    /// How a device stands (RFC 8628 section 3.5).
    pub(super) fn device(error: &str) -> Self {
        Self::refused(error, "the device is not let in, or not yet")
    }

    /// The form is larger than any that is read.
    pub fn too_large() -> Self {
        Self::error(413, "invalid_request", "the form is over 16 KiB")
    }

    pub(super) fn denied(description: &str) -> Self {
        Self::error(403, "access_denied", description)
    }
}

impl From<Failure> for Reply {
    fn from(failure: Failure) -> Self {
        let (_, _, message) = describe(&failure);
        match failure {
            Failure::RateLimited { retry_after_ms } => Self {
                retry_after_ms: Some(retry_after_ms),
                ..Self::error(429, "temporarily_unavailable", message)
            },
            Failure::Rejected(it) if it.kind == RejectionKind::Invalid => {
                Self::invalid_request(message)
            }
            Failure::Rejected(_) => Self::invalid_grant(),
            Failure::IdempotencyMismatch | Failure::ClientIdInvalid | Failure::TooLarge => {
                Self::invalid_request(message)
            }
            Failure::Unavailable | Failure::Unknown => {
                Self::error(503, "temporarily_unavailable", message)
            }
        }
    }
}

impl From<ports::Error> for Reply {
    fn from(error: ports::Error) -> Self {
        tracing::error!(error = %error, "a port failed");
        Failure::Unavailable.into()
    }
}
