//! The law of folds: any cut, repetition or order of partitions gives the same documents.

mod content;
mod kept;
mod later;
mod packs;
mod pictures;
mod rights;
mod secure;
mod talk;
mod uploads;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use proptest::prelude::*;
use proptest::strategy::ValueTree;

use super::document::Shared;
use super::testing::{Given, NOW, Then, account, given, name};
use super::{Origin, Projection, Recorded};
use crate::Event;
use crate::accounts::{
    AbandonClaim, Account, AccountId, BeginRename, ClaimName, FinishRename, Name, ReleaseName,
    ReserveName, UpdateProfile,
};
use crate::addresses::{Addresses, ConfirmAddress};
use crate::conversations::{ConversationId, CreateGroup, OpenDirect, RenameGroup, direct_id};
use crate::edit_policy::SetEditPolicy;
use crate::instance::ClaimSetup;
use crate::members::{AddMembers, ChangeRole, JoinGroup, LeaveConversation, RemoveMember, Role};
use crate::messages::{
    DeleteMessage, EditMessage, HideMessage, MessageEvent, MessageId, SendMessage,
};
use crate::reactions::{AddReaction, LimitReactions, ReactionEvent, RemoveReaction};
use crate::sessions::{Client, OpenSession, RefreshSession, SessionId};
use content::content;
use later::{later, read};
use secure::{generation, proof, proposal, secure, told};

/// What somebody tries: who, what, with whom or which, where.
pub(crate) type Attempt = (u8, u8, u8, u8);

/// Kinds of attempts.
const KINDS: u8 = 74;

/// The last of them.
const RENAME: u8 = KINDS - 1;

/// Those before it.
const REACT: u8 = RENAME - 1;
const PIN: u8 = REACT - 1;
const DRAFT: u8 = PIN - 1;
const FORWARD: u8 = DRAFT - 1;
const LATER: u8 = FORWARD - 1;
const CONTENT: u8 = LATER - 1;
const REMOVE: u8 = CONTENT - 1;
const PREVIEW: u8 = REMOVE - 1;
const KEEP: u8 = PREVIEW - 1;
const THREAD: u8 = KEEP - 1;

const PEOPLE: [&str; 4] = ["ann", "bob", "eve", "dan"];

/// Whom messages mention.
const MENTIONED: [&str; 5] = ["ann", "bob", "everyone", "eve", "dan"];

pub(crate) fn attempts() -> impl Strategy<Value = Vec<Attempt>> {
    prop::collection::vec((0..4_u8, 0..KINDS + 4, any::<u8>(), 0..3_u8), 0..160)
}

/// Somebody with a session and a mail address that they have proved.
fn proved(world: Given, n: u8, username: &str) -> Given {
    let (session_id, client) = (SessionId(account(n).0), Client::default());
    let opening = OpenSession {
        session_id,
        client,
        credential: Some(0),
        identity: None,
        by_mail: false,
        factor: None,
        allowed: None,
    };
    let origin = Origin { session_id: Some(session_id), address: None };
    let world = world.person(n, username).and(account(n), opening).from(origin);
    let world = world.and(account(n), proposal(u8::MAX - n));
    let pending = world.document::<Addresses>(account(n)).and_then(|it| it.pending);
    let address_id = pending.expect("it was just proposed").id;
    world.and(account(n), ConfirmAddress { address_id }).from(Origin::default())
}

/// Two groups, an open and a closed one, and the direct conversation of Ann and Bob.
fn beginning() -> (Given, [ConversationId; 3]) {
    let people = (0..4_u8).zip(PEOPLE).fold(given(), |world, (n, it)| proved(world, n, it));
    let people = people.and(account(0), ClaimSetup {});
    let create = |open| CreateGroup {
        title: "group".to_owned(),
        member_ids: vec![account(1), account(2)],
        open,
    };
    let world = people.and(account(0), create(true));
    let open = CreateGroup::conversation_id(&world.last_context(account(0)));
    let world = world.and(account(0), create(false));
    let closed = CreateGroup::conversation_id(&world.last_context(account(0)));
    let world = world.and(account(0), OpenDirect { account_id: account(1) });
    (world, [open, closed, direct_id(account(0), account(1))])
}

