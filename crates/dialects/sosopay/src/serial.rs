//! The platform's serial `CHARGE_DOWN_CODE` (section 7.3): 20 digits, `yyyyMMdd` and a number of twelve.
//!
//! The number is the distance of the order's id from the first id of its day. Ids are milliseconds with
//! four more digits, so a day has fewer than 864 thousand million of them: the serial and the id name
//! each other, and no table is needed.

use tradewind_dialect::codec::date;
use tradewind_domain::OrderId;

const DATE_DIGITS: usize = 8;
const NUMBER_DIGITS: usize = 12;

/// The serial of an order.
pub(crate) fn serial(order: OrderId) -> String {
    let made_at = order.made_at();
    let first = OrderId::first_at(date::start_of_day_gmt8(made_at));
    let number = order.get().saturating_sub(first.get());
    format!("{}{number:0NUMBER_DIGITS$}", date::compact_date_gmt8(made_at))
}

/// The order that a serial names; `None` for any text that [`serial`] cannot have written.
pub(crate) fn order_of_serial(serial: &str) -> Option<OrderId> {
    if serial.len() != DATE_DIGITS + NUMBER_DIGITS || !serial.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (day, number) = serial.split_at_checked(DATE_DIGITS)?;
    let start = date::parse_compact_date_gmt8(day)?;
    let number: i64 = number.parse().ok()?;
    let (first, next) = (OrderId::first_at(start).get(), OrderId::first_at(start + date::DAY).get());
    let id = first.checked_add(number).filter(|id| (first.max(0)..next).contains(id))?;
    Some(OrderId::from_i64(id))
}
