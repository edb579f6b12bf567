//! The law of places, once and for a while.

use proptest::prelude::*;

use super::*;
use crate::audience::Audience;
use crate::contacts::BlockAccount;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::ephemeral::Ephemeral;
use crate::kernel::testing::{Given, NOW, account, given, open};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Personal, Recorded, Timestamp};
use crate::members::LeaveConversation;
use crate::messages::{
    Body, Content, ContentKind, DeleteMessage, EditMessage, Message, MessageId, MessageRejection,
};
use crate::{Change, Event};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

const HERE: Point = Point { latitude: 48.858_37, longitude: 2.294_481, accuracy_m: Some(5.0) };
const THERE: Point = Point { latitude: 48.860_6, longitude: 2.337_6, accuracy_m: None };

fn lunch() -> (Given, ConversationId) {
    let people = given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve");
    let member_ids = vec![account(BOB)];
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    (world, id)
}

fn send(conversation_id: ConversationId, point: Point) -> SendLocation {
    SendLocation { conversation_id, point, reply_to: None, thread_id: None, sent_at: None }
}

fn share(conversation_id: ConversationId, duration_ms: u64) -> ShareLiveLocation {
    let duration_ms = Long(duration_ms);
    ShareLiveLocation { conversation_id, point: HERE, duration_ms, reply_to: None, thread_id: None }
}

/// A live location of Ann's.
#[derive(Clone, Copy)]
struct At {
    conversation_id: ConversationId,
    message_id: MessageId,
}

impl At {
    fn shared(world: Given, conversation_id: ConversationId) -> (Given, Self) {
        let share = share(conversation_id, LIVE_MS_MIN);
        let world = world.and(account(ANN), share.clone());
        let message_id = share.message_id(&world.last_context(account(ANN)));
        (world, Self { conversation_id, message_id })
    }

    fn goes(self, point: Point) -> MoveLiveLocation {
        let Self { conversation_id, message_id } = self;
        MoveLiveLocation { conversation_id, message_id, point }
    }

    fn moved(self, world: &Given, point: Point) -> Event {
        let Self { conversation_id, message_id } = self;
        let body = world.document::<Message>(message_id).and_then(|it| it.body);
        let leaf = body.and_then(|it| it.leaf()).expect("it is sealed");
        let point = Personal::beside(point, leaf);
        LiveLocationMoved { message_id, conversation_id, number: Long(1), point }.into()
    }

    fn stop(self) -> StopLiveLocation {
        let Self { conversation_id, message_id } = self;
        StopLiveLocation { conversation_id, message_id }
    }

    fn stopped(self) -> Event {
        let Self { conversation_id, message_id } = self;
        LiveLocationStopped { message_id, conversation_id, number: Long(1) }.into()
    }

    fn live(self, world: &Given) -> LiveLocation {
        world.document::<LiveLocation>(self.message_id).expect("a live location")
    }
}

fn shared() -> (Given, At) {
    let (world, id) = lunch();
    At::shared(world, id)
}

#[test]
fn a_place_is_sealed_in_its_message_and_not_edited() {
    let (world, id) = lunch();
    let world = world.and(account(BOB), send(id, HERE));
    let message_id = send(id, HERE).message_id(&world.last_context(account(BOB)));
    let message = world.document::<Message>(message_id).unwrap();
    assert_eq!(message.content, Some(ContentKind::Location));
    let body: Body = open(&message.body.unwrap()).unwrap();
    let content = Some(Content::Location(HERE));
    assert_eq!((body.text.as_str(), body.content), ("48.85837, 2.29448", content));
    let edit = EditMessage { conversation_id: id, message_id, text: "here".to_owned() };
    world
        .when(account(BOB), edit)
        .then_rejected(MessageRejection::NotText)
        .when(account(EVE), send(id, HERE))
        .then_rejected(MessageRejection::NotFound);
}

