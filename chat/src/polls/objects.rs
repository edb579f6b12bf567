//! A poll as clients see it: its words from the message, its counts as far as they may be told.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::{Ballot, Poll, Question};
use crate::kernel::graphql::{outage, scope};
use crate::kernel::{Document, Timestamp};
use crate::messages::{Content, Message, MessageId, MessageObject};

/// A poll that the viewer may read.
pub struct PollObject {
    poll: Arc<Poll>,
    question: Question,
    /// It has changed after the viewer's time in the conversation.
    withheld: bool,
}

/// What may be chosen.
#[derive(SimpleObject)]
struct PollOption {
    /// Counted from 0.
    index: i32,
    text: String,
    /// How many have chosen it; null while results are hidden.
    count: Option<i32>,
}

fn int(count: u64) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

impl PollObject {
    /// The poll of a message that the viewer may read; in a frame that has been checked.
    pub async fn find(context: &Context<'_>, id: MessageId) -> Result<Option<Self>> {
        let scope = scope(context);
        let poll = scope.reader.load::<Poll>(id.to_string()).await.map_err(outage)?;
        let Some(poll) = poll else { return Ok(None) };
        let admitted = scope.is_checked() || {
            let viewer = scope.viewer()?.account;
            poll.audience().admits(viewer, &scope.reader).await.map_err(outage)?
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
        let Some(Content::Poll(question)) = body.and_then(|it| it.content) else {
            return Ok(None);
        };
        let found = Self::with(context, poll, question);
        Ok(Some(found).filter(|it| !it.withheld))
    }

    /// The poll that a message holds, with its words.
    pub(crate) async fn of(
        context: &Context<'_>,
        message: &Message,
        question: Question,
    ) -> Result<Option<Self>> {
        let poll = scope(context).reader.load::<Poll>(message.id.to_string()).await;
        Ok(poll.map_err(outage)?.map(|it| Self::with(context, it, question)))
    }

    fn with(context: &Context<'_>, poll: Arc<Poll>, question: Question) -> Self {
        let scope = scope(context);
        scope.shows(poll.seq);
        let withheld = scope.ended_at.is_some_and(|it| poll.seq > it);
        Self { poll, question, withheld }
    }

    fn closed_since(&self, context: &Context<'_>) -> Option<Timestamp> {
        let now = Timestamp(scope(context).clock.now_ms());
        match self.withheld {
            // That somebody closed it may have been later; its time has passed for everyone.
            true => self.poll.closes_at.filter(|it| *it <= now),
            false => self.poll.closed_since(now),
        }
    }

    /// Whether counts may be told.
    fn tells(&self, context: &Context<'_>) -> bool {
        let hidden = self.poll.hidden_until_closed && self.closed_since(context).is_none();
        !hidden && !self.withheld
    }

    async fn ballot(&self, context: &Context<'_>) -> Result<Option<Arc<Ballot>>> {
        let id = Ballot::id(self.poll.message_id, scope(context).viewer()?.account);
        scope(context).reader.load::<Ballot>(id).await.map_err(outage)
    }

    /// Whether what is correct may be told: once it is closed, or to who has answered for good.
    async fn solves(&self, context: &Context<'_>) -> Result<bool> {
        let quiz = self.poll.correct_option.is_some();
        let closed = self.closed_since(context).is_some();
        Ok(quiz && (closed || self.ballot(context).await?.is_some()))
    }
}

/// A question that members answer by choosing.
#[Object(name = "Poll")]
impl PollObject {
    async fn message_id(&self) -> ID {
        self.poll.message_id.into()
    }

    async fn conversation_id(&self) -> ID {
        self.poll.conversation_id.into()
    }

    async fn question(&self) -> &str {
        &self.question.text
    }

    /// 2 to 12.
    async fn options(&self, context: &Context<'_>) -> Vec<PollOption> {
        let tells = self.tells(context);
        let counts = self.poll.counts.iter().map(|it| tells.then(|| int(*it)));
        let all = (0..).zip(&self.question.options).zip(counts);
        all.map(|((index, text), count)| PollOption { index, text: text.clone(), count }).collect()
    }

    /// How many have chosen anything; null while results are hidden.
    async fn voter_count(&self, context: &Context<'_>) -> Option<i32> {
        self.tells(context).then(|| int(self.poll.voters))
    }

    /// Whether several options may be chosen.
    async fn multiple(&self) -> bool {
        self.poll.multiple
    }

    /// Whether members see who has chosen what.
    async fn public(&self) -> bool {
        self.poll.public
    }

    /// Whether one of the options is correct.
    async fn quiz(&self) -> bool {
        self.poll.correct_option.is_some()
    }

    /// Whether results are told only once it is closed.
    async fn hidden_until_closed(&self) -> bool {
        self.poll.hidden_until_closed
    }

    /// Whether a ballot may be changed and taken back.
    async fn revotable(&self) -> bool {
        self.poll.revotable
    }

    /// When it closes by itself.
    async fn closes_at(&self) -> Option<Timestamp> {
        self.poll.closes_at
    }

    /// Whether nobody votes any more.
    async fn closed(&self, context: &Context<'_>) -> bool {
        self.closed_since(context).is_some()
    }

    /// Since when nobody votes any more.
    async fn closed_at(&self, context: &Context<'_>) -> Option<Timestamp> {
        self.closed_since(context)
    }

    /// What the viewer has chosen. In a subscription it makes each frame cost as much as it has
    /// viewers, and so do the answers to a quiz that is open.
    async fn viewer_choices(&self, context: &Context<'_>) -> Result<Vec<i32>> {
        Ok(self.ballot(context).await?.map(|it| it.options.clone()).unwrap_or_default())
    }

    /// The correct option of a quiz, once the viewer has answered or it is closed.
    async fn correct_option(&self, context: &Context<'_>) -> Result<Option<i32>> {
        let told = self.solves(context).await?;
        Ok(self.poll.correct_option.filter(|_| told))
    }

    /// What explains a quiz, once the viewer has answered or it is closed.
    async fn explanation(&self, context: &Context<'_>) -> Result<Option<&str>> {
        let told = self.question.explanation.is_some() && self.solves(context).await?;
        Ok(self.question.explanation.as_deref().filter(|_| told))
    }

    async fn message(&self, context: &Context<'_>) -> Result<Option<MessageObject>> {
        MessageObject::find(context, self.poll.message_id).await
    }
}
