//! `copy`: a whole gateway from one database to another.
//!
//! The source is verified, copied chunk by chunk, and the target is verified; only when both say the
//! same is the copy complete, and only then can a gateway be started on it. Killed at any moment, the
//! same command goes on where it stood.

use std::convert::Infallible;
use std::ops::ControlFlow;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tokio::signal::unix::{SignalKind, signal};
use tradewind_signing::{Secret, random_token};
use tradewind_store::moving::{self, Copied, CopyError, CopyOptions, Movable, Progress, Section};
use tradewind_store::{StoreError, Verification};

use super::{Place, StoreUrl};
use crate::cli::{Copy, Global};
use crate::config::Config;
use crate::data::DataFolder;
use crate::failure::{EXIT_FAILED, Usage};
use crate::output;

/// A database that does not answer is tried so often in a row without getting any further.
const TRIES_MAX: u32 = 10;
const REST: Duration = Duration::from_secs(1);
const TOKEN_BYTES: usize = 16;

/// Runs `copy`.
pub(crate) fn copy(global: &Global, config: &Config, command: &Copy) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(run(global, config, command))
}

async fn run(global: &Global, config: &Config, command: &Copy) -> anyhow::Result<ExitCode> {
    let (from, to) = (&named(&command.from, "--from")?, &named(&command.to, "--to")?);
    ensure!(from != to, "the copy would be made in its own source");
    let in_folder = DataFolder::at(&config.data).database();
    // Both ends have to speak of the same tables.
    let (source, target) = (Place::of(from, config, &in_folder)?, Place::of(to, config, &in_folder)?);
    if let Place::Sqlite(path, _) = &source {
        ensure!(path.exists(), "there is no database `{}` to copy (option --from)", path.display());
    }
    let source = source.migrating().open().await;
    let source = source.with_context(|| format!("the source {from} (option --from)"))?;
    let target = target.migrating().open().await;
    let target = target.with_context(|| format!("the target {to} (option --to)"))?;
    let (source, target) = (source.store(), target.store());
    let began = Instant::now();
    let quiet = global.json;
    say(quiet, &format!("verifying the source {from}"));
    let known = source.verify().await?;
    if !known.findings.is_empty() && !command.accept_findings {
        known.findings.iter().for_each(|finding| output::error(&format!("  {finding}")));
        bail!("the books of the source do not agree; --accept-findings copies them as they are");
    }
    say(quiet, &format!("copying to {to}"));
    let copied = transfer(&*source, &*target, command, Shown::new(&known, quiet)).await?;
    if copied == Copied::Before {
        say(quiet, "nothing to do: the target holds a complete copy of this source");
    }
    say(quiet, "verifying the target");
    let found = target.verify().await?;
    let differences = moving::differences(&known, &found);
    let clean = differences.is_empty();
    if clean {
        moving::complete(&*source, &*target, command.retire_source).await?;
    }
    let seconds = began.elapsed().as_secs();
    output::text(&if global.json {
        let checked: serde_json::Map<_, _> =
            found.checked.iter().map(|(what, count)| ((*what).to_owned(), (*count).into())).collect();
        json!({
            "from": from.to_string(), "to": to.to_string(), "clean": clean, "checked": checked,
            "differences": differences, "nothing_to_do": copied == Copied::Before, "seconds": seconds,
        })
        .to_string()
    } else {
        summary(&found, &differences, copied, command, seconds)
    });
    Ok(if clean { ExitCode::SUCCESS } else { ExitCode::from(EXIT_FAILED) })
}

/// The database that an option names; the option's text may hold a password.
fn named(text: &Secret, option: &str) -> Result<StoreUrl, Usage> {
    let text = text.expose_str().map_err(|_| Usage(format!("{option}: not text")))?;
    StoreUrl::parse(text).map_err(|problem| Usage(format!("{option}: {problem}")))
}

