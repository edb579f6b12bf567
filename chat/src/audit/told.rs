//! What each event tells the log of audit; nothing for what concerns neither security nor
//! administration.

use std::fmt::{Debug, Display};

use super::{AuditAction as Action, AuditChange, AuditEvent, groups};
use crate::Event;
use crate::accounts::{AccountEvent, AccountId};
use crate::addresses::AddressEvent;
use crate::applications::ApplicationEvent;
use crate::devices::DeviceEvent;
use crate::factors::FactorEvent;
use crate::identities::IdentityEvent;
use crate::instance::{InstanceEvent, Settings};
use crate::kernel::Origin;
use crate::lost_factors::LostFactorEvent;
use crate::passkeys::PasskeyEvent;
use crate::sessions::SessionEvent;
use crate::sign_in_links::SignInLinkEvent;

/// What an event tells.
pub(super) struct Told<'a> {
    pub(super) action: Action,
    pub(super) target: Option<AccountId>,
    pub(super) subject: Option<String>,
    pub(super) origin: Option<&'a Origin>,
    pub(super) changes: Vec<AuditChange>,
}

impl<'a> Told<'a> {
    pub(super) fn of(action: Action, origin: Option<&'a Origin>) -> Self {
        Self { action, target: None, subject: None, origin, changes: Vec::new() }
    }

    pub(super) fn on(self, account: AccountId) -> Self {
        Self { target: Some(account), ..self }
    }

    pub(super) fn about(self, subject: impl Display) -> Self {
        Self { subject: Some(subject.to_string()), ..self }
    }

    pub(super) fn change(
        mut self,
        field: &str,
        before: Option<String>,
        after: Option<String>,
    ) -> Self {
        if before != after {
            self.changes.push(AuditChange { field: field.to_owned(), before, after });
        }
        self
    }

    pub(super) fn with(self, field: &str, value: Option<String>) -> Self {
        self.change(field, None, value)
    }
}

/// The name of a value of ours as clients write it: `FactorReset` is `FACTOR_RESET`.
pub(super) fn shown(value: impl Debug) -> String {
    let mut text = String::new();
    for (at, letter) in format!("{value:?}").chars().enumerate() {
        if at > 0 && letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_uppercase());
    }
    text
}

/// What an event tells.
pub(super) fn told(event: &Event) -> Option<Told<'_>> {
    match event {
        Event::AccountEvent(it) => account(it),
        Event::SessionEvent(it) => session(it),
        Event::FactorEvent(it) => Some(factor(it)),
        Event::PasskeyEvent(it) => Some(passkey(it)),
        Event::AddressEvent(it) => Some(address(it)),
        Event::ApplicationEvent(it) => Some(application(it)),
        Event::DeviceEvent(it) => Some(device(it)),
        Event::InstanceEvent(it) => Some(instance(it)),
        Event::MemberEvent(it) => groups::member(it),
        Event::AuditEvent(it) => Some(audit(it)),
        Event::IdentityEvent(it) => Some(identity(it)),
        Event::LostFactorEvent(it) => Some(lost_factor(it)),
        Event::SignInLinkEvent(it) => Some(sign_in_link(it)),
        Event::ReactionEvent(it) => groups::reaction(it),
        Event::EditPolicyEvent(it) => groups::edit_policy(it),
        Event::PinEvent(it) => groups::pin(it),
        Event::ExpiryEvent(it) => groups::expiry(it),
        Event::RemovalEvent(it) => groups::removal(it),
        Event::ThreadEvent(it) => groups::thread(it),
        Event::OutboxEvent(_)
        | Event::ContactEvent(_)
        | Event::PrivacyEvent(_)
        | Event::ConversationEvent(_)
        | Event::MessageEvent(_)
        | Event::DraftEvent(_)
        | Event::ChatListEvent(_)
        | Event::SeenReactionEvent(_)
        | Event::ScheduleEvent(_)
        | Event::PreviewEvent(_)
        | Event::PollEvent(_)
        | Event::LocationEvent(_)
        | Event::FileEvent(_)
        | Event::AttachmentEvent(_)
        | Event::StickerEvent(_)
        | Event::PictureEvent(_)
        | Event::MediaEvent(_)
        | Event::ReceiptEvent(_) => None,
    }
}

