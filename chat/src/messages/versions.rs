//! What a message said and showed before, for those who may see that.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Object, Result};

use super::{Body, Content, Message, Version};
use crate::attachments::{AttachmentObject, Attachments};
use crate::edit_policy::shows_versions;
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Scope, outage, scope};
use crate::kernel::time::Long;

/// Versions of a message that are shown at once.
const SHOWN_MAX: usize = 100;

/// What a message was after an edit, or as it was sent.
pub(super) struct VersionObject {
    revision: u64,
    text: Option<String>,
    at: Timestamp,
    message: Arc<Message>,
    /// The files that it was sent with; nothing where it was sent with none.
    sent: Option<Arc<Attachments>>,
}

/// What a message was after an edit, or as it was sent: one that changes a text leaves its files as
/// they were, and one that replaces a file leaves its text.
#[Object(name = "MessageVersion")]
impl VersionObject {
    /// 0 for how it was sent.
    async fn revision(&self) -> Long {
        Long(self.revision)
    }

    async fn text(&self) -> Option<&str> {
        self.text.as_deref()
    }

    async fn at(&self) -> Timestamp {
        self.at
    }

    /// The files that it showed, with links, in their order.
    #[graphql(complexity = "1 + 4 * child_complexity")]
    async fn attachments(&self) -> Vec<AttachmentObject> {
        let sent = self.sent.iter();
        sent.flat_map(|it| AttachmentObject::after(it, &self.message, self.revision)).collect()
    }
}

impl VersionObject {
    /// Those after a revision; nothing where they are kept from the viewer.
    pub(super) async fn of(
        context: &Context<'_>,
        message: &Arc<Message>,
        after: Option<u64>,
    ) -> Result<Option<Vec<Self>>> {
        if message.body.is_none() {
            return Ok(Some(Vec::new()));
        }
        if !shows_versions(context, message).await? {
            return Ok(None);
        }
        let first = after.map_or(0, |it| it.saturating_add(1));
        let revisions: Vec<u64> = (first..=message.revision).take(SHOWN_MAX).collect();
        let scope = scope(context);
        let (texts, sent) = texts(scope, message, &revisions).await?;
        let replaced: HashMap<_, _> =
            message.replaced.iter().map(|it| (it.revision, it.at)).collect();
        let versions = revisions.into_iter().filter_map(|revision| {
            let (text, edited_at) = texts.get(&message.text_revision(revision))?;
            let at = replaced.get(&revision).copied().unwrap_or(*edited_at);
            let (message, sent) = (Arc::clone(message), sent.clone());
            Some(Self { revision, text: text.clone(), at, message, sent })
        });
        Ok(Some(versions.collect()))
    }
}

/// Texts and the times of the edits that gave them, by revision.
type Texts = HashMap<u64, (Option<String>, Timestamp)>;

/// The texts of some revisions with the times of the edits that gave them, and the files that the
/// message was sent with.
async fn texts(
    scope: &Scope,
    message: &Message,
    revisions: &[u64],
) -> Result<(Texts, Option<Arc<Attachments>>)> {
    let (mut texts, mut sent) = (HashMap::new(), None);
    if let Some(first) = message.original.as_ref().or(message.body.as_ref()) {
        let body: Option<Body> = scope.reader.open(first).await.map_err(outage)?;
        let (text, content) = body.map_or((None, None), |it| (Some(it.text), it.content));
        texts.insert(0, (text, message.occurred_at));
        if let Some(Content::Attachments(it)) = content {
            sent = Some(Arc::new(it));
        }
    }
    let mut given: Vec<u64> = revisions.iter().map(|it| message.text_revision(*it)).collect();
    given.retain(|it| *it > 0);
    given.dedup();
    let ids = given.iter().map(|it| Version::id(message.id, *it));
    let found = scope.reader.load_many::<Version>(ids).await.map_err(outage)?;
    for (revision, version) in given.into_iter().zip(found) {
        let Some(version) = version else { continue };
        let body = scope.reader.open(&version.body).await.map_err(outage)?;
        texts.insert(revision, (body.map(|it| it.text), version.edited_at));
    }
    Ok((texts, sent))
}
