//! Lists around purchases: what vouchers were used for, refunds that wait for a decision, prepaid balances.

use tokio_postgres::Row;
use tradewind_domain::{
    Balance, Deposit, DepositId, Order, PartnerId, Redemption, Refund, RefundId, VoucherId,
};
use tradewind_store::Result;

use super::one;
use crate::codes::Unreadable;
use crate::load::select;
use crate::pool::Readers;
use crate::rows::{self, ORDER_COLUMNS, REFUND_COLUMNS};
use crate::session::Value;

/// Primary key of redemptions, from the newest.
pub(crate) const REDEMPTIONS_OF: &str = select!(
    redemption_columns,
    "FROM redemptions r WHERE r.partner = $1 AND r.voucher = $2 \
     ORDER BY r.partner DESC, r.voucher DESC, r.id DESC LIMIT $3"
);

/// What one voucher has been used for, newest first.
pub(crate) async fn redemptions_of(
    readers: &Readers,
    partner: PartnerId,
    voucher: VoucherId,
    limit: u32,
) -> Result<Vec<Redemption>> {
    let values = || -> Vec<Value<'static>> {
        vec![Box::new(partner.get()), Box::new(voucher.get()), Box::new(i64::from(limit))]
    };
    one(readers, REDEMPTIONS_OF, values, rows::redemption).await
}

/// Index vouchers_order and the primary key of redemptions.
pub(crate) const REDEMPTIONS_OF_ORDER: &str = select!(
    redemption_columns,
    "FROM vouchers v JOIN redemptions r ON r.partner = v.partner AND r.voucher = v.id \
     WHERE v.partner = $1 AND v.order_id = $2 ORDER BY r.id"
);

/// Index refunds_review and the primary keys of orders and order_lines.
pub(crate) const REFUNDS_UNDER_REVIEW: &str = concat!(
    "SELECT ",
    crate::rows::order_columns!(),
    ", ",
    crate::rows::refund_columns!(),
    ", ",
    crate::rows::line_columns!(),
    " FROM (SELECT * FROM refunds r WHERE r.kind = 3 AND r.state = 1 AND (r.partner, r.id) > ($1, $2) \
        ORDER BY r.partner, r.id LIMIT $3) AS r \
      JOIN orders o ON o.partner = r.partner AND o.id = r.order_id \
      LEFT JOIN order_lines l ON l.partner = o.partner AND l.order_id = o.id ORDER BY r.partner, r.id"
);

/// Refunds of units that wait for a decision, each with its order.
pub(crate) async fn list_refunds_under_review(
    readers: &Readers,
    after: Option<(PartnerId, RefundId)>,
    limit: u32,
) -> Result<Vec<(Refund, Order)>> {
    let (partner, id) = after.map_or((i64::MIN, i64::MIN), |(partner, id)| (partner.get(), id.get()));
    let values =
        || -> Vec<Value<'static>> { vec![Box::new(partner), Box::new(id), Box::new(i64::from(limit))] };
    let read = |row: &Row| -> std::result::Result<(Refund, Order), Unreadable> {
        let order = rows::order_with_line(row, ORDER_COLUMNS + REFUND_COLUMNS)?;
        Ok((rows::refund_from(row, ORDER_COLUMNS)?, order))
    };
    one(readers, REFUNDS_UNDER_REVIEW, values, read).await
}

/// Primary key of deposits.
pub(crate) const DEPOSITS: &str = select!(
    deposit_columns,
    "FROM deposits d WHERE d.partner = $1 AND d.id > $2 ORDER BY d.partner, d.id LIMIT $3"
);

/// The deposits of a partner by id, after `after`.
pub(crate) async fn list_deposits(
    readers: &Readers,
    partner: PartnerId,
    after: Option<DepositId>,
    limit: u32,
) -> Result<Vec<Deposit>> {
    let after = after.map_or(i64::MIN, DepositId::get);
    let values = || -> Vec<Value<'static>> {
        vec![Box::new(partner.get()), Box::new(after), Box::new(i64::from(limit))]
    };
    one(readers, DEPOSITS, values, rows::deposit).await
}

/// Primary key of accounts.
pub(crate) const BALANCES: &str = select!(
    balance_columns,
    "FROM accounts a WHERE a.partner = $1 ORDER BY a.partner, a.account, a.currency"
);

/// The sums of all accounts of a partner.
pub(crate) async fn balances(readers: &Readers, partner: PartnerId) -> Result<Vec<Balance>> {
    one(readers, BALANCES, || vec![Box::new(partner.get())], rows::balance).await
}
