//! What a subscriber wants to see of each event; equal selections are executed once.

use std::collections::HashMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, Weak};

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationType, Selection as Selected, SelectionSet,
};
use async_graphql::{
    EmptyMutation, EmptySubscription, Name, Request, Response, Schema, ValidationMode, Value,
    Variables,
};
use async_graphql_value::Value as Argument;

use chat::kernel::graphql::{Asker, Scope};
use ports::event_log::{Position, PositionInvalid};

use crate::frame::{Arguments, Frame, FrameRoot, Frames, Holes, Root, Shown, Template};
use crate::limits::{COMPLEXITY_MAX, DEPTH_MAX, DIRECTIVES_MAX};
use crate::schema::{coded, refusal};

/// A checked subscription document without its arguments.
pub(crate) struct Selection {
    document: ExecutableDocument,
    operation: Option<String>,
    variables: Variables,
}

/// A subscription as it was asked for.
pub(crate) struct Asked {
    pub(crate) selection: Arc<Selection>,
    pub(crate) after: Option<Position>,
    pub(crate) compact: bool,
}

/// Checks subscriptions and executes frames.
pub(crate) struct Selections {
    /// Checks by all rules.
    checks: Frames,
    /// Executes what has been checked.
    frames: Frames,
    pub(crate) holes: Holes,
    known: Mutex<HashMap<String, Weak<Selection>>>,
}

/// What came of executing a frame.
#[derive(Clone)]
pub(crate) enum Executed {
    /// The same for everyone who may see the event.
    Shared(Arc<Template>),
    /// Different for each viewer.
    Differs,
}

impl Selections {
    pub(crate) fn new(entropy: &dyn ports::entropy::Entropy) -> Self {
        let schema = |mode| {
            Schema::build(FrameRoot, EmptyMutation, EmptySubscription)
                .validation_mode(mode)
                .limit_depth(DEPTH_MAX)
                .limit_complexity(COMPLEXITY_MAX)
                .limit_directives(DIRECTIVES_MAX)
                .disable_suggestions()
                .finish()
        };
        let (checks, frames) = (schema(ValidationMode::Strict), schema(ValidationMode::Fast));
        Self { checks, frames, holes: Holes::new(entropy), known: Mutex::new(HashMap::new()) }
    }

    /// Checks a subscription and reads its arguments.
    pub(crate) async fn ask(
        &self,
        document: &ExecutableDocument,
        operation: Option<&str>,
        variables: Variables,
        scope: Scope,
    ) -> Result<Asked, Response> {
        let identity = scope.identity.clone();
        let document = as_query(document);
        let arguments = Arc::new(Mutex::new(Arguments::default()));
        let request = request(&document, operation, variables.clone());
        let request = request.data(Arc::new(scope)).data(Root::Check(Arc::clone(&arguments)));
        let response = self.checks.execute(request).await;
        if response.is_err() {
            return Err(coded(response));
        }
        let mut arguments = arguments.lock().expect("no holder of the lock panics");
        if arguments.fields != 1 {
            return Err(refusal("INVALID", "a subscription has one field, updates"));
        }
        let after = arguments.after.take();
        let after = after.map(|it| Position::parse(&identity, &it)).transpose();
        let after =
            after.map_err(|it: PositionInvalid| refusal("POSITION_INVALID", &it.to_string()))?;
        let selection = self.intern(document, operation, variables);
        Ok(Asked { selection, after, compact: arguments.compact })
    }

    fn intern(
        &self,
        mut document: ExecutableDocument,
        operation: Option<&str>,
        mut variables: Variables,
    ) -> Arc<Selection> {
        forget_arguments(&mut document, operation, &mut variables);
        let text = serde_json::to_string(&(&document.operations, operation, &variables))
            .expect("a document is plain data");
        let fragments: std::collections::BTreeMap<_, _> = document.fragments.iter().collect();
        let fragments = serde_json::to_string(&fragments).expect("a document is plain data");
        let key = format!("{text}{fragments}");
        let mut known = self.known.lock().expect("no holder of the lock panics");
        if let Some(selection) = known.get(&key).and_then(Weak::upgrade) {
            return selection;
        }
        known.retain(|_, it| it.strong_count() > 0);
        let operation = operation.map(str::to_owned);
        let selection = Arc::new(Selection { document, operation, variables });
        known.insert(key, Arc::downgrade(&selection));
        selection
    }

