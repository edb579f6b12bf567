//! Who may read a document: decided here and nowhere else, denied unless allowed.

use ports::Error;

use crate::accounts::AccountId;
use crate::conversations::ConversationId;
use crate::kernel::Reader;
use crate::members::Member;

/// Those who may read a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Nobody; it serves decisions only.
    Nobody,
    /// Everyone who is signed in.
    SignedIn,
    /// One person.
    Account(AccountId),
    /// The members of a conversation.
    Members(ConversationId),
    /// Those who manage a conversation.
    Managers(ConversationId),
}

impl Audience {
    /// Whether a person belongs to it now.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn admits(self, viewer: AccountId, reader: &Reader) -> Result<bool, Error> {
        match self {
            Self::Nobody => Ok(false),
            Self::SignedIn => Ok(true),
            Self::Account(account) => Ok(account == viewer),
            Self::Members(conversation) => {
                let member = reader.load::<Member>(Member::id(conversation, viewer)).await?;
                Ok(member.is_some_and(|it| it.active))
            }
            Self::Managers(conversation) => {
                let member = reader.load::<Member>(Member::id(conversation, viewer)).await?;
                Ok(member.is_some_and(|it| it.active && it.role.manages()))
            }
        }
    }
}
