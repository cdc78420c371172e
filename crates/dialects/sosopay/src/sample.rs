//! Signed requests as a partner would send them, most of them made from the golden messages.

use bytes::Bytes;
use tradewind_dialect::codec::date;
use tradewind_dialect::{Credentials, Method, RawRequest};
use tradewind_domain::Timestamp;

use crate::operation::{BUSI_ID, CHARGE_CODE, Operation, PREFIX};
use crate::prepared::Prepared;
use crate::sandbox;
use crate::sign::sign;

/// The merchant in the golden messages.
const GOLDEN_BUSI_ID: &str = "0010000001";
/// What the numbers of orders and refunds in the golden messages end in.
const GOLDEN_NUMBER: &str = "20160805000001";

/// A request of this operation at `now`. Its order is named after the instant, so that another sample
/// a moment later is another order.
pub(crate) fn sample(operation: Operation, credentials: &Credentials, now: Timestamp) -> Option<RawRequest> {
    let prepared = Prepared::of(credentials);
    let busi_id = prepared.busi_id.as_str();
    let number = now.ms().to_string();
    let code = format!("T{number}");
    let key = &prepared.keys.first()?.secret;
    let get = |path: String, params: &[(&str, &str)], plain: &str, more: &str| {
        // The published client encodes the colon of a signature in GET requests only.
        let sign = sign(key, &[plain.as_bytes()], now).replace(':', "%3A");
        Some(request(Method::Get, path, params, format!("sign={sign}&_type=json{more}"), Bytes::new()))
    };
    let post_to = |path: &str, body: &str| {
        let query = format!("sign={}&_type=json&busiCode={busi_id}", sign(key, &[body.as_bytes()], now));
        let body = Bytes::from(body.to_owned());
        let mut posted = request(Method::Post, path.to_owned(), &[], query, body);
        posted.headers.push(("content-type".to_owned(), "application/json;charset=UTF-8".to_owned()));
        Some(posted)
    };
    let post = |golden: &str| {
        let body = golden.trim_end().replace(GOLDEN_BUSI_ID, busi_id).replace(GOLDEN_NUMBER, &number);
        post_to(operation.name(), &body)
    };
    match operation {
        Operation::PreOrder => post(include_str!("../golden/preOrder.request.json")),
        Operation::Order => post(include_str!("../golden/order.request.json")),
        Operation::Refund => post(include_str!("../golden/refund.request.json")),
        Operation::Query => {
            get(format!("query/{code}/{busi_id}"), &[(CHARGE_CODE, &code), (BUSI_ID, busi_id)], &code, "")
        }
        Operation::CancelTrade => get(
            format!("cancelTrade/{code}/{busi_id}"),
            &[(CHARGE_CODE, &code), (BUSI_ID, busi_id)],
            &format!("chargeCode={code}&busiCode={busi_id}"),
            "",
        ),
        Operation::QueryTrades => {
            get("queryTrades".to_owned(), &[], "", &format!("&busiCode={busi_id}&pageNum=1&pageSize=10"))
        }
        Operation::PayChannel => {
            get(format!("payChannel/{busi_id}"), &[(BUSI_ID, busi_id)], &format!("busiCode={busi_id}"), "")
        }
        Operation::VerifyGet => post_to(
            "verify/get",
            &format!(
                r#"{{"busiCode":"{busi_id}","tradeCode":"{code}","goodsName":"Day ticket","goodsCode":"2010","goodsCount":"1","totalVerifyNumber":"1"}}"#
            ),
        ),
        Operation::VerifyQuery => {
            post_to("verify/query", &format!(r#"{{"busiCode":"{busi_id}","tradeCode":"{code}"}}"#))
        }
        Operation::VerifyCheck => post_to(
            "verify/check",
            r#"{"verifyCode":"0000000000000000","deviceCode":"dev01","immedyConfirm":"false"}"#,
        ),
        Operation::VerifyCancel => post_to(
            "verify/cancel",
            &format!(r#"{{"busiCode":"{busi_id}","tradeCode":"{code}","verifyCode":"0000000000000000"}}"#),
        ),
        Operation::VerifyResults => {
            let today = date::datetime_gmt8(now);
            post_to(
                "verify/queryResults",
                &format!(
                    r#"{{"busiCode":"{busi_id}","deviceCode":"dev01","beginVerDate":"{today}","endVerDate":"{today}","pageNo":"1","pageSize":"10"}}"#
                ),
            )
        }
        Operation::Auth | Operation::Login => {
            let user = sandbox::partners().iter().flat_map(|partner| partner.users).next()?;
            let form = format!("username={}&password={}&busiCode={busi_id}", user.login, user.password);
            let path = operation.name().to_owned();
            let mut posted = request(Method::Post, path, &[], String::new(), Bytes::from(form));
            let form_type = "application/x-www-form-urlencoded".to_owned();
            posted.headers.push(("content-type".to_owned(), form_type));
            Some(posted)
        }
    }
}

fn request(method: Method, path: String, params: &[(&str, &str)], query: String, body: Bytes) -> RawRequest {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    RawRequest {
        method,
        path: format!("{PREFIX}{path}"),
        params: params.iter().map(owned).collect(),
        query,
        headers: Vec::new(),
        body,
    }
}
