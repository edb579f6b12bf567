//! When a name may be claimed and an account created.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Account, AccountId, AccountRegistered, BIO_CHARS_MAX, Credential, DISPLAY_NAME_CHARS_MAX,
    NameId, PasswordChanged, ProfileUpdated, username,
};
use crate::Event;
use crate::identities::NewIdentity;
use crate::kernel::{Command, Context, Personal, Slot, StreamId};
use crate::outbox::Template;
use crate::recovery::Notice;
use crate::sessions::{EndCause, OpenSessions, ending};

crate::rejections! {
    /// Why accounts say no.
    AccountRejection {
        UsernameTaken: Conflict, "ACCOUNTS_USERNAME_TAKEN",
            "username is taken", "Choose another username.";
        UsernameInvalid: Invalid, "ACCOUNTS_USERNAME_INVALID",
            "username is not 3 to 32 letters, digits or _ beginning with a letter",
            "Choose a username of that form.";
        UsernameReserved: Conflict, "ACCOUNTS_USERNAME_RESERVED",
            "the username speaks for the server", "Choose another username.";
        UsernameSame: Conflict, "ACCOUNTS_USERNAME_SAME",
            "that is your username already", "Nothing is to be done.";
        UsernameChangedOften: LimitExceeded, "ACCOUNTS_USERNAME_CHANGED_OFTEN",
            "the username was changed twice in 14 days", "Wait some days.";
        DisplayNameInvalid: Invalid, "ACCOUNTS_DISPLAY_NAME_INVALID",
            "display name is not 1 to 64 characters", "Shorten the name or give one.";
        BioInvalid: Invalid, "ACCOUNTS_BIO_INVALID",
            "bio is over 140 characters", "Shorten the bio.";
        PasswordInvalid: Invalid, "ACCOUNTS_PASSWORD_INVALID",
            "password is not 8 to 128 characters", "Choose a password of that length.";
        PasswordWeak: Invalid, "ACCOUNTS_PASSWORD_WEAK",
            "password is too easy to guess", "Choose a longer one, such as four random words.";
        PasswordBreached: Invalid, "ACCOUNTS_PASSWORD_BREACHED",
            "password has been published by thieves", "Choose another one.";
        PasswordWrong: Forbidden, "ACCOUNTS_PASSWORD_WRONG",
            "current password is wrong", "Check it.";
        Abandoned: Conflict, "ACCOUNTS_REGISTRATION_ABANDONED",
            "it was given up meanwhile", "Begin again with a new client id.";
        NotFound: NotFound, "NOT_FOUND", "not found", "Check the id.";
    }
}

pub(super) fn display_name(text: &str) -> Result<String, AccountRejection> {
    let name = text.trim();
    let count = name.chars().count();
    let readable = !name.chars().any(char::is_control);
    if readable && (1..=DISPLAY_NAME_CHARS_MAX).contains(&count) {
        Ok(name.to_owned())
    } else {
        Err(AccountRejection::DisplayNameInvalid)
    }
}

fn bio(text: &str) -> Result<String, AccountRejection> {
    let readable = !text.chars().any(|it| it.is_control() && it != '\n');
    if readable && text.chars().count() <= BIO_CHARS_MAX {
        Ok(text.to_owned())
    } else {
        Err(AccountRejection::BioInvalid)
    }
}

/// Creates an account whose name has been claimed.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct CreateAccount {
    pub account_id: AccountId,
    pub name_id: NameId,
    /// The claim on what the name looks like, where it was made.
    #[serde(default)]
    pub look_id: Option<NameId>,
    pub username: String,
    pub display_name: String,
    /// Argon2id in PHC form.
    pub password: Option<String>,
    /// What a provider told, which signs in to it.
    #[serde(default)]
    pub identity: Option<NewIdentity>,
}

impl Command for CreateAccount {
    const NAME: &'static str = "CreateAccount";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = Slot<Account>;
    type Rejection = AccountRejection;

