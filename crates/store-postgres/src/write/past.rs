//! Orders that go, and what is kept of them.

use tradewind_domain::{Order, PastOrder, PastRefund, WriteSet};

use super::{all_of, column, insert, update};
use crate::session::Step;

const DELETE_ORDERS: &str = all_of!(
    "$3",
    "DELETE FROM orders o USING unnest($1::bigint[], $2::bigint[]) AS k (partner, id) \
     WHERE o.partner = k.partner AND o.id = k.id"
);

const DELETE_PAYMENTS: &str = "DELETE FROM payments p USING unnest($1::bigint[], $2::bigint[]) \
     AS k (partner, order_id) WHERE p.partner = k.partner AND p.order_id = k.order_id";

const DELETE_REFUNDS: &str = "DELETE FROM refunds r USING unnest($1::bigint[], $2::bigint[]) \
     AS k (partner, order_id) WHERE r.partner = k.partner AND r.order_id = k.order_id";

const INSERT_PAST_ORDERS: &str = "INSERT INTO past_orders (partner, number, order_id, fingerprint, currency, \
     collected, returned, fee, gone_at) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], \
     $5::text[], $6::bigint[], $7::bigint[], $8::bigint[], $9::bigint[])";

const INSERT_PAST_REFUNDS: &str = "INSERT INTO past_refunds (partner, number, order_id, fingerprint, hold) \
     SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[])";

/// Deletes the orders of a set that go, whose locks the load holds, and writes what is kept of orders
/// that have gone.
pub(super) fn write<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    let mut gone: Vec<&Order> = set.orders_removed.iter().collect();
    gone.sort_unstable_by_key(|order| (order.partner, order.id));
    let keys = |rows: &[&Order]| {
        vec![column(rows, |order| order.partner.get()), column(rows, |order| order.id.get())]
    };
    update(steps, DELETE_ORDERS, &gone, keys);
    insert(steps, DELETE_PAYMENTS, &gone, keys);
    insert(steps, DELETE_REFUNDS, &gone, keys);
    let mut orders: Vec<&PastOrder> = set.past_orders.iter().collect();
    orders.sort_unstable_by(|one, other| (one.partner, &one.number).cmp(&(other.partner, &other.number)));
    insert(steps, INSERT_PAST_ORDERS, &orders, |rows| {
        vec![
            column(rows, |past| past.partner.get()),
            column(rows, |past| past.number.as_str()),
            column(rows, |past| past.order.get()),
            column(rows, |past| past.fingerprint),
            column(rows, |past| past.collected.currency().code().to_owned()),
            column(rows, |past| past.collected.micros()),
            column(rows, |past| past.returned.micros()),
            column(rows, |past| past.fee.micros()),
            column(rows, |past| past.gone_at.ms()),
        ]
    });
    let mut refunds: Vec<&PastRefund> = set.past_refunds.iter().collect();
    refunds.sort_unstable_by(|one, other| (one.partner, &one.number).cmp(&(other.partner, &other.number)));
    insert(steps, INSERT_PAST_REFUNDS, &refunds, |rows| {
        vec![
            column(rows, |past| past.partner.get()),
            column(rows, |past| past.number.as_str()),
            column(rows, |past| past.order.get()),
            column(rows, |past| past.fingerprint),
            column(rows, |past| past.hold.get()),
        ]
    });
}
