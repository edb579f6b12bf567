//! What clients are shown of the instance.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};

use super::admit::code;
use super::{Invitation, RegistrationMode, ServerRole, Settings};
use crate::accounts::AccountObject;
use crate::kernel::Timestamp;
use crate::kernel::graphql::scope;

/// What holds for everybody.
pub(super) struct SettingsObject(pub(super) Settings);

#[Object(name = "Settings")]
impl SettingsObject {
    async fn registration(&self) -> RegistrationMode {
        self.0.registration
    }

    /// Whether those with a server role need a second factor.
    async fn staff_second_factor(&self) -> bool {
        self.0.staff_second_factor
    }

    /// Whether everybody needs a second factor.
    async fn second_factor(&self) -> bool {
        self.0.second_factor
    }
}

/// Somebody with a server role.
#[derive(SimpleObject)]
pub(super) struct Staff {
    pub(super) account: Option<AccountObject>,
    pub(super) role: ServerRole,
}

pub(super) struct InvitationObject(pub(super) Arc<Invitation>);

/// An invitation to register, for those who may invite people.
#[Object(name = "Invitation")]
impl InvitationObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// What is given to `register`.
    async fn code(&self, context: &Context<'_>) -> String {
        code(self.0.id, &scope(context).reader.keyring.secret("invitations"))
    }

    async fn made_by(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        match self.0.made_by {
            Some(account) => AccountObject::find(context, account).await,
            None => Ok(None),
        }
    }

    async fn made_at(&self) -> Timestamp {
        self.0.made_at
    }

    async fn expires_at(&self) -> Timestamp {
        self.0.expires_at
    }

    /// Accounts that it lets in.
    async fn uses(&self) -> u64 {
        self.0.uses
    }

    /// Accounts that it has let in.
    async fn used(&self) -> u64 {
        self.0.used
    }

    async fn revoked(&self) -> bool {
        self.0.revoked
    }
}
