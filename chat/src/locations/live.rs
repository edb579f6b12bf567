//! Sharing a place for a while: started, recorded now and then, stopped.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    CHECKPOINT_MS, LIVE_MS_MAX, LIVE_MS_MIN, LiveLocation, LiveLocationMoved, LiveLocationStarted,
    LiveLocationStopped, LocationRejection, Point,
};
use crate::Event;
use crate::contacts::Talk;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Personal, Slot, StreamId, Timestamp};
use crate::members::Member;
use crate::messages::{Addressed, Content, Message, MessageId, Sending, Unsent};

/// Sends a place that is kept up to date for a while.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ShareLiveLocation {
    pub conversation_id: ConversationId,
    pub point: Point,
    /// For how long, 15 minutes to 90 days.
    pub duration_ms: Long,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The message that begins the thread it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
}

impl ShareLiveLocation {
    fn addressed(&self) -> Addressed {
        let Self { conversation_id, reply_to, thread_id, .. } = *self;
        Addressed { reply_to, thread_id, ..Addressed::to(conversation_id) }
    }

    /// The id of the message that this command sends.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        self.addressed().message_id(context)
    }

    fn lasts(&self) -> Result<i64, LocationRejection> {
        let lasts = Some(self.duration_ms.0).filter(|it| (LIVE_MS_MIN..=LIVE_MS_MAX).contains(it));
        let lasts = lasts.and_then(|it| i64::try_from(it).ok());
        lasts.ok_or(LocationRejection::DurationInvalid)
    }
}

impl Command for ShareLiveLocation {
    const NAME: &'static str = "ShareLiveLocation";
    const SEALS: bool = true;
    type State = Sending;
    type Rejection = Unsent<LocationRejection>;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, Self::Rejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Sending {
        Sending::new(self.addressed(), context)
    }

    fn decide(
        self,
        sending: &Sending,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, Self::Rejection> {
        let said = || self.point.said(Content::LiveLocation).map_err(Unsent::Content);
        let sent = sending.sent(context, said)?;
        let lasts = self.lasts().map_err(Unsent::Content)?;
        let started = LiveLocationStarted {
            message_id: sent.message_id,
            conversation_id: sent.conversation_id,
            number: sent.number,
            author_id: sent.author_id,
            ends_at: Timestamp(context.now.0.saturating_add(lasts)),
        };
        let mut events = sending.read(context);
        events.extend([sent.into(), started.into()]);
        Ok(events)
    }
}

/// The membership of whoever asks, the message, and its live location.
type Place = (Slot<Member>, Slot<Message>, Slot<LiveLocation>);

fn place(conversation: ConversationId, message: MessageId, context: &Context<'_>) -> Place {
    let stream = StreamId::Conversation(conversation);
    let member = Member::id(conversation, context.actor);
    let id = message.to_string();
    (Slot::new(member, stream), Slot::new(id.clone(), stream), Slot::new(id, stream))
}

/// The actor's own live location in a message of this conversation, and the leaf of the message.
fn own<'a>(
    (member, message, live): &'a Place,
    conversation: ConversationId,
    context: &Context<'_>,
) -> Result<(&'a LiveLocation, Option<u64>), LocationRejection> {
    let active = member.get().is_some_and(|it| it.active);
    let message = message.get().filter(|it| active && it.conversation_id == conversation);
    let message = message.ok_or(LocationRejection::NotFound)?;
    let body = message.body.as_ref().filter(|_| !message.is_over(context.now));
    let body = body.ok_or(LocationRejection::Gone)?;
    let live = live.get().ok_or(LocationRejection::NotFound)?;
    match live.author_id == context.actor {
        true => Ok((live, body.leaf())),
        false => Err(LocationRejection::NotAuthor),
    }
}

/// Records where a live location is now, unless that was done lately.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct MoveLiveLocation {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub point: Point,
}

impl Command for MoveLiveLocation {
    const NAME: &'static str = "MoveLiveLocation";
    const SEALS: bool = true;
    type State = (Talk, Place);
    type Rejection = LocationRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, LocationRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let talk = Talk::new(self.conversation_id, context.actor);
        (talk, place(self.conversation_id, self.message_id, context))
    }

    fn decide(
        self,
        (talk, place): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, LocationRejection> {
        let (live, leaf) = own(place, self.conversation_id, context)?;
        match talk.blocked_by() {
            Some(it) if it == context.actor => return Err(LocationRejection::Blocked),
            Some(_) => return Err(LocationRejection::Refused),
            None => (),
        }
        if live.ended_since(context.now).is_some() {
            return Err(LocationRejection::Ended);
        }
        let point = self.point.checked()?;
        if !live.is_due(context.now) {
            return Ok(Vec::new());
        }
        let point = match leaf {
            Some(leaf) => Personal::beside(point, leaf),
            None => Personal::new(point),
        };
        let moved = LiveLocationMoved {
            message_id: live.message_id,
            conversation_id: live.conversation_id,
            number: Long(live.number),
            point,
        };
        Ok(vec![moved.into()])
    }
}

impl LiveLocation {
    /// Whether the last that is recorded is so old that another may be.
    pub(super) fn is_due(&self, now: Timestamp) -> bool {
        now.0.saturating_sub(self.recorded_at.0) >= CHECKPOINT_MS
    }
}

/// Keeps a live location up to date no longer; one that was stopped is stopped.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StopLiveLocation {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for StopLiveLocation {
    const NAME: &'static str = "StopLiveLocation";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = LocationRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, LocationRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Place {
        place(self.conversation_id, self.message_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, LocationRejection> {
        let (live, _) = own(place, self.conversation_id, context)?;
        if live.stopped_at.is_some() {
            return Ok(Vec::new());
        }
        let stopped = LiveLocationStopped {
            message_id: live.message_id,
            conversation_id: live.conversation_id,
            number: Long(live.number),
        };
        Ok(vec![stopped.into()])
    }
}
