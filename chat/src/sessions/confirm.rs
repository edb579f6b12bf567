//! Proving oneself once more, and whether somebody has done so lately.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::decide::{is_proved, session_slot};
use super::{Session, SessionConfirmed, SessionId, SessionRejection};
use crate::Event;
use crate::accounts::Credential;
use crate::factors::{FactorProof, Factors, Held, Taken};
use crate::kernel::command::Fetch;
use crate::kernel::{Command, Context, Slot, State, StreamId};

/// The session that somebody asks from, and what it must have proved to count as fresh.
pub struct Fresh {
    session: Option<Slot<Session>>,
    pub(crate) factors: Slot<Factors>,
}

impl Fresh {
    /// Of whoever asks.
    pub(crate) fn of(context: &Context<'_>) -> Self {
        let session = context.origin.session_id.map(|it| session_slot(it, context.actor));
        Self { session, factors: Slot::of(context.actor) }
    }

    /// The session, if the person has proved themselves in it lately.
    pub(crate) fn session(&self, context: &Context<'_>) -> Option<&Session> {
        let session = self.session.as_ref().and_then(Slot::get);
        let own = session.filter(|it| it.application.is_none());
        own.filter(|it| it.is_fresh(context.actor, context.now, self.factors.get()))
    }
}

impl State for Fresh {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.session.fill(fetch);
        self.factors.fill(fetch);
    }
}

/// Notes that the person proved themselves once more in the session they ask from.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ConfirmSession {
    pub session_id: SessionId,
    /// Generation of the credential that was proved; none where a passkey proved both factors.
    pub credential: Option<u64>,
    /// What was proved of the second factor, where one is asked for.
    pub factor: Option<FactorProof>,
}

impl Command for ConfirmSession {
    const NAME: &'static str = "ConfirmSession";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Slot<Session>, Slot<Credential>, Held);
    type Rejection = SessionRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, SessionRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let own = context.actor;
        (session_slot(self.session_id, own), Slot::of(own), Held::of(own))
    }

    fn decide(
        self,
        (session, credential, held): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, SessionRejection> {
        let session = session.get().filter(|it| it.account_id == context.actor);
        let session = session.ok_or(SessionRejection::Ended)?;
        if session.is_over(context.now) {
            return Err(SessionRejection::Ended);
        }
        if !is_proved(credential.get(), self.credential, self.factor.as_ref()) {
            return Err(SessionRejection::ConfirmFailed);
        }
        let Taken { mut events, factor, recovered } = held.taken(self.factor, context)?;
        if recovered {
            return Err(SessionRejection::ConfirmFailed);
        }
        let origin = Some(context.origin.clone());
        events.push(SessionConfirmed { session_id: self.session_id, factor, origin }.into());
        Ok(events)
    }
}
