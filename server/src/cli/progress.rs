//! What a command says while it works and when it is done.

use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Writes a line to standard output; a reader that has gone away is an error.
pub(crate) fn say(line: &str) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{}", line.trim_end())?;
    Ok(())
}

/// A bar on standard error, shown on a terminal only.
pub(crate) fn bar(total: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = format!("{what} {{wide_bar}} {{pos}}/{{len}} {{per_sec}} {{eta}}");
    let style = ProgressStyle::with_template(&template);
    bar.set_style(style.expect("the template is well-formed"));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
