//! Who sets which file as whose picture.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Picture, PictureId, PictureSet, Subject};
use crate::Event;
use crate::attachments::may_be_sent;
use crate::conversations::{Conversation, ConversationId, Kind};
use crate::files::{File, FileId};
use crate::kernel::{Command, Context, Slot, StreamId, id};
use crate::media::AVATAR_BYTES_MAX;
use crate::members::Member;

crate::rejections! {
    /// Why pictures say no.
    PictureRejection {
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
        FileNotFound: NotFound, "PICTURES_FILE_NOT_FOUND",
            "that is no file that you have uploaded and that is there", "Upload it.";
        NotAPicture: Invalid, "PICTURES_NOT_A_PICTURE",
            "there is no image in the file that can be shown", "Upload an image.";
        TooLarge: Invalid, "PICTURES_TOO_LARGE",
            "the file of a picture has at most 10 MiB", "Make it smaller.";
        NotAGroup: Conflict, "PICTURES_NOT_A_GROUP",
            "the conversation is not a group", "Others show the picture of a person.";
        Forbidden: Forbidden, "PICTURES_FORBIDDEN",
            "only owners and admins may do this", "Ask an owner or admin.";
    }
}

/// A file of whoever asks, and the picture that there is.
type Shown = (Slot<File>, Slot<Picture>);

fn shown(file: FileId, subject: Subject, context: &Context<'_>) -> Shown {
    (Slot::new(file.to_string(), StreamId::Account(context.actor)), subject.slot())
}

/// What makes a file the picture of a subject; nothing when it is.
fn set(
    (file, picture): &Shown,
    (conversation_id, image): (Option<ConversationId>, Option<bool>),
    context: &Context<'_>,
) -> Result<Vec<Event>, PictureRejection> {
    let file = file.get().filter(|it| may_be_sent(it, context));
    let file = file.ok_or(PictureRejection::FileNotFound)?;
    if file.size_bytes > AVATAR_BYTES_MAX {
        return Err(PictureRejection::TooLarge);
    }
    if image == Some(false) {
        return Err(PictureRejection::NotAPicture);
    }
    let before = picture.get();
    if before.is_some_and(|it| it.file_id == file.id) {
        return Ok(Vec::new());
    }
    let set = PictureSet {
        picture_id: picture_id(conversation_id, context),
        account_id: context.actor,
        conversation_id,
        file_id: file.id,
    };
    let removed = before.map(|it| it.removed(Some(true)).into());
    Ok(removed.into_iter().chain([set.into()]).collect())
}

/// The id of the picture that a command sets. Others may use the same client id, and so may whoever
/// asks in another stream.
pub(super) fn picture_id(conversation: Option<ConversationId>, context: &Context<'_>) -> PictureId {
    let actor = context.actor.0;
    let subject = conversation.map_or(actor, |it| it.0);
    let parts: [&[u8]; 3] = [b"picture", actor.as_bytes(), subject.as_bytes()];
    PictureId(id::derive(context.client_id, &parts))
}

/// What takes a picture away; nothing when there is none.
fn removed(picture: &Slot<Picture>) -> Vec<Event> {
    picture.get().map(|it| it.removed(None).into()).into_iter().collect()
}

/// Makes a file the picture of whoever asks. Only the server gives it, since it has looked what is
/// in the file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetPicture {
    pub file_id: FileId,
    /// Whether an image was found in it; absent when nobody has looked yet.
    #[serde(default)]
    pub image: Option<bool>,
}

impl Command for SetPicture {
    const NAME: &'static str = "SetPicture";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = Shown;
    type Rejection = PictureRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, PictureRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Shown {
        shown(self.file_id, Subject::Account(context.actor), context)
    }

    fn decide(self, state: &Shown, context: &Context<'_>) -> Result<Vec<Event>, PictureRejection> {
        set(state, (None, self.image), context)
    }

    /// What was found in the file is not what was asked.
    fn body(&self) -> Vec<u8> {
        self.file_id.to_string().into_bytes()
    }
}

/// Takes away the picture of whoever asks; one that is not there is not there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemovePicture {}

impl Command for RemovePicture {
    const NAME: &'static str = "RemovePicture";
    const SEALS: bool = false;
    type State = Slot<Picture>;
    type Rejection = PictureRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, PictureRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Picture> {
        Subject::Account(context.actor).slot()
    }

    fn decide(
        self,
        picture: &Slot<Picture>,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, PictureRejection> {
        Ok(removed(picture))
    }
}

/// A group, and the membership of whoever asks.
type Managed = (Slot<Conversation>, Slot<Member>);

fn managed(conversation: ConversationId, context: &Context<'_>) -> Managed {
    let stream = StreamId::Conversation(conversation);
    let member = Member::id(conversation, context.actor);
    (Slot::new(conversation.to_string(), stream), Slot::new(member, stream))
}

/// Refuses whoever may not give the conversation another title.
fn check((conversation, member): &Managed) -> Result<(), PictureRejection> {
    let member = member.get().filter(|it| it.active).ok_or(PictureRejection::NotFound)?;
    let conversation = conversation.get().ok_or(PictureRejection::NotFound)?;
    if conversation.kind != Kind::Group {
        return Err(PictureRejection::NotAGroup);
    }
    member.role.manages().then_some(()).ok_or(PictureRejection::Forbidden)
}

/// Makes a file of whoever asks the picture of a group. Only the server gives it, since it has
/// looked what is in the file.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SetConversationPicture {
    pub conversation_id: ConversationId,
    pub file_id: FileId,
    /// Whether an image was found in it; absent when nobody has looked yet.
    #[serde(default)]
    pub image: Option<bool>,
}

impl Command for SetConversationPicture {
    const NAME: &'static str = "SetConversationPicture";
    const SEALS: bool = false;
    const PUBLIC: bool = false;
    type State = (Managed, Shown);
    type Rejection = PictureRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PictureRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let subject = Subject::Conversation(self.conversation_id);
        (managed(self.conversation_id, context), shown(self.file_id, subject, context))
    }

    fn decide(
        self,
        (managed, shown): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, PictureRejection> {
        check(managed)?;
        set(shown, (Some(self.conversation_id), self.image), context)
    }

    /// What was found in the file is not what was asked.
    fn body(&self) -> Vec<u8> {
        format!("{}\0{}", self.conversation_id, self.file_id).into_bytes()
    }
}

/// Takes away the picture of a group; one that is not there is not there.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct RemoveConversationPicture {
    pub conversation_id: ConversationId,
}

impl Command for RemoveConversationPicture {
    const NAME: &'static str = "RemoveConversationPicture";
    const SEALS: bool = false;
    type State = (Managed, Slot<Picture>);
    type Rejection = PictureRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, PictureRejection> {
        Ok(StreamId::Conversation(self.conversation_id))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        let subject = Subject::Conversation(self.conversation_id);
        (managed(self.conversation_id, context), subject.slot())
    }

    fn decide(
        self,
        (managed, picture): &Self::State,
        _: &Context<'_>,
    ) -> Result<Vec<Event>, PictureRejection> {
        check(managed)?;
        Ok(removed(picture))
    }
}
