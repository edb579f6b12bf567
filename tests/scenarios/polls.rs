//! Polls: asked, answered by many at once, hidden, closed, in groups and between two.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Person, World, at_once, fresh_id};

const POLL: &str = "question options { index text count } voterCount multiple public quiz \
    hiddenUntilClosed revotable closed viewerChoices correctOption explanation";

/// Sends a poll and gives the id of its message.
fn asks(person: &Person, conversation: &str, rules: Value) -> String {
    let answer = tries_to_ask(person, conversation, rules);
    answer.data()["sendPoll"]["message"]["id"].as_str().expect("an id").to_owned()
}

fn tries_to_ask(person: &Person, conversation: &str, rules: Value) -> Answer {
    let mut input = json!({
        "conversationId": conversation, "question": "Where?", "options": ["here", "there", "no"],
    });
    let fields = input.as_object_mut().expect("an object");
    fields.extend(rules.as_object().cloned().unwrap_or_default());
    person.tries("sendPoll", input, "message { id text }")
}

fn tries_to_vote(person: &Person, poll: &str, options: &[i32]) -> Answer {
    let input = json!({ "messageId": poll, "options": options });
    person.tries("votePoll", input, &format!("poll {{ {POLL} }}"))
}

fn votes(person: &Person, poll: &str, options: &[i32]) -> Value {
    tries_to_vote(person, poll, options).data()["votePoll"]["poll"].clone()
}

fn tries_to_close(person: &Person, poll: &str) -> Answer {
    person.tries("closePoll", json!({ "messageId": poll }), "poll { closed options { count } }")
}

/// The poll of a message as somebody sees it.
fn seen(person: &Person, message: &str) -> Value {
    let fields = format!("content {{ __typename ... on Poll {{ {POLL} }} }}");
    person.sees_message(message, &fields)["content"].clone()
}

fn counts(poll: &Value) -> Vec<Value> {
    let options = poll["options"].as_array().expect("a poll has options").iter();
    options.map(|it| it["count"].clone()).collect()
}

/// The names of those who have chosen an option, page by page.
fn voters(person: &Person, poll: &str, option: i32, page: &str) -> Answer {
    let query = format!(
        "query($id: ID!) {{ pollVoters(messageId: $id, option: {option}{page}) {{ \
         nodes {{ account {{ username }} votedAt }} pageInfo {{ hasNextPage endCursor }} }} }}"
    );
    person.asks(&query, json!({ "id": poll }))
}

fn names(answer: &Answer) -> Vec<String> {
    let nodes = answer.data()["pollVoters"]["nodes"].as_array().cloned().expect("nodes");
    let name = |it: &Value| it["account"]["username"].as_str().expect("a name").to_owned();
    nodes.iter().map(name).collect()
}

#[test]
fn members_ask_and_answer_and_change_their_mind() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let poll = asks(&ann, &group, json!({ "multiple": true, "revotable": true }));
    let message = bob.sees_message(&poll, "text markdown reactions { emoji }");
    assert_eq!((&message["text"], &message["markdown"]), (&json!("Where?"), &json!("Where?")));
    assert_eq!(bob.unread(&group), 1);
    let expected = json!({
        "__typename": "Poll", "question": "Where?", "voterCount": 0, "multiple": true,
        "options": [
            { "index": 0, "text": "here", "count": 0 },
            { "index": 1, "text": "there", "count": 0 },
            { "index": 2, "text": "no", "count": 0 },
        ],
        "public": false, "quiz": false, "hiddenUntilClosed": false, "revotable": true,
        "closed": false, "viewerChoices": [], "correctOption": null, "explanation": null,
    });
    assert_eq!(seen(&bob, &poll), expected);
    let after = votes(&bob, &poll, &[2, 0]);
    assert_eq!(
        (counts(&after), &after["voterCount"]),
        (vec![1.into(), 0.into(), 1.into()], &json!(1))
    );
    assert_eq!(after["viewerChoices"], json!([0, 2]));
    assert_eq!(seen(&ann, &poll)["viewerChoices"], json!([]));
    assert_eq!(counts(&votes(&bob.on_another_device(), &poll, &[1])), [0, 1, 0]);
    assert_eq!(counts(&votes(&bob, &poll, &[])), [0, 0, 0]);
    let edit = json!({ "messageId": poll, "text": "Why?" });
    assert_eq!(ann.tries("editMessage", edit, "").code(), "MESSAGES_NOT_TEXT");
    ann.deletes(&poll);
    assert_eq!(seen(&bob, &poll), Value::Null);
    assert_eq!(tries_to_vote(&bob, &poll, &[1]).code(), "POLLS_MESSAGE_GONE");
}

