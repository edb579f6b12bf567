//! Who may ask, vote and close, and what a poll must be.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Ballot, EXPLANATION_CHARS_MAX, OPEN_MS_MAX, OPTION_CHARS_MAX, OPTIONS_MAX, OPTIONS_MIN, Poll,
    PollClosed, PollOpened, QUESTION_CHARS_MAX, VoteCast,
};
use crate::Event;
use crate::contacts::Talk;
use crate::conversations::ConversationId;
use crate::kernel::time::Long;
use crate::kernel::{Command, Context, Slot, StreamId, Timestamp};
use crate::members::Member;
use crate::messages::{Addressed, Body, Content, Message, MessageId, Said, Sending, Unsent};

crate::rejections! {
    /// Why polls say no.
    PollRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        QuestionInvalid: Invalid, "POLLS_QUESTION_INVALID",
            "question is not 1 to 255 characters on one line", "Shorten it or ask something.";
        OptionsInvalid: Invalid, "POLLS_OPTIONS_INVALID",
            "not 2 to 12 options of 1 to 100 characters on one line", "Change the options.";
        QuizInvalid: Invalid, "POLLS_QUIZ_INVALID",
            "a quiz has one of its options for correct and takes one answer for good",
            "Name one of the options, or ask no quiz.";
        ExplanationInvalid: Invalid, "POLLS_EXPLANATION_INVALID",
            "explanation is not 1 to 200 characters of a quiz", "Shorten it or leave it out.";
        ClosesAtInvalid: Invalid, "POLLS_CLOSES_AT_INVALID",
            "the time to close is not within 366 days from now", "Choose another time.";
        BallotInvalid: Invalid, "POLLS_BALLOT_INVALID",
            "the ballot is none that this poll takes", "Choose from its options.";
        Closed: Conflict, "POLLS_CLOSED",
            "the poll is closed", "There is nothing to decide any more.";
        NoRevote: Conflict, "POLLS_NO_REVOTE",
            "the poll takes one ballot of each for good", "Leave it as it is.";
        Forbidden: Forbidden, "POLLS_FORBIDDEN",
            "only the author, admins and the owner close a poll", "Ask one of them.";
        Anonymous: Forbidden, "POLLS_ANONYMOUS",
            "nobody is told who has chosen what", "Ask for the counts.";
        Hidden: Forbidden, "POLLS_HIDDEN",
            "results are told once the poll is closed", "Wait for it.";
        Gone: Conflict, "POLLS_MESSAGE_GONE",
            "the message has been deleted", "There is nothing to vote on any more.";
        Refused: Forbidden, "POLLS_REFUSED",
            "the other person wants nothing of you", "Respect that.";
        Blocked: Conflict, "POLLS_BLOCKED",
            "you have blocked the other person", "Unblock them first.";
    }
}

/// The words of a poll.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Question {
    pub text: String,
    pub options: Vec<String>,
    /// What is shown to who has answered a quiz.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explanation: Option<String>,
}

/// A line of text without what surrounds it, if it is one and short enough.
fn line(text: &str, chars_max: usize) -> Option<String> {
    let text = text.trim();
    let readable = !text.chars().any(char::is_control);
    let fits = readable && (1..=chars_max).contains(&text.chars().count());
    fits.then(|| text.to_owned())
}

/// How a poll is asked.
#[derive(Debug, Clone, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct PollRules {
    /// Whether several options may be chosen.
    #[serde(default)]
    pub multiple: bool,
    /// Whether members see who has chosen what.
    #[serde(default)]
    pub public: bool,
    /// Whether results are told only once it is closed.
    #[serde(default)]
    pub hidden_until_closed: bool,
    /// Whether a ballot may be changed and taken back.
    #[serde(default)]
    pub revotable: bool,
    /// The option that is correct, counted from 0; it makes the poll a quiz.
    #[serde(default)]
    pub correct_option: Option<i32>,
    /// When it closes by itself, within 366 days.
    #[serde(default)]
    pub closes_at: Option<Timestamp>,
}

