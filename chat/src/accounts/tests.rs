//! The law of names and accounts.

use super::*;
use crate::Change;
use crate::audience::Audience;
use crate::kernel::testing::{Given, NOW, account, given, name, open};
use crate::kernel::{Document, Effect, Origin, Personal, Recorded};

pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;

pub(super) fn claim(n: u8, username: &str) -> ClaimName {
    ClaimName { name_id: name(username), account_id: account(n) }
}

pub(super) fn confirm(n: u8, username: &str) -> ConfirmName {
    ConfirmName { name_id: name(username), account_id: account(n) }
}

pub(super) fn release(n: u8, username: &str) -> ReleaseName {
    ReleaseName { name_id: name(username), account_id: account(n), claimed_at: NOW }
}

fn create(n: u8, username: &str, display_name: &str) -> CreateAccount {
    CreateAccount {
        account_id: account(n),
        name_id: name(username),
        username: username.to_owned(),
        display_name: display_name.to_owned(),
        identity: None,
        password: Some("hash".to_owned()),
        look_id: None,
    }
}

fn abandon(n: u8) -> AbandonClaim {
    AbandonClaim { account_id: account(n), name_id: name(if n == ANN { "ann" } else { "bob" }) }
}

pub(super) fn claimed(n: u8, username: &str) -> crate::Event {
    NameClaimed { name_id: name(username), account_id: account(n) }.into()
}

pub(super) fn state(world: &Given, username: &str) -> Option<NameState> {
    world.document::<Name>(name(username)).map(|it| it.state)
}

fn profile(display_name: Option<&str>, bio: Option<&str>) -> UpdateProfile {
    UpdateProfile { display_name: display_name.map(str::to_owned), bio: bio.map(str::to_owned) }
}

#[test]
fn a_free_name_is_claimed() {
    let world = given().when(account(ANN), claim(ANN, "ann")).then([claimed(ANN, "ann")]);
    let name = world.document::<Name>(name("ann"));
    let expected = Name {
        account_id: account(ANN),
        state: NameState::Claimed,
        claimed_at: NOW,
        reserved_until: None,
    };
    assert_eq!(name, Some(expected));
}

#[test]
fn a_claimed_name_is_taken() {
    given()
        .and(account(ANN), claim(ANN, "ann"))
        .when(account(BOB), claim(BOB, "ann"))
        .then_rejected(AccountRejection::UsernameTaken);
}

#[test]
fn a_confirmed_name_is_taken() {
    given()
        .person(ANN, "ann")
        .when(account(BOB), claim(BOB, "ann"))
        .then_rejected(AccountRejection::UsernameTaken);
}

#[test]
fn a_name_differs_by_more_than_case() {
    assert_eq!(name("Ann"), name("aNN"));
    assert_ne!(name("ann"), name("anna"));
}

#[test]
fn claiming_a_name_that_is_ones_own_changes_nothing() {
    given().person(ANN, "ann").when(account(ANN), claim(ANN, "ann")).then([]);
}

#[test]
fn a_released_name_can_be_claimed_by_others() {
    let world = given()
        .and(account(ANN), claim(ANN, "ann"))
        .and(account(ANN), release(ANN, "ann"))
        .when(account(BOB), claim(BOB, "ann"))
        .then([claimed(BOB, "ann")]);
    assert_eq!(state(&world, "ann"), Some(NameState::Claimed));
}

#[test]
fn an_open_claim_is_confirmed_once() {
    let confirmed = NameConfirmed { name_id: name("ann"), account_id: account(ANN) };
    let world = given()
        .and(account(ANN), claim(ANN, "ann"))
        .when(account(ANN), confirm(ANN, "ann"))
        .then([confirmed.into()]);
    assert_eq!(state(&world, "ann"), Some(NameState::Confirmed));
    world.when(account(ANN), confirm(ANN, "ann")).then([]);
}

#[test]
fn nobody_confirms_or_releases_the_claim_of_another() {
    given()
        .and(account(ANN), claim(ANN, "ann"))
        .when(account(BOB), confirm(BOB, "ann"))
        .then([])
        .when(account(BOB), release(BOB, "ann"))
        .then([]);
}

#[test]
fn an_open_claim_is_released() {
    let released = NameReleased { name_id: name("ann"), account_id: account(ANN) };
    let world = given()
        .and(account(ANN), claim(ANN, "ann"))
        .when(account(ANN), release(ANN, "ann"))
        .then([released.into()]);
    assert_eq!(state(&world, "ann"), Some(NameState::Released));
}

