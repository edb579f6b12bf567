//! How a video is turned before it is shown.

use ffmpeg::codec::packet::side_data::Type;
use ffmpeg::format::stream::Stream;
use ffmpeg_next as ffmpeg;

/// One of the eight ways to lay a picture on its sides: first its rows become columns, then it is
/// mirrored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) on_its_side: bool,
    left_right: bool,
    upside_down: bool,
}

impl Turn {
    /// As a stream says; upright if it doesn't.
    pub(super) fn of(stream: &Stream<'_>) -> Turn {
        let matrix = stream.side_data().find(|it| it.kind() == Type::DisplayMatrix);
        let numbers = |bytes: &[u8]| {
            let numbers = bytes.as_chunks::<4>().0.iter().map(|it| i32::from_ne_bytes(*it));
            numbers.collect::<Vec<_>>()
        };
        matrix.map(|it| Turn::by(&numbers(it.data()))).unwrap_or_default()
    }

    /// By the matrix a, b, u, c, d, v, …, which puts what is at (p, q) at (ap + cq, bp + dq). What
    /// is turned by less than a right angle is as near as can be.
    fn by(matrix: &[i32]) -> Turn {
        let &[a, b, _, c, d, ..] = matrix else { return Turn::default() };
        if b.unsigned_abs() > a.unsigned_abs() {
            Turn { on_its_side: true, left_right: c < 0, upside_down: b < 0 }
        } else {
            Turn { on_its_side: false, left_right: a < 0, upside_down: d < 0 }
        }
    }

    /// The filters that do it, each behind a comma.
    pub(super) fn filters(self) -> String {
        let when = |is: bool, filter| if is { filter } else { "" };
        let side = when(self.on_its_side, ",transpose=cclock_flip");
        [side, when(self.left_right, ",hflip"), when(self.upside_down, ",vflip")].concat()
    }

    /// A size as it is after it, or as it was before.
    pub(super) fn size(self, (width, height): (u32, u32)) -> (u32, u32) {
        if self.on_its_side { (height, width) } else { (width, height) }
    }
}

#[cfg(test)]
mod tests {
    use super::Turn;

    #[test]
    fn a_matrix_is_one_of_eight_ways() {
        let one = 1 << 16;
        let by = |a, b, c, d| Turn::by(&[a, b, 0, c, d, 0, 0, 0, 1 << 30]).filters();
        assert_eq!(by(one, 0, 0, one), "");
        assert_eq!(by(-one, 0, 0, -one), ",hflip,vflip");
        assert_eq!(by(0, one, -one, 0), ",transpose=cclock_flip,hflip");
        assert_eq!(by(0, -one, one, 0), ",transpose=cclock_flip,vflip");
        assert_eq!(by(-one, 0, 0, one), ",hflip");
        assert_eq!(by(one, 0, 0, -one), ",vflip");
        assert_eq!(by(0, one, one, 0), ",transpose=cclock_flip");
        assert_eq!(by(0, -one, -one, 0), ",transpose=cclock_flip,hflip,vflip");
        assert_eq!(by(i32::MIN, i32::MIN, 0, 0), ",hflip");
        assert_eq!(Turn::by(&[]), Turn::default());
    }
}
