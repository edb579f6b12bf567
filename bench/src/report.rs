//! What a row says: measures by contender, gates, notes; as a table, as JSON, as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

/// One line to standard output.
pub(crate) fn say(words: &str) {
    // Whoever closed the output does not want to hear that it is closed.
    let _ = writeln!(io::stdout().lock(), "{words}");
}

/// What one contender measured: names and medians.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Measure {
    pub(crate) contender: String,
    pub(crate) figures: Vec<Figure>,
}

/// The median and the spread over the rounds that count.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: &'static str,
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) enum Side {
    AtLeast,
    AtMost,
}

/// A goal: the bound that must hold, and the one to reach for.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Gate {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) side: Side,
    pub(crate) bound: f64,
    pub(crate) stretch: Option<f64>,
}

impl Gate {
    pub(crate) fn at_least(name: &str, value: f64, bound: f64, stretch: Option<f64>) -> Self {
        Self { name: name.to_owned(), value, side: Side::AtLeast, bound, stretch }
    }

    pub(crate) fn at_most(name: &str, value: f64, bound: f64, stretch: Option<f64>) -> Self {
        Self { name: name.to_owned(), value, side: Side::AtMost, bound, stretch }
    }

    pub(crate) fn met(&self) -> bool {
        self.holds(self.bound)
    }

    fn holds(&self, bound: f64) -> bool {
        match self.side {
            Side::AtLeast => self.value >= bound,
            Side::AtMost => self.value <= bound,
        }
    }

    fn verdict(&self) -> &'static str {
        match (self.met(), self.stretch) {
            (false, _) => "MISSED",
            (true, Some(stretch)) if self.holds(stretch) => "met, stretch too",
            (true, _) => "met",
        }
    }

    fn sign(&self) -> &'static str {
        match self.side {
            Side::AtLeast => "≥",
            Side::AtMost => "≤",
        }
    }
}

/// One line of the result.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) rounds: usize,
    pub(crate) void_rounds: usize,
    pub(crate) measures: Vec<Measure>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) notes: Vec<String>,
    /// Why the row counts for nothing.
    pub(crate) void: Option<String>,
}

impl Row {
    pub(crate) fn new(id: &str, title: &str) -> Self {
        Self {
            id: id.to_owned(),
            title: title.to_owned(),
            rounds: 0,
            void_rounds: 0,
            measures: Vec::new(),
            gates: Vec::new(),
            notes: Vec::new(),
            void: None,
        }
    }

