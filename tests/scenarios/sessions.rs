//! Sessions: signing in, refreshing, and what ends a session.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Feed, PASSWORD, Person, World, fresh_id};

fn refreshes(world: &World, refresh_token: &str) -> Answer {
    let input = json!({ "refreshToken": refresh_token });
    world.client.change(None, "refresh", input, "accessToken refreshToken")
}

fn tokens(answer: &Answer) -> (String, String) {
    let payload = &answer.data()["refresh"];
    let text = |it: &Value| it.as_str().expect("a token").to_owned();
    (text(&payload["accessToken"]), text(&payload["refreshToken"]))
}

fn viewer(world: &World, token: &str) -> Answer {
    world.client.ask(Some(token), "{ viewer { id } }", json!({}))
}

#[test]
fn a_wrong_password_and_an_unknown_name_are_answered_alike() {
    let world = World::new();
    let _ann = world.person("ann");
    let wrong = Person::signs_in(&world.client, "ann", "wrong horse");
    let unknown = Person::signs_in(&world.client, "nobody", "wrong horse");
    assert_eq!(wrong.code(), "SESSIONS_SIGN_IN_FAILED");
    assert_eq!(wrong, unknown);
}

#[test]
fn each_device_is_a_session_that_its_person_sees() {
    let world = World::new();
    let ann = world.person("ann");
    let phone = ann.on_another_device();
    assert_eq!(phone.asks("{ viewer { id } }", json!({})).data()["viewer"]["id"], ann.id);
    let sessions = phone.asks("{ sessions { device current } }", json!({}));
    let expected =
        json!([{ "device": "test", "current": true }, { "device": "", "current": false }]);
    assert_eq!(sessions.data()["sessions"], expected);
}

#[test]
fn refreshing_gives_a_new_pair_and_a_lost_answer_can_be_asked_for_again() {
    let world = World::new();
    let ann = world.person("ann");
    let (access, second) = tokens(&refreshes(&world, &ann.refresh_token));
    assert_eq!(viewer(&world, &access).data()["viewer"]["id"], ann.id);
    let (_, again) = tokens(&refreshes(&world, &ann.refresh_token));
    assert_eq!(second, again, "within ten seconds the same successor comes again");
    let (_, third) = tokens(&refreshes(&world, &second));
    assert_ne!(second, third);
}

#[test]
fn a_refresh_token_that_is_used_several_times_at_once_has_one_successor() {
    let world = World::new();
    let ann = world.person("ann");
    let uses = (0..8).map(|_| || tokens(&refreshes(&world, &ann.refresh_token)).1);
    let mut successors = tests::at_once(uses);
    successors.dedup();
    assert_eq!(successors.len(), 1);
    tokens(&refreshes(&world, &successors[0]));
}

#[test]
fn an_old_refresh_token_ends_the_session_and_closes_its_sockets() {
    let world = World::new();
    let ann = world.person("ann");
    let (access, second) = tokens(&refreshes(&world, &ann.refresh_token));
    let mut socket = ann.greeted_socket();
    world.passes(Duration::from_secs(11));
    assert_eq!(refreshes(&world, &ann.refresh_token).code(), "SESSIONS_COMPROMISED");
    assert_eq!(socket.close_code(), Some(4401));
    assert_eq!(viewer(&world, &access).code(), "UNAUTHENTICATED");
    assert_eq!(refreshes(&world, &second).code(), "SESSIONS_ENDED");
}

#[test]
fn a_token_of_two_generations_ago_ends_the_session_at_once() {
    let world = World::new();
    let ann = world.person("ann");
    let (_, second) = tokens(&refreshes(&world, &ann.refresh_token));
    let (_, third) = tokens(&refreshes(&world, &second));
    assert_eq!(refreshes(&world, &ann.refresh_token).code(), "SESSIONS_COMPROMISED");
    assert_eq!(refreshes(&world, &third).code(), "SESSIONS_ENDED");
}

#[test]
fn signing_out_closes_open_sockets_and_ends_the_tokens_of_that_device_only() {
    let world = World::new();
    let ann = world.person("ann");
    let phone = ann.on_another_device();
    let mut on_phone = phone.subscribes();
    let mut at_desk = ann.subscribes();
    phone.does("signOut", json!({}), "sessionId");
    assert_eq!(on_phone.socket.close_code(), Some(4401));
    assert_eq!(viewer(&world, &phone.token).code(), "UNAUTHENTICATED");
    assert_eq!(refreshes(&world, &phone.refresh_token).code(), "SESSIONS_ENDED");
    let mut refused = phone.socket();
    refused.greet(&phone.token);
    assert_eq!(refused.close_code(), Some(4403));
    assert_eq!(at_desk.next().event(), "SessionEnded");
    assert_eq!(viewer(&world, &ann.token).data()["viewer"]["id"], ann.id);
}

