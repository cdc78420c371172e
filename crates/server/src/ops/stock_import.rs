//! `/ops/v1/stock/import`: stocks from a table that a seller keeps in a spreadsheet.
//!
//! The whole table is read and judged before anything is written. Every row that is not good is named with
//! its line and what is wrong; a table with such rows is written only when the operator says so.

use std::collections::{BTreeMap, HashSet};

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tradewind_domain::{Need, PartnerId, Price, Refusal, SkuId, SkuKind, Stock, StockKey, StockPlan};

use super::error::OpsError;
use super::extract::Params;
use super::shelf::{self, PriceForm};
use super::{Answer, Ops};

const COLUMNS: [&str; 7] = ["sku", "day", "total", "market", "sell", "cost", "closed"];
const BYTES_MAX: usize = 8 * 1024 * 1024;
const ROWS_MAX: usize = 100_000;
/// Bad rows named in one answer; the rest is counted.
const BAD_SHOWN: usize = 1000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choices {
    #[serde(default)]
    skip_bad: bool,
}

/// A row that was not taken.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Bad {
    line: u64,
    problem: String,
}

/// A row that can be read.
#[derive(Debug)]
struct Row {
    line: u64,
    sku: SkuId,
    plan: StockPlan,
}

pub(super) async fn import(
    State(ops): State<Ops>,
    Params(choices): Params<Choices>,
    request: Request,
) -> Answer<Json<Value>> {
    let body: Bytes = axum::body::to_bytes(request.into_body(), BYTES_MAX)
        .await
        .map_err(|_| OpsError::too_large(BYTES_MAX))?;
    let (rows, mut bad) = read(&body)?;
    let read = rows.len() + bad.len();
    let rows = judge(&ops, rows, &mut bad).await?;
    bad.sort_by_key(|bad| bad.line);
    if !bad.is_empty() && !choices.skip_bad {
        let message = format!("{} of {read} rows are bad; nothing was written", bad.len());
        return Err(OpsError::invalid(message).with("bad_rows", json!({ "bad": shown(&bad) })));
    }
    let written = write(&ops, rows, &mut bad).await?;
    bad.sort_by_key(|bad| bad.line);
    Ok(Json(json!({ "rows": read, "written": written, "bad": shown(&bad), "bad_rows": bad.len() })))
}

fn shown(bad: &[Bad]) -> Value {
    json!(bad.iter().take(BAD_SHOWN).collect::<Vec<_>>())
}

/// The rows of a table, and those that cannot be read.
fn read(table: &[u8]) -> Answer<(Vec<Row>, Vec<Bad>)> {
    // Spreadsheets like to begin with a byte order mark.
    let table = table.strip_prefix(b"\xef\xbb\xbf").unwrap_or(table);
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).flexible(true).from_reader(table);
    let header = reader.headers().map_err(|error| OpsError::invalid(format!("the table: {error}")))?;
    if !header.iter().eq(COLUMNS) {
        return Err(OpsError::invalid(format!("the first line must be {}", COLUMNS.join(","))));
    }
    let (mut rows, mut bad) = (Vec::new(), Vec::new());
    let mut lines = Lines { table, at: 0, line: 1 };
    for record in reader.into_records() {
        if rows.len() + bad.len() >= ROWS_MAX {
            return Err(OpsError::invalid(format!("at most {ROWS_MAX} rows at once")));
        }
        match record {
            Err(error) => {
                let line = lines.of(error.position());
                bad.push(Bad { line, problem: "is not text in UTF-8".into() });
            }
            Ok(record) => {
                let line = lines.of(record.position());
                match row(line, &record) {
                    Ok(row) => rows.push(row),
                    Err(error) => bad.push(Bad { line, problem: error.message }),
                }
            }
        }
    }
    Ok((rows, bad))
}

