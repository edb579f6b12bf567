//! Images: what they show, upright and in the colours of screens, in a few sizes, and nothing
//! else that was in their files.

mod decode;
mod heif;
mod moving;
mod shrink;
mod write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::DynamicImage;

use crate::job::{Format, Job};
use crate::outcome::{Failure, Outcome};
use crate::output::Output;
use crate::sniff::Sniffed;
pub(crate) use decode::decode;
pub(crate) use heif::wake;
pub(crate) use shrink::fitting;
use shrink::{shrunk, squared};

/// The longest side of what clients show: in a list, in a chat, on a screen, on a large one.
pub(crate) const SIZES: [u32; 4] = [96, 320, 800, 1600];

/// The side of pictures of people and groups: in a list, in a profile, looked at alone.
const AVATAR_SIZES: [u32; 3] = [96, 320, 800];

/// The longest side of what a thumbhash is made of.
const THUMBHASH_SIDE: u32 = 100;

/// The file of an image.
pub(crate) const INPUT_BYTES_MAX: u64 = 256 << 20;

/// Does what is asked with an image.
pub(crate) fn work(
    job: &Job,
    sniffed: &Sniffed,
    bytes: &[u8],
    output: &mut Output,
) -> Result<Outcome, Failure> {
    let motion = moving::motion(sniffed.media_type, bytes)?;
    let picture = decode(sniffed.media_type, bytes)?;
    let mut outcome = Outcome {
        width: Some(picture.width()),
        height: Some(picture.height()),
        frames: motion.map(|it| it.frames),
        duration_ms: motion.map(|it| it.duration_ms),
        ..Outcome::default()
    };
    match job {
        Job::Previews { .. } => {
            outcome.thumbhash = Some(thumbhash(&picture)?);
            previews(picture, output)?;
        }
        Job::Avatar => {
            let square = squared(picture);
            outcome.thumbhash = Some(thumbhash(&square)?);
            // Previews of the same file have names of their own.
            sized(square, (&AVATAR_SIZES, "avatar-"), output)?;
        }
        Job::Convert { to } => convert(&picture, *to, output)?,
        Job::Renditions => return Err(Failure::unsupported("a picture is not played")),
    }
    Ok(outcome)
}

/// The sizes below that of an image, and the first that it fits into: that one is the image as it
/// is, never blown up.
pub(crate) fn previews(picture: DynamicImage, output: &mut Output) -> Result<(), Failure> {
    sized(picture, (&SIZES, ""), output)
}

/// The picture in those of some sizes, each called by its side behind a word.
fn sized(
    picture: DynamicImage,
    (sizes, word): (&[u32], &str),
    output: &mut Output,
) -> Result<(), Failure> {
    let longest = picture.width().max(picture.height());
    let wanted = sizes.iter().filter(|it| **it < longest).count() + 1;
    let mut rest = picture;
    // From large to small, each from the last: the largest is read once.
    for side in sizes.iter().take(wanted).rev() {
        rest = shrunk(rest, *side)?;
        let size = Some((rest.width(), rest.height()));
        output.write(&format!("{word}{side}.webp"), size, &write::webp(&rest)?)?;
        output.write(&format!("{word}{side}.jpg"), size, &write::jpeg(&rest)?)?;
    }
    Ok(())
}

/// What something that is no image shows of itself, as an image.
pub(crate) fn show(
    picture: DynamicImage,
    outcome: &mut Outcome,
    output: &mut Output,
) -> Result<(), Failure> {
    outcome.width = Some(picture.width());
    outcome.height = Some(picture.height());
    outcome.thumbhash = Some(thumbhash(&picture)?);
    previews(picture, output)
}

fn convert(picture: &DynamicImage, to: Format, output: &mut Output) -> Result<(), Failure> {
    let (name, bytes) = match to {
        Format::Jpeg => ("converted.jpg", write::jpeg(picture)?),
        Format::Png => ("converted.png", write::png(picture)?),
        Format::Gif => ("converted.gif", write::gif(picture)?),
        Format::Webp => ("converted.webp", write::webp(picture)?),
        Format::Opus | Format::Mp3 | Format::M4a | Format::Flac | Format::Wav | Format::Txt => {
            return Err(Failure::unsupported("a picture is no sound and no text"));
        }
    };
    output.write(name, Some((picture.width(), picture.height())), &bytes)
}

/// What a client paints until it has more.
pub(crate) fn thumbhash(picture: &DynamicImage) -> Result<String, Failure> {
    let (width, height) = fitting(picture.width(), picture.height(), THUMBHASH_SIDE);
    let small = shrink::resized(picture, width, height)?.into_rgba8();
    let hash = thumbhash::rgba_to_thumb_hash(width as usize, height as usize, small.as_raw());
    Ok(STANDARD.encode(hash))
}
