//! Threads: replies apart from the conversation, with their own counts, and messages moved there.

use serde_json::{Value, json};
use tests::{Answer, Person, Sent, World, long};

const SENT: &str = "message { id number seq threadId }";

/// Answers in a thread.
pub(crate) fn answers(who: &Person, conversation: &str, thread: &str, text: &str) -> Sent {
    let input = json!({ "conversationId": conversation, "threadId": thread, "text": text });
    let message = who.does("sendMessage", input, SENT)["message"].clone();
    assert_eq!(message["threadId"], thread);
    let id = message["id"].as_str().expect("an id").to_owned();
    Sent { id, number: long(&message["number"]), seq: long(&message["seq"]) }
}

/// Fields of the thread that begins at a message.
fn thread(who: &Person, root: &str, fields: &str) -> Value {
    who.sees_message(root, &format!("thread {{ {fields} }}"))["thread"].clone()
}

pub(crate) fn unread(who: &Person, root: &str) -> i64 {
    thread(who, root, "unreadCount")["unreadCount"].as_i64().expect("a count")
}

pub(crate) fn reads(who: &Person, root: &str, number: u64) -> Value {
    let input = json!({ "threadId": root, "number": number.to_string() });
    let wanted = "thread { viewerReadNumber unreadCount }";
    who.does("markThreadRead", input, wanted)["thread"].clone()
}

pub(crate) fn moves(
    who: &Person,
    conversation: &str,
    thread: Option<&str>,
    messages: &[&str],
) -> Answer {
    let input =
        json!({ "conversationId": conversation, "threadId": thread, "messageIds": messages });
    who.tries("moveToThread", input, "messages { id number threadId }")
}

/// The texts of a page of a thread.
fn texts(who: &Person, root: &str, arguments: &str) -> Vec<String> {
    let fields = format!("messages{arguments} {{ nodes {{ text }} }}");
    let nodes = thread(who, root, &fields)["messages"]["nodes"].clone();
    let nodes = nodes.as_array().expect("a page has nodes").iter();
    nodes.map(|it| it["text"].as_str().expect("a text").to_owned()).collect()
}

/// The roots of a page of a conversation's threads, with their cursors.
fn roots(who: &Person, conversation: &str, arguments: &str) -> (Vec<String>, Value) {
    let fields = format!(
        "threads{arguments} {{ edges {{ node {{ id unreadCount }} }} \
         pageInfo {{ hasPreviousPage hasNextPage startCursor endCursor }} }}"
    );
    let page = who.sees(conversation, &fields)["threads"].clone();
    let edges = page["edges"].as_array().expect("a page has edges").iter();
    let ids = edges.map(|it| it["node"]["id"].as_str().expect("an id").to_owned()).collect();
    (ids, page["pageInfo"].clone())
}

#[test]
fn a_thread_has_its_own_messages_and_its_own_unread_count() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = ann.sends(&group, "soup?");
    assert_eq!(thread(&bob, &root.id, "id"), Value::Null, "none has begun");
    let reply = answers(&ann, &group, &root.id, "or @bob salad");
    assert_eq!(reply.number, 2, "numbers are those of the conversation");
    let after = ann.sends(&group, "tea");
    assert_eq!((bob.unread(&group), unread(&bob, &root.id)), (2, 1));
    let listed = bob.all_messages(&group).into_keys().collect::<Vec<_>>();
    assert_eq!(listed, [root.number, after.number]);
    assert_eq!(texts(&bob, &root.id, ""), ["or @bob salad"]);
    assert_eq!(
        bob.sees(&group, "mentionCount lastMessage { text }"),
        json!({
            "mentionCount": 0, "lastMessage": { "text": "tea" },
        })
    );
    let fields = "id conversationId replyCount lastNumber mentionCount viewerReadNumber \
                  root { text } lastMessage { text }";
    assert_eq!(
        thread(&bob, &reply.id, fields),
        json!({
            "id": root.id, "conversationId": group, "replyCount": 1, "lastNumber": "2",
            "mentionCount": 1, "viewerReadNumber": "0", "root": { "text": "soup?" },
            "lastMessage": { "text": "or @bob salad" },
        })
    );
    assert_eq!(bob.reads(&group, 3), 0);
    assert_eq!(unread(&bob, &root.id), 1, "reading the conversation reads no thread");
    answers(&bob, &group, &root.id, "salad");
    assert_eq!((unread(&bob, &root.id), unread(&ann, &root.id)), (0, 1));
    ann.sends(&group, "more");
    let more = answers(&ann, &group, &root.id, "good");
    assert_eq!(reads(&bob, &root.id, more.number)["unreadCount"], 0);
    assert_eq!(bob.unread(&group), 1, "reading a thread reads no conversation");
    assert_eq!(reads(&bob, &root.id, 1)["viewerReadNumber"], json!(more.number.to_string()));
}

