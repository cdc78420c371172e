//! `retention`: what is old and settled is counted, kept in a file if wanted, and forgotten.
//!
//! It goes page by page through the running gateway, so that each step is one small transaction among
//! the others'. What goes is in the file, and on the disk, before it goes.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path as FilePath;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tradewind_domain::{Span, Timestamp};

use super::answer::{list, print};
use super::client::{Ops, Path};
use super::error::OpsError;
use crate::cli::{OldEnough, Retention};
use crate::failure::Usage;

/// Events looked at in a step.
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
    let mut place = Value::Null;
    let mut tries = 0;
    loop {
        let asked = json!({
            "events_before_ms": windows.0, "tasks_before_ms": windows.1, "after": place, "limit": PAGE,
        });
        let page = ops.post(&Path::of(&["retention", "page"]), &asked).await?;
        if let Some(archive) = &mut archive {
            match forget(ops, asked, &page, archive.as_mut()).await {
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
            break;
        }
    }
    let applied = archive.is_some();
    print(json, &total.json(applied), |_| total.text(applied));
    Ok(ExitCode::SUCCESS)
}

/// Keeps a page and makes it go.
async fn forget(
    ops: &Ops,
    mut asked: Value,
    page: &Value,
    archive: Option<&mut Archive>,
) -> anyhow::Result<()> {
    if list(page, "events").is_empty() && list(page, "tasks").is_empty() {
        return Ok(());
    }
    if let Some(archive) = archive {
        archive.keep(page)?;
    }
    asked["mark"] = page["mark"].clone();
    ops.post(&Path::of(&["retention", "forget"]), &asked).await?;
    Ok(())
}

fn is_outdated(error: &anyhow::Error) -> bool {
    error.downcast_ref::<OpsError>().is_some_and(|error| error.code() == "changed")
}

/// Instants in milliseconds, by the gateway's own clock.
async fn windows(ops: &Ops, old: &OldEnough) -> anyhow::Result<(Option<i64>, Option<i64>)> {
    if old.events_before.is_none() && old.tasks_before.is_none() {
        return Err(Usage("say what may go: --events-before, --tasks-before, or both".into()).into());
    }
    let clock = ops.get(&Path::of(&["clock"])).await?;
    let now = clock["now_ms"].as_i64().context("the gateway does not tell its time")?;
    let before = |age: Span| (Timestamp::from_ms(now.saturating_sub(age.ms()))).ms();
    Ok((old.events_before.map(before), old.tasks_before.map(before)))
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
        self.0.flush()?;
        self.0.get_ref().sync_data().context("could not write the archive to the disk")
    }
}

/// What was found, or went.
#[derive(Default)]
struct Total {
    events: usize,
    tasks: usize,
    held: Vec<Value>,
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
    }

    fn json(&self, applied: bool) -> Value {
        json!({ "applied": applied, "events": self.events, "tasks": self.tasks, "held_by": self.held })
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
    }
}
