//! Accounts as clients see them.

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};

use super::register::{Proof, Registration, register};
use super::rename::rename;
use super::view::Profile;
use super::{
    Account, AccountId, AccountRejection, ChangePassword, UpdateProfile, password, username,
};
use crate::addresses::{addresses, held};
use crate::contacts::ContactObject;
use crate::kernel::command::name_id;
use crate::kernel::graphql::{Scope, outage, rejected, scope, uuid};
use crate::kernel::{Timestamp, graphql};
use crate::outbox::Channel;
use crate::pictures::{PictureObject, Subject};
use crate::privacy::{Setting, has_blocked, sees};
use crate::recovery::notice;
use crate::sessions::{Client, Proven, SignedIn, sign_in_at};

/// Addresses that one account may look for in a minute.
const FINDS_MAX: u32 = 20;

/// A person's account.
pub struct AccountObject(Arc<Account>);

impl AccountObject {
    /// The account, if it is one that people may see.
    pub async fn find(context: &Context<'_>, id: AccountId) -> Result<Option<Self>> {
        let reader = &scope(context).reader;
        let account = reader.load::<Account>(id.to_string()).await.map_err(outage)?;
        Ok(account.filter(|it| it.profile.is_some()).map(Self))
    }

    /// What a program shows that keeps something for an account; never empty.
    ///
    /// # Errors
    /// When documents or keys can't be reached.
    pub async fn label(context: &Context<'_>, id: AccountId) -> Result<String> {
        let name = match Self::find(context, id).await? {
            Some(it) => it.username(context).await?,
            None => None,
        };
        Ok(name.unwrap_or_else(|| "account".to_owned()))
    }

    async fn address(
        &self,
        scope: &Scope,
        setting: Setting,
        channel: Channel,
    ) -> Result<Option<String>> {
        if !sees(scope, setting, self.0.id).await? {
            return Ok(None);
        }
        let addresses = addresses(scope, self.0.id).await?;
        match addresses.confirmed.iter().find(|it| it.channel == channel) {
            Some(first) => scope.reader.open(&first.address).await.map_err(outage),
            None => Ok(None),
        }
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
    pub async fn username(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.profile().username).await.map_err(outage)
    }

    /// Name to be shown; null once erased.
    async fn display_name(&self, context: &Context<'_>) -> Result<Option<String>> {
        scope(context).reader.open(&self.profile().display_name).await.map_err(outage)
    }

    /// What the person says of themselves, to those who may see it.
    async fn bio(&self, context: &Context<'_>) -> Result<Option<String>> {
        let scope = scope(context);
        match &self.profile().bio {
            Some(bio) if sees(scope, Setting::Bio, self.0.id).await? => {
                scope.reader.open(bio).await.map_err(outage)
            }
            Some(_) | None => Ok(None),
        }
    }

    /// What the person shows of themselves, to those who may see it; null where there is nothing to
    /// be seen, and until their image was looked into.
    async fn picture(&self, context: &Context<'_>) -> Result<Option<PictureObject>> {
        PictureObject::of(context, Subject::Account(self.0.id)).await
    }

    /// The person's first mail address, to those who may see it.
    async fn email(&self, context: &Context<'_>) -> Result<Option<String>> {
        self.address(scope(context), Setting::Email, Channel::Mail).await
    }

    /// The person's first phone number, to those who may see it.
    async fn phone(&self, context: &Context<'_>) -> Result<Option<String>> {
        self.address(scope(context), Setting::Phone, Channel::Sms).await
    }

    /// What the viewer says of the person; null when they have said nothing.
    async fn contact(&self, context: &Context<'_>) -> Result<Option<ContactObject>> {
        let viewer = scope(context).viewer()?.account;
        ContactObject::find(context, (viewer, self.0.id)).await
    }

    /// Whether its owner has left for now.
    async fn deactivated(&self) -> bool {
        self.0.deactivated
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
        AccountObject::find(context, scope(context).viewer_at_door()?.account).await
    }

    /// An account by its id, its exact username, or an address that it has proved and lets the
    /// viewer find it by; null as well when it has blocked the viewer.
    async fn account(
        &self,
        context: &Context<'_>,
        id: Option<ID>,
        username: Option<String>,
        email: Option<String>,
        phone: Option<String>,
    ) -> Result<Option<AccountObject>> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        let found = match (id, username, email, phone) {
            (Some(id), None, None, None) => Some(graphql::id(&id)?),
            (None, Some(name), None, None) => named(context, &name).await?,
            (None, None, Some(text), None) => {
                reached(scope, &text, Setting::FindByEmail, Channel::Mail).await?
            }
            (None, None, None, Some(text)) => {
                reached(scope, &text, Setting::FindByPhone, Channel::Sms).await?
            }
            _ => return Err(rejected(graphql::invalid("give an id, a name or an address"))),
        };
        let Some(account_id) = found else { return Ok(None) };
        if has_blocked(&scope.reader, account_id, viewer).await.map_err(outage)? {
            return Ok(None);
        }
        let found = AccountObject::find(context, account_id).await?;
        Ok(found.filter(|it| it.0.is_shown()))
    }
}