#[test]
fn who_comes_later_has_nothing_unread_of_before_and_who_has_left_sees_none() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = ann.sends(&group, "soup?");
    answers(&ann, &group, &root.id, "or salad");
    let eve = world.person("eve");
    assert_eq!(eve.sees_message(&root.id, "id"), Value::Null);
    ann.adds(&group, &[&eve]);
    assert_eq!((unread(&eve, &root.id), texts(&eve, &root.id, "")), (0, vec!["or salad".into()]));
    answers(&ann, &group, &root.id, "or tea");
    assert_eq!((unread(&eve, &root.id), unread(&bob, &root.id)), (1, 2));
    eve.leaves(&group).data();
    let mark = json!({ "threadId": root.id, "number": "2" });
    assert_eq!(eve.tries("markThreadRead", mark, "position").code(), "NOT_FOUND");
    ann.adds(&group, &[&eve]);
    assert_eq!(unread(&eve, &root.id), 0);
}

#[test]
fn frames_bring_replies_and_other_devices_hear_what_was_read() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let phone = bob.on_another_device();
    let root = ann.sends(&group, "soup?");
    let mut feed = phone.subscribes();
    let reply = answers(&ann, &group, &root.id, "or salad");
    let frame = feed.next();
    assert_eq!((frame.event(), frame.unread()), ("MessageSent", 1));
    assert_eq!(
        (&frame.change()["threadId"], &frame.change()["id"]),
        (&json!(root.id), &json!(reply.id))
    );
    reads(&bob, &root.id, reply.number);
    let frame = feed.next();
    assert_eq!((frame.event(), frame.unread()), ("ThreadReadMoved", 1));
    let expected = json!({ "__typename": "ThreadReadState", "threadId": root.id,
        "number": "2", "unreadCount": 0 });
    assert_eq!(frame.change(), &expected);
    ann.deletes(&reply.id);
    let frame = feed.next();
    assert_eq!((frame.event(), frame.unread()), ("MessageDeleted", 1));
    let mut socket =
        bob.hears("eventName change { ... on Message { thread { replyCount unreadCount } } }");
    answers(&ann, &group, &root.id, "or tea");
    let tests::Heard::Message(heard) = socket.hear() else { panic!("the socket is open") };
    let change = &heard["payload"]["data"]["updates"]["change"];
    assert_eq!(change["thread"], json!({ "replyCount": 1, "unreadCount": 1 }));
}

#[test]
fn the_thread_that_was_active_last_comes_first_page_by_page() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent: Vec<_> = (0..4).map(|it| ann.sends(&group, &format!("{it}")).id).collect();
    for root in [0, 1, 2, 3, 1] {
        world.passes(std::time::Duration::from_millis(5));
        answers(&ann, &group, &sent[root], "more");
    }
    let (first, info) = roots(&bob, &group, "(first: 3)");
    assert_eq!(first, [&*sent[1], &*sent[3], &*sent[2]]);
    assert_eq!((&info["hasPreviousPage"], &info["hasNextPage"]), (&json!(false), &json!(true)));
    let cursor = info["endCursor"].as_str().expect("a cursor");
    let (next, info) = roots(&bob, &group, &format!("(first: 3, after: \"{cursor}\")"));
    assert_eq!((next, &info["hasNextPage"]), (vec![sent[0].clone()], &json!(false)));
    let (last, info) = roots(&bob, &group, "(last: 2)");
    assert_eq!(last, [&*sent[2], &*sent[0]]);
    let cursor = info["startCursor"].as_str().expect("a cursor");
    let (before, _) = roots(&bob, &group, &format!("(last: 2, before: \"{cursor}\")"));
    assert_eq!(before, [&*sent[1], &*sent[3]]);
    let query =
        format!("{{ conversation(id: \"{group}\") {{ threads(first: 101) {{ __typename }} }} }}");
    assert_eq!(bob.asks(&query, json!({})).code(), "INVALID");
    assert_eq!(texts(&bob, &sent[1], "(last: 1)"), ["more"]);
    let unread = "messages(firstUnread: true, first: 1) { nodes { number } }";
    assert_eq!(thread(&bob, &sent[1], unread)["messages"]["nodes"], json!([{ "number": "6" }]));
}

