//! Vouchers and what is redeemed of them.

use tradewind_domain::{Voucher, WriteSet};

use super::{all_of, column, insert, update};
use crate::codes::{Code, shares_text};
use crate::session::Step;

/// What a lane uses in most batches with purchases.
pub(crate) const HOT: &[&str] = &[INSERT_VOUCHERS, INSERT_CODES];

const INSERT_VOUCHERS: &str = "INSERT INTO vouchers (partner, id, dialect, number, fingerprint, code, subject, \
     ordered, used, state, valid_until, cancelled_at, shares, notify_url, details, refunded, locked, order_id, \
     seller, valid_from) SELECT * FROM unnest( \
     $1::bigint[], $2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::bigint[], \
     $9::bigint[], $10::smallint[], $11::bigint[], $12::bigint[], $13::text[], $14::text[], $15::text[], \
     $16::bigint[], $17::bigint[], $18::bigint[], $19::bigint[], $20::bigint[])";

const INSERT_CODES: &str = "INSERT INTO voucher_codes (code, partner, voucher) \
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[])";

/// What a voucher is about never changes; only what has become of its uses, and whether it is in force.
const UPDATE_VOUCHERS: &str = all_of!(
    "$9",
    "UPDATE vouchers v SET used = k.used, state = k.state, cancelled_at = k.cancelled_at, shares = k.shares, \
     refunded = k.refunded, locked = k.locked \
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::smallint[], $5::bigint[], $6::text[], $7::bigint[], \
     $8::bigint[]) AS k (partner, id, used, state, cancelled_at, shares, refunded, locked) \
     WHERE v.partner = k.partner AND v.id = k.id"
);

const INSERT_REDEMPTIONS: &str = "INSERT INTO redemptions (partner, voucher, id, by_partner, device, count, \
     used_so_far, left_over) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], \
     $5::text[], $6::bigint[], $7::bigint[], $8::bigint[])";

pub(super) fn write<'a>(set: &'a WriteSet, steps: &mut Vec<Step<'a>>) {
    // Two processes that insert the same numbers meet in the same order.
    let mut new: Vec<&Voucher> = set.vouchers_new.iter().collect();
    new.sort_unstable_by(|one, other| (one.partner, &one.number).cmp(&(other.partner, &other.number)));
    insert(steps, INSERT_VOUCHERS, &new, |rows| {
        vec![
            column(rows, |voucher| voucher.partner.get()),
            column(rows, |voucher| voucher.id.get()),
            column(rows, |voucher| voucher.dialect.as_str()),
            column(rows, |voucher| voucher.number.as_str()),
            column(rows, |voucher| voucher.fingerprint),
            column(rows, |voucher| voucher.code.get()),
            column(rows, |voucher| voucher.subject.as_str()),
            column(rows, |voucher| i64::from(voucher.ordered)),
            column(rows, |voucher| i64::from(voucher.used)),
            column(rows, |voucher| voucher.state.code()),
            column(rows, |voucher| voucher.valid_until.map(|at| at.ms())),
            column(rows, |voucher| voucher.cancelled_at.map(|at| at.ms())),
            column(rows, |voucher| shares_text(&voucher.shares)),
            column(rows, |voucher| voucher.notify_url.as_deref()),
            column(rows, |voucher| voucher.details.as_deref()),
            column(rows, |voucher| i64::from(voucher.refunded)),
            column(rows, |voucher| i64::from(voucher.locked)),
            column(rows, |voucher| voucher.order.map(|id| id.get())),
            column(rows, |voucher| voucher.seller.map(|id| id.get())),
            column(rows, |voucher| voucher.valid_from.map(|at| at.ms())),
        ]
    });
    new.sort_unstable_by_key(|voucher| voucher.code);
    insert(steps, INSERT_CODES, &new, |rows| {
        vec![
            column(rows, |voucher| voucher.code.get()),
            column(rows, |voucher| voucher.partner.get()),
            column(rows, |voucher| voucher.id.get()),
        ]
    });
    let mut changed: Vec<&Voucher> = set.vouchers_changed.iter().collect();
    changed.sort_unstable_by_key(|voucher| (voucher.partner, voucher.id));
    update(steps, UPDATE_VOUCHERS, &changed, |rows| {
        vec![
            column(rows, |voucher| voucher.partner.get()),
            column(rows, |voucher| voucher.id.get()),
            column(rows, |voucher| i64::from(voucher.used)),
            column(rows, |voucher| voucher.state.code()),
            column(rows, |voucher| voucher.cancelled_at.map(|at| at.ms())),
            column(rows, |voucher| shares_text(&voucher.shares)),
            column(rows, |voucher| i64::from(voucher.refunded)),
            column(rows, |voucher| i64::from(voucher.locked)),
        ]
    });
    insert(steps, INSERT_REDEMPTIONS, &set.redemptions, |rows| {
        vec![
            column(rows, |redemption| redemption.partner.get()),
            column(rows, |redemption| redemption.voucher.get()),
            column(rows, |redemption| redemption.id.get()),
            column(rows, |redemption| redemption.by.get()),
            column(rows, |redemption| redemption.device.clone()),
            column(rows, |redemption| i64::from(redemption.count)),
            column(rows, |redemption| i64::from(redemption.used_so_far)),
            column(rows, |redemption| i64::from(redemption.left)),
        ]
    });
}
