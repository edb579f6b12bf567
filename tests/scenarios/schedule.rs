//! Messages that are sent at a time: once, then, and seen by nobody before.

use std::time::Duration;

use serde_json::{Value, json};
use tests::{Answer, Person, TOO_LONG, World, at_once, found, until, within};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3_600);

/// How late what is due may come.
const LATE_MAX: Duration = Duration::from_secs(2);

fn schedules(person: &Person, conversation: &str, text: &str, at: &str) -> String {
    let input = json!({ "conversationId": conversation, "text": text, "at": at });
    let made = person.does("scheduleMessage", input, "scheduled { id }");
    made["scheduled"]["id"].as_str().expect("an id").to_owned()
}

fn tries(person: &Person, name: &str, id: &str, more: Value) -> Answer {
    let mut input = json!({ "scheduledId": id });
    let given = more.as_object().expect("an object").clone();
    input.as_object_mut().expect("an object").extend(given);
    person.tries(name, input, "scheduled { id markdown at state failure messageId }")
}

fn listed(person: &Person, conversation: Option<&str>) -> Vec<Value> {
    let query = "query($id: ID) { scheduledMessages(conversationId: $id) { edges { node { \
                 id markdown state failure } } } }";
    let answer = person.asks(query, json!({ "id": conversation }));
    let edges = answer.data()["scheduledMessages"]["edges"].as_array().expect("a list").clone();
    edges.into_iter().map(|it| it["node"].clone()).collect()
}

/// Texts of a conversation in order, once there are so many; they come in time.
fn texts(person: &Person, conversation: &str, count: usize, late_max: Duration) -> Vec<String> {
    within(late_max, || {
        let seen = person.sees(conversation, "messages(first: 100) { nodes { text } }");
        let nodes = seen["messages"]["nodes"].as_array().expect("a list").iter();
        let texts: Vec<_> = nodes.filter_map(|it| it["text"].as_str().map(str::to_owned)).collect();
        if texts.len() < count { Err(format!("{} of {count}", texts.len())) } else { Ok(texts) }
    })
}

/// Waits until what was scheduled has come to a state.
fn comes_to(person: &Person, id: &str, state: &str) -> Value {
    within(TOO_LONG, || {
        let all = listed(person, None);
        let found = all.into_iter().find(|it| it["id"] == id).unwrap_or(Value::Null);
        if found["state"] == state { Ok(found) } else { Err(format!("it is {found}")) }
    })
}

/// Waits until it is noted of all but so many what became of them.
fn left(person: &Person, count: usize) {
    within(TOO_LONG, || {
        let listed = listed(person, None);
        if listed.len() == count { Ok(()) } else { Err(format!("{listed:?}")) }
    });
}

#[test]
fn who_is_not_there_when_it_is_sent_has_read_nothing_by_that() {
    let world = World::new();
    let [ann, bob] = world.people(["ann", "bob"]);
    let direct = ann.opens_direct(&bob);
    ann.sends(&direct, "hello");
    let mut own = bob.subscribes();
    for at in [60, 61, 62] {
        schedules(&bob, &direct, &format!("{at}"), &world.in_seconds(at));
    }
    let asked = ann.sends(&direct, "urgent?");
    world.passes(MINUTE + Duration::from_secs(3));
    assert_eq!(texts(&bob, &direct, 5, TOO_LONG).len(), 5);
    left(&bob, 0);
    let mut frames =
        std::iter::from_fn(|| Some(own.next())).filter(|it| it.event() == "MessageSent");
    let counts: Vec<_> = frames.by_ref().take(4).map(|it| it.unread()).collect();
    assert_eq!(counts, [2, 2, 2, 2]);
    assert_eq!(bob.unread(&direct), 2);
    let readers = "query($id: ID!) { readers(messageId: $id) { count } }";
    let readers = |of: &str| ann.asks(readers, json!({ "id": of })).data()["readers"].clone();
    assert_eq!(readers(&asked.id), json!({ "count": 0 }));
    let (page, _) = bob.page(&direct, "first: 100");
    bob.deletes(&page[2].1);
    bob.hides(&page[3].1);
    assert_eq!(bob.unread(&direct), 2, "what is gone was counted no more");
    assert_eq!(bob.reads(&direct, 1), 1);
    ann.sends(&direct, "well?");
    assert_eq!(bob.unread(&direct), 2);
    bob.sends(&direct, "here");
    assert_eq!((bob.unread(&direct), readers(&asked.id)), (0, json!({ "count": 1 })));
}

