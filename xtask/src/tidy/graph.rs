//! Other people's crates: who may name them, under which licence they come, and how often.

use std::collections::BTreeMap;

use super::Finding;
use crate::repo::{Package, Repo};

/// Crates that only some rooms may name in their manifests, tests aside.
struct Keeper {
    crates: &'static [&'static str],
    rooms: &'static [&'static str],
    why: &'static str,
}

const KEEPERS: &[Keeper] = &[
    Keeper {
        crates: &[
            "rusqlite",
            "libsqlite3-sys",
            "tokio-postgres",
            "postgres",
            "postgres-types",
            "deadpool-postgres",
        ],
        // The bench tool measures the bare database beside the gateway.
        rooms: &["store-sqlite", "store-postgres", "bench"],
        why: "SQL lives in the store crates",
    },
    Keeper {
        crates: &[
            "aes",
            "aes-gcm",
            "argon2",
            "aws-lc-rs",
            "blake2",
            "cbc",
            "chacha20poly1305",
            "des",
            "digest",
            "ecb",
            "hkdf",
            "hmac",
            "md-5",
            "md5",
            "p256",
            "pbkdf2",
            "ring",
            "scrypt",
            "sha-1",
            "sha1",
            "sha2",
            "sha3",
            "subtle",
        ],
        rooms: &["signing"],
        why: "signing is the only crate that names a cipher",
    },
    Keeper {
        crates: &["rustls", "tokio-rustls", "rustls-pki-types", "webpki-roots", "rcgen"],
        // The connection to the database is the store's own and goes to one configured server.
        rooms: &["egress", "server", "store-postgres", "testkit"],
        why: "TLS ends in the listener and begins in egress or at the database",
    },
    Keeper {
        crates: &["axum", "tower-http"],
        rooms: &["console", "server", "testkit", "bench"],
        why: "the listener and the pages are the only ones that know the HTTP framework",
    },
];

/// A kept crate is named by its keepers only.
pub(super) fn keepers(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repo.workspace.ours() {
        let (Some(room), Some(folder)) = (package.room(), &package.folder) else { continue };
        for name in package.names() {
            for keeper in KEEPERS {
                if keeper.crates.contains(&name) && !keeper.rooms.contains(&room) {
                    findings.push(Finding::new(
                        format!("{folder}/Cargo.toml"),
                        format!("`{room}` may not name `{name}`: {}", keeper.why),
                    ));
                }
            }
        }
    }
    findings
}

/// Every package may be used under licences of the list alone.
pub(super) fn licences(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &repo.workspace.packages {
        let message = match &package.license {
            None => "names no licence".to_owned(),
            Some(expression) => match permitted(expression, &repo.policy.licenses) {
                Some(true) => continue,
                Some(false) => format!("`{expression}` is not covered by the list in deny.toml"),
                None => format!("the licence `{expression}` cannot be read"),
            },
        };
        findings.push(Finding::new(title(package), message));
    }
    findings
}

/// What is banned is nowhere, neither named by us nor brought by others.
pub(super) fn bans(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &repo.workspace.packages {
        if let Some(ban) = repo.policy.banned.iter().find(|ban| ban.name == package.name) {
            findings.push(Finding::new(title(package), format!("is banned: {}", ban.reason)));
        }
    }
    findings
}

/// A crate is there once; an older version needs its line with a reason, and the line goes when it goes.
pub(super) fn duplicates(repo: &Repo) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in &repo.workspace.packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let mut older = Vec::new();
    for (name, mut found) in versions {
        found.sort_by_key(|version| numbers(version));
        found.pop();
        older.extend(found.into_iter().map(|version| (name, version)));
    }

    let covers = |entry: &str, name: &str, version: &str| {
        let Some((listed, wanted)) = entry.split_once('@') else { return false };
        let rest = version.strip_prefix(wanted);
        listed == name && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let listed = &repo.policy.duplicates;
    let mut findings = Vec::new();
    for (name, version) in &older {
        if !listed.iter().any(|entry| covers(&entry.name, name, version)) {
            findings.push(Finding::new(
                format!("{name} {version}"),
                "is there beside a newer version; bring them together or list it with its reason in deny.toml",
            ));
        }
    }
    for entry in listed {
        if !older.iter().any(|(name, version)| covers(&entry.name, name, version)) {
            findings.push(Finding::new("deny.toml", format!("`{}` is no longer a duplicate", entry.name)));
        }
    }
    findings
}

fn title(package: &Package) -> String {
    format!("{} {}", package.name, package.version)
}

fn numbers(version: &str) -> Vec<u64> {
    version.split(['.', '-', '+']).map_while(|part| part.parse().ok()).collect()
}

/// Whether an SPDX expression can be satisfied with the allowed licences; none if it cannot be read.
fn permitted(expression: &str, allowed: &[String]) -> Option<bool> {
    // Old manifests write a slash where the standard has OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (answer, rest) = either(&words, allowed)?;
    rest.is_empty().then_some(answer)
}

