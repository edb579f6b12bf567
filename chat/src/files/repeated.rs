//! The law of contents that come again: stored once, and for as long as one file has them.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use ports::keys::TreeId;

use super::link::CONTENTS_LEAF;
use super::tests::{
    ANN, EVE, UNUSED, begun, destroyed, due, file, finish, people, storage, upload,
};
use super::*;
use crate::kernel::counts::reading;
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, NOW, account};
use crate::kernel::{Document, Timestamp};
use crate::media::Media;

/// Ends an upload with contents of a number.
fn with(contents: u8, file_id: FileId, size_bytes: u64) -> FinishUpload {
    let contents = Some(format!("{contents:032x}"));
    FinishUpload { contents, ..finish(file_id, size_bytes) }
}

/// Ann uploads contents of a number, of 10 bytes.
fn uploaded(world: Given, contents: u8) -> (Given, FileId) {
    let (world, id) = begun(world, 10);
    (world.and(account(ANN), with(contents, id, 10)), id)
}

fn ends(file_id: FileId) -> TerminateUpload {
    TerminateUpload { file_id }
}

/// The reaction that destroys the key of a file of Ann's.
fn gone(leaf: u64) -> Reaction {
    let own = account(ANN).0.into_bytes();
    Reaction::DestroyKey { tree: TreeId { author: own, stream: own }, leaf }
}

fn leaf(world: &Given, id: FileId) -> u64 {
    file(world, id).and_then(|it| it.leaf()).expect("a leaf")
}

#[test]
fn the_same_contents_again_are_an_alias_that_takes_nothing() {
    let (world, first) = uploaded(people(), 1);
    let (world, second) = uploaded(world, 1);
    let (world, third) = uploaded(world, 1);
    let (world, other) = uploaded(world, 2);
    let it = |id| file(&world, id).unwrap();
    assert_eq!((it(first).same_as, it(first).blob, it(first).aliases), (None, Some(255), 2));
    for id in [second, third] {
        assert_eq!((it(id).same_as, it(id).holder(), it(id).blob), (Some(first), first, None));
        assert!(it(id).is_uploaded() && it(id).left_behind, "what was put together is swept");
        assert_eq!(it(id).digest.as_ref().and_then(|it| it.leaf()), it(id).leaf());
        assert_ne!(it(id).leaf(), it(first).leaf());
        assert_eq!(world.document::<Media>(id), None);
    }
    assert_eq!((it(other).same_as, it(other).holder()), (None, other));
    assert_eq!(storage(&world), (20, 4, 0));
    assert!(world.document::<Media>(first).is_some_and(|it| it.next().is_some()));
}

#[test]
fn contents_of_another_account_or_of_which_nothing_is_known_are_stored_again() {
    let (world, first) = uploaded(people(), 1);
    let world = world.and(account(EVE), upload(10));
    let hers = BeginUpload::file_id(account(EVE), world.last_context(account(EVE)).client_id);
    let world = world.and(account(EVE), with(1, hers, 10));
    let (world, unknown) = begun(world, 10);
    let world = world.and(account(ANN), finish(unknown, 10));
    let (world, again) = begun(world, 10);
    let world = world.and(account(ANN), finish(again, 10));
    for id in [first, hers, unknown, again] {
        let it = file(&world, id).unwrap();
        assert_eq!((it.same_as, it.aliases, it.blob), (None, 0, Some(255)));
    }
}

