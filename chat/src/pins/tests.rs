//! The law of pins.

use proptest::prelude::*;

use super::*;
use crate::audience::Audience;
use crate::contacts::BlockAccount;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Origin, Recorded};
use crate::members::{ChangeRole, LeaveConversation, Role};
use crate::messages::{DeleteMessage, MessageId, SendMessage};
use crate::{Change, Event};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

/// A conversation with some messages of Ann's.
#[derive(Clone)]
struct At {
    id: ConversationId,
    messages: Vec<MessageId>,
}

impl At {
    fn sent(mut world: Given, id: ConversationId, count: usize) -> (Given, Self) {
        let mut messages = Vec::new();
        for _ in 0..count {
            let text = "hello".to_owned();
            let send = SendMessage::new(id, text);
            world = world.and(account(ANN), send.clone());
            messages.push(send.message_id(&world.last_context(account(ANN))));
        }
        (world, Self { id, messages })
    }

    fn pin(&self, nth: usize) -> PinMessage {
        let message_id = self.messages[nth];
        PinMessage { conversation_id: self.id, message_id, silent: false }
    }

    fn unpin(&self, nth: usize) -> UnpinMessage {
        UnpinMessage { conversation_id: self.id, message_id: self.messages[nth] }
    }

    fn clear(&self) -> UnpinAll {
        UnpinAll { conversation_id: self.id }
    }

    fn delete(&self, nth: usize) -> DeleteMessage {
        DeleteMessage { conversation_id: self.id, message_id: self.messages[nth] }
    }

    fn pinned(&self, nth: usize, who: u8, silent: bool, origin: Option<Origin>) -> Event {
        let (message_id, number) = (self.messages[nth], Long(nth as u64 + 1));
        let (conversation_id, account_id) = (self.id, account(who));
        MessagePinned { message_id, conversation_id, number, account_id, silent, origin }.into()
    }

    fn unpinned(&self, nth: usize, who: u8, origin: Option<Origin>) -> Event {
        let (message_id, number) = (self.messages[nth], Long(nth as u64 + 1));
        let (conversation_id, account_id) = (self.id, account(who));
        MessageUnpinned { message_id, conversation_id, number, account_id, origin }.into()
    }

    /// Which messages are pinned, the last first.
    fn list(&self, world: &Given) -> Vec<usize> {
        let pins = world.document::<Pins>(self.id).map(|it| it.pins).unwrap_or_default();
        let nth = |it: &Pin| self.messages.iter().position(|id| *id == it.message_id);
        pins.iter().rev().map(|it| nth(it).expect("a message of the test")).collect()
    }
}

fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

/// Ann's group with Bob, and some messages in it.
fn group(count: usize) -> (Given, At) {
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people().and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    At::sent(world, id, count)
}

/// The direct conversation of Ann with somebody, and some messages in it.
fn direct(with: u8, count: usize) -> (Given, At) {
    let world = people().and(account(ANN), OpenDirect { account_id: account(with) });
    At::sent(world, direct_id(account(ANN), account(with)), count)
}

fn nowhere() -> Option<Origin> {
    Some(Origin { session_id: None, address: None })
}

#[test]
fn what_was_pinned_last_comes_first() {
    let (world, at) = group(3);
    let world = world
        .when(account(ANN), at.pin(1))
        .then([at.pinned(1, ANN, false, nowhere())])
        .and(account(ANN), at.pin(0))
        .and(account(ANN), at.pin(2));
    assert_eq!(at.list(&world), [2, 0, 1]);
    let world = world.and(account(ANN), at.unpin(1)).and(account(ANN), at.pin(1));
    assert_eq!(at.list(&world), [1, 2, 0], "what is pinned again comes to the front");
}

