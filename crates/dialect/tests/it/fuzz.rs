//! Random bytes and nearly right texts into every codec.

use proptest::prelude::{any, prop, proptest};
use tradewind_dialect::codec::{fuzz_date, fuzz_form, fuzz_message, fuzz_write};

proptest! {
    #[test]
    fn bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        fuzz_message(&bytes);
        fuzz_form(&bytes);
        fuzz_date(&bytes);
        fuzz_write(&bytes);
    }

    #[test]
    fn nearly_json(text in r#"\{("[a\\u0-9]{0,4}"|[:,\[\]{}]|[0-9eE.+-]{1,4}|null|true| ){0,40}\}"#) {
        fuzz_message(text.as_bytes());
    }

    #[test]
    fn nearly_xml(text in r#"<a>(</?[ab] ?/?>|&[a-z#0-9]{1,5};|<!--|-->|<!\[CDATA\[|\]\]>|<\?xml |\?>|[ax<&"']){0,30}</a>"#) {
        fuzz_message(text.as_bytes());
    }

    #[test]
    fn nearly_forms(text in "([a-c=&%+0-9A-F]|%[0-9a-fA-F]{2}){0,60}") {
        fuzz_form(text.as_bytes());
    }

    #[test]
    fn nearly_dates(text in "[0-9]{4}-?[0-1][0-9]-?[0-3][0-9]( [0-2][0-9]:[0-6][0-9]:[0-6][0-9])?") {
        fuzz_date(text.as_bytes());
    }

    #[test]
    fn nearly_dates_of_http(text in "(Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-3]?[0-9] (Jan|Feb|Jun|Dec) [0-9]{4} [0-2][0-9]:[0-6][0-9]:[0-6][0-9] (GMT|UTC)") {
        fuzz_date(text.as_bytes());
    }

    #[test]
    fn any_text_is_written_and_read_back(text in r#"([\x00-\x20"\\/<>&'\u{fffe}\u{ffff}茶😀]|.){0,60}"#) {
        fuzz_write(text.as_bytes());
    }
}