/// The nth message that was sent, going round.
fn message(world: &Given, n: u8) -> Option<(ConversationId, MessageId, u64)> {
    let sent = world.history().iter().filter_map(|it| {
        let Event::MessageEvent(MessageEvent::MessageSent(it)) = &it.event else { return None };
        Some((it.conversation_id, it.message_id, it.number.0))
    });
    let sent: Vec<_> = sent.collect();
    sent.get(usize::from(n) % sent.len().max(1)).copied()
}

fn attempt(
    world: Given,
    places: &[ConversationId; 3],
    (who, what, which, place): Attempt,
) -> Given {
    let (actor, other) = (account(who), account(which % 4));
    let conversation_id = places[usize::from(place)];
    let found = message(&world, which);
    let session_id = SessionId(actor.0);
    let world = world.later(i64::from(which) * 100);
    let then = match (what, found) {
        (0, _) => world.when(actor, JoinGroup { conversation_id }),
        (1, _) => world.when(actor, LeaveConversation { conversation_id }),
        (2, _) => world.when(actor, AddMembers { conversation_id, account_ids: vec![other] }),
        (3, _) => world.when(actor, RemoveMember { conversation_id, account_id: other }),
        (4, _) => {
            let role = if which > 127 { Role::Admin } else { Role::Member };
            world.when(actor, ChangeRole { conversation_id, account_id: other, role })
        }
        (5, _) => world.when(actor, RenameGroup { conversation_id, title: format!("{which}") }),
        (6, _) => world
            .when(actor, UpdateProfile { display_name: None, bio: Some(format!("bio {which}")) }),
        (7, _) => {
            let client = Client { device: "phone".to_owned(), ..Client::default() };
            let identity = told(&world, actor, which);
            let (factor, credential) = (proof(&world, actor, which), generation(&world, actor));
            world.when(
                actor,
                OpenSession {
                    session_id,
                    client,
                    credential: Some(credential),
                    identity,
                    by_mail: which > 127,
                    factor,
                    allowed: None,
                },
            )
        }
        (8, _) => world.when(actor, RefreshSession { session_id, generation: (which % 3).into() }),
        (9, _) => secure(world, actor, other, (which, 1)),
        (RENAME, _) => rename(world, actor, which),
        (REACT, Some(found)) => react(world, actor, found, which),
        (PIN | DRAFT | FORWARD | REMOVE | THREAD, Some(found)) => {
            talk::beside(world, actor, conversation_id, (what, which), found)
        }
        (LATER, _) => later(world, actor, conversation_id, which),
        (CONTENT, _) => content(world, actor, conversation_id, which),
        (PREVIEW, _) => talk::preview(world, actor, conversation_id, which),
        (KEEP, _) => kept::keep(world, actor, conversation_id, which),
        (18..THREAD, _) => secure(world, actor, other, (which, what - 17)),
        (10, _) => world.when(actor, OpenDirect { account_id: other }),
        (11, _) => claim_or_release(world, which),
        (12, Some((conversation_id, message_id, _))) => {
            let text = format!("*{which}* @{}", MENTIONED[usize::from(which % 5)]);
            world.when(actor, EditMessage { conversation_id, message_id, text })
        }
        (13, Some((conversation_id, message_id, _))) => {
            world.when(actor, DeleteMessage { conversation_id, message_id })
        }
        (14 | 15, Some((conversation_id, message_id, _))) => {
            world.when(actor, HideMessage { conversation_id, message_id })
        }
        (16 | 17, Some((conversation_id, _, number))) => {
            read(world, actor, (conversation_id, number), which)
        }
        (_, reply) => {
            let reply_to = reply.filter(|it| it.0 == conversation_id).map(|it| it.1);
            let message = talk::said(conversation_id, which, place == 2);
            world.when(actor, SendMessage { reply_to, ..message })
        }
    };
    then.world
}

