//! The roles as processes of their own: the commands of the README, on real servers.

use std::sync::Arc;

use ports::clock::Stopwatch;
use serde_json::{Value, json};
use tests::servers::LOOPBACK;
use tests::servers::mongo::Mongo;
use tests::{Client, Http, Person, Place, Plan, Processes, Program, Stand};

#[test]
fn command_nodes_take_turns_and_nothing_is_lost() {
    let processes = Processes::new();
    let first = processes.start("command-api");
    let _projectors = processes.start("projectors");
    let queries = processes.start("query-api");
    let client = Arc::new(Client::new(Http::new(queries.address)));
    let ann = Person::register(&client, "ann");
    let group = ann.creates_group("Lunch", &[]);
    let one = ann.sends(&group, "to the first owner");
    let second = processes.start("command-api");
    first.terminate();
    let two = ann.sends(&group, "to whoever owns it now");
    assert_eq!(two.seq, one.seq + 1);
    // A killed owner's lease must end first; the door waits for the next owner under the same id.
    let third = processes.start("command-api");
    second.kill();
    let three = ann.sends(&group, "to the last");
    assert_eq!(three.seq, two.seq + 1);
    third.terminate();
}

/// What a node says of itself, once it is as expected.
fn readiness(node: &Http, expected: impl Fn(u16, &Value) -> bool) {
    let started = Stopwatch::start();
    loop {
        let reply = node.request("GET", "/readyz", &[], &[]).expect("an answer");
        let body: Value = serde_json::from_slice(&reply.body).expect("JSON");
        if expected(reply.status, &body) {
            return;
        }
        assert!(started.seconds() < 30.0, "{} {body}", reply.status);
    }
}

#[test]
fn operators_see_which_server_is_away_and_who_works() {
    let roles = ["command-api", "projectors", "query-api"];
    let mut stand = Stand::start(&Plan {
        host: LOOPBACK,
        brokers: (LOOPBACK, 1),
        documents: Mongo::stand_in,
        partitions: 4,
        ports: None,
        nodes: roles.map(|role| Place { role, host: LOOPBACK, at: &[] }).to_vec(),
    });
    let nodes: Vec<Http> = stand.nodes.iter().map(|it| Http::new(it.address())).collect();
    let well = |status, body: &Value| status == 200 && body["away"] == json!([]);
    nodes.iter().for_each(|it| readiness(it, well));
    stand.redis.kill();
    for it in &nodes {
        readiness(it, |status, body| status == 200 && body["away"] == json!(["cache", "bus"]));
    }
    stand.redis.start_again();
    nodes.iter().for_each(|it| readiness(it, well));
    stand.mongo.kill();
    for it in &nodes {
        let reply = |status, body: &Value| status == 503 && body["away"] == json!(["documents"]);
        readiness(it, reply);
        let metrics = it.request("GET", "/metrics", &[], &[]).expect("an answer");
        let metrics = String::from_utf8(metrics.body).expect("text");
        for told in ["{port=\"documents\"} 1", "{port=\"keys\"} 0", "{port=\"blobs\"} 0"] {
            assert!(metrics.contains(&format!("parlance_port_away{told}")), "{told}: {metrics}");
        }
    }
    stand.mongo.start_again();
    nodes.iter().for_each(|it| readiness(it, well));
    for (node, role) in roles.into_iter().enumerate() {
        let complaint = stand.refused(&["rebuild", "--all"]);
        assert!(complaint.contains(&format!("stop these nodes first, {role}")), "{complaint}");
        stand.terminate(node);
    }
    stand.asks(&["rebuild", "--all"]);
}

#[test]
fn keys_do_not_pass_in_the_clear_between_machines() {
    let folder = tempfile::tempdir().expect("a folder");
    let token = ("PARLANCE_KEYS_TOKEN", "a-token-of-more-than-thirty-two-characters");
    let keys = |more: &[(&str, &str)]| {
        let options = [&[token], more].concat();
        Program::refused(folder.path(), &["keys", "--listen", "0.0.0.0:0"], &options)
    };
    assert!(keys(&[]).contains("only loopback"));
    let half = keys(&[("PARLANCE_KEYS_TLS_CERT", "/nowhere")]);
    assert!(half.contains("go together"), "{half}");
    let absent = [("PARLANCE_KEYS_TLS_CERT", "/nowhere"), ("PARLANCE_KEYS_TLS_KEY", "/nowhere")];
    assert!(keys(&absent).contains("the file /nowhere"));
}
