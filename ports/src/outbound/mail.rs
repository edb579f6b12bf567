//! A message in the form of mail (RFC 5322), whoever carries it.

use lettre::Message as Mail;
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MessageBuilder};

use super::Message;

/// Who mail is from unless the address of the server says.
pub(super) const FROM: &str = "Parlance <parlance@localhost>";

/// The mail of a message; nothing when it is to no address.
pub(super) fn mail(message: &Message, from: &Mailbox) -> Option<Mail> {
    let to: Mailbox = message.to.parse().ok()?;
    let id = format!("<{}@{}>", message.id, from.email.domain());
    let builder: MessageBuilder = Mail::builder().message_id(Some(id)).from(from.clone()).to(to);
    let builder = builder.subject(message.subject.clone()).header(ContentType::TEXT_PLAIN);
    builder.body(message.text.clone()).ok()
}
