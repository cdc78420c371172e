//! What requests become: fields, formats, shapes and their limits (sections 2 and 5).

use tradewind_dialect::Method as Http;
use tradewind_domain::{
    Call, Collect, FindOrder, Flow, Login, LookUp, Method, MethodChoice, OrderId, OrderRef, Refusal, Revoke,
    RevokeMode, Span,
};

use crate::support::{BUSI_ID, CODE, Shop, cny, golden, post};

fn collect(operation: &'static str, body: &str) -> Result<Collect, Refusal> {
    let shop = Shop::new();
    match shop.open(operation, &shop.post(operation, body))? {
        Call::Collect(collect) => Ok(*collect),
        other => panic!("{other:?}"),
    }
}

/// The golden request with one member set to a JSON value, or removed.
fn changed(body: &str, name: &str, value: Option<&str>) -> String {
    let inner = body.trim().strip_prefix('{').unwrap().strip_suffix('}').unwrap();
    let kept = inner.split(",\"").map(|member| member.trim_start_matches('"'));
    let mut members: Vec<String> = kept
        .filter(|member| !member.starts_with(&format!("{name}\"")))
        .map(|member| format!("\"{member}"))
        .collect();
    members.extend(value.map(|value| format!("\"{name}\":{value}")));
    format!("{{{}}}", members.join(","))
}

