//! PDF, by a library that opens nothing: its fonts and tables of characters are built in.

use hayro::hayro_interpret::font::{Glyph, GlyphRun, PositionedGlyph};
use hayro::hayro_interpret::hayro_cmap::BfString;
use hayro::hayro_interpret::{
    BlendMode, ClipPath, Context, Device, DrawMode, DrawProps, Image, ImageDrawProps,
    InterpreterCache, InterpreterSettings, SoftMask, TransformExt, interpret_page,
};
use hayro::hayro_syntax::object::{self, Dict};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::{Affine, BezPath, Rect};
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::{DynamicImage, RgbaImage};
use rustix::time::{ClockId, clock_gettime};

use super::lines::Lines;
use super::{Found, Text, if_it_can};
use crate::images::SIZES;
use crate::outcome::Failure;

/// Pages that are read for their text.
const PAGES_READ_MAX: usize = 500;

/// Seconds of processor after which no further page is read.
const SECONDS_MAX: i64 = 6;

/// Marks within marks that are followed.
const MARKED_MAX: usize = 64;

/// The units of a glyph in an em.
const UNITS: f64 = 1000.0;

pub(super) fn find(bytes: Vec<u8>) -> Result<Found, Failure> {
    let pdf = match Pdf::new(bytes) {
        Ok(pdf) => pdf,
        Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => {
            return Ok(Found { encrypted: true, ..Found::default() });
        }
        Err(LoadPdfError::Decryption(error)) => {
            return Err(Failure::unsupported(format_args!("{error:?}")));
        }
        Err(LoadPdfError::Invalid) => return Err(Failure::corrupt("not a PDF")),
    };
    let pages = pdf.pages();
    if pages.is_empty() {
        return Err(Failure::corrupt("a PDF without pages"));
    }
    let mut text = Text::default();
    for (number, page) in pages.iter().enumerate() {
        let seconds = clock_gettime(ClockId::ProcessCPUTime).tv_sec;
        if number == PAGES_READ_MAX || seconds >= SECONDS_MAX {
            text.full = true;
            break;
        }
        let read = if_it_can(|| Some(read(page)));
        if !text.add(&read.unwrap_or_default()) || !text.end_line() {
            break;
        }
    }
    let pages = Some(pages.len() as u64);
    let picture = Box::new(move || pdf.pages().first().and_then(painted));
    Ok(Found { pages, text: Some(text), picture: Some(picture), encrypted: false })
}

/// The page on white, as large as the largest preview.
fn painted(page: &Page<'_>) -> Option<DynamicImage> {
    let (width, height) = page.render_dimensions();
    let longest = width.max(height);
    if !(longest.is_finite() && width > 0.0 && height > 0.0) {
        return None;
    }
    let most = *SIZES.iter().max()?;
    // Bounded by `most`, which is far below what 16 bits hold.
    let pixels = |side: f32| (side / longest * most as f32).round().max(1.0);
    let (wide, high) = (pixels(width), pixels(height));
    let settings = PixmapSettings {
        // A hair more than the size, which is rounded down.
        x_scale: (wide + 0.01) / width,
        y_scale: (high + 0.01) / height,
        bg_color: WHITE,
    };
    let cache = RenderCache::new();
    let how = InterpreterSettings::default();
    let map = hayro::render(page, &cache, &how, &RenderSettings::default(), &settings);
    let (wide, high) = (u32::from(map.width()), u32::from(map.height()));
    // It was opaque from the start, so there is nothing to divide.
    let picture = RgbaImage::from_raw(wide, high, map.data_as_u8_slice().to_vec())?;
    Some(DynamicImage::from(DynamicImage::from(picture).into_rgb8()))
}

/// What a page says, in the order in which it is painted.
fn read(page: &Page<'_>) -> String {
    let (width, height) = page.render_dimensions();
    let cache = InterpreterCache::new();
    let whole = Rect::new(0.0, 0.0, f64::from(width), f64::from(height));
    let transform = page.initial_transform(true).to_kurbo();
    let how = InterpreterSettings::default();
    let mut context = Context::new(transform, whole, &cache, page.xref(), how);
    let mut reader = Reader::default();
    interpret_page(page, &mut context, &mut reader);
    reader.lines.said()
}

/// What a string of a PDF says that is for people.
fn characters(bytes: &[u8]) -> String {
    match bytes.strip_prefix(&[0xFE, 0xFF]) {
        Some(wide) => {
            let units = wide.as_chunks::<2>().0.iter().map(|it| u16::from_be_bytes(*it));
            char::decode_utf16(units).map(|it| it.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        // The rest of the table differs where nobody writes.
        None => bytes.iter().map(|it| char::from(*it)).collect(),
    }
}

/// What hears of each glyph that would be painted.
#[derive(Default)]
struct Reader {
    lines: Lines,
    /// Of each stretch that is marked, what it says in place of its glyphs.
    marked: Vec<Option<String>>,
}

impl Reader {
    fn hear(&mut self, glyph: &PositionedGlyph<'_>, transform: Affine) {
        let advance = match &**glyph {
            Glyph::Outline(it) => it.advance_width(),
            Glyph::Type3(it) => it.advance_width(),
        };
        // Its first glyph says all that a stretch says.
        let says = match self.marked.iter_mut().flatten().next() {
            Some(stretch) => std::mem::take(stretch),
            None => match glyph.as_unicode() {
                Some(BfString::Char(it)) => it.to_string(),
                Some(BfString::String(it)) => it,
                None => return,
            },
        };
        let placed = transform * glyph.transform();
        let [x, y, _, _, left, top] = placed.as_coeffs();
        self.lines.add(&says, (left, top), (x * UNITS, y * UNITS), advance.map(f64::from));
    }
}

impl<'a> Device<'a> for Reader {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, 'a>, props: DrawProps<'a>, _: &DrawMode) {
        for glyph in run.glyphs() {
            self.hear(glyph, props.transform);
        }
    }

    fn begin_marked_content(&mut self, _: &[u8], properties: Option<&Dict<'_>>) {
        if self.marked.len() < MARKED_MAX {
            let says = properties.and_then(|it| it.get::<object::String<'_>>(b"ActualText"));
            self.marked.push(says.map(|it| characters(it.as_bytes())));
        }
    }

    fn end_marked_content(&mut self) {
        self.marked.pop();
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'a>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'a>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'a, '_>, _: ImageDrawProps<'a>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
