//! The schema and everything a request needs to be carried out.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, LazyLock, Mutex};

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{
    Context, MergedObject, Object, Request, Response, Schema, ServerError, Subscription, Value,
};
use futures_util::Stream;
use lru::LruCache;

use chat::kernel::graphql::{Asker, Limits, Scope, Ways, invalid, rejected, scope};
use chat::kernel::{Door, Keyring, Progress, Reader};
use chat::sessions::Tokens;
use ports::Ports;
use ports::event_log::{Position, PositionInvalid};

use crate::admitted::admit;
use crate::files::{Intake, Uploads};
use crate::frame::Frame;
use crate::hub::Hub;
use crate::limits::{
    COMPLEXITY_MAX, DEPTH_MAX, DIRECTIVES_MAX, QUERY_BYTES_MAX, SCHEMA_DEPTH_MAX, Socket,
    asks_of_schema, excess,
};

/// What the roles give to the read side.
#[derive(Clone)]
pub struct Parts {
    pub ports: Ports,
    pub keyring: Arc<Keyring>,
    pub door: Arc<dyn Door>,
    pub tokens: Arc<Tokens>,
    pub limits: Limits,
    pub ways: Ways,
    pub socket: Socket,
    /// Origins of other sites whose pages may open sockets.
    pub origins: Arc<[Box<str>]>,
    /// Whether applications may register themselves.
    pub open_applications: bool,
    /// Which files are not taken.
    pub intake: Arc<Intake>,
}

/// Reads that belong to no room.
#[derive(Default)]
pub(crate) struct Own;

#[Object]
impl Own {
    /// The place that everything read now stands for; `updates` resumes from it.
    async fn position(&self, context: &Context<'_>) -> String {
        scope(context).progress.position().to_string()
    }
}

#[derive(MergedObject, Default)]
#[graphql(name = "Query")]
pub(crate) struct Query(chat::Query, Own);

#[derive(Default)]
pub(crate) struct Updates;

/// The feed.
#[Subscription(name = "Subscription")]
impl Updates {
    /// Every event of the viewer's conversations and of the viewer's own account, in order: what
    /// was missed after a position, then live. Without a position it starts at now. Compacted, a
    /// document that changed several times while away, or at once, comes once, as it is.
    #[expect(unused_variables, reason = "sockets read the arguments before they subscribe")]
    async fn updates(
        &self,
        after: Option<String>,
        #[graphql(default)] compact: bool,
    ) -> async_graphql::Result<impl Stream<Item = Frame>> {
        let error = rejected(invalid("subscriptions go over a WebSocket: graphql-transport-ws"));
        Err::<futures_util::stream::Empty<Frame>, _>(error)
    }
}

/// The public schema.
pub(crate) type Public = Schema<Query, chat::Mutation, Updates>;

fn public(depth: usize) -> Public {
    Schema::build(Query::default(), chat::Mutation::default(), Updates)
        .limit_depth(depth)
        .limit_complexity(COMPLEXITY_MAX)
        .limit_directives(DIRECTIVES_MAX)
        .disable_suggestions()
        .finish()
}

/// Built once: it holds nothing of a node, and building it takes as long as a thousand requests.
static PUBLIC: LazyLock<Public> = LazyLock::new(|| public(DEPTH_MAX));

/// The same for what asks only of the schema, by which it may be asked deeper.
static DESCRIBED: LazyLock<Public> = LazyLock::new(|| public(SCHEMA_DEPTH_MAX));

/// The schema in its own language, as it is committed.
pub fn sdl() -> String {
    PUBLIC.sdl()
}

/// Parsed documents kept by their text.
const PARSED_MAX: usize = 1_024;

/// Carries out requests.
pub struct Api {
    pub(crate) parts: Parts,
    pub(crate) hub: Arc<Hub>,
    pub(crate) uploads: Uploads,
    parsed: Mutex<LruCache<String, Arc<ExecutableDocument>>>,
}

impl Api {
    /// An API over a hub.
    pub fn new(parts: Parts, hub: Arc<Hub>) -> Arc<Self> {
        let size = NonZeroUsize::new(PARSED_MAX).expect("the size is not zero");
        let parsed = Mutex::new(LruCache::new(size));
        Arc::new(Self { parts, hub, uploads: Uploads::default(), parsed })
    }

