//! Repositories that exist nowhere: one that breaks every rule, one that breaks none, and a builder for
//! the cases in between.

use crate::repo::{Direct, File, Kind, Package, Policy, Repo, Workspace};

/// Puts a repository together. Our crates are called `tradewind-<room>`, with `/` as `-`.
pub(super) struct Builder {
    files: Vec<File>,
    packages: Vec<(Package, Vec<String>)>,
    policy: &'static str,
}

const POLICY: &str = r#"
[licenses]
allow = ["MIT", "Apache-2.0"]
[bans]
deny = [{ crate = "openssl", reason = "second stack" }]
skip = []
"#;

impl Builder {
    pub(super) fn new() -> Self {
        Self { files: Vec::new(), packages: Vec::new(), policy: POLICY }
    }

    pub(super) fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push(File { path: path.to_owned(), text: text.to_owned() });
        self
    }

    pub(super) fn policy(mut self, policy: &'static str) -> Self {
        self.policy = policy;
        self
    }

    /// A crate of the workspace in `crates/<room>`.
    pub(super) fn ours(self, room: &str, uses: &[&str]) -> Self {
        let name = format!("tradewind-{}", room.replace('/', "-"));
        self.package(&name, "0.1.0", Some("Apache-2.0"), Some(format!("crates/{room}")), uses)
    }

    /// A crate from a registry.
    pub(super) fn other(self, name: &str, license: &str, uses: &[&str]) -> Self {
        self.package(name, "1.0.0", Some(license), None, uses)
    }

    pub(super) fn other_at(self, name: &str, version: &str) -> Self {
        self.package(name, version, Some("MIT"), None, &[])
    }

    pub(super) fn unlicensed(self, name: &str) -> Self {
        self.package(name, "1.0.0", None, None, &[])
    }

    fn package(
        mut self,
        name: &str,
        version: &str,
        license: Option<&str>,
        folder: Option<String>,
        uses: &[&str],
    ) -> Self {
        let uses: Vec<String> = uses.iter().map(|name| (*name).to_owned()).collect();
        let direct = uses.iter().map(|name| Direct { name: name.clone(), kind: Kind::Normal }).collect();
        let package = Package {
            name: name.to_owned(),
            version: version.to_owned(),
            license: license.map(str::to_owned),
            folder,
            direct,
            built_with: Vec::new(),
        };
        self.packages.push((package, uses));
        self
    }

    pub(super) fn repo(self) -> Repo {
        let names: Vec<String> = self.packages.iter().map(|(package, _)| package.name.clone()).collect();
        let resolve = |uses: Vec<String>| {
            uses.iter().filter_map(|name| names.iter().position(|other| other == name)).collect()
        };
        let packages = self
            .packages
            .into_iter()
            .map(|(package, uses)| Package { built_with: resolve(uses), ..package })
            .collect();
        Repo {
            files: self.files,
            workspace: Workspace { packages },
            policy: Policy::parse(self.policy).unwrap(),
        }
    }
}

/// Breaks every rule at least once.
pub(super) fn violating() -> Repo {
    let connect = format!("TcpStream{}connect(\"peer\")", "::");
    Builder::new()
        .ours("domain", &["tradewind-dialects-harbour", "tokio", "md-5"])
        .ours("dialects/harbour", &[])
        .ours("dialects/all", &[])
        .other("tokio", "MIT", &["openssl"])
        .other("openssl", "GPL-3.0-only", &[])
        .other_at("md-5", "0.10.0")
        .other_at("md-5", "0.11.0")
        .file("crates/domain/Cargo.toml", "[package]\n")
        .file(
            "crates/domain/src/lib.rs",
            &format!(
                "fn harbour() {{ query(\"SELECT a FROM b\"); {connect}; {}(x); }}\n",
                concat!("db", "g!")
            ),
        )
        .file("crates/domain/src/long.rs", &"//! Long.\n".repeat(2000))
        .file("docs/map.md", "See [there](nowhere.md).\n")
        .repo()
}

/// Breaks no rule.
pub(super) fn clean() -> Repo {
    let lib = "//! A room.\n#![forbid(unsafe_code)]\n";
    let manifest = "[package]\nname = \"x\"\n\n[lints]\nworkspace = true\n";
    Builder::new()
        .ours("domain", &["thiserror"])
        .ours("dialects/harbour", &["tradewind-domain"])
        .ours("dialects/all", &["tradewind-dialects-harbour"])
        .other("thiserror", "MIT OR Apache-2.0", &[])
        .file("crates/domain/Cargo.toml", manifest)
        .file("crates/domain/src/lib.rs", lib)
        .file("crates/dialects/harbour/Cargo.toml", manifest)
        .file("crates/dialects/harbour/src/lib.rs", lib)
        .file("crates/dialects/all/Cargo.toml", manifest)
        .file("crates/dialects/all/src/lib.rs", lib)
        .file("README.md", "# Map\n\nSee [the rooms](crates/domain) and [here](#map).\n")
        .repo()
}