    /// Adds what a contender measured, a value for each round.
    pub(crate) fn measure(&mut self, contender: &str, figures: &[(&'static str, Vec<f64>)]) {
        let figures: Vec<Figure> = figures
            .iter()
            .filter(|(_, values)| !values.is_empty())
            .map(|(name, values)| Figure {
                name,
                median: median(values),
                least: values.iter().copied().fold(f64::INFINITY, f64::min),
                most: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            })
            .collect();
        if !figures.is_empty() {
            self.measures.push(Measure { contender: contender.to_owned(), figures });
        }
    }

    /// The median of a figure of a contender, if it took part.
    pub(crate) fn median(&self, contender: &str, figure: &str) -> Option<f64> {
        let measure = self.measures.iter().find(|measure| measure.contender == contender)?;
        Some(measure.figures.iter().find(|it| it.name == figure)?.median)
    }

    /// How one contender stands to another in a figure.
    pub(crate) fn ratio(&self, one: &str, other: &str, figure: &str) -> Option<f64> {
        Some(self.median(one, figure)? / self.median(other, figure)?)
    }

    pub(crate) fn note(&mut self, words: impl Into<String>) {
        self.notes.push(words.into());
    }

    pub(crate) fn failed(&self) -> bool {
        self.void.is_some() || self.gates.iter().any(|gate| !gate.met())
    }

    pub(crate) fn table(&self) -> String {
        let mut out = format!("{}  {}", self.id, self.title);
        if self.rounds > 0 {
            let _ = write!(out, "  ({} rounds, {} void)", self.rounds, self.void_rounds);
        }
        for measure in &self.measures {
            let _ = write!(out, "\n    {:<24}", measure.contender);
            for figure in &measure.figures {
                let _ = write!(out, "  {} {}", figure.name, number(figure.median));
                if figure.least < figure.most {
                    let (least, most) = (number(figure.least), number(figure.most));
                    let _ = write!(out, " [{least}–{most}]");
                }
            }
        }
        for gate in &self.gates {
            let (value, bound) = (number(gate.value), number(gate.bound));
            let _ = write!(out, "\n    {}: {value} (gate {} {bound}", gate.name, gate.sign());
            if let Some(stretch) = gate.stretch {
                let _ = write!(out, ", stretch {} {}", gate.sign(), number(stretch));
            }
            let _ = write!(out, ") {}", gate.verdict());
        }
        self.notes.iter().for_each(|note| out.push_str(&format!("\n    note: {note}")));
        self.void.iter().for_each(|why| out.push_str(&format!("\n    VOID: {why}")));
        out
    }

    fn markdown(&self) -> String {
        let mut out = format!("\n## {}: {}\n\n", self.id, self.title);
        if let Some(why) = &self.void {
            let _ = writeln!(out, "**Void**: {why}\n");
        }
        if !self.measures.is_empty() {
            out.push_str("| server | measure | median | least | most |\n|---|---|--:|--:|--:|\n");
        }
        for measure in &self.measures {
            for figure in &measure.figures {
                let (least, most) = (number(figure.least), number(figure.most));
                let (contender, median) = (&measure.contender, number(figure.median));
                let _ = writeln!(
                    out,
                    "| {contender} | {} | {median} | {least} | {most} |",
                    figure.name
                );
            }
        }
        if !self.gates.is_empty() {
            out.push_str("\n| gate | value | bound | stretch | |\n|---|--:|--:|--:|---|\n");
        }
        for gate in &self.gates {
            let stretch = gate.stretch.map(number).unwrap_or_default();
            let (value, bound) = (number(gate.value), number(gate.bound));
            let (name, sign, verdict) = (&gate.name, gate.sign(), gate.verdict());
            let _ = writeln!(out, "| {name} | {value} | {sign} {bound} | {stretch} | {verdict} |");
        }
        self.notes.iter().for_each(|note| out.push_str(&format!("\n{note}\n")));
        out
    }
}

pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { (sorted[middle - 1] + sorted[middle]) / 2.0 }
}

/// The slope of the line that fits the logarithms best.
pub(crate) fn log_log_slope(points: &[(f64, f64)]) -> f64 {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = logs.len() as f64;
    let x_mean = logs.iter().map(|(x, _)| x).sum::<f64>() / count;
    let y_mean = logs.iter().map(|(_, y)| y).sum::<f64>() / count;
    let rise: f64 = logs.iter().map(|(x, y)| (x - x_mean) * (y - y_mean)).sum();
    let run: f64 = logs.iter().map(|(x, _)| (x - x_mean).powi(2)).sum();
    rise / run
}

/// Three digits that matter.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        large if large >= 100.0 => 0,
        middle if middle >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

/// Writes both forms of the result.
pub(crate) fn write(folder: &Path, stem: &str, machine: &Value, rows: &[Row]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let all = json!({ "machine": machine, "rows": rows });
    fs::write(folder.join(format!("{stem}.json")), serde_json::to_string_pretty(&all)? + "\n")?;
    let mut text = format!("# Benchmark of {stem}\n\nThe machine: ");
    let described = machine.as_object().into_iter().flatten();
    let words: Vec<String> = described
        .map(|(name, value)| {
            format!("{name} {}", value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        })
        .collect();
    let _ = writeln!(text, "{}.", words.join(", "));
    text.push_str("Medians over the rounds that count; CPU is that of every server process.\n");
    rows.iter().for_each(|row| text.push_str(&row.markdown()));
    fs::write(folder.join(format!("{stem}.md")), text)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{Gate, Row, log_log_slope, median};

    #[test]
    fn the_middle_is_the_median() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn a_power_law_has_its_exponent_as_slope() {
        let points = [(1e3, 2.0), (1e4, 20.0), (1e5, 200.0)];
        assert!((log_log_slope(&points) - 1.0).abs() < 1e-9);
        assert!(log_log_slope(&[(1e3, 5.0), (1e5, 5.0)]).abs() < 1e-9);
    }

    #[test]
    fn a_row_fails_by_a_missed_gate_or_as_void() {
        let mut row = Row::new("X", "x");
        row.gates.push(Gate::at_most("low", 1.0, 2.0, None));
        assert!(!row.failed());
        row.gates.push(Gate::at_least("high", f64::NAN, 2.0, None));
        assert!(row.failed());
        let mut row = Row::new("X", "x");
        row.void = Some("no server".to_owned());
        assert!(row.failed());
    }
}