#[test]
fn a_full_payment_request_in_both_formats() {
    let (json, xml) = (golden("preOrder.full.request.json"), golden("preOrder.full.request.xml"));
    let wrapped = format!("{{\"ORDER_REQ\":{json}}}");
    let spaced = json.replace("\":", "\" :\r\n\t ");
    let single_quoted = xml.replace("version=\"1.0\" encoding=\"UTF-8\"", "version='1.0' encoding='utf-8' ");
    let loose =
        single_quoted.replace("</", "\n</").replace("\n</", "</").replace("</ORDER_REQ>", "</ORDER_REQ >\n");
    let cdata = xml.replace("<PAY_SUBJECT>QR code to pay<", "<PAY_SUBJECT><![CDATA[QR code]]> to&#32;pay<");
    let bare = xml.replace(r#"<?xml version="1.0" encoding="UTF-8"?>"#, "\n<!-- no declaration -->");
    let attributes = xml.replace("<ORDER_REQ>", "<ORDER_REQ xmlns=\"urn:x\" a='b'>");
    let alias = json.replace("GOODS_DETAIL", "goodsInfos");
    let any_child = xml.replace("GOODS_INFO", "goods");
    let repeated = xml.replace("<GOODS_INFO>", "").replace("</GOODS_INFO>", "");
    let one_bare = json.replace("[{", "{").replace("}]", "}");
    let duplicate = json.replacen("{", "{\"AMT\":\"1.00\",\"MERCHANTPARA\":\"x\",", 1);
    let numbers =
        json.replace("\"158.00\"", "158.00").replace("\"1\",\"GOOD_SHOWURL\"", "1,\"GOOD_SHOWURL\"");
    let unknown = json.replacen("{", "{\"SOMETHING\":{\"a\":[1,2]},\"storeid\":null,", 1);
    let escaped = json.replace("QR code", "QR\\u0020code").replace("BUSI_ID", "\\u0042USI_ID");
    for body in [
        json,
        xml,
        wrapped,
        spaced,
        single_quoted,
        loose,
        cdata,
        bare,
        attributes,
        alias,
        any_child,
        repeated,
        one_bare,
        duplicate,
        numbers,
        unknown,
        escaped,
    ] {
        let got = collect("preOrder", &body).unwrap_or_else(|refusal| panic!("{refusal}: {body}"));
        assert_eq!(got.number, CODE, "{body}");
        assert_eq!(got.amount, cny(15_800), "{body}");
        assert_eq!(got.subject, "QR code to pay", "{body}");
        assert_eq!(got.method, MethodChoice::ByPayerCode, "{body}");
        assert_eq!(got.flow, Flow::PayerCode, "{body}");
        assert_eq!(got.payer_code.as_deref(), Some("284214903060794755"), "{body}");
        assert_eq!(got.expires_in, Span::from_secs(80), "{body}");
        assert_eq!(got.terminal.operator, "oper01", "{body}");
        assert_eq!(got.terminal.device, "dev01", "{body}");
        assert_eq!(got.terminal.store.as_deref(), Some("02016"), "{body}");
        assert_eq!(
            got.notify_url.as_deref(),
            Some("https://shop.example.test/n?_type=json&encrypt=3DES"),
            "{body}"
        );
        assert_eq!(
            got.details.as_deref(),
            Some(
                r#"{"m":"01000001","d":1,"g":[{"i":"2010","n":"IPhone","c":"Mobile phone","p":"4999.00","s":"Digital products","q":"1","u":"www.sssyin.cn"}]}"#
            ),
            "{body}"
        );
    }
}

#[test]
fn an_official_account_order_in_both_formats() {
    for body in [golden("order.jsapi.request.json"), golden("order.jsapi.request.xml")] {
        let got = collect("order", &body).unwrap();
        assert_eq!(got.method, MethodChoice::Named(Method::WECHAT));
        assert_eq!(got.flow, Flow::InWallet);
        assert_eq!(got.expires_in, Span::from_mins(30));
        assert_eq!(got.notify_url, None, "the text null means none");
        assert_eq!(
            got.details.as_deref(),
            Some(r#"{"m":"01000001","a":"wx8888888888888888","o":"oUpF8uMuAJO_M2pxb1Q9zNjWeS6o"}"#)
        );
    }
}

#[derive(Debug, PartialEq)]
pub(crate) enum Verdict {
    Ok,
    Parameter,
    Amount,
    Contract,
}

pub(crate) fn verdict(result: Result<(), Refusal>) -> Verdict {
    match result {
        Ok(()) => Verdict::Ok,
        Err(Refusal::Field { .. } | Refusal::Unreadable { .. }) => Verdict::Parameter,
        Err(Refusal::Amount { .. }) => Verdict::Amount,
        Err(Refusal::MethodNotEnabled) => Verdict::Contract,
        Err(other) => panic!("{other:?}"),
    }
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

#[test]
fn fields_of_payments() {
    use Verdict::{Amount, Contract, Ok as Fine, Parameter};
    let pre = golden("preOrder.request.json");
    let order = golden("order.request.json");
    let long = |count: usize| quoted(&"x".repeat(count));
    let wide = |count: usize| quoted(&"茶".repeat(count));
    let url = |count: usize| quoted(&format!("http://a/{}", "x".repeat(count - 9)));
    let rows: Vec<(&'static str, &str, Option<String>, Verdict)> = vec![
        ("preOrder", "OPER_ID", None, Parameter),
        ("preOrder", "DEV_ID", Some("null".into()), Parameter),
        ("preOrder", "AMT", Some("\"\"".into()), Parameter),
        ("preOrder", "CHARGE_CODE", None, Parameter),
        ("preOrder", "PAY_SUBJECT", None, Parameter),
        ("preOrder", "DYNAMIC_ID", None, Parameter),
        ("preOrder", "AMT", Some("158.0".into()), Fine),
        ("preOrder", "AMT", Some("1E2".into()), Fine),
        ("preOrder", "AMT", Some("0".into()), Amount),
        ("preOrder", "AMT", Some("true".into()), Amount),
        ("preOrder", "AMT", Some("[1]".into()), Parameter),
        ("preOrder", "AMT", Some("{}".into()), Parameter),
        ("preOrder", "DYNAMIC_ID", Some("284214903060794755".into()), Fine),
        ("preOrder", "DYNAMIC_ID", Some(quoted("2842149030")), Fine),
        ("preOrder", "DYNAMIC_ID", Some(quoted("284214903")), Parameter),
        ("preOrder", "DYNAMIC_ID", Some(quoted(&"2".repeat(32))), Fine),
        ("preOrder", "DYNAMIC_ID", Some(quoted(&"2".repeat(33))), Parameter),
        ("preOrder", "DYNAMIC_ID", Some(quoted("28421490306079475x")), Parameter),
        ("preOrder", "DYNAMIC_ID", Some(quoted("６８421490306079475")), Parameter),
        ("preOrder", "CHANNEL_TYPE", Some("0".into()), Fine),
        ("preOrder", "CHANNEL_TYPE", Some("2".into()), Fine),
        ("preOrder", "CHANNEL_TYPE", Some("4".into()), Contract),
        ("preOrder", "CHANNEL_TYPE", Some("17".into()), Parameter),
        ("preOrder", "CHANNEL_TYPE", Some("1.0".into()), Parameter),
        ("preOrder", "CHANNEL_TYPE", Some("-1".into()), Parameter),
        ("preOrder", "DYNAMIC_ID_TYPE", Some(quoted("x")), Parameter),
        ("order", "DYNAMIC_ID_TYPE", Some(quoted("x")), Fine),
        ("order", "CHANNEL_TYPE", Some("0".into()), Parameter),
        ("order", "CHANNEL_TYPE", None, Parameter),
        ("order", "CHANNEL_TYPE", Some(quoted("x")), Parameter),
        ("order", "CHANNEL_TYPE", Some("99".into()), Parameter),
        ("order", "CHANNEL_TYPE", Some("99999999999".into()), Parameter),
        ("order", "CHANNEL_TYPE", Some("32".into()), Contract),
        ("order", "CHANNEL_TYPE", Some("34".into()), Contract),
        ("order", "CHANNEL_TYPE", Some("31".into()), Fine),
        ("order", "TIME_EXPIRE", Some("1".into()), Fine),
        ("order", "TIME_EXPIRE", Some("1440".into()), Fine),
        ("order", "TIME_EXPIRE", Some("0".into()), Parameter),
        ("order", "TIME_EXPIRE", Some("1441".into()), Parameter),
        ("order", "TRADE_TYPE", Some(quoted("NATIVE")), Fine),
        ("order", "TRADE_TYPE", Some("null".into()), Fine),
        ("order", "TRADE_TYPE", Some(quoted("MICROPAY")), Parameter),
        ("order", "TRADE_TYPE", Some(quoted("APP")), Parameter),
        ("order", "TRADE_TYPE", Some(quoted("JSAPI")), Parameter),
        ("order", "OPER_ID", Some(long(64)), Fine),
        ("order", "OPER_ID", Some(wide(64)), Fine),
        ("order", "OPER_ID", Some(long(65)), Parameter),
        ("order", "CHARGE_CODE", Some(wide(65)), Parameter),
        ("order", "CHARGE_CODE", Some(quoted("a\\u0000b")), Parameter),
        ("order", "CHARGE_CODE", Some(quoted("a\\tb")), Parameter),
        ("order", "CHARGE_CODE", Some(quoted("q?x=1&y# /茶%20")), Fine),
        ("order", "PAY_SUBJECT", Some(wide(256)), Fine),
        ("order", "PAY_SUBJECT", Some(wide(257)), Parameter),
        ("order", "PAY_SUBJECT", Some(quoted("two\\nlines")), Fine),
        ("order", "PAY_SUBJECT", Some(quoted("bell\\u0007")), Parameter),
        ("order", "MERCHANTPARA", Some(long(1024)), Fine),
        ("order", "MERCHANTPARA", Some(long(1025)), Parameter),
        ("order", "REGISTER_ID", Some(long(65)), Parameter),
        ("order", "subAppid", Some(long(65)), Parameter),
        ("order", "NODIFY_URL", Some(url(512)), Fine),
        ("order", "NODIFY_URL", Some(url(513)), Parameter),
        ("order", "NODIFY_URL", Some(quoted("null")), Fine),
        ("order", "NODIFY_URL", Some("null".into()), Fine),
        ("order", "NODIFY_URL", Some(quoted("ftp://a/")), Parameter),
        ("order", "NODIFY_URL", Some(quoted("/n")), Parameter),
        ("order", "NODIFY_URL", Some(quoted("http://a/n?_type=yaml")), Parameter),
        ("order", "NODIFY_URL", Some(quoted("http://a/n?encrypt=AES")), Parameter),
        ("order", "GOODS_DETAIL", Some("null".into()), Fine),
        ("order", "GOODS_DETAIL", Some("[]".into()), Fine),
        ("order", "GOODS_DETAIL", Some("[1]".into()), Parameter),
        ("order", "GOODS_DETAIL", Some("7".into()), Parameter),
        ("order", "GOODS_DETAIL", Some("[{}]".into()), Parameter),
        ("order", "GOODS_DETAIL", Some(goods("1", "4999.00")), Fine),
        ("order", "GOODS_DETAIL", Some(goods("1", "0")), Fine),
        ("order", "GOODS_DETAIL", Some(goods("0", "1")), Parameter),
        ("order", "GOODS_DETAIL", Some(goods("1.5", "1")), Parameter),
        ("order", "GOODS_DETAIL", Some(goods("1", "1.001")), Amount),
        ("order", "GOODS_DETAIL", Some(goods("1", "-1")), Amount),
    ];
    for (operation, name, value, expected) in rows {
        let body = changed(if operation == "order" { &order } else { &pre }, name, value.as_deref());
        let got = verdict(collect(operation, &body).map(drop));
        assert_eq!(got, expected, "{operation} {name} {value:?}");
    }
}

fn goods(quantity: &str, price: &str) -> String {
    format!(
        r#"[{{"GOOD_ID":"1","GOOD_NAME":"a","GOOD_CLASS":"b","GOOD_PRICE":"{price}","GOOD_SUBJECT":"c","GOOD_QUANTITY":"{quantity}"}}]"#
    )
}

#[test]
fn wallet_bridges_need_their_channel() {
    let jsapi = golden("order.jsapi.request.json");
    for (name, value, expected) in [
        ("TRADE_TYPE", Some("\"APP\""), Verdict::Ok),
        ("TRADE_TYPE", Some("\"JSAPI\""), Verdict::Ok),
        ("CHANNEL_TYPE", Some("\"1\""), Verdict::Parameter),
        ("subOpenid", None, Verdict::Parameter),
        ("subOpenid", Some("\"\""), Verdict::Parameter),
        ("subAppid", None, Verdict::Ok),
    ] {
        let got = verdict(collect("order", &changed(&jsapi, name, value)).map(drop));
        assert_eq!(got, expected, "{name} {value:?}");
    }
}

#[test]
fn merchant_para_comes_back_byte_for_byte() {
    for json in [
        r#""MDEwMDAwMDE=/+x""#,
        r#"" lead and trail ""#,
        r#""a&b<c>\"d'""#,
        "\"茶　叶\"",
        r#""{\"a\":1}""#,
        "\"null\"",
        r#""\r\n\t""#,
    ] {
        let body = changed(&golden("order.request.json"), "MERCHANTPARA", Some(json));
        let details = collect("order", &body).unwrap().details.unwrap();
        assert_eq!(details, format!("{{\"m\":{json}}}"));
    }
    let xml = golden("order.jsapi.request.xml").replace("01000001<", "\r\n a &amp;&#13;<![CDATA[<b>]]>\t<");
    let details = collect("order", &xml).unwrap().details.unwrap();
    assert!(details.starts_with(r#"{"m":"\r\n a &\r<b>\t","#), "{details}");
}

#[test]
fn bodies_that_are_no_message() {
    let shop = Shop::new();
    let deep = format!("{{\"BUSI_ID\":\"{BUSI_ID}\",\"a\":{}1{}}}", "[".repeat(16), "]".repeat(16));
    let many = format!("{{\"BUSI_ID\":\"{BUSI_ID}\",\"a\":[{}1]}}", "1,".repeat(4096));
    for body in [
        "",
        " ",
        "x",
        "[]",
        "\"a\"",
        "{",
        "{}x",
        "{\"a\":01}",
        "{'a':1}",
        "{\"a\":1,}",
        "{\"a\":\"\u{1}\"}",
        "<",
        "<a>",
        "<a></b>",
        "<a/><b/>",
        "<ORDER_REQ>x</ORDER_REQ>",
        "<ORDER_REQ>x<BUSI_ID>1</BUSI_ID></ORDER_REQ>",
        "<ORDER_REQ>&nbsp;</ORDER_REQ>",
        "<REFUND_REQ><BUSI_ID>0010000001</BUSI_ID></REFUND_REQ>",
        "<ORDER_REQ><BUSI_ID>0010000001</BUSI_ID></ORDER_REQ>x",
        &deep,
        &many,
    ] {
        let query = format!("sign={}&busiCode={BUSI_ID}", shop.sign(body));
        let got = shop.open("order", &post("order", &query, body));
        assert!(matches!(got, Err(Refusal::Unreadable { .. })), "{body:.60}: {got:?}");
    }
}

#[test]
fn refunds() {
    let shop = Shop::new();
    let golden_json = golden("refund.request.json");
    for body in [golden_json.clone(), golden("refund.request.xml")] {
        let Ok(Call::Refund(got)) = shop.open("refund", &shop.post("refund", &body)) else {
            panic!("{body}")
        };
        assert_eq!(got.order, OrderRef::Number(CODE.to_owned()));
        assert_eq!(got.number.as_deref(), Some("R20160805000001"));
        assert_eq!(got.amount, cny(5_800));
        assert_eq!(got.subject, "Merchant refunds");
        assert_eq!(got.operator, "oper01");
    }
    let by_serial = |serial: &str| {
        let body = changed(&golden_json, "CHARGE_DOWN_CODE", Some(&quoted(serial)));
        match shop.open("refund", &shop.post("refund", &body))? {
            Call::Refund(refund) => Ok(refund.order),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        by_serial("20160805336001230000"),
        Ok(OrderRef::Id(OrderId::from_i64(14_703_600_001_230_000)))
    );
    for unknown in ["1435736619488", "20160805999999999999", "x"] {
        assert_eq!(by_serial(unknown), Err(Refusal::OrderNotFound), "{unknown}");
    }
    let code = |name: &str, value: Option<&str>| {
        shop.code("refund", &shop.post("refund", &changed(&golden_json, name, value)))
    };
    for name in ["BUSI_ID", "OPER_ID", "DEV_ID", "CHARGE_REFUND_FEE", "REFUND_SUBJECT", "CHARGE_CODE"] {
        let without = changed(&golden_json, name, None);
        let query = format!("sign={}&_type=json&busiCode={BUSI_ID}", shop.sign(&without));
        assert_eq!(shop.code("refund", &post("refund", &query, &without)), "ILLEGAL_PARAMETER", "{name}");
    }
    assert_eq!(code("CHARGE_REFUND_FEE", Some("\"0.001\"")), "AMT_ERROR");
    assert_eq!(code("OUT_REFUND_NO", None), "DATABASE_ERROR", "the number is optional");
    assert_eq!(code("OUT_REFUND_NO", Some("\"a\\nb\"")), "ILLEGAL_PARAMETER");
    assert_eq!(code("NODIFY_URL", Some("\"null\"")), "DATABASE_ERROR");
}

#[test]
fn numbers_are_bound_to_their_content() {
    let body = golden("order.request.json");
    let one = collect("order", &body).unwrap().fingerprint;
    assert_eq!(collect("order", &body).unwrap().fingerprint, one);
    assert_ne!(collect("order", &changed(&body, "AMT", Some("\"0.02\""))).unwrap().fingerprint, one);
}

#[test]
fn queries() {
    let shop = Shop::new();
    let id = OrderId::from_i64(14_703_600_001_230_000);
    let by = |code: &str, parameters: &str| shop.open("query", &shop.get("query", code, parameters));
    let found = |by| Ok(Call::FindOrder(FindOrder { by }));
    for parameters in ["", "&serType=", "&serType=0", "&SERTYPE=0", "&biz_content=x&y=z"] {
        assert_eq!(
            by("a b/茶", parameters),
            found(LookUp::OrderElseRefund("a b/茶".to_owned())),
            "{parameters}"
        );
    }
    assert_eq!(by("20160805336001230000", "&serType=1"), found(LookUp::Order(OrderRef::Id(id))));
    assert_eq!(by("T1", "&serType=1"), Err(Refusal::OrderNotFound));
    assert_eq!(by("R1", "&serType=2"), found(LookUp::Refund("R1".to_owned())));
    assert!(matches!(by("T1", "&serType=3"), Err(Refusal::Field { .. })));
    assert!(matches!(by(&"x".repeat(65), ""), Err(Refusal::Field { .. })));
}

#[test]
fn revocations() {
    let shop = Shop::new();
    for (parameters, mode) in [
        ("", RevokeMode::Now),
        ("&opType=", RevokeMode::Now),
        ("&opType=aco", RevokeMode::Now),
        ("&opType=ACO2", RevokeMode::Now),
        ("&opType=ACO", RevokeMode::Application),
        ("&OPTYPE=ACO", RevokeMode::Application),
    ] {
        let got = shop.open("cancelTrade", &shop.get("cancelTrade", CODE, parameters));
        let order = OrderRef::Number(CODE.to_owned());
        assert_eq!(got, Ok(Call::Revoke(Revoke { order, mode })), "{parameters}");
    }
}

/// The same parameters in a form: of both, the form's count.
#[test]
fn forms_stand_for_queries() {
    let shop = Shop::new();
    for operation in ["query", "cancelTrade", "payChannel", "queryTrades"] {
        let get = shop.get(operation, CODE, "&opType=ACO&serType=2&pageNum=1&pageSize=10&userId=a+b");
        let mut form = get.clone();
        form.method = Http::Post;
        form.query = String::new();
        form.body = get.query.clone().into();
        let expected = shop.open(operation, &get);
        assert!(expected.is_ok(), "{operation}");
        assert_eq!(shop.open(operation, &form), expected, "{operation}");
        form.query = "sign=wrong&_type=wrong&encrypt=wrong".to_owned();
        form.body = format!("{}&encrypt=", get.query).into();
        assert_eq!(shop.open(operation, &form), expected, "{operation}");
    }
}

#[test]
fn logins() {
    let shop = Shop::new();
    let expected = |busi: Option<&str>| {
        let (login, password) = ("cashier01".to_owned(), "a b&c".to_owned());
        Ok(Call::SignIn(Login { key_id: busi.map(str::to_owned), login, password, device: None }))
    };
    let mut get = post("auth", "username=cashier01&password=a%20b%26c&busiCode=0010000001&_type=yaml", "");
    get.method = Http::Get;
    assert_eq!(shop.open("auth", &get), expected(Some(BUSI_ID)));
    let form = post("auth", "", "username=cashier01&password=a+b%26c");
    assert_eq!(shop.open("auth", &form), expected(None));
    let json = post("auth", "", r#" {"username":"cashier01","password":"a b&c","busiCode":"0010000001"}"#);
    assert_eq!(shop.open("auth", &json), expected(Some(BUSI_ID)));
    for (query, body) in [
        ("", ""),
        ("username=a", ""),
        ("password=a", ""),
        ("", "{\"username\":\"a\"}"),
        ("", "{\"username\":[],\"password\":\"secret\"}"),
        ("", "{"),
        ("username=%zz&password=secret", ""),
        ("username=a%07&password=secret", ""),
    ] {
        let refused = shop.open("auth", &post("auth", query, body)).unwrap_err();
        assert!(!refused.to_string().contains("secret"), "{refused}");
    }
}
