//! The law of counts: whatever members and their devices do at the same time, in whatever order it
//! comes, what is remembered is what counting one by one says.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::tests::{given_by, parsed, some};
use super::*;
use crate::kernel::testing::account;

/// Who gives or takes back what: member, whether it is given, which of a few emoji.
type Step = (u8, bool, usize);

/// What everyone has given, kept the simple way; the emoji in the order of their first use.
#[derive(Default)]
struct Oracle {
    given: BTreeMap<u8, BTreeSet<usize>>,
    order: Vec<usize>,
}

impl Oracle {
    fn count(&self, which: usize) -> u64 {
        self.given.values().filter(|it| it.contains(&which)).count() as u64
    }

    /// Whether a step changes something.
    fn takes(&mut self, (who, add, which): Step) -> bool {
        let own = self.given.entry(who).or_default();
        let (fits, known) = (own.len() < OWN_MAX, self.order.contains(&which));
        let changes = match add {
            true => fits && (known || self.order.len() < DISTINCT_MAX) && own.insert(which),
            false => own.remove(&which),
        };
        if add && changes && !known {
            self.order.push(which);
        }
        let left: Vec<_> = self.order.iter().copied().filter(|it| self.count(*it) > 0).collect();
        self.order = left;
        changes
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn any_interleaving_of_members_and_devices_is_counted_as_one_by_one(
        steps in prop::collection::vec((0..8_u8, prop::bool::weighted(0.8), 0..24_usize), 0..200),
    ) {
        let (some, (mut world, at)) = (some(24), given_by(8, &[]));
        let mut oracle = Oracle::default();
        for (n, add, which) in steps {
            let before = world.history().len();
            world = match add {
                true => world.when(account(10 + n), at.add(some[which])).world,
                false => world.when(account(10 + n), at.remove(some[which])).world,
            };
            prop_assert_eq!(world.history().len() > before, oracle.takes((n, add, which)));
        }
        let expected: Vec<_> =
            oracle.order.iter().map(|it| (some[*it].to_owned(), oracle.count(*it))).collect();
        prop_assert_eq!(at.counts(&world), expected);
        for n in 0..8 {
            let reacted = world.document::<Reacted>(Reacted::id(at.message_id, account(10 + n)));
            let own = oracle.given.get(&n).cloned().unwrap_or_default();
            let own: BTreeSet<_> = own.into_iter().map(|it| parsed(some[it])).collect();
            let reacted = reacted.map(|it| it.emoji).unwrap_or_default();
            prop_assert_eq!(reacted.len(), own.len());
            prop_assert_eq!(reacted.into_iter().collect::<BTreeSet<_>>(), own.clone());
            for which in &some {
                let prefix = Reactor::prefix(at.message_id, &parsed(which));
                let reactor = world.document::<Reactor>(format!("{prefix}{}", account(10 + n)));
                prop_assert_eq!(reactor.is_some(), own.contains(&parsed(which)));
            }
        }
    }
}
