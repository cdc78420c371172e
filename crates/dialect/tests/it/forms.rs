//! Queries and forms.

use tradewind_dialect::codec::{FormError, PAIRS_MAX, Pairs};

#[test]
fn pairs_are_decoded_once() {
    let pairs = Pairs::parse("a=1&B=x%3Ay+z%2520&&c&d=&%65=%e8%8c%b6&f=a=b&a=2&sign=0a:1").unwrap();
    for (name, expected) in [
        ("a", Some("2")),
        ("A", Some("2")),
        ("b", Some("x:y z%20")),
        ("c", Some("")),
        ("d", Some("")),
        ("e", Some("茶")),
        ("f", Some("a=b")),
        ("SIGN", Some("0a:1")),
        ("g", None),
        ("", None),
    ] {
        assert_eq!(pairs.get(name), expected, "{name}");
        assert_eq!(pairs.get_filled(name), expected.filter(|value| !value.is_empty()), "{name}");
    }
}

#[test]
fn later_texts_count_before_earlier_ones() {
    let mut pairs = Pairs::parse("a=1&b=1").unwrap();
    pairs.extend("A=2").unwrap();
    assert_eq!((pairs.get("a"), pairs.get("b")), (Some("2"), Some("1")));
    assert_eq!(Pairs::parse("").unwrap(), Pairs::default());
}

#[test]
fn what_is_refused() {
    for text in ["a=%", "a=%4", "a=%zz", "%g0=1", "a=%ff", "a=%c3%28", "a=%+1", "a=%é"] {
        assert_eq!(Pairs::parse(text), Err(FormError::Encoding), "{text}");
    }
    for text in ["a=%00", "a=b%00c", "%00=1", "a=\0", "a\0"] {
        assert_eq!(Pairs::parse(text), Err(FormError::Zero), "{text:?}");
    }
    let many = |count: usize| vec!["a=1"; count].join("&");
    assert!(Pairs::parse(&many(PAIRS_MAX)).is_ok());
    assert_eq!(Pairs::parse(&many(PAIRS_MAX + 1)), Err(FormError::TooMany));
}
