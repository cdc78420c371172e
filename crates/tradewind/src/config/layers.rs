//! The layers of the configuration: reference file, file, environment, command line.
//!
//! Every value is tried alone on top of the defaults. So each problem is known by its own key, with
//! the line or the variable it came from, and one run tells them all.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::Deserialize as _;
use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};
use tradewind_domain::Timestamp;

use super::{Config, REFERENCE, check};

const ENVIRONMENT_PREFIX: &str = "TRADEWIND__";

/// Where values come from, the weakest first.
#[derive(Debug, Default)]
pub(crate) struct Sources {
    /// The configuration file, if any.
    pub(crate) file: Option<PathBuf>,
    /// The variables of the environment; only those of the prefix are looked at.
    pub(crate) environment: Vec<(OsString, OsString)>,
    /// What the command line says.
    pub(crate) options: Options,
}

/// Command line options that stand for a key.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) ops_listen: Option<SocketAddr>,
    pub(crate) data: Option<PathBuf>,
    pub(crate) master_key: Option<PathBuf>,
    pub(crate) sandbox: bool,
    pub(crate) clock: Option<Timestamp>,
}

/// Reads all layers.
///
/// # Errors
/// Every problem of every layer, at least one.
pub(crate) fn load(sources: &Sources) -> Result<Config, Problems> {
    let mut layers = Layers::new();
    if let Some(path) = &sources.file {
        layers.file(path);
    }
    layers.environment(&sources.environment);
    layers.finish(&sources.options)
}

fn apply(options: &Options, config: &mut Config, origins: &mut Origins) {
    let mut said = |key: &str, option: &'static str| origins.set(key, Origin::Option(option));
    if let Some(listen) = options.listen {
        config.listen = listen;
        said("listen", "--listen");
    }
    if let Some(listen) = options.ops_listen {
        config.ops.listen = listen;
        said("ops.listen", "--ops-listen");
    }
    if let Some(data) = &options.data {
        config.data.clone_from(data);
        said("data", "--data");
    }
    if let Some(file) = &options.master_key {
        config.master_key = Some(file.clone());
        said("master_key", "--master-key");
    }
    if options.sandbox {
        config.sandbox.enabled = true;
        said("sandbox.enabled", "--sandbox");
    }
    if let Some(clock) = options.clock {
        config.sandbox.clock = Some(clock);
        said("sandbox.clock", "--clock");
    }
}

/// Where a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Default,
    File { path: PathBuf, line: Option<usize> },
    Variable(String),
    Option(&'static str),
}

/// Where the value of each key came from.
#[derive(Debug, Default)]
pub(crate) struct Origins(BTreeMap<String, Origin>);

impl Origins {
    /// Where the value of `key`, for instance `ops.listen`, came from.
    pub(crate) fn of(&self, key: &str) -> Origin {
        self.0.get(key).cloned().unwrap_or(Origin::Default)
    }

    fn set(&mut self, key: &str, origin: Origin) {
        self.0.insert(key.to_owned(), origin);
    }
}

/// Something wrong with the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// The key, for instance `limits.body_bytes_max`; empty when the file as a whole is meant.
    pub(crate) key: String,
    /// Where its value came from.
    pub(crate) origin: Origin,
    /// What is wrong.
    pub(crate) message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, message) = (&self.key, &self.message);
        match &self.origin {
            Origin::Default => write!(f, "{key}: {message}"),
            Origin::Variable(name) => write!(f, "{key} (variable {name}): {message}"),
            Origin::Option(name) => write!(f, "{key} (option {name}): {message}"),
            Origin::File { path, line } => {
                let place = path.display();
                match (key.is_empty(), line) {
                    (true, None) => write!(f, "{place}: {message}"),
                    (true, Some(line)) => write!(f, "{place}, line {line}: {message}"),
                    (false, None) => write!(f, "{key} ({place}): {message}"),
                    (false, Some(line)) => write!(f, "{key} ({place}, line {line}): {message}"),
                }
            }
        }
    }
}

