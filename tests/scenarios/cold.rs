//! Conversations where nothing has happened for long: packed away, and read as if they were not.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ports::clock::Stopwatch;
use serde_json::{Value, json};
use tests::{Person, TOO_LONG, World, long, within};

const MESSAGES: u64 = 120;

/// How long nothing has to have happened.
const COLD: Duration = Duration::from_secs(60);

/// How long the first page of a cold conversation may take, in seconds.
const FIRST_PAGE_MAX: f64 = 2.0;

/// What is packed is counted for the whole process: the tests of this file take turns.
static ALONE: Mutex<()> = Mutex::new(());

const ALL: &str = "id number text sender { id } entities { kind offset length } sentAt editedAt \
    reactions { emoji count } replyTo { id text } thread { replyCount }";

fn metric(world: &World, name: &str) -> u64 {
    let metrics = world.metrics();
    let line = metrics.lines().find_map(|it| it.strip_prefix(name)?.trim().parse::<f64>().ok());
    line.unwrap_or(0.0) as u64
}

fn packed(world: &World) -> u64 {
    metric(world, "parlance_documents_packed_total ")
}

/// Waits until so many documents more are packed.
fn packs(world: &World, before: u64, more: u64) {
    within(TOO_LONG, || {
        let packed = packed(world);
        if packed < before + more { Err(format!("{packed} are packed")) } else { Ok(()) }
    });
}

fn newest(person: &Person, group: &str) -> Value {
    person.sees(group, &format!("unreadCount messages(last: 50) {{ nodes {{ {ALL} }} }}"))
}

/// Everything of a conversation that its pages show.
fn pages(person: &Person, group: &str) -> Vec<Value> {
    let page = |arguments: &str| {
        let fields =
            format!("messages({arguments}) {{ nodes {{ {ALL} }} pageInfo {{ endCursor }} }}");
        person.sees(group, &fields)
    };
    let mut pages = vec![newest(person, group), page("first: 100")];
    let cursor = pages[1]["messages"]["pageInfo"]["endCursor"].as_str().expect("a cursor");
    let rest = page(&format!("first: 100, after: \"{cursor}\""));
    pages.push(rest);
    pages
}

/// The texts of a conversation by their numbers.
fn texts(person: &Person, group: &str) -> BTreeMap<u64, Value> {
    let [_, pages @ ..] = &pages(person, group)[..] else { return BTreeMap::new() };
    let nodes = pages.iter().flat_map(|it| it["messages"]["nodes"].as_array().expect("a list"));
    nodes.map(|it| (long(&it["number"]), it["text"].clone())).collect()
}

#[test]
fn a_cold_conversation_is_packed_and_read_as_before() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = u32::try_from(COLD.as_secs()).expect("it fits");
    let world = World::with(|it| it.pack_after_seconds = seconds);
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let start = bob.position();
    let sent: Vec<_> = (0..MESSAGES).map(|n| ann.sends(&group, &format!("**no** {n}"))).collect();
    bob.does("addReaction", json!({ "messageId": sent[7].id, "emoji": "👍" }), "position");
    ann.edits(&sent[8].id, "changed");
    ann.deletes(&sent[9].id);
    let last = sent.last().expect("a message");
    let heard = |after: &str| bob.resumes(after).until(&group, last.seq + 3);
    let (before, frames) = (pages(&bob, &group), heard(&start));
    assert_eq!(frames.len() as u64, MESSAGES + 3);
    let count = packed(&world);
    world.passes(COLD);
    packs(&world, count, 2 * MESSAGES);
    // Its first page comes soon, and is the same to the byte; so is all else, and the feed.
    let started = Stopwatch::start();
    assert_eq!(newest(&bob, &group), before[0]);
    assert!(started.seconds() < FIRST_PAGE_MAX, "{} s", started.seconds());
    assert!(metric(&world, "parlance_packs_opened_total ") > 0);
    let text = |it: &[Value]| it.iter().map(Value::to_string).collect::<Vec<_>>();
    assert_eq!(text(&pages(&bob, &group)), text(&before));
    let again = heard(&start);
    let frames_as = |it: &[tests::Frame]| it.iter().map(|it| it.0.to_string()).collect::<Vec<_>>();
    assert_eq!(frames_as(&again), frames_as(&frames));
}

#[test]
fn a_cold_conversation_goes_on_as_if_it_had_not_been_cold() {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seconds = u32::try_from(COLD.as_secs()).expect("it fits");
    let mut world = World::with(|it| it.pack_after_seconds = seconds);
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let client_id = tests::fresh_id();
    ann.tries_to_send(&group, &client_id, "once");
    let sent: Vec<_> = (0..MESSAGES).map(|n| ann.sends(&group, &format!("no {n}"))).collect();
    let count = packed(&world);
    world.passes(COLD);
    packs(&world, count, 2 * MESSAGES);
    // What is repeated is recognised, by events that are packed.
    world.restarts();
    assert_eq!(
        ann.tries_to_send(&group, &client_id, "once").data()["sendMessage"]["message"]["number"],
        "1"
    );
    // What is changed is read changed, and the rest stays; what is gone is gone.
    assert_eq!(bob.unread(&group), i64::try_from(MESSAGES).expect("it fits") + 1);
    ann.edits(&sent[3].id, "changed");
    ann.deletes(&sent[4].id);
    bob.does("addReaction", json!({ "messageId": sent[5].id, "emoji": "👍" }), "position");
    let later = ann.sends(&group, "later");
    assert_eq!(later.number, MESSAGES + 2);
    let all = texts(&bob, &group);
    assert_eq!(all.len() as u64, MESSAGES + 1);
    assert_eq!((&all[&5], all.get(&6)), (&json!("changed"), None));
    assert_eq!((&all[&4], &all[&7]), (&json!("no 2"), &json!("no 5")));
    // It grows cold once more: what has come is packed beside the rest.
    let count = packed(&world);
    world.passes(COLD);
    packs(&world, count, 4);
    assert_eq!(texts(&bob, &group), all);
}
