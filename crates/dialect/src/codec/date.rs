//! Dates as the Chinese protocols write them: local time of GMT+8, which has had no summer time since
//! long before any of them. And as HTTP writes them in its headers.

use jiff::civil::{Date, DateTime, Time, Weekday};
use jiff::tz::Offset;
use tradewind_domain::{Span, Timestamp};

const GMT8: Offset = Offset::constant(8);

/// The length of a day of GMT+8.
pub const DAY: Span = Span::from_days(1);

/// The end of 9999-12-30: the formats have four digits for the year, and the library leaves the last day
/// of it to zones further west.
pub(super) const LATEST_MS: i64 = 253_402_185_599_999;
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

/// As HTTP writes it (RFC 1123): `Fri, 05 Aug 2016 01:20:00 GMT`, within the same bounds.
pub fn http_date(at: Timestamp) -> String {
    let utc = Offset::UTC.to_datetime(bounded(at));
    format!(
        "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
        weekday_name(utc.weekday()),
        utc.day(),
        month_name(utc.month()),
        utc.year(),
        utc.hour(),
        utc.minute(),
        utc.second()
    )
}

/// The first instant of the day of GMT+8 in which `at` lies.
pub fn start_of_day_gmt8(at: Timestamp) -> Timestamp {
    let local = at.ms().saturating_add(GMT8_MS);
    Timestamp::from_ms(local.div_euclid(DAY.ms()).saturating_mul(DAY.ms()).saturating_sub(GMT8_MS))
}

/// Reads `yyyy-MM-dd HH:mm:ss`. `None` for anything else, also for a day or second that does not exist.
pub fn parse_datetime_gmt8(text: &str) -> Option<Timestamp> {
    let (date, time) = text.split_once(' ')?;
    instant(date_of(date)?, time_of(time)?)
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

/// Reads a date of HTTP. Days before the tenth may have one digit, and the zone may be called `UTC`. `None`
/// for anything else, also when the day of the week is another's.
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    let (weekday, rest) = text.split_once(", ")?;
    let (day, rest) = rest.split_once(' ')?;
    let (month, rest) = rest.split_once(' ')?;
    let (year, rest) = rest.split_once(' ')?;
    let (time, zone) = rest.split_once(' ')?;
    if !matches!(zone, "GMT" | "UTC") || !matches!(day.len(), 1 | 2) {
        return None;
    }
    let month = MONTHS.iter().position(|name| *name == month)? + 1;
    let [day] = numbers(day, [day.len()], "")?;
    let [year] = numbers(year, [4], "")?;
    let date = Date::new(year, i8::try_from(month).ok()?, small(day)?).ok()?;
    if weekday_name(date.weekday()) != weekday {
        return None;
    }
    let utc = Offset::UTC.to_timestamp(DateTime::from_parts(date, time_of(time)?)).ok()?;
    Some(Timestamp::from_ms(utc.as_millisecond()))
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

fn month_name(month: i8) -> &'static str {
    let place = usize::from(month.unsigned_abs()).saturating_sub(1);
    MONTHS.get(place).copied().unwrap_or_default()
}

fn weekday_name(weekday: Weekday) -> &'static str {
    match weekday {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    }
}

fn civil(at: Timestamp) -> (Date, Time) {
    let local = GMT8.to_datetime(bounded(at));
    (local.date(), local.time())
}

fn bounded(at: Timestamp) -> jiff::Timestamp {
    let bounded = at.ms().clamp(0, LATEST_MS);
    jiff::Timestamp::from_millisecond(bounded).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

fn instant(date: Date, time: Time) -> Option<Timestamp> {
    let instant = GMT8.to_timestamp(date.to_datetime(time)).ok()?;
    Some(Timestamp::from_ms(instant.as_millisecond()))
}

fn date_of(text: &str) -> Option<Date> {
    let [year, month, day] = numbers(text, [4, 2, 2], "-")?;
    Date::new(year, small(month)?, small(day)?).ok()
}

fn time_of(text: &str) -> Option<Time> {
    let [hour, minute, second] = numbers(text, [2, 2, 2], ":")?;
    Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()
}

fn small(number: i16) -> Option<i8> {
    i8::try_from(number).ok()
}

/// Numbers of exactly these many ASCII digits with `separator` between them, and nothing else.
fn numbers<const N: usize>(text: &str, digits: [usize; N], separator: &str) -> Option<[i16; N]> {
    let mut rest = text;
    let mut found = [0; N];
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
