//! Files as their owners see them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::{
    File, FileDetails, FileId, FileState, Link, Storage, TerminateUpload, Through, UPLOADS_MAX,
};
use crate::accounts::AccountId;
use crate::kernel::Timestamp;
use crate::kernel::graphql::{id, outage, scope};
use crate::kernel::time::Long;
use crate::media::MediaObject;

/// A file, or an upload that is to become one.
pub struct FileObject {
    file: Arc<File>,
    /// Whether links lead to it.
    linked: bool,
    /// By what it is seen, if that can be looked at again.
    through: Option<Through>,
}

impl FileObject {
    /// A file that somebody has uploaded for what the viewer may see, while it is there.
    pub(crate) async fn held(
        context: &Context<'_>,
        (id, owner): (FileId, AccountId),
        linked: bool,
        through: Option<Through>,
    ) -> Result<Option<Self>> {
        let found = scope(context).reader.load::<File>(id.to_string()).await.map_err(outage)?;
        let there = found.filter(|it| it.is_uploaded() && it.account_id == owner);
        Ok(there.map(|file| Self { file, linked, through }))
    }

    /// Whether the viewer has uploaded it; in a frame it is told to nobody else.
    fn is_own(&self, context: &Context<'_>) -> bool {
        let scope = scope(context);
        scope.viewer().is_ok_and(|it| it.account == self.file.account_id)
    }

    /// A file of the viewer's own; in a frame that has been checked.
    pub async fn find(context: &Context<'_>, id: FileId) -> Result<Option<Self>> {
        let scope = scope(context);
        let found = match scope.is_checked() {
            true => scope.reader.load::<File>(id.to_string()).await,
            false => {
                let viewer = scope.viewer()?.account;
                scope.reader.fetch::<File>(viewer, id.to_string()).await
            }
        };
        let through = Some(Through::Owner);
        Ok(found.map_err(outage)?.map(|file| Self { file, linked: true, through }))
    }

    async fn details(&self, context: &Context<'_>) -> Result<Option<FileDetails>> {
        // What was withdrawn has its key, for its aliases.
        if self.file.withdrawn {
            return Ok(None);
        }
        scope(context).reader.open(&self.file.details).await.map_err(outage)
    }
}

/// A file: bytes that somebody has uploaded, or is uploading, at `/files`.
#[Object(name = "File")]
impl FileObject {
    async fn id(&self) -> ID {
        self.file.id.into()
    }

    async fn state(&self) -> FileState {
        self.file.state
    }

    /// Its name without folders; null once it is not there any more.
    async fn name(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.details(context).await?.map(|it| it.name))
    }

    /// As whoever uploaded it said; nobody has looked whether it is true.
    async fn media_type(&self, context: &Context<'_>) -> Result<Option<String>> {
        Ok(self.details(context).await?.map(|it| it.media_type))
    }

    async fn size_bytes(&self) -> Long {
        Long(self.file.size_bytes)
    }

    /// SHA-256 of the contents in hexadecimal digits, once they are there; null where they are
    /// opened once.
    async fn sha256(&self, context: &Context<'_>) -> Result<Option<String>> {
        match &self.file.digest {
            // What is opened once is told nobody before.
            _ if !self.linked => Ok(None),
            Some(digest) => scope(context).reader.open(digest).await.map_err(outage),
            None => Ok(None),
        }
    }

    async fn begun_at(&self) -> Timestamp {
        self.file.begun_at
    }

    /// When it is gone: an upload unless it is finished, a file unless something refers to it. Null
    /// once that is known, and for others than its owner.
    async fn until(&self, context: &Context<'_>) -> Option<Timestamp> {
        self.file.until.filter(|_| self.is_own(context))
    }

    /// When it is gone whatever refers to it, where the operator keeps files for a time only.
    async fn kept_until(&self) -> Option<Timestamp> {
        self.file.kept_until
    }

    /// Path from which the viewer can load it for 50 seconds, in this session; null unless it was
    /// uploaded, in frames, and where it is opened once.
    async fn url(&self, context: &Context<'_>) -> Result<Option<String>> {
        let scope = scope(context);
        if !self.linked || !self.file.is_uploaded() || scope.is_checked() {
            return Ok(None);
        }
        let link = Link::to(self.file.id, scope.viewer()?, Timestamp(scope.clock.now_ms()));
        Ok(Some(link.path(&scope.reader.keyring)))
    }

    /// What is in it, and what was made of that; null unless it was uploaded.
    async fn media(&self, context: &Context<'_>) -> Result<Option<MediaObject>> {
        let through = self.through.filter(|_| self.linked);
        MediaObject::of(context, &self.file, self.linked, through).await
    }

    /// `seq` of the event that made it what it is; null for others than its owner.
    async fn seq(&self, context: &Context<'_>) -> Option<Long> {
        self.is_own(context).then_some(Long(self.file.seq))
    }
}

/// What the viewer's files take.
#[derive(SimpleObject)]
#[graphql(name = "Storage")]
pub struct StorageObject {
    /// Uploads take what they are to become; the same contents again take nothing once all of them
    /// have come.
    used_bytes: Long,
    /// What they may take together.
    limit_bytes: Long,
    /// Files that were uploaded.
    files: Long,
    /// Uploads that are not finished.
    uploads: Long,
    /// Uploads that may be unfinished at once.
    uploads_max: Long,
}

/// Reads of this room.
#[derive(Default)]
pub struct FileQuery;

#[Object]
impl FileQuery {
    /// A file that the viewer has uploaded, or is uploading.
    async fn file(&self, context: &Context<'_>, id: ID) -> Result<Option<FileObject>> {
        FileObject::find(context, self::id(&id)?).await
    }

    /// What the viewer's files take, and may take.
    async fn viewer_storage(&self, context: &Context<'_>) -> Result<StorageObject> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let storage = scope.reader.load::<Storage>(viewer.to_string()).await.map_err(outage)?;
        let storage = storage.map(|it| (*it).clone()).unwrap_or_default();
        Ok(StorageObject {
            used_bytes: Long(storage.bytes),
            limit_bytes: Long(scope.limits.storage_bytes),
            files: Long(storage.files),
            uploads: Long(storage.uploads),
            uploads_max: Long(UPLOADS_MAX),
        })
    }
}

#[derive(InputObject)]
struct TerminateUploadInput {
    client_id: ID,
    file_id: ID,
}

#[derive(SimpleObject)]
struct FilePayload {
    /// What is left of it.
    file: Option<FileObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct FileMutation;

#[Object]
impl FileMutation {
    /// Gives up an upload of the viewer's, or discards the file that it has become.
    async fn terminate_upload(
        &self,
        context: &Context<'_>,
        input: TerminateUploadInput,
    ) -> Result<FilePayload> {
        let file_id = id(&input.file_id)?;
        let command = TerminateUpload { file_id };
        let outcome = scope(context).submit(&input.client_id, command).await?;
        let file = match outcome.readable {
            true => FileObject::find(context, file_id).await?,
            false => None,
        };
        Ok(FilePayload { file, position: outcome.position })
    }
}
