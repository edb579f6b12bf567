//! What people show of themselves and of their groups.

use super::uploads::uploaded;
use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::files::FileId;
use crate::kernel::testing::{Given, Then};
use crate::media::AskAvatars;
use crate::pictures::{
    NotePictureReady, NotePictureReleased, Picture, PictureEvent, PictureId, PictureRemoved,
    RemoveConversationPicture, RemovePicture, SetConversationPicture, SetPicture, Subject,
};

/// Somebody uploads a file and asks for its squares.
fn uploads(world: Given, actor: AccountId, which: u8) -> (Given, FileId) {
    let (world, file_id) = uploaded(world, actor, which);
    (world.when(actor, AskAvatars { file_id }).world, file_id)
}

/// The last picture that was removed.
fn removed(world: &Given) -> Option<PictureRemoved> {
    world.history().iter().rev().find_map(|it| match PictureEvent::of(&it.event) {
        Some(PictureEvent::PictureRemoved(it)) => Some(it.clone()),
        Some(_) | None => None,
    })
}

/// The picture of a subject is told of again.
fn told(world: Given, subject: Subject) -> Then {
    let found = world.document::<Picture>(subject);
    let (id, owner, conversation) = match (found, subject) {
        (Some(it), _) => (it.id, it.owner_id, it.conversation_id),
        (None, Subject::Account(it)) => (PictureId(it.0), it, None),
        (None, Subject::Conversation(it)) => (PictureId(it.0), AccountId(it.0), Some(it)),
    };
    world.when(owner, NotePictureReady { picture_id: id, conversation_id: conversation })
}

/// Sets a picture of one's own or of a group, and does something with it.
pub(super) fn picture(
    world: Given,
    actor: AccountId,
    conversation_id: ConversationId,
    which: u8,
) -> Then {
    let (world, file_id) = uploads(world, actor, which);
    let image = (which > 6).then_some(false);
    let own = SetPicture { file_id, image: None };
    let of_group = SetConversationPicture { conversation_id, file_id, image };
    match which % 8 {
        0 => world.when(actor, own),
        1 => world.when(actor, of_group),
        2 => told(world.when(actor, own).world, Subject::Account(actor)),
        3 => {
            let subject = Subject::Conversation(conversation_id);
            told(world.when(actor, of_group).world, subject)
        }
        4 => world.when(actor, own).world.when(actor, RemovePicture {}),
        5 => {
            let world = world.when(actor, of_group).world;
            world.when(actor, RemoveConversationPicture { conversation_id })
        }
        _ => {
            let then = world.when(actor, own);
            let Some(it) = removed(&then.world) else { return then };
            let (picture_id, conversation_id) = (it.picture_id, it.conversation_id);
            let released = NotePictureReleased { picture_id, conversation_id, file_id: it.file_id };
            then.world.when(it.account_id, released)
        }
    }
}