#[test]
fn whoever_discards_a_file_leaves_its_contents_to_its_aliases() {
    let (world, first) = uploaded(people(), 1);
    let (world, second) = uploaded(world, 1);
    let world = world.and(account(ANN), ends(first));
    let it = file(&world, first).unwrap();
    assert_eq!((it.state, it.withdrawn, it.blob), (FileState::Over, true, Some(255)));
    assert!(!it.is_uploaded() && it.has_contents() && it.digest.is_none());
    assert_eq!((storage(&world), destroyed(&world)), ((10, 1, 0), vec![]));
    assert!(world.document::<Media>(first).is_some());
    // To its owner it is over.
    let world = world.when(account(ANN), ends(first)).then_rejected(FileRejection::NotFound);
    let world = world.when(account(ANN), ReleaseFile { file_id: first }).then([]);
    // The contents are there, so they are not stored again.
    let (world, third) = uploaded(world, 1);
    assert_eq!(file(&world, third).unwrap().same_as, Some(first));
    let leaves = [first, second, third].map(|it| leaf(&world, it));
    let world = world.and(account(ANN), ends(second));
    assert_eq!(destroyed(&world), [gone(leaves[1])]);
    assert!(file(&world, first).unwrap().has_contents());
    let world = world.and(account(ANN), ends(third));
    assert_eq!(destroyed(&world), [gone(leaves[1]), gone(leaves[2]), gone(leaves[0])]);
    for id in [first, second, third] {
        let it = file(&world, id).unwrap();
        assert_eq!((it.state, it.blob, it.has_contents()), (FileState::Over, None, false));
        assert!(it.left_behind);
    }
    assert_eq!(storage(&world), (0, 0, 0));
    assert_eq!(world.document::<Media>(first), None);
    let (world, anew) = uploaded(world, 1);
    assert_eq!(file(&world, anew).unwrap().blob, Some(255));
}

#[test]
fn a_file_whose_aliases_are_gone_is_one_like_others() {
    let (world, first) = uploaded(people(), 1);
    let (world, second) = uploaded(world, 1);
    let leaves = [first, second].map(|it| leaf(&world, it));
    let world = world.and(account(ANN), ends(second));
    let it = file(&world, first).unwrap();
    assert_eq!((it.is_uploaded(), it.aliases, it.blob), (true, 0, Some(255)));
    assert_eq!((storage(&world), destroyed(&world)), ((10, 1, 0), vec![gone(leaves[1])]));
    let world = world.and(account(ANN), ends(first));
    assert_eq!(destroyed(&world), [gone(leaves[1]), gone(leaves[0])]);
}

#[test]
fn what_nothing_uses_ends_in_its_time_and_its_aliases_in_theirs() {
    let (world, first) = uploaded(people(), 1);
    let (world, second) = uploaded(world.later(5), 1);
    let [of_first, of_second] = [0, 5].map(|it| Timestamp(NOW.0 + it + UNUSED_MS_MAX));
    let time = |id| due(&world, UNUSED, id);
    assert_eq!((time(first), time(second)), (Some(of_first), Some(of_second)));
    let end = |file_id, due_at| EndFile { file_id, uploaded: true, due_at };
    let world = world.and(account(ANN), end(first, of_first));
    let it = file(&world, first).unwrap();
    assert_eq!((it.withdrawn, it.until, due(&world, UNUSED, first)), (true, None, None));
    let world = world.when(account(ANN), end(first, of_first)).then([]);
    let world = world.when(account(ANN), KeepFile { file_id: first, due_at: of_first }).then([]);
    let world = world.and(account(ANN), end(second, of_second));
    assert!([first, second].iter().all(|it| !file(&world, *it).unwrap().has_contents()));
    assert_eq!((storage(&world), due(&world, UNUSED, second)), ((0, 0, 0), None));
}

#[test]
fn what_was_withdrawn_is_remembered_when_it_is_swept_and_forgotten_with_its_contents() {
    let (world, first) = uploaded(people(), 1);
    let (world, second) = uploaded(world, 1);
    let world = world.and(account(ANN), ends(first));
    let sweep = |world: Given| {
        let seq = file(&world, first).unwrap().seq;
        world.and(account(ANN), NoteSwept { file_id: first, seq })
    };
    let world = sweep(world);
    let it = file(&world, first).unwrap();
    assert!(it.withdrawn && !it.left_behind && it.index_keys() == [None, None]);
    let world = sweep(world.and(account(ANN), ends(second)));
    assert_eq!(file(&world, first), None);
}

