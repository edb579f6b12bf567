//! Applications as they are remembered.

use serde::{Deserialize, Serialize};

use ports::documents::Collection;

use super::{ApplicationEvent, ApplicationId};
use crate::audience::Audience;
use crate::kernel::{Document, Recorded, Timestamp};

/// An application.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Application {
    pub id: ApplicationId,
    pub name: String,
    pub redirect_uris: Vec<String>,
    pub secret_digest: Option<String>,
    pub registered_at: Timestamp,
    pub removed: bool,
}

impl Document for Application {
    const COLLECTION: Collection = Collection { name: "applications", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match ApplicationEvent::of(&event.event) {
            Some(ApplicationEvent::ApplicationRegistered(it)) => {
                vec![it.application_id.to_string()]
            }
            Some(ApplicationEvent::ApplicationRemoved(it)) => vec![it.application_id.to_string()],
            Some(ApplicationEvent::ApplicationAllowed(_)) | None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match (document.as_mut(), ApplicationEvent::of(&event.event)) {
            (_, Some(ApplicationEvent::ApplicationRegistered(it))) => {
                *document = Some(Self {
                    id: it.application_id,
                    name: it.application_name.clone(),
                    redirect_uris: it.redirect_uris.clone(),
                    secret_digest: it.secret_digest.clone(),
                    registered_at: event.occurred_at,
                    removed: false,
                });
            }
            (Some(application), Some(ApplicationEvent::ApplicationRemoved(_))) => {
                application.removed = true;
            }
            (None, Some(ApplicationEvent::ApplicationRemoved(_)))
            | (_, Some(ApplicationEvent::ApplicationAllowed(_)) | None) => (),
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}

/// Which applications there are, at most [`super::APPLICATIONS_MAX`], the oldest first.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Applications {
    pub ids: Vec<ApplicationId>,
}

impl Applications {
    /// Its only id.
    pub const ID: &'static str = "applications";
}

impl Document for Applications {
    const COLLECTION: Collection = Collection { name: "application_lists", indexes: &[] };

    fn ids(event: &Recorded) -> Vec<String> {
        match ApplicationEvent::of(&event.event) {
            Some(
                ApplicationEvent::ApplicationRegistered(_)
                | ApplicationEvent::ApplicationRemoved(_),
            ) => vec![Self::ID.to_owned()],
            Some(ApplicationEvent::ApplicationAllowed(_)) | None => Vec::new(),
        }
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        match ApplicationEvent::of(&event.event) {
            Some(ApplicationEvent::ApplicationRegistered(it)) => {
                document.get_or_insert_default().ids.push(it.application_id);
            }
            Some(ApplicationEvent::ApplicationRemoved(it)) => {
                document.get_or_insert_default().ids.retain(|id| *id != it.application_id);
            }
            Some(ApplicationEvent::ApplicationAllowed(_)) | None => (),
        }
    }

    fn audience(&self) -> Audience {
        Audience::Nobody
    }
}
