//! Threads as clients see them.

use std::sync::Arc;

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, Object, Result};

use ports::documents::Order;

use super::{Line, Thread, ThreadUnread};
use crate::conversations::{ConversationId, page_complexity};
use crate::drafts::{DraftLine, DraftObject};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Page, outage, scope};
use crate::kernel::pages::{self, Shelf};
use crate::kernel::time::Long;
use crate::messages::{
    Message, MessageId, MessageObject, Messages, Window, last_live_message, messages,
};

/// A thread.
pub struct ThreadObject {
    thread: Arc<Thread>,
    /// What the viewer has not read of it, where a list has counted that for all its entries.
    unread: Option<ThreadUnread>,
}

impl ThreadObject {
    /// A thread that the viewer may read; in a frame the audience has been checked.
    pub async fn find(context: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        let scope = scope(context);
        if scope.ended_at.is_some() {
            // What the thread is now lies after the viewer's time in the conversation.
            return Ok(None);
        }
        let found = match scope.is_checked() {
            true => scope.reader.load::<Thread>(id.to_string()).await,
            false => {
                let viewer = scope.viewer()?.account;
                scope.reader.fetch::<Thread>(viewer, id.to_string()).await
            }
        };
        let found = found.map_err(outage)?;
        found.iter().for_each(|it| scope.shows(it.seq));
        Ok(found.map(|thread| Self { thread, unread: None }))
    }

    async fn unread(&self, context: &Context<'_>) -> Result<ThreadUnread> {
        if let Some(unread) = self.unread {
            return Ok(unread);
        }
        let (reader, viewer) = (&scope(context).reader, scope(context).viewer()?.account);
        let Thread { id, conversation_id, .. } = *self.thread;
        ThreadUnread::load(reader, viewer, conversation_id, id).await.map_err(outage)
    }

    fn window<'a>(&self, context: &'a Context<'a>) -> Window<'a> {
        let Thread { id, conversation_id, last_number, .. } = *self.thread;
        Window { context, conversation: conversation_id, line: Line::Thread(id), last_number }
    }
}

/// Messages that answer one message of a conversation, apart from its others.
#[Object(name = "Thread")]
impl ThreadObject {
    /// The id of the message that it begins at.
    async fn id(&self) -> ID {
        self.thread.id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.thread.conversation_id.into()
    }

    /// The message that it begins at; once deleted only its place remains.
    async fn root(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        MessageObject::find(context, self.thread.id).await
    }

    /// Messages in it that are not gone for everyone.
    async fn reply_count(&self) -> i32 {
        i32::try_from(self.thread.reply_count).unwrap_or(i32::MAX)
    }

    /// The highest number of what was ever in it.
    async fn last_number(&self) -> Long {
        Long(self.thread.last_number)
    }

    /// When something was sent or moved there last.
    async fn active_at(&self) -> Timestamp {
        self.thread.active_at
    }

    /// The newest message in it that is not gone for the viewer.
    async fn last_message(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        last_live_message(&self.window(context)).await
    }

    /// What the viewer has begun to write in it; empty when it is nothing, null for applications.
    async fn viewer_draft(&self, context: &Context<'_>) -> Result<Option<DraftObject>> {
        let Thread { id, conversation_id, .. } = *self.thread;
        DraftObject::find(context, DraftLine::Thread(conversation_id, id)).await
    }

    /// Number up to which the viewer has read it.
    async fn viewer_read_number(&self, context: &Context<'_>) -> Result<Long> {
        Ok(Long(self.unread(context).await?.read_number))
    }

    /// Messages in it after the read number that are neither the viewer's own nor gone; of what was
    /// moved there, those that lie after what the viewer has read of the conversation as well.
    async fn unread_count(&self, context: &Context<'_>) -> Result<i32> {
        Ok(i32::try_from(self.unread(context).await?.count).unwrap_or(i32::MAX))
    }

