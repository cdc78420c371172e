//! Dates of GMT+8, and of HTTP.

use tradewind_dialect::codec::date::{
    compact_date_gmt8, datetime_gmt8, http_date, parse_compact_date_gmt8, parse_date_gmt8,
    parse_datetime_gmt8, parse_http_date, start_of_day_gmt8,
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

/// The example of RFC 9110, that of a partner protocol, and days at the edges of months and years.
#[test]
fn dates_of_http() {
    for (ms, text) in [
        (784_111_777_000, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_470_360_000_000, "Fri, 05 Aug 2016 01:20:00 GMT"),
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"),
        (1_456_703_999_000, "Sun, 28 Feb 2016 23:59:59 GMT"),
        (1_456_704_000_000, "Mon, 29 Feb 2016 00:00:00 GMT"),
        (1_483_228_799_000, "Sat, 31 Dec 2016 23:59:59 GMT"),
        (1_483_488_000_000, "Wed, 04 Jan 2017 00:00:00 GMT"),
        (1_485_820_800_000, "Tue, 31 Jan 2017 00:00:00 GMT"),
    ] {
        let at = Timestamp::from_ms(ms);
        assert_eq!(http_date(at), text);
        assert_eq!(http_date(Timestamp::from_ms(ms + 999)), text, "fractions are left out");
        assert_eq!(parse_http_date(text), Some(at), "{text}");
        assert_eq!(parse_http_date(&text.replace("GMT", "UTC")), Some(at), "{text}");
        assert_eq!(parse_http_date(&text.replacen(", 0", ", ", 1)), Some(at), "{text}");
    }
    let mut names = std::collections::BTreeSet::new();
    for day in 0..366 {
        let at = Timestamp::from_ms(1_470_360_000_000 + day * 86_400_000);
        let text = http_date(at);
        assert_eq!(parse_http_date(&text), Some(at), "{text}");
        names.extend([text[..3].to_owned(), text[8..11].to_owned()]);
    }
    assert_eq!(names.len(), 7 + 12, "{names:?}");
    for (ms, text) in [(-1, "Thu, 01 Jan 1970 00:00:00 GMT"), (i64::MAX, "Thu, 30 Dec 9999 15:59:59 GMT")] {
        assert_eq!(http_date(Timestamp::from_ms(ms)), text);
    }
    for text in [
        "",
        "Fri, 05 Aug 2016 01:20:00",
        "Fri, 05 Aug 2016 01:20:00 ",
        "Fri, 05 Aug 2016 01:20:00 gmt",
        "Fri, 05 Aug 2016 01:20:00 Z",
        "Fri, 05 Aug 2016 01:20:00 +0000",
        "Fri, 05 Aug 2016 01:20:00 GMT ",
        " Fri, 05 Aug 2016 01:20:00 GMT",
        "Sat, 05 Aug 2016 01:20:00 GMT",
        "Fri 05 Aug 2016 01:20:00 GMT",
        "Fri,05 Aug 2016 01:20:00 GMT",
        "Friday, 05 Aug 2016 01:20:00 GMT",
        "fri, 05 Aug 2016 01:20:00 GMT",
        "Fri, 005 Aug 2016 01:20:00 GMT",
        "Fri,  5 Aug 2016 01:20:00 GMT",
        "Fri, +5 Aug 2016 01:20:00 GMT",
        "Fri, 05 aug 2016 01:20:00 GMT",
        "Fri, 05 August 2016 01:20:00 GMT",
        "Fri, 05 08 2016 01:20:00 GMT",
        "Fri, 05 Aug 16 01:20:00 GMT",
        "Fri, 05 Aug 2016 24:00:00 GMT",
        "Fri, 05 Aug 2016 01:20:60 GMT",
        "Fri, 05 Aug 2016 1:20:00 GMT",
        "Wed, 31 Feb 2016 00:00:00 GMT",
        "Fri, 00 Aug 2016 00:00:00 GMT",
        "Fri, 05-Aug-2016 01:20:00 GMT",
        "Fri Aug  5 01:20:00 2016",
        "Fri, 05 Aug 2016 01:20:00 GMT+8",
    ] {
        assert_eq!(parse_http_date(text), None, "{text:?}");
    }
}
