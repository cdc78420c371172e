//! Figures of several rounds put together, the table, and the bars.

use crate::histogram::Histogram;
use crate::load::Report;
use crate::scenarios::Scenario;
use serde::Serialize;

/// One line of the table: a scenario over all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Figure {
    pub name: String,
    /// Of each round, in the order they were run.
    pub rates: Vec<f64>,
    /// Each round's rate divided by the echo of the same round.
    pub ratios: Vec<f64>,
    pub rate: f64,
    pub ratio: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    pub done: u64,
    /// Processor microseconds per request of the server and of the load generator.
    pub server_cpu_us: f64,
    pub load_cpu_us: f64,
    pub server_cpu_seconds: f64,
    /// Of the slices together.
    pub seconds: f64,
    /// Every request was answered with success, and every notification came.
    pub clean: bool,
    pub troubles: Vec<String>,
}

/// One measured slice of one scenario.
pub(crate) struct Slice {
    pub round: usize,
    pub report: Report,
}

impl Figure {
    /// Puts the slices of one scenario together; `echo` has the ceiling's rate of each round.
    pub(crate) fn of(name: &str, slices: &[&Slice], echo: &[f64]) -> Self {
        let mut latency = Histogram::default();
        let mut troubles = Vec::new();
        for slice in slices {
            latency.merge(&slice.report.histogram);
            troubles
                .extend(troubles_of(&slice.report).map(|text| format!("round {}: {text}", slice.round + 1)));
        }
        let rates: Vec<f64> = slices.iter().map(|slice| slice.report.per_second).collect();
        let ratios: Vec<f64> = slices
            .iter()
            .filter_map(|slice| echo.get(slice.round).map(|ceiling| slice.report.per_second / ceiling))
            .collect();
        let done: u64 = slices.iter().map(|slice| slice.report.done).sum();
        let server_cpu_seconds: f64 = slices.iter().filter_map(|slice| slice.report.server_cpu_seconds).sum();
        let load_cpu_seconds: f64 = slices.iter().map(|slice| slice.report.cpu_seconds).sum();
        let per_request_us = |seconds: f64| seconds * 1e6 / (done.max(1) as f64);
        let millis = |per_mille| latency.quantile(per_mille).as_secs_f64() * 1000.0;
        Self {
            name: name.to_owned(),
            rate: median(&rates),
            ratio: median(&ratios),
            rates,
            ratios,
            p50_ms: millis(500),
            p99_ms: millis(990),
            max_ms: latency.max().as_secs_f64() * 1000.0,
            done,
            server_cpu_us: per_request_us(server_cpu_seconds),
            load_cpu_us: per_request_us(load_cpu_seconds),
            server_cpu_seconds,
            seconds: slices.iter().map(|slice| slice.report.seconds).sum(),
            clean: !slices.is_empty() && slices.iter().all(|slice| slice.report.is_clean()),
            troubles,
        }
    }
}

fn troubles_of(report: &Report) -> impl Iterator<Item = String> {
    let mut texts: Vec<String> =
        report.other.iter().map(|(code, count)| format!("{count} x {code}")).collect();
    if report.lost > 0 {
        texts.push(format!("{} lost", report.lost));
    }
    if report.unanswered > 0 {
        texts.push(format!("{} unanswered", report.unanswered));
    }
    if let Some(notified) = &report.notified {
        if notified.distinct != notified.expected {
            texts.push(format!("{} of {} notifications", notified.distinct, notified.expected));
        }
        if notified.bad_signatures > 0 {
            texts.push(format!("{} bad signatures", notified.bad_signatures));
        }
    }
    texts.into_iter()
}

/// A promise about a figure.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Bar {
    pub what: String,
    pub measured: f64,
    pub limit: f64,
    pub unit: &'static str,
    pub passed: bool,
}

impl Bar {
    pub(crate) fn at_least(what: &str, measured: f64, limit: f64, unit: &'static str) -> Self {
        Self { what: what.to_owned(), measured, limit, unit, passed: measured >= limit }
    }