fn account(event: &AccountEvent) -> Option<Told<'_>> {
    let (action, origin, whose) = match event {
        AccountEvent::AccountRegistered(it) => {
            (Action::AccountRegistered, &it.origin, it.account_id)
        }
        AccountEvent::PasswordChanged(it) => (Action::PasswordChanged, &it.origin, it.account_id),
        AccountEvent::AccountSuspended(it) => (Action::AccountSuspended, &it.origin, it.account_id),
        AccountEvent::AccountReinstated(it) => {
            (Action::AccountReinstated, &it.origin, it.account_id)
        }
        AccountEvent::AccountDeactivated(it) => {
            (Action::AccountDeactivated, &it.origin, it.account_id)
        }
        AccountEvent::AccountReactivated(it) => {
            (Action::AccountReactivated, &it.origin, it.account_id)
        }
        AccountEvent::UsernameChanged(it) => (Action::UsernameChanged, &it.origin, it.account_id),
        AccountEvent::NameClaimed(_)
        | AccountEvent::NameConfirmed(_)
        | AccountEvent::NameReleased(_)
        | AccountEvent::NameReserved(_)
        | AccountEvent::UsernameChangeBegun(_)
        | AccountEvent::UsernameChangeAbandoned(_)
        | AccountEvent::RegistrationAbandoned(_)
        | AccountEvent::ProfileUpdated(_) => return None,
    };
    Some(Told::of(action, origin.as_ref()).on(whose))
}

fn session(event: &SessionEvent) -> Option<Told<'_>> {
    Some(match event {
        SessionEvent::SessionOpened(it) => Told::of(Action::SessionOpened, it.origin.as_ref())
            .on(it.account_id)
            .about(it.session_id)
            .with("secondFactor", Some(it.factor.to_string()))
            .with("application", it.application_id.map(|it| it.to_string())),
        SessionEvent::SessionConfirmed(it) => {
            Told::of(Action::SessionConfirmed, it.origin.as_ref())
                .about(it.session_id)
                .with("secondFactor", Some(it.factor.to_string()))
        }
        SessionEvent::SessionEnded(it) => Told::of(Action::SessionEnded, it.origin.as_ref())
            .about(it.session_id)
            .with("reason", Some(shown(it.reason))),
        SessionEvent::SessionsEnded(it) => Told::of(Action::SessionsEnded, it.origin.as_ref())
            .on(it.account_id)
            .with("reason", Some(shown(it.cause)))
            .with("sessions", Some(it.session_ids.len().to_string())),
        SessionEvent::SessionRefreshed(_) => return None,
    })
}

fn factor(event: &FactorEvent) -> Told<'_> {
    let whose = event.account_id();
    match event {
        FactorEvent::TotpEnrolled(it) => {
            Told::of(Action::TotpEnrolled, it.origin.as_ref()).about(it.factor_id)
        }
        FactorEvent::TotpConfirmed(it) => {
            Told::of(Action::TotpConfirmed, it.origin.as_ref()).about(it.factor_id)
        }
        FactorEvent::TotpUsed(it) => {
            Told::of(Action::TotpUsed, it.origin.as_ref()).about(it.factor_id)
        }
        FactorEvent::TotpRemoved(it) => {
            Told::of(Action::TotpRemoved, it.origin.as_ref()).about(it.factor_id)
        }
        FactorEvent::BackupCodesMade(it) => Told::of(Action::BackupCodesMade, it.origin.as_ref()),
        FactorEvent::BackupCodeUsed(it) => Told::of(Action::BackupCodeUsed, it.origin.as_ref()),
        FactorEvent::FactorTried(it) => Told::of(Action::FactorTried, it.origin.as_ref()),
        FactorEvent::CodeFactorEnabled(it) => {
            Told::of(Action::CodeFactorEnabled, it.origin.as_ref())
        }
        FactorEvent::CodeFactorDisabled(it) => {
            Told::of(Action::CodeFactorDisabled, it.origin.as_ref())
        }
        FactorEvent::FactorCodeSent(it) => Told::of(Action::FactorCodeSent, it.origin.as_ref()),
        FactorEvent::FactorCodeUsed(it) => Told::of(Action::FactorCodeUsed, it.origin.as_ref()),
    }
    .on(whose)
}

