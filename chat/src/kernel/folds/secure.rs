//! What somebody may do for their security, and what staff may do.

use crate::Event;
use crate::accounts::{AccountId, ChangePassword, Credential};
use crate::addresses::{
    AddressId, Addresses, ConfirmAddress, ProposeAddress, RemoveAddress, TryAddress,
};
use crate::applications::{
    Access, AllowApplication, ApplicationId, RegisterApplication, RemoveApplication, Scopes,
};
use crate::audit::{ExportAudit, Filter, ReadAudit};
use crate::contacts::{AddContact, BlockAccount, RemoveContact, UnblockAccount};
use crate::devices::{AnswerDevice, RequestDevice};
use crate::factors::{
    BACKUP_CODES, ConfirmTotp, DisableCodeFactor, EnableCodeFactor, EnrolTotp, FactorId,
    FactorProof, Factors, MakeBackupCodes, RemoveTotp, SendFactorCode, TryFactor,
};
use crate::identities::{Identities, IdentityProof, LinkIdentity, NewIdentity, UnlinkIdentity};
use crate::instance::{
    ChangeSettings, DeactivateAccount, GrantRole, InstanceEvent, InvitationId, InvitePeople,
    RegistrationMode, ReinstateAccount, RevokeInvitation, RevokeRole, ServerRole, SuspendAccount,
    UseInvitation,
};
use crate::kernel::Origin;
use crate::kernel::testing::{Given, Then, account, name};
use crate::kernel::time::Long;
use crate::lost_factors::{CancelFactorRecovery, LostFactor, RequestFactorRecovery};
use crate::outbox::{Channel, Delivery, Fields, OutboxEvent, OutgoingId, RecordDelivery};
use crate::passkeys::{AddPasskey, PasskeyId, PasskeyProof, Passkeys, RemovePasskey};
use crate::privacy::{Rule, SetPrivacy, Setting, Who};
use crate::sessions::{ConfirmSession, EndSession, EndSessions, SessionId};
use crate::sign_in_links::{RequestSignInLink, SignInLink, UseSignInLink};

/// What proves a second factor, where one is asked for.
pub(super) fn proof(world: &Given, actor: AccountId, which: u8) -> Option<FactorProof> {
    let lost = world.document::<LostFactor>(actor).and_then(|it| it.waiting);
    if lost.is_some() && which % 4 == 3 {
        return Some(FactorProof::Lost { alerts: Vec::new() });
    }
    let passkeys = world.document::<Passkeys>(actor).unwrap_or_default();
    if let Some(held) = passkeys.held.first().filter(|_| which > 150) {
        let (passkey_id, counter) = (held.id, u32::from(which % 4));
        let ceremony = format!("{which:032x}");
        return Some(FactorProof::Passkey(PasskeyProof { passkey_id, ceremony, counter }));
    }
    let factors = world.document::<Factors>(actor).filter(Factors::are_asked_for)?;
    if let Some(sent) = factors.sent.first().filter(|_| factors.totp.is_none() || which % 8 == 1) {
        let (channel, digest) = (sent.channel, "digest".to_owned());
        return Some(FactorProof::Sent { channel, digest });
    }
    let step = factors.totp?.last_step + u64::from(which % 3);
    let codes = which.is_multiple_of(2);
    let index = usize::from(which) % (BACKUP_CODES + 1);
    let totp = FactorProof::Totp { factor_id: FactorId(actor.0), step };
    Some(if codes { FactorProof::BackupCode { index, digest: "digest".to_owned() } } else { totp })
}

pub(super) fn generation(world: &Given, actor: AccountId) -> u64 {
    world.document::<Credential>(actor).map_or(0, |it| it.generation)
}

fn passkey(which: u8) -> PasskeyId {
    PasskeyId(account(which % 3).0)
}

fn application(which: u8) -> ApplicationId {
    ApplicationId(account(which % 2).0)
}

fn provider(which: u8) -> String {
    format!("provider-{}", which % 3)
}

fn link(which: u8) -> LinkIdentity {
    let identity = NewIdentity {
        claim_id: name(&format!("identity:{}", which % 5)),
        provider_id: provider(which),
        issuer: "https://id.example".to_owned(),
        subject: format!("subject {}", which % 5),
        label: (which > 127).then(|| "somebody".to_owned()),
        ceremony: format!("{which:032x}"),
    };
    LinkIdentity { identity, notice: None }
}

/// What a provider proves, where one is linked and it is shown instead of a password.
pub(super) fn told(world: &Given, actor: AccountId, which: u8) -> Option<IdentityProof> {
    let identities = world.document::<Identities>(actor).unwrap_or_default();
    let held = identities.held.first().filter(|_| which.is_multiple_of(2))?;
    Some(IdentityProof { claim_id: held.claim_id, ceremony: format!("{which:030x}ff") })
}

