//! The law of mentioning everyone.

use super::super::tests::{ANN, BOB, delete, edit, lunch, people, send};
use super::super::*;
use super::*;
use crate::Event;
use crate::conversations::{OpenDirect, direct_id};
use crate::kernel::testing::{Given, account};
use crate::members::{ChangeRole, Role};
use crate::removals::RestoreMessages;
use crate::threads::MoveToThread;

/// Whether the message with this number mentions everyone.
fn everyone(world: &Given, line: impl fmt::Display, number: u64) -> bool {
    world.document::<EveryoneMention>(EveryoneMention::id(line, number)).is_some()
}

#[test]
fn who_manages_a_group_mentions_everyone_and_for_others_it_is_text() {
    let (world, id) = lunch();
    let said = "hi @Everyone, @ann, @everyone";
    let world = world.and(account(BOB), send(id, said)).and(account(ANN), send(id, said));
    let message = send(id, said).message_id(&world.last_context(account(ANN)));
    assert_eq!((everyone(&world, id, 1), everyone(&world, id, 2)), (false, true));
    let sent = world.document::<Message>(message).unwrap();
    assert_eq!((sent.everyone, sent.mentions.as_slice()), (true, &[account(ANN)][..]));
    let mentions = world.stored().keys().filter(|it| it.0.ends_with("mentions")).count();
    assert_eq!(mentions, 3, "one document for everyone, and one each for Ann");
    let admin = ChangeRole { conversation_id: id, account_id: account(BOB), role: Role::Admin };
    let world = world.and(account(ANN), admin).and(account(BOB), send(id, said));
    assert!(everyone(&world, id, 3));
    for other in [ANN, BOB] {
        let world = people().and(account(ANN), OpenDirect { account_id: account(other) });
        let direct = direct_id(account(ANN), account(other));
        let world = world.and(account(ANN), send(direct, said));
        assert!(!everyone(&world, direct, 1));
    }
}

#[test]
fn an_edit_begins_and_ends_a_mention_of_everyone_as_the_author_may_then() {
    let (world, id) = lunch();
    let set = |role| ChangeRole { conversation_id: id, account_id: account(BOB), role };
    let world = world.and(account(BOB), send(id, "hi"));
    let message = send(id, "hi").message_id(&world.last_context(account(BOB)));
    let says = |world: Given, text: &str, told: Option<bool>| {
        let then = world.when(account(BOB), edit(id, message, text));
        let event = then.outcome.as_ref().map(|it| it[0].clone());
        let Ok(Event::MessageEvent(MessageEvent::MessageEdited(it))) = event else { panic!() };
        assert_eq!(it.everyone, told, "{text}");
        assert_eq!(everyone(&then.world, id, 1), told == Some(true), "{text}");
        then.world
    };
    let world = says(world, "@everyone", None);
    let world = says(world.and(account(ANN), set(Role::Admin)), "@everyone", Some(true));
    let world = says(world, "@everyone, again", Some(true));
    let world = says(world, "nobody", Some(false));
    let world = says(world, "somebody", None);
    let world = says(world, "@everyone", Some(true));
    says(world.and(account(ANN), set(Role::Member)), "@everyone", Some(false));
}

#[test]
fn a_mention_of_everyone_goes_with_its_message_and_comes_back_with_it() {
    let (world, id) = lunch();
    let admin = ChangeRole { conversation_id: id, account_id: account(BOB), role: Role::Admin };
    let world = world.and(account(ANN), admin).and(account(BOB), send(id, "@everyone"));
    let message = send(id, "").message_id(&world.last_context(account(BOB)));
    let world = world.and(account(ANN), delete(id, message));
    assert!(!everyone(&world, id, 1));
    let world = world
        .and(account(ANN), RestoreMessages { conversation_id: id, message_ids: vec![message] });
    assert!(everyone(&world, id, 1));
    let world = world.and(account(BOB), delete(id, message));
    assert!(!everyone(&world, id, 1));
    assert!(!world.document::<Message>(message).unwrap().everyone);
}

#[test]
fn a_mention_of_everyone_moves_with_its_message() {
    let (world, id) = lunch();
    let world = world.and(account(ANN), send(id, "root"));
    let root = send(id, "root").message_id(&world.last_context(account(ANN)));
    let world = world.and(account(ANN), send(id, "@everyone"));
    let message = send(id, "@everyone").message_id(&world.last_context(account(ANN)));
    let moves =
        |to| MoveToThread { conversation_id: id, thread_id: to, message_ids: vec![message] };
    let world = world.and(account(ANN), moves(Some(root)));
    assert_eq!((everyone(&world, id, 2), everyone(&world, root, 2)), (false, true));
    let world = world.and(account(ANN), edit(id, message, "nobody"));
    assert!(!everyone(&world, root, 2));
    let world =
        world.and(account(ANN), edit(id, message, "@everyone")).and(account(ANN), moves(None));
    assert_eq!((everyone(&world, id, 2), everyone(&world, root, 2)), (true, false));
}
