//! Parlance in a process of its own, driven through its public doors only.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::cpu::Processes;
use crate::graphql_ws::{self, GraphqlWs};
use crate::http::Http;
use crate::line::Dialogue;
use crate::process::{self, Running};
use crate::stage::{Route, SENDERS, Shape, Stage};

/// Each registration costs a password hash, so accounts are few and connections many.
pub(crate) const ACCOUNTS: usize = 20;
const READY_MAX: Duration = Duration::from_secs(120);
const END_MAX: Duration = Duration::from_secs(30);
const SEED_MAX: Duration = Duration::from_secs(1_800);

/// Limits that guard a public server would only stop the load.
const LIMITS: [(&str, &str); 4] = [
    ("PARLANCE_RATE_PER_ACCOUNT", "1000000"),
    ("PARLANCE_RATE_PER_IP", "1000000"),
    ("PARLANCE_RATE_REGISTER", "1000000"),
    ("PARLANCE_RATE_PER_SOCKET", "1000000"),
];

/// An account that may sign its requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) access_token: String,
}

/// What a seeded folder holds.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seeded {
    pub(crate) conversation_id: String,
    pub(crate) accounts: Vec<Person>,
}

#[derive(Debug)]
pub(crate) struct Parlance {
    program: PathBuf,
    folder: PathBuf,
    pub(crate) address: SocketAddr,
    pub(crate) running: Running,
    http: Http,
    pub(crate) people: Vec<Person>,
    /// A conversation that all people are in, if the folder was seeded with one.
    seeded_group: Option<String>,
}

impl Parlance {
    /// Starts it on that folder and waits until it is ready.
    pub(crate) async fn start(program: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let address = process::free_address()?;
        let mut parlance = Self {
            program: program.to_owned(),
            folder: folder.to_owned(),
            address,
            running: spawn(program, folder, address)?,
            http: Http::new(address),
            people: Vec::new(),
            seeded_group: None,
        };
        parlance.ready().await?;
        Ok(parlance)
    }

    /// Starts it on a seeded folder.
    pub(crate) async fn start_seeded(
        program: &Path,
        folder: &Path,
        seeded: &Seeded,
    ) -> Result<Self> {
        let mut parlance = Self::start(program, folder).await?;
        parlance.people.clone_from(&seeded.accounts);
        parlance.seeded_group = Some(seeded.conversation_id.clone());
        Ok(parlance)
    }

    /// Starts it anew on the same folder and address after it has ended; not yet ready.
    pub(crate) fn respawn(&mut self) -> Result<()> {
        self.running = spawn(&self.program, &self.folder, self.address)?;
        self.http = Http::new(self.address);
        Ok(())
    }

    /// Ends it as asked and starts it anew: what remains in memory is what serving needs.
    pub(crate) async fn restart(&mut self) -> Result<()> {
        self.running.terminate(END_MAX).await?;
        self.respawn()?;
        self.ready().await
    }

    pub(crate) async fn stop(&mut self) -> Result<()> {
        self.running.terminate(END_MAX).await
    }

