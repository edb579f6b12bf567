//! What a message says, and what stretches of it mean.

use serde::{Deserialize, Serialize};

use super::Content;
use crate::accounts::AccountId;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// As the author wrote it.
    pub markdown: String,
    /// As it is read.
    pub text: String,
    pub entities: Vec<Entity>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// A stretch of text with a meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entity {
    pub kind: EntityKind,
    /// In UTF-16 code units.
    pub offset: u32,
    /// In UTF-16 code units.
    pub length: u32,
    /// Where a link goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Language of a code block.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Who is mentioned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Which custom emoji it is: `pack_…/7`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub emoji: Option<String>,
}

/// What a stretch of text means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, async_graphql::Enum)]
pub enum EntityKind {
    Bold,
    Italic,
    Underline,
    Strike,
    Spoiler,
    Code,
    Pre,
    Link,
    Mention,
    Quote,
    Hashtag,
    /// A mention of everyone.
    Everyone,
    /// The name of a custom emoji between colons.
    CustomEmoji,
}
