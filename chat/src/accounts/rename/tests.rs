//! The law of taking another username.

use super::*;
use crate::accounts::tests::{ANN, BOB, claim, claimed, confirm, release, state};
use crate::accounts::{NameState, RESERVED_MS};
use crate::kernel::testing::{Given, account, given, name, open};

fn wants(username: &str) -> BeginRename {
    let (name_id, look_id) = (name(username), name(&format!("look:{username}")));
    BeginRename { wish_id: name_id.to_string(), username: username.to_owned(), name_id, look_id }
}

/// Ann takes another name, step by step.
fn renamed(world: Given, from: &str, to: &str) -> Given {
    let ann = account(ANN);
    let world = world.and(ann, wants(to)).and(ann, claim(ANN, to));
    let world =
        world.and(ann, FinishRename { wish_id: name(to).to_string() }).and(ann, confirm(ANN, to));
    world.and(ann, ReserveName { name_id: name(from), account_id: ann })
}

#[test]
fn a_name_that_was_given_up_is_kept_for_its_account_for_30_days() {
    let world = renamed(given().person(ANN, "ann"), "ann", "bea");
    let profile = world.document::<Account>(account(ANN)).and_then(|it| it.profile);
    let profile = profile.expect("a profile");
    assert_eq!(open(&profile.username).as_deref(), Some("bea"));
    assert!(profile.holds(name("bea")) && profile.holds(name("look:bea")));
    let world = world.later(RESERVED_MS - 1).when(account(BOB), claim(BOB, "ann"));
    let world = world.then_rejected(AccountRejection::UsernameTaken);
    let world = renamed(world, "bea", "ann");
    let world = world.later(RESERVED_MS).when(account(BOB), claim(BOB, "bea"));
    world.then([claimed(BOB, "bea")]);
}

#[test]
fn a_name_is_changed_twice_in_14_days() {
    let world = renamed(renamed(given().person(ANN, "ann"), "ann", "bea"), "bea", "cleo");
    let often = AccountRejection::UsernameChangedOften;
    let world =
        world.when(account(ANN), wants("cleo")).then_rejected(AccountRejection::UsernameSame);
    let world = world.later(RENAMED_MS - 1).when(account(ANN), wants("dora"));
    world.then_rejected(often).later(1).when(account(ANN), wants("dora")).then_allowed();
}

#[test]
fn a_name_speaks_for_nobody_else() {
    let world = given().person(ANN, "ann").when(account(ANN), wants("supp0rt"));
    world.then_rejected(AccountRejection::UsernameReserved);
}

#[test]
fn a_wish_that_was_given_up_comes_true_no_more() {
    let abandon = |name_id| AbandonClaim { account_id: account(ANN), name_id };
    let given_up = UsernameChangeAbandoned { account_id: account(ANN), name_id: name("bea") };
    for claimed in ["bea", "look:bea"] {
        given()
            .person(ANN, "ann")
            .and(account(ANN), wants("bea"))
            .when(account(BOB), abandon(name(claimed)))
            .then([given_up.clone().into()])
            .when(account(ANN), FinishRename { wish_id: name("bea").to_string() })
            .then_rejected(AccountRejection::Abandoned);
    }
}

#[test]
fn who_settles_an_old_claim_does_not_free_a_newer_one() {
    let world = given().and(account(ANN), claim(ANN, "ann")).later(1);
    let world = world.when(account(ANN), claim(ANN, "ann")).then([claimed(ANN, "ann")]);
    let world = world.when(account(BOB), release(ANN, "ann")).then([]);
    assert_eq!(state(&world, "ann"), Some(NameState::Claimed));
}

#[test]
fn a_wish_that_another_replaced_comes_true_no_more() {
    let other = BeginRename { wish_id: account(9).to_string(), ..wants("bea") };
    let world = given().person(ANN, "ann").and(account(ANN), wants("bea"));
    let world = world.and(account(ANN), other);
    let world = world.when(account(ANN), FinishRename { wish_id: name("bea").to_string() });
    world
        .then_rejected(AccountRejection::Abandoned)
        .and(account(ANN), FinishRename { wish_id: account(9).to_string() });
}
