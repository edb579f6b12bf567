//! The law of forwards.

use proptest::prelude::*;

use super::decide::forwarded_id;
use super::*;
use crate::contacts::BlockAccount;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::{Command as _, Timestamp};
use crate::members::{AddMembers, LeaveConversation};
use crate::messages::{
    Body, DeleteMessage, EditMessage, EntityKind, Forwarded, Message, MessageEvent, MessageId,
    MessageRejection, SendMessage, parse,
};
use crate::privacy::{Rule, SetPrivacy, Setting, Who};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

/// Ann's group with Bob, a direct conversation of Bob and Eve, and messages of Ann's.
struct At {
    from: ConversationId,
    to: ConversationId,
    messages: Vec<MessageId>,
}

fn sent(count: usize) -> (Given, At) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people.and(account(ANN), create);
    let from = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    let mut world = world.and(account(BOB), OpenDirect { account_id: account(EVE) });
    let mut messages = Vec::new();
    for n in 0..count {
        let send = SendMessage {
            sent_at: Some(Timestamp(NOW.0 - 1_000)),
            ..SendMessage::new(from, format!("*{n}* @bob"))
        };
        world = world.and(account(ANN), send.clone());
        messages.push(send.message_id(&world.last_context(account(ANN))));
    }
    (world, At { from, to: direct_id(account(BOB), account(EVE)), messages })
}

fn body(world: &Given, message: MessageId) -> Option<Body> {
    world.document::<Message>(message).and_then(|it| open(&it.body?))
}

impl At {
    fn source(&self, world: &Given, message_id: MessageId) -> Source {
        Source { conversation_id: self.from, message_id, body: body(world, message_id) }
    }

    fn forward(&self, world: &Given, which: &[usize]) -> ForwardMessages {
        let messages = which.iter().map(|it| self.source(world, self.messages[*it])).collect();
        ForwardMessages { conversation_id: self.to, thread_id: None, messages, attributed: true }
    }
}

/// What was forwarded last, so many.
fn arrived(world: &Given, count: usize) -> Vec<Message> {
    let history = world.history();
    let sent =
        history[history.len() - count..].iter().map(|it| match MessageEvent::of(&it.event) {
            Some(MessageEvent::MessageSent(it)) => it.message_id,
            Some(_) | None => panic!("nothing was sent"),
        });
    sent.map(|it| world.document::<Message>(it).expect("a message")).collect()
}

fn hides(allow: bool) -> SetPrivacy {
    let (account_ids, conversation_id) = (Vec::new(), None);
    let rules = vec![Rule { allow, who: Who::Everyone, account_ids, conversation_id }];
    SetPrivacy { setting: Setting::Forwards, rules }
}

fn from_ann() -> Option<Forwarded> {
    let sent_at = Timestamp(NOW.0 - 1_000);
    Some(Forwarded { account_id: Some(account(ANN)), sent_at })
}

#[test]
fn messages_arrive_in_their_order_and_say_who_wrote_them() {
    let (world, at) = sent(3);
    let forward = at.forward(&world, &[2, 0, 1]);
    let world = world.and(account(BOB), forward);
    let arrived = arrived(&world, 3);
    let texts: Vec<_> = arrived.iter().map(|it| open(&it.body.clone()?)).collect();
    let expected = [2, 0, 1].map(|it| body(&world, at.messages[it]));
    assert_eq!(texts, expected);
    assert_eq!(arrived.iter().map(|it| it.number).collect::<Vec<_>>(), [1, 2, 3]);
    for it in &arrived {
        assert_eq!((it.author_id, it.forwarded), (account(BOB), from_ann()));
        assert_eq!(it.mentions, [], "nobody is mentioned again");
    }
    let context = world.last_context(account(BOB));
    let first = forwarded_id(context.client_id, context.actor, at.to, 0);
    assert_eq!(arrived[0].id, first);
}

#[test]
fn a_mention_of_everyone_is_text_elsewhere() {
    let (world, at) = sent(0);
    let send = SendMessage::new(at.from, "@everyone @bob");
    let world = world.and(account(ANN), send.clone());
    let message = send.message_id(&world.last_context(account(ANN)));
    let kinds = |body: Option<Body>| -> Vec<_> {
        body.into_iter().flat_map(|it| it.entities).map(|it| it.kind).collect()
    };
    let (everyone, one) = (EntityKind::Everyone, EntityKind::Mention);
    assert_eq!(kinds(body(&world, message)), [everyone, one]);
    let messages = vec![at.source(&world, message)];
    let forward = ForwardMessages { messages, ..at.forward(&world, &[]) };
    let world = world.and(account(BOB), forward);
    assert_eq!(kinds(body(&world, arrived(&world, 1)[0].id)), [one]);
}

