//! `migrate`: the schema of the database, looked at and brought up to date without a gateway.

use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Value, json};
use tradewind_store_postgres::{Migration, Migrations};
use tradewind_store_sqlite::{SchemaStep, SqliteStore};

use super::{Place, StoreUrl};
use crate::cli::{Global, Migrate};
use crate::config::Config;
use crate::data::DataFolder;
use crate::output::{self, table};

/// A step of the schema.
struct Step {
    number: u32,
    name: String,
    sql: String,
    done: bool,
}

/// Runs a `migrate` command.
pub(crate) fn migrate(global: &Global, config: &Config, command: &Migrate) -> anyhow::Result<ExitCode> {
    let url = &config.store.url;
    let folder = DataFolder::at(&config.data);
    let place = Place::of(url, config, &folder.database())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let shown = runtime.block_on(async {
        anyhow::Ok(match command {
            Migrate::Status => show_all(url, &steps(&place).await?, global.json),
            Migrate::Plan => show_plan(url, &steps(&place).await?, global.json),
            Migrate::Apply => {
                if url == &StoreUrl::Folder {
                    folder.prepare()?;
                }
                show_applied(url, &apply(place).await?, global.json)
            }
        })
    });
    let shown = shown.with_context(|| format!("the database {url} (key store.url)"))?;
    output::text(&shown);
    Ok(ExitCode::SUCCESS)
}

async fn steps(place: &Place) -> anyhow::Result<Vec<Step>> {
    Ok(match place.clone() {
        Place::Sqlite(path, _) => {
            let steps = tokio::task::spawn_blocking(move || SqliteStore::schema(&path)).await??;
            steps.into_iter().map(Step::from).collect()
        }
        Place::Postgres(config) => {
            let steps = Migrations::new(*config)?.status().await?;
            steps.into_iter().map(Step::from).collect()
        }
    })
}

/// Returns the steps that were run here. Others may try the same at the same time.
async fn apply(place: Place) -> anyhow::Result<Vec<Step>> {
    match place {
        Place::Sqlite(..) => {
            let mut before = steps(&place).await?;
            before.retain(|step| !step.done);
            // Refused while a gateway works with the file: that one has migrated it.
            if !before.is_empty() {
                place.migrating().open().await?;
            }
            Ok(before.into_iter().map(|step| Step { done: true, ..step }).collect())
        }
        Place::Postgres(config) => {
            let run = Migrations::new(*config)?.apply().await?;
            Ok(run.into_iter().map(Step::from).collect())
        }
    }
}

impl From<SchemaStep> for Step {
    fn from(step: SchemaStep) -> Step {
        let SchemaStep { number, name, sql, done } = step;
        Step { number, name: name.to_owned(), sql: sql.to_owned(), done }
    }
}

impl From<Migration> for Step {
    fn from(step: Migration) -> Step {
        let done = step.applied_at_ms.is_some();
        Step { number: step.number, name: step.name, sql: step.sql.to_owned(), done }
    }
}

fn show_all(url: &StoreUrl, steps: &[Step], json: bool) -> String {
    let pending = steps.iter().filter(|step| !step.done).count();
    if json {
        let steps: Vec<Value> = steps.iter().map(|step| step_json(step, false)).collect();
        return json!({ "store": url.to_string(), "pending": pending, "steps": steps }).to_string();
    }
    let rows = steps.iter().map(|step| {
        [step.number.to_string(), step.name.clone(), if step.done { "done" } else { "to do" }.to_owned()]
    });
    let verdict = match pending {
        0 => "the schema is up to date".to_owned(),
        count => format!("{count} to do: `tradewind migrate apply`"),
    };
    format!("{url}\n{}\n{verdict}", table(["step", "name", "state"], rows))
}

/// The statements themselves, for whoever has to agree to them.
fn show_plan(url: &StoreUrl, steps: &[Step], json: bool) -> String {
    let pending: Vec<&Step> = steps.iter().filter(|step| !step.done).collect();
    if json {
        let steps: Vec<Value> = pending.into_iter().map(|step| step_json(step, true)).collect();
        return json!({ "store": url.to_string(), "steps": steps }).to_string();
    }
    if pending.is_empty() {
        return format!("-- {url}: nothing to do");
    }
    let parts = pending.iter().map(|step| {
        format!("-- step {}: {}, in one transaction\n{}", step.number, step.name, step.sql.trim_end())
    });
    parts.collect::<Vec<_>>().join("\n\n")
}

fn show_applied(url: &StoreUrl, run: &[Step], json: bool) -> String {
    if json {
        let steps: Vec<Value> = run.iter().map(|step| step_json(step, false)).collect();
        return json!({ "store": url.to_string(), "applied": steps }).to_string();
    }
    if run.is_empty() {
        return format!("{url}: the schema was up to date");
    }
    let names: Vec<String> = run.iter().map(|step| format!("{} {}", step.number, step.name)).collect();
    format!("{url}: ran {}", names.join(", "))
}

fn step_json(step: &Step, with_sql: bool) -> Value {
    let mut value = json!({ "number": step.number, "name": step.name, "done": step.done });
    if with_sql {
        value["sql"] = step.sql.as_str().into();
    }
    value
}