/// Whom an address is proved to be of, if the viewer may find them by it.
async fn reached(
    scope: &Scope,
    text: &str,
    setting: Setting,
    channel: Channel,
) -> Result<Option<AccountId>> {
    let viewer = scope.viewer()?.account;
    scope.take(&format!("find/{viewer}"), FINDS_MAX).await?;
    let Some(found) = held(scope, channel, text).await? else { return Ok(None) };
    Ok(sees(scope, setting, found).await?.then_some(found))
}

async fn named(context: &Context<'_>, name: &str) -> Result<Option<AccountId>> {
    let reader = &scope(context).reader;
    let Ok(name) = username(name) else { return Ok(None) };
    let name_id = name_id(&reader.keyring.secret("names"), &name);
    let name = reader.load::<super::Name>(name_id.to_string()).await.map_err(outage)?;
    let Some(holder) = name.map(|it| it.account_id) else { return Ok(None) };
    // Whoever only wants the name, or had it, does not have it.
    let account = reader.load::<Account>(holder.to_string()).await.map_err(outage)?;
    let profile = account.as_ref().and_then(|it| it.profile.as_ref());
    Ok(profile.filter(|it| it.name_id == name_id).map(|_| holder))
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
    /// Names the program in the list of sessions.
    app: Option<String>,
    /// Names what the program runs on in the list of sessions.
    platform: Option<String>,
    /// Code of an invitation, where registering needs one.
    invitation: Option<String>,
    /// Token of the setup link: the account becomes the first owner.
    setup: Option<String>,
}

/// An account that was created, and the tokens of its first session.
#[derive(SimpleObject)]
pub struct RegisterPayload {
    account: Option<AccountObject>,
    access_token: String,
    refresh_token: String,
    position: String,
}

impl RegisterPayload {
    /// Of an account that has signed in.
    ///
    /// # Errors
    /// When the documents can't be reached.
    pub async fn of(context: &Context<'_>, id: AccountId, signed_in: SignedIn) -> Result<Self> {
        let SignedIn { access_token, refresh_token, outcome } = signed_in;
        let account = AccountObject::find(context, id).await?;
        Ok(Self { account, access_token, refresh_token, position: outcome.position })
    }
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

#[derive(InputObject)]
struct ChangeUsernameInput {
    client_id: ID,
    username: String,
}

#[derive(InputObject)]
struct ChangePasswordInput {
    client_id: ID,
    current_password: String,
    new_password: String,
    /// Whether the viewer's other sessions end.
    #[graphql(default = true)]
    sign_out_others: bool,
}

#[derive(SimpleObject)]
struct ChangePasswordPayload {
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
        let client = Client::new(input.device, input.app, input.platform).map_err(rejected)?;
        let registration = Registration {
            client_id,
            username: input.username,
            display_name: input.display_name,
            proof: Proof::Password(input.password),
            invitation: input.invitation,
            setup: input.setup,
        };
        let (account_id, credential) = register(scope, registration).await?;
        let (account, credential) = (account_id, Some(credential));
        let proven = Proven { account, credential, identity: None, by_mail: false, factor: None };
        RegisterPayload::of(context, account_id, sign_in_at(scope, proven, client).await?).await
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

    /// Gives the viewer another username, twice in 14 days at most. Nobody else gets the one before
    /// for 30 days.
    async fn change_username(
        &self,
        context: &Context<'_>,
        input: ChangeUsernameInput,
    ) -> Result<UpdateProfilePayload> {
        let scope = scope(context);
        let viewer = scope.viewer()?.account;
        scope.take(&format!("commands/{viewer}"), scope.limits.per_account).await?;
        let outcome = rename(scope, uuid(&input.client_id)?, &input.username).await?;
        let account = match outcome.readable {
            true => AccountObject::find(context, viewer).await?,
            false => None,
        };
        Ok(UpdateProfilePayload { account, position: outcome.position })
    }

    /// Changes the viewer's password, which takes the current one. What was proved by the current
    /// one proves nothing any more.
    async fn change_password(
        &self,
        context: &Context<'_>,
        input: ChangePasswordInput,
    ) -> Result<ChangePasswordPayload> {
        let scope = scope(context);
        let account = scope.viewer()?.account;
        scope.take_proof(account).await?;
        let reader = &scope.reader;
        let current = password::prove(reader, Some(account), input.current_password).await;
        let new = input.new_password;
        let credential = match current.map_err(outage)? {
            Some(generation) => generation,
            // The answer may have been lost: then the new one is the current one already.
            None => {
                let repeated = password::prove(reader, Some(account), new.clone()).await;
                let wrong = || rejected(AccountRejection::PasswordWrong);
                repeated.map_err(outage)?.ok_or_else(wrong)?.wrapping_sub(1)
            }
        };
        let names = match AccountObject::find(context, account).await? {
            Some(it) => (it.username(context).await?, it.display_name(context).await?),
            None => (None, None),
        };
        let known: Vec<&str> = [&names.0, &names.1].into_iter().flatten().map(|it| &**it).collect();
        password::admit(scope, &new, &known).await?;
        let hash = password::hash(new, Arc::clone(&scope.entropy)).await;
        let end_others = input.sign_out_others;
        let notice = notice(scope, account).await?;
        let command = ChangePassword { password: hash, credential, end_others, notice };
        let outcome = scope.submit(&input.client_id, command).await?;
        Ok(ChangePasswordPayload { position: outcome.position })
    }
}
