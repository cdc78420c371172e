//! `cargo xtask coverage`: every interface of the specifications against the tests that passed.
//!
//! The product lists its interfaces by the specifications' ids; the Python suite writes down which of its
//! tests passed for which id. An interface without a test, and a test for an interface that does not
//! exist, are both failures.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::process::{capture, cargo, root};

/// Reports from what the last run of the tests wrote.
pub(crate) fn run(arguments: &[String]) -> Result<bool> {
    if let Some(unknown) = arguments.first() {
        bail!("coverage takes no arguments, but got `{unknown}`");
    }
    Ok(report()? == 0)
}

/// Prints the table and what is missing, and returns how much that is.
pub(crate) fn report() -> Result<u64> {
    let mut list =
        cargo(["run", "--quiet", "--locked", "-p", "tradewind", "--", "dialect", "interfaces", "--json"])?;
    let interfaces =
        interfaces(&capture(&mut list)?).context("the list of interfaces is not of the known shape")?;
    let path = results()?;
    let text = fs::read_to_string(&path).with_context(|| {
        format!("could not read `{}`; run `cargo xtask test --e2e` first", path.display())
    })?;
    let tests = tests(&text).with_context(|| format!("`{}` is not of the known shape", path.display()))?;

    let (table, faults) = compare(&interfaces, &tests);
    print!("{table}");
    for fault in &faults {
        println!("  {fault}");
    }
    println!("coverage: {} ids, {} faults", interfaces.len(), faults.len());
    Ok(faults.len() as u64)
}

/// Where the Python suite writes `{"id": ["name of a passed test", ...]}`, wherever cargo builds.
pub(crate) fn results() -> Result<PathBuf> {
    Ok(root()?.join("target/coverage-e2e.json"))
}

/// Something the specification defines and a test can cover: an interface, a state, a return code.
struct Interface {
    id: String,
    title: String,
    section: String,
}

type Tests = BTreeMap<String, BTreeSet<String>>;

fn interfaces(text: &str) -> Result<Vec<Interface>> {
    let list: Value = serde_json::from_str(text)?;
    let read = |entry: &Value| {
        let field = |name: &str| entry[name].as_str().map(str::to_owned);
        let id = field("id").with_context(|| format!("an entry without `id`: {entry}"))?;
        Ok(Interface {
            id,
            title: field("title").unwrap_or_default(),
            section: field("section").unwrap_or_default(),
        })
    };
    let interfaces: Vec<Interface> =
        list.as_array().context("not a list")?.iter().map(read).collect::<Result<_>>()?;
    if interfaces.is_empty() {
        bail!("the list is empty");
    }
    Ok(interfaces)
}

fn tests(text: &str) -> Result<Tests> {
    let map: Value = serde_json::from_str(text)?;
    let mut tests = Tests::new();
    for (id, names) in map.as_object().context("not an object")? {
        let names = names.as_array().with_context(|| format!("`{id}` has no list"))?;
        let names = names.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        tests.insert(id.clone(), names);
    }
    Ok(tests)
}

/// The table for people, and the faults.
fn compare(interfaces: &[Interface], tests: &Tests) -> (String, Vec<String>) {
    let known: BTreeSet<&str> = interfaces.iter().map(|interface| interface.id.as_str()).collect();
    let width = |field: fn(&Interface) -> &String| {
        interfaces.iter().map(|i| field(i).chars().count()).max().unwrap_or(0)
    };
    let (ids, titles) = (width(|i| &i.id), width(|i| &i.title));

    let mut table = String::new();
    let mut faults = Vec::new();
    for interface in interfaces {
        let names = tests.get(&interface.id).filter(|names| !names.is_empty());
        let count = names.map_or(0, BTreeSet::len);
        let example = names.and_then(BTreeSet::first).map_or("-", String::as_str);
        let (id, title, section) = (&interface.id, &interface.title, &interface.section);
        table.push_str(&format!("{id:<ids$}  {section:<6}  {title:<titles$}  {count:>4}  {example}\n"));
        if count == 0 {
            faults.push(format!("`{id}` ({title}) has no test that passed"));
        }
    }
    for (id, names) in tests {
        if !known.contains(id.as_str()) && !is_beyond_the_list(id, &known) {
            let name = names.first().map_or("a test", String::as_str);
            faults.push(format!("`{id}` does not exist, but {name} names it"));
        }
    }
    (table, faults)
}

/// States and return codes (`<dialect>.state.<n>`, `<dialect>.code.<name>`) of a dialect that lists none of
/// that kind: there is nothing to compare them with.
fn is_beyond_the_list(id: &str, known: &BTreeSet<&str>) -> bool {
    let mut parts = id.splitn(3, '.');
    let (Some(dialect), Some(kind @ ("state" | "code")), Some(_)) =
        (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let has = |prefix: &str| known.iter().any(|id| id.starts_with(prefix));
    has(&format!("{dialect}.")) && !has(&format!("{dialect}.{kind}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = r#"[
        {"id": "harbour.1", "title": "pay", "section": "5.1"},
        {"id": "harbour.2", "title": "refund", "section": "5.2"},
        {"id": "harbour.state.0", "title": "new"}
    ]"#;

    fn check(results: &str) -> Vec<String> {
        compare(&interfaces(LIST).unwrap(), &super::tests(results).unwrap()).1
    }

    #[test]
    fn everything_covered_is_no_fault() {
        let all = r#"{"harbour.1": ["a", "b"], "harbour.2": ["a"], "harbour.state.0": ["c"], "harbour.code.OK": ["d"]}"#;
        assert_eq!(check(all), [""; 0]);
    }

    #[test]
    fn what_has_no_test_is_a_fault() {
        assert_eq!(
            check(r#"{"harbour.1": ["a"], "harbour.2": []}"#),
            [
                "`harbour.2` (refund) has no test that passed",
                "`harbour.state.0` (new) has no test that passed"
            ]
        );
    }

    #[test]
    fn a_test_for_what_does_not_exist_is_a_fault() {
        let unknown = |id: &str| {
            let results = format!(
                r#"{{"harbour.1": ["a"], "harbour.2": ["a"], "harbour.state.0": ["a"], "{id}": ["test_x"]}}"#
            );
            check(&results)
        };
        assert_eq!(unknown("harbour.3"), ["`harbour.3` does not exist, but test_x names it"]);
        assert_eq!(unknown("harbour.state.9").len(), 1);
        assert_eq!(unknown("creek.code.OK").len(), 1);
    }

    #[test]
    fn other_shapes_are_errors() {
        for text in ["", "{}", "[]", r#"[{"title": "x"}]"#] {
            assert!(interfaces(text).is_err(), "{text}");
        }
        for text in ["", "[]", r#"{"a": "b"}"#] {
            assert!(super::tests(text).is_err(), "{text}");
        }
    }
}
