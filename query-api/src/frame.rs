//! A frame: one event as one selection shows it, executed once and filled in for each socket.

use std::ops::Range;
use std::sync::Arc;

use async_graphql::{Context, EmptyMutation, EmptySubscription, ID, Object, Result, Schema};
use axum::extract::ws::Utf8Bytes;

use chat::kernel::ephemeral::Ephemeral;
use chat::kernel::graphql::scope;
use chat::kernel::time::Long;
use chat::kernel::{Effect, StreamId, Timestamp};
use chat::timeline::Timeline;
use chat::{Change, Changed};

/// What a frame shows.
#[derive(Clone)]
pub(crate) enum Shown {
    /// An event of the log.
    Event(Arc<Timeline>),
    /// A passing fact, which has no place.
    Passing(Arc<Ephemeral>),
}

/// One update.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) shown: Shown,
    pub(crate) holes: Holes,
}

/// Values that no text holds by chance: where they come out, each socket's own go in.
#[derive(Clone)]
pub(crate) struct Holes {
    pub(crate) position: Arc<str>,
    pub(crate) previous_seq: u64,
    pub(crate) unread: i32,
}

impl Holes {
    pub(crate) fn new(entropy: &dyn ports::entropy::Entropy) -> Self {
        let random = u64::from_be_bytes(entropy.bytes()) >> 2;
        let token: String = entropy.bytes::<16>().iter().map(|it| format!("{it:02x}")).collect();
        Self {
            position: token.into(),
            previous_seq: random | (1 << 61),
            unread: -i32::try_from(random % 1_000_000_000).expect("it fits") - 1_000_000_000,
        }
    }
}

/// One event of the viewer's conversations or own account.
#[Object(name = "Frame")]
impl Frame {
    /// Resume from here: everything up to this frame has been received.
    async fn position(&self) -> &str {
        &self.holes.position
    }

    /// Null for what is of the viewer's own account.
    async fn conversation_id(&self) -> Option<ID> {
        match &self.shown {
            Shown::Event(it) => match it.stream {
                StreamId::Conversation(id) => Some(id.into()),
                StreamId::Account(_) | StreamId::Name(_) | StreamId::Instance => None,
            },
            Shown::Passing(it) => it.conversation_id.map(ID::from),
        }
    }

    /// Who caused what happened in a conversation: a person's other devices know their own by it.
    /// Null where nobody is told, as of a ballot that is nobody else's business.
    async fn actor_id(&self) -> Option<ID> {
        match &self.shown {
            Shown::Event(it) => match it.stream {
                StreamId::Conversation(_) if it.effect == Effect::Unattributed => None,
                StreamId::Conversation(_) => it.actor.map(ID::from),
                StreamId::Account(_) | StreamId::Name(_) | StreamId::Instance => None,
            },
            Shown::Passing(_) => None,
        }
    }

    /// Place in the conversation; null for what passes, like typing.
    async fn seq(&self) -> Option<Long> {
        match &self.shown {
            Shown::Event(it) => Some(Long(it.seq)),
            Shown::Passing(_) => None,
        }
    }

    /// The `seq` before this one that the viewer may see.
    async fn previous_seq(&self) -> Option<Long> {
        match &self.shown {
            Shown::Event(_) => Some(Long(self.holes.previous_seq)),
            Shown::Passing(_) => None,
        }
    }

    /// The conversation's unread count for the viewer, this event included.
    async fn viewer_unread_count(&self) -> i32 {
        self.holes.unread
    }

    async fn occurred_at(&self) -> Option<Timestamp> {
        match &self.shown {
            Shown::Event(it) => Some(it.occurred_at),
            Shown::Passing(_) => None,
        }
    }

    async fn event_name(&self) -> &str {
        match &self.shown {
            Shown::Event(it) => &it.event,
            Shown::Passing(it) => &it.kind,
        }
    }

    /// The document that changed, as it is now; null when it is gone, and for applications when
    /// it is one that they may not ask for.
    async fn change(&self, context: &Context<'_>) -> Result<Option<Changed>> {
        match &self.shown {
            Shown::Event(it) if is_own(it) && scope(context).viewer()?.scopes.is_some() => Ok(None),
            Shown::Event(it) => Changed::find(context, it.change).await,
            Shown::Passing(it) => Ok(Changed::passing(it)),
        }
    }
}

