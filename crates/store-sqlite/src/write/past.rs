//! Orders that go, and what is kept of them.

use rusqlite::{Connection, params};
use tradewind_domain::{PastOrder, PastRefund, WriteSet};

use super::{Write, each, one};

/// Deletes the orders of a set that go, and writes what is kept of orders that have gone.
pub(super) fn write(connection: &Connection, set: &WriteSet) -> Write {
    for (sql, is_one) in [(DELETE_ORDER, true), (DELETE_PAYMENTS, false), (DELETE_REFUNDS, false)] {
        each(connection, sql, &set.orders_removed, |statement, order| {
            let gone = statement.execute((order.id.get(), order.partner.get()))?;
            if is_one { one(gone) } else { Ok(()) }
        })?;
    }
    each(connection, INSERT_PAST_ORDER, &set.past_orders, insert_past_order)?;
    each(connection, INSERT_PAST_REFUND, &set.past_refunds, insert_past_refund)
}

const DELETE_ORDER: &str = "DELETE FROM orders WHERE id = ?1 AND partner = ?2";
const DELETE_PAYMENTS: &str = "DELETE FROM payments WHERE order_id = ?1 AND partner = ?2";
const DELETE_REFUNDS: &str = "DELETE FROM refunds WHERE order_id = ?1 AND partner = ?2";

const INSERT_PAST_ORDER: &str = "INSERT INTO past_orders (partner, number, order_id, fingerprint, currency, \
     collected, returned, fee, gone_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

fn insert_past_order(statement: &mut rusqlite::Statement<'_>, past: &PastOrder) -> Write {
    statement
        .execute(params![
            past.partner.get(),
            past.number,
            past.order.get(),
            past.fingerprint,
            past.collected.currency().code(),
            past.collected.micros(),
            past.returned.micros(),
            past.fee.micros(),
            past.gone_at.ms(),
        ])
        .map(drop)
}

const INSERT_PAST_REFUND: &str = "INSERT INTO past_refunds (partner, number, order_id, fingerprint, hold) \
     VALUES (?1, ?2, ?3, ?4, ?5)";

fn insert_past_refund(statement: &mut rusqlite::Statement<'_>, past: &PastRefund) -> Write {
    statement
        .execute(params![
            past.partner.get(),
            past.number,
            past.order.get(),
            past.fingerprint,
            past.hold.get(),
        ])
        .map(drop)
}
