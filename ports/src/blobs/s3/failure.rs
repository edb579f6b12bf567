//! What became of a call that failed: nothing, or perhaps something.

use std::error::Error as StdError;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aws_sdk_s3::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_s3::error::{BoxError, ProvideErrorMetadata, SdkError};

use crate::blobs::PORT;
use crate::{Error, ErrorKind};

/// Looks at each attempt of a change, since the last one does not tell of those before it.
#[derive(Debug, Clone, Default)]
pub(super) struct Witness {
    /// Whether an attempt that failed may have changed something.
    doubt: Arc<AtomicBool>,
}

impl Intercept for Witness {
    fn name(&self) -> &'static str {
        "witness"
    }

    fn read_after_attempt(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let Some(Err(error)) = context.output_or_error() else { return Ok(()) };
        let doubt = match (context.response(), error.as_connector_error()) {
            (Some(response), _) => !response.status().is_client_error(),
            (None, Some(lost)) => !is_unreached(lost),
            (None, None) => error.is_timeout_error() || error.is_response_error(),
        };
        self.doubt.fetch_or(doubt, Ordering::Relaxed);
        Ok(())
    }
}

impl Witness {
    /// The failure of the change it has looked at.
    pub(super) fn judge<E>(&self, error: &SdkError<E>) -> Error
    where
        E: StdError + ProvideErrorMetadata + 'static,
    {
        // When the time for all attempts is over, the last one is broken off unseen.
        let broken_off = matches!(error, SdkError::TimeoutError(_));
        let kind = if broken_off || self.doubt.load(Ordering::Relaxed) {
            ErrorKind::Unknown
        } else {
            ErrorKind::Unavailable
        };
        Error::new(kind, PORT, told(error))
    }
}

/// The failure of a call that changes nothing that anybody sees.
pub(super) fn unavailable<E>(error: &SdkError<E>) -> Error
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    Error::unavailable(PORT, told(error))
}

/// Whether nobody was there to take the request.
fn is_unreached(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|it| {
        let kind = it.downcast_ref::<io::Error>().map(io::Error::kind);
        matches!(
            kind,
            Some(
                io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::HostUnreachable
                    | io::ErrorKind::NetworkUnreachable
            )
        )
    })
}

/// What the server says, or each cause in turn: the whole error would show the request too.
fn told<E>(error: &SdkError<E>) -> String
where
    E: StdError + ProvideErrorMetadata + 'static,
{
    if let Some(refusal) = error.as_service_error() {
        let code = refusal.code().unwrap_or("an error without a code");
        return match refusal.message() {
            Some(message) => format!("{code}: {message}"),
            None => code.to_owned(),
        };
    }
    causes(error).map(|it| it.to_string()).collect::<Vec<_>>().join(": ")
}

/// An error, what it came from, what that came from, and so on.
fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |it| (*it).source())
}
