//! Activity as it is remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use crate::Event;
use crate::accounts::{AccountEvent, AccountId};
use crate::applications::ApplicationEvent;
use crate::audience::Audience;
use crate::factors::FactorEvent;
use crate::identities::IdentityEvent;
use crate::kernel::document::padded;
use crate::kernel::{Document, Origin, Recorded, StreamId, Timestamp};
use crate::lost_factors::LostFactorEvent;
use crate::passkeys::PasskeyEvent;
use crate::sessions::{EndReason, SessionEvent, SessionId};
use crate::sign_in_links::SignInLinkEvent;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
pub enum ActivityKind {
    SignedIn,
    SignedOut,
    /// A refresh token was used twice, so its session was ended.
    TokenReused,
    /// Several sessions ended together.
    SessionsEnded,
    Confirmed,
    PasswordChanged,
    UsernameChanged,
    TotpSetUp,
    TotpRemoved,
    BackupCodesMade,
    BackupCodeUsed,
    /// Somebody who knew the password showed a code, right or wrong.
    CodeTried,
    /// Codes to a proved address are asked for from here on.
    CodeFactorEnabled,
    CodeFactorDisabled,
    /// Somebody said that every second factor is lost.
    FactorRecoveryRequested,
    FactorRecoveryCancelled,
    /// Every second factor was removed, since it was lost.
    FactorRecoveryCompleted,
    /// A link by mail stood in for the password.
    SignInLinkUsed,
    PasskeyAdded,
    PasskeyUsed,
    /// A passkey was used that counts less than before, as a copy of it would.
    PasskeyCopied,
    PasskeyRemoved,
    /// What a provider says of somebody signs in to the account.
    IdentityLinked,
    /// Somebody signed in by what a provider says of them.
    IdentityUsed,
    IdentityUnlinked,
    /// An application was allowed to act for the account.
    ApplicationAllowed,
    Suspended,
    Reinstated,
    Deactivated,
    Reactivated,
}

/// One thing that happened to an account's security.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    pub account_id: AccountId,
    pub seq: u64,
    pub kind: ActivityKind,
    pub occurred_at: Timestamp,
    /// The session that it came from, or that it was about.
    pub session_id: Option<SessionId>,
    /// Whether somebody else did it.
    pub by_staff: bool,
}

impl Activity {
    /// Where all of an account are.
    pub fn prefix(account: AccountId) -> String {
        format!("{account}/")
    }
}

type Told<'a> = (ActivityKind, Option<&'a Origin>, Option<SessionId>);

/// What an event of second factors tells.
fn of_factors(event: &FactorEvent) -> Option<Told<'_>> {
    use ActivityKind as Kind;
    Some(match event {
        FactorEvent::TotpConfirmed(it) => (Kind::TotpSetUp, it.origin.as_ref(), None),
        FactorEvent::TotpRemoved(it) => (Kind::TotpRemoved, it.origin.as_ref(), None),
        FactorEvent::BackupCodesMade(it) => (Kind::BackupCodesMade, it.origin.as_ref(), None),
        FactorEvent::BackupCodeUsed(it) => (Kind::BackupCodeUsed, it.origin.as_ref(), None),
        FactorEvent::FactorTried(it) => (Kind::CodeTried, it.origin.as_ref(), None),
        FactorEvent::CodeFactorEnabled(it) => (Kind::CodeFactorEnabled, it.origin.as_ref(), None),
        FactorEvent::CodeFactorDisabled(it) => (Kind::CodeFactorDisabled, it.origin.as_ref(), None),
        FactorEvent::TotpEnrolled(_)
        | FactorEvent::TotpUsed(_)
        | FactorEvent::FactorCodeSent(_)
        | FactorEvent::FactorCodeUsed(_) => return None,
    })
}

/// What an event of lost factors tells.
fn of_lost_factors(event: &LostFactorEvent) -> Told<'_> {
    use ActivityKind as Kind;
    match event {
        LostFactorEvent::FactorRecoveryRequested(it) => {
            (Kind::FactorRecoveryRequested, it.origin.as_ref(), None)
        }
        LostFactorEvent::FactorRecoveryCancelled(it) => {
            (Kind::FactorRecoveryCancelled, it.origin.as_ref(), None)
        }
        LostFactorEvent::FactorRecoveryCompleted(it) => {
            (Kind::FactorRecoveryCompleted, it.origin.as_ref(), None)
        }
    }
}

fn of_passkeys(event: &PasskeyEvent) -> Told<'_> {
    use ActivityKind as Kind;
    match event {
        PasskeyEvent::PasskeyAdded(it) => (Kind::PasskeyAdded, it.origin.as_ref(), None),
        PasskeyEvent::PasskeyUsed(it) => {
            let kind = if it.regressed { Kind::PasskeyCopied } else { Kind::PasskeyUsed };
            (kind, it.origin.as_ref(), None)
        }
        PasskeyEvent::PasskeyRemoved(it) => (Kind::PasskeyRemoved, it.origin.as_ref(), None),
    }
}

