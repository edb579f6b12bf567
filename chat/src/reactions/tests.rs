//! The law of reactions.

use super::*;
use crate::audience::Audience;
use crate::contacts::BlockAccount;
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, direct_id};
use crate::kernel::testing::{Given, NOW, account, given};
use crate::kernel::time::Long;
use crate::kernel::{Document, Effect, Origin, Recorded};
use crate::members::{ChangeRole, LeaveConversation, RemoveMember, Role};
use crate::messages::{DeleteMessage, EditMessage, MessageId, SendMessage};
use crate::{Change, Event};

const ANN: u8 = 1;
const BOB: u8 = 2;
const EVE: u8 = 3;

/// A conversation with a message of Ann's.
#[derive(Clone, Copy)]
pub(super) struct At {
    conversation_id: ConversationId,
    pub(super) message_id: MessageId,
}

impl At {
    fn sent(world: Given, conversation_id: ConversationId) -> (Given, Self) {
        let text = "hello".to_owned();
        let send = SendMessage::new(conversation_id, text);
        let world = world.and(account(ANN), send.clone());
        let message_id = send.message_id(&world.last_context(account(ANN)));
        (world, Self { conversation_id, message_id })
    }

    pub(super) fn add(self, emoji: &str) -> AddReaction {
        let Self { conversation_id, message_id } = self;
        AddReaction::new(conversation_id, message_id, emoji.to_owned())
    }

    pub(super) fn remove(self, emoji: &str) -> RemoveReaction {
        let Self { conversation_id, message_id } = self;
        RemoveReaction { conversation_id, message_id, emoji: emoji.to_owned() }
    }

    fn limit(self, allowed: Option<&[&str]>) -> LimitReactions {
        let allowed = allowed.map(|it| it.iter().map(|it| (*it).to_owned()).collect());
        LimitReactions { conversation_id: self.conversation_id, allowed }
    }

    fn delete(self) -> DeleteMessage {
        let Self { conversation_id, message_id } = self;
        DeleteMessage { conversation_id, message_id }
    }

    fn added(self, who: u8, emoji: &str) -> Event {
        let Self { conversation_id, message_id } = self;
        let (number, author_id) = (Long(1), account(ANN));
        let (account_id, emoji) = (account(who), parsed(emoji));
        ReactionAdded { message_id, conversation_id, number, author_id, account_id, emoji }.into()
    }

    fn removed(self, who: u8, emoji: &str) -> Event {
        let Self { conversation_id, message_id } = self;
        let (number, author_id) = (Long(1), account(ANN));
        let (account_id, emoji) = (account(who), parsed(emoji));
        ReactionRemoved { message_id, conversation_id, number, author_id, account_id, emoji }.into()
    }

    pub(super) fn counts(self, world: &Given) -> Vec<(String, u64)> {
        let tally = world.document::<Tally>(self.message_id);
        let counts = tally.map(|it| it.counts).unwrap_or_default();
        counts.into_iter().map(|it| (it.emoji.as_str().to_owned(), it.count)).collect()
    }
}

pub(super) fn parsed(text: &str) -> Emoji {
    Emoji::parse(text).expect("an emoji")
}

fn counted(expected: &[(&str, u64)]) -> Vec<(String, u64)> {
    expected.iter().map(|(emoji, count)| ((*emoji).to_owned(), *count)).collect()
}

/// Different emoji.
pub(super) fn some(count: usize) -> Vec<&'static str> {
    emojis::iter().take(count).map(|it| it.as_str()).collect()
}

fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob").person(EVE, "eve")
}

/// Ann's group with some others, and her message in it.
fn group(others: &[u8]) -> (Given, At) {
    let member_ids = others.iter().map(|it| account(*it)).collect();
    let create = CreateGroup { title: "Lunch".to_owned(), member_ids, open: false };
    let world = people().and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    At::sent(world, id)
}

/// The direct conversation of Ann and Bob, and her message in it.
fn direct() -> (Given, At) {
    let world = people().and(account(ANN), OpenDirect { account_id: account(BOB) });
    At::sent(world, direct_id(account(ANN), account(BOB)))
}

