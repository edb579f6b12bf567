//! The law of ballots: whatever members and their devices do at the same time, in whatever order it
//! comes, the counts are what counting the ballots one by one says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::asked;
use super::*;
use crate::kernel::Timestamp;
use crate::kernel::testing::{NOW, account};

const MEMBERS: u8 = 6;

#[derive(Debug, Clone)]
enum Step {
    Vote(u8, Vec<i32>),
    Close(u8),
    Wait(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let vote = (0..MEMBERS, prop::collection::vec(-1..4_i32, 0..3));
    prop_oneof![
        40 => vote.prop_map(|(who, options)| Step::Vote(who, options)),
        1 => (0..MEMBERS).prop_map(Step::Close),
        3 => (0..40_i64).prop_map(Step::Wait),
    ]
}

fn rules() -> impl Strategy<Value = PollRules> {
    let closes = prop::option::of(1..400_i64);
    (any::<[bool; 3]>(), closes).prop_map(|([multiple, public, revotable], closes)| {
        let closes_at = closes.map(|it| Timestamp(NOW.0 + it));
        PollRules { multiple, public, revotable, closes_at, ..PollRules::default() }
    })
}

/// What everyone has chosen, kept the simple way.
#[derive(Default)]
struct Oracle {
    ballots: BTreeMap<u8, BTreeSet<i32>>,
    closed: bool,
    now: i64,
}

impl Oracle {
    /// Whether a step changes something.
    fn takes(&mut self, rules: &PollRules, step: &Step) -> bool {
        match step {
            Step::Wait(ms) => {
                self.now += ms;
                false
            }
            // Ann, who asked, is none of the members that vote.
            Step::Close(_) => false,
            Step::Vote(who, options) => {
                let over = rules.closes_at.is_some_and(|it| it.0 <= NOW.0 + self.now);
                let chosen: BTreeSet<i32> = options.iter().copied().collect();
                let good = chosen.iter().all(|it| (0..3).contains(it));
                let one = rules.multiple || chosen.len() <= 1;
                let before = self.ballots.entry(*who).or_default();
                let free = rules.revotable || before.is_empty();
                if self.closed || over || !good || !one || !free || *before == chosen {
                    return false;
                }
                *before = chosen;
                true
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    })]

    #[test]
    fn any_interleaving_of_members_and_devices_is_counted_as_one_by_one(
        rules in rules(),
        steps in prop::collection::vec(step(), 0..120),
        end in 60..200_usize,
    ) {
        let others: Vec<u8> = (10..10 + MEMBERS).collect();
        let (mut world, at) = asked(&others, rules.clone());
        let mut oracle = Oracle::default();
        for (n, step) in steps.into_iter().enumerate() {
            if n == end {
                world = world.and(account(1), at.close());
                oracle.closed = true;
            }
            let before = world.history().len();
            world = match &step {
                Step::Vote(who, options) => world.when(account(10 + who), at.vote(options)).world,
                Step::Close(who) => world.when(account(10 + who), at.close()).world,
                Step::Wait(ms) => world.later(*ms),
            };
            prop_assert_eq!(world.history().len() > before, oracle.takes(&rules, &step));
        }
        let count = |option| oracle.ballots.values().filter(|it| it.contains(&option)).count();
        let expected: Vec<u64> = (0..3).map(|it| count(it) as u64).collect();
        let voters = oracle.ballots.values().filter(|it| !it.is_empty()).count() as u64;
        prop_assert_eq!((at.poll(&world).counts, at.poll(&world).voters), (expected, voters));
        for (who, chosen) in &oracle.ballots {
            let ballot = world.document::<Ballot>(Ballot::id(at.message_id, account(10 + who)));
            let kept: BTreeSet<i32> = ballot.unwrap_or_default().options.into_iter().collect();
            prop_assert_eq!(&kept, chosen);
            for option in 0..3 {
                let id = Voter::id(at.message_id, option, account(10 + who));
                let named = world.document::<Voter>(id).is_some();
                prop_assert_eq!(named, rules.public && chosen.contains(&option));
            }
        }
    }
}
