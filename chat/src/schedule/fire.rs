//! What is done when a scheduled message's time has come: it is closed in its author's stream, sent
//! to its conversation's, and what became of that is noted.

use ports::Error;

use super::{
    BeginScheduled, ConfirmSending, FinishScheduled, Scheduled, ScheduledId, ScheduledState,
    SendScheduled, SendScheduledFiles,
};
use crate::attachments::{Attach, Attachments, SendAttachments};
use crate::kernel::graphql::NOT_FOUND;
use crate::kernel::{AnyCommand, Reader, id};
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
    let attachments = match &it.attachments {
        Some(sealed) => reader.open(sealed).await?,
        None => None,
    };
    let command = command(&it, text, attachments);
    let set = timer.clone();
    let then =
        move |answer: Answer| Some(finish(&set, answer.map(|_| message_id).map_err(str::to_owned)));
    let account_id = it.account_id;
    let send = Action { account_id, client_id, command, then: Some(Box::new(then)) };
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

/// What sends it as it was scheduled.
fn command(it: &Scheduled, text: String, holds: Option<Attachments>) -> Box<dyn AnyCommand> {
    let (to, reply_to, thread_id) = (it.conversation_id, it.reply_to, it.thread_id);
    let (silent, expires_in) = (it.silent, it.expires_in);
    let Some(holds) = holds else {
        let message = SendMessage::new(to, text);
        let message = SendMessage { reply_to, thread_id, silent, expires_in, ..message };
        return Box::new(SendScheduled { message });
    };
    let all = holds.all.iter().map(|it| Attach { file_id: it.file_id, kind: it.kind }).collect();
    let message = SendAttachments::new(to, all);
    let message = SendAttachments { text, reply_to, thread_id, silent, expires_in, ..message };
    Box::new(SendScheduledFiles { message })
}

fn finish(timer: &Timer, sent: Result<MessageId, String>) -> Action {
    Action {
        account_id: timer.account_id,
        client_id: id::derive(timer.client_id(), &[b"finish"]),
        command: Box::new(FinishScheduled { scheduled_id: ScheduledId(timer.id), sent }),
        then: None,
    }
}
