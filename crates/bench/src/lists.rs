//! Every list that has pages: how long its first and its thousandth page take.
//!
//! Places to go on after are those that the lists themselves have told, so this needs no look at the
//! database. A list that has not so many rows on a store's run is named as such.

use crate::clock::wall_ms;
use crate::engine::{AfterLoss, Answer, Ended, Engine, Workload};
use crate::gateway::Gateway;
use crate::report::{Bar, median, table};
use crate::sosopay::Merchant;
use anyhow::{Context, ensure};
use serde::Serialize;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Rows of a page.
pub(crate) const PAGE: u64 = 10;
/// The page that is compared with the first.
pub(crate) const FAR: u64 = 1000;
const LOOKS: usize = 30;
/// The thousandth page may take this many times the first.
const RATIO_MAX: f64 = 1.5;
/// Below this difference two medians of single requests are the same.
const NOISE_MS: f64 = 0.3;
/// Rows of a page on the way to a far one.
const STRIDE: u64 = 1000;

/// One list, at its first page and a far one.
pub(crate) struct List {
    pub(crate) name: &'static str,
    pub(crate) pages: [Ask; 2],
}

/// How a page is asked for.
pub(crate) enum Ask {
    /// From the operator's listener.
    Operator(String),
    /// From the partners' listener, signed.
    Get { interface: &'static str, parameters: String },
    /// The same, with a message.
    Post { interface: &'static str, body: String },
}

/// Who asks, and of whose lists.
pub(crate) struct Asker<'a> {
    pub(crate) gateway: &'a Gateway,
    pub(crate) merchant: &'a Merchant,
    pub(crate) busi_id: &'a str,
}

/// Median milliseconds of a list's pages.
#[derive(Debug, Serialize)]
pub(crate) struct Times {
    name: &'static str,
    /// `None` when there are not so many pages.
    first_and_far_ms: Option<(f64, f64)>,
}

/// Times all lists, adds their bars, and returns those that have so many pages.
pub(crate) fn measure(asker: &Asker<'_>, bars: &mut Vec<Bar>) -> anyhow::Result<(Vec<Times>, Vec<List>)> {
    let (mut times, mut measured) = (Vec::new(), Vec::new());
    for (name, pages) in pages(asker)? {
        let Some(pages) = pages else {
            times.push(Times { name, first_and_far_ms: None });
            continue;
        };
        let mut ms = [Vec::new(), Vec::new()];
        // In turn, so that whatever else happens on the machine happens to both.
        for _ in 0..LOOKS {
            for (page, ms) in pages.iter().zip(&mut ms) {
                let begun_at = Instant::now();
                let answer = asker.ask(page).with_context(|| name.to_owned())?;
                ms.push(begun_at.elapsed().as_secs_f64() * 1000.0);
                ensure!(
                    rows_of(&answer).is_some_and(|rows| rows > 0),
                    "a page of {name} is empty: {answer:.300}"
                );
            }
        }
        let [first_ms, far_ms] = ms.map(|ms| median(&ms));
        let slower = if far_ms - first_ms <= NOISE_MS { 1.0 } else { far_ms / first_ms };
        bars.push(Bar::below(&format!("page {FAR} of {name} against its first"), slower, RATIO_MAX, "x"));
        times.push(Times { name, first_and_far_ms: Some((first_ms, far_ms)) });
        measured.push(List { name, pages });
    }
    Ok((times, measured))
}

pub(crate) fn print(times: &[Times]) {
    let ms = |value: Option<f64>| value.map_or_else(|| "fewer pages".to_owned(), |ms| format!("{ms:.2}"));
    let row = |it: &Times| {
        let (first, far) = it.first_and_far_ms.unzip();
        vec![it.name.to_owned(), ms(first), ms(far)]
    };
    let rows: Vec<Vec<String>> = times.iter().map(row).collect();
    println!("\nlists of {PAGE} rows a page, medians of {LOOKS} requests");
    print!("{}", table(&["list", "first page, ms", "page 1000, ms"], &rows));
}

/// A list's name, and its pages if there are so many.
type Named = (&'static str, Option<[Ask; 2]>);

/// The lists, with the places at which their far pages begin.
fn pages(asker: &Asker<'_>) -> anyhow::Result<Vec<Named>> {
    let busi_id = asker.busi_id;
    let trades = |filter: &str| {
        [1, FAR].map(|page| Ask::Get {
            interface: "queryTrades",
            parameters: format!("busiCode={busi_id}&pageNum={page}&pageSize={PAGE}{filter}"),
        })
    };
    let (begin, end) = (date(-30), date(1));
    let redeemed = [1, FAR].map(|page| Ask::Post {
        interface: "verify/queryResults",
        body: format!(
            r#"{{"busiCode":"{busi_id}","deviceCode":"gate-1","beginVerDate":"{begin}","endVerDate":"{end}","pageNo":"{page}","pageSize":"{PAGE}"}}"#
        ),
    });
    let mut lists = Vec::new();
    for (name, pages) in [
        ("orders of a partner", trades("")),
        ("orders of a partner and an operator", trades("&userId=oper01")),
        ("redemptions of a partner", redeemed),
    ] {
        let [_, far] = &pages;
        let found = asker.ask(far).ok().and_then(|answer| rows_of(&answer)).unwrap_or(0);
        lists.push((name, (found > 0).then_some(pages)));
    }
    for (name, path) in [
        ("events of a partner", format!("partners/{busi_id}/events?")),
        ("users of a partner", format!("partners/{busi_id}/users?")),
        ("endpoints of a partner", format!("partners/{busi_id}/endpoints?")),
        ("pending tasks", "tasks?state=pending&".to_owned()),
        ("failed tasks", "tasks?state=failed&".to_owned()),
        ("done tasks", "tasks?state=done&".to_owned()),
        ("all tasks", "tasks?".to_owned()),
        ("tasks of a partner", format!("tasks?partner={busi_id}&")),
        ("partners", "partners?".to_owned()),
    ] {
        let place = asker.place(&path, (FAR - 1) * PAGE).with_context(|| name.to_owned())?;
        let operator = |after: String| Ask::Operator(format!("/ops/v1/{path}limit={PAGE}{after}"));
        let pages = place.map(|place| [String::new(), format!("&after={place}")].map(operator));
        lists.push((name, pages));
    }
    Ok(lists)
}

/// The date so many days from now.
fn date(days: i64) -> String {
    date_of(i64::try_from(wall_ms() / 86_400_000).unwrap_or(0) + days)
}

/// The date of a day since 1970.
fn date_of(day: i64) -> String {
    // By eras of 400 years that begin in March.
    let shifted = day + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    format!("{:04}-{month:02}-{day:02}", era * 400 + year)
}

impl Asker<'_> {
    /// The place after so many rows of an operator's list; `None` when there are no more.
    fn place(&self, path: &str, rows: u64) -> anyhow::Result<Option<String>> {
        let (mut passed, mut after) = (0, String::new());
        loop {
            let limit = (rows - passed).min(STRIDE);
            let answer = self.gateway.operator.get(&format!("/ops/v1/{path}limit={limit}{after}"))?;
            passed += rows_of(&answer).context("the answer has no list")?;
            let Some(next) = answer["next"].as_str() else { return Ok(None) };
            if passed >= rows {
                return Ok(Some(next.to_owned()));
            }
            after = format!("&after={next}");
        }
    }

    /// Asks for a page.
    pub(crate) fn ask(&self, ask: &Ask) -> anyhow::Result<Value> {
        if let Ask::Operator(path) = ask {
            return self.gateway.operator.get(path);
        }
        let mut once = Once { merchant: self.merchant, ask, sent: false, body: None };
        let mut engine = Engine::connect(self.gateway.listen, 1)?;
        let ended = engine.run(&mut once, Duration::from_secs(120))?;
        let body = once.body.filter(|_| ended == Ended::Idle).context("no answer")?;
        Ok(serde_json::from_slice(&body)?)
    }
}

/// How many rows a page has: of its first list, wherever the answer has it.
fn rows_of(answer: &Value) -> Option<u64> {
    match answer {
        Value::Array(rows) => Some(rows.len() as u64),
        Value::Object(members) => members.values().find_map(rows_of),
        _ => None,
    }
}

/// One signed request.
struct Once<'a> {
    merchant: &'a Merchant,
    ask: &'a Ask,
    sent: bool,
    body: Option<Vec<u8>>,
}

