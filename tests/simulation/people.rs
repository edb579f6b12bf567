//! People who talk, ask again when they get no answer, and remember what they were told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chat::accounts::{AccountId, CreateAccount};
use chat::conversations::{ConversationId, CreateGroup, RenameGroup};
use chat::kernel::command::name_id;
use chat::kernel::time::Long;
use chat::kernel::{Accepted, Command, Failure, StreamId, id};
use chat::members::{AddMembers, ChangeRole, LeaveConversation, RemoveMember, Role};
use chat::messages::{DeleteMessage, EditMessage, HideMessage, MessageId, SendMessage, message_id};
use chat::reactions::{AddReaction, RemoveReaction};
use chat::receipts::MarkRead;
use chat::removals::RestoreMessages;
use chat::sessions::EndSession;
use chat::threads::{MarkThreadRead, MoveToThread};
use ports::keys::{TreeId, crypto};
use uuid::Uuid;

use crate::world::{Checked, World, broken};

/// Times that a command is sent before a person gives up.
const ATTEMPTS_MAX: u32 = 40;

/// What begins every text: it must stand nowhere in clear.
pub(crate) const CANARY: &str = "canary-";

/// What a person was told about a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Done(Accepted),
    No(&'static str),
    Mismatch,
}

/// A command that somebody sent, with all that they were told.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) actor: AccountId,
    pub(crate) client_id: Uuid,
    pub(crate) name: &'static str,
    /// The text that it carries.
    pub(crate) text: Option<String>,
    pub(crate) began: tokio::time::Instant,
    pub(crate) answers: Vec<(tokio::time::Instant, Answer)>,
    /// Another body was sent under the same id.
    pub(crate) other_body: Vec<Answer>,
}

/// All commands of a run, and who takes part.
#[derive(Default)]
pub(crate) struct History {
    asked: Mutex<Vec<Asked>>,
    pub(crate) people: Mutex<Vec<AccountId>>,
    pub(crate) groups: Mutex<Vec<ConversationId>>,
    messages: Mutex<Vec<(AccountId, ConversationId, MessageId)>>,
}

impl History {
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("a lock").clone()
    }

    fn with<T>(&self, at: usize, act: impl FnOnce(&mut Asked) -> T) -> T {
        act(&mut self.asked.lock().expect("a lock")[at])
    }
}

/// A person at work.
#[derive(Clone)]
pub(crate) struct Person {
    pub(crate) world: Arc<World>,
    pub(crate) account: AccountId,
    /// How wrong their clock is.
    ahead_ms: i64,
}

impl Person {
    fn new(world: &Arc<World>) -> Self {
        let dice = &world.sim.dice;
        let ahead_ms = match dice.below(4) {
            0 => i64::try_from(dice.below(240_000)).expect("it is small"),
            1 => -i64::try_from(dice.below(86_400_000)).expect("it is small"),
            _ => 0,
        };
        let account = AccountId(id::fresh(world.sim.time_ms(), &*world.sim.entropy));
        Self { world: Arc::clone(world), account, ahead_ms }
    }

    fn fresh_id(&self) -> Uuid {
        let sim = &self.world.sim;
        id::fresh(sim.time_ms() + self.ahead_ms, &*sim.entropy)
    }

    /// Sends a command until there is an answer.
    pub(crate) async fn ask<C: Command>(&self, text: Option<String>, command: C) -> Option<Answer> {
        let (world, client_id) = (&self.world, self.fresh_id());
        let at = {
            let mut asked = world.history.asked.lock().expect("a lock");
            let (actor, name, began) = (self.account, C::NAME, tokio::time::Instant::now());
            let (answers, other_body) = (Vec::new(), Vec::new());
            asked.push(Asked { actor, client_id, name, text, began, answers, other_body });
            asked.len() - 1
        };
        let answer = self.insist(at, client_id, command.clone()).await?;
        world.history.with(at, |it| it.answers.push((tokio::time::Instant::now(), answer)));
        if world.sim.dice.happens(1_500) {
            // The answer was lost on its last stretch: the same command comes again.
            let again = self.insist(at, client_id, command).await?;
            world.history.with(at, |it| it.answers.push((tokio::time::Instant::now(), again)));
        }
        Some(answer)
    }

