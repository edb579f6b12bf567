//! People: what they do is a mutation, what they see a query, both over real HTTP.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use ports::clock::Clock;
use serde_json::{Value, json};

use crate::{Http, Reply};

/// Password of everyone.
pub const PASSWORD: &str = "correct horse";

/// A door to a server, and how far what was said through it has come.
pub struct Client {
    pub http: Http,
    position: Mutex<Option<String>>,
}

/// An answer to a GraphQL request.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer(pub Value);

/// Somebody with an account.
pub struct Person {
    pub client: Arc<Client>,
    pub name: String,
    pub id: String,
    pub token: String,
    pub refresh_token: String,
}

/// A message that was acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sent {
    pub id: String,
    pub number: u64,
    pub seq: u64,
}

/// A fresh client id.
pub fn fresh_id() -> String {
    id_at(ports::clock::System.now_ms())
}

/// A client id made at a time.
pub fn id_at(ms: i64) -> String {
    chat::kernel::id::fresh(ms, &ports::entropy::System).to_string()
}

/// A number of the scalar `Long`.
pub fn long(value: &Value) -> u64 {
    let text = value.as_str().unwrap_or_else(|| panic!("a Long is a string, not {value}"));
    text.parse().expect("a Long is a number")
}

impl Answer {
    /// The data of an answer without errors.
    pub fn data(&self) -> &Value {
        assert!(self.0.get("errors").is_none(), "{}", self.0);
        &self.0["data"]
    }

    /// The code of the first error.
    pub fn code(&self) -> &str {
        self.failure().expect("an error")
    }

    /// The code of the first error, if there is one.
    pub fn failure(&self) -> Option<&str> {
        self.0["errors"][0]["extensions"]["code"].as_str()
    }
}

impl Client {
    /// A door that nobody has used yet.
    pub fn new(http: Http) -> Self {
        Self { http, position: Mutex::default() }
    }

    /// Posts a GraphQL request as it is.
    pub fn post(&self, token: Option<&str>, after: Option<&str>, body: &[u8]) -> Reply {
        self.try_post(token, after, body).expect("the server answers")
    }

    /// Posts a GraphQL request to a server that may be away.
    ///
    /// # Errors
    /// When it is.
    pub fn try_post(
        &self,
        token: Option<&str>,
        after: Option<&str>,
        body: &[u8],
    ) -> std::io::Result<Reply> {
        let bearer = token.map(|it| format!("Bearer {it}"));
        let mut headers = vec![("content-type", "application/json")];
        headers.extend(bearer.as_deref().map(|it| ("authorization", it)));
        headers.extend(after.map(|it| ("parlance-after", it)));
        self.http.request("POST", "/graphql", &headers, body)
    }

    /// Asks after everything that was done through this door.
    pub fn ask(&self, token: Option<&str>, query: &str, variables: Value) -> Answer {
        let after = self.position.lock().expect("no holder of the lock panics").clone();
        let body = json!({ "query": query, "variables": variables }).to_string();
        Answer(self.post(token, after.as_deref(), body.as_bytes()).json())
    }

    /// Gives a mutation by its name, its input and what is wanted of its payload.
    pub fn change(&self, token: Option<&str>, name: &str, input: Value, wanted: &str) -> Answer {
        let answer =
            Answer(self.post(token, None, mutation(name, input, wanted).as_bytes()).json());
        if let Some(position) = answer.0["data"][name]["position"].as_str() {
            let mut latest = self.position.lock().expect("no holder of the lock panics");
            *latest = Some(position.to_owned());
        }
        answer
    }
}

/// The body of a request for a mutation; an input without a client id gets a fresh one.
fn mutation(name: &str, mut input: Value, wanted: &str) -> String {
    let kind = match name {
        "removeMember" => "MemberInput".to_owned(),
        "leaveConversation" | "joinGroup" => "MembershipInput".to_owned(),
        "addContact" | "blockAccount" | "unblockAccount" => "ContactInput".to_owned(),
        _ => format!("{}{}Input", name[..1].to_uppercase(), &name[1..]),
    };
    let opens = name.to_lowercase().contains("signin");
    let needs_id = !opens && input.get("clientId").is_none();
    if needs_id && let Some(fields) = input.as_object_mut() {
        fields.insert("clientId".to_owned(), json!(fresh_id()));
    }
    let query =
        format!("mutation($input: {kind}!) {{ {name}(input: $input) {{ {wanted} position }} }}");
    json!({ "query": query, "variables": { "input": input } }).to_string()
}

impl Person {
    /// Registers somebody.
    pub fn register(client: &Arc<Client>, name: &str) -> Self {
        let answer = Self::registers(client, &fresh_id(), name, PASSWORD);
        let registered = &answer.data()["register"];
        Self::signed_in(client, name, registered)
    }