#[test]
fn a_device_can_sign_out_another_of_its_person_and_nobody_elses() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let phone = ann.on_another_device();
    let listed = ann.asks("{ sessions { id current } }", json!({}));
    let listed = listed.data()["sessions"].as_array().expect("a list").clone();
    let other = listed.iter().find(|it| it["current"] == false).expect("the phone")["id"].clone();
    let theirs = bob.tries("signOut", json!({ "sessionId": other }), "sessionId");
    assert_eq!(theirs.code(), "NOT_FOUND");
    let never = format!("{}{}", &other.as_str().expect("an id")[..5], "0".repeat(26));
    let missing = bob.tries("signOut", json!({ "sessionId": never }), "sessionId");
    assert!(["NOT_FOUND", "INVALID"].contains(&missing.code()));
    ann.does("signOut", json!({ "sessionId": other }), "sessionId");
    assert_eq!(viewer(&world, &phone.token).code(), "UNAUTHENTICATED");
}

#[test]
fn an_expired_access_token_is_refused_and_a_refreshed_one_is_not() {
    let world = World::new();
    let ann = world.person("ann");
    world.passes(Duration::from_secs(9 * 60));
    assert_eq!(viewer(&world, &ann.token).data()["viewer"]["id"], ann.id);
    let mut socket = ann.greeted_socket();
    world.passes(Duration::from_secs(2 * 60));
    assert_eq!(viewer(&world, &ann.token).code(), "UNAUTHENTICATED");
    socket.subscribe("late", tests::UPDATES, json!({}));
    assert_eq!(socket.close_code(), Some(4403));
    let (access, _) = tokens(&refreshes(&world, &ann.refresh_token));
    let position = world.client.ask(Some(&access), "{ position }", json!({}));
    let position = position.data()["position"].as_str().expect("a position").to_owned();
    let group = json!({ "title": "Lunch", "clientId": fresh_id() });
    let mut feed = Feed::start(ann.socket(), &access, Some(&position), false);
    let made = world.client.change(Some(&access), "createGroup", group, "conversation { id }");
    made.data();
    assert_eq!(feed.next().event(), "GroupCreated");
}

#[test]
fn a_device_tells_its_app_and_platform_and_when_it_was_last_used() {
    let world = World::new();
    let ann = world.person("ann");
    let input = json!({
        "username": "ann", "password": PASSWORD,
        "device": "desk", "app": "parlance-cli 1.0", "platform": "Linux",
    });
    world.client.change(None, "signIn", input, "accessToken").data();
    world.passes(Duration::from_secs(60));
    tokens(&refreshes(&world, &ann.refresh_token));
    let query = "{ sessions { device app platform openedAt lastActiveAt confirmedAt } }";
    let listed = ann.asks(query, json!({}));
    let listed = listed.data()["sessions"].as_array().expect("a list");
    assert_eq!(listed[0]["app"], "parlance-cli 1.0");
    assert_eq!(listed[0]["platform"], "Linux");
    assert_eq!((&listed[1]["app"], &listed[1]["platform"]), (&Value::Null, &Value::Null));
    assert_ne!(listed[1]["lastActiveAt"], listed[1]["openedAt"]);
    assert_eq!(listed[1]["confirmedAt"], listed[1]["openedAt"]);
}

#[test]
fn a_session_tells_the_city_it_was_opened_from_where_the_operator_has_a_database() {
    let database = concat!(env!("CARGO_MANIFEST_DIR"), "/data/places.mmdb");
    let world = World::with(|it| it.places = Some(database.into()));
    let ann = world.person("ann").on_another_device();
    let listed = ann.asks("{ sessions { place } }", json!({}));
    let city = json!({ "place": "Looptown, Localia" });
    assert_eq!(listed.data()["sessions"], json!([city, city]));
    let unknowing = World::new();
    let bob = unknowing.person("bob");
    let listed = bob.asks("{ sessions { place } }", json!({}));
    assert_eq!(listed.data()["sessions"], json!([{ "place": null }]));
}

