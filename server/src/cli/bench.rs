//! `parlance bench seed`: many accounts, members, messages, replies or conversations through the
//! commands.

use clap::{Args, Subcommand};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::json;
use uuid::Uuid;

use chat::accounts::{AccountId, ClaimName, ConfirmName, CreateAccount};
use chat::conversations::{ConversationId, CreateGroup};
use chat::kernel::command::name_id;
use chat::kernel::{Accepted, Command, Failure, StreamId, id};
use chat::members::{ADDED_MAX, AddMembers};
use chat::messages::{MessageId, SendMessage, message_id};
use chat::sessions::SessionId;
use server::App;
use server::config::Config;

use super::progress::{bar, say};

#[derive(Args)]
pub(crate) struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Fills an empty folder and prints whom to sign in as
    Seed(Seed),
}

#[derive(Args)]
struct Seed {
    /// Members of the group, at most 200,000
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(4..=200_000))]
    members: u32,
    /// Messages in the group
    #[arg(long, default_value_t = 0)]
    messages: u32,
    /// Messages in one thread of the group; the last of those who write has written none
    #[arg(long, default_value_t = 0)]
    replies: u32,
    /// Accounts whose tokens are printed; they write the messages
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    signed_in: u32,
    /// Groups of the first account
    #[arg(long, default_value_t = 0)]
    conversations: u32,
}

/// Commands under way at the same time.
const AT_ONCE: usize = 512;

/// How long the printed tokens are good: benchmarks outlast the usual ten minutes.
const TOKEN_MS: i64 = 24 * 3_600 * 1_000;

impl Bench {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let What::Seed(seed) = self.what;
        let opened = ports::open(&config.ports()).await?;
        let app = App::start(opened.ports.clone(), &config).await?;
        seed.run(&Seeder { app: &app }).await
    }
}

impl Seed {
    async fn run(self, seeder: &Seeder<'_>) -> anyhow::Result<()> {
        let shown = bar(u64::from(self.members), "accounts");
        let accounts: Vec<AccountId> = stream::iter(0..self.members)
            .map(|n| {
                shown.inc(1);
                seeder.register(n)
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await?;
        shown.finish_and_clear();
        seeder.settle().await?;
        let group = seeder.group(accounts[0], "bench").await?;
        for chunk in accounts[1..].chunks(ADDED_MAX) {
            seeder.settle().await?;
            let command = AddMembers { conversation_id: group, account_ids: chunk.to_vec() };
            seeder.submit(accounts[0], command).await?;
        }
        let shown = bar(u64::from(self.messages), "messages");
        let authors = &accounts[..accounts.len().min(self.signed_in as usize)];
        let sends = stream::iter(0..self.messages).map(|n| {
            shown.inc(1);
            let text = format!("message {n} of a conversation that has been going on for long");
            let command = SendMessage::new(group, text);
            seeder.submit(authors[n as usize % authors.len()], command)
        });
        sends.buffer_unordered(AT_ONCE).try_for_each(|_| async { Ok(()) }).await?;
        shown.finish_and_clear();
        let thread = match self.replies {
            0 => None,
            replies => Some(seeder.thread(group, authors, replies).await?),
        };
        for n in 0..self.conversations {
            let title = format!("conversation {n}");
            let created = seeder.group(accounts[0], &title).await?;
            let text = format!("the first words of conversation {n}");
            let command = SendMessage::new(created, text);
            seeder.submit(accounts[0], command).await?;
        }
        seeder.settle().await?;
        let printed: Vec<_> = authors
            .iter()
            .map(|it| json!({ "id": it.to_string(), "accessToken": seeder.token(*it) }))
            .collect();
        let thread = thread.map(|it| it.to_string());
        let seeded = json!({
            "conversationId": group.to_string(), "accounts": printed, "threadId": thread,
        });
        say(&seeded.to_string())
    }
}

struct Seeder<'a> {
    app: &'a App,
}

impl Seeder<'_> {
    /// A thread with so many replies.
    async fn thread(
        &self,
        group: ConversationId,
        authors: &[AccountId],
        replies: u32,
    ) -> anyhow::Result<MessageId> {
        let root = SendMessage::new(group, "what is answered");
        let ports = &self.app.ports;
        let client_id = id::fresh(ports.clock.now_ms(), ports.entropy.as_ref());
        let root_id = message_id(group, authors[0], client_id);
        self.submit_as(client_id, authors[0], root).await?;
        let writers = &authors[..authors.len().max(2) - 1];
        let shown = bar(u64::from(replies), "replies");
        let sends = stream::iter(0..replies).map(|n| {
            shown.inc(1);
            let text = format!("reply {n} of a thread that has been going on for long");
            let thread_id = Some(root_id);
            let command = SendMessage { thread_id, ..SendMessage::new(group, text) };
            self.submit(writers[n as usize % writers.len()], command)
        });
        sends.buffer_unordered(AT_ONCE).try_for_each(|_| async { Ok(()) }).await?;
        shown.finish_and_clear();
        Ok(root_id)
    }

    async fn submit(&self, actor: AccountId, command: impl Command) -> anyhow::Result<Accepted> {
        let ports = &self.app.ports;
        let client_id = id::fresh(ports.clock.now_ms(), ports.entropy.as_ref());
        self.submit_as(client_id, actor, command).await
    }

    async fn submit_as(
        &self,
        client_id: Uuid,
        actor: AccountId,
        command: impl Command,
    ) -> anyhow::Result<Accepted> {
        loop {
            let done =
                self.app.door.submit(actor.into(), client_id, Box::new(command.clone())).await;
            match done {
                Ok(accepted) => return Ok(accepted),
                // The documents are behind: the same command goes on when there is room.
                Err(Failure::Unavailable | Failure::Unknown) => {
                    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
                }
                Err(failure) => anyhow::bail!("a command failed: {failure:?}"),
            }
        }
    }

    async fn register(&self, n: u32) -> anyhow::Result<AccountId> {
        let ports = &self.app.ports;
        let account_id = AccountId(id::fresh(ports.clock.now_ms(), ports.entropy.as_ref()));
        let username = format!("bench{n}");
        let name_id = name_id(&self.app.keyring.secret("names"), &username);
        self.submit(account_id, ClaimName { name_id, account_id }).await?;
        let display_name = format!("Bench {n}");
        let create = CreateAccount {
            account_id,
            name_id,
            look_id: None,
            username,
            display_name,
            identity: None,
            password: None,
        };
        self.submit(account_id, create).await?;
        self.submit(account_id, ConfirmName { name_id, account_id }).await?;
        Ok(account_id)
    }

    async fn group(&self, owner: AccountId, title: &str) -> anyhow::Result<ConversationId> {
        let command = CreateGroup { title: title.to_owned(), member_ids: Vec::new(), open: false };
        match self.submit(owner, command).await?.stream {
            StreamId::Conversation(group) => Ok(group),
            StreamId::Account(_) | StreamId::Name(_) | StreamId::Instance => {
                anyhow::bail!("a group is a conversation")
            }
        }
    }

    /// Waits until the documents have caught up.
    async fn settle(&self) -> anyhow::Result<()> {
        while self.app.projection.lag(&self.app.ports).await? > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(())
    }

    fn token(&self, account: AccountId) -> String {
        let ports = &self.app.ports;
        let now = ports.clock.now_ms();
        let session = SessionId(id::fresh(now, ports.entropy.as_ref()));
        self.app.tokens.access_for(account, session, now, TOKEN_MS)
    }
}
