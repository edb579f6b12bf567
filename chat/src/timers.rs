//! Timers: what is to happen at a time, found by partition and time.
//!
//! A room says of each of its events which timers it sets and clears. Whoever folds a partition
//! gives the command of every timer that is due, until an event clears it. The command's id derives
//! from the timer, and its decision looks at what is so, so what is given twice happens once.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::Error;
use ports::documents::Collection;
use ports::event_log::Partition;

use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::document::padded;
use crate::kernel::{
    Accepted, AnyCommand, Command, Document, Reader, Recorded, StreamId, Timestamp, id,
};
use crate::{attachments, expiry, files, locations, media, polls, removals, schedule};

/// What a timer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Purpose {
    /// A message comes to its end.
    MessageExpires,
    /// Somebody has read what expires after that: its conversation is told.
    ReadingNoted,
    /// What a moderator has removed can't be restored any more.
    RemovalEnds,
    /// A poll closes.
    PollCloses,
    /// A live location ends.
    LiveLocationEnds,
    /// A scheduled message is to be sent: from here on it is not changed.
    ScheduledDue,
    /// A scheduled message that is not changed any more is sent.
    ScheduledSend,
    /// An upload has taken too long.
    UploadExpires,
    /// A file is discarded that nothing refers to.
    FileUnused,
    /// A file has been kept as long as the operator keeps files.
    FileEnds,
    /// The files of what is gone are not kept for it any more.
    FilesReleased,
    /// Those who see a file are told what was made of it.
    MediaTold,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::MessageExpires => "message-expires",
            Self::ReadingNoted => "reading-noted",
            Self::RemovalEnds => "removal-ends",
            Self::PollCloses => "poll-closes",
            Self::LiveLocationEnds => "live-location-ends",
            Self::ScheduledDue => "scheduled-due",
            Self::ScheduledSend => "scheduled-send",
            Self::UploadExpires => "upload-expires",
            Self::FileUnused => "file-unused",
            Self::FileEnds => "file-ends",
            Self::FilesReleased => "files-released",
            Self::MediaTold => "media-told",
        }
    }
}

/// What an event says of a timer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timing {
    /// It is due at a time, whatever it was before.
    Set { purpose: Purpose, id: Uuid, account_id: AccountId, due_at: Timestamp },
    /// There is nothing to be done any more.
    Clear { purpose: Purpose, id: Uuid },
}

impl Timing {
    fn timer_id(&self) -> String {
        match self {
            Self::Set { purpose, id, .. } | Self::Clear { purpose, id } => {
                format!("{}/{}", purpose.name(), id.simple())
            }
        }
    }
}

/// Something that is to happen at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    pub purpose: Purpose,
    /// Of what it is about.
    pub id: Uuid,
    /// On whose behalf it happens.
    pub account_id: AccountId,
    /// Where the event stands that set it.
    pub stream: StreamId,
    pub seq: u64,
    pub partition: Partition,
    pub due_at: Timestamp,
}

/// How far before its timer the id of a command is dated: a clock that was set back meanwhile still
/// takes it for one from the past.
const DATED_BACK_MS: i64 = 24 * 3_600 * 1_000;

impl Timer {
    /// Where those of a partition are, the first that is due first.
    pub fn due(partition: Partition) -> String {
        format!("{partition:04x}/")
    }

    /// From when on it is due. What has begun goes on at once: a clock that was ahead when it began
    /// would hold it up for as long.
    pub fn due_from(&self) -> Timestamp {
        match self.purpose {
            Purpose::ScheduledSend | Purpose::ReadingNoted => Timestamp(0),
            Purpose::MessageExpires
            | Purpose::RemovalEnds
            | Purpose::PollCloses
            | Purpose::LiveLocationEnds
            | Purpose::ScheduledDue
            | Purpose::UploadExpires
            | Purpose::FileUnused
            | Purpose::FileEnds
            | Purpose::FilesReleased
            | Purpose::MediaTold => self.due_at,
        }
    }

    /// The conversation whose event set it.
    pub(crate) fn conversation(&self) -> ConversationId {
        match self.stream {
            StreamId::Conversation(it) => it,
            StreamId::Account(_) | StreamId::Name(_) | StreamId::Instance => {
                unreachable!("what is about a message is set in its conversation")
            }
        }
    }

    /// The one command that it gives.
    pub(crate) fn gives(&self, command: impl Command) -> Action {
        let (account_id, client_id) = (self.account_id, self.client_id());
        Action { account_id, client_id, command: Box::new(command), then: None }
    }

    /// The id of the command that it gives; whenever it is set again, that is another one.
    pub fn client_id(&self) -> Uuid {
        let dated = self.due_at.0.saturating_sub(DATED_BACK_MS).max(0).unsigned_abs();
        let parts: [&[u8]; 4] = [
            b"timer",
            self.purpose.name().as_bytes(),
            self.id.as_bytes(),
            &[self.stream.bytes().as_slice(), &self.seq.to_be_bytes()].concat(),
        ];
        id::derive(Uuid::from_u64_pair(dated << 16, 0), &parts)
    }
}

impl Document for Timer {
    const COLLECTION: Collection = Collection { name: "timers", indexes: &["due"] };

    fn ids(event: &Recorded) -> Vec<String> {
        crate::timings(event).iter().map(Timing::timer_id).collect()
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, id: &str, event: &Recorded) {
        let told = crate::timings(event).into_iter().find(|it| it.timer_id() == id);
        *document = told.and_then(|it| match it {
            Timing::Set { purpose, id, account_id, due_at } => Some(Self {
                purpose,
                id,
                account_id,
                stream: event.stream,
                seq: event.seq,
                partition: event.partition,
                due_at,
            }),
            Timing::Clear { .. } => None,
        });
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let (due, purpose) = (padded(self.due_from().0.unsigned_abs()), self.purpose.name());
        vec![Some(format!("{}{due}/{purpose}/{}", Self::due(self.partition), self.id.simple()))]
    }
}

/// What a command came to for good: accepted, or refused with the code of a rejection.
pub type Answer = Result<Accepted, &'static str>;

/// Makes of a command's answer what is to be given next, if anything is.
pub type Then = Box<dyn FnOnce(Answer) -> Option<Action> + Send>;

/// What is given when a time has come.
pub struct Action {
    /// On whose behalf.
    pub account_id: AccountId,
    pub client_id: Uuid,
    pub command: Box<dyn AnyCommand>,
    pub then: Option<Then>,
}

/// What a timer that is due asks for; nothing while the documents do not know enough yet.
///
/// # Errors
/// When the documents or the keys can't be reached.
pub async fn action(reader: &Reader, timer: &Timer) -> Result<Option<Action>, Error> {
    Ok(match timer.purpose {
        Purpose::MessageExpires => Some(expiry::end(timer)),
        Purpose::ReadingNoted => expiry::tell(reader, timer).await?,
        Purpose::RemovalEnds => Some(removals::end(timer)),
        Purpose::PollCloses => Some(polls::end(timer)),
        Purpose::LiveLocationEnds => Some(locations::end(timer)),
        Purpose::ScheduledDue => Some(schedule::begin(timer)),
        Purpose::ScheduledSend => schedule::send(reader, timer).await?,
        Purpose::UploadExpires | Purpose::FileUnused | Purpose::FileEnds => {
            files::end(reader, timer).await?
        }
        Purpose::FilesReleased => attachments::release(reader, timer).await?,
        Purpose::MediaTold => Some(media::tell(reader, timer).await?),
    })
}
