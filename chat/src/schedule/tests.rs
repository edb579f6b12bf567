//! The law of scheduled messages.

use super::*;
use crate::Event;
use crate::accounts::{AccountId, AccountSuspended};
use crate::audience::Audience;
use crate::conversations::{ConversationId, CreateGroup};
use crate::kernel::event::Reaction;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Document, Personal, Timestamp};
use crate::members::LeaveConversation;
use crate::messages::{MessageId, message_id};
use crate::timers::{Purpose, Timer};

pub(super) const ANN: u8 = 1;
pub(super) const BOB: u8 = 2;
pub(super) const EVE: u8 = 3;

pub(super) fn bob() -> AccountId {
    account(BOB)
}

/// Ann's group with Bob.
pub(super) fn lunch() -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let member_ids = vec![bob()];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn at(ms: i64) -> Timestamp {
    Timestamp(NOW.0 + ms)
}

pub(super) fn wish(conversation_id: ConversationId, text: &str) -> ScheduleMessage {
    ScheduleMessage {
        conversation_id,
        text: text.to_owned(),
        attachments: Vec::new(),
        reply_to: None,
        thread_id: None,
        silent: false,
        expires_in: None,
        at: at(60_000),
    }
}

/// Bob has scheduled a message in a minute.
fn waiting() -> (Given, ConversationId, ScheduledId) {
    let (world, id) = lunch();
    let world = world.and(bob(), wish(id, "hi"));
    let scheduled = ScheduleMessage::scheduled_id(&world.last_context(bob()));
    (world, id, scheduled)
}

/// Its time has come.
fn closed() -> (Given, ConversationId, ScheduledId) {
    let (world, id, scheduled) = waiting();
    (world.later(60_000).and(bob(), begin(scheduled, 60_000)), id, scheduled)
}

fn change(scheduled_id: ScheduledId, text: Option<&str>, ms: Option<i64>) -> ChangeScheduled {
    ChangeScheduled { scheduled_id, text: text.map(str::to_owned), at: ms.map(at) }
}

pub(super) fn begin(scheduled_id: ScheduledId, ms: i64) -> BeginScheduled {
    BeginScheduled { scheduled_id, due_at: at(ms) }
}

pub(super) fn finish(scheduled_id: ScheduledId, sent: Result<MessageId, &str>) -> FinishScheduled {
    FinishScheduled { scheduled_id, sent: sent.map_err(str::to_owned) }
}

fn sending(scheduled_id: ScheduledId, ms: i64) -> Event {
    ScheduledSending { scheduled_id, account_id: bob(), due_at: at(ms) }.into()
}

fn find(world: &Given, id: ScheduledId) -> Scheduled {
    world.document::<Scheduled>(id).expect("it was scheduled")
}

fn text(world: &Given, id: ScheduledId) -> Option<String> {
    find(world, id).text.as_ref().and_then(open)
}

fn timer(world: &Given, purpose: &str, id: ScheduledId) -> Option<Timer> {
    world.document::<Timer>(format!("{purpose}/{}", id.0.simple()))
}