    /// Tries to register.
    pub fn registers(client: &Client, client_id: &str, name: &str, password: &str) -> Answer {
        let input = json!({
            "clientId": client_id, "username": name, "displayName": name, "password": password,
        });
        client.change(None, "register", input, "account { id } accessToken refreshToken")
    }

    /// Tries to sign in.
    pub fn signs_in(client: &Client, name: &str, password: &str) -> Answer {
        let input = json!({ "username": name, "password": password, "device": "test" });
        client.change(None, "signIn", input, "accessToken refreshToken")
    }

    /// The same person on another device.
    pub fn on_another_device(&self) -> Self {
        let answer = Self::signs_in(&self.client, &self.name, PASSWORD);
        let mut payload = answer.data()["signIn"].clone();
        payload["account"] = json!({ "id": self.id });
        Self::signed_in(&self.client, &self.name, &payload)
    }

    fn signed_in(client: &Arc<Client>, name: &str, payload: &Value) -> Self {
        let text = |it: &Value| it.as_str().expect("a text").to_owned();
        Self {
            client: Arc::clone(client),
            name: name.to_owned(),
            id: text(&payload["account"]["id"]),
            token: text(&payload["accessToken"]),
            refresh_token: text(&payload["refreshToken"]),
        }
    }

    /// Asks something.
    pub fn asks(&self, query: &str, variables: Value) -> Answer {
        self.client.ask(Some(&self.token), query, variables)
    }

    /// Does something, well or not.
    pub fn tries(&self, name: &str, input: Value, wanted: &str) -> Answer {
        self.client.change(Some(&self.token), name, input, wanted)
    }

    /// Does something and gives the payload.
    pub fn does(&self, name: &str, input: Value, wanted: &str) -> Value {
        self.tries(name, input, wanted).data()[name].clone()
    }

    /// Creates a group with others and gives its id.
    pub fn creates_group(&self, title: &str, others: &[&Person]) -> String {
        let ids: Vec<&str> = others.iter().map(|it| it.id.as_str()).collect();
        let input = json!({ "title": title, "memberIds": ids });
        text(&self.does("createGroup", input, "conversation { id }")["conversation"]["id"])
    }

    /// Creates a group that anyone may join.
    pub fn creates_open_group(&self, title: &str) -> String {
        let input = json!({ "title": title, "open": true });
        text(&self.does("createGroup", input, "conversation { id }")["conversation"]["id"])
    }

    /// Opens the direct conversation with somebody.
    pub fn opens_direct(&self, other: &Person) -> String {
        let input = json!({ "accountId": other.id });
        text(&self.does("openDirect", input, "conversation { id }")["conversation"]["id"])
    }

    /// Sends a message.
    pub fn sends(&self, conversation: &str, text: &str) -> Sent {
        let answer = self.tries_to_send(conversation, &fresh_id(), text);
        sent(&answer).unwrap_or_else(|| panic!("not sent: {}", answer.0))
    }

    /// Tries to send a message under a client id.
    pub fn tries_to_send(&self, conversation: &str, client_id: &str, text: &str) -> Answer {
        let input = json!({ "clientId": client_id, "conversationId": conversation, "text": text });
        self.tries("sendMessage", input, "message { id number seq }")
    }

    /// Sends to a server that may be away.
    ///
    /// # Errors
    /// What happened instead, unless it was acknowledged in full.
    pub fn tries_hard_to_send(&self, group: &str, id: &str, text: &str) -> Result<Sent, String> {
        let input = json!({ "clientId": id, "conversationId": group, "text": text });
        let body = mutation("sendMessage", input, "message { id number seq }");
        let token = Some(self.token.as_str());
        let reply =
            self.client.try_post(token, None, body.as_bytes()).map_err(|it| it.to_string())?;
        let instead = || format!("{}: {}", reply.status, String::from_utf8_lossy(&reply.body));
        let answer = serde_json::from_slice(&reply.body).map_err(|_| instead())?;
        sent(&Answer(answer)).ok_or_else(instead)
    }

    /// Changes a message.
    pub fn edits(&self, message: &str, text: &str) -> Value {
        let input = json!({ "messageId": message, "text": text });
        self.does("editMessage", input, "message { id text editedAt }")["message"].clone()
    }

    /// Deletes a message for everyone.
    pub fn deletes(&self, message: &str) -> Value {
        let input = json!({ "messageId": message, "forEveryone": true });
        self.does("deleteMessage", input, "message { id text deleted }")["message"].clone()
    }

