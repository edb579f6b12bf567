//! A frame: one event as one selection shows it, executed once and filled in for each socket.

use std::sync::Arc;

use async_graphql::{Context, EmptyMutation, EmptySubscription, ID, Object, Result, Schema};
use bytes::Bytes;

use chat::Changed;
use chat::kernel::ephemeral::Ephemeral;
use chat::kernel::time::Long;
use chat::kernel::{StreamId, Timestamp};
use chat::timeline::Timeline;

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

    /// Null for an event of the viewer's own account.
    async fn conversation_id(&self) -> Option<ID> {
        match &self.shown {
            Shown::Event(it) => match it.stream {
                StreamId::Conversation(id) => Some(id.into()),
                StreamId::Account(_) | StreamId::Name(_) => None,
            },
            Shown::Passing(it) => Some(it.conversation_id.into()),
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

    /// The document that changed, as it is now; null when it is gone.
    async fn change(&self, context: &Context<'_>) -> Result<Option<Changed>> {
        match &self.shown {
            Shown::Event(it) => Changed::find(context, it.change).await,
            Shown::Passing(it) => Ok(Changed::passing(it)),
        }
    }
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
    parts: Vec<(Bytes, Hole)>,
    rest: Bytes,
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
    pub(crate) fn new(json: Vec<u8>, holes: &Holes, shows_seq: u64, failed: bool) -> Self {
        let json = Bytes::from(json);
        let marks = [
            (holes.position.as_bytes().to_vec(), Hole::Position),
            (holes.previous_seq.to_string().into_bytes(), Hole::PreviousSeq),
            (holes.unread.to_string().into_bytes(), Hole::Unread),
        ];
        let mut found: Vec<(usize, usize, Hole)> = Vec::new();
        for (mark, hole) in &marks {
            let places = memchr::memmem::find_iter(&json, mark);
            found.extend(places.map(|at| (at, mark.len(), *hole)));
        }
        found.sort_unstable_by_key(|it| it.0);
        let mut parts = Vec::with_capacity(found.len());
        let mut from = 0;
        for (at, length, hole) in found {
            parts.push((json.slice(from..at), hole));
            from = at + length;
        }
        let shows_unread = parts.iter().any(|(_, hole)| *hole == Hole::Unread);
        Self { parts, rest: json.slice(from..), shows_unread, shows_seq, failed }
    }

    /// The frame for one socket.
    pub(crate) fn render(&self, fill: &Fill<'_>) -> Bytes {
        let length: usize = self.parts.iter().map(|(it, _)| it.len() + 24).sum();
        let mut out = Vec::with_capacity(length + self.rest.len() + fill.position.len());
        for (part, hole) in &self.parts {
            out.extend_from_slice(part);
            match hole {
                Hole::Position => out.extend_from_slice(fill.position.as_bytes()),
                Hole::PreviousSeq => {
                    out.extend_from_slice(fill.previous_seq.to_string().as_bytes())
                }
                Hole::Unread => out.extend_from_slice(fill.unread.to_string().as_bytes()),
            }
        }
        out.extend_from_slice(&self.rest);
        out.into()
    }
}
