//! The law of polls.

use super::*;
use crate::audience::Audience;
use crate::contacts::BlockAccount;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Personal, Recorded, Timestamp};
use crate::members::{ChangeRole, LeaveConversation, Role};
use crate::messages::{
    Body, Content, ContentKind, DeleteMessage, EditMessage, Message, MessageId, MessageRejection,
    MessageSent, SendMessage,
};
use crate::{Change, Event};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

/// A poll of Ann's.
#[derive(Clone, Copy)]
pub(super) struct At {
    conversation_id: ConversationId,
    pub(super) message_id: MessageId,
    public: bool,
}

impl At {
    fn asked(world: Given, send: SendPoll) -> (Given, Self) {
        let (conversation_id, public) = (send.conversation_id, send.rules.public);
        let world = world.and(account(ANN), send.clone());
        let message_id = send.message_id(&world.last_context(account(ANN)));
        (world, Self { conversation_id, message_id, public })
    }

    pub(super) fn vote(self, options: &[i32]) -> VotePoll {
        let Self { conversation_id, message_id, .. } = self;
        VotePoll { conversation_id, message_id, options: options.to_vec() }
    }

    fn cast(self, who: u8, options: &[i32], before: &[i32]) -> Event {
        let Self { conversation_id, message_id, public } = self;
        let (number, account_id) = (Long(1), account(who));
        let (options, before) = (options.to_vec(), before.to_vec());
        let cast =
            VoteCast { message_id, conversation_id, number, account_id, options, before, public };
        cast.into()
    }

    pub(super) fn close(self) -> ClosePoll {
        let Self { conversation_id, message_id, .. } = self;
        ClosePoll { conversation_id, message_id }
    }

    fn closed(self) -> Event {
        let Self { conversation_id, message_id, .. } = self;
        PollClosed { message_id, conversation_id, number: Long(1) }.into()
    }

    fn delete(self) -> DeleteMessage {
        let Self { conversation_id, message_id, .. } = self;
        DeleteMessage { conversation_id, message_id }
    }

    pub(super) fn poll(self, world: &Given) -> Poll {
        world.document::<Poll>(self.message_id).expect("a poll")
    }
}

pub(super) fn ask(conversation_id: ConversationId, rules: PollRules) -> SendPoll {
    SendPoll {
        conversation_id,
        question: "Where?".to_owned(),
        options: ["here", "there", "nowhere"].map(str::to_owned).to_vec(),
        rules,
        explanation: None,
        reply_to: None,
        thread_id: None,
        sent_at: None,
    }
}

/// A poll that several may be chosen of, changed and seen by all.
pub(super) fn loose() -> PollRules {
    PollRules { multiple: true, revotable: true, public: true, ..PollRules::default() }
}

pub(super) fn lunch(others: &[u8]) -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(EVE, "eve");
    let name = |n: u8| format!("person{n}");
    let people = others.iter().fold(people, |it, n| it.person(*n, &name(*n)));
    let member_ids = others.iter().map(|it| account(*it)).collect();
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

pub(super) fn asked(others: &[u8], rules: PollRules) -> (Given, At) {
    let (world, id) = lunch(others);
    At::asked(world, ask(id, rules))
}

#[test]
fn a_poll_is_a_message_whose_words_are_sealed_with_it() {
    let (world, id) = lunch(&[BOB]);
    let rules = PollRules { closes_at: Some(Timestamp(NOW.0 + 1)), ..loose() };
    let then = world.when(account(ANN), ask(id, rules));
    let message_id = ask(id, loose()).message_id(&then.world.last_context(account(ANN)));
    let options = ["here", "there", "nowhere"].map(str::to_owned).to_vec();
    let question = Question { text: "Where?".to_owned(), options, explanation: None };
    let body = Body::holding(Content::Poll(question.clone()), "Where?".to_owned());
    let sent = MessageSent {
        message_id,
        conversation_id: id,
        number: Long(1),
        author_id: account(ANN),
        body: Personal::new(body),
        reply_to: None,
        mentions: Vec::new(),
        sent_at: None,
        forwarded: None,
        silent: None,
        unseen: None,
        expires_at: None,
        content: Some(ContentKind::Poll),
        preview: None,
        everyone: None,
        expires_after_read: None,
        thread: None,
        quote: None,
        files: None,
        file_bytes: None,
        view_once: None,
    };
    let opened = PollOpened {
        message_id,
        conversation_id: id,
        number: Long(1),
        author_id: account(ANN),
        options: 3,
        multiple: true,
        public: true,
        hidden_until_closed: false,
        revotable: true,
        correct_option: None,
        closes_at: Some(Timestamp(NOW.0 + 1)),
    };
    let world = then.then([sent.into(), opened.into()]);
    let body: Body = open(&world.document::<Message>(message_id).unwrap().body.unwrap()).unwrap();
    assert_eq!((body.text.as_str(), body.content), ("Where?", Some(Content::Poll(question))));
    let plain = world.document::<Poll>(message_id).unwrap();
    assert_eq!((plain.counts, plain.voters), (vec![0, 0, 0], 0));
}

