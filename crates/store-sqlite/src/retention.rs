//! What retention reads: which orders are old.

use rusqlite::Connection;
use tradewind_domain::{OrderId, PartnerId};

/// Index orders_partner, alone.
pub(crate) const ORDERS_BETWEEN: &str =
    "SELECT id FROM orders WHERE partner = ?1 AND id > ?2 AND id < ?3 ORDER BY id LIMIT ?4";

/// The ids of a partner's orders between two others, oldest first.
pub(crate) fn orders_between(
    connection: &Connection,
    partner: PartnerId,
    after: OrderId,
    before: OrderId,
    limit: u32,
) -> rusqlite::Result<Vec<OrderId>> {
    let mut statement = connection.prepare_cached(ORDERS_BETWEEN)?;
    let read = |row: &rusqlite::Row<'_>| row.get(0).map(OrderId::from_i64);
    statement.query_map((partner.get(), after.get(), before.get(), limit), read)?.collect()
}