/// So many members of a group, who all give its message some emoji, each those of its own.
pub(super) fn given_by(members: u8, emoji: &[&str]) -> (Given, At) {
    let others: Vec<u8> = (10..10 + members).collect();
    let world = others.iter().fold(people(), |it, n| it.person(*n, &format!("person{n}")));
    let member_ids = others.iter().map(|it| account(*it)).collect();
    let create = CreateGroup { title: "Crowd".to_owned(), member_ids, open: false };
    let world = world.and(account(ANN), create);
    let id = CreateGroup::conversation_id(&world.last_context(account(ANN)));
    let (world, at) = At::sent(world, id);
    let chunks = emoji.chunks(OWN_MAX).zip(others);
    let all = chunks.flat_map(|(chunk, n)| chunk.iter().map(move |it| (n, *it)));
    (all.fold(world, |world, (n, it)| world.and(account(n), at.add(it))), at)
}

#[test]
fn what_is_given_is_counted_and_what_was_first_stays_first() {
    let (world, at) = group(&[BOB, EVE]);
    let world = world
        .when(account(BOB), at.add("🚀"))
        .then([at.added(BOB, "🚀")])
        .and(account(EVE), at.add("👍"))
        .and(account(ANN), at.add("👍"))
        .and(account(BOB), at.add("👍"));
    assert_eq!(at.counts(&world), counted(&[("🚀", 1), ("👍", 3)]));
}

#[test]
fn giving_twice_is_giving_once_however_the_emoji_is_written() {
    let (world, at) = group(&[BOB]);
    let world = world
        .and(account(BOB), at.add("❤"))
        .when(account(BOB), at.add("❤️"))
        .then([])
        .when(account(BOB), at.add("❤"))
        .then([]);
    assert_eq!(at.counts(&world), counted(&[("❤️", 1)]));
}

#[test]
fn what_is_taken_back_is_gone_and_what_is_gone_can_be_taken_back() {
    let (world, at) = group(&[BOB]);
    let world = world
        .and(account(BOB), at.add("🚀"))
        .and(account(BOB), at.add("👍"))
        .and(account(ANN), at.add("👍"))
        .when(account(BOB), at.remove("🚀"))
        .then([at.removed(BOB, "🚀")])
        .when(account(BOB), at.remove("🚀"))
        .then([])
        .when(account(ANN), at.remove("🚀"))
        .then([])
        .and(account(ANN), at.remove("👍"));
    assert_eq!(at.counts(&world), counted(&[("👍", 1)]));
    let world = world.and(account(BOB), at.remove("👍")).and(account(ANN), at.add("🚀"));
    assert_eq!(at.counts(&world), counted(&[("🚀", 1)]), "it is the first now");
}

#[test]
fn only_an_emoji_is_given_and_taken_back() {
    let (world, at) = group(&[BOB]);
    let invalid = ReactionRejection::EmojiInvalid;
    ["", "a", "👍👍", ":+1:"].iter().fold(world, |world, it| {
        world
            .when(account(BOB), at.add(it))
            .then_rejected(invalid)
            .when(account(BOB), at.remove(it))
            .then_rejected(invalid)
            .when(account(ANN), at.limit(Some(&[it])))
            .then_rejected(invalid)
    });
}

#[test]
fn a_member_gives_a_message_five_emoji() {
    let (world, at) = group(&[BOB]);
    let some = some(OWN_MAX + 1);
    let world = some[..OWN_MAX].iter().fold(world, |world, it| world.and(account(BOB), at.add(it)));
    world
        .when(account(BOB), at.add(some[OWN_MAX]))
        .then_rejected(ReactionRejection::TooManyOwn)
        .when(account(BOB), at.add(some[0]))
        .then([])
        .when(account(ANN), at.add(some[OWN_MAX]))
        .then_allowed()
        .and(account(BOB), at.remove(some[0]))
        .when(account(BOB), at.add(some[OWN_MAX]))
        .then_allowed();
}

#[test]
fn a_message_has_twenty_different_emoji() {
    let some = some(DISTINCT_MAX + 1);
    let (world, at) = given_by(4, &some[..DISTINCT_MAX]);
    assert_eq!(at.counts(&world).len(), DISTINCT_MAX);
    let world = world
        .when(account(ANN), at.add(some[DISTINCT_MAX]))
        .then_rejected(ReactionRejection::TooManyDistinct)
        .when(account(ANN), at.add(some[DISTINCT_MAX - 1]))
        .then_allowed()
        .and(account(10), at.remove(some[0]))
        .when(account(ANN), at.add(some[DISTINCT_MAX]))
        .then_allowed();
    assert_eq!(at.counts(&world).len(), DISTINCT_MAX);
}

