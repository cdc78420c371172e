//! Days of the calendar, for things that are sold by the day.

use std::fmt;
use std::str::FromStr;

use crate::{Span, Timestamp};

/// A day of the Gregorian calendar, without a zone. Which instants belong to it depends on where the
/// operator does business; that offset is passed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(i32);

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// A text that is not a day.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a day of the form yyyy-MM-dd")]
pub struct ParseDayError;

impl Day {
    /// From days since 1970-01-01.
    pub const fn from_number(number: i32) -> Day {
        Day(number)
    }

    /// Days since 1970-01-01.
    pub const fn number(self) -> i32 {
        self.0
    }

    /// The day of `at` where clocks are `offset` ahead of UTC.
    pub fn of(at: Timestamp, offset: Span) -> Day {
        let days = (at.ms().saturating_add(offset.ms())).div_euclid(DAY_MS);
        Day(i32::try_from(days).unwrap_or(if days < 0 { i32::MIN } else { i32::MAX }))
    }

    /// The instant at which it begins where clocks are `offset` ahead of UTC.
    pub fn start(self, offset: Span) -> Timestamp {
        Timestamp::from_ms(i64::from(self.0) * DAY_MS) - offset
    }

    /// The day `days` later.
    #[must_use]
    pub const fn plus(self, days: i32) -> Day {
        Day(self.0.saturating_add(days))
    }

    /// Days from `earlier` to this one; negative when it is the later one.
    pub const fn since(self, earlier: Day) -> i64 {
        self.0 as i64 - earlier.0 as i64
    }

    /// The day of a date; `None` when the calendar has no such date. Years 1 to 9999.
    pub fn from_date(year: i32, month: u32, day: u32) -> Option<Day> {
        if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || day == 0 {
            return None;
        }
        // Howard Hinnant's days_from_civil: years begin in March, so that the leap day is the last.
        let (y, m) = (i64::from(year), i64::from(month));
        let y = if m <= 2 { y - 1 } else { y };
        let era = y.div_euclid(400);
        let of_era = y.rem_euclid(400);
        let of_year = (153 * ((m + 9) % 12) + 2) / 5 + i64::from(day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let found = Day(i32::try_from(days).ok()?);
        // The 31st of a month that has thirty days is found out on the way back.
        (found.date() == (year, month, day)).then_some(found)
    }

    /// Year, month and day of the month.
    pub fn date(self) -> (i32, u32, u32) {
        let z = i64::from(self.0) + 719_468;
        let era = z.div_euclid(146_097);
        let doe = z.rem_euclid(146_097);
        let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
        let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
        let mp = (5 * doy + 2) / 153;
        let day = doy - (153 * mp + 2) / 5 + 1;
        let month = if mp < 10 { mp + 3 } else { mp - 9 };
        let year = yoe + era * 400 + i64::from(month <= 2);
        let small = |value: i64| u32::try_from(value).unwrap_or(0);
        (i32::try_from(year).unwrap_or(0), small(month), small(day))
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl FromStr for Day {
    type Err = ParseDayError;

    fn from_str(text: &str) -> Result<Day, ParseDayError> {
        let bytes = text.as_bytes();
        let well_formed = bytes.len() == 10
            && bytes
                .iter()
                .enumerate()
                .all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
        if !well_formed {
            return Err(ParseDayError);
        }
        let part = |range| text.get(range).and_then(|digits: &str| digits.parse::<u32>().ok());
        let (year, month, day) = (part(0..4), part(5..7), part(8..10));
        let found = match (year, month, day) {
            (Some(year), Some(month), Some(day)) => {
                i32::try_from(year).ok().and_then(|year| Day::from_date(year, month, day))
            }
            _ => None,
        };
        found.ok_or(ParseDayError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_agree() {
        for (number, text) in
            [(0, "1970-01-01"), (-1, "1969-12-31"), (11_016, "2000-02-29"), (20_779, "2026-11-22")]
        {
            assert_eq!(Day::from_number(number).to_string(), text);
            assert_eq!(text.parse(), Ok(Day::from_number(number)));
        }
        let mut day = Day::from_date(1, 1, 1).unwrap();
        while day.date().0 < 2500 {
            let (year, month, of_month) = day.date();
            assert_eq!(Day::from_date(year, month, of_month), Some(day));
            let (after_year, after_month, after_day) = day.plus(1).date();
            let follows = (after_year, after_month, after_day) == (year, month, of_month + 1)
                || (after_day == 1 && (after_year, after_month) > (year, month));
            assert!(follows, "{day} and the day after");
            day = day.plus(1);
        }
        for bad in [
            "",
            "2026-1-1",
            "2026-02-30",
            "2100-02-29",
            "2026-13-01",
            "2026-00-10",
            "0000-01-01",
            "2026/01/01",
            "２０２６-01-01",
            "2026-01-1x",
        ] {
            assert_eq!(bad.parse::<Day>(), Err(ParseDayError), "{bad}");
        }
    }

    #[test]
    fn a_day_begins_at_midnight_of_its_place() {
        let east = Span::from_mins(8 * 60);
        let day: Day = "2026-11-22".parse().unwrap();
        assert_eq!(day.start(east), Timestamp::from_ms(1_795_276_800_000));
        assert_eq!(Day::of(day.start(east), east), day);
        assert_eq!(Day::of(day.start(east) - Span::from_ms(1), east), day.plus(-1));
        assert_eq!(day.plus(30).since(day), 30);
    }
}
