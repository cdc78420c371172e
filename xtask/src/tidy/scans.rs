//! What no manifest can show: statements and connections in the source of crates that have no business
//! with them.

use super::Finding;
use super::source::Source;
use crate::repo::{File, Repo};

/// Crates that may hold SQL in their literals. The bench tool measures the bare database, and the test kit
/// sets up clusters.
const SQL_ROOMS: &[&str] = &["store-sqlite", "store-postgres", "bench", "testkit"];

/// The contract suite spoils stored rows on purpose, behind the back of the interface, to see that
/// verification notices. Every store is given the same statements, so they stand with the suite.
const SQL_PATHS: &[&str] =
    &["crates/store/src/contract/corruption.rs", "crates/store/src/contract/corruption/"];

/// Words that only a statement has, in upper case.
const SQL_WORDS: &[&str] =
    &["SELECT ", "INSERT INTO ", "UPDATE ", "DELETE FROM ", "PRAGMA ", " WHERE ", "BEGIN IMMEDIATE"];

/// Beginnings that only a statement has, however it is written.
const SQL_BEGINNINGS: &[&str] = &[
    "insert into ",
    "delete from ",
    "create table ",
    "create index ",
    "alter table ",
    "drop table ",
    "pragma ",
];

/// Paths that may open connections: the guarded client, the tools, and the command line's client for the
/// operator's listener, which dials nothing but the address that the gateway wrote into its own folder.
const DIALLING_PATHS: &[&str] =
    &["crates/egress/", "crates/bench/", "crates/testkit/", "crates/tradewind/src/client"];

/// Ways of opening a connection or asking for a name.
const DIALLING: &[&str] = &[
    "TcpStream::connect",
    "TcpSocket::",
    "UdpSocket::",
    "UnixStream::connect",
    "lookup_host",
    "to_socket_addrs",
    "hyper::client",
    "hyper_util::client",
];

/// No literal outside the store crates looks like a statement.
pub(super) fn sql(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in shipped(repo) {
        if file.room().is_some_and(|room| SQL_ROOMS.contains(&room) || room == "xtask")
            || SQL_PATHS.iter().any(|path| file.path.starts_with(path))
        {
            continue;
        }
        let source = Source::read(&file.text);
        for literal in source.literals.iter().filter(|literal| source.ships(literal.line)) {
            if is_statement(&literal.text) {
                let message = format!("SQL outside the store crates: `{}`", shortened(&literal.text));
                findings.push(Finding::at(&file.path, literal.line, message));
            }
        }
    }
    findings
}

fn is_statement(literal: &str) -> bool {
    let words = literal.split_whitespace().collect::<Vec<_>>().join(" ") + " ";
    let lower = words.to_lowercase();
    SQL_WORDS.iter().any(|word| words.contains(word))
        || SQL_BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning))
        || (lower.starts_with("select ") && lower.contains(" from "))
        || (lower.starts_with("update ") && lower.contains(" set "))
}

fn shortened(literal: &str) -> String {
    literal.split_whitespace().take(6).collect::<Vec<_>>().join(" ")
}

/// No crate but egress and the tools opens a connection.
pub(super) fn dialling(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in shipped(repo) {
        if file.room() == Some("xtask") || DIALLING_PATHS.iter().any(|path| file.path.starts_with(path)) {
            continue;
        }
        let source = Source::read(&file.text);
        for (index, line) in source.code.lines().enumerate() {
            if let Some(call) = DIALLING.iter().find(|call| line.contains(*call))
                && source.ships(index + 1)
            {
                let message = format!("`{call}` outside egress, the only crate that opens connections");
                findings.push(Finding::at(&file.path, index + 1, message));
            }
        }
    }
    findings
}

fn shipped(repo: &Repo) -> impl Iterator<Item = &File> {
    repo.files.iter().filter(|file| file.is_rust() && file.room().is_some() && !file.is_test())
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Builder;
    use super::*;

    /// The findings of a rule for one file.
    fn check(rule: fn(&Repo) -> Vec<Finding>, path: &str, text: &str) -> Vec<String> {
        let repo = Builder::new().file(path, text).repo();
        rule(&repo).iter().map(|finding| finding.place.clone()).collect()
    }

    #[test]
    fn statements_are_found_in_literals_only() {
        let app = "crates/app/src/orders.rs";
        assert_eq!(check(sql, app, "\nf(\"SELECT id FROM orders\");"), ["crates/app/src/orders.rs:2"]);
        for literal in [
            "select id\\n from orders",
            "INSERT INTO a VALUES (1)",
            "insert into a values (1)",
            "update a set b = 1",
            "x = 1 WHERE y",
            "CREATE TABLE a (b)",
            "pragma user_version",
        ] {
            assert_eq!(
                check(sql, app, &format!("f(\"{}\");", literal.replace("\\n", "\n"))).len(),
                1,
                "{literal}"
            );
        }
        for text in [
            "// SELECT id FROM orders",
            "f(\"select an order\")",
            "f(\"could not update the order\")",
            "#[cfg(test)]\nmod tests { const A: &str = \"SELECT a FROM b\"; }",
        ] {
            assert!(check(sql, app, text).is_empty(), "{text}");
        }
        let statement = "f(\"SELECT id FROM orders\");";
        assert!(check(sql, "crates/store-sqlite/src/read.rs", statement).is_empty());
        assert!(check(sql, "crates/app/tests/it/main.rs", statement).is_empty());
    }

    #[test]
    fn connections_are_found_in_code_only() {
        let call = "let a = tokio::net::TcpStream::connect(peer).await;";
        assert_eq!(check(dialling, "crates/worker/src/lib.rs", call), ["crates/worker/src/lib.rs:1"]);
        assert_eq!(
            check(dialling, "crates/server/src/lib.rs", "use hyper_util::client::legacy::Client;").len(),
            1
        );
        assert!(check(dialling, "crates/egress/src/dial.rs", call).is_empty());
        assert!(check(dialling, "crates/testkit/src/lib.rs", call).is_empty());
        assert!(check(dialling, "crates/server/tests/it/main.rs", call).is_empty());
        assert!(check(dialling, "crates/worker/src/lib.rs", &format!("// {call}")).is_empty());
        assert!(check(dialling, "crates/worker/src/lib.rs", "let a = TcpListener::bind(b);").is_empty());
    }
}