#[test]
fn a_place_lies_on_earth_and_in_a_circle_of_100_km() {
    let (world, id) = lunch();
    let point = |latitude, longitude, accuracy_m| Point { latitude, longitude, accuracy_m };
    let good = [
        point(90.0, 180.0, Some(ACCURACY_M_MAX)),
        point(-90.0, -180.0, Some(0.0)),
        point(0.0, 0.0, None),
    ];
    let world = good
        .into_iter()
        .fold(world, |world, it| world.when(account(ANN), send(id, it)).then_allowed());
    let bad = [
        point(90.000_01, 0.0, None),
        point(-90.000_01, 0.0, None),
        point(0.0, 180.000_01, None),
        point(0.0, -180.000_01, None),
        point(0.0, 0.0, Some(-0.1)),
        point(0.0, 0.0, Some(ACCURACY_M_MAX + 0.1)),
        point(f64::NAN, 0.0, None),
        point(0.0, f64::INFINITY, None),
        point(0.0, 0.0, Some(f64::NAN)),
    ];
    bad.into_iter().fold(world, |world, it| {
        world.when(account(ANN), send(id, it)).then_rejected(LocationRejection::PointInvalid)
    });
}

#[test]
fn metres_are_about_right_everywhere() {
    let point = |latitude, longitude| Point { latitude, longitude, accuracy_m: None };
    assert!((3_150.0..3_190.0).contains(&HERE.metres_to(THERE)));
    assert!((22.0..22.5).contains(&point(0.0, 179.999_9).metres_to(point(0.0, -179.999_9))));
    assert!(point(90.0, 10.0).metres_to(point(90.0, -100.0)) < 0.01);
    assert!(point(60.0, 10.0).metres_to(point(60.0, 10.0)) < f64::EPSILON);
}

#[test]
fn a_location_is_shared_for_15_minutes_to_90_days() {
    let (world, id) = lunch();
    let rejected = LocationRejection::DurationInvalid;
    let world = world
        .when(account(ANN), share(id, LIVE_MS_MIN - 1))
        .then_rejected(rejected)
        .when(account(ANN), share(id, LIVE_MS_MAX + 1))
        .then_rejected(rejected)
        .when(account(ANN), share(id, u64::MAX >> 1))
        .then_rejected(rejected)
        .when(account(ANN), share(id, LIVE_MS_MAX))
        .then_allowed()
        .when(account(EVE), share(id, LIVE_MS_MIN))
        .then_rejected(MessageRejection::NotFound);
    let (world, at) = At::shared(world, id);
    let live = at.live(&world);
    assert_eq!(live.ends_at.0, NOW.0 + i64::try_from(LIVE_MS_MIN).unwrap());
    assert_eq!((live.audience(), live.point), (Audience::Members(id), None));
}

#[test]
fn where_it_is_becomes_an_event_every_5_minutes_at_most() {
    let (world, at) = shared();
    let world = world.later(CHECKPOINT_MS - 1).when(account(ANN), at.goes(THERE)).then([]).later(1);
    let moved = at.moved(&world, THERE);
    let world = world
        .when(account(ANN), at.goes(THERE))
        .then([moved])
        .when(account(ANN), at.goes(HERE))
        .then([])
        .when(account(ANN), at.goes(Point { latitude: 91.0, ..HERE }))
        .then_rejected(LocationRejection::PointInvalid);
    assert_eq!(open(&at.live(&world).point.unwrap()), Some(THERE));
}

#[test]
fn it_ends_when_its_author_says_so() {
    let (world, at) = shared();
    let world = world
        .when(account(BOB), at.stop())
        .then_rejected(LocationRejection::NotAuthor)
        .when(account(BOB), at.goes(THERE))
        .then_rejected(LocationRejection::NotAuthor)
        .when(account(ANN), at.stop())
        .then([at.stopped()])
        .when(account(ANN), at.stop())
        .then([])
        .later(CHECKPOINT_MS)
        .when(account(ANN), at.goes(THERE))
        .then_rejected(LocationRejection::Ended);
    assert_eq!(at.live(&world).ended_since(NOW), Some(NOW));
}

#[test]
fn it_ends_by_its_time() {
    let (world, at) = shared();
    let ends_at = at.live(&world).ends_at;
    let lasts = ends_at.0 - NOW.0;
    let world = world
        .later(lasts - 1)
        .when(account(ANN), at.goes(THERE))
        .then_allowed()
        .later(1)
        .when(account(ANN), at.goes(HERE))
        .then_rejected(LocationRejection::Ended);
    let live = at.live(&world);
    assert_eq!(live.ended_since(Timestamp(ends_at.0 - 1)), None);
    assert_eq!(live.ended_since(ends_at), Some(ends_at));
    let world = world.later(9).when(account(ANN), at.stop()).then([at.stopped()]);
    assert_eq!(at.live(&world).ended_since(Timestamp(i64::MAX)), Some(ends_at));
}