fn either<'a>(words: &'a [&'a str], allowed: &[String]) -> Option<(bool, &'a [&'a str])> {
    let (mut answer, mut rest) = both(words, allowed)?;
    while let Some((&"OR", after)) = rest.split_first() {
        let (next, after) = both(after, allowed)?;
        (answer, rest) = (answer | next, after);
    }
    Some((answer, rest))
}

fn both<'a>(words: &'a [&'a str], allowed: &[String]) -> Option<(bool, &'a [&'a str])> {
    let (mut answer, mut rest) = one(words, allowed)?;
    while let Some((&"AND", after)) = rest.split_first() {
        let (next, after) = one(after, allowed)?;
        (answer, rest) = (answer & next, after);
    }
    Some((answer, rest))
}

fn one<'a>(words: &'a [&'a str], allowed: &[String]) -> Option<(bool, &'a [&'a str])> {
    match words {
        ["(", inner @ ..] => {
            let (answer, rest) = either(inner, allowed)?;
            Some((answer, rest.strip_prefix(&[")"])?))
        }
        [")" | "OR" | "AND" | "WITH", ..] | [] => None,
        // An exception grants more than the licence alone, but is its own entry in cargo-deny's list.
        [name, "WITH", exception, rest @ ..] => {
            Some((allowed.contains(&format!("{name} WITH {exception}")), rest))
        }
        [name, rest @ ..] => Some((allowed.iter().any(|licence| licence == name), rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Builder;
    use super::*;

    fn messages(findings: Vec<Finding>) -> Vec<String> {
        findings.iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_kept_crate_elsewhere_is_found() {
        let check = |room: &str, named: &str, expected: usize| {
            let repo = Builder::new().ours(room, &[named]).repo();
            assert_eq!(keepers(&repo).len(), expected, "{room} names {named}");
        };
        check("signing", "md-5", 0);
        check("store-sqlite", "rusqlite", 0);
        check("server", "rustls", 0);
        check("dialects/harbour", "md-5", 1);
        check("app", "hmac", 1);
        check("server", "aws-lc-rs", 1);
        check("server", "rusqlite", 1);
        check("app", "tokio-postgres", 1);
        check("app", "rustls", 1);
        check("worker", "axum", 1);
    }

    #[test]
    fn expressions_are_read_as_the_standard_says() {
        let allowed = ["MIT".to_owned(), "ISC".to_owned()];
        let check = |expression: &str, expected: Option<bool>| {
            assert_eq!(permitted(expression, &allowed), expected, "{expression}");
        };
        check("MIT", Some(true));
        check("GPL-3.0-only", Some(false));
        check("GPL-3.0-only OR MIT", Some(true));
        check("GPL-3.0-only/MIT", Some(true));
        check("MIT AND GPL-3.0-only", Some(false));
        check("ISC AND (Zlib OR MIT)", Some(true));
        check("(ISC AND Zlib) OR GPL-3.0-only", Some(false));
        check("MIT OR ISC AND Zlib", Some(true));
        check("MIT WITH LLVM-exception", Some(false));
        check("Apache-2.0 WITH LLVM-exception OR MIT", Some(true));
        check("", None);
        check("MIT OR", None);
        check("(MIT", None);
        check("MIT ISC", None);
    }

    #[test]
    fn a_foreign_licence_or_none_is_found() {
        let repo =
            Builder::new().other("a", "MIT", &[]).other("b", "AGPL-3.0-only", &[]).unlicensed("c").repo();
        assert_eq!(
            messages(licences(&repo)),
            ["b 1.0.0: `AGPL-3.0-only` is not covered by the list in deny.toml", "c 1.0.0: names no licence"]
        );
    }

    #[test]
    fn a_banned_crate_is_found_wherever_it_comes_from() {
        let repo = Builder::new().other("a", "MIT", &["openssl"]).other("openssl", "MIT", &[]).repo();
        assert_eq!(messages(bans(&repo)), ["openssl 1.0.0: is banned: second stack"]);
    }

    #[test]
    fn duplicates_need_a_line_and_lines_need_a_duplicate() {
        const LISTED: &str = "[licenses]\nallow = []\n[bans]\ndeny = []\nskip = [\n\
            { crate = \"a@0.9\", reason = \"x\" },\n{ crate = \"gone@1\", reason = \"y\" },\n]";
        let repo = Builder::new()
            .policy(LISTED)
            .other_at("a", "0.10.2")
            .other_at("a", "0.9.1")
            .other_at("b", "1.2.0")
            .other_at("b", "2.0.0")
            .other_at("c", "1.0.0")
            .repo();
        assert_eq!(
            messages(duplicates(&repo)),
            [
                "b 1.2.0: is there beside a newer version; bring them together or list it with its reason in \
                 deny.toml",
                "deny.toml: `gone@1` is no longer a duplicate"
            ]
        );
    }
}
