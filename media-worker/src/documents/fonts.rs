//! The fonts that pages are set in. They are built in: behind the walls nothing is looked for.

use hayro::kurbo::BezPath;
use skrifa::charmap::Charmap;
use skrifa::instance::{LocationRef, Size};
use skrifa::metrics::GlyphMetrics;
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, GlyphId, MetadataProvider, OutlineGlyphCollection};

use crate::shown::is_order;

/// Characters by which it is told whether a text can be shown.
const LOOKED_AT: usize = 2_000;

/// What letters a text is set in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Letters {
    /// As in a book.
    Running,
    /// All of a width, for what its writer has aligned.
    Even,
}

/// A font in a size.
pub(super) struct Face {
    characters: Charmap<'static>,
    widths: GlyphMetrics<'static>,
    outlines: OutlineGlyphCollection<'static>,
    size: Size,
}

impl Face {
    pub(super) fn new(letters: Letters, size: f32) -> Option<Face> {
        let file = match letters {
            Letters::Running => dejavu::sans::regular(),
            Letters::Even => dejavu::sans_mono::regular(),
        };
        let font = FontRef::new(file).ok()?;
        let size = Size::new(size);
        Some(Face {
            characters: font.charmap(),
            widths: font.glyph_metrics(size, LocationRef::default()),
            outlines: font.outline_glyphs(),
            size,
        })
    }

    /// The glyph of a character, of those that stand where they are written: letters that run
    /// from right to left, or change beside others, need more than a glyph each.
    fn glyph(&self, it: char) -> Option<GlyphId> {
        let turns = matches!(it, '\u{0590}'..='\u{109f}' | '\u{1100}'..='\u{11ff}'
            | '\u{1700}'..='\u{1cff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}');
        let glyph = self.characters.map(it).filter(|_| !turns)?;
        Some(glyph).filter(|it| *it != GlyphId::NOTDEF)
    }

    /// How wide a character is. What has no glyph is a gap, and no box.
    pub(super) fn width(&self, it: char) -> f32 {
        if is_order(it) {
            return 0.0;
        }
        let glyph = self.glyph(it).unwrap_or(GlyphId::NOTDEF);
        self.widths.advance_width(glyph).unwrap_or_default()
    }

    /// Adds the outline of a character, whose line stands at `y`.
    pub(super) fn draw(&self, it: char, x: f32, y: f32, to: &mut BezPath) {
        let glyph = self.glyph(it).filter(|_| !is_order(it));
        let Some(outline) = glyph.and_then(|it| self.outlines.get(it)) else { return };
        let how = DrawSettings::unhinted(self.size, LocationRef::default());
        // What can't be drawn is a gap, too.
        let _ = outline.draw(how, &mut Pen { x, y, to });
    }

    /// Whether there are glyphs for most of what a text begins with.
    pub(super) fn shows(&self, text: &str) -> bool {
        let (mut known, mut all) = (0_usize, 0_usize);
        for it in text.chars().filter(|it| !it.is_whitespace()).take(LOOKED_AT) {
            all += 1;
            known += usize::from(self.glyph(it).is_some());
        }
        known * 2 >= all
    }
}

/// Draws at a place, downwards as pictures are.
struct Pen<'a> {
    x: f32,
    y: f32,
    to: &'a mut BezPath,
}

impl Pen<'_> {
    fn at(&self, x: f32, y: f32) -> (f64, f64) {
        (f64::from(self.x + x), f64::from(self.y - y))
    }
}

impl OutlinePen for Pen<'_> {
    fn move_to(&mut self, x: f32, y: f32) {
        self.to.move_to(self.at(x, y));
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.to.line_to(self.at(x, y));
    }

    fn quad_to(&mut self, by_x: f32, by_y: f32, x: f32, y: f32) {
        self.to.quad_to(self.at(by_x, by_y), self.at(x, y));
    }

    fn curve_to(&mut self, by_x: f32, by_y: f32, and_x: f32, and_y: f32, x: f32, y: f32) {
        self.to.curve_to(self.at(by_x, by_y), self.at(and_x, and_y), self.at(x, y));
    }

    fn close(&mut self) {
        self.to.close_path();
    }
}

#[cfg(test)]
mod tests {
    use super::{Face, Letters};

    #[test]
    fn what_is_shown_has_glyphs() {
        for letters in [Letters::Running, Letters::Even] {
            let face = Face::new(letters, 10.0).expect("a font");
            for text in ["", "Grüße", "Ελλάδα", "Привет", "a 日", "1\t2\n", "łódź ½ €"]
            {
                assert!(face.shows(text), "{text}");
            }
            for text in ["日本", "a 日本", "한국어", "ไทย", "שלום", "مرحبا", "हिन्दी", "\u{e0ff}"]
            {
                assert!(!face.shows(text), "{text}");
            }
            assert!(face.width('M') > 5.0 && face.width('日') > 0.0);
            assert!(face.width('\u{202e}') == 0.0);
        }
    }
}
