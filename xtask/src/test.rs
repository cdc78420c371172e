//! `cargo xtask test`: set-up and every test, with one honest sum at the end.
//!
//! All parts run, also after one has failed. Each part counts its own tests from what the runner wrote
//! down, never from what it was expected to run; a part that could not run at all counts as one failure,
//! and so does a test that was skipped, because the set-up provides everything a test may need.

mod cluster;
mod host;
mod options;
mod parts;
mod python;
mod tally;

use anyhow::Result;

use options::{Options, Store};
use tally::Tally;

use crate::coverage;

/// Runs what the arguments ask for and prints `N passed, N failed` last.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    let options = Options::parse(arguments)?;
    let whole_suite = options.e2e && options.pytest.is_empty();
    let mut rows = Vec::new();

    host::prepare(options.e2e)?;
    if options.rust {
        rows.push(("rust", counted(parts::rust)));
        rows.push(("doc", counted(parts::doc)));
    }
    if options.e2e || options.kill || options.chaos {
        let built = counted(parts::build);
        let usable = built.failed == 0;
        rows.push(("build", built));
        for store in options.stores.iter().filter(|_| usable && options.e2e) {
            rows.push(match store {
                Store::Sqlite => ("e2e", counted(|| parts::e2e(&options.pytest))),
                Store::Postgres => ("e2e postgres", counted(|| parts::e2e_on_postgres(&options.pytest))),
            });
        }
        if usable && options.kill {
            rows.push(("kill", counted(|| parts::kill(options.seed))));
        }
        if usable && options.chaos {
            rows.push(("chaos", counted(|| parts::chaos(options.seed))));
        }
        // A selection of tests says nothing about what all of them cover.
        if usable && whole_suite {
            rows.push((
                "coverage",
                counted(|| Ok(Tally { failed: coverage::report()?, ..Tally::default() })),
            ));
        }
    }

    println!("\n{:<12} {:>8} {:>8} {:>8}", "part", "passed", "failed", "skipped");
    for (name, tally) in &rows {
        println!("{name:<12} {:>8} {:>8} {:>8}", tally.passed, tally.failed, tally.skipped);
    }
    let sum: Tally = rows.iter().map(|(_, tally)| *tally).sum();
    if sum.skipped > 0 {
        println!("a skipped test counts as failed");
    }
    println!("{} passed, {} failed", sum.passed, sum.failed + sum.skipped);
    Ok(sum.failed + sum.skipped == 0 && sum.passed > 0)
}

/// A part that could not be run is a failure like any other.
fn counted(part: impl FnOnce() -> Result<Tally>) -> Tally {
    part().unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        Tally { failed: 1, ..Tally::default() }
    })
}
