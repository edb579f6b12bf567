//! Paging: any walk yields each live message exactly once, while others send and delete.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;
use tests::{Dice, Person, World};

/// Walks all pages in one direction, with a page size of its own each time.
fn walk(person: &Person, group: &str, dice: &mut Dice, backward: bool) -> Vec<u64> {
    let mut seen = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let size = 1 + dice.below(100);
        let (count, from, more, end) = match backward {
            true => ("last", "before", "hasPreviousPage", "startCursor"),
            false => ("first", "after", "hasNextPage", "endCursor"),
        };
        let from = cursor.map(|it| format!(", {from}: \"{it}\"")).unwrap_or_default();
        let (page, info) = person.page(group, &format!("{count}: {size}{from}"));
        let numbers: Vec<u64> = page.iter().map(|(number, _)| *number).collect();
        assert!(numbers.is_sorted(), "a page rises: {numbers:?}");
        assert!(info[more] == false || page.len() == size, "a page is full unless at the end");
        match backward {
            true => seen.extend(numbers.iter().rev()),
            false => seen.extend(&numbers),
        }
        if info[more] != true {
            return seen;
        }
        cursor = Some(info[end].as_str().expect("a full page has an end").to_owned());
    }
}

#[test]
fn any_walk_yields_each_live_message_once_while_others_send_and_delete() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent: Vec<_> = (0..300).map(|it| ann.sends(&group, &format!("message {it}"))).collect();
    let mut dice = Dice::new(17);
    let hidden: BTreeSet<u64> = (0..40).map(|_| sent[dice.below(300)].number).collect();
    hidden.iter().for_each(|it| bob.hides(&sent[usize::try_from(it - 1).expect("it fits")].id));
    // Every third message may go while the walks are on; the others stay.
    let stays: BTreeSet<u64> = (1..=300).filter(|it| it % 3 != 0 && !hidden.contains(it)).collect();
    let walked = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for doomed in sent.iter().filter(|it| it.number % 3 == 0) {
                ann.deletes(&doomed.id);
                ann.sends(&group, "later");
                if walked.load(Ordering::SeqCst) {
                    break;
                }
            }
        });
        for round in 0..6 {
            let seen = walk(&bob, &group, &mut dice, round % 2 == 0);
            let once: BTreeSet<u64> = seen.iter().copied().collect();
            assert_eq!(once.len(), seen.len(), "a message came twice");
            assert!(once.is_disjoint(&hidden), "a hidden message came");
            let missing: Vec<_> = stays.difference(&once).collect();
            assert!(missing.is_empty(), "missing: {missing:?}");
        }
        walked.store(true, Ordering::SeqCst);
    });
    let forwards = walk(&bob, &group, &mut dice, false);
    let mut backwards = walk(&bob, &group, &mut dice, true);
    backwards.reverse();
    assert_eq!(forwards, backwards);
}

#[test]
fn a_page_is_centred_on_a_number_a_date_or_the_first_unread() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let mut times = Vec::new();
    for at in 0..40 {
        world.passes(std::time::Duration::from_secs(10));
        let sent = ann.sends(&group, &format!("message {at}"));
        times.push(ann.sees_message(&sent.id, "sentAt")["sentAt"].clone());
    }
    let numbers = |arguments: &str| -> Vec<u64> {
        bob.page(&group, arguments).0.into_iter().map(|(number, _)| number).collect()
    };
    assert_eq!(numbers("first: 6, around: \"20\""), (17..=22).collect::<Vec<_>>());
    assert_eq!(numbers("first: 6, around: 20"), (17..=22).collect::<Vec<_>>());
    let date = times[29].as_str().expect("a time");
    let from_date = numbers(&format!("first: 4, aroundDate: \"{date}\""));
    assert_eq!(from_date, [28, 29, 30, 31]);
    bob.reads(&group, 10);
    assert_eq!(numbers("first: 4, firstUnread: true"), [9, 10, 11, 12]);
    assert_eq!(numbers("first: 10, around: \"1\""), (1..=10).collect::<Vec<_>>());
    assert_eq!(numbers("last: 3"), [38, 39, 40]);
    let both = "messages(first: 4, around: \"3\", firstUnread: true) { edges { cursor } }";
    let query = format!("query($id: ID!) {{ conversation(id: $id) {{ {both} }} }}");
    assert_eq!(bob.asks(&query, json!({ "id": group })).code(), "INVALID");
}