    async fn insist<C: Command>(&self, at: usize, client_id: Uuid, command: C) -> Option<Answer> {
        let (world, sim) = (&self.world, &self.world.sim);
        for _ in 0..ATTEMPTS_MAX {
            let Some(node) = world.node() else {
                tokio::time::sleep(Duration::from_millis(200)).await;
                continue;
            };
            let patience = Duration::from_millis(sim.dice.between(500, 8_000));
            let sent = node.door.submit(self.account.into(), client_id, Box::new(command.clone()));
            let outcome = tokio::time::timeout(patience, sent).await;
            let outcome = outcome.unwrap_or(Err(Failure::Unknown));
            sim.note(format_args!("{} {at} at node {}: {outcome:?}", C::NAME, node.node));
            match outcome {
                Ok(accepted) => return Some(Answer::Done(accepted)),
                Err(Failure::Rejected(it)) => return Some(Answer::No(it.code)),
                Err(Failure::IdempotencyMismatch) => return Some(Answer::Mismatch),
                Err(Failure::Unknown) => sim.count("answer unknown"),
                Err(
                    Failure::Unavailable
                    | Failure::ClientIdInvalid
                    | Failure::RateLimited { .. }
                    | Failure::TooLarge,
                ) => sim.count("answer unavailable"),
            }
            tokio::time::sleep(Duration::from_millis(sim.dice.between(1, 300))).await;
        }
        sim.count("gave up");
        None
    }

    /// Sends another command under an id that was used.
    async fn reuse(&self) {
        let own = {
            let asked = self.world.history.asked.lock().expect("a lock");
            let sends = asked.iter().enumerate().filter(|(_, it)| {
                let done = it.answers.iter().any(|(_, it)| matches!(it, Answer::Done(_)));
                it.actor == self.account && it.name == SendMessage::NAME && done
            });
            sends.map(|(at, it)| (at, it.client_id, it.answers.clone())).next_back()
        };
        let Some((at, client_id, answers)) = own else { return };
        let stream = answers.iter().find_map(|(_, it)| match it {
            Answer::Done(it) => Some(it.stream),
            Answer::No(_) | Answer::Mismatch => None,
        });
        let Some(StreamId::Conversation(conversation_id)) = stream else { return };
        let text = "other words".to_owned();
        let other = SendMessage::new(conversation_id, text);
        if let Some(answer) = self.insist(at, client_id, other).await {
            self.world.history.with(at, |it| it.other_body.push(answer));
        }
    }

    pub(crate) fn text(&self) -> String {
        let n = self.world.history.asked.lock().expect("a lock").len();
        format!("{CANARY}{n}")
    }

    async fn send(&self, conversation_id: ConversationId) {
        self.send_to(conversation_id, None).await;
    }

    async fn send_to(&self, conversation_id: ConversationId, thread_id: Option<MessageId>) {
        let text = self.text();
        let command = SendMessage { thread_id, ..SendMessage::new(conversation_id, text.clone()) };
        if let Some(Answer::Done(it)) = self.ask(Some(text), command).await {
            let id = self.sent_message(conversation_id, it);
            let mut messages = self.world.history.messages.lock().expect("a lock");
            messages.extend(id.map(|id| (self.account, conversation_id, id)));
        }
    }

    /// The client's id of a command that was carried out.
    pub(crate) fn id_of(&self, done: Accepted) -> Option<Uuid> {
        let asked = self.world.history.asked();
        let told = |it: &Asked| it.answers.iter().any(|(_, it)| *it == Answer::Done(done));
        asked.iter().find(|it| it.actor == self.account && told(it)).map(|it| it.client_id)
    }

