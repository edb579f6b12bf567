//! The timeline: one small document an event, from which feeds are resumed and retries answered.

use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use ports::documents::Collection;
use ports::event_log::Partition;

use crate::Change;
use crate::accounts::AccountId;
use crate::kernel::document::padded;
use crate::kernel::{Document, Effect, Recorded, StreamId, Timestamp, id};

/// What happened, without its content.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timeline {
    pub partition: Partition,
    pub ordinal: u64,
    pub stream: StreamId,
    pub seq: u64,
    pub event: String,
    pub occurred_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<AccountId>,
    pub change: Change,
    pub effect: Effect,
    /// The command, with the first of its events.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<First>,
}

/// What a repeated command is compared with and answered from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct First {
    pub client_id: Uuid,
    #[serde(with = "as_text")]
    pub digest: [u8; 32],
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leaf: Option<u64>,
    pub count: u16,
}

/// What the projectors tell the nodes that fan out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Announcement {
    /// Events of one partition whose documents were saved together, in order.
    Events(Vec<Timeline>),
    /// The last ordinal of a partition whose documents are saved.
    Head { partition: Partition, ordinal: u64 },
    /// Somebody is doing something that is not in the log.
    Ephemeral(crate::kernel::ephemeral::Ephemeral),
}

impl Announcement {
    /// The bytes that go over the bus.
    pub fn to_bytes(&self) -> bytes::Bytes {
        serde_json::to_vec(self).expect("an announcement is plain data").into()
    }

    /// The bytes of an announcement of events, from their documents as they are stored.
    pub fn of_stored(events: &[&[u8]]) -> bytes::Bytes {
        [b"{\"Events\":[".as_slice(), &events.join(&b","[..]), b"]}"].concat().into()
    }
}

impl Timeline {
    /// Id of the event at an ordinal of a partition.
    pub fn id(partition: Partition, ordinal: u64) -> String {
        format!("{partition:04x}/{}", padded(ordinal))
    }

    /// Key of a stream's events from an ordinal on.
    pub fn stream_key(stream: StreamId, ordinal: u64) -> String {
        format!("{stream}/{}", padded(ordinal))
    }

    /// Key of a command: a short digest of what was sent to which stream by whom. It begins with
    /// the time of its id, so new keys lie side by side; who finds an event by it compares.
    pub fn command_key(stream: StreamId, actor: AccountId, client_id: Uuid) -> String {
        let stream = stream.to_string();
        let parts = [b"command".as_slice(), stream.as_bytes(), actor.0.as_bytes()];
        id::derive(client_id, &parts).simple().to_string()
    }

    /// Whether the command that it remembers is this one.
    pub fn is_of(&self, stream: StreamId, actor: AccountId, client_id: Uuid) -> bool {
        let command = self.command.as_ref().map(|it| it.client_id);
        (self.stream, self.actor, command) == (stream, Some(actor), Some(client_id))
    }
}

impl Document for Timeline {
    const COLLECTION: Collection =
        Collection { name: "timeline", indexes: &["by_stream", "by_command"] };

    fn ids(event: &Recorded) -> Vec<String> {
        vec![Self::id(event.partition, event.ordinal)]
    }

    fn begins(_event: &Recorded) -> bool {
        true
    }

    fn project(document: &mut Option<Self>, _: &str, event: &Recorded) {
        let (change, effect) = event.meaning();
        let command = (event.command.index == 0).then_some(First {
            client_id: event.command.client_id,
            digest: event.command.digest,
            leaf: event.command.leaf,
            count: event.command.count,
        });
        *document = Some(Self {
            partition: event.partition,
            ordinal: event.ordinal,
            stream: event.stream,
            seq: event.seq,
            event: event.event.name().to_owned(),
            occurred_at: event.occurred_at,
            actor: event.actor,
            change,
            effect,
            command,
        });
    }

    fn index_keys(&self) -> Vec<Option<String>> {
        let command = self.command.as_ref().zip(self.actor);
        let command =
            command.map(|(it, actor)| Self::command_key(self.stream, actor, it.client_id));
        vec![Some(Self::stream_key(self.stream, self.ordinal)), command]
    }
}

/// A digest as one text; as an array of numbers it would be half of the document.
mod as_text {
    use base64::Engine as _;
    use serde::de::Error;
    use serde::{Deserializer, Serializer};

    use super::{Deserialize, STANDARD_NO_PAD};

    pub(super) fn serialize<S: Serializer>(
        it: &[u8; 32],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&STANDARD_NO_PAD.encode(it))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(it: D) -> Result<[u8; 32], D::Error> {
        let bytes = STANDARD_NO_PAD.decode(String::deserialize(it)?).map_err(D::Error::custom)?;
        bytes.try_into().map_err(|_| D::Error::custom("a digest has 32 bytes"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::testing::{account, given};
    use crate::members::MemberLeft;

    #[test]
    fn stored_events_are_announced_as_if_they_had_been_read() {
        let conversation_id = crate::conversations::ConversationId(account(9).0);
        let stream = StreamId::Conversation(conversation_id);
        let left = |n| MemberLeft {
            conversation_id,
            account_id: account(n),
            joined_seq: crate::kernel::time::Long(1),
        };
        let world = (1..3).fold(given(), |it, n| it.happened(stream, account(n), left(n).into()));
        let events: Vec<Timeline> = world
            .history()
            .iter()
            .filter_map(|it| {
                let mut document = None;
                Timeline::project(&mut document, "", it);
                document
            })
            .collect();
        let stored: Vec<_> = events.iter().map(|it| serde_json::to_vec(it).unwrap()).collect();
        let stored: Vec<&[u8]> = stored.iter().map(Vec::as_slice).collect();
        assert_eq!(Announcement::of_stored(&stored), Announcement::Events(events).to_bytes());
    }

    #[test]
    fn an_event_is_of_its_own_command_only() {
        let (one, other) = (StreamId::Account(account(1)), StreamId::Account(account(2)));
        let conversation_id = crate::conversations::ConversationId(account(9).0);
        let left = MemberLeft {
            conversation_id,
            account_id: account(1),
            joined_seq: crate::kernel::time::Long(1),
        };
        let world = given().happened(one, account(1), left.into());
        let (mut document, event) = (None, &world.history()[0]);
        Timeline::project(&mut document, "", event);
        let document: Timeline = document.expect("every event has one");
        let client_id = event.command.client_id;
        assert!(document.is_of(one, account(1), client_id));
        assert!(!document.is_of(other, account(1), client_id));
        assert!(!document.is_of(one, account(2), client_id));
        assert!(!document.is_of(one, account(1), Uuid::nil()));
        let later = Timeline { command: None, ..document };
        assert!(!later.is_of(one, account(1), client_id), "only a command's first event has it");
    }

    #[test]
    fn keys_of_commands_sort_by_time_and_are_one_for_each_stream_and_actor() {
        let made = |ms| id::fresh(ms, &ports::entropy::System);
        let (early, late) = (made(1_000), made(2_000));
        let one = StreamId::Account(account(1));
        let other = StreamId::Conversation(crate::conversations::ConversationId(account(1).0));
        let key = |stream, actor, id| Timeline::command_key(stream, account(actor), id);
        assert!(key(one, 1, early) < key(other, 2, late));
        assert_eq!(key(one, 1, early), key(one, 1, early));
        assert_ne!(key(one, 1, early), key(other, 1, early), "ids of two kinds may be alike");
        assert_ne!(key(one, 1, early), key(one, 2, early));
        assert_ne!(key(one, 1, early), key(one, 1, made(1_000)));
    }
}
