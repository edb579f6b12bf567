//! Commands: an intention that names the documents it is decided from.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use ports::documents::Key;
use ports::keys::{Secret, crypto};

use super::document::{self, Document, Shared};
use super::event::StreamId;
use super::{Origin, Reject, Rejection, Timestamp};
use crate::Event;
use crate::accounts::{AccountId, NameId};

/// What a decision may know beside its documents.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who asks; an account that is being made asks for itself.
    pub actor: AccountId,
    /// Where the command comes from.
    pub origin: &'a Origin,
    /// The client's id of the command.
    pub client_id: Uuid,
    /// The server's time.
    pub now: Timestamp,
    /// Key of the digests that name claims are found by.
    pub names: &'a Secret,
    /// Bytes that the files of one conversation may take.
    pub conversation_bytes_max: u64,
}

impl Context<'_> {
    /// The stream of a username's claim: a keyed digest, since a name in an id can't be erased.
    pub fn name_id(&self, username: &str) -> NameId {
        name_id(self.names, username)
    }
}

/// The stream of a username's claim.
pub fn name_id(key: &Secret, username: &str) -> NameId {
    NameId(super::id::from_digest(&crypto::mac(key, &[username.to_lowercase().as_bytes()])))
}

/// An intention, which may be refused.
pub trait Command:
    Serialize + DeserializeOwned + JsonSchema + Clone + Send + Sync + 'static
{
    /// Name in URLs and schemas.
    const NAME: &'static str;
    /// Whether its events hold personal fields.
    const SEALS: bool;
    /// Whether anyone but the server itself may send it.
    const PUBLIC: bool = true;
    /// Whether its events are nobody's: the server gives it in place of somebody. It is not known
    /// again by its id, so its decision says that what is over is over.
    const BY_SERVER: bool = false;
    /// The documents it is decided from.
    type State: State;
    /// The room's ways to say no.
    type Rejection: Reject;

    /// The stream that its events go to.
    ///
    /// # Errors
    /// When the command names none.
    fn stream(&self, context: &Context<'_>) -> Result<StreamId, Self::Rejection>;

    /// Names the documents it needs.
    fn state(&self, context: &Context<'_>) -> Self::State;

    /// Decides; no events means that what was asked is so already.
    ///
    /// # Errors
    /// The room's rejection.
    fn decide(
        self,
        state: &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection>;

    /// What is compared when the same id comes again.
    fn body(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a command is plain data")
    }
}

/// A document that a decision needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    pub key: Key,
    /// The stream that it is folded from.
    pub stream: StreamId,
}

/// A place for one document.
pub struct Slot<D> {
    need: Need,
    document: Option<Arc<D>>,
}

impl<D: Document> Slot<D> {
    /// Asks for the document with this id.
    pub fn new(id: impl Into<String>, stream: StreamId) -> Self {
        Self { need: Need { key: document::key::<D>(id), stream }, document: None }
    }

    /// Asks for the document that each account has one of.
    pub fn of(account: AccountId) -> Self {
        Self::new(account.to_string(), StreamId::Account(account))
    }

    /// The document, if there is one.
    pub fn get(&self) -> Option<&D> {
        self.document.as_deref()
    }
}

/// Fetches a document for a slot.
pub type Fetch<'a> = dyn FnMut(&Need) -> Option<Shared> + 'a;

/// A group of slots.
pub trait State: Send {
    /// Visits every slot. What one holds may decide which others there are.
    fn fill(&mut self, fetch: &mut Fetch<'_>);
}

impl State for () {
    fn fill(&mut self, _: &mut Fetch<'_>) {}
}

impl<D: Document> State for Slot<D> {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.document = fetch(&self.need).map(|it| document::typed(&it));
    }
}

impl<S: State> State for Vec<S> {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.iter_mut().for_each(|it| it.fill(fetch));
    }
}

impl<S: State> State for Option<S> {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.iter_mut().for_each(|it| it.fill(fetch));
    }
}

impl<A: State, B: State> State for (A, B) {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.0.fill(fetch);
        self.1.fill(fetch);
    }
}

impl<A: State, B: State, C: State> State for (A, B, C) {
    fn fill(&mut self, fetch: &mut Fetch<'_>) {
        self.0.fill(fetch);
        self.1.fill(fetch);
        self.2.fill(fetch);
    }
}

/// A command of any type, for the loop that carries it out.
pub trait AnyCommand: Send + Sync {
    fn name(&self) -> &'static str;
    fn seals(&self) -> bool;
    fn by_server(&self) -> bool;
    fn body(&self) -> Vec<u8>;
    /// The whole of it, to be read by another node.
    fn json(&self) -> Vec<u8>;
    /// # Errors
    /// When the command names no stream.
    fn stream(&self, context: &Context<'_>) -> Result<StreamId, Rejection>;
    /// The documents it is decided from, as far as those that are known tell.
    fn needs(&self, context: &Context<'_>, known: &mut Fetch<'_>) -> Vec<Need>;
    /// Decides; what it rests on may name more documents: it is asked again once those are there.
    ///
    /// # Errors
    /// The room's rejection.
    fn decide(&self, context: &Context<'_>, fetch: &mut Fetch<'_>)
    -> Result<Vec<Event>, Rejection>;
}

impl<C: Command> AnyCommand for C {
    fn name(&self) -> &'static str {
        C::NAME
    }

    fn seals(&self) -> bool {
        C::SEALS
    }

    fn by_server(&self) -> bool {
        C::BY_SERVER
    }

    fn body(&self) -> Vec<u8> {
        Command::body(self)
    }

    fn json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a command is plain data")
    }

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, Rejection> {
        Command::stream(self, context).map_err(Rejection::from)
    }

    fn needs(&self, context: &Context<'_>, known: &mut Fetch<'_>) -> Vec<Need> {
        let mut needs = Vec::new();
        self.state(context).fill(&mut |need| {
            needs.push(need.clone());
            known(need)
        });
        needs
    }

    fn decide(
        &self,
        context: &Context<'_>,
        fetch: &mut Fetch<'_>,
    ) -> Result<Vec<Event>, Rejection> {
        let mut state = self.state(context);
        state.fill(fetch);
        Command::decide(self.clone(), &state, context).map_err(Rejection::from)
    }
}