/// Counts the lines of a table, as an editor shows them. The reader's own count is that of the end of the
/// line before, where lines end in two characters or are empty.
struct Lines<'a> {
    table: &'a [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which a record begins; records come in order.
    fn of(&mut self, position: Option<&csv::Position>) -> u64 {
        let begin = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.at);
        while let Some(byte) = self.table.get(self.at) {
            if self.at >= begin && !matches!(byte, b'\r' | b'\n') {
                break;
            }
            self.line += u64::from(*byte == b'\n');
            self.at += 1;
        }
        self.line
    }
}

fn row(line: u64, record: &csv::StringRecord) -> Answer<Row> {
    let fields: Vec<&str> = record.iter().collect();
    let [sku, day, total, market, sell, cost, closed] = fields.as_slice() else {
        let problem = format!("has {} fields instead of {}", fields.len(), COLUMNS.len());
        return Err(OpsError::invalid(problem));
    };
    let price = match (*market, *sell, *cost) {
        ("", "", "") => None,
        (market, sell, cost) => {
            let form = PriceForm { market: market.into(), sell: sell.into(), cost: cost.into() };
            Some(sound(form.price()?)?)
        }
    };
    let closed = match *closed {
        "" | "false" => false,
        "true" => true,
        other => return Err(OpsError::invalid(format!("closed: {other:?} is neither true nor false"))),
    };
    let total =
        total.parse().map_err(|_| OpsError::invalid(format!("total: {total:?} is no number of units")))?;
    let day = match *day {
        "" => None,
        day => Some(shelf::day(day)?),
    };
    Ok(Row { line, sku: shelf::sku_id(sku)?, plan: StockPlan { day, total, closed, price } })
}

fn sound(price: Price) -> Answer<Price> {
    match price.is_sound() {
        true => Ok(price),
        false => Err(OpsError::invalid("the price: cost must be positive and not above sell")),
    }
}

/// Rows by sku with its seller; those that do not fit what is stored go to `bad`.
async fn judge(
    ops: &Ops,
    rows: Vec<Row>,
    bad: &mut Vec<Bad>,
) -> Answer<BTreeMap<(PartnerId, SkuId), Vec<Row>>> {
    let skus: HashSet<SkuId> = rows.iter().map(|row| row.sku).collect();
    let needs = skus.into_iter().map(Need::Sku);
    let stocks = rows.iter().map(|row| Need::Stock(StockKey { sku: row.sku, day: row.plan.day }));
    let view = ops.app.view(needs.chain(stocks).collect()).await?;
    let mut good: BTreeMap<(PartnerId, SkuId), Vec<Row>> = BTreeMap::new();
    let mut seen = HashSet::new();
    for row in rows {
        let key = StockKey { sku: row.sku, day: row.plan.day };
        let problem = match view.sku(row.sku) {
            None => Some("sku: is not known".to_owned()),
            Some(sku) => {
                let SkuKind::Ticket(rules) = &sku.kind;
                problem(rules.dated, &row.plan, view.stock(key), seen.insert(key))
            }
        };
        match (problem, view.sku(row.sku)) {
            (None, Some(sku)) => good.entry((sku.seller, row.sku)).or_default().push(row),
            (problem, _) => {
                bad.push(Bad {
                    line: row.line,
                    problem: problem.unwrap_or_else(|| "cannot be judged".into()),
                });
            }
        }
    }
    Ok(good)
}

fn problem(dated: bool, plan: &StockPlan, stock: Option<&Stock>, first: bool) -> Option<String> {
    if !first {
        return Some("the same sku and day stand in an earlier line".into());
    }
    match (dated, plan.day) {
        (true, None) => return Some("day: the sku is sold by the day".into()),
        (false, Some(_)) => return Some("day: the sku is not sold by the day".into()),
        (true, Some(_)) | (false, None) => {}
    }
    let taken = stock.map_or(0, |stock| stock.held.saturating_add(stock.sold));
    (plan.total < taken).then(|| format!("total: {taken} are held or sold already"))
}