#[test]
fn without_attribution_they_are_ones_own() {
    let (world, at) = sent(1);
    let forward = ForwardMessages { attributed: false, ..at.forward(&world, &[0]) };
    let world = world.and(account(BOB), forward);
    assert_eq!(arrived(&world, 1)[0].forwarded, None);
}

#[test]
fn an_author_may_not_let_it_be_known() {
    let (world, at) = sent(1);
    let forward = at.forward(&world, &[0]);
    let world = world.and(account(ANN), hides(false)).and(account(BOB), forward.clone());
    let nobodys = Forwarded { account_id: None, sent_at: Timestamp(NOW.0 - 1_000) };
    assert_eq!(arrived(&world, 1)[0].forwarded, Some(nobodys));
    let world = world.and(account(ANN), hides(true)).and(account(BOB), forward.clone());
    assert_eq!(arrived(&world, 1)[0].forwarded, from_ann());
    let block = BlockAccount { account_id: account(BOB) };
    let world = world.and(account(ANN), block).and(account(BOB), forward);
    assert_eq!(arrived(&world, 1)[0].forwarded, Some(nobodys));
}

#[test]
fn forwarded_further_a_message_still_says_who_wrote_it_first() {
    let (world, at) = sent(1);
    let forward = at.forward(&world, &[0]);
    let world = world.and(account(BOB), forward);
    let first = arrived(&world, 1)[0].id;
    let again = |world: &Given| {
        let source = Source { conversation_id: at.to, message_id: first, body: body(world, first) };
        let (conversation_id, messages) = (at.to, vec![source]);
        ForwardMessages { conversation_id, thread_id: None, messages, attributed: true }
    };
    let command = again(&world);
    let world = world.and(account(EVE), command.clone());
    assert_eq!(arrived(&world, 1)[0].forwarded, from_ann());
    let world = world.and(account(ANN), hides(false)).and(account(EVE), command);
    assert_eq!(arrived(&world, 1)[0].forwarded.and_then(|it| it.account_id), None);
}

#[test]
fn what_is_attributed_is_not_edited() {
    let (world, at) = sent(1);
    let forward = at.forward(&world, &[0]);
    let unattributed = ForwardMessages { attributed: false, ..forward.clone() };
    let world = world.and(account(BOB), forward);
    let edit = |world: &Given| EditMessage {
        conversation_id: at.to,
        message_id: arrived(world, 1)[0].id,
        text: "I am a fool".to_owned(),
    };
    let command = edit(&world);
    let world = world.when(account(BOB), command).then_rejected(MessageRejection::Forwarded);
    let world = world.and(account(BOB), unattributed);
    let command = edit(&world);
    world.when(account(BOB), command).then_allowed();
}

#[test]
fn what_is_gone_is_not_forwarded_nor_anything_beside_it() {
    let (world, at) = sent(2);
    let (before, delete) = (
        at.forward(&world, &[0, 1]),
        DeleteMessage { conversation_id: at.from, message_id: at.messages[1] },
    );
    let world = world
        .and(account(ANN), delete)
        .when(account(BOB), before)
        .then_rejected(ForwardRejection::Gone);
    let after = at.forward(&world, &[1]);
    let nowhere = Source { message_id: MessageId(account(9).0), ..after.messages[0].clone() };
    let nowhere = ForwardMessages { messages: vec![nowhere], ..after.clone() };
    let elsewhere = Source { conversation_id: at.to, ..at.source(&world, at.messages[0]) };
    let elsewhere = ForwardMessages { messages: vec![elsewhere], ..after.clone() };
    world
        .when(account(BOB), after)
        .then_rejected(ForwardRejection::Gone)
        .when(account(BOB), nowhere)
        .then_rejected(ForwardRejection::NotFound)
        .when(account(BOB), elsewhere)
        .then_rejected(ForwardRejection::NotFound);
}

#[test]
fn a_hundred_messages_are_forwarded_at_once() {
    let (world, at) = sent(1);
    let forward = |count: usize| at.forward(&world, &vec![0; count]);
    let (none, most, over) = (forward(0), forward(FORWARDED_MAX), forward(FORWARDED_MAX + 1));
    world
        .when(account(BOB), none)
        .then_rejected(ForwardRejection::CountInvalid)
        .when(account(BOB), over)
        .then_rejected(ForwardRejection::CountInvalid)
        .when(account(BOB), most)
        .then_allowed();
}

