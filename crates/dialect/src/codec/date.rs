//! Dates as the Chinese protocols write them: local time of GMT+8, which has had no summer time since
//! long before any of them.

use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use tradewind_domain::{Span, Timestamp};

const GMT8: Offset = Offset::constant(8);

/// The length of a day of GMT+8.
pub const DAY: Span = Span::from_days(1);

/// The end of 9999-12-30: the formats have four digits for the year, and the library leaves the last day
/// of it to zones further west.
const LATEST_MS: i64 = 253_402_185_599_999;
const GMT8_MS: i64 = 8 * 3_600_000;

/// `yyyy-MM-dd HH:mm:ss`. Instants before 1970 or after 9999-12-30 are written as the
/// nearest one between.
pub fn datetime_gmt8(at: Timestamp) -> String {
    let (date, time) = civil(at);
    format!(
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

/// `yyyyMMdd`, within the same bounds.
pub fn compact_date_gmt8(at: Timestamp) -> String {
    let (date, _) = civil(at);
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}

/// The first instant of the day of GMT+8 in which `at` lies.
pub fn start_of_day_gmt8(at: Timestamp) -> Timestamp {
    let local = at.ms().saturating_add(GMT8_MS);
    Timestamp::from_ms(local.div_euclid(DAY.ms()).saturating_mul(DAY.ms()).saturating_sub(GMT8_MS))
}

/// Reads `yyyy-MM-dd HH:mm:ss`. `None` for anything else, also for a day or second that does not exist.
pub fn parse_datetime_gmt8(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(' ')?;
    let date = date_of(date)?;
    let [hour, minute, second] = numbers(time, [2, 2, 2], ":")?;
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
    instant(date, time)
}

/// Reads `yyyy-MM-dd`: the first instant of that day.
pub fn parse_date_gmt8(text: &str) -> Option<Timestamp> {
    instant(date_of(text)?, Time::midnight())
}

/// Reads `yyyyMMdd`: the first instant of that day.
pub fn parse_compact_date_gmt8(text: &str) -> Option<Timestamp> {
    let [year, month, day] = numbers(text, [4, 2, 2], "")?;
    instant(Date::new(year, small(month)?, small(day)?).ok()?, Time::midnight())
}

fn civil(at: Timestamp) -> (Date, Time) {
    let bounded = at.ms().clamp(0, LATEST_MS);
    let instant = jiff::Timestamp::from_millisecond(bounded).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let local = GMT8.to_datetime(instant);
    (local.date(), local.time())
}

fn instant(date: Date, time: Time) -> Option<Timestamp> {
    let instant = GMT8.to_timestamp(date.to_datetime(time)).ok()?;
    Some(Timestamp::from_ms(instant.as_millisecond()))
}

fn date_of(text: &str) -> Option<Date> {
    let [year, month, day] = numbers(text, [4, 2, 2], "-")?;
    Date::new(year, small(month)?, small(day)?).ok()
}

fn small(number: i16) -> Option<i8> {
    i8::try_from(number).ok()
}

/// Three numbers of exactly these many ASCII digits with `separator` between them, and nothing else.
fn numbers(text: &str, digits: [usize; 3], separator: &str) -> Option<[i16; 3]> {
    let mut rest = text;
    let mut found = [0; 3];
    for (index, (number, digits)) in found.iter_mut().zip(digits).enumerate() {
        if index > 0 {
            rest = rest.strip_prefix(separator)?;
        }
        let (head, tail) = rest.split_at_checked(digits)?;
        if !head.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = head.parse().ok()?;
        rest = tail;
    }
    rest.is_empty().then_some(found)
}