/// The invitation that was made last.
fn invitation(world: &Given) -> InvitationId {
    let made = world.history().iter().rev().find_map(|it| {
        let Event::InstanceEvent(InstanceEvent::InvitationMade(it)) = &it.event else {
            return None;
        };
        Some(it.invitation_id)
    });
    made.unwrap_or(InvitationId(account(0).0))
}

/// The address that was proved first, or that waits to be.
fn address(addresses: &Addresses, proved: bool) -> AddressId {
    let first = addresses.confirmed.first().map(|it| it.id);
    let pending = addresses.pending.as_ref().map(|it| it.id);
    (if proved { first } else { pending }).unwrap_or(AddressId(account(0).0))
}

/// The message to a person that was queued last.
fn outgoing(world: &Given, actor: AccountId) -> OutgoingId {
    let queued = world.history().iter().rev().find_map(|it| {
        let Event::OutboxEvent(OutboxEvent::MessageQueued(it)) = &it.event else { return None };
        (it.account_id == actor).then_some(it.outgoing_id)
    });
    queued.unwrap_or(OutgoingId(account(0).0))
}

/// A mail address that somebody says is theirs.
pub(super) fn proposal(which: u8) -> ProposeAddress {
    ProposeAddress {
        channel: Channel::Mail,
        address: format!("{which}@example.org"),
        claim_id: name(&format!("mail:{which}")),
        code: "123456".to_owned(),
        locale: "en".to_owned(),
        name: "somebody".to_owned(),
        server: "server".to_owned(),
    }
}

/// Something that concerns who may do what.
pub(super) fn secure(
    world: Given,
    actor: AccountId,
    other: AccountId,
    (which, what): (u8, u8),
) -> Then {
    let session_id = SessionId(actor.0);
    let origin = Origin { session_id: Some(session_id), address: None };
    let world = world.from(origin);
    let (factor_id, step) = (FactorId(actor.0), u64::from(which) / 2);
    let (factor, credential) = (proof(&world, actor, which), generation(&world, actor));
    let invitation_id = invitation(&world);
    let outgoing_id = outgoing(&world, actor);
    let world_addresses = world.document::<Addresses>(actor).unwrap_or_default();
    let digests = vec!["digest".to_owned(); BACKUP_CODES];
    match what {
        1 => world.when(actor, ConfirmSession { session_id, credential: Some(credential), factor }),
        2 => {
            let (password, end_others) = ("hash".to_owned(), which > 127);
            let notice = None;
            world.when(actor, ChangePassword { password, credential, end_others, notice })
        }
        3 => world.when(actor, EnrolTotp { factor_id, secret: "secret".to_owned() }),
        4 => world.when(actor, ConfirmTotp { factor_id, step, digests, notice: None }),
        5 => world.when(actor, MakeBackupCodes { digests }),
        6 => world.when(actor, TryFactor { enrolling: false }),
        7 => {
            let role = if which > 127 { ServerRole::Admin } else { ServerRole::Owner };
            world.when(actor, GrantRole { account_id: other, role })
        }
        8 => {
            let registration = [RegistrationMode::Open, RegistrationMode::Invitation];
            let registration = Some(registration[usize::from(which % 2)]);
            let (staff_second_factor, second_factor) = (None, Some(which > 200));
            let change = ChangeSettings { registration, staff_second_factor, second_factor };
            world.when(actor, change)
        }
        9 => world.when(actor, InvitePeople { uses: 1, good_for_ms: 60_000 }),
        10 => world.when(actor, UseInvitation { invitation_id }),
        11 => world.when(actor, RevokeInvitation { invitation_id }),
        12 => world.when(actor, proposal(which)),
        13 => world.when(actor, TryAddress { address_id: address(&world_addresses, false) }),
        14 => world.when(actor, ConfirmAddress { address_id: address(&world_addresses, false) }),
        15 => world.when(actor, RemoveAddress { address_id: address(&world_addresses, true) }),
        16 => {
            let delivery = if which > 127 { Delivery::Taken } else { Delivery::Failed };
            world.when(actor, RecordDelivery { outgoing_id, delivery })
        }
        39..=45 => outside(world, actor, (which, what)),
        _ => leave(world, actor, other, (which, what)),
    }
}