#[test]
fn a_member_schedules_what_could_be_sent() {
    let (world, id) = lunch();
    let silent = ScheduleMessage { silent: true, expires_in: Some(60), ..wish(id, "*hi*") };
    let then = world.when(bob(), silent);
    let scheduled_id = ScheduleMessage::scheduled_id(&then.world.last_context(bob()));
    let expected = MessageScheduled {
        scheduled_id,
        account_id: bob(),
        conversation_id: id,
        text: Personal::new("*hi*".to_owned()),
        reply_to: None,
        silent: true,
        expires_in: Some(Long(60)),
        due_at: at(60_000),
        thread_id: None,
        files: None,
        attachments: None,
    };
    let world = then.then([expected.into()]);
    let invalid = ScheduleRejection::TextInvalid;
    let world = ["", " \n", "a\u{7}", &"x".repeat(16_385)]
        .iter()
        .fold(world, |world, text| world.when(bob(), wish(id, text)).then_rejected(invalid));
    world
        .and(bob(), wish(id, &"x".repeat(16_384)))
        .when(account(EVE), wish(id, "hi"))
        .then_rejected(ScheduleRejection::NotFound)
        .when(bob(), ScheduleMessage { expires_in: Some(59), ..wish(id, "hi") })
        .then_rejected(ScheduleRejection::ExpiryInvalid)
        .when(bob(), ScheduleMessage { thread_id: Some(MessageId(id.0)), ..wish(id, "hi") })
        .then_rejected(ScheduleRejection::ThreadNotFound)
        .when(bob(), ScheduleMessage { reply_to: Some(MessageId(id.0)), ..wish(id, "hi") })
        .then_rejected(ScheduleRejection::ReplyNotFound);
}

#[test]
fn its_time_is_ten_seconds_to_a_year_ahead() {
    let (world, id, scheduled) = waiting();
    let rejected = ScheduleRejection::TimeInvalid;
    let wish = |ms| ScheduleMessage { at: at(ms), ..wish(id, "hi") };
    world
        .when(bob(), wish(AHEAD_MS_MIN - 1))
        .then_rejected(rejected)
        .and(bob(), wish(AHEAD_MS_MIN))
        .and(bob(), wish(AHEAD_MS_MAX))
        .when(bob(), wish(AHEAD_MS_MAX + 1))
        .then_rejected(rejected)
        .when(bob(), change(scheduled, None, Some(AHEAD_MS_MIN - 1)))
        .then_rejected(rejected)
        .when(bob(), change(scheduled, None, Some(AHEAD_MS_MAX + 1)))
        .then_rejected(rejected)
        .and(bob(), change(scheduled, None, Some(AHEAD_MS_MAX)));
}

#[test]
fn a_hundred_wait_in_a_conversation_and_those_that_failed_among_them() {
    let (world, id, first) = waiting();
    let world = (1..WAITING_MAX).fold(world, |world, _| world.and(bob(), wish(id, "hi")));
    let other = CreateGroup { title: "Tea".to_owned(), member_ids: Vec::new(), open: false };
    let world = world.and(bob(), other);
    let other = CreateGroup::conversation_id(&world.last_context(bob()));
    world
        .when(bob(), wish(id, "hi"))
        .then_rejected(ScheduleRejection::TooMany)
        .and(bob(), wish(other, "hi"))
        .and(account(ANN), wish(id, "hi"))
        .later(60_000)
        .and(bob(), begin(first, 60_000))
        .and(bob(), finish(first, Err("MESSAGES_REFUSED")))
        .when(bob(), ScheduleMessage { at: at(120_000), ..wish(id, "hi") })
        .then_rejected(ScheduleRejection::TooMany)
        .and(bob(), CancelScheduled { scheduled_id: first })
        .and(bob(), ScheduleMessage { at: at(120_000), ..wish(id, "hi") })
        .when(bob(), ScheduleMessage { at: at(120_000), ..wish(id, "hi") })
        .then_rejected(ScheduleRejection::TooMany);
}

#[test]
fn its_author_changes_its_text_and_its_time() {
    let (world, _, id) = waiting();
    let leaf = find(&world, id).leaf();
    let changed = |text: Option<&str>, ms: Option<i64>| ScheduledChanged {
        scheduled_id: id,
        account_id: bob(),
        text: text.map(|it| Personal::beside(it.to_owned(), leaf)),
        due_at: ms.map(at),
    };
    let world = world
        .when(bob(), change(id, None, None))
        .then([])
        .when(bob(), change(id, Some("ho"), None))
        .then([changed(Some("ho"), None).into()])
        .when(bob(), change(id, None, Some(90_000)))
        .then([changed(None, Some(90_000)).into()])
        .when(bob(), change(id, Some(" "), None))
        .then_rejected(ScheduleRejection::TextInvalid)
        .when(account(ANN), change(id, Some("mine"), None))
        .then_rejected(ScheduleRejection::NotFound);
    assert_eq!(text(&world, id).as_deref(), Some("ho"));
    let timer = timer(&world, "scheduled-due", id).expect("it has one");
    assert_eq!((find(&world, id).due_at, timer.due_at), (at(90_000), at(90_000)));
    let moved = world.when(bob(), begin(id, 60_000)).then([]);
    moved.when(bob(), begin(id, 90_000)).then([sending(id, 90_000)]);
}

