//! Where a command comes from, for those events that must tell: security and administration.

use apache_avro::AvroSchema;
use serde::{Deserialize, Serialize};

use ports::keys::{Secret, crypto};

use super::Keyring;
use super::graphql::Viewer;
use crate::accounts::AccountId;
use crate::sessions::SessionId;

/// The session and the address that a command came through.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, AvroSchema)]
#[avro(namespace = "chat")]
pub struct Origin {
    /// Absent when none was open, or when the server itself asked.
    pub session_id: Option<SessionId>,
    /// Keyed digest of the address, 16 hexadecimal digits: alike for alike addresses, and no
    /// address to those who have not the instance's key.
    pub address: Option<String>,
}

impl Origin {
    /// The origin of a request, its address under the instance's key.
    pub fn new(session_id: Option<SessionId>, address: &str, key: &Secret) -> Self {
        let digest = crypto::mac(key, &[address.as_bytes()]);
        let first: [u8; 8] = digest[..8].try_into().expect("a digest has 32 bytes");
        let address =
            (!address.is_empty()).then(|| super::document::padded(u64::from_be_bytes(first)));
        Self { session_id, address }
    }
}

/// Who gives a command, and where from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Caller {
    pub account: AccountId,
    pub origin: Origin,
}

impl Caller {
    /// Whoever asks by way of a session.
    pub fn of(viewer: &Viewer, address: &str, keyring: &Keyring) -> Self {
        let session = Some(SessionId(viewer.session));
        let origin = Origin::new(session, address, &keyring.secret("addresses"));
        Self { account: viewer.account, origin }
    }
}

impl From<AccountId> for Caller {
    /// Somebody for whom the server itself asks.
    fn from(account: AccountId) -> Self {
        Self { account, origin: Origin::default() }
    }
}
