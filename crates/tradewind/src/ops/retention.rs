//! `retention`: what is old and settled is counted, kept in a file if wanted, and forgotten.
//!
//! It goes page by page through the running gateway, so that each step is one small transaction among
//! the others'. What goes is in the file, and on the disk, before it goes.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path as FilePath;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tradewind_domain::{Forgetting, Kept, Span, Timestamp};

use super::answer::{list, plain, print};
use super::client::{Ops, Path};
use super::error::OpsError;
use crate::cli::{OldEnough, Retention};
use crate::failure::Usage;
use crate::when::Zone;

/// Events or orders looked at in a step, unless the gateway says fewer.
const PAGE: u32 = 500;
/// How often a page that others are changing is looked at again.
const TRIES_MAX: u32 = 5;

/// Runs a `retention` command.
pub(crate) async fn retention(ops: &Ops, json: bool, command: Retention) -> anyhow::Result<ExitCode> {
    let (old, mut archive) = match command {
        Retention::Preview { old } => (old, None),
        Retention::Apply { old, archive } => {
            let archive = archive.as_deref().map(Archive::create).transpose()?;
            (old, Some(archive))
        }
    };
    let windows = windows(ops, &old).await?;
    let mut total = Total::default();
    if windows.events.is_some() || windows.tasks.is_some() {
        let asked = json!({ "events_before_ms": windows.events, "tasks_before_ms": windows.tasks });
        walk(ops, &["retention"], asked, archive.as_mut(), &mut total).await?;
    }
    if let Some(before) = windows.orders {
        total.orders = Some(Orders::default());
        let asked = json!({ "before_ms": before });
        walk(ops, &["retention", "orders"], asked, archive.as_mut(), &mut total).await?;
    }
    let applied = archive.is_some();
    print(json, &total.json(applied), |_| total.text(applied));
    Ok(ExitCode::SUCCESS)
}

/// Goes through all pages of a resource, and makes go what is on them if that is wanted.
async fn walk(
    ops: &Ops,
    resource: &[&str],
    asked: Value,
    mut archive: Option<&mut Option<Archive>>,
    total: &mut Total,
) -> anyhow::Result<()> {
    let at = |last| Path::of(&[resource, &[last]].concat());
    let mut place = Value::Null;
    let mut tries = 0;
    loop {
        let mut asked = asked.clone();
        asked["after"] = place;
        asked["limit"] = PAGE.into();
        let page = ops.post(&at("page"), &asked).await?;
        if let Some(archive) = archive.as_deref_mut() {
            place = asked["after"].clone();
            match forget(ops, &at("forget"), asked, &page, archive.as_mut()).await {
                Err(error) if is_outdated(&error) && tries < TRIES_MAX => {
                    tries += 1;
                    continue;
                }
                outcome => outcome?,
            }
            tries = 0;
        }
        total.add(&page);
        place = page["next"].clone();
        if place.is_null() {
            return Ok(());
        }
    }
}

/// Keeps a page and makes it go.
async fn forget(
    ops: &Ops,
    path: &Path,
    mut asked: Value,
    page: &Value,
    archive: Option<&mut Archive>,
) -> anyhow::Result<()> {
    if ["events", "tasks", "orders"].iter().all(|rows| list(page, rows).is_empty()) {
        return Ok(());
    }
    if let Some(archive) = archive {
        archive.keep(page)?;
    }
    asked["mark"] = page["mark"].clone();
    ops.post(path, &asked).await?;
    Ok(())
}

fn is_outdated(error: &anyhow::Error) -> bool {
    error.downcast_ref::<OpsError>().is_some_and(|error| error.code() == "changed")
}

/// Instants in milliseconds, by the gateway's own clock.
struct Windows {
    events: Option<i64>,
    tasks: Option<i64>,
    orders: Option<i64>,
}

