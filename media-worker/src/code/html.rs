//! HTML that is one `pre` with `span`s in it: there is no way to write anything else.

use crate::shown::is_turning;

/// What is being written.
#[derive(Default)]
pub(super) struct Html {
    written: String,
    /// The class of the `span` that is open.
    open: Option<&'static str>,
    text_bytes: usize,
}

impl Html {
    /// Adds text, in a class of ours or in none.
    pub(super) fn text(&mut self, text: &str, class: Option<&'static str>) {
        if text.is_empty() {
            return;
        }
        self.text_bytes += text.len();
        if self.open != class {
            self.close();
            if let Some(class) = class {
                self.written.push_str("<span class=\"");
                self.written.push_str(class);
                self.written.push_str("\">");
                self.open = Some(class);
            }
        }
        for it in text.chars() {
            match it {
                '&' => self.written.push_str("&amp;"),
                '<' => self.written.push_str("&lt;"),
                '>' => self.written.push_str("&gt;"),
                '"' => self.written.push_str("&quot;"),
                '\'' => self.written.push_str("&#39;"),
                // Code that is shown in another order than it runs in deceives its reader.
                it if is_turning(it) => self.written.push(char::REPLACEMENT_CHARACTER),
                it => self.written.push(it),
            }
        }
    }

    fn close(&mut self) {
        if self.open.take().is_some() {
            self.written.push_str("</span>");
        }
    }

    /// Bytes of text that were added, before they were written as HTML.
    pub(super) fn text_bytes(&self) -> usize {
        self.text_bytes
    }

    pub(super) fn written(mut self) -> String {
        self.close();
        // A line feed that follows the tag would be left out by browsers.
        format!("<pre>\n{}</pre>\n", self.written)
    }
}

/// Whether HTML is of the kind that is written here, for whoever did not see it being written.
pub(crate) fn is_ours(html: &str) -> bool {
    let inner = html.strip_prefix("<pre>\n").and_then(|it| it.strip_suffix("</pre>\n"));
    let Some(mut rest) = inner else { return false };
    let mut open = false;
    // Nothing but this sign begins a tag.
    while let Some((_, tag)) = rest.split_once('<') {
        let behind = if open { tag.strip_prefix("/span>") } else { behind_span(tag) };
        let Some(behind) = behind else { return false };
        rest = behind;
        open = !open;
    }
    !open
}

fn behind_span(tag: &str) -> Option<&str> {
    let class = tag.strip_prefix("span class=\"")?;
    class.trim_start_matches(|it: char| it.is_ascii_lowercase()).strip_prefix("\">")
}

#[cfg(test)]
mod tests {
    use super::{Html, is_ours};

    #[test]
    fn what_is_not_ours_is_told_apart() {
        let span = "<span class=\"x\">";
        for ours in ["", "a&lt;b\n", &format!("a{span}b</span>c{span}</span>")] {
            assert!(is_ours(&format!("<pre>\n{ours}</pre>\n")), "{ours}");
        }
        let others = [
            "<script>alert(1)</script>",
            "<span class=\"x\" onclick=\"y\">b</span>",
            "<span class=\"x y\">b</span>",
            &format!("{span}{span}b</span></span>"),
            &format!("{span}b"),
            "</pre>\n<pre>\n",
            "<!-- -->",
            "a < b",
        ];
        for other in others {
            assert!(!is_ours(&format!("<pre>\n{other}</pre>\n")), "{other}");
        }
        assert!(!is_ours("") && !is_ours("<pre>\n") && !is_ours("<pre>\n</pre>\n<a>"));
    }

    #[test]
    fn whatever_is_written_is_text() {
        let mut html = Html::default();
        html.text("<b>&\"'", None);
        html.text("</span><script>", Some("string"));
        html.text("\u{202e}", Some("string"));
        let written = "<pre>\n&lt;b&gt;&amp;&quot;&#39;<span class=\"string\">\
            &lt;/span&gt;&lt;script&gt;\u{fffd}</span></pre>\n";
        assert_eq!(html.written(), written);
    }
}
