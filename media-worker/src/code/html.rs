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

#[cfg(test)]
mod tests {
    use super::Html;

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
