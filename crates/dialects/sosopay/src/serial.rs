//! The platform's serials `CHARGE_DOWN_CODE` (section 7.3) and `verifySerial` (appendix A): 20 digits,
//! `yyyyMMdd` and a number of twelve.
//!
//! The number is the distance of the id from the first id of its day. Ids are milliseconds with four more
//! digits, so a day has fewer than 864 thousand million of them: the serial and the id name each other,
//! and no table is needed.

use tradewind_dialect::codec::date;
use tradewind_domain::{OrderId, RedemptionId, Timestamp};

const DATE_DIGITS: usize = 8;
const NUMBER_DIGITS: usize = 12;

/// The serial of an order.
pub(crate) fn serial(order: OrderId) -> String {
    of_id(order.get(), order.made_at())
}

/// The order that a serial names; `None` for any text that [`serial`] cannot have written.
pub(crate) fn order_of_serial(serial: &str) -> Option<OrderId> {
    id_of(serial).map(OrderId::from_i64)
}

/// The serial of a redemption.
pub(crate) fn of_redemption(redemption: RedemptionId) -> String {
    of_id(redemption.get(), redemption.made_at())
}

/// The redemption that a serial names; `None` for any text that [`of_redemption`] cannot have written.
pub(crate) fn redemption_of(serial: &str) -> Option<RedemptionId> {
    id_of(serial).map(RedemptionId::from_i64)
}

fn of_id(id: i64, made_at: Timestamp) -> String {
    // Ids of all kinds count alike.
    let first = OrderId::first_at(date::start_of_day_gmt8(made_at));
    let number = id.saturating_sub(first.get());
    format!("{}{number:0NUMBER_DIGITS$}", date::compact_date_gmt8(made_at))
}

fn id_of(serial: &str) -> Option<i64> {
    if serial.len() != DATE_DIGITS + NUMBER_DIGITS || !serial.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (day, number) = serial.split_at_checked(DATE_DIGITS)?;
    let start = date::parse_compact_date_gmt8(day)?;
    let number: i64 = number.parse().ok()?;
    let (first, next) = (OrderId::first_at(start).get(), OrderId::first_at(start + date::DAY).get());
    first.checked_add(number).filter(|id| (first.max(0)..next).contains(id))
}
