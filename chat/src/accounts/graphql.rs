//! Accounts as clients see them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::register::{Registration, register};
use super::view::Profile;
use super::{Account, AccountId, UpdateProfile, username};
use crate::kernel::command::name_id;
use crate::kernel::graphql::{outage, rejected, scope, uuid};
use crate::kernel::{Timestamp, graphql};
use crate::sessions::{SignedIn, device, sign_in_at};

/// A person's account.
pub struct AccountObject(Arc<Account>);

impl AccountObject {
    /// The account, if it is one that people may see.
    pub async fn find(context: &Context<'_>, id: AccountId) -> Result<Option<Self>> {
        let reader = &scope(context).reader;
        let account = reader.load::<Account>(id.to_string()).await.map_err(outage)?;
        Ok(account.filter(|it| it.profile.is_some()).map(Self))
    }

    fn profile(&self) -> &Profile {
        self.0.profile.as_ref().expect("only accounts with a profile are shown")
    }
}

/// A person.
#[Object(name = "Account")]
impl AccountObject {
    async fn id(&self) -> ID {
        self.0.id.into()
    }

    /// Unique name; null once erased.
    async fn username(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.profile().username).await.map_err(outage)
    }

    /// Name to be shown; null once erased.
    async fn display_name(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.profile().display_name).await.map_err(outage)
    }

    /// What the person says of themselves.
    async fn bio(&self, context: &Context<'_>) -> Result<Option<String>> {
        match &self.profile().bio {
            Some(bio) => scope(context).reader.open(bio).await.map_err(outage),
            None => Ok(None),
        }
    }

    async fn registered_at(&self) -> Timestamp {
        self.profile().registered_at
    }
}

/// Reads of this room.
#[derive(Default)]
pub struct AccountQuery;

#[Object]
impl AccountQuery {
    /// The account that is signed in.
    async fn viewer(&self, context: &Context<'_>) -> Result<Option<AccountObject>> {
        AccountObject::find(context, scope(context).viewer()?.account).await
    }

    /// An account by its id, or by its exact username.
    async fn account(
        &self,
        context: &Context<'_>,
        id: Option<ID>,
        username: Option<String>,
    ) -> Result<Option<AccountObject>> {
        let scope = scope(context);
        scope.viewer()?;
        let account_id = match (id, username) {
            (Some(id), None) => graphql::id(&id)?,
            (None, Some(name)) => match named(context, &name).await? {
                Some(account_id) => account_id,
                None => return Ok(None),
            },
            _ => return Err(rejected(graphql::invalid("give an id or a username"))),
        };
        AccountObject::find(context, account_id).await
    }
}

async fn named(context: &Context<'_>, name: &str) -> Result<Option<AccountId>> {
    let reader = &scope(context).reader;
    let Ok(name) = username(name) else { return Ok(None) };
    let name_id = name_id(&reader.keyring.secret("names"), &name);
    let name = reader.load::<super::Name>(name_id.to_string()).await.map_err(outage)?;
    Ok(name.map(|it| it.account_id))
}

#[derive(InputObject)]
struct RegisterInput {
    client_id: ID,
    username: String,
    display_name: String,
    password: String,
    /// Names this device in the list of sessions.
    #[graphql(default = "")]
    device: String,
}

#[derive(SimpleObject)]
struct RegisterPayload {
    account: Option<AccountObject>,
    access_token: String,
    refresh_token: String,
    position: String,
}

#[derive(InputObject)]
struct UpdateProfileInput {
    client_id: ID,
    display_name: Option<String>,
    bio: Option<String>,
}

#[derive(SimpleObject)]
struct UpdateProfilePayload {
    account: Option<AccountObject>,
    position: String,
}

/// Changes of this room.
#[derive(Default)]
pub struct AccountMutation;

#[Object]
impl AccountMutation {
    /// Creates an account and signs it in. Repeated with the same client id and password, it
    /// signs in to the account that was created.
    async fn register(
        &self,
        context: &Context<'_>,
        input: RegisterInput,
    ) -> Result<RegisterPayload> {
        let scope = scope(context);
        scope.take(&format!("register/{}", scope.address()), scope.limits.register).await?;
        let client_id = uuid(&input.client_id)?;
        // What opening the session would refuse must not leave an account behind.
        device(&input.device).map_err(rejected)?;
        let registration = Registration {
            client_id,
            username: input.username,
            display_name: input.display_name,
            password: input.password,
        };
        let account_id = register(scope, registration).await?;
        let SignedIn { access_token, refresh_token, outcome } =
            sign_in_at(scope, account_id, &input.device).await?;
        Ok(RegisterPayload {
            account: AccountObject::find(context, account_id).await?,
            access_token,
            refresh_token,
            position: outcome.position,
        })
    }

    /// Changes what others see of the viewer.
    async fn update_profile(
        &self,
        context: &Context<'_>,
        input: UpdateProfileInput,
    ) -> Result<UpdateProfilePayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?;
        let command = UpdateProfile { display_name: input.display_name, bio: input.bio };
        let outcome = scope.submit(&input.client_id, command).await?;
        let account = match outcome.readable {
            true => AccountObject::find(context, viewer.account).await?,
            false => None,
        };
        Ok(UpdateProfilePayload { account, position: outcome.position })
    }
}
