//! K1: the cluster beside one process, under the same load; and what another node adds.

use std::collections::BTreeMap;

use anyhow::Result;

use super::contests::{
    Figures, MESSAGE_RATE, P50, RATE, capacity, direct_figures, fan_out_figures, latency,
    latency_figures,
};
use crate::cluster::Nodes;
use crate::contender::{Contender, PARLANCE};
use crate::parlance::Parlance;
use crate::report::{Gate, Row};
use crate::rounds::{Bench, Contest};
use crate::stage::{Outcome, Shape};

const CLUSTER: &str = "Parlance, cluster";

/// The nodes that the conformance suite has, too.
const NODES: Nodes = Nodes { commands: 2, projectors: 1, queries: 2 };

/// As few nodes as it takes.
const FEWEST: Nodes = Nodes { commands: 1, projectors: 1, queries: 1 };

pub(crate) async fn beside(bench: &Bench, rows: &mut Vec<Row>) -> Result<()> {
    let pair = latency(bench, Shape::Pairs { pairs: 1 }, 50.0);
    let mut row = Row::new("K1", "direct messages at 50/s, from due to received");
    both(bench, &mut row, pair, latency_figures).await;
    if let (Some(one), Some(many)) = (row.median(PARLANCE, P50), row.median(CLUSTER, P50)) {
        let name = "p50 ms more than in one process";
        row.gates.push(Gate::at_most(name, many - one, 6.0, Some(4.0)));
    }
    rows.push(row);
    let mut row = Row::new("K1-direct", "10 direct conversations, 32 messages in flight");
    both(bench, &mut row, capacity(bench, Shape::Pairs { pairs: 10 }, 32), direct_figures).await;
    rows.push(row);
    for online in [100, 1_000] {
        let mut row = Row::new(
            &format!("K1-group-{online}"),
            &format!("group heard by {online}, 4 messages in flight, p99 to the last"),
        );
        let contest = capacity(bench, Shape::Group { online }, 4);
        both(bench, &mut row, contest, fan_out_figures).await;
        rows.push(row);
    }
    rows.push(rebuild(bench).await?);
    rows.push(another_node(bench, queries(bench)).await?);
    rows.push(another_node(bench, commands(bench)).await?);
    Ok(())
}

/// Plays the contest in one process and in a cluster; what goes wrong makes the row void.
async fn both(
    bench: &Bench,
    row: &mut Row,
    contest: Contest,
    figures: impl Fn(&[Outcome]) -> Figures,
) {
    row.note(SERVERS);
    let play = async {
        let folder = bench.folder(&row.id)?;
        let one = Parlance::start(bench.program()?, &folder.join("parlance")).await?;
        let many = bench.cluster(CLUSTER, NODES, &folder).await?;
        let mut contenders =
            [Contender::Parlance(Box::new(one)), Contender::Cluster(Box::new(many))];
        bench.contest(row, &mut contenders, contest).await
    };
    let played = play.await;
    match played {
        Ok(outcomes) => {
            outcomes.iter().for_each(|(name, it)| row.measure(name, &figures(it)));
            outcomes.iter().skip(1).for_each(|(name, it)| row.note(shares(name, it)));
        }
        Err(error) => row.void = Some(format!("{error:#}")),
    }
}

/// What the processes of a cluster spend on each message.
fn shares(name: &str, outcomes: &[Outcome]) -> String {
    let mut spent: BTreeMap<&str, f64> = BTreeMap::new();
    for (process, cpu) in outcomes.iter().flat_map(|it| &it.cpu_by_name) {
        *spent.entry(process).or_default() += cpu.as_secs_f64() * 1e6;
    }
    let messages = outcomes.iter().map(|it| it.messages).sum::<u64>().max(1) as f64;
    let mut spent: Vec<_> = spent.into_iter().map(|it| (it.0, it.1 / messages)).collect();
    spent.sort_by(|one, other| other.1.total_cmp(&one.1));
    let spent = spent.iter().filter(|it| it.1 >= 1.0).map(|it| format!("{} {:.0}", it.0, it.1));
    format!("{name}, CPU µs a message: {}", spent.collect::<Vec<_>>().join(", "))
}

