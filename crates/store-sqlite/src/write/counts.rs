//! What a commit changes in the roll-ups that lists count by.

use rusqlite::{Connection, params};
use tradewind_domain::WriteSet;
use tradewind_store::counts;

use super::Write;

const COUNT: &str = "INSERT INTO counts (grain, stretch, partner, place, n) VALUES (?1, ?2, ?3, ?4, ?5) \
     ON CONFLICT (grain, stretch, partner, place) DO UPDATE SET n = n + excluded.n";

/// A stretch in which nothing is left is forgotten.
const FORGET: &str =
    "DELETE FROM counts WHERE grain = ?1 AND stretch = ?2 AND partner = ?3 AND place = ?4 AND n = 0";

/// Adds what is new and takes off what is gone, once for each stretch.
pub(super) fn write(connection: &Connection, set: &WriteSet) -> Write {
    let deltas = counts::deltas(set);
    if deltas.is_empty() {
        return Ok(());
    }
    let mut count = connection.prepare_cached(COUNT)?;
    for (key, n) in &deltas {
        count.execute(params![key.grain.code(), key.stretch, key.partner.get(), key.place, n])?;
    }
    for (key, _) in deltas.iter().filter(|(_, n)| **n < 0) {
        let key = params![key.grain.code(), key.stretch, key.partner.get(), key.place];
        connection.prepare_cached(FORGET)?.execute(key)?;
    }
    Ok(())
}