#[test]
fn pinning_twice_is_pinning_once_and_taking_down_what_is_down_is_nothing() {
    let (world, at) = group(2);
    let silently = PinMessage { silent: true, ..at.pin(0) };
    let world = world
        .and(account(ANN), at.pin(0))
        .and(account(ANN), at.pin(1))
        .when(account(ANN), at.pin(0))
        .then([])
        .when(account(ANN), silently)
        .then([])
        .when(account(ANN), at.unpin(1))
        .then([at.unpinned(1, ANN, nowhere())])
        .when(account(ANN), at.unpin(1))
        .then([]);
    assert_eq!(at.list(&world), [0]);
}

#[test]
fn everything_is_taken_down_at_once() {
    let (world, at) = group(2);
    let all = |count| AllUnpinned {
        conversation_id: at.id,
        count: Long(count),
        account_id: account(ANN),
        origin: nowhere(),
    };
    let world = world
        .when(account(ANN), at.clear())
        .then([])
        .and(account(ANN), at.pin(0))
        .and(account(ANN), at.pin(1))
        .when(account(ANN), at.clear())
        .then([all(2).into()])
        .when(account(ANN), at.clear())
        .then([]);
    assert_eq!(at.list(&world), [0; 0]);
}

#[test]
fn a_pin_may_be_silent() {
    let (world, at) = group(1);
    let silently = PinMessage { silent: true, ..at.pin(0) };
    let world = world.when(account(ANN), silently).then([at.pinned(0, ANN, true, nowhere())]);
    let pins = world.document::<Pins>(at.id).expect("pins");
    let pin = pins.find(at.messages[0]).expect("a pin");
    assert_eq!((pin.silent, pin.account_id, pin.pinned_at), (true, account(ANN), NOW));
}

#[test]
fn a_conversation_pins_a_hundred_messages() {
    let (world, at) = group(PINS_MAX + 1);
    let world = (0..PINS_MAX).fold(world, |world, it| world.and(account(ANN), at.pin(it)));
    let world = world
        .when(account(ANN), at.pin(PINS_MAX))
        .then_rejected(PinRejection::TooMany)
        .when(account(ANN), at.pin(0))
        .then([])
        .and(account(ANN), at.delete(7))
        .when(account(ANN), at.pin(PINS_MAX))
        .then_allowed();
    assert_eq!(at.list(&world).len(), PINS_MAX);
}

#[test]
fn a_deleted_message_is_not_pinned_any_more_and_is_not_pinned_again() {
    let (world, at) = group(2);
    let world = world
        .and(account(ANN), at.pin(0))
        .and(account(ANN), at.pin(1))
        .and(account(ANN), at.delete(0))
        .when(account(ANN), at.pin(0))
        .then_rejected(PinRejection::Gone)
        .when(account(ANN), at.unpin(0))
        .then([]);
    assert_eq!(at.list(&world), [1]);
    let deleted = world.history().last().map(|it| it.seq);
    assert_eq!(world.document::<Pins>(at.id).map(|it| it.seq), deleted);
}

#[test]
fn owners_and_admins_pin_in_groups_and_nobody_else() {
    let (world, at) = group(1);
    let (conversation_id, account_id) = (at.id, account(BOB));
    world
        .when(account(BOB), at.pin(0))
        .then_rejected(PinRejection::Forbidden)
        .when(account(BOB), at.unpin(0))
        .then_rejected(PinRejection::Forbidden)
        .when(account(BOB), at.clear())
        .then_rejected(PinRejection::Forbidden)
        .and(account(ANN), ChangeRole { conversation_id, account_id, role: Role::Admin })
        .when(account(BOB), at.pin(0))
        .then([at.pinned(0, BOB, false, nowhere())]);
}

#[test]
fn either_pins_in_a_direct_conversation_and_oneself_in_the_saved_messages() {
    let (world, at) = direct(BOB, 2);
    world
        .when(account(BOB), at.pin(0))
        .then([at.pinned(0, BOB, false, None)])
        .when(account(ANN), at.unpin(0))
        .then([at.unpinned(0, ANN, None)])
        .when(account(EVE), at.pin(1))
        .then_rejected(PinRejection::NotFound);
    let (world, at) = direct(ANN, 1);
    world.when(account(ANN), at.pin(0)).then([at.pinned(0, ANN, false, None)]);
}

