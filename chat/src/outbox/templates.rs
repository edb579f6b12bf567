//! What messages say, in the languages that we speak.
//!
//! A language is a file of `templates/`, named by its tag: a section for each template, whose first
//! line is the subject. `{name}` is filled from the fields. A person whose language we don't speak
//! is written to in English.

use super::Fields;

/// A message as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    pub subject: String,
    pub text: String,
}

/// Languages by their tags, English first.
const LANGUAGES: &[(&str, &str)] =
    &[("en", include_str!("templates/en.txt")), ("de", include_str!("templates/de.txt"))];

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    /// A code that proves an address.
    AddressCode,
    /// A link by which a forgotten password is set anew.
    PasswordReset,
    /// That the password was changed.
    PasswordChanged,
    /// That a provider's identity signs in.
    IdentityLinked,
    /// That it does no more.
    IdentityUnlinked,
    /// A code that is a second factor.
    FactorCode,
    /// That a second factor or a passkey was set up.
    FactorAdded,
    /// That somebody says the second factors are lost, and how to cancel it.
    FactorRecovery,
    /// That the second factors were removed, since they were lost.
    FactorRecovered,
    /// A link that signs in.
    SignInLink,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 10] = [
        Self::AddressCode,
        Self::PasswordReset,
        Self::PasswordChanged,
        Self::IdentityLinked,
        Self::IdentityUnlinked,
        Self::FactorCode,
        Self::FactorAdded,
        Self::FactorRecovery,
        Self::FactorRecovered,
        Self::SignInLink,
    ];

    /// Its name in events, and of its section.
    pub fn name(self) -> &'static str {
        match self {
            Self::AddressCode => "address-code",
            Self::PasswordReset => "password-reset",
            Self::PasswordChanged => "password-changed",
            Self::IdentityLinked => "identity-linked",
            Self::IdentityUnlinked => "identity-unlinked",
            Self::FactorCode => "factor-code",
            Self::FactorAdded => "factor-added",
            Self::FactorRecovery => "factor-recovery",
            Self::FactorRecovered => "factor-recovered",
            Self::SignInLink => "sign-in-link",
        }
    }
}

fn language(locale: &str) -> (&'static str, &'static str) {
    let tag = locale.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    *LANGUAGES.iter().find(|(it, _)| *it == tag).unwrap_or(&LANGUAGES[0])
}

/// The language that we speak with somebody who prefers this one.
pub fn spoken(locale: &str) -> &'static str {
    language(locale).0
}

fn section(language: &'static str, name: &str) -> Option<&'static str> {
    let mut sections = language.split("\n[").map(|it| it.trim_start_matches('['));
    sections.find_map(|it| it.strip_prefix(name)?.strip_prefix("]\n"))
}

/// Fills each `{name}` once, so that what is filled in is not filled again.
fn filled(text: &str, fields: &Fields) -> String {
    let mut parts = text.split('{');
    let mut all = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        match part.split_once('}').and_then(|(name, rest)| Some((fields.get(name)?, rest))) {
            Some((value, rest)) => {
                all.push_str(value);
                all.push_str(rest);
            }
            None => {
                all.push('{');
                all.push_str(part);
            }
        }
    }
    all
}

/// Writes a message in a person's language; nothing for a template that we don't know.
pub fn write(template: &str, locale: &str, fields: &Fields) -> Option<Written> {
    let (subject, text) = section(language(locale).1, template)?.split_once('\n')?;
    let subject = filled(subject, fields);
    let subject = subject.chars().filter(|it| !it.is_control()).collect();
    Some(Written { subject, text: filled(text.trim(), fields) + "\n" })
}
