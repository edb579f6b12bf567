//! The law of jobs.

use proptest::prelude::*;

use ports::media_worker::Load;

use super::*;
use crate::Change;
use crate::files::{File, FileId, NoteSwept, TerminateUpload};
use crate::kernel::testing::{Given, NOW, Then, account, client_id, given, open};
use crate::kernel::{Document, Effect, Personal, Recorded, Timestamp};

pub(super) const ANN: u8 = 1;
pub(super) const EVE: u8 = 3;

/// Ann begins to upload a file of so many bytes.
pub(super) fn begun(world: Given, size_bytes: u64) -> (Given, FileId) {
    world.begins_upload(ANN, size_bytes)
}

pub(super) use crate::kernel::testing::finish;

/// Ann has uploaded a file.
pub(super) fn uploaded() -> (Given, FileId) {
    let (world, id) = begun(given().person(ANN, "ann").person(EVE, "eve"), 10);
    (world.and(account(ANN), finish(id, 10)), id)
}

fn media(world: &Given, id: FileId) -> Option<Media> {
    world.document::<Media>(id)
}

const PREVIEWS: JobKind = JobKind::Previews;

/// The job that makes the previews of a file.
pub(super) fn previews(world: &Given, id: FileId) -> Job {
    media(world, id).unwrap().job(PREVIEWS).unwrap().clone()
}

/// Somebody who knows what there is to know starts an attempt.
pub(super) trait Starts {
    fn starts_by(self, file_id: FileId, kind: JobKind, tool: u32, attempt: u64) -> Then;
    fn starts(self, file_id: FileId, attempt: u64) -> Then;
    fn started(self, file_id: FileId, attempt: u64) -> Given;
}

impl Starts for Given {
    fn starts_by(self, file_id: FileId, kind: JobKind, tool: u32, attempt: u64) -> Then {
        let seq = media(&self, file_id).map_or(0, |it| it.seq);
        self.when(account(ANN), StartMedia { file_id, kind, tool, attempt, seq })
    }

    fn starts(self, file_id: FileId, attempt: u64) -> Then {
        self.starts_by(file_id, PREVIEWS, 1, attempt)
    }

    fn started(self, file_id: FileId, attempt: u64) -> Given {
        self.starts(file_id, attempt).then_allowed()
    }
}

pub(super) fn fail(file_id: FileId, attempt: u64, failure: MediaFailure) -> FailMedia {
    FailMedia { file_id, job_id: job_id(file_id, PREVIEWS, 1, 0), attempt, failure }
}

pub(super) fn variant(name: &str) -> Variant {
    let (name, media_type) = (name.to_owned(), "image/webp".to_owned());
    Variant { name, media_type, width: Some(96), height: Some(64), size_bytes: 7, fragments: None }
}

pub(super) fn record(file_id: FileId, attempt: u64) -> RecordMedia {
    let outcome = MediaOutcome {
        media_type: "image/jpeg".to_owned(),
        kind: MediaKind::Image,
        variants: vec![variant("96.webp"), variant("96.jpg")],
        ..MediaOutcome::default()
    };
    let job_id = job_id(file_id, PREVIEWS, 1, 0);
    RecordMedia { file_id, job_id, attempt, blobs: vec![5, 6], outcome }
}

fn ready(world: &Given, id: FileId) -> Option<Personal<MediaOutcome>> {
    previews(world, id).made.map(|it| it.outcome)
}

#[test]
fn a_job_is_due_once_its_file_is_there_and_goes_with_it() {
    let (world, id) = begun(given().person(ANN, "ann"), 10);
    assert_eq!(media(&world, id).map(|it| it.jobs), Some(Vec::new()));
    let world = world.starts(id, 1).then([]);
    let world = world.later(5).and(account(ANN), finish(id, 10));
    let due = media(&world, id).unwrap();
    assert_eq!(previews(&world, id).due_from, Some(Timestamp(NOW.0 + 5)));
    assert!(due.index_keys()[0].as_ref().unwrap().starts_with(&Media::due(due.partition, 0)));
    let world = world.and(account(ANN), TerminateUpload { file_id: id });
    assert_eq!(media(&world, id), None);
    world
        .starts(id, 1)
        .then([])
        .when(account(ANN), record(id, 1))
        .then([])
        .when(account(ANN), fail(id, 1, MediaFailure::Corrupt))
        .then([]);
}

#[test]
fn what_was_made_is_sealed_under_the_key_of_the_file() {
    let (world, id) = uploaded();
    let world = world.started(id, 1);
    let world = world.when(account(ANN), record(id, 1)).then_allowed();
    let outcome = ready(&world, id).unwrap();
    assert_eq!(outcome.leaf(), world.document::<File>(id).unwrap().leaf());
    let (known, outcome) = (previews(&world, id), open(&outcome).unwrap());
    assert_eq!(known.made.unwrap().blobs, [5, 6]);
    assert_eq!(outcome.variants, [variant("96.webp"), variant("96.jpg")]);
    assert_eq!(media(&world, id).unwrap().index_keys()[0], None);
    // Another outcome changes nothing.
    world
        .when(account(ANN), record(id, 1))
        .then([])
        .when(account(ANN), fail(id, 1, MediaFailure::Corrupt))
        .then([])
        .starts(id, 2)
        .then([]);
}

#[test]
fn an_attempt_is_started_once_and_the_newest_counts() {
    let (world, id) = uploaded();
    let world = world
        .when(account(ANN), record(id, 1))
        .then([])
        .starts(id, 2)
        .then([])
        .starts(id, 1)
        .then_allowed()
        .starts(id, 1)
        .then([])
        .starts(id, 2)
        .then_allowed();
    assert_eq!(previews(&world, id).attempts, 2);
    let world = world
        .when(account(ANN), record(id, 1))
        .then([])
        .when(account(ANN), fail(id, 1, MediaFailure::Corrupt))
        .then([])
        .when(account(ANN), record(id, 2))
        .then_allowed();
    assert!(ready(&world, id).is_some());
}

