//! Places as clients see them, and what passes while one moves.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result};
use serde::{Deserialize, Serialize};

use super::{LiveLocation, Point};
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::ephemeral::Ephemeral;
use crate::kernel::graphql::{outage, scope};
use crate::kernel::{Document, Timestamp};
use crate::messages::{Content, Message, MessageId, MessageObject};

/// A place on a message that the viewer may read.
pub struct LocationObject(pub(crate) Point);

/// A place on earth, in degrees of WGS 84.
#[Object(name = "Location")]
impl LocationObject {
    async fn latitude(&self) -> f64 {
        self.0.latitude
    }

    async fn longitude(&self) -> f64 {
        self.0.longitude
    }

    /// Radius of the circle that it lies in, in metres, where that is known.
    async fn accuracy_m(&self) -> Option<f64> {
        self.0.accuracy_m
    }
}

/// A live location on a message that the viewer may read.
pub struct LiveLocationObject {
    live: Arc<LiveLocation>,
    point: Point,
    /// It has changed after the viewer's time in the conversation.
    withheld: bool,
}

impl LiveLocationObject {
    /// The live location of a message that the viewer may read; in a frame that has been checked.
    pub async fn find(context: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        let scope = scope(context);
        let live = scope.reader.load::<LiveLocation>(id.to_string()).await.map_err(outage)?;
        let Some(live) = live else { return Ok(None) };
        let admitted = scope.is_checked() || {
            let viewer = scope.viewer()?.account;
            live.audience().admits(viewer, &scope.reader).await.map_err(outage)?
        };
        if !admitted {
            return Ok(None);
        }
        let message = scope.reader.load::<Message>(id.to_string()).await.map_err(outage)?;
        let message = message.map(|it| scope.within(&it));
        let Some(body) = message.as_ref().and_then(|it| it.body.as_ref()) else {
            return Ok(None);
        };
        let body = scope.reader.open(body).await.map_err(outage)?;
        let Some(Content::LiveLocation(first)) = body.and_then(|it| it.content) else {
            return Ok(None);
        };
        let found = Self::with(context, live, first).await?;
        Ok(found.filter(|it| !it.withheld))
    }

    /// The live location that a message holds, which says where it began.
    pub(crate) async fn of(
        context: &Context<'_>,
        message: &Message,
        first: Point,
    ) -> Result<Option<Self>> {
        let id = message.id.to_string();
        let live = scope(context).reader.load::<LiveLocation>(id).await.map_err(outage)?;
        match live {
            Some(it) => Self::with(context, it, first).await,
            None => Ok(None),
        }
    }

    async fn with(
        context: &Context<'_>,
        live: Arc<LiveLocation>,
        first: Point,
    ) -> Result<Option<Self>> {
        let scope = scope(context);
        scope.shows(live.seq);
        let withheld = scope.ended_at.is_some_and(|it| live.seq > it);
        let recorded = live.point.as_ref().filter(|_| !withheld);
        let point = match recorded {
            Some(it) => scope.reader.open(it).await.map_err(outage)?,
            None => Some(first),
        };
        Ok(point.map(|point| Self { live, point, withheld }))
    }

    /// Where it was recorded last.
    pub(super) fn point(&self) -> Point {
        self.point
    }

    fn ended_since(&self, context: &Context<'_>) -> Option<Timestamp> {
        let now = Timestamp(scope(context).clock.now_ms());
        match self.withheld {
            // That somebody stopped it may have been later; its time has passed for everyone.
            true => Some(self.live.ends_at).filter(|it| *it <= now),
            false => self.live.ended_since(now),
        }
    }
}

/// A place that is kept up to date for a while.
#[Object(name = "LiveLocation")]
impl LiveLocationObject {
    async fn message_id(&self) -> ID {
        self.live.message_id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.live.conversation_id.into()
    }

    /// Where it was recorded last; where it is now passes by in a subscription.
    async fn location(&self) -> LocationObject {
        LocationObject(self.point)
    }

    /// When that was; null for who has left since.
    async fn recorded_at(&self) -> Option<Timestamp> {
        Some(self.live.recorded_at).filter(|_| !self.withheld)
    }

    /// When it ends by itself.
    async fn ends_at(&self) -> Timestamp {
        self.live.ends_at
    }

    /// Whether it is no longer kept up to date.
    async fn ended(&self, context: &Context<'_>) -> bool {
        self.ended_since(context).is_some()
    }

    /// Since when it is no longer kept up to date.
    async fn ended_at(&self, context: &Context<'_>) -> Option<Timestamp> {
        self.ended_since(context)
    }

    async fn message(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        MessageObject::find(context, self.live.message_id).await
    }
}

/// Where a live location is at the moment.
pub struct MoveObject {
    conversation_id: ConversationId,
    detail: Detail,
}

#[derive(Serialize, Deserialize)]
struct Detail {
    message_id: MessageId,
    point: Point,
}

const MOVE: &str = "LiveLocationMove";

impl MoveObject {
    /// As it goes over the bus.
    pub(super) fn tell(
        account_id: AccountId,
        conversation_id: ConversationId,
        message_id: MessageId,
        point: Point,
    ) -> Ephemeral {
        let detail = serde_json::to_value(Detail { message_id, point });
        let detail = detail.expect("it is plain data");
        let conversation_id = Some(conversation_id);
        Ephemeral { kind: MOVE.to_owned(), account_id, conversation_id, detail }
    }

    /// As it was told.
    pub fn read(it: &Ephemeral) -> Option<Self> {
        if it.kind != MOVE {
            return None;
        }
        let detail = Detail::deserialize(&it.detail).ok()?;
        Some(Self { conversation_id: it.conversation_id?, detail })
    }
}

/// Where a live location is at the moment; it is told and forgotten.
#[Object(name = "LiveLocationMove")]
impl MoveObject {
    async fn message_id(&self) -> ID {
        self.detail.message_id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.conversation_id.into()
    }

    async fn location(&self) -> LocationObject {
        LocationObject(self.detail.point)
    }
}