/// What is proved by what was sent outside.
fn outside(world: Given, actor: AccountId, (which, what): (u8, u8)) -> Then {
    let addresses = world.document::<Addresses>(actor).unwrap_or_default();
    let address_id = address(&addresses, true);
    let (to, locale, fields) = ("to".to_owned(), "en".to_owned(), Fields::new());
    let link = world.document::<SignInLink>(actor).and_then(|it| it.open);
    match what {
        39 => {
            let digests = vec!["digest".to_owned(); BACKUP_CODES];
            world.when(actor, EnableCodeFactor { address_id, digests, notice: None })
        }
        40 => world.when(actor, DisableCodeFactor { channel: Channel::Mail }),
        41 => {
            let claim_id = addresses.confirmed.first().map(|it| it.claim_id);
            let claim_id = claim_id.unwrap_or(name("none"));
            let (channel, digest) = (Channel::Mail, "digest".to_owned());
            let send = SendFactorCode { channel, claim_id, digest, to, locale, fields };
            world.when(actor, send)
        }
        42 => {
            let (credential, nonce) = (Some(generation(&world, actor)), u64::from(which));
            let (identity, delay_ms, alerts) = (None, 1, Vec::new());
            let asks = RequestFactorRecovery { credential, identity, nonce, delay_ms, alerts };
            world.when(actor, asks)
        }
        43 => world.when(actor, CancelFactorRecovery { nonce: None }),
        44 => {
            let nonce = u64::from(which);
            world.when(actor, RequestSignInLink { address_id, nonce, to, locale, fields })
        }
        _ => world.when(actor, UseSignInLink { nonce: link.map_or(0, |it| it.nonce) }),
    }
}

/// What adds and removes ways in, and what ends things.
fn leave(world: Given, actor: AccountId, other: AccountId, (which, what): (u8, u8)) -> Then {
    let session_id = SessionId(actor.0);
    match what {
        22 => world.when(actor, RemoveTotp {}),
        23 => world.when(actor, RevokeRole { account_id: other }),
        24 => world.when(actor, SuspendAccount { account_id: other, reason: "x".to_owned() }),
        25 => world.when(actor, ReinstateAccount { account_id: other }),
        26 => world.when(actor, DeactivateAccount {}),
        27 => world.when(actor, EndSessions { keep_current: which > 127 }),
        17 => {
            let (passkey_id, credential) = (passkey(which), "credential".to_owned());
            world.when(
                actor,
                AddPasskey { passkey_id, name: "phone".to_owned(), credential, notice: None },
            )
        }
        18 => {
            let application_id = application(which);
            let name = format!("Bridge {which}");
            let redirect_uris = vec!["https://bridge.example/".to_owned()];
            let (secret_digest, by_itself) = (None, true);
            let command = RegisterApplication {
                application_id,
                name,
                redirect_uris,
                secret_digest,
                by_itself,
            };
            world.when(actor, command)
        }
        19 => {
            let scopes = [Access::ChatRead].into_iter().collect();
            world.when(actor, AllowApplication { application_id: application(which), scopes })
        }
        37 => {
            let filter = Filter { actor_id: Some(other), ..Filter::default() };
            let entries = Long(u64::from(which));
            world.when(actor, ReadAudit { filter, after: None, entries })
        }
        38 => world.when(actor, ExportAudit { from: None, to: None }),
        28 => {
            let application = (which > 200).then(|| (application(which), Scopes::default()));
            world.when(actor, RequestDevice { code_id: name("device"), application })
        }
        29 => {
            let allowed = (which < 128).then_some((session_id, 0));
            world.when(actor, AnswerDevice { code_id: name("device"), allowed })
        }
        20 => world.when(actor, RemoveApplication { application_id: application(which) }),
        30 => world.when(actor, RemovePasskey { passkey_id: passkey(which) }),
        31 => world.when(actor, UnlinkIdentity { provider_id: provider(which), notice: None }),
        21 => world.when(actor, link(which)),
        32..=36 => between(world, actor, other, (which, what)),
        _ => world.when(actor, EndSession { session_id }),
    }
}

/// What a person says of another, and who may see what of them.
fn between(world: Given, actor: AccountId, other: AccountId, (which, what): (u8, u8)) -> Then {
    match what {
        32 => world.when(actor, AddContact { account_id: other }),
        33 => world.when(actor, RemoveContact { account_id: other }),
        34 => world.when(actor, BlockAccount { account_id: other }),
        35 => world.when(actor, UnblockAccount { account_id: other }),
        _ => {
            let (account_ids, conversation_id) = (Vec::new(), None);
            let (allow, who) = (which > 60, Who::Everyone);
            let rules = vec![Rule { allow, who, account_ids, conversation_id }];
            let setting = Setting::ALL[usize::from(which) % Setting::ALL.len()];
            world.when(actor, SetPrivacy { setting, rules })
        }
    }
}