#[test]
fn strangers_and_those_who_left_react_to_nothing() {
    let (world, at) = group(&[BOB]);
    let nowhere = At { message_id: MessageId(account(9).0), ..at };
    let missing = ReactionRejection::NotFound;
    let conversation_id = at.conversation_id;
    world
        .when(account(EVE), at.add("👍"))
        .then_rejected(missing)
        .when(account(EVE), at.remove("👍"))
        .then_rejected(missing)
        .when(account(EVE), at.limit(None))
        .then_rejected(missing)
        .when(account(BOB), nowhere.add("👍"))
        .then_rejected(missing)
        .and(account(BOB), at.add("👍"))
        .and(account(BOB), LeaveConversation { conversation_id })
        .when(account(BOB), at.add("🚀"))
        .then_rejected(missing)
        .when(account(BOB), at.remove("👍"))
        .then_rejected(missing);
}

#[test]
fn a_message_is_reacted_to_in_its_own_conversation() {
    let (world, at) = group(&[BOB]);
    let world = world.and(account(BOB), OpenDirect { account_id: account(BOB) });
    let elsewhere = At { conversation_id: direct_id(account(BOB), account(BOB)), ..at };
    world
        .when(account(BOB), elsewhere.add("👍"))
        .then_rejected(ReactionRejection::NotFound)
        .when(account(BOB), elsewhere.remove("👍"))
        .then_rejected(ReactionRejection::NotFound);
}

#[test]
fn the_reactions_of_somebody_who_left_stay() {
    let (world, at) = group(&[BOB, EVE]);
    let conversation_id = at.conversation_id;
    let world = world
        .and(account(BOB), at.add("👍"))
        .and(account(EVE), at.add("👍"))
        .and(account(BOB), LeaveConversation { conversation_id })
        .and(account(ANN), RemoveMember { conversation_id, account_id: account(EVE) });
    assert_eq!(at.counts(&world), counted(&[("👍", 2)]));
}

#[test]
fn a_deleted_message_has_no_reactions_and_gets_none() {
    let (world, at) = group(&[BOB]);
    let world = world
        .and(account(BOB), at.add("👍"))
        .and(account(ANN), at.delete())
        .when(account(BOB), at.add("🚀"))
        .then_rejected(ReactionRejection::Gone)
        .when(account(BOB), at.add("👍"))
        .then_rejected(ReactionRejection::Gone)
        .when(account(BOB), at.remove("👍"))
        .then([]);
    assert_eq!(at.counts(&world), []);
    let tally = world.document::<Tally>(at.message_id).expect("it tells since when");
    assert_eq!(Some(tally.seq), world.history().last().map(|it| it.seq));
}

#[test]
fn an_edited_message_keeps_its_reactions() {
    let (world, at) = group(&[BOB]);
    let At { conversation_id, message_id } = at;
    let edit = EditMessage { conversation_id, message_id, text: "hello!".to_owned() };
    let world = world.and(account(BOB), at.add("👍")).and(account(ANN), edit);
    assert_eq!(at.counts(&world), counted(&[("👍", 1)]));
}

#[test]
fn nobody_reacts_to_those_who_blocked_them_or_whom_they_blocked() {
    let (world, at) = direct();
    world
        .and(account(BOB), at.add("👍"))
        .and(account(ANN), BlockAccount { account_id: account(BOB) })
        .when(account(BOB), at.add("🚀"))
        .then_rejected(ReactionRejection::Refused)
        .when(account(ANN), at.add("🚀"))
        .then_rejected(ReactionRejection::Blocked)
        .when(account(BOB), at.remove("👍"))
        .then([at.removed(BOB, "👍")]);
    let (world, at) = group(&[BOB]);
    world
        .and(account(ANN), BlockAccount { account_id: account(BOB) })
        .when(account(BOB), at.add("👍"))
        .then_allowed();
}