    /// The id of a message that was sent, as its sender computes it.
    fn sent_message(&self, conversation_id: ConversationId, sent: Accepted) -> Option<MessageId> {
        Some(message_id(conversation_id, self.account, self.id_of(sent)?))
    }

    fn some_message(&self, own: bool) -> Option<(ConversationId, MessageId)> {
        let messages = self.world.history.messages.lock().expect("a lock").clone();
        let fit = messages.iter().filter(|it| !own || it.0 == self.account);
        let fit: Vec<_> = fit.map(|it| (it.1, it.2)).collect();
        self.world.sim.dice.one(&fit).copied()
    }

    fn somebody(&self) -> AccountId {
        let people = self.world.history.people.lock().expect("a lock");
        *self.world.sim.dice.one(&people).expect("there are people")
    }

    /// Does one thing.
    async fn act(&self, conversation_id: ConversationId) {
        let dice = &self.world.sim.dice;
        match dice.below(106) {
            0..45 => self.send(conversation_id).await,
            45..57 => {
                if let Some((conversation_id, message_id)) = self.some_message(true) {
                    let text = self.text();
                    let shown = Some(text.clone());
                    self.ask(shown, EditMessage { conversation_id, message_id, text }).await;
                }
            }
            57..66 => {
                let own = dice.happens(7_000);
                if let Some((conversation_id, message_id)) = self.some_message(own) {
                    // Somebody reads it just before: its key is held there for a while.
                    let stream = conversation_id.0.into_bytes();
                    let people = self.world.history.people.lock().expect("a lock").clone();
                    for author in people {
                        let id = TreeId { author: author.0.into_bytes(), stream };
                        let _ = self.world.reading.leaf(id, 0).await;
                    }
                    self.ask(None, DeleteMessage { conversation_id, message_id }).await;
                    if !own && dice.happens(3_000) {
                        let message_ids = vec![message_id];
                        self.ask(None, RestoreMessages { conversation_id, message_ids }).await;
                    }
                }
            }
            66..73 => {
                let account_ids = vec![self.somebody()];
                self.ask(None, AddMembers { conversation_id, account_ids }).await;
            }
            73..79 => {
                let account_id = self.somebody();
                self.ask(None, RemoveMember { conversation_id, account_id }).await;
            }
            79..81 => {
                self.ask(None, LeaveConversation { conversation_id }).await;
            }
            81..85 => {
                let number = Long(dice.between(1, 8));
                self.ask(None, MarkRead { conversation_id, number }).await;
            }
            85..87 => self.react().await,
            87..89 => self.thread().await,
            89..92 => {
                if let Some((conversation_id, message_id)) = self.some_message(false) {
                    self.ask(None, HideMessage { conversation_id, message_id }).await;
                }
            }
            92..94 => {
                let role = if dice.happens(7_000) { Role::Admin } else { Role::Member };
                let account_id = self.somebody();
                self.ask(None, ChangeRole { conversation_id, account_id, role }).await;
            }
            94 => self.schedule(conversation_id).await,
            95 => {
                let title = self.text();
                let shown = Some(title.clone());
                self.ask(shown, RenameGroup { conversation_id, title }).await;
            }
            96..98 => self.sign_out().await,
            98..104 => self.keep(conversation_id).await,
            _ => self.reuse().await,
        };
    }

    /// Answers in a thread, moves a message there or back, or reads one.
    async fn thread(&self) {
        let Some((conversation_id, thread_id)) = self.some_message(false) else { return };
        match self.world.sim.dice.below(10) {
            0..5 => self.send_to(conversation_id, Some(thread_id)).await,
            5..8 => {
                let Some((conversation_id, message_id)) = self.some_message(false) else { return };
                let thread_id = self.world.sim.dice.happens(7_000).then_some(thread_id);
                let message_ids = vec![message_id];
                self.ask(None, MoveToThread { conversation_id, thread_id, message_ids }).await;
            }
            _ => {
                let number = Long(self.world.sim.dice.between(1, 12));
                self.ask(None, MarkThreadRead { conversation_id, thread_id, number }).await;
            }
        }
    }