    /// Parses a query, or finds it parsed.
    pub(crate) fn parse(&self, query: &str) -> Result<Arc<ExecutableDocument>, Response> {
        if query.len() > QUERY_BYTES_MAX {
            return Err(refusal("TOO_LARGE", "query is over 16,384 bytes"));
        }
        let mut parsed = self.parsed.lock().expect("no holder of the lock panics");
        if let Some(document) = parsed.get(query) {
            return Ok(Arc::clone(document));
        }
        drop(parsed);
        let document = async_graphql::parser::parse_query(query)
            .map_err(|it| refusal(fault(&it), &it.to_string()))?;
        if let Some((code, message)) = excess(&document) {
            return Err(refusal(code, message));
        }
        let document = Arc::new(document);
        parsed = self.parsed.lock().expect("no holder of the lock panics");
        parsed.put(query.to_owned(), Arc::clone(&document));
        Ok(document)
    }

    /// Carries out a query or mutation; the caller has parsed it.
    pub(crate) async fn execute(
        &self,
        mut request: Request,
        document: &ExecutableDocument,
        asker: Asker,
    ) -> Response {
        if let Asker::Viewer(viewer, _) = &asker
            && let Err(refused) = admit(document, request.operation_name.as_deref(), viewer)
        {
            return refused;
        }
        let described = asks_of_schema(document, request.operation_name.as_deref());
        request.set_parsed_query(document.clone());
        let schema = if described { &DESCRIBED } else { &PUBLIC };
        let response = schema.execute(request.data(Arc::new(self.scope(asker)))).await;
        coded(response)
    }

    /// Waits until a position that a client names can be read.
    pub(crate) async fn after(&self, text: &str) -> Result<(), Response> {
        let identity = self.parts.ports.event_log.identity();
        let position = Position::parse(&identity, text);
        let position =
            position.map_err(|it: PositionInvalid| refusal("POSITION_INVALID", &it.to_string()))?;
        match self.hub.reach(&position).await {
            true => Ok(()),
            false => Err(refusal("UNAVAILABLE", "the position can't be read yet, try again")),
        }
    }

    pub(crate) fn scope(&self, asker: Asker) -> Scope {
        make_scope(&self.parts, &(Arc::clone(&self.hub) as Arc<dyn Progress>), asker)
    }
}

/// A scope for one request.
pub(crate) fn make_scope(parts: &Parts, progress: &Arc<dyn Progress>, asker: Asker) -> Scope {
    let ports = &parts.ports;
    Scope {
        reader: Reader::new(Arc::clone(&ports.documents), Arc::clone(&parts.keyring)),
        door: Arc::clone(&parts.door),
        progress: Arc::clone(progress),
        cache: Arc::clone(&ports.cache),
        clock: Arc::clone(&ports.clock),
        entropy: Arc::clone(&ports.entropy),
        bus: Arc::clone(&ports.bus),
        breaches: Arc::clone(&ports.breaches),
        places: ports.places.clone(),
        identity_providers: Arc::clone(&ports.identity_providers),
        previews: ports.web_pages.are_fetched(),
        tokens: Arc::clone(&parts.tokens),
        identity: ports.event_log.identity(),
        limits: parts.limits,
        ways: parts.ways,
        asker,
        checked: false,
        ended_at: None,
        shown_seq: AtomicU64::new(0),
    }
}

/// Stands for everyone who sees an event alike.
pub(crate) fn shared(unread: i32) -> Asker {
    Asker::Shared { differs: AtomicBool::new(false), unread }
}

/// Code of a document that can't be parsed.
fn fault(error: &async_graphql::parser::Error) -> &'static str {
    let too_deep = matches!(error, async_graphql::parser::Error::RecursionLimitExceeded);
    if too_deep { "QUERY_TOO_DEEP" } else { "INVALID" }
}

/// An answer that refuses the whole request.
pub(crate) fn refusal(code: &str, message: &str) -> Response {
    let mut error = ServerError::new(message, None);
    let mut extensions = async_graphql::ErrorExtensionValues::default();
    extensions.set("code", code);
    let kind = match code {
        "UNAVAILABLE" | "UNAUTHENTICATED" => code,
        "RATE_LIMITED" => "LIMIT_EXCEEDED",
        _ => "INVALID",
    };
    extensions.set("kind", kind);
    error.extensions = Some(extensions);
    Response::from_errors(vec![error])
}

/// Gives errors of validation, which the library leaves without one, a code.
pub(crate) fn coded(mut response: Response) -> Response {
    for error in &mut response.errors {
        let extensions = error.extensions.get_or_insert_default();
        if extensions.get("code").is_some() {
            continue;
        }
        let message = error.message.as_str();
        let code = if message.contains("too complex") {
            "QUERY_TOO_COMPLEX"
        } else if message.contains("too deep") || message.contains("recursion depth") {
            "QUERY_TOO_DEEP"
        } else if message.contains("number of directives") {
            "TOO_MANY_DIRECTIVES"
        } else {
            "INVALID"
        };
        extensions.set("code", Value::from(code));
        extensions.set("kind", "INVALID");
    }
    response
}
