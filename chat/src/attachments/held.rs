//! The law of versions: what a message holds for as long as it is there.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::replaced::{message, placed, replace, twice};
use super::tests::{ANN, BOB, EVE, lunch, photo, release_due, said, sent, uploaded, used};
use super::*;
use crate::conversations::{ConversationId, OpenDirect, direct_id};
use crate::expiry::ExpireMessage;
use crate::files::FileId;
use crate::forwards::{ForwardMessages, Source};
use crate::kernel::Timestamp;
use crate::kernel::testing::{CONVERSATION_BYTES_MAX, Given, NOW, account};
use crate::members::{ChangeRole, Role};
use crate::messages::{DeleteMessage, EditMessage, MessageEvent, MessageId, MessageRejection};
use crate::removals::{DestroyMessage, RESTORABLE_MS, RemovalEvent, RestoreMessages};

#[test]
fn an_earlier_version_is_put_back_and_held_once() {
    let (world, at, [first, second]) = twice();
    let world = world.and(account(BOB), replace(at, second, first));
    let found = message(&world, at.1);
    assert_eq!(placed(&world, at.1, found.revision), [(first, 3)]);
    assert_eq!(found.held(), Some(vec![first, second]));
    let (conversation_id, message_id) = at;
    let world = world.and(account(BOB), DeleteMessage { conversation_id, message_id });
    assert_eq!([first, second].map(|it| used(&world, it, message_id)), [Some(false); 2]);
}

#[test]
fn what_a_moderator_removes_keeps_every_version_until_it_is_destroyed() {
    let (world, at, files) = twice();
    let (conversation_id, message_id) = at;
    let uses = |world: &Given| files.map(|it| used(world, it, message_id));
    let world = world.and(account(ANN), DeleteMessage { conversation_id, message_id });
    assert_eq!(uses(&world), [Some(true); 2]);
    let message_ids = vec![message_id];
    let world = world.and(account(ANN), RestoreMessages { conversation_id, message_ids });
    assert_eq!(placed(&world, message_id, 1), [(files[1], 2)]);
    let world = world.and(account(ANN), DeleteMessage { conversation_id, message_id });
    let restorable_until = Timestamp(NOW.0 + RESTORABLE_MS);
    let destroy = DestroyMessage { conversation_id, message_id, restorable_until };
    let world = world.later(RESTORABLE_MS).and(account(ANN), destroy);
    assert_eq!(uses(&world), [Some(false); 2]);
    assert!(release_due(&world, message_id).is_some());
}

#[test]
fn what_expires_releases_every_version() {
    let (world, id) = lunch();
    let (world, first) = uploaded(world, BOB);
    let (world, second) = uploaded(world, BOB);
    let send = SendAttachments { expires_in: Some(60), ..photo(id, first) };
    let world = world.and(account(BOB), send.clone());
    let message_id = send.message_id(&world.last_context(account(BOB)));
    let expire = ExpireMessage { conversation_id: id, message_id };
    let world = world
        .and(account(BOB), replace((id, message_id), first, second))
        .later(60_000)
        .when(account(BOB), replace((id, message_id), second, first))
        .then_rejected(MessageRejection::Gone)
        .and(account(BOB), expire);
    assert_eq!([first, second].map(|it| used(&world, it, message_id)), [Some(false); 2]);
}

#[test]
fn what_was_sent_on_before_keeps_what_it_held() {
    let (world, conversation_id, message_id, first) = sent();
    let world = world.and(account(ANN), OpenDirect { account_id: account(EVE) });
    let to = direct_id(account(ANN), account(EVE));
    let body = Some(said(&world, message_id));
    let messages = vec![Source { conversation_id, message_id, body }];
    let forward =
        ForwardMessages { conversation_id: to, thread_id: None, messages, attributed: true };
    let world = world.and(account(ANN), forward);
    let (world, second) = uploaded(world, BOB);
    let world = world
        .and(account(BOB), replace((conversation_id, message_id), first, second))
        .and(account(BOB), DeleteMessage { conversation_id, message_id });
    let uses: BTreeMap<_, _> =
        world.stored().into_iter().filter(|it| it.0.0 == "file_uses").collect();
    let is_over = |(_, it): &(_, &String)| it.contains("\"over\":true");
    let kept: Vec<_> = uses.iter().filter(|it| !is_over(it)).map(|it| &it.0.1).collect();
    assert_eq!((uses.len(), kept.len()), (3, 1));
    assert!(kept[0].starts_with(&FileUse::of(first)));
}

#[test]
fn those_who_see_a_message_hear_of_the_file_that_it_shows() {
    let (world, (conversation_id, message_id), [first, second]) = twice();
    let note = |file_id| NoteMedia { conversation_id, message_id, file_id };
    let ready = AttachmentReady { message_id, conversation_id, file_id: second };
    world
        .when(account(BOB), note(first))
        .then([])
        .when(account(BOB), note(second))
        .then([ready.into()]);
}

fn bytes(world: &Given, id: ConversationId) -> u64 {
    world.document::<ConversationStorage>(id).map_or(0, |it| it.bytes)
}