/// Whether an event changed what a person keeps to themselves: no scope reaches it.
fn is_own(event: &Timeline) -> bool {
    matches!(event.stream, StreamId::Account(_))
        && !matches!(
            event.change,
            Change::Account(_)
                | Change::Message(_)
                | Change::ReadState(_)
                | Change::ThreadReadState(_)
                | Change::None
        )
}

/// Where the arguments of a subscription are left when it is checked.
#[derive(Default)]
pub(crate) struct Arguments {
    pub(crate) after: Option<String>,
    pub(crate) compact: bool,
    pub(crate) fields: usize,
}

/// What the root of a frame resolves to.
pub(crate) enum Root {
    /// Nothing: the document is only checked, and its arguments are read.
    Check(Arc<std::sync::Mutex<Arguments>>),
    Frame(Frame),
}

/// The root that stands for `Subscription` when a frame is executed as a query.
pub(crate) struct FrameRoot;

#[Object(name = "Subscription")]
impl FrameRoot {
    async fn updates(
        &self,
        context: &Context<'_>,
        after: Option<String>,
        #[graphql(default)] compact: bool,
    ) -> Option<Frame> {
        match context.data_unchecked::<Root>() {
            Root::Check(arguments) => {
                let mut arguments = arguments.lock().expect("no holder of the lock panics");
                arguments.fields += 1;
                arguments.after = after;
                arguments.compact = compact;
                None
            }
            Root::Frame(frame) => Some(frame.clone()),
        }
    }
}

pub(crate) type Frames = Schema<FrameRoot, EmptyMutation, EmptySubscription>;

/// A frame whose holes are known.
pub(crate) struct Template {
    json: String,
    /// Where the holes are, in order.
    holes: Vec<(Range<usize>, Hole)>,
    /// Whether it shows the viewer's unread count.
    pub(crate) shows_unread: bool,
    /// The newest `seq` of what it shows of its conversation.
    pub(crate) shows_seq: u64,
    /// Whether something in it could not be read now.
    pub(crate) failed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hole {
    Position,
    PreviousSeq,
    Unread,
}

/// What one socket's holes are filled with.
#[derive(Clone, Copy)]
pub(crate) struct Fill<'a> {
    pub(crate) position: &'a str,
    pub(crate) previous_seq: u64,
    pub(crate) unread: u64,
}

impl Template {
    /// Finds the holes in an executed frame.
    pub(crate) fn new(json: String, holes: &Holes, shows_seq: u64, failed: bool) -> Self {
        let marks = [
            (holes.position.to_string(), Hole::Position),
            (holes.previous_seq.to_string(), Hole::PreviousSeq),
            (holes.unread.to_string(), Hole::Unread),
        ];
        let mut found: Vec<(Range<usize>, Hole)> = Vec::new();
        for (mark, hole) in &marks {
            let places = memchr::memmem::find_iter(json.as_bytes(), mark.as_bytes());
            found.extend(places.map(|at| (at..at + mark.len(), *hole)));
        }
        found.sort_unstable_by_key(|it| it.0.start);
        let shows_unread = found.iter().any(|(_, hole)| *hole == Hole::Unread);
        Self { json, holes: found, shows_unread, shows_seq, failed }
    }

    /// Length of what is the same for all.
    pub(crate) fn bytes(&self) -> usize {
        self.json.len()
    }

    /// The message of a subscription that shows the frame to one viewer; `head` is
    /// `{"id":…,"type":"next","payload":`.
    pub(crate) fn render(&self, head: &str, fill: &Fill<'_>) -> Utf8Bytes {
        let mut out =
            String::with_capacity(head.len() + self.json.len() + fill.position.len() + 32);
        out.push_str(head);
        let mut from = 0;
        for (place, hole) in &self.holes {
            out.push_str(&self.json[from..place.start]);
            match hole {
                Hole::Position => out.push_str(fill.position),
                Hole::PreviousSeq => out.push_str(&fill.previous_seq.to_string()),
                Hole::Unread => out.push_str(&fill.unread.to_string()),
            }
            from = place.end;
        }
        out.push_str(&self.json[from..]);
        out.push('}');
        out.into()
    }
}
