//! What a message holds that is not text: under the same leaf as its text, so that it goes with it.

use std::sync::Arc;

use apache_avro::AvroSchema;
use async_graphql::{Context, Result, Union};
use serde::{Deserialize, Serialize};

use super::{Body, EntityKind, Message};
use crate::contact_cards::{Card, ContactCardObject};
use crate::locations::{LiveLocationObject, LocationObject, Point};
use crate::polls::{PollObject, Question};

/// What a message holds beside its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    Poll(Question),
    Location(Point),
    /// Where it was when it was sent.
    LiveLocation(Point),
    Contact(Card),
}

/// What kind of content a message holds, for whoever can't open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.messages")]
pub enum ContentKind {
    Poll,
    Location,
    LiveLocation,
    Contact,
}

impl ContentKind {
    /// The kind of a content.
    pub fn of(content: &Content) -> Self {
        match content {
            Content::Poll(_) => Self::Poll,
            Content::Location(_) => Self::Location,
            Content::LiveLocation(_) => Self::LiveLocation,
            Content::Contact(_) => Self::Contact,
        }
    }
}

impl Body {
    /// What a message with content says; the text is what lists and search show of it.
    pub(crate) fn holding(content: Content, text: String) -> Self {
        Self { markdown: text.clone(), text, entities: Vec::new(), content: Some(content) }
    }

    /// Whether it mentions everyone.
    pub(super) fn mentions_everyone(&self) -> bool {
        self.entities.iter().any(|it| it.kind == EntityKind::Everyone)
    }
}

/// What a message holds beside its text.
#[derive(Union)]
#[graphql(name = "Content")]
pub enum ContentObject {
    Poll(PollObject),
    Location(LocationObject),
    LiveLocation(LiveLocationObject),
    Contact(ContactCardObject),
}

impl ContentObject {
    /// The content of a message that the viewer may read.
    pub(super) async fn of(
        context: &Context<'_>,
        message: &Arc<Message>,
        content: Content,
    ) -> Result<Option<Self>> {
        Ok(match content {
            Content::Poll(it) => PollObject::of(context, message, it).await?.map(Self::Poll),
            Content::Location(it) => Some(Self::Location(LocationObject(it))),
            Content::LiveLocation(it) => {
                let live = LiveLocationObject::of(context, message, it).await?;
                live.map(Self::LiveLocation)
            }
            Content::Contact(it) => Some(Self::Contact(ContactCardObject(it))),
        })
    }
}
