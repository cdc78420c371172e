//! Vouchers and what was redeemed of them.

use rusqlite::{Connection, params};
use tradewind_domain::{Redemption, Voucher, WriteSet};

use super::{Write, each, one};
use crate::codes::{Code, shares_text};

/// Writes the vouchers of a set, and their redemptions.
pub(super) fn write(connection: &Connection, set: &WriteSet) -> Write {
    each(connection, INSERT_VOUCHER, &set.vouchers_new, insert_voucher)?;
    each(connection, UPDATE_VOUCHER, &set.vouchers_changed, update_voucher)?;
    each(connection, INSERT_REDEMPTION, &set.redemptions, insert_redemption)
}

const INSERT_VOUCHER: &str = "INSERT INTO vouchers (id, partner, dialect, number, fingerprint, code, subject, \
     ordered, used, state, valid_until, cancelled_at, shares, notify_url, details, refunded, locked, order_id, seller, \
     valid_from) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20)";

fn insert_voucher(statement: &mut rusqlite::Statement<'_>, voucher: &Voucher) -> Write {
    statement
        .execute(params![
            voucher.id.get(),
            voucher.partner.get(),
            voucher.dialect,
            voucher.number,
            voucher.fingerprint,
            voucher.code.get(),
            voucher.subject,
            voucher.ordered,
            voucher.used,
            voucher.state.code(),
            voucher.valid_until.map(|at| at.ms()),
            voucher.cancelled_at.map(|at| at.ms()),
            shares_text(&voucher.shares),
            voucher.notify_url,
            voucher.details,
            voucher.refunded,
            voucher.locked,
            voucher.order.map(|id| id.get()),
            voucher.seller.map(|id| id.get()),
            voucher.valid_from.map(|at| at.ms()),
        ])
        .map(drop)
}

/// What a voucher is about never changes; only what has become of its uses, and whether it is in force.
const UPDATE_VOUCHER: &str = "UPDATE vouchers SET used = ?3, state = ?4, cancelled_at = ?5, shares = ?6, \
     refunded = ?7, locked = ?8 WHERE id = ?1 AND partner = ?2";

fn update_voucher(statement: &mut rusqlite::Statement<'_>, voucher: &Voucher) -> Write {
    one(statement.execute(params![
        voucher.id.get(),
        voucher.partner.get(),
        voucher.used,
        voucher.state.code(),
        voucher.cancelled_at.map(|at| at.ms()),
        shares_text(&voucher.shares),
        voucher.refunded,
        voucher.locked,
    ])?)
}

const INSERT_REDEMPTION: &str = "INSERT INTO redemptions (voucher, id, partner, by_partner, device, count, \
     used_so_far, left_over) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

fn insert_redemption(statement: &mut rusqlite::Statement<'_>, redemption: &Redemption) -> Write {
    statement
        .execute(params![
            redemption.voucher.get(),
            redemption.id.get(),
            redemption.partner.get(),
            redemption.by.get(),
            redemption.device,
            redemption.count,
            redemption.used_so_far,
            redemption.left,
        ])
        .map(drop)
}
