//! Addresses as pictures to be scanned (ISO/IEC 18004).

use qrcode::QrCode;
use qrcode::render::svg;

/// Smallest side of a picture, in pixels.
const SIDE: u32 = 240;

/// A text of at most 2,000 bytes as a picture.
pub(crate) fn svg(text: &str) -> String {
    let code = QrCode::new(text.as_bytes()).expect("an address fits into a QR code");
    code.render::<svg::Color<'_>>().min_dimensions(SIDE, SIDE).build()
}