    /// Puts a message out of sight.
    pub fn hides(&self, message: &str) {
        self.does("deleteMessage", json!({ "messageId": message }), "message { id }");
    }

    /// Reads up to a number.
    pub fn reads(&self, conversation: &str, number: u64) -> i64 {
        let input = json!({ "conversationId": conversation, "number": number.to_string() });
        let read = self.does("markRead", input, "conversation { unreadCount }");
        read["conversation"]["unreadCount"].as_i64().expect("a count")
    }

    /// Adds people to a group.
    pub fn adds(&self, conversation: &str, others: &[&Person]) -> Value {
        let ids: Vec<&str> = others.iter().map(|it| it.id.as_str()).collect();
        let input = json!({ "conversationId": conversation, "accountIds": ids });
        self.does("addMembers", input, "added failed { accountId code }")
    }

    /// Removes somebody from a group.
    pub fn removes(&self, conversation: &str, other: &Person) -> Answer {
        let input = json!({ "conversationId": conversation, "accountId": other.id });
        self.tries("removeMember", input, "member { active }")
    }

    /// Leaves a group.
    pub fn leaves(&self, conversation: &str) -> Answer {
        let input = json!({ "conversationId": conversation });
        self.tries("leaveConversation", input, "member { active }")
    }

    /// Joins a group.
    pub fn joins(&self, conversation: &str) -> Answer {
        let input = json!({ "conversationId": conversation });
        self.tries("joinGroup", input, "conversation { id memberCount }")
    }

    /// Gives somebody a role.
    pub fn makes(&self, conversation: &str, other: &Person, role: &str) -> Answer {
        let input = json!({ "conversationId": conversation, "accountId": other.id, "role": role });
        self.tries("changeRole", input, "member { role }")
    }

    /// Fields of a conversation as this person sees it; null for a stranger.
    pub fn sees(&self, conversation: &str, fields: &str) -> Value {
        let query = format!("query($id: ID!) {{ conversation(id: $id) {{ {fields} }} }}");
        self.asks(&query, json!({ "id": conversation })).data()["conversation"].clone()
    }

    /// Fields of a message as this person sees it; null when it may not be seen.
    pub fn sees_message(&self, id: &str, fields: &str) -> Value {
        let query = format!("query($id: ID!) {{ message(id: $id) {{ {fields} }} }}");
        self.asks(&query, json!({ "id": id })).data()["message"].clone()
    }

    /// The unread count of a conversation.
    pub fn unread(&self, conversation: &str) -> i64 {
        self.sees(conversation, "unreadCount")["unreadCount"].as_i64().expect("a count")
    }

    /// A page of messages: edges of (number, id), and the page's info.
    pub fn page(&self, conversation: &str, arguments: &str) -> (Vec<(u64, String)>, Value) {
        let fields = format!(
            "messages({arguments}) {{ edges {{ cursor node {{ id number }} }} \
             pageInfo {{ hasPreviousPage hasNextPage startCursor endCursor }} }}"
        );
        let page = self.sees(conversation, &fields)["messages"].clone();
        let edges = page["edges"].as_array().expect("a page has edges").iter();
        let edges = edges.map(|it| (long(&it["node"]["number"]), text(&it["node"]["id"])));
        (edges.collect(), page["pageInfo"].clone())
    }

    /// Every message of a conversation by number, page by page.
    pub fn all_messages(&self, conversation: &str) -> BTreeMap<u64, String> {
        let mut all = BTreeMap::new();
        let mut after = "0".to_owned();
        loop {
            let arguments = format!("first: 100, after: \"{after}\"");
            let (page, info) = self.page(conversation, &arguments);
            for (number, id) in page {
                assert!(all.insert(number, id).is_none(), "number {number} came twice");
            }
            if info["hasNextPage"] != true {
                return all;
            }
            after = text(&info["endCursor"]);
        }
    }

    /// Gives a command over plain HTTP.
    pub fn commands(&self, name: &str, key: &str, body: &Value) -> Reply {
        let bearer = format!("Bearer {}", self.token);
        let headers = [
            ("authorization", bearer.as_str()),
            ("idempotency-key", key),
            ("content-type", "application/json"),
        ];
        let path = format!("/v1/commands/{name}");
        let body = body.to_string();
        let reply = self.client.http.request("POST", &path, &headers, body.as_bytes());
        reply.expect("the server answers")
    }
}

fn sent(answer: &Answer) -> Option<Sent> {
    let message = &answer.0["data"]["sendMessage"]["message"];
    let id = message["id"].as_str()?.to_owned();
    Some(Sent { id, number: long(&message["number"]), seq: long(&message["seq"]) })
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a text: {value}")).to_owned()
}
