//! What a username may be: its form, those that nobody gets, and those that look alike.

use ports::keys::Secret;
use unicode_security::confusable_detection::skeleton;

use super::{AccountRejection, NameId, USERNAME_CHARS_MAX, USERNAME_CHARS_MIN};
use crate::kernel::command::name_id;

/// By which name a message mentions everyone; nobody gets it.
pub const EVERYONE: &str = "everyone";

/// Names that speak for the server, or may come to be mentions of many. The first owner, who comes
/// by the setup link, may have one.
const RESERVED: [&str; 15] = [
    "admin",
    "administrator",
    "all",
    "bot",
    "channel",
    "help",
    "here",
    "moderator",
    "official",
    "parlance",
    "root",
    "security",
    "staff",
    "support",
    "system",
];

/// A username in the form in which it is unique.
///
/// # Errors
/// `UsernameInvalid` when it has not the right characters or length.
pub fn username(text: &str) -> Result<String, AccountRejection> {
    let name = text.to_ascii_lowercase();
    let begins = name.starts_with(|it: char| it.is_ascii_lowercase());
    let allowed = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_';
    let length = (USERNAME_CHARS_MIN..=USERNAME_CHARS_MAX).contains(&name.len());
    if begins && length && name.chars().all(allowed) {
        Ok(name)
    } else {
        Err(AccountRejection::UsernameInvalid)
    }
}

/// What a username looks like: alike for those that people take for each other, by the skeletons of
/// UTS #39, so that `rnike` and `mike`, or `anna1` and `annal`, are not two people.
fn look(name: &str) -> String {
    skeleton(name).collect::<String>().to_lowercase()
}

/// Refuses a name that speaks for the server, or that looks like one.
///
/// # Errors
/// `UsernameReserved`.
pub(super) fn admit(name: &str) -> Result<(), AccountRejection> {
    let reserved = RESERVED.iter().any(|it| look(it) == look(name));
    (!reserved).then_some(()).ok_or(AccountRejection::UsernameReserved)?;
    admit_first(name)
}

/// Refuses a name that nobody gets, not even the first owner.
///
/// # Errors
/// `UsernameReserved`.
pub(super) fn admit_first(name: &str) -> Result<(), AccountRejection> {
    let free = look(name) != look(EVERYONE);
    free.then_some(()).ok_or(AccountRejection::UsernameReserved)
}

/// The streams that a username is claimed by: of the name, and of its look. No username holds a
/// colon, so a look is never taken for a name.
pub(super) fn streams(key: &Secret, name: &str) -> (NameId, NameId) {
    (name_id(key, name), name_id(key, &format!("look:{}", look(name))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_taken_for_each_other_look_alike() {
        for (one, other) in [("rnike", "mike"), ("anna1", "annal"), ("b0b", "bob"), ("l1l", "1ll")]
        {
            assert_eq!(look(one), look(other), "{one} {other}");
        }
        for (one, other) in [("anna", "annab"), ("bob", "rob"), ("a_b", "ab"), ("a1", "a2")] {
            assert_ne!(look(one), look(other), "{one} {other}");
        }
    }

    #[test]
    fn nobody_speaks_for_the_server() {
        for name in RESERVED.into_iter().chain(["he1p", "supp0rt", "adrnin"]) {
            assert_eq!(admit(name), Err(AccountRejection::UsernameReserved), "{name}");
        }
        for name in [EVERYONE, "every0ne"] {
            assert_eq!(admit(name), Err(AccountRejection::UsernameReserved), "{name}");
            assert_eq!(admit_first(name), Err(AccountRejection::UsernameReserved), "{name}");
        }
        assert_eq!(admit_first("admin"), Ok(()));
        assert_eq!(admit("ann"), Ok(()));
        assert_eq!(admit("administrators"), Ok(()));
    }
}
