//! The law of versions: who puts a newer file in the place of one, and what is shown then.

use std::collections::BTreeSet;

use super::tests::{ANN, BOB, EVE, attach, lunch, photo, release_due, said, sent, uploaded, used};
use super::*;
use crate::Change;
use crate::conversations::{ConversationId, OpenDirect, direct_id};
use crate::edit_policy::SetEditPolicy;
use crate::files::{FileId, TerminateUpload, UNUSED_MS_MAX};
use crate::forwards::{ForwardMessages, Source};
use crate::kernel::Effect;
use crate::kernel::testing::{Given, NOW, account};
use crate::kernel::time::Long;
use crate::members::LeaveConversation;
use crate::messages::{
    Content, DeleteMessage, EditMessage, Message, MessageEvent, MessageId, MessageRejection, Quote,
    SendMessage, Version,
};

/// In a message of Bob's, in place of a file.
pub(super) fn replace(
    (conversation_id, message_id): (ConversationId, MessageId),
    file_id: FileId,
    new_file_id: FileId,
) -> ReplaceAttachment {
    ReplaceAttachment { conversation_id, message_id, file_id, new_file_id }
}

pub(super) fn message(world: &Given, id: MessageId) -> Message {
    world.document(id).expect("a message")
}

/// The files that a message had after an edit, and which version each was.
pub(super) fn placed(world: &Given, id: MessageId, revision: u64) -> Vec<(FileId, u32)> {
    let placed = message(world, id).placed(revision).into_iter();
    placed.map(|it| (it.file_id, it.version)).collect()
}

/// A photo of Bob's of which there are two versions.
pub(super) fn twice() -> (Given, (ConversationId, MessageId), [FileId; 2]) {
    let (world, conversation_id, message_id, first) = sent();
    let at = (conversation_id, message_id);
    let (world, second) = uploaded(world, BOB);
    (world.and(account(BOB), replace(at, first, second)), at, [first, second])
}

#[test]
fn a_newer_file_takes_the_place_of_the_one_before() {
    let (world, id) = lunch();
    let (world, one) = uploaded(world, BOB);
    let (world, two) = uploaded(world, BOB);
    let (world, new) = uploaded(world, BOB);
    let all = vec![attach(one, AttachmentKind::Photo), attach(two, AttachmentKind::Video)];
    let send = SendAttachments { text: "*cats*".to_owned(), ..SendAttachments::new(id, all) };
    let world = world.and(account(BOB), send.clone());
    let message_id = send.message_id(&world.last_context(account(BOB)));
    let expected = AttachmentReplaced {
        message_id,
        conversation_id: id,
        number: Long(1),
        revision: Long(1),
        place: Long(1),
        file_id: two,
        new_file_id: new,
        file_bytes: Some(Long(9)),
        shown_bytes: Long(18),
    };
    let world = world
        .later(5_000)
        .when(account(BOB), replace((id, message_id), two, new))
        .then([expected.into()]);
    let found = message(&world, message_id);
    assert_eq!((found.files.as_slice(), found.revision), ([one, new].as_slice(), 1));
    assert_eq!(found.edited_at.map(|it| it.0), Some(NOW.0 + 5_000));
    assert_eq!(placed(&world, message_id, 0), [(one, 1), (two, 1)]);
    assert_eq!(placed(&world, message_id, 1), [(one, 1), (new, 2)]);
    let body = said(&world, message_id);
    let Some(Content::Attachments(it)) = body.content else { panic!("no files") };
    let kinds: Vec<_> = it.after(&found, 1).into_iter().map(|(it, _)| it).collect();
    let owner_id = account(BOB);
    let shown = |kind, file_id| Attachment { kind, file_id, owner_id };
    let expected = [shown(AttachmentKind::Photo, one), shown(AttachmentKind::Video, new)];
    assert_eq!((body.text.as_str(), kinds.as_slice()), ("cats", expected.as_slice()));
    assert_eq!([one, two, new].map(|it| used(&world, it, message_id)), [Some(true); 3]);
    let last = world.history().last().expect("it was replaced");
    assert_eq!(last.meaning(), (Change::Message(message_id), Effect::None));
}

