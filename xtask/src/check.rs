//! `cargo xtask check`: everything that can be judged without running a test.
//!
//! All steps run, also after one has failed, so that one round shows all there is to mend.

use anyhow::{Result, bail};

use crate::process::{cargo, run as start};
use crate::{tidy, transitions};

/// A step answers whether it found everything in order.
type Step = (&'static str, fn() -> Result<bool>);

/// Runs the steps in order of their price and names those that failed.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.first() {
        bail!("check takes no arguments, but got `{unknown}`");
    }
    let steps: [Step; 5] = [
        ("tidy", || tidy::run(&[])),
        ("formatting", || start(&mut cargo(["fmt", "--all", "--check"])?)),
        ("lints", || {
            start(&mut cargo(["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?)
        }),
        ("documentation", || {
            start(
                cargo(["doc", "--workspace", "--no-deps", "--locked", "--quiet"])?
                    .env("RUSTDOCFLAGS", "-D warnings"),
            )
        }),
        ("transitions", || transitions::run(&["--check".to_owned()])),
    ];
    let mut failed = Vec::new();
    for (name, step) in steps {
        eprintln!("-- {name}");
        match step() {
            Ok(true) => {}
            Ok(false) => failed.push(name),
            Err(error) => {
                eprintln!("error: {error:#}");
                failed.push(name);
            }
        }
    }
    if failed.is_empty() {
        println!("check: everything in order");
    } else {
        println!("check: failed in {}", failed.join(", "));
    }
    Ok(failed.is_empty())
}
