//! The instance: its first owner, roles, who may register, and who may not sign in.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, World};

fn grants(who: &Person, whom: &Person, role: &str) -> Answer {
    who.tries("grantRole", json!({ "accountId": whom.id, "role": role }), "staff { role }")
}

fn suspends(who: &Person, whom: &Person) -> Answer {
    let input = json!({ "accountId": whom.id, "reason": "spam" });
    who.tries("suspendAccount", input, "suspended")
}

fn lets_register(owner: &Person, mode: &str) {
    owner.does("changeSettings", json!({ "registration": mode }), "settings { registration }");
}

fn registers(world: &World, name: &str, more: Value) -> Answer {
    let mut input = json!({ "username": name, "displayName": name, "password": PASSWORD });
    let fields = more.as_object().expect("an object").clone();
    input.as_object_mut().expect("an object").extend(fields);
    world.client.change(None, "register", input, "account { id } accessToken")
}

#[test]
fn the_setup_link_makes_the_first_owner_and_nobody_after() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let token = world.setup_token().expect("a new instance has no owner");
    let wrong = ann.tries("claimSetup", json!({ "token": "x".repeat(43) }), "staff { role }");
    assert_eq!(wrong.code(), "INSTANCE_SETUP_INVALID");
    let staff = ann.does("claimSetup", json!({ "token": token }), "staff { account { id } role }");
    assert_eq!(staff["staff"], json!([{ "account": { "id": ann.id }, "role": "OWNER" }]));
    let late = bob.tries("claimSetup", json!({ "token": token }), "staff { role }");
    assert_eq!(late.code(), "INSTANCE_SETUP_DONE");
    assert_eq!(world.setup_token(), None);
}

#[test]
fn the_first_owner_registers_with_the_setup_link_and_it_is_printed_no_more() {
    let world = World::new();
    let token = world.setup_token().expect("a new instance has no owner");
    let wrong = registers(&world, "eve", json!({ "setup": "nothing" }));
    assert_eq!(wrong.code(), "INSTANCE_SETUP_INVALID");
    let everyone = registers(&world, "everyone", json!({ "setup": token }));
    assert_eq!(everyone.code(), "ACCOUNTS_USERNAME_RESERVED");
    let answer = registers(&world, "ann", json!({ "setup": token }));
    let access = answer.data()["register"]["accessToken"].as_str().expect("a token");
    let role = world.client.ask(Some(access), "{ viewerServerRole }", json!({}));
    assert_eq!(role.data()["viewerServerRole"], "OWNER");
    assert_eq!(world.setup_token(), None);
    let late = registers(&world, "eve", json!({ "setup": token }));
    assert_eq!(late.code(), "INSTANCE_SETUP_DONE");
}

#[test]
fn nobody_gives_what_they_lack() {
    let world = World::new();
    let ann = world.owner("ann");
    let [bob, cat] = world.people(["bob", "cat"]);
    assert_eq!(grants(&bob, &bob, "OWNER").code(), "INSTANCE_FORBIDDEN");
    grants(&ann, &bob, "ADMIN").data();
    assert_eq!(grants(&bob, &cat, "OWNER").code(), "INSTANCE_FORBIDDEN");
    assert_eq!(grants(&bob, &ann, "AUDITOR").code(), "INSTANCE_FORBIDDEN");
    grants(&bob, &cat, "MODERATOR").data();
    assert_eq!(grants(&cat, &cat, "ADMIN").code(), "INSTANCE_FORBIDDEN");
    let leaves = ann.tries("revokeRole", json!({ "accountId": ann.id }), "staff { role }");
    assert_eq!(leaves.code(), "INSTANCE_LAST_OWNER");
    let seen = cat.asks("{ staff { role } }", json!({}));
    let roles = json!([{ "role": "OWNER" }, { "role": "ADMIN" }, { "role": "MODERATOR" }]);
    assert_eq!(seen.data()["staff"], roles);
    cat.does("revokeRole", json!({ "accountId": cat.id }), "staff { role }");
    assert_eq!(cat.asks("{ staff { role } }", json!({})).code(), "INSTANCE_FORBIDDEN");
}

#[test]
fn what_concerns_everybody_asks_for_a_fresh_proof() {
    let world = World::new();
    let ann = world.owner("ann");
    world.passes(Duration::from_secs(601));
    let ann = ann.on_another_device();
    world.passes(Duration::from_secs(550));
    lets_register(&ann, "CLOSED");
    world.passes(Duration::from_secs(20));
    let refreshed =
        ann.tries("refresh", json!({ "refreshToken": ann.refresh_token }), "accessToken");
    let access = refreshed.data()["refresh"]["accessToken"].as_str().expect("a token").to_owned();
    world.passes(Duration::from_secs(60));
    let open = || {
        let input = json!({ "registration": "OPEN" });
        world.client.change(Some(&access), "changeSettings", input, "settings { registration }")
    };
    assert_eq!(open().code(), "SESSIONS_CONFIRM_FIRST");
    let confirm = |password: &str| {
        let input = json!({ "password": password });
        world.client.change(Some(&access), "confirm", input, "until")
    };
    assert_eq!(confirm("wrong horse").code(), "SESSIONS_CONFIRM_FAILED");
    confirm(PASSWORD).data();
    open().data();
}

