//! Messages into a folder, for an instance that sends none: whoever operates it reads them there.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use tempfile::NamedTempFile;

use super::mail::{FROM, mail};
use super::{Handed, Message, Outbound, TEXT_BYTES_MAX, is_phone};
use crate::Error;

const PORT: &str = "outbox";

/// How messages are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Mail,
    Text,
}

pub(super) struct Folder {
    folder: PathBuf,
    form: Form,
}

impl Folder {
    /// A folder that is made with the first message.
    pub(super) fn new(data_dir: &Path, form: Form) -> Self {
        Self { folder: data_dir.join("outbox"), form }
    }

    /// Name and bytes of a message's file; nothing when it is to no address.
    fn file(&self, message: &Message) -> Option<(PathBuf, Vec<u8>)> {
        let (ending, bytes) = match self.form {
            Form::Mail => {
                let from = FROM.parse().expect("a constant is an address");
                ("eml", mail(message, &from)?.formatted())
            }
            Form::Text => {
                let text = format!("To: {}\n\n{}", message.to, message.text);
                ("sms", is_phone(&message.to).then(|| text.into_bytes())?)
            }
        };
        Some((self.folder.join(format!("{}.{ending}", message.id)), bytes))
    }
}

/// Writes a file whole, beside and then in its place.
fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let folder = file.parent().expect("a file is in a folder");
    fs::create_dir_all(folder)?;
    let mut new = NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    fs::File::open(folder)?.sync_all()
}

#[async_trait]
impl Outbound for Folder {
    async fn send(&self, message: &Message) -> Result<Handed, Error> {
        if message.text.len() > TEXT_BYTES_MAX {
            return Ok(Handed::Refused);
        }
        let Some((file, bytes)) = self.file(message) else { return Ok(Handed::Refused) };
        let written = tokio::task::spawn_blocking(move || write(&file, &bytes)).await;
        let written = written.map_err(|it| Error::unknown(PORT, it))?;
        written.map(|()| Handed::Taken).map_err(|it| Error::unknown(PORT, it))
    }
}
