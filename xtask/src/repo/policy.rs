//! The policy on other people's code, read from `deny.toml`.
//!
//! The file is cargo-deny's own, for those with a network; the offline rules of `tidy` read the same
//! lists, so there is one place to change. Only the small part of the format that the file uses is
//! understood here, which saves the first build a parser.

use anyhow::{Context, Result, bail};

/// What may come in.
pub(crate) struct Policy {
    /// SPDX names of licences.
    pub(crate) licenses: Vec<String>,
    /// Crates that may not be anywhere in the graph.
    pub(crate) banned: Vec<Exception>,
    /// Older versions that are in the graph beside the newest: `name@version`.
    pub(crate) duplicates: Vec<Exception>,
}

/// A crate with the reason why it stands in the list.
pub(crate) struct Exception {
    pub(crate) name: String,
    pub(crate) reason: String,
}

impl Policy {
    /// Reads the text of `deny.toml`. A list that is missing, or an entry without its reason, is an error.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let lists = lists(text)?;
        let find = |key: &str| -> Result<&Vec<String>> {
            let list = lists.iter().find(|(name, _)| name == key);
            Ok(&list.with_context(|| format!("there is no list `{key}`"))?.1)
        };
        let exceptions = |key: &str| -> Result<Vec<Exception>> {
            let read = |item: &String| exception(item).with_context(|| format!("in `{key}`, at `{item}`"));
            find(key)?.iter().map(read).collect()
        };
        Ok(Self {
            licenses: find("licenses.allow")?.iter().map(|item| item.trim_matches('"').to_owned()).collect(),
            banned: exceptions("bans.deny")?,
            duplicates: exceptions("bans.skip")?,
        })
    }
}

/// Every `key = [...]` under its section, as `section.key` with the text of its items.
fn lists(text: &str) -> Result<Vec<(String, Vec<String>)>> {
    let mut lists = Vec::new();
    let mut section = String::new();
    let mut lines = text.lines().map(without_comment);
    while let Some(line) = lines.next() {
        let line = line.trim();
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = name.to_owned();
        } else if let Some((key, first)) = line.split_once('=')
            && first.trim_start().starts_with('[')
        {
            let mut body = first.trim().to_owned();
            while !body.ends_with(']') {
                let next = lines.next().with_context(|| format!("the list `{key}` has no end"))?;
                body.push('\n');
                body.push_str(next.trim());
            }
            lists.push((format!("{section}.{}", key.trim()), items(&body[1..body.len() - 1])));
        }
    }
    Ok(lists)
}

fn without_comment(line: &str) -> &str {
    let mut quoted = false;
    for (at, character) in line.char_indices() {
        match character {
            '"' => quoted = !quoted,
            '#' if !quoted => return &line[..at],
            _ => {}
        }
    }
    line
}

/// Splits at the commas that stand neither in quotes nor in braces.
fn items(body: &str) -> Vec<String> {
    let mut items = vec![String::new()];
    let (mut quoted, mut depth) = (false, 0_u32);
    for character in body.chars() {
        match character {
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth = depth.saturating_sub(1),
            ',' if !quoted && depth == 0 => {
                items.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(item) = items.last_mut() {
            item.push(character);
        }
    }
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}

/// Reads `{ crate = "name", reason = "why" }`.
fn exception(item: &str) -> Result<Exception> {
    let Some(body) = item.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) else {
        bail!("an entry is written `{{ crate = \"..\", reason = \"..\" }}`");
    };
    let fields = items(body);
    let field = |key: &str| {
        fields.iter().find_map(|field| {
            let (name, value) = field.split_once('=')?;
            (name.trim() == key).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let name = field("crate").context("there is no `crate`")?;
    let reason = field("reason").filter(|reason| !reason.is_empty()).context("there is no `reason`")?;
    Ok(Exception { name, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_read_with_their_reasons() {
        let policy = Policy::parse(
            r#"
            [licenses] # of others
            allow = ["MIT", "Zlib"]
            [bans]
            multiple-versions = "deny"
            deny = [
                # A comment, with [brackets].
                { crate = "openssl", reason = "C, and # not a comment" },
            ]
            skip = [
                { crate = "syn@2", reason = "one, two" },
                { crate = "base64@0.21", reason = "three" },
            ]
            "#,
        )
        .unwrap();
        assert_eq!(policy.licenses, ["MIT", "Zlib"]);
        assert_eq!(policy.banned[0].name, "openssl");
        assert_eq!(policy.banned[0].reason, "C, and # not a comment");
        let names: Vec<&str> = policy.duplicates.iter().map(|entry| entry.name.as_str()).collect();
        assert_eq!(names, ["syn@2", "base64@0.21"]);
    }

    #[test]
    fn what_is_missing_is_named() {
        let check = |text: &str, expected: &str| {
            let error = format!("{:#}", Policy::parse(text).err().unwrap());
            assert!(error.contains(expected), "{error}");
        };
        check("[licenses]\nallow = []\n[bans]\nskip = []", "`bans.deny`");
        check("[licenses]\nallow = [\"MIT\",", "has no end");
        check("[licenses]\nallow = []\n[bans]\nskip = []\ndeny = [{ crate = \"a\" }]", "no `reason`");
        check("[licenses]\nallow = []\n[bans]\nskip = []\ndeny = [\"a\"]", "an entry is written");
    }

    #[test]
    fn the_file_of_this_repository_is_understood() {
        Policy::parse(include_str!("../../../deny.toml")).unwrap();
    }
}