#[test]
fn a_confirmed_name_is_never_released() {
    let world = given().person(ANN, "ann").when(account(ANN), release(ANN, "ann")).then([]);
    assert_eq!(state(&world, "ann"), Some(NameState::Confirmed));
}

#[test]
fn an_account_is_created_with_name_profile_and_credential() {
    let registered = AccountRegistered {
        account_id: account(ANN),
        name_id: name("ann"),
        look_id: None,
        username: Personal::new("ann".to_owned()),
        display_name: Personal::new("Ann".to_owned()),
        password: Some(Personal::new("hash".to_owned())),
        origin: Some(Origin::default()),
    };
    let world = given()
        .and(account(ANN), claim(ANN, "ann"))
        .when(account(ANN), create(ANN, "Ann", " Ann "))
        .then([registered.into()]);
    let profile = world.document::<Account>(account(ANN)).unwrap().profile.unwrap();
    assert_eq!(open(&profile.username).as_deref(), Some("ann"));
    assert_eq!(open(&profile.display_name).as_deref(), Some("Ann"));
    assert_eq!((profile.bio, profile.registered_at), (None, NOW));
    let credential = world.document::<Credential>(account(ANN)).unwrap();
    assert_eq!(open(&credential.password.unwrap()).as_deref(), Some("hash"));
    assert_eq!(credential.generation, 0);
}

#[test]
fn an_account_without_a_password_can_not_sign_in_by_one() {
    let create = CreateAccount { password: None, ..create(ANN, "ann", "Ann") };
    let world = given().when(account(ANN), create).then_allowed();
    assert_eq!(world.document::<Credential>(account(ANN)).unwrap().password, None);
}

#[test]
fn creating_again_changes_nothing() {
    given().person(ANN, "ann").when(account(ANN), create(ANN, "ann", "Ann")).then([]);
}

#[test]
fn an_abandoned_registration_never_becomes_an_account() {
    let abandoned = RegistrationAbandoned { account_id: account(ANN) };
    let world = given().when(account(ANN), abandon(ANN)).then([abandoned.into()]);
    assert_eq!(world.document::<Account>(account(ANN)).unwrap().profile, None);
    world.when(account(ANN), create(ANN, "ann", "Ann")).then_rejected(AccountRejection::Abandoned);
}

#[test]
fn abandoning_again_changes_nothing() {
    given().and(account(ANN), abandon(ANN)).when(account(ANN), abandon(ANN)).then([]);
}

#[test]
fn an_account_that_exists_is_not_abandoned() {
    given()
        .person(ANN, "ann")
        .when(account(ANN), abandon(ANN))
        .then_rejected(AccountRejection::UsernameTaken);
}

#[test]
fn a_username_is_3_to_32_letters_digits_or_underscores_after_a_letter() {
    for good in ["ann", "a_1", "Ann", &"a".repeat(32)] {
        assert_eq!(username(good), Ok(good.to_lowercase()), "{good}");
    }
    let long = "a".repeat(33);
    for bad in ["", "an", "1nn", "_nn", "a-n", "änn", "a n", "ann\n", "ａnn", long.as_str()] {
        assert_eq!(username(bad), Err(AccountRejection::UsernameInvalid), "{bad:?}");
    }
    given()
        .when(account(ANN), create(ANN, "1nn", "Ann"))
        .then_rejected(AccountRejection::UsernameInvalid);
}

#[test]
fn a_display_name_is_1_to_64_characters_without_control() {
    let (whole, long) = ("é".repeat(64), "é".repeat(65));
    given().when(account(ANN), create(ANN, "ann", &whole)).then_allowed();
    for bad in ["", "   ", "a\nb", "a\u{0}b", long.as_str()] {
        given()
            .when(account(ANN), create(ANN, "ann", bad))
            .then_rejected(AccountRejection::DisplayNameInvalid);
        given()
            .person(ANN, "ann")
            .when(account(ANN), profile(Some(bad), None))
            .then_rejected(AccountRejection::DisplayNameInvalid);
    }
}

#[tokio::test]
async fn a_password_is_8_to_128_characters() {
    let long: String = ('a'..='z').cycle().step_by(7).take(129).collect();
    for good in ["xK7#qP2v", &long[1..]] {
        assert_eq!(password::check(good, &[]).await, Ok(()));
    }
    for bad in ["", "K7#qP2v", &long] {
        assert_eq!(password::check(bad, &[]).await, Err(AccountRejection::PasswordInvalid));
    }
}

