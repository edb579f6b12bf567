//! How loud a sound is when, as a hundred numbers.

/// As many as are kept until one knows how long the sound is.
const BLOCKS_MAX: usize = 1 << 16;

/// The loudest sample of each block. Blocks become twice as long whenever there are too many.
#[derive(Debug)]
pub(super) struct Peaks {
    blocks: Vec<f32>,
    /// Samples a block.
    length: u64,
    samples: u64,
}

impl Default for Peaks {
    fn default() -> Peaks {
        Peaks { blocks: Vec::new(), length: 1, samples: 0 }
    }
}

impl Peaks {
    /// Takes what is heard at the same time in each channel.
    pub(super) fn add(&mut self, channels: &[&[f32]]) {
        let samples = channels.iter().map(|it| it.len()).min().unwrap_or_default();
        for at in 0..samples {
            let loudest = channels.iter().map(|it| it[at].abs()).fold(0.0, f32::max);
            self.one(loudest);
        }
    }

    fn one(&mut self, loud: f32) {
        if self.samples.is_multiple_of(self.length) {
            if self.blocks.len() == BLOCKS_MAX {
                self.blocks = self.blocks.chunks(2).map(loudest).collect();
                self.length *= 2;
            }
            self.blocks.push(0.0);
        }
        if let Some(last) = self.blocks.last_mut() {
            *last = last.max(loud);
        }
        self.samples += 1;
    }

    pub(super) fn samples(&self) -> u64 {
        self.samples
    }

    /// A hundred peaks, 0 is silence and 255 as loud as can be said.
    pub(super) fn hundred(&self) -> Vec<u8> {
        let count = self.blocks.len();
        let piece = |it: usize| {
            let from = it * count / 100;
            let to = ((it + 1) * count / 100).max(from + 1).min(count);
            let loud = self.blocks.get(from..to).map_or(0.0, loudest);
            // Floats are cast to the nearest number there is.
            (loud.min(1.0) * 255.0).round() as u8
        };
        (0..100).map(piece).collect()
    }
}

fn loudest(blocks: &[f32]) -> f32 {
    blocks.iter().copied().fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_is_a_ramp_however_long() {
        for samples in [100, 1000, BLOCKS_MAX, BLOCKS_MAX + 1, 5 * BLOCKS_MAX] {
            let ramp: Vec<f32> = (0..samples).map(|it| it as f32 / samples as f32).collect();
            let mut peaks = Peaks::default();
            for piece in ramp.chunks(777) {
                peaks.add(&[piece, &vec![0.0; piece.len()]]);
            }
            assert_eq!(peaks.samples(), samples as u64);
            assert!(peaks.blocks.len() <= BLOCKS_MAX);
            for (at, peak) in peaks.hundred().iter().enumerate() {
                let expected = (at as f32 + 1.0) * 2.55;
                assert!((f32::from(*peak) - expected).abs() < 4.0, "{samples}: {at} is {peak}");
            }
        }
    }

    #[test]
    fn what_is_shorter_than_a_hundred_samples_has_a_hundred_peaks() {
        assert_eq!(Peaks::default().hundred(), [0; 100]);
        let mut peaks = Peaks::default();
        peaks.add(&[&[0.5, -2.0, f32::NAN]]);
        let hundred = peaks.hundred();
        assert_eq!((hundred[0], hundred[50], hundred[99]), (128, 255, 0));
    }
}