fn react(
    world: Given,
    actor: AccountId,
    (conversation_id, message_id, _): (ConversationId, MessageId, u64),
    which: u8,
) -> Then {
    let emoji = ["👍", "❤", "🚀"][usize::from(which % 3)].to_owned();
    let given = world.history().iter().rev().find_map(|it| match ReactionEvent::of(&it.event) {
        Some(ReactionEvent::ReactionAdded(it)) if it.account_id == actor => Some(it.clone()),
        Some(_) | None => None,
    });
    match (which % 5, given) {
        (0 | 1, _) | (2, None) => {
            world.when(actor, AddReaction::new(conversation_id, message_id, emoji))
        }
        (2, Some(it)) => {
            let (conversation_id, message_id) = (it.conversation_id, it.message_id);
            let emoji = it.emoji.as_str().to_owned();
            world.when(actor, RemoveReaction { conversation_id, message_id, emoji })
        }
        (4, _) => {
            let (minutes, history_visible) = (Some(u32::from(which)), which < 128);
            world.when(actor, SetEditPolicy { conversation_id, minutes, history_visible })
        }
        _ => {
            let allowed = (which < 128).then(|| vec![emoji]);
            world.when(actor, LimitReactions { conversation_id, allowed })
        }
    }
}

fn claim_or_release(world: Given, which: u8) -> Then {
    let (n, name_id) = (100 + which % 4, name("another"));
    let account_id = account(n);
    match which % 3 {
        0 => world.when(account_id, ClaimName { name_id, account_id }),
        1 => {
            let claimed_at = world.document::<Name>(name_id).map_or(NOW, |it| it.claimed_at);
            world.when(account_id, ReleaseName { name_id, account_id, claimed_at })
        }
        _ => world.when(account_id, AbandonClaim { account_id, name_id }),
    }
}

fn rename(world: Given, account_id: AccountId, which: u8) -> Then {
    let username = format!("other{}", which / 4 % 2);
    let name_id = name(&username);
    match which % 4 {
        0 => {
            let look_id = name(&format!("look:{username}"));
            world.when(
                account_id,
                BeginRename { wish_id: name_id.to_string(), username, name_id, look_id },
            )
        }
        1 => {
            let account = world.document::<Account>(account_id);
            let wanted = account.and_then(|it| it.renaming).map_or(name_id, |it| it.name_id);
            world.when(account_id, FinishRename { wish_id: wanted.to_string() })
        }
        2 => world.when(account_id, AbandonClaim { account_id, name_id }),
        _ => {
            let name_id = name(PEOPLE[usize::from(which) % 4]);
            world.when(account_id, ReserveName { name_id, account_id })
        }
    }
}

/// What came of a list of attempts.
pub(crate) fn world(attempts: Vec<Attempt>) -> (Given, [ConversationId; 3]) {
    let (world, places) = beginning();
    (attempts.into_iter().fold(world, |world, it| attempt(world, &places, it)), places)
}

/// A document with the ordinal and partition that it stands for.
#[derive(Default)]
struct Standing {
    document: Option<Shared>,
    ordinal: u64,
    partition: Option<u16>,
}