#[test]
fn what_may_pass_is_tried_three_times_with_longer_and_longer_rests() {
    for failure in [MediaFailure::Timeout, MediaFailure::Broken] {
        let (mut world, id) = uploaded();
        for (attempt, rest) in (1..).zip([Some(10_000), Some(120_000), None]) {
            world = world.started(id, attempt);
            world = world.and(account(ANN), fail(id, attempt, failure));
            // It is noted once.
            world = world.when(account(ANN), fail(id, attempt, failure)).then([]);
            world = world.when(account(ANN), record(id, attempt)).then([]);
            let due = previews(&world, id).due_from;
            assert_eq!(due, rest.map(|it| Timestamp(NOW.0 + it)));
        }
        assert_eq!(previews(&world, id).failure, Some(failure));
        world.starts(id, 4).then([]);
    }
}

#[test]
fn what_would_fail_again_fails_for_good() {
    for failure in [MediaFailure::Unsupported, MediaFailure::TooLarge, MediaFailure::Corrupt] {
        let (world, id) = uploaded();
        let world = world.started(id, 1).and(account(ANN), fail(id, 1, failure));
        assert_eq!(previews(&world, id).failure, Some(failure));
    }
}

#[test]
fn what_ends_its_server_every_time_is_given_up() {
    let (mut world, id) = uploaded();
    for attempt in 1..=ATTEMPTS_MAX {
        world = world.started(id, attempt);
    }
    let world = world.starts(id, ATTEMPTS_MAX + 1).then([]);
    let world = world.and(account(ANN), fail(id, ATTEMPTS_MAX, MediaFailure::Broken));
    assert_eq!(previews(&world, id).failure, Some(MediaFailure::Broken));
}

#[test]
fn another_account_or_job_or_number_of_blobs_is_nothing() {
    let (world, id) = uploaded();
    let world = world.started(id, 1);
    let other = JobId(client_id(99));
    world
        .when(account(EVE), record(id, 1))
        .then([])
        .when(account(ANN), RecordMedia { job_id: other, ..record(id, 1) })
        .then([])
        .when(account(ANN), RecordMedia { blobs: vec![5], ..record(id, 1) })
        .then_rejected(MediaRejection::NotFound);
}

#[test]
fn small_files_come_first_and_of_those_the_ones_that_wait() {
    let (mut world, mut keys) = (given().person(ANN, "ann"), Vec::new());
    const MIB: u64 = 1 << 20;
    for size in [1 << 30, MIB, 0, 16 * MIB, 16 * MIB - 1, 256 * MIB - 1, MIB - 1] {
        let (after, id) = begun(world.later(1), size);
        world = after.and(account(ANN), finish(id, size));
        let due = media(&world, id).unwrap();
        let load = if size < 16 * MIB { Load::Small } else { Load::Large };
        assert_eq!(due.next().unwrap().load(size), load, "{size}");
        let key = due.index_keys()[0].clone().unwrap();
        let mut classes =
            Media::CLASSES.filter(|it| key.starts_with(&Media::due(due.partition, *it)));
        let (class, others) = (classes.next().unwrap(), classes.next());
        assert_eq!((class < 2, others), (load == Load::Small, None), "a class takes one load");
        keys.push((key, size));
    }
    keys.sort();
    let sizes: Vec<u64> = keys.into_iter().map(|it| it.1).collect();
    let expected = [0, MIB - 1, MIB, 16 * MIB - 1, 16 * MIB, 256 * MIB - 1, 1 << 30];
    assert_eq!(sizes, expected);
}

#[test]
fn its_owner_is_told_of_the_end_only() {
    let (world, id) = uploaded();
    let world = world
        .started(id, 1)
        .and(account(ANN), fail(id, 1, MediaFailure::Timeout))
        .started(id, 2)
        .and(account(ANN), record(id, 2));
    let meanings: Vec<_> = world.history().iter().rev().take(4).map(Recorded::meaning).collect();
    let nothing = (Change::None, Effect::None);
    let told = (Change::File(id), Effect::None);
    assert_eq!(meanings, [told.clone(), nothing.clone(), nothing.clone(), nothing]);
    let (world, id) = uploaded();
    let world = world.started(id, 1).and(account(ANN), fail(id, 1, MediaFailure::Corrupt));
    assert_eq!(
        world.history().last().map(Recorded::meaning),
        Some((Change::File(id), Effect::None))
    );
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn whoever_does_a_job_it_comes_to_one_end(
        steps in prop::collection::vec((0..4_u8, 0..5_u64, 0..5_usize), 0..40),
    ) {
        let (mut world, id) = uploaded();
        for (what, attempt, failure) in steps {
            let before = previews(&world, id);
            let own = account(ANN);
            let then = match what {
                0 => world.starts(id, attempt),
                1 => world.when(own, record(id, attempt)),
                2 => world.when(own, fail(id, attempt, MediaFailure::ALL[failure])),
                _ => {
                    let seq = world.document::<File>(id).unwrap().seq;
                    world.when(own, NoteSwept { file_id: id, seq })
                }
            };
            world = then.world;
            let after = previews(&world, id);
            prop_assert!(before.is_due() || before == after, "an end is an end");
            prop_assert!(after.attempts <= ATTEMPTS_MAX && after.failed <= after.attempts);
            prop_assert!(before.attempts == after.attempts || before.is_due());
        }
    }
}