#[test]
fn registration_is_open_by_invitation_or_closed() {
    let world = World::new();
    let ann = world.owner("ann");
    registers(&world, "bob", json!({})).data();
    lets_register(&ann, "CLOSED");
    let settings = world.client.ask(None, "{ settings { registration } }", json!({}));
    assert_eq!(settings.data()["settings"]["registration"], "CLOSED");
    let closed = "INSTANCE_REGISTRATION_CLOSED";
    assert_eq!(registers(&world, "cat", json!({})).code(), closed);
    lets_register(&ann, "INVITATION");
    assert_eq!(registers(&world, "cat", json!({})).code(), "INSTANCE_INVITATION_NEEDED");
    let made = ann.does("invitePeople", json!({ "uses": 2 }), "invitation { id code uses used }");
    let code = made["invitation"]["code"].as_str().expect("a code").to_owned();
    let mut forged = code.clone().into_bytes();
    forged[42] = if forged[42] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).expect("a text");
    for bad in ["", "x", &forged, &format!("{code}A"), "é"] {
        let refused = registers(&world, "cat", json!({ "invitation": bad }));
        assert_eq!(refused.code(), "INSTANCE_INVITATION_INVALID", "{bad}");
    }
    let answers = tests::at_once((0..6).map(|at| {
        let (world, code) = (&world, &code);
        move || registers(world, &format!("guest{at}"), json!({ "invitation": code }))
    }));
    let let_in = answers.iter().filter(|it| it.failure().is_none()).count();
    assert_eq!(let_in, 2, "an invitation lets in as many as it says");
    let listed = ann.asks("{ invitations { edges { node { used code } } } }", json!({}));
    let node = &listed.data()["invitations"]["edges"][0]["node"];
    assert_eq!((&node["used"], &node["code"]), (&json!(2), &json!(code)));
    let another = ann.does("invitePeople", json!({}), "invitation { id code }");
    let input = json!({ "invitationId": another["invitation"]["id"] });
    ann.does("revokeInvitation", input, "invitation { revoked }");
    let revoked = json!({ "invitation": another["invitation"]["code"] });
    assert_eq!(registers(&world, "cat", revoked).code(), "INSTANCE_INVITATION_INVALID");
}

#[test]
fn a_suspended_account_is_out_at_once_until_it_is_reinstated() {
    let world = World::new();
    let ann = world.owner("ann");
    let bob = world.person("bob");
    let mut socket = bob.greeted_socket();
    assert_eq!(suspends(&bob, &ann).code(), "INSTANCE_FORBIDDEN");
    assert_eq!(suspends(&ann, &ann).code(), "INSTANCE_FORBIDDEN");
    suspends(&ann, &bob).data();
    assert_eq!(socket.close_code(), Some(4401));
    assert_eq!(bob.asks("{ viewer { id } }", json!({})).code(), "UNAUTHENTICATED");
    let wrong = Person::signs_in(&world.client, "bob", "wrong horse");
    assert_eq!(wrong.code(), "SESSIONS_SIGN_IN_FAILED", "only who knows the password is told");
    assert_eq!(Person::signs_in(&world.client, "bob", PASSWORD).code(), "SESSIONS_SUSPENDED");
    ann.does("reinstateAccount", json!({ "accountId": bob.id }), "suspended");
    bob.on_another_device().asks("{ viewer { id } }", json!({})).data();
}

#[test]
fn who_deactivates_their_account_is_not_found_until_they_sign_in_again() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let finds = || {
        let found = ann.asks("{ account(username: \"bob\") { id } }", json!({}));
        found.data()["account"].clone()
    };
    let direct = ann.opens_direct(&bob);
    bob.sends(&direct, "hello");
    bob.does("deactivateAccount", json!({}), "");
    assert_eq!(bob.asks("{ viewer { id } }", json!({})).code(), "UNAUTHENTICATED");
    assert_eq!(finds(), Value::Null);
    let added = ann.creates_group("Lunch", &[]);
    let added = ann.adds(&added, &[&bob]);
    assert_eq!(added["failed"][0]["code"], "NOT_FOUND");
    let said = ann.sees(&direct, "messages { edges { node { sender { deactivated } } } }");
    let sender = &said["messages"]["edges"][0]["node"]["sender"];
    assert_eq!(sender["deactivated"], true, "what was said stays, with its author's name");
    bob.on_another_device();
    assert_eq!(finds(), json!({ "id": bob.id }));
}