fn passkey(event: &PasskeyEvent) -> Told<'_> {
    let whose = event.account_id();
    match event {
        PasskeyEvent::PasskeyAdded(it) => {
            Told::of(Action::PasskeyAdded, it.origin.as_ref()).about(it.passkey_id)
        }
        PasskeyEvent::PasskeyUsed(it) => Told::of(Action::PasskeyUsed, it.origin.as_ref())
            .about(it.passkey_id)
            .with("copied", it.regressed.then(|| "true".to_owned())),
        PasskeyEvent::PasskeyRemoved(it) => {
            Told::of(Action::PasskeyRemoved, it.origin.as_ref()).about(it.passkey_id)
        }
    }
    .on(whose)
}

fn identity(event: &IdentityEvent) -> Told<'_> {
    let whose = event.account_id();
    match event {
        IdentityEvent::IdentityLinked(it) => Told::of(Action::IdentityLinked, it.origin.as_ref())
            .about(it.claim_id)
            .with("provider", Some(it.provider_id.clone())),
        IdentityEvent::IdentityUsed(it) => {
            Told::of(Action::IdentityUsed, it.origin.as_ref()).about(it.claim_id)
        }
        IdentityEvent::IdentityUnlinked(it) => {
            Told::of(Action::IdentityUnlinked, it.origin.as_ref()).about(it.claim_id)
        }
    }
    .on(whose)
}

fn lost_factor(event: &LostFactorEvent) -> Told<'_> {
    let (action, origin) = match event {
        LostFactorEvent::FactorRecoveryRequested(it) => {
            (Action::FactorRecoveryRequested, &it.origin)
        }
        LostFactorEvent::FactorRecoveryCancelled(it) => {
            (Action::FactorRecoveryCancelled, &it.origin)
        }
        LostFactorEvent::FactorRecoveryCompleted(it) => {
            (Action::FactorRecoveryCompleted, &it.origin)
        }
    };
    Told::of(action, origin.as_ref()).on(event.account_id())
}

fn sign_in_link(event: &SignInLinkEvent) -> Told<'_> {
    match event {
        SignInLinkEvent::SignInLinkSent(it) => {
            Told::of(Action::SignInLinkSent, it.origin.as_ref()).on(it.account_id)
        }
        SignInLinkEvent::SignInLinkUsed(it) => {
            Told::of(Action::SignInLinkUsed, it.origin.as_ref()).on(it.account_id)
        }
    }
}

fn address(event: &AddressEvent) -> Told<'_> {
    let whose = event.account_id();
    match event {
        AddressEvent::AddressProposed(it) => {
            Told::of(Action::AddressProposed, it.origin.as_ref()).about(it.address_id)
        }
        AddressEvent::AddressTried(it) => Told::of(Action::AddressTried, None).about(it.address_id),
        AddressEvent::AddressConfirmed(it) => {
            Told::of(Action::AddressConfirmed, it.origin.as_ref()).about(it.address_id)
        }
        AddressEvent::AddressRemoved(it) => {
            Told::of(Action::AddressRemoved, it.origin.as_ref()).about(it.address_id)
        }
    }
    .on(whose)
}