#[test]
fn the_digest_of_contents_is_an_accounts_own_and_goes_with_its_keys() {
    let own = |who| {
        let own = account(who).0.into_bytes();
        TreeId { author: own, stream: own }
    };
    reading(&people(), async |reader| {
        let keyring = &reader.keyring;
        for tree in [ANN, EVE].map(own) {
            keyring.create(tree).await.expect("a tree");
        }
        let digest = async |who, digest, size_bytes| {
            contents_id(keyring, account(who), (digest, size_bytes)).await.expect("keys")
        };
        let first = digest(ANN, "ab", 1).await;
        assert_eq!(
            (first.as_ref().map(String::len), digest(ANN, "ab", 1).await),
            (Some(32), first.clone())
        );
        for (who, text, size_bytes) in [(EVE, "ab", 1), (ANN, "ac", 1), (ANN, "ab", 2)] {
            assert_ne!(digest(who, text, size_bytes).await, first);
        }
        keyring.puncture(own(ANN), CONTENTS_LEAF).await.expect("destroyed");
        assert_eq!(digest(ANN, "ab", 1).await, None);
        assert!(digest(EVE, "ab", 1).await.is_some());
    });
}

/// The key of a file was destroyed.
fn is_destroyed(world: &Given, file: &File) -> bool {
    destroyed(world).contains(&gone(file.leaf().expect("a leaf")))
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    })]

    #[test]
    fn whatever_happens_each_contents_that_a_file_has_are_stored_once(
        steps in prop::collection::vec((0..8_u8, 0..9_usize, 0..3_u8), 0..70),
    ) {
        let (mut world, mut ids) = (people(), Vec::<(FileId, u8)>::new());
        for (what, which, contents) in steps {
            let own = account(ANN);
            let found = ids.get(which % ids.len().max(1)).copied().filter(|_| what > 2);
            let Some((id, contents)) = found else {
                let (after, id) = begun(world, 100 + u64::from(contents));
                world = after;
                ids.push((id, contents));
                continue;
            };
            let now = file(&world, id);
            let (until, seq) = (now.as_ref().and_then(|it| it.until), now.map_or(0, |it| it.seq));
            let due_at = until.unwrap_or(NOW);
            let finish = with(contents, id, 100 + u64::from(contents));
            let then = match what {
                3 | 4 => world.when(own, finish),
                5 => world.when(own, ends(id)),
                6 if which % 2 == 0 => world.when(own, KeepFile { file_id: id, due_at }),
                6 => world.when(own, ReleaseFile { file_id: id }),
                7 if which % 2 == 0 => world.when(own, NoteSwept { file_id: id, seq }),
                _ => world.when(own, EndFile { file_id: id, uploaded: which % 3 > 0, due_at }),
            };
            world = then.world;
        }
        let all: BTreeMap<FileId, (File, u8)> = ids
            .iter()
            .filter_map(|(id, contents)| Some((*id, (file(&world, *id)?, *contents))))
            .collect();
        let (mut had, mut taken) = (BTreeSet::new(), 0);
        for (it, contents) in all.values() {
            if it.is_uploaded() {
                let (holder, same) = &all[&it.holder()];
                prop_assert!(holder.has_contents() && holder.blob.is_some());
                prop_assert!(holder.same_as.is_none(), "no alias has an alias");
                prop_assert_eq!(same, contents);
                prop_assert!(!is_destroyed(&world, it) && !is_destroyed(&world, holder));
                had.insert(*contents);
            } else if it.state == FileState::Uploading {
                taken += it.size_bytes;
            }
        }
        let holding = all.values().filter(|it| it.0.blob.is_some());
        let stored: Vec<u8> = holding.map(|it| it.1).collect();
        prop_assert_eq!(stored.len(), had.len());
        prop_assert_eq!(&stored.into_iter().collect::<BTreeSet<_>>(), &had);
        taken += had.iter().map(|it| 100 + u64::from(*it)).sum::<u64>();
        prop_assert_eq!(storage(&world).0, taken);
        let shown = all.values().filter(|it| it.0.is_uploaded()).count() as u64;
        prop_assert_eq!(storage(&world).1, shown);
        let remembered = world.stored().into_keys();
        let remembered = remembered.filter(|it| it.0 == Contents::COLLECTION.name).count();
        prop_assert_eq!(remembered, had.len());
    }
}
