//! Which bytes a request asks for (RFC 9110, 14): one range; what asks for several gets all.

/// What a request comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    /// From a byte on, at least one.
    Span {
        from: u64,
        bytes: u64,
    },
    /// There is no such byte.
    Nothing,
}

/// Reads the header `Range` for contents of a size; what can't be read asks for nothing special.
pub(super) fn wanted(range: Option<&str>, size: u64) -> Wanted {
    let Some(range) = range.and_then(|it| it.trim().strip_prefix("bytes=")) else {
        return Wanted::Whole;
    };
    let Some((first, last)) = range.trim().split_once('-').filter(|_| !range.contains(',')) else {
        return Wanted::Whole;
    };
    let number = |it: &str| {
        let plain = !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
        // What is too long for a number lies behind every end.
        plain.then(|| it.parse().unwrap_or(u64::MAX))
    };
    let (from, to) = match (first.trim(), last.trim()) {
        ("", last) => match number(last) {
            Some(0) => return Wanted::Nothing,
            Some(count) => (size.saturating_sub(count), size),
            None => return Wanted::Whole,
        },
        (first, "") => match number(first) {
            Some(first) => (first, size),
            None => return Wanted::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => (first, last.saturating_add(1).min(size)),
            _ => return Wanted::Whole,
        },
    };
    if from >= size { Wanted::Nothing } else { Wanted::Span { from, bytes: to - from } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_http_has_them() {
        let span = |from, bytes| Wanted::Span { from, bytes };
        for (range, expected) in [
            ("bytes=0-0", span(0, 1)),
            ("bytes=0-99", span(0, 100)),
            ("bytes=0-100", span(0, 100)),
            ("bytes=99-", span(99, 1)),
            ("bytes=100-", Wanted::Nothing),
            ("bytes=100-200", Wanted::Nothing),
            ("bytes=-1", span(99, 1)),
            ("bytes=-100", span(0, 100)),
            ("bytes=-101", span(0, 100)),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=5-99999999999999999999999", span(5, 95)),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=5-4", Wanted::Whole),
            ("bytes=0-1,5-6", Wanted::Whole),
            ("bytes=", Wanted::Whole),
            ("bytes=-", Wanted::Whole),
            ("bytes=a-b", Wanted::Whole),
            ("bytes=+1-5", Wanted::Whole),
            ("lines=0-1", Wanted::Whole),
        ] {
            assert_eq!(wanted(Some(range), 100), expected, "{range}");
        }
        assert_eq!(wanted(None, 100), Wanted::Whole);
        assert_eq!(wanted(Some("bytes=0-"), 0), Wanted::Nothing);
    }
}
