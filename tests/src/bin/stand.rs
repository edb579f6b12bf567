//! The product as a cluster on this machine: real servers, nodes and nginx, until the input ends.
//!
//! Says in one line of JSON where it is: `address` of nginx, `folder` and `options` to run the
//! program on the instance with, `nodes` with the role, the address and the process of each.
//! `TEST_PROGRAM` names another program than the one that was built beside this.

use std::io::{self, Read, Write};

use clap::Parser;
use serde_json::{Map, Value, json};
use tests::servers::LOOPBACK;
use tests::servers::mongo::Mongo;
use tests::{Node, Place, Plan, Stand};

/// Starts the product as a cluster on this machine and ends it with the input.
#[derive(Parser)]
struct Arguments {
    /// Nodes that take commands
    #[arg(long, default_value_t = 2)]
    commands: usize,
    /// Nodes that fold
    #[arg(long, default_value_t = 1)]
    projectors: usize,
    /// Nodes that answer
    #[arg(long, default_value_t = 2)]
    queries: usize,
    /// Brokers of Kafka, which copy each other's records
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
    brokers: u8,
    /// Takes the fastest stand-in for MongoDB instead of the one that the tests take
    #[arg(long)]
    fastest: bool,
}

fn main() -> io::Result<()> {
    let arguments = Arguments::parse();
    let many = |role, count| vec![Place { role, host: LOOPBACK, at: &[] }; count];
    let stand = Stand::start(&Plan {
        host: LOOPBACK,
        brokers: (LOOPBACK, usize::from(arguments.brokers)),
        documents: if arguments.fastest { Mongo::fastest } else { Mongo::stand_in },
        partitions: 16,
        ports: None,
        nodes: [
            many("command-api", arguments.commands),
            many("projectors", arguments.projectors),
            many("query-api", arguments.queries),
        ]
        .concat(),
    });
    writeln!(io::stdout(), "{}", told(&stand))?;
    // Whoever started this holds the other end, and lets go of it also when it is killed.
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

fn told(stand: &Stand) -> Value {
    let options: Map<_, _> =
        stand.options.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    json!({
        "address": stand.address.map(|it| it.to_string()),
        "folder": stand.folder(),
        "options": options,
        "nodes": stand.nodes.iter().map(node).collect::<Vec<_>>(),
    })
}

fn node(it: &Node) -> Value {
    json!({
        "role": it.role(),
        "address": it.address().to_string(),
        "pid": it.pid(),
    })
}