/// What an event tells its account's owner; nothing for most.
fn told(event: &Event) -> Option<Told<'_>> {
    use ActivityKind as Kind;
    Some(match event {
        Event::SessionEvent(event) => match event {
            SessionEvent::SessionOpened(it) => {
                (Kind::SignedIn, it.origin.as_ref(), Some(it.session_id))
            }
            SessionEvent::SessionConfirmed(it) => {
                (Kind::Confirmed, it.origin.as_ref(), Some(it.session_id))
            }
            SessionEvent::SessionEnded(it) => {
                let kind = match it.reason {
                    EndReason::SignedOut => Kind::SignedOut,
                    EndReason::TokenReused => Kind::TokenReused,
                };
                (kind, it.origin.as_ref(), Some(it.session_id))
            }
            SessionEvent::SessionsEnded(it) => (Kind::SessionsEnded, it.origin.as_ref(), None),
            SessionEvent::SessionRefreshed(_) => return None,
        },
        Event::AccountEvent(event) => return told_of_account(event),
        Event::FactorEvent(event) => return of_factors(event),
        Event::LostFactorEvent(event) => return Some(of_lost_factors(event)),
        Event::SignInLinkEvent(event) => match event {
            SignInLinkEvent::SignInLinkUsed(it) => (Kind::SignInLinkUsed, it.origin.as_ref(), None),
            SignInLinkEvent::SignInLinkSent(_) => return None,
        },
        Event::PasskeyEvent(event) => of_passkeys(event),
        Event::IdentityEvent(event) => told_of_identity(event),
        Event::ApplicationEvent(event) => match event {
            ApplicationEvent::ApplicationAllowed(it) => {
                (Kind::ApplicationAllowed, it.origin.as_ref(), None)
            }
            ApplicationEvent::ApplicationRegistered(_)
            | ApplicationEvent::ApplicationRemoved(_) => return None,
        },
        Event::InstanceEvent(_)
        | Event::DeviceEvent(_)
        | Event::AddressEvent(_)
        | Event::OutboxEvent(_)
        | Event::ContactEvent(_)
        | Event::PrivacyEvent(_)
        | Event::AuditEvent(_)
        | Event::ConversationEvent(_)
        | Event::MemberEvent(_)
        | Event::MessageEvent(_)
        | Event::EditPolicyEvent(_)
        | Event::PreviewEvent(_)
        | Event::PollEvent(_)
        | Event::LocationEvent(_)
        | Event::ReactionEvent(_)
        | Event::PinEvent(_)
        | Event::DraftEvent(_)
        | Event::ChatListEvent(_)
        | Event::SeenReactionEvent(_)
        | Event::ScheduleEvent(_)
        | Event::ExpiryEvent(_)
        | Event::RemovalEvent(_)
        | Event::ThreadEvent(_)
        | Event::FileEvent(_)
        | Event::AttachmentEvent(_)
        | Event::StickerEvent(_)
        | Event::PictureEvent(_)
        | Event::MediaEvent(_)
        | Event::ReceiptEvent(_) => return None,
    })
}

fn told_of_account(event: &AccountEvent) -> Option<Told<'_>> {
    use ActivityKind as Kind;
    Some(match event {
        AccountEvent::PasswordChanged(it) => (Kind::PasswordChanged, it.origin.as_ref(), None),
        AccountEvent::UsernameChanged(it) => (Kind::UsernameChanged, it.origin.as_ref(), None),
        AccountEvent::AccountSuspended(it) => (Kind::Suspended, it.origin.as_ref(), None),
        AccountEvent::AccountReinstated(it) => (Kind::Reinstated, it.origin.as_ref(), None),
        AccountEvent::AccountDeactivated(it) => (Kind::Deactivated, it.origin.as_ref(), None),
        AccountEvent::AccountReactivated(it) => (Kind::Reactivated, it.origin.as_ref(), None),
        AccountEvent::NameClaimed(_)
        | AccountEvent::NameConfirmed(_)
        | AccountEvent::NameReleased(_)
        | AccountEvent::NameReserved(_)
        | AccountEvent::UsernameChangeBegun(_)
        | AccountEvent::UsernameChangeAbandoned(_)
        | AccountEvent::AccountRegistered(_)
        | AccountEvent::RegistrationAbandoned(_)
        | AccountEvent::ProfileUpdated(_) => return None,
    })
}

fn told_of_identity(event: &IdentityEvent) -> Told<'_> {
    use ActivityKind as Kind;
    match event {
        IdentityEvent::IdentityLinked(it) => (Kind::IdentityLinked, it.origin.as_ref(), None),
        IdentityEvent::IdentityUsed(it) => (Kind::IdentityUsed, it.origin.as_ref(), None),
        IdentityEvent::IdentityUnlinked(it) => (Kind::IdentityUnlinked, it.origin.as_ref(), None),
    }
}

impl Document for Activity {
    const COLLECTION: Collection = Collection { name: "activity", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match event.stream {
            StreamId::Account(account) if told(&event.event).is_some() => {
                vec![format!("{}{}", Self::prefix(account), padded(event.seq))]
            }
            StreamId::Account(_)
            | StreamId::Conversation(_)
            | StreamId::Name(_)
            | StreamId::Instance => Vec::new(),
        }
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let StreamId::Account(account_id) = event.stream else { return };
        let Some((kind, origin, about)) = told(&event.event) else { return };
        *document = Some(Self {
            account_id,
            seq: event.seq,
            kind,
            occurred_at: event.occurred_at,
            session_id: about.or(origin.and_then(|it| it.session_id)),
            by_staff: event.actor != Some(account_id),
        });
    }

    fn audience(&self) -> Audience {
        Audience::Account(self.account_id)
    }
}
