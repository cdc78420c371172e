//! Who may use whom: the arrows of the architecture as a table.

use super::Finding;
use crate::repo::{Package, Repo};

/// A room of the house and the rooms it may use.
struct Room {
    name: &'static str,
    may_use: &'static [&'static str],
    /// Crates that may not be linked into it, near or far.
    never: &'static [&'static str],
}

/// In `may_use`, stands for every dialect, but not for their registry.
const ANY_DIALECT: &str = "dialects/*";
const REGISTRY: &str = "dialects/all";

const RUNTIMES: &[&str] = &["tokio", "axum", "hyper", "mio", "rusqlite", "tokio-postgres"];
const LISTENERS_AND_SQL: &[&str] = &["axum", "hyper", "http", "rusqlite", "tokio-postgres"];
const SQL: &[&str] = &["rusqlite", "tokio-postgres"];

/// The rooms from the inside out. Adding a dialect needs no line here; the tools at the end are clients
/// and may use everything.
const ROOMS: &[Room] = &[
    Room {
        name: "domain",
        may_use: &[],
        // Neither a runtime, nor a wire, nor chance.
        never: &["tokio", "axum", "hyper", "http", "mio", "rusqlite", "tokio-postgres", "rand", "getrandom"],
    },
    Room {
        name: "signing",
        may_use: &[],
        never: &["tokio", "axum", "hyper", "http", "mio", "rusqlite", "tokio-postgres"],
    },
    Room { name: "dialect", may_use: &["domain", "signing"], never: RUNTIMES },
    Room { name: ANY_DIALECT, may_use: &["dialect", "domain", "signing"], never: RUNTIMES },
    Room { name: REGISTRY, may_use: &["dialect", "domain", "signing", ANY_DIALECT], never: RUNTIMES },
    Room { name: "channels", may_use: &["dialect", "domain", "signing"], never: RUNTIMES },
    Room { name: "store", may_use: &["domain"], never: LISTENERS_AND_SQL },
    Room { name: "store-sqlite", may_use: &["domain", "store"], never: &["axum", "hyper", "http"] },
    Room { name: "store-postgres", may_use: &["domain", "store"], never: &["axum", "hyper", "http"] },
    Room { name: "app", may_use: &["domain", "signing", "store"], never: LISTENERS_AND_SQL },
    Room { name: "oauth", may_use: &["app", "domain", "signing", "store"], never: RUNTIMES },
    Room { name: "console", may_use: &["app", "domain"], never: SQL },
    Room { name: "egress", may_use: &[], never: &["axum", "rusqlite", "tokio-postgres"] },
    Room {
        name: "worker",
        may_use: &["app", "channels", "dialect", REGISTRY, "domain", "egress", "signing", "store"],
        never: &["axum", "rusqlite", "tokio-postgres"],
    },
    Room {
        name: "server",
        may_use: &[
            "app", "channels", "console", "dialect", REGISTRY, "domain", "egress", "oauth", "signing",
            "store", "worker",
        ],
        never: SQL,
    },
    Room {
        name: "sdk",
        may_use: &["dialect", ANY_DIALECT, REGISTRY, "domain", "egress", "signing"],
        never: &["axum", "rusqlite", "tokio-postgres"],
    },
    Room {
        name: "tradewind",
        may_use: &[
            "app",
            "channels",
            "dialect",
            REGISTRY,
            "domain",
            "egress",
            "server",
            "signing",
            "store",
            "store-postgres",
            "store-sqlite",
            "worker",
        ],
        never: &[],
    },
    Room { name: "xtask", may_use: &[], never: RUNTIMES },
];

/// Not part of the product: they may use every room, and no room may use them.
const TOOLS: &[&str] = &["testkit", "bench"];

/// Every arrow between our crates, tests aside, is in the table.
pub(super) fn arrows(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repo.workspace.ours() {
        let (Some(name), Some(place)) = (package.room(), manifest(package)) else { continue };
        if TOOLS.contains(&name) {
            continue;
        }
        let Some(room) = room(name) else {
            findings
                .push(Finding::new(place, format!("the room `{name}` is not in the table of the fences")));
            continue;
        };
        for used in package.names() {
            let Some(used) = repo.workspace.ours().find(|other| other.name == used).and_then(Package::room)
            else {
                continue;
            };
            let allowed =
                room.may_use.contains(&used) || (is_dialect(used) && room.may_use.contains(&ANY_DIALECT));
            if !allowed {
                findings.push(Finding::new(&place, format!("`{name}` may not use `{used}`")));
            }
        }
    }
    findings
}

