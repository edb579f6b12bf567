//! What a message holds that is not text: under the same leaf as its text, so that it goes with it.

use std::sync::Arc;

use apache_avro::AvroSchema;
use async_graphql::{Context, Result as Answer, Union};
use serde::{Deserialize, Serialize};

use ports::Error;

use super::{Body, EntityKind, Message};
use crate::attachments::{Attachments, AttachmentsObject};
use crate::contact_cards::{Card, ContactCardObject};
use crate::files::FileId;
use crate::kernel::Reader;
use crate::locations::{LiveLocationObject, LocationObject, Point};
use crate::polls::{PollObject, Question};
use crate::stickers::{SentSticker, SentStickerObject};

/// What a message holds beside its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Content {
    Poll(Question),
    Location(Point),
    /// Where it was when it was sent.
    LiveLocation(Point),
    Contact(Card),
    Attachments(Attachments),
    Sticker(SentSticker),
}

impl Content {
    /// The files that it holds, as events tell them.
    pub(crate) fn files(&self) -> Option<Vec<FileId>> {
        match self {
            Self::Attachments(it) => Some(it.all.iter().map(|it| it.file_id).collect()),
            Self::Sticker(it) => Some(vec![it.file_id]),
            Self::Poll(_) | Self::Location(_) | Self::LiveLocation(_) | Self::Contact(_) => None,
        }
    }
}

/// What kind of content a message holds, for whoever can't open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.messages")]
pub enum ContentKind {
    Poll,
    Location,
    LiveLocation,
    Contact,
    Attachments,
    Sticker,
}

impl ContentKind {
    /// The kind of a content.
    pub fn of(content: &Content) -> Self {
        match content {
            Content::Poll(_) => Self::Poll,
            Content::Location(_) => Self::Location,
            Content::LiveLocation(_) => Self::LiveLocation,
            Content::Contact(_) => Self::Contact,
            Content::Attachments(_) => Self::Attachments,
            Content::Sticker(_) => Self::Sticker,
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

/// What a message says and holds, which its first body holds also once there is a later text; of
/// files those that it shows now.
///
/// # Errors
/// When the keys can't be reached.
pub(crate) async fn opened(reader: &Reader, message: &Message) -> Result<Option<Body>, Error> {
    let Some(body) = &message.body else { return Ok(None) };
    let Some(mut body) = reader.open(body).await? else { return Ok(None) };
    if let (Some(_), Some(original)) = (message.content, &message.original) {
        body.content = reader.open(original).await?.and_then(|it| it.content);
    }
    if let Some(Content::Attachments(it)) = &mut body.content {
        it.all = it.after(message, message.revision).into_iter().map(|(it, _)| it).collect();
    }
    Ok(Some(body))
}

/// What a message holds beside its text.
#[derive(Union)]
#[graphql(name = "Content")]
pub enum ContentObject {
    Poll(PollObject),
    Location(LocationObject),
    LiveLocation(LiveLocationObject),
    Contact(ContactCardObject),
    Attachments(AttachmentsObject),
    Sticker(SentStickerObject),
}

impl ContentObject {
    /// The content of a message that the viewer may read.
    pub(super) async fn of(
        context: &Context<'_>,
        message: &Arc<Message>,
        content: Content,
    ) -> Answer<Option<Self>> {
        Ok(match content {
            Content::Poll(it) => PollObject::of(context, message, it).await?.map(Self::Poll),
            Content::Location(it) => Some(Self::Location(LocationObject(it))),
            Content::LiveLocation(it) => {
                let live = LiveLocationObject::of(context, message, it).await?;
                live.map(Self::LiveLocation)
            }
            Content::Contact(it) => Some(Self::Contact(ContactCardObject(it))),
            Content::Sticker(it) => Some(Self::Sticker(SentStickerObject(it))),
            Content::Attachments(attachments) => {
                let message = Arc::clone(message);
                Some(Self::Attachments(AttachmentsObject { message, attachments }))
            }
        })
    }
}
