//! What a person is shown of their sessions.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};

use super::{Session, SessionId};
use crate::applications::{Access, ApplicationObject};
use crate::kernel::graphql::{outage, scope};
use crate::kernel::{Personal, Timestamp};

/// A device that is signed in.
pub struct SessionObject(pub(super) Arc<Session>);

impl SessionObject {
    /// A session of the viewer's, also one that has ended.
    pub async fn find(context: &Context<'_>, id: SessionId) -> Result<Option<Self>> {
        let scope = scope(context);
        let viewer = scope.viewer_at_door()?.account;
        let found = scope.reader.fetch::<Session>(viewer, id.to_string()).await;
        Ok(found.map_err(outage)?.map(Self))
    }
}

#[Object(name = "Session")]
impl SessionObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What the device was called; null once erased.
    async fn device(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.0.device).await.map_err(outage)
    }

    /// The program, as it calls itself.
    async fn app(&self, context: &Context<'_>) -> Result<Option<String>> {
        opened(context, self.0.app.as_ref()).await
    }

    /// What the program runs on, as it says.
    async fn platform(&self, context: &Context<'_>) -> Result<Option<String>> {
        opened(context, self.0.platform.as_ref()).await
    }

    /// City and country that it was opened from, as the operator's database of addresses says; null
    /// where it says nothing.
    async fn place(&self, context: &Context<'_>) -> Result<Option<String>> {
        opened(context, self.0.place.as_ref()).await
    }

    async fn opened_at(&self) -> Timestamp {
        self.0.opened_at
    }

    /// Whether it has ended.
    async fn ended(&self) -> bool {
        self.0.ended
    }

    /// When it was last used, to ten minutes.
    async fn last_active_at(&self) -> Timestamp {
        self.0.refreshed_at
    }

    /// When the person last proved themselves in it; null where they never have, since it was
    /// allowed elsewhere.
    async fn confirmed_at(&self) -> Option<Timestamp> {
        self.0.confirmed_at
    }

    /// The application that acts in it; null for the viewer's own.
    async fn application(&self, context: &Context<'_>) -> Result<Option<ApplicationObject>> {
        match self.0.application {
            Some((id, _)) => ApplicationObject::find(context, id).await,
            None => Ok(None),
        }
    }

    /// What the application was allowed.
    async fn access(&self) -> Vec<Access> {
        self.0.application.map(|it| it.1.list()).unwrap_or_default()
    }

    /// Whether this request comes from it.
    async fn current(&self, context: &Context<'_>) -> Result<bool> {
        Ok(scope(context).viewer()?.session == self.0.id.0)
    }
}

async fn opened(context: &Context<'_>, field: Option<&Personal<String>>) -> Result<Option<String>> {
    match field {
        Some(it) => scope(context).reader.open(it).await.map_err(outage),
        None => Ok(None),
    }
}
