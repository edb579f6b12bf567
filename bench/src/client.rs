//! Those who use Parlance through its public doors, wherever it runs.

use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::clock;
use crate::cpu::Processes;
use crate::graphql_ws::{self, GraphqlWs};
use crate::http::Http;
use crate::line::Dialogue;
use crate::stage::{Route, SENDERS, Shape, Stage};

/// Each registration costs a password hash, so accounts are few and connections many.
pub(crate) const ACCOUNTS: usize = 20;

/// An account that may sign its requests.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) access_token: String,
}

/// People, a door to a server and what it costs.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) address: SocketAddr,
    pub(crate) http: Http,
    pub(crate) people: Vec<Person>,
    /// A conversation that all people are in, if there is one from the start.
    pub(crate) group: Option<String>,
    /// The process that started all that the server is.
    root: u32,
}

impl Client {
    pub(crate) fn new(address: SocketAddr, root: u32) -> Self {
        Self { address, http: Http::new(address), people: Vec::new(), group: None, root }
    }

    /// Another door to the same server, for whoever asks at the same time.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.address, self.root)
    }

    /// Goes on with another process at the same address.
    pub(crate) fn follow(&mut self, root: u32) {
        self.http = Http::new(self.address);
        self.root = root;
    }

    pub(crate) fn processes(&self) -> Processes {
        Processes::new(vec![self.root])
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
        if let Some(id) = &self.group {
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

fn text(value: &Value) -> Result<String> {
    Ok(value.as_str().context("the answer lacks what was asked for")?.to_owned())
}