/// All that is wrong with the configuration, at least one thing.
#[derive(Debug, thiserror::Error)]
pub(crate) struct Problems(pub(crate) Vec<Problem>);

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            write!(f, "{}{problem}", if index == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

struct Layers {
    defaults: Table,
    merged: Table,
    origins: Origins,
    problems: Vec<Problem>,
}

impl Layers {
    fn new() -> Layers {
        let defaults: Table = match REFERENCE.parse() {
            Ok(table) => table,
            // Then the deserialisation at the end names the keys that are missing.
            Err(_) => Table::new(),
        };
        let merged = defaults.clone();
        Layers { defaults, merged, origins: Origins::default(), problems: Vec::new() }
    }

    fn file(&mut self, path: &Path) {
        let whole = |line, message: String| Problem {
            key: String::new(),
            origin: Origin::File { path: path.to_owned(), line },
            message,
        };
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) => return self.problems.push(whole(None, format!("cannot be read: {error}"))),
        };
        let parsed = DeTable::parse(&text).and_then(|spans| Ok((spans, text.parse::<Table>()?)));
        match parsed {
            Ok((spans, values)) => {
                let place = Place { path, text: &text };
                self.section(&place, &mut Vec::new(), spans.get_ref(), values);
            }
            Err(error) => {
                let line = error.span().map(|span| line_of(&text, span.start));
                self.problems.push(whole(line, one_line(error.message())));
            }
        }
    }

    /// Takes a table of the file: sections by what stands in them, keys by their value.
    fn section(&mut self, place: &Place<'_>, above: &mut Vec<String>, spans: &DeTable<'_>, values: Table) {
        for (name, value) in values {
            let line = spans.iter().find(|(key, _)| *key.get_ref() == name).map(|(key, _)| place.line(key));
            above.push(name);
            let span = above.last().and_then(|name| spans.get(name.as_str()));
            match (value, span.map(Spanned::get_ref)) {
                (Value::Table(values), Some(DeValue::Table(spans))) if self.is_section(above) => {
                    self.section(place, above, spans, values);
                }
                (value, _) => {
                    let origin = Origin::File { path: place.path.to_owned(), line };
                    self.take(above, value, origin);
                }
            }
            above.pop();
        }
    }

    /// Whether the keys below are looked at one by one.
    fn is_section(&self, path: &[String]) -> bool {
        matches!(path, [section] if self.defaults.get(section).is_some_and(Value::is_table))
    }

    fn environment(&mut self, variables: &[(OsString, OsString)]) {
        let mut ours: Vec<_> = variables
            .iter()
            .filter_map(|(name, value)| Some((name.to_str()?, value)))
            .filter_map(|(name, value)| Some((name, name.strip_prefix(ENVIRONMENT_PREFIX)?, value)))
            .collect();
        ours.sort_unstable();
        for (name, key, value) in ours {
            let path: Vec<String> = key.split("__").map(str::to_ascii_lowercase).collect();
            let origin = Origin::Variable(name.to_owned());
            match value.to_str() {
                Some(value) => self.take(&path, self.typed(&path, value), origin),
                None => self.problem(&path, origin, "is not UTF-8".to_owned()),
            }
        }
    }

    /// A variable is a text; what it stands for follows from the default of its key.
    fn typed(&self, path: &[String], value: &str) -> Value {
        let default = match path {
            [key] => self.defaults.get(key),
            [section, key] => self.defaults.get(section).and_then(|section| section.get(key)),
            _ => None,
        };
        if !matches!(default, Some(Value::String(_))) {
            if let Ok(number) = value.parse() {
                return Value::Integer(number);
            }
            if let Ok(flag) = value.parse() {
                return Value::Boolean(flag);
            }
        }
        Value::String(value.to_owned())
    }

    /// Tries one value alone, and keeps it if it fits.
    fn take(&mut self, path: &[String], value: Value, origin: Origin) {
        let mut alone = self.defaults.clone();
        let placed = place_value(&mut alone, path, value.clone());
        let tried =
            placed.and_then(|()| Config::deserialize(alone).map_err(|error| one_line(error.message())));
        match tried {
            Ok(_) => {
                self.origins.set(&path.join("."), origin);
                // It went into the defaults, so it goes in here.
                let _ = place_value(&mut self.merged, path, value);
            }
            Err(message) => self.problem(path, origin, message),
        }
    }

    fn problem(&mut self, path: &[String], origin: Origin, message: String) {
        self.problems.push(Problem { key: path.join("."), origin, message });
    }

    fn finish(mut self, options: &Options) -> Result<Config, Problems> {
        match Config::deserialize(self.merged) {
            Ok(mut config) => {
                apply(options, &mut config, &mut self.origins);
                // What fits is checked even when something else does not, so that one run tells everything.
                self.problems.extend(check(&config, &self.origins));
                if self.problems.is_empty() { Ok(config) } else { Err(Problems(self.problems)) }
            }
            Err(error) => {
                let message = one_line(error.message());
                self.problems.push(Problem { key: String::new(), origin: Origin::Default, message });
                Err(Problems(self.problems))
            }
        }
    }
}

struct Place<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Place<'_> {
    fn line<T>(&self, at: &Spanned<T>) -> usize {
        line_of(self.text, at.span().start)
    }
}

fn place_value(table: &mut Table, path: &[String], value: Value) -> Result<(), String> {
    match path {
        [] => Err("is no key".to_owned()),
        [key] => {
            if table.get(key).is_some_and(Value::is_table) && !value.is_table() {
                return Err("is a section, not a key".to_owned());
            }
            table.insert(key.clone(), value);
            Ok(())
        }
        [section, rest @ ..] => {
            let below = table.entry(section.clone()).or_insert_with(|| Value::Table(Table::new()));
            match below {
                Value::Table(below) => place_value(below, rest, value),
                _ => Err(format!("`{section}` is a key, not a section")),
            }
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// The words of the parser as one line, in the words of this program.
fn one_line(message: &str) -> String {
    let message =
        message.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(", ");
    let message = message.replacen("unknown field", "unknown key", 1);
    // The parser names the machine's type; people know numbers.
    match message.rsplit_once(", expected ") {
        Some((found, "usize" | "u64" | "u32")) => format!("{found}, expected a whole number"),
        _ => message,
    }
}
