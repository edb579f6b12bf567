//! A round of fan-out: each selection is executed once, and its bytes go to everyone alike.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use axum::extract::ws::Utf8Bytes;

use chat::kernel::{Effect, StreamId};
use chat::receipts::Unread;
use ports::event_log::{Partition, Position};

use crate::frame::{Fill, Shown, Template};
use crate::hub::Hub;
use crate::outbox::{Close, Outbox, Put};
use crate::seats::Recipient;
use crate::selection::Executed;

/// The events that are fanned out together.
pub(crate) struct Round<'a> {
    pub(crate) hub: &'a Hub,
    /// What those who want it compacted get no frame of.
    pub(crate) superseded: HashSet<(Partition, u64)>,
    /// Sockets that have messages and have not been called yet.
    uncalled: Vec<Arc<Outbox>>,
    /// A socket has so many messages that it must take some before there are more.
    crowded: bool,
}

impl<'a> Round<'a> {
    pub(crate) fn new(hub: &'a Hub, superseded: HashSet<(Partition, u64)>) -> Self {
        Self { hub, superseded, uncalled: Vec::new(), crowded: false }
    }

    /// Lets the sockets that have many messages take them.
    pub(crate) async fn make_room(&mut self) {
        if std::mem::take(&mut self.crowded) {
            tokio::task::yield_now().await;
        }
    }

    /// Calls the sockets to take what was put in for them.
    pub(crate) fn call(self) {
        self.uncalled.iter().for_each(|it| it.call());
    }

    /// Writes what is shown for each recipient, and puts it in.
    pub(crate) async fn deliver(
        &mut self,
        shown: Shown,
        mut recipients: Vec<Recipient>,
        done: &Position,
    ) {
        let position = done.to_string();
        recipients.sort_by_key(|it| Arc::as_ptr(&it.subscriber.selection) as usize);
        metrics::counter!("parlance_frames_total").increment(recipients.len() as u64);
        for group in recipients.chunk_by_mut(|one, two| {
            Arc::ptr_eq(&one.subscriber.selection, &two.subscriber.selection)
        }) {
            let selection = Arc::clone(&group[0].subscriber.selection);
            match self.hub.execute(&selection, shown.clone()).await {
                Executed::Shared(template) => {
                    let others = self.withhold(&shown, &template, group, &position).await;
                    self.send_shared(&shown, &template, others, &position).await;
                }
                Executed::Differs => {
                    for recipient in group {
                        let own = self.hub.execute_for(
                            &selection,
                            shown.clone(),
                            recipient.subscriber.viewer,
                            None,
                        );
                        let template = own.await;
                        let group = std::slice::from_mut(recipient);
                        let others = self.withhold(&shown, &template, group, &position).await;
                        self.send_shared(&shown, &template, others, &position).await;
                    }
                }
            }
        }
    }

    pub(crate) async fn send_shared(
        &mut self,
        shown: &Shown,
        template: &Template,
        group: &mut [Recipient],
        position: &str,
    ) {
        // By what was said when subscribing: most clients say the same.
        let mut rendered: HashMap<(u64, u64, Arc<str>), Utf8Bytes> = HashMap::new();
        for recipient in group {
            let known = if template.shows_unread { recipient.unread } else { Some(0) };
            let unread = match known {
                Some(_) => known,
                None => self.unread(shown, recipient).await,
            };
            let Some(unread) = unread else { continue };
            let previous_seq = recipient.previous_seq;
            let key = (unread, previous_seq, Arc::clone(&recipient.subscriber.head));
            let message = rendered.entry(key).or_insert_with(|| {
                template
                    .render(&recipient.subscriber.head, &Fill { position, previous_seq, unread })
            });
            let outbox = &recipient.subscriber.outbox;
            match outbox.put(message.clone()) {
                Put::First => self.uncalled.push(Arc::clone(outbox)),
                Put::Another => (),
                Put::Crowded => {
                    outbox.call();
                    self.crowded = true;
                }
            }
        }
    }

    /// The unread count of a recipient whose seat does not know it yet. Who can't be told is closed
    /// and resumes: a wrong count would stand until the next frame.
    async fn unread(&self, shown: &Shown, recipient: &Recipient) -> Option<u64> {
        let conversation = match shown {
            Shown::Event(it) => match (it.stream, &it.effect) {
                (StreamId::Conversation(id), _) => id,
                (_, Effect::Read(id)) => *id,
                _ => return Some(0),
            },
            Shown::Passing(it) => match it.conversation_id {
                Some(id) => id,
                None => return Some(0),
            },
        };
        let loaded =
            Unread::load(&self.hub.reader(), recipient.subscriber.viewer.account, conversation)
                .await;
        let unread =
            loaded.inspect_err(|_| recipient.subscriber.outbox.close(Close::UNAVAILABLE)).ok()?;
        self.hub.state().note_unread(conversation, recipient.subscriber.id, Some(unread));
        Some(unread.count)
    }
}
