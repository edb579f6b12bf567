//! What passes by reads back as it was told, and is not taken for something else.

use super::{PresenceObject, TypingKind, TypingObject};
use crate::conversations::ConversationId;
use crate::kernel::Timestamp;
use crate::kernel::testing::account;
use crate::presence::view::Seen;

#[test]
fn each_reads_only_its_own() {
    let conversation = ConversationId(account(9).0);
    let typing = TypingObject::tell(account(1), conversation, true, TypingKind::Voice);
    let seen = Seen { at: Timestamp(5), online: true };
    let presence = PresenceObject::tell(account(1), conversation, seen);
    assert!(TypingObject::read(&typing).is_some());
    assert!(TypingObject::read(&presence).is_none());
    assert!(PresenceObject::read(&presence).is_some());
    assert!(PresenceObject::read(&typing).is_none());
}
