//! Entry points for fuzzing. The ordinary tests call them with random bytes too.

use tradewind_domain::Timestamp;

use super::{Format, ListShape, Message, Pairs, Writer, date, is_xml_char, root_content};

/// Reads hostile bytes as a message of either format: read or refused, never a panic.
pub fn fuzz_message(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = Message::read(text);
        if let Ok(range) = root_content(text) {
            assert!(text.get(range).is_some(), "the content lies outside the text");
        }
    }
}

/// Reads hostile bytes as a query.
pub fn fuzz_form(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes)
        && let Ok(pairs) = Pairs::parse(text)
    {
        let _ = pairs.get("sign");
    }
}

/// Reads hostile bytes as a date; what is read is written the same way again.
///
/// # Panics
/// When it is not.
pub fn fuzz_date(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let in_range = |at: &Timestamp| at.ms() >= 0;
    if let Some(at) = date::parse_datetime_gmt8(text).filter(in_range) {
        assert_eq!(date::datetime_gmt8(at), text);
    }
    if let Some(at) = date::parse_date_gmt8(text).filter(in_range) {
        assert_eq!(&date::datetime_gmt8(at)[..10], text);
        assert_eq!(date::start_of_day_gmt8(at), at);
    }
    if let Some(at) = date::parse_compact_date_gmt8(text).filter(in_range) {
        assert_eq!(date::compact_date_gmt8(at), text);
    }
    let can_be_written = |at: &Timestamp| in_range(at) && at.ms() <= date::LATEST_MS;
    if let Some(at) = date::parse_http_date(text).filter(can_be_written) {
        assert_eq!(date::parse_http_date(&date::http_date(at)), Some(at), "{text}");
    }
}

/// Writes hostile text in every place a value can stand and reads it back, in both formats.
///
/// # Panics
/// When something else comes back.
pub fn fuzz_write(bytes: &[u8]) {
    // No message that could be read has brought in a zero byte.
    let given = String::from_utf8_lossy(bytes).replace('\0', "");
    for format in [Format::Json, Format::Xml] {
        let expected: String = match format {
            Format::Json => given.clone(),
            Format::Xml => given.chars().map(|c| if is_xml_char(c) { c } else { '\u{fffd}' }).collect(),
        };
        let mut writer = Writer::wrapped(format, "ROOT");
        writer.text("A", &given);
        writer.object("B", |inner| inner.text("A", &given));
        writer.list("C", "E", ListShape::Array, [&given, &given].into_iter(), |entry, text| {
            entry.text("A", text)
        });
        let text = writer.finish();
        let read = Message::read(&text).map(|message| message.members);
        let read = match format {
            Format::Json => read.map(|members| members.unwrap_only("ROOT").unwrap_or_default()),
            Format::Xml => read,
        };
        let value =
            read.as_ref().ok().and_then(|members| members.get("A")).and_then(|value| value.scalar().ok());
        assert_eq!(value, Some(Some(expected.as_str()).filter(|text| !text.is_empty())), "{text}");
    }
}