/// What the cluster's figures hold for.
const SERVERS: &str = "cluster: 2 command, 1 projector, 2 query nodes, nginx, 1 broker of Kafka, \
    Redis, S3, keys, all counted; SecantusDB in MongoDB's place: unproven for a real one";

/// R1 into the servers.
async fn rebuild(bench: &Bench) -> Result<Row> {
    const ALL: &str = "events/CPU-s, servers counted";
    let messages = bench.pick(50_000, 2_000);
    let title = format!("rebuild of all views from {messages} messages, on servers");
    let mut row = Row::new("K1-rebuild", &title);
    let folder = bench.folder("K1-rebuild")?;
    let none = Nodes { commands: 0, projectors: 0, queries: 0 };
    let cluster = bench.cluster(CLUSTER, none, &folder).await?;
    cluster.seed("--messages", messages).await?;
    let rounds = bench
        .play_busy(&mut row, async || {
            let cpu = cluster.rebuild().await?;
            Ok(cpu.map(|it| messages as f64 / it.as_secs_f64().max(0.01)))
        })
        .await?;
    let (own, all) = rounds.into_iter().map(<(f64, f64)>::from).unzip();
    row.measure(CLUSTER, &[("events/CPU-s, the program alone", own), (ALL, all)]);
    let rate = row.median(CLUSTER, ALL).unwrap_or(f64::NAN);
    row.gates.push(Gate::at_least(ALL, rate, 5_000.0, Some(15_000.0)));
    row.note(SERVERS);
    Ok(row)
}

/// A role whose nodes are the narrow place, each no faster than a share of a core: so small that
/// two of them leave the servers what these need.
struct Narrow {
    id: &'static str,
    role: &'static str,
    share: f64,
    /// One node of the role, and two.
    contenders: [(&'static str, Nodes); 2],
    contest: Contest,
    figures: fn(&[Outcome]) -> Figures,
    /// What grows with another node, and what may hardly fall.
    rate: &'static str,
    each: &'static str,
}

fn queries(bench: &Bench) -> Narrow {
    let nodes = |queries| Nodes { queries, ..FEWEST };
    Narrow {
        id: "K1-queries",
        role: "query-api",
        share: 0.1,
        contenders: [("1 query node", nodes(1)), ("2 query nodes", nodes(2))],
        contest: capacity(bench, Shape::Group { online: 1_000 }, 8),
        figures: fan_out_figures,
        rate: "deliveries/s",
        each: RATE,
    }
}

fn commands(bench: &Bench) -> Narrow {
    let nodes = |commands| Nodes { commands, ..FEWEST };
    Narrow {
        id: "K1-commands",
        role: "command-api",
        share: 0.03,
        contenders: [("1 command node", nodes(1)), ("2 command nodes", nodes(2))],
        contest: capacity(bench, Shape::Pairs { pairs: 16 }, 64),
        figures: direct_figures,
        rate: "messages/s",
        each: MESSAGE_RATE,
    }
}

/// The same load on one node of a role and on two.
async fn another_node(bench: &Bench, narrow: Narrow) -> Result<Row> {
    let Narrow { id, role, share, contenders: [one, two], contest, figures, rate, each } = narrow;
    let mut row = Row::new(id, &format!("{role} nodes of {share} cores each"));
    let folder = bench.folder(id)?;
    let mut contenders = Vec::new();
    for (name, nodes) in [one, two] {
        let mut cluster = bench.cluster(name, nodes, &folder).await?;
        cluster.limited = Some((role, share));
        contenders.push(Contender::Cluster(Box::new(cluster)));
    }
    for (name, it) in bench.contest(&mut row, &mut contenders, contest).await? {
        row.measure(name, &figures(&it));
        row.note(shares(name, &it));
    }
    for (figure, bound) in [(rate, 1.5), (each, 0.8)] {
        let ratio = row.ratio(two.0, one.0, figure).unwrap_or(f64::NAN);
        row.gates.push(Gate::at_least(&format!("{figure}, times one node"), ratio, bound, None));
    }
    row.note("the other roles and the servers have what is left of all cores");
    Ok(row)
}
