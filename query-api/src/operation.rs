//! One operation of a socket: a query, a mutation, or a subscription until it is live.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use async_graphql::parser::types::OperationType;
use async_graphql::{Request, Response, Variables};
use axum::extract::ws::Utf8Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::AbortHandle;

use chat::kernel::graphql::Asker;

use crate::admitted::admit;
use crate::limits::{SUBSCRIPTIONS_MAX, operation};
use crate::outbox::Outbox;
use crate::schema::{Api, refusal};
use crate::seats::SubscriberId;
use crate::subscribe::Subscription;
use crate::viewer::Proved;

/// What a client asks for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Operation {
    query: String,
    operation_name: Option<String>,
    #[serde(default)]
    variables: Option<Variables>,
}

/// An operation in progress.
pub(crate) enum Running {
    /// A query, a mutation, or what is not known yet.
    Task(AbortHandle),
    /// A subscription that is on its way to be live.
    Following(AbortHandle),
    Live(SubscriberId),
}

/// The operations of one socket by the client's ids.
pub(crate) type RunningById = Arc<Mutex<HashMap<String, Running>>>;

/// An operation that a client has started.
pub(crate) struct Started {
    pub(crate) api: Arc<Api>,
    pub(crate) outbox: Arc<Outbox>,
    pub(crate) running: RunningById,
    pub(crate) proved: Proved,
    pub(crate) id: String,
}

impl Started {
    pub(crate) async fn run(self, payload: Operation, asker: Asker) {
        let document = match self.api.parse(&payload.query) {
            Ok(document) => document,
            Err(response) => return self.fail(&response),
        };
        let name = payload.operation_name.as_deref();
        let Some(kind) = operation(&document, name).map(|it| it.ty) else {
            return self.fail(&refusal("INVALID", "name one of the document's operations"));
        };
        let variables = payload.variables.unwrap_or_default();
        if kind == OperationType::Subscription {
            return self.follow(&document, name.map(str::to_owned), variables).await;
        }
        let mut request = Request::new(payload.query).variables(variables);
        request.operation_name = payload.operation_name;
        let response = self.api.execute(request, &document, asker).await;
        if response.data == async_graphql::Value::Null && response.is_err() {
            return self.fail(&response);
        }
        self.send("next", &response);
        self.complete();
    }

    /// Catches up and goes live.
    async fn follow(
        self,
        document: &async_graphql::parser::types::ExecutableDocument,
        name: Option<String>,
        variables: Variables,
    ) {
        if !self.takes_a_place() {
            return self.fail(&refusal("RATE_LIMITED", "a socket has at most 50 subscriptions"));
        }
        let hub = Arc::clone(&self.api.hub);
        if let Err(refused) = admit(document, name.as_deref(), &self.proved.viewer) {
            return self.fail(&refused);
        }
        let scope = self.api.scope(Asker::Viewer(self.proved.viewer, String::new()));
        if let Err(error) = scope.viewer() {
            let error = error.into_server_error(Default::default());
            return self.fail(&Response::from_errors(vec![error]));
        }
        let asked = hub.selections.ask(document, name.as_deref(), variables, scope).await;
        let asked = match asked {
            Ok(asked) => asked,
            Err(response) => return self.fail(&response),
        };
        let head = format!("{{\"id\":{},\"type\":\"next\",\"payload\":", quoted(&self.id));
        let subscription = Subscription {
            hub: Arc::clone(&hub),
            viewer: self.proved.viewer,
            asked,
            outbox: Arc::clone(&self.outbox),
            head: head.into(),
        };
        match subscription.start().await {
            Ok(Some(subscriber)) => {
                let mut running = self.running();
                match running.get_mut(&self.id) {
                    Some(it) => *it = Running::Live(subscriber),
                    // It was completed meanwhile.
                    None => {
                        drop(running);
                        hub.leave(subscriber);
                    }
                }
            }
            Ok(None) => (),
            Err(error) => {
                tracing::error!(error = %error, "a subscription failed");
                self.fail(&refusal("UNAVAILABLE", "updates can't be read now, try again"));
            }
        }
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().expect("no holder of the lock panics")
    }

    /// Counts the operation as a subscription, unless there are as many as there may be.
    fn takes_a_place(&self) -> bool {
        let mut running = self.running();
        let follows = |it: &&Running| matches!(it, Running::Following(_) | Running::Live(_));
        if running.values().filter(follows).count() >= SUBSCRIPTIONS_MAX {
            return false;
        }
        if let Some(it) = running.get_mut(&self.id)
            && let Running::Task(task) = it
        {
            *it = Running::Following(task.clone());
        }
        true
    }

    fn send(&self, kind: &str, payload: &impl serde::Serialize) {
        let payload = serde_json::value::to_raw_value(payload).expect("a response is plain data");
        self.outbox.push(envelope(kind, &self.id, Some(&payload)));
    }

    fn complete(&self) {
        self.running().remove(&self.id);
        self.outbox.push(envelope("complete", &self.id, None));
    }

    pub(crate) fn fail(&self, response: &Response) {
        self.running().remove(&self.id);
        self.send("error", &response.errors);
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).expect("text is plain data")
}

fn envelope(kind: &str, id: &str, payload: Option<&RawValue>) -> Utf8Bytes {
    let id = quoted(id);
    match payload {
        Some(payload) => {
            format!("{{\"id\":{id},\"type\":\"{kind}\",\"payload\":{}}}", payload.get()).into()
        }
        None => format!("{{\"id\":{id},\"type\":\"{kind}\"}}").into(),
    }
}
