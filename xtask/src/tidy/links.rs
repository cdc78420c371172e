//! Links in the documents: a file must be there, and a heading too where one is named.

use super::Finding;
use crate::repo::{File, Repo};

/// Every relative link of a Markdown file leads to a file or folder of the repository.
pub(super) fn links(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.files.iter().filter(|file| file.path.ends_with(".md")) {
        for (line, target) in targets(&file.text) {
            if let Some(message) = broken(repo, file, &target) {
                findings.push(Finding::at(&file.path, line, message));
            }
        }
    }
    findings
}

fn broken(repo: &Repo, file: &File, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, heading) = target.split_once('#').unwrap_or((target, ""));
    let from_root = if path.is_empty() { Some(file.path.clone()) } else { resolved(&file.path, path) };
    let Some(path) = from_root else {
        return Some(format!("the link `{target}` leads out of the repository"));
    };
    let Some(linked) = repo.files.iter().find(|other| other.path == path) else {
        let folder = format!("{}/", path.trim_end_matches('/'));
        let is_folder = path.is_empty() || repo.files.iter().any(|other| other.path.starts_with(&folder));
        return (!is_folder).then(|| format!("the link `{target}` leads nowhere"));
    };
    let has_heading =
        heading.is_empty() || !path.ends_with(".md") || headings(&linked.text).any(|slug| slug == heading);
    (!has_heading).then(|| format!("the link `{target}` leads to a heading that is not there"))
}

/// The path of a link from the root of the repository; none if it is not a path into it.
fn resolved(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The targets of all links, with their lines; code is left out.
fn targets(text: &str) -> Vec<(usize, String)> {
    let mut targets = Vec::new();
    for (line, text) in prose(text) {
        let text = without_code(text);
        for (at, _) in text.match_indices("](") {
            let rest = &text[at + 2..];
            if let Some(end) = rest.find(')') {
                let target = rest[..end].split_whitespace().next().unwrap_or_default();
                targets.push((line, target.trim_matches(['<', '>']).to_owned()));
            }
        }
        // A definition: `[name]: target`.
        if let Some((_, target)) = text.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
            targets.push((line, target.trim().to_owned()));
        }
    }
    targets
}

/// The lines outside code blocks, counted from one.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```") || line.trim_start().starts_with("~~~");
        fenced ^= fence;
        (!fenced && !fence).then_some((index + 1, line))
    })
}

fn without_code(line: &str) -> String {
    line.split('`').enumerate().map(|(index, part)| if index % 2 == 0 { part } else { "code" }).collect()
}

/// The names under which the headings of a document can be linked to.
fn headings(text: &str) -> impl Iterator<Item = String> {
    prose(text).filter(|(_, line)| line.starts_with('#')).map(|(_, line)| {
        let kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_');
        line.trim_start_matches('#')
            .trim()
            .to_lowercase()
            .chars()
            .filter(kept)
            .collect::<String>()
            .replace(' ', "-")
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Builder;
    use super::*;

    fn check(link: &str) -> Vec<String> {
        let repo = Builder::new()
            .file("docs/here.md", &format!("# Here we are\n\n{link}\n"))
            .file("docs/there.md", "# There\n\n## Two words, `code`\n")
            .file("crates/app/src/lib.rs", "")
            .repo();
        links(&repo).iter().map(Finding::to_string).collect()
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        assert_eq!(check("[a](gone.md)"), ["docs/here.md:3: the link `gone.md` leads nowhere"]);
        for link in
            ["[a](../docs/gone.md)", "[a](there.md/x)", "[a]: gone.md", "x [a](there.md) [b](gone.md \"T\")"]
        {
            assert_eq!(check(link).len(), 1, "{link}");
        }
        assert!(check("[a](../../x.md)")[0].ends_with("leads out of the repository"));
        for link in ["[a](there.md#gone)", "[a](#gone)"] {
            assert!(check(link)[0].ends_with("leads to a heading that is not there"), "{link}");
        }
    }

    #[test]
    fn a_link_to_something_is_fine() {
        for link in [
            "[a](there.md)",
            "[a](<there.md>)",
            "[a](../docs/there.md#two-words-code)",
            "[a](#here-we-are)",
            "[a](../crates/app)",
            "[a](..)",
            "[a](https://example.com/gone.md)",
            "`[a](gone.md)`",
            "```\n[a](gone.md)\n```",
        ] {
            assert_eq!(check(link), [""; 0], "{link}");
        }
    }
}
