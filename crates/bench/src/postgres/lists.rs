//! Every list that has pages: how long its first and its thousandth page take, and by which plans.
//!
//! The plans are those of the gateway's own statements: the server itself logs them while the lists
//! are asked for (`auto_explain`), so nothing here can differ from what is run.

use super::cluster;
use super::sql::Sql;
use crate::clock::wall_ms;
use crate::engine::{AfterLoss, Answer, Ended, Engine, Workload};
use crate::gateway::{Gateway, Setup};
use crate::report::{Bar, median, table};
use crate::run::{RunArgs, write};
use crate::sosopay::{Merchant, Partner};
use anyhow::{Context, bail, ensure};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tradewind_testkit::postgres::Cluster;

/// Rows of a page.
const PAGE: u64 = 10;
/// The page that is compared with the first.
const FAR: u64 = 1000;
const LOOKS: usize = 30;
/// The thousandth page may take this many times the first.
const RATIO_MAX: f64 = 1.5;
/// Below this difference two medians of single requests are the same.
const NOISE_MS: f64 = 0.3;
const PLANS: &str = "target/plans";

/// One list, at its first and its thousandth page.
pub(crate) struct List {
    name: &'static str,
    pages: [Ask; 2],
}

/// How a page is asked for.
enum Ask {
    /// From the operator's listener.
    Operator(String),
    /// From the partners' listener, signed.
    Partner { interface: &'static str, parameters: String },
}

/// Median milliseconds of a list's pages.
#[derive(Debug, Serialize)]
pub(crate) struct Times {
    name: &'static str,
    first_ms: f64,
    far_ms: f64,
}

/// Times all lists and saves their plans.
pub(crate) fn measure(
    args: &RunArgs,
    cluster: &Cluster,
    gateway: &Gateway,
    url: &str,
    data: &Path,
    bars: &mut Vec<Bar>,
) -> anyhow::Result<Vec<Times>> {
    let lists = lists(url)?;
    let mut times = Vec::new();
    for list in &lists {
        let mut ms = [Vec::new(), Vec::new()];
        // In turn, so that whatever else happens on the machine happens to both.
        for _ in 0..LOOKS {
            for (page, ms) in list.pages.iter().zip(&mut ms) {
                let begun_at = Instant::now();
                let rows = ask(gateway, page).with_context(|| list.name.to_owned())?;
                ms.push(begun_at.elapsed().as_secs_f64() * 1000.0);
                ensure!(rows > 0, "a page of {} is empty", list.name);
            }
        }
        let [first_ms, far_ms] = ms.map(|ms| median(&ms));
        times.push(Times { name: list.name, first_ms, far_ms });
        let slower = if far_ms - first_ms <= NOISE_MS { 1.0 } else { far_ms / first_ms };
        bars.push(Bar::below(
            &format!("page {FAR} of {} against its first", list.name),
            slower,
            RATIO_MAX,
            "x",
        ));
    }
    save_plans(args, cluster, &lists, url, data)?;
    Ok(times)
}

pub(crate) fn print(times: &[Times]) {
    let rows: Vec<Vec<String>> = times
        .iter()
        .map(|it| vec![it.name.to_owned(), format!("{:.2}", it.first_ms), format!("{:.2}", it.far_ms)])
        .collect();
    println!("\nlists of {PAGE} rows a page, medians of {LOOKS} requests; their plans are in {PLANS}");
    print!("{}", table(&["list", "first page, ms", "page 1000, ms"], &rows));
}

/// The lists, with the places at which their thousandth pages begin.
fn lists(url: &str) -> anyhow::Result<Vec<List>> {
    let mut sql = Sql::connect(url)?;
    let before = (FAR - 1) * PAGE;
    let busi_id = Partner::added(0).busi_id;
    let operator = |path: String| Ask::Operator(format!("/ops/v1/{path}"));
    let mut lists = vec![
        List {
            name: "orders of a partner",
            pages: [1, FAR].map(|page| Ask::Partner {
                interface: "queryTrades",
                parameters: format!("busiCode={busi_id}&pageNum={page}&pageSize={PAGE}"),
            }),
        },
        List {
            name: "events of a partner",
            pages: [0, before]
                .map(|after| operator(format!("partners/{busi_id}/events?after={after}&limit={PAGE}"))),
        },
    ];
    for (name, state, code) in
        [("failed tasks", "failed", 2), ("pending tasks", "pending", 0), ("done tasks", "done", 1)]
    {
        let place = sql.rows(
            &format!(
                "SELECT partner, id FROM tasks WHERE state = {code} ORDER BY partner, id OFFSET {} LIMIT 1",
                before - 1
            ),
            &[],
        )?;
        let Some(place) = place.first() else { bail!("there are no {FAR} pages of {name}") };
        let (partner, id): (i64, i64) = (place.try_get(0)?, place.try_get(1)?);
        lists.push(List {
            name,
            pages: [String::new(), format!("&after=par_{partner}:tsk_{id}")]
                .map(|after| operator(format!("tasks?state={state}&limit={PAGE}{after}"))),
        });
    }
    // There are not as many partners: their last page instead.
    let last = sql.number("SELECT id FROM partners ORDER BY id DESC OFFSET 5 LIMIT 1")?;
    lists.push(List {
        name: "partners (last page)",
        pages: [String::new(), format!("&after=par_{last}")]
            .map(|after| operator(format!("partners?limit={PAGE}{after}"))),
    });
    Ok(lists)
}

/// Asks for a page and returns how many rows it has.
fn ask(gateway: &Gateway, ask: &Ask) -> anyhow::Result<usize> {
    match ask {
        Ask::Operator(path) => {
            let answer = gateway.operator.get(path)?;
            let rows =
                answer.as_object().and_then(|answer| answer.values().find_map(|value| value.as_array()));
            Ok(rows.context("the answer has no list")?.len())
        }
        Ask::Partner { interface, parameters } => {
            let merchant = Merchant::of(&Partner::added(0), gateway.listen);
            let mut once = Once { merchant, interface, parameters, sent: false, body: None };
            let mut engine = Engine::connect(gateway.listen, 1)?;
            let ended = engine.run(&mut once, Duration::from_secs(120))?;
            let body = once.body.filter(|_| ended == Ended::Idle).context("no answer")?;
            let answer: serde_json::Value = serde_json::from_slice(&body)?;
            rows_of(&answer).with_context(|| format!("no page: {:.300}", answer.to_string()))
        }
    }
}

/// `chargesSize`, wherever the answer has it.
fn rows_of(answer: &serde_json::Value) -> Option<usize> {
    match answer {
        serde_json::Value::Object(members) => members.iter().find_map(|(name, value)| match name.as_str() {
            "chargesSize" => value.as_u64().and_then(|size| usize::try_from(size).ok()),
            _ => rows_of(value),
        }),
        _ => None,
    }
}

/// One signed GET.
struct Once<'a> {
    merchant: Merchant,
    interface: &'a str,
    parameters: &'a str,
    sent: bool,
    body: Option<Vec<u8>>,
}