async fn windows(ops: &Ops, old: &OldEnough) -> anyhow::Result<Windows> {
    if old.events_before.is_none() && old.tasks_before.is_none() && old.orders_before.is_none() {
        let problem = "say what may go: --events-before, --tasks-before, --orders-before, or several";
        return Err(Usage(problem.into()).into());
    }
    if old.orders_before.is_some_and(|age| age < Forgetting::REST_MIN) {
        return Err(Usage("--orders-before: at least one day (1d)".into()).into());
    }
    let clock = ops.get(&Path::of(&["clock"])).await?;
    let now = clock["now_ms"].as_i64().context("the gateway does not tell its time")?;
    let before = |age: Option<Span>| age.map(|age| now.saturating_sub(age.ms()));
    Ok(Windows {
        events: before(old.events_before),
        tasks: before(old.tasks_before),
        orders: before(old.orders_before),
    })
}

/// A file with one row in each line. A page that was looked at twice is there twice.
struct Archive(BufWriter<File>);

impl Archive {
    fn create(path: &FilePath) -> anyhow::Result<Archive> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = file.with_context(|| format!("could not make `{}` (option --archive)", path.display()))?;
        Ok(Archive(BufWriter::new(file)))
    }

    fn keep(&mut self, page: &Value) -> anyhow::Result<()> {
        let partner = &page["partner"];
        for event in list(page, "events") {
            writeln!(self.0, "{}", json!({ "partner": partner, "event": event }))?;
        }
        for task in list(page, "tasks") {
            writeln!(self.0, "{}", json!({ "partner": partner, "task": task }))?;
        }
        for whole in list(page, "orders") {
            let mut row = whole.clone();
            row["partner"] = partner.clone();
            writeln!(self.0, "{row}")?;
        }
        self.0.flush()?;
        self.0.get_ref().sync_all().context("could not write the archive to the disk")
    }
}

/// What was found, or went.
#[derive(Default)]
struct Total {
    events: usize,
    tasks: usize,
    held: Vec<Value>,
    /// When orders were looked at.
    orders: Option<Orders>,
}

/// What was found among the orders.
#[derive(Default)]
struct Orders {
    going: usize,
    refunds: usize,
    /// When the oldest and the newest of them were placed.
    placed_ms: Option<(i64, i64)>,
    /// How many are kept for what reason, and one of them.
    kept: BTreeMap<&'static str, (usize, Value)>,
}

impl Orders {
    fn add(&mut self, page: &Value) {
        for whole in list(page, "orders") {
            self.going += 1;
            self.refunds += list(whole, "refunds").len();
            if let Some(at) = whole["order"]["created_at_ms"].as_i64() {
                let (oldest, newest) = self.placed_ms.unwrap_or((at, at));
                self.placed_ms = Some((oldest.min(at), newest.max(at)));
            }
        }
        for kept in list(page, "kept") {
            let reason = Kept::ALL.into_iter().find(|reason| kept["reason"] == reason.name());
            let name = reason.map_or("unknown", Kept::name);
            self.kept.entry(name).or_insert_with(|| (0, kept["order"].clone())).0 += 1;
        }
    }

    fn json(&self) -> Value {
        let kept = |(reason, (count, order)): (&&str, &(usize, Value))| json!({ "reason": reason, "count": count, "order": order });
        json!({
            "count": self.going,
            "refunds": self.refunds,
            "oldest_ms": self.placed_ms.map(|(oldest, _)| oldest),
            "newest_ms": self.placed_ms.map(|(_, newest)| newest),
            "kept": self.kept.iter().map(kept).collect::<Vec<_>>(),
        })
    }

    fn text(&self, verb: &str) -> String {
        let mut text = format!("\n{} orders with {} refunds {verb}", self.going, self.refunds);
        if let Some((oldest, newest)) = self.placed_ms {
            let show = |ms| Zone::Local.show(Timestamp::from_ms(ms));
            text.push_str(&format!(", placed from {} to {}", show(oldest), show(newest)));
        }
        for (reason, (count, order)) in &self.kept {
            let why = Kept::ALL.into_iter().find(|kept| kept.name() == *reason).map_or("", why);
            text.push_str(&format!("\n  {count} are kept: {why} ({})", plain(order)));
        }
        text
    }
}