#[test]
fn a_centred_page_near_the_end_is_full() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    (0..40).for_each(|it| drop(ann.sends(&group, &format!("message {it}"))));
    let (page, info) = ann.page(&group, "first: 10, around: \"39\"");
    assert_eq!(page.len(), 10, "exactly n unless at the end: {page:?}");
    assert_eq!((&info["hasPreviousPage"], &info["hasNextPage"]), (&json!(true), &json!(false)));
}

#[test]
fn a_page_passes_over_any_number_of_hidden_messages() {
    let world = World::new();
    let ([ann, bob], group) = world.group("Lunch", ["ann", "bob"]);
    let sent: Vec<_> = (0..80).map(|it| ann.sends(&group, &format!("message {it}"))).collect();
    sent[5..].iter().for_each(|it| bob.hides(&it.id));
    let last = bob.sees(&group, "lastMessage { number }");
    assert_eq!(last["lastMessage"], json!({ "number": "5" }));
    let (page, _) = bob.page(&group, "last: 2");
    assert_eq!(page.iter().map(|(number, _)| *number).collect::<Vec<_>>(), [4, 5]);
    let seen = ann.sends(&group, "not hidden");
    let (page, info) = bob.page(&group, "first: 1, after: \"5\"");
    assert_eq!(page, [(seen.number, seen.id)]);
    assert_eq!(info["hasNextPage"], false);
}

#[test]
fn a_page_says_truly_whether_there_is_more_on_either_side() {
    let world = World::new();
    let ([ann], group) = world.group("Lunch", ["ann"]);
    (0..10).for_each(|it| drop(ann.sends(&group, &format!("message {it}"))));
    let more = |arguments: &str| {
        let (_, info) = ann.page(&group, arguments);
        (info["hasPreviousPage"] == true, info["hasNextPage"] == true)
    };
    assert_eq!(more("first: 10"), (false, false));
    assert_eq!(more("first: 9"), (false, true));
    assert_eq!(more("last: 9"), (true, false));
    assert_eq!(more("first: 3, after: \"3\""), (true, true));
    assert_eq!(more("last: 3, before: \"5\""), (true, true));
}

#[test]
fn members_are_walked_once_each_in_both_directions() {
    let world = World::new();
    let [ann, bob, cat, dan] = world.people(["ann", "bob", "cat", "dan"]);
    let group = ann.creates_group("Lunch", &[&bob, &cat, &dan]);
    ann.makes(&group, &dan, "ADMIN").data();
    let walk = |size: usize, backward: bool| {
        let mut names = Vec::new();
        let mut cursor = json!(null);
        loop {
            let (count, from, more, end) = match backward {
                true => ("last", "before", "hasPreviousPage", "startCursor"),
                false => ("first", "after", "hasNextPage", "endCursor"),
            };
            let from = cursor.as_str().map(|it| format!(", {from}: \"{it}\"")).unwrap_or_default();
            let fields = format!(
                "members({count}: {size}{from}) {{ edges {{ node {{ account {{ username }} }} }} \
                 pageInfo {{ {more} {end} }} }}"
            );
            let page = ann.sees(&group, &fields)["members"].clone();
            let edges = page["edges"].as_array().expect("a list").iter();
            let mut found: Vec<String> = edges
                .map(|it| it["node"]["account"]["username"].as_str().expect("a name").to_owned())
                .collect();
            if backward {
                found.reverse();
            }
            names.extend(found);
            if page["pageInfo"][more] != true {
                return names;
            }
            cursor = page["pageInfo"][end].clone();
        }
    };
    let all = walk(100, false);
    assert_eq!(all[..2], ["ann", "dan"]);
    for size in 1..=4 {
        assert_eq!(walk(size, false), all, "first: {size}");
        let mut backward = walk(size, true);
        backward.reverse();
        assert_eq!(backward, all, "last: {size}");
    }
}
