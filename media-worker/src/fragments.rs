//! Where the parts of a video lie in its file that can be fetched one after the other.
//!
//! No playlist is made: playlists name URLs, which is nothing for whoever has read strangers'
//! bytes. This is what a server writes one from.

use serde::{Deserialize, Serialize};

/// Half an hour has some 300 of six seconds.
pub(crate) const PARTS_MAX: usize = 1000;

/// A file that begins with what says how to read it, on which parts follow without a gap.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fragments {
    /// What each part is read with.
    pub(crate) init_bytes: u64,
    /// Bytes and milliseconds of each, in order. Each begins with a picture that needs no other.
    pub(crate) parts: Vec<(u64, u64)>,
    /// Bits a second at most, as playlists count them.
    pub(crate) bandwidth: u64,
    /// As browsers are asked whether they play it (RFC 6381).
    pub(crate) codecs: String,
}

impl Fragments {
    /// Whether it can be so of a file of so many bytes, whoever says it.
    pub(crate) fn fits(&self, bytes: u64) -> bool {
        let sum = self.parts.iter().try_fold(self.init_bytes, |sum, it| sum.checked_add(it.0));
        (1..=PARTS_MAX).contains(&self.parts.len())
            && self.parts.iter().all(|it| it.0 > 0 && (1..=MS_MAX).contains(&it.1))
            && self.init_bytes > 0
            && sum == Some(bytes)
            && self.bandwidth == peak(&self.parts)
            && is_codecs(&self.codecs)
    }
}

/// A day: no video is longer.
const MS_MAX: u64 = 24 * 60 * 60 * 1000;

/// H.264 of a profile and level, with AAC or alone.
fn is_codecs(text: &str) -> bool {
    let pictures = text.strip_suffix(",mp4a.40.2").unwrap_or(text);
    let profile = pictures.strip_prefix("avc1.").unwrap_or_default();
    profile.len() == 6 && profile.bytes().all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// Bits a second of those neighbours that have the most and last half to one and a half times as
/// long as the longest part (RFC 8216, 4.3.4.2): a rest of one picture is no measure.
pub(crate) fn peak(parts: &[(u64, u64)]) -> u64 {
    let target = parts.iter().map(|it| it.1).max().unwrap_or_default();
    let rates = (0..parts.len()).flat_map(|first| {
        let sums = parts[first..].iter().scan((0_u64, 0_u64), |sum, (bytes, ms)| {
            *sum = (sum.0.saturating_add(*bytes), sum.1.saturating_add(*ms));
            Some(*sum)
        });
        let short_enough =
            sums.take_while(move |it| it.1.saturating_mul(2) <= target.saturating_mul(3));
        short_enough.filter(move |it| it.1.saturating_mul(2) >= target)
    });
    let rates = rates.map(|(bytes, ms)| bytes.saturating_mul(8000).div_ceil(ms.max(1)));
    rates.max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many parts of 1,000 bytes and a second.
    fn fragments(count: usize) -> Fragments {
        let parts = vec![(1000, 1000); count];
        let codecs = "avc1.640028,mp4a.40.2".to_owned();
        Fragments { init_bytes: 10, bandwidth: peak(&parts), parts, codecs }
    }

    #[test]
    fn what_is_said_fits_a_file_or_is_not_believed() {
        assert!(fragments(1).fits(1010));
        assert!(fragments(1000).fits(1_000_010));
        assert!(!fragments(1001).fits(1_001_010), "one part too many");
        assert!(!fragments(0).fits(10), "none");
        for bytes in [0, 1009, 1011, u64::MAX] {
            assert!(!fragments(1).fits(bytes), "{bytes}");
        }
        let one = || fragments(1);
        let broken = [
            Fragments { init_bytes: 0, ..one() },
            Fragments { init_bytes: u64::MAX, ..one() },
            Fragments { bandwidth: 1, ..one() },
            Fragments { parts: vec![(1000, 0)], ..one() },
            Fragments { parts: vec![(0, 1000), (1000, 1000)], ..one() },
            Fragments { parts: vec![(1000, MS_MAX + 1)], ..one() },
            Fragments { parts: vec![(u64::MAX, 1000), (1000, 1000)], ..one() },
        ];
        for it in broken {
            assert!(!it.fits(1010), "{it:?}");
        }
    }

    #[test]
    fn codecs_are_what_is_written_here() {
        for text in ["avc1.64001f", "avc1.640028,mp4a.40.2"] {
            assert!(is_codecs(text), "{text}");
        }
        let others = [
            "",
            "avc1",
            "avc1.64002",
            "avc1.64002G",
            "mp4a.40.2",
            "avc1.640028\",X=\"",
            "avc1.640028,mp4a.40.2,mp4a.40.2",
            "avc1.640028\n",
            "hvc1.640028",
        ];
        for text in others {
            assert!(!is_codecs(text), "{text}");
        }
    }

    #[test]
    fn the_most_is_that_of_parts_and_not_of_a_rest() {
        assert_eq!(peak(&[(6000, 6000), (12_000, 6000), (6000, 6000)]), 16_000);
        // One picture of a tenth of a second counts with its neighbour.
        assert_eq!(peak(&[(6000, 6000), (6000, 6000), (2000, 100)]), 10_492);
        assert_eq!(peak(&[(100, 100)]), 8000);
        assert_eq!(peak(&[]), 0);
        assert_eq!(peak(&[(u64::MAX, u64::MAX), (1, 0)]), 1);
    }
}
