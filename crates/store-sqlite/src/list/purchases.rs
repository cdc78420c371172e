//! Lists around purchases: what vouchers were used for, refunds that wait for a decision, prepaid balances.

use rusqlite::{Connection, params};
use tradewind_domain::{
    Balance, Deposit, DepositId, Need, Order, PartnerId, Redemption, Refund, RefundId, VoucherId,
};

use super::all;
use crate::load::{load, select};
use crate::rows;

/// Primary key of redemptions, from the newest.
pub(crate) const REDEMPTIONS_OF: &str = select!(
    redemption_columns,
    "FROM redemptions r WHERE r.voucher = ?1 AND r.partner = ?2 ORDER BY r.id DESC LIMIT ?3"
);

/// What one voucher has been used for, newest first.
pub(crate) fn redemptions_of(
    connection: &Connection,
    partner: PartnerId,
    voucher: VoucherId,
    limit: u32,
) -> rusqlite::Result<Vec<Redemption>> {
    all(connection, REDEMPTIONS_OF, params![voucher.get(), partner.get(), limit], rows::redemption)
}

/// Index vouchers_order and the primary key of redemptions.
pub(crate) const REDEMPTIONS_OF_ORDER: &str = select!(
    redemption_columns,
    "FROM vouchers v JOIN redemptions r ON r.voucher = v.id WHERE v.order_id = ?2 AND v.partner = ?1 ORDER BY r.id"
);

/// Index refunds_review.
pub(crate) const REFUNDS_UNDER_REVIEW: &str = select!(
    refund_columns,
    "FROM refunds WHERE kind = 3 AND state = 1 AND (partner, id) > (?1, ?2) ORDER BY partner, id LIMIT ?3"
);

/// Refunds of units that wait for a decision, each with its order.
pub(crate) fn list_refunds_under_review(
    connection: &Connection,
    after: Option<(PartnerId, RefundId)>,
    limit: u32,
) -> rusqlite::Result<Vec<(Refund, Order)>> {
    let (partner, id) = after.map_or((i64::MIN, i64::MIN), |(partner, id)| (partner.get(), id.get()));
    let refunds = all(connection, REFUNDS_UNDER_REVIEW, params![partner, id, limit], rows::refund)?;
    let mut found = Vec::with_capacity(refunds.len());
    for refund in refunds {
        let order = load(connection, &[Need::Order(refund.partner, refund.order)])?.orders.pop();
        found.extend(order.map(|order| (refund, order)));
    }
    Ok(found)
}

/// Index deposits_partner, which ends with the id.
pub(crate) const DEPOSITS: &str =
    select!(deposit_columns, "FROM deposits WHERE partner = ?1 AND id > ?2 ORDER BY id LIMIT ?3");

/// The deposits of a partner by id, after `after`.
pub(crate) fn list_deposits(
    connection: &Connection,
    partner: PartnerId,
    after: Option<DepositId>,
    limit: u32,
) -> rusqlite::Result<Vec<Deposit>> {
    let after = after.map_or(i64::MIN, DepositId::get);
    all(connection, DEPOSITS, params![partner.get(), after, limit], rows::deposit)
}

/// Primary key of accounts.
pub(crate) const BALANCES: &str =
    select!(balance_columns, "FROM accounts WHERE partner = ?1 ORDER BY account, currency");

/// The sums of all accounts of a partner.
pub(crate) fn balances(connection: &Connection, partner: PartnerId) -> rusqlite::Result<Vec<Balance>> {
    all(connection, BALANCES, [partner.get()], rows::balance)
}