#[test]
fn what_is_closed_is_sent_at_once_also_by_a_clock_that_is_behind() {
    let (world, _, id) = closed();
    let timer = timer(&world, "scheduled-send", id).expect("it is to be sent");
    assert_eq!((timer.due_at, timer.due_from()), (at(60_000), Timestamp(0)));
}

#[test]
fn once_its_time_has_come_it_is_not_changed_any_more() {
    let (world, _, id) = closed();
    let sending = ScheduleRejection::Sending;
    let world = world
        .when(bob(), change(id, Some("ho"), None))
        .then_rejected(sending)
        .when(bob(), CancelScheduled { scheduled_id: id })
        .then_rejected(sending)
        .when(bob(), SendScheduledNow { scheduled_id: id })
        .then([])
        .when(bob(), begin(id, 60_000))
        .then([]);
    assert_eq!(find(&world, id).state, ScheduledState::Sending);
}

#[test]
fn it_is_sent_only_while_it_is_closed_and_for_that_time_only() {
    let confirm = |scheduled_id, ms| ConfirmSending { scheduled_id, due_at: at(ms) };
    let (world, _, id) = waiting();
    world.when(bob(), confirm(id, 60_000)).then_rejected(ScheduleRejection::Over);
    let (world, _, id) = closed();
    let world = world
        .when(bob(), confirm(id, 60_000))
        .then([])
        .when(bob(), confirm(id, 59_999))
        .then_rejected(ScheduleRejection::Over)
        .and(bob(), finish(id, Err("MESSAGES_REFUSED")));
    world.when(bob(), confirm(id, 60_000)).then_rejected(ScheduleRejection::Over);
}

#[test]
fn what_was_cancelled_is_not_sent() {
    let (world, _, id) = waiting();
    let world = world
        .and(bob(), CancelScheduled { scheduled_id: id })
        .when(bob(), CancelScheduled { scheduled_id: id })
        .then([])
        .when(bob(), begin(id, 60_000))
        .then([])
        .when(bob(), change(id, None, Some(90_000)))
        .then_rejected(ScheduleRejection::Over)
        .when(bob(), SendScheduledNow { scheduled_id: id })
        .then_rejected(ScheduleRejection::Over);
    assert_eq!(timer(&world, "scheduled-due", id), None);
    let over = find(&world, id);
    assert_eq!((over.state, over.text.is_none()), (ScheduledState::Cancelled, true));
    assert_eq!(Document::index_keys(&over), [None, None]);
}

#[test]
fn it_is_noted_once_that_it_was_sent() {
    let (world, id, scheduled) = closed();
    let timer_before = timer(&world, "scheduled-send", scheduled).expect("it has one");
    assert_eq!(timer_before.purpose, Purpose::ScheduledSend);
    assert_eq!(timer(&world, "scheduled-due", scheduled), None);
    let message = message_id(id, bob(), timer_before.client_id());
    let sent = ScheduledSent {
        scheduled_id: scheduled,
        account_id: bob(),
        conversation_id: id,
        message_id: message,
        leaf: Long(find(&world, scheduled).leaf()),
        files: None,
    };
    let world = world
        .when(bob(), finish(scheduled, Ok(message)))
        .then([sent.into()])
        .when(bob(), finish(scheduled, Ok(message)))
        .then([])
        .when(bob(), CancelScheduled { scheduled_id: scheduled })
        .then_rejected(ScheduleRejection::Over);
    let over = find(&world, scheduled);
    assert_eq!((over.state, over.message_id), (ScheduledState::Sent, Some(message)));
    assert_eq!(timer(&world, "scheduled-send", scheduled), None);
    let destroyed: Vec<_> = world.history().iter().flat_map(destroy_text).collect();
    assert!(matches!(destroyed[..], [Reaction::DestroyKey { .. }]));
}