#[test]
fn what_is_moved_keeps_its_id_its_links_and_what_it_was_given() {
    let world = World::new();
    let ([ann, bob, cat], group) = world.group("Lunch", ["ann", "bob", "cat"]);
    let root = ann.sends(&group, "soup?");
    let aside = bob.sends(&group, "aside @cat");
    cat.does("addReaction", json!({ "messageId": aside.id, "emoji": "👍" }), "__typename");
    let input = json!({ "conversationId": group, "text": "yes", "replyTo": aside.id });
    let link = cat.does("sendMessage", input, "message { id }")["message"]["id"].clone();
    let link = link.as_str().expect("an id").to_owned();
    ann.reads(&group, aside.number);
    let mut feed = ann.subscribes();
    bob.sends(&group, "after");
    assert_eq!(feed.next().unread(), 2);
    assert_eq!((ann.unread(&group), cat.unread(&group)), (2, 1));
    assert_eq!(moves(&bob, &group, Some(&root.id), &[&aside.id]).code(), "THREADS_FORBIDDEN");
    let answer = moves(&ann, &group, Some(&root.id), &[&aside.id, &link]);
    let expected = json!([
        { "id": aside.id, "number": "2", "threadId": root.id },
        { "id": link, "number": "3", "threadId": root.id },
    ]);
    assert_eq!(answer.data()["moveToThread"]["messages"], expected);
    let frames = [(); 2].map(|()| feed.next());
    for frame in &frames {
        let change = (frame.event(), &frame.change()["threadId"]);
        assert_eq!(change, ("MessageMoved", &json!(root.id)));
    }
    assert_eq!(frames[1].unread(), 1);
    let fields = "replyTo { id text } reactions { emoji count } mentions: entities { kind }";
    let seen = bob.sees_message(&link, fields);
    assert_eq!(seen["replyTo"], json!({ "id": aside.id, "text": "aside @cat" }));
    let given = bob.sees_message(&aside.id, "reactions { emoji count }");
    assert_eq!(given["reactions"], json!([{ "emoji": "👍", "count": 1 }]));
    assert_eq!(texts(&bob, &root.id, ""), ["aside @cat", "yes"]);
    assert_eq!(bob.all_messages(&group).into_keys().collect::<Vec<_>>(), [1, 4]);
    assert_eq!((ann.unread(&group), cat.unread(&group)), (1, 1));
    assert_eq!(unread(&ann, &root.id), 1, "what was read stays read");
    assert_eq!((unread(&bob, &root.id), unread(&cat, &root.id)), (0, 0));
    let late = moves(&ann, &group, None, &[&link]);
    assert_eq!(late.data()["moveToThread"]["messages"][0]["threadId"], Value::Null);
    let frame = feed.next();
    assert_eq!((frame.event(), frame.unread()), ("MessageMoved", 2));
    assert_eq!((ann.unread(&group), unread(&ann, &root.id)), (2, 0));
}

#[test]
fn a_thread_goes_on_when_its_root_is_deleted_and_nothing_is_nested() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = ann.sends(&group, "soup?");
    let reply = answers(&bob, &group, &root.id, "yes");
    let send = |thread: &str| {
        let input = json!({ "conversationId": group, "threadId": thread, "text": "x" });
        bob.tries("sendMessage", input, "position")
    };
    assert_eq!(send(&reply.id).code(), "MESSAGES_THREAD_NESTED");
    ann.deletes(&root.id);
    let empty = thread(&bob, &reply.id, "replyCount root { text deleted }");
    assert_eq!(empty, json!({ "replyCount": 1, "root": { "text": null, "deleted": true } }));
    answers(&bob, &group, &root.id, "still");
    assert_eq!(roots(&ann, &group, "").0, [&*root.id]);
    let lonely = ann.sends(&group, "gone soon");
    ann.deletes(&lonely.id);
    assert_eq!(send(&lonely.id).code(), "MESSAGES_THREAD_NOT_FOUND");
    let direct = ann.opens_direct(&bob);
    let input = json!({ "conversationId": direct, "threadId": root.id, "text": "x" });
    let elsewhere = ann.tries("sendMessage", input, "position");
    assert_eq!(elsewhere.code(), "MESSAGES_THREAD_NOT_FOUND");
}

#[test]
fn polls_places_cards_and_forwards_go_to_a_thread_too() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = ann.sends(&group, "soup?").id;
    let wanted = "message { threadId }";
    let to = |mut input: Value| {
        input["conversationId"] = json!(group);
        input["threadId"] = json!(root);
        input
    };
    let poll = to(json!({ "question": "Where?", "options": ["here", "there"] }));
    let place = json!({ "point": { "latitude": 1.0, "longitude": 2.0 } });
    let all = [
        ("sendPoll", poll),
        ("sendLocation", to(place)),
        ("sendContact", to(json!({ "name": "Eve", "emails": ["eve@example.org"] }))),
    ];
    for (name, input) in all {
        assert_eq!(ann.does(name, input, wanted)["message"]["threadId"], *root, "{name}");
    }
    let source = bob.sends(&group, "go on");
    let forward = to(json!({ "messageIds": [source.id] }));
    let forwarded = ann.does("forwardMessages", forward, "messages { threadId }");
    assert_eq!(forwarded["messages"], json!([{ "threadId": root }]));
    assert_eq!((bob.unread(&group), unread(&bob, &root)), (0, 4));
    assert_eq!(ann.unread(&group), 1);
}

#[test]
fn a_move_is_in_the_log_of_audit() {
    let world = World::new();
    let owner = world.owner("zoe");
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let root = ann.sends(&group, "soup?").id;
    let aside = bob.sends(&group, "aside").id;
    moves(&ann, &group, Some(&root), &[&aside]).data();
    let query =
        "{ auditLog(first: 100) { edges { node { action changes { field before after } } } } }";
    let log = owner.asks(query, json!({}));
    let edges = log.data()["auditLog"]["edges"].as_array().expect("edges").clone();
    let mut nodes = edges.iter().map(|it| &it["node"]);
    let moved = nodes.find(|it| it["action"] == "GROUP_MESSAGE_MOVED").expect("an entry");
    let change = json!({ "field": "thread", "before": null, "after": root });
    assert!(moved["changes"].as_array().expect("changes").contains(&change), "{moved}");
}
