//! A page that shows the beginning of a text, as one sees it in an editor: black on white, as it
//! is said, and nothing in it is an order.

use hayro::kurbo::BezPath;
use hayro::vello_cpu::color::palette::css::{BLACK, WHITE};
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use image::{DynamicImage, RgbaImage};

use super::fonts::{Face, Letters};

/// A4, as large as the largest preview.
const WIDTH: u16 = 1131;
const HEIGHT: u16 = 1600;

/// Pixels of a point, of which an A4 is 842 high.
const POINT: f32 = 1.9;
const MARGIN: f32 = 57.0 * POINT;
const SIZE: f32 = 10.0 * POINT;
const LINE: f32 = 14.0 * POINT;

/// Between the columns of a table.
const GAP: f32 = 10.0 * POINT;

/// As much of a text as fits on a page of small print.
const CHARACTERS_MAX: usize = 6_000;

/// Columns of a table that are set.
const COLUMNS_MAX: usize = 12;

/// Where the next column of letters begins that a tab leads to.
const TAB: usize = 8;

/// The first page of a text, if it says something, and in letters that there are glyphs for.
pub(crate) fn page(text: &str, letters: Letters) -> Option<DynamicImage> {
    let face = Face::new(letters, SIZE)?;
    if text.trim().is_empty() || !face.shows(text) {
        return None;
    }
    let end = text.char_indices().nth(CHARACTERS_MAX).map_or(text.len(), |it| it.0);
    let mut page = Page { face, path: BezPath::new(), line: MARGIN + SIZE };
    let mut table: Vec<Vec<&str>> = Vec::new();
    for line in text[..end].lines() {
        if letters == Letters::Running && line.contains('\t') {
            table.push(line.split('\t').take(COLUMNS_MAX).collect());
            continue;
        }
        page.table(&std::mem::take(&mut table));
        page.wrapped(&untabbed(line));
        if page.is_full() {
            break;
        }
    }
    page.table(&table);
    page.painted()
}

/// A line with spaces up to where its tabs lead.
fn untabbed(line: &str) -> String {
    let mut made = String::with_capacity(line.len());
    let mut column = 0;
    for it in line.chars() {
        if it == '\t' {
            let spaces = TAB - column % TAB;
            made.extend(std::iter::repeat_n(' ', spaces));
            column += spaces;
        } else {
            made.push(it);
            column += 1;
        }
    }
    made
}

struct Page {
    face: Face,
    path: BezPath,
    /// Where the next line stands.
    line: f32,
}

impl Page {
    fn is_full(&self) -> bool {
        self.line > f32::from(HEIGHT) - MARGIN
    }

    fn width(&self, text: &str) -> f32 {
        text.chars().map(|it| self.face.width(it)).sum()
    }

    /// Writes from a place as far as there is room.
    fn write(&mut self, text: &str, from: f32, to: f32) {
        let mut x = from;
        for it in text.chars() {
            let width = self.face.width(it);
            // Half a pixel is no room.
            if x + width > to + 0.5 {
                break;
            }
            self.face.draw(it, x, self.line, &mut self.path);
            x += width;
        }
    }

    /// A line, on as many as it needs.
    fn wrapped(&mut self, line: &str) {
        let mut rest = line.trim_end();
        loop {
            if self.is_full() {
                return;
            }
            let fits = self.fits(rest);
            let (now, later) = rest.split_at(fits);
            self.write(now, MARGIN, f32::from(WIDTH) - MARGIN);
            self.line += LINE;
            rest = later.trim_start();
            if rest.is_empty() {
                return;
            }
        }
    }

    /// How many bytes of a text fit on a line: whole words, but of one that is too long.
    fn fits(&self, text: &str) -> usize {
        let room = f32::from(WIDTH) - 2.0 * MARGIN;
        let (mut width, mut words) = (0.0, 0);
        for (at, it) in text.char_indices() {
            if it.is_whitespace() && !text[..at].trim().is_empty() {
                words = at;
            }
            width += self.face.width(it);
            // One character fits anywhere.
            if width > room && at > 0 {
                return if words > 0 { words } else { at };
            }
        }
        text.len()
    }

    /// Rows whose cells stand below each other, each on one line.
    fn table(&mut self, rows: &[Vec<&str>]) {
        let room = f32::from(WIDTH) - 2.0 * MARGIN;
        let wide = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|it| it.get(column));
            cells.map(|it| self.width(it)).fold(0.0, f32::max) + GAP
        };
        let mut widths: Vec<f32> = (0..wide).map(width).collect();
        let all: f32 = widths.iter().sum();
        if all > room {
            // Those that ask for more than their share get what the others leave.
            let share = room / wide as f32;
            let small: f32 = widths.iter().filter(|it| **it <= share).sum();
            let large: f32 = all - small;
            for it in widths.iter_mut().filter(|it| **it > share) {
                *it *= (room - small) / large;
            }
        }
        for row in rows {
            if self.is_full() {
                return;
            }
            let mut x = MARGIN;
            for (cell, width) in row.iter().zip(&widths) {
                self.write(cell, x, x + width - GAP);
                x += width;
            }
            self.line += LINE;
        }
    }

    fn painted(self) -> Option<DynamicImage> {
        let mut context = RenderContext::new(WIDTH, HEIGHT);
        context.set_paint(BLACK);
        context.fill_path(&self.path);
        context.flush();
        let mut map = Pixmap::new(WIDTH, HEIGHT);
        let on_white =
            RasterizerSettings { target_init: TargetInit::Clear(WHITE), ..Default::default() };
        context.render_with(&mut map, &mut Resources::default(), on_white);
        // It is opaque, so there is nothing to divide.
        let pixels = map.data_as_u8_slice().to_vec();
        let picture = RgbaImage::from_raw(WIDTH.into(), HEIGHT.into(), pixels)?;
        Some(DynamicImage::from(DynamicImage::from(picture).into_rgb8()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank() -> Page {
        let face = Face::new(Letters::Running, SIZE).expect("a font");
        Page { face, path: BezPath::new(), line: MARGIN + SIZE }
    }

    #[test]
    fn lines_break_between_words_and_in_one_that_is_too_long() {
        let page = blank();
        let words = "word ".repeat(100);
        let fits = page.fits(&words);
        assert!(fits > 50 && words[..fits].ends_with("word"));
        assert!(page.width(&words[..fits]) <= f32::from(WIDTH) - 2.0 * MARGIN);
        let long = "m".repeat(500);
        assert!((20..100).contains(&page.fits(&long)));
        assert_eq!(page.fits("short"), 5);
        let mut page = blank();
        page.wrapped(&long);
        assert!(page.line > MARGIN + 5.0 * LINE);
        page.wrapped(&"x".repeat(1_000_000));
        assert!(page.is_full());
        assert_eq!(untabbed("a\tbc\t\td"), "a       bc              d");
    }

    #[test]
    fn no_letter_stands_outside_of_the_page() {
        use hayro::kurbo::Shape;
        for text in ["a\tb\tc".repeat(300), "long ".repeat(5_000), "x\n".repeat(5_000)] {
            let mut page = blank();
            page.table(&[text.split('\t').take(COLUMNS_MAX).collect()]);
            page.wrapped(&text);
            let bounds = page.path.bounding_box();
            assert!(bounds.x0 > 0.0 && bounds.x1 < f64::from(WIDTH), "{bounds:?}");
            assert!(bounds.y0 > 0.0 && bounds.y1 < f64::from(HEIGHT), "{bounds:?}");
        }
    }
}
