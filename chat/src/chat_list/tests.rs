//! The law of chat lists.

use proptest::prelude::*;

use super::*;
use crate::Change;
use crate::audience::Audience;
use crate::conversations::{Conversation, ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::counts::reading;
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::time::{Long, TIMESTAMP_MS_MAX};
use crate::kernel::{Document, Effect, Recorded, Timestamp};
use crate::members::{JoinGroup, LeaveConversation};
use crate::messages::SendMessage;
use crate::receipts::MarkRead;

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

const HOUR: i64 = 3_600_000;

fn id() -> ConversationId {
    direct_id(account(ANN), account(BOB))
}

/// Ann has sent Bob so many messages.
fn sent(count: usize) -> Given {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let world = people.and(account(ANN), OpenDirect { account_id: account(BOB) });
    (0..count).fold(world, |world, _| sends(world, ANN))
}

fn sends(world: Given, who: u8) -> Given {
    world.and(account(who), SendMessage::new(id(), "hi"))
}

fn mute(until: Option<i64>) -> MuteConversation {
    MuteConversation { conversation_id: id(), until: until.map(Timestamp) }
}

fn unmute() -> UnmuteConversation {
    UnmuteConversation { conversation_id: id() }
}

fn mark() -> MarkUnread {
    MarkUnread { conversation_id: id() }
}

fn read(number: u64) -> MarkRead {
    MarkRead { conversation_id: id(), number: Long(number) }
}

fn archive() -> ArchiveConversation {
    ArchiveConversation { conversation_id: id() }
}

fn unarchive() -> UnarchiveConversation {
    UnarchiveConversation { conversation_id: id() }
}

fn muted(until: i64, archived: Option<u64>) -> crate::Event {
    let (account_id, conversation_id) = (account(BOB), id());
    let (until, archived_number) = (Timestamp(until), archived.map(Long));
    ConversationMuted { account_id, conversation_id, until, archived_number }.into()
}

fn unmuted(archived: Option<u64>) -> crate::Event {
    let (account_id, conversation_id) = (account(BOB), id());
    let archived_number = archived.map(Long);
    ConversationUnmuted { account_id, conversation_id, archived_number }.into()
}

fn marked(number: u64) -> crate::Event {
    let (account_id, conversation_id) = (account(BOB), id());
    MarkedUnread { account_id, conversation_id, read_number: Long(number) }.into()
}

fn archived(number: u64) -> crate::Event {
    let (account_id, conversation_id) = (account(BOB), id());
    ConversationArchived { account_id, conversation_id, archived_number: Long(number) }.into()
}

fn listing(world: &Given) -> Option<Listing> {
    world.document::<Listing>(Listing::id(account(BOB), id()))
}

fn is_archived(world: &Given) -> bool {
    let head = world.document::<Conversation>(id()).expect("a conversation");
    listing(world).is_some_and(|it| it.is_archived(&head))
}

fn is_marked(world: &Given, read: u64) -> bool {
    listing(world).is_some_and(|it| it.is_marked(read))
}

#[test]
fn it_is_muted_until_a_time_or_for_ever() {
    let world = sent(0).when(account(BOB), mute(Some(NOW.0 + HOUR)));
    let world = world.then([muted(NOW.0 + HOUR, None)]);
    let at = |ms| listing(&world).is_some_and(|it| it.is_muted(Timestamp(ms)));
    assert_eq!([NOW.0, NOW.0 + HOUR - 1, NOW.0 + HOUR].map(at), [true, true, false]);
    let world = world
        .when(account(BOB), mute(Some(NOW.0 + HOUR)))
        .then([])
        .when(account(BOB), mute(None))
        .then([muted(TIMESTAMP_MS_MAX, None)]);
    let world = world.when(account(BOB), unmute()).then([unmuted(None)]);
    assert_eq!(listing(&world), None, "nothing is left to say of it");
    world.when(account(BOB), unmute()).then([]);
}

#[test]
fn what_is_over_is_no_time_to_mute_until() {
    sent(0)
        .when(account(BOB), mute(Some(NOW.0)))
        .then_rejected(ChatListRejection::MutedUntilPast)
        .when(account(BOB), mute(Some(NOW.0 + 1)))
        .then_allowed()
        .later(1)
        .when(account(BOB), unmute())
        .then([]);
}

#[test]
fn a_mark_stands_until_more_is_read_or_the_same_once_more() {
    let world = sent(2).and(account(BOB), read(1)).when(account(BOB), mark()).then([marked(1)]);
    assert!(is_marked(&world, 1) && !is_marked(&world, 2));
    let cleared = UnreadMarkCleared { account_id: account(BOB), conversation_id: id() };
    let world = world.when(account(BOB), mark()).then([]);
    let world = world.when(account(BOB), read(0)).then([]);
    assert!(is_marked(&world, 1), "an older number changes nothing");
    let world = world.when(account(BOB), read(1)).then([cleared.into()]);
    assert!(!is_marked(&world, 1));
    let world = world.when(account(BOB), read(1)).then([]);
    let world = world.and(account(BOB), mark()).and(account(BOB), read(2));
    assert!(!is_marked(&world, 2));
    world.when(account(BOB), mark()).then([marked(2)]);
}

#[test]
fn sending_is_coming_back() {
    let world = sent(1).and(account(BOB), read(1)).and(account(BOB), mark());
    let world = sends(world, BOB);
    assert!(!is_marked(&world, 2));
    world.when(account(BOB), mark()).then([marked(2)]);
}

#[test]
fn an_archived_conversation_comes_back_with_a_message() {
    let world = sent(1).when(account(BOB), archive()).then([archived(1)]);
    assert!(is_archived(&world));
    let world = world.when(account(BOB), archive()).then([]);
    let world = sends(world, ANN);
    assert!(!is_archived(&world));
    let world = world.when(account(BOB), unarchive()).then([]);
    let world = world.when(account(BOB), archive()).then([archived(2)]);
    let world = world.and(account(BOB), unarchive());
    assert_eq!(listing(&world), None);
}

#[test]
fn a_reply_in_a_thread_brings_nothing_back() {
    let world = sent(1).and(account(BOB), archive());
    let head = world.document::<Conversation>(id()).expect("a conversation");
    let reply = SendMessage { thread_id: head.last_message, ..SendMessage::new(id(), "ho") };
    let world = world.and(account(ANN), reply);
    assert!(is_archived(&world));
    assert!(!is_archived(&sends(world, ANN)));
}

#[test]
fn what_comes_while_it_is_muted_brings_nothing_back() {
    let world = sent(1).and(account(BOB), mute(Some(NOW.0 + HOUR))).and(account(BOB), archive());
    let world = sends(world, ANN);
    assert!(is_archived(&world));
    let world = world.later(HOUR);
    assert!(is_archived(&world), "the end of that brings nothing back either");
    let world = world.when(account(BOB), mute(None)).then([muted(TIMESTAMP_MS_MAX, Some(2))]);
    let world = sends(world, ANN).when(account(BOB), unmute()).then([unmuted(Some(3))]);
    assert!(is_archived(&world));
    assert!(!is_archived(&sends(world, ANN)));
}

#[test]
fn muting_archives_nothing_that_has_come_back() {
    let world = sends(sent(1).and(account(BOB), archive()), ANN);
    let world = world.when(account(BOB), mute(None)).then([muted(TIMESTAMP_MS_MAX, None)]);
    assert!(!is_archived(&sends(world, ANN)));
}

#[test]
fn what_comes_after_the_mute_brings_it_back() {
    let world = sent(1).and(account(BOB), archive()).and(account(BOB), mute(Some(NOW.0 + HOUR)));
    let world = sends(world, ANN).later(HOUR - 1);
    let world = sends(world, ANN);
    assert!(is_archived(&world));
    assert!(!is_archived(&sends(world.later(1), ANN)));
}

#[test]
fn members_keep_a_conversation_and_strangers_do_not() {
    let no = ChatListRejection::NotFound;
    sent(1)
        .when(account(EVE), mute(None))
        .then_rejected(no)
        .when(account(EVE), unmute())
        .then_rejected(no)
        .when(account(EVE), mark())
        .then_rejected(no)
        .when(account(EVE), archive())
        .then_rejected(no)
        .when(account(EVE), unarchive())
        .then_rejected(no)
        .when(account(EVE), PinConversation { conversation_id: id() })
        .then_rejected(no)
        .when(account(EVE), UnpinConversation { conversation_id: id() })
        .then_rejected(no);
}

/// Bob is in so many open groups of Ann's, and has pinned all but the last.
fn pinned(count: usize) -> (Given, Vec<ConversationId>) {
    let (mut world, mut ids) = (sent(0), Vec::new());
    for at in 0..count {
        let (title, member_ids) = (format!("group {at}"), vec![account(BOB)]);
        world = world.and(account(ANN), CreateGroup { title, member_ids, open: true });
        ids.push(CreateGroup::conversation_id(&world.last_context(account(ANN))));
    }
    for conversation_id in &ids[..count - 1] {
        let conversation_id = *conversation_id;
        world = world.and(account(BOB), PinConversation { conversation_id });
    }
    (world, ids)
}

fn order(world: &Given) -> Vec<ConversationId> {
    let pinned = world.document::<PinnedConversations>(account(BOB));
    pinned.map(|it| it.conversation_ids).unwrap_or_default()
}

#[test]
fn what_was_pinned_last_stands_first() {
    let (world, ids) = pinned(4);
    assert_eq!(order(&world), [ids[2], ids[1], ids[0]]);
    let world = world.when(account(BOB), PinConversation { conversation_id: ids[0] }).then([]);
    let world = world.and(account(BOB), UnpinConversation { conversation_id: ids[1] });
    assert_eq!(order(&world), [ids[2], ids[0]]);
    world.when(account(BOB), UnpinConversation { conversation_id: ids[1] }).then([]);
}

#[test]
fn ten_are_pinned_at_most() {
    let (world, ids) = pinned(PINNED_MAX + 1);
    let one_more = PinConversation { conversation_id: ids[PINNED_MAX] };
    world
        .when(account(BOB), one_more.clone())
        .then_rejected(ChatListRejection::TooManyPinned)
        .and(account(BOB), UnpinConversation { conversation_id: ids[0] })
        .when(account(BOB), one_more)
        .then_allowed();
}

#[test]
fn what_one_has_left_is_not_pinned_any_more() {
    let (world, ids) = pinned(PINNED_MAX + 1);
    let world = world.and(account(BOB), LeaveConversation { conversation_id: ids[3] });
    let world = world.and(account(BOB), PinConversation { conversation_id: ids[PINNED_MAX] });
    let world = world.and(account(BOB), JoinGroup { conversation_id: ids[3] });
    let pinned = order(&world);
    assert_eq!((pinned.len(), pinned[0]), (PINNED_MAX, ids[PINNED_MAX]));
    assert!(!pinned.contains(&ids[3]));
}

#[test]
fn an_order_that_was_read_after_leaving_one_is_taken_without_it() {
    let (world, ids) = pinned(4);
    let world = world.and(account(BOB), LeaveConversation { conversation_id: ids[1] });
    let read = order(&world);
    assert!(read.contains(&ids[1]));
    let conversation_ids: Vec<_> = read.into_iter().rev().collect();
    let left: Vec<_> = conversation_ids.iter().copied().filter(|it| *it != ids[1]).collect();
    let world = world.and(account(BOB), OrderPinnedConversations { conversation_ids });
    assert_eq!(order(&world), left);
}

#[test]
fn an_order_names_all_that_are_pinned_once() {
    let (world, ids) = pinned(4);
    let to = |at: &[usize]| OrderPinnedConversations {
        conversation_ids: at.iter().map(|it| ids[*it]).collect(),
    };
    let differs = ChatListRejection::OrderDiffers;
    let world = world
        .when(account(BOB), to(&[0, 1]))
        .then_rejected(differs)
        .when(account(BOB), to(&[0, 1, 3]))
        .then_rejected(differs)
        .when(account(BOB), to(&[0, 1, 2, 2]))
        .then_rejected(differs)
        .when(account(BOB), to(&[2, 1, 0]))
        .then([])
        .and(account(BOB), to(&[0, 2, 1]));
    assert_eq!(order(&world), [ids[0], ids[2], ids[1]]);
}

#[test]
fn the_persons_own_devices_are_told() {
    let world = sent(1).and(account(BOB), mark());
    let pin = PinConversation { conversation_id: id() };
    let world = world.and(account(BOB), pin);
    let meanings: Vec<_> = world.history().iter().rev().take(2).map(Recorded::meaning).collect();
    let pinned = (Change::PinnedConversations(account(BOB)), Effect::None);
    assert_eq!(meanings, [pinned, (Change::Listing(id()), Effect::None)]);
    let audience = listing(&world).map(|it| it.audience());
    assert_eq!(audience, Some(Audience::Account(account(BOB))));
}

/// Bob's badge: over how many conversations something is unread, and whether that is all.
fn badge(world: &Given) -> (u64, bool) {
    let found = reading(world, async |reader| {
        let now = world.last_context(account(BOB)).now;
        Badge::load(&reader, account(BOB), now).await.expect("a badge")
    });
    (found.conversations, found.complete)
}

#[test]
fn the_badge_is_counted_over_the_thousand_most_recently_active() {
    // The direct conversation is the oldest, and marked as unread.
    let mut world = sent(0).and(account(BOB), mark());
    let creates = |world: Given| {
        let (title, member_ids) = ("group".to_owned(), vec![account(BOB)]);
        world.later(1).and(account(ANN), CreateGroup { title, member_ids, open: false })
    };
    for _ in 1..BADGE_MAX {
        world = creates(world);
    }
    assert_eq!(badge(&world), (1, true));
    let world = creates(world);
    assert_eq!(badge(&world), (0, false), "the oldest is left out");
    assert_eq!(badge(&sends(world.later(1), ANN)), (1, false), "it is the newest again");
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    /// Told one message at a time, as it happens.
    #[test]
    fn it_is_archived_until_a_message_comes_while_it_is_not_muted(
        steps in prop::collection::vec((0..6_u8, 0..4_i64), 0..60),
    ) {
        let (mut world, mut now) = (sent(1), NOW.0);
        let (mut archived, mut muted_until) = (false, 0);
        for (what, time) in steps {
            (world, now) = (world.later(time * HOUR), now + time * HOUR);
            world = match what {
                0 | 1 => {
                    archived &= muted_until > now;
                    sends(world, ANN)
                }
                2 => {
                    muted_until = now + 5 * HOUR;
                    world.and(account(BOB), mute(Some(muted_until)))
                }
                3 => {
                    muted_until = 0;
                    world.and(account(BOB), unmute())
                }
                4 => {
                    archived = true;
                    world.and(account(BOB), archive())
                }
                _ => {
                    archived = false;
                    world.and(account(BOB), unarchive())
                }
            };
            prop_assert_eq!(is_archived(&world), archived);
            let muted = listing(&world).is_some_and(|it| it.is_muted(Timestamp(now)));
            prop_assert_eq!(muted, muted_until > now);
        }
    }
}