    fn stream(&self, _: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Account(self.account_id))
    }

    fn state(&self, _: &Context<'_>) -> Slot<Account> {
        Slot::new(self.account_id.to_string(), StreamId::Account(self.account_id))
    }

    fn decide(
        self,
        account: &Slot<Account>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        match account.get() {
            Some(it) if it.profile.is_none() => Err(AccountRejection::Abandoned),
            Some(_) => Ok(Vec::new()),
            None => {
                let registered = AccountRegistered {
                    account_id: self.account_id,
                    name_id: self.name_id,
                    look_id: self.look_id,
                    username: Personal::new(username(&self.username)?),
                    display_name: Personal::new(display_name(&self.display_name)?),
                    password: self.password.map(Personal::new),
                    origin: Some(context.origin.clone()),
                };
                let linked = self.identity.map(|it| it.linked(self.account_id, context));
                Ok(std::iter::once(registered.into()).chain(linked).collect())
            }
        }
    }

    /// Without the password's hash: its salt differs each time.
    fn body(&self) -> Vec<u8> {
        format!("{}\0{}\0{}", self.name_id, self.username, self.display_name).into_bytes()
    }
}

/// Changes what others see of the person who asks.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct UpdateProfile {
    #[serde(default)]
    pub display_name: Option<String>,
    #[serde(default)]
    pub bio: Option<String>,
}

impl Command for UpdateProfile {
    const NAME: &'static str = "UpdateProfile";
    const SEALS: bool = true;
    type State = Slot<Account>;
    type Rejection = AccountRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Slot<Account> {
        Slot::new(context.actor.to_string(), StreamId::Account(context.actor))
    }

    fn decide(
        self,
        account: &Slot<Account>,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        account.get().and_then(|it| it.profile.as_ref()).ok_or(AccountRejection::NotFound)?;
        let display_name = self.display_name.as_deref().map(display_name).transpose()?;
        let bio = self.bio.as_deref().map(bio).transpose()?;
        if display_name.is_none() && bio.is_none() {
            return Ok(Vec::new());
        }
        let updated = ProfileUpdated {
            account_id: context.actor,
            display_name: display_name.map(Personal::new),
            bio: bio.map(Personal::new),
        };
        Ok(vec![updated.into()])
    }
}

/// Changes the password of the person who asks, who has proved the one before.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ChangePassword {
    /// Argon2id in PHC form.
    pub password: String,
    /// Generation of the credential that was proved.
    pub credential: u64,
    /// Whether the other sessions end.
    pub end_others: bool,
    /// Tells the person that it was done.
    pub notice: Option<Notice>,
}

impl Command for ChangePassword {
    const NAME: &'static str = "ChangePassword";
    const SEALS: bool = true;
    const PUBLIC: bool = false;
    type State = (Slot<Credential>, Slot<OpenSessions>);
    type Rejection = AccountRejection;

    fn stream(&self, context: &Context<'_>) -> Result<StreamId, AccountRejection> {
        Ok(StreamId::Account(context.actor))
    }

    fn state(&self, context: &Context<'_>) -> Self::State {
        (Slot::of(context.actor), Slot::of(context.actor))
    }

    fn decide(
        self,
        (credential, sessions): &Self::State,
        context: &Context<'_>,
    ) -> Result<Vec<Event>, AccountRejection> {
        let credential = credential.get().ok_or(AccountRejection::NotFound)?;
        if credential.generation != self.credential {
            return Err(AccountRejection::PasswordWrong);
        }
        let changed = PasswordChanged {
            account_id: context.actor,
            password: Personal::new(self.password),
            origin: Some(context.origin.clone()),
        };
        let kept = context.origin.session_id;
        let others = sessions.get().filter(|_| self.end_others).map(|it| it.others(kept));
        let others = others.unwrap_or_default();
        let ended = ending(context.actor, others, EndCause::PasswordChanged, context);
        let told = self.notice.map(|it| it.queued(Template::PasswordChanged, context));
        Ok(std::iter::once(changed.into()).chain(ended).chain(told).collect())
    }

    /// Without the hash, whose salt differs each time, and what was proved for it.
    fn body(&self) -> Vec<u8> {
        vec![u8::from(self.end_others)]
    }
}
