//! From the sum of a batch to statements: one for each table and kind of change, whatever the number
//! of rows, which travel as arrays.
//!
//! Statements that must find all their rows count them in the database and divide by the answer: by
//! zero when one is missing, which ends the transaction before the COMMIT that is already on its way.
//!
//! The order is the same in every batch of every process, and so is the order of the rows in each:
//! first the tasks, then what is new, then the sums of accounts, the counts, and the facts at the very end.
//! What a load has locked is changed wherever it fits; `load` says why two batches can wait for each other
//! only in one direction.

pub(crate) mod catalogue;
mod counts;
mod partners;
mod past;
mod trade;
mod vouchers;

use std::collections::BTreeMap;

use tokio_postgres::types::ToSql;
use tradewind_domain::WriteSet;
use tradewind_store::Result;

use crate::load::Seen;
use crate::session::{Step, Value};

/// What a lane uses in most batches, with purchases or without.
pub(crate) const HOT: [&[&str]; 3] = [trade::HOT, catalogue::HOT, vouchers::HOT];

/// Adds the statements that write `set`.
pub(crate) fn write<'a>(set: &'a WriteSet, seen: &Seen, steps: &mut Vec<Step<'a>>) -> Result<()> {
    trade::check_currencies(set)?;
    catalogue::check_currencies(set)?;
    trade::tasks_gone_and_changed(set, steps);
    crate::retention::events_gone(set, steps);
    past::write(set, steps);
    partners::write(set, seen, steps);
    trade::write(set, seen, steps);
    catalogue::write(set, seen, steps);
    vouchers::write(set, steps);
    trade::accounts(set, seen, steps);
    counts::write(set, steps);
    facts(set, steps);
    Ok(())
}

const SETTLE: &str = "INSERT INTO facts (name, value) SELECT * FROM unnest($1::text[], $2::text[])";

const REMEMBER: &str = "INSERT INTO facts (name, value) SELECT * FROM unnest($1::text[], $2::text[]) \
     ON CONFLICT (name) DO UPDATE SET value = excluded.value";

/// Facts come last, because batches of different lanes may share one.
fn facts<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let columns = |facts: &[(&'a str, &'a str)]| -> Vec<Value<'a>> {
        vec![column(facts, |fact| fact.0), column(facts, |fact| fact.1)]
    };
    let settled: Vec<_> =
        set.facts_new.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
    insert(steps, SETTLE, &settled, columns);
    // Of several values in one batch the latest counts.
    let latest: BTreeMap<&str, &str> =
        set.facts.iter().map(|fact| (fact.name.as_str(), fact.value.as_str())).collect();
    let facts: Vec<(&str, &str)> = latest.into_iter().collect();
    insert(steps, REMEMBER, &facts, columns);
}

/// Wraps a change so that it fails unless it changes as many rows as its last value says.
macro_rules! all_of {
    ($count:literal, $($change:expr),+) => {
        concat!("WITH changed AS (", $($change),+, " RETURNING 1) SELECT 1 / (count(*) = ", $count, "::bigint)::int FROM changed")
    };
}
use all_of;

/// A column of values for all rows.
fn column<'a, R, V>(rows: &[R], value: impl Fn(&R) -> V) -> Value<'a>
where
    V: 'a,
    Vec<V>: ToSql + Sync + Send,
{
    Box::new(rows.iter().map(value).collect::<Vec<V>>())
}

fn insert<'a, R>(
    steps: &mut Vec<Step<'a>>,
    sql: &'static str,
    rows: &[R],
    columns: impl FnOnce(&[R]) -> Vec<Value<'a>>,
) {
    if !rows.is_empty() {
        steps.push(Step::query(sql, columns(rows)));
    }
}

/// A change that has to find every one of its rows.
fn update<'a, R>(
    steps: &mut Vec<Step<'a>>,
    sql: &'static str,
    rows: &[R],
    columns: impl FnOnce(&[R]) -> Vec<Value<'a>>,
) {
    if !rows.is_empty() {
        let mut values = columns(rows);
        values.push(count(rows.len()));
        steps.push(Step::query(sql, values));
    }
}

fn count<'a>(rows: usize) -> Value<'a> {
    Box::new(i64::try_from(rows).unwrap_or(i64::MAX))
}