#[test]
fn what_could_not_be_sent_says_why_and_can_be_tried_again() {
    let (world, _, id) = closed();
    let world = world.and(bob(), finish(id, Err("MESSAGES_REFUSED")));
    let failed = find(&world, id);
    assert_eq!(failed.state, ScheduledState::Failed);
    assert_eq!(failed.failure.as_deref(), Some("MESSAGES_REFUSED"));
    assert_eq!(timer(&world, "scheduled-send", id), None);
    assert_eq!(text(&world, id).as_deref(), Some("hi"));
    let world = world.later(5).and(bob(), SendScheduledNow { scheduled_id: id });
    let again = timer(&world, "scheduled-due", id).expect("it has one");
    assert_eq!(again.due_at, at(60_005));
    world.when(bob(), begin(id, 60_005)).then([sending(id, 60_005)]);
}

#[test]
fn nothing_is_sent_for_an_account_that_is_suspended() {
    let (world, _, id) = waiting();
    let reason = Personal::new("spam".to_owned());
    let suspended = AccountSuspended { account_id: bob(), reason, origin: None };
    let own = crate::kernel::StreamId::Account(bob());
    let world = world.happened(own, account(ANN), suspended.into()).later(60_000);
    let code = "SCHEDULE_SUSPENDED".to_owned();
    let failed = ScheduledFailed { scheduled_id: id, account_id: bob(), code };
    let world = world.when(bob(), begin(id, 60_000)).then([failed.into()]);
    assert_eq!(find(&world, id).state, ScheduledState::Failed);
    assert_eq!(timer(&world, "scheduled-due", id), None);
}

#[test]
fn one_who_left_schedules_no_more_there() {
    let (world, id, _) = waiting();
    world
        .and(bob(), LeaveConversation { conversation_id: id })
        .when(bob(), wish(id, "hi"))
        .then_rejected(ScheduleRejection::NotFound);
}

#[test]
fn it_is_its_authors_own_and_told_to_nobody_else() {
    let (world, id, scheduled) = waiting();
    let found = find(&world, scheduled);
    assert_eq!(found.audience(), Audience::Account(bob()));
    let last = world.history().last().expect("it was scheduled");
    assert_eq!(last.stream, crate::kernel::StreamId::Account(bob()));
    assert_eq!(last.meaning().0, crate::Change::ScheduledMessage(scheduled));
    let keys = Document::index_keys(&found).into_iter().map(|it| it.expect("it is listed"));
    let prefixes = [Scheduled::prefix(bob(), None), Scheduled::prefix(bob(), Some(id))];
    assert!(keys.zip(prefixes).all(|(key, prefix)| key.starts_with(&prefix)));
}

#[test]
fn a_timer_that_is_set_again_gives_another_command_of_its_past() {
    let (world, _, id) = waiting();
    let first = timer(&world, "scheduled-due", id).expect("it has one").client_id();
    let world = world.and(bob(), change(id, None, Some(90_000)));
    let moved = timer(&world, "scheduled-due", id).expect("it has one").client_id();
    let world = world.and(bob(), change(id, None, Some(60_000)));
    let back = timer(&world, "scheduled-due", id).expect("it has one").client_id();
    assert!(first != moved && moved != back && first != back);
    assert!(crate::kernel::id::time_ms(back) < NOW.0 - 3_600_000, "clocks may be set back");
}
