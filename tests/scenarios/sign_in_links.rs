//! Links that sign in, where the operator allows them.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, PASSWORD, World, fresh_id};

use crate::addresses::{MAIL, PHONE};
use crate::codes::{code, completes, sets_up};

fn world() -> World {
    World::with(|it| it.sign_in_links = true)
}

fn asks(world: &World, address: &str) -> Answer {
    let query = "mutation($input: RequestSignInLinkInput!) { \
                 requestSignInLink(input: $input) { ok } }";
    let input = json!({ "clientId": fresh_id(), "email": address });
    world.client.ask(None, query, json!({ "input": input }))
}

/// Asks for a link; gives what it holds.
fn link(world: &World) -> String {
    let before = world.letters(MAIL).len();
    asks(world, MAIL).data();
    let (_, text) = world.letter(MAIL, before);
    let link = text.split_whitespace().find(|it| it.contains("/sign-in#")).expect("a link");
    link.split_once('#').expect("a token").1.to_owned()
}

fn opens(world: &World, token: &str) -> Answer {
    let wanted = "accessToken secondFactor { challenge methods }";
    world.client.change(None, "signInWithLink", json!({ "token": token }), wanted)
}

const INVALID: &str = "SIGN_IN_LINKS_INVALID";

#[test]
fn nobody_signs_in_by_links_unless_the_operator_allows_it() {
    let world = World::new();
    assert_eq!(asks(&world, MAIL).code(), "SIGN_IN_LINKS_OFF");
    assert_eq!(opens(&world, "x").code(), "SIGN_IN_LINKS_OFF");
}

#[test]
fn a_link_signs_in_once() {
    let world = world();
    let ann = world.person("ann");
    world.proves(&ann, "email", MAIL);
    let (known, unknown) = (asks(&world, MAIL), asks(&world, "x@example.org"));
    assert_eq!(known.data(), unknown.data(), "whether there is an account is not told");
    world.letter(MAIL, 1);
    let token = link(&world);
    for forged in ["", "x", &"A".repeat(86), &ann.token, &format!("{token}A")] {
        assert_eq!(opens(&world, forged).code(), INVALID, "{forged}");
    }
    let answers = tests::at_once((0..4).map(|_| || opens(&world, &token)));
    let opened: Vec<_> = answers.iter().filter(|it| it.failure().is_none()).collect();
    assert_eq!(opened.len(), 1, "{answers:?}");
    let token_of_ann = opened[0].data()["signInWithLink"]["accessToken"].as_str().expect("one");
    let viewer = world.client.ask(Some(token_of_ann), "{ viewer { id } }", json!({}));
    assert_eq!(viewer.data()["viewer"]["id"], ann.id);
    let enrols = || world.client.change(Some(token_of_ann), "enrolTotp", json!({}), "secret");
    assert_eq!(enrols().code(), "SESSIONS_CONFIRM_FIRST", "a mailbox sets up nothing");
    let confirms = json!({ "password": PASSWORD });
    world.client.change(Some(token_of_ann), "confirm", confirms, "until").data();
    enrols().data();
    assert_eq!(opens(&world, &token).code(), INVALID);
    assert_eq!(world.letters("x@example.org").len(), 0);
}

#[test]
fn only_the_last_link_is_good_and_for_a_quarter_of_an_hour() {
    let world = world();
    let ann = world.person("ann");
    world.proves(&ann, "email", MAIL);
    let (first, second) = (link(&world), link(&world));
    assert_eq!(opens(&world, &first).code(), INVALID);
    opens(&world, &second).data();
    let late = link(&world);
    world.passes(Duration::from_secs(901));
    assert_eq!(opens(&world, &late).code(), INVALID);
}

#[test]
fn a_link_stands_in_for_the_password_alone() {
    let world = world();
    let ann = world.person("ann");
    sets_up(&world, &ann, MAIL);
    let asked = opens(&world, &link(&world));
    let asked = asked.data()["signInWithLink"].clone();
    assert_eq!(asked["accessToken"], Value::Null);
    assert_eq!(asked["secondFactor"]["methods"], json!(["BACKUP_CODE"]), "mail is not shown twice");
    let challenged = asked["secondFactor"]["challenge"].as_str().expect("a challenge").to_owned();
    let refused = completes(&world.client, &challenged, "emailCode", json!("123456"));
    assert_eq!(refused.code(), "FACTORS_MAIL_TWICE");
    sets_up(&world, &ann, PHONE);
    let given = json!({ "challenge": challenged, "method": "SMS" });
    let shown = code(&world, None, given, PHONE);
    completes(&world.client, &challenged, "smsCode", json!(shown)).data();
}

#[test]
fn a_link_opens_nothing_for_a_suspended_account() {
    let world = world();
    let owner = world.owner("owner");
    let ann = world.person("ann");
    world.proves(&ann, "email", MAIL);
    let token = link(&world);
    let input = json!({ "accountId": ann.id, "reason": "spam" });
    owner.does("suspendAccount", input, "");
    assert_eq!(opens(&world, &token).code(), "SESSIONS_SUSPENDED");
}

#[test]
fn so_many_links_go_to_an_address_in_an_hour_and_not_one_more() {
    let world = World::with(|it| {
        it.sign_in_links = true;
        it.rate_codes = 2;
    });
    for _ in 0..2 {
        asks(&world, MAIL).data();
    }
    assert_eq!(asks(&world, MAIL).code(), "RATE_LIMITED");
    asks(&world, "other@example.org").data();
}