type Store = HashMap<(&'static str, String), Standing>;

/// Folds as the projectors do: what a document has seen it does not see again.
fn fold(store: &mut Store, batch: &[&Recorded]) {
    for event in batch {
        for projection in crate::PROJECTIONS {
            for id in (projection.ids)(event) {
                let it = store.entry((projection.collection.name, id.clone())).or_default();
                assert!(it.partition.is_none_or(|it| it == event.partition), "two sources");
                it.partition = Some(event.partition);
                if it.ordinal < event.ordinal {
                    it.document = (projection.project)(it.document.take(), &id, event);
                    it.ordinal = event.ordinal;
                    if (projection.begins)(event) {
                        let anew = (projection.project)(None, &id, event);
                        let json = |it: &Option<Shared>| it.as_ref().map(|it| it.json());
                        assert_eq!(json(&it.document), json(&anew), "what was there counts");
                    }
                }
            }
        }
    }
}

/// The program stops and starts: documents are what was stored of them.
fn restart(store: &mut Store) {
    for ((collection, _), it) in store {
        let projection = Projection::by_collection(collection).expect("a room's collection");
        it.document = it.document.take().map(|it| {
            let read = (projection.parse)(&it.json());
            read.expect("a document reads back as written")
        });
    }
}

fn stored(store: &Store) -> BTreeMap<(&'static str, String), String> {
    let text = |it: &Shared| String::from_utf8(it.json().to_vec()).expect("JSON is text");
    let some = store
        .iter()
        .filter_map(|(key, it)| it.document.as_ref().map(|document| (key.clone(), text(document))));
    some.collect()
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(96)
    })]

    #[test]
    fn any_delivery_gives_the_same_documents(
        attempts in attempts(),
        steps in prop::collection::vec((1..9_usize, 0..6_usize), 1..40),
        first in 0..4_u16,
    ) {
        let (world, _) = world(attempts);
        let mut store = Store::new();
        for partition in (0..4).map(|it| (it + first) % 4) {
            let mine = world.history().iter().filter(|it| it.partition == partition);
            let events: Vec<&Recorded> = mine.collect();
            let mut at = 0;
            for (take, back) in steps.iter().cycle() {
                if at == events.len() {
                    break;
                }
                let end = (at + take).min(events.len());
                fold(&mut store, &events[at.saturating_sub(*back)..end]);
                restart(&mut store);
                at = end;
            }
        }
        prop_assert_eq!(stored(&store), world.stored());
        let everything: Vec<&Recorded> = world.history().iter().collect();
        fold(&mut store, &everything);
        prop_assert_eq!(stored(&store), world.stored());
    }

    #[test]
    fn no_fold_panics_on_the_rest_of_a_history(attempts in attempts(), skip in 0..80_usize) {
        let (world, _) = world(attempts);
        let rest: Vec<&Recorded> = world.history().iter().skip(skip).collect();
        fold(&mut Store::new(), &rest);
    }
}

/// The laws above say something about every document.
#[test]
fn random_histories_touch_every_collection() {
    let kinds = (0..KINDS + 4).flat_map(|what| (0..4).map(move |who| (who, what)));
    let all = kinds.flat_map(|(who, what)| [(who, what, 0, 0), (who, what, 1, 1)]);
    let sends = [(0, KINDS, 1, 0), (1, KINDS, 0, 0), (0, 12, 0, 0), (0, 13, 1, 0)];
    let reacts = [(1, REACT, 0, 0), (0, REACT, 3, 0), (0, REACT, 4, 0)];
    let reacts = reacts.into_iter().chain([(0, PIN, 0, 0), (0, DRAFT, 0, 0), (1, LATER, 8, 0)]);
    let reads =
        [(0, REMOVE, 1, 0), (2, 16, 0, 0), (0, KEEP, 2, 0), (0, KEEP, 7, 0), (0, KEEP, 9, 0)];
    let reads = reads.into_iter().chain([(0, THREAD, 0, 0), (1, THREAD, 5, 0), (0, KEEP, 5, 0)]);
    let contents = (0..64).map(|which| (0, CONTENT, which, 0));
    // Ann mentions everyone and confides twice; Bob reads all that he can.
    let confides = [(0, KINDS, 2, 0), (0, KINDS, 3, 2), (0, KINDS, 3, 2)].into_iter();
    let confides = confides.chain((1..100).step_by(2).map(|which| (1, 16, which, 2)));
    let some = sends.into_iter().chain(reads).chain(reacts).chain(contents).chain(confides);
    let (world, _) = world(some.chain(all).collect());
    let mut store = Store::new();
    fold(&mut store, &world.history().iter().collect::<Vec<_>>());
    let touched: BTreeSet<_> = store.keys().map(|(collection, _)| *collection).collect();
    let all: BTreeSet<_> = crate::PROJECTIONS.iter().map(|it| it.collection.name).collect();
    assert_eq!(touched, all);
}

/// A kind of event that no history holds is a kind whose fold is not tested.
#[test]
fn random_histories_hold_every_kind_of_event() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let all: BTreeSet<_> = super::codec::kinds().iter().map(|it| it.name).collect();
    let mut seen = BTreeSet::new();
    for _ in 0..4_096 {
        if seen == all {
            break;
        }
        let attempts = attempts().new_tree(&mut runner).expect("a tree").current();
        seen.extend(world(attempts).0.history().iter().map(|it| it.event.name()));
    }
    assert_eq!(seen, all);
}
