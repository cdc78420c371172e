//! What `cargo xtask test` is asked for.

use std::hash::{BuildHasher, RandomState};

use anyhow::{Context, Result, bail};

/// The parts to run. With no part named, all of them run.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) rust: bool,
    pub(super) e2e: bool,
    /// The stores that the Python suite runs on.
    pub(super) stores: Vec<Store>,
    pub(super) kill: bool,
    pub(super) chaos: bool,
    /// Seed of the kill and chaos tests. It is printed with the command, so that a failure can be run again.
    pub(super) seed: u32,
    /// Arguments for pytest.
    pub(super) pytest: Vec<String>,
}

/// Where a gateway under test keeps its books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Store {
    /// One file.
    Sqlite,
    /// A database of a private cluster.
    Postgres,
}

impl Options {
    pub(super) fn parse(arguments: &[String]) -> Result<Self> {
        let (own, pytest) = match arguments.iter().position(|argument| argument == "--") {
            Some(at) => (&arguments[..at], arguments[at + 1..].to_vec()),
            None => (arguments, Vec::new()),
        };
        // The hasher's keys differ from run to run, which is all the chance that is needed here.
        let seed = RandomState::new().hash_one(0) as u32;
        let stores = vec![Store::Sqlite, Store::Postgres];
        let mut options = Self { rust: false, e2e: false, stores, kill: false, chaos: false, seed, pytest };
        let mut words = own.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "--rust" => options.rust = true,
                "--e2e" => options.e2e = true,
                "--kill" => options.kill = true,
                "--chaos" => options.chaos = true,
                "--store" => {
                    let store = match words.next().map(String::as_str) {
                        Some("sqlite") => Store::Sqlite,
                        Some("postgres") => Store::Postgres,
                        other => bail!("`--store` needs sqlite or postgres, not {other:?}"),
                    };
                    options.stores = vec![store];
                }
                "--seed" => {
                    let value = words.next().context("`--seed` needs a number")?;
                    options.seed = value.parse().with_context(|| format!("`{value}` is not a seed"))?;
                }
                unknown => bail!("test does not know `{unknown}`; arguments for pytest come after `--`"),
            }
        }
        if !(options.rust || options.e2e || options.kill || options.chaos) {
            (options.rust, options.e2e, options.kill, options.chaos) = (true, true, true, true);
        }
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options> {
        Options::parse(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn nothing_named_is_everything() {
        let check = |line: &str, expected: (bool, bool, bool, bool)| {
            let options = parse(line).unwrap();
            assert_eq!((options.rust, options.e2e, options.kill, options.chaos), expected, "{line}");
            assert_eq!(options.stores, [Store::Sqlite, Store::Postgres], "{line}");
        };
        check("", (true, true, true, true));
        check("--rust", (true, false, false, false));
        check("--e2e --kill", (false, true, true, false));
        check("--chaos", (false, false, false, true));
        check("--seed 7", (true, true, true, true));
        check("-- -x", (true, true, true, true));
    }

    #[test]
    fn values_are_read_and_nonsense_is_refused() {
        let options = parse("--e2e --seed 7 -- -x -k refund").unwrap();
        assert_eq!(options.seed, 7);
        assert_eq!(options.pytest, ["-x", "-k", "refund"]);
        assert_eq!(parse("--e2e --store postgres").unwrap().stores, [Store::Postgres]);
        for line in ["--seed", "--seed x", "--store", "--store other", "--fast", "-x"] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
