//! The law of what is opened once.

use super::tests::{ANN, BOB, EVE, attach, lunch, photo, said, uploaded};
use super::*;
use crate::conversations::{ConversationId, OpenDirect, direct_id};
use crate::expiry::ExpireMessage;
use crate::forwards::{ForwardMessages, ForwardRejection, Source};
use crate::kernel::Timestamp;
use crate::kernel::testing::{Given, NOW, account};
use crate::messages::{Message, MessageId, MessageRejection};
use crate::timers::Timer;

/// A photo that Ann has sent to Bob, to be opened once.
fn confided() -> (Given, ConversationId, MessageId) {
    let (world, _) = lunch();
    let world = world.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let id = direct_id(account(ANN), account(BOB));
    let (world, file) = uploaded(world, ANN);
    let send = SendAttachments { view_once: true, ..photo(id, file) };
    let world = world.and(account(ANN), send.clone());
    let message = send.message_id(&world.last_context(account(ANN)));
    (world, id, message)
}

#[test]
fn what_is_opened_once_is_gone_a_minute_later() {
    let (world, conversation_id, message_id) = confided();
    let open = OpenAttachment { conversation_id, message_id };
    let world = world
        .when(account(ANN), open.clone())
        .then_rejected(AttachmentRejection::NotViewOnce)
        .when(account(EVE), open.clone())
        .then_rejected(AttachmentRejection::NotFound)
        .later(1_000)
        .when(account(BOB), open.clone())
        .then_allowed();
    let message = world.document::<Message>(message_id).unwrap();
    let until = Timestamp(NOW.0 + 1_000 + VIEW_MS);
    assert_eq!((message.opened, message.expires_at), (true, Some(until)));
    let expires = format!("message-expires/{}", message_id.0.simple());
    assert_eq!(world.document::<Timer>(expires).map(|it| it.due_at), Some(until));
    let world = world
        .when(account(BOB), open.clone())
        .then_rejected(AttachmentRejection::Opened)
        .later(VIEW_MS)
        .and(account(ANN), ExpireMessage { conversation_id, message_id });
    assert!(world.document::<Message>(message_id).unwrap().body.is_none());
    world.when(account(BOB), open).then_rejected(AttachmentRejection::Opened);
}

#[test]
fn one_photo_video_or_voice_to_one_other_person_is_opened_once() {
    let (world, group) = lunch();
    let world = world.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let world = world.and(account(ANN), OpenDirect { account_id: account(ANN) });
    let direct = direct_id(account(ANN), account(BOB));
    let own = direct_id(account(ANN), account(ANN));
    let (world, file) = uploaded(world, ANN);
    let (world, other) = uploaded(world, ANN);
    let once = |send: SendAttachments| SendAttachments { view_once: true, ..send };
    let both = vec![attach(file, AttachmentKind::Photo), attach(other, AttachmentKind::Photo)];
    let kind = |it| once(SendAttachments::new(direct, vec![attach(file, it)]));
    let after_read = SendAttachments { expires_after_read: Some(60), ..photo(direct, file) };
    let invalid = AttachmentRejection::ViewOnceInvalid;
    world
        .when(account(ANN), once(photo(group, file)))
        .then_rejected(MessageRejection::ViewOnceNotDirect)
        .when(account(ANN), once(photo(own, file)))
        .then_rejected(MessageRejection::ViewOnceNotDirect)
        .when(account(ANN), once(SendAttachments::new(direct, both)))
        .then_rejected(invalid)
        .when(account(ANN), kind(AttachmentKind::Document))
        .then_rejected(invalid)
        .when(account(ANN), once(after_read))
        .then_rejected(invalid)
        .when(account(ANN), kind(AttachmentKind::Voice))
        .then_allowed()
        .when(account(ANN), kind(AttachmentKind::Video))
        .then_allowed();
}

#[test]
fn what_is_opened_once_is_not_sent_on() {
    let (world, conversation_id, message_id) = confided();
    let body = Some(said(&world, message_id));
    let messages = vec![Source { conversation_id, message_id, body }];
    let forward = ForwardMessages { conversation_id, thread_id: None, messages, attributed: true };
    world.when(account(BOB), forward).then_rejected(ForwardRejection::ViewOnce);
}
