//! The law of stickers: what is kept of them equals a recount.

use proptest::prelude::*;

use super::tests::{ANN, BOB, add, at_hand, made, people, shelf, used};
use super::*;
use crate::kernel::testing::account;
use crate::kernel::time::Long;

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    /// Whatever is made, added, taken out, installed and deleted in whatever order.
    #[test]
    fn packs_hold_what_they_use_and_counts_are_those_of_a_recount(
        steps in prop::collection::vec((0..7_u8, any::<prop::sample::Index>()), 1..40),
    ) {
        let (mut world, mut packs) = (people(), Vec::new());
        for (what, which) in steps {
            if what == 0 || packs.is_empty() {
                let (next, pack) = made(world, PackKind::Stickers);
                world = next;
                packs.push(pack);
                continue;
            }
            let pack_id = packs[which.index(packs.len())];
            let held = world.document::<Pack>(pack_id);
            let last = held.as_ref().map_or(1, |it| it.last_number.max(1));
            let number = Long(1 + which.index(last as usize) as u64);
            world = match what {
                1 | 2 => {
                    let (next, file) = world.uploads(ANN, 9);
                    next.when(account(ANN), add(pack_id, file, None)).world
                }
                3 => world.when(account(ANN), RemoveSticker { pack_id, number }).world,
                4 => {
                    let owner_id = account(ANN);
                    world.when(account(BOB), InstallPack { pack_id, owner_id }).world
                }
                5 => world.when(account(BOB), UninstallPack { pack_id }).world,
                _ => world.when(account(ANN), DeletePack { pack_id }).world,
            };
        }
        let there: Vec<Pack> = packs.iter().filter_map(|it| world.document(*it)).collect();
        prop_assert_eq!(shelf(&world, ANN).made, there.len() as u64);
        for it in world.history() {
            let Some(StickerEvent::StickerAdded(it)) = StickerEvent::of(&it.event) else {
                continue;
            };
            let pack = there.iter().find(|pack| pack.id == it.pack_id);
            let kept = pack.is_some_and(|pack| pack.sticker(it.number.0).is_some());
            prop_assert_eq!(used(&world, it.file_id, it.pack_id, it.number.0), Some(kept));
        }
        let hers = at_hand(&world, ANN);
        prop_assert!(hers.iter().all(|it| there.iter().any(|pack| pack.id == *it)));
        let his: std::collections::BTreeSet<_> = at_hand(&world, BOB).into_iter().collect();
        prop_assert_eq!(his.len(), at_hand(&world, BOB).len(), "each once");
    }
}