#[test]
fn it_is_its_authors_alone_until_its_time_and_then_a_message_like_any_other() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let phone = ann.on_another_device();
    let (mut own, mut others) = (phone.subscribes(), bob.subscribes());
    let input = json!({ "conversationId": group, "text": "**soon** @bob", "silent": true,
        "expiresIn": 600, "at": world.in_seconds(120) });
    let wanted = "scheduled { id state markdown silent expiresIn conversationId }";
    let made = ann.does("scheduleMessage", input, wanted)["scheduled"].clone();
    assert_eq!((made["state"].as_str(), made["silent"].as_bool()), (Some("WAITING"), Some(true)));
    assert_eq!((&made["markdown"], &made["expiresIn"]), (&json!("**soon** @bob"), &json!(600)));
    let id = made["id"].as_str().expect("an id");
    let told = own.next();
    assert_eq!((told.event(), told.change()["id"].as_str()), ("MessageScheduled", Some(id)));
    assert!(listed(&bob, None).is_empty() && texts(&bob, &group, 0, LATE_MAX).is_empty());
    assert_eq!(tries(&bob, "cancelScheduled", id, json!({})).code(), "NOT_FOUND");
    world.passes(MINUTE);
    assert_eq!(listed(&ann, Some(&group)).len(), 1);
    world.passes(MINUTE);
    assert_eq!(texts(&bob, &group, 1, LATE_MAX), ["soon @bob"]);
    let sent = others.next();
    assert_eq!((sent.event(), sent.unread()), ("MessageSent", 1));
    let message = sent.change()["id"].as_str().expect("an id");
    let seen = bob.sees_message(message, "silent expiresAt sender { id }");
    assert_eq!((&seen["silent"], &seen["sender"]["id"]), (&json!(true), &json!(ann.id)));
    assert!(seen["expiresAt"].is_string());
    let noted = loop {
        let frame = own.next();
        if frame.event() == "ScheduledSent" {
            break frame.change().clone();
        }
    };
    let expected = json!({ "__typename": "ScheduledMessage", "id": id, "state": "SENT",
        "markdown": null, "messageId": message });
    assert_eq!(noted, expected);
    assert!(listed(&ann, None).is_empty());
    assert!(world.metrics().contains("parlance_timer_lag_seconds"));
}

#[test]
fn its_author_changes_moves_cancels_and_sends_it_at_once() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let at = world.in_seconds(60);
    let [changed, cancelled, moved, now] =
        ["one", "two", "three", "four"].map(|it| schedules(&ann, &group, it, &at));
    tries(&ann, "changeScheduled", &changed, json!({ "text": "uno" })).data();
    tries(&ann, "cancelScheduled", &cancelled, json!({})).data();
    let later = json!({ "at": world.in_seconds(120) });
    tries(&ann, "changeScheduled", &moved, later).data();
    tries(&ann, "sendScheduledNow", &now, json!({})).data();
    assert_eq!(texts(&bob, &group, 1, LATE_MAX), ["four"]);
    world.passes(MINUTE);
    assert_eq!(texts(&bob, &group, 2, LATE_MAX), ["four", "uno"]);
    left(&ann, 1);
    world.passes(MINUTE);
    assert_eq!(texts(&bob, &group, 3, LATE_MAX), ["four", "uno", "three"]);
    left(&ann, 0);
    assert_eq!(tries(&ann, "cancelScheduled", &moved, json!({})).code(), "SCHEDULE_OVER");
}

#[test]
fn it_is_listed_page_by_page_in_the_order_of_its_times() {
    let world = World::new();
    let ([ann, _], group) = world.group("Lunch", ["ann", "bob"]);
    let saved = ann.opens_direct(&ann);
    for (seconds, conversation) in [(300, &group), (100, &saved), (200, &group)] {
        schedules(&ann, conversation, &format!("in {seconds}"), &world.in_seconds(seconds));
    }
    let page = |after: Value| {
        let query = "query($after: String) { scheduledMessages(first: 2, after: $after) { \
                     nodes { markdown } pageInfo { hasNextPage endCursor } } }";
        ann.asks(query, json!({ "after": after })).data()["scheduledMessages"].clone()
    };
    let first = page(Value::Null);
    assert_eq!(first["nodes"], json!([{ "markdown": "in 100" }, { "markdown": "in 200" }]));
    assert_eq!(first["pageInfo"]["hasNextPage"], true);
    let rest = page(first["pageInfo"]["endCursor"].clone());
    assert_eq!(rest["nodes"], json!([{ "markdown": "in 300" }]));
    assert_eq!(rest["pageInfo"]["hasNextPage"], false);
    assert_eq!(listed(&ann, Some(&group)).len(), 2);
}

