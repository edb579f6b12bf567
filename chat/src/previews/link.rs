//! What is looked up for a message, read when its turn has come.

use ports::Error;

use super::{LOOK_UP_MS_MAX, LinkPreview, first_link};
use crate::kernel::{Reader, Timestamp};
use crate::messages::Message;

impl LinkPreview {
    /// The link of the message as it is now; nothing when it has none, is gone, or has waited for
    /// too long.
    ///
    /// # Errors
    /// When the documents or the keys can't be reached.
    pub async fn link(&self, reader: &Reader, now: Timestamp) -> Result<Option<String>, Error> {
        if self.due_at.is_none_or(|it| now.0 - it.0 > LOOK_UP_MS_MAX) {
            return Ok(None);
        }
        let message = reader.load::<Message>(self.message_id.to_string()).await?;
        let message = message.filter(|it| !it.is_gone(now));
        let Some(body) = message.as_ref().and_then(|it| it.body.as_ref()) else { return Ok(None) };
        let body = reader.open(body).await?;
        Ok(body.as_ref().and_then(first_link).map(str::to_owned))
    }
}
