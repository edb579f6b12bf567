//! The law of contacts.

use super::*;
use crate::Event;
use crate::accounts::AccountId;
use crate::audience::Audience;
use crate::conversations::{ConversationId, ConversationRejection, OpenDirect, direct_id};
use crate::kernel::testing::{Given, account, given};
use crate::kernel::{Command, Document, Origin};
use crate::messages::{EditMessage, MessageRejection, SendMessage};

const ANN: u8 = 1;
const BOB: u8 = 2;

fn people() -> Given {
    given().person(ANN, "ann").person(BOB, "bob")
}

fn bob() -> AccountId {
    account(BOB)
}

fn blocked() -> Event {
    let origin = Some(Origin::default());
    AccountBlocked { account_id: account(ANN), blocked_id: bob(), origin }.into()
}

fn added() -> Event {
    ContactAdded { account_id: account(ANN), contact_id: bob() }.into()
}

fn removed() -> Event {
    ContactRemoved { account_id: account(ANN), contact_id: bob() }.into()
}

fn counts(contacts: u32, blocked: u32) -> ContactCounts {
    ContactCounts { contacts, blocked }
}

#[test]
fn a_contact_is_added_once_and_removed_once() {
    let world = people().when(account(ANN), AddContact { account_id: bob() }).then([added()]);
    let world = world.when(account(ANN), AddContact { account_id: bob() }).then([]);
    assert_eq!(world.document::<ContactCounts>(account(ANN)), Some(counts(1, 0)));
    let found = world.document::<Contact>(Contact::id(account(ANN), bob())).expect("a contact");
    assert_eq!(found.audience(), Audience::Account(account(ANN)));
    let world = world.when(account(ANN), RemoveContact { account_id: bob() }).then([removed()]);
    let world = world.when(account(ANN), RemoveContact { account_id: bob() }).then([]);
    assert_eq!(world.document::<ContactCounts>(account(ANN)), Some(counts(0, 0)));
}

#[test]
fn whoever_is_blocked_is_no_contact_and_becomes_none_until_unblocked() {
    let world = people().and(account(ANN), AddContact { account_id: bob() });
    let block = BlockAccount { account_id: bob() };
    let world = world.when(account(ANN), block.clone()).then([removed(), blocked()]);
    let world = world.when(account(ANN), block).then([]);
    assert_eq!(world.document::<ContactCounts>(account(ANN)), Some(counts(0, 1)));
    let add = AddContact { account_id: bob() };
    let world = world.when(account(ANN), add.clone()).then_rejected(ContactRejection::Blocked);
    let world = world.and(account(ANN), UnblockAccount { account_id: bob() });
    assert_eq!(world.document::<ContactCounts>(account(ANN)), Some(counts(0, 0)));
    world.when(account(ANN), add).then([added()]);
}

#[test]
fn nobody_says_anything_of_themselves_or_of_nobody() {
    let oneself = account(ANN);
    people()
        .when(account(ANN), AddContact { account_id: oneself })
        .then_rejected(ContactRejection::Oneself)
        .when(account(ANN), BlockAccount { account_id: oneself })
        .then_rejected(ContactRejection::Oneself)
        .when(account(ANN), AddContact { account_id: account(9) })
        .then_rejected(ContactRejection::NotFound)
        .when(account(ANN), BlockAccount { account_id: account(9) })
        .then_rejected(ContactRejection::NotFound);
}

#[test]
fn a_person_has_so_many_contacts_and_blocks_so_many_and_no_more() {
    let full =
        |contacts, blocked| people().with(account(ANN).to_string(), counts(contacts, blocked));
    let add = AddContact { account_id: bob() };
    let block = BlockAccount { account_id: bob() };
    full(CONTACTS_MAX - 1, 0).when(account(ANN), add.clone()).then([added()]);
    full(CONTACTS_MAX, 0).when(account(ANN), add).then_rejected(ContactRejection::TooMany);
    full(0, BLOCKED_MAX - 1).when(account(ANN), block.clone()).then([blocked()]);
    let refused = full(0, BLOCKED_MAX).when(account(ANN), block);
    refused.then_rejected(ContactRejection::TooManyBlocked);
}

fn talk() -> ConversationId {
    direct_id(account(ANN), bob())
}

fn send() -> SendMessage {
    SendMessage::new(talk(), "hi")
}

fn is_refused(world: Given, who: AccountId, command: impl Command, why: MessageRejection) -> Given {
    world.when(who, command).then_rejected(why)
}

#[test]
fn nothing_is_said_in_a_direct_conversation_while_one_blocks_the_other() {
    let world = people().and(account(ANN), OpenDirect { account_id: bob() }).and(bob(), send());
    let message_id = send().message_id(&world.last_context(bob()));
    let edit = EditMessage { conversation_id: talk(), message_id, text: "ho".to_owned() };
    let world = world.and(account(ANN), BlockAccount { account_id: bob() });
    let world = is_refused(world, bob(), send(), MessageRejection::Refused);
    let world = is_refused(world, bob(), edit.clone(), MessageRejection::Refused);
    let world = is_refused(world, account(ANN), send(), MessageRejection::Blocked);
    let world = world.and(account(ANN), UnblockAccount { account_id: bob() });
    world.and(bob(), send()).and(bob(), edit).and(account(ANN), send());
}

#[test]
fn no_direct_conversation_is_opened_while_one_blocks_the_other() {
    let world = people().and(account(ANN), BlockAccount { account_id: bob() });
    world
        .when(bob(), OpenDirect { account_id: account(ANN) })
        .then_rejected(ConversationRejection::Refused)
        .when(account(ANN), OpenDirect { account_id: bob() })
        .then_rejected(ConversationRejection::Blocked)
        .and(account(ANN), UnblockAccount { account_id: bob() })
        .and(bob(), OpenDirect { account_id: account(ANN) });
}