#[test]
fn a_cancellation_in_the_last_moment_is_heeded_or_refused() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let at = world.in_seconds(60);
    let all: Vec<_> =
        (0..20).map(|it| (schedules(&ann, &group, &format!("{it}"), &at), it)).collect();
    world.passes(MINUTE);
    let cancelled = at_once(all.iter().map(|(id, n)| {
        let ann = &ann;
        move || match tries(ann, "cancelScheduled", id, json!({})).failure() {
            None => Some(n.to_string()),
            Some("SCHEDULE_SENDING" | "SCHEDULE_OVER") => None,
            Some(other) => panic!("{other}"),
        }
    }));
    let cancelled: Vec<String> = cancelled.into_iter().flatten().collect();
    let sent = texts(&bob, &group, 20 - cancelled.len(), TOO_LONG);
    let mut both = [sent, cancelled].concat();
    both.sort_by_key(|it| it.parse::<u32>().expect("a number"));
    let expected: Vec<_> = (0..20).map(|it: u32| it.to_string()).collect();
    assert_eq!(both, expected, "each was sent once, or cancelled");
    left(&ann, 0);
}

#[test]
fn what_can_not_be_sent_tells_its_author_why_and_waits() {
    let world = World::new();
    let owner = world.owner("owner");
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let direct = bob.opens_direct(&ann);
    let at = world.in_seconds(60);
    let left = schedules(&bob, &group, "bye", &at);
    let refused = schedules(&bob, &direct, "hi", &at);
    let suspended = schedules(&cat, &group, "hm", &at);
    bob.leaves(&group).data();
    ann.does("blockAccount", json!({ "accountId": bob.id }), "__typename");
    let spam = json!({ "accountId": cat.id, "reason": "spam" });
    owner.does("suspendAccount", spam, "suspended");
    world.passes(MINUTE);
    assert_eq!(comes_to(&bob, &left, "FAILED")["failure"], "NOT_FOUND");
    assert_eq!(comes_to(&bob, &refused, "FAILED")["failure"], "MESSAGES_REFUSED");
    owner.does("reinstateAccount", json!({ "accountId": cat.id }), "suspended");
    let cat = cat.on_another_device();
    assert_eq!(comes_to(&cat, &suspended, "FAILED")["failure"], "SCHEDULE_SUSPENDED");
    assert!(texts(&ann, &group, 0, LATE_MAX).is_empty());
    tries(&cat, "sendScheduledNow", &suspended, json!({})).data();
    assert_eq!(texts(&ann, &group, 1, LATE_MAX), ["hm"]);
    tries(&bob, "cancelScheduled", &left, json!({})).data();
    assert_eq!(listed(&bob, None).len(), 1);
}

#[test]
fn a_clock_that_jumps_sends_nothing_twice_and_nothing_late() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    schedules(&ann, &group, "in half an hour", &world.in_seconds(1_800));
    schedules(&ann, &group, "in an hour and a half", &world.in_seconds(5_400));
    world.goes_back(HOUR);
    std::thread::sleep(Duration::from_millis(1_500));
    world.passes(HOUR);
    assert!(texts(&bob, &group, 0, LATE_MAX).is_empty());
    world.passes(HOUR);
    let bob = bob.on_another_device();
    assert_eq!(texts(&bob, &group, 1, LATE_MAX), ["in half an hour"]);
    world.goes_back(HOUR);
    world.passes(HOUR / 2);
    let bob = bob.on_another_device();
    std::thread::sleep(Duration::from_millis(1_500));
    assert_eq!(texts(&bob, &group, 1, LATE_MAX), ["in half an hour"]);
    world.passes(HOUR);
    let bob = bob.on_another_device();
    assert_eq!(texts(&bob, &group, 2, LATE_MAX), ["in half an hour", "in an hour and a half"]);
}