#[test]
fn a_ballot_is_counted_once_and_a_later_one_replaces_it() {
    let (world, at) = asked(&[BOB], loose());
    let world = world
        .when(account(BOB), at.vote(&[2, 0, 2]))
        .then([at.cast(BOB, &[0, 2], &[])])
        .when(account(BOB), at.vote(&[0, 2]))
        .then([])
        .and(account(ANN), at.vote(&[0]))
        .when(account(BOB), at.vote(&[1]))
        .then([at.cast(BOB, &[1], &[0, 2])]);
    assert_eq!((at.poll(&world).counts, at.poll(&world).voters), (vec![1, 1, 0], 2));
    let world = world.when(account(BOB), at.vote(&[])).then([at.cast(BOB, &[], &[1])]);
    assert_eq!((at.poll(&world).counts, at.poll(&world).voters), (vec![1, 0, 0], 1));
    world.when(account(BOB), at.vote(&[])).then([]);
}

#[test]
fn a_ballot_stands_where_the_poll_takes_one_for_good() {
    let (world, at) = asked(&[BOB], PollRules::default());
    let rejected = PollRejection::NoRevote;
    world
        .and(account(BOB), at.vote(&[1]))
        .when(account(BOB), at.vote(&[1]))
        .then([])
        .when(account(BOB), at.vote(&[2]))
        .then_rejected(rejected)
        .when(account(BOB), at.vote(&[]))
        .then_rejected(rejected);
}

#[test]
fn a_ballot_names_options_of_the_poll_and_one_where_one_is_asked_for() {
    let (world, at) = asked(&[BOB], PollRules::default());
    let world = [&[3][..], &[-1], &[0, 1], &[0; 13]].into_iter().fold(world, |world, it| {
        world.when(account(BOB), at.vote(it)).then_rejected(PollRejection::BallotInvalid)
    });
    world.when(account(BOB), at.vote(&[2, 2])).then([at.cast(BOB, &[2], &[])]);
    let (world, at) = asked(&[BOB], loose());
    world
        .when(account(BOB), at.vote(&[0, 1, 2, 3]))
        .then_rejected(PollRejection::BallotInvalid)
        .when(account(BOB), at.vote(&[0, 1, 2]))
        .then_allowed();
}

#[test]
fn a_closed_poll_takes_no_ballot() {
    let (world, at) = asked(&[BOB], loose());
    let world = world
        .and(account(BOB), at.vote(&[1]))
        .when(account(ANN), at.close())
        .then([at.closed()])
        .when(account(BOB), at.vote(&[2]))
        .then_rejected(PollRejection::Closed)
        .when(account(BOB), at.vote(&[]))
        .then_rejected(PollRejection::Closed)
        .when(account(ANN), at.close())
        .then([]);
    assert_eq!(at.poll(&world).counts, [0, 1, 0]);
}

#[test]
fn a_poll_is_closed_from_its_time_on() {
    let closes_at = Timestamp(NOW.0 + 60_000);
    let (world, at) = asked(&[BOB], PollRules { closes_at: Some(closes_at), ..loose() });
    let world = world
        .later(59_999)
        .when(account(BOB), at.vote(&[1]))
        .then_allowed()
        .later(1)
        .when(account(BOB), at.vote(&[2]))
        .then_rejected(PollRejection::Closed);
    let poll = at.poll(&world);
    assert_eq!(poll.closed_since(Timestamp(closes_at.0 - 1)), None);
    assert_eq!(poll.closed_since(closes_at), Some(closes_at));
    let world = world.later(9).when(account(ANN), at.close()).then([at.closed()]);
    assert_eq!(at.poll(&world).closed_since(Timestamp(i64::MAX)), Some(closes_at));
}

#[test]
fn results_are_hidden_until_the_poll_is_closed() {
    let closes_at = Some(Timestamp(NOW.0 + 2));
    let rules = PollRules { hidden_until_closed: true, closes_at, ..loose() };
    let (world, at) = asked(&[BOB], rules);
    let now = |ms| Timestamp(NOW.0 + ms);
    assert!(at.poll(&world).hides(now(1)) && !at.poll(&world).hides(now(2)));
    let world = world.and(account(ANN), at.close());
    assert!(!at.poll(&world).hides(now(0)));
    let (world, at) = asked(&[BOB], loose());
    assert!(!at.poll(&world).hides(now(0)));
}