    /// Unread messages in it that mention the viewer; counted up to 1,000.
    #[graphql(complexity = 50)]
    async fn mention_count(&self, context: &Context<'_>) -> Result<i32> {
        let (reader, viewer) = (&scope(context).reader, scope(context).viewer()?.account);
        let count = self.unread(context).await?.mentions(reader, viewer).await.map_err(outage)?;
        Ok(i32::try_from(count).unwrap_or(i32::MAX))
    }

    /// Messages in it by number. `around` centres the page on a number, `aroundDate` on the first
    /// from then on, `firstUnread` on the first that the viewer has not read.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn messages(
        &self,
        context: &Context<'_>,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
        around: Option<Long>,
        around_date: Option<Timestamp>,
        #[graphql(default)] first_unread: bool,
    ) -> Result<Connection<String, MessageObject>> {
        let page = Page::new(first, last, after, before)?;
        let read_number = match first_unread {
            true => Some(self.unread(context).await?.read_number),
            false => None,
        };
        let centre = Messages { around, around_date, read_number };
        messages(&self.window(context), page, centre).await
    }
}

/// The thread that a message is in, or that begins at it.
pub(crate) async fn thread_of(
    context: &Context<'_>,
    message: &Message,
) -> Result<Option<ThreadObject>> {
    let id = message.thread.map_or(message.id, |it| it.thread_id);
    ThreadObject::find(context, id).await
}

/// A page of a conversation's threads that hold something, the one that was active last first.
pub(crate) async fn threads(
    context: &Context<'_>,
    conversation: ConversationId,
    page: Page,
) -> Result<Connection<String, ThreadObject>> {
    let scope = scope(context);
    let prefix = Thread::prefix(conversation);
    let (index, prefix, order) = ("by_activity", prefix.as_str(), Order::Descending);
    let shelf = Shelf { index, prefix, cursor: 64, order };
    let show = |thread: Arc<Thread>| {
        scope.shows(thread.seq);
        ThreadObject { thread, unread: None }
    };
    let mut connection = pages::behind(context, shelf, page, show).await?;
    count(context, conversation, &mut connection).await?;
    Ok(connection)
}

/// Counts together what is unread of the threads of a page, where that is asked for.
async fn count(
    context: &Context<'_>,
    conversation: ConversationId,
    connection: &mut Connection<String, ThreadObject>,
) -> Result<()> {
    let asked = context.look_ahead();
    let nodes = [asked.field("edges").field("node"), asked.field("nodes")];
    let counts = ["unreadCount", "mentionCount", "viewerReadNumber"];
    if !nodes.iter().any(|node| counts.iter().any(|it| node.field(it).exists())) {
        return Ok(());
    }
    let (reader, viewer) = (&scope(context).reader, scope(context).viewer()?.account);
    let ids: Vec<_> = connection.edges.iter().map(|it| it.node.thread.id).collect();
    let unread = ThreadUnread::load_many(reader, viewer, conversation, &ids).await;
    for (edge, unread) in connection.edges.iter_mut().zip(unread.map_err(outage)?) {
        edge.node.unread = Some(unread);
    }
    Ok(())
}

/// How far the viewer has read a thread.
pub struct ThreadReadStateObject {
    conversation_id: ConversationId,
    unread: ThreadUnread,
}

impl ThreadReadStateObject {
    /// The viewer's read state of a thread, if there is one.
    pub async fn find(context: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let thread = scope.reader.load::<Thread>(id.to_string()).await.map_err(outage)?;
        let Some(thread) = thread else { return Ok(None) };
        let conversation_id = thread.conversation_id;
        let unread = ThreadUnread::load(&scope.reader, viewer, conversation_id, id).await;
        Ok(Some(Self { conversation_id, unread: unread.map_err(outage)? }))
    }
}

/// How far the viewer has read a thread.
#[Object(name = "ThreadReadState")]
impl ThreadReadStateObject {
    /// The message that it begins at.
    async fn thread_id(&self) -> ID {
        self.unread.thread_id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.conversation_id.into()
    }

    /// Number of the last message read there.
    async fn number(&self) -> Long {
        Long(self.unread.read_number)
    }

    async fn unread_count(&self) -> i32 {
        i32::try_from(self.unread.count).unwrap_or(i32::MAX)
    }
}
