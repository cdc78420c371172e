//! Writing messages in both formats.

use tradewind_dialect::codec::{Format, ListShape, Writer};
use tradewind_domain::{Currency, Money};

fn both(write: impl Fn(&mut Writer)) -> (String, String) {
    let text = |format| {
        let mut writer = Writer::wrapped(format, "R");
        write(&mut writer);
        writer.finish()
    };
    let xml = text(Format::Xml);
    let declared = xml.strip_prefix(r#"<?xml version="1.0" encoding="UTF-8"?>"#).unwrap();
    (text(Format::Json), declared.to_owned())
}

#[track_caller]
fn check(write: impl Fn(&mut Writer), json: &str, xml: &str) {
    assert_eq!(both(write), (json.to_owned(), xml.to_owned()));
}

#[test]
fn members_in_their_order() {
    check(|_| {}, r#"{"R":{}}"#, "<R></R>");
    check(
        |writer| {
            writer.text("b", "1");
            writer.int("a", -2);
            writer.bool("c", true);
            writer.text_if("d", None);
            writer.text_if("e", Some(""));
            writer.object("f", |inner| inner.int("g", 3));
            writer.object("h", |_| {});
            writer.text("i", "x");
        },
        r#"{"R":{"b":"1","a":-2,"c":true,"e":"","f":{"g":3},"h":{},"i":"x"}}"#,
        "<R><b>1</b><a>-2</a><c>true</c><e></e><f><g>3</g></f><h></h><i>x</i></R>",
    );
}

#[test]
fn lists_in_their_shapes() {
    let list = |shape, entries: &'static [i64]| {
        move |writer: &mut Writer| {
            writer.list("l", "e", shape, entries.iter(), |entry, value| entry.int("v", *value));
            writer.int("z", 9);
        }
    };
    let xml = "<R><l><e><v>1</v></e></l><z>9</z></R>";
    check(list(ListShape::Array, &[1]), r#"{"R":{"l":[{"v":1}],"z":9}}"#, xml);
    check(list(ListShape::Held, &[1]), r#"{"R":{"l":{"e":[{"v":1}]},"z":9}}"#, xml);
    check(list(ListShape::OneBare, &[1]), r#"{"R":{"l":{"v":1},"z":9}}"#, xml);
    let xml = "<R><l><e><v>1</v></e><e><v>2</v></e></l><z>9</z></R>";
    check(list(ListShape::Array, &[1, 2]), r#"{"R":{"l":[{"v":1},{"v":2}],"z":9}}"#, xml);
    check(list(ListShape::Held, &[1, 2]), r#"{"R":{"l":{"e":[{"v":1},{"v":2}]},"z":9}}"#, xml);
    check(list(ListShape::OneBare, &[1, 2]), r#"{"R":{"l":[{"v":1},{"v":2}],"z":9}}"#, xml);
    let xml = "<R><l></l><z>9</z></R>";
    check(list(ListShape::Array, &[]), r#"{"R":{"l":[],"z":9}}"#, xml);
    check(list(ListShape::Held, &[]), r#"{"R":{"l":{"e":[]},"z":9}}"#, xml);
    check(list(ListShape::OneBare, &[]), r#"{"R":{"l":[],"z":9}}"#, xml);
}

#[test]
fn texts_are_escaped_as_each_format_needs() {
    for (text, json, xml) in [
        ("a/b", r"a/b", "a/b"),
        ("\"\\", r#"\"\\"#, "\"\\"),
        ("<&>'", "<&>'", "&lt;&amp;&gt;'"),
        ("\n\r\t", r"\n\r\t", "\n&#13;\t"),
        ("\u{0}\u{1f}\u{7f}", "\\u0000\\u001f\u{7f}", "\u{fffd}\u{fffd}\u{7f}"),
        ("茶　叶（é）😀", "茶　叶（é）😀", "茶　叶（é）😀"),
        ("\u{fffe}\u{fffd}\u{ffff}", "\u{fffe}\u{fffd}\u{ffff}", "\u{fffd}\u{fffd}\u{fffd}"),
        ("]]>", "]]>", "]]&gt;"),
    ] {
        check(
            |writer| writer.text("t", text),
            &format!(r#"{{"R":{{"t":"{json}"}}}}"#),
            &format!("<R><t>{xml}</t></R>"),
        );
    }
}

#[test]
fn bare_objects() {
    let mut writer = Writer::bare_json();
    writer.bool("success", false);
    writer.text("message", "x");
    assert_eq!(writer.finish(), r#"{"success":false,"message":"x"}"#);
    assert_eq!(Writer::bare_json().finish(), "{}");
}

#[test]
fn amounts_are_exact_and_short() {
    for (micros, text) in [
        (158_000_000, "158"),
        (158_500_000, "158.5"),
        (158_050_000, "158.05"),
        (10_000, "0.01"),
        (0, "0"),
        (100_000_000_000, "100000"),
        (-12_500_000, "-12.5"),
        (-1, "-0.000001"),
        (1_000_001, "1.000001"),
        (i64::MAX, "9223372036854.775807"),
        (i64::MIN, "-9223372036854.775808"),
    ] {
        let amount = Money::from_micros(micros, Currency::CNY);
        check(
            |writer| writer.money("a", amount),
            &format!(r#"{{"R":{{"a":{text}}}}}"#),
            &format!("<R><a>{text}</a></R>"),
        );
    }
}