/// What keeps an order, for people.
fn why(kept: Kept) -> &'static str {
    match kept {
        Kept::Open => "waiting for payment",
        Kept::Review => "a revocation waits for review",
        Kept::Payment => "a payment whose outcome is not known",
        Kept::Refund => "a refund whose outcome is not known",
        Kept::Refundable => "something can still be given back",
        Kept::Purchase => "has bought from the catalogue",
        Kept::Task => "a delivery is pending or failed: run it again or call it off",
        Kept::Recent => "something has happened since",
    }
}

/// So many tasks in the way are told.
const HELD_SHOWN: usize = 20;

impl Total {
    fn add(&mut self, page: &Value) {
        self.events += list(page, "events").len();
        self.tasks += list(page, "tasks").len();
        if !page["held_by"].is_null() {
            self.held.push(page["held_by"].clone());
        }
        if let Some(orders) = &mut self.orders {
            orders.add(page);
        }
    }

    fn json(&self, applied: bool) -> Value {
        json!({
            "applied": applied,
            "events": self.events,
            "tasks": self.tasks,
            "held_by": self.held,
            "orders": self.orders.as_ref().map(Orders::json),
        })
    }

    fn text(&self, applied: bool) -> String {
        let verb = if applied { "went" } else { "would go" };
        let mut text = format!("{} events and {} tasks {verb}", self.events, self.tasks);
        for task in self.held.iter().take(HELD_SHOWN) {
            let of = |name: &str| task[name].as_str().unwrap_or_default().to_owned();
            text.push_str(&format!(
                "\n  later events of {} are kept by {} ({}): run it again or call it off",
                of("partner"),
                of("id"),
                of("state"),
            ));
        }
        if self.held.len() > HELD_SHOWN {
            text.push_str(&format!("\n  and {} more", self.held.len() - HELD_SHOWN));
        }
        if let Some(orders) = &self.orders {
            text.push_str(&orders.text(verb));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals() {
        let mut total = Total::default();
        total.add(&json!({ "events": [1, 2], "tasks": [3], "held_by": null }));
        let held = json!({ "partner": "par_1", "id": "tsk_2", "state": "failed" });
        total.add(&json!({ "events": [], "tasks": [], "held_by": held }));
        assert_eq!(
            total.text(false),
            "2 events and 1 tasks would go\n  later events of par_1 are kept by tsk_2 (failed): run it again or \
             call it off"
        );
        assert_eq!(total.json(true)["events"], 2);
        assert!(total.json(true)["orders"].is_null());
    }

    #[test]
    fn totals_of_orders() {
        let whole = |at: i64, refunds: Value| json!({ "order": { "created_at_ms": at }, "refunds": refunds });
        let kept = |order: &str, reason: &str| json!({ "order": order, "reason": reason });
        let mut total = Total { orders: Some(Orders::default()), ..Total::default() };
        total.add(&json!({
            "orders": [whole(86_400_000, json!([1])), whole(0, json!([]))],
            "kept": [kept("ord_1", "open"), kept("ord_2", "task")],
        }));
        total.add(&json!({ "orders": [], "kept": [kept("ord_3", "task")] }));
        assert_eq!(
            total.text(true),
            "0 events and 0 tasks went\n2 orders with 1 refunds went, placed from 1970-01-01 08:00:00.000 \
             +08:00 to 1970-01-02 08:00:00.000 +08:00\n  1 are kept: waiting for payment (ord_1)\n  2 are kept: \
             a delivery is pending or failed: run it again or call it off (ord_2)"
        );
        let expected = json!({
            "count": 2, "refunds": 1, "oldest_ms": 0, "newest_ms": 86_400_000,
            "kept": [
                { "reason": "open", "count": 1, "order": "ord_1" },
                { "reason": "task", "count": 2, "order": "ord_2" },
            ],
        });
        assert_eq!(total.json(true)["orders"], expected);
    }
}
