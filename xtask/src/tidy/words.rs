//! Words that do not belong: marks of unfinished work, tests that are put aside, paths of one machine.

use super::Finding;
use crate::repo::Repo;

/// Text that must not stand in the repository. Put together, so that this file does not find itself.
const WORDS: &[(&str, &str)] = &[
    (concat!("TO", "DO"), "finish it, or describe it in the documents"),
    (concat!("FIX", "ME"), "mend it, or describe it in the documents"),
    (concat!("to", "do!("), "a code path that was not written"),
    (concat!("unimple", "mented!("), "a code path that was not written"),
    (concat!("db", "g!("), "left over from a search for a fault"),
    (concat!("#[ig", "nore"), "a test that is put aside tests nothing"),
];

/// Beginnings of absolute paths that exist on one machine only.
const FOLDERS: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/ho", "me/")];

/// Lists made by tools, and texts of others.
const SKIPPED_FILES: &[&str] = &["Cargo.lock", "LICENSE"];

/// None of the words stands anywhere.
pub(super) fn words(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in repo.files.iter().filter(|file| !SKIPPED_FILES.contains(&file.path.as_str())) {
        for (index, line) in file.text.lines().enumerate() {
            for (word, why) in WORDS.iter().filter(|(word, _)| contains_word(line, word)) {
                findings.push(Finding::at(&file.path, index + 1, format!("`{word}`: {why}")));
            }
            for folder in FOLDERS.iter().filter(|folder| contains_path(line, folder)) {
                findings.push(Finding::at(
                    &file.path,
                    index + 1,
                    format!("`{folder}` exists on one machine only"),
                ));
            }
        }
    }
    findings
}

/// The word, not as a part of a longer one.
fn contains_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let part_of_longer = |character: char| character.is_alphanumeric() || character == '_';
        let before = line[..at].chars().next_back().is_some_and(part_of_longer);
        let after = word.ends_with(part_of_longer) && line[at + word.len()..].starts_with(part_of_longer);
        !before && !after
    })
}

/// The path at its beginning, not as the tail of a relative path or of an address.
fn contains_path(line: &str, folder: &str) -> bool {
    line.match_indices(folder).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|character| character.is_alphanumeric() || "_-./}~".contains(character))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::Builder;
    use super::*;

    fn check(text: &str) -> Vec<String> {
        let repo = Builder::new().file("docs/a.md", text).repo();
        words(&repo).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn every_word_and_folder_is_found() {
        for (word, _) in WORDS {
            assert_eq!(check(&format!("\n  {word} x\n")), ["docs/a.md:2"], "{word}");
        }
        for folder in FOLDERS {
            assert_eq!(check(&format!("see `{folder}main`\n")), ["docs/a.md:1"], "{folder}");
        }
    }

    #[test]
    fn parts_of_other_words_and_paths_are_fine() {
        for text in [
            concat!("MASTO", "DON"),
            concat!("the frame", "work/lib"),
            concat!("docs/ho", "me/x and https://example.com/wo", "rk/"),
            concat!("$HOME/ro", "ot/"),
            "ignore this",
        ] {
            assert!(check(text).is_empty(), "{text}");
        }
    }
}