/// Sends a poll.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SendPoll {
    pub conversation_id: ConversationId,
    /// At most 255 characters.
    pub question: String,
    /// 2 to 12 of at most 100 characters.
    pub options: Vec<String>,
    #[serde(default)]
    pub rules: PollRules,
    /// What is shown to who has answered a quiz, at most 200 characters.
    #[serde(default)]
    pub explanation: Option<String>,
    #[serde(default)]
    pub reply_to: Option<MessageId>,
    /// The message that begins the thread it goes to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thread_id: Option<MessageId>,
    /// When it was sent, for history from elsewhere; not in the future.
    #[serde(default)]
    pub sent_at: Option<Timestamp>,
}

impl SendPoll {
    fn addressed(&self) -> Addressed {
        let Self { conversation_id, reply_to, thread_id, sent_at, .. } = *self;
        Addressed { reply_to, thread_id, sent_at, ..Addressed::to(conversation_id) }
    }

    /// The id of the message that this command sends.
    pub fn message_id(&self, context: &Context<'_>) -> MessageId {
        self.addressed().message_id(context)
    }

    fn question(&self) -> Result<Question, PollRejection> {
        let text = line(&self.question, QUESTION_CHARS_MAX);
        let text = text.ok_or(PollRejection::QuestionInvalid)?;
        let few = (OPTIONS_MIN..=OPTIONS_MAX).contains(&self.options.len());
        let all = few.then_some(&self.options).ok_or(PollRejection::OptionsInvalid)?;
        let options: Option<Vec<_>> = all.iter().map(|it| line(it, OPTION_CHARS_MAX)).collect();
        let options = options.ok_or(PollRejection::OptionsInvalid)?;
        let explains = |it: &String| line(it, EXPLANATION_CHARS_MAX);
        let explanation = match self.explanation.as_ref().map(explains) {
            Some(Some(it)) if self.rules.correct_option.is_some() => Some(it),
            None => None,
            Some(_) => return Err(PollRejection::ExplanationInvalid),
        };
        Ok(Question { text, options, explanation })
    }

    /// What the poll says, if all of it can be asked.
    fn said(&self, now: Timestamp) -> Result<Said, PollRejection> {
        let question = self.question()?;
        let PollRules { multiple, revotable, correct_option, closes_at, .. } = self.rules;
        if let Some(correct) = correct_option {
            let named = usize::try_from(correct).is_ok_and(|it| it < question.options.len());
            if !named || multiple || revotable {
                return Err(PollRejection::QuizInvalid);
            }
        }
        let ahead = |it: Timestamp| (1..=OPEN_MS_MAX).contains(&it.0.saturating_sub(now.0));
        if !closes_at.is_none_or(ahead) {
            return Err(PollRejection::ClosesAtInvalid);
        }
        let text = question.text.clone();
        Ok((Body::holding(Content::Poll(question), text), Vec::new()))
    }
}

impl Command for SendPoll {
    const NAME: &'static str = "SendPoll";
    const SEALS: bool = true;
    type State = Sending;
    type Rejection = Unsent<PollRejection>;

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
        let said = || self.said(context.now).map_err(Unsent::Content);
        let sent = sending.sent(context, said)?;
        let opened = PollOpened {
            message_id: sent.message_id,
            conversation_id: sent.conversation_id,
            number: sent.number,
            author_id: sent.author_id,
            options: i32::try_from(self.options.len()).expect("there are at most 12"),
            multiple: self.rules.multiple,
            public: self.rules.public,
            hidden_until_closed: self.rules.hidden_until_closed,
            revotable: self.rules.revotable,
            correct_option: self.rules.correct_option,
            closes_at: self.rules.closes_at,
        };
        let mut events = sending.read(context);
        events.extend([sent.into(), opened.into()]);
        Ok(events)
    }
}

/// The membership of whoever asks, the message, and its poll.
type Place = (Slot<Member>, Slot<Message>, Slot<Poll>);