#[test]
fn a_limited_group_takes_only_what_is_allowed_from_then_on() {
    let (world, at) = group(&[BOB]);
    let limited = |allowed: Option<&[&str]>, before: Option<&[&str]>| -> Event {
        let emoji = |it: &[&str]| it.iter().map(|it| parsed(it)).collect();
        let (allowed, before) = (allowed.map(emoji), before.map(emoji));
        let origin = Some(Origin { session_id: None, address: None });
        let conversation_id = at.conversation_id;
        ReactionsLimited { conversation_id, allowed, before, origin }.into()
    };
    let world = world
        .and(account(BOB), at.add("🚀"))
        .when(account(ANN), at.limit(Some(&["👍", "❤", "👍"])))
        .then([limited(Some(&["👍", "❤️"]), None)])
        .when(account(ANN), at.limit(Some(&["👍", "❤️"])))
        .then([])
        .when(account(BOB), at.add("❤️"))
        .then_allowed()
        .when(account(ANN), at.add("🚀"))
        .then_rejected(ReactionRejection::NotAllowed)
        .when(account(BOB), at.add("🚀"))
        .then([]);
    assert_eq!(at.counts(&world), counted(&[("🚀", 1), ("❤️", 1)]), "what was there stays");
    world
        .when(account(BOB), at.remove("🚀"))
        .then_allowed()
        .when(account(ANN), at.limit(Some(&[])))
        .then([limited(Some(&[]), Some(&["👍", "❤️"]))])
        .when(account(BOB), at.add("👍"))
        .then_rejected(ReactionRejection::NotAllowed)
        .when(account(ANN), at.limit(None))
        .then([limited(None, Some(&[]))])
        .when(account(ANN), at.limit(None))
        .then([])
        .when(account(BOB), at.add("🚀"))
        .then_allowed();
}

#[test]
fn a_group_is_limited_to_a_hundred_emoji() {
    let (world, at) = group(&[]);
    let some = some(ALLOWED_MAX + 1);
    world
        .when(account(ANN), at.limit(Some(&some)))
        .then_rejected(ReactionRejection::TooManyAllowed)
        .when(account(ANN), at.limit(Some(&some[..ALLOWED_MAX])))
        .then_allowed();
}

#[test]
fn owners_and_admins_of_groups_limit_reactions_and_nobody_else() {
    let (world, at) = group(&[BOB]);
    let conversation_id = at.conversation_id;
    let promote = ChangeRole { conversation_id, account_id: account(BOB), role: Role::Admin };
    world
        .when(account(BOB), at.limit(Some(&[])))
        .then_rejected(ReactionRejection::Forbidden)
        .and(account(ANN), promote)
        .when(account(BOB), at.limit(Some(&[])))
        .then_allowed();
    let (world, at) = direct();
    world.when(account(ANN), at.limit(Some(&[]))).then_rejected(ReactionRejection::NotAGroup);
}

#[test]
fn who_listens_is_told_of_the_reactions_and_has_nothing_more_to_read() {
    let (world, at) = group(&[BOB]);
    let world = world
        .and(account(BOB), at.add("👍"))
        .and(account(BOB), at.remove("👍"))
        .and(account(ANN), at.limit(Some(&[])));
    let meanings: Vec<_> = world.history().iter().rev().take(3).map(Recorded::meaning).collect();
    let reactions = (Change::Reactions(at.message_id), Effect::None);
    let limited = (Change::Conversation(at.conversation_id), Effect::None);
    assert_eq!(meanings, [limited, reactions.clone(), reactions]);
}

#[test]
fn members_read_the_tally_and_the_rest_is_read_behind_it() {
    let (world, at) = group(&[BOB]);
    let world = world.and(account(BOB), at.add("👍"));
    let tally = world.document::<Tally>(at.message_id).expect("a tally");
    assert_eq!(tally.audience(), Audience::Members(at.conversation_id));
    let reacted = Reacted::id(at.message_id, account(BOB));
    let reacted = world.document::<Reacted>(reacted).expect("what Bob gave");
    assert_eq!(reacted.audience(), Audience::Nobody);
    let id = format!("{}{}", Reactor::prefix(at.message_id, &parsed("👍")), account(BOB));
    let reactor = world.document::<Reactor>(id).expect("that Bob gave it");
    assert_eq!((reactor.audience(), reactor.reacted_at), (Audience::Nobody, NOW));
}