#[test]
fn only_the_author_replaces_and_only_what_the_message_shows() {
    let (world, at, [first, second]) = twice();
    let (world, new) = uploaded(world, BOB);
    let (world, hers) = uploaded(world, ANN);
    let not_found = MessageRejection::NotFound;
    let world = world
        .when(account(EVE), replace(at, second, new))
        .then_rejected(not_found)
        .when(account(BOB), replace((direct_id(account(BOB), account(BOB)), at.1), second, new))
        .then_rejected(not_found)
        .when(account(ANN), replace(at, second, hers))
        .then_rejected(MessageRejection::NotAuthor)
        .when(account(BOB), replace(at, first, new))
        .then_rejected(AttachmentRejection::NotHeld)
        .when(account(BOB), replace(at, new, new))
        .then_rejected(AttachmentRejection::NotHeld)
        .when(account(BOB), replace(at, second, second))
        .then_rejected(AttachmentRejection::Repeated);
    let text = SendMessage::new(at.0, "x");
    let world = world.and(account(BOB), text.clone());
    let other = (at.0, text.message_id(&world.last_context(account(BOB))));
    world
        .when(account(BOB), replace(other, second, new))
        .then_rejected(AttachmentRejection::NotHeld)
        .and(account(BOB), LeaveConversation { conversation_id: at.0 })
        .when(account(BOB), replace(at, second, new))
        .then_rejected(not_found);
}

#[test]
fn the_newer_file_is_the_authors_own_and_there() {
    let (world, at, [_, second]) = twice();
    let (world, hers) = uploaded(world, ANN);
    let (world, over) = uploaded(world, BOB);
    let (world, new) = uploaded(world, BOB);
    let gone = AttachmentRejection::FileNotFound;
    world
        .when(account(BOB), replace(at, second, hers))
        .then_rejected(gone)
        .and(account(BOB), TerminateUpload { file_id: over })
        .when(account(BOB), replace(at, second, over))
        .then_rejected(gone)
        .later(UNUSED_MS_MAX - LAST_MOMENT_MS)
        .when(account(BOB), replace(at, second, new))
        .then_rejected(gone)
        .later(-1)
        .when(account(BOB), replace(at, second, new))
        .then_allowed();
}

#[test]
fn a_file_is_replaced_for_as_long_as_a_text_is_edited() {
    let (world, at, [_, second]) = twice();
    let (world, new) = uploaded(world, BOB);
    let policy = |minutes| SetEditPolicy { conversation_id: at.0, minutes, history_visible: true };
    let world = world
        .and(account(ANN), policy(Some(2)))
        .later(120_001)
        .when(account(BOB), replace(at, second, new))
        .then_rejected(MessageRejection::TooLate)
        .later(-1)
        .when(account(BOB), replace(at, second, new))
        .then_allowed();
    let (world, newer) = uploaded(world, BOB);
    let (conversation_id, message_id) = at;
    world
        .and(account(ANN), policy(Some(0)))
        .when(account(BOB), replace(at, new, newer))
        .then_rejected(MessageRejection::TooLate)
        .and(account(ANN), policy(None))
        .and(account(ANN), DeleteMessage { conversation_id, message_id })
        .when(account(BOB), replace(at, new, newer))
        .then_rejected(MessageRejection::Gone);
}

#[test]
fn what_says_who_wrote_it_and_what_is_opened_once_is_not_replaced() {
    let (world, at, [_, second]) = twice();
    let world = world.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let direct = direct_id(account(ANN), account(BOB));
    let (world, new) = uploaded(world, BOB);
    let forward = |attributed, body| ForwardMessages {
        conversation_id: direct,
        thread_id: None,
        messages: vec![Source { conversation_id: at.0, message_id: at.1, body: Some(body) }],
        attributed,
    };
    let sent_on = |world: &Given| {
        let sent = world.history().iter().rev().find_map(|it| match MessageEvent::of(&it.event) {
            Some(MessageEvent::MessageSent(it)) => Some(it.message_id),
            Some(_) | None => None,
        });
        (direct, sent.expect("it was sent on"))
    };
    let mut body = said(&world, at.1);
    if let Some(Content::Attachments(it)) = &mut body.content {
        it.all[0].file_id = second;
    }
    let world = world.and(account(BOB), forward(true, body.clone()));
    let there = sent_on(&world);
    let world = world
        .when(account(BOB), replace(there, second, new))
        .then_rejected(MessageRejection::Forwarded);
    // What does not say so is as if it were one's own, if the file is.
    let world = world.and(account(BOB), forward(false, body.clone()));
    let there = sent_on(&world);
    let world = world.when(account(BOB), replace(there, second, new)).then_allowed();
    let (world, hers) = uploaded(world, ANN);
    let world = world.and(account(ANN), forward(false, body));
    let there = sent_on(&world);
    let world = world
        .when(account(ANN), replace(there, second, hers))
        .then_rejected(AttachmentRejection::NotOwner);
    let once = SendAttachments { view_once: true, ..photo(direct, new) };
    let world = world.and(account(BOB), once.clone());
    let there = (direct, once.message_id(&world.last_context(account(BOB))));
    world
        .when(account(BOB), replace(there, new, second))
        .then_rejected(AttachmentRejection::ViewOnce);
}