#[test]
fn it_goes_with_its_message() {
    let (world, at) = shared();
    let At { conversation_id, message_id } = at;
    let world = world
        .later(CHECKPOINT_MS)
        .and(account(ANN), at.goes(THERE))
        .and(account(ANN), DeleteMessage { conversation_id, message_id })
        .later(CHECKPOINT_MS)
        .when(account(ANN), at.goes(HERE))
        .then_rejected(LocationRejection::Gone)
        .when(account(ANN), at.stop())
        .then_rejected(LocationRejection::Gone);
    assert_eq!(world.document::<LiveLocation>(message_id), None);
}

#[test]
fn who_left_moves_nothing_and_neither_does_one_who_is_blocked() {
    let (world, conversation_id) = lunch();
    let share = share(conversation_id, LIVE_MS_MIN);
    let world = world.and(account(BOB), share.clone());
    let message_id = share.message_id(&world.last_context(account(BOB)));
    let at = At { conversation_id, message_id };
    world
        .and(account(BOB), LeaveConversation { conversation_id })
        .when(account(BOB), at.goes(THERE))
        .then_rejected(LocationRejection::NotFound)
        .when(account(EVE), at.stop())
        .then_rejected(LocationRejection::NotFound);
    let people = given().person(ANN, "ann").person(BOB, "bob");
    let world = people.and(account(ANN), OpenDirect { account_id: account(BOB) });
    let (world, at) = At::shared(world, direct_id(account(ANN), account(BOB)));
    world
        .and(account(BOB), BlockAccount { account_id: account(ANN) })
        .when(account(ANN), at.goes(THERE))
        .then_rejected(LocationRejection::Refused)
        .and(account(ANN), BlockAccount { account_id: account(BOB) })
        .when(account(ANN), at.goes(THERE))
        .then_rejected(LocationRejection::Blocked);
}

#[test]
fn who_listens_is_told_of_the_live_location_and_has_nothing_more_to_read() {
    let (world, at) = shared();
    let world = world.and(account(ANN), at.stop());
    let meaning = world.history().last().map(Recorded::meaning);
    assert_eq!(meaning, Some((Change::LiveLocation(at.message_id), Effect::None)));
}

#[test]
fn what_passes_reads_back_as_it_was_told() {
    let (_, at) = shared();
    let told = MoveObject::tell(account(ANN), at.conversation_id, at.message_id, HERE);
    assert!(MoveObject::read(&told).is_some());
    assert!(MoveObject::read(&Ephemeral { kind: "Typing".to_owned(), ..told }).is_none());
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(64)
    })]

    #[test]
    fn an_hour_adds_a_dozen_events_at_most_and_the_last_is_what_is_remembered(
        steps in prop::collection::vec((0..200_000_i64, 0..100_u32, 0..40_u8), 0..80),
    ) {
        let (world, id) = lunch();
        let share = share(id, 3_600_000);
        let mut world = world.and(account(ANN), share.clone());
        let message_id = share.message_id(&world.last_context(account(ANN)));
        let at = At { conversation_id: id, message_id };
        let begun = world.history().len();
        let (mut now, mut recorded_at, mut last, mut stopped) = (0, 0, None, false);
        for (wait, place, what) in steps {
            now += wait;
            world = world.later(wait);
            let point = Point { latitude: f64::from(place) / 10.0, ..HERE };
            let over = stopped || now >= 3_600_000;
            let stops = what == 0;
            world = match stops {
                true => world.when(account(ANN), at.stop()).world,
                false => world.when(account(ANN), at.goes(point)).world,
            };
            if !stops && !over && now - recorded_at >= CHECKPOINT_MS {
                (recorded_at, last) = (now, Some(point));
            }
            stopped |= stops;
        }
        prop_assert!(world.history().len() - begun <= 13);
        let live = at.live(&world);
        let point = live.point.as_ref().and_then(open);
        prop_assert_eq!((point, live.recorded_at.0), (last, NOW.0 + recorded_at));
        prop_assert_eq!(live.ended_since(Timestamp(0)).is_some(), stopped);
    }
}