impl Workload for Once<'_> {
    fn next(&mut self, _: usize, _: Instant, out: &mut Vec<u8>) -> bool {
        if std::mem::replace(&mut self.sent, true) {
            return false;
        }
        match self.ask {
            Ask::Get { interface, parameters } => self.merchant.get(out, interface, parameters, wall_ms()),
            Ask::Post { interface, body } => self.merchant.post(out, interface, body.as_bytes(), wall_ms()),
            Ask::Operator(_) => return false,
        }
        true
    }

    fn answered(&mut self, _: usize, answer: Answer<'_>, _: Duration) {
        self.body = (answer.status == 200).then(|| answer.body.to_vec());
    }

    fn lost(&mut self, _: usize) -> AfterLoss {
        AfterLoss::GiveUp
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_of_days() {
        for (day, date) in
            [(0, "1970-01-01"), (59, "1970-03-01"), (19_782, "2024-02-29"), (20_454, "2026-01-01")]
        {
            assert_eq!(date_of(day), date);
        }
    }

    #[test]
    fn rows_of_an_answer() {
        let page = serde_json::json!({"ServiceResult": {"chargesSize": 2, "tradeInfos": [{}, {}]}});
        assert_eq!(rows_of(&page), Some(2));
        assert_eq!(rows_of(&serde_json::json!({"tasks": [], "next": "x"})), Some(0));
        assert_eq!(rows_of(&serde_json::json!({"RESULT": {"CODE": "FAIL"}})), None);
    }
}
