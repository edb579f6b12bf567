//! What the GraphQL fields of all rooms share: the scope of a request, errors, ids and pages.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use async_graphql::{Context, Error, ErrorExtensions, ID, Result};
use uuid::Uuid;

use ports::cache::{Admission, Cache};
use ports::clock::Clock;
use ports::entropy::Entropy;
use ports::event_log::{Identity, Position};

pub use super::limits::Limits;
pub use super::viewer::Viewer;
pub use super::ways::Ways;
use super::{
    Accepted, Caller, Command, Door, Failure, Origin, Progress, Reader, Rejection, RejectionKind,
    Timestamp,
};
use crate::accounts::AccountId;
use crate::messages::Message;
use crate::sessions::{SessionId, Tokens};

/// What a resolver has at hand.
pub struct Scope {
    pub reader: Reader,
    pub door: Arc<dyn Door>,
    pub progress: Arc<dyn Progress>,
    pub cache: Arc<dyn Cache>,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub bus: Arc<dyn ports::bus::Bus>,
    pub breaches: Arc<dyn ports::breaches::Breaches>,
    pub places: ports::places::Places,
    pub identity_providers: ports::identity_providers::IdentityProviders,
    /// Whether pages that messages link to are looked up.
    pub previews: bool,
    pub tokens: Arc<Tokens>,
    pub identity: Identity,
    pub limits: Limits,
    pub ways: Ways,
    pub asker: Asker,
    /// In a frame, its audience has been checked.
    pub checked: bool,
    /// In a frame for somebody whose membership has ended: the last `seq` that they may see.
    pub ended_at: Option<u64>,
    /// In a frame, the newest `seq` of what it shows of its conversation.
    pub shown_seq: AtomicU64,
}

/// On whose behalf fields are resolved.
pub enum Asker {
    /// Nobody has signed in; the address stands for the caller.
    Nobody { address: String },
    /// One person.
    Viewer(Viewer, String),
    /// Everyone who sees the event alike; set when a field turned out to differ by viewer.
    Shared { differs: AtomicBool, unread: i32 },
}

/// The scope of the request.
pub fn scope<'a>(context: &Context<'a>) -> &'a Scope {
    context.data_unchecked::<Arc<Scope>>()
}

impl Scope {
    /// The person who asks.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when nobody has signed in, `FACTORS_SET_UP_FIRST` when they can only set
    /// up a second factor.
    pub fn viewer(&self) -> Result<Viewer> {
        self.viewer_at_door()?.whole().map_err(rejected)
    }

    /// The person who asks, also one who can only set up a second factor.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when nobody has signed in.
    pub fn viewer_at_door(&self) -> Result<Viewer> {
        match &self.asker {
            Asker::Viewer(viewer, _) => Ok(*viewer),
            Asker::Nobody { .. } => Err(rejected(UNAUTHENTICATED)),
            Asker::Shared { differs, .. } => {
                differs.store(true, Ordering::Relaxed);
                Err(rejected(UNAUTHENTICATED))
            }
        }
    }

    /// Stands in for a viewer's unread count in a frame that many share.
    pub fn shared_unread(&self) -> Option<i32> {
        match &self.asker {
            Asker::Shared { unread, .. } => Some(*unread),
            Asker::Nobody { .. } | Asker::Viewer(..) => None,
        }
    }

    /// Whether the audience was checked by whoever resolves this: a frame goes to those only who
    /// may see its event.
    pub fn is_checked(&self) -> bool {
        self.checked
    }

    /// Notes that something is shown as it has been since a `seq`.
    pub fn shows(&self, seq: u64) {
        self.shown_seq.fetch_max(seq, Ordering::Relaxed);
    }

    /// The message without what lies after its time, or the viewer's in the conversation.
    pub fn within(&self, message: &Arc<Message>) -> Arc<Message> {
        self.shows(message.changed_seq);
        let over = message.is_over(Timestamp(self.clock.now_ms()));
        let seen = self.ended_at.is_none_or(|it| message.changed_seq <= it);
        // It may have been moved since.
        if over || !seen { Arc::new(message.bare(seen)) } else { Arc::clone(message) }
    }

    /// Where the caller comes from.
    pub fn address(&self) -> &str {
        match &self.asker {
            Asker::Nobody { address } | Asker::Viewer(_, address) => address,
            Asker::Shared { .. } => "",
        }
    }