#[test]
fn all_other_sessions_end_together_and_then_all() {
    let world = World::new();
    let ann = world.person("ann");
    let others: Vec<_> = (0..3).map(|_| ann.on_another_device()).collect();
    let mut sockets: Vec<_> = others.iter().map(Person::greeted_socket).collect();
    ann.does("signOutAll", json!({}), "");
    for (other, socket) in others.iter().zip(&mut sockets) {
        assert_eq!(socket.close_code(), Some(4401));
        assert_eq!(viewer(&world, &other.token).code(), "UNAUTHENTICATED");
        assert_eq!(refreshes(&world, &other.refresh_token).code(), "SESSIONS_ENDED");
    }
    let left = ann.asks("{ sessions { current } }", json!({}));
    assert_eq!(left.data()["sessions"], json!([{ "current": true }]));
    let mut own = ann.greeted_socket();
    ann.does("signOutAll", json!({ "keepCurrent": false }), "");
    assert_eq!(own.close_code(), Some(4401));
    assert_eq!(viewer(&world, &ann.token).code(), "UNAUTHENTICATED");
}

#[test]
fn a_changed_password_is_the_only_one_and_signs_the_others_out() {
    let world = World::new();
    let ann = world.person("ann");
    let phone = ann.on_another_device();
    let change = |id: &str, current: &str, new: &str| {
        let input = json!({ "clientId": id, "currentPassword": current, "newPassword": new });
        ann.tries("changePassword", input, "")
    };
    let new = "a new horse for ann";
    assert_eq!(change(&fresh_id(), "wrong horse", new).code(), "ACCOUNTS_PASSWORD_WRONG");
    for weak in ["password", "12345678", "qwertyui", "ann12345"] {
        assert_eq!(change(&fresh_id(), PASSWORD, weak).code(), "ACCOUNTS_PASSWORD_WEAK", "{weak}");
    }
    let id = fresh_id();
    change(&id, PASSWORD, new).data();
    change(&id, PASSWORD, new).data();
    assert_eq!(change(&fresh_id(), PASSWORD, new).code(), "ACCOUNTS_PASSWORD_WRONG");
    assert_eq!(viewer(&world, &phone.token).code(), "UNAUTHENTICATED");
    assert_eq!(viewer(&world, &ann.token).data()["viewer"]["id"], ann.id);
    let old = Person::signs_in(&world.client, "ann", PASSWORD);
    assert_eq!(old.code(), "SESSIONS_SIGN_IN_FAILED");
    Person::signs_in(&world.client, "ann", new).data();
}

#[test]
fn a_session_ends_a_year_after_it_was_opened() {
    let world = World::new();
    let ann = world.person("ann");
    let mut refresh_token = ann.refresh_token.clone();
    for _ in 0..5 {
        world.passes(Duration::from_secs(73 * 24 * 3_600 - 60));
        (_, refresh_token) = tokens(&refreshes(&world, &refresh_token));
    }
    world.passes(Duration::from_secs(600));
    assert_eq!(refreshes(&world, &refresh_token).code(), "SESSIONS_ENDED");
}

#[test]
fn a_person_sees_what_happened_to_their_security_and_nobody_else_does() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let phone = ann.on_another_device();
    phone.does("signOut", json!({}), "sessionId");
    let input = json!({ "currentPassword": PASSWORD, "newPassword": "a new horse for ann" });
    ann.does("changePassword", input, "");
    let page = |who: &Person, arguments: &str| {
        let query = format!(
            "{{ activity{arguments} {{ pageInfo {{ hasNextPage }} \
             edges {{ cursor node {{ kind byStaff session {{ device ended }} }} }} }} }}"
        );
        who.asks(&query, json!({})).data()["activity"].clone()
    };
    let all = page(&ann, "");
    let edges = all["edges"].as_array().expect("a list").iter();
    let kinds: Vec<_> = edges.map(|it| it["node"]["kind"].clone()).collect();
    assert_eq!(kinds, ["PASSWORD_CHANGED", "SIGNED_OUT", "SIGNED_IN", "SIGNED_IN"]);
    let session = json!({ "device": "test", "ended": true });
    assert_eq!(all["edges"][1]["node"]["session"], session);
    let first = page(&ann, "(first: 3)");
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let cursor = first["edges"][2]["cursor"].as_str().expect("a cursor");
    let rest = page(&ann, &format!("(first: 3, after: \"{cursor}\")"));
    assert_eq!(rest["edges"], json!([all["edges"][3]]));
    let theirs = page(&bob, "");
    assert_eq!(theirs["edges"].as_array().map(Vec::len), Some(1), "bob's own");
}
