//! The outbox under kill -9: a message that was acknowledged reaches a real mail server, and what
//! comes twice comes under one id.

use std::collections::BTreeMap;
use std::sync::Arc;

use mail_parser::MessageParser;
use serde_json::json;
use tests::servers::mail::{Mail, Tls};
use tests::{Authority, Client, Dice, Http, Person, Program, TOO_LONG, found, fresh_id, within};

/// Letters that are asked for.
const LETTERS: usize = 150;

/// Letters between two kills at most; the next kill may come at once.
const BETWEEN_MAX: usize = 8;

/// Ids of the letters that have arrived, by their receivers.
fn arrived(server: &Mail) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<_, Vec<_>>::new();
    for letter in server.taken() {
        let mail = MessageParser::default().parse(&letter).expect("mail");
        let to = mail.to().and_then(|it| it.first()).and_then(|it| it.address());
        let id = mail.message_id().expect("an id").to_owned();
        all.entry(to.expect("a receiver").to_owned()).or_default().push(id);
    }
    all
}

/// Asks for a letter, under one id until that is acknowledged: connections die with the program.
fn proposes(person: &Person, address: &str) {
    let query = "mutation($input: ProposeAddressInput!) { \
                 proposeAddress(input: $input) { addressId } }";
    let input = json!({ "clientId": fresh_id(), "email": address });
    let body = json!({ "query": query, "variables": { "input": input } }).to_string();
    let asks = || person.client.try_post(Some(&person.token), None, body.as_bytes()).ok();
    let answer = found("nobody answers", asks).json();
    assert!(answer.get("errors").is_none(), "{answer}");
}

#[test]
fn no_letter_is_lost_over_kills_and_what_comes_twice_has_one_id() {
    let server = Mail::start(Tls::Without, &Authority::new());
    let folder = tempfile::tempdir().expect("a folder");
    let options = [("PARLANCE_MAIL", server.address().secret_text().to_owned())];
    let serve = |port| Program::start("serve", folder.path(), port, &options);
    let mut program = serve(0);
    let port = program.address.port();
    let client = Arc::new(Client::new(Http::new(program.address)));
    let ann = Person::register(&client, "ann");
    let mut dice = Dice::new(18);
    let (mut kills, mut until_kill) = (0, dice.below(BETWEEN_MAX));
    for n in 0..LETTERS {
        proposes(&ann, &format!("ann{n}@example.org"));
        if until_kill == 0 {
            program.kill();
            program = serve(port);
            (kills, until_kill) = (kills + 1, dice.below(BETWEEN_MAX));
        } else {
            until_kill -= 1;
        }
    }
    let letters = within(TOO_LONG, || {
        let letters = arrived(&server);
        let count = letters.len();
        if count == LETTERS { Ok(letters) } else { Err(format!("{count} of {LETTERS}")) }
    });
    program.terminate();
    let twice = letters.values().filter(|it| it.len() > 1).count();
    for (to, ids) in &letters {
        assert!(ids.iter().all(|it| *it == ids[0]), "{to} has two letters: {ids:?}");
    }
    eprintln!("{LETTERS} letters over {kills} kills, {twice} came twice under one id");
}
