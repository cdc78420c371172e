//! Answers as platforms have been seen to write them (sections 2, 4.2, 5 and 9), and answers that are
//! not to be believed.

use tradewind_sdk::bytes::Bytes;
use tradewind_sdk::http::{Response, StatusCode};
use tradewind_sdk::sosopay::{
    BatchQueryRequest, Client, Config, Encryption, FundBill, Goods, Lookup, Revocation, State, code,
};
use tradewind_sdk::{Secret, Timestamp};
use tradewind_sosopay::{encrypt, sign};

use crate::support::{
    Told, VECTORS_AT, Verdict, cents, client_at_vectors, config, official, pay, precreate, refund, verdict,
};

fn told(body: &str) -> Client {
    client_at_vectors(config("http://pay.example"), Told::body(body))
}

#[tokio::test]
async fn payments() {
    let check = async |body: &str| {
        let paid = told(body).pay(&pay("T1", "284214903060790000")).await.unwrap();
        assert_eq!((paid.amount, paid.channel_type), (Some(cents(15_800)), Some(1)));
        assert_eq!(paid.charge_down_code.as_deref(), Some("1435736619488"));
        assert_eq!(paid.fund_bills, [FundBill { amount: cents(15_800), channel: "00".into() }]);
        assert_eq!(paid.begin_time, Some(Timestamp::from_ms(1_444_768_994_000)));
        assert_eq!(paid.raw(), body);
    };
    check(r#"{"ORDER_RESP":{"RESULT":{"CODE":"SUCESS","INFO":"ok"},"CHANNEL_TYPE":1,"CHARGE_CODE":"T1","CHARGE_DOWN_CODE":"1435736619488","FUND_BILL_LIST":{"TRADEFUNDBILL":[{"AMOUNT":"158.00","FUND_CHANNEL":"00"}]},"BEGIN_TIME":"2015-10-14 04:43:14","AMT":15800}}"#).await;
    // One-element lists collapse, numbers are strings, the wrapping member may be missing.
    check(r#"{"RESULT":{"CODE":"SUCCESS"},"CHANNEL_TYPE":"1","CHARGE_DOWN_CODE":1435736619488,"FUND_BILL_LIST":{"AMOUNT":158,"FUND_CHANNEL":"00"},"BEGIN_TIME":"2015-10-14 04:43:14","AMT":"15800"}"#).await;
    check("<ORDER_RESP><RESULT><CODE>SUCCESS</CODE></RESULT><CHANNEL_TYPE>1</CHANNEL_TYPE><CHARGE_CODE>T1</CHARGE_CODE><CHARGE_DOWN_CODE>1435736619488</CHARGE_DOWN_CODE><FUND_BILL_LIST><TRADEFUNDBILL><AMOUNT>158.0</AMOUNT><FUND_CHANNEL>00</FUND_CHANNEL></TRADEFUNDBILL></FUND_BILL_LIST><BEGIN_TIME>2015-10-14 04:43:14</BEGIN_TIME><AMT>15800</AMT></ORDER_RESP>").await;
}

#[tokio::test]
async fn orders_to_be_paid() {
    let created = told(
        r#"{"ORDER_RESP":{"RESULT":{"CODE":"SUCCESS","INFO":""},"CHARGE_CODE":"T1","BAR_CODE":"https:\/\/qr.example\/1"}}"#,
    );
    let created = created.precreate(&precreate("T1")).await.unwrap();
    assert_eq!(created.bar_code, "https://qr.example/1");

    let bridge = told(
        r#"{"ORDER_RESP":{"RESULT":{"CODE":"SUCCESS"},"CHARGE_CODE":"T1","CHARGE_THIRD_CODE":"","appId":"wx8888888888888888","timeStamp":"1470360000","nonceStr":"n","packageData":"prepay_id=1","signType":"MD5","sign":"C380"}}"#,
    );
    let bridge = bridge.official_account(&official("T1")).await.unwrap().into_inner();
    assert_eq!((bridge.charge_third_code, bridge.bar_code), (None, None));
    let bridge = bridge.bridge.unwrap();
    assert_eq!((bridge.package.as_str(), bridge.pay_sign.as_str()), ("prepay_id=1", "C380"));

    // A success without anything to pay with is none that can be relied on.
    for result in [
        told(r#"{"ORDER_RESP":{"RESULT":{"CODE":"SUCCESS"}}}"#).precreate(&precreate("T1")).await.map(drop),
        told(r#"{"ORDER_RESP":{"RESULT":{"CODE":"SUCCESS"}}}"#)
            .official_account(&official("T1"))
            .await
            .map(drop),
    ] {
        assert_eq!(verdict(&result.unwrap_err()), Verdict::Unknown);
    }
}

#[tokio::test]
async fn queries() {
    let json = r#"{"QUERY_RESP":{"RESULT":{"CODE":"SUCCESS"},"BUSI_ID":"0010000001","AMT":15800,"CHANNEL_TYPE":1,"CHARGE_CODE":"T1","STATE":4,"GOODS_DETAIL":[{"GOOD_ID":"1","GOOD_NAME":"n","GOOD_CLASS":"c","GOOD_PRICE":"0.50","GOOD_SUBJECT":"s","GOOD_QUANTITY":"2"}],"FUND_BILL_LIST":{"TRADEFUNDBILL":[]},"END_TIME":"yesterday"}}"#;
    let xml = "<QUERY_RESP><RESULT><CODE>SUCCESS</CODE></RESULT><BUSI_ID>0010000001</BUSI_ID><AMT>15800</AMT><CHANNEL_TYPE>1</CHANNEL_TYPE><CHARGE_CODE>T1</CHARGE_CODE><STATE>4</STATE><GOODS_DETAIL><GOODS_INFO><GOOD_ID>1</GOOD_ID><GOOD_NAME>n</GOOD_NAME><GOOD_CLASS>c</GOOD_CLASS><GOOD_PRICE>0.5</GOOD_PRICE><GOOD_SUBJECT>s</GOOD_SUBJECT><GOOD_QUANTITY>2</GOOD_QUANTITY></GOODS_INFO></GOODS_DETAIL><FUND_BILL_LIST></FUND_BILL_LIST></QUERY_RESP>";
    for body in [json, xml] {
        let found = told(body).query(&Lookup::charge_code("T1")).await.unwrap();
        assert_eq!((found.state, found.amount), (State::PartlyRefunded, cents(15_800)));
        assert!(found.fund_bills.is_empty() && found.end_time.is_none());
        let price = Some(cents(50));
        let goods = Goods {
            id: "1".into(),
            name: "n".into(),
            class: "c".into(),
            price,
            subject: "s".into(),
            quantity: 2,
            show_url: None,
        };
        assert_eq!(found.goods, [goods]);
    }
    let refund = r#"{"QUERY_RESP":{"RESULT":{"CODE":"SUCCESS"},"AMT":100,"CHARGE_CODE":"T1","STATE":13}}"#;
    for lookup in [Lookup::refund_no("R1"), Lookup::charge_code("R1")] {
        assert_eq!(told(refund).query(&lookup).await.unwrap().state, State::RefundRefused);
    }
    let numbers = (0..16).map(State::of_number);
    assert!(numbers.enumerate().all(|(number, state)| state.number() as usize == number));
    assert_eq!(State::of_number(7), State::Other(7));
}

#[tokio::test]
async fn revocations() {
    let check = async |code: &str, expected: Option<bool>| {
        let body = format!(r#"{{"CANCELTRADE_RESP":{{"RESULT":{{"CODE":"{code}","INFO":"i"}}}}}}"#);
        let result = told(&body).cancel("T1", Revocation::RealTime).await;
        assert_eq!(result.ok().map(|cancelled| cancelled.was_revoked_already), expected, "{code}");
    };
    check("SUCCESS", Some(false)).await;
    check("SUCESS", Some(false)).await;
    check("AREADY_REVOKED", Some(true)).await;
    check("ALREADY_REVOKED", Some(true)).await;
    check("FAIL", None).await;

    // For anybody else it is a refusal, in one spelling.
    let body = r#"{"REFUND_RESP":{"RESULT":{"CODE":"ALREADY_REVOKED","INFO":"too late"}}}"#;
    let error = told(body).refund(&refund("T1", "R1", cents(1))).await.unwrap_err();
    assert_eq!((error.code(), error.info()), (Some(code::AREADY_REVOKED), Some("too late")));
    assert_eq!((verdict(&error), error.raw()), (Verdict::Rejected, Some(body)));
}

#[tokio::test]
async fn pages_and_channels() {
    let row = r#"{"CHARGE_CODE":"T1","STATE":1,"AMT":15800,"CODE_SCAN_TYPE":2}"#;
    let check = async |trades: &str, expected: usize| {
        let body = format!(
            r#"{{"ServiceResult":{{"RESULT":{{"CODE":"SUCCESS"}},"chargesSize":{expected}{trades}}}}}"#
        );
        let page = told(&body).batch_query(&BatchQueryRequest::new()).await.unwrap();
        assert_eq!(page.trades.len(), expected, "{body}");
        assert!(page.trades.iter().all(|trade| trade.state == State::Paid && trade.scan_type == Some(2)));
    };
    check("", 0).await;
    check(r#","tradeInfos":[],"charges":[]"#, 0).await;
    check(&format!(r#","tradeInfos":[{row},{row}],"charges":[{row},{row}]"#), 2).await;
    check(&format!(r#","charges":[{row}]"#), 1).await;
    check(&format!(r#","charges":{row}"#), 1).await;
    check(&format!(r#","tradeInfos":{{"tradeInfo":[{row},{row}]}},"totalSize":7"#), 2).await;
    let xml = "<ServiceResult><RESULT><CODE>SUCCESS</CODE></RESULT><chargesSize>2</chargesSize><totalSize>7</totalSize><tradeInfos><tradeInfo><STATE>1</STATE><AMT>1</AMT></tradeInfo><tradeInfo><STATE>2</STATE><AMT>2</AMT></tradeInfo></tradeInfos></ServiceResult>";
    let page = told(xml).batch_query(&BatchQueryRequest::new()).await.unwrap();
    let states: Vec<State> = page.trades.iter().map(|trade| trade.state).collect();
    assert_eq!((states, page.total), (vec![State::Paid, State::Revoked], Some(7)));

    for body in [
        r#"{"PAY_CHANNEL_RESP":{"RESULT":{"CODE":"SUCCESS"},"PAY_CHANNEL_LIST":[{"CHANNEL_TYPE":2,"CHANNEL_NAME":"WeChat Pay","SORT_NO":2},{"CHANNEL_TYPE":"1","CHANNEL_NAME":"Alipay","SORT_NO":1}]}}"#,
        "<PAY_CHANNEL_RESP><RESULT><CODE>SUCCESS</CODE></RESULT><PAY_CHANNEL_LIST><PAY_CHANNEL><CHANNEL_TYPE>2</CHANNEL_TYPE><SORT_NO>2</SORT_NO></PAY_CHANNEL><PAY_CHANNEL><CHANNEL_TYPE>1</CHANNEL_TYPE><SORT_NO>1</SORT_NO></PAY_CHANNEL></PAY_CHANNEL_LIST></PAY_CHANNEL_RESP>",
    ] {
        let channels = told(body).channels().await.unwrap();
        let types: Vec<u32> = channels.iter().map(|channel| channel.channel_type).collect();
        assert_eq!(types, [1, 2]);
    }
}

#[tokio::test]
async fn users() {
    let sign_in = async |body: &str| told(body).auth("manager01", &Secret::new("x")).await;
    for success in ["true", "\"true\"", "\"True\""] {
        for profit in ["profit", "profitrate"] {
            let user = sign_in(&format!(
                r#"{{"success":{success},"message":"","user":{{"loginName":"manager01","userType":"2","loginFlag":"1","company":{{"code":"0010000001","refundAtScene":"0","{profit}":"0.006"}}}}}}"#
            ))
            .await
            .unwrap();
            assert_eq!(user.login_name.as_deref(), Some("manager01"));
            assert_eq!(user.company.as_ref().unwrap().profit.as_deref(), Some("0.006"));
            assert!(user.may_refund_order_of("0010000001") && !user.may_refund_order_of("0010000002"));
        }
    }
    for success in ["false", "\"false\""] {
        let body = format!(r#"{{"success":{success},"message":"Account/password error"}}"#);
        let error = sign_in(&body).await.unwrap_err();
        assert_eq!((verdict(&error), error.info()), (Verdict::Rejected, Some("Account/password error")));
    }
    let error = sign_in(r#"{"RESULT":{"CODE":"SERVICE_UNAVAILABLE","INFO":"busy"}}"#).await.unwrap_err();
    assert_eq!(verdict(&error), Verdict::Retryable);
    // Nobody is signed in by an answer that does not say so.
    for body in
        ["{}", r#"{"success":1,"user":{}}"#, r#"{"success":true}"#, r#"{"RESULT":{"CODE":"SUCCESS"}}"#]
    {
        let error = sign_in(body).await.unwrap_err();
        assert_eq!(verdict(&error), Verdict::Neither, "{body}");
    }
}

const PAID: &str = r#"{"ORDER_RESP":{"RESULT":{"CODE":"SUCCESS"},"CHARGE_CODE":"T1","AMT":15800}}"#;

#[tokio::test]
async fn signatures_and_encryption_of_answers() {
    let key = Secret::new("K7Q2M9X4T1V8B3N6L5R0Z2C7D4F9H1J8");
    let cipher = tradewind_signing::TripleDesKey::from_text(key.expose_str().unwrap());
    let good = sign(&key, &[PAID.as_bytes()], VECTORS_AT);
    let forged = sign(&Secret::new("SHORTKEY0123456"), &[PAID.as_bytes()], VECTORS_AT);
    let encrypted = encrypt(&cipher, PAID);
    let mut spoiled = encrypted.clone();
    spoiled.replace_range(8..9, if spoiled.as_bytes()[8] == b'A' { "B" } else { "A" });

    let check = async |encryption, signed_answers_only, body: &str, header: Option<&str>, believed: bool| {
        let (body, header) = (Bytes::copy_from_slice(body.as_bytes()), header.map(str::to_owned));
        let transport = Told::by(move |_, _| {
            let mut answer = Response::new(body.clone());
            if let Some(header) = &header {
                answer.headers_mut().insert("X-Sosopay-Sign", header.parse().unwrap());
            }
            Ok(answer)
        });
        let config = Config { encryption, signed_answers_only, ..config("http://pay.example") };
        let result = client_at_vectors(config, transport).pay(&pay("T1", "284214903060790000")).await;
        match (result, believed) {
            (Ok(paid), true) => assert_eq!(paid.raw(), PAID),
            // Somebody answered, and what the platform did is not known.
            (Err(error), false) => {
                assert!(error.is_untrusted(), "{error}");
                assert_eq!(verdict(&error), Verdict::Unknown);
            }
            (result, _) => panic!("{result:?}"),
        }
    };
    for (encryption, body) in [(Encryption::None, PAID), (Encryption::TripleDes, &encrypted)] {
        check(encryption, false, body, None, true).await;
        check(encryption, false, body, Some(&good), true).await;
        check(encryption, false, body, Some(&good.to_uppercase()), true).await;
        check(encryption, false, body, Some(&forged), false).await;
        check(encryption, false, body, Some(""), false).await;
        check(encryption, true, body, Some(&good), true).await;
        check(encryption, true, body, None, false).await;
    }
    // Clear text where an encrypted answer was asked for; and what is neither.
    check(Encryption::TripleDes, false, PAID, Some(&good), true).await;
    check(Encryption::TripleDes, false, PAID, None, true).await;
    check(Encryption::TripleDes, false, &spoiled, Some(&good), false).await;
    check(Encryption::TripleDes, false, "aGVsbG8=", None, false).await;
    let changed = PAID.replace("15800", "15801");
    check(Encryption::None, false, &changed, Some(&good), false).await;
}

#[tokio::test]
async fn answers_about_something_else() {
    let other = r#"{"ORDER_RESP":{"RESULT":{"CODE":"SUCCESS"},"CHARGE_CODE":"T2","BAR_CODE":"b","AMT":1}}"#;
    let error = told(other).pay(&pay("T1", "284214903060790000")).await.unwrap_err();
    assert_eq!((verdict(&error), error.raw()), (Verdict::Unknown, Some(other)));
    let error = told(other).precreate(&precreate("T1")).await.unwrap_err();
    assert_eq!(verdict(&error), Verdict::Unknown);
    let other = r#"{"QUERY_RESP":{"RESULT":{"CODE":"SUCCESS"},"CHARGE_CODE":"T2","STATE":1,"AMT":1}}"#;
    let error = told(other).query(&Lookup::charge_code("T1")).await.unwrap_err();
    assert!(error.is_untrusted() && verdict(&error) == Verdict::Neither, "{error}");
}

#[tokio::test]
async fn codes_decide() {
    let check = async |code: &str, changing: Verdict, asking: Verdict| {
        let result = format!(r#""RESULT":{{"CODE":"{code}","INFO":"because"}}"#);
        let error =
            told(&format!(r#"{{"ORDER_RESP":{{{result}}}}}"#)).pay(&pay("T1", "28")).await.unwrap_err();
        assert_eq!((verdict(&error), error.code()), (changing, Some(code)), "{error}");
        let query = told(&format!(r#"{{"QUERY_RESP":{{{result}}}}}"#));
        let error = query.query(&Lookup::charge_code("T1")).await.unwrap_err();
        assert_eq!((verdict(&error), error.info()), (asking, Some("because")), "{error}");
        let who_calls = [code::INVALID_SIGN, code::UNREGISTERED_BUSI].contains(&code);
        assert_eq!(error.is_unauthorized(), who_calls, "{error}");
    };
    for definite in [
        code::FAIL,
        code::ILLEGAL_PARAMETER,
        code::INVALID_SIGN,
        code::AMT_ERROR,
        code::INVALID_CONTRACT,
        code::UNREGISTERED_BUSI,
        code::CHARGE_NONEXISTENT,
        code::AREADY_REVOKED,
        code::SERIAL_REPEAT,
    ] {
        check(definite, Verdict::Rejected, Verdict::Rejected).await;
    }
    for passing in [code::SERVICE_UNAVAILABLE, code::CREATE_SECURITY_CONNECTION_ERROR] {
        check(passing, Verdict::Retryable, Verdict::Retryable).await;
    }
    // The platform failed half-way, or says something that nobody knows.
    for open in [code::DATABASE_ERROR, code::EXCEPTION, code::HTTP_EXCEPTION, code::IO_EXCEPTION, "NEW_CODE"]
    {
        check(open, Verdict::Unknown, Verdict::Retryable).await;
    }
}

#[tokio::test]
async fn answers_that_are_none() {
    let check =
        async |status: u16, header: Option<&str>, body: &'static str, changing: Verdict, asking: Verdict| {
            let retry_after = header.map(str::to_owned);
            let transport = Told::by(move |_, _| {
                let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
                *answer.status_mut() = StatusCode::from_u16(status).unwrap();
                if let Some(value) = &retry_after {
                    answer.headers_mut().insert("Retry-After", value.parse().unwrap());
                }
                Ok(answer)
            });
            let client = client_at_vectors(config("http://pay.example"), transport);
            let error = client.pay(&pay("T1", "28")).await.unwrap_err();
            assert_eq!(verdict(&error), changing, "{status} {body}: {error}");
            let error = client.query(&Lookup::charge_code("T1")).await.unwrap_err();
            assert_eq!(verdict(&error), asking, "{status} {body}: {error}");
            assert_eq!(error.http_status(), (status != 200).then_some(status));
        };
    for garbage in ["", "<html></html>", "{}", "[]", "{\"ORDER_RESP\":{}}", "\u{1}"] {
        check(200, None, garbage, Verdict::Unknown, Verdict::Neither).await;
    }
    check(503, Some("1"), "", Verdict::Retryable, Verdict::Retryable).await;
    check(429, None, "", Verdict::Retryable, Verdict::Retryable).await;
    for open in [500, 502, 503, 504] {
        check(open, None, "", Verdict::Unknown, Verdict::Retryable).await;
    }
    for refused in [302, 400, 404, 405, 413] {
        check(refused, None, "", Verdict::Rejected, Verdict::Rejected).await;
    }
    // The protocol answers with status 200 or not at all.
    check(500, None, PAID, Verdict::Unknown, Verdict::Retryable).await;
}