/// Nothing from the `never` list of a room is linked into it, by whatever detour.
pub(super) fn purity(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repo.workspace.ours() {
        let (Some(name), Some(place)) = (package.room(), manifest(package)) else { continue };
        let Some(room) = room(name) else { continue };
        let tree = repo.workspace.tree(package);
        for never in room.never.iter().filter(|never| tree.contains(*never)) {
            findings.push(Finding::new(
                &place,
                format!(
                    "`{never}` is linked into `{name}` (`cargo tree -p {} -i {never}` shows how)",
                    package.name
                ),
            ));
        }
    }
    findings
}

/// A dialect that nobody registered would be compiled and never served.
pub(super) fn registry(repo: &Repo) -> Vec<Finding> {
    let Some(registry) = repo.workspace.ours().find(|package| package.room() == Some(REGISTRY)) else {
        return vec![Finding::new("crates/dialects/all", "there is no registry of dialects")];
    };
    let dialects = repo.workspace.ours().filter(|package| package.room().is_some_and(is_dialect));
    dialects
        .filter(|dialect| !registry.names().any(|name| name == dialect.name))
        .map(|dialect| {
            Finding::new(
                "crates/dialects/all/Cargo.toml",
                format!("`{}` is not in the registry", dialect.name),
            )
        })
        .collect()
}

/// Whether the room holds one partner protocol.
pub(super) fn is_dialect(room: &str) -> bool {
    room.starts_with("dialects/") && room != REGISTRY
}

fn room(name: &str) -> Option<&'static Room> {
    let wanted = if is_dialect(name) { ANY_DIALECT } else { name };
    ROOMS.iter().find(|room| room.name == wanted)
}

fn manifest(package: &Package) -> Option<String> {
    package.folder.as_ref().map(|folder| format!("{folder}/Cargo.toml"))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Builder;
    use super::*;

    #[test]
    fn the_table_names_only_rooms_it_has() {
        for room in ROOMS {
            for used in room.may_use {
                assert!(ROOMS.iter().any(|other| other.name == *used), "`{used}` in `{}`", room.name);
            }
        }
    }

    /// The messages of `arrows` for one crate that uses another.
    fn arrow(from: &str, to: &str) -> Vec<String> {
        let repo =
            Builder::new().ours(from, &[&format!("tradewind-{}", to.replace('/', "-"))]).ours(to, &[]).repo();
        arrows(&repo).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn arrows_point_inwards_only() {
        assert_eq!(arrow("app", "store"), [""; 0]);
        assert_eq!(arrow("dialects/harbour", "dialect"), [""; 0]);
        assert_eq!(arrow("dialects/all", "dialects/harbour"), [""; 0]);
        assert_eq!(arrow("bench", "dialects/harbour"), [""; 0]);

        assert_eq!(arrow("domain", "signing"), ["`domain` may not use `signing`"]);
        assert_eq!(arrow("app", "dialect"), ["`app` may not use `dialect`"]);
        assert_eq!(arrow("app", "channels"), ["`app` may not use `channels`"]);
        assert_eq!(arrow("dialects/harbour", "store"), ["`dialects/harbour` may not use `store`"]);
        assert_eq!(
            arrow("dialects/harbour", "dialects/creek"),
            ["`dialects/harbour` may not use `dialects/creek`"]
        );
        assert_eq!(arrow("server", "dialects/creek"), ["`server` may not use `dialects/creek`"]);
        assert_eq!(arrow("server", "store-sqlite"), ["`server` may not use `store-sqlite`"]);
        assert_eq!(arrow("worker", "testkit"), ["`worker` may not use `testkit`"]);
        assert_eq!(arrow("attic", "domain"), ["the room `attic` is not in the table of the fences"]);
    }

    #[test]
    fn a_detour_is_found() {
        let repo = Builder::new().ours("domain", &["innocent"]).other("innocent", "MIT", &["tokio"]).other(
            "tokio",
            "MIT",
            &[],
        );
        let findings = purity(&repo.repo());
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].message.starts_with("`tokio` is linked into `domain`"),
            "{}",
            findings[0].message
        );
    }

    #[test]
    fn a_forgotten_dialect_is_found() {
        let registered = Builder::new()
            .ours("dialects/all", &["tradewind-dialects-harbour"])
            .ours("dialects/harbour", &[])
            .ours("dialects/creek", &[]);
        let findings = registry(&registered.repo());
        assert_eq!(findings.len(), 1);
        assert!(findings[0].message.contains("creek"));
    }
}
