//! The repository as plain data: its files, cargo's view of the workspace, and the policy in `deny.toml`.
//!
//! The rules of `tidy` are functions of this value, so each can be shown a violating repository that
//! exists nowhere.

mod policy;
mod workspace;

pub(crate) use policy::Policy;
#[cfg(test)]
pub(crate) use workspace::{Direct, Kind};
pub(crate) use workspace::{Package, Workspace};

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Everything the rules look at.
pub(crate) struct Repo {
    pub(crate) files: Vec<File>,
    pub(crate) workspace: Workspace,
    pub(crate) policy: Policy,
}

/// One file. A file that is not UTF-8 is there by its path, with no text.
pub(crate) struct File {
    /// Path from the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Repo {
    /// Reads the repository at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let mut files = Vec::new();
        walk(root, root, &mut files)?;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        let policy = fs::read_to_string(root.join("deny.toml")).context("could not read `deny.toml`")?;
        Ok(Self {
            files,
            workspace: Workspace::read(root)?,
            policy: Policy::parse(&policy).context("could not understand `deny.toml`")?,
        })
    }
}

impl File {
    /// The room the file belongs to: `app`, `dialects/all`, `xtask`; none outside the crates.
    pub(crate) fn room(&self) -> Option<&str> {
        let inside = self.path.strip_prefix("crates/");
        match inside {
            None => self.path.starts_with("xtask/").then_some("xtask"),
            Some(path) => {
                let depth = if path.starts_with("dialects/") { 2 } else { 1 };
                let end = path.match_indices('/').nth(depth - 1)?.0;
                path.get(..end)
            }
        }
    }

    /// Whether the whole file is a test or a measurement.
    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.contains("/benches/") || self.path.ends_with("/tests.rs")
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// What is built, or brought by others, and therefore not ours to judge.
const SKIPPED_FOLDERS: &[&str] =
    &["target", ".git", "__pycache__", ".pytest_cache", ".venv", "node_modules", "tradewind-data"];

fn walk(root: &Path, folder: &Path, files: &mut Vec<File>) -> Result<()> {
    let entries = fs::read_dir(folder).with_context(|| format!("could not list `{}`", folder.display()))?;
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        let kind = entry.file_type()?;
        let name = entry.file_name();
        if kind.is_dir() {
            if !SKIPPED_FOLDERS.iter().any(|skipped| name == *skipped) {
                walk(root, &path, files)?;
            }
        } else if kind.is_file() {
            let bytes = fs::read(&path).with_context(|| format!("could not read `{}`", path.display()))?;
            let relative = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            files.push(File { path: relative, text: String::from_utf8(bytes).unwrap_or_default() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_knows_its_room() {
        let room = |path: &str| {
            let file = File { path: path.to_owned(), text: String::new() };
            file.room().map(str::to_owned)
        };
        assert_eq!(room("crates/app/src/lib.rs").as_deref(), Some("app"));
        assert_eq!(room("crates/dialects/all/Cargo.toml").as_deref(), Some("dialects/all"));
        assert_eq!(room("xtask/src/main.rs").as_deref(), Some("xtask"));
        assert_eq!(room("docs/testing.md"), None);
        assert_eq!(room("crates/README.md"), None);
    }
}
