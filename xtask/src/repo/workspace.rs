//! Cargo's view: every package of the resolved graph, what it names itself and what it is built with.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{capture, cargo};

/// The resolved graph, for all platforms.
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
}

/// One package, ours or another's.
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// The SPDX expression of the manifest.
    pub(crate) license: Option<String>,
    /// Folder from the root for our own packages, none for those from a registry.
    pub(crate) folder: Option<String>,
    /// What the manifest names.
    pub(crate) direct: Vec<Direct>,
    /// Positions in `Workspace::packages` of the normal dependencies, as resolved.
    pub(crate) built_with: Vec<usize>,
}

/// A dependency as the manifest names it.
pub(crate) struct Direct {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

impl Workspace {
    /// Asks cargo. A lock file that does not fit the manifests is an error.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let text = capture(&mut cargo(["metadata", "--format-version", "1", "--locked"])?)?;
        let metadata: Value = serde_json::from_str(&text).context("could not read cargo's metadata")?;
        Self::from_metadata(&metadata, root).context("cargo's metadata is not of the known shape")
    }

    fn from_metadata(metadata: &Value, root: &Path) -> Option<Self> {
        let members: Vec<&str> =
            metadata["workspace_members"].as_array()?.iter().filter_map(Value::as_str).collect();
        let mut packages = Vec::new();
        let mut position = HashMap::new();
        for package in metadata["packages"].as_array()? {
            let id = package["id"].as_str()?;
            let folder = if members.contains(&id) {
                let manifest = Path::new(package["manifest_path"].as_str()?);
                Some(manifest.parent()?.strip_prefix(root).ok()?.to_string_lossy().replace('\\', "/"))
            } else {
                None
            };
            position.insert(id, packages.len());
            packages.push(Package {
                name: package["name"].as_str()?.to_owned(),
                version: package["version"].as_str()?.to_owned(),
                license: package["license"].as_str().map(str::to_owned),
                folder,
                direct: package["dependencies"].as_array()?.iter().map(direct).collect::<Option<_>>()?,
                built_with: Vec::new(),
            });
        }
        for node in metadata["resolve"]["nodes"].as_array()? {
            let from = *position.get(node["id"].as_str()?)?;
            for dependency in node["deps"].as_array()? {
                let normal = dependency["dep_kinds"].as_array()?.iter().any(|kind| kind["kind"].is_null());
                if normal {
                    let to = *position.get(dependency["pkg"].as_str()?)?;
                    packages[from].built_with.push(to);
                }
            }
        }
        Some(Self { packages })
    }

    /// Our own packages.
    pub(crate) fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| package.folder.is_some())
    }

    /// The names of everything that is linked into `package`, near and far, itself excluded.
    pub(crate) fn tree(&self, package: &Package) -> BTreeSet<&str> {
        let mut seen = BTreeSet::new();
        let mut waiting = package.built_with.clone();
        while let Some(next) = waiting.pop() {
            if seen.insert(next) {
                waiting.extend(&self.packages[next].built_with);
            }
        }
        seen.into_iter().map(|position| self.packages[position].name.as_str()).collect()
    }
}

impl Package {
    /// The room of one of our own packages, as `File::room` names it.
    pub(crate) fn room(&self) -> Option<&str> {
        let folder = self.folder.as_deref()?;
        Some(folder.strip_prefix("crates/").unwrap_or(folder))
    }

    /// What the shipped code of the package names, tests aside.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.direct.iter().filter(|direct| direct.kind != Kind::Dev).map(|direct| direct.name.as_str())
    }
}

fn direct(dependency: &Value) -> Option<Direct> {
    let kind = match dependency["kind"].as_str() {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some(_) => Kind::Dev,
    };
    Some(Direct { name: dependency["name"].as_str()?.to_owned(), kind })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_tree_follows_normal_dependencies_only() {
        let package = |name: &str, dependencies: Value| {
            json!({
                "id": name, "name": name, "version": "1.0.0", "license": "MIT",
                "manifest_path": format!("/r/crates/{name}/Cargo.toml"), "dependencies": dependencies,
            })
        };
        let arrow = |to: &str, kind: Value| json!({"pkg": to, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "workspace_members": ["a"],
            "packages": [
                package("a", json!([{"name": "b", "kind": null}, {"name": "t", "kind": "dev"}])),
                package("b", json!([])), package("c", json!([])), package("t", json!([])),
            ],
            "resolve": {"nodes": [
                {"id": "a", "deps": [arrow("b", Value::Null), arrow("t", json!("dev"))]},
                {"id": "b", "deps": [arrow("c", Value::Null)]},
                {"id": "c", "deps": [arrow("t", json!("build"))]},
                {"id": "t", "deps": []},
            ]},
        });
        let workspace = Workspace::from_metadata(&metadata, Path::new("/r")).unwrap();
        let ours: Vec<&Package> = workspace.ours().collect();
        assert_eq!(ours.len(), 1);
        assert_eq!(ours[0].room(), Some("a"));
        assert_eq!(ours[0].names().collect::<Vec<_>>(), ["b"]);
        assert_eq!(workspace.tree(ours[0]).into_iter().collect::<Vec<_>>(), ["b", "c"]);
    }
}
