//! Sending places, and moving the ones that are kept up to date.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::cache::Admission;

use super::{
    LiveLocation, LiveLocationObject, LocationRejection, MOVED_M, MoveLiveLocation, MoveObject,
    Point, SendLocation, ShareLiveLocation, StopLiveLocation, TOLD_EVERY_MS,
};
use crate::conversations::{Conversation, ConversationId};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Outcome, Scope, id, outage, rejected, scope, uuid};
use crate::kernel::time::Long;
use crate::messages::{Message, MessageId, MessagePayload, changed, message_id, visible};
use crate::presence::{HEARERS_MAX, is_cut_off, tell};

/// A place on earth, in degrees of WGS 84.
#[derive(InputObject)]
struct PointInput {
    /// -90 to 90.
    latitude: f64,
    /// -180 to 180.
    longitude: f64,
    /// Radius of the circle that it lies in, in metres, at most 100,000.
    accuracy_m: Option<f64>,
}

impl From<PointInput> for Point {
    fn from(it: PointInput) -> Self {
        Self { latitude: it.latitude, longitude: it.longitude, accuracy_m: it.accuracy_m }
    }
}

#[derive(InputObject)]
struct SendLocationInput {
    client_id: ID,
    conversation_id: ID,
    point: PointInput,
    reply_to: Option<ID>,
    /// The message that begins the thread it goes to.
    thread_id: Option<ID>,
    /// When it was sent, for history from elsewhere; not in the future.
    sent_at: Option<Timestamp>,
}

#[derive(InputObject)]
struct ShareLiveLocationInput {
    client_id: ID,
    conversation_id: ID,
    point: PointInput,
    /// For how long, in milliseconds: 15 minutes to 90 days.
    duration_ms: Long,
    reply_to: Option<ID>,
    /// The message that begins the thread it goes to.
    thread_id: Option<ID>,
}

#[derive(InputObject)]
struct MoveLiveLocationInput {
    client_id: ID,
    message_id: ID,
    point: PointInput,
}

#[derive(InputObject)]
struct StopLiveLocationInput {
    client_id: ID,
    message_id: ID,
}

#[derive(SimpleObject)]
struct MoveLiveLocationPayload {
    /// False when others were not told: too soon after the last time, or too many members.
    told: bool,
    position: String,
}

#[derive(SimpleObject)]
struct LiveLocationPayload {
    live_location: Option<LiveLocationObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct LocationMutation;

#[Object]
impl LocationMutation {
    /// Sends a place; the same client id sends it once, for ever.
    async fn send_location(
        &self,
        context: &Context<'_>,
        input: SendLocationInput,
    ) -> Result<MessagePayload> {
        let conversation_id: ConversationId = id(&input.conversation_id)?;
        let command = SendLocation {
            conversation_id,
            point: input.point.into(),
            reply_to: input.reply_to.as_ref().map(id).transpose()?,
            thread_id: input.thread_id.as_ref().map(id).transpose()?,
            sent_at: input.sent_at,
        };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        sent(context, outcome, conversation_id, &input.client_id).await
    }

    /// Sends a place that is kept up to date; the same client id sends it once, for ever.
    async fn share_live_location(
        &self,
        context: &Context<'_>,
        input: ShareLiveLocationInput,
    ) -> Result<MessagePayload> {
        let conversation_id: ConversationId = id(&input.conversation_id)?;
        let command = ShareLiveLocation {
            conversation_id,
            point: input.point.into(),
            duration_ms: input.duration_ms,
            reply_to: input.reply_to.as_ref().map(id).transpose()?,
            thread_id: input.thread_id.as_ref().map(id).transpose()?,
        };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        sent(context, outcome, conversation_id, &input.client_id).await
    }

    /// Tells the other members where the viewer's live location is now, once a second at most; now
    /// and then it is recorded.
    async fn move_live_location(
        &self,
        context: &Context<'_>,
        input: MoveLiveLocationInput,
    ) -> Result<MoveLiveLocationPayload> {
        let message = visible(context, &input.message_id).await?;
        let point = Point::from(input.point).checked().map_err(rejected)?;
        let scope = scope(context);
        let (live, last) = movable(context, &message).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let due = live.is_due(Timestamp(scope.clock.now_ms()));
        if due && last.metres_to(point) >= MOVED_M {
            let command = MoveLiveLocation { conversation_id, message_id, point };
            let position = scope.submit(&input.client_id, command).await?.position;
            return Ok(MoveLiveLocationPayload { told: true, position });
        }
        let told = pass(scope, conversation_id, message_id, point).await?;
        let position = scope.progress.position().to_string();
        Ok(MoveLiveLocationPayload { told, position })
    }

    /// Keeps the viewer's live location up to date no longer.
    async fn stop_live_location(
        &self,
        context: &Context<'_>,
        input: StopLiveLocationInput,
    ) -> Result<LiveLocationPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let command = StopLiveLocation { conversation_id, message_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let live_location = match outcome.readable {
            true => LiveLocationObject::find(context, message_id).await?,
            false => None,
        };
        Ok(LiveLocationPayload { live_location, position: outcome.position })
    }
}

async fn sent(
    context: &Context<'_>,
    outcome: Outcome,
    conversation: ConversationId,
    client_id: &ID,
) -> Result<MessagePayload> {
    let author = scope(context).viewer()?.account;
    changed(context, outcome, message_id(conversation, author, uuid(client_id)?)).await
}

/// The viewer's live location that has not ended, and where it was recorded last.
async fn movable(
    context: &Context<'_>,
    message: &Message,
) -> Result<(std::sync::Arc<LiveLocation>, Point)> {
    let scope = scope(context);
    let live = scope.reader.load::<LiveLocation>(message.id.to_string()).await.map_err(outage)?;
    let live = live.ok_or_else(|| rejected(LocationRejection::NotFound))?;
    if live.author_id != scope.viewer()?.account {
        return Err(rejected(LocationRejection::NotAuthor));
    }
    if live.ended_since(Timestamp(scope.clock.now_ms())).is_some() {
        return Err(rejected(LocationRejection::Ended));
    }
    let found = LiveLocationObject::find(context, message.id).await?;
    let found = found.ok_or_else(|| rejected(LocationRejection::Gone))?;
    Ok((live, found.point()))
}

/// Tells the members who listen now; whether it did.
async fn pass(
    scope: &Scope,
    conversation: ConversationId,
    message: MessageId,
    point: Point,
) -> Result<bool> {
    let viewer = scope.viewer()?.account;
    let head = scope.reader.fetch::<Conversation>(viewer, conversation.to_string()).await;
    let head = head.map_err(outage)?.ok_or_else(|| rejected(LocationRejection::NotFound))?;
    if is_cut_off(&scope.reader, viewer, &head).await.map_err(outage)? {
        return Ok(false);
    }
    let taken = scope.cache.take(&format!("live/{message}"), 1, TOLD_EVERY_MS).await;
    if head.member_count > HEARERS_MAX || taken.map_err(outage)? != Admission::Admitted {
        return Ok(false);
    }
    tell(scope, MoveObject::tell(viewer, conversation, message, point)).await?;
    Ok(true)
}
