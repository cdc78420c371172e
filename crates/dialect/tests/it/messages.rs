//! Reading messages: what is understood, what is refused, and by which limit.

use tradewind_dialect::codec::{
    DEPTH_MAX, Format, Message, NODES_MAX, NotScalar, ReadError, Value, root_content,
};

fn scalar<'m>(message: &'m Message<'_>, name: &str) -> Option<&'m str> {
    message.members.get(name).and_then(|value| value.scalar().unwrap())
}

#[test]
fn scalars_keep_the_text_they_were_written_as() {
    let text = r#" {"a":158.00,"b":"158.00","c":1.23456789E7,"d":-0,"e":true,"f":false,"g":null,"h":"","i":"\u8336\"\\\/\n","j":"茶/"} "#;
    let message = Message::read(text).unwrap();
    assert_eq!((message.format, &message.root), (Format::Json, &None));
    for (name, expected) in [
        ("a", Some("158.00")),
        ("b", Some("158.00")),
        ("c", Some("1.23456789E7")),
        ("d", Some("-0")),
        ("e", Some("true")),
        ("f", Some("false")),
        ("g", None),
        ("h", None),
        ("i", Some("茶\"\\/\n")),
        ("j", Some("茶/")),
        ("k", None),
    ] {
        assert_eq!(scalar(&message, name), expected, "{name}");
    }
}

#[test]
fn plain_texts_are_borrowed() {
    for text in [r#"{"a":"b"}"#, "<r><a>b</a></r>"] {
        let message = Message::read(text).unwrap();
        let Some(Value::Text(std::borrow::Cow::Borrowed(value))) = message.members.get("a") else {
            panic!("{message:?}")
        };
        assert!(text.as_bytes().as_ptr_range().contains(&value.as_ptr()));
        assert_eq!(*value, "b");
    }
}

#[test]
fn of_several_values_the_last_counts() {
    for text in [r#"{"a":1,"\u0061":2,"a":3}"#, "<r><a>1</a><a>2</a><a>3</a></r>"] {
        let message = Message::read(text).unwrap();
        assert_eq!(scalar(&message, "a"), Some("3"), "{text}");
        let all: Vec<_> = message.members.all("a").map(|value| value.scalar().unwrap().unwrap()).collect();
        assert_eq!(all, ["1", "2", "3"]);
        assert_eq!(message.members.iter().len(), 3);
    }
}

#[test]
fn lists_and_objects_are_no_scalars() {
    for text in [r#"{"a":[1]}"#, r#"{"a":{}}"#, "<r><a><b/></a></r>"] {
        let message = Message::read(text).unwrap();
        assert_eq!(message.members.get("a").unwrap().scalar(), Err(NotScalar), "{text}");
    }
}

