//! The partner protocols of this process, and what operators may set about a partner's part in one.

use std::sync::Arc;

use serde_json::{Map, Value};
use tradewind_dialect::Dialect;
use tradewind_domain::{Order, OrderId, Schedule, Span};

/// The partner protocols of this process.
#[derive(Clone)]
pub(crate) struct Dialects(Arc<[Arc<dyn Dialect>]>);

impl Dialects {
    pub(crate) fn new(all: Arc<[Arc<dyn Dialect>]>) -> Dialects {
        Dialects(all)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<dyn Dialect>> {
        self.0.iter()
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.iter().map(|dialect| dialect.name()).collect()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<dyn Dialect>> {
        self.iter().find(|dialect| dialect.name() == name)
    }

    /// The dialects whose notifications leave on a grid of looks, and its distance.
    pub(crate) fn polls(&self) -> Vec<(String, Span)> {
        let schedules = self.iter().flat_map(|dialect| {
            dialect.notifies().iter().map(move |kind| (dialect.name(), dialect.schedule(*kind)))
        });
        let mut polls: Vec<(String, Span)> = schedules
            .filter_map(|(name, schedule)| match schedule {
                Schedule::Polled { poll, .. } => Some((name.to_owned(), poll)),
                Schedule::Every { .. } => None,
            })
            .collect();
        polls.dedup();
        polls
    }

    /// The serial by which partners know an order.
    pub(crate) fn serial(&self, order: &Order) -> Option<String> {
        self.get(&order.dialect).map(|dialect| dialect.serial(order))
    }

    /// The order that a serial names in any dialect.
    pub(crate) fn order_of_serial(&self, serial: &str) -> Option<OrderId> {
        self.iter().find_map(|dialect| dialect.order_of_serial(serial))
    }
}

/// The switches of one dialect within a partner's settings, which hold a member for each dialect.
pub(crate) fn switches(settings: &str, dialect: &str) -> Map<String, Value> {
    match read(settings).remove(dialect) {
        Some(Value::Object(switches)) => switches,
        _ => Map::new(),
    }
}

/// A partner's settings with the switches of one dialect replaced.
pub(crate) fn with_switches(settings: &str, dialect: &str, switches: Map<String, Value>) -> String {
    let mut all = read(settings);
    all.insert(dialect.to_owned(), Value::Object(switches));
    Value::Object(all).to_string()
}

/// Changes switches one by one: a null takes one back to its default.
pub(crate) fn merge(mut switches: Map<String, Value>, changes: Map<String, Value>) -> Map<String, Value> {
    for (name, value) in changes {
        match value {
            Value::Null => switches.remove(&name),
            value => switches.insert(name, value),
        };
    }
    switches
}

fn read(settings: &str) -> Map<String, Value> {
    // Only this module writes settings, so they are an object; anything else holds no switches.
    serde_json::from_str(settings).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::{merge, switches, with_switches};

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn switches_of_one_dialect_leave_those_of_others() {
        let first = with_switches("{}", "north", object(json!({"a": 1})));
        let both = with_switches(&first, "south", object(json!({"b": true})));
        assert_eq!(switches(&both, "north"), object(json!({"a": 1})));
        assert_eq!(switches(&both, "south"), object(json!({"b": true})));
        assert_eq!(switches(&both, "west"), Map::new());
        assert_eq!(switches("", "north"), Map::new());
    }

    #[test]
    fn changes_are_merged_and_null_takes_away() {
        let check = |old: Value, change: Value, expected: Value| {
            assert_eq!(merge(object(old), object(change)), object(expected));
        };
        check(json!({}), json!({"a": 1}), json!({"a": 1}));
        check(json!({"a": 1, "b": 2}), json!({"a": 3}), json!({"a": 3, "b": 2}));
        check(json!({"a": 1, "b": 2}), json!({"a": null}), json!({"b": 2}));
        check(json!({"a": 1}), json!({}), json!({"a": 1}));
    }
}
