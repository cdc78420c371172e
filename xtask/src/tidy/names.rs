//! A dialect's words stop at its border: outside its folder only the registry may say its name.
//!
//! Clients of a dialect (the client library, the tools, tests, documents) name it freely. The list of
//! exceptions begins empty; it may shrink and never grows.

use super::source::Source;
use super::{Finding, rooms};
use crate::repo::{File, Repo};

/// Places that name a dialect and may go on doing so for now, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[];

/// The length of the list above when it was last shortened.
const EXCEPTIONS_COUNT: usize = 0;
const _: () = assert!(EXCEPTIONS.len() == EXCEPTIONS_COUNT, "the list of exceptions may shrink, never grow");

/// Rooms that are clients of the dialects and name them as any partner would.
const CLIENTS: &[&str] = &["sdk", "bench", "testkit", "xtask", "dialects/all"];

/// No shipped file of the product names a dialect outside that dialect's own folder.
pub(super) fn dialects(repo: &Repo) -> Vec<Finding> {
    let names: Vec<&str> = repo
        .workspace
        .ours()
        .filter_map(|package| package.room().filter(|room| rooms::is_dialect(room)))
        .filter_map(|room| room.strip_prefix("dialects/"))
        .collect();
    let mut findings = Vec::new();
    for file in &repo.files {
        let Some(room) = file.room() else { continue };
        if CLIENTS.contains(&room) || file.is_test() || file.path.ends_with(".md") {
            continue;
        }
        let own = room.strip_prefix("dialects/");
        for name in names.iter().filter(|name| own != Some(**name)) {
            for line in naming(file, name) {
                if !EXCEPTIONS.iter().any(|(path, _)| *path == file.path) {
                    findings.push(Finding::at(&file.path, line, format!("names the dialect `{name}`")));
                }
            }
        }
    }
    for (path, _) in EXCEPTIONS {
        let needed = repo
            .files
            .iter()
            .any(|file| file.path == *path && names.iter().any(|name| !naming(file, name).is_empty()));
        if !needed {
            findings
                .push(Finding::new(*path, "is an exception that is no longer needed; take it off the list"));
        }
    }
    findings
}

/// The lines of a file that name the dialect, comments and literals included, test code not.
fn naming(file: &File, name: &str) -> Vec<usize> {
    let source = file.is_rust().then(|| Source::read(&file.text));
    let names_it = |line: &str| line.to_lowercase().contains(name);
    let lines = file.text.lines().enumerate().filter(|(_, line)| names_it(line));
    lines
        .map(|(index, _)| index + 1)
        .filter(|line| source.as_ref().is_none_or(|source| source.ships(*line)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Builder;
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        let repo =
            Builder::new().ours("dialects/harbour", &[]).ours("dialects/creek", &[]).file(path, text).repo();
        dialects(&repo).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_name_in_the_product_is_found() {
        assert_eq!(
            check("crates/app/src/lib.rs", "//! A.\n\n/// As in Harbour.\nfn a() {}\n"),
            ["crates/app/src/lib.rs:3: names the dialect `harbour`"]
        );
        assert_eq!(check("crates/server/src/a.rs", "let a = \"HARBOUR\";\n").len(), 1);
        assert_eq!(check("crates/store-sqlite/migrations/0001.sql", "-- harbour\n").len(), 1);
        assert_eq!(check("crates/tradewind/Cargo.toml", "harbour = 1\n").len(), 1);
        assert_eq!(check("crates/dialects/creek/src/lib.rs", "// unlike harbour\n").len(), 1);
    }

    #[test]
    fn a_name_at_home_or_with_a_client_is_fine() {
        for path in [
            "crates/dialects/harbour/src/lib.rs",
            "crates/dialects/all/src/lib.rs",
            "crates/sdk/src/lib.rs",
            "crates/bench/src/main.rs",
            "crates/app/tests/it/main.rs",
            "crates/app/README.md",
            "docs/a.md",
            "tests/e2e/test_a.py",
        ] {
            assert!(check(path, "harbour\n").is_empty(), "{path}");
        }
        assert!(
            check("crates/app/src/a.rs", "#[cfg(test)]\nmod tests { const A: &str = \"harbour\"; }\n")
                .is_empty()
        );
    }
}
