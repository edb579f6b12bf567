//! The server's own pages, in a real browser: what a link opens does what its letter says.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};
use tests::{Answer, PASSWORD, Person, World, code_in, fresh_id};

use crate::node_client;

const MAIL: &str = "ann@example.org";
const PHONE: &str = "+4915112345678";

/// A page that is open in a browser.
struct Page {
    node: Child,
    says: ChildStdin,
    reads: BufReader<ChildStdout>,
    /// What it showed last.
    shows: Value,
}

impl Page {
    /// Opens a page by its path, with what stands behind the `#`.
    fn open(world: &World, path: &str) -> Self {
        let mut node = Command::new("node");
        node.arg("pages.mjs").arg(format!("http://{}{path}", world.client.http.address));
        node.current_dir(node_client()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut node = node.spawn().expect("node is needed for this test");
        let says = node.stdin.take().expect("an input");
        let reads = BufReader::new(node.stdout.take().expect("an output"));
        Self { node, says, reads, shows: Value::Null }
    }

    /// Does something there; gives what the page tells then, and whether it is done with.
    fn does(&mut self, what: &Value) -> (String, bool) {
        writeln!(self.says, "{what}").expect("the page is open");
        let mut line = String::new();
        self.reads.read_line(&mut line).expect("the page is open");
        self.shows = serde_json::from_str(&line).expect("a line of JSON");
        let done = self.shows["done"] == true;
        assert!(!done || self.shows["hash"] == "", "a link that was used is not left: {line}");
        (self.shows["outcome"].as_str().expect("a text").to_owned(), done)
    }

    fn submits(&mut self, fields: &Value) -> (String, bool) {
        self.does(&json!({ "fields": fields }))
    }

    fn close(self) {
        let Self { mut node, says, .. } = self;
        drop(says);
        assert!(node.wait().expect("it ends").success(), "the page failed");
    }
}

/// The path of the link in a letter.
fn link(world: &World, to: &str, before: usize, page: &str) -> String {
    let (_, text) = world.letter(to, before);
    let found = text.split_whitespace().find_map(|it| Some(it.split_once(page)?.1));
    format!("{page}{}", found.expect("a link"))
}

fn asks(world: &World, name: &str, input: &str) -> Answer {
    let query = format!("mutation($input: {input}!) {{ {name}(input: $input) {{ ok }} }}");
    let given = json!({ "clientId": fresh_id(), "email": MAIL });
    world.client.ask(None, &query, json!({ "input": given }))
}

fn done(outcome: &str) -> (String, bool) {
    (outcome.to_owned(), true)
}

#[test]
fn the_link_that_is_printed_makes_the_first_owner() {
    let world = World::new();
    let token = world.setup_token().expect("a new instance has no owner");
    let mut page = Page::open(&world, &format!("/setup#{token}"));
    let poor = json!({ "username": "ann", "displayName": "Ann", "password": "password" });
    let (told, ended) = page.submits(&poor);
    assert!(told.starts_with("Not done: ") && !ended, "{told}");
    let good = json!({ "password": PASSWORD });
    assert_eq!(page.submits(&good), done("Done: ann owns this server."));
    page.close();
    let signed_in = Person::signs_in(&world.client, "ann", PASSWORD);
    let token = signed_in.data()["signIn"]["accessToken"].as_str().expect("a token");
    let role = world.client.ask(Some(token), "{ viewerServerRole }", json!({}));
    assert_eq!(role.data()["viewerServerRole"], "OWNER");
}

#[test]
fn a_forgotten_password_is_set_anew_with_a_code_that_the_page_has_sent() {
    let world = World::new();
    let ann = world.person("ann");
    world.proves(&ann, "email", MAIL);
    let phone = world.proves(&ann, "phone", PHONE);
    ann.does("enableCodeFactor", json!({ "addressId": phone }), "");
    let (letters, texts) = (world.letters(MAIL).len(), world.letters(PHONE).len());
    asks(&world, "requestPasswordReset", "RequestPasswordResetInput").data();
    let mut page = Page::open(&world, &link(&world, MAIL, letters, "/reset#"));
    let sent = page.does(&json!({ "press": "#text" }));
    assert_eq!(sent, ("A code is on its way, give it here.".to_owned(), false));
    let code = code_in(&world.letter(PHONE, texts).1);
    let fields = json!({ "newPassword": "another horse for ann", "code": code });
    assert_eq!(page.submits(&fields), done("Done: sign in with the new password."));
    page.close();
    let before = Person::signs_in(&world.client, "ann", PASSWORD);
    assert_eq!(before.code(), "SESSIONS_SIGN_IN_FAILED");
}

#[test]
fn a_link_is_handed_to_a_program_and_another_keeps_the_second_factor() {
    let world = World::with(|it| it.sign_in_links = true);
    let ann = world.person("ann");
    world.proves(&ann, "email", MAIL);
    let before = world.letters(MAIL).len();
    asks(&world, "requestSignInLink", "RequestSignInLinkInput").data();
    let path = link(&world, MAIL, before, "/sign-in#");
    let mut page = Page::open(&world, &path);
    let (told, _) = page.submits(&json!({}));
    assert!(told.contains("paste it there"), "{told}");
    let shown = page.shows["fields"]["token"].clone();
    page.close();
    assert!(path.ends_with(shown.as_str().expect("a token")), "the page has used it for nothing");
    let opened =
        world.client.change(None, "signInWithLink", json!({ "token": shown }), "accessToken");
    opened.data();
    let phone = world.proves(&ann, "phone", PHONE);
    ann.does("enableCodeFactor", json!({ "addressId": phone }), "");
    let input = json!({ "username": "ann", "password": PASSWORD });
    let asked = world.client.change(None, "signIn", input, "secondFactor { challenge }");
    let challenge = &asked.data()["signIn"]["secondFactor"]["challenge"];
    let before = world.letters(MAIL).len();
    let lost = json!({ "clientId": fresh_id(), "challenge": challenge });
    world.client.change(None, "requestFactorRecovery", lost, "position").data();
    let mut page = Page::open(&world, &link(&world, MAIL, before, "/keep-factor#"));
    let kept = page.submits(&json!({}));
    let told = "Done: your second factor stays. Set a new password, since somebody may know yours.";
    assert_eq!(kept, done(told));
    page.close();
    let left = ann.asks("{ secondFactors { recovery { requestedAt } } }", json!({}));
    assert_eq!(left.data()["secondFactors"]["recovery"], Value::Null);
}
