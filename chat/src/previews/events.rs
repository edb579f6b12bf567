//! What can happen to a preview.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use crate::Change;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Effect, Personal, Recorded};
use crate::messages::{Body, EntityKind, MessageId};

crate::events! {
    /// Everything that can happen to previews; they live in their conversation's stream.
    PreviewEvent {
        PreviewFound [preview],
        PreviewMissed [],
    }
}

/// What a page says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Preview {
    /// The link, as the message has it.
    pub url: String,
    /// Where the page is, as it says, or where it was found.
    pub canonical_url: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub site_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_url: Option<String>,
}

/// A message's page says what it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.previews")]
pub struct PreviewFound {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Edits of the message that it was looked up after.
    pub revision: Long,
    /// Under the key of the message, so that deleting it takes the preview along.
    pub preview: Personal<Preview>,
}

/// A message has no page, or it says nothing; it is not looked up again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat.previews")]
pub struct PreviewMissed {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    /// Number of the message.
    pub number: Long,
    /// Edits of the message that it was looked up after.
    pub revision: Long,
}

impl PreviewEvent {
    /// What it means to those who listen: the message looks different, or nothing has happened.
    pub(crate) fn meaning(&self, _: &Recorded) -> (Change, Effect) {
        match self {
            Self::PreviewFound(it) => (Change::Message(it.message_id), Effect::None),
            Self::PreviewMissed(_) => (Change::None, Effect::None),
        }
    }
}

/// Whether a message that says this is looked up.
pub(crate) fn is_wanted(body: &Body) -> bool {
    first_link(body).is_some()
}

/// The first link of a text that leads to the web and is not under a spoiler.
pub fn first_link(body: &Body) -> Option<&str> {
    let hidden = |at: u32| {
        let spoilers = body.entities.iter().filter(|it| it.kind == EntityKind::Spoiler);
        spoilers.into_iter().any(|it| (it.offset..it.offset + it.length).contains(&at))
    };
    let of_web = |it: &&str| it.starts_with("http://") || it.starts_with("https://");
    let links = body.entities.iter().filter(|it| it.kind == EntityKind::Link);
    let links = links.filter(|it| !hidden(it.offset));
    let links = links.filter_map(|it| Some((it.offset, it.url.as_deref().filter(of_web)?)));
    links.min_by_key(|(offset, _)| *offset).map(|(_, url)| url)
}
