//! Previews as clients see them.

use async_graphql::{Context, Object, Result};

use super::{LinkPreview, Preview};
use crate::kernel::graphql::{outage, scope};
use crate::messages::Message;

/// What the page is that a message links to first.
pub struct PreviewObject(Preview);

impl PreviewObject {
    /// The preview of a message that the viewer may read.
    pub(crate) async fn of(context: &Context<'_>, message: &Message) -> Result<Option<Self>> {
        if message.body.is_none() {
            return Ok(None);
        }
        let scope = scope(context);
        let found = scope.reader.load::<LinkPreview>(message.id.to_string()).await;
        let Some(found) = found.map_err(outage)? else { return Ok(None) };
        scope.shows(found.seq);
        let there =
            found.found.as_ref().filter(|_| scope.ended_at.is_none_or(|it| found.seq <= it));
        let Some(preview) = there else { return Ok(None) };
        Ok(scope.reader.open(preview).await.map_err(outage)?.map(Self))
    }
}

/// What the page is that a message links to first: words of a stranger, which this server has cut
/// and not checked.
#[Object(name = "LinkPreview")]
impl PreviewObject {
    /// The link, as the message has it.
    async fn url(&self) -> &str {
        &self.0.url
    }

    /// Where the page is, as it says, or where it was found.
    async fn canonical_url(&self) -> &str {
        &self.0.canonical_url
    }

    /// At most 200 characters.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// At most 500 characters.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// At most 100 characters.
    async fn site_name(&self) -> Option<&str> {
        self.0.site_name.as_deref()
    }

    /// An image of the page, at the stranger's server: who loads it shows themselves there.
    async fn image_url(&self) -> Option<&str> {
        self.0.image_url.as_deref()
    }
}
