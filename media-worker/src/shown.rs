//! Text of strangers that is shown on a line of ours: nothing in it turns or hides what stands
//! beside it.

/// Whether a character is no sign but an order: to turn the line, to join, to be invisible.
pub(crate) fn is_order(it: char) -> bool {
    it.is_control() || is_turning(it) || is_hidden(it)
}

/// Characters that say which way text runs: with them a name reads as another.
pub(crate) fn is_turning(it: char) -> bool {
    matches!(it, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}')
}

/// Characters that take no place, or begin a line.
fn is_hidden(it: char) -> bool {
    matches!(it, '\u{00ad}' | '\u{200b}' | '\u{2028}' | '\u{2029}' | '\u{2060}'..='\u{2064}'
        | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}')
}

/// The text with each order replaced, so that one sees that there was something.
pub(crate) fn one_line(text: &str) -> String {
    text.chars().map(|it| if is_order(it) { char::REPLACEMENT_CHARACTER } else { it }).collect()
}

/// The beginning of a text that has at most so many bytes.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    text[..text.floor_char_boundary(most)].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_runs_one_way() {
        assert_eq!(one_line("invoice\u{202e}fdp.exe"), "invoice\u{fffd}fdp.exe");
        assert_eq!(
            one_line("a\nb\tc\0d\u{200f}\u{2028}"),
            "a\u{fffd}b\u{fffd}c\u{fffd}d\u{fffd}\u{fffd}"
        );
        for plain in ["Ärger/日本.txt", "../etc/passwd", "שלום", "👩‍👩‍👧", "C:\\x"]
        {
            assert_eq!(one_line(plain), plain);
        }
    }

    #[test]
    fn a_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 3), "ä");
        assert_eq!(shortened("äöü", 6), "äöü");
    }
}