#[test]
fn their_texts_come_to_512_kib() {
    let (world, at) = sent(1);
    let sized = |bytes: usize| {
        let empty = serde_json::to_vec(&parse("", |_| None)).expect("plain data").len();
        let markdown = "a".repeat(bytes - empty);
        let body = Body { markdown, text: String::new(), entities: Vec::new(), content: None };
        assert_eq!(serde_json::to_vec(&body).expect("plain data").len(), bytes);
        let source = Source { body: Some(body), ..at.source(&world, at.messages[0]) };
        ForwardMessages { messages: vec![source.clone(), source], ..at.forward(&world, &[]) }
    };
    let (most, over) = (sized(BODIES_BYTES_MAX / 2), sized(BODIES_BYTES_MAX / 2 + 1));
    world
        .when(account(BOB), over)
        .then_rejected(ForwardRejection::TooLarge)
        .when(account(BOB), most)
        .then_allowed();
}

#[test]
fn one_forwards_to_where_one_may_write() {
    let (world, at) = sent(1);
    let forward = at.forward(&world, &[0]);
    let world = world
        .when(account(ANN), forward.clone())
        .then_rejected(ForwardRejection::NotFound)
        .and(account(EVE), BlockAccount { account_id: account(BOB) })
        .when(account(BOB), forward.clone())
        .then_rejected(ForwardRejection::Refused);
    let group = ForwardMessages { conversation_id: at.from, ..forward };
    let account_ids = vec![account(EVE)];
    world
        .when(account(EVE), group.clone())
        .then_rejected(ForwardRejection::NotFound)
        .and(account(ANN), AddMembers { conversation_id: at.from, account_ids })
        .when(account(EVE), group.clone())
        .then_allowed()
        .and(account(EVE), LeaveConversation { conversation_id: at.from })
        .when(account(EVE), group)
        .then_rejected(ForwardRejection::NotFound);
}

#[test]
fn asked_again_after_an_edit_it_is_the_same() {
    let (world, at) = sent(1);
    let before = at.forward(&world, &[0]);
    let text = "other".to_owned();
    let edit = EditMessage { conversation_id: at.from, message_id: at.messages[0], text };
    let world = world.and(account(ANN), edit);
    let after = at.forward(&world, &[0]);
    assert_eq!(before.body(), after.body());
    let other = ForwardMessages { attributed: false, ..after };
    assert_ne!(before.body(), other.body());
    // Nobody but the server says what others wrote.
    const { assert!(!ForwardMessages::PUBLIC) };
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(48)
    })]

    #[test]
    fn whatever_several_people_forward_each_lot_arrives_whole_and_in_order(
        steps in prop::collection::vec(
            (0..2_u8, prop::collection::vec(0..6_usize, 1..9), any::<bool>(), 0..6_u8), 0..24,
        ),
    ) {
        let (mut world, at) = sent(6);
        let (mut expected, mut gone) = (Vec::new(), Vec::new());
        for (who, which, attributed, delete) in steps {
            let who = account([BOB, EVE][usize::from(who)]);
            let forward = ForwardMessages { attributed, ..at.forward(&world, &which) };
            let refused = which.iter().any(|it| gone.contains(it));
            let then = world.when(who, forward);
            prop_assert_eq!(then.outcome.is_err(), refused);
            world = then.world;
            if !refused {
                let from = if attributed { from_ann() } else { None };
                expected.extend(which.iter().map(|it| (format!("{it} @bob"), who, from)));
            }
            if delete == 0 {
                let message_id = at.messages[which[0]];
                let delete = DeleteMessage { conversation_id: at.from, message_id };
                world = world.and(account(ANN), delete);
                gone.push(which[0]);
            }
        }
        let sent = world.history().iter().filter_map(|it| match MessageEvent::of(&it.event) {
            Some(MessageEvent::MessageSent(it)) => world.document::<Message>(it.message_id),
            Some(_) | None => None,
        });
        let sent: Vec<_> = sent.filter(|it| it.conversation_id == at.to).collect();
        let numbers: Vec<_> = sent.iter().map(|it| it.number).collect();
        prop_assert_eq!(numbers, (1..=sent.len() as u64).collect::<Vec<_>>());
        let found: Vec<_> = sent
            .iter()
            .map(|it| {
                let text = body(&world, it.id).expect("a body").text;
                (text, it.author_id, it.forwarded)
            })
            .collect();
        prop_assert_eq!(found, expected);
    }
}