    /// The city that the caller's address is in, as far as the operator's database knows.
    pub fn place(&self) -> Option<String> {
        self.places.of(self.address().parse().ok()?)
    }

    /// Where the request comes from.
    pub fn origin(&self) -> Origin {
        let session = match &self.asker {
            Asker::Viewer(viewer, _) => Some(SessionId(viewer.session)),
            Asker::Nobody { .. } | Asker::Shared { .. } => None,
        };
        Origin::new(session, self.address(), &self.reader.keyring.secret("addresses"))
    }

    /// An account on whose behalf this request gives commands.
    pub fn caller(&self, account: AccountId) -> Caller {
        Caller { account, origin: self.origin() }
    }

    /// Carries out a command of the viewer and waits until its outcome can be read.
    ///
    /// # Errors
    /// The failure as a GraphQL error.
    pub async fn submit<C: Command>(&self, client_id: &ID, command: C) -> Result<Outcome> {
        self.viewer()?;
        self.submit_at_door(client_id, command).await
    }

    /// Carries out a command also of somebody who can only set up a second factor.
    ///
    /// # Errors
    /// The failure as a GraphQL error.
    pub async fn submit_at_door<C: Command>(&self, client_id: &ID, command: C) -> Result<Outcome> {
        let viewer = self.viewer_at_door()?;
        let client_id = uuid(client_id)?;
        self.take(&format!("commands/{}", viewer.account), self.limits.per_account).await?;
        let accepted = self.submit_for(viewer.account, client_id, command).await;
        self.outcome(accepted.map_err(failed)?).await
    }

    /// Carries out a command for an account that this request acts for.
    ///
    /// # Errors
    /// Why it has no outcome to show.
    pub async fn submit_for(
        &self,
        account: AccountId,
        client_id: Uuid,
        command: impl Command,
    ) -> Result<Accepted, Failure> {
        self.door.submit(self.caller(account), client_id, Box::new(command)).await
    }

    /// Waits until an accepted command can be read.
    ///
    /// # Errors
    /// None; what can't be read in time is told by [`Outcome::readable`].
    pub async fn outcome(&self, accepted: Accepted) -> Result<Outcome> {
        let mut place = Position::start(&self.identity);
        place.advance(accepted.partition, accepted.ordinal);
        let readable = self.progress.reach(&place).await;
        self.reader.forget();
        let mut position = self.progress.position();
        if !readable {
            position.advance(accepted.partition, accepted.ordinal);
        }
        Ok(Outcome { accepted, position: position.to_string(), readable })
    }

    /// Counts one try of an account to prove itself while it is signed in.
    ///
    /// # Errors
    /// `RATE_LIMITED` beyond the limit.
    pub async fn take_proof(&self, account: AccountId) -> Result<()> {
        let limit = self.limits.sign_in;
        self.take(&format!("prove/{account}"), limit).await?;
        self.take_hourly(&format!("prove-hour/{account}"), limit.saturating_mul(3)).await
    }

    /// Counts one use against a limit of uses a minute.
    ///
    /// # Errors
    /// `RATE_LIMITED` beyond the limit.
    pub async fn take(&self, key: &str, limit: u32) -> Result<()> {
        self.take_within(key, limit, 60_000).await
    }

    /// Counts one use against a limit of uses an hour.
    ///
    /// # Errors
    /// `RATE_LIMITED` beyond the limit.
    pub async fn take_hourly(&self, key: &str, limit: u32) -> Result<()> {
        self.take_within(key, limit, 3_600_000).await
    }

    async fn take_within(&self, key: &str, limit: u32, window_ms: u64) -> Result<()> {
        self.admitted(key, limit, window_ms).await.map_err(failed)
    }

    /// Counts one use against a limit of uses a minute, for what answers in no GraphQL.
    ///
    /// # Errors
    /// `RateLimited` beyond the limit, `Unavailable`.
    pub async fn admit(&self, key: &str, limit: u32) -> Result<(), Failure> {
        self.admitted(key, limit, 60_000).await
    }

    async fn admitted(&self, key: &str, limit: u32, window_ms: u64) -> Result<(), Failure> {
        match self.cache.take(key, limit, window_ms).await {
            Ok(Admission::Admitted) => Ok(()),
            Ok(Admission::Refused { retry_after_ms }) => {
                Err(Failure::RateLimited { retry_after_ms })
            }
            Err(error) => {
                tracing::error!(error = %error, "a port failed");
                Err(Failure::Unavailable)
            }
        }
    }
}

