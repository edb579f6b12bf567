//! Second factors as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{FactorEvent, FactorId, TRIES_MAX, TRIES_MS, TRIES_MS_MAX};
use crate::accounts::NameId;
use crate::audience::Audience;
use crate::kernel::{Document, Personal, Recorded, Timestamp};
use crate::outbox::Channel;

/// The second factors of one account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Factors {
    /// One-time passwords, once they are asked for.
    pub totp: Option<Totp>,
    /// A secret that no code has proved yet.
    pub pending: Option<Totp>,
    /// Codes that are sent, at most one a channel.
    pub sent: Vec<CodeFactor>,
    /// Keyed digests of the backup codes; none where one was used.
    pub codes: Vec<Option<String>>,
    /// Codes that were tried since the last that fitted.
    pub tries: u32,
    /// When the last of them was.
    pub tried_at: Timestamp,
}

/// A secret for one-time passwords.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Totp {
    pub id: FactorId,
    pub secret: Personal<String>,
    /// When it was first asked for, or handed out.
    pub since: Timestamp,
    /// The last time step that was taken.
    pub last_step: u64,
}

/// That codes are sent to a proved address.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CodeFactor {
    pub channel: Channel,
    /// The claim on the address.
    pub claim_id: NameId,
    pub since: Timestamp,
    /// The code that was sent last, until it is taken.
    pub open: Option<OpenCode>,
}

/// A code that may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenCode {
    /// Keyed.
    pub digest: String,
    pub good_until: Timestamp,
}

impl Factors {
    /// Whether a second factor is asked for.
    pub fn are_asked_for(&self) -> bool {
        self.totp.is_some() || !self.sent.is_empty()
    }

    /// The codes that are sent by a channel.
    pub fn by(&self, channel: Channel) -> Option<&CodeFactor> {
        self.sent.iter().find(|it| it.channel == channel)
    }

    /// Whether codes are sent to the address of a claim.
    pub fn rest_on(&self, claim_id: NameId) -> bool {
        self.sent.iter().any(|it| it.claim_id == claim_id)
    }

    fn open(&mut self, channel: Channel, code: Option<OpenCode>) {
        if let Some(sent) = self.sent.iter_mut().find(|it| it.channel == channel) {
            sent.open = code;
        }
    }

    /// Backup codes stand in for another factor, and go with the last.
    fn forget_codes(&mut self) {
        if !self.are_asked_for() {
            self.codes.clear();
        }
    }

    /// Backup codes that are left.
    pub fn codes_left(&self) -> usize {
        self.codes.iter().flatten().count()
    }

    /// How long the next try must wait, in milliseconds.
    pub fn wait_ms(&self, now: Timestamp) -> Option<i64> {
        let (rounds, over) = (self.tries / TRIES_MAX, self.tries % TRIES_MAX);
        let doubled = rounds.checked_sub(1).filter(|_| over == 0)?;
        let wait = (TRIES_MS << doubled.min(16)).min(TRIES_MS_MAX);
        let left = self.tried_at.0 + wait - now.0;
        (left > 0).then_some(left)
    }
}

impl Document for Factors {
    const COLLECTION: Collection = Collection { name: "factors", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        let event = FactorEvent::of(&event.event);
        event.map(|it| it.account_id().to_string()).into_iter().collect()
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let Some(event_) = FactorEvent::of(&event.event) else { return };
        let factors = document.get_or_insert_default();
        match event_ {
            FactorEvent::TotpEnrolled(it) => {
                factors.pending = Some(Totp {
                    id: it.factor_id,
                    secret: it.secret.clone(),
                    since: event.occurred_at,
                    last_step: 0,
                });
            }
            FactorEvent::TotpConfirmed(it) => {
                let pending = factors.pending.take();
                factors.totp = pending.map(|pending| Totp {
                    since: event.occurred_at,
                    last_step: it.step.0,
                    ..pending
                });
                factors.tries = 0;
            }
            FactorEvent::TotpUsed(it) => {
                if let Some(totp) = factors.totp.as_mut() {
                    totp.last_step = it.step.0;
                }
                factors.tries = 0;
            }
            FactorEvent::TotpRemoved(_) => {
                factors.totp = None;
                factors.forget_codes();
            }
            FactorEvent::BackupCodesMade(it) => {
                factors.codes = it.digests.iter().cloned().map(Some).collect();
            }
            FactorEvent::BackupCodeUsed(it) => {
                let index = usize::try_from(it.index).ok();
                if let Some(code) = index.and_then(|it| factors.codes.get_mut(it)) {
                    *code = None;
                }
                factors.tries = 0;
            }
            FactorEvent::FactorTried(_) => {
                factors.tries = factors.tries.saturating_add(1);
                factors.tried_at = event.occurred_at;
            }
            FactorEvent::CodeFactorEnabled(it) => {
                factors.sent.retain(|sent| sent.channel != it.channel);
                factors.sent.push(CodeFactor {
                    channel: it.channel,
                    claim_id: it.claim_id,
                    since: event.occurred_at,
                    open: None,
                });
            }
            FactorEvent::CodeFactorDisabled(it) => {
                factors.sent.retain(|sent| sent.channel != it.channel);
                factors.forget_codes();
            }
            FactorEvent::FactorCodeSent(it) => {
                let (digest, good_until) = (it.digest.clone(), it.good_until);
                factors.open(it.channel, Some(OpenCode { digest, good_until }));
            }
            FactorEvent::FactorCodeUsed(it) => {
                factors.open(it.channel, None);
                factors.tries = 0;
            }
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}