#[test]
fn nobody_pins_across_a_block_but_takes_down() {
    let (world, at) = direct(BOB, 2);
    world
        .and(account(BOB), at.pin(0))
        .and(account(ANN), BlockAccount { account_id: account(BOB) })
        .when(account(BOB), at.pin(1))
        .then_rejected(PinRejection::Refused)
        .when(account(ANN), at.pin(1))
        .then_rejected(PinRejection::Blocked)
        .when(account(BOB), at.unpin(0))
        .then_allowed();
}

#[test]
fn strangers_and_those_who_left_pin_nothing() {
    let (world, at) = group(1);
    let (world, own) = At::sent(
        world.and(account(ANN), OpenDirect { account_id: account(ANN) }),
        direct_id(account(ANN), account(ANN)),
        1,
    );
    let elsewhere = PinMessage { conversation_id: own.id, ..at.pin(0) };
    let missing = PinRejection::NotFound;
    world
        .when(account(EVE), at.pin(0))
        .then_rejected(missing)
        .when(account(EVE), at.unpin(0))
        .then_rejected(missing)
        .when(account(EVE), at.clear())
        .then_rejected(missing)
        .when(account(ANN), elsewhere)
        .then_rejected(missing)
        .and(account(BOB), LeaveConversation { conversation_id: at.id })
        .when(account(BOB), at.pin(0))
        .then_rejected(missing);
}

#[test]
fn who_listens_is_told_which_message_and_has_nothing_more_to_read() {
    let (world, at) = group(1);
    let world = world
        .and(account(ANN), at.pin(0))
        .and(account(ANN), at.unpin(0))
        .and(account(ANN), at.pin(0))
        .and(account(ANN), at.clear());
    let meanings: Vec<_> = world.history().iter().rev().take(3).map(Recorded::meaning).collect();
    let pin = (Change::Pin((at.id, at.messages[0])), Effect::None);
    assert_eq!(meanings, [(Change::Conversation(at.id), Effect::None), pin.clone(), pin]);
    let pins = world.document::<Pins>(at.id).expect("pins");
    assert_eq!(pins.audience(), Audience::Members(at.id));
}

/// What somebody does: who, what, with which message.
type Step = (u8, u8, usize);

/// The list kept the simple way; whether a step changes it.
fn oracle(list: &mut Vec<usize>, deleted: &mut Vec<usize>, (_, what, nth): Step) -> bool {
    let before = list.clone();
    match what {
        0..=5 if !list.contains(&nth) && !deleted.contains(&nth) => list.insert(0, nth),
        6..=8 => list.retain(|it| *it != nth),
        9 => list.clear(),
        10 if !deleted.contains(&nth) => {
            deleted.push(nth);
            list.retain(|it| *it != nth);
        }
        _ => (),
    }
    *list != before
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn whatever_several_people_and_devices_pin_all_see_the_same_list(
        steps in prop::collection::vec((0..2_u8, 0..11_u8, 0..8_usize), 0..80),
    ) {
        let (world, at) = group(8);
        let (conversation_id, account_id) = (at.id, account(BOB));
        let promote = ChangeRole { conversation_id, account_id, role: Role::Admin };
        let mut world = world.and(account(ANN), promote);
        let (mut list, mut deleted) = (Vec::new(), Vec::new());
        for step in steps {
            let (who, what, nth) = step;
            let who = account([ANN, BOB][usize::from(who)]);
            let before = world.document::<Pins>(at.id);
            world = match what {
                0..=5 => world.when(who, at.pin(nth)).world,
                6..=8 => world.when(who, at.unpin(nth)).world,
                9 => world.when(who, at.clear()).world,
                _ => world.when(who, at.delete(nth)).world,
            };
            let changed = oracle(&mut list, &mut deleted, step);
            prop_assert_eq!(world.document::<Pins>(at.id) != before, changed);
            prop_assert_eq!(at.list(&world), list.clone());
        }
    }
}
