//! Instants and spans as people write and read them.

use jiff::tz::{Offset, TimeZone};
use tradewind_domain::{Span, Timestamp};

/// The zone in which instants are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Zone {
    /// The partners' local time, +08:00.
    Local,
    /// UTC.
    Utc,
}

/// Local time of the partners: the protocols speak of GMT+8.
const LOCAL_HOURS: i8 = 8;

impl Zone {
    /// Date, time to the millisecond and offset: `2025-11-22 11:00:00.000 +08:00`.
    pub(crate) fn show(self, at: Timestamp) -> String {
        let offset = match self {
            Zone::Local => Offset::constant(LOCAL_HOURS),
            Zone::Utc => Offset::UTC,
        };
        match jiff::Timestamp::from_millisecond(at.ms()) {
            Ok(instant) => {
                instant.to_zoned(TimeZone::fixed(offset)).strftime("%Y-%m-%d %H:%M:%S%.3f %:z").to_string()
            }
            // Beyond the year 9999.
            Err(_) => format!("{} ms", at.ms()),
        }
    }
}

/// Reads an instant with its offset, for instance `2025-11-22T11:00:00+08:00` or `...T03:00:00Z`.
///
/// # Errors
/// A sentence about what is wrong with `text`.
pub(crate) fn parse_instant(text: &str) -> Result<Timestamp, String> {
    let parsed: Result<jiff::Timestamp, _> = text.parse();
    parsed.map(|instant| Timestamp::from_ms(instant.as_millisecond())).map_err(|_| {
        format!("{text:?} is not an instant of the form 2025-11-22T11:00:00+08:00 or 2025-11-22T03:00:00Z")
    })
}

/// Reads a span such as `90s`, `2h`, `1h30m`, `1d` or `250ms`; longer units first, each at most once.
///
/// # Errors
/// A sentence about what is wrong with `text`.
pub(crate) fn parse_span(text: &str) -> Result<Span, String> {
    const UNITS: [(&str, i64); 5] =
        [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

    let wrong = || format!("{text:?} is not a span of the form 90s, 2h, 1h30m, 1d or 250ms");
    let mut units = UNITS.iter();
    let mut rest = text;
    let mut total_ms = 0_i64;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_ascii_lowercase()).len();
        let (unit, after) = after.split_at(letters);
        let (_, unit_ms) = units.find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        let number: i64 = number.parse().map_err(|_| wrong())?;
        let part_ms = number.checked_mul(*unit_ms).ok_or_else(wrong)?;
        total_ms = total_ms.checked_add(part_ms).ok_or_else(wrong)?;
        rest = after;
    }
    Ok(Span::from_ms(total_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse_span(text).ok().map(Span::ms), expected, "{text:?}");
        };
        check("90s", Some(90_000));
        check("2h", Some(7_200_000));
        check("1h30m", Some(5_400_000));
        check("1d", Some(86_400_000));
        check("1d2h3m4s5ms", Some(93_784_005));
        check("250ms", Some(250));
        check("0s", Some(0));
        for bad in [
            "",
            "90",
            "s",
            "-1s",
            "+1s",
            "1.5h",
            "1s1s",
            "30m1h",
            "1 s",
            "1S",
            "1w",
            "99999999999999999d",
            "١s",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn instants() {
        let check = |text: &str, expected: Option<i64>| {
            assert_eq!(parse_instant(text).ok().map(Timestamp::ms), expected, "{text:?}");
        };
        check("2025-11-22T11:00:00+08:00", Some(1_763_780_400_000));
        check("2025-11-22T03:00:00Z", Some(1_763_780_400_000));
        check("2025-11-22T03:00:00.250Z", Some(1_763_780_400_250));
        for bad in ["", "2025-11-22", "2025-11-22T11:00:00", "11:00", "1763780400000"] {
            check(bad, None);
        }
    }

    #[test]
    fn both_zones() {
        let at = Timestamp::from_ms(1_763_780_400_007);
        assert_eq!(Zone::Local.show(at), "2025-11-22 11:00:00.007 +08:00");
        assert_eq!(Zone::Utc.show(at), "2025-11-22 03:00:00.007 +00:00");
        assert_eq!(Zone::Utc.show(Timestamp::from_ms(i64::MAX)), format!("{} ms", i64::MAX));
    }
}
