//! How many pictures follow each other in a file, without decoding them.

use crate::outcome::Failure;

/// Twelve minutes at the speed of films.
const FRAMES_MAX: u32 = 10_000;

/// What moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Motion {
    pub(super) frames: u32,
    pub(super) duration_ms: u64,
}

impl Motion {
    fn add(&mut self, duration_ms: u64) -> Result<(), Failure> {
        self.frames += 1;
        self.duration_ms += duration_ms;
        if self.frames > FRAMES_MAX {
            return Err(Failure::too_large(format_args!("over {FRAMES_MAX} frames")));
        }
        Ok(())
    }
}

/// Counts the frames of what may have many; nothing for what has one.
pub(super) fn motion(media_type: &str, bytes: &[u8]) -> Result<Option<Motion>, Failure> {
    let motion = match media_type {
        "image/gif" => of_gif(bytes)?,
        "image/webp" => of_webp(bytes)?,
        _ => Motion::default(),
    };
    Ok(Some(motion).filter(|it| it.frames > 1))
}

/// What is broken behind some frames has those.
fn of_gif(bytes: &[u8]) -> Result<Motion, Failure> {
    let mut motion = Motion::default();
    let mut options = gif::DecodeOptions::new();
    options.skip_frame_decoding(true);
    let Ok(mut decoder) = options.read_info(bytes) else { return Ok(motion) };
    while let Ok(Some(frame)) = decoder.next_frame_info() {
        // Hundredths of a second.
        motion.add(u64::from(frame.delay) * 10)?;
    }
    Ok(motion)
}

/// Chunks after the twelve bytes of the head: four letters, a length, and that much, evened.
fn of_webp(bytes: &[u8]) -> Result<Motion, Failure> {
    let mut motion = Motion::default();
    let mut rest = bytes.get(12..).unwrap_or_default();
    while let Some((head, body)) = rest.split_at_checked(8) {
        let length = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        if head.starts_with(b"ANMF") {
            let duration = body.get(12..15).map(|it| u32::from_le_bytes([it[0], it[1], it[2], 0]));
            motion.add(u64::from(duration.unwrap_or_default()))?;
        }
        rest = body.get(length.saturating_add(length % 2)..).unwrap_or_default();
    }
    Ok(motion)
}