#[tokio::test]
async fn a_password_is_hard_to_guess_also_for_those_who_know_its_owner() {
    let weak = ["password", "12345678", "qwertyuiop", "letmein123", "aaaaaaaaaaaa", "11/02/1987"];
    for weak in weak {
        let rejected = Err(AccountRejection::PasswordWeak);
        assert_eq!(password::check(weak, &[]).await, rejected, "{weak}");
    }
    let known = ["rowan_tree", "Rowan Ashgrove"];
    assert_eq!(password::check("rowan_tree1", &[]).await, Ok(()));
    let rejected = Err(AccountRejection::PasswordWeak);
    assert_eq!(password::check("rowan_tree1", &known).await, rejected);
}

#[test]
fn a_profile_is_updated_in_the_parts_that_are_given() {
    let updated = |display_name: Option<&str>, bio: Option<&str>| ProfileUpdated {
        account_id: account(ANN),
        display_name: display_name.map(|it| Personal::new(it.to_owned())),
        bio: bio.map(|it| Personal::new(it.to_owned())),
    };
    let world = given()
        .person(ANN, "ann")
        .when(account(ANN), profile(None, Some("sails\nsings")))
        .then([updated(None, Some("sails\nsings")).into()])
        .when(account(ANN), profile(Some(" Ann B. "), None))
        .then([updated(Some("Ann B."), None).into()]);
    let profile = world.document::<Account>(account(ANN)).unwrap().profile.unwrap();
    assert_eq!(open(&profile.display_name).as_deref(), Some("Ann B."));
    assert_eq!(open(&profile.bio.unwrap()).as_deref(), Some("sails\nsings"));
}

#[test]
fn an_update_of_nothing_changes_nothing() {
    given().person(ANN, "ann").when(account(ANN), profile(None, None)).then([]);
}

#[test]
fn a_bio_is_at_most_140_characters_without_control() {
    let (whole, long) = ("é".repeat(140), "é".repeat(141));
    let ann = || given().person(ANN, "ann");
    ann().when(account(ANN), profile(None, Some(&whole))).then_allowed();
    ann().when(account(ANN), profile(None, Some(""))).then_allowed();
    for bad in [long.as_str(), "a\u{7}b", "a\tb"] {
        ann()
            .when(account(ANN), profile(None, Some(bad)))
            .then_rejected(AccountRejection::BioInvalid);
    }
}

#[test]
fn nobody_who_does_not_exist_has_a_profile() {
    let rejected = AccountRejection::NotFound;
    given().when(account(ANN), profile(None, Some("x"))).then_rejected(rejected);
    given()
        .and(account(ANN), abandon(ANN))
        .when(account(ANN), profile(None, Some("x")))
        .then_rejected(rejected);
}

#[test]
fn an_account_is_seen_by_everyone_and_its_credential_by_nobody() {
    let world = given().person(ANN, "ann").and(account(BOB), abandon(BOB));
    let audience = |n| world.document::<Account>(account(n)).unwrap().audience();
    assert_eq!(audience(ANN), Audience::SignedIn);
    assert_eq!(audience(BOB), Audience::Nobody);
    let credential = world.document::<Credential>(account(ANN)).unwrap();
    assert_eq!(credential.audience(), Audience::Nobody);
    assert_eq!(world.document::<Name>(name("ann")).unwrap().audience(), Audience::Nobody);
}

#[test]
fn clients_are_told_of_accounts_and_not_of_claims() {
    let world = given()
        .person(ANN, "ann")
        .and(account(ANN), profile(None, Some("x")))
        .and(account(BOB), claim(BOB, "bob"))
        .and(account(BOB), abandon(BOB))
        .and(account(BOB), release(BOB, "bob"));
    let told = (Change::Account(account(ANN)), Effect::None);
    let untold = (Change::None, Effect::None);
    let expected = [
        untold.clone(),
        told.clone(),
        untold.clone(),
        told,
        untold.clone(),
        untold.clone(),
        untold,
    ];
    let meanings: Vec<_> = world.history().iter().map(Recorded::meaning).collect();
    assert_eq!(meanings, expected);
}

#[test]
fn a_repeated_creation_is_known_whatever_its_salt() {
    use crate::kernel::Command;
    let one = create(ANN, "ann", "Ann");
    let other = CreateAccount { password: Some("other".to_owned()), ..one.clone() };
    assert_eq!(one.body(), other.body());
    assert_ne!(one.body(), create(ANN, "ann", "Bea").body());
}