    /// Gives a message an emoji, or takes one back.
    async fn react(&self) {
        let Some((conversation_id, message_id)) = self.some_message(false) else { return };
        let dice = &self.world.sim.dice;
        let emoji = *dice.one(&["👍", "❤️", "🚀"]).expect("there are emoji");
        let emoji = emoji.to_owned();
        if dice.happens(3_000) {
            self.ask(None, RemoveReaction { conversation_id, message_id, emoji }).await;
        } else {
            self.ask(None, AddReaction::new(conversation_id, message_id, emoji)).await;
        }
    }

    /// Signs one of their devices out.
    async fn sign_out(&self) {
        let own = self.world.readers.with(|all| {
            let own = all.iter().filter(|it| it.account == self.account);
            own.map(|it| it.session_id).collect::<Vec<_>>()
        });
        if let Some(session_id) = self.world.sim.dice.one(&own).copied() {
            self.ask(None, EndSession { session_id }).await;
        }
    }

    async fn register(&self, n: u64) {
        let username = format!("person{n}");
        let names = crypto::derive(&[9; 32], &[b"names"]);
        let command = CreateAccount {
            account_id: self.account,
            name_id: name_id(&names, &username),
            look_id: None,
            display_name: format!("{CANARY}{username}"),
            username,
            identity: None,
            password: None,
        };
        while !matches!(self.ask(None, command.clone()).await, Some(Answer::Done(_))) {}
    }

    async fn found(&self, member_ids: Vec<AccountId>) -> ConversationId {
        loop {
            let (title, member_ids) = (self.text(), member_ids.clone());
            let shown = title.clone();
            let command = CreateGroup { title, member_ids, open: false };
            // Until the accounts can be read, they do not exist there.
            if let Some(Answer::Done(it)) = self.ask(Some(shown), command).await
                && let StreamId::Conversation(group) = it.stream
            {
                return group;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn live(self, groups: Vec<ConversationId>) {
        let dice = &self.world.sim.dice;
        for _ in 0..self.world.sim.config.operations {
            tokio::time::sleep(Duration::from_millis(dice.below(300))).await;
            let group = *dice.one(&groups).expect("there are groups");
            self.act(group).await;
        }
    }
}

/// Everyone registers, founds groups and talks.
pub(crate) async fn talk(world: &Arc<World>) {
    let people: Vec<Person> = (0..world.sim.config.people).map(|_| Person::new(world)).collect();
    let register = (0..).zip(&people).map(|(n, it)| it.register(n));
    futures_util::future::join_all(register).await;
    let accounts: Vec<AccountId> = people.iter().map(|it| it.account).collect();
    *world.history.people.lock().expect("a lock") = accounts.clone();
    for _ in 0..world.sim.config.readers {
        let reader = world.sim.dice.one(&people).expect("there are people").clone();
        let start = async {
            ports::spawn("reader", crate::readers::start(reader));
        };
        world.outside.run(start).await;
    }
    let mut groups = vec![people[0].found(accounts.clone()).await];
    if world.sim.dice.happens(5_000) {
        groups.push(people[1].found(accounts[..1].to_vec()).await);
    }
    *world.history.groups.lock().expect("a lock") = groups.clone();
    let lives = people.into_iter().map(|it| it.live(groups.clone()));
    futures_util::future::join_all(lives).await;
}

/// Once all is well, one more message is answered soon.
pub(crate) async fn probe(world: &Arc<World>) -> Checked {
    let account = world.history.people.lock().expect("a lock")[0];
    let group = world.history.groups.lock().expect("a lock")[0];
    let person = Person { world: Arc::clone(world), account, ahead_ms: 0 };
    let sent = person.send(group);
    match tokio::time::timeout(Duration::from_secs(30), sent).await {
        Ok(()) => Ok(()),
        Err(_) => broken("liveness", "a healed system does not answer"),
    }
}