/// Copies, and tries again while a database is away for a moment.
async fn transfer(
    source: &dyn Movable,
    target: &dyn Movable,
    command: &Copy,
    mut shown: Shown,
) -> anyhow::Result<Copied> {
    let options = CopyOptions { token: random_token(TOKEN_BYTES), chunk_rows: command.chunk_rows };
    let stop = AtomicBool::new(false);
    let interrupted = async {
        if let Ok(mut interrupt) = signal(SignalKind::interrupt()) {
            interrupt.recv().await;
            stop.store(true, Ordering::Relaxed);
        }
        std::future::pending::<Infallible>().await
    };
    let mut tries = 0;
    let copying = async {
        loop {
            let mut moved = false;
            let mut tell = |progress: Progress| {
                moved = true;
                shown.show(progress);
                if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let outcome = moving::copy(source, target, &options, &mut tell).await;
            tries = if moved { 1 } else { tries + 1 };
            match outcome {
                Err(CopyError::Store(end, error)) if tries < TRIES_MAX && may_pass(&error) => {
                    shown.note(&format!("the {end} did not answer ({error}); trying again"));
                    tokio::time::sleep(REST).await;
                }
                outcome => return outcome,
            }
        }
    };
    let outcome = tokio::select! {
        outcome = copying => outcome,
        never = interrupted => match never {},
    };
    match outcome {
        Err(CopyError::Stopped) => bail!("stopped; the same command goes on from here"),
        outcome => Ok(outcome?),
    }
}

/// Nothing is lost by trying again: the target says what it has.
fn may_pass(error: &StoreError) -> bool {
    match error {
        StoreError::Unavailable(_)
        | StoreError::Busy(_)
        | StoreError::Unknown(_)
        | StoreError::Conflict(_) => true,
        StoreError::Corrupt(_) => false,
    }
}

fn say(quiet: bool, text: &str) {
    if !quiet {
        output::error(text);
    }
}

fn summary(
    found: &Verification,
    differences: &[String],
    copied: Copied,
    command: &Copy,
    seconds: u64,
) -> String {
    let checked: Vec<String> = found.checked.iter().map(|(what, count)| format!("{count} {what}")).collect();
    let checked = if checked.is_empty() { "no business yet".to_owned() } else { checked.join(", ") };
    let mut text = format!("checked: {checked}\n");
    if !differences.is_empty() {
        text.push_str(match copied {
            Copied::Now => "NOT complete",
            Copied::Before => "the copy was complete, and its gateway has worked since",
        });
        text.push_str(&format!(": {} differences", differences.len()));
        differences.iter().for_each(|difference| text.push_str(&format!("\n  {difference}")));
        return text;
    }
    text.push_str(&format!(
        "complete after {seconds} s: the target holds what the source holds, and its books agree.\n\
         The new gateway needs the master key of the old one, the file master.key of its data folder.\n"
    ));
    text.push_str(if command.retire_source {
        "The source is retired: no gateway can be started on it."
    } else {
        "Never let two gateways work with the two databases: both would call the same channels and \
         partners. --retire-source keeps the old one from being started."
    });
    text
}

/// How far the copy has come, on a terminal.
struct Shown {
    bar: ProgressBar,
    /// Rows of each section, as far as the source's verification has counted them.
    totals: Vec<(Section, u64)>,
}

impl Shown {
    fn new(known: &Verification, quiet: bool) -> Shown {
        let total = |section: Section| {
            let counted = known.checked.iter().find(|(what, _)| *what == section.name());
            (section, counted.map_or(0, |(_, count)| *count))
        };
        let totals: Vec<_> = Section::ALL.iter().copied().map(total).collect();
        let all = totals.iter().map(|(_, count)| count).sum();
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(all) };
        let template = "{wide_bar} {pos}/{len} rows, {per_sec}, {eta} left: {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Shown { bar, totals }
    }

    fn show(&mut self, progress: Progress) {
        let before = self.totals.iter().take_while(|(section, _)| *section != progress.section);
        let before: u64 = before.map(|(_, count)| count).sum();
        let counted = self.totals.iter().any(|(section, count)| *section == progress.section && *count > 0);
        self.bar.set_message(progress.section.name());
        self.bar.set_position(before + if counted { progress.rows } else { 0 });
    }

    fn note(&self, text: &str) {
        self.bar.suspend(|| output::error(text));
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
