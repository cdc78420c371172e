//! The partner's side: requests that the platform opens, answers and notifications as they are read.

use bytes::Bytes;
use tradewind_domain::{Call, EventKind, Outcome, RefundState, Span};
use tradewind_lianhe::client::{
    ACK, Account, Answer, CalendarDay, News, Prices, Product, PurchaseNote, RefundRule, ServicePhone,
    TeamType,
};
use tradewind_lianhe::{Code, target};
use tradewind_signing::Secret;

use crate::notify::{Scene, told};
use crate::support::{API_NAME, Distributor, NOW, SECRET, codes, golden, purchase, redemption, refund};

fn account() -> Account {
    Account { partner_id: 1985, api_name: API_NAME.to_owned(), secrets: vec![Secret::new(SECRET)] }
}

#[test]
fn requests_open() {
    let request = account()
        .request("queryOrder", NOW, |body| {
            body.text("orderId", "D1");
            body.text("LHOrderId", "");
        })
        .unwrap();
    assert_eq!(request.target, "/openapi/index.php?method=queryOrder");
    assert_eq!(&request.body[..], br#"{"partnerId":1985,"body":{"orderId":"D1","LHOrderId":""}}"#);
    assert!(request.headers.contains(&("authorization", "LH demo:RSyQQdPXSMKIiJa2VaaaeEzVYTM=".to_owned())));
    let distributor = Distributor::new();
    let raw = distributor.post("queryOrder", std::str::from_utf8(&request.body).unwrap());
    for (name, value) in &request.headers {
        assert!(*name == "content-type" || raw.header(name) == Some(value), "{name}");
    }
    assert!(matches!(distributor.open("queryOrder", &raw), Ok(Call::FindPurchase(_))));
    let without = Account { secrets: Vec::new(), ..account() };
    assert_eq!(without.sign(target("send"), Bytes::new(), NOW), None);
}

#[test]
fn answers_are_read() {
    let text = golden("queryOrder.partly.response.json");
    let answer = Answer::read(&text).unwrap();
    assert!(answer.is_success());
    assert_eq!((answer.number, answer.code, answer.partner_id), (10_000, Some(Code::Success), Some(1985)));
    let order = answer.order().unwrap();
    assert_eq!(order.order_id.as_deref(), Some("D20160805000001"));
    assert_eq!(order.lh_order_id.as_deref(), Some("14703600001230000"));
    assert_eq!((order.order_status, order.order_quantity, order.used_quantity), (Some(9), Some(2), Some(1)));
    assert_eq!((order.re_quantity, order.re_status, order.voucher_type), (Some(1), Some(3), Some(0)));
    assert_eq!(order.vouchers, codes().map(|code| code.to_string()));

    let refused = golden("creatOrder.refused.response.json");
    let refused = Answer::read(&refused).unwrap();
    assert_eq!((refused.code, refused.is_success()), (Some(Code::OutOfStock), false));
    assert_eq!((refused.describe.as_str(), refused.order().unwrap().order_status), ("out of stock", Some(3)));
    assert_eq!(refused.order().unwrap().lh_order_id, None, "an empty one is none");

    let products = golden("getTeam.response.json");
    let products = Answer::read(&products).unwrap();
    assert_eq!(products.total_size, Some(41));
    assert_eq!(products.order(), Ok(tradewind_lianhe::client::OrderBody::default()), "not of an order");
}

fn prices(market: &str, sell: &str, buy: &str) -> Prices<String> {
    let amount = |text: &str| Some(text.to_owned());
    Prices { market: amount(market), sell: amount(sell), buy: amount(buy) }
}

#[test]
fn products_are_read() {
    let text = golden("getTeam.response.json");
    let read = Answer::read(&text).unwrap().products::<String>().unwrap();
    let [dated, undated] = read.as_slice() else { panic!("{read:?}") };
    let at = |text| tradewind_dialect::codec::date::parse_datetime_gmt8(text);
    let expected = Product {
        deal_id: "20160001".into(),
        supplier_id: Some("77".into()),
        team_type: TeamType::Subscribe,
        name: "大观园成人票".into(),
        pictures: ["1", "2"].map(|name| format!("http://img.example.test/{name}.jpg")).to_vec(),
        sale_from: at("2016-01-01 00:00:00"),
        sale_until: at("2016-12-31 23:59:59"),
        valid_from: at("2016-01-01 00:00:00"),
        valid_until: at("2017-01-01 00:00:00"),
        prices: prices("200", "158.5", "120.05"),
        stock: None,
        book_ahead_days: Some(1),
        usable_after_minutes: Some(30),
        can_refund: Some(true),
        whole_refund_only: Some(false),
        refund_rule: Some(RefundRule::BeforeEnd { minutes: 1_440 }),
        service_phones: vec![ServicePhone { phone: "010-12345678".into(), hours: "09:00-18:00".into() }],
        note: Some(PurchaseNote {
            fee_includes: "成人票一张".into(),
            usage: "凭短信验证码入园".into(),
            refund: "未使用可退".into(),
            notice: "当日有效".into(),
            detail: "\"大观园\" & <红楼梦>\n".into(),
        }),
        order_min: Some(1),
        order_max: Some(5),
        needs_every_visitor: Some(true),
        needs_document: Some(true),
    };
    assert_eq!(*dated, expected);
    let expected = Product {
        deal_id: "20160002".into(),
        team_type: TeamType::Normal,
        sale_from: None,
        sale_until: None,
        valid_from: None,
        valid_until: None,
        stock: Some(58),
        book_ahead_days: Some(0),
        usable_after_minutes: Some(0),
        can_refund: Some(false),
        whole_refund_only: Some(true),
        refund_rule: Some(RefundRule::Never),
        order_min: Some(2),
        order_max: Some(100),
        needs_every_visitor: Some(false),
        needs_document: Some(false),
        ..expected
    };
    assert_eq!(*undated, expected);
    let simple = golden("getTeam.multi.response.json");
    let simple = Answer::read(&simple).unwrap().products::<String>().unwrap();
    assert_eq!(simple, read.into_iter().map(|product| Product { note: None, ..product }).collect::<Vec<_>>());
}

#[test]
fn calendars_and_balances_are_read() {
    let text = golden("getPrice.response.json");
    let read = Answer::read(&text).unwrap().calendar::<String>().unwrap();
    let day = |day: &str, prices, stock| CalendarDay {
        deal_id: Some("20160001".to_owned()),
        day: day.parse().unwrap(),
        prices,
        stock: Some(stock),
    };
    let expected = [
        day("2016-08-06", prices("200", "158.5", "120.05"), 58),
        day("2016-08-08", prices("260", "218", "180"), 0),
    ];
    assert_eq!(read, expected);
    let text = golden("getBalance.response.json");
    assert_eq!(Answer::read(&text).unwrap().balance(), Ok("-12.5".to_owned()));
}

/// What was designed by the specification is left out where somebody writes it in another way, what decides
/// is not guessed.
#[test]
fn catalogues_of_odd_platforms() {
    let body = |body: &str| format!(r#"{{"code":10000,"body":{body}}}"#);
    let odd = body(
        r#"[{"LHDealId":7,"teamType":"combo","sellPrice":"158.50","stock":"3","pics":"x","startTime":"soon",
            "allowday":"some","canRefund":"yes","refundRule":[5],"servicePhone":["1",{"time":"x"},{"phone":1}],
            "purchaseNote":"x","maxBuy":-1},
           {"LHDealId":"8","refundRule":{"type":3},"pics":[1,null,{}],"purchaseNote":{"usage":[]}}]"#,
    );
    let read = Answer::read(&odd).unwrap().products::<String>().unwrap();
    let [seven, eight] = read.as_slice() else { panic!("{read:?}") };
    assert_eq!((seven.deal_id.as_str(), &seven.team_type), ("7", &TeamType::Other("combo".to_owned())));
    assert_eq!((seven.prices.sell.as_deref(), seven.prices.buy.as_deref()), (Some("158.50"), None));
    assert_eq!((seven.stock, seven.pictures.len(), seven.sale_from), (Some(3), 0, None));
    assert_eq!((seven.book_ahead_days, seven.can_refund, seven.refund_rule), (None, None, None));
    assert_eq!(seven.service_phones, [ServicePhone { phone: "1".into(), hours: String::new() }]);
    assert_eq!((&seven.note, seven.order_max), (&None, None));
    assert_eq!((eight.refund_rule, &eight.team_type), (Some(RefundRule::Other(3)), &TeamType::Normal));
    assert_eq!(
        (eight.pictures.as_slice(), &eight.note),
        (["1".to_owned()].as_slice(), &Some(PurchaseNote::default()))
    );

    let problem = |text: &str| {
        let answer = body(text);
        let answer = Answer::read(&answer).unwrap();
        let problems = (answer.products::<u32>().map(drop), answer.calendar::<u32>().map(drop));
        (problems.0.err().unwrap_or_default(), problems.1.err().unwrap_or_default())
    };
    let pair = |products: &str, calendar: &str| (products.to_owned(), calendar.to_owned());
    for nothing in ["[]", "null"] {
        assert_eq!(problem(nothing), pair("", ""), "{nothing}");
    }
    assert_eq!(problem("{}"), pair("body is not a list", "body is not a list"));
    assert_eq!(problem("[1]").0, "body holds something that is no object");
    assert_eq!(problem("[{}]"), pair("LHDealId is missing", "date is missing"));
    let priced = r#"[{"LHDealId":"7","date":"2016-08-06","sellPrice":"dear"}]"#;
    let wrong = "sellPrice: invalid digit found in string";
    assert_eq!(problem(priced), (format!("product 7: {wrong}"), format!("2016-08-06: {wrong}")));
    let day = r#"[{"LHDealId":"7","date":"2016-02-30","stock":"many"}]"#;
    assert_eq!(
        problem(day),
        pair(
            "product 7: stock is not a whole number",
            "date `2016-02-30` is not a day of the form yyyy-MM-dd"
        )
    );
    for (text, expected) in [
        ("{}", "balance is missing"),
        ("[]", "body is not an object"),
        (r#"{"balance":[]}"#, "balance: not a single value"),
    ] {
        let answer = body(text);
        assert_eq!(Answer::read(&answer).unwrap().balance::<String>(), Err(expected.to_owned()), "{text}");
    }
}

/// A page of the most products with the most pictures and numbers to call is read.
#[test]
fn the_longest_page_is_read() {
    let pictures = vec![r#""p""#; tradewind_domain::Product::PICTURES_MAX].join(",");
    let phones = vec![r#"{"phone":"1","time":"2"}"#; tradewind_domain::Product::CONTACTS_MAX].join(",");
    let text = golden("getTeam.response.json");
    let product = text.split_once("\"body\":[").unwrap().1.split_once(",{\"partnerId\"").unwrap().0;
    let product = product
        .replace("\"http://img.example.test/1.jpg\",\"http://img.example.test/2.jpg\"", &pictures)
        .replace(r#"{"phone":"010-12345678","time":"09:00-18:00"}"#, &phones);
    let page = format!(r#"{{"code":10000,"body":[{}]}}"#, vec![product; 100].join(","));
    let read = Answer::read(&page).unwrap().products::<String>().unwrap();
    assert_eq!((read.len(), read[99].pictures.len(), read[99].service_phones.len()), (100, 50, 20));
}

/// Section 9 no. 2 and 7: old codes, and either name of the used quantity.
#[test]
fn answers_of_old_and_odd_platforms() {
    let old =
        r#"{"code":"200","describe":null,"body":{"LHOrderId":12345678901234567890,"usedQuantity":"3"}}"#;
    let answer = Answer::read(old).unwrap();
    assert!(answer.is_success());
    assert_eq!((answer.number, answer.code, answer.describe.as_str()), (200, Some(Code::Success), ""));
    let order = answer.order().unwrap();
    assert_eq!((order.lh_order_id.as_deref(), order.used_quantity), (Some("12345678901234567890"), Some(3)));
    let code = |text: &str| Answer::read(text).unwrap().code;
    assert_eq!(code(r#"{"code":300}"#), Some(Code::Failure));
    assert_eq!(code(r#"{"code":10014}"#), None, "not a success either");
    for bad in ["", "x", "{}", "<a/>", "<a><code>10000</code></a>", r#"{"code":"x"}"#, r#"{"code":[]}"#] {
        assert!(Answer::read(bad).is_err(), "{bad}");
    }
    let odd = Answer::read(r#"{"code":10000,"body":{"orderStatus":"paid"}}"#).unwrap();
    assert_eq!(odd.order().unwrap_err(), "orderStatus is not a whole number");
}

#[test]
fn notifications_are_proven_and_read() {
    let account = account();
    let scenes = [
        Scene::Redeemed(0, redemption()),
        Scene::Reviewed(tradewind_domain::Refund {
            state: RefundState::Succeeded,
            units_so_far: 2,
            ..refund()
        }),
        Scene::Reviewed(tradewind_domain::Refund { state: RefundState::Refused, ..refund() }),
        Scene::Product(EventKind::ProductDelisted),
    ];
    let mut keys = Vec::new();
    for scene in scenes {
        let sent = told(scene).unwrap();
        let headers = sent.headers.clone();
        let header =
            |name: &str| headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str());
        let age_max = Span::from_mins(15);
        assert_eq!(account.verify_notification(header, NOW, age_max), Ok(()));
        assert_eq!(
            account.verify_notification(header, NOW + Span::from_mins(16), age_max),
            Err("date out of range".to_owned())
        );
        let other = Account { partner_id: 1986, ..account.clone() };
        assert_eq!(
            other.verify_notification(header, NOW, age_max),
            Err("it is for another partner".to_owned())
        );
        let other = Account { secrets: vec![Secret::new("another")], ..account.clone() };
        assert_eq!(
            other.verify_notification(header, NOW, age_max),
            Err("the signature does not match".to_owned())
        );
        for name in ["partnerid", "date", "authorization"] {
            let without = |own: &str| header(own).filter(|_| own != name);
            assert!(account.verify_notification(without, NOW, age_max).is_err(), "without {name}");
        }
        let news = News::read(std::str::from_utf8(&sent.body).unwrap()).unwrap();
        keys.push(news.key());
        match news {
            News::Redeemed(order) => {
                assert_eq!(
                    (order.order_status, order.order_quantity, order.used_quantity),
                    (Some(9), Some(3), Some(1))
                );
                assert_eq!(order.used_codes, [codes()[0].to_string()]);
            }
            News::Refunded(order) => {
                assert_eq!((order.quantity, order.re_quantity, order.re_status), (Some(1), Some(2), Some(3)));
                assert_eq!(order.refund_id.as_deref(), Some("R20160805000001"));
            }
            News::Rejected(order, reason) => {
                assert_eq!(
                    (order.order_status, order.re_status, reason.as_str()),
                    (Some(7), Some(4), "执行失败")
                );
            }
            News::ProductChanged { deal_id, change } => {
                assert_eq!((deal_id.as_str(), change), ("20160001", 3))
            }
        }
    }
    let lh = "14703600001230000";
    let expected = [
        Some(format!("snNotify {lh} 1")),
        Some(format!("reNotify {lh} 2/R20160805000001")),
        Some(format!("reNotify {lh} /R20160805000001")),
        None,
    ];
    assert_eq!(keys, expected);
    for bad in [
        r#"{"code":10000}"#,
        r#"{"code":10000,"method":"other"}"#,
        r#"{"code":10000,"method":"teamNotify","body":{}}"#,
        r#"{"code":10000,"method":"teamNotify"}"#,
        r#"{"method":"snNotify"}"#,
    ] {
        assert!(News::read(bad).is_err(), "{bad}");
    }
    let answer = tradewind_dialect::RawResponse {
        status: 200,
        content_type: "",
        headers: Vec::new(),
        body: Bytes::from_static(ACK.as_bytes()),
    };
    use tradewind_dialect::Dialect as _;
    assert_eq!(crate::support::dialect().acknowledged(&answer), tradewind_dialect::Ack::Received);
}

/// What the platform says of itself, a client understands.
#[test]
fn every_answer_is_understood() {
    let outcome = Outcome::Purchase(Box::new(purchase()));
    for operation in ["creatOrder", "payOrder", "newOrder", "queryOrder", "send"] {
        let text = Distributor::new().answer_golden(operation, Ok(&outcome));
        let order = Answer::read(&text).unwrap().order().unwrap();
        assert_eq!(order.vouchers.len(), 3, "{operation}");
    }
}