fn place(conversation: ConversationId, message: MessageId, context: &Context<'_>) -> Place {
    let stream = StreamId::Conversation(conversation);
    let member = Member::id(conversation, context.actor);
    let id = message.to_string();
    (Slot::new(member, stream), Slot::new(id.clone(), stream), Slot::new(id, stream))
}

/// The poll of a message of this conversation, if a member asks.
fn found<'a>(
    (member, message, poll): &'a Place,
    conversation: ConversationId,
    context: &Context<'_>,
) -> Result<(&'a Member, &'a Poll), PollRejection> {
    let member = member.get().filter(|it| it.active).ok_or(PollRejection::NotFound)?;
    let message = message.get().filter(|it| it.conversation_id == conversation);
    let gone = message.ok_or(PollRejection::NotFound)?.is_gone(context.now);
    match poll.get() {
        _ if gone => Err(PollRejection::Gone),
        Some(poll) => Ok((member, poll)),
        None => Err(PollRejection::NotFound),
    }
}

/// Chooses from a poll's options, instead of what was chosen before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct VotePoll {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    /// Counted from 0; none takes the ballot back.
    pub options: Vec<i32>,
}

impl VotePoll {
    /// What is chosen, in order, if the poll takes it.
    fn ballot(&self, poll: &Poll) -> Result<Vec<i32>, PollRejection> {
        let known = |it: &i32| usize::try_from(*it).is_ok_and(|it| it < poll.counts.len());
        let chosen: BTreeSet<i32> = self.options.iter().copied().take(OPTIONS_MAX + 1).collect();
        let few = self.options.len() <= OPTIONS_MAX && (poll.multiple || chosen.len() <= 1);
        match few && chosen.iter().all(known) {
            true => Ok(chosen.into_iter().collect()),
            false => Err(PollRejection::BallotInvalid),
        }
    }
}

impl Command for VotePoll {
    const NAME: &'static str = "VotePoll";
    const SEALS: bool = false;
    type State = (Talk, Place, Slot<Ballot>);
    type Rejection = PollRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PollRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let (conversation, message) = (self.conversation_id, self.message_id);
        let ballot = Ballot::id(message, context.actor);
        (
            Talk::new(conversation, context.actor),
            place(conversation, message, context),
            Slot::new(ballot, StreamId::Conversation(conversation)),
        )
    }

    fn decide(
        self,
        (talk, place, ballot): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PollRejection> {
        let (_, poll) = found(place, self.conversation_id, context)?;
        match talk.blocked_by() {
            Some(it) if it == context.actor => return Err(PollRejection::Blocked),
            Some(_) => return Err(PollRejection::Refused),
            None => (),
        }
        if poll.closed_since(context.now).is_some() {
            return Err(PollRejection::Closed);
        }
        let options = self.ballot(poll)?;
        let before = ballot.get().map_or_else(Vec::new, |it| it.options.clone());
        if options == before {
            return Ok(Vec::new());
        }
        if !before.is_empty() && !poll.revotable {
            return Err(PollRejection::NoRevote);
        }
        let cast = VoteCast {
            message_id: poll.message_id,
            conversation_id: poll.conversation_id,
            number: Long(poll.number),
            account_id: context.actor,
            options,
            before,
            public: poll.public,
        };
        Ok(vec![cast.into()])
    }
}

/// Closes a poll; one that somebody has closed is closed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ClosePoll {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
}

impl Command for ClosePoll {
    const NAME: &'static str = "ClosePoll";
    const SEALS: bool = false;
    type State = Place;
    type Rejection = PollRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PollRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Place {
        place(self.conversation_id, self.message_id, context)
    }

    fn decide(self, place: &Place, context: &Context<'_>) -> Result<Vec<Event>, PollRejection> {
        let (member, poll) = found(place, self.conversation_id, context)?;
        if poll.author_id != context.actor && !member.role.manages() {
            return Err(PollRejection::Forbidden);
        }
        if poll.closed_at.is_some() {
            return Ok(Vec::new());
        }
        let closed = PollClosed {
            message_id: poll.message_id,
            conversation_id: poll.conversation_id,
            number: Long(poll.number),
        };
        Ok(vec![closed.into()])
    }
}
