//! Who may send a place, and what a place is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::ACCURACY_M_MAX;
use crate::Event;
use crate::conversations::ConversationId;
use crate::kernel::{Command, Context, StreamId, Timestamp};
use crate::messages::{Addressed, Body, Content, MessageId, Said, Sending, Unsent};

crate::rejections! {
    /// Why locations say no.
    LocationRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        PointInvalid: Invalid, "LOCATIONS_POINT_INVALID",
            "not within 90 degrees of latitude, 180 of longitude and 100 km of accuracy",
            "Check the numbers.";
        DurationInvalid: Invalid, "LOCATIONS_DURATION_INVALID",
            "not 15 minutes to 90 days", "Choose another duration.";
        NotAuthor: Forbidden, "LOCATIONS_NOT_AUTHOR",
            "only its author moves and stops a live location", "Share a location of your own.";
        Ended: Conflict, "LOCATIONS_ENDED",
            "the live location has ended", "Share it anew.";
        Gone: Conflict, "LOCATIONS_MESSAGE_GONE",
            "the message has been deleted", "Share it anew.";
        Refused: Forbidden, "LOCATIONS_REFUSED",
            "the other person wants nothing of you", "Respect that.";
        Blocked: Conflict, "LOCATIONS_BLOCKED",
            "you have blocked the other person", "Unblock them first.";
    }
}

/// A place on earth, in degrees of WGS 84.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Point {
    /// -90 to 90.
    pub latitude: f64,
    /// -180 to 180.
    pub longitude: f64,
    /// Radius of the circle that it lies in, in metres, at most 100,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_m: Option<f64>,
}

/// Metres of a degree of latitude.
const DEGREE_M: f64 = 111_195.0;

impl Point {
    /// The point, if it is one.
    pub(super) fn checked(self) -> Result<Self, LocationRejection> {
        let on_earth = self.latitude.abs() <= 90.0 && self.longitude.abs() <= 180.0;
        let known = self.accuracy_m.is_none_or(|it| (0.0..=ACCURACY_M_MAX).contains(&it));
        (on_earth && known).then_some(self).ok_or(LocationRejection::PointInvalid)
    }

    /// Metres between two points, good for those that are near.
    pub(super) fn metres_to(self, other: Self) -> f64 {
        let north = self.latitude - other.latitude;
        let around = (self.longitude - other.longitude).abs();
        let east = around.min(360.0 - around) * self.latitude.to_radians().cos();
        north.hypot(east) * DEGREE_M
    }

    /// As people write it, to about a metre.
    fn text(self) -> String {
        format!("{:.5}, {:.5}", self.latitude, self.longitude)
    }

    /// What a message says that holds it.
    pub(super) fn said(self, hold: fn(Self) -> Content) -> Result<Said, LocationRejection> {
        let point = self.checked()?;
        Ok((Body::holding(hold(point), point.text()), Vec::new()))
    }
}

/// Sends a place.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendLocation {
    pub conversation_id: ConversationId,
    pub point: Point,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The message that begins the thread it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
    /// When it was sent, for history from elsewhere; not in the future.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
}

impl SendLocation {
    fn addressed(&self) -> Addressed {
        let Self { conversation_id, reply_to, thread_id, sent_at, .. } = *self;
        Addressed { reply_to, thread_id, sent_at, ..Addressed::to(conversation_id) }
    }

    /// The id of the message that this command sends.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        self.addressed().message_id(context)
    }
}

impl Command for SendLocation {
    const NAME: &'static str = "SendLocation";
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
        let said = || self.point.said(Content::Location).map_err(Unsent::Content);
        let sent = sending.sent(context, said)?;
        let mut events = sending.read(context);
        events.push(sent.into());
        Ok(events)
    }
}
