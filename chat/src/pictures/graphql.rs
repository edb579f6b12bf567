//! Pictures as those see them who may, and how they are set.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use ports::Error;

use super::{
    Picture, RemoveConversationPicture, RemovePicture, SetConversationPicture, SetPicture, Subject,
};
use crate::accounts::{AccountId, AccountObject};
use crate::conversations::{ConversationId, ConversationObject};
use crate::files::{File, FileId, Link, Through};
use crate::kernel::graphql::{Outcome, Scope, failed, id, outage, scope, uuid};
use crate::kernel::{Command, Reader, Timestamp, id as ids};
use crate::media::{AskAvatars, JobKind, Media, MediaKind, MediaOutcome, avatars};
use crate::privacy::{Setting, admitted, sees};

impl Subject {
    /// Whether somebody sees a file as its picture now.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub(crate) async fn shows(
        self,
        reader: &Reader,
        (file, viewer): (FileId, AccountId),
    ) -> Result<bool, Error> {
        let picture = match self {
            Self::Account(owner) => {
                let admitted = admitted(reader, Setting::Photo, &[(owner, viewer)]).await?;
                let found = reader.load::<Picture>(self.to_string()).await?;
                found.filter(|_| admitted == [true])
            }
            Self::Conversation(_) => reader.fetch::<Picture>(viewer, self.to_string()).await?,
        };
        Ok(picture.is_some_and(|it| it.file_id == file))
    }
}

/// What an account or a group shows of itself: a square, in a few sizes.
#[derive(SimpleObject)]
#[graphql(name = "Picture")]
pub struct PictureObject {
    /// The smallest first: up to 96, 320 and 800 pixels, as far as there are so many, each as WebP
    /// and as JPEG.
    #[graphql(complexity = "1 + 6 * child_complexity")]
    sizes: Vec<PictureSizeObject>,
    /// Some 25 bytes in base64 that a client paints until it has more
    /// (<https://evanw.github.io/thumbhash>).
    thumbhash: Option<String>,
}

/// A picture in one size.
#[derive(SimpleObject)]
#[graphql(name = "PictureSize")]
struct PictureSizeObject {
    /// In pixels.
    width: Option<u32>,
    /// In pixels.
    height: Option<u32>,
    /// `image/webp` or `image/jpeg`.
    media_type: String,
    /// Path from which the viewer can load it for 3 to 6 hours, in this session and as long as they
    /// may see it; the same for 3 hours. Null in frames.
    url: Option<String>,
}

impl PictureObject {
    /// The picture of an account or of a conversation; nothing where the viewer may not see it, or
    /// there is nothing of it to be seen. Whoever asks has checked that they see the conversation.
    pub(crate) async fn of(context: &Context<'_>, subject: Subject) -> Result<Option<Self>> {
        let scope = scope(context);
        let found = scope.reader.load::<Picture>(subject.to_string()).await.map_err(outage)?;
        let Some(picture) = found else { return Ok(None) };
        match subject {
            Subject::Account(owner) if !sees(scope, Setting::Photo, owner).await? => {
                return Ok(None);
            }
            Subject::Account(_) => (),
            Subject::Conversation(_) => scope.shows(picture.seq),
        }
        let outcome = made(&scope.reader, &picture).await.map_err(outage)?;
        let Some(outcome) = outcome.filter(|it| !it.variants.is_empty()) else { return Ok(None) };
        let link = match scope.is_checked() {
            true => None,
            false => {
                let now = Timestamp(scope.clock.now_ms());
                let link = Link::to(picture.file_id, scope.viewer()?, now);
                Some(link.picture(Through::Picture(subject), now))
            }
        };
        let size = |name: &str| {
            let link = link.clone().map(|it| it.variant(name));
            link.map(|it| it.path(&scope.reader.keyring))
        };
        let sizes = outcome.variants.into_iter().map(|it| PictureSizeObject {
            url: size(&it.name),
            width: it.width,
            height: it.height,
            media_type: it.media_type,
        });
        Ok(Some(Self { sizes: sizes.collect(), thumbhash: outcome.thumbhash }))
    }
}

/// What was made of a picture, while its file is there.
async fn made(reader: &Reader, picture: &Picture) -> Result<Option<MediaOutcome>, Error> {
    let file = reader.load::<File>(picture.file_id.to_string()).await?;
    let file = file.filter(|it| it.is_uploaded() && it.account_id == picture.owner_id);
    let Some(file) = file else { return Ok(None) };
    match reader.load::<Media>(file.holder().to_string()).await? {
        Some(media) => avatars(&media, reader).await,
        None => Ok(None),
    }
}