    pub(crate) fn below(what: &str, measured: f64, limit: f64, unit: &'static str) -> Self {
        Self { what: what.to_owned(), measured, limit, unit, passed: measured < limit }
    }

    /// Everything in a list went well; what is measured is how many did not.
    pub(crate) fn none_of(what: &str, bad: usize) -> Self {
        Self { what: what.to_owned(), measured: bad as f64, limit: 0.0, unit: "", passed: bad == 0 }
    }

    pub(crate) fn line(&self) -> String {
        let verdict = if self.passed { "PASS" } else { "FAIL" };
        let Self { what, measured, limit, unit, .. } = self;
        format!("{verdict}  {what}: {} (bar {}{unit})", with_unit(*measured, unit), short(*limit))
    }
}

fn with_unit(value: f64, unit: &str) -> String {
    format!("{}{unit}", short(value))
}

/// Few digits where few are known.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 || value == 0.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        size if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    }
}

/// The middle of the values, or the mean of the two in the middle; 0 when there are none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.get(middle) {
        None => 0.0,
        Some(high) if sorted.len() % 2 == 1 => *high,
        Some(high) => (high + sorted[middle - 1]) / 2.0,
    }
}

/// Prints rows with columns as wide as their widest cell: the first to the left, others to the right.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        cells.chain([head[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |cells: &mut dyn Iterator<Item = &str>| {
        let padded = cells.zip(&widths).enumerate().map(|(column, (cell, &width))| match column {
            0 => format!("{cell:<width$}"),
            _ => format!("{cell:>width$}"),
        });
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
    let mut text = line(&mut head.iter().copied());
    text += &line(&mut rule.iter().map(String::as_str));
    for row in rows {
        text += &line(&mut row.iter().map(String::as_str));
    }
    text
}

/// The table of all figures.
pub(crate) fn figures_table(figures: &[Figure]) -> String {
    let head =
        ["scenario", "per second", "of echo", "p50 ms", "p99 ms", "max ms", "server us", "load us", "rounds"];
    let rows: Vec<Vec<String>> = figures
        .iter()
        .map(|figure| {
            // The requests of `deliver` are made while nothing is delivered: their latency says nothing.
            let deliver = figure.name == Scenario::Deliver.name();
            let latency = |ms: f64| if deliver { "-".to_owned() } else { format!("{ms:.2}") };
            let rounds: Vec<String> = figure.rates.iter().map(|rate| format!("{rate:.0}")).collect();
            vec![
                figure.name.clone(),
                format!("{:.0}", figure.rate),
                format!("{:.3}", figure.ratio),
                latency(figure.p50_ms),
                latency(figure.p99_ms),
                latency(figure.max_ms),
                format!("{:.1}", figure.server_cpu_us),
                format!("{:.1}", figure.load_cpu_us),
                rounds.join(" "),
            ]
        })
        .collect();
    table(&head, &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        assert_eq!(median(&[]), 0.0);
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
    }

    #[test]
    fn bars_say_what_was_measured() {
        assert_eq!(
            Bar::at_least("order", 12_345.6, 10_000.0, "/s").line(),
            "PASS  order: 12346/s (bar 10000/s)"
        );
        assert_eq!(Bar::at_least("ratio", 0.1999, 0.2, "").line(), "FAIL  ratio: 0.200 (bar 0.200)");
        assert_eq!(Bar::below("p99", 50.0, 50.0, " ms").line(), "FAIL  p99: 50.0 ms (bar 50.0 ms)");
        assert_eq!(Bar::none_of("unclean", 0).line(), "PASS  unclean: 0 (bar 0)");
    }

    #[test]
    fn tables_are_aligned() {
        let rows = [vec!["a".to_owned(), "10".to_owned()], vec!["long".to_owned(), "7".to_owned()]];
        assert_eq!(table(&["x", "n"], &rows), "x      n\n----  --\na     10\nlong   7\n");
    }
}
