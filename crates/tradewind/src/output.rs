//! The only place that writes to standard output and standard error.
//!
//! A reader that goes away, as `head` does, ends the output and is no failure.

use std::io::{self, Write as _};

use comfy_table::{ContentArrangement, LineStyle, Table, TableStyle};
use serde_json::Value;

/// Columns, and one line below their names: it reads well, and pastes well into a message.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Writes `text` and a line feed to standard output.
pub(crate) fn line(text: &str) {
    let mut out = io::stdout().lock();
    // Nobody listens any more; there is nobody to tell either.
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Writes `text`, which ends with a line feed, to standard output.
pub(crate) fn text(text: &str) {
    line(text.strip_suffix('\n').unwrap_or(text));
}

/// Writes JSON in one line to standard output.
pub(crate) fn json(value: &Value) {
    line(&value.to_string());
}

/// Writes `text` and a line feed to standard error.
pub(crate) fn error(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A table for people; `(none)` when it has no rows.
pub(crate) fn table<const N: usize>(head: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return "(none)".to_owned();
    }
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(head);
    for row in rows {
        table.add_row(row.map(|cell| printable(&cell)));
    }
    table.lines().map(|line| line.trim_end().to_owned()).collect::<Vec<_>>().join("\n")
}

/// Names and values in two columns; what has no value is left out.
pub(crate) fn facts(facts: &[(&str, String)]) -> String {
    let shown: Vec<_> = facts.iter().filter(|(_, value)| !value.is_empty()).collect();
    let width = shown.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    let lines = shown.iter().map(|(name, value)| format!("{name:<width$}  {}", printable(value)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Partners' words may hold anything; control characters would move the cursor or forge a row.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables() {
        assert_eq!(table(["a", "b"], []), "(none)");
        let shown = table(["id", "name"], [["1".into(), "a\u{1b}[2Jb".into()], ["22".into(), "支付".into()]]);
        assert_eq!(
            shown,
            " id   name
─────────────
 1    a\u{FFFD}[2Jb
 22   支付"
        );
    }

    #[test]
    fn facts_without_value_are_left_out() {
        let shown = facts(&[("id", "1".into()), ("empty", String::new()), ("longer", "a\nb".into())]);
        assert_eq!(shown, "id      1\nlonger  a\u{FFFD}b");
    }
}
