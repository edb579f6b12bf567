//! Scheduled messages, against a recount of the whole log.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chat::Event;
use chat::accounts::AccountId;
use chat::conversations::ConversationId;
use chat::kernel::{Context, Origin, Reader, Timestamp};
use chat::messages::{MessageEvent, MessageId};
use chat::schedule::{
    CancelScheduled, ChangeScheduled, ScheduleEvent, ScheduleMessage, Scheduled, ScheduledId,
    ScheduledState, SendScheduledNow,
};
use uuid::Uuid;

use crate::check::Said;
use crate::people::{Answer, Person};
use crate::world::{Checked, Running, World, broken};

impl Person {
    /// Schedules a message, and perhaps thinks better of it.
    pub(crate) async fn schedule(&self, conversation_id: ConversationId) {
        let (dice, text) = (&self.world.sim.dice, self.text());
        let ahead = i64::try_from(dice.between(10_500, 40_000)).expect("it is small");
        let wish = ScheduleMessage {
            conversation_id,
            text: text.clone(),
            attachments: Vec::new(),
            reply_to: None,
            thread_id: None,
            silent: false,
            expires_in: None,
            at: Timestamp(self.world.sim.time_ms() + ahead),
        };
        let Some(Answer::Done(made)) = self.ask(Some(text), wish).await else { return };
        let Some(client_id) = self.id_of(made) else { return };
        let (now, names, origin) = (Timestamp(0), [0; 32], &Origin::default());
        let actor = self.account;
        let context =
            Context { actor, origin, client_id, now, names: &names, conversation_bytes_max: 0 };
        let scheduled_id = ScheduleMessage::scheduled_id(&context);
        match dice.below(4) {
            0 => {
                tokio::time::sleep(Duration::from_millis(dice.below(30_000))).await;
                self.ask(None, CancelScheduled { scheduled_id }).await;
            }
            1 => {
                let text = Some(self.text());
                let change = ChangeScheduled { scheduled_id, text: text.clone(), at: None };
                self.ask(text, change).await;
            }
            2 => drop(self.ask(None, SendScheduledNow { scheduled_id }).await),
            _ => (),
        }
    }
}

/// What the messages say that were scheduled: the last text before each was closed.
pub(crate) fn texts(
    said: &Said,
    asked: &BTreeMap<(AccountId, Uuid), String>,
) -> BTreeMap<MessageId, String> {
    let (mut waiting, mut sent) = (BTreeMap::new(), BTreeMap::new());
    for it in &said.events {
        let Event::ScheduleEvent(event) = &it.event else { continue };
        let by = it.actor.and_then(|actor| asked.get(&(actor, it.command.client_id)));
        match event {
            ScheduleEvent::MessageScheduled(it) => {
                waiting.extend(by.map(|text| (it.scheduled_id, text.clone())));
            }
            ScheduleEvent::ScheduledChanged(it) if it.text.is_some() => {
                waiting.extend(by.map(|text| (it.scheduled_id, text.clone())));
            }
            ScheduleEvent::ScheduledSent(it) => {
                sent.extend(
                    waiting.get(&it.scheduled_id).map(|text| (it.message_id, text.clone())),
                );
            }
            _ => (),
        }
    }
    sent
}

/// What was cancelled is not sent, everything else once, and nothing waits that is due.
pub(crate) async fn each_is_sent_once(world: &World, said: &Said, last: &Running) -> Checked {
    let name = "scheduled_once";
    let mut messages: BTreeMap<MessageId, u32> = BTreeMap::new();
    let (mut ended, mut all) = (BTreeSet::<ScheduledId>::new(), BTreeSet::new());
    for it in &said.events {
        match &it.event {
            Event::MessageEvent(MessageEvent::MessageSent(it)) => {
                *messages.entry(it.message_id).or_default() += 1;
            }
            Event::ScheduleEvent(ScheduleEvent::MessageScheduled(it)) => {
                all.insert(it.scheduled_id);
            }
            _ => (),
        }
    }
    for it in &said.events {
        let Event::ScheduleEvent(event) = &it.event else { continue };
        let ends = match event {
            ScheduleEvent::ScheduledSent(it) => {
                if messages.get(&it.message_id) != Some(&1) {
                    return broken(name, format!("{} was not sent once", it.scheduled_id));
                }
                world.sim.count("scheduled sent");
                it.scheduled_id
            }
            ScheduleEvent::ScheduledCancelled(it) => {
                world.sim.count("scheduled cancelled");
                it.scheduled_id
            }
            _ => continue,
        };
        if !ended.insert(ends) {
            return broken(name, format!("{ends} came to two ends"));
        }
    }
    let reader = Reader::new(Arc::clone(&last.ports.documents), Arc::clone(&last.keyring));
    for id in all.difference(&ended) {
        let Ok(Some(scheduled)) = reader.load::<Scheduled>(id.to_string()).await else {
            return broken(name, format!("{id} is not there"));
        };
        let due = scheduled.due_at.0 + 2_000 < last.ports.clock.now_ms();
        let done = match scheduled.state {
            ScheduledState::Waiting => !due,
            ScheduledState::Failed => true,
            ScheduledState::Sending | ScheduledState::Sent | ScheduledState::Cancelled => false,
        };
        if !done {
            return broken(name, format!("{id} is {:?}, due {due}", scheduled.state));
        }
    }
    Ok(())
}