    pub(crate) async fn ready(&mut self) -> Result<()> {
        let start = clock::now();
        loop {
            if self.http.get("/readyz").await.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            self.running.check()?;
            ensure!(start.elapsed() < READY_MAX, "not ready after {READY_MAX:?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) fn processes(&self) -> Processes {
        Processes::new(vec![self.running.pid()])
    }

    /// The answer to a GraphQL operation; its errors are ours.
    pub(crate) async fn ask(
        &mut self,
        token: Option<&str>,
        query: &str,
        variables: Value,
    ) -> Result<Value> {
        let body = json!({ "query": query, "variables": variables }).to_string();
        let answer = self.http.post("/graphql", token, &body).await?;
        let mut value: Value = serde_json::from_slice(&answer.body)
            .with_context(|| format!("HTTP {} is not JSON", answer.status))?;
        if let Some(errors) = value.get("errors").filter(|errors| !errors.is_null()) {
            bail!("HTTP {}: {errors}", answer.status);
        }
        Ok(value["data"].take())
    }

    /// The sum of a counter over its labels.
    pub(crate) async fn counter(&mut self, name: &str) -> Result<f64> {
        let answer = self.http.get("/metrics").await?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let mut sum = None;
        for line in text.lines() {
            let Some(rest) = line.strip_prefix(name) else { continue };
            if rest.starts_with(['{', ' ']) {
                let number = rest.rsplit(' ').next().unwrap_or_default();
                *sum.get_or_insert(0.0) +=
                    number.parse::<f64>().with_context(|| format!("not a number: {line}"))?;
            }
        }
        sum.with_context(|| format!("/metrics has no {name}"))
    }

    /// Registers people until there are so many.
    pub(crate) async fn register(&mut self, count: usize) -> Result<()> {
        const REGISTER: &str = "mutation($c:ID!,$u:String!){register(input:{clientId:$c,\
            username:$u,displayName:$u,password:\"correct horse battery staple\"}){\
            account{id} accessToken}}";
        while self.people.len() < count {
            let name = format!("person{}", self.people.len());
            let variables = json!({ "c": clock::uuid_v7(), "u": name });
            let data = self.ask(None, REGISTER, variables).await.context("register")?;
            let id = text(&data["register"]["account"]["id"])?;
            let access_token = text(&data["register"]["accessToken"])?;
            self.people.push(Person { id, access_token });
        }
        Ok(())
    }

    /// Makes a group of these people by the first of them; its id.
    pub(crate) async fn create_group(&mut self, title: &str, people: &[Person]) -> Result<String> {
        const CREATE: &str = "mutation($c:ID!,$t:String!,$m:[ID!]!){createGroup(input:{\
            clientId:$c,title:$t,memberIds:$m}){conversation{id}}}";
        let [owner, members @ ..] = people else { bail!("a group needs an owner") };
        let members: Vec<&str> = members.iter().map(|person| person.id.as_str()).collect();
        let variables = json!({ "c": clock::uuid_v7(), "t": title, "m": members });
        let data = self.ask(Some(&owner.access_token), CREATE, variables).await;
        text(&data.context("create a group")?["createGroup"]["conversation"]["id"])
    }

    async fn open_direct(&mut self, one: &Person, other: &Person) -> Result<String> {
        const OPEN: &str = "mutation($c:ID!,$a:ID!){openDirect(input:{clientId:$c,\
            accountId:$a}){conversation{id}}}";
        let variables = json!({ "c": clock::uuid_v7(), "a": other.id });
        let data = self.ask(Some(&one.access_token), OPEN, variables).await;
        text(&data.context("open a direct conversation")?["openDirect"]["conversation"]["id"])
    }

    /// Where the log stands for this person.
    pub(crate) async fn position(&mut self, person: &Person) -> Result<String> {
        let data = self.ask(Some(&person.access_token), "query{position}", json!({})).await?;
        text(&data["position"])
    }

    /// A connection that hears what its account may see.
    pub(crate) async fn subscribed(&self, person: &Person) -> Result<Dialogue> {
        let mut dialogue = graphql_ws::connect(self.address, &person.access_token).await?;
        graphql_ws::subscribe(&mut dialogue, None).await?;
        Ok(dialogue)
    }

    /// A group of all people: the seeded one, or a new one.
    pub(crate) async fn group(&mut self) -> Result<String> {
        if let Some(id) = &self.seeded_group {
            return Ok(id.clone());
        }
        self.register(ACCOUNTS).await?;
        let people = self.people.clone();
        self.create_group("bench", &people).await
    }

    pub(crate) async fn stage(&mut self, shape: Shape) -> Result<Stage> {
        let mut stage = Stage::new(Rc::new(GraphqlWs), self.processes());
        match shape {
            Shape::Group { online } => {
                let conversation = self.group().await?;
                let circle = stage.ledger.borrow_mut().add_circle();
                for number in 0..online {
                    let person = &self.people[number % self.people.len()];
                    let dialogue = self.subscribed(person).await?;
                    stage.attach(dialogue, Some(circle));
                }
                for person in &self.people[..SENDERS] {
                    let sender = graphql_ws::connect(self.address, &person.access_token).await?;
                    let line = stage.attach(sender, None);
                    stage.routes.push(Route { line, conversation: conversation.clone(), circle });
                }
            }
            Shape::Pairs { pairs } => {
                self.register(2 * pairs).await?;
                for pair in 0..pairs {
                    let (sender, hearer) = (2 * pair, 2 * pair + 1);
                    let (sender, hearer) =
                        (self.people[sender].clone(), self.people[hearer].clone());
                    let conversation = self.open_direct(&sender, &hearer).await?;
                    let circle = stage.ledger.borrow_mut().add_circle();
                    let heard = self.subscribed(&hearer).await?;
                    stage.attach(heard, Some(circle));
                    let sent = graphql_ws::connect(self.address, &sender.access_token).await?;
                    let line = stage.attach(sent, None);
                    stage.routes.push(Route { line, conversation, circle });
                }
            }
        }
        Ok(stage)
    }
}

fn spawn(program: &Path, folder: &Path, address: SocketAddr) -> Result<Running> {
    let mut command = Command::new(program);
    command.args(["serve", "--listen", &address.to_string(), "--data-dir"]).arg(folder);
    command.envs(LIMITS);
    Running::start(&mut command, &folder.with_extension("log"))
}

/// Fills a new folder by the server's own command, such as `--messages 1000`.
pub(crate) async fn seed(
    program: &Path,
    folder: &Path,
    what: &str,
    count: usize,
) -> Result<Seeded> {
    fs::create_dir_all(folder)?;
    let log = folder.with_extension("seed");
    let mut command = Command::new(program);
    command.args(["bench", "seed"]).arg("--data-dir").arg(folder).args([what, &count.to_string()]);
    command.envs(LIMITS);
    let named = || format!("parlance seed {what} {count}");
    Running::start(&mut command, &log)?.finish(SEED_MAX).await.with_context(named)?;
    let output = fs::read_to_string(&log)?;
    let mut seeded = output.lines().rev().filter_map(|line| serde_json::from_str(line).ok());
    seeded.next().with_context(|| format!("{} prints no accounts", named()))
}

/// Rebuilds every collection; the CPU time it took.
pub(crate) async fn rebuild(program: &Path, folder: &Path) -> Result<Duration> {
    let mut command = Command::new(program);
    command.args(["rebuild", "--all", "--data-dir"]).arg(folder);
    let running = Running::start(&mut command, &folder.with_extension("rebuild"))?;
    running.finish(SEED_MAX).await.context("parlance rebuild --all")
}

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("the answer lacks what was asked for")?.to_owned())
}