fn application(event: &ApplicationEvent) -> Told<'_> {
    match event {
        ApplicationEvent::ApplicationRegistered(it) => {
            Told::of(Action::ApplicationRegistered, it.origin.as_ref())
                .about(it.application_id)
                .with("name", Some(it.application_name.clone()))
                .with("redirectUris", Some(it.redirect_uris.join(" ")))
        }
        ApplicationEvent::ApplicationRemoved(it) => {
            Told::of(Action::ApplicationRemoved, it.origin.as_ref()).about(it.application_id)
        }
        ApplicationEvent::ApplicationAllowed(it) => {
            let access: Vec<_> = it.access.iter().map(shown).collect();
            Told::of(Action::ApplicationAllowed, it.origin.as_ref())
                .on(it.account_id)
                .about(it.application_id)
                .with("access", Some(access.join(" ")))
        }
    }
}

fn device(event: &DeviceEvent) -> Told<'_> {
    match event {
        DeviceEvent::DeviceRequested(it) => Told::of(Action::DeviceRequested, it.origin.as_ref())
            .about(it.code_id)
            .with("application", it.application_id.map(|it| it.to_string())),
        DeviceEvent::DeviceAllowed(it) => Told::of(Action::DeviceAllowed, it.origin.as_ref())
            .on(it.account_id)
            .about(it.session_id),
        DeviceEvent::DeviceDenied(it) => {
            Told::of(Action::DeviceDenied, it.origin.as_ref()).on(it.account_id).about(it.code_id)
        }
    }
}

fn instance(event: &InstanceEvent) -> Told<'_> {
    match event {
        InstanceEvent::RoleGranted(it) => Told::of(Action::RoleGranted, it.origin.as_ref())
            .on(it.account_id)
            .change("role", it.before.map(shown), Some(shown(it.role))),
        InstanceEvent::RoleRevoked(it) => Told::of(Action::RoleRevoked, it.origin.as_ref())
            .on(it.account_id)
            .change("role", Some(shown(it.before)), None),
        InstanceEvent::SettingsChanged(it) => {
            let told = Told::of(Action::SettingsChanged, it.origin.as_ref());
            settings(told, &it.before, &it.after)
        }
        InstanceEvent::InvitationMade(it) => Told::of(Action::InvitationMade, it.origin.as_ref())
            .about(it.invitation_id)
            .with("uses", Some(it.uses.0.to_string()))
            .with("expiresAt", Some(it.expires_at.rfc3339())),
        InstanceEvent::InvitationUsed(it) => {
            Told::of(Action::InvitationUsed, None).on(it.account_id).about(it.invitation_id)
        }
        InstanceEvent::InvitationRevoked(it) => {
            Told::of(Action::InvitationRevoked, it.origin.as_ref()).about(it.invitation_id)
        }
    }
}

fn settings<'a>(told: Told<'a>, before: &Settings, after: &Settings) -> Told<'a> {
    // Written out, so that a new setting can't be forgotten here.
    let Settings { registration, staff_second_factor, second_factor } = *after;
    let text = |it: bool| Some(it.to_string());
    told.change("registration", Some(shown(before.registration)), Some(shown(registration)))
        .change("staffSecondFactor", text(before.staff_second_factor), text(staff_second_factor))
        .change("secondFactor", text(before.second_factor), text(second_factor))
}

fn audit(event: &AuditEvent) -> Told<'_> {
    match event {
        AuditEvent::AuditRead(it) => Told::of(Action::AuditRead, it.origin.as_ref())
            .with("actorId", it.actor_id.map(|it| it.to_string()))
            .with("targetId", it.target_id.clone())
            .with("action", it.action.clone())
            .with("from", it.from.map(|it| it.rfc3339()))
            .with("to", it.to.map(|it| it.rfc3339()))
            .with("after", it.after.clone())
            .with("entries", Some(it.entries.0.to_string())),
        AuditEvent::AuditExported(it) => Told::of(Action::AuditExported, it.origin.as_ref())
            .with("from", it.from.map(|it| it.rfc3339()))
            .with("to", it.to.map(|it| it.rfc3339())),
    }
}
