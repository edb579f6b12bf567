//! `parlance import irc`: a channel's public log through the same commands that clients send.
//!
//! Everybody who says something gets an account without a password, so that nobody can sign in as
//! them before the operator gives them one. Ids derive from files and lines: a second import
//! sends the same commands, and each is answered with its first result.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde::Serialize;
use uuid::Uuid;

use chat::accounts::{AccountId, AccountRejection, ClaimName, ConfirmName, CreateAccount};
use chat::conversations::{ConversationId, CreateGroup};
use chat::kernel::command::name_id;
use chat::kernel::{Accepted, Command, Failure, StreamId, Timestamp, id};
use chat::members::{JoinGroup, LeaveConversation};
use chat::messages::SendMessage;
use server::App;
use server::config::Config;
use server::irc::{Person, Plan, Step, read};

use super::progress::{bar, say};

#[derive(Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// A folder of IRC logs, one file a day
    Irc(Irc),
}

#[derive(Args)]
struct Irc {
    /// The folder
    folder: PathBuf,
    /// Title of the group that the history goes to
    #[arg(long, value_name = "TITLE")]
    conversation: String,
    /// Prints the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What an import did.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    conversation_id: String,
    accounts: Count,
    joins: Count,
    leaves: Count,
    messages: Count,
    seconds: f64,
}

/// Commands of one kind.
#[derive(Default, Serialize)]
struct Count {
    added: u64,
    /// Those that had been carried out before.
    present: u64,
}

impl Count {
    fn note(&mut self, accepted: &Accepted) {
        if accepted.repeated || accepted.first_seq == 0 {
            self.present += 1;
        } else {
            self.added += 1;
        }
    }
}

/// Suffixes for a username that somebody else has.
const SUFFIXES: [&str; 5] = ["", "_irc", "_irc2", "_irc3", "_irc4"];

/// Username of the account that owns what is imported.
const OWNER: &str = "importer";

impl Import {
    pub(crate) async fn run(self, config: Config) -> anyhow::Result<()> {
        let What::Irc(irc) = self.what;
        let plan = read(&irc.folder)?;
        let opened = ports::open(&config.ports()).await?;
        let app = App::start(opened.ports.clone(), &config).await?;
        let started = ports::clock::Stopwatch::start();
        let mut outcome = Importer { app: &app }.carry_out(&irc, &plan).await?;
        outcome.seconds = started.seconds();
        if irc.json {
            let both = serde_json::json!({ "read": plan.report, "wrote": outcome });
            return say(&both.to_string());
        }
        say(&plan.report.to_string())?;
        say(&format!("conversation {}", outcome.conversation_id))?;
        let counts = [
            ("accounts", &outcome.accounts),
            ("joins", &outcome.joins),
            ("leaves", &outcome.leaves),
            ("messages", &outcome.messages),
        ];
        for (name, count) in counts {
            say(&format!("  {name:<10} added {:>6}  present {:>6}", count.added, count.present))?;
        }
        say(&format!("in {:.1} s", outcome.seconds))
    }
}

struct Importer<'a> {
    app: &'a App,
}

impl Importer<'_> {
    async fn carry_out(&self, irc: &Irc, plan: &Plan) -> anyhow::Result<Outcome> {
        let mut outcome = Outcome::default();
        let Some(first) = plan.steps.first() else { return Ok(outcome) };
        let root = id::derive(first.client_id(), &[irc.conversation.as_bytes()]);
        let owner = Person {
            username: OWNER.to_owned(),
            display_name: "Importer".to_owned(),
            nicks: Vec::new(),
        };
        let owner = self.account(root, &owner, &mut outcome.accounts).await?;
        let conversation = self.group(root, owner, &irc.conversation).await?;
        outcome.conversation_id = conversation.to_string();
        let mut accounts = Vec::with_capacity(plan.people.len());
        for person in &plan.people {
            accounts.push(self.account(root, person, &mut outcome.accounts).await?);
        }
        let shown = bar(plan.steps.len() as u64, "lines");
        for step in &plan.steps {
            self.step(conversation, &accounts, step, &mut outcome).await?;
            shown.inc(1);
        }
        shown.finish_and_clear();
        while self.app.projection.lag(&self.app.ports).await? > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        Ok(outcome)
    }

    async fn submit(
        &self,
        client_id: Uuid,
        actor: AccountId,
        command: impl Command,
    ) -> Result<Accepted, Failure> {
        self.app.door.submit(actor.into(), client_id, Box::new(command)).await
    }

    /// The account of a person, created when absent.
    async fn account(
        &self,
        root: Uuid,
        person: &Person,
        count: &mut Count,
    ) -> anyhow::Result<AccountId> {
        let account_id = AccountId(id::derive(root, &[b"account", person.username.as_bytes()]));
        for suffix in SUFFIXES {
            let username = format!("{}{suffix}", person.username);
            let name_id = name_id(&self.app.keyring.secret("names"), &username);
            let step = |name: &str| id::derive(account_id.0, &[name.as_bytes(), suffix.as_bytes()]);
            let claim = ClaimName { name_id, account_id };
            match self.submit(step("claim"), account_id, claim).await {
                Err(Failure::Rejected(it)) if it == AccountRejection::UsernameTaken.into() => {
                    continue;
                }
                claimed => claimed.map_err(failed)?,
            };
            let create = CreateAccount {
                account_id,
                name_id,
                look_id: None,
                username,
                display_name: person.display_name.clone(),
                identity: None,
                password: None,
            };
            let created = self.submit(step("create"), account_id, create).await.map_err(failed)?;
            count.note(&created);
            let confirm = ConfirmName { name_id, account_id };
            self.submit(step("confirm"), account_id, confirm).await.map_err(failed)?;
            return Ok(account_id);
        }
        anyhow::bail!("every username like {} is taken", person.username)
    }

    async fn group(
        &self,
        root: Uuid,
        owner: AccountId,
        title: &str,
    ) -> anyhow::Result<ConversationId> {
        let command = CreateGroup { title: title.to_owned(), member_ids: Vec::new(), open: true };
        let created = self.submit(id::derive(root, &[b"group"]), owner, command).await;
        match created.map_err(failed)?.stream {
            StreamId::Conversation(conversation) => Ok(conversation),
            StreamId::Account(_) | StreamId::Name(_) | StreamId::Instance => {
                anyhow::bail!("a group is a conversation")
            }
        }
    }

    async fn step(
        &self,
        conversation_id: ConversationId,
        accounts: &[AccountId],
        step: &Step,
        outcome: &mut Outcome,
    ) -> anyhow::Result<()> {
        let client_id = step.client_id();
        let (accepted, count) = match step {
            Step::Join { person, .. } => {
                let command = JoinGroup { conversation_id };
                (self.submit(client_id, accounts[*person], command).await, &mut outcome.joins)
            }
            Step::Leave { person, .. } => {
                let command = LeaveConversation { conversation_id };
                (self.submit(client_id, accounts[*person], command).await, &mut outcome.leaves)
            }
            Step::Message { person, markdown, at_ms, .. } => {
                let command = SendMessage {
                    sent_at: Some(Timestamp(*at_ms)),
                    ..SendMessage::new(conversation_id, markdown.clone())
                };
                (self.submit(client_id, accounts[*person], command).await, &mut outcome.messages)
            }
        };
        count.note(&accepted.map_err(failed)?);
        Ok(())
    }
}

fn failed(failure: Failure) -> anyhow::Error {
    let (code, _, message) = chat::kernel::graphql::describe(&failure);
    anyhow::anyhow!("a command failed: {code}, {message}")
}
