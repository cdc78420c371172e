//! The shape of the sources: unsafe code forbidden, every file introduced, no file too long to read.

use super::Finding;
use crate::repo::Repo;

/// Longest source file, in lines. A file that needs more holds two ideas.
const FILE_LINES_MAX: usize = 700;

/// Every crate forbids unsafe code, by the lints of the workspace or by itself.
pub(super) fn unsafe_code(repo: &Repo) -> Vec<Finding> {
    let text = |path: &str| repo.files.iter().find(|file| file.path == path).map(|file| file.text.as_str());
    let mut findings = Vec::new();
    for folder in repo.workspace.ours().filter_map(|package| package.folder.as_deref()) {
        let manifest = format!("{folder}/Cargo.toml");
        let inherits = text(&manifest).is_some_and(inherits_lints);
        let roots = [format!("{folder}/src/lib.rs"), format!("{folder}/src/main.rs")];
        let forbids = roots
            .iter()
            .filter_map(|root| text(root))
            .all(|root| root.lines().any(|line| line.trim() == "#![forbid(unsafe_code)]"));
        if !inherits && !forbids {
            findings.push(Finding::new(
                manifest,
                "neither inherits the lints of the workspace nor forbids unsafe code",
            ));
        }
    }
    findings
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest.lines().map(str::trim).skip_while(|line| *line != "[lints]").skip(1);
    lines.find(|line| !line.is_empty()) == Some("workspace = true")
}

/// Every Rust file begins with `//!`.
pub(super) fn openings(repo: &Repo) -> Vec<Finding> {
    let rust = repo.files.iter().filter(|file| file.is_rust() && file.room().is_some());
    rust.filter(|file| !file.text.trim_start().starts_with("//!"))
        .map(|file| Finding::at(&file.path, 1, "does not begin with `//!` and what it is for"))
        .collect()
}

/// No file written by hand is longer than the limit.
pub(super) fn length(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.files.iter().filter(|file| file.is_rust() || file.path.ends_with(".py")) {
        let generated = file.text.lines().take(5).any(|line| line.contains("@generated"));
        let lines = file.text.lines().count();
        if lines > FILE_LINES_MAX && !generated {
            let message =
                format!("has {lines} lines, {FILE_LINES_MAX} are the most; split it along its ideas");
            findings.push(Finding::new(&file.path, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Builder;
    use super::*;

    #[test]
    fn a_crate_that_allows_unsafe_code_is_found() {
        let check = |manifest: &str, lib: &str, expected: usize| {
            let repo = Builder::new()
                .ours("app", &[])
                .file("crates/app/Cargo.toml", manifest)
                .file("crates/app/src/lib.rs", lib)
                .repo();
            assert_eq!(unsafe_code(&repo).len(), expected, "{manifest} {lib}");
        };
        check("[package]\n[lints]\nworkspace = true\n", "", 0);
        check("[package]\n", "//! A.\n#![forbid(unsafe_code)]\n", 0);
        check("[package]\n", "//! A.\n", 1);
        check("[package]\n", "// #![forbid(unsafe_code)]\n", 1);
        check("[package]\nworkspace = true\n[lints.rust]\nunsafe_code = \"allow\"\n", "", 1);
    }

    #[test]
    fn a_file_without_opening_is_found() {
        let check = |path: &str, text: &str, expected: usize| {
            assert_eq!(openings(&Builder::new().file(path, text).repo()).len(), expected, "{path} {text}");
        };
        check("crates/app/src/a.rs", "//! What it is for.\n", 0);
        check("crates/app/src/a.rs", "// A note.\n//! Late.\n", 1);
        check("crates/app/src/a.rs", "fn a() {}\n", 1);
        check("docs/example.rs", "fn a() {}\n", 0);
    }

    #[test]
    fn a_long_file_is_found() {
        let check = |path: &str, lines: usize, first: &str, expected: usize| {
            let text = format!("{first}\n{}", "x\n".repeat(lines - 1));
            assert_eq!(length(&Builder::new().file(path, &text).repo()).len(), expected, "{path} {lines}");
        };
        check("crates/app/src/a.rs", FILE_LINES_MAX, "", 0);
        check("crates/app/src/a.rs", FILE_LINES_MAX + 1, "", 1);
        check("tests/e2e/test_a.py", FILE_LINES_MAX + 1, "", 1);
        check("crates/app/src/a.rs", FILE_LINES_MAX + 1, "//! @generated", 0);
        check("docs/a.md", FILE_LINES_MAX + 1, "", 0);
    }
}