/// Where an accepted command stands.
pub struct Outcome {
    pub accepted: Accepted,
    pub position: String,
    /// Whether the read side has caught up; if not, payloads hold no objects.
    pub readable: bool,
}

/// Nobody has signed in, or the token is no longer good.
pub const UNAUTHENTICATED: Rejection = Rejection {
    kind: RejectionKind::Unauthenticated,
    code: "UNAUTHENTICATED",
    message: "a valid access token is needed",
};

/// It does not exist, or may not be seen; which of the two is not told.
pub const NOT_FOUND: Rejection =
    Rejection { kind: RejectionKind::NotFound, code: "NOT_FOUND", message: "not found" };

/// An argument is malformed.
pub fn invalid(message: &'static str) -> Rejection {
    Rejection { kind: RejectionKind::Invalid, code: "INVALID", message }
}

/// A rejection as a GraphQL error.
pub fn rejected(rejection: impl Into<Rejection>) -> Error {
    let rejection = rejection.into();
    Error::new(rejection.message).extend_with(|_, it| {
        it.set("code", rejection.code);
        it.set("kind", rejection.kind.name());
    })
}

/// A failure as a GraphQL error.
pub fn failed(failure: Failure) -> Error {
    let (code, kind, message) = describe(&failure);
    Error::new(message).extend_with(|_, it| {
        it.set("code", code);
        it.set("kind", kind);
        if let Failure::RateLimited { retry_after_ms } = failure {
            it.set("retryAfterMs", retry_after_ms);
        }
    })
}

/// Code, kind and message of a failure.
pub fn describe(failure: &Failure) -> (&'static str, &'static str, &'static str) {
    match failure {
        Failure::Rejected(it) => (it.code, it.kind.name(), it.message),
        Failure::IdempotencyMismatch => {
            ("IDEMPOTENCY_MISMATCH", "CONFLICT", "the client id has been used for another command")
        }
        Failure::ClientIdInvalid => {
            ("INVALID", "INVALID", "client id is not a current UUID of version 7")
        }
        Failure::RateLimited { .. } => ("RATE_LIMITED", "LIMIT_EXCEEDED", "too many requests"),
        Failure::TooLarge => ("TOO_LARGE", "INVALID", "the command is too large"),
        Failure::Unavailable => ("UNAVAILABLE", "UNAVAILABLE", "nothing happened, try again"),
        Failure::Unknown => {
            ("UNKNOWN", "UNKNOWN", "it may have happened, try again with the same client id")
        }
    }
}

/// A port's failure as a GraphQL error; the cause goes to the log, not to the caller.
pub fn outage(error: ports::Error) -> Error {
    tracing::error!(error = %error, "a port failed");
    let code = if error.kind == ports::ErrorKind::Corrupt { "INTERNAL" } else { "UNAVAILABLE" };
    Error::new("something this needs is unavailable").extend_with(|_, it| {
        it.set("code", code);
        it.set("kind", code);
    })
}

/// Reads an id of a kind.
///
/// # Errors
/// `INVALID` when it is malformed.
pub fn id<T: FromStr>(id: &ID) -> Result<T> {
    id.parse().map_err(|_| rejected(invalid("id is not valid")))
}

/// Reads a client's id.
///
/// # Errors
/// `INVALID` when it is no UUIDv7.
pub fn uuid(id: &ID) -> Result<Uuid> {
    let parsed = Uuid::parse_str(id).ok().filter(|it| it.get_version_num() == 7);
    parsed.ok_or_else(|| failed(Failure::ClientIdInvalid))
}

/// Most entries of a page.
pub const PAGE_MAX: i32 = 100;

/// Entries of a page when not asked otherwise.
pub const PAGE_DEFAULT: i32 = 50;

/// What part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    pub limit: usize,
    /// From the end towards the beginning.
    pub backward: bool,
    pub after: Option<String>,
    pub before: Option<String>,
}

impl Page {
    /// Reads the arguments of a Relay connection.
    ///
    /// # Errors
    /// `INVALID` when they contradict each other or ask for too much.
    pub fn new(
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Self> {
        if first.is_some() && last.is_some() {
            return Err(rejected(invalid("first and last exclude each other")));
        }
        let limit = first.or(last).unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            return Err(rejected(invalid("a page has 1 to 100 entries")));
        }
        let limit = usize::try_from(limit).expect("it is in range");
        Ok(Self { limit, backward: last.is_some(), after, before })
    }
}
