//! By which plans the server answers the lists: those of the gateway's own statements. The server itself
//! logs them while the lists are asked for (`auto_explain`), so nothing here can differ from what is run.

use super::cluster;
use crate::gateway::{Gateway, Setup};
use crate::lists::{Asker, List};
use crate::run::{RunArgs, write};
use crate::sosopay::{Merchant, Partner};
use anyhow::{Context, ensure};
use std::path::{Path, PathBuf};
use tradewind_testkit::postgres::Cluster;

const PLANS: &str = "target/plans";

/// Asks each page once on a gateway whose connections have every statement's plan logged.
pub(crate) fn save(
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
    let partner = Partner::added(0);
    let merchant = Merchant::of(&partner, gateway.listen);
    let asker = Asker { gateway: &gateway, merchant: &merchant, busi_id: &partner.busi_id };
    for list in lists {
        for (page, which) in list.pages.iter().zip(["first", "page-1000"]) {
            let before = std::fs::metadata(&log).with_context(|| format!("no {}", log.display()))?.len();
            asker.ask(page)?;
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
    println!("plans of the lists saved in {PLANS}");
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
}
