//! Times: nobody finds an account out by how long an answer takes. Tries of each kind are mixed at
//! random and their medians compared. The control is each kind against itself, in two halves: where
//! the machine can't even measure these as equal, the result is void, which is said aloud and is no
//! success.
//!
//! A part of `make soak`, which wants a quiet machine: two thousand tries of each kind with
//! `PARLANCE_SOAK`, where void fails; fewer, and void is said only, when it is named by hand.

use std::io::Write as _;
use std::sync::Mutex;

use ports::clock::Stopwatch;
use serde_json::json;
use tests::bridge::{sent, text};
use tests::{Dice, Person, Provider, World, fresh_id};

/// By what part the median of a kind may differ from that of the first.
const PART_MAX: f64 = 0.1;

/// By what part the medians of the halves of a kind may differ, or the measurement is void.
const CONTROL_MAX: f64 = PART_MAX / 2.0;

/// Measurements that may be void until the result is.
const MEASUREMENTS_MAX: usize = 3;

/// The tests of this file measure one after the other.
static ALONE: Mutex<()> = Mutex::new(());

/// A kind of try, by its name.
type Kind<'a> = (&'a str, &'a dyn Fn());

fn soaks() -> bool {
    std::env::var_os("PARLANCE_SOAK").is_some()
}

/// Says something also where the output of tests that pass is not shown.
fn say(text: &str) {
    // Whoever closed standard error does not want to know.
    let _ = writeln!(std::io::stderr(), "{text}");
}

fn median(seconds: &[f64]) -> f64 {
    let mut sorted = seconds.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// By what part two medians differ.
fn differ(one: f64, other: f64) -> f64 {
    one.max(other) / one.min(other) - 1.0
}

/// How long the tries of a kind took.
struct Taken {
    median: f64,
    /// How far its halves differ.
    control: f64,
}

impl Taken {
    fn of([one, other]: &[Vec<f64>; 2]) -> Self {
        let control = differ(median(one), median(other));
        Self { median: median(&[one.as_slice(), other].concat()), control }
    }
}

/// Tries each kind so often on average, in an order that is no order.
fn measure(kinds: &[Kind<'_>], dice: &mut Dice, tries: usize) -> Vec<Taken> {
    let mut halves = vec![[Vec::new(), Vec::new()]; kinds.len()];
    for _ in 0..tries * kinds.len() {
        let (at, half) = (dice.below(kinds.len()), dice.below(2));
        let watch = Stopwatch::start();
        kinds[at].1();
        halves[at][half].push(watch.seconds());
    }
    halves.iter().map(Taken::of).collect()
}

/// Checks that kinds of tries take as long as the first.
fn take_as_long(kinds: &[Kind<'_>], tries: usize) {
    let mut dice = Dice::new(41);
    // What is made at the first use is not measured.
    kinds.iter().for_each(|it| it.1());
    for _ in 0..MEASUREMENTS_MAX {
        let taken = measure(kinds, &mut dice, tries);
        let told = kinds.iter().zip(&taken).map(|((name, _), it)| {
            format!("{name} {:.3} ms (±{:.1} %)", it.median * 1_000.0, it.control * 100.0)
        });
        let told = told.collect::<Vec<_>>().join(", ");
        if taken.iter().any(|it| it.control > CONTROL_MAX) {
            say(&format!("VOID, the machine is disturbed: {told}"));
            continue;
        }
        say(&format!("medians of {tries} tries of each kind: {told}"));
        for ((name, _), it) in kinds.iter().zip(&taken) {
            assert!(differ(taken[0].median, it.median) <= PART_MAX, "{name} is told apart: {told}");
        }
        return;
    }
    say("VOID: whether accounts are found out by time CAN'T BE TOLD on this machine now");
    assert!(!soaks(), "every measurement is void");
}

/// Somebody registers by a provider, without a password.
fn registers_by(world: &World, provider: &Provider, name: &str) {
    let input = json!({ "provider": "corp" });
    let query = "mutation($input: StartInput!) { startSignInWith(input: $input) { url ceremony } }";
    let started = world.client.ask(None, query, json!({ "input": input }));
    let begun = &started.data()["startSignInWith"];
    let url = text(&begun["url"]);
    provider.gives(&provider.signed(&provider.claims(&url, name)));
    let state = sent(&url, "state");
    let answer = json!({ "ceremony": begun["ceremony"], "code": "a code", "state": state });
    let input = json!({ "answer": answer });
    let finished = world.client.change(None, "finishSignInWith", input, "newcomer { ticket }");
    let ticket = &finished.data()["finishSignInWith"]["newcomer"]["ticket"];
    let input = json!({ "ticket": ticket, "username": name, "displayName": name });
    world.client.change(None, "registerWith", input, "account { id }").data();
}

#[test]
fn who_can_not_sign_in_is_told_so_as_fast_whether_there_is_an_account_or_not() {
    let _alone = ALONE.lock();
    let provider = Provider::new();
    let world = World::with(|it| {
        let mut known = server::config::Provider::new("corp", &provider.issuer, "parlance");
        known.registers = true;
        known.client_secret = Some("a secret".into());
        it.identity_providers.push(known);
    });
    let owner = world.owner("owner");
    let [_ann, eve] = world.people(["ann", "eve"]);
    registers_by(&world, &provider, "dan");
    world.proves(&eve, "email", "eve@example.org");
    let suspended = json!({ "accountId": eve.id, "reason": "spam" });
    owner.does("suspendAccount", suspended, "position");
    let tries = |name: &str| {
        let refused = Person::signs_in(&world.client, name, "wrong horse");
        assert_eq!(refused.code(), "SESSIONS_SIGN_IN_FAILED");
    };
    let kinds: [Kind<'_>; 6] = [
        ("known", &|| tries("ann")),
        ("unknown", &|| tries("nobody")),
        ("suspended", &|| tries("eve")),
        ("without a password", &|| tries("dan")),
        ("unknown address", &|| tries("nobody@example.org")),
        ("known address", &|| tries("eve@example.org")),
    ];
    take_as_long(&kinds, if soaks() { 2_000 } else { 80 });
}

#[test]
fn who_asks_for_a_link_is_answered_as_fast_whether_there_is_an_account_or_not() {
    let _alone = ALONE.lock();
    let world = World::with(|it| it.sign_in_links = true);
    let ann = world.person("ann");
    world.proves(&ann, "email", "ann@example.org");
    let query = "mutation($input: RequestSignInLinkInput!) { \
                 requestSignInLink(input: $input) { ok } }";
    asked_for_mail(&world, query);
}

#[test]
fn who_asks_for_a_new_password_is_answered_as_fast_whether_there_is_an_account_or_not() {
    let _alone = ALONE.lock();
    let world = World::new();
    let ann = world.person("ann");
    world.proves(&ann, "email", "ann@example.org");
    let query = "mutation($input: RequestPasswordResetInput!) { \
                 requestPasswordReset(input: $input) { ok } }";
    asked_for_mail(&world, query);
}

/// Checks that one answer is as fast as the other to who asks for mail.
fn asked_for_mail(world: &World, query: &str) {
    let asks = |address: &str| {
        let input = json!({ "clientId": fresh_id(), "email": address });
        world.client.ask(None, query, json!({ "input": input })).data();
    };
    let kinds: [Kind<'_>; 2] =
        [("known", &|| asks("ann@example.org")), ("unknown", &|| asks("nobody@example.org"))];
    // What was asked for before goes on beside what is measured, so it takes more to settle.
    take_as_long(&kinds, if soaks() { 8_000 } else { 1_000 });
}
