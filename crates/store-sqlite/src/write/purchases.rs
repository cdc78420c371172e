//! What orders buy from the catalogue, and the deposits that pay for it. Orders that only collect money
//! cost nothing here.

use rusqlite::{Connection, params};
use tradewind_domain::{AmountError, Deposit, Line, Order, WriteSet};
use tradewind_store::{terms_text, travellers_text};

use super::{Write, each, one};
use crate::codes::Code;

/// Writes the lines of orders of a set, and its deposits.
pub(super) fn write(connection: &Connection, set: &WriteSet) -> Write {
    each_line(connection, INSERT_LINE, &set.orders_new, insert_line)?;
    each_line(connection, UPDATE_LINE, &set.orders_changed, update_line)?;
    each(connection, INSERT_DEPOSIT, &set.deposits, insert_deposit)
}

fn each_line(
    connection: &Connection,
    sql: &str,
    orders: &[Order],
    write: fn(&mut rusqlite::Statement<'_>, &Order, &Line) -> Write,
) -> Write {
    let mut lines = orders.iter().filter_map(|order| Some((order, order.line.as_deref()?))).peekable();
    if lines.peek().is_none() {
        return Ok(());
    }
    let mut statement = connection.prepare_cached(sql)?;
    lines.try_for_each(|(order, line)| write(&mut statement, order, line))
}

const INSERT_LINE: &str = "INSERT INTO order_lines (order_id, partner, seller, product, sku, name, day, quantity, \
     sell, cost, currency, used, refunded, locked, codes, usable_after, valid_from, valid_until, refund_terms, \
     travellers, send_codes, resent, sent_at) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23)";

fn insert_line(statement: &mut rusqlite::Statement<'_>, order: &Order, line: &Line) -> Write {
    let currency = line.cost.currency();
    if line.sell.currency() != currency {
        return Err(rusqlite::Error::ToSqlConversionFailure(Box::new(AmountError::CurrencyMismatch)));
    }
    statement
        .execute(params![
            order.id.get(),
            order.partner.get(),
            line.seller.get(),
            line.product.get(),
            line.sku.get(),
            line.name,
            line.day.map(|day| day.number()),
            line.quantity,
            line.sell.micros(),
            line.cost.micros(),
            currency.code(),
            line.used,
            line.refunded,
            line.locked,
            line.codes.code(),
            line.usable_after.ms(),
            line.valid_from.map(|at| at.ms()),
            line.valid_until.map(|at| at.ms()),
            terms_text(line.refund),
            travellers_text(&line.travellers),
            line.send_codes,
            line.resent,
            line.sent_at.map(|at| at.ms()),
        ])
        .map(drop)
}

/// What was agreed never changes; only what has become of it, who travels, and what was sent.
const UPDATE_LINE: &str = "UPDATE order_lines SET used = ?3, refunded = ?4, locked = ?5, travellers = ?6, \
     send_codes = ?7, resent = ?8, sent_at = ?9 WHERE order_id = ?1 AND partner = ?2";

fn update_line(statement: &mut rusqlite::Statement<'_>, order: &Order, line: &Line) -> Write {
    one(statement.execute(params![
        order.id.get(),
        order.partner.get(),
        line.used,
        line.refunded,
        line.locked,
        travellers_text(&line.travellers),
        line.send_codes,
        line.resent,
        line.sent_at.map(|at| at.ms()),
    ])?)
}

const INSERT_DEPOSIT: &str = "INSERT INTO deposits (id, partner, number, amount, currency, note, operator) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

fn insert_deposit(statement: &mut rusqlite::Statement<'_>, deposit: &Deposit) -> Write {
    statement
        .execute(params![
            deposit.id.get(),
            deposit.partner.get(),
            deposit.number,
            deposit.amount.micros(),
            deposit.amount.currency().code(),
            deposit.note,
            deposit.operator,
        ])
        .map(drop)
}