#[test]
fn what_is_due_while_nobody_serves_is_sent_once_by_whoever_comes_next() {
    let mut world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let saved = ann.opens_direct(&ann);
    let mut ids = Vec::new();
    for n in 0..30 {
        let conversation = if n % 3 == 0 { &saved } else { &group };
        ids.push(schedules(&ann, conversation, &format!("{n}"), &world.in_seconds(60)));
    }
    world.passes(MINUTE);
    for _ in 0..3 {
        world.restarts();
    }
    let mut all = texts(&bob, &group, 20, TOO_LONG);
    all.extend(texts(&ann, &saved, 10, TOO_LONG));
    all.sort_by_key(|it| it.parse::<u32>().expect("a number"));
    assert_eq!(all, (0..30).map(|it: u32| it.to_string()).collect::<Vec<_>>());
}

#[test]
fn what_goes_to_a_thread_is_sent_there() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = ann.sends(&group, "where?").id;
    let input = |thread: &str| {
        json!({ "conversationId": group, "text": "there", "threadId": thread,
            "at": world.in_seconds(60) })
    };
    let made = bob.does("scheduleMessage", input(&root), "scheduled { id threadId }");
    assert_eq!(made["scheduled"]["threadId"], root);
    let nowhere = bob.tries("scheduleMessage", input(&group.replace("conv", "msg")), "position");
    assert_eq!(nowhere.code(), "SCHEDULE_THREAD_NOT_FOUND");
    world.passes(MINUTE);
    let query = "query($id: ID!) { message(id: $id) { thread { replyCount } } }";
    until("it is not sent", || {
        let message = ann.asks(query, json!({ "id": root })).data()["message"].clone();
        message["thread"]["replyCount"] == 1
    });
    assert_eq!(texts(&ann, &group, 1, LATE_MAX), ["where?"]);
}

#[test]
fn files_wait_with_it_and_come_with_it() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let [file, other] = ["a.txt", "b.txt"].map(|it| ann.uploads(it, "text/plain", it.as_bytes()));
    let wish = |file: &str| {
        let attachments = json!([{ "fileId": file, "kind": "DOCUMENT" }]);
        let at = world.in_seconds(3 * 24 * 3_600);
        json!({ "conversationId": group, "text": "", "attachments": attachments, "at": at })
    };
    let refused = bob.tries("scheduleMessage", wish(&file), "position");
    assert_eq!(refused.code(), "ATTACHMENTS_FILE_NOT_FOUND");
    let wanted = "scheduled { id attachments { kind version file { name url } } }";
    let made = ann.does("scheduleMessage", wish(&file), wanted)["scheduled"].clone();
    let shown = &made["attachments"][0];
    assert_eq!((&shown["kind"], &shown["version"]), (&json!("DOCUMENT"), &json!(1)));
    let link = shown["file"]["url"].as_str().expect("a link");
    assert_eq!((ann.follows(link, &[]).body, bob.file(&file)), (b"a.txt".to_vec(), Value::Null));
    let cancelled = ann.does("scheduleMessage", wish(&other), "scheduled { id }");
    let cancelled = cancelled["scheduled"]["id"].as_str().expect("an id");
    // Longer than files are kept that nothing uses.
    world.passes(2 * 24 * HOUR);
    let ann = ann.on_another_device();
    for it in [&file, &other] {
        until("it is said to go", || ann.file(it)["until"].is_null());
    }
    tries(&ann, "cancelScheduled", cancelled, json!({})).data();
    world.passes_until_gone(&other);
    world.passes(24 * HOUR);
    let [ann, bob] = [ann, bob].map(|it| it.on_another_device());
    let message = found("it is not sent", || bob.all_messages(&group).into_values().next());
    left(&ann, 0);
    // Longer than files are kept that nothing uses any more.
    world.passes(2 * MINUTE);
    let links = bob.attached_links(&message);
    let link = links[0].as_ref().expect("a link");
    assert_eq!(bob.follows(link, &[]).body, b"a.txt");
    let input = json!({ "messageId": message, "forEveryone": true });
    ann.does("deleteMessage", input, "position");
    world.passes_until_gone(&file);
    assert_eq!(ann.storage(), (0, 0, 0));
}
