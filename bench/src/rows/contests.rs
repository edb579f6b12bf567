//! F1, F2, D1, L1, L2: Parlance beside the floors and the peer, under the same load.

use std::time::Duration;

use anyhow::Result;

use crate::contender::{EJABBERD, PARLANCE, SHARED};
use crate::drive::Load;
use crate::floor::Mode;
use crate::report::{Gate, Row};
use crate::rounds::{Bench, Contest, each};
use crate::stage::{Outcome, Shape, percentile_ms};

pub(super) const RATE: &str = "deliveries/CPU-s";
pub(super) const MESSAGE_RATE: &str = "messages/CPU-s";
pub(super) const P50: &str = "p50 ms";
const P99: &str = "p99 ms";

const BOTH: [Mode; 2] = [Mode::Shared, Mode::Joined];

/// F1: a few messages under way, so that frames are seldom joined.
pub(crate) async fn fan_out(bench: &Bench, rows: &mut Vec<Row>) {
    for online in [100, 1_000] {
        let mut row = Row::new(
            &format!("F1-{online}"),
            &format!("group heard by {online}, 4 messages in flight, p99 to the last"),
        );
        let contest = capacity(bench, Shape::Group { online }, 4);
        contend(bench, &mut row, &BOTH, true, contest, fan_out_figures).await;
        at_least(&mut row, SHARED, RATE, 0.6, Some(0.9));
        at_least(&mut row, EJABBERD, RATE, 6.0, None);
        rows.push(row);
    }
}

/// F2: enough under way that whoever joins frames wins.
pub(crate) async fn burst(bench: &Bench, rows: &mut Vec<Row>) {
    let mut row = Row::new("F2", "group heard by 1000, 16 messages in flight, p99 to the last");
    let contest = capacity(bench, Shape::Group { online: 1_000 }, 16);
    contend(bench, &mut row, &BOTH, false, contest, fan_out_figures).await;
    at_least(&mut row, SHARED, RATE, 3.0, Some(6.0));
    at_most(&mut row, SHARED, P99, 0.5, Some(0.25));
    rows.push(row);
}

/// D1: conversations of two, one side sending.
pub(crate) async fn direct(bench: &Bench, rows: &mut Vec<Row>) {
    let mut row = Row::new("D1", "10 direct conversations, 32 durable messages in flight");
    let contest = capacity(bench, Shape::Pairs { pairs: 10 }, 32);
    contend(bench, &mut row, &[Mode::Shared], true, contest, direct_figures).await;
    at_least(&mut row, SHARED, MESSAGE_RATE, 0.3, Some(0.6));
    at_least(&mut row, EJABBERD, MESSAGE_RATE, 8.0, Some(15.0));
    rows.push(row);
}

/// L1: from due to received.
pub(crate) async fn direct_latency(bench: &Bench, rows: &mut Vec<Row>) {
    let mut row = Row::new("L1", "direct messages at 50/s, from due to received");
    let contest = latency(bench, Shape::Pairs { pairs: 1 }, 50.0);
    contend(bench, &mut row, &[Mode::Shared], true, contest, latency_figures).await;
    at_most(&mut row, SHARED, P50, 2.0, Some(1.3));
    at_most(&mut row, SHARED, P99, 2.0, Some(1.3));
    at_most(&mut row, EJABBERD, P50, 0.9, Some(0.6));
    rows.push(row);
}

/// L2: from due to received by the last.
pub(crate) async fn group_latency(bench: &Bench, rows: &mut Vec<Row>) {
    let mut row = Row::new("L2", "group heard by 100 at 5/s, from due to the last");
    let contest = latency(bench, Shape::Group { online: 100 }, 5.0);
    contend(bench, &mut row, &[Mode::Shared], true, contest, |outcomes| {
        vec![
            (P50, each(outcomes, |it| percentile_ms(&it.last, 50.0))),
            (P99, each(outcomes, |it| percentile_ms(&it.last, 99.0))),
        ]
    })
    .await;
    at_most(&mut row, SHARED, P99, 2.0, Some(1.3));
    at_most(&mut row, EJABBERD, P99, 0.7, None);
    rows.push(row);
}

pub(super) fn capacity(bench: &Bench, shape: Shape, in_flight: usize) -> Contest {
    let measured = Duration::from_secs(bench.pick(4, 1));
    Contest { shape, load: Load::Closed { in_flight }, warm: Duration::from_secs(1), measured }
}

pub(super) fn latency(bench: &Bench, shape: Shape, per_second: f64) -> Contest {
    let measured = Duration::from_secs(bench.pick(20, 3));
    Contest { shape, load: Load::Open { per_second }, warm: Duration::from_secs(1), measured }
}

pub(super) type Figures = Vec<(&'static str, Vec<f64>)>;

pub(super) fn direct_figures(outcomes: &[Outcome]) -> Figures {
    vec![
        (MESSAGE_RATE, each(outcomes, Outcome::messages_per_cpu_second)),
        ("messages/s", each(outcomes, |it| it.messages as f64 / it.wall.as_secs_f64())),
        (P99, each(outcomes, |it| percentile_ms(&it.each, 99.0))),
    ]
}

pub(super) fn latency_figures(outcomes: &[Outcome]) -> Figures {
    vec![
        (P50, each(outcomes, |it| percentile_ms(&it.each, 50.0))),
        (P99, each(outcomes, |it| percentile_ms(&it.each, 99.0))),
    ]
}

pub(super) fn fan_out_figures(outcomes: &[Outcome]) -> Figures {
    vec![
        (RATE, each(outcomes, Outcome::deliveries_per_cpu_second)),
        ("deliveries/s", each(outcomes, |it| it.deliveries as f64 / it.wall.as_secs_f64())),
        (P50, each(outcomes, |it| percentile_ms(&it.last, 50.0))),
        (P99, each(outcomes, |it| percentile_ms(&it.last, 99.0))),
    ]
}

/// Plays the contest and notes what each measured; what goes wrong makes the row void.
async fn contend(
    bench: &Bench,
    row: &mut Row,
    modes: &[Mode],
    peer: bool,
    contest: Contest,
    figures: impl Fn(&[Outcome]) -> Figures,
) {
    match play(bench, row, modes, peer, contest).await {
        Ok(outcomes) => outcomes.iter().for_each(|(name, it)| row.measure(name, &figures(it))),
        Err(error) => row.void = Some(format!("{error:#}")),
    }
}

async fn play(
    bench: &Bench,
    row: &mut Row,
    modes: &[Mode],
    peer: bool,
    contest: Contest,
) -> Result<Vec<(&'static str, Vec<Outcome>)>> {
    let folder = bench.folder(&row.id)?;
    let mut contenders = bench.contenders(row, &folder, modes, peer).await?;
    bench.contest(row, &mut contenders, contest).await
}

/// Gates Parlance by the ratio to another; without both there is nothing to gate.
fn at_least(row: &mut Row, other: &str, figure: &str, bound: f64, stretch: Option<f64>) {
    if let Some(ratio) = row.ratio(PARLANCE, other, figure) {
        row.gates.push(Gate::at_least(&against(figure, other), ratio, bound, stretch));
    }
}

fn at_most(row: &mut Row, other: &str, figure: &str, bound: f64, stretch: Option<f64>) {
    if let Some(ratio) = row.ratio(PARLANCE, other, figure) {
        row.gates.push(Gate::at_most(&against(figure, other), ratio, bound, stretch));
    }
}

fn against(figure: &str, other: &str) -> String {
    format!("{figure}, times {other}")
}
