//! Every chore of the project, one subcommand each: `cargo xtask <chore>`.
//!
//! A person and the continuous integration run the same commands. This is the first thing a newcomer
//! builds, so it stays on the standard library, `anyhow` and `serde_json`.
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the output of a chore is what it prints")]

mod bench;
mod check;
mod coverage;
mod process;
mod repo;
mod test;
mod tidy;
mod transitions;

use std::process::ExitCode;

/// One subcommand. `run` answers whether the chore found everything in order; an error means that it
/// could not tell.
struct Chore {
    name: &'static str,
    arguments: &'static str,
    says: &'static str,
    run: fn(&[String]) -> anyhow::Result<bool>,
}

const CHORES: &[Chore] = &[
    Chore {
        name: "check",
        arguments: "",
        says: "formatting, lints, fences, documentation: everything that needs no test to run",
        run: check::run,
    },
    Chore {
        name: "test",
        arguments: "[--rust] [--e2e] [--store sqlite|postgres] [--kill] [--chaos] [--seed N] [-- PYTEST ARGUMENTS]",
        says: "set-up and every test; the flags run only the named parts",
        run: test::run,
    },
    Chore { name: "tidy", arguments: "", says: "the fences alone (part of check)", run: tidy::run },
    Chore {
        name: "coverage",
        arguments: "",
        says: "interfaces of the specifications against the tests that passed last time (part of test)",
        run: coverage::run,
    },
    Chore {
        name: "transitions",
        arguments: "[--check]",
        says: "print the state machines from the code into docs/states.md",
        run: transitions::run,
    },
    Chore {
        name: "bench",
        arguments: "[ARGUMENTS]",
        says: "measure in release mode: tradewind-bench run ARGUMENTS",
        run: bench::bench,
    },
    Chore {
        name: "kill",
        arguments: "[ARGUMENTS]",
        says: "the long kill test in release mode: tradewind-bench kill ARGUMENTS",
        run: bench::kill,
    },
    Chore {
        name: "chaos",
        arguments: "[ARGUMENTS]",
        says: "processes killed and paused, a primary failed over, in release mode: tradewind-bench chaos ARGUMENTS",
        run: bench::chaos,
    },
    Chore {
        name: "cost",
        arguments: "[ARGUMENTS]",
        says: "rows and bytes of many orders, in release mode: tradewind-bench cost ARGUMENTS",
        run: bench::cost,
    },
    Chore {
        name: "tickets",
        arguments: "[ARGUMENTS]",
        says: "orders a second from one hot item, in release mode: tradewind-bench tickets ARGUMENTS",
        run: bench::tickets,
    },
    Chore {
        name: "tickets-kill",
        arguments: "[ARGUMENTS]",
        says: "many buyers of one day while processes are killed, in release mode: tradewind-bench tickets-kill ARGUMENTS",
        run: bench::tickets_kill,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some((name, rest)) = arguments.split_first() else {
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    if matches!(name.as_str(), "help" | "-h" | "--help") {
        print!("{}", usage());
        return ExitCode::SUCCESS;
    }
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        eprintln!("error: there is no chore `{name}`\n");
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    match (chore.run)(rest) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let mut text = String::from("usage: cargo xtask <chore>\n\n");
    for chore in CHORES {
        text.push_str(&format!(
            "  {}\n      {}\n",
            format!("{} {}", chore.name, chore.arguments).trim_end(),
            chore.says
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usage_names_every_chore() {
        let usage = usage();
        for chore in CHORES {
            assert!(usage.contains(&format!("\n  {}", chore.name)), "{} is missing", chore.name);
        }
    }
}