#[test]
fn a_poll_is_sent_once_for_its_client_id_and_ballots_are_one_of_each() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let id = fresh_id();
    let both = at_once((0..4).map(|_| || asks(&ann, &group, json!({ "clientId": id }))));
    assert!(both.iter().all(|it| *it == both[0]));
    assert_eq!(ann.all_messages(&group).len(), 1);
    let poll = &both[0];
    let devices = [&bob, &bob.on_another_device()];
    let answers = at_once((0..12).map(|it| {
        let device = devices[it % 2];
        move || tries_to_vote(device, poll, &[i32::try_from(it % 3).expect("small")])
    }));
    let refused = answers.iter().filter_map(Answer::failure);
    assert!(refused.into_iter().all(|it| it == "POLLS_NO_REVOTE"));
    let poll = seen(&ann, poll);
    assert_eq!(poll["voterCount"], 1);
    assert_eq!(counts(&poll).iter().filter_map(Value::as_i64).sum::<i64>(), 1);
}

#[test]
fn a_thousand_vote_at_once_and_each_is_counted() {
    const VOTERS: usize = 1_000;
    let world = World::new();
    let ann = world.person("ann");
    let register = |part: usize| {
        let all = (part..VOTERS).step_by(8);
        all.map(|it| world.person(&format!("voter{it}"))).collect::<Vec<_>>()
    };
    let people: Vec<Person> =
        at_once((0..8).map(|it| move || register(it))).into_iter().flatten().collect();
    let group = ann.creates_group("Crowd", &[]);
    for some in people.chunks(500) {
        ann.adds(&group, &some.iter().collect::<Vec<_>>());
    }
    let poll = &asks(&ann, &group, json!({ "public": true }));
    let answers =
        at_once((0..).zip(&people).map(|(it, who)| move || tries_to_vote(who, poll, &[it % 3])));
    let failed: Vec<_> = answers.iter().filter_map(Answer::failure).collect();
    assert_eq!(failed, [""; 0]);
    let found = seen(&ann, poll);
    assert_eq!(
        (counts(&found), &found["voterCount"]),
        (vec![334.into(), 333.into(), 333.into()], &json!(1_000))
    );
    let mut distinct = std::collections::BTreeSet::new();
    for option in 0..3 {
        let mut page = ", first: 100".to_owned();
        loop {
            let answer = voters(&ann, poll, option, &page);
            distinct.extend(names(&answer));
            let info = &answer.data()["pollVoters"]["pageInfo"];
            if info["hasNextPage"] != true {
                break;
            }
            page = format!(", first: 100, after: {}", info["endCursor"]);
        }
    }
    assert_eq!(distinct.len(), VOTERS);
}

#[test]
fn a_vote_that_races_with_closing_is_counted_or_refused() {
    let world = World::new();
    let (people, group) = world.group("Lunch", ["ann", "bob", "cat", "dan", "eve", "fay"]);
    for _ in 0..5 {
        let poll = &asks(&people[0], &group, json!({}));
        let voted = at_once(people.iter().map(|it| {
            move || match it.name.as_str() {
                "ann" => {
                    tries_to_close(it, poll).data();
                    false
                }
                _ => match tries_to_vote(it, poll, &[1]).failure() {
                    None => true,
                    Some(code) => {
                        assert_eq!(code, "POLLS_CLOSED");
                        false
                    }
                },
            }
        }));
        let counted = voted.iter().filter(|it| **it).count();
        let found = seen(&people[1], poll);
        assert_eq!((&found["voterCount"], &found["closed"]), (&json!(counted), &json!(true)));
        assert_eq!(tries_to_vote(&people[1], poll, &[0]).code(), "POLLS_CLOSED");
        assert_eq!(counts(&seen(&people[1], poll))[1], json!(counted));
    }
}

#[test]
fn a_poll_closes_at_its_time() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let at = chat::kernel::Timestamp(world.now_ms() + 300_000).rfc3339();
    let poll = asks(&ann, &group, json!({ "closesAt": at, "hiddenUntilClosed": true }));
    votes(&bob, &poll, &[1]);
    assert_eq!(seen(&ann, &poll)["closed"], false);
    world.passes(Duration::from_secs(300));
    let found = seen(&ann, &poll);
    assert_eq!((&found["closed"], counts(&found)[1].as_i64()), (&json!(true), Some(1)));
    assert_eq!(tries_to_vote(&ann, &poll, &[1]).code(), "POLLS_CLOSED");
}

