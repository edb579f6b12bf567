//! Glyphs that stand somewhere on a page, as lines of text.

use crate::code::TEXT_BYTES_MAX;

/// A gap that is a space, in ems: thinner ones are between the letters of a word.
const SPACE_EMS: f64 = 0.15;

/// What is so far above or below the last glyph stands on another line.
const LINE_EMS: f64 = 0.5;

/// How wide a glyph is whose font doesn't say, in thousandths of an em.
const USUAL: f64 = 500.0;

/// The text of a page so far, and where its last glyph ends.
#[derive(Default)]
pub(super) struct Lines {
    said: String,
    end: Option<(f64, f64)>,
}

impl Lines {
    /// Adds what a glyph says that stands at a point, where an em of its line reaches as far as
    /// `em`, and that is so many thousandths of an em wide.
    pub(super) fn add(&mut self, says: &str, at: (f64, f64), em: (f64, f64), wide: Option<f64>) {
        if self.said.len() >= TEXT_BYTES_MAX {
            return;
        }
        let length = em.0.hypot(em.1);
        if !(length.is_normal() && at.0.is_finite() && at.1.is_finite()) {
            self.said.push_str(says);
            return;
        }
        if let Some(end) = self.end.filter(|_| !says.is_empty()) {
            let (x, y) = (at.0 - end.0, at.1 - end.1);
            // In ems, along the line and across it.
            let along = (x * em.0 + y * em.1) / (length * length);
            let across = (y * em.0 - x * em.1) / (length * length);
            if across.abs() > LINE_EMS || along < -1.0 {
                self.separate('\n');
            } else if along > SPACE_EMS && !says.starts_with(char::is_whitespace) {
                self.separate(' ');
            }
        }
        self.said.push_str(says);
        let wide = wide.filter(|it| it.is_finite()).unwrap_or(USUAL) / 1000.0;
        self.end = Some((at.0 + em.0 * wide, at.1 + em.1 * wide));
    }

    fn separate(&mut self, by: char) {
        let ends = if by == '\n' {
            self.said.ends_with('\n')
        } else {
            self.said.ends_with(char::is_whitespace)
        };
        if !ends {
            self.said.push(by);
        }
    }

    pub(super) fn said(self) -> String {
        self.said
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    /// Letters at places on lines of ten points.
    fn said(glyphs: &[(&str, f64, f64)]) -> String {
        let mut lines = Lines::default();
        for (says, x, y) in glyphs {
            lines.add(says, (*x, *y), (10.0, 0.0), Some(500.0));
        }
        lines.said()
    }

    #[test]
    fn a_gap_is_a_space_and_another_height_a_line() {
        assert_eq!(said(&[("a", 0.0, 0.0), ("b", 5.0, 0.0), ("c", 13.0, 0.0)]), "ab c");
        assert_eq!(said(&[("a", 0.0, 0.0), ("b", 0.0, 12.0)]), "a\nb");
        assert_eq!(said(&[("a", 0.0, 0.0), (" ", 5.0, 0.0), ("b", 20.0, 0.0)]), "a b");
        assert_eq!(said(&[("x", 0.0, 0.0), ("2", 5.0, -4.0)]), "x2", "a power stands on its line");
    }

    #[test]
    fn places_that_are_none_break_nothing() {
        let mut lines = Lines::default();
        for at in [f64::NAN, f64::INFINITY, -f64::MAX, 1.0] {
            lines.add("a", (at, 0.0), (f64::MAX, 0.0), Some(f64::NAN));
            lines.add("a", (0.0, at), (0.0, 0.0), None);
        }
        assert_eq!(lines.said().matches('a').count(), 8);
    }
}
