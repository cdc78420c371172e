//! Dates of GMT+8.

use tradewind_dialect::codec::date::{
    compact_date_gmt8, datetime_gmt8, parse_compact_date_gmt8, parse_date_gmt8, parse_datetime_gmt8,
    start_of_day_gmt8,
};
use tradewind_domain::Timestamp;

#[test]
fn instants_and_texts() {
    for (ms, text) in [
        (1_470_360_000_000, "2016-08-05 09:20:00"),
        (1_470_326_399_000, "2016-08-04 23:59:59"),
        (1_470_326_400_000, "2016-08-05 00:00:00"),
        (1_456_675_200_000, "2016-02-29 00:00:00"),
        (1_446_445_716_000, "2015-11-02 14:28:36"),
        (0, "1970-01-01 08:00:00"),
        (253_402_185_599_000, "9999-12-30 23:59:59"),
    ] {
        let at = Timestamp::from_ms(ms);
        assert_eq!(datetime_gmt8(at), text);
        assert_eq!(datetime_gmt8(Timestamp::from_ms(ms + 999)), text, "fractions are left out");
        assert_eq!(parse_datetime_gmt8(text), Some(at));
        assert_eq!(compact_date_gmt8(at), text[..10].replace('-', ""));
        let day = parse_date_gmt8(&text[..10]);
        assert_eq!(day, Some(start_of_day_gmt8(at)), "{text}");
        assert_eq!(parse_compact_date_gmt8(&compact_date_gmt8(at)), day);
    }
}

#[test]
fn instants_beyond_the_format_are_bounded() {
    for (ms, text) in [
        (i64::MIN, "1970-01-01 08:00:00"),
        (-1, "1970-01-01 08:00:00"),
        (253_402_185_600_000, "9999-12-30 23:59:59"),
        (i64::MAX, "9999-12-30 23:59:59"),
    ] {
        assert_eq!(datetime_gmt8(Timestamp::from_ms(ms)), text);
    }
}

#[test]
fn texts_that_are_no_dates() {
    for text in [
        "",
        "2016",
        "2016-08",
        "2016-8-5",
        "2016-02-30",
        "2015-02-29",
        "2016-13-01",
        "2016-00-01",
        "2016-01-00",
        "16-01-01",
        "2016/01/01",
        "2016-01-01 ",
        " 2016-01-01",
        "2016-01-01T00:00:00",
        "+016-01-01",
        "２016-01-01",
        "2016-01-01x",
    ] {
        assert_eq!(parse_date_gmt8(text), None, "{text:?}");
        assert_eq!(parse_datetime_gmt8(text), None, "{text:?}");
    }
    for text in [
        "2016-01-01 24:00:00",
        "2016-01-01 00:60:00",
        "2016-01-01 00:00:60",
        "2016-01-01 00:00",
        "2016-01-01 0:00:00",
        "2016-01-01  00:00:00",
        "2016-01-01 00:00:00 ",
        "2016-01-01 00:00:00.0",
    ] {
        assert_eq!(parse_datetime_gmt8(text), None, "{text:?}");
    }
    for text in ["2016080", "201608055", "2016-805", "20160230"] {
        assert_eq!(parse_compact_date_gmt8(text), None, "{text:?}");
    }
}