#[test]
fn versions_take_room_of_their_conversation_until_the_message_ends() {
    let (world, at, [first, second]) = twice();
    assert_eq!(bytes(&world, at.0), 18);
    let (world, large) = world.uploads(BOB, CONVERSATION_BYTES_MAX - 17);
    let (world, fits) = world.uploads(BOB, CONVERSATION_BYTES_MAX - 18);
    let world = world
        .when(account(BOB), replace(at, second, large))
        .then_rejected(AttachmentRejection::StorageFull)
        .and(account(BOB), replace(at, second, fits));
    assert_eq!(bytes(&world, at.0), CONVERSATION_BYTES_MAX);
    // One that is put back is held already, and what is sent on is what is shown.
    let world = world
        .and(account(BOB), replace(at, fits, first))
        .and(account(BOB), OpenDirect { account_id: account(ANN) });
    assert_eq!(bytes(&world, at.0), CONVERSATION_BYTES_MAX);
    let (conversation_id, message_id) = at;
    let to = direct_id(account(ANN), account(BOB));
    let messages = vec![Source { conversation_id, message_id, body: Some(said(&world, at.1)) }];
    let forward =
        ForwardMessages { conversation_id: to, thread_id: None, messages, attributed: true };
    let world = world
        .and(account(ANN), forward)
        .and(account(BOB), DeleteMessage { conversation_id, message_id });
    assert_eq!((bytes(&world, at.0), bytes(&world, to)), (0, 9));
}

/// The files that each message holds, as the whole history says.
fn held(world: &Given) -> BTreeMap<MessageId, BTreeSet<FileId>> {
    let mut held: BTreeMap<MessageId, BTreeSet<FileId>> = BTreeMap::new();
    for it in world.history() {
        if let Some(MessageEvent::MessageSent(it)) = MessageEvent::of(&it.event) {
            held.entry(it.message_id).or_default().extend(it.files.iter().flatten());
        }
        if let Some(AttachmentEvent::AttachmentReplaced(it)) = AttachmentEvent::of(&it.event) {
            held.entry(it.message_id).or_default().insert(it.new_file_id);
        }
        if let Some(MessageEvent::MessageDeleted(it)) = MessageEvent::of(&it.event) {
            held.remove(&it.message_id);
        }
        if let Some(RemovalEvent::MessageDestroyed(it)) = RemovalEvent::of(&it.event) {
            held.remove(&it.message_id);
        }
    }
    held
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    /// Whatever is sent, replaced, edited, deleted, restored and released in whatever order: files
    /// are used by exactly those messages that hold them, each version counts one more, and what a
    /// message showed after an edit never changes.
    #[test]
    fn uses_and_versions_are_what_the_history_says(
        steps in prop::collection::vec((0..9_u8, any::<prop::sample::Index>()), 1..60),
    ) {
        let (world, conversation_id) = lunch();
        let promote = ChangeRole { conversation_id, account_id: account(BOB), role: Role::Admin };
        let mut world = world.and(account(ANN), promote);
        let (mut files, mut messages) = (Vec::new(), Vec::new());
        let mut showed: BTreeMap<(MessageId, u64), Vec<(FileId, u32)>> = BTreeMap::new();
        for (what, which) in steps {
            let who = if which.index(2) == 0 { ANN } else { BOB };
            if what < 2 || files.is_empty() {
                let (next, file) = uploaded(world, who);
                world = next;
                files.push((who, file));
                continue;
            }
            if what == 2 || messages.is_empty() {
                let (who, file) = files[which.index(files.len())];
                let send = photo(conversation_id, file);
                world = world.when(account(who), send.clone()).world;
                messages.push((who, send.message_id(&world.last_context(account(who)))));
                continue;
            }
            let (author, message_id) = messages[which.index(messages.len())];
            world = match what {
                3..=5 => {
                    let (_, new) = files[which.index(files.len() * 7) % files.len()];
                    let at = (conversation_id, message_id);
                    let shown = message(&world, message_id).files.first().copied();
                    world.when(account(author), replace(at, shown.unwrap_or(new), new)).world
                }
                6 => {
                    let text = format!("{}", which.index(100));
                    let edit = EditMessage { conversation_id, message_id, text };
                    world.when(account(author), edit).world
                }
                7 if which.index(3) == 0 => {
                    let message_ids = vec![message_id];
                    let restore = RestoreMessages { conversation_id, message_ids };
                    world.when(account(who), restore).world
                }
                7 => {
                    let file_ids = files.iter().map(|it| it.1).collect();
                    let release = NoteReleased { conversation_id, message_id, file_ids };
                    world.when(account(who), release).world
                }
                _ => {
                    let delete = DeleteMessage { conversation_id, message_id };
                    world.when(account(who), delete).world
                }
            };
            let found = message(&world, message_id);
            for revision in (0..=found.revision).filter(|_| found.body.is_some()) {
                let now = placed(&world, message_id, revision);
                let before = showed.entry((message_id, revision)).or_insert_with(|| now.clone());
                prop_assert_eq!(&now, before);
            }
        }
        let held = held(&world);
        // Each file has nine bytes; what a moderator has removed takes no room.
        let there = held.iter().filter(|it| message(&world, *it.0).body.is_some());
        let all: usize = there.map(|it| it.1.len()).sum();
        prop_assert_eq!(bytes(&world, conversation_id), 9 * all as u64);
        for (_, message_id) in messages {
            let own = held.get(&message_id).cloned().unwrap_or_default();
            let told: BTreeSet<_> =
                message(&world, message_id).held().into_iter().flatten().collect();
            prop_assert_eq!(&told, &own);
            for (_, file) in &files {
                let is_used = used(&world, *file, message_id) == Some(true);
                prop_assert_eq!(is_used, own.contains(file));
            }
        }
    }
}