impl Workload for Once<'_> {
    fn next(&mut self, _: usize, _: Instant, out: &mut Vec<u8>) -> bool {
        if !std::mem::replace(&mut self.sent, true) {
            self.merchant.get(out, self.interface, self.parameters, wall_ms());
            return true;
        }
        false
    }

    fn answered(&mut self, _: usize, answer: Answer<'_>, _: Duration) {
        self.body = (answer.status == 200).then(|| answer.body.to_vec());
    }

    fn lost(&mut self, _: usize) -> AfterLoss {
        AfterLoss::GiveUp
    }
}

/// Asks each page once on a gateway whose connections have every statement's plan logged.
fn save_plans(
    args: &RunArgs,
    cluster: &Cluster,
    lists: &[List],
    url: &str,
    data: &Path,
) -> anyhow::Result<()> {
    let name = url.rsplit('/').next().unwrap_or_default();
    let logging = |setting: &str| cluster.sql(&format!("ALTER DATABASE {name} {setting}"));
    logging("SET session_preload_libraries = 'auto_explain'");
    for setting in ["log_min_duration = 0", "log_analyze = on", "log_buffers = on", "log_timing = off"] {
        // Parameters of a library that is not loaded yet are believed.
        logging(&format!("SET auto_explain.{setting}"));
    }
    let setup =
        Setup::new(&args.binary, &data.with_extension("plans")).set("store.url", url).with_key_of(data)?;
    let gateway = Gateway::start_with(&setup)?;
    let log = log_file(cluster)?;
    for list in lists {
        for (page, which) in list.pages.iter().zip(["first", "page-1000"]) {
            let before = std::fs::metadata(&log).with_context(|| format!("no {}", log.display()))?.len();
            ask(&gateway, page)?;
            let text = std::fs::read(&log)?;
            let new = String::from_utf8_lossy(text.get(usize::try_from(before)?..).unwrap_or_default());
            let plans: Vec<&str> = plans(&new).collect();
            ensure!(!plans.is_empty(), "no plan was logged for {}", list.name);
            let file = format!("{}-{which}.txt", list.name.replace([' ', '(', ')'], "-"));
            write(&Path::new(PLANS).join(file), &plans.join("\n"))?;
        }
    }
    gateway.stop()?;
    logging("RESET ALL");
    Ok(())
}

/// The server's log lies beside its data.
fn log_file(cluster: &Cluster) -> anyhow::Result<PathBuf> {
    let data = PathBuf::from(cluster.sql("SHOW data_directory").trim());
    Ok(data.parent().context("the data has no folder")?.join(cluster::LOG))
}

/// The entries of a log that are plans, except those of the work that goes on beside the lists.
fn plans(log: &str) -> impl Iterator<Item = &str> {
    const ENTRY: &str = "LOG:  duration: ";
    const BESIDE: [&str; 3] = ["lease_until", "nodes", "pg_catalog"];
    let starts: Vec<usize> = log.match_indices(ENTRY).map(|(at, _)| at).collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([log.len()]).collect();
    starts
        .into_iter()
        .zip(ends)
        .map(|(start, end)| &log[start..end])
        .filter(|entry| entry.contains("plan:") && !BESIDE.iter().any(|word| entry.contains(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plans_are_cut_out_of_the_log() {
        let log = "x LOG:  duration: 1 ms  plan:\n\tQuery Text: SELECT a\n\tScan\n\
                   y LOG:  duration: 2 ms  plan:\n\tQuery Text: SELECT lease_until\n\
                   z LOG:  duration: 3 ms  plan:\n\tQuery Text: SELECT b\n";
        let found: Vec<&str> = plans(log).collect();
        assert_eq!(found.len(), 2);
        assert!(found[0].contains("SELECT a") && found[1].contains("SELECT b"));
    }

    #[test]
    fn rows_of_an_answer() {
        assert_eq!(rows_of(&serde_json::json!({"ServiceResult": {"chargesSize": 10}})), Some(10));
        assert_eq!(rows_of(&serde_json::json!({"RESULT": {"CODE": "FAIL"}})), None);
    }
}