/// Whether an image was found in a file of somebody's; nothing when nobody has looked yet.
async fn image(reader: &Reader, (file, viewer): (FileId, AccountId)) -> Result<Option<bool>> {
    let file = reader.fetch::<File>(viewer, file.to_string()).await.map_err(outage)?;
    let Some(file) = file else { return Ok(None) };
    let media = reader.load::<Media>(file.holder().to_string()).await.map_err(outage)?;
    let previews = media.as_ref().and_then(|it| it.job(JobKind::Previews));
    let Some(previews) = previews else { return Ok(None) };
    let Some(made) = &previews.made else { return Ok(previews.failure.map(|_| false)) };
    let outcome = reader.open(&made.outcome).await.map_err(outage)?;
    Ok(outcome.map(|it| it.kind == MediaKind::Image))
}

/// Asks for the squares of a file, and then gives the command that shows them: they are two
/// commands, of the file's stream and of the picture's.
async fn set<C: Command>(
    scope: &Scope,
    client_id: &ID,
    file_id: FileId,
    command: impl FnOnce(Option<bool>) -> C,
) -> Result<Outcome> {
    let (viewer, client_id) = (scope.viewer()?.account, uuid(client_id)?);
    scope.take(&format!("commands/{viewer}"), scope.limits.per_account).await?;
    let image = image(&scope.reader, (file_id, viewer)).await?;
    if image != Some(false) {
        let asking = ids::derive(client_id, &[b"avatars"]);
        let asked = scope.submit_for(viewer, asking, AskAvatars { file_id }).await;
        asked.map_err(failed)?;
    }
    let accepted = scope.submit_for(viewer, client_id, command(image)).await;
    scope.outcome(accepted.map_err(failed)?).await
}

#[derive(InputObject)]
struct SetPictureInput {
    client_id: ID,
    /// An image of at most 10 MiB that the viewer has uploaded.
    file_id: ID,
}

#[derive(InputObject)]
struct RemovePictureInput {
    client_id: ID,
}

#[derive(InputObject)]
struct SetConversationPictureInput {
    client_id: ID,
    conversation_id: ID,
    /// An image of at most 10 MiB that the viewer has uploaded.
    file_id: ID,
}

#[derive(InputObject)]
struct RemoveConversationPictureInput {
    client_id: ID,
    conversation_id: ID,
}

#[derive(SimpleObject)]
struct PicturePayload {
    account: Option<AccountObject>,
    position: String,
}

#[derive(SimpleObject)]
struct ConversationPicturePayload {
    conversation: Option<ConversationObject>,
    position: String,
}

async fn of_viewer(context: &Context<'_>, outcome: Outcome) -> Result<PicturePayload> {
    let account = match outcome.readable {
        true => AccountObject::find(context, scope(context).viewer()?.account).await?,
        false => None,
    };
    Ok(PicturePayload { account, position: outcome.position })
}

async fn of_conversation(
    context: &Context<'_>,
    outcome: Outcome,
    conversation: ConversationId,
) -> Result<ConversationPicturePayload> {
    let conversation = ConversationObject::readable(context, &outcome, conversation).await?;
    Ok(ConversationPicturePayload { conversation, position: outcome.position })
}

/// Changes of this room.
#[derive(Default)]
pub struct PictureMutation;

#[Object]
impl PictureMutation {
    /// Shows an image as the viewer's picture, in place of the one before. One that nobody has
    /// looked into yet is shown once it was.
    async fn set_picture(
        &self,
        context: &Context<'_>,
        input: SetPictureInput,
    ) -> Result<PicturePayload> {
        let file_id = id(&input.file_id)?;
        let command = |image| SetPicture { file_id, image };
        let outcome = set(scope(context), &input.client_id, file_id, command).await?;
        of_viewer(context, outcome).await
    }

    /// Takes the viewer's picture away.
    async fn remove_picture(
        &self,
        context: &Context<'_>,
        input: RemovePictureInput,
    ) -> Result<PicturePayload> {
        let outcome = scope(context).submit(&input.client_id, RemovePicture {}).await?;
        of_viewer(context, outcome).await
    }

    /// Shows an image as the picture of a group, in place of the one before. One that nobody has
    /// looked into yet is shown once it was.
    async fn set_conversation_picture(
        &self,
        context: &Context<'_>,
        input: SetConversationPictureInput,
    ) -> Result<ConversationPicturePayload> {
        let (conversation_id, file_id) = (id(&input.conversation_id)?, id(&input.file_id)?);
        let command = |image| SetConversationPicture { conversation_id, file_id, image };
        let outcome = set(scope(context), &input.client_id, file_id, command).await?;
        of_conversation(context, outcome, conversation_id).await
    }

    /// Takes the picture of a group away.
    async fn remove_conversation_picture(
        &self,
        context: &Context<'_>,
        input: RemoveConversationPictureInput,
    ) -> Result<ConversationPicturePayload> {
        let conversation_id = id(&input.conversation_id)?;
        let command = RemoveConversationPicture { conversation_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        of_conversation(context, outcome, conversation_id).await
    }
}
