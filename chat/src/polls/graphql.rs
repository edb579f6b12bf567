//! Asking, voting, closing, and who has chosen what where that is public.

use async_graphql::connection::Connection;
use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{ClosePoll, Poll, PollObject, PollRejection, PollRules, SendPoll, VotePoll, Voter};
use crate::accounts::AccountObject;
use crate::conversations::{ConversationId, page_complexity};
use crate::kernel::Timestamp;
use crate::kernel::graphql::{Outcome, Page, id, outage, rejected, scope, uuid};
use crate::kernel::pages::{self, Shelf};
use crate::messages::{Message, MessageId, MessagePayload, changed, message_id, visible};

/// Somebody who has chosen an option.
struct VoterObject(std::sync::Arc<Voter>);

/// Somebody who has chosen an option.
#[Object(name = "PollVoter")]
impl VoterObject {
    async fn account(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, self.0.account_id).await
    }

    async fn voted_at(&self) -> Timestamp {
        self.0.voted_at
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct PollQuery;

#[Object]
impl PollQuery {
    /// Those who have chosen an option of a public poll, by time; null when the viewer can't read
    /// it, refused while its results are hidden.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of the field")]
    #[graphql(complexity = "page_complexity(first, last, child_complexity)")]
    async fn poll_voters(
        &self,
        context: &Context<'_>,
        message_id: ID,
        option: i32,
        first: Option<i32>,
        last: Option<i32>,
        after: Option<String>,
        before: Option<String>,
    ) -> Result<Option<Connection<String, VoterObject>>> {
        let scope = scope(context);
        let (message, viewer) = (id::<MessageId>(&message_id)?, scope.viewer()?.account);
        let message = scope.reader.fetch::<Message>(viewer, message.to_string()).await;
        let Some(message) = message.map_err(outage)?.filter(|it| scope.within(it).body.is_some())
        else {
            return Ok(None);
        };
        let poll = scope.reader.load::<Poll>(message.id.to_string()).await.map_err(outage)?;
        let Some(poll) = poll else { return Ok(None) };
        let page = Page::new(first, last, after, before)?;
        if !poll.public {
            return Err(rejected(PollRejection::Anonymous));
        }
        if poll.hides(Timestamp(scope.clock.now_ms())) {
            return Err(rejected(PollRejection::Hidden));
        }
        let prefix = Voter::prefix(message.id, option);
        Ok(Some(
            pages::behind(context, Shelf::by_seq("by_option", &prefix), page, VoterObject).await?,
        ))
    }
}

#[derive(InputObject)]
struct SendPollInput {
    client_id: ID,
    conversation_id: ID,
    /// At most 255 characters.
    question: String,
    /// 2 to 12 of at most 100 characters.
    options: Vec<String>,
    /// Whether several options may be chosen.
    #[graphql(default)]
    multiple: bool,
    /// Whether members see who has chosen what.
    #[graphql(default)]
    public: bool,
    /// Whether results are told only once it is closed.
    #[graphql(default)]
    hidden_until_closed: bool,
    /// Whether a ballot may be changed and taken back.
    #[graphql(default)]
    revotable: bool,
    /// The option that is correct, counted from 0; it makes the poll a quiz.
    correct_option: Option<i32>,
    /// What is shown to who has answered a quiz, at most 200 characters.
    explanation: Option<String>,
    /// When it closes by itself, within 366 days.
    closes_at: Option<Timestamp>,
    reply_to: Option<ID>,
    /// The message that begins the thread it goes to.
    thread_id: Option<ID>,
    /// When it was sent, for history from elsewhere; not in the future.
    sent_at: Option<Timestamp>,
}

#[derive(InputObject)]
struct VotePollInput {
    client_id: ID,
    message_id: ID,
    /// Counted from 0; none takes the ballot back.
    options: Vec<i32>,
}

#[derive(InputObject)]
struct ClosePollInput {
    client_id: ID,
    message_id: ID,
}

#[derive(SimpleObject)]
struct PollPayload {
    poll: Option<PollObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct PollMutation;

#[Object]
impl PollMutation {
    /// Sends a poll; the same client id sends it once, for ever.
    async fn send_poll(
        &self,
        context: &Context<'_>,
        input: SendPollInput,
    ) -> Result<MessagePayload> {
        let conversation_id: ConversationId = id(&input.conversation_id)?;
        let command = SendPoll {
            conversation_id,
            question: input.question,
            options: input.options,
            rules: PollRules {
                multiple: input.multiple,
                public: input.public,
                hidden_until_closed: input.hidden_until_closed,
                revotable: input.revotable,
                correct_option: input.correct_option,
                closes_at: input.closes_at,
            },
            explanation: input.explanation,
            reply_to: input.reply_to.as_ref().map(id).transpose()?,
            thread_id: input.thread_id.as_ref().map(id).transpose()?,
            sent_at: input.sent_at,
        };
        let scope = scope(context);
        let outcome = scope.submit(&input.client_id, command).await?;
        let author = scope.viewer()?.account;
        let sent = message_id(conversation_id, author, uuid(&input.client_id)?);
        changed(context, outcome, sent).await
    }

    /// Chooses from a poll's options, instead of what was chosen before.
    async fn vote_poll(&self, context: &Context<'_>, input: VotePollInput) -> Result<PollPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let command = VotePoll { conversation_id, message_id, options: input.options };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, message_id).await
    }

    /// Closes a poll for good; for its author, admins and the owner.
    async fn close_poll(
        &self,
        context: &Context<'_>,
        input: ClosePollInput,
    ) -> Result<PollPayload> {
        let message = visible(context, &input.message_id).await?;
        let (conversation_id, message_id) = (message.conversation_id, message.id);
        let command = ClosePoll { conversation_id, message_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        payload(context, outcome, message_id).await
    }
}

async fn payload(
    context: &Context<'_>,
    outcome: Outcome,
    message: MessageId,
) -> Result<PollPayload> {
    let poll = match outcome.readable {
        true => PollObject::find(context, message).await?,
        false => None,
    };
    Ok(PollPayload { poll, position: outcome.position })
}