#[test]
fn there_are_twenty_versions_in_each_of_ten_places_and_all_of_them_end() {
    let (mut world, id) = lunch();
    let mut shown = Vec::new();
    for _ in 0..ATTACHMENTS_MAX {
        let (next, file) = world.uploads(BOB, 4);
        world = next;
        shown.push(file);
    }
    let files = shown.iter().map(|it| attach(*it, AttachmentKind::Document)).collect();
    let send = SendAttachments::new(id, files);
    let mut world = world.and(account(BOB), send.clone());
    let at = (id, send.message_id(&world.last_context(account(BOB))));
    let mut held: BTreeSet<FileId> = shown.iter().copied().collect();
    for place in &mut shown {
        for _ in 1..VERSIONS_MAX {
            let (next, file) = world.uploads(BOB, 4);
            world = next.and(account(BOB), replace(at, *place, file));
            *place = file;
            held.insert(file);
        }
        let (next, file) = world.uploads(BOB, 4);
        world = next
            .when(account(BOB), replace(at, *place, file))
            .then_rejected(AttachmentRejection::TooManyVersions);
    }
    assert_eq!((held.len(), message(&world, at.1).files), (HELD_MAX, shown));
    let (conversation_id, message_id) = at;
    let world = world.and(account(BOB), DeleteMessage { conversation_id, message_id });
    assert!(held.iter().all(|it| used(&world, *it, message_id) == Some(false)));
    let mut file_ids: Vec<_> = held.iter().copied().collect();
    let release = NoteReleased { conversation_id, message_id, file_ids: file_ids.clone() };
    let before = world.history().len();
    let world = world.and(account(BOB), release);
    assert!(held.iter().all(|it| used(&world, *it, message_id).is_none()));
    assert_eq!((world.history().len() - before, release_due(&world, message_id)), (1, None));
    // What is named beyond that is not looked at.
    file_ids.insert(0, shown_elsewhere(&world));
    let release = NoteReleased { conversation_id, message_id, file_ids };
    world.when(account(BOB), release).then([]);
}

/// Some file that nothing holds.
fn shown_elsewhere(world: &Given) -> FileId {
    FileId(world.last_context(account(BOB)).client_id)
}

#[test]
fn texts_and_files_are_edited_in_one_order() {
    let (world, at, [first, second]) = twice();
    let (conversation_id, message_id) = at;
    let edit = |text: &str| EditMessage { conversation_id, message_id, text: text.to_owned() };
    let (world, third) = uploaded(world, BOB);
    let world = world
        .and(account(BOB), edit("two"))
        .and(account(BOB), edit("three"))
        .and(account(BOB), replace(at, second, third))
        .and(account(BOB), edit("five"));
    let found = message(&world, message_id);
    assert_eq!((found.revision, found.files.as_slice()), (5, [third].as_slice()));
    let texts: Vec<_> = (0..=5).map(|it| found.text_revision(it)).collect();
    assert_eq!(texts, [0, 0, 2, 3, 3, 5]);
    let files: Vec<_> = (0..=5).flat_map(|it| placed(&world, message_id, it)).collect();
    let (one, two, three) = ((first, 1), (second, 2), (third, 3));
    assert_eq!(files, [one, two, two, two, three, three]);
    let texts = [1, 2, 3, 4, 5].map(|it| {
        let version = world.document::<Version>(Version::id(message_id, it));
        version.is_some()
    });
    assert_eq!(texts, [false, true, true, false, true], "files are not texts");
    // What it says is quoted by the edit that gave it that text.
    let quoting = |revision| SendMessage {
        reply_to: Some(message_id),
        quote: Some(Quote { revision: Long(revision), offset: Long(0), length: Long(1) }),
        ..SendMessage::new(conversation_id, "x")
    };
    let world = world.and(account(BOB), replace(at, third, first));
    world
        .when(account(ANN), quoting(6))
        .then_rejected(MessageRejection::QuoteNotFound)
        .when(account(ANN), quoting(5))
        .then_allowed();
}