/// Writes the rows, as many at once as one command takes. What was sold meanwhile may stand in the way; then
/// the rows of that command are not taken and say so.
async fn write(ops: &Ops, rows: BTreeMap<(PartnerId, SkuId), Vec<Row>>, bad: &mut Vec<Bad>) -> Answer<usize> {
    let mut written = 0;
    for ((seller, sku), rows) in rows {
        for chunk in rows.chunks(StockPlan::MAX) {
            let plans = chunk.iter().map(|row| row.plan.clone()).collect();
            match ops.app.plan_stock(seller, sku, plans).await {
                Ok(()) => written += chunk.len(),
                Err(refusal @ (Refusal::Busy | Refusal::Storage | Refusal::Internal)) => {
                    return Err(refusal.into());
                }
                Err(refusal) => {
                    bad.extend(chunk.iter().map(|row| Bad { line: row.line, problem: refusal.to_string() }));
                }
            }
        }
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use tradewind_domain::{PartnerId, SkuId, Stock, StockKey, StockPlan};

    use super::{problem, read};

    #[test]
    fn rows_are_read_one_by_one() {
        let table = "\u{feff}sku,day,total,market,sell,cost,closed\r\n\
                     sku_7,2026-12-01,100,,,,\r\n\
                     7,,5,10,9.5,9,true\n\
                     \n\
                     8,2026-02-30,1,,,,\n\
                     8,2026-03-01,-1,,,,\n\
                     8,2026-03-01,1,10,,9,\n\
                     8,2026-03-01,1,10,8,9,\n\
                     8,2026-03-01,1,,,,maybe\n\
                     8,2026-03-01\n\
                     prd_8,2026-03-01,1,,,,\n\
                     \"8\",\"2026-03-01\",\"1\",\"\",\"\",\"\",\"\"\n";
        let (rows, bad) = read(table.as_bytes()).unwrap();
        let good: Vec<(u64, i64, u32, bool)> =
            rows.iter().map(|row| (row.line, row.sku.get(), row.plan.total, row.plan.closed)).collect();
        assert_eq!(good, [(2, 7, 100, false), (3, 7, 5, true), (12, 8, 1, false)]);
        let lines: Vec<u64> = bad.iter().map(|bad| bad.line).collect();
        assert_eq!(lines, [5, 6, 7, 8, 9, 10, 11], "{bad:?}");
        for (bad, word) in
            bad.iter().zip(["2026-02-30", "total", "price.sell", "cost", "closed", "fields", "prd_8"])
        {
            assert!(bad.problem.contains(word), "{bad:?}");
        }
        for odd in ["", "a,b\n", "sku,day,total\n", "sku;day;total;market;sell;cost;closed\n"] {
            assert!(read(odd.as_bytes()).is_err(), "{odd:?}");
        }
        let (rows, bad) = read(b"sku,day,total,market,sell,cost,closed\n7,,\xff,,,,\n7,,1,,,,\n").unwrap();
        assert_eq!((rows.len(), bad.len()), (1, 1));
    }

    #[test]
    fn rows_have_to_fit_what_is_there() {
        let day = "2026-12-01".parse().ok();
        let plan = |day, total| StockPlan { day, total, closed: false, price: None };
        let stock = Stock {
            seller: PartnerId::from_i64(1),
            key: StockKey { sku: SkuId::from_i64(2), day },
            total: 10,
            held: 2,
            sold: 3,
            closed: false,
            price: None,
        };
        assert_eq!(problem(true, &plan(day, 5), Some(&stock), true), None);
        assert_eq!(problem(false, &plan(None, 0), None, true), None);
        let refused = |told: Option<String>, word: &str| assert!(told.unwrap().contains(word), "{word}");
        refused(problem(true, &plan(day, 4), Some(&stock), true), "5 are held or sold");
        refused(problem(true, &plan(None, 4), None, true), "sold by the day");
        refused(problem(false, &plan(day, 4), None, true), "not sold by the day");
        refused(problem(true, &plan(day, 9), None, false), "earlier line");
    }
}
