//! What is done when a scheduled message's time has come: it is closed in its author's stream, sent
//! to its conversation's, and what became of that is noted.

use ports::Error;

use super::{
    BeginScheduled, ConfirmSending, FinishScheduled, Scheduled, ScheduledId, ScheduledState,
    SendScheduled,
};
use crate::kernel::graphql::NOT_FOUND;
use crate::kernel::{Reader, id};
use crate::messages::{MessageId, SendMessage, message_id};
use crate::timers::{Action, Answer, Timer};

/// Closes the message, unless it was moved or taken back.
pub(crate) fn begin(timer: &Timer) -> Action {
    let command = BeginScheduled { scheduled_id: ScheduledId(timer.id), due_at: timer.due_at };
    Action {
        account_id: timer.account_id,
        client_id: timer.client_id(),
        command: Box::new(command),
        then: None,
    }
}

/// Sends a message that is closed; nothing while the documents do not tell that it is.
pub(crate) async fn send(reader: &Reader, timer: &Timer) -> Result<Option<Action>, Error> {
    let found = reader.load::<Scheduled>(ScheduledId(timer.id).to_string()).await?;
    let Some(it) = found.filter(|it| it.state == ScheduledState::Sending) else { return Ok(None) };
    let text = match &it.text {
        Some(text) => reader.open(text).await?,
        None => None,
    };
    let Some(text) = text else {
        return Ok(Some(finish(timer, Err(NOT_FOUND.code.to_owned()))));
    };
    let client_id = timer.client_id();
    let message_id = message_id(it.conversation_id, it.account_id, client_id);
    let message = SendMessage {
        reply_to: it.reply_to,
        thread_id: it.thread_id,
        silent: it.silent,
        expires_in: it.expires_in,
        ..SendMessage::new(it.conversation_id, text)
    };
    let command = SendScheduled { message };
    let set = timer.clone();
    let then =
        move |answer: Answer| Some(finish(&set, answer.map(|_| message_id).map_err(str::to_owned)));
    let account_id = it.account_id;
    let send =
        Action { account_id, client_id, command: Box::new(command), then: Some(Box::new(then)) };
    // Documents that are folded again show what was long ago: whoever owns the author's stream
    // knows whether it is so.
    let confirm = ConfirmSending { scheduled_id: it.id, due_at: it.due_at };
    Ok(Some(Action {
        account_id,
        client_id: id::derive(client_id, &[b"confirm"]),
        command: Box::new(confirm),
        then: Some(Box::new(|answer: Answer| answer.is_ok().then_some(send))),
    }))
}

fn finish(timer: &Timer, sent: Result<MessageId, String>) -> Action {
    Action {
        account_id: timer.account_id,
        client_id: id::derive(timer.client_id(), &[b"finish"]),
        command: Box::new(FinishScheduled { scheduled_id: ScheduledId(timer.id), sent }),
        then: None,
    }
}