#[test]
fn of_an_anonymous_poll_nobody_learns_who_chose_what() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let selection = "eventName actorId change { ... on Poll { options { count } } }";
    for (public, told) in [(false, Value::Null), (true, json!(bob.id))] {
        let poll = asks(&ann, &group, json!({ "public": public }));
        let mut socket = ann.hears(selection);
        votes(&bob, &poll, &[1]);
        let frame = socket.expect_for("own", "next")["payload"]["data"]["updates"].clone();
        assert_eq!((&frame["eventName"], &frame["actorId"]), (&json!("VoteCast"), &told));
        assert_eq!(frame["change"]["options"][1]["count"], 1);
        let found = voters(&ann, &poll, 1, "");
        match public {
            true => assert_eq!(names(&found), ["bob"]),
            false => assert_eq!(found.code(), "POLLS_ANONYMOUS"),
        }
        assert_eq!(seen(&ann, &poll)["viewerChoices"], json!([]));
        assert_eq!(seen(&bob, &poll)["viewerChoices"], json!([1]));
    }
}

#[test]
fn hidden_results_are_told_to_nobody_before_the_poll_is_closed() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let poll = asks(&ann, &group, json!({ "hiddenUntilClosed": true, "public": true }));
    let mut heard = ann.subscribes();
    let own = votes(&bob, &poll, &[1]);
    for found in [own, seen(&ann, &poll), heard.next().change().clone()] {
        assert_eq!(counts(&found), vec![Value::Null; 3]);
        assert_eq!(found["voterCount"], Value::Null);
    }
    assert_eq!(voters(&ann, &poll, 1, "").code(), "POLLS_HIDDEN");
    assert_eq!(tries_to_close(&bob, &poll).code(), "POLLS_FORBIDDEN");
    let closed = tries_to_close(&ann, &poll);
    assert_eq!(counts(&closed.data()["closePoll"]["poll"]), [0, 1, 0]);
    let frame = heard.next();
    assert_eq!(
        (frame.event(), counts(frame.change())),
        ("PollClosed", vec![0.into(), 1.into(), 0.into()])
    );
    assert_eq!(names(&voters(&ann, &poll, 1, "")), ["bob"]);
}

#[test]
fn a_quiz_is_solved_for_who_has_answered() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let poll = asks(&ann, &group, json!({ "correctOption": 2, "explanation": "It is closed." }));
    let told = |it: &Value| (it["correctOption"].clone(), it["explanation"].clone());
    let (nothing, all) = ((Value::Null, Value::Null), (json!(2), json!("It is closed.")));
    assert_eq!(told(&seen(&bob, &poll)), nothing);
    assert_eq!(told(&votes(&bob, &poll, &[1])), all);
    assert_eq!(tries_to_vote(&bob, &poll, &[2]).code(), "POLLS_NO_REVOTE");
    assert_eq!(told(&seen(&cat, &poll)), nothing);
    tries_to_close(&ann, &poll).data();
    assert_eq!(told(&seen(&cat, &poll)), all);
}

#[test]
fn two_ask_each_other_unless_one_has_blocked_the_other_and_strangers_see_nothing() {
    let world = World::new();
    let [ann, bob, eve] = world.people(["ann", "bob", "eve"]);
    let talk = ann.opens_direct(&bob);
    let poll = asks(&ann, &talk, json!({ "public": true }));
    votes(&bob, &poll, &[0]);
    assert_eq!(tries_to_vote(&eve, &poll, &[0]).code(), "NOT_FOUND");
    assert_eq!(tries_to_close(&eve, &poll).code(), "NOT_FOUND");
    assert_eq!(tries_to_ask(&eve, &talk, json!({})).code(), "NOT_FOUND");
    assert_eq!(voters(&eve, &poll, 0, "").data()["pollVoters"], Value::Null);
    ann.does("blockAccount", json!({ "accountId": bob.id }), "contact { blockedSince }");
    assert_eq!(tries_to_vote(&bob, &poll, &[1]).code(), "POLLS_REFUSED");
    assert_eq!(tries_to_vote(&ann, &poll, &[1]).code(), "POLLS_BLOCKED");
    assert_eq!(tries_to_ask(&bob, &talk, json!({})).code(), "MESSAGES_REFUSED");
}

#[test]
fn who_has_left_is_not_told_what_was_chosen_after() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let poll = asks(&ann, &group, json!({ "revotable": true }));
    let start = bob.position();
    votes(&ann, &poll, &[0]);
    bob.leaves(&group).data();
    votes(&ann, &poll, &[1]);
    let mut feed = bob.resumes(&start);
    let (cast, left) = (feed.next(), feed.next());
    assert_eq!((cast.event(), cast.change()), ("VoteCast", &Value::Null));
    assert_eq!(left.event(), "MemberLeft");
    assert_eq!(seen(&ann, &poll)["voterCount"], 1);
}
