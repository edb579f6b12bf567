//! What people are shown of applications.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{Access, Application, ApplicationId};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{outage, scope};

/// A program of others that may act for people.
pub(crate) struct ApplicationObject(pub(super) Arc<Application>);

impl ApplicationObject {
    /// An application, also one that was removed.
    pub(crate) async fn find(context: &Context<'_>, id: ApplicationId) -> Result<Option<Self>> {
        let found = scope(context).reader.load::<Application>(id.to_string()).await;
        Ok(found.map_err(outage)?.map(Self))
    }
}

#[Object(name = "Application")]
impl ApplicationObject {
    /// Its `client_id`.
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Where it may send people back to.
    async fn redirect_uris(&self) -> &[String] {
        &self.0.redirect_uris
    }

    /// Whether it has a secret to prove itself with.
    async fn confidential(&self) -> bool {
        self.0.secret_digest.is_some()
    }

    async fn registered_at(&self) -> Timestamp {
        self.0.registered_at
    }

    /// Whether it can ask nobody any more.
    async fn removed(&self) -> bool {
        self.0.removed
    }
}

/// What a person is asked to allow.
#[derive(SimpleObject)]
pub(super) struct Authorization {
    pub(super) application: ApplicationObject,
    pub(super) access: Vec<Access>,
    /// Where the person goes from here.
    pub(super) redirect_host: String,
    /// Where to go to allow nothing.
    pub(super) deny_uri: String,
}