#[test]
fn wrappers_are_taken_off_once() {
    let unwrap = |text| Message::read(text).unwrap().members.unwrap_only("R").is_ok();
    assert!(unwrap(r#"{"R":{"a":1}}"#));
    for text in [r#"{"R":{},"a":1}"#, r#"{"R":1}"#, r#"{"r":{}}"#, r#"{}"#, r#"{"R":[{}]}"#] {
        assert!(!unwrap(text), "{text}");
        let kept = Message::read(text).unwrap();
        assert_eq!(kept.members.clone().unwrap_only("R"), Err(kept.members), "nothing is lost");
    }
}

#[test]
fn xml_as_partners_write_it() {
    for text in [
        "<?xml version='1.0' encoding='utf-8' ?><R><a>1&amp;2</a><b><c>x</c></b><d/></R>",
        "\n <R x='1'>\n <a >1&#38;2</a > <b>\r\n<c>x</c>\t</b><d></d></R\n>\n",
        "<R><!-- <a>no</a> --><a><![CDATA[1&]]>2</a><b><c>x</c></b><d/></R><!-- end -->",
        "<R><a>1&#x26;<!-- here -->2</a><b><c>&#120;</c></b><d>   </d></R>",
    ] {
        let message = Message::read(text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert_eq!((message.format, message.root.as_deref()), (Format::Xml, Some("R")), "{text}");
        assert_eq!(scalar(&message, "a"), Some("1&2"), "{text}");
        assert_eq!(scalar(&message, "d").unwrap_or_default().trim(), "", "{text}");
        let Some(Value::Object(b)) = message.members.get("b") else { panic!("{text}") };
        assert_eq!(b.get("c").unwrap().scalar(), Ok(Some("x")), "{text}");
    }
    assert_eq!(Message::read("<R/>").unwrap().members.iter().len(), 0);
    assert_eq!(Message::read("<R> </R>").unwrap().members.iter().len(), 0);
    let quotes = Message::read("<R><a>&lt;&gt;&apos;&quot;\r\n</a></R>").unwrap();
    assert_eq!(scalar(&quotes, "a"), Some("<>'\"\r\n"), "line ends stay as they were");
}

#[test]
fn what_is_refused_and_why() {
    let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels - 1), "]".repeat(levels - 1));
    let deep_xml = |levels: usize| format!("{}{}", "<a>".repeat(levels), "</a>".repeat(levels));
    let many = |nodes: usize| format!("{{\"a\":[{}1]}}", "1,".repeat(nodes - 3));
    let many_xml = |nodes: usize| format!("<a>{}</a>", "<b/>".repeat(nodes - 1));
    let escaped_depth = format!("{{\"a\":{}", "{\"a\":".repeat(100_000));
    for fits in [deep(DEPTH_MAX), deep_xml(DEPTH_MAX), many(NODES_MAX), many_xml(NODES_MAX)] {
        assert!(Message::read(&fits).is_ok(), "{fits:.40}");
    }
    for more in [many(NODES_MAX + 1), many_xml(NODES_MAX + 1)] {
        assert!(Message::read_up_to(&more, NODES_MAX + 1).is_ok(), "{more:.40}");
        assert_eq!(Message::read_up_to(&more, NODES_MAX).map(drop), Err(ReadError::TooLarge));
    }
    let rows: Vec<(String, ReadError)> = vec![
        (deep(DEPTH_MAX + 1), ReadError::TooDeep),
        (deep_xml(DEPTH_MAX + 1), ReadError::TooDeep),
        (many(NODES_MAX + 1), ReadError::TooLarge),
        (many_xml(NODES_MAX + 1), ReadError::TooLarge),
        (escaped_depth, ReadError::Json),
    ];
    let short = [
        ("", ReadError::Empty),
        (" \r\n\t", ReadError::Empty),
        ("[]", ReadError::UnknownFormat),
        ("\u{feff}{}", ReadError::UnknownFormat),
        ("BUSI_ID=1", ReadError::UnknownFormat),
        ("{\"a\":\"\\u0000\"}", ReadError::Zero),
        ("{\"a\":[{\"b\":\"c\\u0000d\"}]}", ReadError::Zero),
        ("{\"a\\u0000\":1}", ReadError::Zero),
        ("{\"a\":{\"\\u0000b\":1}}", ReadError::Zero),
        ("{\"a\":\"\0\"}", ReadError::Zero),
        ("<a>b\0</a>", ReadError::Zero),
        ("<a><b\0/></a>", ReadError::Zero),
        ("<a><![CDATA[\0]]></a>", ReadError::Zero),
        ("{", ReadError::Json),
        ("{}{}", ReadError::Json),
        ("{} x", ReadError::Json),
        ("{\"a\":}", ReadError::Json),
        ("{\"a\":1,}", ReadError::Json),
        ("{\"a\":01}", ReadError::Json),
        ("{\"a\":1.}", ReadError::Json),
        ("{\"a\":NaN}", ReadError::Json),
        ("{\"a\":tru}", ReadError::Json),
        ("{\"a\":'b'}", ReadError::Json),
        ("{\"a\":\"\\x\"}", ReadError::Json),
        ("{\"a\":\"\\ud800\"}", ReadError::Json),
        ("{\"a\":\"\t\"}", ReadError::Json),
        ("{\"a\":[1,]}", ReadError::Json),
        ("{a:1}", ReadError::Json),
        ("<", ReadError::Xml),
        ("<a>", ReadError::Xml),
        ("<a></b>", ReadError::Xml),
        ("<a><b></a></b>", ReadError::Xml),
        ("<a/><a/>", ReadError::Xml),
        ("<a></a><a></a>", ReadError::Xml),
        ("<a/>x", ReadError::Xml),
        ("<a/>&amp;", ReadError::Xml),
        ("<!-- only -->", ReadError::Xml),
        ("<></>", ReadError::Xml),
        ("<a>x</a", ReadError::Xml),
        ("<a>&amp</a>", ReadError::Xml),
        ("<a>x</a>", ReadError::Mixed),
        ("<a>x<b/></a>", ReadError::Mixed),
        ("<a><b/><![CDATA[x]]></a>", ReadError::Mixed),
        ("<!DOCTYPE a><a/>", ReadError::Doctype),
        ("<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>", ReadError::Doctype),
        ("<?php x?><a/>", ReadError::Doctype),
        ("<a><?xml version='1.0'?></a>", ReadError::Doctype),
        ("<a><b>&nbsp;</b></a>", ReadError::Entity),
        ("<a><b>&x;</b></a>", ReadError::Entity),
        ("<a><b>&#0;</b></a>", ReadError::Entity),
        ("<a><b>&#x1;</b></a>", ReadError::Entity),
        ("<a><b>&#xd800;</b></a>", ReadError::Entity),
        ("<a><b>&#xffff;</b></a>", ReadError::Entity),
    ];
    let rows = rows.into_iter().chain(short.map(|(text, error)| (text.to_owned(), error)));
    for (text, error) in rows {
        assert_eq!(Message::read(&text).map(drop), Err(error), "{text:.60}");
    }
}

#[test]
fn content_of_the_root() {
    for (text, expected) in [
        ("<a>xyz</a>", Ok("xyz")),
        ("<?xml version='1.0'?> <a b='c'>x\ny</a >", Ok("x\ny")),
        ("<a></a>", Ok("")),
        ("<a/>", Err(ReadError::Xml)),
        ("<a><b/></a>", Err(ReadError::Xml)),
        ("<a>x", Err(ReadError::Xml)),
        ("x<a>y</a>", Err(ReadError::Xml)),
        ("", Err(ReadError::Xml)),
        ("<!DOCTYPE a><a>x</a>", Err(ReadError::Doctype)),
    ] {
        assert_eq!(root_content(text).map(|range| &text[range]), expected, "{text}");
    }
}