#[test]
fn the_author_admins_and_the_owner_close_a_poll() {
    let (world, id) = lunch(&[BOB, 4]);
    let ask = ask(id, loose());
    let world = world.and(account(BOB), ask.clone());
    let message_id = ask.message_id(&world.last_context(account(BOB)));
    let at = At { conversation_id: id, message_id, public: true };
    let promote = ChangeRole { conversation_id: id, account_id: account(4), role: Role::Admin };
    let world = world
        .when(account(4), at.close())
        .then_rejected(PollRejection::Forbidden)
        .and(account(ANN), promote);
    let copy = |world: Given| world.and(account(BOB), at.vote(&[1]));
    copy(world).when(account(4), at.close()).then([at.closed()]);
    let (world, at) = asked(&[BOB], loose());
    world.when(account(ANN), at.close()).then([at.closed()]);
}

#[test]
fn a_stranger_one_who_left_and_one_elsewhere_are_told_nothing() {
    let (world, at) = asked(&[BOB], loose());
    let elsewhere = At { conversation_id: direct_id(account(ANN), account(ANN)), ..at };
    let world = world
        .and(account(BOB), LeaveConversation { conversation_id: at.conversation_id })
        .and(account(ANN), OpenDirect { account_id: account(ANN) })
        .when(account(ANN), elsewhere.vote(&[1]))
        .then_rejected(PollRejection::NotFound);
    [BOB, EVE].into_iter().fold(world, |world, n| {
        world
            .when(account(n), at.vote(&[1]))
            .then_rejected(PollRejection::NotFound)
            .when(account(n), at.close())
            .then_rejected(PollRejection::NotFound)
            .when(account(n), ask(at.conversation_id, loose()))
            .then_rejected(MessageRejection::NotFound)
    });
}

#[test]
fn a_message_without_a_poll_takes_no_ballot() {
    let (world, conversation_id) = lunch(&[]);
    let text = "hi".to_owned();
    let send = SendMessage::new(conversation_id, text);
    let world = world.and(account(ANN), send.clone());
    let message_id = send.message_id(&world.last_context(account(ANN)));
    let at = At { conversation_id, message_id, public: false };
    world.when(account(ANN), at.vote(&[0])).then_rejected(PollRejection::NotFound);
}

#[test]
fn a_poll_goes_with_its_message_and_is_not_edited() {
    let (world, at) = asked(&[BOB], loose());
    let At { conversation_id, message_id, .. } = at;
    let edit = EditMessage { conversation_id, message_id, text: "Why?".to_owned() };
    let world = world
        .and(account(BOB), at.vote(&[1]))
        .when(account(ANN), edit)
        .then_rejected(MessageRejection::NotText)
        .and(account(ANN), at.delete())
        .when(account(BOB), at.vote(&[2]))
        .then_rejected(PollRejection::Gone)
        .when(account(ANN), at.close())
        .then_rejected(PollRejection::Gone);
    assert_eq!(world.document::<Poll>(message_id), None);
    assert_eq!(world.document::<Message>(message_id).unwrap().content, None);
}

#[test]
fn a_direct_conversation_has_polls_unless_one_has_blocked_the_other() {
    let people = given().person(ANN, "ann").person(BOB, "bob");
    let world = people.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let id = direct_id(account(ANN), account(BOB));
    let (world, at) = At::asked(world, ask(id, loose()));
    world
        .and(account(BOB), at.vote(&[1]))
        .and(account(ANN), BlockAccount { account_id: account(BOB) })
        .when(account(BOB), at.vote(&[2]))
        .then_rejected(PollRejection::Refused)
        .when(account(ANN), at.vote(&[2]))
        .then_rejected(PollRejection::Blocked)
        .when(account(BOB), ask(id, loose()))
        .then_rejected(MessageRejection::Refused)
        .when(account(ANN), at.close())
        .then([at.closed()]);
}

#[test]
fn who_has_chosen_what_is_kept_for_public_polls_and_told_of_no_other() {
    let voter =
        |world: &Given, at: At| world.document::<Voter>(Voter::id(at.message_id, 1, account(BOB)));
    for public in [true, false] {
        let (world, at) = asked(&[BOB], PollRules { public, ..loose() });
        let world = world.and(account(BOB), at.vote(&[1]));
        assert_eq!(voter(&world, at).is_some(), public);
        let ballot = world.document::<Ballot>(Ballot::id(at.message_id, account(BOB)));
        assert_eq!(ballot.expect("a ballot").audience(), Audience::Nobody);
        let meaning = world.history().last().map(Recorded::meaning);
        let effect = if public { Effect::None } else { Effect::Unattributed };
        assert_eq!(meaning, Some((Change::Poll(at.message_id), effect)));
        let world = world.and(account(BOB), at.vote(&[0, 2]));
        assert_eq!(voter(&world, at), None);
        assert_eq!(at.poll(&world).audience(), Audience::Members(at.conversation_id));
    }
}