    /// Executes a frame for everyone, or finds that it differs by viewer.
    pub(crate) async fn shared(
        &self,
        selection: &Selection,
        shown: Shown,
        scope: Scope,
    ) -> Executed {
        let scope = Arc::new(scope);
        let response = self.run(selection, shown, Arc::clone(&scope)).await;
        if let Asker::Shared { differs, .. } = &scope.asker
            && differs.load(Ordering::Relaxed)
        {
            return Executed::Differs;
        }
        Executed::Shared(Arc::new(self.template(&response, &scope)))
    }

    /// Executes a frame for one viewer.
    pub(crate) async fn own(&self, selection: &Selection, shown: Shown, scope: Scope) -> Template {
        let scope = Arc::new(scope);
        let response = self.run(selection, shown, Arc::clone(&scope)).await;
        self.template(&response, &scope)
    }

    async fn run(&self, selection: &Selection, shown: Shown, scope: Arc<Scope>) -> Response {
        let frame = Frame { shown, holes: self.holes.clone() };
        let operation = selection.operation.as_deref();
        let request = request(&selection.document, operation, selection.variables.clone());
        coded(self.frames.execute(request.data(scope).data(Root::Frame(frame))).await)
    }

    fn template(&self, response: &Response, scope: &Scope) -> Template {
        let json = serde_json::to_string(response).expect("a response is plain data");
        let unavailable = Value::from("UNAVAILABLE");
        let failed = response.errors.iter().any(|it| {
            it.extensions.as_ref().is_some_and(|it| it.get("code") == Some(&unavailable))
        });
        Template::new(json, &self.holes, scope.shown_seq.load(Ordering::Relaxed), failed)
    }
}

fn request(
    document: &ExecutableDocument,
    operation: Option<&str>,
    variables: Variables,
) -> Request {
    let mut request = Request::new("").variables(variables);
    request.set_parsed_query(document.clone());
    request.operation_name = operation.map(str::to_owned);
    request
}

/// The document with its subscriptions turned into queries of the frame's root.
fn as_query(document: &ExecutableDocument) -> ExecutableDocument {
    let mut document = document.clone();
    let turn = |it: &mut OperationType| {
        if *it == OperationType::Subscription {
            *it = OperationType::Query;
        }
    };
    match &mut document.operations {
        DocumentOperations::Single(it) => turn(&mut it.node.ty),
        DocumentOperations::Multiple(all) => {
            all.values_mut().for_each(|it| turn(&mut it.node.ty));
        }
    }
    document
}

/// Removes the root's arguments and the variables that only they used, so that subscriptions
/// that differ in where they resume share their frames.
fn forget_arguments(
    document: &mut ExecutableDocument,
    name: Option<&str>,
    variables: &mut Variables,
) {
    let operation = match (&mut document.operations, name) {
        (DocumentOperations::Single(it), _) => Some(it),
        (DocumentOperations::Multiple(all), Some(name)) => all.get_mut(name),
        (DocumentOperations::Multiple(all), None) => all.values_mut().next(),
    };
    let Some(operation) = operation else { return };
    let operation = &mut operation.node;
    let mut used = Vec::new();
    for selected in &mut operation.selection_set.node.items {
        if let Selected::Field(field) = &mut selected.node {
            for (_, value) in field.node.arguments.drain(..) {
                if let Argument::Variable(name) = value.node {
                    used.push(name);
                }
            }
        }
    }
    let fragments = document.fragments.values();
    let fragments = fragments.map(|it| &it.node.selection_set.node);
    let sets: Vec<_> = fragments.chain([&operation.selection_set.node]).collect();
    used.retain(|name| !sets.iter().any(|it| uses(it, name)));
    operation.variable_definitions.retain(|it| !used.contains(&it.node.name.node));
    used.iter().for_each(|it| {
        variables.remove(it);
    });
}

/// Whether a selection uses a variable anywhere.
fn uses(set: &SelectionSet, name: &Name) -> bool {
    set.items.iter().any(|it| {
        let (arguments, set): (&[_], _) = match &it.node {
            Selected::Field(it) => (&it.node.arguments, Some(&it.node.selection_set)),
            Selected::FragmentSpread(_) => (&[], None),
            Selected::InlineFragment(it) => (&[], Some(&it.node.selection_set)),
        };
        let directives = it.node.directives().iter().flat_map(|it| &it.node.arguments);
        let mut values = arguments.iter().chain(directives).map(|(_, value)| &value.node);
        values.any(|it| mentions(it, name)) || set.is_some_and(|it| uses(&it.node, name))
    })
}

fn mentions(value: &Argument, name: &Name) -> bool {
    if let Argument::List(all) = value {
        return all.iter().any(|it| mentions(it, name));
    }
    if let Argument::Object(all) = value {
        return all.values().any(|it| mentions(it, name));
    }
    matches!(value, Argument::Variable(it) if it == name)
}
