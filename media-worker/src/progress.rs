//! How far a job is that takes long: lines of `{"progress":N}` before the last, N from 1 to 99.
//!
//! The decoder tells; the process outside hands on what is exactly that, and no more of it than
//! there are numbers.

use std::io::{self, BufRead, Read, Write};

use serde::{Deserialize, Serialize};

/// The longest of these lines, with its end.
const LINE_BYTES_MAX: u64 = r#"{"progress":99}"#.len() as u64 + 1;

/// What is done is told by the last line.
const PER_CENT_MAX: u8 = 99;

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Line {
    progress: u8,
}

impl Line {
    /// With its end.
    fn text(&self) -> String {
        serde_json::to_string(self).expect("a number is plain") + "\n"
    }

    /// What was said, if it is said as here.
    fn of(said: &[u8]) -> Option<Line> {
        let line: Line = serde_json::from_slice(said).ok()?;
        (line.text().as_bytes() == said).then_some(line)
    }
}

/// How much was told: each number at most once, and always a larger one.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    told: u8,
}

impl Progress {
    /// Tells that `done` of `all` are done, if that is a per cent more than was told.
    pub(crate) fn reached(&mut self, done: i64, all: i64) {
        if let Some(line) = self.line(done, all) {
            // Who does not hear how far it is hears what comes of it, or that it can't be heard.
            let _ = say(&line, &mut io::stdout());
        }
    }

    fn line(&mut self, done: i64, all: i64) -> Option<Line> {
        let per_cent = i128::from(done) * 100 / i128::from(all.max(1));
        let progress = u8::try_from(per_cent.clamp(0, PER_CENT_MAX.into())).ok()?;
        self.rises(progress).then_some(Line { progress })
    }

    fn rises(&mut self, progress: u8) -> bool {
        let rises = self.told < progress && progress <= PER_CENT_MAX;
        if rises {
            self.told = progress;
        }
        rises
    }
}

/// Hands on how far a decoder says that it is, at once, and gives back the first of what it says
/// after that.
pub(crate) fn hand_on(from: &mut impl BufRead, to: &mut impl Write) -> Vec<u8> {
    let mut progress = Progress::default();
    loop {
        let mut said = Vec::new();
        // An error is an end: what counts is what was said until then.
        let _ = from.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut said);
        let line = Line::of(&said).filter(|it| progress.rises(it.progress));
        let Some(line) = line else { return said };
        let _ = say(&line, to);
    }
}

fn say(line: &Line, to: &mut impl Write) -> io::Result<()> {
    to.write_all(line.text().as_bytes())?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is handed on of something said, and what is left of it.
    fn heard(said: &str) -> (String, String) {
        let (mut from, mut to) = (said.as_bytes(), Vec::new());
        let mut left = hand_on(&mut from, &mut to);
        left.extend(from);
        let text = |it| String::from_utf8(it).expect("it was text");
        (text(to), text(left))
    }

    fn lines(numbers: impl Iterator<Item = u8>) -> String {
        numbers.map(|it| format!("{{\"progress\":{it}}}\n")).collect()
    }

    #[test]
    fn what_is_told_rises_from_1_to_99() {
        let mut progress = Progress::default();
        let told = (-5..300).filter_map(|it| progress.line(it, 250)).map(|it| it.progress);
        assert_eq!(told.collect::<Vec<_>>(), (1..=99).collect::<Vec<_>>());
        let mut progress = Progress::default();
        let odd = [(0, 0), (i64::MIN, 1), (1, i64::MIN), (1, 2), (i64::MAX, 1), (1, 0)];
        let told = odd.iter().filter_map(|it| progress.line(it.0, it.1)).map(|it| it.progress);
        assert_eq!(told.collect::<Vec<_>>(), [99], "what is done before it began is nearly done");
    }

    #[test]
    fn lines_are_handed_on_until_another_comes() {
        let all = lines(1..=99);
        assert_eq!(heard(&format!("{all}{{}}")), (all.clone(), "{}".to_owned()));
        assert_eq!(heard(&all), (all.clone(), String::new()));
        assert_eq!(heard(""), (String::new(), String::new()));
        let more = format!("{all}{all}");
        assert_eq!(heard(&more), (all.clone(), all), "none comes twice");
    }

    #[test]
    fn what_is_no_such_line_is_not_handed_on() {
        let others = [
            "{\"progress\":0}\n",
            "{\"progress\":100}\n",
            "{\"progress\":-1}\n",
            "{\"progress\":1.5}\n",
            "{\"progress\":\"1\"}\n",
            "{\"progress\":1,\"x\":2}\n",
            "{\"progress\":1}",
            "{\"progress\":1}x\n",
            "{\"progress\": 9}\n",
            "{\"progress\":  99}\n",
            "{\"progress\":09}\n",
            "[1]\n",
            "\n",
            "\x1b[2J\n",
        ];
        for other in others {
            assert_eq!(heard(other), (String::new(), other.to_owned()));
            let (first, behind) = (lines(1..=1), format!("{other}{}", lines(2..=2)));
            assert_eq!(heard(&format!("{first}{behind}")), (first, behind));
        }
        let falls = format!("{}{}", lines(7..=7), lines(7..=7));
        assert_eq!(heard(&falls), (lines(7..=7), lines(7..=7)));
        let endless = "1".repeat(1 << 20);
        assert_eq!(heard(&endless), (String::new(), endless));
    }
}
