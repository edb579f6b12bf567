//! What scopes there are, and what each reaches; whatever is not named here, no application does.

use serde::{Deserialize, Serialize};

use super::Access;

/// A set of what somebody has allowed.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Scopes(u8);

impl Access {
    /// All of them, in the order in which they are written.
    pub const ALL: [Self; 6] = [
        Self::OpenId,
        Self::Profile,
        Self::Email,
        Self::OfflineAccess,
        Self::ChatRead,
        Self::ChatWrite,
    ];

    /// Its name in OAuth.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::OfflineAccess => "offline_access",
            Self::ChatRead => "chat:read",
            Self::ChatWrite => "chat:write",
        }
    }
}

impl Scopes {
    /// Reads a list of names; nothing when one is unknown.
    pub fn parse(text: &str) -> Option<Self> {
        let named = |name: &str| Access::ALL.into_iter().find(|it| it.name() == name);
        text.split(' ').filter(|it| !it.is_empty()).map(named).collect()
    }

    /// Whether one is in it.
    pub fn contains(self, access: Access) -> bool {
        self.0 & 1 << access as u8 != 0
    }

    /// Whether none is in it that another has not.
    pub fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// Each that is in it.
    pub fn list(self) -> Vec<Access> {
        Access::ALL.into_iter().filter(|it| self.contains(*it)).collect()
    }

    /// As OAuth writes it.
    pub fn text(self) -> String {
        self.list().iter().map(|it| it.name()).collect::<Vec<_>>().join(" ")
    }
}

impl FromIterator<Access> for Scopes {
    fn from_iter<I: IntoIterator<Item = Access>>(all: I) -> Self {
        Self(all.into_iter().fold(0, |set, it| set | 1 << it as u8))
    }
}

/// What a query, mutation or subscription of a name asks of an application, or the command that a
/// mutation gives; nothing when none may give it.
pub fn needed(name: &str) -> Option<Access> {
    let (first, rest) = name.split_at_checked(1)?;
    match format!("{}{rest}", first.to_lowercase()).as_str() {
        "viewer" | "account" | "conversation" | "conversations" | "viewerMembership"
        | "message" | "stickerPack" | "reactors" | "pollVoters" | "readers" | "readState"
        | "presence" | "file" | "position" | "updates" | "__typename" => Some(Access::ChatRead),
        "createGroup"
        | "openDirect"
        | "renameGroup"
        | "addMembers"
        | "removeMember"
        | "changeRole"
        | "leaveConversation"
        | "joinGroup"
        | "sendMessage"
        | "editMessage"
        | "deleteMessage"
        | "hideMessage"
        | "addReaction"
        | "removeReaction"
        | "limitReactions"
        | "setEditPolicy"
        | "pinMessage"
        | "unpinMessage"
        | "unpinAll"
        | "markRead"
        | "markDelivered"
        | "sendPoll"
        | "votePoll"
        | "closePoll"
        | "sendLocation"
        | "shareLiveLocation"
        | "moveLiveLocation"
        | "stopLiveLocation"
        | "sendContact"
        | "setTyping"
        | "setPresence"
        | "moveToThread"
        | "markThreadRead"
        | "upload"
        | "terminateUpload"
        | "sendAttachments"
        | "openAttachment"
        | "replaceAttachment"
        | "sendSticker"
        | "setConversationPicture"
        | "removeConversationPicture" => Some(Access::ChatWrite),
        _ => None,
    }
}
