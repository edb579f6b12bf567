//! How requests show a second factor, one way at a time.

use async_graphql::{InputObject, Result};

use super::{FactorProof, FactorRejection, Shown, prove};
use crate::accounts::AccountId;
use crate::kernel::graphql::{Scope, invalid, rejected};
use crate::outbox::Channel;
use crate::passkeys::PasskeyInput;

/// A way to prove a second factor, one at most.
#[derive(InputObject)]
pub struct ShownInput {
    /// A one-time password.
    code: Option<String>,
    /// A backup code, in place of a one-time password.
    backup_code: Option<String>,
    /// A passkey, in place of a code.
    passkey: Option<PasskeyInput>,
    /// A code that was sent by mail, in place of a one-time password.
    email_code: Option<String>,
    /// A code that was sent by text message, in place of a one-time password.
    sms_code: Option<String>,
}

impl ShownInput {
    /// The one way that was given, if any was.
    ///
    /// # Errors
    /// `INVALID` when several were.
    pub fn read(self) -> Result<Option<Shown>> {
        let code = self.code.map(Shown::Code);
        let backup_code = self.backup_code.map(Shown::BackupCode);
        let passkey = self.passkey.map(|it| Shown::Passkey(it.into()));
        let by_mail = self.email_code.map(|it| Shown::Sent(Channel::Mail, it));
        let by_sms = self.sms_code.map(|it| Shown::Sent(Channel::Sms, it));
        let sent = by_mail.into_iter().chain(by_sms);
        let mut given = code.into_iter().chain(backup_code).chain(passkey).chain(sent);
        let first = given.next();
        let one = given.next().is_none();
        one.then_some(first).ok_or_else(|| rejected(invalid("give one second factor, not several")))
    }

    /// Looks at what was given, if anything was.
    ///
    /// # Errors
    /// When it proves nothing.
    pub async fn prove(self, scope: &Scope, account: AccountId) -> Result<Option<FactorProof>> {
        match self.read()? {
            Some(shown) => prove(scope, account, &shown).await.map(Some),
            None => Ok(None),
        }
    }

    /// Looks at what was given beside a link by mail, which a code by mail adds nothing to.
    ///
    /// # Errors
    /// When it proves nothing, or not enough.
    pub async fn prove_beside_mail(
        self,
        scope: &Scope,
        account: AccountId,
    ) -> Result<Option<FactorProof>> {
        match self.email_code {
            Some(_) => Err(rejected(FactorRejection::MailTwice)),
            None => self.prove(scope, account).await,
        }
    }
}
