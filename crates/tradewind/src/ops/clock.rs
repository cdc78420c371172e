//! `clock`: the virtual clock of a sandbox.

use std::process::ExitCode;

use serde_json::{Value, json};

use super::answer::{instant, print};
use super::client::{Ops, Path};
use crate::cli::Clock;
use crate::when::Zone;

/// Runs a `clock` command.
pub(crate) async fn clock(ops: &Ops, json: bool, command: Clock) -> anyhow::Result<ExitCode> {
    let nothing = json!({});
    let (answer, zone) = match command {
        Clock::Show { times } => (ops.get(&Path::of(&["clock"])).await?, times.zone()),
        Clock::Advance { by, times } => {
            let body = json!({ "by_ms": by.ms() });
            (ops.post_long(&Path::of(&["clock", "advance"]), &body).await?, times.zone())
        }
        Clock::Freeze => (ops.post(&Path::of(&["clock", "freeze"]), &nothing).await?, Zone::Local),
        Clock::Resume => (ops.post(&Path::of(&["clock", "resume"]), &nothing).await?, Zone::Local),
    };
    Ok(print(json, &answer, |clock| show(clock, zone)))
}

fn show(clock: &Value, zone: Zone) -> String {
    let kind = match (clock["virtual"].as_bool(), clock["frozen"].as_bool()) {
        (Some(true), Some(true)) => "virtual, stopped",
        (Some(true), Some(false) | None) => "virtual, running",
        (Some(false) | None, _) => "the system's",
    };
    format!("{} ({kind})", instant(clock, "now_ms", zone))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks() {
        let check = |clock: Value, expected: &str| assert_eq!(show(&clock, Zone::Utc), expected);
        check(
            json!({ "now_ms": 1_763_780_400_000_i64, "virtual": true, "frozen": true }),
            "2025-11-22 03:00:00.000 +00:00 (virtual, stopped)",
        );
        check(
            json!({ "now_ms": 0, "virtual": true, "frozen": false }),
            "1970-01-01 00:00:00.000 +00:00 (virtual, running)",
        );
        check(
            json!({ "now_ms": 0, "virtual": false, "frozen": false }),
            "1970-01-01 00:00:00.000 +00:00 (the system's)",
        );
    }
}
