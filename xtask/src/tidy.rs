//! `cargo xtask tidy`: the fences. What the design promises by absence is searched for here.
//!
//! Every rule is a function from the repository as data to what it found. A rule that cannot fail protects
//! nothing, so the tests show each of them a repository that breaks it.

mod graph;
mod links;
mod names;
mod rooms;
mod scans;
mod shape;
mod source;
mod words;

use std::fmt;

use anyhow::{Result, bail};

use crate::process;
use crate::repo::Repo;

/// One rule.
struct Rule {
    name: &'static str,
    /// The sentence the rule holds the repository to.
    says: &'static str,
    find: fn(&Repo) -> Vec<Finding>,
}

/// A place that breaks a rule.
#[derive(Debug)]
struct Finding {
    place: String,
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }

    fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self::new(format!("{path}:{line}"), message)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.place, self.message)
    }
}

const RULES: &[Rule] = &[
    Rule { name: "rooms", says: "a crate uses only the crates below it", find: rooms::arrows },
    Rule { name: "pure", says: "nothing that does I/O is linked into the inner rooms", find: rooms::purity },
    Rule { name: "registry", says: "every dialect is in the registry", find: rooms::registry },
    Rule { name: "keepers", says: "databases, ciphers and TLS have one keeper each", find: graph::keepers },
    Rule { name: "licences", says: "every licence is on the list", find: graph::licences },
    Rule { name: "bans", says: "no banned crate is in the graph", find: graph::bans },
    Rule { name: "duplicates", says: "one version of each crate", find: graph::duplicates },
    Rule { name: "sql", says: "SQL stands in the store crates", find: scans::sql },
    Rule { name: "dialling", says: "only egress opens connections", find: scans::dialling },
    Rule { name: "dialect-names", says: "a dialect's name stays in its folder", find: names::dialects },
    Rule { name: "unsafe", says: "every crate forbids unsafe code", find: shape::unsafe_code },
    Rule { name: "openings", says: "every source file says what it is for", find: shape::openings },
    Rule { name: "length", says: "a file is short enough to be read", find: shape::length },
    Rule { name: "words", says: "nothing unfinished, nothing of one machine", find: words::words },
    Rule { name: "links", says: "links between the documents lead somewhere", find: links::links },
];

/// Applies all rules and prints what they found.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.first() {
        bail!("tidy takes no arguments, but got `{unknown}`");
    }
    let repo = Repo::read(&process::root()?)?;
    let mut count = 0;
    for rule in RULES {
        let findings = (rule.find)(&repo);
        if !findings.is_empty() {
            println!("{}: {}", rule.name, rule.says);
        }
        for finding in &findings {
            println!("  {finding}");
        }
        count += findings.len();
    }
    println!("tidy: {} rules, {count} findings", RULES.len());
    Ok(count == 0)
}

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_can_fail() {
        let repo = fixture::violating();
        for rule in RULES {
            assert!(!(rule.find)(&repo).is_empty(), "nothing breaks `{}`", rule.name);
        }
    }

    #[test]
    fn every_rule_can_pass() {
        let repo = fixture::clean();
        for rule in RULES {
            let findings = (rule.find)(&repo);
            assert!(findings.is_empty(), "`{}` finds {findings:?}", rule.name);
        }
    }

    #[test]
    fn rules_have_different_names() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
    }
}
